#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The verifier: its options, tracking, and requests that fail on purpose.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/control.sh
. "$DIR/lib/control.sh"

# Seconds that a module may take to load where checkers are.
case $(uname -r) in
*-debug) SLOW=15 ;;
*) SLOW= ;;
esac
KINDS='small paged page front large contiguous noncached'

reads_back() {
	is "$(options)" off || return 1
	for _option in 'tracking tag=Ring*' 'fail probability=600 tag=A?c delay=3' \
		'fail probability=1 tag=* delay=0 comm=insmod'; do
		option "$_option" && is "$(options)" "$_option" && option off || return 1
	done
	printf 'tracking tag=A*\nfail probability=7\n' >"$STATS/verifier" &&
		is "$(options | tr '\n' ';')" 'tracking tag=A*;fail probability=7 tag=* delay=0;' || return 1
	# What is read can be written.
	cat "$STATS/verifier" >"$TMP/saved"
	option off && is "$(options)" off && cat "$TMP/saved" >"$STATS/verifier" &&
		is "$(options)" "$(sed 1,3d "$TMP/saved")" || return 1
	option off && is "$(options)" off || return 1
	# But not what other tasks asked for themselves.
	option 'tracking tag=A*' || return 1
	for _task in 1 2; do
		sh -c "echo 'fail nth=9' >$STATS/verifier; true" || return 1
	done
	is "$(options | grep -c '^fail nth=9 # pid ')" 2 && cat "$STATS/verifier" >"$TMP/saved" &&
		option off && cat "$TMP/saved" >"$STATS/verifier" &&
		is "$(options)" 'tracking tag=A*' && option off && is "$(options)" off
}

refuses() {
	log_mark "bad line"
	! { printf 'fail probability=9\n%s\n' "$1" >"$STATS/verifier"; } 2>/dev/null || {
		echo "# accepted: $1"
		return 1
	}
	is "$(options)" 'tracking tag=Keep' && logged "rust_pool: verifier: line 2, \"$1\": .*expected: $2"
}

bad_lines() {
	option 'tracking tag=Keep' &&
		refuses on 'one of tracking' &&
		refuses 'tracking tag=123456789' 'tracking \[tag=PATTERN' &&
		refuses 'tracking A' 'tracking \[tag=PATTERN' &&
		refuses 'fail probability=0' 'fail probability=1..10000' &&
		refuses 'fail nth=0' 'fail nth=N' &&
		refuses 'tracking tag="Ring"' 'the same without quotes' &&
		refuses "'tracking tag=Ring'" 'the same without quotes' &&
		refuses 'tracking tag=Rings' 'tracking \[tag=PATTERN' &&
		refuses 'tracking module=a.ko' 'tracking \[tag=PATTERN' &&
		refuses 'policy free-wrong-tags' 'policy log\|quarantine\|panic\|free-wrong-tag' &&
		refuses 'off tracking tag=Else' 'off, off WORD, or off LINE' &&
		refuses 'fial nth=3' 'one of tracking' && logged 'line 2, "fial nth=3": fial: no option' &&
		option off || return 1
	# More than one line of an option that has one.
	log_mark "two" &&
		! { printf 'fail nth=1\nfail nth=2\n' >"$STATS/verifier"; } 2>/dev/null &&
		logged 'rust_pool: verifier: line 2, "fail nth=2": nth: a task waits' &&
		! { option 'policy panic;policy log'; } 2>/dev/null &&
		logged 'rust_pool: verifier: line 2, "policy log": log: another policy' &&
		is "$(options)" off
}

shows() {
	is "$(options | tr '\n' ';')" "$1"
}

# lines WORD: 150 lines of an option
lines() {
	awk -v word="$1" 'BEGIN { for (at = 0; at < 150; at++) printf "%s tag=%03d\n", word, at }'
}

# A line adds to those that hold, and is taken back alone.
adds() {
	printf 'tracking tag=StSb\ntracking tag=FlNm\n' >"$STATS/verifier" &&
		shows 'tracking tag=StSb;tracking tag=FlNm;' &&
		option 'tracking tag=A*,B? module=rp_test_verifier' && option 'check tag=C' &&
		option 'tracking tag=StSb' &&
		shows 'tracking tag=FlNm;tracking tag=A*,B? module=rp_test_verifier;tracking tag=StSb;check tag=C;' &&
		option 'off tracking tag=FlNm' &&
		shows 'tracking tag=A*,B? module=rp_test_verifier;tracking tag=StSb;check tag=C;' &&
		option 'off tracking' && shows 'check tag=C;' &&
		option 'policy quarantine;policy panic module=nobody' &&
		shows 'check tag=C;policy quarantine;policy panic module=nobody;' &&
		option 'policy log' && option 'fail nth=3' && option 'off fail' &&
		shows 'check tag=C;' && option off || return 1
	# As much as fits can be read and written at once.
	_long=$(lines tracking) &&
		echo "$_long" >"$STATS/verifier" && is "$(options)" "$_long" &&
		cat "$STATS/verifier" >"$TMP/saved" && option off &&
		dd if="$TMP/saved" of="$STATS/verifier" bs=4096 2>/dev/null &&
		is "$(options)" "$_long" && log_mark long || return 1
	_more=$(lines check)
	! { echo "$_more" >"$STATS/verifier"; } 2>/dev/null &&
		logged 'rust_pool: verifier: line 150, .*: all options together' &&
		is "$(options)" "$_long" && option off
}

# kept_rows KIND COUNT PATTERN: as many blocks of this kind are listed
kept_rows() {
	grep -cE "$3 .*allocate_$1\+[^ ]* \[rp_test_verifier\] < run_set\+.* < param_attr_store" \
		"$STATS/live" >"$TMP/count"
	is "$(cat "$TMP/count")" "$2" && return
	sed 's/^/# /' "$STATS/live"
	return 1
}

listed() {
	_address='0x[0-9a-f]{16}'
	option 'tracking tag=*' || return 1
	for _kind in $KINDS; do
		run keep "$_kind" 3 || return 1
	done
	# shellcheck disable=SC2086 # words
	set -- $KINDS
	is "$(rows live)" $((3 * $#)) &&
		kept_rows small 3 "^Vrfy Nonp $_address 100 [0-9]+\.[0-9]{3}" &&
		kept_rows paged 3 "^Vrfy Paged $_address 200 [0-9]+\.[0-9]{3}" &&
		kept_rows page 3 "^Vrfy Nonp $_address 8192" &&
		kept_rows front 3 "^Vrfy Nonp $_address 5000" &&
		kept_rows large 3 "^Vrfy Nonp $_address 100000" &&
		kept_rows contiguous 3 "^- contiguous $_address 3000" &&
		kept_rows noncached 3 "^- noncached $_address 6000" || return 1
	if [ -n "$EDU" ]; then
		kept_rows adapter 3 "^- adapter $_address 0" &&
			kept_rows common 3 "^- common $_address 7000" || return 1
	fi
	run drop && is "$(rows live)" 0 && option off
}

# sites: a row for each place, the most bytes first, a line for each frame
by_place() {
	sed -n 2p "$STATS/sites" | grep -q "tracking is off.*echo 'tracking tag=\*' >$STATS/verifier" &&
		option 'tracking tag=*' && run keep small 3 && run keep page 2 && run keep contiguous 1 &&
		! sed -n 2p "$STATS/sites" | grep -q 'tracking is off' || return 1
	sed 1,3d "$STATS/sites" >"$TMP/sites"
	grep -v '^	' "$TMP/sites" | sed 's/+0x.*//' | awk '{ print $1, $2, $5, $6, $7 }' >"$TMP/rows"
	printf '%s\n' '2 16384 Vrfy Nonp allocate_page' '1 3000 - contiguous allocate_contiguous' \
		'3 300 Vrfy Nonp allocate_small' | diff - "$TMP/rows" >"$TMP/diff" || {
		sed 's/^/# /' "$TMP/diff"
		return 1
	}
	is "$(grep -c '^	< run_set+.*\[rp_test_verifier\]$' "$TMP/sites")" 3 &&
		awk '!/^\t/ && ($3 !~ /^[0-9]+\.[0-9][0-9][0-9]$/ || $4 > $3) { exit 1 }' "$TMP/sites" &&
		run drop && is "$(rows sites)" 0 && option off
}

# So many of one place are one row, read at once.
many_at_a_place() {
	_row='^ +20000 +1280000 .* Swrm Nonp +leak_swarm\+.*\[rp_test_leak\]$'
	option 'tracking tag=*' && load rp_test &&
		insmod "$(module_file rp_test_leak)" swarm=20000 &&
		grep -qE "$_row" "$STATS/sites" && rmmod rp_test_leak &&
		grep -qE "$_row" "$STATS/sites" && unload rp_test && option off
}

by_tag() {
	option 'tracking tag=Vr*' && run keep small && run keep contiguous &&
		is "$(rows live)" 1 && option 'off tracking;tracking tag=Else' && run keep small &&
		is "$(rows live)" 0 && option 'tracking tag=A,Vrfy' && run keep paged &&
		is "$(rows live)" 2 && option off && is "$(rows live)" 2 &&
		run drop && is "$(rows live)" 0
}

# By who allocates: tracking, check and failures.
by_module() {
	option 'tracking module=rp_test_verifier' && run keep small && run keep contiguous &&
		is "$(rows live)" 2 && option 'off;tracking module=rp_test' && run keep small &&
		is "$(head_of tracked)" 2 && is "$(rows live)" 0 &&
		option 'tracking tag=Vrfy module=x,rp_test_v*' && is "$(rows live)" 1 &&
		run keep contiguous && run keep paged && is "$(head_of tracked)" 3 &&
		option off && run drop && is "$(rows live)" 0 || return 1
	option 'check module=rp_test' && run keep small && run drop && is "$(head_of held)" 0 &&
		option 'check module=rp_test_verifier' && run keep small && run drop &&
		is "$(head_of held)" 1 && option off || return 1
	option 'fail probability=10000 module=rp_test,vmlinux' && run try small 2 &&
		is "$(cat "$CLIENT/refused")" '' && run try noncached 2 &&
		is "$(cat "$CLIENT/refused")" '' &&
		option 'fail probability=10000 module=rp_test_verifier' && run try small 2 &&
		is "$(cat "$CLIENT/refused")" '1 2' && run try noncached 2 &&
		is "$(cat "$CLIENT/refused")" '1 2' && option off
}

# What another module does wrong does not stop the machine, nor what it leaks.
by_module_no_panic() {
	load rp_test_verifier || return 1
	_before=$(violations)
	option 'policy panic module=rp_test,rp_test_verifie,vmlinux' && run twice small &&
		is "$(violations)" $((_before + 1)) && unload rp_test_verifier &&
		insmod "$(module_file rp_test_verifier)" leak=1 && run keep small 1 &&
		rmmod rp_test_verifier && [ "$(violations)" -gt $((_before + 1)) ] && option off
}

# The rows of a module that is gone are still its rows.
by_module_gone() {
	option 'tracking module=rp_test_verifier' && _rows=$(rows live) &&
		insmod "$(module_file rp_test_verifier)" leak=1 && run keep small 2 &&
		rmmod rp_test_verifier && is "$(rows live)" $((_rows + 2)) &&
		option 'off;tracking module=rp_test' && is "$(rows live)" 0 && option off
}

untouched() {
	[ "$(violations)" = "$1" ] && is "$(head_of tracked)" 0 &&
		awk '/^Vrfy/ && $5 { bad = 1 } END { exit bad }' "$STATS/tags"
}

# Blocks that were allocated under other options than those they are freed under.
option_changes() {
	_before=$(violations)
	for _kind in $KINDS; do
		option 'tracking tag=*' && run keep "$_kind" 5 && is "$(head_of tracked)" 5 &&
			option off && is "$(head_of on)" 0 && run drop && untouched "$_before" ||
			return 1
		run keep "$_kind" 5 && option 'tracking tag=*' && run drop &&
			untouched "$_before" && option off || return 1
	done
}

freed_twice() {
	option 'tracking tag=*' || return 1
	for _kind in small page; do
		_before=$(violations)
		run twice $_kind && is "$(violations)" $((_before + 1)) &&
			tail -n 1 "$STATS/violations" >"$TMP/row" || return 1
		grep -q ' 0xc2 0x7 .*block freed twice' "$TMP/row" && continue
		sed 's/^/# /' "$TMP/row"
		# KASAN writes its own notes over the header of a small block.
		[ -n "$SLOW" ] && [ $_kind = small ] && grep -q ' 0xc2 0x46 ' "$TMP/row" ||
			return 1
	done
	is "$(rows live)" 0 && option off
}

# Log lines on the block, and on the first free of one that is freed twice.
told_of() {
	logged "rust_pool:   allocated by allocate_$1\+.*\[rp_test_verifier\] < run_set" &&
		logged 'rust_pool:   freed by (free_pool\+[^ ]* .rp_test_verifier. < )?run_set'
}

second_free_told() {
	log_limit_passes
	for _kind in small page large; do
		# KASAN writes its own notes over the header of a small block.
		[ -z "$SLOW" ] || [ $_kind != small ] || continue
		option 'tracking tag=*' && log_mark "second $_kind" && run twice $_kind &&
			logged 'rust_pool:   a block of [0-9]+ bytes, freed [0-9]+\.[0-9]{3} seconds ago$' &&
			told_of $_kind && option off || return 1
	done
	[ -n "$SLOW" ] || {
		option 'check tag=*' && log_mark "second checked" && run twice small &&
			told_of small && option off
	}
}

# The same of what has no tag, and of an adapter that is put back twice.
second_free_of_a_family_told() {
	log_limit_passes
	for _kind in contiguous noncached ${EDU:+common adapter}; do
		option 'tracking tag=*' && log_mark "second $_kind" && run twice "$_kind" &&
			logged 'rust_pool:   (a block of [0-9]+ bytes, freed|an adapter, put back) [0-9]+\.[0-9]{3} seconds ago$' &&
			logged "rust_pool:   allocated by (rptv_)?allocate_$_kind\+.*\[rp_test_verifier\]" &&
			logged 'rust_pool:   freed by .*\[rp_test_verifier\] < ' && option off || return 1
	done
}

# A live block that a free does not fit is told with who allocated it, by all routines
# and without any option.
misuse_told() {
	log_limit_passes
	for _block in 'contiguous 3000' 'noncached 6000' ${EDU:+'common 7000'}; do
		_kind=${_block% *}
		option off && run keep "$_kind" && log_mark "misuse $_kind" && run misuse &&
			run drop || return 1
		_told="a live block is there: $_kind, ${_block#* } bytes, allocated at (rptv_)?allocate_$_kind\+"
		logged "rust_pool:   $_told" && is "$(grep -cE "$_told" "$TMP/log")" 3 || return 1
	done
	# Pool by its header or its record, at its start and within.
	log_limit_passes
	for _block in 'small 100' 'page 8192' 'large 100000'; do
		_kind=${_block% *}
		option off && run keep "$_kind" && log_mark "misuse $_kind" && run misuse &&
			run drop || return 1
		_told="tag Vrfy Nonp, ${_block#* } bytes"
		logged "rust_pool:   it is 16 bytes into a live block: $_told" &&
			is "$(grep -cE "a live block is there: $_told" "$TMP/log")" 2 &&
			logged "rust_pool:   (tag Vrfy was first used at|.*allocated at) " || return 1
	done
	log_limit_passes
	option 'tracking tag=*' && run keep small && log_mark "misuse tracked" && run misuse &&
		run drop && option off || return 1
	is "$(log_since | grep -c 'rust_pool:   allocated by allocate_small+')" 3
}

# What is kept is known for as long, though others are freed meanwhile.
kept_told() {
	log_limit_passes
	option 'tracking tag=*' && option 'policy quarantine' && log_mark kept &&
		run thrice page && told_of page && option off && option 'policy quarantine' &&
		log_mark "kept untracked" && run thrice page &&
		logged 'rust_pool:   freed by (free_pool\+[^ ]* .rp_test_verifier. < )?run_set' && option off
}

wrong_tag_told() {
	log_limit_passes
	_wrong='rust_pool: BAD_POOL_CALLER \(0xc2\): 0xa, 0x[0-9a-f]{16}, 0x79667256, 0x[0-9a-f]+: free of a Vrfy block with tag \.\.\.\. \(a block of'
	option off && run keep page && log_mark wrong && run blame && logged "$_wrong 8192 bytes\), called from" &&
		logged 'rust_pool:   tag Vrfy was first used at .*\[rp_test_verifier\]' && run drop &&
		option 'tracking tag=*' && run keep small && log_mark "wrong and tracked" && run blame &&
		logged "$_wrong 100 bytes\), called from" &&
		logged 'rust_pool:   allocated by allocate_small\+.*\[rp_test_verifier\] < run_set' && run drop &&
		option off
}

# live_bytes KIND: the live bytes of the tag Vrfy
live_bytes() {
	awk -v kind="$1" 'substr($0, 1, 4) == "Vrfy" && $2 == kind { print $6 }' "$STATS/tags"
}

# tolerated OPTION...: with other options beside it, a free with the wrong tag is reported and
# carried out
tolerated() {
	_free='rust_pool:   freed all the same: policy free-wrong-tag'
	for _kind in small paged page front large; do
		log_limit_passes
		option off || return 1
		for _option in 'policy free-wrong-tag' "$@"; do
			option "$_option" || return 1
		done
		log_mark "tolerated $_kind" && run wrong $_kind 3 &&
			is "$(log_since | grep -cE "(0xc2\): 0xa, .*: free of a Vrfy block with|$_free)")" 6 &&
			no_tag_live || return 1
	done
	option off
}

wrong_tag_tolerated() {
	tolerated && tolerated 'tracking tag=Vrfy' && is "$(rows live)" 0 &&
		tolerated 'check tag=Vrfy' && tolerated 'special tag=Vrfy' && tolerated 'policy quarantine' &&
		option 'policy free-wrong-tag' && shows 'policy free-wrong-tag;' &&
		# Other rules are as before.
		log_limit_passes && log_mark twice && run twice small && logged '0xc2\): 0x7, ' &&
		not_logged 'all the same' && option off && log_mark "kept" && run keep small && run blame &&
		not_logged 'all the same' && ! no_tag_live >/dev/null && run drop && no_tag_live
}

zero_bytes_served() {
	_zero='rust_pool: BAD_POOL_CALLER \(0xc2\): 0x0, .*: zero bytes requested'
	_served='rust_pool:   served all the same: policy serve-zero-bytes'
	log_limit_passes && option off && log_mark refused && ! run keep zero 2>/dev/null &&
		! run keep zero2 2>/dev/null && is "$(log_since | grep -cE "$_zero")" 2 &&
		not_logged 'all the same' && no_tag_live || return 1
	for _option in '' 'tracking tag=Vrfy' 'check tag=Vrfy' 'special tag=Vrfy'; do
		log_limit_passes
		option off && option "policy serve-zero-bytes" && { [ -z "$_option" ] || option "$_option"; } &&
			log_mark "served $_option" && run keep zero 2 && run keep zero2 2 &&
			is "$(log_since | grep -cE "$_zero|$_served")" 8 &&
			is "$(live_bytes Paged) $(live_bytes Nonp)" '2 2' && run drop && no_tag_live || return 1
	done
	option off
}

left_out_told() {
	option off && log_limit_passes && run keep small 40 && log_mark many && run blame && run drop && log_limit_passes &&
		run keep small && run blame && run drop &&
		logged 'rust_pool: [1-3][0-9] violations before this line were not logged' &&
		not_logged 'suppressed|rust_pool_'
}

# A client with names as long as can be.
LONG=rp_test_long_name_of_a_client_that_is_as_long_as_can_be

# whole FILE NAME COUNT: its function is named so often, uncut and with the module
whole() {
	awk -v module="$LONG" -v name="$2" '
		{ for (i = 1; i < NF; i++) if ($i ~ name && $(i + 1) ~ "^\\[" module "\\]") found++ }
		END { print 0 + found }' "$1" >"$TMP/count"
	is "$(cat "$TMP/count")" "$3" && return
	cut -c 1-900 "$1" | sed 's/^/# /' | tail -n 5
	return 1
}

# A name of a caller is never cut: not in files, nor in the log, nor when it is kept.
long_names() {
	# 511 characters, the offset, the size.
	_long='^long_fn(abcdefgh)+[+]0x[0-9a-f]+/0x[0-9a-f]+$'
	log_limit_passes
	option 'tracking tag=*' && log_mark long && insmod "$(module_file $LONG)" || return 1
	_cut=0
	for _file in violations contiguous noncached; do
		whole "$STATS/$_file" "$_long" 1 || _cut=1
	done
	whole "$STATS/live" "$_long" 3 || _cut=1
	rmmod "$LONG" && [ $_cut -eq 0 ] || return 1
	log_since >"$TMP/log"
	# The violation, and who allocated its block; what is left behind, by tag and
	# place and by stack.
	whole "$TMP/log" "$_long" 8 && whole "$STATS/live" "$_long" 3 && option off
}

leak_sites() {
	option 'tracking tag=*' && unload rp_test_verifier &&
		insmod "$(module_file rp_test_verifier)" leak=1 &&
		run keep small 3 && run keep page 2 && log_mark leaks && rmmod rp_test_verifier &&
		logged 'rust_pool: +tracked tag Vrfy Nonp: 3 blocks, 300 bytes, by allocate_small\+.*\[rp_test_verifier\] < run_set' &&
		logged 'rust_pool: +tracked tag Vrfy Nonp: 2 blocks, 16384 bytes, by allocate_page\+.*\[rp_test_verifier\] < run_set' ||
		return 1
	# The names stay when the code has gone.
	is "$(grep -c '^Vrfy .* allocate_small+.*\[rp_test_verifier\] < run_set+.*\[rp_test_verifier\]' \
		"$STATS/live")" 3 && option off
}

rust_face() {
	option 'tracking tag=Rust' && insmod "$(module_file rp_test_leak_rust)" &&
		is "$(grep -cE '^Rust Nonp .*\[rp_test_leak_rust\]' "$STATS/live")" 2 &&
		option off && is "$(head_of on)" 1 && log_mark "rust leaks" &&
		rmmod rp_test_leak_rust && logged 'rust_pool: +tracked tag Rust Nonp:.*\[rp_test_leak_rust\]'
}

# dma_demo's blocks of the Rust API outlive the option.
rust_face_off() {
	option 'tracking tag=Edu*' && load dma_demo &&
		grep -q '^EduX Nonp ' "$STATS/live" && option off && is "$(head_of on)" 1 &&
		unload dma_demo && is "$(grep -c '^Edu' "$STATS/live")" 0
}

nth() {
	for _kind in $KINDS; do
		option off
		option 'fail nth=3' && options | grep -q '^fail nth=3 # pid [0-9]*, 3 to go$' &&
			run try "$_kind" 5 && is "$(cat "$CLIENT/refused")" 3 &&
			options | grep -q '^fail nth=3 # pid [0-9]*, struck$' &&
			run try "$_kind" 5 && is "$(cat "$CLIENT/refused")" '' || return 1
	done
	option off
}

# Another task's requests neither fail nor count.
nth_of_a_task() {
	option off && sh -c "echo 'fail nth=2' >$STATS/verifier; echo 'keep small' >$CLIENT/run" &&
		run try small 5 && is "$(cat "$CLIENT/refused")" '' &&
		option 'fail nth=2' && is "$(options | grep -c '^fail nth=2 #')" 2 &&
		sh -c "echo 'try small 5' >$CLIENT/run" && is "$(cat "$CLIENT/refused")" '' &&
		run try small 5 && is "$(cat "$CLIENT/refused")" 2 && run drop && option off
}

# It leaks what it gets, so it is one of the last. (busybox's insmod tries again by
# another system call.)
nth_in_rust() {
	option off
	sh -c "echo 'fail nth=1' >$STATS/verifier; exec insmod $(module_file rp_test_leak_rust)"
	rmmod rp_test_leak_rust 2>/dev/null
	options | grep -q ', struck$' && option off &&
		tail -n 1 "$STATS/injected" | grep -qE ' 64 Rust Nonp [0-9]+ insmod .*\[rp_test_leak_rust\] < '
}

by_chance() {
	_all='1 2 3 4'
	_failures=$(awk '/^Vrfy Nonp/ { print $10 }' "$STATS/tags")
	option 'off;fail probability=10000' && run try small 4 && is "$(cat "$CLIENT/refused")" "$_all" &&
		run try noncached 4 && is "$(cat "$CLIENT/refused")" "$_all" &&
		is "$(awk '/^Vrfy Nonp/ { print $10 }' "$STATS/tags")" $((_failures + 4)) &&
		option 'off;fail probability=10000 tag=V*' && run try small 4 &&
		is "$(cat "$CLIENT/refused")" "$_all" && run try contiguous 4 &&
		is "$(cat "$CLIENT/refused")" '' &&
		option 'off;fail probability=10000 tag=Else' && run try small 4 &&
		is "$(cat "$CLIENT/refused")" '' &&
		option 'off;fail probability=10000 comm=nobody' && run try small 4 &&
		is "$(cat "$CLIENT/refused")" '' &&
		option "off;fail probability=10000 comm=$(cat /proc/$$/comm)" && run try small 4 &&
		is "$(cat "$CLIENT/refused")" "$_all" &&
		delayed || return 1
	# Half of 640: not by chance none, nor all, nor fewer than a quarter.
	option 'off;fail probability=5000' || return 1
	_before=$(head_of injected)
	for _round in 1 2 3 4 5 6 7 8 9 10; do
		run try small 64 || return 1
	done
	_struck=$(($(head_of injected) - _before))
	if [ $_struck -lt 160 ] || [ $_struck -gt 480 ]; then
		echo "# of 640 requests $_struck failed"
		return 1
	fi
	option off
}

# all_refused: does each of four requests fail, and what before that failed?
all_refused() {
	run try small 4 && [ "$(cat "$CLIENT/refused")" = "$_all" ]
}

# None fails before the delay is over; on a slow machine it has to be longer for one to
# be made before that.
delayed() {
	for _delay in 2 10 60; do
		_begin=$(uptime_s)
		option "off;fail probability=10000 delay=$_delay" && run try small 4 || return 1
		_refused=$(cat "$CLIENT/refused")
		[ $(($(uptime_s) - _begin)) -ge $_delay ] || break
	done
	is "$_refused" '' && eventually all_refused
}

injected_listed() {
	option 'fail probability=10000' || return 1
	_attempts=$(head_of attempts)
	_injected=$(head_of injected)
	run try paged 2 && run try contiguous 1 && option off &&
		is "$(head_of attempts)" $((_attempts + 3)) &&
		is "$(head_of injected)" $((_injected + 3)) && is "$(rows injected)" 32 || return 1
	tail -n 2 "$STATS/injected" >"$TMP/injected"
	grep -qE "^$((_injected + 2)) [0-9.]+ 200 Vrfy Paged $$ .* allocate_paged\+.* < run_set" \
		"$TMP/injected" &&
		grep -qE "^$((_injected + 3)) [0-9.]+ 3000 - contiguous $$ .* allocate_contiguous\+" \
			"$TMP/injected" && return
	sed 's/^/# /' "$TMP/injected"
	return 1
}

a_block_comes() {
	load rp_test_verifier && run keep small 1 && is "$(rows live)" 1
}

one_refused() {
	run try small 1 && [ "$(cat "$CLIENT/refused")" = 1 ]
}

at_load() {
	# Until then a block must have come: three times as long as it takes, at least.
	_begin=$(uptime_s)
	unload rp_test_verifier rust_pool && load rust_pool "verifier=\"tracking tag=Vr*\"" &&
		a_block_comes && run drop || return 1
	_delay=$((3 * ($(uptime_s) - _begin) + 1))
	unload rp_test_verifier rust_pool && log_mark "bad parameter" || return 1
	# The kernel wants quotes around a value with blanks.
	! insmod "$(module_file rust_pool)" 'verifier="tracking tag=*;fial nth=3"' 2>/dev/null &&
		logged 'rust_pool: verifier: line 2, "fial nth=3": fial: no option; expected' &&
		log_mark "quotes" &&
		! insmod "$(module_file rust_pool)" "verifier=\"tracking tag='*'\"" 2>/dev/null &&
		logged "rust_pool: verifier: line 1, .*: tag='\*': a quote" || return 1
	load rust_pool 'verifier="tracking tag=A"' 'verifier="tracking tag=B;fail nth=1"' &&
		shows 'tracking tag=A;tracking tag=B;fail nth=1 # pid '"$(options |
			sed -n 's/.*# pid \([0-9]*\), .*/\1/p')"', 1 to go;' &&
		unload rust_pool &&
		load rust_pool "verifier=\"tracking tag=Vr*;fail probability=10000 tag=Vrfy delay=$_delay\"" &&
		is "$(cat /sys/module/rust_pool/parameters/verifier)" \
			"tracking tag=Vr*;fail probability=10000 tag=Vrfy delay=$_delay" &&
		a_block_comes && eventually one_refused && run drop && option off
}

begin rp_test rp_test_pool rp_test_verifier rp_test_leak rp_test_leak_rust $LONG
load_or_fail rust_pool rp_test_verifier
! find_edu || KINDS="$KINDS adapter common"
ktap_set_plan $((31 + ENDS))

check "verifier: options read back" reads_back
check "verifier: bad lines refused" bad_lines
check "verifier: lines add up" adds
load rp_test && load rp_test_pool
# pool_badfree.sh runs all of them there as well.
[ -z "$SLOW" ] || EVERY=4
cases badfree | awk -v every="${EVERY:-1}" 'NR % every == 0' >"$TMP/cases"
option 'tracking tag=*'
check "tracking: suites hold" suite_holds
option off
unload rp_test_pool rp_test
check "tracking: live blocks listed" listed
check "tracking: by place" by_place
check "tracking: by tag" by_tag
check "verifier: by module" by_module
check "tracking: options change under a block" option_changes
check "tracking: freed twice" freed_twice
check "tracking: the first free is told of the second" second_free_told
check "tracking: the first free is told of the second, in all families" second_free_of_a_family_told
check "a live block that a free does not fit is told" misuse_told
check "policy: the first free is told of a block that is kept" kept_told
check "tracking: a wrong tag is told with its block" wrong_tag_told
check "policy: a free with the wrong tag is carried out" wrong_tag_tolerated
check "policy: a request for zero bytes is served" zero_bytes_served
check "names: as long as can be" long_names
check "log: how many violations were left out" left_out_told
check "fail: n-th request" nth
check "fail: n-th request of a task" nth_of_a_task
check "fail: by chance" by_chance
check "fail: listed" injected_listed
if [ -n "$EDU" ]; then
	check "tracking: a Rust driver's blocks outlive the option" rust_face_off
else
	ktap_test_skip "tracking: a Rust driver's blocks outlive the option"
fi
check "verifier: at load" at_load
check "fail: n-th request in Rust" nth_in_rust
check "tracking: Rust API" rust_face
check "tracking: many at a place" many_at_a_place
check "tracking: leaks told by place" leak_sites
check "tracking: a module that is gone" by_module_gone
check "policy: panics by module" by_module_no_panic
kmemleak_forget
ends
