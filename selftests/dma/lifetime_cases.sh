# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Sourced after lib.sh: what happens to the device of a client that has common
# buffers out, and what becomes of them then. The client is rp_test_lifetime.

# shellcheck source=selftests/lib/kprobe.sh
. "$DIR/lib/kprobe.sh"

LIFETIME=/sys/module/rp_test_lifetime/parameters
DRIVER=/sys/bus/pci/drivers/rp_test_lifetime
# Adapters times buffers of each.
BUFFERS=15
# How many buffers had to be lost.
LOST=0
GIVEN_BACK='given back'
ONLY_PAGES='given back without the IOMMU'
# DMA-API debugging has its books, so there the memory is not used again, and it
# blames who leaves buffers out when a driver lets go.
DEBUGGED=
if [ -d /sys/kernel/debug/dma-api ]; then
	DEBUGGED=1
	ONLY_PAGES='memory lost'
fi

run() {
	echo "$*" >"$LIFETIME/run" && return
	echo "# failed: $*"
	return 1
}

# Devices by their address, as 0000:00:01.0.
device() {
	echo "/sys/bus/pci/devices/$1"
}

remove() {
	echo 1 >"$(device "$1")/remove" && ! [ -e "$(device "$1")" ]
}

rescan() {
	echo 1 >/sys/bus/pci/rescan && [ -e "$(device "$1")" ]
}

bind() {
	echo rp_test_lifetime >"$(device "$1")/driver_override"
	echo "$1" >"$DRIVER/bind"
}

unbind() {
	echo "$1" >"$DRIVER/unbind"
	echo >"$(device "$1")/driver_override"
}

type_of() {
	cat "$(device "$1")/iommu_group/type" 2>/dev/null
}

# set_type DEVICE TYPE
set_type() {
	echo "$2" >"$(device "$1")/iommu_group/type" && [ "$(type_of "$1")" = "$2" ] && return
	echo "# $1 cannot be of type $2, it is of $(type_of "$1")"
	return 1
}

# When a device is removed: with its IOMMU goes what its buffers were mapped in.
removed() {
	case $(type_of "$1") in
	DMA*)
		echo "device was removed: $ONLY_PAGES" ;;
	*)
		echo "device was removed: $GIVEN_BACK" ;;
	esac
}

# all_reported BEFORE WORDS: each buffer is, since so many violations
all_reported() {
	_rows=$(($(violations) - $1))
	_right=$(tail -n "$BUFFERS" "$STATS/violations" | grep -c " 0xe6 0x0 .*$2\$")
	[ "$_rows" -eq "$BUFFERS" ] && [ "$_right" -eq "$BUFFERS" ] && return
	echo "# $_rows reports, $_right of them: $2"
	tail -n 2 "$STATS/violations" | sed 's/^/# /'
	return 1
}

# given_back WORDS: the buffers hold what was written; all are freed, reported with
# these words, or not at all; and nothing is left
given_back() {
	_before=$(violations)
	run check && run free || return 1
	if [ -n "$1" ]; then
		all_reported "$_before" "$1" || return 1
	elif [ "$(violations)" -ne "$_before" ]; then
		tail -n 1 "$STATS/violations" | sed 's/^/# /'
		return 1
	fi
	run put && nothing_live
}

nothing_live() {
	no_family_live && ! grep '^adapter ' "$STATS/adapters"
}

# The device is as good as before.
usable() {
	run get "$1" && given_back ''
}

removed_with_buffers_out() {
	_words=$(removed "$1")
	run get "$1" && remove "$1" || return 1
	# No more of them, and no adapter: each is reported.
	_before=$(violations)
	! run more >"$TMP/more" 2>&1 && [ "$(violations)" -eq $((_before + 1)) ] || return 1
	given_back "$_words" && rescan "$1" && usable "$1"
}

back_before_the_free() {
	_words=$(removed "$1")
	run get "$1" && remove "$1" && rescan "$1" && given_back "$_words" && usable "$1"
}

put_before_the_free() {
	_words=$(removed "$1")
	run get "$1" && remove "$1" || return 1
	_before=$(violations)
	run put_first && [ "$(violations)" -eq $((_before + 3)) ] || return 1
	given_back "$_words" && rescan "$1" && usable "$1"
}

# Freed where nothing may sleep: two reports for each.
freed_in_atomic() {
	_words=$(removed "$1")
	run get "$1" && remove "$1" || return 1
	_before=$(violations)
	run free_atomic && run put || return 1
	eventually nothing_live >"$TMP/live" || return 1
	[ "$(violations)" -eq $((_before + 2 * BUFFERS)) ] && rescan "$1" && usable "$1"
}

driver_stays() {
	bind "$1" && usable "$1" && unbind "$1"
}

driver_unbound() {
	bind "$1" && run get "$1" && unbind "$1" &&
		given_back "device lost its driver: $GIVEN_BACK"
}

# The DMA API frees for it as before.
driver_bound_again() {
	bind "$1" && run get "$1" && unbind "$1" && bind "$1" && given_back '' && unbind "$1"
}

driver_and_device_gone() {
	_words=$(removed "$1")
	bind "$1" && run get "$1" && remove "$1" && given_back "$_words" && rescan "$1"
}

# type_changed DEVICE FROM TO...: each in turn, with buffers out from the first on
type_changed() {
	_device=$1
	shift
	set_type "$_device" "$1" && run get "$_device" || return 1
	shift
	for _type; do
		set_type "$_device" "$_type" || return 1
	done
	given_back "IOMMU domain changed: $ONLY_PAGES" && usable "$_device"
}

# As they were made: the DMA API frees them.
type_changed_back() {
	set_type "$1" identity && run get "$1" && set_type "$1" DMA && set_type "$1" identity &&
		given_back '' && set_type "$1" DMA-FQ
}

# The same domain, with flushes put off.
made_lazy() {
	set_type "$1" DMA && run get "$1" && set_type "$1" DMA-FQ && given_back '' && usable "$1"
}

removed_as() {
	set_type "$1" "$2" && removed_with_buffers_out "$1"
}

# lists_put STEP WORDS: puts three lists, of which one is a packet that is flushed; each is
# reported with these words, or none
lists_put() {
	_before=$(violations)
	run "$1" && eventually nothing_live >"$TMP/live" || return 1
	_rows=$(($(violations) - _before))
	if [ -z "$2" ]; then
		[ $_rows -eq 0 ] && return
	else
		_right=$(tail -n 3 "$STATS/violations" | grep -c " 0xe6 0x0 .*list put after its $2\$")
		_flushed=$(tail -n 3 "$STATS/violations" |
			grep -c " 0xe6 0x0 .*transfer flushed after its $2\$")
		[ $_rows -eq 3 ] && [ "$_right" -eq 2 ] && [ "$_flushed" -eq 1 ] && return
	fi
	echo "# $_rows reports in place of: $2"
	tail -n 3 "$STATS/violations" | sed 's/^/# /'
	return 1
}

# Both where it may sleep and where it may not.
removed_with_lists_out() {
	for _put in unlist unlist_atomic; do
		run lists "$1" && remove "$1" && lists_put $_put 'device was removed' &&
			rescan "$1" && usable "$1" || return 1
	done
}

# Who waits is called all the same: its driver may be waiting for that.
removed_with_a_request() {
	_before=$(violations)
	run wait "$1" && remove "$1" && run grant && [ "$(violations)" -eq "$_before" ] &&
		nothing_live && rescan "$1" && usable "$1"
}

unbound_with_lists_out() {
	for _put in unlist unlist_atomic; do
		bind "$1" && run lists "$1" && lists_put $_put '' && run lists "$1" &&
			unbind "$1" && lists_put $_put 'device lost its driver' || return 1
	done
}

# type_changed_with_lists DEVICE FROM TO: with lists out
type_changed_with_lists() {
	for _put in unlist unlist_atomic; do
		set_type "$1" "$2" && run lists "$1" && set_type "$1" "$3" &&
			lists_put $_put 'IOMMU domain changed' && usable "$1" || return 1
	done
}

# As in a reset: the free waits, and is as any other.
group_back_soon() {
	run get "$1" && run borrow "$1" 300 && given_back '' || return 1
	for _put in unlist unlist_atomic; do
		run lists "$1" && run borrow "$1" 300 && lists_put $_put '' || return 1
	done
	usable "$1"
}

# As VFIO may: one buffer waits, for fifty times 20 ms, and the others only ask. Not the
# time is measured: on a busy machine it may be any.
group_away_for_long() {
	_counts=yes
	can_count_calls "the waits of buffers" || _counts=
	run get "$1" && run borrow "$1" 3600000 || return 1
	[ -z "$_counts" ] || count_calls rust_pool_dma_wait || return 1
	given_back 'IOMMU domain changed: memory lost'
	_status=$?
	[ -z "$_counts" ] || {
		_asked=$(calls)
		stop_counting
	}
	LOST=$((LOST + BUFFERS))
	run return && [ $_status -eq 0 ] && usable "$1" || return 1
	[ -n "$_counts" ] || return 0
	[ "$_asked" -ge 50 ] && [ "$_asked" -lt $((50 * BUFFERS / 2)) ] && return
	echo "# $BUFFERS buffers asked $_asked times whether to wait; 50 times is one wait"
	return 1
}

# The pages of lists stay mapped then, which is told and counted.
group_away_with_lists() {
	log_mark lists
	run lists "$1" && run borrow "$1" 3600000 || return 1
	lists_put unlist 'IOMMU domain changed'
	_status=$?
	LOST=$((LOST + 3))
	run return && [ $_status -eq 0 ] && [ "$(stat_of adapters lost)" -eq "$LOST" ] &&
		logged "[0-9]+ bytes stay mapped for $1" && usable "$1"
}

# vmalloc areas of the DMA API
mapped() {
	grep -c ' dma-coherent' /proc/vmallocinfo
}

available() {
	awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo
}

# balanced COMMAND...: six times with 3 MiB more each leave neither memory in use
# nor a mapping; checkers keep some of both
balanced() {
	_mapped=$(mapped)
	_available=$(available)
	for _round in 1 2 3 4 5 6; do
		"$@" || return 1
	done
	[ -z "$DEBUGGED" ] || return 0
	_less=$((_available - $(available)))
	[ "$(mapped)" -eq "$_mapped" ] && [ $_less -lt 24000 ] && return
	echo "# $_less KiB less than before, $(mapped) areas, $_mapped before"
	return 1
}

large_removed() {
	_words=$(removed "$1")
	BUFFERS=18
	run get "$1" 1024 && remove "$1" && rescan "$1" && given_back "$_words"
	_status=$?
	BUFFERS=15
	return $_status
}

large_changed() {
	BUFFERS=18
	set_type "$1" "$2" && run get "$1" 1024 && set_type "$1" "$3" &&
		given_back "IOMMU domain changed: $ONLY_PAGES"
	_status=$?
	BUFFERS=15
	return $_status
}

# raced DEVICE COMMAND...: while two threads allocate and free
raced() {
	_device=$1
	shift
	run race "$_device" || return 1
	_raced=0
	for _round in 1 2 3 4; do
		"$@" "$_device" || _raced=1
	done
	run rest && [ $_raced -eq 0 ] && nothing_live && [ "$(cat "$LIFETIME/rounds")" -gt 0 ] && usable "$_device"
}

away_and_back() {
	sleep 0.2
	remove "$1" && sleep 0.2 && rescan "$1"
}

to_and_fro() {
	sleep 0.2
	set_type "$1" identity && sleep 0.2 && set_type "$1" DMA-FQ
}

# No memory is lost but what had to be. Where DMA-API debugging has the mappings in its
# books, what has to be given back without it is lost, and counted: that is all that an
# IOMMU had mapped.
never_lost() {
	if [ -n "$DEBUGGED" ] && grep -q 'memory lost$' "$STATS/violations"; then
		[ "$(stat_of adapters lost)" -gt 0 ] && [ "$(stat_of adapters lost_bytes)" -gt 0 ]
	else
		[ "$(stat_of adapters lost)" = "$LOST" ]
	fi
}

no_fault() {
	# shellcheck disable=SC2034 # of lib.sh
	MARK=$BEGIN
	not_logged 'DMAR:.*([Ff]ault|DMA (Read|Write))'
}

# A check that leaves DMA-API debugging with books of a device that lives on: it would
# accuse the next that has to do with it.
booked_check() {
	if [ -n "$DEBUGGED" ]; then
		ktap_test_skip "$1"
	else
		check "$@"
	fi
}

# Cases for a device, whatever serves it, and how many they are.
# shellcheck disable=SC2034 # those that source this use it
COMMON=13
common_cases() {
	check "$2: removed, with buffers out" removed_with_buffers_out "$1"
	check "$2: removed and back before the free" back_before_the_free "$1"
	check "$2: removed, put before the free" put_before_the_free "$1"
	check "$2: removed, freed in atomic context" freed_in_atomic "$1"
	check "$2: its driver stays" driver_stays "$1"
	for _case in driver_unbound driver_bound_again driver_and_device_gone; do
		booked_check "$2: $_case" "$_case" "$1"
	done
	booked_check "$2: removed, with lists out" removed_with_lists_out "$1"
	booked_check "$2: unbound, with lists out" unbound_with_lists_out "$1"
	check "$2: removed while a request waits for the channel" removed_with_a_request "$1"
	check "$2: ${DEBUGGED:+not measured: }memory in balance" balanced large_removed "$1"
	check "$2: removed while threads allocate and free" raced "$1" away_and_back
}

begin_lifetime() {
	begin rp_test_lifetime
	[ -z "$(find_edu && readlink "$EDU/driver")" ] || skip_all "edu is bound to a driver"
	load_or_fail rust_pool rp_test_lifetime
}

end_lifetime() {
	check "$PROGRAM: no other memory was lost" never_lost
	check "$PROGRAM: no DMA fault" no_fault
	ends
}

# shellcheck disable=SC2034 # as above
LIFETIME_ENDS=$((ENDS + 2))
