#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# panic_on_violation stops the machine: passes by a panic, in a boot of its own.
# vm-cmdline: no_hash_pointers rust_pool_selftest=panic
# vm-expect: panic panic_on_violation

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

grep -q rust_pool_selftest=panic /proc/cmdline ||
	skip_all "stops the machine: boot with rust_pool_selftest=panic"
begin rp_test rp_test_leak
ktap_set_plan 1
load rust_pool panic_on_violation=1 && load rp_test || exit 1
echo "# a violation follows, and a panic"
load rp_test_leak bad_free=1
ktap_test_fail "panic_on_violation stops the machine"
ktap_finished
