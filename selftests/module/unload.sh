#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Reports of what is left when a client or rust_pool is unloaded. What leaks
# here leaks until the next boot.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

REPORT='rust_pool: DRIVER_VERIFIER_DETECTED_VIOLATION \(0xc4\): 0x62'

# client PARAMETER...: a client comes, leaks, and goes
client() {
	log_mark "client $*"
	insmod "$(module_file rp_test_leak)" "$@" || return 1
	rmmod rp_test_leak
}

# leaked WHAT COUNT BYTES SITE: a line for all of it, or a line for each
leaked() {
	_each=$(($3 / $2))
	log_since >"$TMP/log"
	grep -E "rust_pool: +leaked $1: ($2 blocks?, $3|1 blocks?, $_each) bytes.*$4" "$TMP/log" >"$TMP/found"
	[ "$(grep -cE "$2 blocks?, $3 bytes" "$TMP/found")" -eq 1 ] ||
		[ "$(grep -c . "$TMP/found")" -eq "$2" ] && return
	echo "# not in the kernel log: leaked $1, $2 blocks, $3 bytes, at $4"
	grep leaked "$TMP/log" | sed 's/^/# log: /'
	return 1
}

# The client has been here before, at another address maybe, and left clean.
reported_at_client() {
	client small=3 large=2 || return 1
	logged "$REPORT" &&
		leaked 'tag Ring Nonp' 3 300 'first allocated at leak_all\+.*\[rp_test_leak\]' &&
		leaked 'tag Big1 Paged' 2 20000 'first allocated at leak_all\+.*\[rp_test_leak\]'
}

in_violations() {
	grep -q ' 0xc4 0x62 ' "$STATS/violations"
}

others_not_blamed() {
	client used=1 || return 1
	not_logged "$REPORT"
}

init_code_reported_at_client() {
	client init=2 || return 1
	logged "$REPORT" && leaked 'tag Init Nonp' 2 400 'leak_in_init'
}

pages_reported_at_client() {
	client contiguous=2 noncached=1 || return 1
	logged "$REPORT" &&
		leaked contiguous 2 10000 'leak_all\+.*\[rp_test_leak\]' &&
		leaked noncached 1 6000 'leak_all\+.*\[rp_test_leak\]'
}

common_reported_at_client() {
	client common=2 || return 1
	logged "$REPORT" &&
		leaked 'common buffer' 2 14000 'leak_common\+.*\[rp_test_leak\]'
}

lists_reported_at_client() {
	client lists=2 || return 1
	logged "$REPORT" &&
		leaked 'scatter/gather list' 2 8192 'leak_lists\+.*\[rp_test_leak\]' &&
		leaked 'map registers' 2 8192 'leak_lists\+.*\[rp_test_leak\]' &&
		leaked 'tag Mdl  Nonp' 4 224 'leave_page\+.*\[rp_test_leak\]'
}

# Nobody calls the routine of a module that is gone: who frees the channel finds no request.
requests_dropped_at_client() {
	client channel=2 || return 1
	logged "$REPORT" && logged 'left by rp_test_leak: 3 blocks, 8192 bytes, adapters 1' &&
		leaked 'map registers' 1 8192 'leak_channel\+.*\[rp_test_leak\]' &&
		[ "$(log_since | grep -cE 'leaked request for the channel of adapter [0-9a-fx]+ with 2 map registers, asked for at leak_channel\+.*\[rp_test_leak\]')" -eq 2 ] ||
		return 1
	_adapter=$(log_since | sed -n 's/.*leaking the channel of \(0x[0-9a-f]*\).*/\1/p')
	_before=$(violations)
	client free_channel="$_adapter" || return 1
	[ "$(violations)" -eq "$_before" ] && not_logged 'routine [0-9]+ was called' &&
		! grep '^adapter .* open$' "$STATS/adapters" | grep -q 'lists 0 buffers 0'
}

reported_again_at_ours() {
	log_mark "rust_pool goes"
	unload rust_pool || return 1
	logged "$REPORT" && logged 'left by those who are named below' && not_logged 'left by rust_pool' &&
		leaked 'tag Ring Nonp' 3 300 leak_all &&
		leaked 'tag Big1 Paged' 2 20000 leak_all &&
		leaked contiguous 2 10000 leak_all &&
		leaked noncached 1 6000 leak_all || return 1
	[ -z "$EDU" ] || leaked 'common buffer' 2 14000 leak_common
}

# Of Ring, Big1 and Init; with a device, of the MDLs of lists as well.
one_line_a_tag() {
	[ "$(log_since | grep -c 'leaked tag Ring')" -eq 1 ] &&
		[ "$(log_since | grep -c 'leaked tag')" -eq "$(if [ -n "$EDU" ]; then echo 4; else echo 3; fi)" ]
}

leaked_memory_untouched() {
	# Addresses that the client told, of small and large blocks.
	dmesg | sed -n 's/.*leaking \(small\|large\) at \(0x[0-9a-f]*\).*/\2/p' >"$TMP/where"
	[ -s "$TMP/where" ] || return 1
	while read -r _where; do
		client look="$_where" || return 1
	done <"$TMP/where"
}

loads_again() {
	load rust_pool && [ "$(stat_of contiguous diff)" = 0 ] &&
		! grep -q '^Ring' "$STATS/tags"
}

works_again() {
	load rp_test && load rp_test_pool || return 1
	for _case in "$CASES_DIR"/sizes/*header* \
		"$CASES_DIR"/badfree/*forged* "$CASES_DIR"/badfree/*-twice_[14]*; do
		cat "$_case" >"$TMP/case"
		if [ "$(tail -n 1 "$TMP/case")" != ok ]; then
			cat "$TMP/case"
			return 1
		fi
	done
	unload rp_test_pool rp_test
}

# Each round leaves its caches behind, and the next must not trip over them.
leaks_each_time() {
	loaded rust_pool || load rust_pool || return 1
	for _round in 1 2 3; do
		client small=1 crowd=1 || return 1
		grep -q '^rust_pool-[0-9a-f]*-128 ' /proc/slabinfo || return 1
		log_mark "round $_round"
		unload rust_pool || return 1
		leaked 'tag Ring Nonp' 1 100 leak_all || return 1
		load rust_pool || return 1
	done
	# SLUB would take a cache of a name that is there already without a word.
	[ -z "$(sed -n 's/^\(rust_pool-[^ ]*\) .*/\1/p' /proc/slabinfo | sort | uniq -d)" ] &&
		leaked_memory_untouched
}

# Of thousands of tags the largest are told, the largest first, and all the rest in one
# line; the file has them all.
flood_is_bounded() {
	loaded rust_pool || load rust_pool || return 1
	client flood=2000 || return 1
	log_since >"$TMP/log"
	# Those of 16 to 1983 bytes.
	_rest=1967016
	logged "$REPORT, 0x0, 0x0, 0x7d0: unloading with allocations outstanding: 2000 blocks, 2031000 bytes\$" &&
		logged "rust_pool:   and 1968 more tags and places: 1968 blocks, $_rest bytes; all are in $STATS/tags" ||
		return 1
	grep -c 'rust_pool:  ' "$TMP/log" >"$TMP/count"
	[ "$(cat "$TMP/count")" -eq 34 ] || {
		echo "# $(cat "$TMP/count") lines"
		return 1
	}
	# F7cf has 2015 bytes, F7b0 1984.
	sed -n 's/.*leaked tag F\(...\) Nonp: 1 block, \([0-9]*\) bytes.*/\1 \2/p' "$TMP/log" |
		awk 'NR == 1 { first = $0 } { last = $0 } END { exit first != "7cf 2015" || last != "7b0 1984" }' ||
		return 1
	[ "$(awk '/^F... Nonp/ && $5 == 1 { tags++ } END { print 0 + tags }' "$STATS/tags")" -eq 2000 ]
}

# Rows of violations say who and what, when the log no longer does.
leaks_in_violations() {
	sed 1,3d "$STATS/violations" | tail -n 33 | awk '
		{ print $3, $4, $7, $8, $9, $10 }' >"$TMP/rows"
	head -n 1 "$TMP/rows" | grep -qx '0xc4 0x62 0x7d0 rp_test_leak - unknown' &&
		[ "$(grep -cE '^0xc4 0x62 0x1 rp_test_leak F7(b[0-9a-f]|c[0-9a-f]) leak_flood\+' "$TMP/rows")" -eq 32 ] && return
	sed 's/^/# /' "$TMP/rows"
	return 1
}

# A page that was written to stays pinned as long as its folio is locked. Neither the
# client's end nor ours waits for that longer than some seconds.
folio_holds_nobody() {
	client folio=1 && not_logged "$REPORT" && log_mark "rust_pool goes" &&
		unload rp_test rust_pool && logged 'rust_pool: 4096 bytes of user pages stay pinned' ||
		return 1
	_frame=$(dmesg | sed -n 's/.*the folio of frame \([0-9]*\) stays locked$/\1/p' | tail -n 1)
	load rust_pool && load rp_test && client let_go="$_frame" && unload rp_test
}

nothing_to_report() {
	log_mark "clean"
	unload rust_pool && not_logged "$REPORT|leaked"
}

rust_reported_at_client() {
	loaded rust_pool || load rust_pool || return 1
	log_mark "rust client"
	insmod "$(module_file rp_test_leak_rust)" || return 1
	rmmod rp_test_leak_rust || return 1
	logged "$REPORT" &&
		leaked 'tag Rust Nonp' 2 128 '\[rp_test_leak_rust\]'
}

begin rp_test rp_test_leak rp_test_pool rp_test_leak_rust
load_or_fail rust_pool rp_test
find_edu
ktap_set_plan $((20 + ENDS))

check "a client without leaks is not reported" others_not_blamed
check "pool reported at the client's unload" reported_at_client
check "report among the violations" in_violations
check "allocated in init code: reported at the client's unload" \
	init_code_reported_at_client
check "pages reported at the client's unload" pages_reported_at_client
if [ -n "$EDU" ]; then
	check "common buffers reported at the client's unload" \
		common_reported_at_client
	check "scatter/gather lists and map registers reported at the client's unload" \
		lists_reported_at_client
	check "requests for a channel reported and dropped at the client's unload" \
		requests_dropped_at_client
else
	ktap_test_skip "common buffers reported at the client's unload"
	ktap_test_skip "scatter/gather lists and map registers reported at the client's unload"
	ktap_test_skip "requests for a channel reported and dropped at the client's unload"
fi
check "the next client is not blamed" others_not_blamed
check "all reported at our unload" reported_again_at_ours
check "one line a tag" one_line_a_tag
check "loads again" loads_again
check "leaked memory is untouched" leaked_memory_untouched
unload rp_test
check "works again" works_again
load rp_test
check "leaks each time" leaks_each_time
check "Rust client reported" rust_reported_at_client
check "a flood is bounded" flood_is_bounded
check "rows of violations name who leaked what" leaks_in_violations
loaded rust_pool && unload rp_test rust_pool
load rust_pool && load rp_test
check "a folio that stays locked holds nobody" folio_holds_nobody
loaded rust_pool || load rust_pool
check "nothing to report without leaks" nothing_to_report
ends
