#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh [BOOT...]: measures rust_pool beside the kernel's own allocators in the
# virtual machine. Prints a table, and writes it to build/bench.tsv for programs.
# Ends with failure only if something could not be measured.
#
#   counted  instructions, one processor, init_on_alloc=0
#   stock    the same with the kernel's own options
#   smp      wall time, eight processors
#   shared   instructions, eight processors one after the other
#   native   the fast path of rust_pool.ko in a process on this host; boots nothing
#
# ONLY="pairs mix" in the environment: only these measurements.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

bench=$TOP/selftests/bench
build=$TOP/build
icount='-icount shift=0,sleep=off'

# pool/mix comes first, as it measures memory, on a machine that has just started.
declare -A smp=([counted]=1 [stock]=1 [smp]=8 [shared]=8)
declare -A args=([counted]="$icount" [stock]="$icount" [smp]="" [shared]="$icount")
declare -A cmdline=([counted]=init_on_alloc=0 [stock]="" [smp]=init_on_alloc=0 [shared]=init_on_alloc=0)
declare -A files=(
	[counted]="pool/first pool/mix pool/mix_kmalloc pool/remainder pool/remainder_kmalloc
		pool/pairs pool/steps pool/lookaside rust/boxes rust/boxes_bursts pool/large pool/softirq
		pool/bursts pool/rings pool/lives
		pool/verified@off pool/verified@tracking pool/verified@check pool/verified@special
		pool/traces pool/traces_nic pool/traces_nic_kmalloc pool/traces_storage
		pool/traces_storage_kmalloc pool/after pool/after_kmalloc pool/tags"
	[stock]="pool/zeroed pool/pairs rust/boxes"
	[smp]="pool/mix pool/mix_kmalloc pool/after pool/after_kmalloc pool/throughput
		pool/throughput@tracking pool/stall"
	[shared]="pool/throughput"
)

# name FILE: prints the measurement's name in ONLY. Files with the same name up to a "_" or a
# "@" are parts of one measurement.
name() {
	file=${1#*/}
	file=${file%%@*}
	echo "${file%%_*}"
}

# native: measures in a process, and adds the samples
native() {
	say "native: timing the fast path in a process"
	"$TOP/scripts/native.sh" | sed 's/^/native\t/' >>"$build/bench.samples" ||
		die "native could not be measured"
}

# measure BOOT: boots, measures, and adds the samples to build/bench.samples
measure() {
	local boot=$1 file wanted=() status=0

	for file in ${files[$boot]}; do
		if [ -z "${ONLY:-}" ] || [[ " $ONLY " = *" $(name "$file") "* ]]; then
			wanted+=("rp_bench_$file")
		fi
	done
	[ ${#wanted[@]} -gt 0 ] || return 0
	say "$boot: booting with ${smp[$boot]} CPU${args[$boot]:+, instructions counted}${cmdline[$boot]:+, ${cmdline[$boot]}}"
	FILES="$(find "$bench" -name '*.ko' -printf '%p ') $bench/measure.sh" SMP=${smp[$boot]} \
		QEMU_ARGS=${args[$boot]} TIMEOUT=${TIMEOUT:-900} VM_LOGS=$build/bench-$boot \
		CMDLINE="${cmdline[$boot]} rust_pool_bench=$(IFS=,; echo "${wanted[*]}")" \
		"$TOP/scripts/vm.sh" "$bench/guest" |
		awk -F '\t' -v boot="$boot" -v samples="$build/bench.samples" '
			$1 == "sample" { sub(/^sample/, boot); print >>samples; next }
			sub(/^# /, "") { print "rust_pool: " boot ": " $0; fflush() }' >&2 || status=$?
	[ "$status" -eq 0 ] || die "$boot could not be measured; see $build/bench-$boot/console"
}

[ $# -gt 0 ] || set -- counted stock smp shared native
for boot in "$@"; do
	[ "$boot" = native ] || [ -n "${smp[$boot]:-}" ] ||
		die "BENCH: there is no boot $boot, only ${!smp[*]} native"
done
mkdir -p "$build"
: >"$build/bench.samples"
for boot in "$@"; do
	if [ "$boot" != native ]; then
		measure "$boot"
	elif [ -z "${ONLY:-}" ] || [[ " $ONLY " = *" native "* ]]; then
		native
	fi
done
awk -f "$bench/bench.awk" "$build/bench.samples" >"$build/bench.tsv" ||
	die "the samples in $build/bench.samples cannot be evaluated"
awk -f "$bench/table.awk" "$build/bench.tsv" >"$build/bench.txt"
echo
cat "$build/bench.txt"
say "for programs: build/bench.tsv"

# If everything was measured, write the table for Documentation/performance.rst.
if [ "$*" = "counted stock smp shared native" ] && [ -z "${ONLY:-}" ]; then
	{
		echo ".. SPDX-License-Identifier: GPL-2.0"
		echo
		echo "rust_pool $(git -C "$TOP" describe --always --dirty 2>/dev/null || echo "of no known version")" \
			"on Linux $(sed -n 's/^# kernel //p' "$build/bench-$1/console"), $(date +%F)::"
		echo
		sed 's/^./\t&/' "$build/bench.txt"
	} >"$build/performance-table.txt"
	say "for Documentation: build/performance-table.txt"
fi
