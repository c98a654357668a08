#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vm.sh [SCRIPT]: boots the stock kernel in QEMU with the project's modules and
# FILES in the working directory, runs SCRIPT there and ends with its status.
# Without SCRIPT it gives a shell.
#
# From the environment:
#   FILES      more files or directories, absolute or relative to the checkout
#   SMP, MEM   processors and memory; CMDLINE, QEMU_ARGS  added to ours
#   TIMEOUT    seconds until the machine counts as hung
#   BOOT_TIMEOUT  seconds until it counts as hung before it has started anything
#   VMLINUZ    the kernel to boot; else that of KDIR if given, else the stock one
#   VM_LOG     where to keep the console's output

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

script=${1:-}
timeout=${TIMEOUT:-300}
boot_timeout=${BOOT_TIMEOUT:-120}
[ -z "$script" ] || [ -f "$script" ] || die "RUN: there is no $script"
setup_ensure

image=${VMLINUZ:-$KERNEL_IMAGE}
if [ -z "${VMLINUZ:-}" ] && [ -n "${KDIR:-}" ]; then
	image=$KDIR/arch/x86/boot/bzImage
fi
image=$(realpath -e "$image") || die "no kernel to boot: build KDIR's bzImage, or name one in VMLINUZ"

work=$(mktemp -d "${TMPDIR:-/tmp}/rust_pool-vm.XXXXXX")
trap 'rm -rf "$work"' EXIT
log=${VM_LOG:-$work/console}

# make_initramfs: everything in one archive, so that no file system is needed
make_initramfs() {
	local tree=$work/tree file

	mkdir -p "$tree/bin" "$tree/dev" "$tree/root/kselftest"
	install -m 755 "$TOP/scripts/vm-init" "$tree/init"
	# shellcheck disable=SC2016 # expanded by the inner shell
	VISIBLE=$work in_root sh -c 'cp "$(command -v busybox)" "$1"' sh "$tree/bin/busybox"
	cp "$KERNEL_DIR/source/tools/testing/selftests/kselftest/ktap_helpers.sh" \
		"$tree/root/kselftest/"
	for file in "$TOP"/*.ko; do
		[ ! -e "$file" ] || cp "$file" "$tree/root/"
	done
	for file in ${FILES:-}; do
		case $file in
		/*) ;;
		*) file=$TOP/$file ;;
		esac
		[ -e "$file" ] || die "FILES: there is no $file"
		cp -rL "$file" "$tree/root/"
	done
	[ -z "$script" ] || cp "$script" "$tree/root/.run"
	# shellcheck disable=SC2016 # expanded by the inner shell
	VISIBLE=$work in_root sh -c \
		'cd "$1" && find . | cpio --quiet -o -H newc -R 0:0 >"$2"' sh "$tree" "$work/initramfs"
}

# Prints QEMU's accelerator. A /dev/kvm may be there and not work, so it is
# tried, once per boot of the host. Only emulation can count instructions.
accelerator() {
	local boot known=$CACHE/accelerator

	if [[ " ${QEMU_ARGS:-}" = *" -icount "* ]]; then
		echo tcg
		return
	fi
	boot=$(cat /proc/sys/kernel/random/boot_id)
	if [ ! -e /dev/kvm ] || ! grep -qwE 'vmx|svm' /proc/cpuinfo; then
		echo tcg
		return
	fi
	if ! grep -qs "^$boot " "$known"; then
		if [ "$(printf 'quit\n' | in_root timeout 20 qemu-system-x86_64 -M q35 -cpu max \
			-accel kvm -kernel "$image" -append 'panic=-1 console=ttyS0' -no-reboot \
			-display none -monitor none -serial stdio 2>/dev/null |
			grep -c 'Kernel panic.*root')" -gt 0 ]; then
			echo "$boot kvm" >"$known"
		else
			echo "$boot tcg" >"$known"
		fi
	fi
	cut -d ' ' -f 2 "$known"
}

run_qemu() {
	local serial=$1
	shift

	# shellcheck disable=SC2086 # QEMU_ARGS is a list of words
	VISIBLE=$work:$(dirname "$image") in_root "$@" qemu-system-x86_64 \
		-M q35 -accel "$(accelerator)" -cpu max -smp "${SMP:-2}" -m "${MEM:-1G}" \
		-display none -vga none -nic none -no-reboot -device edu \
		-serial "$serial" -serial "file:$work/status" -pidfile "$work/pid" \
		-kernel "$image" -initrd "$work/initramfs" -append "$cmdline" \
		${QEMU_ARGS:-}
}

# Says in one line why the machine ended without a status.
why() {
	local panic

	panic=$(grep -a -m 1 'Kernel panic - not syncing' "$log" | sed 's/^\[[^]]*\] *//') || true
	if [ "$1" -eq 124 ] || [ "$1" -eq 137 ]; then
		echo "hang: no end after $timeout s (TIMEOUT)"
	elif oops=$(grep -a -m 1 -E 'Oops:|kernel BUG at|BUG: unable' "$log"); then
		echo "kernel oops: ${oops#*] }"
	elif [ -n "$panic" ]; then
		echo "kernel panic: ${panic#*not syncing: }"
	elif [ ! -s "$work/status" ]; then
		echo "the machine ended before it ran anything (QEMU's exit status $1)"
	else
		echo "the machine ended before the script did (QEMU's exit status $1)"
	fi
}

make_initramfs

cmdline="console=ttyS0 panic=-1 oops=panic loglevel=4 ${CMDLINE:-}"
if [ -z "$script" ]; then
	run_qemu mon:stdio env
	exit
fi

# Ends a machine that has not come as far as its init in time. Under emulation
# one in some hundred hangs before it has printed anything.
watch_boot() {
	local n

	for ((n = 0; n < boot_timeout; n++)); do
		sleep 1
		[ ! -s "$work/status" ] || return 0
	done
	: >"$work/stuck"
	kill "$(cat "$work/pid")"
}

for attempt in 1 2; do
	rc=0
	: >"$work/status"
	rm -f "$work/stuck"
	watch_boot &
	watcher=$!
	run_qemu stdio timeout --foreground -k 5 "$timeout" </dev/null 2>&1 |
		sed -u 's/\r*$//; /^\[[ 0-9.]*\] reboot: Power down$/d' | tee "$log" || rc=${PIPESTATUS[0]}
	kill "$watcher" 2>/dev/null || true
	wait "$watcher" 2>/dev/null || true
	[ -e "$work/stuck" ] || break
	[ "$attempt" -eq 1 ] ||
		die "hang: the machine twice did not start in $boot_timeout s (BOOT_TIMEOUT)"
	say "the machine did not start in $boot_timeout s; booting it once more"
done
status=$(sed -n 's/^status \([0-9]*\).*/\1/p' "$work/status")
[ -n "$status" ] || die "$(why "$rc")"
exit "$status"
