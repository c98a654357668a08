#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# On a kernel that clears memory when it is freed, no block keeps what it held.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers init_on_free=1

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

grep -q init_on_free=1 /proc/cmdline || skip_all "not booted with init_on_free=1"
run_suites rp_test_hardening wiped
