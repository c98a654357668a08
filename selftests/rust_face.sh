#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The Rust face.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

need_edu
run_suites rp_test_rust rust_collections rust_regions rust_common_buffers
