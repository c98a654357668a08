# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# Programs of others for tests that have a target of their own: a Prometheus with its
# promtool and a node_exporter, and bpftrace; and what drgn.sh needs. Debian's packages are
# unpacked, without what else these would install. They are fetched by the first test, and
# stay in the cache.

PROMETHEUS_DIR=$CACHE/prometheus-$DEBIAN_RELEASE
BPFTRACE_DIR=$CACHE/bpftrace-$DEBIAN_RELEASE

# programs_can DIR MIB PACKAGE...: whether the packages are in DIR, fetched if need be. MIB
# is what they need.
programs_can() {
	cache_ok "$1" "${*:3}" || (programs_ensure "$@") >/dev/null 2>&1
}

programs_ensure() {
	local dir=$1 mib=$2 name
	shift 2

	name=$1
	cache_lock
	if ! cache_ok "$dir" "$*"; then
		cache_need_mib "$mib" "$name"
		apt_ensure
		cache_begin "$dir"
		step "fetching $name" "is there a network, and room in $CACHE?" \
			programs_fetch "$dir" "$@"
		cache_done "$dir" "$*"
	fi
	exec 9>&-
}

programs_fetch() {
	local dir=$1 deb
	shift

	mkdir "$dir/debs"
	cd "$dir/debs" || return
	apt_private apt-get download "$@"
	for deb in *.deb; do
		dpkg -x "$deb" "$dir"
	done
	rm -r "$dir/debs"
}
