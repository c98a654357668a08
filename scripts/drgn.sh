# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# drgn, for the test of rust_pool-crash: Debian's package and those libraries that it needs and
# the toolchain does not have, unpacked in the cache. They are fetched by the first test.

# shellcheck source=scripts/programs.sh
. "$TOP/scripts/programs.sh"

DRGN_DIR=$CACHE/drgn-$DEBIAN_RELEASE

# Whether it is there, fetched if need be.
drgn_can() {
	programs_can "$DRGN_DIR" 20 "${DRGN_PACKAGES[@]}"
}

# with_drgn CMD...: runs CMD with the toolchain, where Python finds drgn
with_drgn() {
	in_root env PYTHONDONTWRITEBYTECODE=1 \
		PYTHONPATH="$DRGN_DIR/usr/lib/python3/dist-packages" \
		LD_LIBRARY_PATH="$DRGN_DIR/usr/lib/x86_64-linux-gnu" "$@"
}
