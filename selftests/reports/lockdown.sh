#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Statistics under kernel lockdown, which lasts until the next boot.
# vm-cmdline: no_hash_pointers rust_pool_selftest=lockdown
# vm-own: it cannot be undone

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

LOCKDOWN=/sys/kernel/security/lockdown

readable() {
	for _file in tags modules contiguous noncached mdl_pages io_space adapters memory summary violations live \
		sites injected; do
		has_version "$_file" || return 1
		cat "$STATS/$_file" >"$TMP/text" || return 1
	done
	[ -z "$EDU" ] || grep -q '^buffer ' "$STATS"/reports/* || return 1
	grep -q '^Ring Nonp' "$STATS/tags"
}

# What can be written is closed.
verifier_closed() {
	log_mark closed
	! { echo off >"$STATS/verifier"; } 2>/dev/null &&
		! cat "$STATS/verifier" 2>/dev/null && logged 'Lockdown: .*debugfs access'
}

lock_down() {
	echo confidentiality >"$LOCKDOWN" && grep -q '\[confidentiality\]' "$LOCKDOWN"
}

# dma_demo takes memory from all families, and gives it back.
binds_again() {
	echo "${EDU##*/}" >"$EDU/driver/unbind" &&
		[ "$(stat_of noncached diff)" = 0 ] &&
		[ "$(stat_of adapters diff)" = 0 ] &&
		echo "${EDU##*/}" >/sys/bus/pci/drivers/dma_demo/bind &&
		[ "$(stat_of noncached diff)" = 1 ] &&
		[ "$(stat_of adapters diff)" = 1 ] && readable
}

works() {
	cat "$CASES_DIR"/sizes/*every_size* "$CASES_DIR"/sizes/*header* >"$TMP/cases"
	! grep -q '^not ok' "$TMP/cases" && grep -q '^ok' "$TMP/cases"
}

grep -q rust_pool_selftest=lockdown /proc/cmdline ||
	skip_all "locks the machine down: boot with rust_pool_selftest=lockdown"
[ -e "$LOCKDOWN" ] || skip_all "the lockdown LSM is not enabled"
begin rp_test rp_test_pool dma_demo
load_or_fail rust_pool rp_test rp_test_pool
# Nothing can be loaded later.
! find_edu || load_or_fail dma_demo
ktap_set_plan $((6 + ENDS))

cat "$CASES_DIR"/sizes/*header* >/dev/null
check "readable before lockdown" readable
check "locked down" lock_down
check "readable under lockdown" readable
check "works under lockdown" works
check "the verifier's file is closed under lockdown, and why is told" verifier_closed
if [ -n "$EDU" ]; then
	check "a driver binds under lockdown" binds_again
else
	ktap_test_skip "a driver binds under lockdown"
fi
ends
