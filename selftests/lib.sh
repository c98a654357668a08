# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Shared by the test programs, which source it first. Needs nothing but a POSIX
# shell and what busybox has.

# The folder that this file is in, from that of a program or from here.
DIR=$(dirname "$(readlink -f "$0")")
[ -e "$DIR/lib.sh" ] || DIR=$(dirname "$DIR")
STATS=/sys/kernel/debug/rust_pool
CASES_DIR=/sys/kernel/debug/rust_pool_test
PROGRAM=${0##*/}
# Kernel modules that this program loaded, last first.
LOADED=
# Lines of ours in the kernel log.
MARKS=0
# A process that it started.
HELPER=
TMP=

# The kernel tree's helpers: beside an installed kselftest, or with the VM's files.
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

# Seconds until what must happen counts as never to. Nothing waits so long but for
# what hangs: a machine whose host is busy takes its time.
PATIENCE=120

uptime_s() {
	cut -d . -f 1 /proc/uptime
}

# eventually COMMAND...: it succeeds sooner or later
eventually() {
	_until=$(($(uptime_s) + PATIENCE))
	until "$@"; do
		[ "$(uptime_s)" -lt $_until ] || return 1
		sleep 0.1
	done
}

skip_all() {
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

# Prints where a module's file is, if it was built.
module_file() {
	for _file in "$DIR/test_modules/$1.ko" "$DIR/bench/$1.ko" "$DIR/wdk/$1.ko" "$DIR/../$1.ko"; do
		if [ -e "$_file" ]; then
			echo "$_file"
			return
		fi
	done
	return 1
}

# need MODULE...: what the program cannot do without
need() {
	[ "$(id -u)" -eq 0 ] || skip_all "must be run as root"
	[ -d /sys/kernel/debug ] || skip_all "no debugfs"
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

# The device of a few tests; only QEMU has it.
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

# Whatever happens, the next program finds the machine as this one did.
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

# A line in the kernel log from which on log_since looks.
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
	# The mark may hold nothing that a regular expression could misread but dots.
	sed "1,/$MARK\$/d" "$TMP/dmesg"
}

# Does the log since the mark hold a line with this extended regular expression?
logged() {
	log_since >"$TMP/log"
	grep -qE "$1" "$TMP/log" && return
	echo "# not in the kernel log: $1"
	grep rust_pool "$TMP/log" | head -n 20 | sed 's/^/# log: /'
	return 1
}

not_logged() {
	log_since >"$TMP/log"
	grep -E "$1" "$TMP/log" | head -n 5 >"$TMP/found"
	[ -s "$TMP/found" ] || return 0
	sed 's/^/# log: /' "$TMP/found"
	return 1
}

SPLAT='WARNING:|BUG[: ]|Oops|Call Trace|INFO: (task|rcu)|general protection|bad page|pagealloc: |scheduling while|possible (recursive|circular)|page allocation failure|vmap allocation|Out of memory|oom-kill|refcount_t|usercopy'

# begin MODULE...: header, needs, working directory
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

# But for what the program said that it expects.
no_splat() {
	MARK=$BEGIN
	log_since | sed '/rust_pool-selftest: expect begin$/,/rust_pool-selftest: expect end$/d' |
		grep -E "$SPLAT" | head -n 5 >"$TMP/found"
	[ -s "$TMP/found" ] || return 0
	sed 's/^/# log: /' "$TMP/found"
	return 1
}

# Ends a program: what all of them require, and the totals. Two tests.
ends() {
	check "$PROGRAM: modules unload" unload_all
	check "$PROGRAM: no splat in the kernel log" no_splat
	ktap_finished
}

ENDS=2

unload_all() {
	for _module in $LOADED; do
		unload "$_module" || return 1
	done
}

# stat_of FILE WORD: the number after that word in the head of a statistics file
stat_of() {
	sed -n "s/^# \(.* \)*$2 \([0-9]*\).*/\2/p" "$STATS/$1" | head -n 1
}

# version_of FILE: of a statistics file's format; each is raised by itself
version_of() {
	case $1 in
	violations | verifier) echo 2.0 ;;
	memory) echo 1.3 ;;
	tags | adapters | summary) echo 1.1 ;;
	*) echo 1.0 ;;
	esac
}

# has_version FILE [LINE]: the file, or this line as its first, names its version
has_version() {
	_first=${2-$(head -n 1 "$STATS/$1")}
	[ "$_first" = "$1 - version: $(version_of "$1")" ] && return
	echo "# $1 begins: $_first"
	return 1
}

# no_tag_live [TAGS]: no tag has live blocks, but for these, a regular expression
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

# Neither have contiguous and noncached memory, and there is no adapter.
no_family_live() {
	for _family in contiguous noncached adapters; do
		[ "$(stat_of $_family diff)" = 0 ] && continue
		sed "s/^/# $_family: /" "$STATS/$_family"
		return 1
	done
}

violations() {
	sed -n 's/^# reported //p' "$STATS/violations"
}

# run_case FILE: one case of a test module, relayed. Opening the file runs it, in
# this process; without a fork, as there are hundreds of them.
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

# cases SUITE...: the files of all cases; CASES narrows them, a shell pattern
cases() {
	for _suite; do
		# shellcheck disable=SC2231 # a pattern is what CASES is
		for _file in "$CASES_DIR/$_suite"/[0-9]*-${CASES:-*}; do
			# A suite without any case is a failure, unless they were chosen.
			[ -n "${CASES:-}" ] && [ ! -e "$_file" ] || echo "$_file"
		done
	done
}

# begin_suites MODULE SUITE...: loads the module and plans the cases of the
# suites, or with EVERY only every so many-th of them; EXTRA is how many tests of
# its own the program adds
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

# load_or_fail MODULE...: without these there is nothing to test
load_or_fail() {
	for _module; do
		load "$_module" && continue
		dmesg | tail -n 5 | sed 's/^/# log: /'
		ktap_set_plan 1
		ktap_test_fail "$PROGRAM: $_module loads"
		ktap_finished
	done
}

# run_cases [FILE]: those planned, or those that a file lists
# shellcheck disable=SC2120 # the argument may be left out
run_cases() {
	while read -r _file; do
		run_case "$_file"
	done <"${1:-$TMP/cases}"
}

# stops_the_machine NAME OPTION [PARAMETER=VALUE...]: for a program in a boot of its own
# that passes by a panic: with this option of the verifier, if any, and these parameters
# of rust_pool, a violation by rp_test_leak ends the machine
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

# run_suites MODULE SUITE...: a program that is nothing but these
run_suites() {
	begin_suites "$@"
	run_cases
	ends
}
