#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the header promises; tags and pool types, which are taken, how they are
# shown and checked.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

run_suites rp_test_pool wdm tags
