# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Shared by the test programs, which source it first. Needs nothing but a POSIX
# shell and what busybox has.

# The folder that this file is in. $0 is a program in a folder below, or suites.sh here.
DIR=$(dirname "$(readlink -f "$0")")
[ -e "$DIR/lib.sh" ] || DIR=$(dirname "$DIR")
STATS=/sys/kernel/debug/rust_pool
# shellcheck disable=SC2034 # for programs
TRACING=/sys/kernel/tracing
CASES_DIR=/sys/kernel/debug/rust_pool_test
PROGRAM=${0##*/}
# Kernel modules that this program loaded, the last one first.
LOADED=
# How many marks it wrote to the kernel log.
MARKS=0
# A process that it started, to be killed at the end.
HELPER=
TMP=

# Finds ktap_helpers.sh of the kernel tree: beside an installed kselftest, or in KSFT,
# where the virtual machine has it.
find_ktap() {
	for KTAP in "$DIR/../kselftest/ktap_helpers.sh" \
		"${KSFT:-/nonexistent}/kselftest/ktap_helpers.sh"; do
		[ ! -e "$KTAP" ] || return 0
	done
	echo "1..0 # SKIP no kselftest/ktap_helpers.sh (set KSFT to the selftests of a kernel tree)"
	exit 4
}

find_ktap
# shellcheck source=/dev/null
. "$KTAP"
# shellcheck source=selftests/lib/kmemleak.sh
. "$DIR/lib/kmemleak.sh"

# How many seconds "eventually" waits before it gives up. Only a hang waits this long; but
# a machine may be slow because its host is busy.
PATIENCE=120

uptime_s() {
	cut -d . -f 1 /proc/uptime
}

# eventually COMMAND...: repeats the command until it succeeds; fails after PATIENCE
eventually() {
	_until=$(($(uptime_s) + PATIENCE))
	until "$@"; do
		[ "$(uptime_s)" -lt $_until ] || return 1
		sleep 0.1
	done
}

# skip_all WHY: ends the program as skipped
skip_all() {
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

# module_file MODULE: prints the path of the module's file, if it was built
module_file() {
	for _folder in test_modules bench ports ..; do
		_file=$DIR/$_folder/$1.ko
		if [ -e "$_file" ]; then
			echo "$_file"
			return
		fi
	done
	return 1
}

# need MODULE...: skips the program if it is not root, or a module is missing or in use
need() {
	[ "$(id -u)" -eq 0 ] || skip_all "must be run as root"
	[ -d /sys/kernel/debug ] || [ -n "${WITHOUT_DEBUGFS:-}" ] || skip_all "no debugfs"
	for _module; do
		if loaded "$_module" && ! [ "$_module" = rust_pool ]; then
			skip_all "$_module is loaded already"
		fi
		module_file "$_module" >/dev/null ||
			modinfo "$_module" >/dev/null 2>&1 ||
			skip_all "module $_module is not built"
	done
	! loaded rust_pool || skip_all "rust_pool is in use here"
}

# Sets EDU to the PCI device that some tests use. Only QEMU has it.
find_edu() {
	for EDU in /sys/bus/pci/devices/*; do
		if [ "$(cat "$EDU/vendor" 2>/dev/null)" = 0x1234 ] &&
		   [ "$(cat "$EDU/device" 2>/dev/null)" = 0x11e8 ]; then
			return
		fi
	done
	EDU=
	return 1
}

need_edu() {
	find_edu || skip_all "no edu device (QEMU: -device edu)"
	[ ! -e "$EDU/driver" ] || skip_all "edu is bound to a driver"
}

loaded() {
	[ -e "/sys/module/$1/refcnt" ]
}

# load MODULE [PARAMETER=VALUE...]
load() {
	_module=$1
	shift
	if _file=$(module_file "$_module"); then
		insmod "$_file" "$@" || return 1
	else
		modprobe "$_module" "$@" || return 1
	fi
	LOADED="$_module $LOADED"
}

# unload MODULE...
unload() {
	for _module; do
		rmmod "$_module" || return 1
		_rest=
		for _other in $LOADED; do
			[ "$_other" = "$_module" ] || _rest="$_rest $_other"
		done
		LOADED=$_rest
	done
}

# Runs at any exit, so that the next program finds the machine as this one found it.
clean_up() {
	_status=$?
	trap - EXIT
	for _module in $LOADED; do
		loaded "$_module" && rmmod "$_module"
	done
	[ -z "$HELPER" ] || kill "$HELPER" 2>/dev/null
	[ -z "$TMP" ] || rm -rf "$TMP"
	exit "$_status"
}

# log_mark [WORD]: writes a mark to the kernel log; log_since prints what is behind it
log_mark() {
	MARKS=$((MARKS + 1))
	MARK="rust_pool-selftest: $PROGRAM $$ $MARKS ${1:-begins}"
	echo "$MARK" >/dev/kmsg
}

log_since() {
	dmesg >"$TMP/dmesg"
	if ! grep -q "$MARK\$" "$TMP/dmesg"; then
		echo "WARNING: the kernel log is too short: it no longer has \"$MARK\""
		return
	fi
	# The mark is used as a regular expression. Its dots are the only special characters.
	sed "1,/$MARK\$/d" "$TMP/dmesg"
}

# log_limit_passes: the log takes at most ten violations in five seconds. A program calls
# this before it looks for lines in the log, if there may have been violations before.
log_limit_passes() {
	sleep 6
}

# logged REGEX: passes if a line of the log since the mark matches
logged() {
	log_since >"$TMP/log"
	grep -qE "$1" "$TMP/log" && return
	echo "# not in the kernel log: $1"
	grep rust_pool "$TMP/log" | head -n 20 | sed 's/^/# log: /'
	return 1
}

# not_logged REGEX: passes if no line of the log since the mark matches
not_logged() {
	log_since >"$TMP/log"
	grep -E "$1" "$TMP/log" | head -n 5 >"$TMP/found"
	[ -s "$TMP/found" ] || return 0
	sed 's/^/# log: /' "$TMP/found"
	return 1
}

SPLAT='WARNING:|BUG[: ]|Oops|Call Trace|INFO: (task|rcu)|general protection|bad page|pagealloc: |scheduling while|possible (recursive|circular)|page allocation failure|vmap allocation|Out of memory|oom-kill|refcount_t|usercopy'

# begin MODULE...: starts a program: prints the header, checks its needs, makes TMP
begin() {
	ktap_print_header
	need rust_pool "$@"
	TMP=$(mktemp -d)
	trap clean_up EXIT
	trap 'exit 1' INT TERM
	MARK=
	log_mark begins
	BEGIN=$MARK
}

# check NAME COMMAND...: a test that passes if the command does
check() {
	_name=$1
	shift
	if "$@"; then
		ktap_test_pass "$_name"
	else
		ktap_test_fail "$_name"
	fi
}

# Passes if the kernel log has no splat since the program began, except between the lines
# "expect begin" and "expect end".
no_splat() {
	MARK=$BEGIN
	log_since | sed '/rust_pool-selftest: expect begin$/,/rust_pool-selftest: expect end$/d' |
		grep -E "$SPLAT" | head -n 5 >"$TMP/found"
	[ -s "$TMP/found" ] || return 0
	sed 's/^/# log: /' "$TMP/found"
	return 1
}

# Ends a program with the tests that all have, ENDS of them, and the totals.
ends() {
	check "$PROGRAM: modules unload" unload_all
	check "$PROGRAM: no splat in the kernel log" no_splat
	# What rust_pool reported as left, a test left on purpose.
	MARK=$BEGIN
	! log_since | grep -qE 'rust_pool: +leaked ' || kmemleak_forget
	ktap_finished
}

ENDS=2

unload_all() {
	for _module in $LOADED; do
		unload "$_module" || return 1
	done
}

# stat_of FILE WORD: prints the number behind a word in the head of a file in debugfs
stat_of() {
	sed -n "s/^# \(.* \)*$2 \([0-9]*\).*/\2/p" "$STATS/$1" | head -n 1
}

# version_of FILE: prints the version that the format of a file in debugfs should have
version_of() {
	case $1 in
	violations | verifier) echo 2.0 ;;
	memory) echo 1.5 ;;
	summary) echo 1.4 ;;
	adapters) echo 1.3 ;;
	contiguous) echo 1.2 ;;
	tags | modules | noncached | mdl_pages) echo 1.1 ;;
	*) echo 1.0 ;;
	esac
}

# has_version FILE [LINE]: passes if the first line of the file, or LINE, has its version
has_version() {
	_first=${2-$(head -n 1 "$STATS/$1")}
	[ "$_first" = "$1 - version: $(version_of "$1")" ] && return
	echo "# $1 begins: $_first"
	return 1
}

# no_tag_live [TAGS]: passes if no tag has live blocks, except tags that match TAGS, an
# extended regular expression
# shellcheck disable=SC2120 # the argument may be left out
no_tag_live() {
	awk -v but="^(${1:-....-})\$" '
		NR <= 3 || substr($0, 1, 4) ~ but { next }
		split(substr($0, 5), row) && (row[4] || row[5] || row[6]) {
			print "# live: " $0
			bad = 1
		}
		END { exit bad }' "$STATS/tags"
}

# Passes if there are no live blocks of contiguous and noncached memory, no pages of MDLs, and
# no adapters.
no_family_live() {
	for _family in contiguous noncached mdl_pages io_space adapters; do
		[ "$(stat_of $_family diff)" = 0 ] && continue
		sed "s/^/# $_family: /" "$STATS/$_family"
		return 1
	done
}

violations() {
	sed -n 's/^# reported //p' "$STATS/violations"
}

# run_case FILE: runs a case of a test module, and relays its result. Opening the file runs
# the case, in this process. Does not fork, as there are hundreds of cases.
run_case() {
	_case=${1##*/}
	_suite=${1%/*}
	_name="${_suite##*/}: ${_case#*-}"
	_result=

	while read -r _line; do
		case $_line in
		'# '*)
			echo "$_line" ;;
		*)
			_result=$_line ;;
		esac
	done <"$1"
	case $_result in
	ok)
		ktap_test_pass "$_name" ;;
	skip)
		ktap_test_skip "$_name" ;;
	*)
		ktap_test_fail "$_name" ;;
	esac
}

# cases SUITE...: prints the files of the suites' cases; only those whose names match
# CASES, a shell pattern, if it is set
cases() {
	for _suite; do
		# shellcheck disable=SC2231 # a pattern is what CASES is
		for _file in "$CASES_DIR/$_suite"/[0-9]*-${CASES:-*}; do
			# A suite without any case is a failure, unless CASES chose them.
			[ -n "${CASES:-}" ] && [ ! -e "$_file" ] || echo "$_file"
		done
	done
}

# begin_suites MODULE SUITE...: loads the module, and plans the cases of the suites. With
# EVERY=N it plans only each N-th case. EXTRA is how many tests of its own the program adds.
begin_suites() {
	_tests=$1
	shift
	begin rp_test "$_tests"
	load_or_fail rust_pool rp_test "$_tests"
	plan_cases "$@"
}

plan_cases() {
	cases "$@" | awk -v every="${EVERY:-1}" 'NR % every == 0' >"$TMP/cases"
	ktap_set_plan $(($(wc -l <"$TMP/cases") + ENDS + ${EXTRA:-0}))
}

# load_or_fail MODULE...: loads modules; if one does not load, ends the program as failed
load_or_fail() {
	for _module; do
		load "$_module" && continue
		dmesg | tail -n 5 | sed 's/^/# log: /'
		ktap_set_plan 1
		ktap_test_fail "$PROGRAM: $_module loads"
		ktap_finished
	done
}

# run_cases [FILE]: runs the cases that were planned, or those that a file lists
# shellcheck disable=SC2120 # the argument may be left out
run_cases() {
	while read -r _file; do
		run_case "$_file"
	done <"${1:-$TMP/cases}"
}

# stops_the_machine NAME OPTION [PARAMETER=VALUE...]: a program that passes if the kernel
# panics, in a boot of its own. Loads rust_pool with these parameters, sets this option of
# the verifier, if any, and makes rp_test_leak break a rule.
stops_the_machine() {
	grep -q rust_pool_selftest=panic /proc/cmdline ||
		skip_all "stops the machine: boot with rust_pool_selftest=panic"
	begin rp_test rp_test_leak
	ktap_set_plan 1
	_stop=$1
	_option=$2
	shift 2
	load rust_pool "$@" && load rp_test || exit 1
	[ -z "$_option" ] || echo "$_option" >"$STATS/verifier" || exit 1
	echo "# a violation follows, and a panic"
	load rp_test_leak bad_free=1
	ktap_test_fail "$_stop stops the machine"
	ktap_finished
}

# run_suites MODULE SUITE...: a program that only runs suites
run_suites() {
	begin_suites "$@"
	run_cases
	ends
}
