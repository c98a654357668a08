#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sets up the toolchain and the stock kernel, or does nothing if both are there.
# UPDATE=1 looks in the package index for a newer kernel.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

setup_ensure
say "toolchain: $(toolchain_in_place && echo "this system's own" || echo "$ROOT")"
say "kernel: $KERNEL_ABI, $KERNEL_BUILD"
