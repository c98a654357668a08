#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The verifier's policy stops the machine at a violation by the module that it names:
# passes by a panic, in a boot of its own.
# vm-cmdline: no_hash_pointers rust_pool_selftest=panic
# vm-expect: panic policy panic
# vm-own: it ends with the test

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

stops_the_machine "policy panic by module" 'policy panic module=rp_test_leak'
