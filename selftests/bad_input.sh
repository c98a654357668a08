#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Tables of bad input to every routine, row by row in one boot.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# However the tables are filtered or cut, there must be rows enough to speak of.
ROWS=200

enough() {
	_rows=$(wc -l <"$TMP/cases")
	echo "# $_rows rows"
	[ -n "$CASES" ] || [ "$_rows" -ge "$ROWS" ]
}

still_works() {
	_block="$CASES_DIR/inputs/*-ExAllocatePoolWithTag_allocate_type_0_in_task"
	# shellcheck disable=SC2086 # a pattern
	[ "$(tail -n 1 $_block)" = ok ]
}

# There are many more in all than a kernel with checkers gets done.
case $(uname -r) in
*-debug) [ -n "$CASES" ] || EVERY=3 ;;
esac
EXTRA=2
begin_suites rp_test_inputs inputs
check "$PROGRAM: at least $ROWS rows" enough
run_cases
check "$PROGRAM: works after all of them" still_works
ends
