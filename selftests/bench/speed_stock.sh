#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# With the kernel's own options, which clear each block, what is counted in
# instructions is no more than bench/bench.awk allows; and each block is cleared.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers init_on_alloc=1
# vm-args: -icount shift=0,sleep=off
# vm-smp: 1

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/bench/targets.sh
. "$DIR/bench/targets.sh"

begin rp_bench rp_bench_pool
load_counter
grep -q init_on_alloc=1 /proc/cmdline || skip_all "not booted with init_on_alloc=1"
load_or_fail rust_pool rp_bench_pool
hold pair/mean measured stock pool/zeroed pool/pairs
