#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The driver dma_demo on QEMU's edu. A transfer of edu takes 100 ms of the
# machine's time, which with this clock pass at once.
# vm-args: -icount shift=1,sleep=off -device virtio-rng-pci
# vm-smp: 1

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

bound() {
	[ -e "$EDU/driver" ]
}

report() {
	echo "$STATS/reports/dma_demo.${EDU##*/}"
}

# diff_is FAMILY NUMBER
diff_is() {
	[ "$(stat_of "$1" diff)" = "$2" ] && return
	sed "s/^/# $1: /" "$STATS/$1"
	return 1
}

# Live blocks of a tag and type, 0 if it has no row.
tag_diff() {
	awk -v tag="$1" -v type="$2" 'substr($0, 1, 4) == tag {
		$0 = substr($0, 5)
		if ($1 == type) diff = $4
	} END { print 0 + diff }' "$STATS/tags"
}

probes() {
	bound && [ "$(basename "$(readlink "$EDU/driver")")" = dma_demo ] &&
		logged 'dma_demo .*transfers .*came back as they went'
}

takes_all_families() {
	[ "$(tag_diff EduX Nonp)" = 1 ] && [ "$(tag_diff EduC Paged)" = 1 ] &&
		diff_is contiguous 1 && diff_is noncached 1 && diff_is adapters 1 &&
		grep -q '^adapter .* mask 0xfffffff lists 0 buffers 1 open$' "$STATS/adapters" &&
		grep -q '^buffer .*\[dma_demo\]$' "$STATS/adapters" &&
		! grep '^buffer .*9rust_pool' "$STATS/adapters"
}

nothing_live() {
	no_family_live && ! grep '^adapter ' "$STATS/adapters" && no_tag_live
}

# Each family's row, where its block really is.
tells_where() {
	cat "$(report)" >"$TMP/report" || return 1
	[ "$(head -n 1 "$TMP/report")" = "dma_demo - version: 1.1" ] || return 1
	grep -q ' 6 DMA transfers, .* all equal; 6 interrupts' "$TMP/report" || return 1
	while read -r _what _family; do
		grep "^$_what " "$TMP/report" >"$TMP/row" || return 1
		# The address as the statistics have it, with what was asked for
		# and used on either side.
		_address=$(grep -o '0x[0-9a-f]*' "$TMP/row" | head -n 1 | sed 's/0x//')
		grep -q "$_address" "$STATS/$_family" || {
			sed 's/^/# /' "$TMP/row" "$STATS/$_family"
			return 1
		}
	done <<-END
	buffer adapters
	staging contiguous
	mailbox noncached
	END
	# edu reaches 28 bits.
	for _bus in $(sed -n 's/^buffer .* \(0x[0-9a-f]*\)$/\1/p' "$TMP/report") \
		$(sed -n 's/^staging .* \(0x[0-9a-f]*\) *-$/\1/p' "$TMP/report"); do
		[ $((_bus)) -lt $((1 << 28)) ] || return 1
	done
}

unbind_only() {
	echo "${EDU##*/}" >"$EDU/driver/unbind" && ! bound
}

unbinds() {
	unbind_only && nothing_live && [ ! -e "$(report)" ]
}

binds_again() {
	echo "${EDU##*/}" >/sys/bus/pci/drivers/dma_demo/bind && bound
}

# Each takes seconds on the debug kernel.
case $(uname -r) in
*-debug) ROUNDS=10 ;;
*) ROUNDS=100 ;;
esac

many_times() {
	_round=0
	while [ $_round -lt $ROUNDS ]; do
		if ! unbind_only || ! binds_again; then
			echo "# round $_round"
			return 1
		fi
		_round=$((_round + 1))
	done
	unbinds
}

# The text goes with the driver; an open file must not take the kernel along.
report_held_open() {
	binds_again || return 1
	exec 3<"$(report)"
	unbinds || return 1
	cat <&3 >/dev/null 2>&1
	exec 3<&-
	binds_again || return 1
	exec 3<"$(report)"
	unload dma_demo || return 1
	cat <&3 >/dev/null 2>&1
	exec 3<&-
	nothing_live
}

holds_rust_pool() {
	! rmmod rust_pool 2>/dev/null
}

# Until there is no such allocation, and probe succeeds.
each_allocation_fails() {
	_nth=1
	while :; do
		log_mark "fail $_nth"
		load dma_demo fail_nth=$_nth || return 1
		bound && break
		nothing_live || return 1
		[ ! -e "$(report)" ] && [ ! -e "/dev/dma_demo.${EDU##*/}" ] || return 1
		unload dma_demo || return 1
		_nth=$((_nth + 1))
		[ $_nth -le 30 ] || return 1
	done
	echo "# $((_nth - 1)) allocations"
	unload dma_demo && nothing_live && [ $_nth -gt 9 ]
}

# udev loads a driver for any device that one of its aliases matches: here QEMU's
# entropy source is of the same class.
only_its_own_device() {
	_file=$(module_file dma_demo) || return 1
	tr '\0' '\n' <"$_file" | sed -n 's/^alias=//p' >"$TMP/aliases"
	sed 's/^/# /' "$TMP/aliases"
	_own=0 _others=0
	while read -r _alias; do
		for _device in /sys/bus/pci/devices/*; do
			# shellcheck disable=SC2254 # a pattern it is
			case $(cat "$_device/modalias") in
			$_alias) ;;
			*) continue ;;
			esac
			if [ "$_device" = "$EDU" ]; then
				_own=$((_own + 1))
			else
				echo "# $_alias: $_device as well"
				_others=$((_others + 1))
			fi
		done
	done <"$TMP/aliases"
	[ "$_own" -eq 1 ] && [ "$_others" -eq 0 ] &&
		[ "$(cat /sys/bus/pci/devices/*/class | grep -c '^0x00ff00$')" -ge 2 ]
}

begin dma_demo
need_edu
load_or_fail rust_pool dma_demo
ktap_set_plan $((10 + ENDS))

check "probe succeeds" probes
check "memory of all families" takes_all_families
check "tells where it lies" tells_where
check "asks for its own device only" only_its_own_device
check "holds rust_pool" holds_rust_pool
check "unbind leaves nothing" unbinds
check "binds again" binds_again
check "many times" many_times
check "report held open" report_held_open
check "each allocation fails cleanly" each_allocation_fails
ends
