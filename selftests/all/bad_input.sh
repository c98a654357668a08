#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Tables of bad input to every routine, row by row in one boot.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# However the tables are cut, there must be rows enough to speak of: a row is a case
# for each of its contexts.
ROWS=500
CONTEXTS='task|preemption_off|bottom_halves_off|spinlock|rcu_read_side|softirq|interrupts_off|spinlock_irq|hard_interrupt|nmi'

enough() {
	_rows=$(sed -E "s/_in_($CONTEXTS)\$//; s/.*\/[0-9]*-//" "$TMP/cases" | sort -u | wc -l)
	echo "# $_rows rows in $(wc -l <"$TMP/cases") cases"
	[ -n "$CASES" ] || [ "$_rows" -ge "$ROWS" ]
}

still_works() {
	_block="$CASES_DIR/inputs/*-ExAllocatePoolWithTag_allocate_type_0_in_task"
	# shellcheck disable=SC2086 # a pattern
	[ "$(tail -n 1 $_block)" = ok ]
}

# There are many more in all than a kernel with checkers gets done.
case $(uname -r) in
*-debug)
	[ -n "$CASES" ] || EVERY=3
	ROWS=200
	;;
esac
EXTRA=2
begin_suites rp_test_inputs inputs
check "$PROGRAM: at least $ROWS rows" enough
run_cases
check "$PROGRAM: works after all of them" still_works
ends
