# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Sourced by what measures: rp_bench.ko has to be loaded.

BENCH=/sys/kernel/debug/rust_pool_bench

free_pages() {
	cat "$BENCH/rp_bench/free_pages"
}

# settled_free_pages: free pages once what is freed a grace period later, such as the
# part of a module that only its loading needs, is free
settled_free_pages() {
	sleep 1
	free_pages
}

# loaded_sample BEFORE AFTER: what loading rust_pool.ko took, from settled free pages
loaded_sample() {
	printf 'loaded\t-\tours\t%s\n' $((($1 - $2) * 4096))
}

# What is empty but kept, by slabs and by rust_pool, would be used again by the next
# measurement, and what it takes look less than it is. A 2 has the kernel call shrinkers.
give_back() {
	for _cache in /sys/kernel/slab/*/shrink; do
		echo 1 >"$_cache" || return 1
	done
	echo 2 >/proc/sys/vm/drop_caches
}

# measure MODULE/FILE: prints its samples
measure() {
	give_back && cat "$BENCH/$1"
}
