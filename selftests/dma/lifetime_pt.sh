#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Common buffers whose device goes, with an IOMMU that passes through and all
# streaming DMA bounced.
# vm-cmdline: no_hash_pointers intel_iommu=on iommu=pt iommu.strict=1 swiotlb=force
# vm-args: -machine kernel-irqchip=split -device intel-iommu

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/dma/lifetime_cases.sh
. "$DIR/dma/lifetime_cases.sh"

need_edu
EDU=${EDU##*/}
[ "$(type_of "$EDU")" = identity ] || skip_all "edu is not behind an IOMMU that passes through"
begin_lifetime
ktap_set_plan $((COMMON + 2 + LIFETIME_ENDS))
common_cases "$EDU" passthrough
booked_check "passthrough to strict" type_changed "$EDU" identity DMA
check "strict: removed, with buffers out" removed_as "$EDU" DMA
end_lifetime
