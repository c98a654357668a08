#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The lint of widths: in which lines of a file it wants no more than 100 columns.
#
# shellcheck disable=SC2016 # the quotes are those of RST and Markdown

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"

setup_ensure
# As wide as allowed when it stands alone, and a word more in any line.
WIDE=$(printf 'wide%.0s' {1..25})

# widths NAME LINE...: what it says of a file with these lines
widths() {
	local file=$WORK/$1
	shift

	printf '%s\n' "$@" >"$file"
	in_root python3 "$TOP/scripts/widths.py" "$file"
}

# finds LINES NAME LINE...: it names these lines of the file, and no others
finds() {
	local lines=$1 out
	shift

	out=$(widths "$@")
	echo "$out"
	[ "$(sed -nE 's/^[^:]*:([0-9]+): has [0-9]+ columns, not at most 100$/\1/p' <<<"$out" |
		xargs)" = "$lines" ] && [ "$(grep -c . <<<"$out")" -eq "$(wc -w <<<"$lines")" ]
}

in_rust() {
	finds '1 3 7' a.rs "//! $WIDE" 'fn f() {' "    g(); // $WIDE" \
		"    h(\"// $WIDE\", '\"', 'a');" "    h(r#\"\" // $WIDE\"#);" '/*' "$WIDE wide" '*/' '}'
}

in_c() {
	finds '3 6' a.c '/*' ' * Short.' " * $WIDE" ' */' "	f(\"/* $WIDE */\");" \
		"	g(); /* $WIDE */"
}

in_shell() {
	finds '2 4' a.sh '#!/bin/sh' "# $WIDE" "echo $WIDE" "	# $WIDE" &&
		finds '2' script '#!/bin/bash' "# $WIDE" "echo $WIDE"
}

in_python() {
	finds '2 4' a.py 'def f():' "    \"\"\"Is $WIDE.\"\"\"" '' "    # $WIDE" \
		"    return \"\"\"$WIDE is $WIDE\"\"\""
}

in_rst() {
	finds '1 7 12 14' a.rst "$WIDE wide::" '' "	sample $WIDE" '' "	sample $WIDE" '' \
		"$WIDE wide" '' '- A bullet::' '' "    sample $WIDE" "  $WIDE" '' "- $WIDE" &&
		finds '9' a.rst '====  ====' "one   $WIDE" '====  ====' "a     $WIDE" '' \
			"b     $WIDE" '====  ====' '' "$WIDE wide"
}

in_markdown() {
	finds '1 6' a.md "$WIDE wide" "| $WIDE | a table |" '```' "code $WIDE" '```' "- $WIDE" \
		"    code $WIDE"
}

# As many columns as allowed, with a tab that takes eight, or more for the sake of an address.
at_the_limit() {
	finds '' a.md "$WIDE" && finds '' a.sh "	# ${WIDE:10}" &&
		finds '1' a.sh "	# ${WIDE:9}" && finds '' a.rst "https://example.com/ $WIDE"
}

check "comments of Rust" in_rust
check "comments of C" in_c
check "comments of a shell script" in_shell
check "comments of Python" in_python
check "prose of reStructuredText" in_rst
check "prose of Markdown" in_markdown
check "at the limit" at_the_limit
