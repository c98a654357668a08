# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Functions for kmemleak, if the kernel has it. Sourced.

KMEMLEAK=/sys/kernel/debug/kmemleak
KMEMLEAK_FROM=/run/kmemleak-from

# From now on, blocks that were allocated so far are not reported: a test leaked them on
# purpose. (A scan and a clear would not do: a stale pointer may hide some until later.)
kmemleak_forget() {
	[ -e $KMEMLEAK ] || return 0
	sleep 1
	cut -d ' ' -f 1 /proc/uptime >$KMEMLEAK_FROM
}

# kmemleak reports blocks that are older than 5 s and that two scans found. Under
# lockdown it refuses a scan.
kmemleak_scan() {
	sleep 6
	{ echo scan >$KMEMLEAK; } 2>/dev/null && echo scan >$KMEMLEAK
}

# Prints the reports of blocks that were allocated since kmemleak_forget. Their times are
# in jiffies, 250 a second, which start five minutes before they wrap at 32 bits.
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

# kmemleak_first REPORTS: the first block of a file of reports in a few words: its size, the
# first function of a module that allocated it, and the program
kmemleak_first() {
	awk '
		/^unreferenced object/ { if (size != "") exit; size = $5; sub(/\).*/, "", size); next }
		/^ *comm / { sub(/^ *comm /, ""); sub(/, .*/, ""); program = $0; next }
		/\+0x/ && (from == "" || (from !~ /\[/ && /\[[a-z]/)) { from = $0; sub(/^ */, "", from) }
		END { print size " bytes, allocated in " (from == "" ? "?" : from) " by " program }' "$1"
}
