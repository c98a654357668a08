# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Counts the calls of a function by a kprobe; for programs that have sourced lib.sh.
# Kernels without kprobes have no $TRACING/kprobe_events.

can_count_calls() {
	[ -e "$TRACING/kprobe_events" ] && return
	echo "# no kprobes here: ${1:-calls} are not counted"
	return 1
}

# count_calls FUNCTION [vmlinux]: from now on, counts its calls; without a word, it is rust_pool's
count_calls() {
	_function=rust_pool:$1
	[ $# -eq 1 ] || _function=$1
	echo "p:kprobes/rpt_calls $_function" >"$TRACING/kprobe_events" &&
		echo 1 >"$TRACING/events/kprobes/rpt_calls/enable"
}

# calls: prints how many there were
calls() {
	awk '$1 == "rpt_calls" { print $2 }' "$TRACING/kprobe_profile"
}

stop_counting() {
	echo 0 >"$TRACING/events/kprobes/rpt_calls/enable"
	echo >"$TRACING/kprobe_events"
}
