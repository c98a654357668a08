#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Statistics under kernel lockdown, which lasts until the next boot.
# vm-cmdline: no_hash_pointers rust_pool_selftest=lockdown
# vm-own: it cannot be undone

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

LOCKDOWN=/sys/kernel/security/lockdown

readable() {
	for _file in tags contiguous noncached adapters violations; do
		[ "$(head -n 1 "$STATS/$_file")" = "$_file - version: 1.0" ] ||
			return 1
		cat "$STATS/$_file" >"$TMP/text" || return 1
	done
	grep -q '^Ring Nonp' "$STATS/tags"
}

works() {
	cat "$CASES_DIR"/sizes/*every_size* "$CASES_DIR"/sizes/*header* >"$TMP/cases"
	! grep -q '^not ok' "$TMP/cases" && grep -q '^ok' "$TMP/cases"
}

grep -q rust_pool_selftest=lockdown /proc/cmdline ||
	skip_all "locks the machine down: boot with rust_pool_selftest=lockdown"
[ -e "$LOCKDOWN" ] || skip_all "the lockdown LSM is not enabled"
begin rp_test rp_test_pool
load_or_fail rust_pool rp_test rp_test_pool
ktap_set_plan $((3 + ENDS))

cat "$CASES_DIR"/sizes/*header* >/dev/null
check "readable before lockdown" readable
echo confidentiality >"$LOCKDOWN" || echo "# no lockdown"
grep -q '\[confidentiality\]' "$LOCKDOWN" || echo "# no lockdown"
check "readable under lockdown" readable
check "works under lockdown" works
ends
