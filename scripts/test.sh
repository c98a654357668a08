#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test.sh [PROGRAM...]: runs the selftests, or those named, in the virtual
# machine, and adds up their results. The last line is "N passed, N failed", with
# ", N skipped" where some were.
#
# A program may ask for a machine of its own kind in comments near its top; those
# that ask for the same share a boot:
#
#   # vm-cmdline: ...   kernel parameters, in place of no_hash_pointers
#   # vm-args: ...      arguments for QEMU
#   # vm-mem: 2G        memory, in place of 1G
#   # vm-smp: 4         processors, in place of 2
#   # vm-own: why       no other program in this boot
#   # vm-expect: panic  the test passes if the kernel panics; words after it are
#                       an extended regular expression for the panic's message

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

selftests=${SELFTESTS:-$TOP/selftests}
setup_ensure

work=$(mktemp -d "${TMPDIR:-/tmp}/rust_pool-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
: >"$work/results"

# The list is the one that kselftest itself would use.
test_progs() {
	# shellcheck disable=SC2016 # make's, not the shell's
	printf 'include Makefile\n.PHONY: print\nprint:\n\t@echo $(TEST_PROGS)\n' |
		make -s -C "$selftests" -f - \
			KSFT="$KERNEL_DIR/source/tools/testing/selftests" print
}

# header PROGRAM NAME: what the program's comment "# vm-NAME:" says
header() {
	sed -n "1,40s/^# vm-$2: *//p" "$selftests/$1" | head -n 1
}

# One line for all that makes a boot: programs with equal lines share one.
needs() {
	local own=

	if [ -n "$(header "$1" own)$(header "$1" expect)" ]; then
		own=$1
	fi
	echo "$(header "$1" cmdline)|$(header "$1" args)|$(header "$1" mem)|$(header "$1" smp)|$own"
}

count() {
	printf '%s\t%s\n' "$1" "$2" >>"$work/results"
}

# boot NEEDS PROGRAM...: leaves in $work/ran the programs that were started
boot() {
	local cmdline args mem smp own status=0 program

	IFS='|' read -r cmdline args mem smp own <<<"$1"
	shift
	printf '%s\n' "$@" >"$work/programs"
	: >"$work/kmsg"
	: >"$work/console"
	say "booting for ${*%.sh}${own:+, alone}$([ -z "$(header "$1" expect)" ] ||
		echo ", to see it panic")"
	FILES="$(find "$selftests" -maxdepth 1 -type f -printf '%p ')$(
		find "$selftests/test_modules" -name '*.ko' -printf '%p ') $work/programs" \
		CMDLINE="log_buf_len=4M ${cmdline:-no_hash_pointers}" SMP=${smp:-2} MEM=${mem:-1G} \
		QEMU_ARGS="-serial file:$work/kmsg $args" TIMEOUT=${TIMEOUT:-900} \
		VM_LOG=$work/console \
		"$TOP/scripts/vm.sh" "$TOP/scripts/test-guest" || status=$?

	sed -n 's/^# rust_pool-selftest: run //p' "$work/console" >"$work/ran"
	for program in "$@"; do
		if grep -qxF "$program" "$work/ran"; then
			judge "$program" "$status"
		fi
	done
	# A panic that was asked for leaves no complete log.
	[ -z "$(header "$1" expect)" ] || return 0
	awk -v verdict="$work/kmsg-verdict" -f "$TOP/scripts/kmsg.awk" "$work/kmsg"
	cat "$work/kmsg-verdict" >>"$work/kmsg-all"
}

# judge PROGRAM STATUS: adds the results of one program that was started
judge() {
	local expect panic

	expect=$(header "$1" expect)
	if [ -n "$expect" ]; then
		expect=${expect#panic}
		expect=${expect# }
		panic=$(sed -n 's/.*Kernel panic - not syncing: //p' "$work/console" | head -n 1)
		if [ -z "$panic" ]; then
			count fail "$1: no panic, though it expects one"
		elif ! grep -qE -e "${expect:-.}" <<<"$panic"; then
			count fail "$1: another panic than the expected: $panic"
		else
			count pass "$1"
		fi
		return
	fi
	awk -v program="$1" -f "$TOP/scripts/ktap.awk" "$work/console" >>"$work/results"
}

if [ $# -eq 0 ]; then
	mapfile -t programs < <(test_progs | xargs -n 1)
else
	programs=("${@##*/}")
fi
for program in "${programs[@]}"; do
	if [ ! -f "$selftests/$program" ]; then
		count fail "$program: there is no such file in selftests"
		continue
	fi
	printf '%s\t%s\n' "$(needs "$program")" "$program"
done | sort -s -t "$(printf '\t')" -k 1,1 >"$work/wanted"

: >"$work/kmsg-all"
while [ -s "$work/wanted" ]; do
	kind=$(head -n 1 "$work/wanted" | cut -f 1)
	mapfile -t batch < <(awk -F '\t' -v kind="$kind" '$1 == kind { print $2 }' "$work/wanted")
	boot "$kind" "${batch[@]}"
	# A machine that died takes with it only the program that was running:
	# those not yet started get another. One that starts none is no use.
	if [ ! -s "$work/ran" ]; then
		for program in "${batch[@]}"; do
			count fail "$program: the machine did not get as far as to start it"
		done
		printf '%s\n' "${batch[@]}" >"$work/ran"
	fi
	awk -F '\t' 'NR == FNR { ran[$1]; next } !($2 in ran)' "$work/ran" "$work/wanted" \
		>"$work/left"
	mv "$work/left" "$work/wanted"
done

passed=$(grep -c '^pass' "$work/results" || true)
skipped=$(grep -c '^skip' "$work/results" || true)
[ $((passed + skipped)) -gt 0 ] || grep -q '^fail' "$work/results" ||
	count fail "no test was run"
if [ -s "$work/kmsg-all" ]; then
	while read -r line; do
		count fail "kernel log: $line"
	done <"$work/kmsg-all"
else
	count pass "kernel log: nothing that no test asked for"
fi

echo
sed -n 's/^skip\t/skipped: /p' "$work/results"
sed -n 's/^fail\t/FAILED: /p' "$work/results"
passed=$(grep -c '^pass' "$work/results" || true)
failed=$(grep -c '^fail' "$work/results" || true)
if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
