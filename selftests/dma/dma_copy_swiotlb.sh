#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Buffers of programs, which dma_demo's device copies: with all of them bounced by
# the kernel. Its memory for that has to be where the device reaches, as it is if only 256
# MiB are below 4 GiB.
# vm-kernel: stock
# vm-cmdline: no_hash_pointers swiotlb=2048,force
# vm-args: -icount shift=1,sleep=off
# vm-args: -machine max-ram-below-4g=256M
# vm-mem: 1G
# vm-smp: 1

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/dma/copy_cases.sh
. "$DIR/dma/copy_cases.sh"

grep -q 'swiotlb=[0-9,]*force' /proc/cmdline ||
	skip_all "nothing is bounced: boot with swiotlb=force"
begin_copies
ktap_set_plan $((COPIES + ENDS))
run_copies
ends
