#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Memory that is in use while others take memory offline, or change how it is
# cached.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

HELD=/sys/module/rp_test_held/parameters
BLOCKS=/sys/devices/system/memory

run() {
	echo "$1" >"$HELD/run"
}

# Memory blocks of the machine that hold pages of ours, by their numbers.
ours() {
	_size=$((0x$(cat "$BLOCKS/block_size_bytes")))
	while read -r _address; do
		echo $((_address / _size))
	done <"$HELD/physical" | sort -u
}

given_back() {
	run check && run free && [ "$(cat "$HELD/uncached")" -eq 0 ] && no_family_live && no_tag_live
}

rewritten() {
	run get && run rewrite && given_back
}

# Each block of the machine that holds one of ours stays, and so does what is in it.
stays_online() {
	run get || return 1
	_blocks=$(ours)
	[ -n "$_blocks" ] || return 1
	for _block in $_blocks; do
		! echo offline >"$BLOCKS/memory$_block/state" 2>/dev/null || return 1
	done
	given_back
}

# offline_all: those that could be taken offline are taken online again
offline_all() {
	for _state in "$BLOCKS"/memory*/state; do
		echo offline >"$_state" 2>/dev/null || continue
		_offline=$((_offline + 1))
		sleep 0.2
		echo online >"$_state" || return 1
	done
}

searched_while_offline() {
	_offline=0
	run get && run search && offline_all && offline_all && run rest || return 1
	echo "# $_offline taken offline, $(cat "$HELD/found") of $(cat "$HELD/searches") searches found some"
	[ "$_offline" -gt 0 ] && [ "$(cat "$HELD/found")" -gt 0 ] && given_back
}

begin rp_test rp_test_held
load_or_fail rust_pool rp_test rp_test_held
ktap_set_plan $((3 + ENDS))
check "made write-back by somebody else" rewritten
if [ "$(cat "$BLOCKS/memory0/removable" 2>/dev/null)" = 1 ]; then
	check "memory that is in use stays online" stays_online
	check "memory taken offline while frames are searched" searched_while_offline
else
	ktap_test_skip "memory that is in use stays online"
	ktap_test_skip "memory taken offline while frames are searched"
fi
ends
