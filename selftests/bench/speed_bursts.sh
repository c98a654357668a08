#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Bursts, rings, random lives, first blocks and recorded traces, counted in instructions, take
# no more than bench/bench.awk allows. What misses its target takes no more than it did, as
# bench.awk says, too. speed.sh measures memory, which these would disturb.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers init_on_alloc=0
# vm-args: -icount shift=0,sleep=off
# vm-smp: 1

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/bench/targets.sh
. "$DIR/bench/targets.sh"

# rows "MEASURE..." "VARIANT...": each of these of each of those
rows() {
	for _measure in $1; do
		for _variant in $2; do
			printf '%s/%s ' "$_measure" "$_variant"
		done
	done
}

MEASUREMENTS="pool/first pool/bursts pool/rings pool/lives pool/traces rust/boxes_bursts pool/softirq
	pool/verified@off pool/verified@tracking pool/verified@check"
ROWS="first/60 $(rows "burst-16 burst-32 burst-64 burst-256 burst-1000" "64 256 1024 2048 4064")
	$(rows "ring-64 ring-256 ring-1024" "64 256 1024") softirq/56 softirq/176
	lives-2K/20000"
NOT_WORSE="lives-2K/256 lives-2K/4096 $(rows lives-16K "256 4096 20000") trace/nic trace/storage softirq/4096
	verified-tracking/64 verified-check/64"

begin rp_bench rp_bench_pool rp_bench_rust
load_counter
grep -q init_on_alloc=0 /proc/cmdline ||
	skip_all "the targets are for a kernel booted with init_on_alloc=0"
load_or_fail rust_pool
load_or_fail rp_bench_pool rp_bench_rust
# First blocks come first: nobody may have asked for their sizes before.
# shellcheck disable=SC2086 # words
hold "$ROWS" measured counted $MEASUREMENTS
