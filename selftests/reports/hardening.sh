#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# As stock kernels are booted: pointers are hashed, memory is cleared when it is
# allocated. No address is shown to who may not see it, and no block comes with
# what it held before.
# vm-kernel: stock
# vm-cmdline: init_on_alloc=1

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# Numbers of the kernel's half of the address space.
ADDRESS='(^|[^0-9a-f])(0x)?ff[0-9a-f]{14}([^0-9a-f]|$)'

no_address_in_log() {
	MARK=$BEGIN
	log_since | grep -E 'rust_pool|dma_demo|leaked' >"$TMP/log"
	[ -s "$TMP/log" ] || return 1
	! grep -E "$ADDRESS" "$TMP/log" | sed 's/^/# log: /' | grep .
}

no_address_in_report() {
	load dma_demo || return 1
	cat "$STATS"/reports/* "$STATS/adapters" >"$TMP/report" || return 1
	unload dma_demo
	grep -q '^buffer ' "$TMP/report" || return 1
	! grep -E "$ADDRESS" "$TMP/report" | sed 's/^/# /' | grep .
}

# What a client leaks is told by addresses, too.
no_address_when_leaked() {
	log_mark "leak"
	insmod "$(module_file rp_test_leak)" small=1 contiguous=1 noncached=1 \
		common="${1:-0}" && rmmod rp_test_leak || return 1
	log_since | grep -v 'leaking' | grep 'leaked' >"$TMP/leaks"
	[ "$(wc -l <"$TMP/leaks")" -ge 3 ] || return 1
	! grep -E "$ADDRESS" "$TMP/leaks" | sed 's/^/# log: /' | grep .
}

grep -q no_hash_pointers /proc/cmdline && skip_all "booted with no_hash_pointers"
grep -q init_on_alloc=1 /proc/cmdline || skip_all "not booted with init_on_alloc=1"
EXTRA=3
begin rp_test rp_test_hardening rp_test_leak rp_test_rust dma_demo
load_or_fail rust_pool rp_test rp_test_hardening rp_test_rust
plan_cases secrets zeroed rust_cleared
_restrict=$(cat /proc/sys/kernel/kptr_restrict)
echo 1 >/proc/sys/kernel/kptr_restrict
grep /secrets/ "$TMP/cases" >"$TMP/secrets"
grep -v /secrets/ "$TMP/cases" >"$TMP/rest"
# So that all files have something to tell.
printf 'tracking tag=*\nfail probability=10000 tag=Hush\n' >"$STATS/verifier"
run_cases "$TMP/secrets"
echo off >"$STATS/verifier"
run_cases "$TMP/rest"
if find_edu; then
	check "$PROGRAM: no address in a report" no_address_in_report
	check "$PROGRAM: no address of what is leaked" no_address_when_leaked 1
else
	ktap_test_skip "$PROGRAM: no address in a report"
	check "$PROGRAM: no address of what is leaked" no_address_when_leaked
fi
check "$PROGRAM: no address in the kernel log" no_address_in_log
echo "$_restrict" >/proc/sys/kernel/kptr_restrict
ends
