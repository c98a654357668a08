#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test.sh [PROGRAM...]: runs the selftests, or those named, in the virtual
# machine, and adds up their results. The last line is "N passed, N failed", with
# ", N skipped" where some were. As many machines run at once as there are
# processors, two at most; what each printed is shown when it has ended.
#
# A program may ask for a machine of its own kind in comments near its top; those
# that ask for the same share a boot:
#
#   # vm-cmdline: ...   kernel parameters, in place of no_hash_pointers
#   # vm-args: ...      arguments for QEMU
#   # vm-mem: 2G        memory, in place of 1G
#   # vm-smp: 4         processors, in place of 2
#   # vm-kernel: debug  only on this kernel, or stock, unless the program is named
#   # vm-own: why       no other program in this boot
#   # vm-expect: panic  the test passes if the kernel panics; words after it are
#                       an extended regular expression for the panic's message

# These variables reach the programs there: CASES, and MODEL_SECONDS, by which the
# machine also gets more time, MODEL_SEED, and FAIL_EVERY.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

selftests=${SELFTESTS:-$TOP/selftests}
setup_ensure

# The checkers cost that much. Four emulated processors on two real ones stand still
# for longer than RCU expects. An interrupt while the first of them is identified,
# which on a slow host happens, has KASAN take page tables of five levels for four,
# report that, and be silent ever after.
timeout=900 options=
if [ "${KERNEL:-stock}" = debug ]; then
	export BOOT_TIMEOUT=${BOOT_TIMEOUT:-300}
	timeout=3600 options="rcupdate.rcu_cpu_stall_timeout=120 no5lvl"
fi

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

# for_this_kernel PROGRAM: is it to be run on this kernel when none is named?
for_this_kernel() {
	case $(header "$1" kernel) in
	"" | "${KERNEL:-stock}") ;;
	*) return 1 ;;
	esac
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

# boot DIR NEEDS PROGRAM...: leaves in DIR/ran the programs that were started, and
# in DIR/out what was printed
boot() {
	local dir=$1 cmdline args mem smp own status=0 program name

	IFS='|' read -r cmdline args mem smp own <<<"$2"
	shift 2
	printf '%s\n' "$@" >"$dir/programs"
	for name in CASES MODEL_SECONDS MODEL_SEED FAIL_EVERY; do
		[ -z "${!name:-}" ] || printf '%s=%q\n' "$name" "${!name}"
	done >"$dir/environment"
	: >"$dir/kmsg"
	: >"$dir/console"
	say "booting for ${*%.sh}${own:+, alone}$([ -z "$(header "$1" expect)" ] ||
		echo ", to see it panic")"
	FILES="$(find "$selftests" -maxdepth 1 -type f -printf '%p ')$(
		find "$selftests" -mindepth 2 -maxdepth 2 \( -name '*.ko' -o -path '*/bench/*.awk' \
			-o -path '*/bench/*.sh' \) -printf '%p ') $dir/programs $dir/environment" \
		CMDLINE="log_buf_len=4M $options ${cmdline:-no_hash_pointers}" SMP=${smp:-2} MEM=${mem:-1G} \
		QEMU_ARGS="-serial file:$dir/kmsg $args" TIMEOUT=$((${TIMEOUT:-$timeout} + ${MODEL_SECONDS:-0})) \
		VM_LOG=$dir/console \
		"$TOP/scripts/vm.sh" "$TOP/scripts/test-guest" 2>&1 | tee "$dir/out" |
		sed -un 's/^# \(.*\.sh took .*\)/rust_pool: \1/p' >&2 ||
		status=${PIPESTATUS[0]}
	times >"$dir/times"
	say "the machine of ${*%.sh} took $(tail -n 1 "$dir/times" | sed 's/ / and /') of processor time"

	sed -n 's/^# rust_pool-selftest: run //p' "$dir/console" >"$dir/ran"
	for program in "$@"; do
		if grep -qxF "$program" "$dir/ran"; then
			judge "$dir" "$program" "$status"
		fi
	done
	# A panic that was asked for leaves no complete log.
	[ -z "$(header "$1" expect)" ] || return 0
	awk -v verdict="$dir/kmsg-verdict" -f "$TOP/scripts/kmsg.awk" "$dir/kmsg" >>"$dir/out"
	cat "$dir/kmsg-verdict" >>"$work/kmsg-all"
}

# judge DIR PROGRAM STATUS: adds the results of one program that was started
judge() {
	local dir=$1 expect panic due=0

	shift
	expect=$(header "$1" expect)
	if [ -n "$expect" ]; then
		expect=${expect#panic}
		expect=${expect# }
		panic=$(sed -n 's/.*Kernel panic - not syncing: //p' "$dir/console" | head -n 1)
		if [ -z "$panic" ]; then
			count fail "$1: no panic, though it expects one"
		elif ! grep -qE -e "${expect:-.}" <<<"$panic"; then
			count fail "$1: another panic than the expected: $panic"
		else
			count pass "$1"
		fi
		return
	fi
	! for_this_kernel "$1" || due=1
	awk -v program="$1" -v due=$due -f "$TOP/scripts/ktap.awk" "$dir/console" >>"$work/results"
}

# finish_one: waits for a boot to end, and shows what it printed
finish_one() {
	local pid

	wait -n -p pid || count fail "what the machine of $(xargs <"${dirs[$pid]}/programs") printed could not be judged"
	cat "${dirs[$pid]}/out"
	unset "dirs[$pid]"
}

if [ $# -eq 0 ]; then
	mapfile -t programs < <(test_progs | xargs -n 1 | while read -r program; do
		! for_this_kernel "$program" || echo "$program"
	done)
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
declare -A dirs=()
boots=0
while [ -s "$work/wanted" ]; do
	# The longest first.
	mapfile -t kinds < <(cut -f 1 "$work/wanted" | uniq -c | sort -rn | sed 's/^ *[0-9]* //')
	for kind in "${kinds[@]}"; do
		mapfile -t batch < <(awk -F '\t' -v kind="$kind" '$1 == kind { print $2 }' "$work/wanted")
		# A long batch in halves, or it would run on alone for long.
		size=${#batch[@]}
		[ "$size" -lt 8 ] || [ "$JOBS" -lt 2 ] || size=$(((size + 1) / 2))
		for ((at = 0; at < ${#batch[@]}; at += size)); do
			[ ${#dirs[@]} -lt $((JOBS < 2 ? 1 : 2)) ] || finish_one
			dir=$work/boot-$((boots += 1))
			mkdir "$dir"
			boot "$dir" "$kind" "${batch[@]:at:size}" &
			dirs[$!]=$dir
		done
	done
	while [ ${#dirs[@]} -gt 0 ]; do
		finish_one
	done
	# A machine that died takes with it only the program that was running:
	# those not yet started get another. One that starts none is no use.
	cat "$work"/boot-*/ran >"$work/ran"
	for dir in "$work"/boot-*; do
		[ ! -s "$dir/ran" ] || continue
		while read -r program; do
			count fail "$program: the machine did not get as far as to start it"
			echo "$program" >>"$work/ran"
		done <"$dir/programs"
	done
	awk -F '\t' 'NR == FNR { ran[$1]; next } !($2 in ran)' "$work/ran" "$work/wanted" \
		>"$work/left"
	mv "$work/left" "$work/wanted"
	rm -r "$work"/boot-*
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
