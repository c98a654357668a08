# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The kernel's fault injection; for programs that have sourced lib.sh.

FAULTS="/sys/kernel/debug/failslab /sys/kernel/debug/fail_page_alloc"
# More failures than a program injects, so that fault injection never runs out of them.
TIMES=1000000000
# Functions of the kernel that dump their stack when they fail.
DUMPS='__kmem_cache_create_args|warn_alloc|pcpu_alloc_noprof|vmalloc|unregister_irq_proc'
# Other messages of the kernel about its own failures. The first is by an interrupt whose
# files in /proc could not all be made; the second by DMA-API debugging without memory.
SAYINGS='WARNING: .* at remove_proc_entry[+]|DMA-API: cacheline tracking ENOMEM'

# set_faults NAME VALUE: sets a parameter of the fault injection of both allocators
set_faults() {
	for _faults in $FAULTS; do
		[ ! -e "$_faults/$1" ] || echo "$2" >"$_faults/$1" || return 1
	done
}

# set_range NAME FUNCTION: sets NAME-start and NAME-end to the addresses of the function
set_range() {
	_range=$(sort /proc/kallsyms | awk -v name="$2" '
		found && $1 != start { print start, $1; exit }
		$3 == name { found = 1; start = $1 }')
	if [ -z "$_range" ]; then
		echo "# this kernel has no function $2"
		return 1
	fi
	set_faults "$1-start" "0x${_range% *}" && set_faults "$1-end" "0x${_range#* }"
}

# faults_beneath FUNCTION: counts and fails only allocations with this function of the
# kernel on their stack
faults_beneath() {
	set_range require "$1"
}

# faults_spare FUNCTION: fails no allocation with this function on its stack, as it does
# not handle that
faults_spare() {
	set_range reject "$1"
}

faults_anywhere() {
	set_faults require-start 0 && set_faults require-end 0xffffffffffffffff &&
		set_faults reject-start 0 && set_faults reject-end 0
}

prepare_faults() {
	# Allocations that may wait for memory fail as well, and those of any size.
	set_faults ignore-gfp-wait N && set_faults ignore-gfp-highmem N &&
		set_faults min-order 0 && set_faults verbose 0 &&
		set_faults times $TIMES && faults_anywhere &&
		# Only marked tasks fail, once their count is zero.
		set_faults task-filter Y && set_faults probability 100
}

failures() {
	_left=0
	for _faults in $FAULTS; do
		_left=$((_left + $(cat "$_faults/times")))
	done
	echo $((2 * TIMES - _left))
}

# Passes if the log has nothing but messages of the kernel about its own failures. A dump
# of a stack is only allowed if one of the functions in DUMPS is on it.
only_allowed_dumps() {
	# shellcheck disable=SC2034 # for log_since
	MARK=$BEGIN
	log_since >"$TMP/log"
	awk -v dumps="$DUMPS" -v sayings="$SAYINGS" '
		/Call Trace:/ { inside = 1; allowed = 0; head = before; next }
		inside && / <\/TASK>/ {
			inside = 0
			if (!allowed) { print "# log: a stack after: " head; bad = 1 }
			next
		}
		inside { if ($0 ~ dumps) allowed = 1; next }
		{ if (!/CPU: |Hardware name:|Tainted:|<TASK>/) before = $0 }
		$0 ~ sayings { next }
		/WARNING:|BUG[: ]|Oops|KASAN|UBSAN|ODEBUG|DMA-API:|general protection|[Bb]ad page|INFO: / ||
		/(possible|inconsistent).*lock|refcount_t|corruption|scheduling while/ {
			print "# log: " $0
			bad = 1
		}
		END { exit bad }' "$TMP/log"
}

nothing_leaked() {
	kmemleak_scan || return 1
	kmemleak_reports >"$TMP/leaks"
	sed 's/^/# /' "$TMP/leaks" | head -n 40
	[ ! -s "$TMP/leaks" ]
}
