#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# cacheclean.sh: removes what this checkout does not use from the cache; with ALL=1
# everything.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
# shellcheck source=scripts/cargo.sh
. "$TOP/scripts/cargo.sh"
# shellcheck source=scripts/programs.sh
. "$TOP/scripts/programs.sh"
# shellcheck source=scripts/drgn.sh
. "$TOP/scripts/drgn.sh"
# shellcheck source=scripts/draw.sh
. "$TOP/scripts/draw.sh"

cache_lock
for dir in "$CACHE"/kernel-* "$CACHE"/debug-* "$CACHE"/root-* "$CACHE"/apt-* \
	"$CACHE"/cargo-* "$CACHE"/prometheus-* "$CACHE"/bpftrace-* "$CACHE"/record-* \
	"$CACHE"/kdump-* "$CACHE"/drgn-* "$CACHE"/draw-* "$CACHE"/mingw-*; do
	[ -d "$dir" ] || continue
	if [ -z "${ALL:-}" ] && { [ "$dir" = "$APT_DIR" ] ||
		[ "$dir" = "$CARGO_DIR" ] || [ "$dir" = "$PROMETHEUS_DIR" ] ||
		[ "$dir" = "$BPFTRACE_DIR" ] || [ "$dir" = "$RECORD_DIR" ] ||
		[ "$dir" = "$DRGN_DIR" ] || [ "$dir" = "$DRAW_ROOT" ] ||
		[ "$dir" = "$DRAW_DIR" ] || [ "$dir" = "$KDUMP_DIR" ] ||
		[ "$dir" = "$MINGW_DIR" ] || kernel_used "$dir"; }; then
		continue
	fi
	say "removing $dir"
	cache_remove "$dir"
done
