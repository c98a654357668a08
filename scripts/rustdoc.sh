#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# rustdoc.sh OUT: rustdoc of the crate in OUT.
#
# Kbuild has no rustdoc for modules of outside. The flags are those that the crate
# was compiled with, which Kbuild leaves in a .cmd file.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

[ -z "${KDIR:-}" ] || die "rustdoc is made for the stock kernel only: leave KDIR out"
setup_ensure
cmd=$TOP/.rust_pool_crate.o.cmd
[ -f "$cmd" ] || die "the crate is not built: run make"
out=$TOP/$1
mkdir -p "$out"

# The environment that the command sets, then rustdoc with the flags it knows.
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

# Kbuild compiles modules of outside in their own directory.
cd "$TOP"
in_root sh -c "RUSTC_BOOTSTRAP=1 RUST_POOL_BINDINGS=$TOP/rust_pool/bindings_generated.rs $before exec rustdoc ${flags[*]} -Zunstable-options -o '$out'"
# Crates that are not documented with it cannot be linked to: rustdoc writes their paths.
dead=$(grep -rhoE 'href="[a-z_]+::[^"]*"' "$out/rust_pool" | sort -u || true)
[ -z "$dead" ] || die "rustdoc: links to nowhere: $dead"
say "rustdoc: $out/rust_pool/index.html"
