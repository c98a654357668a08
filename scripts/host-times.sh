# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# host-times.sh, to be sourced: how long the host's processors were busy, and for whom.
# Numbers are printed by "%.0f": "%d" of Debian's awk ends at 2^31, and "print" rounds.

PROC=${PROC:-/proc}

# own_times PID: prints how many microseconds the process's threads ran, and how many they
# waited for a processor
own_times() {
	cat "$PROC/$1"/task/*/schedstat 2>/dev/null |
		awk '{ ran += $1; waited += $2 } END { printf "%.0f %.0f\n", ran / 1000, waited / 1000 }'
}

# host_times ROOT: prints how many hundredths of a second the host's processors were busy,
# and how many of these for the process ROOT and its descendants
host_times() {
	local busy

	busy=$(awk '$1 == "cpu" { printf "%.0f\n", $2 + $3 + $4 + $7 + $8 }' "$PROC/stat")
	cat "$PROC"/[0-9]*/stat 2>/dev/null | sed 's/^\([0-9]*\) (.*) /\1 /' |
		awk -v root="$1" -v busy="$busy" '
			{ parent[$1] = $3; own[$1] = $13 + $14; ended[$1] = $15 + $16 }
			END {
				for (pid in parent) {
					up = pid
					while (up != root && up in parent)
						up = parent[up]
					if (up == root)
						ours += own[pid] + ended[pid]
				}
				printf "%.0f %.0f\n", busy, ours
			}'
}
