#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Memory code in the style of Windows drivers, compiled against the environment
# headers alone: each does its work as it is loaded, and is told of what it leaks.
# vm-cmdline: no_hash_pointers init_on_alloc=0

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# works MODULE: its load does its work, and nothing is left or reported
works() {
	log_mark "$1"
	_reported=$(violations)
	load "$1" && unload "$1" && [ "$(violations)" = "$_reported" ] &&
		no_tag_live && no_family_live && not_logged 'rust_pool: .*(leak|left|raise)'
}

# leaks MODULE TAG PREFIX: one block that it leaves is reported, with who made it
leaks() {
	log_mark "$1 leaks"
	load "$1" leak=1 && unload "$1" && logged "rust_pool: +left by $1: 1 block, " &&
		logged "rust_pool: +leaked tag $2 Nonp: 1 block, .*allocated at $3.*\\[$1\\]"
}

# leaks_other MODULE WHAT BYTES PREFIX: what has no tag is named by what it is
leaks_other() {
	log_mark "$1 leaks"
	load "$1" leak=1 && unload "$1" && logged "rust_pool: +left by $1: 1 block, " &&
		logged "rust_pool: +leaked $2: 1 block, $3 bytes, .*at $4.*\\[$1\\]"
}

# A path that forgets a locked buffer leaves the MDL, its mapping, and the lock.
leaks_a_lock() {
	log_mark 'a lock leaks'
	load rp_port_ioctl leak=1 && unload rp_port_ioctl &&
		logged 'rust_pool: +left by rp_port_ioctl: 3 blocks, ' &&
		logged 'rust_pool: +leaked tag Mdl  Nonp: 1 block, 64 bytes, ' || return 1
	for _what in locked mapping; do
		logged "rust_pool: +leaked $_what: 1 block, 5000 bytes, .*at PortLockBuffer" || return 1
	done
}

DEVICE=/dev/rp_port_ioctl
PARAMETERS=/sys/module/rp_port_ioctl/parameters

# Writes what a program has in a buffer to the device's memory, and reads it back into another's.
transfers() {
	for _bytes in 1 100 4095 4096 4097 20001 65535 65536; do
		dd if="$TMP/text" of="$TMP/part" bs="$_bytes" count=1 2>/dev/null
		dd if="$TMP/part" of="$DEVICE" bs="$_bytes" count=1 2>/dev/null &&
			dd if="$DEVICE" of="$TMP/back" bs="$_bytes" count=1 2>/dev/null &&
			cmp "$TMP/part" "$TMP/back" && continue
		echo "# $_bytes bytes did not come back"
		return 1
	done
	! dd if=/dev/zero of="$DEVICE" bs=65537 count=1 2>/dev/null
}

# area MODE [NAME]: prints where the first area of this process with that mode, and name,
# begins and ends
area() {
	sed -n "s/^\\([0-9a-f]*\\)-\\([0-9a-f]*\\) $1 .*$2.*/\\1 \\2/p" "/proc/$$/maps" | head -n 1
}

# requests STATUS CODE ADDRESS LENGTH: this shell's process makes a request
requests() {
	echo "$2 $3 $4" >"$PARAMETERS/request" || return 1
	_status=$(printf '%08x' "$(cat "$PARAMETERS/status")")
	[ "$_status" = "$1" ] && return
	echo "# $2 of $4 bytes at $3: $_status, expected $1"
	return 1
}

# Buffers of this process that are not, that it may only read, and that end too early.
refuses_addresses() {
	_text=$(area r-xp)
	_stack=$(area rw-p '\[stack\]')
	_begin=${_stack% *}
	_end=${_stack#* }
	if [ -z "$_text" ] || [ -z "$_stack" ]; then
		echo "# this process has no code or no stack"
		return 1
	fi
	_before=$(violations)
	requests 00000000 put "${_text% *}" 5000 && requests 00000000 put "$_begin" 5000 &&
		requests c0000005 get "${_text% *}" 4096 &&
		requests c0000005 invert "${_text% *}" 4096 &&
		requests c0000005 put "$(printf '%x' $((0x$_end - 100)))" 101 &&
		requests 00000000 put "$(printf '%x' $((0x$_end - 100)))" 100 &&
		requests c0000005 put 0 1 && requests c0000005 get 1000 4096 &&
		requests c0000005 put ffff888000001000 4096 &&
		requests c0000005 get ffff888000001000 4096 &&
		requests c0000005 put 7fffffffffffff00 4096 &&
		requests c0000005 get ffffffffffffff00 4096 &&
		requests 80000002 invert "$(printf '%x' $((0x$_begin + 2)))" 4 &&
		requests c0000206 put "$_begin" 0 && requests c0000206 put "$_begin" 65537 &&
		requests c0000010 none 0 0 && [ "$(violations)" = "$_before" ]
}

# What a process maps is the device's memory: it reads there what another one put, another
# gets what it writes, and its own requests can use it as a buffer. $1 says how it ends.
# shellcheck disable=SC2016 # expanded by the inner shell
maps_memory() {
	dd if="$TMP/text" of="$DEVICE" bs=65536 count=1 2>/dev/null || return 1
	PARAMETERS=$PARAMETERS DEVICE=$DEVICE TMP=$TMP sh -c '
		request() {
			echo "$1" >"$PARAMETERS/request" && [ "$(cat "$PARAMETERS/status")" = "${2:-0}" ]
		}
		exec 3<"$DEVICE" && request "map 0 0" || exit 1
		at=$(cat "$PARAMETERS/information")
		page=$((at / 4096))
		request "map 0 0" 2147483665 || exit 2
		dd if="/proc/$$/mem" bs=4096 skip=$page count=16 2>/dev/null | cmp "$TMP/text" - || exit 3
		dd if="$TMP/text" of="/proc/$$/mem" bs=4096 skip=3 seek=$((page + 1)) count=1 \
			conv=notrunc 2>/dev/null || exit 4
		dd if="$DEVICE" of="$TMP/back" bs=65536 count=1 2>/dev/null
		dd if="$TMP/text" bs=4096 skip=3 count=1 2>/dev/null >"$TMP/part"
		dd if="$TMP/back" bs=4096 skip=1 count=1 2>/dev/null | cmp "$TMP/part" - || exit 5
		request "invert $(printf %x $((at + 100))) 8192" || exit 6
		dd if="$DEVICE" of="$TMP/inverted" bs=65536 count=1 2>/dev/null
		[ "$(cmp -l "$TMP/back" "$TMP/inverted" | wc -l)" = 8192 ] || exit 7
		[ "$1" != unmaps ] || request "unmap 0 0" || exit 8
		[ "$1" != unmaps ] || ! grep -q "\[rust_pool\]" "/proc/$$/maps" || exit 9
		exit 0' sh "$1"
	_status=$?
	[ $_status -eq 0 ] && return
	echo "# a process that maps the memory failed at $_status"
	return 1
}

# One that unmaps, one that ends, and the next one may map it again.
is_mapped() {
	maps_memory unmaps && maps_memory ends && maps_memory unmaps
}

# Nothing of what processes did is left.
requests_leave_nothing() {
	log_mark 'after requests'
	unload rp_port_ioctl && [ "$(violations)" = "$_reported" ] && no_tag_live && no_family_live &&
		not_logged 'rust_pool: .*(leak|left|raise)'
}

# leaks_of_device MODULE WHAT PREFIX PARAMETER: what it leaves for the device is reported as
# the adapter is put back, and with who made it
leaks_of_device() {
	log_mark "$1 leaks"
	load "$1" leak=1 && unload "$1" &&
		logged "rust_pool: DRIVER_VERIFIER_DMA_VIOLATION .*: $4, .*\\[$1\\]" &&
		logged "rust_pool: +leaked $2: 1 block, .*allocated at $3.*\\[$1\\]" &&
		logged "rust_pool: +leaked adapter .*\\[$1\\]"
}

# What a list still uses is not freed, which is said, too.
leaks_list() {
	leaks_of_device rp_port_storage 'scatter/gather list' Stor 0xa &&
		logged 'free of memory that a scatter/gather list has, .*\[rp_port_storage\]' &&
		logged 'free of an MDL that a scatter/gather list is of, .*\[rp_port_storage\]'
}

# The list that it was an entry of says so when it is deleted.
leaks_record() {
	leaks rp_port_nic NcNb Protocol &&
		logged 'VIOLATION \(0xc4\): 0x62, .*lookaside.*NicHalt'
}

# on_edu NAME COMMAND...: a check that needs the device
on_edu() {
	if [ -n "$EDU" ] && [ ! -e "$EDU/driver" ]; then
		check "$@"
	else
		ktap_test_skip "$1"
	fi
}

# That paged code looks at the IRQL: a warning that is asked for.
paged_code_checks() {
	log_mark 'paged code'
	echo "rust_pool-selftest: expect begin" >/dev/kmsg
	load rp_port_filter high=1
	_status=$?
	echo "rust_pool-selftest: expect end" >/dev/kmsg
	[ $_status -eq 0 ] && unload rp_port_filter &&
		logged 'FltRecordsInitialize is paged code, called at IRQL 2' || return 1
	log_mark 'after it'
	BEGIN=$MARK
}

begin rp_port_usb rp_port_filter rp_port_balloon rp_port_ring rp_port_ioctl rp_port_storage \
	rp_port_nic rp_port_audio
find_edu || true
ktap_set_plan $((20 + ENDS))
load_or_fail rust_pool
check "$PROGRAM: paged code checks" paged_code_checks
check "$PROGRAM: a USB host controller's schedule" works rp_port_usb
check "$PROGRAM: a minifilter's records" works rp_port_filter
on_edu "$PROGRAM: a storage miniport" works rp_port_storage
on_edu "$PROGRAM: a network card's rings" works rp_port_nic
on_edu "$PROGRAM: an audio device's streams" works rp_port_audio
check "$PROGRAM: a balloon" works rp_port_balloon
check "$PROGRAM: a ring that is mapped twice" works rp_port_ring
_reported=$(violations)
dd if=/dev/urandom of="$TMP/text" bs=4096 count=16 2>/dev/null
load_or_fail rp_port_ioctl
check "$PROGRAM: requests with buffers of processes" transfers
check "$PROGRAM: requests with addresses that are no buffers" refuses_addresses
check "$PROGRAM: memory that processes map" is_mapped
check "$PROGRAM: nothing is left of requests" requests_leave_nothing
check "$PROGRAM: a forgotten endpoint" leaks rp_port_usb UEnd Usb
check "$PROGRAM: a forgotten log record" leaks rp_port_filter FLog Flt
check "$PROGRAM: pages of a balloon whose MDL is freed" \
	leaks_other rp_port_balloon mdl_pages 12288 Balloon
check "$PROGRAM: address space for a view of a ring" leaks_other rp_port_ring reserved 12288 Ring
check "$PROGRAM: a buffer that is not unlocked" leaks_a_lock
# What these leave makes later checks of families fail.
on_edu "$PROGRAM: a forgotten record of a frame" leaks_record
on_edu "$PROGRAM: a forgotten scatter/gather list" leaks_list
on_edu "$PROGRAM: a forgotten cyclic buffer" leaks_of_device \
	rp_port_audio 'common buffer' AudioOpenStream 0x7
ends
