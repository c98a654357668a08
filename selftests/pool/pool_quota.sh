#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Blocks that are charged to a process: its memory cgroup has the charge, a limit there
# refuses requests, and whoever frees a block returns its charge. The debug kernel has no
# cgroups: there it only runs the suite.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/groups.sh
. "$DIR/lib/groups.sh"

PARAMETERS=/sys/module/rp_test_charge/parameters

# take HOW COUNT BYTES: allocates blocks, as a process of the group that then ends
take() {
	sh -c 'echo $$ >"$1/cgroup.procs" && echo "$2" >"$3/take"' sh "$GROUP" "$*" "$PARAMETERS"
}

give() {
	echo 1 >"$PARAMETERS/give"
}

refused() {
	cat "$PARAMETERS/refused"
}

# Each CPU keeps up to 64 pages of charge in reserve.
is_returned() {
	[ "$(charged)" -le 2 ]
}

# charges HOW COUNT BYTES MEGABYTES: is the group charged for as much, until all is freed?
charges() {
	take "$1" "$2" "$3" || return 1
	_refused=$(refused)
	_charged=$(charged)
	give
	eventually is_returned
	echo "# $2 of $3 bytes: charged for $_charged MB, and $(charged) when they are freed"
	[ "$_refused" = N ] && [ "$_charged" -ge "$4" ] && is_returned
}

charges_each_kind() {
	group charges || return 1
	# By the slab caches, or by kmalloc before there are any.
	charges q 16000 1000 15 &&
		charges q 16000 1000 15 &&
		charges q 400 65536 24 &&
		charges q 4000 4096 15 &&
		charges q 1000 20480 19 &&
		charges q 16 $MB 16 &&
		charges d 4000 4096 15
}

plain_is_not_charged() {
	group plain || return 1
	take p 400 65536 || return 1
	_charged=$(charged)
	give
	echo "# charged for $_charged MB"
	[ "$(refused)" = N ] && [ "$_charged" -le 2 ]
}

# refuses HOW BYTES: does the limit of 16 MB refuse blocks beyond it, and those only? There is
# memory then for those who do not pay for it, or pay elsewhere.
refuses() {
	take "$1" $((18 * MB / $2)) "$2" || return 1
	_refused=$(refused)
	_charged=$(charged)
	echo "# $1: refused $_refused, charged for $_charged MB, less one that is freed"
	[ "$_refused" = Y ] && [ "$_charged" -ge 13 ] && [ "$_charged" -le 16 ] &&
		[ "$(cat "$PARAMETERS/others")" = Y ] &&
		echo "q 64 $2" >"$PARAMETERS/take" && [ "$(refused)" = N ]
}

limit_refuses() {
	group limited 16M || return 1
	for _bytes in 1000 4096 65536 $MB; do
		# The line on what raises comes at most once a second.
		sleep 1
		log_mark limit
		refuses q "$_bytes" || return 1
		logged 'rust_pool: raise: NULL where Windows raises' || return 1
		give
		eventually is_returned || return 1
		# And when there is room again, it is met.
		take q 4 "$_bytes" && [ "$(refused)" = N ] || return 1
		give
	done
}

limit_refuses_in_atomic() {
	group atomic 16M || return 1
	refuses d 4096
	_result=$?
	give
	return $_result
}

# Of a group that is gone the group above has the charge.
group_goes_first() {
	group gone || return 1
	take q 400 65536 || return 1
	rmdir "$GROUP" || return 1
	give
}

if ! groups_exist; then
	run_suites rp_test_pool quota
	exit
fi

EXTRA=6
begin_suites rp_test_pool quota
load_or_fail rp_test_charge
run_cases
check "$PROGRAM: there are memory cgroups" groups_begin
check "$PROGRAM: a block is charged until it is freed" charges_each_kind
check "$PROGRAM: others are not charged" plain_is_not_charged
check "$PROGRAM: a limit refuses" limit_refuses
check "$PROGRAM: a limit refuses where nothing may sleep" limit_refuses_in_atomic
check "$PROGRAM: a block outlives the group" group_goes_first
groups_end
ends
