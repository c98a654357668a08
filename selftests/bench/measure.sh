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

# verified MODULE/FILE OPTION: prints its samples while the verifier applies this option to
# all tags, as those of measure-OPTION
verified() {
	_verifier=/sys/kernel/debug/rust_pool/verifier
	[ "$2" = off ] || echo "$2 tag=*" >"$_verifier" || return 1
	sed "s/^[a-z]*/&-$2/" "$BENCH/$1"
	_status=$?
	[ "$2" = off ] || echo off >"$_verifier" || return 1
	return "$_status"
}

# measure MODULE/FILE[@OPTION]: prints its samples, with an option of the verifier if it is given
measure() {
	give_back || return 1
	case $1 in
	*@*) verified "${1%@*}" "${1#*@}" ;;
	*) cat "$BENCH/$1" ;;
	esac
}
