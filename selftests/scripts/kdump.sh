#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# rust_pool-crash, on a dump by kdump as Debian's kdump-tools has it written: kexec loads a second
# kernel, the machine panics, and makedumpfile sends /proc/vmcore through a pipe there. The pipe
# ends in a disk, which the dump is then read from.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/drgn.sh
. "$TOP/scripts/drgn.sh"

DIR=$TOP/selftests/scripts
LOGS=$WORK/logs

builds_client() {
	cp -r "$DIR/crash_client" "$WORK/client" && "$TOP/scripts/client.sh" "$WORK/client"
}

# What the first kernel has in kdump/: kexec, and the second kernel with its initramfs.
gather() {
	local tree=$WORK/tree name

	mkdir -p "$WORK/kdump" "$tree"/{bin,dev,lib,modules,proc,sys,tmp} &&
		find "$KDUMP_DIR" -path '*bin/kexec' -type f -exec cp {} "$WORK/kdump/" \; &&
		cp "$KDUMP_DIR/usr/bin/makedumpfile" "$tree/bin/" &&
		libraries_to "$WORK/kdump" "$KDUMP_DIR" "$WORK/kdump/kexec" &&
		libraries_to "$tree/lib" "$KDUMP_DIR" "$KDUMP_DIR/usr/bin/makedumpfile" || return
	# shellcheck disable=SC2016 # expanded by the inner shell
	VISIBLE=$WORK in_root sh -c 'cp "$(command -v busybox)" "$1"' sh "$tree/bin/busybox" || return
	grep '^nvme' "$RECORD_DIR/modules/order" >"$tree/modules/order"
	while read -r name; do
		cp "$RECORD_DIR/modules/$name" "$tree/modules/" || return
	done <"$tree/modules/order"
	cat >"$tree/init" <<-'END'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		export PATH=/bin
		mount -t proc proc /proc
		mount -t sysfs sysfs /sys
		mount -t devtmpfs devtmpfs /dev
		while read -r name; do
			insmod "/modules/$name"
		done </modules/order
		while [ ! -b /dev/nvme0n1 ]; do
			sleep 0.2
		done
		echo "== second kernel"
		{
			/lib/ld-linux-x86-64.so.2 --library-path /lib /bin/makedumpfile -F -c -d 23 \
				/proc/vmcore || echo "FAILED: makedumpfile" >/dev/ttyS0
		} 2>/tmp/said | cat >/dev/nvme0n1
		tail -n 3 /tmp/said
		sync
		echo "status 0" >/dev/ttyS1
		poweroff -f
	END
	chmod 755 "$tree/init"
	# shellcheck disable=SC2016 # expanded by the inner shell
	VISIBLE=$WORK in_root sh -c 'cd "$1" && find . | cpio --quiet -o -H newc -R 0:0 >"$2"' \
		sh "$tree" "$WORK/kdump/initrd" && cp "$KERNEL_IMAGE" "$WORK/kdump/vmlinuz"
}

# What kdump-tools appends to the command line of the second kernel, but for what is systemd's.
panics() {
	mkdir "$LOGS"
	cat >"$WORK/guest" <<-'END'
		set -e
		echo 1 >/proc/sys/kernel/printk
		. ./act
		cd /root/kdump
		command="$(tr ' ' '\n' </proc/cmdline | grep -vE '^(crashkernel|no_hash_pointers)' | xargs)"
		./ld-linux-x86-64.so.2 --library-path . ./kexec -p --initrd=initrd \
			--command-line="$command reset_devices nr_cpus=1 irqpoll" vmlinuz
		grep -x 1 /sys/kernel/kexec_crash_loaded
		echo "== loaded"
		sleep 1
		echo c >/proc/sysrq-trigger
	END
	truncate -s 1G "$LOGS/panicked"
	FILES="$WORK/client/rp_crash_client.ko $DIR/crash_client/act $WORK/kdump" VM_LOGS=$LOGS \
		MEM=768M CMDLINE="no_hash_pointers crashkernel=192M" TIMEOUT=400 \
		QEMU_ARGS="-drive file=$LOGS/panicked,if=none,format=raw,id=disk -device nvme,serial=1,drive=disk" \
		"$TOP/scripts/vm.sh" "$WORK/guest" >"$WORK/vm" 2>&1 &&
		grep -x '== second kernel' "$LOGS/console" && ! grep FAILED "$LOGS/console" && return
	tail -n 60 "$WORK/vm"
	return 1
}

setup_ensure
if ! drgn_can || ! programs_can "$KDUMP_DIR" 20 "${KDUMP_PACKAGES[@]}" || ! (record_ensure); then
	echo "ok kdump # SKIP its programs and modules cannot be fetched: is there a network?"
	exit
fi
check "a client is built" builds_client
check "kexec and makedumpfile have what they need" gather
check "a second kernel writes the dump" panics
VISIBLE=$WORK with_drgn python3 "$DIR/crash_dump.py" "$TOP" "$WORK"
