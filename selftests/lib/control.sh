# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The verifier's files, and the client rp_test_verifier; for programs that have
# sourced lib.sh.

CLIENT=/sys/module/rp_test_verifier/parameters

# option LINE: sets an option of the verifier. This process writes it, because "fail nth"
# concerns the task that writes.
option() {
	echo "$1" >"$STATS/verifier"
}

# run VERB...: makes the client do something
run() {
	echo "$*" >"$CLIENT/run"
}

# options: prints the options in force, without the head of the file
options() {
	sed 1,3d "$STATS/verifier"
}

# is VALUE WANTED: passes if they are equal
is() {
	[ "$1" = "$2" ] && return
	echo "# it is \"$1\", not \"$2\""
	return 1
}

# rows FILE: prints how many rows the file has
rows() {
	sed 1,3d "$STATS/$1" | wc -l
}

# head_of WORD: prints the number behind a word in the head of the file "verifier"
head_of() {
	sed -n "2s/.* $1 \([0-9]*\).*/\1/p" "$STATS/verifier"
}

# Runs the cases planned, as one test.
suite_holds() {
	[ -s "$TMP/cases" ] || return 1
	while read -r _file; do
		cat "$_file" >"$TMP/case"
		case $(tail -n 1 "$TMP/case") in
		ok) ;;
		skip) echo "# skipped: ${_file##*/}" ;;
		*)
			sed "s|^|# ${_file##*/}: |" "$TMP/case"
			return 1
			;;
		esac
	done <"$TMP/cases"
}
