#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Random operations over all families, on all CPUs and in softirq, against a
# model; devices come and go with buffers out, pages are referred to and mapped, and
# tracers are switched on and off meanwhile. Some blocks are charged to the group of
# processes that runs it. MODEL_SECONDS has it go on for longer, MODEL_SEED replays.
# vm-smp: 4

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/groups.sh
. "$DIR/lib/groups.sh"

can_trace() {
	grep -qsw function_graph $TRACING/available_tracers && [ -e $TRACING/kprobe_events ]
}

# Each puts itself between a routine and its caller in a way of its own.
trace_once() {
	echo 'ExAllocatePool* ExFreePool* Mm* IoGetDmaAdapter' >$TRACING/set_ftrace_filter &&
		echo function_graph >$TRACING/current_tracer && sleep 0.5 &&
		echo function >$TRACING/current_tracer && sleep 0.5 &&
		echo nop >$TRACING/current_tracer && echo >$TRACING/set_ftrace_filter || return 1
	for _kind in p r; do
		for _routine in ExAllocatePoolWithTag ExFreePoolWithTag MmFreeNonCachedMemory; do
			echo "$_kind:rpt/$_kind$_routine $_routine" >>$TRACING/kprobe_events || return 1
		done
	done
	echo 1 >$TRACING/events/rpt/enable && sleep 0.5 && echo 0 >$TRACING/events/rpt/enable &&
		echo >$TRACING/kprobe_events
}

# In the background, until the file "stop" is there; leaves how often in "traced".
tracers_start() {
	rm -f "$TMP/stop"
	: >"$TMP/traced"
	can_trace || return 0
	while [ ! -e "$TMP/stop" ]; do
		trace_once 2>"$TMP/complaint" || break
		echo >>"$TMP/traced"
	done &
	TRACER=$!
}

tracers_stop() {
	touch "$TMP/stop"
	wait "$TRACER"
	echo "# tracers came and went $(wc -l <"$TMP/traced") times"
	sed 's/^/# /' "$TMP/complaint"
	[ -s "$TMP/traced" ] && [ ! -s "$TMP/complaint" ]
}

# Has a group of its own pay for what is charged.
pay() {
	groups_exist || return 0
	groups_begin && group model && echo $$ >"$GROUP/cgroup.procs"
}

is_paid_back() {
	[ "$(charged)" -le 4 ]
}

# All blocks are freed by now, in whatever context.
paid_back() {
	echo $$ >"$TMP/groups/cgroup.procs" || return 1
	eventually is_paid_back
	_paid=$?
	echo "# charged for $(charged) MB, and for $(($(cat "$GROUP/memory.peak") / MB)) MB at most"
	groups_end && [ $_paid -eq 0 ]
}

# Where checkers make each operation slow, magazines.sh does some as well.
case $(uname -r) in
*-debug) seconds=10 ;;
*) seconds=25 ;;
esac
begin rp_test rp_test_model
load_or_fail rust_pool rp_test
load rp_test_model seconds="${MODEL_SECONDS:-$seconds}" seed="${MODEL_SEED:-0}" ||
	load_or_fail rp_test_model
EXTRA=2
plan_cases model
pay || exit 1
tracers_start
run_cases
if can_trace; then
	check "tracers come and go" tracers_stop
else
	ktap_test_skip "tracers come and go"
fi
if groups_exist; then
	check "what was charged is paid back" paid_back
else
	ktap_test_skip "what was charged is paid back"
fi
ends
