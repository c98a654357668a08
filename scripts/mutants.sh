#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants.sh [NAME...]: tests the tests. Each selftests/*/mutants/*.patch plants one
# defect. It is built, and the test program that the patch names has to fail:
#
#   Test: foo.sh        the program to run; scripts/foo.sh is a test of the scripts
#   Case: regex         optional: the name of a result that has to fail
#   Kernel: debug       optional: if only the checkers of that kernel see the defect
#
# A patch that does not apply or build counts as an error, not as killed; so does a test
# that was skipped because the host is busy. The logs of mutants that were not killed stay
# in build/mutants-logs.
#
# TOGETHER=N in the environment: up to N mutants are planted in one build, and all their
# programs are run. Such a mutant is killed if a result of its program fails that its line
# Case: names and no other's. All others are planted once more, alone.
#
# SINCE=COMMIT in the environment: only those of which something has changed since that
# commit, in a commit or in the checkout: a file that the patch changes, the test program,
# a test module of its folder, or the patch itself.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

setup_ensure
default=${KERNEL:-stock}
work=$(mktemp -d "${TMPDIR:-/tmp}/rust_pool-mutants.XXXXXX")
trap 'rm -rf "$work"' EXIT

timeout=${TIMEOUT:-}
together=${TOGETHER:-1}
[[ $together =~ ^[1-9][0-9]*$ ]] || die "TOGETHER=$together: that is no number of mutants"
killed=0 survived=0 errors=0

# use KERNEL: builds and runs with this kernel; each kernel has its own scratch copy
use() {
	export KERNEL=$1
	scratch=$TOP/build/mutants
	# A defect may hang the machine.
	export TIMEOUT=${timeout:-300}
	if [ "$KERNEL" != stock ]; then
		scratch=$scratch-$KERNEL
		TIMEOUT=${timeout:-1200}
	fi
}

kernel_of() {
	local kernel

	kernel=$(sed -n 's/^Kernel: *//p' "$1" | head -n 1)
	echo "${kernel:-$default}"
}

# Applies a patch in the scratch copy, which git must not take for a part of the repository
# around it.
apply() {
	(cd "$scratch" && GIT_CEILING_DIRECTORIES=$(dirname "$scratch") \
		git apply "$@")
}

# What waits in a test for an event waits a twelfth as long as else: with a defect much waits in
# vain.
export KCFLAGS=-DRPT_HURRY=12

# A fresh scratch copy.
fresh() {
	"$TOP/scripts/scratch.sh" "$scratch"
	sed -i 's/^PATIENCE=120$/PATIENCE=30/' "$scratch/selftests/lib.sh"
}

# build FOLDER...: builds what the tests in these folders of selftests need. Those of the scripts
# need none of the test modules, which may refuse the defect as well.
build() {
	"$scratch/scripts/build.sh" "$scratch" modules &&
		{ "$scratch/scripts/client.sh" "$scratch/selftests/test_modules" ||
			[ "$*" = scripts ]; } &&
		{ [[ " $* " != *" ports "* ]] ||
			WDK=1 "$scratch/scripts/client.sh" "$scratch/selftests/ports"; } &&
		{ [[ " $* " != *" bench "* ]] || [ "$KERNEL" != stock ] ||
			"$scratch/scripts/client.sh" "$scratch/selftests/bench"; }
}

# folders_of PATCH...: the folders of selftests that they are in
folders_of() {
	local patch

	for patch; do
		basename "$(dirname "$(dirname "$patch")")"
	done | sort -u | xargs
}

# run_tests PROGRAM...: runs programs, in the virtual machine or as tests of the scripts
run_tests() {
	local test status=0 machine=()

	for test; do
		case $test in
		scripts/*) env -u KCFLAGS "$scratch/scripts/check-scripts.sh" "${test#scripts/}" || status=1 ;;
		*) machine+=("$test") ;;
		esac
	done
	[ ${#machine[@]} -eq 0 ] || "$scratch/scripts/test.sh" "${machine[@]}" || status=1
	return "$status"
}

baseline() {
	run_tests "${tests[@]}" >"$work/baseline-$KERNEL" || true
	grep -qE '^[0-9]+ passed' "$work/baseline-$KERNEL"
}

program_of() {
	sed -n 's/^Test: *//p' "$1" | head -n 1
}

# fails_anyway TEST: whether a test fails without any defect
fails_anyway() {
	grep -qE "^FAILED: (kernel log: )?${1#scripts/}:" "$work/baseline-$KERNEL"
}

# failures: the results that failed, without the file in brackets that each names
failures() {
	sed -n 's/^\(FAILED: .*[^ ]\) \[[^]]*\]$/\1/p; t; /^FAILED: /p' "$work/log"
}

# try PATCH: returns 0 if the mutant was killed, 1 if it survived, 2 for an error, and sets
# $why
try() {
	local patch=$1 test regex busy

	test=${wants[$patch]#* }
	regex=${cases[$patch]}
	why="it has no line Test:"
	[ -n "$test" ] || return 2
	why="$test fails without it as well"
	! fails_anyway "$test" || return 2
	fresh
	why="it does not apply"
	apply "$patch" >"$work/log" 2>&1 || return 2
	why="it does not build"
	build "$(folders_of "$patch")" >"$work/log" 2>&1 || return 2
	why="$test passes"
	if run_tests "$test" >"$work/log" 2>&1; then
		busy=$(grep -m 1 '^skipped: .*the host is busy' "$work/log") || return 1
		why=$busy
		return 2
	fi
	why="$test did not run"
	tail -n 1 "$work/log" | grep -qE '^[0-9]+ passed, [0-9]+ failed' || return 2
	why="$test fails, but not in $regex"
	[ -z "$regex" ] || grep -qE -e "$regex" <(failures) || return 1
	why=$(failures | sed -n 1p)
}

patches=()
for name in "${@:-*}"; do
	mapfile -t -O ${#patches[@]} patches < <(
		find "$TOP/selftests" -path "*/mutants/$name.patch" | grep . || echo none)
	[ "${patches[-1]}" != none ] || die "there is no selftests/*/mutants/$name.patch"
done
mapfile -t patches < <(printf '%s\n' "${patches[@]}" | sort -u)
for patch in "${patches[@]}"; do
	case $(kernel_of "$patch") in
	stock | debug) ;;
	*) die "${patch#"$TOP/"}: its line Kernel: names neither stock nor debug" ;;
	esac
done

# changed PATCH: whether something of it has changed since SINCE
changed() {
	local files=("$1") program

	mapfile -t -O 1 files < <(sed -n 's/^+++ b\///p' "$1")
	program=$(program_of "$1")
	files+=("selftests/*/${program#scripts/}" "selftests/test_modules/$(folders_of "$1")")
	! git -C "$TOP" diff --quiet "$SINCE" -- "${files[@]}"
}

if [ -n "${SINCE:-}" ]; then
	git -C "$TOP" rev-parse -q --verify "$SINCE^{commit}" >/dev/null ||
		die "SINCE=$SINCE: there is no such commit"
	mapfile -t patches < <(for patch in "${patches[@]}"; do
		! changed "$patch" || echo "$patch"
	done)
	[ ${#patches[@]} -gt 0 ] || {
		say "nothing has changed since $SINCE that a mutant is for"
		exit
	}
	say "${#patches[@]} mutants are for what has changed since $SINCE"
fi

# Run the tests without a defect first: a test that fails anyway would kill any mutant.
mapfile -t kernels < <(for patch in "${patches[@]}"; do kernel_of "$patch"; done | sort -u)
for kernel in "${kernels[@]}"; do
	use "$kernel"
	mapfile -t tests < <(for patch in "${patches[@]}"; do
		[ "$(kernel_of "$patch")" != "$kernel" ] || program_of "$patch"
	done | sort -u)
	fresh
	step "building without any defect, for the $KERNEL kernel" \
		"the checkout has to build first" build \
		"$(folders_of "${patches[@]}")"
	step "running ${tests[*]} without any defect" "no test was run" baseline
done

# verdict PATCH VERDICT: counts it, and says why
verdict() {
	case $2 in
	killed) killed=$((killed + 1)) ;;
	SURVIVED) survived=$((survived + 1)) ;;
	*) errors=$((errors + 1)) ;;
	esac
	echo "$2 $(basename "$1" .patch): $why ($((SECONDS - start)) s)"
}

# alone PATCH: plants it, and nothing else
alone() {
	local name rc=0

	start=$SECONDS
	name=$(basename "$1" .patch)
	try "$1" || rc=$?
	case $rc in
	0) verdict "$1" killed ;;
	1) verdict "$1" SURVIVED ;;
	*) verdict "$1" ERROR ;;
	esac
	rm -rf "$TOP/build/mutants-logs/$name"
	[ "$rc" -ne 0 ] || return 0
	mkdir -p "$TOP/build/mutants-logs/$name"
	cp "$work/log" "$TOP/build/mutants-logs/$name/output"
	[ ! -d "$scratch/build/test" ] || cp -r "$scratch/build/test" "$TOP/build/mutants-logs/$name/"
	[ "$rc" -ne 2 ] || tail -n 20 "$work/log" | sed 's/^/  | /'
}

# results_of PATCH: the results that failed of its program, those that its line Case: names
results_of() {
	local test=${wants[$1]#* }

	failures | grep -E "^FAILED: (kernel log: )?${test#scripts/}:" |
		grep -E -e "${cases[$1]}" || true
}

# halves PATCH...: plants each half of them
halves() {
	local half=$(($# / 2))

	if [ $# -lt 4 ]; then
		rest+=("$@")
	else
		several "${@:1:half}"
		several "${@:half+1}"
	fi
}

# several PATCH...: plants those that apply on top of each other, and adds those to $rest that
# are to be planted alone. If nothing can be said of some, as the machine did not get to their
# cases, these are planted again, with fewer others.
several() {
	local patch other lines planted=() tests=() open=() ended

	start=$SECONDS
	fresh
	for patch; do
		if ! fails_anyway "${wants[$patch]#* }" && apply "$patch" >/dev/null 2>&1; then
			planted+=("$patch")
		else
			rest+=("$patch")
		fi
	done
	[ ${#planted[@]} -gt 1 ] || {
		rest+=("${planted[@]}")
		return
	}
	mapfile -t tests < <(for patch in "${planted[@]}"; do echo "${wants[$patch]#* }"; done |
		sort -u)
	echo "${tests[*]}: ${#planted[@]} mutants together"
	if ! build "$(folders_of "${planted[@]}")" >"$work/log" 2>&1 ||
		run_tests "${tests[@]}" >"$work/log" 2>&1; then
		halves "${planted[@]}"
		return
	fi
	ended=$(grep -m 1 -E '^FAILED: .*(: hang: |the machine (ended|stopped))' "$work/log" || true)
	for patch in "${planted[@]}"; do
		lines=$(results_of "$patch")
		for other in "${planted[@]}"; do
			[ "$other" = "$patch" ] || [ "${wants[$other]}" != "${wants[$patch]}" ] ||
				lines=$(grep -vE -e "${cases[$other]}" <<<"$lines" || true)
		done
		why=$(head -n 1 <<<"$lines")
		if [ -n "$why" ]; then
			verdict "$patch" killed
		else
			open+=("$patch")
		fi
	done
	if [ -z "$ended" ] || [ ${#open[@]} -eq 0 ]; then
		rest+=("${open[@]}")
	elif [ ${#open[@]} -lt ${#planted[@]} ]; then
		# Without those that were killed it may get further.
		several "${open[@]}"
	else
		halves "${open[@]}"
	fi
}

# What the patches say is read once: a kernel and a program, and a case. Those of one kernel and
# one program come one behind the other.
declare -A wants=() cases=()
for patch in "${patches[@]}"; do
	wants[$patch]="$(kernel_of "$patch") $(program_of "$patch")"
	cases[$patch]=$(sed -n 's/^Case: *//p' "$patch" | head -n 1)
done
mapfile -t patches < <(for patch in "${patches[@]}"; do
	printf '%s\t%s\n' "${wants[$patch]}" "$patch"
done | sort | cut -f 2)

while [ ${#patches[@]} -gt 0 ]; do
	kernel=${wants[${patches[0]}]%% *}
	group=() later=() taken=$'\n'
	for patch in "${patches[@]}"; do
		named="${wants[$patch]} ${cases[$patch]}"
		if [ ${#group[@]} -lt "$together" ] && [ -n "${cases[$patch]}" ] &&
			[ "${wants[$patch]%% *}" = "$kernel" ] && [[ $taken != *$'\n'"$named"$'\n'* ]]; then
			group+=("$patch")
			taken+=$named$'\n'
		else
			later+=("$patch")
		fi
	done
	# One without a line Case: is planted alone.
	[ ${#group[@]} -gt 0 ] || {
		group=("${patches[0]}")
		later=("${patches[@]:1}")
	}
	patches=("${later[@]}")
	use "$kernel"
	rest=("${group[@]}")
	[ ${#group[@]} -eq 1 ] || {
		rest=()
		several "${group[@]}"
	}
	for patch in "${rest[@]}"; do
		alone "$patch"
	done
done
echo "$killed killed, $survived survived, $errors errors"
[ $((survived + errors)) -eq 0 ]
