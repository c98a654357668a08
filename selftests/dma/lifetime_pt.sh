#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Common buffers whose device goes, with an IOMMU that passes through and all
# streaming DMA bounced.
# vm-cmdline: no_hash_pointers intel_iommu=on iommu=pt iommu.strict=1 swiotlb=force
# vm-tcg: thread=single
# vm-args: -machine kernel-irqchip=split -device intel-iommu
# vm-args: -machine max-ram-below-4g=256M

# On a busy host QEMU 10 dies by an assertion (iotlb_to_section) when one emulated processor
# changes which addresses belong to devices, as this program makes it do all the time, while
# another one is in the middle of an access. So one thread emulates both, in turn.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/dma/lifetime_cases.sh
. "$DIR/dma/lifetime_cases.sh"

# The domain that comes may be at the address of the one that went.
bounced_lists_changed() {
	set_type "$1" DMA && run bounced "$1" && lists_put unlist '' || return 1
	for _put in unlist unlist_atomic; do
		run bounced "$1" && set_type "$1" identity && set_type "$1" DMA &&
			lists_put $_put 'IOMMU domain changed' || return 1
	done
	usable "$1" && set_type "$1" identity
}

need_edu
EDU=${EDU##*/}
[ "$(type_of "$EDU")" = identity ] || skip_all "edu is not behind an IOMMU that passes through"
begin_lifetime
ktap_set_plan $((COMMON + 3 + LIFETIME_ENDS))
common_cases "$EDU" passthrough
booked_check "passthrough to strict" type_changed "$EDU" identity DMA
booked_check "strict to passthrough and back, with bounced lists" bounced_lists_changed "$EDU"
check "strict: removed, with buffers out" removed_as "$EDU" DMA
end_lifetime
