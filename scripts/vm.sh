#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vm.sh [SCRIPT]: boots the stock kernel in QEMU, with the project's modules and FILES in
# the working directory, runs SCRIPT there, and exits with its status. Without SCRIPT it
# runs a shell.
#
# From the environment:
#   FILES      more files or directories, absolute or relative to the checkout
#   SMP, MEM   processors and memory
#   CMDLINE, QEMU_ARGS  more kernel parameters, and more arguments for QEMU
#   TIMEOUT    seconds until the machine counts as hung
#   BOOT_TIMEOUT  seconds until it counts as hung if it has not started the script
#   STEP, STEP_TIMEOUT  an extended regular expression; seconds until the machine counts
#              as hung after it has printed a line that matches it
#   TCG        options for QEMU's emulation, if that is what runs the machine
#   VMLINUZ    the kernel to boot; by default that of KDIR if given, else the stock one
#   VM_LOGS    a directory for the logs: console, the machine's output; qemu, QEMU's own
#              messages; command, QEMU's command line; load, how busy the host was; hang,
#              the stacks of a machine that counted as hung
#   VM_FAMILY  a process. For load, it and its descendants are not counted as others. By
#              default, this script
#
# The seconds are the machine's own: time in which its processors wait for a processor of
# the host does not count. So a busy host does not make a machine count as hung.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
# shellcheck source=scripts/cargo.sh
. "$TOP/scripts/cargo.sh"
# shellcheck source=scripts/host-times.sh
. "$(dirname "$0")/host-times.sh"

script=${1:-}
timeout=${TIMEOUT:-300}
boot_timeout=${BOOT_TIMEOUT:-120}
step_timeout=${STEP_TIMEOUT:-$timeout}
# The most bytes of the console, and of each other log.
most_bytes=$((64 << 20))
[ -z "$script" ] || [ -f "$script" ] || die "RUN: there is no $script"
setup_ensure

image=${VMLINUZ:-$KERNEL_IMAGE}
if [ -z "${VMLINUZ:-}" ] && [ -n "${KDIR:-}" ]; then
	image=$KDIR/arch/x86/boot/bzImage
fi
image=$(realpath -e "$image") || die "no kernel to boot: build KDIR's bzImage, or name one in VMLINUZ"

work=$(mktemp -d "${TMPDIR:-/tmp}/rust_pool-vm.XXXXXX")
trap 'rm -rf "$work"' EXIT
logs=${VM_LOGS:-$work}
mkdir -p "$logs"
rm -f "$logs"/{hang,load}
log=$logs/console

# Puts everything into one archive, so that the machine needs no disk.
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
	# For whoever looks around there.
	[ -n "$script" ] || [ ! -x "$POOLMON" ] || cp "$POOLMON" "$tree/bin/"
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

# once_per_boot NAME CMD...: prints the line that CMD prints. Runs CMD only once in a boot of
# the host, and keeps the line in the cache.
once_per_boot() {
	local boot line known=$CACHE/$1
	shift

	boot=$(cat /proc/sys/kernel/random/boot_id)
	if ! grep -qs "^$boot ." "$known"; then
		line=$("$@") || return 1
		echo "$boot $line" >"$work/once"
		mv "$work/once" "$known"
	fi
	cut -d ' ' -f 2 "$known"
}

# Prints QEMU's accelerator. /dev/kvm may exist and not work, so it is tried. Only emulation
# can count instructions.
accelerator() {
	if [[ " ${QEMU_ARGS:-}" = *" -icount "* ]]; then
		echo tcg
	elif [ ! -e /dev/kvm ] || ! grep -qwE 'vmx|svm' /proc/cpuinfo; then
		echo tcg
	else
		once_per_boot accelerator try_kvm
	fi
}

# Boots a kernel by KVM until it panics for want of a root, and prints "kvm" if that works.
# shellcheck disable=SC2317,SC2329 # called by once_per_boot
try_kvm() {
	if [ "$(printf 'quit\n' | in_root timeout 20 qemu-system-x86_64 -M q35 -cpu max \
		-accel kvm -kernel "$image" -append 'panic=-1 console=ttyS0' -no-reboot \
		-display none -monitor none -serial stdio 2>/dev/null |
		grep -c 'Kernel panic.*root')" -gt 0 ]; then
		echo kvm
	else
		echo tcg
	fi
}

# Prints the frequency of an emulated processor's TSC in kHz. It is that of the host's TSC.
# shellcheck disable=SC2317,SC2329 # called by once_per_boot
clock_khz() {
	VISIBLE=$work in_root gcc -O2 -o "$work/host-clock" "$TOP/scripts/host-clock.c" &&
		VISIBLE=$work in_root "$work/host-clock"
}

run_qemu() {
	local serial=$1 accel command
	shift

	accel=$(accelerator)
	[ "$accel" != tcg ] || accel=tcg${TCG:+,$TCG}
	# shellcheck disable=SC2206 # QEMU_ARGS is a list of words
	command=(qemu-system-x86_64
		-M q35 -accel "$accel" -cpu max -smp "${SMP:-2}" -m "${MEM:-1G}"
		-display none -vga none -nic none -no-reboot -device edu
		-serial "$serial" -serial "file:$work/status" -pidfile "$work/pid"
		-kernel "$image" -initrd "$work/initramfs" -append "$cmdline"
		"$@" ${QEMU_ARGS:-})
	printf '%q ' "${command[@]}" >"$logs/command"
	VISIBLE=$work:$logs:$(dirname "$image") in_root "${command[@]}"
}

# Prints the oops or the panic by which the kernel died; fails if it did not.
death() {
	local line

	if line=$(grep -a -m 1 -E 'Oops:|kernel BUG at|BUG: unable' "$log"); then
		echo "kernel oops: ${line#*] }"
	elif line=$(grep -a -m 1 'Kernel panic - not syncing' "$log"); then
		echo "kernel panic: ${line#*not syncing: }"
	else
		return 1
	fi
}

# why STATUS: prints in one line why the machine ended without an exit status of the script.
# STATUS is QEMU's.
why() {
	local words

	words=$(tail -n 1 "$logs/qemu")
	if [ -s "$work/reason" ]; then
		cat "$work/reason"
	elif death; then
		:
	elif [ ! -s "$work/status" ]; then
		echo "the machine ended before it ran anything (QEMU's exit status $1${words:+: $words})"
	else
		echo "the machine ended before the script did (QEMU's exit status $1${words:+: $words})"
	fi
}

make_initramfs

# While an emulated processor waits for a processor of the host, it stands still, and so do
# QEMU's timers. The kernel would take that for a fault of the machine. So on a busy host:
#
# - no_timer_check: at boot the kernel checks whether the timer's interrupt comes within a
#   few ticks. If not, it goes on with a timer that does not work, or panics ("IO-APIC +
#   timer doesn't work!"). Guests of KVM do not check either.
# - tsc=reliable: it does not take the TSC for unstable.
# - tsc_early_khz: it does not measure the TSC's frequency against timers that stand still.
#   One kernel measured 79 MHz in place of 2445: its seconds were 31 times too short.
# - It reports stalls, lockups and hung tasks late. 300 and 60 are the most that it allows.
#   watch() sees real hangs, and asks for all stacks by sysrq.
patience="no_timer_check tsc=reliable rcupdate.rcu_cpu_stall_timeout=300 watchdog_thresh=60"
patience="$patience sysctl.kernel.hung_task_timeout_secs=1200 sysrq_always_enabled"
if [ "$(accelerator)" = tcg ] && [[ " ${QEMU_ARGS:-}" != *" -icount "* ]]; then
	patience="$patience tsc_early_khz=$(once_per_boot clock clock_khz)"
fi
cmdline="console=ttyS0 panic=-1 oops=panic loglevel=4 $patience ${CMDLINE:-}"
if [ -z "$script" ]; then
	run_qemu mon:stdio
	exit
fi

# monitor SECONDS COMMAND...: sends commands to QEMU's monitor, and prints its answers
monitor() {
	local seconds=$1
	shift

	# Open the pipe for reading as well: if QEMU has ended, writing alone would block.
	printf '%s\n' "$@" 1<>"$work/monitor.in"
	# The monitor echoes each character with the whole line: keep the last echo.
	timeout "$seconds" cat "$work/monitor.out" | tr -d '\r' | sed 's/^.*\x1b\[K/(qemu) /' || true
}

# explain REASON: the machine hangs. Writes to the log "hang" where it stands, and ends it.
# First the processors as QEMU sees them, twice, in case the kernel no longer answers. Then
# the tasks as the kernel sees them, by sysrq: 9 makes it print everything to the console,
# l shows running tasks, w blocked ones, t all tasks, q the timers.
explain() {
	local key bytes=-1 n

	say "$1; asking the machine for its stacks"
	{
		echo "$1"
		echo
		echo "Its threads on the host: name, state, where they wait, times"
		for n in /proc/"$pid"/task/*; do
			echo "$(<"$n/comm") $(sed 's/.*) \(.\).*/\1/' "$n/stat") $(cat "$n/wchan" 2>/dev/null) $(<"$n/schedstat")"
		done
		monitor 3 "info status" "info cpus" "info registers -a"
		monitor 3 "info registers -a" "info pic" "info lapic"
		for key in 9 l w q t; do
			monitor 1 "sendkey alt-sysrq-$key"
		done
	} >>"$logs/hang" 2>&1
	# Wait until it has printed all. On a busy host it may pause for seconds.
	for ((n = 0; n < 30 && $(stat -c %s "$log") != bytes; n++)); do
		bytes=$(stat -c %s "$log")
		sleep 10
	done
	if [ ! -s "$log" ]; then
		# It has printed nothing, but its log is in its memory.
		monitor 20 "pmemsave 0 0x10000000 \"$work/memory\"" >/dev/null
		LC_ALL=C tr -c '[:print:]\n' '\n' <"$work/memory" 2>/dev/null |
			grep -A 600 -m 1 '^Linux version [0-9]' | grep '.....' >>"$logs/hang" || true
		rm -f "$work/memory"
	fi
	kill "$pid"
	sleep 5
	kill -9 "$pid" 2>/dev/null
}

# Watches the machine. If it hangs, writes why to $work/reason, and ends it. Meanwhile
# records the host's load.
watch() {
	local pid before now ran waited ran_now waited_now wall own=0 booted='' steps=0 steps_now
	local at=0 busy ours busy_now ours_now file size

	while [ ! -s "$work/pid" ]; do
		sleep 0.2
	done
	pid=$(cat "$work/pid")
	before=${EPOCHREALTIME/./}
	read -r ran waited < <(own_times "$pid")
	read -r busy ours < <(host_times "${VM_FAMILY:-$$}")
	while sleep 1 && [ -d "/proc/$pid" ]; do
		now=${EPOCHREALTIME/./}
		read -r ran_now waited_now < <(own_times "$pid")
		wall=$((now - before)) ran=$((ran_now - ran)) waited=$((waited_now - waited))
		# If the machine is idle, nothing keeps it from running: all time is its own.
		if [ $((ran + waited)) -lt $((wall / 20)) ]; then
			own=$((own + wall))
		else
			own=$((own + wall * ran / (ran + waited)))
		fi
		before=$now ran=$ran_now waited=$waited_now
		read -r busy_now ours_now < <(host_times "${VM_FAMILY:-$$}")
		echo "$((busy_now - busy)) $((ours_now - ours)) $((now / 1000)) $((own / 1000000))" \
			>>"$logs/load"
		if [ -n "${STEP:-}" ]; then
			steps_now=$(grep -a -c -E "$STEP" "$log" || true)
			[ "$steps" = "$steps_now" ] || steps=$steps_now at=$own
		fi
		if [ -z "$booted" ] && [ -s "$work/status" ]; then
			booted=yes at=$own
		fi
		if [ -z "$booted" ] && [ "$own" -gt $((boot_timeout * 1000000)) ]; then
			echo "hang: the machine did not start in $boot_timeout s of its own (BOOT_TIMEOUT)"
			: >"$work/stuck"
		elif [ -n "$booted" ] && [ $((own - at)) -gt $((step_timeout * 1000000)) ]; then
			echo "hang: no end after $step_timeout s of its own"
		elif [ "$own" -gt $((timeout * 1000000)) ]; then
			echo "hang: no end after $timeout s of its own (TIMEOUT)"
		else
			for file in "$log" "$logs"/{kmsg,qemu}; do
				size=$(stat -c %s "$file" 2>/dev/null) || continue
				[ "$size" -le $most_bytes ] ||
					echo "the machine wrote more than $most_bytes bytes to ${file##*/}"
			done
		fi >"$work/reason"
		[ -s "$work/reason" ] || continue
		explain "$(head -n 1 "$work/reason")"
		return
	done
}

mkfifo "$work/monitor.in" "$work/monitor.out"
for attempt in 1 2; do
	rc=0
	: >"$work/status"
	rm -f "$work/stuck" "$work/pid" "$work/reason" "$logs/load"
	: >"$log"
	watch &
	watcher=$!
	run_qemu stdio -chardev "pipe,id=monitor,path=$work/monitor" -mon monitor \
		</dev/null 2>"$logs/qemu" |
		sed -u 's/\r*$//; /^\[[ 0-9.]*\] reboot: Power down$/d' | tee "$log" || rc=${PIPESTATUS[0]}
	[ -s "$work/reason" ] || kill "$watcher" 2>/dev/null || true
	wait "$watcher" 2>/dev/null || true
	cat "$logs/qemu" >&2
	if [ "$attempt" -eq 2 ]; then
		break
	elif [ -e "$work/stuck" ]; then
		mv "$logs/hang" "$logs/hang.1"
		say "booting it once more"
	elif [ "$rc" -gt 128 ] && [ ! -s "$work/reason" ] && ! death >/dev/null; then
		# QEMU was killed, not the machine; for example because the host had no memory.
		say "QEMU died of signal $((rc - 128)), not of what it ran; booting it once more: $(
			tail -n 1 "$logs/qemu")"
	else
		break
	fi
done
status=$(sed -n 's/^status \([0-9]*\).*/\1/p' "$work/status")
[ -n "$status" ] || die "$(why "$rc")"
exit "$status"
