#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# record.sh [LOAD...]: records what drivers allocate and free while they work, in the virtual
# machine, from the kernel's own tracepoints. Writes selftests/bench/traces/LOAD.trace, which
# "make bench" replays.
#
#   nic      an e1000 with TCP, UDP and ICMP over QEMU's user network
#   storage  an NVMe disk with ext4 under fio
#
# Needs a network on first use: fio, mke2fs and the kernel's modules are fetched.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
# shellcheck source=scripts/programs.sh
. "$TOP/scripts/programs.sh"

bench=$TOP/selftests/bench
build=$TOP/build

# The nodes that the machine talks to are in QEMU itself: 10.0.2.100 sends back what it gets,
# 10.0.2.2 answers pings and TFTP. The host's own network is out of reach.
declare -A args=(
	[nic]="-device e1000,netdev=net -netdev user,id=net,restrict=on,tftp=$build/record-nic/tftp"
	[storage]="-drive file=$build/record-storage/disk,if=none,id=disk,format=raw,cache=unsafe
		-device nvme,drive=disk,serial=rust_pool"
)

args[nic]+=,guestfwd=tcp:10.0.2.100:7-cmd:cat

record() {
	local load=$1 logs=$build/record-$1 status=0

	rm -rf "$logs"
	mkdir -p "$logs/tftp"
	head -c 1M /dev/urandom >"$logs/tftp/file"
	truncate -s 512M "$logs/disk"
	say "$load: booting with 2 CPUs"
	FILES="$RECORD_DIR/bin $RECORD_DIR/modules $bench/record.awk" SMP=2 MEM=2G \
		QEMU_ARGS=${args[$load]} TIMEOUT=${TIMEOUT:-600} VM_LOGS=$logs \
		CMDLINE="slab_nomerge rust_pool_record=$load rust_pool_date=$(date -u +%F)" \
		"$TOP/scripts/vm.sh" "$bench/record-guest" |
		awk -v trace="$logs/trace" '
			sub(/^trace /, "") { print >trace; next }
			sub(/^# /, "") { print "rust_pool: " $0; fflush() }' >&2 || status=$?
	rm -f "$logs/disk"
	[ "$status" -eq 0 ] || die "$load could not be recorded; see $logs/console"
	awk -f "$bench/trace.awk" -v name="$load" "$logs/trace" >/dev/null ||
		die "$logs/trace is no trace"
	mkdir -p "$bench/traces"
	cp "$logs/trace" "$bench/traces/$load.trace"
	say "$load: $(stat -c %s "$logs/trace") bytes in selftests/bench/traces/$load.trace"
}

[ $# -gt 0 ] || set -- nic storage
for load in "$@"; do
	[ -n "${args[$load]:-}" ] || die "TRACES: there is no load $load, only ${!args[*]}"
done
setup_ensure
record_ensure
for load in "$@"; do
	record "$load"
done
