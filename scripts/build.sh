#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh DIR [TARGET or VARIABLE=VALUE...]: Kbuild for the modules in DIR,
# against the tree in KDIR with whatever compiler the caller has, or else against
# the stock kernel with the toolchain that built it.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

dir=$(realpath -e "$1") || die "no directory $1 to build"
shift

if [ -n "${KDIR:-}" ]; then
	[ -f "$KDIR/Makefile" ] || die "KDIR=$KDIR is no kernel build tree"
	exec make -C "$KDIR" M="$dir" -j "$JOBS" "$@"
fi

setup_ensure
# BTF would be made from a vmlinux, which the tree has not got, and does not need.
VISIBLE=$dir in_root make --no-print-directory -C "$KDIR" M="$dir" CC="$KERNEL_CC" \
	CONFIG_DEBUG_INFO_BTF_MODULES= ${V:+V="$V"} -j "$JOBS" "$@"
