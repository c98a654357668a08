#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What special pool says when the kernel dies of an access to it.
# vm-own: each test kills a kernel thread, after which lockdep stays off

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/control.sh
. "$DIR/lib/control.sh"

COMPLAINTS='BUG: |WARNING:|KASAN: |UBSAN|ODEBUG|(possible|inconsistent).*lock|scheduling while'

# make MISTAKE: of which a kernel thread dies; and nothing else goes wrong with it
make() {
	log_mark "$1"
	echo "rust_pool-selftest: expect begin" >/dev/kmsg
	echo "$1" >/sys/module/rp_test_fault/parameters/run
	echo "rust_pool-selftest: expect end" >/dev/kmsg
	log_since | grep -E "$COMPLAINTS" >"$TMP/complaints"
	grep -q 'unable to handle page fault' "$TMP/complaints" &&
		[ "$(wc -l <"$TMP/complaints")" -eq 1 ] && return
	sed 's/^/# log: /' "$TMP/complaints"
	return 1
}

# dies MISTAKE CODE WRITE TEXT PLACE [FREED]: the violation, in the log and in the file
dies() {
	make "$1" || return 1
	logged "rust_pool: [A-Z_]* \($2\): 0x[0-9a-f]{16}, $3, 0x[0-9a-f]{16}, 0x0: $4, tag Fult, at (write|read)_record[^ +]*\+" &&
		logged "rust_pool:   $5 100 bytes: block 0x[0-9a-f]{16}, tag Fult Nonp\$" &&
		logged 'rust_pool:   allocated by make_record\+.*\[rp_test_fault\] < mistake\+' &&
		tail -n 1 "$STATS/violations" |
		grep -qE " $2 0x[0-9a-f]{16} $3 .* rp_test_fault Fult (write|read)_record[^ ]* .rp_test_fault. $4\$" || return 1
	[ -z "$6" ] || logged 'rust_pool:   freed by free_record\+.*\[rp_test_fault\] < mistake\+'
}

# The instruction is in the block itself, and no function's.
dies_of_a_jump() {
	make "freed jump" || return 1
	logged "rust_pool: [A-Z_]* \(0xcc\): (0x[0-9a-f]{16}), 0x0, \1, 0x0: $FREED, tag Fult, at" &&
		logged "rust_pool:   byte 0 of its 100 bytes: block 0x[0-9a-f]{16}, tag Fult Nonp\$" &&
		logged 'rust_pool:   freed by free_record\+.*\[rp_test_fault\] < mistake\+'
}

# Of an MDL, by who fills in its frames.
dies_of_frames() {
	make frames || return 1
	logged "rust_pool: [A-Z_]* \(0xcd\): 0x[0-9a-f]{16}, 0x1, 0x[0-9a-f]{16}, 0x0: $BEHIND, tag Mdl , at write_frames[^ +]*\+" &&
		logged 'rust_pool:   .* its 64 bytes: block 0x[0-9a-f]{16}, tag Mdl  Nonp$' &&
		logged 'rust_pool:   allocated by make_mdl\+.*\[rp_test_fault\] < mistake'
}

# Neither is a fault of special pool's.
others_not_told() {
	[ "$(tail -n +4 "$STATS/violations" | wc -l)" = "$1" ]
}

begin rp_test_fault
load_or_fail rust_pool rp_test_fault
# The tests provoke what else would be the machine's end.
echo 0 >/proc/sys/kernel/panic_on_oops
ktap_set_plan 11

BEHIND='access behind the end of a block of special pool'
BEFORE='access before the start of a block of special pool'
FREED='access to a block of special pool that was freed'
option 'special end tag=Fu*'
check "overrun: write" dies behind 0xcd 0x1 "$BEHIND" '12 bytes after the end of its'
check "overrun: read" dies 'behind read' 0xcd 0x0 "$BEHIND" '12 bytes after the end of its'
check "use after free: write" dies freed 0xcc 0x1 "$FREED" 'byte 40 of its' freed
check "use after free: read" dies 'freed read' 0xcc 0x0 "$FREED" 'byte 8 of its' freed
check "use after free: jump" dies_of_a_jump
option off
option 'special start tag=Fu*'
check "underrun: write" dies before 0xcd 0x1 "$BEFORE" '20 bytes before the start of its'
check "underrun: read" dies 'before read' 0xcd 0x0 "$BEFORE" 'the last byte before its'
check "use after free at the start of a page" dies freed 0xcc 0x1 "$FREED" 'byte 40 of its' freed
option off
option 'special tag=Mdl*'
check "overrun: frames of an MDL" dies_of_frames
check "nothing but these is told" others_not_told 9
check "$PROGRAM: modules unload" unload_all
kmemleak_forget
ktap_finished
