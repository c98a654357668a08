# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The kernel's leak detector, where it is there. Sourced.

KMEMLEAK=/sys/kernel/debug/kmemleak
KMEMLEAK_FROM=/run/kmemleak-from

# What was leaked so far was leaked on purpose. (To have it scanned and cleared does
# not do: a stale pointer hides some of it until later.)
kmemleak_forget() {
	[ -e $KMEMLEAK ] || return 0
	sleep 1
	cut -d ' ' -f 1 /proc/uptime >$KMEMLEAK_FROM
}

# It reports what is older than 5 s and was found twice. Under lockdown it may not
# be asked.
kmemleak_scan() {
	sleep 6
	{ echo scan >$KMEMLEAK; } 2>/dev/null && echo scan >$KMEMLEAK
}

# Prints the reports of what was allocated since. Jiffies, of which a second has
# 250 here, start five minutes before they wrap at 32 bits.
kmemleak_reports() {
	awk -v from="$(cat $KMEMLEAK_FROM 2>/dev/null)" '
		/^unreferenced object/ { head = $0; shown = 0; next }
		head != "" {
			shown = ($NF - 4294892296) / 250 > from + 0
			if (shown)
				print head
			head = ""
		}
		shown' $KMEMLEAK
}
