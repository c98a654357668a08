#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Requests that cannot be met.
# vm-mem: 512M
# vm-own: it leaves memory in pieces where KASAN and kmemleak hold on to it

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

oom_kills() {
	sed -n 's/^oom_kill //p' /proc/vmstat
}

nobody_killed() {
	[ "$(oom_kills)" = "$KILLS" ] && kill -0 "$HELPER"
}

EXTRA=1
begin_suites rp_test_pool failures

# As ready to be killed as a process can be.
sh -c 'echo 1000 >/proc/self/oom_score_adj; exec sleep 1000000' &
HELPER=$!
KILLS=$(oom_kills)

run_cases
check "$PROGRAM: nobody was killed for memory" nobody_killed
ends
