#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# client.sh DIR [TARGET...]: builds the modules of DIR, which has a Kbuild of its
# own, against rust_pool as built in the checkout. The .ko files are left there.
#
# What a client needs is passed on the command line, so its Kbuild need not know where we
# are: the header's directory, our Module.symvers, and for Rust the crate's metadata, with
# share-generics=n as in our Kbuild.
#
# A client in Rust contains our generic and inlined code, but Kbuild does not know that. A
# cfg that changes with the crate makes it compile the client again.
#
# The header's directory is a flag of the preprocessor. With RUST_INLINE_HELPERS, flags of
# the compiler also reach a clang that preprocesses nothing, which warns of a -I.
#
# With WDK=1 in the environment <ntddk.h> and its like are in the path as well, and each file
# begins with what a driver may use before it includes them.
#
# client.sh DIR clean removes what was built there. client.sh DIR check only checks whether
# DIR can be a client.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

[ -n "${1:-}" ] || die "say which directory to build: make client M=/path/to/dir"
[ -d "$1" ] || die "M: there is no directory $1"
if [ ! -f "$1/Kbuild" ] && [ ! -f "$1/Makefile" ]; then
	die "M: $1 has no Kbuild"
fi
dir=$(realpath -e "$1")
shift
need_plain M "$dir"
# Refuse the checkout itself, and a copy of it.
[ ! -f "$dir/rust_pool.rs" ] || [ ! -f "$dir/rust_pool/sys/core.h" ] ||
	die "M: $dir is rust_pool itself, not a client of it: plain make builds that"
[ "${1:-}" != check ] || exit 0
if [ "${1:-}" = clean ]; then
	[ -n "${KDIR:-}" ] || setup_ready ||
		die "clean is Kbuild's, and no kernel is set up: name the tree that it was built with, KDIR=/a/tree"
	exec "$TOP/scripts/build.sh" "$dir" clean
fi

wdk=
case ${WDK:-0} in
0) ;;
1) wdk="-I$TOP/include/rust_pool/wdk -include $TOP/include/rust_pool/wdk/rust_pool_first.h" ;;
*) die "WDK=$WDK is not valid: 1 puts <ntddk.h> and its like in the path, 0 does not" ;;
esac

crate=absent
[ ! -f "$TOP/librust_pool.rmeta" ] || crate=$(sha256sum "$TOP/librust_pool.rmeta" | cut -c 1-16)

exec "$TOP/scripts/build.sh" "$dir" RUST_POOL_CLIENT=1 \
	KBUILD_EXTRA_SYMBOLS="$TOP/Module.symvers" \
	KCPPFLAGS="-I$TOP/include${wdk:+ $wdk} ${KCPPFLAGS:-}" \
	KCFLAGS="${KCFLAGS:-}" \
	KRUSTFLAGS="--extern rust_pool=$TOP/librust_pool.rmeta -Zshare-generics=n --cfg rust_pool_$crate ${KRUSTFLAGS:-}" \
	"${@:-modules}"
