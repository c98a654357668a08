#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Random operations over all families, on all CPUs and in softirq, against a
# model. MODEL_SECONDS has it go on for longer, MODEL_SEED replays.
# vm-smp: 4

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# Where checkers make each operation slow, magazines.sh does some as well.
case $(uname -r) in
*-debug) seconds=10 ;;
*) seconds=25 ;;
esac
begin rp_test rp_test_model
load_or_fail rust_pool rp_test
load rp_test_model seconds="${MODEL_SECONDS:-$seconds}" seed="${MODEL_SEED:-0}" ||
	load_or_fail rp_test_model
plan_cases model
run_cases
ends
