# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# Shared by the tests of the scripts. A case is a function; it passes if it returns 0.

# shellcheck source=scripts/env.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/env.sh"

# What the caller set up for another kernel is not for the makes here.
unset KDIR FLAVOUR KERNEL DEMO UPDATE INSTALL_MOD_PATH INSTALL_MOD_DIR INSTALL_MOD_STRIP
FLAVOUR=amd64
WORK=$(mktemp -d "${TMPDIR:-/tmp}/rust_pool-scripts.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
set +e

# check WHAT CMD...
check() {
	local what=$1
	shift

	if "$@" >"$WORK/said" 2>&1; then
		echo "ok $what"
	else
		sed 's/^/# /' "$WORK/said"
		echo "not ok $what"
	fi
}

# refused REGEX CMD...: ends with a failure, and what it says is one line of ours that
# matches, beside make's own that its target failed; nothing is built before it
refused() {
	local regex=$1 out status=0
	shift

	out=$("$@" 2>&1) || status=$?
	echo "$out"
	out=$(grep -vE '^make(\[[0-9]+\])?: (\*\*\* \[.*\] Error [0-9]+|(Entering|Leaving) directory .*)$' <<<"$out")
	[ "$status" -ne 0 ] && [ "$(grep -c . <<<"$out")" -eq 1 ] && grep -qE -e "$regex" <<<"$out"
}

# Makes WORK/files, with the files that the tests of poolmon read.
recorded() {
	mkdir -p "$WORK/files"
	awk -v dir="$WORK/files" '/^==> .* <==$/ { file = dir "/" $2; next } file { print >file }' \
		"$TOP/poolmon/tests/recorded/examples.txt"
}

# libraries_to TO DIR PROGRAM: copies what a program loads into TO, its loader included: the
# libraries from DIR, where Debian's packages are unpacked, and from the root
libraries_to() {
	local file

	VISIBLE=$2 in_root env LD_LIBRARY_PATH="$2/usr/lib/x86_64-linux-gnu" ldd "$3" \
		>"$WORK/libraries" || return
	! grep 'not found' "$WORK/libraries" || return
	awk '/=> \// { print $3 } $1 ~ /ld-linux/ { print $1 }' "$WORK/libraries" >"$WORK/files"
	while read -r file; do
		case $file in
		"$2"/*) cp -L "$file" "$1/" ;;
		*) VISIBLE=$WORK in_root cp -L "$file" "$1/" </dev/null ;;
		esac || return
	done <"$WORK/files"
}
