#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Tagged pool on a slab allocator that poisons, checks and pads: it would tell
# of a write outside of a block or after its end.
# vm-cmdline: no_hash_pointers slub_debug=FZPU

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

grep -q slub_debug= /proc/cmdline || skip_all "not booted with slub_debug=FZPU"
run_suites rp_test_pool sizes usercopy badfree
