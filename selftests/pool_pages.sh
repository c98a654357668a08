#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Pages of blocks that others refer to, and that a process maps.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

run_suites rp_test_pool mapping
