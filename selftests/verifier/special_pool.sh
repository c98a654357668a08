#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Special pool, and blocks with a pattern behind them: where they lie, what is found
# when they are freed, and which blocks are such. Blocks that are kept. MDLs that are such
# blocks, or are of such.
# vm-cmdline: no_hash_pointers init_on_alloc=0

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/control.sh
. "$DIR/lib/control.sh"

# served KIND COUNT: blocks of this kind, so many of which come from special pool
served() {
	_before=$(head_of special)
	run keep "$1" 3 && run drop && is "$(($(head_of special) - _before))" "$2"
}

chosen() {
	option 'special tag=Vr*' && served small 3 && served paged 3 && served page 0 &&
		served large 0 && served contiguous 0 &&
		option 'off special;special tag=Else' && served small 0 &&
		option 'off special;special size=200' && served small 0 && served paged 3 &&
		option 'off special;special start size=1..199' && served small 3 && served paged 0 &&
		option off && served small 0
}

# Each line adds, whether written at once or one after the other.
several() {
	printf 'special tag=Else slots=64\nspecial tag=Vr?y\n' >"$STATS/verifier" &&
		served small 3 && option 'off special tag=Vr?y' && served small 0 &&
		option 'special start tag=A,Vrfy size=200' && served small 0 && served paged 3 &&
		is "$(sed 1,3d "$STATS/verifier" | tr '\n' ';')" \
			'special end tag=Else size=1..4096 slots=64;special start tag=A,Vrfy size=200..200 slots=64;' &&
		option off && option 'special module=rp_test_v*' && served small 3 &&
		option 'off;special tag=Vrfy module=rp_test_verifie' && served small 0 &&
		option 'special tag=Else module=rp_test_verifier' && served small 0 &&
		option 'special tag=Vrfy module=rp-test-verifier' && served small 3 && option off
}

# Blocks of special pool that are freed when it is off, and the memory with them.
outlived() {
	option 'special slots=1024' && run keep small 5 && is "$(head_of on)" 1 || return 1
	_with=$(area)
	option off && is "$(head_of on)" 0 && is "$(area)" "$_with" && run drop || return 1
	eventually fewer_than "$_with" && return
	echo "# the area is still there"
	return 1
}

fewer_than() {
	[ "$(area)" -lt "$1" ]
}

# Areas of a vmap of rust_pool's.
area() {
	grep -c 'rust_pool_guard_area' /proc/vmallocinfo
}

resized() {
	option 'special slots=64' && run keep small 1 && log_mark resize || return 1
	! { option 'special tag=A slots=128'; } 2>/dev/null &&
		logged 'rust_pool: verifier: line 1, .*: slots: all of special pool has one number' &&
		! { option 'off special;special slots=128'; } 2>/dev/null &&
		logged 'rust_pool: verifier: special pool has live blocks: free them' &&
		is "$(sed 1,3d "$STATS/verifier")" 'special end tag=* size=1..4096 slots=64' &&
		run drop && option 'off special;special slots=128' &&
		is "$(sed 1,3d "$STATS/verifier")" 'special end tag=* size=1..4096 slots=128' &&
		option off
}

# The log names the block, and who allocated and freed it.
told() {
	log_limit_passes
	option 'special tag=Vr*' && log_mark twice && run twice small &&
		logged 'rust_pool: BAD_POOL_CALLER \(0xc2\): 0x7, .*: block freed twice, tag Vrfy, called from (free_pool|run_set)' &&
		logged 'rust_pool:   byte 0 of its 100 bytes: block 0x[0-9a-f]{16}, tag Vrfy Nonp$' &&
		logged 'rust_pool:   allocated by allocate_small\+.*\[rp_test_verifier\] < run_set' &&
		logged 'rust_pool:   freed by (free_pool\+[^ ]* .rp_test_verifier. < )?run_set' && option off
}

# Rust_pool goes, and with it the name of who made the area; the blocks stay.
left_behind() {
	_bytes=$(((2 * 1024 + 2) * 4096))
	option 'special tag=Vr*' && unload rp_test_verifier &&
		insmod "$(module_file rp_test_verifier)" leak=1 && run keep small 2 &&
		log_mark leak && rmmod rp_test_verifier &&
		logged 'leaked tag Vrfy Nonp: 2 blocks, 200 bytes' && rmmod rust_pool &&
		is "$(grep -c " $_bytes .* vmap" /proc/vmallocinfo)" 1 || return 1
	LOADED=
}

# A block of which a violation was told before the verifier was on goes as ever, and who
# has its place after that is not kept for it.
blamed_too_early() {
	_kept=$(head_of kept)
	run keep small 1 && run keep page 1 && option 'policy quarantine' && run blame &&
		run drop && run keep small 1 && run keep page 1 && run drop &&
		is "$(head_of kept)" "$_kept" && option off
}

# More are kept than there is room to remember: their memory stays when rust_pool goes.
kept_for_ever() {
	option 'policy quarantine' || return 1
	_kept=$(head_of kept)
	for _round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		run keep small 60 && run blame && run drop || return 1
	done
	is "$(head_of kept)" $((_kept + 1200)) && unload rp_test_verifier rust_pool
}

begin rp_test rp_test_pool rp_test_mdl rp_test_special rp_test_verifier
load_or_fail rust_pool rp_test rp_test_pool rp_test_mdl rp_test_special rp_test_verifier
# There is no header in front of such a block to look at, and its address is not used again
# soon.
cases contexts usercopy badfree mdl mdl_lock |
	grep -v -e '/badfree/.*header' -e '/mdl_lock/.*freed_by_the_pool' >"$TMP/others"
cases special >"$TMP/special"
cases check >"$TMP/check"
cases kept >"$TMP/kept"
cases kept_watched >"$TMP/watched"
cases frames_check >"$TMP/frames_check"
cases frames_special >"$TMP/frames_special"
cat "$TMP/special" "$TMP/special" "$TMP/others" "$TMP/others" "$TMP/check" \
	"$TMP/kept" "$TMP/watched" "$TMP/watched" "$TMP/frames_check" \
	"$TMP/frames_special" >"$TMP/all"
ktap_set_plan $(($(wc -l <"$TMP/all") + 11 + ENDS))

option 'special end tag=TstS slots=16'
run_cases "$TMP/special"
option off
option 'special start tag=TstS slots=16'
echo 1 >/sys/module/rp_test_special/parameters/start
run_cases "$TMP/special"
option off
# What else holds for pool, with all blocks from there.
option special
run_cases "$TMP/others"
_served=$(head_of special)
option off
check "special pool: served them" test "$_served" -gt 100
option 'check tag=TstK'
run_cases "$TMP/check"
option 'check tag=*'
run_cases "$TMP/others"
_held=$(head_of held)
option off
check "check: held them back" test "$_held" -gt 100
option 'policy quarantine'
run_cases "$TMP/kept"
option off
printf 'check tag=TstQ\npolicy quarantine\n' >"$STATS/verifier"
run_cases "$TMP/watched"
option off
printf 'special tag=TstQ\npolicy quarantine\n' >"$STATS/verifier"
run_cases "$TMP/watched"
option off
option 'check tag=Mdl*'
run_cases "$TMP/frames_check"
option off
option 'special tag=Mdl*,TstS'
run_cases "$TMP/frames_special"
option off
unload rp_test_special rp_test_mdl rp_test_pool rp_test
check "special pool: by tag and size" chosen
check "special pool: several lines, and modules" several
check "special pool: outlived by its blocks" outlived
check "special pool: resized" resized
check "special pool: told" told
check "policy: blamed too early" blamed_too_early
check "policy: more kept than remembered" kept_for_ever
load rust_pool && load rp_test_verifier
check "special pool: left behind" left_behind
kmemleak_forget
check "special pool: loads again" load rust_pool verifier='"special tag=*"'
ends
