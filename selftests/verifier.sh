#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The verifier: its options, tracking, and requests that fail on purpose.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
# shellcheck source=selftests/control.sh
. "$DIR/control.sh"

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
	option off && is "$(options)" off
}

refuses() {
	log_mark "bad line"
	! { printf 'fail probability=9\n%s\n' "$1" >"$STATS/verifier"; } 2>/dev/null || {
		echo "# accepted: $1"
		return 1
	}
	is "$(options)" 'tracking tag=Keep' && logged "rust_pool: verifier: \"$1\": .*right would be: $2"
}

bad_lines() {
	option 'tracking tag=Keep' &&
		refuses on 'one of tracking' &&
		refuses 'tracking tag=123456789' 'tracking tag=PATTERN' &&
		refuses 'tracking A' 'tracking tag=PATTERN' &&
		refuses 'fail probability=0' 'fail probability=1..10000' &&
		refuses 'fail nth=0' 'fail nth=N' && option off
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

by_tag() {
	option 'tracking tag=Vr*' && run keep small && run keep contiguous &&
		is "$(rows live)" 1 && option 'tracking tag=Else' && run keep small &&
		is "$(rows live)" 0 && option off && is "$(rows live)" 1 &&
		run drop && is "$(rows live)" 0
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

# dma_demo's blocks of the Rust face outlive the option.
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
	option 'fail probability=10000' && run try small 4 && is "$(cat "$CLIENT/refused")" "$_all" &&
		run try noncached 4 && is "$(cat "$CLIENT/refused")" "$_all" &&
		is "$(awk '/^Vrfy Nonp/ { print $10 }' "$STATS/tags")" $((_failures + 4)) &&
		option 'fail probability=10000 tag=V*' && run try small 4 &&
		is "$(cat "$CLIENT/refused")" "$_all" && run try contiguous 4 &&
		is "$(cat "$CLIENT/refused")" '' &&
		option 'fail probability=10000 tag=Else' && run try small 4 &&
		is "$(cat "$CLIENT/refused")" '' &&
		option 'fail probability=10000 comm=nobody' && run try small 4 &&
		is "$(cat "$CLIENT/refused")" '' &&
		option "fail probability=10000 comm=$(cat /proc/$$/comm)" && run try small 4 &&
		is "$(cat "$CLIENT/refused")" "$_all" &&
		delayed || return 1
	# Half of 640: not by chance none, nor all, nor fewer than a quarter.
	option 'fail probability=5000' || return 1
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
		option "fail probability=10000 delay=$_delay" && run try small 4 || return 1
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
		logged 'rust_pool: verifier: "fial nth=3": no option; right would be' &&
		load rust_pool "verifier=\"tracking tag=Vr*;fail probability=10000 tag=Vrfy delay=$_delay\"" &&
		a_block_comes && eventually one_refused && run drop && option off
}

begin rp_test rp_test_pool rp_test_verifier rp_test_leak_rust
load_or_fail rust_pool rp_test_verifier
! find_edu || KINDS="$KINDS adapter common"
ktap_set_plan $((16 + ENDS))

check "verifier: options read back" reads_back
check "verifier: bad lines refused" bad_lines
load rp_test && load rp_test_pool
# pool_badfree.sh runs all of them there as well.
[ -z "$SLOW" ] || EVERY=4
cases badfree | awk -v every="${EVERY:-1}" 'NR % every == 0' >"$TMP/cases"
option 'tracking tag=*'
check "tracking: suites hold" suite_holds
option off
unload rp_test_pool rp_test
check "tracking: live blocks listed" listed
check "tracking: by tag" by_tag
check "tracking: options change under a block" option_changes
check "tracking: freed twice" freed_twice
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
check "tracking: Rust face" rust_face
check "tracking: leaks told by place" leak_sites
kmemleak_forget
ends
