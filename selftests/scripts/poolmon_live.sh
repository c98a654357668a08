#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# poolmon's screen on the files of a machine: it runs on a console there, QEMU presses the keys of
# the machine's keyboard, and what the console shows is read back. A leak is found so, and the
# verifier is switched on and off.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/scripts/machine.sh
. "$(dirname "$0")/machine.sh"
# shellcheck source=scripts/cargo.sh
. "$TOP/scripts/cargo.sh"

builds() {
	"$TOP/scripts/poolmon.sh" build && make -s -C "$TOP" client M=selftests/test_modules
}

# What the machine does: poolmon has the second console to itself. Each second in which that has
# changed, it says what is there.
write_guest() {
	cat >"$WORK/guest" <<-'END'
		echo 1 >/proc/sys/kernel/printk
		insmod rust_pool.ko
		insmod rp_test.ko
		insmod rp_test_leak.ko small=3 large=1
		verifier=/sys/kernel/debug/rust_pool/verifier
		TERM=linux openvt -c 2 -s -- ./poolmon --interval 1
		sleep 1
		step=0
		while [ $step -lt 4 ]; do
			fold -w 80 /dev/vcs2 | sed 's/ *$//' >/tmp/now
			cmp -s /tmp/now /tmp/last || { echo "== screen"; cat /tmp/now; echo; echo "== end"; }
			mv /tmp/now /tmp/last
			sleep 1
			case $step in
			0)
				# It leaks once more, now that somebody looks.
				grep -q '^tracking tag=Ring$' $verifier || continue
				rmmod rp_test_leak
				insmod rp_test_leak.ko small=50
				;;
			1)
				grep -q '^tracking' $verifier && continue
				;;
			2)
				pidof poolmon >/dev/null && continue
				;;
			3)
				# The console is as it was: what is typed is seen again.
				stty -F /dev/tty2 -a | sed 's/^/tty2: /'
				;;
			esac
			step=$((step + 1))
			echo "== step $step"
		done
	END
}

# screen: the last screen that is whole
screen() {
	awk '/^== screen/ { text = ""; on = 1; next } /^== end/ { last = text; on = 0 }
		on { text = text $0 "\n" } END { printf "%s", last }' "$CONSOLE" 2>/dev/null
}

# sees REGEX [SECONDS]: waits until a line of the screen matches
sees() {
	local until=$((SECONDS + ${2:-120}))

	until screen | grep -qE -e "$1"; do
		kill -0 "$machine" 2>/dev/null && [ "$SECONDS" -lt "$until" ] || return 1
		sleep 0.5
	done
}

# presses KEY REGEX: presses it until the screen shows that. A machine that is busy may lose a key.
presses() {
	local attempt

	for attempt in 1 2 3 4 5; do
		in_root python3 "$TOP/selftests/scripts/crash_qmp.py" "$TOP" "$WORK" "$LOGS/qmp" \
			press "$1" || return
		sees "$2" 20 && return
	done
	echo "key $1, attempt $attempt: no $2"
	screen
	return 1
}

says() {
	local until=$((SECONDS + 120))

	until grep -qa -e "$1" "$CONSOLE"; do
		[ "$SECONDS" -lt "$until" ] || return 1
		sleep 0.5
	done
}

boots() {
	mkdir "$LOGS"
	write_guest
	set -m
	FILES="$POOLMON $TOP/selftests/test_modules/rp_test.ko $TOP/selftests/test_modules/rp_test_leak.ko" \
		VM_LOGS=$LOGS TIMEOUT=400 \
		QEMU_ARGS="-qmp unix:$LOGS/qmp,server=on,wait=off" \
		"$TOP/scripts/vm.sh" "$WORK/guest" >"$WORK/vm" 2>&1 &
	machine=$!
	set +m
	sees '^Big1 Paged +1 \([01]\) ' 300 && sees '^Ring Nonp +3 ' && return
	tail -n 60 "$WORK/vm"
	return 1
}

switches_tracking_on() {
	# It is the last row, so what is pressed more than once does no harm.
	presses end '^Ring' && presses end '^Ring' && presses end '^Ring' && presses v '^The verifier is off\. Selected tag: Ring' &&
		presses t '^  tracking tag=Ring$' && says '^== step 1' &&
		presses esc '^Ring Nonp +53 \(50\)|^Ring Nonp +53 '
}

# From the list to the line that leaks.
finds_the_leak() {
	presses ret '^Live blocks by call site' && sees '^  50 blocks, 5000 bytes, ' &&
		sees '^    at leak_all\+0x' || return
	screen >&3
}

switches_tracking_off() {
	presses t '^verifier: off tracking tag=Ring$' && says '^== step 2'
}

leaves() {
	in_root python3 "$TOP/selftests/scripts/crash_qmp.py" "$TOP" "$WORK" "$LOGS/qmp" press q
	says '^== step 3' && says '^tty2: .* icanon' && wait "$machine" && machine= && return
	screen
	return 1
}

if ! cargo_can; then
	echo "ok poolmon_live # SKIP its crates cannot be fetched; make poolmon says why"
	exit
fi
exec 3>>"${SCREENS:-/dev/null}"
check "poolmon and a client are built" builds
check "poolmon's screen on a console" boots
if sees '^Ring Nonp' 1; then
	check "keys switch tracking on" switches_tracking_on
	check "the details name the line that leaks" finds_the_leak
	check "keys switch tracking off" switches_tracking_off
	check "a key ends it, and the console is as it was" leaves
fi
