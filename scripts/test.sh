#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# test.sh [--check] [PROGRAM...]: runs the selftests, or those named, in virtual machines,
# and adds up their results. The last line is "N passed, N failed", with ", N skipped" if
# some were. With --check it only checks whether such programs exist. Up to two machines
# run at once, but no more than there are processors. When a program has ended, a line is
# shown for it, with its output about failures; V=1 shows all of its output.
#
# The logs of the last run stay in build/test, a directory for each machine: console (the
# programs' output), kmsg (the kernel log), qemu, command, load, and hang if it hung. Each
# line about a failure names the file to look at.
#
# A program may ask for a special machine in comments near its top, or below its row in
# selftests/suites. Programs that ask for the same share a boot:
#
#   # vm-cmdline: ...   kernel parameters, in place of no_hash_pointers
#   # vm-args: ...      arguments for QEMU, on as many lines as they need
#   # vm-tcg: ...       options for QEMU's emulation, as behind "-accel tcg,"
#   # vm-mem: 2G        memory, in place of 1G
#   # vm-smp: 4         processors, in place of 2
#   # vm-kernel: debug  only on this kernel, or stock, unless the program is named
#   # vm-own: why       no other program in this boot
#   # vm-expect: panic  the test passes if the kernel panics; words behind it are an
#                       extended regular expression for the panic's message
#   # vm-poolmon: why   poolmon is built first, and is in the machine
#   # vm-quiet: why     the program measures time: if other processes keep the host busy,
#                       a failure counts as skipped
#
# These variables are passed to the programs: CASES, MODEL_SECONDS (the machine gets as
# much more time), MODEL_SEED and FAIL_EVERY.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
# shellcheck source=scripts/cargo.sh
. "$TOP/scripts/cargo.sh"

selftests=${SELFTESTS:-$TOP/selftests}

# The path of each program, and their names in the order in which they run. kselftest uses
# the same list.
declare -A file=()
names=()
while read -r program; do
	names+=("${program##*/}")
	file[${program##*/}]=$program
done < <("$selftests/list.sh")

# nearest NAME: prints the three programs with the most similar names, by edit distance
nearest() {
	printf '%s\n' "${names[@]}" | awk -v name="$1" '
		function least(a, b) { return a < b ? a : b }
		{
			for (j = 0; j <= length($1); j++)
				row[j] = j
			for (i = 1; i <= length(name); i++) {
				corner = row[0]
				row[0] = i
				for (j = 1; j <= length($1); j++) {
					above = row[j]
					row[j] = least(least(above, row[j - 1]) + 1,
						corner + (substr(name, i, 1) != substr($1, j, 1)))
					corner = above
				}
			}
			print row[length($1)], $1
		}' | sort -n | head -n 3 | cut -d ' ' -f 2 | xargs
}

check=
if [ "${1:-}" = --check ]; then
	check=yes
	shift
fi
programs=("${@##*/}")
unknown=()
for program in "${programs[@]}"; do
	[ -n "${file[$program]:-}" ] || unknown+=("$program (did you mean $(nearest "$program")?)")
done
[ ${#unknown[@]} -eq 0 ] || die "TESTS: no such program in selftests: ${unknown[*]}"
[ -z "$check" ] || exit 0
setup_ensure

# The timeouts, in the machine's own time: see vm.sh. The checkers of the debug kernel are
# slow. no5lvl: on a slow host, an interrupt may come while the first processor is being
# identified. Then KASAN takes page tables of five levels for four, reports that, and is
# silent ever after.
step=$(sed -n 's/^timeout=//p' "$selftests/settings")
timeout=3600 options=
if [ "${KERNEL:-stock}" = debug ]; then
	export BOOT_TIMEOUT=${BOOT_TIMEOUT:-300}
	step=$((step * 4)) timeout=7200 options=no5lvl
fi
# If others took at least this many hundredths of the host's time, it counts as busy.
busy_from=10

work=$(mktemp -d "${TMPDIR:-/tmp}/rust_pool-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
: >"$work/results"
"$selftests/copy.sh" "$work/selftests"

# shown FILE: prints the path to show: relative if it is below the current directory
shown() {
	realpath --relative-base="$PWD" "$1"
}

# header PROGRAM NAME: prints the value of "vm-NAME:" in the program, or below its row
header() {
	local path=${file[$1]}

	if [ -f "$selftests/$path" ]; then
		sed -n "1,40s/^# vm-$2: *//p" "$selftests/$path"
	else
		awk -v program="$path" -v key="vm-$2:" '
			/^[^# \t]/ { inside = $1 == program }
			inside && $1 == key { sub(/^[ \t]+[^ \t]+[ \t]+/, ""); print }' "$selftests/suites"
	fi | paste -s -d ' '
}

# for_this_kernel PROGRAM: does it run on this kernel if no programs are named?
for_this_kernel() {
	case $(header "$1" kernel) in
	"" | "${KERNEL:-stock}") ;;
	*) return 1 ;;
	esac
}

# needs PROGRAM: prints a line with all that it asks for; programs with the same line share
# a boot
needs() {
	local own=

	if [ -n "$(header "$1" own)$(header "$1" expect)" ]; then
		own=$1
	fi
	echo "$(header "$1" cmdline)|$(header "$1" args)|$(header "$1" tcg)|$(header "$1" mem)|$(header "$1" smp)|$own"
}

# count RESULT NAME: adds a result that is not a program's own
count() {
	printf '%s\t%s\n' "$1" "$2" >>"$work/results"
}

# boot DIR NEEDS PROGRAM...: boots a machine for programs. Writes the programs that were
# started to DIR/ran, and what is to be shown of them to DIR/out.
boot() {
	local dir=$1 cmdline args tcg mem smp own program name

	IFS='|' read -r cmdline args tcg mem smp own <<<"$2"
	shift 2
	printf '%s\n' "$@" >"$dir/programs"
	for name in CASES MODEL_SECONDS MODEL_SEED FAIL_EVERY; do
		[ -z "${!name:-}" ] || printf '%s=%q\n' "$name" "${!name}"
	done >"$dir/environment"
	: >"$dir/kmsg"
	: >"$dir/console"
	say "booting for ${*%.sh}${own:+, alone}$([ -z "$(header "$1" expect)" ] ||
		echo ", to see it panic")"
	FILES="$work/selftests $dir/programs $dir/environment $poolmon" \
		CMDLINE="log_buf_len=4M $options ${cmdline:-no_hash_pointers}" SMP=${smp:-2} MEM=${mem:-1G} TCG=$tcg \
		QEMU_ARGS="-serial file:$dir/kmsg $args" TIMEOUT=${TIMEOUT:-$timeout} \
		STEP='^# rust_pool-selftest: ' STEP_TIMEOUT=$((step + ${MODEL_SECONDS:-0})) VM_LOGS=$dir \
		"$TOP/scripts/vm.sh" "$TOP/scripts/test-guest" 2>"$dir/runner" |
		sed -un 's/^# \(.*\.sh took .*\)/rust_pool: \1/p' >&2 || true
	sed '/^rust_pool: \(QEMU died\|\(error: \)\?hang: \)/!d' "$dir/runner" >&2
	times >"$dir/times"
	say "the machine of ${*%.sh} took $(tail -n 1 "$dir/times" | sed 's/ / and /') of processor time"

	sed -n 's/^# rust_pool-selftest: run //p' "$dir/console" >"$dir/ran"
	for program in "$@"; do
		if grep -qxF "$program" "$dir/ran"; then
			judge "$dir" "$program"
		fi
	done >"$dir/out"
	# After an expected panic the log is not complete.
	[ -z "$(header "$1" expect)" ] || return 0
	awk -v verdict="$dir/kmsg-verdict" -f "$TOP/scripts/kmsg.awk" "$dir/kmsg" >"$dir/kmsg-rest"
	sed "s|\$|\t$(shown "$dir/kmsg")|" "$dir/kmsg-verdict" >>"$work/kmsg-all"
}

# busy DIR: prints how many hundredths of the host's time other processes took while the
# machine of DIR ran, if they were too many to measure anything
busy() {
	awk -v cpus="$(nproc)" -v from=$busy_from '
		NR == 1 { begin = $3; before = $1 - $2 }
		{ end = $3; others = $1 - $2 - before }
		END {
			if (end > begin)
				share = others * 1000 / ((end - begin) * cpus)
			if (share >= from)
				printf "%d\n", share
		}' "$1/load"
}

# judge DIR PROGRAM: adds the results of a program that was started, and prints what is to
# be shown of it
judge() {
	local dir=$1 expect panic due=0 others='' results=$1/$2.results

	shift
	expect=$(header "$1" expect)
	if [ -n "$expect" ]; then
		expect=${expect#panic}
		expect=${expect# }
		panic=$(sed -n 's/.*Kernel panic - not syncing: //p' "$dir/console" | head -n 1)
		if [ -s "$dir/hang" ]; then
			printf 'fail\t%s: %s\n' "$1" "$(head -n 1 "$dir/hang")"
		elif [ -z "$panic" ]; then
			printf 'fail\t%s: no panic, though it expects one\n' "$1"
		elif ! grep -qE -e "${expect:-.}" <<<"$panic"; then
			printf 'fail\t%s: another panic than the expected: %s\n' "$1" "$panic"
		else
			printf 'pass\t%s\n' "$1"
		fi >"$results"
	else
		! for_this_kernel "$1" || due=1
		[ -z "$(header "$1" quiet)" ] || others=$(busy "$dir")
		awk -v program="$1" -v due=$due -v others="$others" \
			-v hang="$(head -qn 1 "$dir/hang" 2>/dev/null)" \
			-v why="$(sed -n 's/^rust_pool: error: //p' "$dir/runner" | tail -n 1)" \
			-f "$TOP/scripts/ktap.awk" "$dir/console" >"$results"
	fi
	awk -F '\t' -v OFS='\t' -v console="$(shown "$dir/console")" \
		-v hang="$([ ! -s "$dir/hang" ] || shown "$dir/hang")" \
		'$1 == "fail" { $3 = /: hang: / && hang != "" ? hang : console } { print }' \
		"$results" >>"$work/results"

	awk -F '\t' -v program="$1" '{ count[$1]++ }
		END {
			printf "%s: %d passed, %d failed", program, count["pass"], count["fail"]
			if (count["skip"])
				printf ", %d skipped", count["skip"]
			print ""
		}' "$results"
	# Print its lines that belong to a failure, or all; and its last ones if the machine
	# ended while it ran.
	awk -v program="$1" -v all="${V:-}" -v expect="$(header "$1" expect)" '
		$0 == "# rust_pool-selftest: run " program { inside = 1; next }
		index($0, "# rust_pool-selftest: end " program " ") == 1 { inside = 0 }
		!inside { next }
		{ last[++lines] = $0 }
		all || /^# seed / { print "  " $0; next }
		/^not ok / {
			for (i = count > 40 ? count - 39 : 1; i <= count; i++)
				print "  " said[i]
			print "  " $0
		}
		/^(not )?ok / { count = 0 }
		/^# / { said[++count] = $0 }
		END {
			if (inside && !all && expect == "")
				for (i = lines > 120 ? lines - 119 : 1; i <= lines; i++)
					print "  " last[i]
		}' "$dir/console"
}

# finish_one: waits until one of the boots has ended, and shows its results
finish_one() {
	local pid

	wait -n -p pid "${!dirs[@]}" || count fail "what the machine of $(xargs <"${dirs[$pid]}/programs") printed could not be judged"
	cat "${dirs[$pid]}/out"
	unset "dirs[$pid]"
}

if [ $# -eq 0 ]; then
	for program in "${names[@]}"; do
		! for_this_kernel "$program" || programs+=("$program")
	done
fi
# Where no crates can be had there is no poolmon; what needs it is skipped, and says so.
poolmon=
for program in "${programs[@]}"; do
	[ -z "$(header "$program" poolmon)" ] || poolmon=$POOLMON
done
if [ -n "$poolmon" ] && ! cargo_can; then
	poolmon=
elif [ -n "$poolmon" ] && ! "$TOP/scripts/poolmon.sh" build; then
	poolmon=
	count fail "poolmon: it does not build"
fi
case " ${programs[*]}" in
*" dma_copy"*) build_copy "$work/selftests/dma" ;;
esac
for program in "${programs[@]}"; do
	printf '%s\t%s\n' "$(needs "$program")" "$program"
done | sort -s -t "$(printf '\t')" -k 1,1 >"$work/wanted"

# If another run in the same checkout uses build/test, use build/test.2 and so on.
logs=$TOP/build/test
mkdir -p "$TOP/build"
for ((run = 2; ; run++)); do
	exec {lock}>"$logs.lock"
	! flock -n "$lock" || break
	exec {lock}>&-
	logs=$TOP/build/test.$run
done
rm -rf "$logs"
mkdir "$logs"
export VM_FAMILY=${VM_FAMILY:-$$}

: >"$work/kmsg-all"
declare -A dirs=()
boots=0
while [ -s "$work/wanted" ]; do
	# Begin with the boot that has the most programs.
	mapfile -t kinds < <(cut -f 1 "$work/wanted" | uniq -c | sort -rn | sed 's/^ *[0-9]* //')
	for kind in "${kinds[@]}"; do
		mapfile -t batch < <(awk -F '\t' -v kind="$kind" '$1 == kind { print $2 }' "$work/wanted")
		# Divide a long batch between two boots, which can run at the same time.
		size=${#batch[@]}
		[ "$size" -lt 8 ] || [ "$JOBS" -lt 2 ] || size=$(((size + 1) / 2))
		for ((at = 0; at < ${#batch[@]}; at += size)); do
			[ ${#dirs[@]} -lt $((JOBS < 2 ? 1 : 2)) ] || finish_one
			boots=$((boots + 1))
			dir=$logs/$(printf '%02d-%s' $boots "${batch[at]%.sh}")
			mkdir "$dir"
			boot "$dir" "$kind" "${batch[@]:at:size}" &
			dirs[$!]=$dir
		done
	done
	while [ ${#dirs[@]} -gt 0 ]; do
		finish_one
	done
	# If a machine died, the program that was running has failed. Those that were not
	# started get another machine, unless the machine has started none at all.
	cat "$logs"/*/ran >"$work/ran"
	for dir in "$logs"/*/; do
		[ ! -s "$dir/ran" ] || continue
		while read -r program; do
			count fail "$program: the machine stopped before this program started: $(
				sed -n 's/^rust_pool: error: //p' "$dir/runner" | tail -n 1)"$'\t'"$(shown "$dir/console")"
			echo "$program" >>"$work/ran"
		done <"$dir/programs"
		cp "$dir/programs" "$dir/ran"
	done
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
awk -F '\t' '$1 == "fail" { print "FAILED: " $2 ($3 == "" ? "" : " [" $3 "]") }' "$work/results"
passed=$(grep -c '^pass' "$work/results" || true)
failed=$(grep -c '^fail' "$work/results" || true)
echo "logs: $(shown "$logs")"
if [ "$failed" -gt 0 ]; then
	again="make test"
	[ "${KERNEL:-stock}" = stock ] || again="$again KERNEL=$KERNEL"
	# shellcheck disable=SC2031 # the one that lib.sh has set
	[ "$FLAVOUR" = amd64 ] || again="$again FLAVOUR=$FLAVOUR"
	echo "next: read the file in brackets; try one again: $again TESTS=<program>.sh, CASES=<pattern> for less"
fi
if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
