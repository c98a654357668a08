#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Memory descriptor lists: built, parted, locked, mapped.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

EXTRA=2
begin_suites rp_test_mdl mdl mdl_misuse mdl_lock
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

check "a client leaves MDLs behind" left_behind
check "the report names the rest of a chain, the mapping and the lock" told

ends
