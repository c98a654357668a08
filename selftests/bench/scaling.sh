#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Throughput by wall time on 1, 2 and 8 processors, and how it grows with them, is as that of
# kmalloc, within the spread of bench/bench.awk. Where they free blocks of each other, it grows no
# less than it did; sharing.sh counts the instructions of that. What the host does besides may
# spoil a measurement, so if a row misses, there are up to three. A lock that all processors meet
# at misses its target each time.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers init_on_alloc=0
# vm-smp: 8
# vm-quiet: it is wall time

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/bench/targets.sh
. "$DIR/bench/targets.sh"

ROWS="rate/own/1 rate/own/2 rate/own/8 scaling/own/2 scaling/own/8"
NOT_WORSE="scaling/handed/2 scaling/handed/8"
ATTEMPTS=3

all_reached() {
	for _row in $ROWS; do
		reached "$_row" >/dev/null || return 1
	done
	for _row in $NOT_WORSE; do
		not_worse "$_row" >/dev/null || return 1
	done
}

measured_in_peace() {
	_attempt=1
	while :; do
		: >"$TMP/samples"
		measured smp pool/throughput || return 1
		! all_reached && [ "$_attempt" -lt "$ATTEMPTS" ] || return 0
		for _row in $ROWS; do
			reached "$_row"
		done
		echo "# missed: measuring again"
		_attempt=$((_attempt + 1))
	done
}

begin rp_bench rp_bench_pool
[ "$(nproc)" -ge 8 ] || skip_all "needs 8 processors"
load_or_fail rp_bench rust_pool rp_bench_pool
hold "$ROWS" measured_in_peace
