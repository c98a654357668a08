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

begin rp_port_usb rp_port_filter rp_port_balloon rp_port_ring
ktap_set_plan $((9 + ENDS))
load_or_fail rust_pool
check "$PROGRAM: paged code checks" paged_code_checks
check "$PROGRAM: a USB host controller's schedule" works rp_port_usb
check "$PROGRAM: a minifilter's records" works rp_port_filter
check "$PROGRAM: a balloon" works rp_port_balloon
check "$PROGRAM: a ring that is mapped twice" works rp_port_ring
check "$PROGRAM: a forgotten endpoint" leaks rp_port_usb UEnd Usb
check "$PROGRAM: a forgotten log record" leaks rp_port_filter FLog Flt
check "$PROGRAM: pages of a balloon whose MDL is freed" \
	leaks_other rp_port_balloon mdl_pages 12288 Balloon
check "$PROGRAM: address space for a view of a ring" leaks_other rp_port_ring reserved 12288 Ring
ends
