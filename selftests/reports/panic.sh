#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# panic_on_violation stops the machine: passes by a panic, in a boot of its own.
# vm-cmdline: no_hash_pointers rust_pool_selftest=panic
# vm-expect: panic panic_on_violation

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

stops_the_machine panic_on_violation '' panic_on_violation=1
