#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The lint of the table of violations: what it finds in a copy of ours, in which a row of
# the documentation, or of the code, is changed.
#
# shellcheck disable=SC2016 # the quotes are RST's

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"

setup_ensure
tree=$WORK/tree
table=$tree/rust_pool/report/rule.rs
made=$tree/Documentation/violation-codes.txt

rules() {
	in_root python3 "$TOP/scripts/rules.py" "$@"
}

# finds REGEX CMD...: fails, and all that it prints is one line, which matches
finds() {
	local regex=$1 out status=0
	shift

	out=$("$@" 2>&1) || status=$?
	echo "$out"
	[ "$status" -eq 1 ] && [ "$(wc -l <<<"$out")" -eq 1 ] && grep -qE -e "$regex" <<<"$out"
}

# build: the copy anew
build() {
	rm -rf "$tree"
	mkdir -p "$tree/rust_pool/report" "$tree/Documentation"
	cp "$TOP"/rust_pool/report/*.rs "$tree/rust_pool/report"
	cp "$TOP"/Documentation/violation* "$tree/Documentation"
}

# change FILE SED: a copy in which that is changed in a file
change() {
	build
	sed -i "$2" "$1"
	! cmp -s "$1" "$TOP/${1#"$tree/"}"
}

# The line of a text in a file of the copy
line_of() {
	grep -nF -m 1 -e "$2" "$1" | cut -d: -f1
}

FROM='rust_pool/report/rule.rs:[0-9]+'

row_by_hand() {
	local line

	change "$made" 's/``block freed twice``/``block freed again``/' || return 1
	# What is told is where the row begins, three lines before its words or more.
	line=$(line_of "$made" '``block freed again``')
	line=$(head -n "$line" "$made" | grep -n '^   \* - ' | tail -n 1 | cut -d: -f1)
	finds "^Documentation/violation-codes.txt:$line: .* $FROM: POOL_FREED_TWICE\$" rules "$tree"
}

parameter_by_hand() {
	change "$made" '0,/^     - the tag passed$/s//     - the tag/' || return 1
	finds "^Documentation/violation-codes.txt:[0-9]+: .* $FROM: WRONG_TAG\$" rules "$tree"
}

code_in_the_table() {
	change "$table" 's/Is(0x99)/Is(0x98)/' || return 1
	finds "^Documentation/violation-codes.txt:[0-9]+: .* $FROM: FREED_INSIDE\$" rules "$tree"
}

row_too_many() {
	change "$made" '/^   \* - 0x60$/i \   * - 0x61' || return 1
	finds '^Documentation/violation-codes.txt:[0-9]+: no row of .* makes it$' rules "$tree"
}

row_missing() {
	change "$made" '/^   \* - 0x60$/,/^     - refused$/d' || return 1
	finds "^$FROM: NOT_CONTIGUOUS: is not in Documentation/violation-codes.txt\$" rules "$tree"
}

row_unreadable() {
	change "$table" 's/Ours(0x24)/0x24/' || return 1
	finds "^$FROM: FREED_BLOCK_CHANGED is no row that can be read\$" rules --write "$tree" &&
		cmp "$made" "$TOP/Documentation/violation-codes.txt"
}

table_not_included() {
	change "$tree/Documentation/violations.rst" '/rows of BAD_POOL_CALLER/d' || return 1
	finds '^Documentation/violations.rst: does not include the rows of BAD_POOL_CALLER$' \
		rules "$tree"
}

written_anew() {
	change "$table" 's/Is(0x99)/Is(0x98)/' || return 1
	rules --write "$tree" && rules "$tree" && grep -q '0x98$' "$made"
}

check "ours is what the code says" rules
check "a row changed by hand" row_by_hand
check "a parameter changed by hand" parameter_by_hand
check "a code changed in the table" code_in_the_table
check "a row that the table does not have" row_too_many
check "a row that the page does not have" row_missing
check "a row that cannot be read" row_unreadable
check "a table that the page does not include" table_not_included
check "written anew" written_anew
