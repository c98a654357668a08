#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# uninstall.sh: removes what install.sh installed, below INSTALL_MOD_PATH if that is given:
# for the kernel in RELEASE, or for all kernels.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
# shellcheck source=scripts/installed.sh
. "$TOP/scripts/installed.sh"

root=$(install_root)
mapfile -t releases < <(installed_releases "$root")
if [ -n "${RELEASE:-}" ]; then
	[ -f "$(installed_list "$root" "$RELEASE")" ] ||
		die "RELEASE=$RELEASE: not installed below ${root:-/}, where there is: ${releases[*]:-none}"
	releases=("$RELEASE")
fi
[ ${#releases[@]} -gt 0 ] || die "rust_pool is not installed below ${root:-/}"
for release in "${releases[@]}"; do
	installed_remove "$root" "$release"
	depmod_run "$root" "$release"
	say "removed for $release, below ${root:-/}"
done
