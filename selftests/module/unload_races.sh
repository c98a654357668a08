#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What comes and goes while others are at work: clients, rust_pool, the device,
# processors. Either it is refused, or it is clean. Pages that are freed are
# poisoned, and looked at when they are given out again.
# vm-cmdline: no_hash_pointers page_poison=1
# vm-smp: 4

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

REPORT='rust_pool: DRIVER_VERIFIER_DETECTED_VIOLATION \(0xc4\): 0x62'
CPUS=/sys/devices/system/cpu
CHURN=/sys/module/rp_test_churn/parameters

# On the debug kernel to come and to go take longer.
case $(uname -r) in
*-debug)
	ROUNDS=1
	MANY='1 2 3'
	DELAYS='0 20 50 100 400' ;;
*)
	ROUNDS='1 2 3'
	MANY='1 2 3 4 5 6 7 8 9 10'
	DELAYS='0 5 10 15 20 25 30 35 40 45 50 60 70 80 90 100' ;;
esac

more_than() {
	[ "$(cat "$1")" -gt "$2" ]
}

churns() {
	_before=$(cat $CHURN/rounds)
	eventually more_than $CHURN/rounds "$_before"
	_after=$(cat $CHURN/rounds)
	_errors=$(cat $CHURN/errors)
	[ "$_after" -gt "$_before" ] && [ "$_errors" -eq 0 ] && return
	echo "# churn: rounds $_before to $_after, errors $_errors"
	return 1
}

churn_stops() {
	_rounds=$(cat $CHURN/rounds)
	unload rp_test_churn || return 1
	not_logged 'rp_test_churn: .* errors' || return 1
	echo "# $_rounds blocks"
}

# Nothing is live but what a test has leaked, of tags Ring and Big1.
idle() {
	no_tag_live 'Ring|Big1' && no_family_live
}

# all_rounds COUNT: is that as many as there should have been?
all_rounds() {
	[ "$1" -eq "$(echo "$ROUNDS" | wc -w)" ] && return
	echo "# only $1 rounds were done"
	return 1
}

# Readers of all files, until readers_stop.
readers_start() {
	rm -f "$TMP/stop"
	for _ in 1 2; do
		while [ ! -e "$TMP/stop" ]; do
			cat "$STATS"/* "$STATS"/reports/* >/dev/null 2>&1
		done &
	done
}

readers_stop() {
	touch "$TMP/stop"
	wait
}

refused_while_allocating() {
	load rp_test_churn || return 1
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		! rmmod rust_pool 2>/dev/null || return 1
	done
	churns && churn_stops && idle
}

goes_while_allocating() {
	log_mark "client goes"
	for _ in $ROUNDS; do
		load rp_test_churn || return 1
		churns && churn_stops && idle || return 1
	done
	not_logged "$REPORT"
}

others_come_and_go() {
	load rp_test_churn || return 1
	log_mark "others"
	for _ in $MANY; do
		insmod "$(module_file rp_test_leak)" used=1 &&
			rmmod rp_test_leak || return 1
	done
	churns && churn_stops && not_logged "$REPORT" && idle
}

held_open() {
	load rp_test_churn || return 1
	exec 3<"$STATS/tags" 4<"$STATS/contiguous" 5<"$STATS/violations"
	read -r _line <&3 && read -r _line <&4 && read -r _line <&5 || return 1
	churns && churn_stops || return 1
	for _fd in 3 4 5; do
		cat <&$_fd >"$TMP/rest" || return 1
	done
	! rmmod rust_pool 2>/dev/null || return 1
	exec 3<&- 4<&- 5<&-
	no_family_live
}

read_while_clients_go() {
	_done=0
	readers_start
	for _ in $ROUNDS; do
		load rp_test_churn || break
		insmod "$(module_file rp_test_leak)" used=1 bad_free=1 || break
		rmmod rp_test_leak || break
		churns || break
		churn_stops || break
		_done=$((_done + 1))
	done
	readers_stop
	all_rounds $_done && idle
}

bound_while_allocating() {
	load rp_test_churn && load dma_demo && [ -e "$EDU/driver" ] || return 1
	_done=0
	readers_start
	for _ in $ROUNDS; do
		! rmmod rust_pool 2>/dev/null || break
		echo "${EDU##*/}" >"$EDU/driver/unbind" || break
		echo "${EDU##*/}" >/sys/bus/pci/drivers/dma_demo/bind || break
		[ -e "$EDU/driver" ] || break
		_done=$((_done + 1))
	done
	! rmmod rust_pool 2>/dev/null && unload dma_demo && churns && churn_stops
	_status=$?
	readers_stop
	all_rounds $_done && [ $_status -eq 0 ] && [ ! -e "$EDU/driver" ] && idle
}

# set_cpu NUMBER 0|1
set_cpu() {
	echo "$2" >"$CPUS/cpu$1/online" && [ "$(cat "$CPUS/cpu$1/online")" = "$2" ]
}

cpus_come_and_go() {
	load rp_test_churn || return 1
	for _ in $ROUNDS; do
		for _cpu in 1 2 3; do
			set_cpu $_cpu 0 && churns || return 1
		done
		for _cpu in 3 1 2; do
			set_cpu $_cpu 1 && churns || return 1
		done
	done
	# What they counted stays counted.
	churn_stops && idle
}

# Loaded, used and gone while a processor is not there, or only then.
loaded_without_a_cpu() {
	unload rust_pool && set_cpu 3 0 && load rust_pool &&
		load rp_test_churn && churns && set_cpu 3 1 && churns &&
		set_cpu 2 0 && churns && churn_stops && idle || return 1
	unload rust_pool && set_cpu 2 1 && set_cpu 1 0 && set_cpu 1 1 &&
		load rust_pool
}

# Of the two one loses; nothing must hang or stay behind. Where a client takes longer to
# come than the longest of the delays, they are doubled.
client_and_pool_at_once() {
	_refused=0
	_came=0
	_leak=$(module_file rp_test_leak)
	_tries=0
	_delays=$DELAYS
	while [ -n "$_delays" ]; do
		_ms=${_delays%% *}
		_delays=${_delays#"$_ms"}
		_delays=${_delays# }
		_tries=$((_tries + 1))
		insmod "$_leak" used=1 2>/dev/null &
		usleep "${_ms}000"
		if rmmod rust_pool 2>/dev/null; then
			LOADED=rp_test
		else
			_refused=$((_refused + 1))
		fi
		# It is refused only if rust_pool was gone.
		if wait $!; then
			_came=$((_came + 1))
		elif loaded rust_pool; then
			echo "# the client was refused after $_ms ms"
			return 1
		fi
		! loaded rp_test_leak || rmmod rp_test_leak || return 1
		loaded rust_pool || load rust_pool || return 1
		[ -n "$_delays" ] || [ $_came -gt 0 ] || [ "$_ms" -gt 60000 ] ||
			_delays=$((2 * _ms))
	done
	echo "# refused $_refused of $_tries, the client came $_came times"
	[ $_came -gt 0 ] && idle
}

leaks_while_others_allocate() {
	_common=0
	[ -z "$EDU" ] || _common=1
	load rp_test_churn || return 1
	log_mark "leaks"
	insmod "$(module_file rp_test_leak)" small=3 large=2 contiguous=1 \
		noncached=1 common=$_common && rmmod rp_test_leak || return 1
	churns && churn_stops || return 1
	logged "$REPORT, 0x0, 0x0, 0x$((7 + _common)):" &&
		logged 'leaked tag Ring Nonp: 3 blocks, 300 bytes' &&
		logged 'leaked tag Big1 Paged: 2 blocks, 20000 bytes' &&
		not_logged 'leaked tag Chr' && no_tag_live 'Ring|Big1'
}

rmmod_quietly() {
	rmmod "$1" 2>/dev/null
}

# The pool goes under readers, and leaves what was leaked alone.
goes_with_leaks() {
	dmesg | sed -n 's/.*leaking \(small\|large\) at \(0x[0-9a-f]*\).*/\2/p' >"$TMP/where"
	[ "$(wc -l <"$TMP/where")" -eq 5 ] || return 1
	log_mark "goes"
	readers_start
	eventually rmmod_quietly rust_pool
	readers_stop
	! loaded rust_pool || return 1
	LOADED=rp_test
	load rust_pool && load rp_test_churn && churns && churn_stops || return 1
	logged 'leaked tag Ring Nonp: 3 blocks' || return 1
	while read -r _where; do
		insmod "$(module_file rp_test_leak)" look="$_where" &&
			rmmod rp_test_leak || return 1
	done <"$TMP/where"
	idle
}

begin rp_test rp_test_churn rp_test_leak dma_demo
[ -e "$CPUS/cpu3/online" ] || skip_all "needs four processors that may go offline"
load_or_fail rust_pool rp_test
find_edu
ktap_set_plan $((11 + ENDS))

check "rust_pool refuses to go while a client allocates" refused_while_allocating
check "a client goes while it allocates" goes_while_allocating
check "clients come and go while another allocates" others_come_and_go
check "files held open while a client goes" held_open
check "files read while clients go" read_while_clients_go
if [ -n "$EDU" ]; then
	check "the device bound and unbound meanwhile" bound_while_allocating
else
	ktap_test_skip "the device bound and unbound meanwhile"
fi
check "processors come and go" cpus_come_and_go
check "loaded and unloaded without a processor" loaded_without_a_cpu
check "a client comes while rust_pool goes" client_and_pool_at_once
check "a client leaks while another allocates" leaks_while_others_allocate
check "rust_pool goes, leaks and readers or not" goes_with_leaks
ends
