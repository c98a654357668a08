#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The runner of the tests: what it says of programs that fail, that stand still or that
# measure on a busy host, and where its logs are.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"

unset TIMEOUT BOOT_TIMEOUT CASES MODEL_SECONDS V
suite=$WORK/selftests
mkdir -p "$suite"/{folder,lib}
cp "$TOP"/selftests/{list,copy}.sh "$suite"
cp "$TOP"/selftests/lib/kmemleak.sh "$suite/lib"
echo 'timeout=20' >"$suite/settings"

# program NAME: a test program, from standard input
program() {
	{
		echo '#!/bin/sh'
		cat
	} >"$suite/$1"
	chmod +x "$suite/$1"
}

program folder/fails.sh <<'END'
echo 1..2
echo "# because"
echo "not ok 1 a thing"
echo "# no matter"
echo "ok 2 another"
END
program folder/stands_still.sh <<'END'
echo 1..1
sleep 7654321
END
program folder/comes_after.sh <<'END'
echo 1..1
echo "ok 1 here"
END
program folder/panics.sh <<'END'
echo 1..1
echo "# before it"
# Setting a terminal waits until it has sent what was written to it; a panic does not.
stty -F /dev/ttyS0 -hupcl
echo c >/proc/sysrq-trigger
END
program folder/lives_on.sh <<'END'
echo 1..1
echo "ok 1 it ran"
END
program folder/measures.sh <<'END'
# vm-quiet: it measures
# vm-own: with a load of its own
echo 1..1
echo "not ok 1 a target"
exit 1
END

cat >"$suite/suites" <<'END'
# A row, and another whose machine it does not get.
folder/row.sh	module	suite
	vm-cmdline: for_a_row
	vm-cmdline: in_two_lines
folder/other_row.sh	module	suite
	vm-cmdline: for_another
END
program suites.sh <<'END'
echo 1..1
grep -q ' for_a_row in_two_lines' /proc/cmdline || printf 'not '
echo "ok 1 $1 has its machine"
END

# run PROGRAM...: leaves what the runner printed in $WORK/result. What we start beside it
# is another's, whoever runs us.
run() {
	SELFTESTS=$suite VM_FAMILY='' "$TOP/scripts/test.sh" "$@" >"$WORK/result" 2>"$WORK/progress"
	status=$?
	cat "$WORK/result"
	[ "$status" -le 1 ]
}

# file_of FAILURE: the file that its line names, an extended regular expression
file_of() {
	sed -nE "s/^FAILED: $1 \[(.*)\]\$/\1/p" "$WORK/result" | grep .
}

failure_is_named() {
	local file

	file=$(file_of 'fails.sh: a thing') && grep -qx '# because' "$file"
}

what_it_said_is_shown() {
	grep -qx '  # because' "$WORK/result" && ! grep -q 'no matter' "$WORK/result"
}

# Its stacks are there, of the processors and of the task that sleeps.
hang_is_explained() {
	local file console

	file=$(file_of 'stands_still.sh: hang: no end after 20 s of its own') || return 1
	console=${file%/*}/console
	grep -q '^RIP=' "$file" && grep -q 'sysrq: Show State' "$console" &&
		grep -A 30 'task:sleep ' "$console" | grep -q nanosleep
}

others_run() {
	grep -qx 'comes_after.sh: 1 passed, 0 failed' "$WORK/result"
}

rows_run() {
	run row.sh && grep -qx 'row.sh: 1 passed, 0 failed' "$WORK/result"
}

logs_are_named() {
	local logs

	logs=$(sed -n 's/^logs: //p' "$WORK/result") && [ -d "$logs" ] &&
		[ "$(find "$logs" -name command -size +0 | wc -l)" -ge 2 ]
}

# The third failure is the log that ends with the machine that stood still.
totals_are_last() {
	tail -n 1 "$WORK/result"
	tail -n 1 "$WORK/result" | grep -qx '2 passed, 3 failed'
}

# Why it ended is in the line, and what it said last before the results.
ended_machine_is_explained() {
	run panics.sh
	[ -n "$(file_of 'panics.sh: the machine ended in the middle of it: kernel panic: sysrq.*')" ] &&
		grep -qx '  # before it' "$WORK/result"
}

# As the host does to whom it has no memory for.
kill_qemu() {
	local proc tries

	for ((tries = 0; tries < 600; tries++)); do
		for proc in /proc/[0-9]*; do
			if grep -q '^qemu' "$proc/comm" && grep -qaF /01-lives_on/kmsg "$proc/cmdline"; then
				kill -SEGV "${proc#/proc/}"
				return
			fi
		done 2>/dev/null
		sleep 0.1
	done
}

qemu_may_die_once() {
	kill_qemu &
	run lives_on.sh
	wait
	cat "$WORK/progress"
	grep -q '^rust_pool: QEMU died of signal 11, not of what it ran' "$WORK/progress" &&
		grep -qx 'lives_on.sh: 1 passed, 0 failed' "$WORK/result"
}

# Not one of the runner's: what keeps the processors busy is another's.
busy_host_skips() {
	local load

	for ((load = 0; load < JOBS; load++)); do
		(while :; do :; done) &
	done
	run measures.sh
	# shellcheck disable=SC2046 # numbers
	kill $(jobs -p)
	grep -E '^skipped: measures.sh: a target: missed, but the host is busy: others used ([1-9][0-9]?|100)%' \
		"$WORK/result" && grep -qx '1 passed, 0 failed, 1 skipped' "$WORK/result"
}

# A machine that has waited for an hour, and a host that is up for years.
times_are_added_up() {
	local proc=$WORK/proc

	mkdir -p "$proc/7/task/7" "$proc/7/task/8"
	echo "4000000000000 3000000000000 1" >"$proc/7/task/7/schedstat"
	echo "1000000000000 6000000000000 1" >"$proc/7/task/8/schedstat"
	echo "cpu 4000000000 1 2000000000 99 99 3 4 0" >"$proc/stat"
	echo "7 (a b) S 1 7 7 0 0 0 0 0 0 0 3000000000 1 2000000000 5" >"$proc/7/stat"
	(
		PROC=$proc
		# shellcheck source=scripts/host-times.sh
		. scripts/host-times.sh
		own_times 7
		host_times 7
	) >"$WORK/times"
	cat "$WORK/times"
	[ "$(xargs <"$WORK/times")" = "5000000000 9000000000 6000000008 5000000006" ]
}

# rate HOW OURS KMALLOC...: a sample of each for each round, on 1 and on 2 processors
rate() {
	local how=$1 cpus
	shift

	while [ $# -gt 0 ]; do
		for cpus in 1 2; do
			printf 'smp\trate\t%s/%s\tours\t%s\n' "$how" "$cpus" "$1"
			printf 'smp\trate\t%s/%s\tkmalloc\t%s\n' "$how" "$cpus" "$2"
		done
		shift 2
	done
}

# On a host so busy that a processor did not run at all.
idle_rounds_say_nothing() {
	{
		rate own 5 10 7 0 0 9
		rate handed 7 0 0 9
	} | awk -f selftests/bench/bench.awk >"$WORK/rows" || return 1
	cat "$WORK/rows"
	awk -F '\t' '$3 == "own/1" && $2 == "rate" { found = $9 == "0.500" && $10 == "0.500" }
		$3 ~ /handed/ { bad = 1 }
		END { exit bad || !found }' "$WORK/rows"
}

cd "$TOP" || exit 1
check "a round in which nothing ran says nothing" idle_rounds_say_nothing
check "times of long runs are added up" times_are_added_up
check "the runner runs" run fails.sh stands_still.sh comes_after.sh
check "a failure names the file to read" failure_is_named
check "what a program said of it is shown, and nothing else" what_it_said_is_shown
check "a machine that stands still leaves its stacks" hang_is_explained
check "the programs behind it run" others_run
check "the logs are named" logs_are_named
check "the totals are the last line" totals_are_last
check "a machine that ended says why" ended_machine_is_explained
check "a row of the table runs, on the machine that it asks for" rows_run
check "QEMU that dies is no failure of what it ran" qemu_may_die_once
check "a measurement on a busy host is skipped" busy_host_skips
