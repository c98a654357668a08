#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The driver dma_demo, whose device does not end a transfer, as it believes: what the device
# may still write to is not given back. A transfer of edu takes 100 ms of the machine's time,
# which with this clock pass at once. The last case leaves memory locked.
# vm-args: -icount shift=1,sleep=off
# vm-smp: 1
# vm-own: leaves map registers and locked pages

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/dma/copy_cases.sh
. "$DIR/dma/copy_cases.sh"

# Probe makes six transfers. A request that follows makes one from and one to the buffers of
# the program.
IN_PROBE=2
TO_PROGRAM=8

# stuck_at TRANSFER: the driver anew, for which this transfer does not end
stuck_at() {
	if loaded dma_demo; then
		unload dma_demo || return 1
	fi
	log_mark "stuck at $1"
	load dma_demo "stuck_nth=$1"
}

# command_has BIT: whether this bit of the device's PCI command register is set
command_has() {
	_command=$(od -An -tu2 -j4 -N2 "$EDU/config")
	[ $((_command & $1)) -ne 0 ]
}

# Whether the device has the bus.
is_master() {
	command_has 0x4
}

# Whether the device does not use its interrupt line.
is_silent() {
	command_has 0x400
}

stopped() {
	stuck_at $TO_PROGRAM && is_master && copy stuck && ! is_master && is_silent &&
		logged 'dma_demo .*the device does not end its transfer: it was stopped' &&
		unload dma_demo && no_family_live && no_tag_live
}

bound_again() {
	stuck_at $TO_PROGRAM && "$COPY" "$FILE" stuck_and_bound && is_master && idle && return
	dmesg | tail -n 5 | sed 's/^/# /'
	return 1
}

stopped_in_probe() {
	stuck_at $IN_PROBE || return 1
	[ ! -e "$EDU/driver" ] && [ ! -e "$FILE" ] && ! is_master && no_family_live && no_tag_live &&
		stuck_at 0 && copy copy 100 0 0
}

# The device may write there for ever. So the pages stay locked and mapped, and that is said.
kept_for_ever() {
	unload dma_demo && load rp_test_stubborn && stuck_at $TO_PROGRAM || return 1
	_result=$("$COPY" "$FILE" try 100)
	[ "$_result" = -110 ] && is_master &&
		logged 'dma_demo .*it cannot be stopped, and the memory is kept' &&
		grep -q '^adapter .* lists 2 buffers 1 open$' "$STATS/adapters" &&
		[ "$(grep -c '^list .*\[dma_demo\]$' "$STATS/adapters")" -eq 2 ] && [ "$(mdls)" = 2 ] ||
		return 1
	unload dma_demo && logged 'leaked adapter .* lists 2 buffers 0 open' &&
		[ "$(log_since | grep -cE 'leaked (scatter/gather list|locked): 1 block, 100 bytes')" -eq 4 ] &&
		grep -q '^adapter .* lists 2 buffers 0 open$' "$STATS/adapters"
}

begin_copies
ktap_set_plan $((4 + ENDS))
check "a transfer that does not end" stopped
check "bound again in the middle of it" bound_again
check "in probe" stopped_in_probe
if grep -q ' register_kprobe$' /proc/kallsyms; then
	check "a device that cannot be stopped" kept_for_ever
else
	ktap_test_skip "a device that cannot be stopped"
fi
ends
