#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh: boots a virtual machine and shows both modules at work: see demo-guest.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

for module in rust_pool dma_demo; do
	[ -f "$TOP/$module.ko" ] || die "there is no $module.ko: run make"
done
setup_ensure
work=$(mktemp -d "${TMPDIR:-/tmp}/rust_pool-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
build_copy "$work"
say "booting the kernel in QEMU (about 5 s)"
# It shows addresses.
FILES="$work/dma_copy" CMDLINE="no_hash_pointers ${CMDLINE:-}" \
	"$TOP/scripts/vm.sh" "$TOP/scripts/demo-guest"
