#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# rustdoc.sh OUT: writes the crate's rustdoc to OUT.
#
# Kbuild has no rustdoc for external modules. So this takes the flags with which the crate
# was compiled from the .cmd file that Kbuild leaves.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

[ -z "${KDIR:-}" ] || die "rustdoc is made for the stock kernel only: leave KDIR out"
setup_ensure
cmd=$TOP/.rust_pool_crate.o.cmd
[ -f "$cmd" ] || die "the crate is not built: run make"
out=$TOP/$1
mkdir -p "$out"

# The command sets variables, and then calls rustc. Keep the variables, and of the flags
# those that rustdoc knows.
line=$(sed -n '1s/^savedcmd_[^=]*:= *//p' "$cmd")
line=${line%%;*}
before=${line%% rustc *}
flags=()
read -r -a words <<<"${line#* rustc }"
i=0
while [ "$i" -lt ${#words[@]} ]; do
	case ${words[i]} in
	--emit=* | --remap-path-* | -Csplit-debuginfo* | -Zremap*) ;;
	--out-dir | -o) i=$((i + 1)) ;;
	*) flags+=("${words[i]}") ;;
	esac
	i=$((i + 1))
done

# Kbuild compiles external modules in their own directory.
cd "$TOP"
in_root sh -c "RUSTC_BOOTSTRAP=1 RUST_POOL_BINDINGS=$TOP/rust_pool/bindings_generated.rs $before exec rustdoc ${flags[*]} -Zunstable-options -o '$out'"
# For a link to a crate without documentation, rustdoc writes the item's path as address.
dead=$(grep -rhoE 'href="[a-z_]+::[^"]*"' "$out/rust_pool" | sort -u || true)
[ -z "$dead" ] || die "rustdoc: links to nowhere: $dead"
say "rustdoc: $out/rust_pool/index.html"
