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

# lost FAMILY BLOCKS BYTES
lost() {
	[ "$(stat_of "$1" lost)" = "$2" ] && [ "$(stat_of "$1" lost_bytes)" = "$3" ] && return
	sed -n "2s/^# /# $1: /p" "$STATS/$1"
	return 1
}

all_lost() {
	awk '$1 == "lost" { print $4 }' "$STATS/summary"
}

# All memory, and none of it is lost.
given_back() {
	_lost=$(all_lost)
	run check && run free && [ "$(cat "$HELD/uncached")" -eq 0 ] && no_family_live && no_tag_live &&
		[ "$(all_lost)" -eq "$_lost" ]
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

# Takes the last block of the machine that allows it offline: _block, which begins at
# _address.
take_offline() {
	for _number in $(printf '%s\n' "$BLOCKS"/memory[0-9]* | sed 's/.*memory//' | sort -rn); do
		_block=$BLOCKS/memory$_number
		_address=$((_number * 0x$(cat "$BLOCKS/block_size_bytes")))
		! echo offline >"$_block/state" 2>/dev/null || return 0
	done
	echo "# none can be taken offline"
	return 1
}

# Memory that can be emptied stays where it is with a single block of ours in it.
taken_stays_online() {
	take_offline && echo online >"$_block/state" || return 1
	run "take $_address" || return 1
	if echo offline >"$_block/state" 2>/dev/null; then
		echo "# ${_block##*/} went offline with a block in it"
		return 1
	fi
	run drop && echo offline >"$_block/state" && echo online >"$_block/state"
}

# Memory that was taken offline is none, until it is back; what is beside it is.
offline_is_no_memory() {
	_size=$((0x$(cat "$BLOCKS/block_size_bytes")))
	take_offline && run "absent $_address" && run "absent $((_address + _size - 4096))" &&
		run "present $((_address - 4096))" && echo online >"$_block/state" &&
		run "present $_address" && run "present $((_address + _size - 4096))"
}

# What its owner made removable can be taken offline whatever we were asked for.
removable_stays_free() {
	take_offline && echo online_movable >"$_block/state" || return 1
	! run "take $_address" 2>/dev/null && run get && run check || return 1
	if ours | grep -qx "${_block##*memory}"; then
		echo "# ${_block##*/} has a block in it"
		return 1
	fi
	echo offline >"$_block/state" && echo online >"$_block/state" && given_back
}

# All in the counts, but not each in the log.
lost_counted() {
	_lost=$(all_lost)
	log_mark lost
	run fail || return 1
	_round=0
	while [ $_round -lt 12 ]; do
		# The kernel would tell then how many messages it has left out.
		[ $_round -lt 11 ] || sleep 6
		run get && run check && run free || return 1
		_round=$((_round + 1))
	done
	not_logged suppressed && run work && no_family_live && no_tag_live && lost contiguous 24 1572864 &&
		lost noncached 12 786432 && [ "$(($(all_lost) - _lost))" -eq 2359296 ] &&
		logged 'rust_pool: 65536 bytes of contiguous memory are lost: their pages could not be made write-back again' &&
		logged 'rust_pool: 65536 bytes of noncached pages are lost: their pages could not be made write-back again' ||
		return 1
	_lines=$(log_since | grep -c 'write-back again')
	echo "# $_lines lines"
	[ "$_lines" -lt 36 ]
}

hotplug_check() {
	if [ "$(cat "$BLOCKS/memory0/removable" 2>/dev/null)" = 1 ]; then
		check "$@"
	else
		ktap_test_skip "$1"
	fi
}

begin rp_test rp_test_held
load_or_fail rust_pool rp_test rp_test_held
ktap_set_plan $((7 + ENDS))
check "made write-back by somebody else" rewritten
hotplug_check "memory that is in use stays online" stays_online
hotplug_check "memory with one block in it stays online" taken_stays_online
hotplug_check "memory that is offline is not listed" offline_is_no_memory
hotplug_check "memory that is to be removable stays free" removable_stays_free
hotplug_check "memory taken offline while frames are searched" searched_while_offline
if grep -qw register_kretprobe /proc/kallsyms; then
	check "memory that cannot be made write-back is lost, and counted" lost_counted
else
	ktap_test_skip "memory that cannot be made write-back is lost, and counted"
fi
ends
