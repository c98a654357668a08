#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Where KFENCE takes objects of slab to watch them, it watches blocks of pool, too: it
# reports an access beyond such a block, and one after its free. And it has all of them
# back in the end.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers kfence.sample_interval=100

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

INTERVAL=/sys/module/kfence/parameters/sample_interval
OBJECTS=/sys/kernel/debug/kfence/objects

# mistake CASE REPORT: runs a case in which a client makes a mistake, and KFENCE reports
# that and nothing else: where it was, and who allocated the block
mistake() {
	log_mark "$1"
	echo "rust_pool-selftest: expect begin" >/dev/kmsg
	run_case "$CASES_DIR/kfence_mistakes/"[0-9]*"-$1"
	echo "rust_pool-selftest: expect end" >/dev/kmsg
	check "$PROGRAM: KFENCE reports $1" told "$2"
}

told() {
	log_since >"$TMP/report"
	grep -E "$SPLAT" "$TMP/report" | grep -v 'Call Trace' >"$TMP/complaints"
	sed -n '/ allocated by task /,/^[^ ]*$/p' "$TMP/report" >"$TMP/stack"
	[ "$(wc -l <"$TMP/complaints")" -eq 1 ] &&
		grep -qE "BUG: KFENCE: $1" "$TMP/complaints" &&
		grep -q ' sample+.*\[rp_test_kfence\]' "$TMP/report" && return
	sed 's/^/# log: /' "$TMP/report" | head -n 60
	return 1
}

# out PATTERN: how many objects KFENCE has out whose cache, or the stack that allocated them,
# matches
out() {
	awk -v pattern="$1" '
		/^kfence-#/ { live = 1; ours = 0 }
		/^freed by/ { live = 0 }
		$0 ~ pattern { ours = 1 }
		/^-----/ { if (live && ours) n++; live = 0 }
		END { if (live && ours) n++; print n + 0 }' $OBJECTS
}

# The case "damaged" leaves one: what was written over is not used again.
all_back() {
	_out=$(out allocate_sampled)
	echo "# KFENCE has $_out out"
	[ "$_out" -eq 1 ]
}

has_none_of_our_caches() {
	[ "$(out 'cache=rust_pool-')" -eq 0 ]
}

grep -q kfence.sample_interval=100 /proc/cmdline ||
	skip_all "not booted with kfence.sample_interval=100"
EXTRA=8
begin rp_test rp_test_kfence
load_or_fail rust_pool rp_test rp_test_kfence
plan_cases kfence
# As often as can be; but not at boot, when it would have no objects left for us.
echo 1 >$INTERVAL
run_cases
mistake overrun 'out-of-bounds read in read_byte\+.*\[rp_test_kfence\]'
mistake overwritten 'memory corruption in '
mistake used_after_free 'use-after-free read in read_byte\+.*\[rp_test_kfence\]'
echo 100 >$INTERVAL
check "$PROGRAM: all objects go back" all_back
check "$PROGRAM: magazines hold none" has_none_of_our_caches
ends
