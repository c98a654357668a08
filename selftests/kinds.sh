#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Memory of one family given to the free routine of another, and all families
# at once.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

run_suites rp_test_pages kinds load
