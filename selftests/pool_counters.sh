#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The counters of a tag, idle and under load.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

run_suites rp_test_pool counters
