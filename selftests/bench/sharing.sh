#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Processors that free blocks of each other, or their own later, get as much done as with
# kmalloc. The emulator runs one processor after the other here, and time is instructions:
# so others on the host do not matter, nor do locks that processors wait for. scaling.sh
# has those.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers init_on_alloc=0
# vm-args: -icount shift=0,sleep=off
# vm-smp: 8

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/bench/targets.sh
. "$DIR/bench/targets.sh"

ROWS="rate/handed/1 rate/handed/2"
NOT_WORSE="rate/handed/8"

begin rp_bench rp_bench_pool
[ "$(nproc)" -ge 8 ] || skip_all "needs 8 processors"
load_or_fail rp_bench rust_pool rp_bench_pool
hold "$ROWS" measured shared pool/throughput
