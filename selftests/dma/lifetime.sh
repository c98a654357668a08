#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Common buffers whose device goes, without an IOMMU.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/dma/lifetime_cases.sh
. "$DIR/dma/lifetime_cases.sh"

need_edu
begin_lifetime
ktap_set_plan $((COMMON + LIFETIME_ENDS))
common_cases "${EDU##*/}" edu
end_lifetime
