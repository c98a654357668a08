#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The pool's magazines and its heap, which stand aside for KASAN, under the other
# checkers of the debug kernel: locks, contexts, pages, user copies, leaks.
# vm-kernel: debug
# vm-smp: 4

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

limited() {
	awk '$1 == "objects" || $1 == "pages" { rows++; closed += !$3 }
		END { exit !rows || closed }' "$STATS/memory"
}

# Neither is of use here before it is used.
used() {
	sed -n 's/^# heap: \([0-9]*\) spans.*/\1/p' "$STATS/memory" >"$TMP/spans"
	_held=$(awk '$1 == "objects" || $1 == "pages" { sum += $4 } END { print sum }' "$STATS/memory")
	echo "# $(cat "$TMP/spans") spans, $_held blocks in magazines"
	[ "$(cat "$TMP/spans")" -gt 0 ] && [ "$_held" -gt 0 ]
}

begin rp_test rp_test_pool rp_test_model
load rust_pool magazines=1 || load_or_fail rust_pool
load_or_fail rp_test rp_test_pool
load rp_test_model seconds="${MODEL_SECONDS:-10}" seed="${MODEL_SEED:-0}" ||
	load_or_fail rp_test_model
EXTRA=2
plan_cases contexts badfree usercopy model
check "the magazines are open" limited
run_cases
check "both were used" used
ends
