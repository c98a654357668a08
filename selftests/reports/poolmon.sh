#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# poolmon on the live files, and what it says where there are none.
# vm-poolmon: it is built first, and is in the machine

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# In the machine's working directory, or installed.
POOLMON=$DIR/../poolmon
[ -x "$POOLMON" ] || POOLMON=$(command -v poolmon) || skip_all "poolmon was not built: make poolmon"

# ends_with STATUS REGEX COMMAND...: says so, in one line
ends_with() {
	_wanted=$1
	_regex=$2
	shift 2
	"$@" >"$TMP/said" 2>&1
	_status=$?
	[ $_status -eq "$_wanted" ] && grep -qE -e "$_regex" "$TMP/said" && return
	echo "# status $_status, not $_wanted"
	sed 's/^/# /' "$TMP/said"
	return 1
}

not_loaded() {
	ends_with 3 '^poolmon: rust_pool is not loaded: modprobe rust_pool$' "$POOLMON" -n
}

# The machine knows no other user.
not_root() {
	[ -e /etc/passwd ] || {
		mkdir -p /etc
		echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >/etc/passwd
	}
	ends_with 5 '^poolmon: only root can read /sys/kernel/debug/rust_pool/tags' \
		start-stop-daemon -S -c nobody -x "$POOLMON" -- -n
}

not_mounted() {
	# shellcheck disable=SC2016 # for the inner shell
	ends_with 4 '^poolmon: debugfs is not mounted: mount -t debugfs' \
		unshare -m sh -c 'umount -l /sys/kernel/debug; exec "$1" -n' sh "$POOLMON"
}

# Each row of the files is one of CSV, with the same numbers.
same_numbers() {
	"$POOLMON" --csv -p nonpaged,paged -s tag >"$TMP/csv" || return 1
	sed 1,2d "$TMP/csv" | cut -d , -f 2-10 | sort >"$TMP/ours"
	sed 1,3d "$STATS/tags" | sed 's/^(other)/    /' | cut -c 5- | awk -v OFS=, '
		{ print $1 == "Nonp" ? "nonpaged" : "paged", $2, $3, $4, $5, $6, $7, $8, $9 }' |
		sort >"$TMP/theirs"
	[ -s "$TMP/ours" ] && cmp "$TMP/ours" "$TMP/theirs"
}

# row TAG TYPE: allocs, frees, diff and bytes of a tag, from the table
row() {
	"$POOLMON" -n -i "$1" -p "$2" | awk -v tag="$1" '$1 == tag { print $3, $4, $5, $6 }'
}

leak_is_shown() {
	"$POOLMON" --json >"$TMP/before" &&
		insmod "$(module_file rp_test_leak)" small=3 large=1 contiguous=1 || return 1
	[ "$(row Ring nonpaged)" = "3 0 3 300" ] && [ "$(row Big1 paged)" = "1 0 1 10000" ] &&
		"$POOLMON" -n -m rp_test_leak | grep -q '^Ring .* rp_test_leak  *leak_all+' &&
		"$POOLMON" -n -p contiguous | grep -q '^-  *Contig  *1  *0  *1  *5000 ' && return
	"$POOLMON" -n | sed 's/^/# /'
	return 1
}

diff_finds_it() {
	ends_with 0 '^Big1 +Paged +[+]10000 +0 +10000 +[+]1 ' "$POOLMON" diff "$TMP/before" &&
		cp "$STATS/tags" "$TMP/after" &&
		ends_with 1 '^Ring +Nonp +[+]300 ' \
			"$POOLMON" diff --limit 299 "$TMP/before" "$TMP/after" &&
		ends_with 0 '^Ring' "$POOLMON" diff -i Ring --limit 300 "$TMP/before" "$TMP/after"
}

watch_finds_it() {
	rmmod rp_test_leak || return 1
	_module=$(module_file rp_test_leak)
	ends_with 0 'nothing grew by more than 0 bytes' \
		"$POOLMON" watch -m rp_test_leak --for 0.2 --interval 0.1 &&
		ends_with 1 '^Ring +Nonp +[+]200 ' \
			"$POOLMON" watch -i Ring --limit 199 -- insmod "$_module" small=2 &&
		ends_with 0 'nothing grew' "$POOLMON" watch -i Ring -- rmmod rp_test_leak
}

begin rp_test rp_test_leak
ktap_set_plan $((7 + ENDS))

check "rust_pool is not loaded" not_loaded
load_or_fail rust_pool rp_test
check "reader is not root" not_root
check "debugfs is not mounted" not_mounted
check "leak is shown" leak_is_shown
check "numbers are those of the files" same_numbers
check "diff finds a leak" diff_finds_it
check "watch finds a leak" watch_finds_it
kmemleak_forget
ends
