#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# rust_pool-crash, on a machine's memory that is made for it, as it is and in dumps of it.
# Needs no machine; without drgn, the dumps are skipped.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/drgn.sh
. "$TOP/scripts/drgn.sh"

setup_ensure
drgn_can || say "drgn cannot be fetched"
VISIBLE=$WORK with_drgn python3 "$TOP/selftests/scripts/crash.py" "$TOP" "$WORK"
