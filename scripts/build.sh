#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh DIR [TARGET or VARIABLE=VALUE...]: builds the modules in DIR by Kbuild: if KDIR
# is given, for that kernel tree and with the caller's compiler, else for the stock kernel
# with the toolchain that built it.

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

# Variables of Kbuild that are passed on. The caller may have set them in the environment,
# or on make's command line, which make exports.
pass=()
for name in V W; do
	[ -z "${!name:-}" ] || pass+=("$name=${!name}")
done

setup_ensure
build_lock "$dir"
# Make no BTF: that needs a vmlinux, which the tree does not have.
VISIBLE=$dir in_root make --no-print-directory -C "$KERNEL_BUILD" M="$dir" "${KERNEL_MAKE[@]}" \
	CONFIG_DEBUG_INFO_BTF_MODULES= "${pass[@]}" -j "$JOBS" "$@"
