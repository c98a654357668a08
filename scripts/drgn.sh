# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# drgn, for the test of rust_pool-crash: Debian's package and those libraries that it needs and
# the toolchain does not have, unpacked in the cache. They are fetched by the first test.

DRGN_DIR=$CACHE/drgn-$DEBIAN_RELEASE

drgn_ready() {
	cache_ok "$DRGN_DIR" "${DRGN_PACKAGES[*]}"
}

drgn_ensure() {
	! drgn_ready || return 0
	cache_lock
	if ! drgn_ready; then
		cache_need_mib 20 "drgn"
		apt_ensure
		cache_begin "$DRGN_DIR"
		step "fetching drgn (600 kB)" "is there a network, and room in $CACHE?" drgn_fetch
		cache_done "$DRGN_DIR" "${DRGN_PACKAGES[*]}"
	fi
	exec 9>&-
}

# Whether it is there, fetched if need be.
drgn_can() {
	drgn_ready || (drgn_ensure) >/dev/null 2>&1
}

drgn_fetch() {
	local deb

	mkdir "$DRGN_DIR/debs"
	cd "$DRGN_DIR/debs" || return
	apt_private apt-get download "${DRGN_PACKAGES[@]}"
	for deb in *.deb; do
		dpkg -x "$deb" "$DRGN_DIR"
	done
	cd "$DRGN_DIR" || return
	rm -r debs
}

# with_drgn CMD...: runs CMD with the toolchain, where Python finds drgn
with_drgn() {
	in_root env PYTHONDONTWRITEBYTECODE=1 \
		PYTHONPATH="$DRGN_DIR/usr/lib/python3/dist-packages" \
		LD_LIBRARY_PATH="$DRGN_DIR/usr/lib/x86_64-linux-gnu" "$@"
}
