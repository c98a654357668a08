#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# suites.sh PROGRAM: runs the program that is a row of the table "suites". A link to this
# file that has the program's name does so as well.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

PROGRAM=${1:-$PROGRAM}

# row: prints the program's row: "run MODULE SUITE...", and a line for each need
row() {
	awk -v program="/$PROGRAM" '
		/^#/ || !NF { next }
		/^[^ \t]/ {
			at = length($1) - length(program) + 1
			inside = at > 0 && substr($1, at) == program
			$1 = "run"
		}
		inside' "$DIR/suites"
}

ROW=$(row)
if [ -z "$ROW" ]; then
	echo "$DIR/suites has no $PROGRAM" >&2
	exit 1
fi
while read -r _key _need _word; do
	case "$_key $_need" in
	"needs: edu") need_edu ;;
	"needs: iommu") [ -e "$EDU/iommu" ] || skip_all "edu is not behind an IOMMU" ;;
	"needs: cmdline") grep -qw -e "$_word" /proc/cmdline || skip_all "not booted with $_word" ;;
	"needs: "*) skip_all "$DIR/suites: $PROGRAM needs $_need, which is unknown" ;;
	esac
done <<END
$ROW
END
# shellcheck disable=SC2046 # words
run_suites $(echo "$ROW" | sed -n 's/^run //p')
