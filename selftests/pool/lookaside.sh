#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Lookaside lists: what they keep, when they must not, and what is left of them.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/control.sh
. "$DIR/lib/control.sh"

EXTRA=7
begin rp_test rp_test_lookaside_other rp_test_lookaside
load_or_fail rust_pool rp_test rp_test_lookaside_other rp_test_lookaside
plan_cases lookaside lookaside_misuse
run_cases

# live TAG: blocks that its row counts
live() {
	awk -v tag="$1" 'substr($0, 1, 4) == tag { split(substr($0, 5), row); live += row[4] }
		END { print live + 0 }' "$STATS/tags"
}

# One list has small entries, one has entries of pages.
hold() {
	unload rp_test_lookaside && load rp_test_lookaside hold=1
}

# A list keeps an entry where magazines keep blocks: unless a checker wants to see every free.
holds() {
	_kept=$(awk '/^objects/ && $3 { keep = 1 } END { print keep + 0 }' "$STATS/memory")
	hold || return 1
	echo "# they keep $(live Hold)"
	is "$(live Hold)" $((2 * _kept))
}

# An entry that was out meanwhile is freed.
free_older() {
	[ "$(live Oldr)" = 1 ] && echo 1 >"/sys/module/rp_test_lookaside/parameters/free_older"
}

keeps_nothing() {
	echo 2 >/proc/sys/vm/drop_caches
	[ "$(live Hold)" = 0 ]
}

# While the verifier is on, whether the lists and the entries are older than that or not.
emptied_for_the_verifier() {
	hold && free_older || return 1
	is "$(live Oldr)" "$_kept" || return 1
	hold && option "tracking tag=*" || return 1
	is "$(live Hold)" 0 || return 1
	free_older || return 1
	is "$(live Oldr)" 0 || return 1
	hold || return 1
	is "$(live Hold)" 0 || return 1
	option off && hold || return 1
	is "$(live Hold)" $((2 * _kept))
}

# Every case once more, with lists that keep nothing.
verified() {
	unload rp_test_lookaside && load rp_test_lookaside || return 1
	option "tracking tag=*" || return 1
	suite_holds
	_held=$?
	option off
	return "$_held"
}

giving() {
	echo 2 >/proc/sys/vm/drop_caches
	[ "$(cat "/sys/module/$_client/parameters/stopped")" != 0 ]
}

# A worker that gives back what a list kept is on its way when the list's module unloads.
not_blamed() {
	_client=rp_test_lookaside_other
	unload rp_test_lookaside $_client && load $_client slow=1 &&
		load rp_test_lookaside hold=1 || return 1
	log_mark giving
	eventually giving || return 1
	unload rp_test_lookaside || return 1
	not_logged 'left by rp_test_lookaside' && load rp_test_lookaside
}

left_behind() {
	unload rp_test_lookaside || return 1
	log_mark leaks
	load rp_test_lookaside leak=1 && unload rp_test_lookaside
}

LEFT='DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS \(0xce\)'

told() {
	logged "$LEFT: .*, 0x1, 0x$_kept, 0x0: .*tag Left" &&
		logged "a list of 100 bytes, tag Left: 1 block not freed to it, $_kept blocks? kept; initialised at leave_behind" &&
		logged "$LEFT: .*, 0x0, 0x$_kept, 0x0: .*tag Lost" &&
		logged 'leaked tag Left Nonp: 1 block, 100 bytes' &&
		not_logged 'leaked tag Lost' &&
		[ "$(grep -c ' 0xce .*rp_test_lookaside' "$STATS/violations")" -eq 2 ]
}

check "a list keeps an entry" holds
check "it is given back when memory is short" eventually keeps_nothing
check "nothing is kept while the verifier is on" emptied_for_the_verifier
check "all holds while the verifier is on" verified
if [ "$_kept" -ne 0 ] && grep -q ' register_kprobe$' /proc/kallsyms; then
	check "who unloads meanwhile left nothing" not_blamed
else
	# Needs a list that keeps something, and kprobes.
	ktap_test_skip "who unloads meanwhile left nothing"
fi
check "a client leaves lists behind" left_behind
check "the report names its lists, their tags and their entries" told

ends
