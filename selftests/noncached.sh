#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Noncached memory and its page attributes.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

run_suites rp_test_pages noncached
