#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# cacheclean.sh: removes from the cache what this checkout does not use, or all of
# it with ALL=1.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

cache_lock
KERNEL_DIR=
[ -n "${ALL:-}" ] || kernel_cached || true
for dir in "$CACHE"/kernel-* "$CACHE"/debug-* "$CACHE"/root-* "$CACHE"/apt-*; do
	[ -d "$dir" ] || continue
	if [ -z "${ALL:-}" ]; then
		case $dir in
		"$KERNEL_DIR" | "$(debug_dir)" | "$ROOT" | "$APT_DIR") continue ;;
		esac
	fi
	say "removing $dir"
	cache_remove "$dir"
done
