# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The kernel's leak detector, where it is there. Sourced.

KMEMLEAK=/sys/kernel/debug/kmemleak

# It reports what is older than 5 s and was found twice. Under lockdown it may not
# be asked.
kmemleak_scan() {
	sleep 6
	{ echo scan >$KMEMLEAK; } 2>/dev/null && echo scan >$KMEMLEAK
}

# What was leaked so far was leaked on purpose.
kmemleak_forget() {
	[ -e $KMEMLEAK ] || return 0
	echo "rust_pool-selftest: expect begin" >/dev/kmsg
	kmemleak_scan
	echo clear >$KMEMLEAK
	echo "rust_pool-selftest: expect end" >/dev/kmsg
}
