#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What is done later holds up nobody: no module that comes or goes, no callback
# of the kernel that frees or puts, no allocation while memory is short.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

LATER=/sys/module/rp_test_later/parameters
REPORT='rust_pool: DRIVER_VERIFIER_DETECTED_VIOLATION \(0xc4\): 0x62'

# in_time COMMAND...: ends within two minutes; else it goes on in the background
in_time() {
	rm -f "$TMP/ended"
	{
		"$@"
		echo $? >"$TMP/ended"
	} &
	_tries=0
	until [ -s "$TMP/ended" ]; do
		_tries=$((_tries + 1))
		if [ $_tries -gt 1200 ]; then
			echo "# hangs: $*"
			return 1
		fi
		sleep 0.1
	done
	return "$(cat "$TMP/ended")"
}

another_comes_and_goes() {
	insmod "$(module_file rp_test_leak)" used=1 && rmmod rp_test_leak
}

beside_a_slow_release() {
	log_mark "slow release"
	echo 1 >$LATER/slow || return 1
	in_time another_comes_and_goes
	_status=$?
	in_time eval "echo 0 >$LATER/slow" || return 1
	[ $_status -eq 0 ] && not_logged "$REPORT"
}

# Another's unload has no more to do because others free: it takes few of their rounds. If it
# waited for them, there would be thousands.
beside_a_flood() {
	log_mark "flood"
	_before=$(cat $LATER/flood)
	echo 1 >$LATER/flood || return 1
	in_time another_comes_and_goes && in_time another_comes_and_goes
	_status=$?
	_rounds=$(($(cat $LATER/flood) - _before))
	until [ "$(cat $LATER/flood)" -gt $((_before + 4)) ]; do
		sleep 1
	done
	in_time eval "echo 0 >$LATER/flood" || return 1
	echo "# $_rounds rounds of the flood meanwhile"
	[ $_status -eq 0 ] && [ $_rounds -le 1000 ] && not_logged "$REPORT" && given_back && no_family_live
}

waiting_blocks() {
	sed -n 's/^# deferred .*: \([0-9]*\) blocks.*/\1/p' "$STATS/memory" |
		awk '{ sum += $1 } END { print sum + 0 }'
}

given_back() {
	_tries=0
	until [ "$(waiting_blocks)" -eq 0 ]; do
		_tries=$((_tries + 1))
		if [ $_tries -gt 60 ]; then
			grep '^# deferred' "$STATS/memory"
			return 1
		fi
		sleep 1
	done
}

# A module goes while others are busy with a device that needs it: when it is gone, nobody is.
guest_awaited() {
	insmod "$(module_file rp_test_guest)" what="$1" && in_time rmmod rp_test_guest
	_status=$?
	_awaited=$(cat $LATER/guest)
	in_time eval "echo 0 >$LATER/guest" || return 1
	echo "# awaited: $_awaited"
	[ $_status -eq 0 ] && [ "$_awaited" -eq 1 ] && not_logged "$SPLAT"
}

# guest_check NAME NUMBER: of an enum guest, if this kernel can have it
guest_check() {
	log_mark "guest $2"
	case " $(cat $LATER/guests) " in
	*" $2 "*)
		check "$1" guest_awaited "$2" ;;
	*)
		ktap_test_skip "$1" ;;
	esac
}

shrinks() {
	_before=$(cat $LATER/shrinker)
	echo 1 >$LATER/shrinker || return 1
	in_time "$@"
	_status=$?
	in_time eval "echo 0 >$LATER/shrinker" || return 1
	_calls=$(($(cat $LATER/shrinker) - _before))
	echo "# the shrinker was called $_calls times"
	[ $_status -eq 0 ] && [ $_calls -gt 0 ] && given_back && no_family_live
}

drop_slab() {
	for _ in 1 2 3; do
		echo 2 >/proc/sys/vm/drop_caches || return 1
	done
}

# The kernel holds itself for short of memory, so kswapd goes on calling shrinkers.
short_of_memory() {
	_min=$(cat /proc/sys/vm/min_free_kbytes)
	_free=$(awk '/^MemFree/ { print $2 }' /proc/meminfo)
	echo $((_free * 85 / 100)) >/proc/sys/vm/min_free_kbytes || return 1
	_status=0
	for _ in 1 2 3 4 5; do
		head -c 4194304 /dev/zero >"$TMP/more"
		another_comes_and_goes || _status=1
		rm "$TMP/more"
	done
	echo "$_min" >/proc/sys/vm/min_free_kbytes && return $_status
}

noncached_given() {
	sed -n 's/^# deferred noncached: .* \([0-9]*\) given back .*/\1/p' "$STATS/memory"
}

# Nor where it asks for memory before it kills a process, here one that is there for that.
asked_before_a_kill() {
	_given=$(noncached_given)
	echo 1 >$LATER/short_of_memory || return 1
	echo "rust_pool-selftest: expect begin" >/dev/kmsg
	sleep 120 &
	echo 1000 >/proc/$!/oom_score_adj
	echo f >/proc/sysrq-trigger
	wait $! 2>/dev/null
	echo "rust_pool-selftest: expect end" >/dev/kmsg
	_asked=$(cat $LATER/short_of_memory)
	in_time eval "echo 0 >$LATER/short_of_memory" || return 1
	given_back || return 1
	_given=$(($(noncached_given) - _given))
	echo "# asked and as in reclaim: $_asked; given back later: $_given"
	[ "$_asked" = "1 1" ] && [ $_given -eq 1 ] && no_family_live
}

# Its release() has run when its code goes away: of the device, of its type or class on
# the heap, or given to that later by who got the adapter.
own_release_awaited() {
	log_mark "leaves"
	for _round in 1 2 3 4; do
		insmod "$(module_file rp_test_later)" leave=$_round &&
			in_time rmmod rp_test_later || return 1
		[ "$(log_since | grep -c ' rpt_later released$')" -eq $_round ] || return 1
	done
	not_logged "$REPORT|$SPLAT"
}

# A device that was leaked with an adapter and a buffer needs code, and then memory as well,
# of a module that is gone: nobody may read it or release it any more.
left_alone() {
	for _round in 5 6; do
		log_mark "abandons $_round"
		loaded rust_pool || { load rust_pool && load rp_test; } || return 1
		insmod "$(module_file rp_test_later)" leave=$_round &&
			in_time rmmod rp_test_later || return 1
		logged 'leaked adapter .* rpt_later[0-9]* ' &&
			logged 'leaked common buffer: 1 block, 4096 bytes' &&
			grep -qE '^adapter [^ ]+ \? registers ' "$STATS/adapters" &&
			unload rp_test && unload rust_pool &&
			not_logged 'rpt_later released|no buffer' || return 1
	done
	not_logged "$SPLAT"
}

need_edu
EXTRA=11
begin_suites rp_test_later later
run_cases
check "a module comes and goes beside a slow release()" beside_a_slow_release
check "a module comes and goes beside a flood" beside_a_flood
guest_check "a module that goes waits for who gives back the last buffer of its device" 1
guest_check "a module that goes waits for a release() that another task calls" 2
guest_check "a module that goes waits for a free that uses its device" 3
guest_check "a module that goes waits for a routine of it that got a channel" 4
check "a shrinker frees and allocates when caches are dropped" shrinks drop_slab
check "a shrinker frees and allocates when memory is short" shrinks short_of_memory
check "a notifier frees and allocates before a process is killed" asked_before_a_kill
unload rp_test_later
check "a module that goes has its own release() run" own_release_awaited
check "a device of a module that is gone is left alone" left_alone
ends
