#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The verifier's policy stops the machine at a violation by the module that it names:
# passes by a panic, in a boot of its own.
# vm-cmdline: no_hash_pointers rust_pool_selftest=panic
# vm-expect: panic policy panic
# vm-own: it ends with the test

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

grep -q rust_pool_selftest=panic /proc/cmdline ||
	skip_all "stops the machine: boot with rust_pool_selftest=panic"
begin rp_test rp_test_leak
ktap_set_plan 1
load rust_pool && load rp_test || exit 1
echo "policy panic module=rp_test_leak" >"$STATS/verifier"
echo "# a violation follows, and a panic"
load rp_test_leak bad_free=1
ktap_test_fail "policy panic stops the machine by module"
ktap_finished
