#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Blocks whose header was written to, and what the log says of them.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/control.sh
. "$DIR/lib/control.sh"

told() {
	logged 'rust_pool: BAD_POOL_HEADER \(0x19\): 0x20, .*: header of a block changed, called from overrun\+' &&
		logged 'rust_pool:   it was tag TstQ Nonp, 100 bytes$' &&
		logged 'rust_pool:   written past its end, probably: the block in front, .*, tag TstQ Nonp, 100 bytes$' &&
		logged 'rust_pool:   tag TstQ was first used at look\+.*\[rp_test_pool\]$' &&
		logged 'rust_pool:   it is counted as freed, and its memory is not used again$'
}

begin rp_test rp_test_pool
load_or_fail rust_pool
load_or_fail rp_test rp_test_pool
EXTRA=1
plan_cases damage
log_mark damage
run_cases
check "the log names the block in front" told
ends
