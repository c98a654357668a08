# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# A Prometheus, its promtool and a node_exporter, for the test of what poolmon exports: the
# programs of Debian's packages alone, without what else these would install. They are fetched
# by the first test, and stay in the cache.

PROMETHEUS_DIR=$CACHE/prometheus-$DEBIAN_RELEASE

prometheus_ready() {
	cache_ok "$PROMETHEUS_DIR" "${PROMETHEUS_PACKAGES[*]}"
}

prometheus_ensure() {
	! prometheus_ready || return 0
	cache_lock
	if ! prometheus_ready; then
		cache_need_mib 500 "Prometheus"
		apt_ensure
		cache_begin "$PROMETHEUS_DIR"
		step "fetching Prometheus (37 MB)" "is there a network, and room in $CACHE?" \
			prometheus_fetch
		cache_done "$PROMETHEUS_DIR" "${PROMETHEUS_PACKAGES[*]}"
	fi
	exec 9>&-
}

# Whether it is there, fetched if need be.
prometheus_can() {
	prometheus_ready || (prometheus_ensure) >/dev/null 2>&1
}

prometheus_fetch() {
	local deb

	mkdir "$PROMETHEUS_DIR/debs" "$PROMETHEUS_DIR/files"
	cd "$PROMETHEUS_DIR/debs" || return
	apt_private apt-get download "${PROMETHEUS_PACKAGES[@]}"
	for deb in *.deb; do
		dpkg -x "$deb" "$PROMETHEUS_DIR/files"
	done
	cd "$PROMETHEUS_DIR" || return
	mv files/usr/bin bin
	rm -r debs files
}
