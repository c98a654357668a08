#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# rust_pool-crash, on dumps that QEMU writes of a machine: one while rust_pool is unloaded,
# and one after a client has leaked, has broken a rule, and the machine has panicked.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/scripts/machine.sh
. "$(dirname "$0")/machine.sh"
# shellcheck source=scripts/drgn.sh
. "$TOP/scripts/drgn.sh"

DIR=$TOP/selftests/scripts

# by_python FILE [ARG...]
by_python() {
	VISIBLE=$WORK with_drgn python3 "$DIR/$1" "$TOP" "$WORK" "${@:2}"
}

builds_client() {
	cp -r "$DIR/crash_client" "$WORK/client" && "$TOP/scripts/client.sh" "$WORK/client"
}

# What the machine does. After the first dump it waits for the Enter key. It says what rust_pool's
# files have in debugfs, so that the second dump can be compared with them.
write_guest() {
	cat >"$WORK/guest" <<-'END'
		set -e
		echo 1 >/proc/sys/kernel/printk
		insmod rust_pool.ko
		rmmod rust_pool
		echo "== unloaded"
		read -r _ </dev/tty1
		echo "== loaded"
		. ./act
		sleep 1
		echo 8 >/proc/sys/kernel/printk
		echo c >/proc/sysrq-trigger
	END
}

# says REGEX [SECONDS]: waits until the console has such a line; fails if the machine ends first,
# or if that takes too long
says() {
	local end=$((SECONDS + ${2:-100000}))

	until grep -qaE "$1" "$CONSOLE" 2>/dev/null; do
		kill -0 "$machine" 2>/dev/null || { grep -qaE "$1" "$CONSOLE"; return; }
		[ "$SECONDS" -lt "$end" ] || return
		sleep 0.5
	done
}

# qmp WHAT...: has QEMU do that
qmp() {
	by_python crash_qmp.py "$LOGS/qmp" "$@"
}

# Presses Enter until the machine goes on: one that is busy may lose a key.
press_enter() {
	while kill -0 "$machine" && qmp press ret; do
		says '^== loaded' 5 && return
	done
	return 1
}

# Boots the machine, and has QEMU write both dumps. vm.sh ends a machine that hangs.
dumps() {
	local status=0

	mkdir "$LOGS"
	write_guest
	set -m
	FILES="$WORK/client/rp_crash_client.ko $DIR/crash_client/act" VM_LOGS=$LOGS MEM=512M CMDLINE="no_hash_pointers panic=0" \
		TIMEOUT=90 QEMU_ARGS="-qmp unix:$LOGS/qmp,server=on,wait=off" \
		"$TOP/scripts/vm.sh" "$WORK/guest" >"$WORK/vm" 2>&1 &
	machine=$!
	set +m
	says '^== unloaded' && qmp dump "$LOGS/unloaded" && press_enter &&
		says 'end Kernel panic' && qmp dump "$LOGS/panicked" quit || status=1
	if [ "$status" -ne 0 ]; then
		cat "$WORK/vm"
		return 1
	fi
	wait "$machine"
	machine=
}

setup_ensure
if ! drgn_can; then
	echo "ok dumps # SKIP drgn cannot be fetched: is there a network?"
	exit
fi
check "a client is built" builds_client
check "QEMU writes dumps of a machine" dumps
if [ -z "$machine" ]; then
	by_python crash_dump.py
fi
