#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# native.sh [ARGUMENT...]: links rust_pool.ko, as it was built for the kernel, with
# selftests/bench/native into a program, build/native/native, and runs it on this host. It
# prints samples of the fast path, as the measurements in debugfs do. Needs no machine.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

setup_ensure
from=$TOP/selftests/bench/native
to=$TOP/build/native
module=$TOP/rust_pool.ko
[ -f "$module" ] || die "native: there is no rust_pool.ko: make it first"
mkdir -p "$to"

# Symbols of core and of the kernel crate, whose names contain the compiler's version, and
# what kernel.c has for them.
rust='
core3str8converts9from_utf8 native_from_utf8
kernel5error9to_result native_to_result
CString12try_from_fmt native_try_from_fmt
'
# What libc has, under the same names and with the same meaning.
libc='bcmp|memcmp|memcpy|memmove|memset|strcasecmp|strchr|strcmp|strlen|strncmp|strnlen|strrchr'

# symbols OPTION FILE...: names that nm prints with this option
symbols() {
	in_root nm "$@" | awk 'NF > 1 { print $NF }' | LC_ALL=C sort -u
}

link() {
	local aliases=() end name with

	cd "$to"
	# Kernel code aligns the stack to 8 bytes.
	in_root gcc -D_GNU_SOURCE -idirafter "$KERNEL_DIR/source/include" \
		-O2 -Wall -fno-pie -fno-stack-protector -fcf-protection=none \
		-mincoming-stack-boundary=3 -c "$from/kernel.c" "$from/native.c"
	symbols --undefined-only "$module" >wanted
	symbols --defined-only kernel.o >there
	while read -r end with; do
		[ -n "$end" ] || continue
		while read -r name; do
			aliases+=("-Wl,--defsym=$name=$with")
			echo "$name" >>there
		done < <(grep "^_R.*$end\$" wanted)
	done <<<"$rust"
	LC_ALL=C sort -u -o there there
	LC_ALL=C comm -23 wanted there | grep -vxE "$libc" | awk '{
		print ".globl " $1
		print $1 ": push %rbp; lea 1f(%rip), %rdi; jmp native_missing"
		print "1: .asciz \"" $1 "\""
	}' >stubs.s
	in_root gcc -c stubs.s
	# A process has no half of addresses with its upper bit set, but its lowest 2 GiB do for
	# code that was compiled for the kernel's highest.
	in_root gcc -static -no-pie -o native native.o kernel.o stubs.o "$module" \
		-Wl,-T,"$from/layout.ld" -Wl,--strip-debug -Wl,-z,noexecstack -Wl,--no-warnings \
		"${aliases[@]}"
}

step "linking rust_pool.ko into a program" "see $from" link
exec "$to/native" "$@"
