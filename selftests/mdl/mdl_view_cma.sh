#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Common buffers from CMA that are mapped into a process. Each of their pages has a
# reference, which does not keep it: CMA warns, and gives it to somebody else. In the
# machine of hardening_wiped.sh.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers init_on_free=1 cma=64M

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# cma WHAT: prints how many pages were allocated or released
cma() {
	cat /sys/kernel/mm/cma/*/"$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

in_use() {
	echo $(($(cma alloc_pages_success) - $(cma release_pages_success)))
}

from_cma() {
	_before=$(cma alloc_pages_success)
	load rp_test_view buffer=1 && unload rp_test_view || return 1
	_pages=$(($(cma alloc_pages_success) - _before))
	echo "# $_pages pages of a common buffer are from CMA"
	[ "$_pages" -eq 4 ]
}

all_back() {
	echo "# $(cma alloc_pages_success) pages from CMA, $(in_use) in use, $BUSY at first"
	[ "$(in_use)" -eq "$BUSY" ]
}

grep -qw cma=64M /proc/cmdline || skip_all "not booted with cma=64M"
[ -e /sys/kernel/mm/cma ] || skip_all "this kernel has no CMA, or does not count its pages"
BUSY=$(in_use)
EXTRA=2
begin_suites rp_test_mdl mdl_view
check "$PROGRAM: common buffers are from CMA" from_cma
run_cases
check "$PROGRAM: CMA has all pages back" all_back
ends
