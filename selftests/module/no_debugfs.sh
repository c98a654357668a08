#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A kernel whose debugfs is switched off: rust_pool says so once, serves its clients,
# reports what they do wrong and leave, and names no file that is not there.
# vm-cmdline: no_hash_pointers debugfs=off

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

NAMES_A_FILE='rust_pool: .*/sys/kernel/debug'

loads() {
	log_mark loads
	load rust_pool 'verifier="tracking tag=*"' && logged 'rust_pool: debugfs is off' &&
		[ "$(log_since | grep -c 'rust_pool: .*debugfs is off')" = 1 ] &&
		[ "$(cat /sys/module/rust_pool/parameters/verifier)" = "tracking tag=*" ]
}

reports() {
	log_mark reports
	load rp_test && load rp_test_leak bad_free=1 && logged 'rust_pool: .*BAD_POOL_CALLER' &&
		unload rp_test_leak
}

# Many places, so that the report leaves some out.
leaks_told() {
	log_mark leaks
	load rp_test_leak flood=100 && unload rp_test_leak &&
		logged 'rust_pool: +left by rp_test_leak' &&
		logged 'rust_pool: +and [0-9]+ more tags and places: [0-9]+ blocks, [0-9]+ bytes$' &&
		not_logged "$NAMES_A_FILE"
}

unloads() {
	log_mark unloads
	unload rp_test rust_pool && not_logged "$NAMES_A_FILE"
}

grep -qw debugfs=off /proc/cmdline || skip_all "debugfs is on: boot with debugfs=off"
WITHOUT_DEBUGFS=1
begin rp_test rp_test_leak
ktap_set_plan $((4 + ENDS))

check "loads, and says that debugfs is off" loads
check "reports a bad free" reports
check "reports leaks, without a file that is not there" leaks_told
check "unloads" unloads
ends
