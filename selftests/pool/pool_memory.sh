#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What tagged pool keeps ready and what its blocks share: magazines, depot and heap,
# and that all of it goes back. Where a checker of the kernel watches there is neither.
# vm-kernel: stock

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

held() {
	awk '!/^#|^memory/ { held += $4 } END { print held + 0 }' "$STATS/memory"
}

spans() {
	sed -n 's/^# heap: \([0-9]*\) spans, .*/\1/p' "$STATS/memory"
}

# Something in all magazines of this CPU.
fill() {
	for _file in "$CASES_DIR"/magazines/*limit_is_kept*; do
		cat "$_file" >/dev/null
	done
}

# Drops what the slabs of files keep, and so asks all who keep memory.
memory_is_short() {
	echo 2 >/proc/sys/vm/drop_caches
	eventually nothing_held
}

# No block in a magazine or in the depot, and no page of the heap.
nothing_held() {
	[ "$(held)" -eq 0 ] && [ "$(spans)" -eq 0 ]
}

given_back_when_short() {
	fill
	_before=$(held)
	memory_is_short
	echo "# held $_before, then $(held); $(spans) spans"
	[ "$(held)" -eq 0 ] || return 1
	# Nothing is live: no page of the heap has a block.
	[ "$(spans)" -eq 0 ] || return 1
	[ "$KEPT" = no ] || [ "$_before" -gt 20 ]
}

# The work item makes the cache of a size that is used much.
caches_made() {
	eventually cache_of_1000 && return
	grep rust_pool /proc/slabinfo | sed 's/^/# /'
	return 1
}

cache_of_1000() {
	grep -q '^rust_pool-[0-9a-f]*-1024 ' /proc/slabinfo && return
	cat "$CASES_DIR"/magazines/*limit_is_kept_1000 >/dev/null
	return 1
}

# What CPUs keep of free pages is free as well; what RCU frees is a moment later.
free_kb() {
	sleep 0.5
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 }
		END { print pages * 4 }' /proc/zoneinfo
}

enough_free() {
	[ "$_free" -ge $((_first - 1500)) ]
}

as_much_free() {
	enough_free && return
	_free=$(free_kb)
	return 1
}

# Each round leaves as much in the magazines as goes in.
nothing_left_after_unload() {
	_tests="rp_test_pool rp_test"
	for _round in 0 1 2 3 4 5 6 7 8 9 10 11 12; do
		fill
		cat "$CASES_DIR"/heap/*and_goes_first_50000 >/dev/null
		# shellcheck disable=SC2086 # two words
		unload $_tests rust_pool || return 1
		# The first has what stays for good.
		[ "$_round" -ne 1 ] || _first=$(free_kb)
		_free=$(free_kb)
		# A host that is busy delays RCU.
		[ "$_round" -ne 12 ] || eventually as_much_free
		load rust_pool && load rp_test && load rp_test_pool || return 1
	done
	echo "# free $_first kB, then $_free kB; caches $(grep -c '^rust_pool-' /proc/slabinfo)"
	enough_free &&
		[ "$(sed -n 's/^rust_pool-\([0-9a-f]*\)-.*/\1/p' /proc/slabinfo |
			sort -u | wc -l)" -le 1 ]
}

# Here nothing is to keep them closed.
open_here() {
	[ "$KEPT" = yes ] || grep -qE 'slub_debug|init_on_free=1' /proc/cmdline
}

EXTRA=4
begin_suites rp_test_pool magazines depot heap contention
awk '!/^#|^memory/ && $3' "$STATS/memory" | grep -q . && KEPT=yes || KEPT=no
check "$PROGRAM: magazines are open" open_here
run_cases
check "$PROGRAM: given back when memory is short" given_back_when_short
check "$PROGRAM: a size that is used much has a cache" caches_made
check "$PROGRAM: nothing is left after unload" nothing_left_after_unload
ends
