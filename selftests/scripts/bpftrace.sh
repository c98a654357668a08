#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The bpftrace scripts of Documentation/examples/bpftrace, run by Debian's bpftrace in one
# machine on a client whose allocations and frees are known.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/programs.sh
. "$TOP/scripts/programs.sh"

SCRIPTS=$TOP/Documentation/examples/bpftrace

# bpftrace with all that it loads, in $WORK/bpf.
gather() {
	mkdir "$WORK/bpf" && cp "$BPFTRACE_DIR/usr/bin/bpftrace" "$WORK/bpf/" &&
		libraries_to "$WORK/bpf" "$BPFTRACE_DIR" "$BPFTRACE_DIR/usr/bin/bpftrace"
}

boot() {
	make -s -C "$TOP" client M=selftests/test_modules || return
	cat >"$WORK/act" <<-'END'
	for act in ${ACTS:-allocate free many allocate violate}; do
		echo $act >/sys/module/rp_test_traced/parameters/go || echo "FAILED: $act"
	done
	END
	cat >"$WORK/run.sh" <<-'END'
	# run SCRIPT ARGUMENT...
	run() {
		echo "== $*"
		script=$1
		shift
		bpf/ld-linux-x86-64.so.2 --library-path bpf bpf/bpftrace \
			-c "/bin/busybox sh /root/act" "bpftrace/$script.bt" "$@" 2>&1
		echo free >/sys/module/rp_test_traced/parameters/go
	}
	dmesg -n 1
	insmod rust_pool.ko && insmod rp_test_traced.ko || exit
	for script in bytes sizes lifetime latency violations; do
		run $script
	done
	run bytes Trac
	run sizes None
	for script in bytes lifetime; do
		sed -i 's/max_map_keys = 65536/max_map_keys = 128/' "bpftrace/$script.bt"
		ACTS="hold drop" run $script Trac Few
	done
	echo "== end"
	END
	FILES="$WORK/bpf $SCRIPTS $WORK/act $TOP/selftests/test_modules/rp_test_traced.ko" MEM=2G \
		TIMEOUT=1200 STEP='^== ' STEP_TIMEOUT=300 VM_LOGS=$WORK/logs \
		"$TOP/scripts/vm.sh" "$WORK/run.sh" >"$WORK/out" 2>&1
	# Where there are more blocks than keys, bpftrace says so for each of them.
	grep -x '== end' "$WORK/out" && ! grep -v 'WARNING: Map full' "$WORK/out" |
		grep -E 'FAILED|ERROR|WARNING|not traceable' && return
	tail -n 100 "$WORK/out"
	return 1
}

# part SCRIPT ARGUMENT...: what it printed
part() {
	awk -v head="== $*" '/^== / { on = $0 == head; next } on' "$WORK/out"
}

# stacks WHAT FUNCTION [TAG]: the numbers at the end of the stacks with this function
stacks() {
	awk -v map="@$1[${3:-Trac}," -v name="$2" '
		index($0, "@") == 1 { on = index($0, map) == 1; found = 0 }
		on && $1 ~ "^" name "[+]" { found = 1 }
		on && found && /^\]: / { print $2; on = 0 }' "$WORK/part" | sort -n | xargs
}

is() {
	[ "$1" = "$2" ] && return
	echo "\"$1\" in place of \"$2\""
	return 1
}

# The client allocates twice what it frees once.
bytes() {
	part bytes >"$WORK/part"
	is "$(stacks allocated get_pool)" '200 400 600 16384 16777216' &&
		is "$(stacks not_freed get_pool)" '100 200 300 8192 8388608' &&
		is "$(stacks allocated get_pages -)" '10000 12000 24576' &&
		is "$(stacks not_freed get_pages -)" '5000 6000 12288' &&
		is "$(stacks not_freed get_pages Mdl)" 72 &&
		is "$(stacks allocated many)" 100000 && is "$(stacks not_freed many)" '' &&
		is "$(stacks not_freed break_rules)" '' && return
	cat "$WORK/part"
	return 1
}

bytes_of_a_tag() {
	part bytes Trac >"$WORK/part"
	is "$(stacks not_freed get_pool)" '100 200 300 8192 8388608' &&
		is "$(grep '^@' "$WORK/part" | grep -v '\[Trac,')" ''
}

# row MAP RANGE: the count of this row of a histogram
row() {
	awk -v map="@$1:" -v range="$2" '
		index($0, "@") == 1 { on = $0 == map }
		on && index($0, range) == 1 { print $3 }' "$WORK/part"
}

# all MAP: the sum of the counts of a histogram
all() {
	awk -v map="@$1:" '
		index($0, "@") == 1 { on = $0 == map }
		on && /^\[/ { sum += /, \.\.\.\)/ ? $2 : $3 }
		END { print 0 + sum }' "$WORK/part"
}

# More blocks at a time than there are keys.
counts_what_it_leaves_out() {
	local script left

	for script in bytes lifetime; do
		part $script Trac Few >"$WORK/part"
		left=$(awk '/^@not_recorded\[blocks\]: / { print $2 }' "$WORK/part")
		[ "${left:-0}" -gt 800 ] && [ "$left" -lt 1011 ] && continue
		cat "$WORK/part"
		return 1
	done
	part bytes >"$WORK/part"
	! grep not_recorded "$WORK/part"
}

sizes() {
	part sizes >"$WORK/part"
	is "$(row 'bytes[Trac]' '[64, 128)')" 1003 && is "$(row 'bytes[Trac]' '[8M, 16M)')" 2 &&
		is "$(all 'bytes[Trac]')" 1011 && grep -x '@wasted\[Trac\]: 28300' "$WORK/part" &&
		part sizes None >"$WORK/part" && is "$(grep '^@' "$WORK/part")" '' && return
	cat "$WORK/part"
	return 1
}

lifetime() {
	part lifetime >"$WORK/part"
	is "$(all 'us[Trac]')" 1006 && is "$(all 'us[-]')" 4 && is "$(all 'us[Mdl]')" 1 &&
		grep -x 'not freed: 10 blocks' "$WORK/part" && return
	cat "$WORK/part"
	return 1
}

latency() {
	part latency >"$WORK/part"
	is "$(all 'ns[Trac, many]')" 1000 && is "$(all 'ns[Trac, get_pool]')" 10 &&
		is "$(all 'ns[-, get_buffer]')" 2 &&
		awk '/^@slowest_ns\[Trac, get_pool\]: / && $3 >= 10000 { found = 1 }
			END { exit !found }' "$WORK/part" && return
	cat "$WORK/part"
	return 1
}

violations() {
	part violations >"$WORK/part"
	is "$(grep -c '^[0-9:]* 0xc2: .* module rp_test_traced$' "$WORK/part")" 3 &&
		is "$(grep -c '^ *break_rules+' "$WORK/part")" 3 &&
		grep '0xc2: 0xa .* tag Trac, module' "$WORK/part" && return
	cat "$WORK/part"
	return 1
}

if ! programs_can "$BPFTRACE_DIR" 20 "${BPFTRACE_PACKAGES[@]}"; then
	echo "ok bpftrace # SKIP bpftrace cannot be fetched: is there a network?"
	exit
fi
check "bpftrace finds its libraries" gather
check "all scripts run" boot
check "bytes by tag and stack, and what is not freed" bytes
check "bytes of one tag" bytes_of_a_tag
check "blocks that are left out are counted" counts_what_it_leaves_out
check "sizes" sizes
check "lifetimes" lifetime
check "how long allocations take" latency
check "violations with their stacks" violations
