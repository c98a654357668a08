#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh DIR [TARGET or VARIABLE=VALUE...]: Kbuild for the modules in DIR,
# against the tree in KDIR with whatever compiler the caller has, or else against
# the stock kernel with the toolchain that built it.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

dir=$(realpath -e "$1") || die "no directory $1 to build"
need_plain "the directory to build" "$dir"
shift

if [ -n "${KDIR:-}" ]; then
	need_plain KDIR "$KDIR"
	[ -f "$KDIR/Makefile" ] || die "KDIR=$KDIR is no kernel build tree"
	if [ "${1:-}" != clean ]; then
		unfit=$("$TOP/scripts/kernel-fit.sh" "$KDIR") || die "KDIR=$KDIR $unfit"
	fi
	build_lock "$dir"
	MAKEFLAGS=$CALLER_MAKEFLAGS exec make -C "$KDIR" M="$dir" "$@"
fi

# Kbuild's own variables, which the caller may have in the environment or, as
# make hands them on, on make's command line.
pass=()
for name in V W; do
	[ -z "${!name:-}" ] || pass+=("$name=${!name}")
done

setup_ensure
build_lock "$dir"
# BTF would be made from a vmlinux, which the tree has not got, and does not need.
VISIBLE=$dir in_root make --no-print-directory -C "$KERNEL_BUILD" M="$dir" "${KERNEL_MAKE[@]}" \
	CONFIG_DEBUG_INFO_BTF_MODULES= "${pass[@]}" -j "$JOBS" "$@"
