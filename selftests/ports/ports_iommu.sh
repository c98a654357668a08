#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The drivers of ports.sh behind an IOMMU, where a bus address is not a physical one.
# vm-cmdline: no_hash_pointers intel_iommu=on iommu=nopt
# vm-args: -machine kernel-irqchip=split -device intel-iommu
# vm-args: -device pcie-root-port,id=rp0,chassis=1 -device pcie-pci-bridge,id=br0,bus=rp0
# vm-args: -device edu,bus=br0,addr=1 -device edu,bus=br0,addr=2

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
need_edu
[ -e "$EDU/iommu" ] || skip_all "edu is not behind an IOMMU"
# shellcheck source=selftests/ports/ports.sh
. "$DIR/ports/ports.sh"
