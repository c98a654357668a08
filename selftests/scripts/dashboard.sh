#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The dashboard of poolmon/fleet, drawn by Grafana's own libraries in a Chromium, of what poolmon
# exports. It leaves build/dashboard.png. Needs no machine.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/cargo.sh
. "$TOP/scripts/cargo.sh"
# shellcheck source=scripts/draw.sh
. "$TOP/scripts/draw.sh"

builds() {
	"$TOP/scripts/poolmon.sh" build && [ -x "$POOLMON" ]
}

if ! cargo_can; then
	echo "ok dashboard # SKIP poolmon's crates cannot be fetched; make poolmon says why"
	exit
fi
if ! programs_can "$PROMETHEUS_DIR" 500 "${PROMETHEUS_PACKAGES[@]}"; then
	echo "ok dashboard # SKIP Prometheus cannot be fetched: is there a network?"
	exit
fi
if ! draw_can; then
	echo "ok dashboard # SKIP Chromium or Grafana's libraries cannot be fetched: is there a network?"
	exit
fi
check "poolmon is built" builds
check "no package is under the AGPL" draw_licences
recorded
mkdir "$WORK/page"
ln -s "$DRAW_DIR/node_modules" "$WORK/page/node_modules"
cd "$WORK/page"
VISIBLE=$WORK in_draw nice -n 5 env PATH="$PROMETHEUS_DIR/usr/bin:$ROOT_PATH" \
	node "$DRAW/draw.mjs" "$POOLMON" "$WORK" "$TOP/poolmon/fleet" "$TOP/build/dashboard.png"
