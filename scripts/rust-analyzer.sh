#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# rust-analyzer.sh: writes rust-project.json, from which rust-analyzer knows the crates.
# The kernel's own script makes it, for the stock kernel, or for the tree in KDIR.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

project=$TOP/rust-project.json
root=
if [ -z "${KDIR:-}" ]; then
	setup_ensure
	# An editor sees the standard library where the toolchain's root is.
	toolchain_in_place || root=$ROOT
fi
"$TOP/scripts/build.sh" "$TOP" rust-analyzer
[ -s "$project" ] || die "the kernel's script made no $project"

# The kernel's script cannot know of the declarations that bindgen made of our C half, nor
# that dma_demo uses rust_pool.
python3 "$TOP/scripts/rust_project.py" "$project" "$root" \
	"$TOP/rust_pool/bindings_generated.rs"
