#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Who is named for an allocation or a free: the module and the place, whatever the
# return address says, and whoever else uses the tag. What leaks here leaks until
# the next boot.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/kprobe.sh
. "$DIR/lib/kprobe.sh"
# shellcheck source=selftests/lib/control.sh
. "$DIR/lib/control.sh"

REPORT='rust_pool: DRIVER_VERIFIER_DETECTED_VIOLATION \(0xc4\): 0x62'
WRONG_TAG='rust_pool: BAD_POOL_CALLER \(0xc2\): 0xa, '

# go ACT...: the client does these things and goes
go() {
	log_mark "$*"
	insmod "$(module_file rp_test_callers)" || return 1
	for _act; do
		echo "$_act" >/sys/module/rp_test_callers/parameters/go || return 1
	done
	rmmod rp_test_callers
}

# leaked WHAT COUNT BYTES SITE
leaked() {
	logged "leaked $1: $2 blocks?, $3 bytes, .* at $4"
}

families_named() {
	logged 'left by rp_test_callers: 12 blocks, 44308 bytes, adapters 0' &&
		leaked 'tag Call Nonp' 4 308 'pool_element\+.*\[rp_test_callers\]' &&
		leaked contiguous 4 20000 'contiguous_element\+.*\[rp_test_callers\]' &&
		leaked noncached 4 24000 'noncached_element\+.*\[rp_test_callers\]'
}

jumps() {
	go families && families_named
}

# A routine that is called by a pointer: the first frame that is the client's.
buffers() {
	go buffers || return 1
	logged 'left by rp_test_callers: 4 blocks, 28000 bytes, adapters 1' &&
		leaked 'common buffer' 4 28000 'go_buffers\+.*\[rp_test_callers\]' &&
		logged 'leaked adapter .* got at get_adapter\+.*\[rp_test_callers\]'
}

unseen() {
	go unseen || return 1
	logged 'left by rp_test_callers: 4 blocks' &&
		leaked 'tag Unsn Nonp' 4 352 'go_unseen\+.*\[rp_test_callers\]'
}

free_by_address() {
	go twice || return 1
	logged 'BAD_POOL_CALLER .*twice.*called from go_twice\+.*\[rp_test_callers\]' &&
		not_logged "$REPORT"
}

# Not the copy of the routine that the client has, nor the kernel's function that calls it.
used_by_address() {
	go pointers || return 1
	logged 'BAD_POOL_CALLER .*twice.*called from go_pointers\+.*\[rp_test_callers\]' &&
		leaked 'tag Pntr Nonp' 1 99 'go_pointers\+.*\[rp_test_callers\]'
}

tracing() {
	[ -w "$TRACING/current_tracer" ] ||
		mount -t tracefs none "$TRACING" 2>/dev/null
	[ -w "$TRACING/current_tracer" ]
}

untrace() {
	echo nop >"$TRACING/current_tracer"
	echo >"$TRACING/set_ftrace_filter"
	[ ! -d "$TRACING/events/kprobes" ] || echo 0 >"$TRACING/events/kprobes/enable"
	echo >"$TRACING/kprobe_events"
}

all_acts() {
	[ -z "$EDU" ] || ACTS="families buffers unseen"
	for _act in $ACTS; do
		echo "$_act" >/sys/module/rp_test_callers/parameters/go || return 1
	done
}

# all_named [FUNCTION]: which function is named for a routine that is called by a pointer
all_named() {
	leaked 'tag Call Nonp' 4 308 'pool_element\+.*\[rp_test_callers\]' &&
		leaked contiguous 4 20000 'contiguous_element\+.*\[rp_test_callers\]' &&
		leaked noncached 4 24000 'noncached_element\+.*\[rp_test_callers\]' &&
		leaked 'tag Unsn Nonp' 4 352 'go_unseen\+.*\[rp_test_callers\]' &&
		{ [ -z "$EDU" ] || leaked 'common buffer' 4 28000 \
			"${1:-go_buffers}\\+.*\\[rp_test_callers\\]"; }
}

# traced NAME TRACER | traced NAME - PROBE...: the same while that is traced
traced() {
	_tracer=$2
	shift 2
	log_mark "traced by $_tracer $*"
	insmod "$(module_file rp_test_callers)" || return 1
	_traced=0
	if [ "$_tracer" = - ]; then
		for _probe; do
			echo "$_probe" >>"$TRACING/kprobe_events" || _traced=1
		done
		echo 1 >"$TRACING/events/kprobes/enable" || _traced=1
	else
		for _filter in '*mempool*' '*:mod:rp_test_callers'; do
			echo "$_filter" >>"$TRACING/set_ftrace_filter" || _traced=1
		done
		echo "$_tracer" >"$TRACING/current_tracer" || _traced=1
	fi
	all_acts || _traced=1
	grep -vc '^#' "$TRACING/trace" >"$TMP/events"
	[ "$(cat "$TMP/events")" -gt 0 ] || _traced=1
	untrace
	rmmod rp_test_callers || return 1
	[ "$_traced" -eq 0 ] && all_named
}

# The same while a trampoline calls the driver's functions and ours, as for bpf's fexit. So a
# function that ends in a jump is on the stack.
trampolined() {
	log_mark trampolines
	insmod "$(module_file rp_test_callers)" || return 1
	_at=$(awk '
		$4 == "[rp_test_callers]" && $3 ~ /^[a-z]*_element$/ ||
		$4 == "[rust_pool]" && $3 ~ /^(ExAllocatePoolWithTag|MmAllocateContiguousMemory|MmAllocateNonCachedMemory)$/ {
			printf "%s0x%s", n++ ? "," : "", $1
		}' /proc/kallsyms)
	insmod "$(module_file rp_test_trampoline)" at="$_at"
	_traced=$?
	all_acts || _traced=1
	_calls=$(cat /sys/module/rp_test_trampoline/parameters/calls)
	echo "# $_calls calls by the trampoline"
	rmmod rp_test_trampoline && rmmod rp_test_callers || return 1
	[ "$_traced" -eq 0 ] && [ "$_calls" -ge 16 ] && all_named buffer_element
}

ACTS="families unseen"

check_traced() {
	if tracing; then
		check "$1" traced "$@"
	else
		ktap_test_skip "$1"
	fi
}

# share X PARAMETER...: one of the two comes
share() {
	_which=$1
	shift
	load "rp_test_share_$_which" "$@"
}

# goes X: it goes; what it left is in the log since
goes() {
	log_mark "rp_test_share_$1 goes"
	unload "rp_test_share_$1"
}

clean() {
	goes "$1" && not_logged "$REPORT|left by"
}

# leaky X COUNT
leaky() {
	goes "$1" || return 1
	logged "left by rp_test_share_$1: $2 blocks?, $(($2 * 100)) bytes, adapters 0" &&
		leaked 'tag Shar Nonp' "$2" $(($2 * 100)) "share_block\\+.*\\[rp_test_share_$1\\]"
}

both_clean() {
	share a && share b && clean a && clean b &&
		share b && share a && clean a && clean b
}

both_clean_tracked() {
	echo 'tracking tag=*' >"$STATS/verifier" || return 1
	both_clean
	_status=$?
	echo off >"$STATS/verifier"
	return $_status
}

# In every order of coming and going, the first to use the tag or not.
one_leaks() {
	share a && share b leak=3 && clean a && leaky b 3 &&
		share a && share b leak=3 && leaky b 3 && clean a &&
		share b leak=2 && share a && clean a && leaky b 2 &&
		share b leak=2 && share a && leaky b 2 && clean a &&
		share b leak=1 && leaky b 1 && share a && clean a
}

both_leak() {
	share a leak=4 && share b leak=5 && leaky a 4 && leaky b 5 &&
		share b leak=6 && share a leak=7 && leaky a 7 && leaky b 6
}

# The one allocates, the other frees: neither leaks.
freed_by_the_other() {
	share a give=1 || return 1
	share b taken="$(cat /sys/module/rp_test_share_a/parameters/given)" || return 1
	clean b && clean a || return 1
	# And a block too few of the one is not made up for by the other.
	share a give=1 leak=1 || return 1
	share b taken="$(cat /sys/module/rp_test_share_a/parameters/given)" || return 1
	leaky a 1 && clean b
}

# What a module left and others free later does not make up for what it leaves next time.
left_and_freed_since() {
	share a give=1 || return 1
	_given=$(cat /sys/module/rp_test_share_a/parameters/given)
	leaky a 1 && share b taken="$_given" && clean b &&
		share a leak=1 && leaky a 1 && share a && clean a
}

# A block of the one is not put down to the other, who used the tag first. Which module that is
# depends on the cases before this one, so each is the second once.
own_first_use() {
	for _owner in b a; do
		_earlier=$([ $_owner = b ] && echo a || echo b)
		share "$_earlier" || return 1
		log_mark wrong
		share "$_owner" wrong=1 || return 1
		logged "$WRONG_TAG" || return 1
		logged "rust_pool:   tag Shar was first used at share_block\+.*\[rp_test_share_$_owner\]" &&
			not_logged "first used at .*\[rp_test_share_$_earlier\]" &&
			clean "$_owner" && clean "$_earlier" || return 1
	done
}

# held MODULE STATE BLOCKS BYTES: its line in the file of modules
held() {
	awk -v name="$1" -v state="$2" -v blocks="$3" -v bytes="$4" '
		$1 == name && $2 == state { print "# " $0; found = $3 == blocks && $4 == bytes }
		END { exit !found }' "$STATS/modules"
}

# shown BLOCKS: live blocks of the tag, in one row
shown() {
	[ "$(awk '$1 == "Shar" { print $5 }' "$STATS/tags")" = "$1" ]
}

modules_shown() {
	_left=$(awk '$1 == "Shar" { print $5 }' "$STATS/tags")
	_gone=$(awk '$1 == "rp_test_share_a" && $2 == "gone" { print $3 }' "$STATS/modules")
	share a && share b leak=2 || return 1
	held rp_test_share_a live 10 1000 && held rp_test_share_b live 12 1200 &&
		shown $((_left + 22)) || return 1
	clean a && leaky b 2 && shown $((_left + 2)) &&
		held rp_test_share_a gone "$_gone" $((_gone * 100)) &&
		! grep -q '^rp_test_share_. *live' "$STATS/modules"
}

# More than the table has rows, if each load took new ones.
come_and_go() {
	_round=0
	while [ $_round -lt 14 ]; do
		share a tags=2500 && share b tags=2500 && unload rp_test_share_a rp_test_share_b || return 1
		_round=$((_round + 1))
	done
	! grep '(other)' "$STATS/tags"
}

# One line that leaks is one group, whatever it interrupts.
one_group() {
	echo 'tracking tag=Soft' >"$STATS/verifier"
	go softirq
	_status=$?
	echo off >"$STATS/verifier"
	[ $_status -eq 0 ] || return 1
	log_since | grep 'tracked tag Soft' | cut -c 1-300 >"$TMP/groups"
	[ "$(wc -l <"$TMP/groups")" -eq 1 ] &&
		grep -q 'tag Soft Nonp: 60 blocks, .* by forget_in_softirq\+.* < run\+' "$TMP/groups" &&
		return
	sed 's/^/# /' "$TMP/groups"
	return 1
}

# The stacks that tracking recorded are those that the kernel's unwinder finds, from the second
# place on: the first is the call of another function.
as_the_kernel_unwinds() {
	log_since | sed -n 's/.*rp_test_callers: stack \([0-9]*\) < /\1 < /p' | sort -n >"$TMP/unwound"
	sed -n 's/^Sack  *[^ ]* *[^ ]* *\([0-9]*\) [^<]*< /\1 < /p' "$STATS/live" | sort -n >"$TMP/recorded"
	[ "$(wc -l <"$TMP/unwound")" -eq 24 ] && cmp -s "$TMP/unwound" "$TMP/recorded" && return
	diff "$TMP/unwound" "$TMP/recorded" | sed 's/^/# /'
	return 1
}

# stacks_of ACT: the client does it, and what it allocated is recorded
stacks_of() {
	log_mark "$1"
	option off && option 'tracking tag=Sack' && echo "$1" >/sys/module/rp_test_callers/parameters/go
}

# Unwound by the kernel at first, and by what is known of the functions later.
stacks_recorded() {
	insmod "$(module_file rp_test_callers)" || return 1
	_round=0
	while [ $_round -lt 3 ]; do
		stacks_of stacks || break
		as_the_kernel_unwinds || break
		_round=$((_round + 1))
	done
	option off
	rmmod rp_test_callers && [ $_round -eq 3 ]
}

# The same over frames of a function that aligns its stack, so how long they are differs.
aligned_recorded() {
	insmod "$(module_file rp_test_callers)" || return 1
	_round=0
	while [ $_round -lt 4 ]; do
		stacks_of aligned || break
		as_the_kernel_unwinds || break
		_round=$((_round + 1))
	done
	option off
	rmmod rp_test_callers && [ $_round -eq 4 ]
}

# Not for each block: the client itself asks for 24 stacks.
unwound_by_rules() {
	insmod "$(module_file rp_test_callers)" && option 'tracking tag=Sack' || return 1
	count_calls stack_trace_save vmlinux || return 1
	_counts=
	for _round in 1 2 3 4; do
		_before=$(calls)
		echo stacks >/sys/module/rp_test_callers/parameters/go || break
		_counts="$_counts $(($(calls) - _before))"
	done
	stop_counting
	option off
	echo "# stacks that the kernel unwound:$_counts"
	rmmod rp_test_callers && [ "${_counts##* }" -eq 24 ]
}

# What is known of addresses in code does not outlive it: it is forgotten when a module comes,
# when the code of its init function goes, and when all of it goes.
forgotten_with_code() {
	count_calls rust_pool_code_changed && insmod "$(module_file rp_test_callers)" || return 1
	_come=$(calls)
	rmmod rp_test_callers || return 1
	_gone=$(($(calls) - _come))
	stop_counting
	echo "# forgotten $_come times when a module came, $_gone when it went"
	[ "$_come" -eq 2 ] && [ "$_gone" -eq 1 ]
}

# What is under a tracer's trampoline is learned once, and not in vain each time.
learned_once() {
	insmod "$(module_file rp_test_callers)" && option 'tracking tag=Sack' || return 1
	_counts=
	if count_calls learn &&
		echo 'r:kprobes/rpt_returns rp_test_callers:keep_stack' >>"$TRACING/kprobe_events" &&
		echo 1 >"$TRACING/events/kprobes/rpt_returns/enable"; then
		for _round in 1 2 3 4; do
			_before=$(calls)
			echo stacks >/sys/module/rp_test_callers/parameters/go || break
			_counts="$_counts $(($(calls) - _before))"
		done
		_returns=$(awk '$1 == "rpt_returns" { print $2 }' "$TRACING/kprobe_profile")
		echo 0 >"$TRACING/events/kprobes/rpt_returns/enable"
	fi
	stop_counting
	option off
	echo "# stacks from which was learned:$_counts; ${_returns:-0} returns were traced"
	rmmod rp_test_callers && [ "${_returns:-0}" -ge 96 ] && [ "${_counts##* }" -eq 0 ]
}

# The driver's function, not the library's that was compiled into it.
DRIVER='_R[A-Za-z]*(s[0-9A-Za-z]*_)?(Nt?|Nv)*Cs[0-9A-Za-z]*_17rp_test_leak_rust[^ ]*\+[^ ]* \[rp_test_leak_rust\]'

rust_named() {
	echo 'tracking tag=*' >"$STATS/verifier"
	log_mark rust
	insmod "$(module_file rp_test_leak_rust)"
	_status=$?
	tail -n +4 "$STATS/contiguous" | grep -v 'rp_test_callers' >"$TMP/contiguous"
	echo off >"$STATS/verifier"
	rmmod rp_test_leak_rust && [ $_status -eq 0 ] || return 1
	grep -qE "$DRIVER" "$TMP/contiguous" &&
		leaked 'tag Rust Nonp' 2 128 "$DRIVER" &&
		leaked 'tag RsVc Nonp' 1 512 "$DRIVER" &&
		leaked contiguous 1 5000 "$DRIVER" &&
		leaked noncached 1 64 "$DRIVER" &&
		logged "tracked tag RsVc Nonp: 1 block, 512 bytes, by $DRIVER" &&
		logged "tracked tag Rust Nonp: (1 block, 64|2 blocks, 128) bytes, by $DRIVER"
}

# Freed by the driver's function as well, which a second free, of somebody else's, tells.
rust_freed() {
	echo 'tracking tag=*' >"$STATS/verifier" || return 1
	log_mark "rust freed"
	insmod "$(module_file rp_test_leak_rust)"
	_freed=$(log_since | sed -n 's/.*rp_test_leak_rust: frees \(0x[0-9a-f]*\)$/\1/p')
	share b taken="$_freed"
	_status=$?
	echo off >"$STATS/verifier"
	unload rp_test_share_b && rmmod rp_test_leak_rust && [ $_status -eq 0 ] || return 1
	logged "rust_pool:   freed by $DRIVER"
}

begin rp_test_callers rp_test_trampoline rp_test_share_a rp_test_share_b rp_test_leak_rust
load_or_fail rust_pool
find_edu
ktap_set_plan $((27 + ENDS))

check "calls that are jumps" jumps
if [ -n "$EDU" ]; then
	check "common buffers by a jump" buffers
else
	ktap_test_skip "common buffers by a jump"
fi
check "code without the header" unseen
check "free by the routine's address" free_by_address
check "routines by their addresses, called by the kernel" used_by_address
check_traced "function tracer" function
check_traced "function graph tracer" function_graph
check_traced "kprobes" - 'p rust_pool:ExAllocatePoolWithTag' 'p rp_test_callers:pool_element' \
	'p rp_test_callers:buffer_element'
check_traced "kretprobes" - 'r rust_pool:ExAllocatePoolWithTag' \
	'r rp_test_callers:pool_element' 'r rp_test_callers:buffer_element'
if grep -q ' register_ftrace_direct$' /proc/kallsyms; then
	check "trampolines" trampolined
else
	ktap_test_skip "trampolines"
fi
check "two clean clients with one tag" both_clean
check "two clean clients with one tag, tracked" both_clean_tracked
check "one of two leaks" one_leaks
check "both leak" both_leak
check "blocks freed by the other" freed_by_the_other
check "blocks freed by the other when their own module is gone" left_and_freed_since
check "whose the block is that a report is about" own_first_use
check "what each module holds" modules_shown
check "clients come and go" come_and_go
check "one group in a softirq" one_group
check "stacks as the kernel unwinds them" stacks_recorded
check "stacks over frames that are aligned" aligned_recorded
# The kernel on which they are always unwound has another unwinder.
if tracing && can_count_calls stacks && grep -q ' orc_find' /proc/kallsyms; then
	check "stacks that the kernel does not unwind" unwound_by_rules
	check "stacks under a trampoline" learned_once
else
	ktap_test_skip "stacks that the kernel does not unwind"
	ktap_test_skip "stacks under a trampoline"
fi
if tracing && can_count_calls "how often code changed"; then
	check "what is known of code is forgotten with it" forgotten_with_code
else
	ktap_test_skip "what is known of code is forgotten with it"
fi
check "Rust client named" rust_named
check "Rust client named where it freed" rust_freed
ends
