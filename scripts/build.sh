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
	MAKEFLAGS=$CALLER_MAKEFLAGS exec make -C "$KDIR" M="$dir" "$@"
fi

# Kbuild's own variables, which the caller may have in the environment or, as
# make hands them on, on make's command line.
pass=()
for name in V W INSTALL_MOD_PATH INSTALL_MOD_DIR INSTALL_MOD_STRIP; do
	[ -z "${!name:-}" ] || pass+=("$name=${!name}")
done

visible=$dir
if [ "${1:-}" = modules_install ]; then
	mkdir -p "${INSTALL_MOD_PATH:-}/lib/modules"
	visible=$visible:$(realpath "${INSTALL_MOD_PATH:-/lib/modules}")
fi

setup_ensure
# BTF would be made from a vmlinux, which the tree has not got, and does not need.
VISIBLE=$visible in_root make --no-print-directory -C "$KERNEL_BUILD" M="$dir" "${KERNEL_MAKE[@]}" \
	CONFIG_DEBUG_INFO_BTF_MODULES= "${pass[@]}" -j "$JOBS" "$@"
