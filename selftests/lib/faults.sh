# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The kernel's fault injection; for programs that have sourced lib.sh.

FAULTS="/sys/kernel/debug/failslab /sys/kernel/debug/fail_page_alloc"
# So many that fault injection does not run out of failures.
TIMES=1000000000
# Routines of the kernel that dump their stack where they fail.
DUMPS='__kmem_cache_create_args|warn_alloc|pcpu_alloc_noprof|vmalloc|unregister_irq_proc'
# And what they say: an interrupt whose files in /proc could not all be made has them
# removed; DMA-API debugging without memory gives up.
SAYINGS='WARNING: .* at remove_proc_entry[+]|DMA-API: cacheline tracking ENOMEM'

# set_faults NAME VALUE: for those of both allocators
set_faults() {
	for _faults in $FAULTS; do
		[ ! -e "$_faults/$1" ] || echo "$2" >"$_faults/$1" || return 1
	done
}

# set_range NAME FUNCTION: the two files NAME-start and NAME-end
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

# Only allocations beneath this function of the kernel are counted and failed.
faults_beneath() {
	set_range require "$1"
}

# None beneath this one, which cannot bear it.
faults_spare() {
	set_range reject "$1"
}

faults_anywhere() {
	set_faults require-start 0 && set_faults require-end 0xffffffffffffffff &&
		set_faults reject-start 0 && set_faults reject-end 0
}

prepare_faults() {
	# Whoever may wait for memory fails as well, and whatever the size.
	set_faults ignore-gfp-wait N && set_faults ignore-gfp-highmem N &&
		set_faults min-order 0 && set_faults verbose 0 &&
		set_faults times $TIMES && faults_anywhere &&
		# A marked task fails once its count is zero; nobody else does.
		set_faults task-filter Y && set_faults probability 100
}

failures() {
	_left=0
	for _faults in $FAULTS; do
		_left=$((_left + $(cat "$_faults/times")))
	done
	echo $((2 * TIMES - _left))
}

# Nothing in the log but what the kernel's own routines say of their failures. A
# stack is dumped by one of these, or it is not allowed.
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
