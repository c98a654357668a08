#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Adapters and common buffers.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_edu
run_suites rp_test_dma dma
