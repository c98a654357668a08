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

begin rp_port_usb rp_port_filter rp_port_storage rp_port_nic rp_port_audio
find_edu || true
ktap_set_plan $((11 + ENDS))
load_or_fail rust_pool
check "$PROGRAM: paged code checks" paged_code_checks
check "$PROGRAM: a USB host controller's schedule" works rp_port_usb
check "$PROGRAM: a minifilter's records" works rp_port_filter
on_edu "$PROGRAM: a storage miniport" works rp_port_storage
on_edu "$PROGRAM: a network card's rings" works rp_port_nic
on_edu "$PROGRAM: an audio device's streams" works rp_port_audio
check "$PROGRAM: a forgotten endpoint" leaks rp_port_usb UEnd Usb
check "$PROGRAM: a forgotten log record" leaks rp_port_filter FLog Flt
# What these leave makes later checks of families fail.
on_edu "$PROGRAM: a forgotten record of a frame" leaks_record
on_edu "$PROGRAM: a forgotten scatter/gather list" leaks_list
on_edu "$PROGRAM: a forgotten cyclic buffer" leaks_of_device \
	rp_port_audio 'common buffer' AudioOpenStream 0x7
ends
