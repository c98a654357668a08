#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Adapters and common buffers behind an IOMMU, where a bus address is not a
# physical one and a buffer need not be contiguous in memory.
# vm-cmdline: no_hash_pointers intel_iommu=on iommu=nopt
# vm-args: -machine kernel-irqchip=split -device intel-iommu -device pcie-root-port,id=port,chassis=1 -device pcie-pci-bridge,id=bridge,bus=port -device edu,bus=bridge,addr=1 -device edu,bus=bridge,addr=2

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_edu
[ -e "$EDU/iommu" ] || skip_all "edu is not behind an IOMMU"
run_suites rp_test_dma dma
