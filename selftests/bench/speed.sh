#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What is counted in instructions, lines or pages is no more than bench/bench.awk allows.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers init_on_alloc=0
# vm-args: -icount shift=0,sleep=off
# vm-smp: 1

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/bench/targets.sh
. "$DIR/bench/targets.sh"

MEASUREMENTS="pool/mix pool/mix_kmalloc pool/remainder pool/remainder_kmalloc
	pool/pairs pool/steps pool/lookaside rust/boxes pool/large pool/tags"
ROWS="pair/mean lookaside/mean box/mean large/4096 large/8192 large/16384 large/32768 large/65536
	large/5120 remainder/5120 memory/churned tags/10000 locked/16 locked/4064 written/16
	written/4064 unforwarded/16 unforwarded/4064"

begin rp_bench rp_bench_pool rp_bench_rust
load_counter
grep -q init_on_alloc=0 /proc/cmdline ||
	skip_all "the targets are for a kernel booted with init_on_alloc=0"
before=$(settled_free_pages)
load_or_fail rust_pool
after=$(settled_free_pages)
loaded_sample "$before" "$after" | add_samples counted
load_or_fail rp_bench_pool rp_bench_rust
# shellcheck disable=SC2086 # words
hold "$ROWS" measured counted $MEASUREMENTS
