#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Recorded traces: those of selftests/bench/traces are whole, a damaged one is refused in one
# line, and events become the trace that they are.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"

bench=$TOP/selftests/bench

# read_trace FILE: its steps, as what compiles them reads them
read_trace() {
	in_root awk -f "$bench/trace.awk" "$1"
}

# trace STEPS NUMBER...: writes a trace that says how many steps it has
trace() {
	local steps=$1
	shift

	printf '# SPDX-License-Identifier: GPL-2.0\nrust_pool trace - version: 1.0\nsteps %s\n%s\n' \
		"$steps" "$*" >"$TOP/build/traces-test"
}

# breaks REGEX STEPS NUMBER...: such a trace is refused, and the one line says so
breaks() {
	local regex=$1
	shift

	trace "$@"
	refused "traces-test:[34]: $regex" read_trace "$TOP/build/traces-test"
}

all_whole() {
	local file steps

	for file in "$bench"/traces/*.trace; do
		steps=$(sed -n 's/^steps //p' "$file")
		[ "$(read_trace "$file" | wc -l)" = "$steps" ] || return
		[ "$(stat -c %s "$file")" -le 150000 ] || return
	done
}

# Places are used again, the last one first.
is_read() {
	trace 7 100 200 -2 300 -1 -2 400
	[ "$(read_trace "$TOP/build/traces-test" | tr -d '\n')" = \
		"{ 100, 0 },{ 200, 1 },{ 0, 0 },{ 300, 0 },{ 0, 0 },{ 0, 1 },{ 400, 1 }," ]
}

freed_twice() {
	breaks 'step 3 frees block 1, which is not live' 3 100 -1 -1
}

never_allocated() {
	breaks 'step 2 frees a block before the first' 2 100 -2
}

no_size() {
	breaks 'step 2 is "0", ' 2 100 0 && breaks 'step 1 is "1048577", ' 1 1048577 &&
		breaks 'step 2 is "1O0", ' 2 100 1O0
}

cut_short() {
	breaks 'it has 2 steps in place of 3' 3 100 -1 && breaks 'it has 2 steps in place of 1' 1 100 -1
}

other_version() {
	trace 1 100
	sed -i 's/version: 1.0/version: 2.0/' "$TOP/build/traces-test"
	refused 'traces-test:2: "rust_pool trace - version: 2.0" ' read_trace "$TOP/build/traces-test"
}

# event NAME ADDRESS REST...: a line as tracefs shows it
event() {
	printf '     fio-123     [001] ..s1. %12s: %s: call_site=function+0x10/0x20 [nvme] ptr=%016d' \
		$((++events)) "$1" "$2"
	shift 2
	printf ' %s' "$@"
	echo
}

allocated() {
	event "$1" "$2" "${@:4}" "bytes_req=$3" bytes_alloc=4096 gfp_flags=GFP_KERNEL node=-1 \
		accounted=false
}

# Left out are a free of what was allocated before, another's cache, an address that comes
# again and an allocation that failed.
events_become_a_trace() {
	events=0
	{
		echo "# tracer: nop"
		event kfree 1
		allocated kmalloc 1 100
		allocated kmalloc 2 200
		allocated kmem_cache_alloc 3 136 name=bio-136
		allocated kmem_cache_alloc 4 500 name=filp
		event kmem_cache_free 4 name=filp
		allocated kmalloc 2 40
		allocated kmalloc 0 50
		event kmem_cache_free 3 name=bio-136
		event kfree 1
		event kfree 1
	} >"$WORK/events"
	in_root awk -f "$bench/record.awk" -v caches='^bio-' -v most=20 <"$WORK/events" \
		>"$TOP/build/traces-test" || return
	cat "$TOP/build/traces-test"
	[ "$(grep -v '^#' "$TOP/build/traces-test" | tail -n +2 | tr '\n' ' ')" = \
		"steps 5 100 136 40 -2 -3 " ] && read_trace "$TOP/build/traces-test"
}

no_more_than_asked() {
	in_root awk -f "$bench/record.awk" -v caches='^bio-' -v most=2 <"$WORK/events" |
		grep -A 1 '^steps 2$' | grep -x '100 136'
}

setup_ensure
mkdir -p "$TOP/build"
check "the traces of make bench are whole" all_whole
check "a trace is read" is_read
check "a block that is freed twice is refused" freed_twice
check "a block that was never allocated is refused" never_allocated
check "what is no size is refused" no_size
check "a trace that is cut short, or longer, is refused" cut_short
check "another version is refused" other_version
check "events become a trace" events_become_a_trace
check "a trace has no more steps than asked for" no_more_than_asked
rm -f "$TOP/build/traces-test"
