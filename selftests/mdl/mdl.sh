#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Memory descriptor lists: built, parted, locked, mapped, and their pages.
# The kernel clears no pages by itself.
# vm-smp: 4
# vm-cmdline: no_hash_pointers init_on_alloc=0

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

EXTRA=3
begin_suites rp_test_mdl mdl mdl_misuse mdl_lock mdl_pages mdl_protect mdl_reserved
run_cases

left_behind() {
	unload rp_test_mdl || return 1
	log_mark leaks
	load rp_test_mdl leak=1 && unload rp_test_mdl
}

# 48 bytes each, and 8 for each page.
told() {
	logged 'leaked tag Mdl  Nonp: 2 blocks, 120 bytes' &&
		logged 'leaked mapping: 1 block, 8192 bytes.*leave_behind' &&
		logged 'leaked locked: 1 block, 16 bytes.*leave_behind'
}

# Passes if the file of violations has this one; the log has not all of them.
violated() {
	grep -q "$1" "$STATS/violations" && return
	tail -n 5 "$STATS/violations" | sed 's/^/# /'
	return 1
}

# KASAN, which the debug kernel has, hands an address out much later, so no MDL is there in
# time.
pages_told() {
	logged 'leaked mdl_pages: 1 block, 12288 bytes.*leave_pages' &&
		logged 'leaked reserved: 1 block, 5000 bytes.*leave_pages' || return 1
	case $(uname -r) in
	*-debug) ;;
	*) violated 'memory of an earlier MDL at this address was reused while its pages were allocated' ;;
	esac
}

check "a client leaves MDLs behind" left_behind
check "the report names the rest of a chain, the mapping and the lock" told
check "address space and pages whose MDL was freed are reported as left" pages_told
ends
