#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The unit tests that are compiled into rust_pool.ko where the kernel has KUnit.
# vm-kernel: debug

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

KUNIT=/sys/kernel/debug/kunit
SUITES="backlog batch bins bounds cache_type channel depot description flags freeing"
SUITES="$SUITES function hash_table header heap kind list lookaside_depth magazine mangled mdl"
SUITES="$SUITES names page_bitmap patience places poison protection ranges request routines"
SUITES="$SUITES sampled selection short_lock size_class span tag tag_stats text unload"
SUITES="$SUITES verifier_parse violation_log"

# run_suite SUITE: runs it and leaves "ok|not ok SUITE: CASE" for each of its cases
run_suite() {
	echo run >"$KUNIT/rust_pool_$1/run" || return 1
	cat "$KUNIT/rust_pool_$1/results" >"$TMP/results"
	sed -n "s/^  *\(ok\|not ok\) [0-9]* \(.*\)/\1 $1: \2/p" "$TMP/results" >"$TMP/suite"
	cat "$TMP/suite" >>"$TMP/all"
	# All that were planned.
	[ "$(sed -n 's/^  *1\.\.//p' "$TMP/results")" = "$(wc -l <"$TMP/suite")" ] &&
		[ -s "$TMP/suite" ] && return
	sed 's/^/# /' "$TMP/results"
	return 1
}

run_all() {
	: >"$TMP/all"
	for _suite in $SUITES; do
		run_suite "$_suite" || {
			echo "# $_suite: not all of it ran"
			_incomplete=1
		}
	done
	[ -z "${_incomplete:-}" ]
}

no_others() {
	for _dir in "$KUNIT"/rust_pool*; do
		_suite=${_dir##*/rust_pool_}
		case " $SUITES " in
		*" $_suite "*) ;;
		*)
			echo "# $_dir is no suite that this program knows"
			return 1 ;;
		esac
	done
}

[ -d "$KUNIT" ] || skip_all "this kernel has no KUnit with debugfs"
begin
load_or_fail rust_pool
run_all >"$TMP/complaints" && complete=true || complete=false
ktap_set_plan $(($(wc -l <"$TMP/all") + 2 + ENDS))

while read -r line; do
	case $line in
	'ok '*)
		ktap_test_pass "${line#ok }" ;;
	*)
		dmesg | grep -A 2 'ASSERTION FAILED' | sed 's/^/# log: /'
		ktap_test_fail "${line#not ok }" ;;
	esac
done <"$TMP/all"
cat "$TMP/complaints"
check "every suite ran" "$complete"
check "no suite was forgotten" no_others
ends
