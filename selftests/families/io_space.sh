#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Registers of a device, mapped by their physical address.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

need_edu
EXTRA=2
begin_suites rp_test_io io
run_cases

left_behind() {
	unload rp_test_io || return 1
	log_mark leaks
	load rp_test_io leak=1 && unload rp_test_io
}

check "a client leaves registers mapped" left_behind
check "the report names the mapping" \
	logged 'leaked io_space: 1 block, 5000 bytes.*leave_mapped'

ends
