#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What is counted in instructions or pages is no more than bench/bench.awk allows.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers init_on_alloc=0
# vm-args: -icount shift=0,sleep=off
# vm-smp: 1

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

MEASUREMENTS="pool/mix pool/mix_kmalloc pool/remainder pool/remainder_kmalloc
	pool/pairs rust/boxes pool/large pool/tags"
# The rows with a target, as bench.awk names them.
ROWS="pair/mean box/mean large/4096 large/8192 large/16384 large/32768 large/65536
	large/5120 remainder/5120 memory/churned tags/10000"

bench_file() {
	for _file in "$DIR/$1" "$DIR/bench/$1"; do
		if [ -e "$_file" ]; then
			echo "$_file"
			return
		fi
	done
	skip_all "there is no bench/$1"
}

add_samples() {
	sed 's/^/counted\t/' >>"$TMP/samples"
}

measured() {
	for _measurement in $MEASUREMENTS; do
		echo "# measuring ${_measurement#*/}"
		measure "rp_bench_$_measurement" >"$TMP/one" || return 1
		add_samples <"$TMP/one"
	done
	awk -f "$BENCH_AWK" "$TMP/samples" >"$TMP/rows"
}

# reached MEASURE/VARIANT: is there such a row with a target, and is that reached?
reached() {
	awk -F '\t' -v row="$1" '
		$2 "/" $3 == row && $13 != "-" {
			printf "# %s: ours %s, raw %s (%s), ratio %s; %s %s: %s\n",
				row, $5, $6, $7, $8, $11, $12, $13
			met = $13 ~ /^reached/
		}
		END { exit !met }' "$TMP/rows"
}

BENCH_AWK=$(bench_file bench.awk)
MEASURE=$(bench_file measure.sh)
# shellcheck source=selftests/bench/measure.sh
. "$MEASURE"

begin rp_bench rp_bench_pool rp_bench_rust
load rp_bench || exit 1
cat "$BENCH/rp_bench/icount" ||
	skip_all "instructions are not counted here (QEMU: -icount shift=0,sleep=off, one processor)"
grep -q init_on_alloc=0 /proc/cmdline ||
	skip_all "the targets are for a kernel booted with init_on_alloc=0"
before=$(free_pages)
load_or_fail rust_pool
loaded_sample "$before" "$(free_pages)" | add_samples
load_or_fail rp_bench_pool rp_bench_rust
ktap_set_plan $((1 + $(echo "$ROWS" | wc -w) + ENDS))
check "everything can be measured" measured
for row in $ROWS; do
	check "$row reaches its target" reached "$row"
done
ends
