#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Sizes, alignment, header and contents of tagged pool. Without init_on_alloc,
# so that memory which should be zeroed is not so by chance.
# vm-cmdline: no_hash_pointers init_on_alloc=0

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

run_suites rp_test_pool sizes
