#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Many suites with memory that is poisoned, not zero, and a slab allocator that checks,
# pads and poisons: what should be zero is not so by chance, and a write outside of a
# block, or after its free, does not stay unseen.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers init_on_alloc=0 slub_debug=FZPU memmap=4M$64M

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

grep -q slub_debug= /proc/cmdline ||
	skip_all "not booted with slub_debug=FZPU init_on_alloc=0"
need_edu
nothing_kept() {
	cat "$STATS/memory" >"$TMP/memory"
	grep -q '^# heap: 0 spans' "$TMP/memory" &&
		grep -v '^#\|^memory' "$TMP/memory" | awk '$3 || $4 { bad = 1 } END { exit bad || !NR }' && return
	sed 's/^/# /' "$TMP/memory"
	return 1
}

EXTRA=1
begin rp_test rp_test_pool rp_test_pages rp_test_rust
load_or_fail rust_pool rp_test rp_test_pool rp_test_pages rp_test_rust
plan_cases sizes wdm usercopy badfree noncached \
	kinds rust_collections rust_regions rust_common_buffers
run_cases
check "$PROGRAM: nothing is kept, and no page shared" nothing_kept
ends
