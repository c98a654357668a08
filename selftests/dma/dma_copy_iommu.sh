#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Buffers of programs, which dma_demo's device copies: behind an IOMMU, which makes
# pages adjacent for the device. Two devices have a file each.
# vm-cmdline: no_hash_pointers intel_iommu=on iommu=nopt
# vm-args: -icount shift=1,sleep=off
# vm-args: -machine kernel-irqchip=split -device intel-iommu -device edu
# vm-smp: 1

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/dma/copy_cases.sh
. "$DIR/dma/copy_cases.sh"

each_has_a_file() {
	_files=0
	for _file in /dev/dma_demo.*; do
		"$COPY" "$_file" copy 9000 1 2 || return 1
		_files=$((_files + 1))
	done
	[ $_files -eq 2 ]
}

need_edu
case $(cat "$EDU/iommu_group/type" 2>/dev/null) in
DMA*) ;;
*) skip_all "edu is not behind an IOMMU that translates" ;;
esac
begin_copies
ktap_set_plan $((1 + COPIES + ENDS))
check "each device has a file" each_has_a_file
# The other one would not let the counters come to 0.
for _other in /sys/bus/pci/drivers/dma_demo/0000:*; do
	[ "${_other##*/}" = "$DEVICE" ] || echo "${_other##*/}" >/sys/bus/pci/drivers/dma_demo/unbind
done
run_copies
ends
