#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the environment headers warn of: each is done in a case of its own, which checks that
# nothing else comes of it.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# Other programs of this boot may have done so already, and each place warns once.
warns_again() {
	[ ! -e /sys/kernel/debug/clear_warn_once ] || echo 1 >/sys/kernel/debug/clear_warn_once
}

EXTRA=3
begin_suites rp_test_pool env_warnings
warns_again
log_mark 'warnings'
echo "rust_pool-selftest: expect begin" >/dev/kmsg
run_cases
echo "rust_pool-selftest: expect end" >/dev/kmsg
check "$PROGRAM: a corrupted list warns" logged 'a LIST_ENTRY was corrupted'
check "$PROGRAM: an IRQL above DISPATCH_LEVEL warns" logged 'IRQL 15 cannot be raised to'
check "$PROGRAM: a release without an acquire warns" logged 'rundown protection was not acquired'
ends
