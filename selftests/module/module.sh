#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The module itself: loading, unloading, dependencies.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

second_refused() {
	! insmod "$(module_file rust_pool)" 2>/dev/null
}

held_by_client() {
	load rp_test && load rp_test_pool || return 1
	! rmmod rust_pool 2>/dev/null || return 1
	unload rp_test_pool && unload rp_test
}

meminfo() {
	sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo
}

# Has the slab allocator keep nothing in reserve, nor KASAN freed blocks back.
shrink_slabs() {
	for _shrink in /sys/kernel/slab/*/shrink; do
		[ -L "${_shrink%/shrink}" ] || echo 1 >"$_shrink"
	done
}

# On the debug kernel it takes seconds.
case $(uname -r) in
*-debug) TIMES='1 2 3' ;;
*) TIMES='1 2 3 4 5 6 7 8 9 10' ;;
esac

# slab_names: how many slab caches are or seem to be of ours
slab_names() {
	{
		grep rust_pool /proc/slabinfo
		ls /sys/kernel/slab
	} | grep -c rust_pool
}

# memory_as_before KILOBYTES: but for so many of slab. The kernel gives memory back when RCU and
# its workers come to it.
memory_as_before() {
	shrink_slabs
	[ "$(slab_names)" -eq "$_caches" ] &&
		[ "$(meminfo Percpu)" -le $((_percpu + 48)) ] &&
		[ "$(meminfo SUnreclaim)" -le $((_slab + $1)) ]
}

# What many times compare with.
remember_memory() {
	_caches=$(slab_names)
	shrink_slabs
	_percpu=$(meminfo Percpu)
	_slab=$(meminfo SUnreclaim)
}

# Comes and goes without a trace: names free again, memory given back.
many_times() {
	# The kernel keeps a few pages of per-CPU memory that are free.
	unload rust_pool && load rust_pool && unload rust_pool || return 1
	remember_memory
	for _ in $TIMES; do
		load rust_pool && [ -r "$STATS/tags" ] || return 1
		unload rust_pool || return 1
		[ ! -e "$STATS" ] || return 1
	done
	eventually memory_as_before 4096
	_status=$?
	echo "# percpu $_percpu to $(meminfo Percpu) kB, slab $_slab to $(meminfo SUnreclaim) kB"
	[ $_status -eq 0 ] && load rust_pool
}

# The same while the verifier is on: what it has made for itself goes, too.
many_times_verified() {
	load_and_unload() {
		load rust_pool 'verifier="tracking tag=*"' && unload rust_pool
	}
	# The first time may take memory of the kernel for longer.
	unload rust_pool && load_and_unload && load_and_unload || return 1
	remember_memory
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		load_and_unload || return 1
	done
	eventually memory_as_before 160
	_status=$?
	echo "# slab $_slab to $(meminfo SUnreclaim) kB"
	[ $_status -eq 0 ] && load rust_pool
}

machine_goes_on() {
	load rp_test && load rp_test_leak bad_free=1 || return 1
	unload rp_test_leak && unload rp_test || return 1
	logged 'rust_pool: BAD_POOL_CALLER \(0xc2\): 0x46, 0x[0-9a-f]+, .*leak_all\+.*\[rp_test_leak\]'
}

# Whose code it was is known when that is gone, too.
caller_remembered() {
	grep ' 0xc2 0x46 0x' "$STATS/violations" >"$TMP/rows"
	grep -q 'leak_all+.*\[rp_test_leak\]' "$TMP/rows" && return
	sed 's/^/# /' "$TMP/rows"
	return 1
}

# Many at once: all are counted, the log has a few.
log_is_limited() {
	load rp_test && load rp_test_pool || return 1
	log_limit_passes
	_before=$(violations)
	log_mark "many"
	_begin=$(uptime_s)
	cat "$CASES_DIR"/badfree/*twice_in_a_row >"$TMP/case"
	# Ten in each five seconds, and those that it began and ended in.
	_most=$(((($(uptime_s) - _begin) / 5 + 2) * 10))
	[ "$(tail -n 1 "$TMP/case")" = ok ] || return 1
	_lines=$(log_since | grep -c 'rust_pool: BAD_POOL_CALLER')
	echo "# $(($(violations) - _before)) violations, $_lines lines of at most $_most"
	unload rp_test_pool && unload rp_test || return 1
	[ "$_lines" -ge 1 ] && [ "$_lines" -le $_most ]
}

PARAMETERS=/sys/module/rust_pool/parameters

# shows TEXT: the parameters' values, panic_on_violation, magazines and verifier
shows() {
	_values=$(cat $PARAMETERS/panic_on_violation $PARAMETERS/magazines $PARAMETERS/verifier |
		tr '\n' ' ')
	[ "$_values" = "$1 " ] && return
	echo "# parameters: $_values"
	return 1
}

# What holds is shown, and the options are those of now.
parameters_shown() {
	shows 'N N off' && unload rust_pool &&
		load rust_pool panic_on_violation magazines=y 'verifier="tracking tag=A;dma"' &&
		shows 'Y Y tracking tag=A;dma;policy panic # panic_on_violation' &&
		echo 'off;irql' >"$STATS/verifier" &&
		shows 'Y Y irql;policy panic # panic_on_violation' || return 1
	sed 1,3d "$STATS/verifier" >"$TMP/options"
	# Written back it is the same.
	cat "$TMP/options" >"$STATS/verifier" && shows 'Y Y policy panic;irql' &&
		echo off >"$STATS/verifier" && shows 'Y Y policy panic # panic_on_violation' &&
		unload rust_pool && load rust_pool && shows 'N N off' &&
		[ "$(cat /sys/module/rust_pool/version)" = 1.1 ]
}

# As the kernel reads a boolean, and nothing else.
parameters_parsed() {
	unload rust_pool || return 1
	for _value in 1 0 Y N y n on off; do
		load rust_pool panic_on_violation=$_value || return 1
		case $_value in
		1 | [Yy] | on) _want=Y ;;
		*) _want=N ;;
		esac
		shows "$_want N $([ $_want = Y ] && echo 'policy panic # panic_on_violation' ||
			echo off)" && unload rust_pool || return 1
	done
	for _bad in panic_on_violation=2 panic_on_violation=12 panic_on_violation=t \
		panic_on_violation=d magazines=yes magazines= \
		verifier=fial verifier; do
		log_mark "$_bad"
		! insmod "$(module_file rust_pool)" "$_bad" 2>/dev/null && ! loaded rust_pool || return 1
		case $_bad in
		*=2 | *=12 | *=[td]) logged "rust_pool: $_bad: neither on nor off" ;;
		*=fial) logged 'rust_pool: verifier: line 1, "fial": fial: no option' ;;
		esac || return 1
	done
	load rust_pool
}

# Parameters are read while the module comes and goes.
parameters_read_always() {
	(while :; do cat $PARAMETERS/* >/dev/null 2>&1; done) &
	HELPER=$!
	for _ in 1 2 3 4 5 6; do
		unload rust_pool && load rust_pool 'verifier="tracking tag=A"' || return 1
	done
	kill $HELPER
	wait $HELPER 2>/dev/null
	HELPER=
	unload rust_pool && load rust_pool
}

begin rp_test rp_test_pool rp_test_leak
load_or_fail rust_pool
ktap_set_plan $((11 + ENDS))

check "second load refused" second_refused
check "held by its clients" held_by_client
check "a violation is logged and the machine goes on" machine_goes_on
check "its caller is remembered" caller_remembered
check "the log is limited" log_is_limited
check "loads and unloads many times" many_times
check "loads and unloads while it verifies" many_times_verified
check "parameters are shown" parameters_shown
check "parameters are parsed strictly" parameters_parsed
check "parameters are read while it comes and goes" parameters_read_always
check "violations start at none" [ "$(violations)" = 0 ]
ends
