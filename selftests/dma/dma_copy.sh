#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Buffers of programs, which dma_demo's device copies: without an IOMMU. A transfer
# of edu takes 100 ms of the machine's time, which with this clock pass at once.
# vm-args: -icount shift=1,sleep=off
# vm-smp: 1

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/dma/copy_cases.sh
. "$DIR/dma/copy_cases.sh"

begin_copies
ktap_set_plan $((1 + COPIES + ENDS))
# Where a page is, not every kernel tells.
if [ -e /proc/self/pagemap ]; then
	check "buffers that the device does not reach" copy high
else
	ktap_test_skip "buffers that the device does not reach"
fi
run_copies
ends
