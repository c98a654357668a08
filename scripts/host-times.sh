# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# host-times.sh: to be sourced; what the host's processors did, and for whom. Debian's
# awk ends "%d" at 2^31, and prints what is larger as 3e+09: all of it goes by "%.0f".

PROC=${PROC:-/proc}

# own_times PID: microseconds that its threads ran, and that they waited for a processor
own_times() {
	cat "$PROC/$1"/task/*/schedstat 2>/dev/null |
		awk '{ ran += $1; waited += $2 } END { printf "%.0f %.0f\n", ran / 1000, waited / 1000 }'
}

# host_times ROOT: hundredths of a second that the host's processors were busy, and those
# of them that the process ROOT and all that it started took
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
