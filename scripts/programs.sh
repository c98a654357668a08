# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# Programs of others for tests that have a target of their own: a Prometheus with its
# promtool and a node_exporter, and bpftrace; what drgn.sh needs; kexec and makedumpfile;
# mingw-w64's headers. And what a load is recorded with: fio, mke2fs and modules of the stock
# kernel. Debian's packages are unpacked, without what else these would install. They are
# fetched by the first test, and stay in the cache.

PROMETHEUS_DIR=$CACHE/prometheus-$DEBIAN_RELEASE
BPFTRACE_DIR=$CACHE/bpftrace-$DEBIAN_RELEASE
MINGW_DIR=$CACHE/mingw-$DEBIAN_RELEASE

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

KDUMP_DIR=$CACHE/kdump-$DEBIAN_RELEASE
RECORD_DIR=$CACHE/record-$DEBIAN_RELEASE

# Needs a kernel that is set up.
record_ensure() {
	local version=${KERNEL_DIR#"$(kernel_prefix)"} key

	key="${RECORD_PROGRAMS[*]} ${RECORD_MODULES[*]} $version"
	cache_lock
	if ! cache_ok "$RECORD_DIR" "$key"; then
		cache_need_mib 700 "what loads are recorded with"
		apt_ensure
		cache_begin "$RECORD_DIR"
		step "fetching fio, mke2fs and the kernel's modules" \
			"is there a network, and room in $CACHE? Has the index linux-modules-$KERNEL_ABI $version?" \
			record_fetch "$RECORD_DIR" "$version"
		cache_done "$RECORD_DIR" "$key"
	fi
	exec 9>&-
}

# Leaves in DIR/bin the programs with all that they load, and in DIR/modules the modules, and
# in "order" the order in which they load.
record_fetch() {
	local dir=$1 version=$2 lib=$1/tree/usr/lib/x86_64-linux-gnu deb file

	mkdir -p "$dir"/{debs/archives/partial,tree,bin,modules}
	# The status of our apt is empty, so it fetches all that the programs depend on.
	apt_private apt-get -o Dir::Cache="$dir/debs" -d -y install "${RECORD_PROGRAMS[@]}"
	cd "$dir/debs/archives" || return
	apt_private apt-get download "linux-modules-$KERNEL_ABI=$version"
	for deb in *.deb; do
		dpkg -x "$deb" "$dir/tree"
	done
	cp -L "$lib/ld-linux-x86-64.so.2" "$dir"/tree/usr/bin/fio "$dir"/tree/usr/sbin/mke2fs "$dir/bin/"
	for file in fio mke2fs; do
		"$dir/bin/ld-linux-x86-64.so.2" --library-path "$lib:$lib/ceph" --list "$dir/bin/$file" |
			awk '$2 == "=>" { print $3 }' | grep "^$lib" | xargs cp -L -t "$dir/bin"
	done
	cd "$dir" || return
	in_root depmod -b "$dir/tree/usr" "$KERNEL_ABI"
	in_root modprobe -d "$dir/tree/usr" -S "$KERNEL_ABI" -a --show-depends "${RECORD_MODULES[@]}" |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
		cp "$file" modules/
		file=${file##*/}
		in_root unxz "modules/$file"
		echo "${file%.xz}" >>modules/order
	done
	[ -s modules/order ]
	rm -r tree debs
}
