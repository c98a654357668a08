#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The environment headers, and the routines for bytes.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

run_suites rp_test_pool env
