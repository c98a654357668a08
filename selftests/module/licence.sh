#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# For whom the routines are exported.
# vm-own: a proprietary module, even a refused one, switches lockdep off

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# The same module, but for the word in its license= field.
other_licence() {
	_offset=$(strings -t d "$(module_file rp_test_leak)" |
		sed -n 's/^ *\([0-9]*\) license=GPL$/\1/p')
	[ -n "$_offset" ] || return 1
	cp "$(module_file rp_test_leak)" "$TMP/other.ko"
	printf 'BSD' | dd of="$TMP/other.ko" bs=1 seek=$((_offset + 8)) \
		conv=notrunc 2>/dev/null
	load rp_test && load rp_test_leak && unload rp_test_leak || return 1
	echo "rust_pool-selftest: expect begin" >/dev/kmsg
	if insmod "$TMP/other.ko" 2>/dev/null; then
		rmmod rp_test_leak
		unload rp_test
		return 1
	fi
	echo "rust_pool-selftest: expect end" >/dev/kmsg
	unload rp_test
}

begin rp_test rp_test_leak
load_or_fail rust_pool
ktap_set_plan $((1 + ENDS))

check "exported GPL-only" other_licence
ends
