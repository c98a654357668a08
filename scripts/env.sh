# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Sourced by the scripts that need the toolchain and the kernel.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/apt.sh
. "$TOP/scripts/apt.sh"
# shellcheck source=scripts/toolchain.sh
. "$TOP/scripts/toolchain.sh"
# shellcheck source=scripts/kernel.sh
. "$TOP/scripts/kernel.sh"
# shellcheck source=scripts/debug-kernel.sh
. "$TOP/scripts/debug-kernel.sh"

# Are the toolchain and the stock kernel set up?
setup_ready() {
	[ -z "${UPDATE:-}" ] && kernel_cached &&
		{ toolchain_in_place || cache_ok "$ROOT"; }
}

# Sets up the toolchain and the kernel if they are not, and the debug kernel for
# KERNEL=debug.
setup_ensure() {
	if ! setup_ready; then
		cache_lock
		toolchain_ensure
		kernel_ensure
		exec 9>&-
	elif toolchain_in_place; then
		toolchain_host "${TOOLCHAIN_PACKAGES[@]}"
	fi
	case ${KERNEL:-stock} in
	stock) ;;
	debug) debug_ensure ;;
	*) die "KERNEL=$KERNEL: there is stock, which is the default, and debug" ;;
	esac
}
