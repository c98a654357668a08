#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Common buffers whose device goes, or whose IOMMU domain changes: a device in a
# group of its own, and two behind a bridge, which share one.
# vm-cmdline: no_hash_pointers intel_iommu=on iommu=nopt
# vm-tcg: thread=single
# vm-args: -machine kernel-irqchip=split -device intel-iommu
# vm-args: -device pcie-root-port,id=rp0,chassis=1 -device pcie-pci-bridge,id=br0,bus=rp0
# vm-args: -device edu,bus=br0,addr=1 -device edu,bus=br0,addr=2

# On a busy host QEMU 10 dies by an assertion (iotlb_to_section) when one emulated processor
# changes which addresses belong to devices, as this program makes it do all the time, while
# another one is in the middle of an access. So one thread emulates both, in turn.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/dma/lifetime_cases.sh
. "$DIR/dma/lifetime_cases.sh"

# The edus of one group with others.
behind_bridge() {
	for _device in /sys/bus/pci/devices/*; do
		if [ "$(cat "$_device/vendor") $(cat "$_device/device")" = "0x1234 0x11e8" ] &&
		   [ "$(readlink -f "$_device/..")" != /sys/devices/pci0000:00 ]; then
			echo "${_device##*/}"
		fi
	done
}

# Its buffers must not stay mapped for the others of the group, nor its addresses
# be handed out to them while they are.
one_of_two_removed() {
	run get "$1" 1024 && remove "$1" || return 1
	BUFFERS=18
	given_back "device was removed: $ONLY_PAGES"
	_status=$?
	BUFFERS=15
	[ $_status -eq 0 ] && run unreached "$2" && usable "$2" && rescan "$1" && usable "$1" && usable "$2"
}

# The pages of its lists must not stay mapped for the others of the group.
one_of_two_removed_with_lists() {
	for _put in unlist unlist_atomic; do
		run lists "$1" && remove "$1" && lists_put $_put 'device was removed' &&
			run unreached "$2" && rescan "$1" || return 1
	done
	usable "$1" && usable "$2"
}

more_violations() {
	[ "$(violations)" -gt "$_before" ]
}

# The client that put the list is gone when the pages are given up. Another got the adapter, so
# nobody waits for that.
putter_gone() {
	run lists "$1" && run borrow "$1" 3600000 && load rp_test_putter || return 1
	_before=$(violations)
	unload rp_test_putter || return 1
	eventually more_violations
	tail -n 1 "$STATS/violations" >"$TMP/row"
	LOST=$((LOST + 1))
	run return && run unlist && eventually nothing_live >"$TMP/live" || return 1
	grep -q ' 0xe6 0x0 .*list put after its IOMMU domain changed$' "$TMP/row" &&
		grep -q ' rp_test_putter .* put_and_go+' "$TMP/row" && usable "$1" && return
	sed 's/^/# /' "$TMP/row"
	return 1
}

bridge_removed() {
	_bridge=$(basename "$(readlink -f "$(device "$1")/..")")
	_words=$(removed "$1")
	run get "$1" && remove "$_bridge" && ! [ -e "$(device "$1")" ] || return 1
	given_back "$_words" && rescan "$1" && usable "$1"
}

root_port_removed() {
	_port=$(basename "$(readlink -f "$(device "$1")/../..")")
	_words=$(removed "$1")
	run get "$1" && remove "$_port" && rescan "$1" && given_back "$_words" && usable "$1"
}

# In the order in which they were found first.
all_back() {
	_port=$(basename "$(readlink -f "$(device "$2")/../..")")
	remove "$_port" && remove "$1" && rescan "$1" && rescan "$2"
}

need_edu
EDU=${EDU##*/}
[ -n "$(type_of "$EDU")" ] || skip_all "edu is not behind an IOMMU"
# shellcheck disable=SC2046 # two words
set -- $(behind_bridge)
[ $# -eq 2 ] || skip_all "there are not two edus behind a bridge"
begin_lifetime
ktap_set_plan $((COMMON + 20 + LIFETIME_ENDS))
common_cases "$EDU" lazy
booked_check "lazy to passthrough" type_changed "$EDU" DMA-FQ identity
booked_check "lazy to passthrough and back" type_changed "$EDU" DMA-FQ identity DMA-FQ
booked_check "passthrough to lazy" type_changed "$EDU" identity DMA-FQ
check "passthrough to strict and back" type_changed_back "$EDU"
check "strict to lazy" made_lazy "$EDU"
check "strict: removed, with buffers out" removed_as "$EDU" DMA
check "passthrough: removed, with buffers out" removed_as "$EDU" identity
booked_check "passthrough, then lazy: memory in balance" balanced large_changed "$EDU" identity DMA-FQ
booked_check "domain changed while threads allocate and free" raced "$EDU" to_and_fro
check "one of two in a group removed" one_of_two_removed "$1" "$2"
booked_check "one of two in a group removed, with lists out" one_of_two_removed_with_lists "$1" "$2"
booked_check "lazy to passthrough, with lists out" type_changed_with_lists "$EDU" DMA-FQ identity
booked_check "passthrough to lazy, with lists out" type_changed_with_lists "$EDU" identity DMA-FQ
check "the group is somebody else's for a while" group_back_soon "$EDU"
booked_check "the group is somebody else's for long" group_away_for_long "$EDU"
booked_check "the group is somebody else's for long, with lists out" group_away_with_lists "$EDU"
booked_check "whoever put a list is gone when it is unmapped" putter_gone "$EDU"
check "bridge removed" bridge_removed "$1"
check "root port removed" root_port_removed "$1"
check "the devices are back" all_back "$EDU" "$1"
end_lifetime
