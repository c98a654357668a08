#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# ExAllocatePool2() and its relatives; blocks that begin at a cache line; what is
# said of a request that raises an exception on Windows.
# vm-cmdline: no_hash_pointers init_on_alloc=0

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# case_of NAME: its file, which runs the case when it is opened
case_of() {
	echo "$CASES_DIR"/flags/[0-9]*-"$1"
}

RAISE='rust_pool: raise: NULL where Windows raises STATUS_INSUFFICIENT_RESOURCES'

# A line a second at most, so nothing may be in the way of the first.
raise_is_told() {
	sleep 2
	log_mark raise
	cat "$(case_of raising)" >/dev/null
	logged "$RAISE \(0xc000009a\): 1099511627776 bytes, tag TstL, called from raising\+.*\[rp_test_pool\]"
}

# As what is refused for what is odd in it.
odd_raise_is_told() {
	for _case in raising_without_parameters raising_by_priority; do
		sleep 2
		log_mark "$_case"
		cat "$(case_of $_case)" >/dev/null
		logged "$RAISE \(0xc000009a\): 100 bytes, tag TstL, called from $_case\+.*\[rp_test_pool\]" ||
			return 1
	done
}

raise_is_told_once() {
	[ "$(log_since | grep -c "$RAISE")" -le 2 ]
}

others_are_not() {
	sleep 2
	log_mark others
	cat "$(case_of not_raising)" >/dev/null
	not_logged 'rust_pool: raise'
}

EXTRA=4
begin_suites rp_test_pool flags
run_cases
check "$PROGRAM: what would raise is told" raise_is_told
check "$PROGRAM: not once for each" raise_is_told_once
check "$PROGRAM: what would raise and is odd is told" odd_raise_is_told
check "$PROGRAM: what would not is not" others_are_not
ends
