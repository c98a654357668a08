#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh: boots a virtual machine and shows both modules at work: see demo-guest.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

for module in rust_pool dma_demo; do
	[ -f "$TOP/$module.ko" ] || die "there is no $module.ko: run make"
done
say "booting the kernel in QEMU (about 5 s)"
# It shows addresses.
CMDLINE="no_hash_pointers ${CMDLINE:-}" exec "$TOP/scripts/vm.sh" "$TOP/scripts/demo-guest"
