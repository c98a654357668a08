#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The verifier's policy stops the machine: passes by a panic, in a boot of its own.
# vm-cmdline: no_hash_pointers rust_pool_selftest=panic
# vm-expect: panic policy panic
# vm-own: it ends with the test

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

stops_the_machine "policy panic" 'policy panic'
