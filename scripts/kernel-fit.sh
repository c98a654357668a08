#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kernel-fit.sh TREE: checks whether rust_pool can be built for the kernel that was built in
# TREE. If not, it fails and prints why, as the end of a sentence that begins with the tree.
# build.sh and our Kbuild call it. RUSTC is the compiler to use.

conf=$1/include/config/auto.conf

unfit() {
	echo "$*"
	exit 1
}

has() {
	grep -qx "CONFIG_$1=y" "$conf"
}

[ -f "$conf" ] ||
	unfit "is not configured and built: there is no include/config/auto.conf (make modules_prepare there)"
if ! has X86_64 || has UML; then
	unfit "is for another machine than x86-64, the only one that rust_pool supports"
fi
! has PREEMPT_RT ||
	unfit "has CONFIG_PREEMPT_RT, which is not supported: its spinlocks sleep, and the pool takes them where sleeping is not allowed"
has RUST ||
	unfit "has no CONFIG_RUST, which rust_pool is built with"
for option in MODULES MODULE_UNLOAD DEBUG_FS PCI CONTIG_ALLOC STACKTRACE KALLSYMS X86_PAT; do
	has "$option" || unfit "has no CONFIG_$option, which rust_pool needs"
done
! has MODVERSIONS ||
	unfit "has CONFIG_MODVERSIONS, which has no versions for what one Rust module exports to another: not supported"
for crate in core kernel; do
	[ -f "$1/rust/lib$crate.rmeta" ] ||
		unfit "has no Rust metadata (rust/lib$crate.rmeta), which Debian's headers packages, too, leave out: name the tree that the kernel was built in"
done

# Metadata can only be read by the very compiler that wrote it.
built=$(sed -n 's/^CONFIG_RUSTC_VERSION_TEXT=//p' "$conf" | tr -d '"')
here=$("${RUSTC:-rustc}" --version 2>/dev/null) ||
	unfit "was built with $built, and ${RUSTC:-rustc} does not run here: name one in RUSTC"
[ "$here" = "$built" ] ||
	unfit "was built with $built, whose metadata $here cannot read: name that compiler in RUSTC"
