#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Adapters and common buffers behind an IOMMU, where a bus address is not a
# physical one and a buffer need not be contiguous in memory.
# vm-cmdline: no_hash_pointers intel_iommu=on iommu=nopt
# vm-args: -machine kernel-irqchip=split -device intel-iommu -device pcie-root-port,id=rp0,chassis=1 -device pcie-pci-bridge,id=br0,bus=rp0 -device edu,bus=br0,addr=1 -device edu,bus=br0,addr=2

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_edu
[ -e "$EDU/iommu" ] || skip_all "edu is not behind an IOMMU"
run_suites rp_test_dma dma
