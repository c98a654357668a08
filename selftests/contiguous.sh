#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Contiguous memory, its bounds and cache types.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

run_suites rp_test_pages contiguous
