#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Sizes, alignment, header and contents of tagged pool.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

run_suites rp_test_pool sizes
