#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# On a kernel that leaves memory as it was when it was freed: what was in it does
# not come out by any file.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers init_on_alloc=0 init_on_free=0

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

grep -q init_on_alloc=0 /proc/cmdline || skip_all "not booted with init_on_alloc=0"
CASES=no_old_contents_in_files
begin_suites rp_test_hardening secrets
# So that all files have something to tell.
printf 'tracking tag=*\nfail probability=10000 tag=Hush\n' >"$STATS/verifier"
run_cases
echo off >"$STATS/verifier"
ends
