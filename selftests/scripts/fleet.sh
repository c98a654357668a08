#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What poolmon exports, read by a real Prometheus and node_exporter; the alert rules and the
# dashboard of poolmon/fleet on what these have read. Needs no machine.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/cargo.sh
. "$TOP/scripts/cargo.sh"
# shellcheck source=scripts/programs.sh
. "$TOP/scripts/programs.sh"

builds() {
	"$TOP/scripts/poolmon.sh" build && [ -x "$POOLMON" ]
}

if ! cargo_can; then
	echo "ok fleet # SKIP poolmon's crates cannot be fetched; make poolmon says why"
	exit
fi
if ! programs_can "$PROMETHEUS_DIR" 500 "${PROMETHEUS_PACKAGES[@]}"; then
	echo "ok fleet # SKIP Prometheus cannot be fetched: is there a network?"
	exit
fi
check "poolmon is built" builds
recorded
VISIBLE=$WORK in_root env PYTHONDONTWRITEBYTECODE=1 PATH="$PROMETHEUS_DIR/usr/bin:$ROOT_PATH" \
	python3 "$TOP/selftests/scripts/fleet.py" "$POOLMON" "$WORK" "$TOP/poolmon/fleet"
