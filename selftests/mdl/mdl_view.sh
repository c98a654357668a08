#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Pages of MDLs that are mapped into a process: by the suite, and by processes that end, fork,
# and are not those that unmap.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

PARAMETERS=/sys/module/rp_test_view/parameters

# Counts the areas of a process that are such mappings.
areas_of() {
	grep -c 'anon_inode:\[rust_pool\]' "/proc/$1/maps"
}

# Starts a process that maps the pages and waits. CHILD is its fork, which waits as well.
process() {
	rm -f "$TMP/child"
	mkfifo "$TMP/end" 2>/dev/null
	sh -c 'echo 1 >"$1/map" || exit
		( read -r _ <"$2/end" ) &
		echo $! >"$2/child"
		read -r _ <"$2/end"' sh "$PARAMETERS" "$TMP" &
	HELPER=$!
	eventually [ -s "$TMP/child" ] || return 1
	CHILD=$(cat "$TMP/child")
}

process_ends() {
	kill -9 "$HELPER" "$CHILD" 2>/dev/null
	wait "$HELPER" 2>/dev/null
	HELPER=
}

# Is the process the only one that has the pages?
is_not_inherited() {
	process || return 1
	echo "# the process has $(areas_of "$HELPER"), its fork $(areas_of "$CHILD")"
	[ "$(areas_of "$HELPER")" -eq 1 ] && [ "$(areas_of "$CHILD")" -eq 0 ]
}

protected() {
	grep 'anon_inode:\[rust_pool\]' "/proc/$HELPER/maps" | cut -d ' ' -f 2 | grep -qx 'rw-s'
}

# At its address in another process is nothing, or something else.
others_cannot_unmap() {
	_before=$(violations)
	echo 1 >"$PARAMETERS/unmap"
	[ "$(violations)" -eq $((_before + 1)) ] && [ "$(areas_of "$HELPER")" -eq 1 ] &&
		tail -n 1 "$STATS/violations" | grep -q ' 0xd7 '
}

# goes_with_the_process FAMILY: the module frees the memory in its exit: that is refused as
# long as it is mapped
goes_with_the_process() {
	process_ends
	_before=$(violations)
	unload rp_test_view || return 1
	echo "# $(($(violations) - _before)) violations"
	[ "$(violations)" -eq "$_before" ] && [ "$(stat_of "$1" diff)" = 0 ]
}

EXTRA=6
begin_suites rp_test_mdl mdl_view
run_cases
load_or_fail rp_test_view
check "$PROGRAM: a fork does not inherit it" is_not_inherited
check "$PROGRAM: the process may not execute it" protected
check "$PROGRAM: another process cannot unmap it" others_cannot_unmap
check "$PROGRAM: it goes with the process" goes_with_the_process mdl_pages
load rp_test_view buffer=1
check "$PROGRAM: a fork does not inherit a common buffer" is_not_inherited
check "$PROGRAM: a common buffer goes with the process" goes_with_the_process adapters
ends
