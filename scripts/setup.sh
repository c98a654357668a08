#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sets up the toolchain, the stock kernel and what poolmon is built with, or does nothing if
# all are there.
# UPDATE=1 looks in the package index for a newer kernel.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
# shellcheck source=scripts/cargo.sh
. "$TOP/scripts/cargo.sh"

setup_ensure
say "toolchain: $(toolchain_in_place && echo "this system's own" || echo "$ROOT")"
say "kernel: $KERNEL_ABI, $KERNEL_BUILD"
# The modules need no crates, so a system that cannot reach a registry of them is set up.
if cargo_can; then
	say "crates of poolmon: $CARGO_DIR"
else
	say "crates of poolmon: cannot be fetched, so it is not built or tested; make poolmon says why"
fi
