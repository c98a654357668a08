#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Memory descriptor lists: built, parted, mapped.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

run_suites rp_test_mdl mdl mdl_misuse
