#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The Rust API.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

# However soon they were freed. With RsPk there was one block, of 100 bytes, and nobody read
# the file while it was there.
peaks_begin() {
	tail -n +4 "$STATS/tags" >"$TMP/tags"
	awk '/^Rs/ && $3 && !$9 { print "# " $0; bad = 1 }
		/^RsPk Nonp/ { print "# " $0; peak = $9 }
		END { exit bad || peak != 100 }' "$TMP/tags"
}

# What the tests made was dropped, so it is gone when they are.
nothing_left() {
	log_mark unload
	unload rp_test_rust && not_logged 'rust_pool: +leaked '
}

need_edu
EXTRA=2
begin_suites rp_test_rust rust_collections rust_regions rust_common_buffers rust_lookaside \
	rust_mdl rust_lists rust_user_pages rust_parts rust_reserved rust_packets
run_cases
check "tags that had blocks have a peak" peaks_begin
check "nothing is left when the tests are unloaded" nothing_left
ends
