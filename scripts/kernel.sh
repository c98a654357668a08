# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# The stock kernel: Debian's image as it is, and a build tree for its modules. Debian ships
# no Rust metadata, so this makes it from the same source and configuration with the same
# compiler, and checks that the symbols are the same.

# Prints the beginning of the paths of this flavour's kernels.
kernel_prefix() {
	case $FLAVOUR in
	amd64) echo "$CACHE/kernel-" ;;
	*) echo "$CACHE/kernel-$FLAVOUR-" ;;
	esac
}

# Sets KERNEL_DIR, KERNEL_BUILD, KERNEL_IMAGE, KERNEL_ABI and KERNEL_MAKE (arguments for
# its make) to those of the newest cached kernel.
kernel_cached() {
	local dir

	while read -r dir; do
		cache_ok "$dir" "$(kernel_key)" || continue
		kernel_use "$dir"
		return
	done < <(printf '%s\n' "$(kernel_prefix)$KERNEL_SERIES".* | sort -rV)
	return 1
}

kernel_key() {
	echo "recipe $KERNEL_RECIPE, $DEBIAN_RELEASE"
}

kernel_use() {
	KERNEL_DIR=$1
	KERNEL_BUILD=$1/build
	KERNEL_IMAGE=$1/vmlinuz
	KERNEL_ABI=$(cat "$1/abi")
	KERNEL_MAKE=("CC=$KERNEL_CC")
}

kernel_ensure() {
	if [ -n "${UPDATE:-}" ] || ! kernel_cached; then
		kernel_make
	fi
}

# Prints "series version package" of each stock image of this flavour for which the index
# has headers and source as well: a mirror does not drop these three at the same time.
kernel_complete() {
	local flavour=

	[ "$FLAVOUR" = amd64 ] || flavour=$FLAVOUR-
	apt_private apt-cache dumpavail | awk -v like="^linux-image-[0-9][^-]*-${flavour}amd64\$" '
		/^Package: / { package = $2 }
		/^Version: / && package ~ /^linux-(image|headers|source)-/ {
			has[package, $2] = 1
			if (package ~ like)
				image[package, $2] = package " " $2
		}
		END {
			for (i in image) {
				split(image[i], f, " ")
				headers = f[1]
				sub(/image/, "headers", headers)
				split(f[1], words, /[-.]/)
				series = words[3] "." words[4]
				if ((headers, f[2]) in has && ("linux-source-" series, f[2]) in has)
					print series, f[2], f[1]
			}
		}'
}

# Prints "version package" of the newest image of our series.
kernel_newest() {
	kernel_complete | awk -v series="$KERNEL_SERIES" '$1 == series { print $2, $3 }' |
		sort -V | tail -n 1
}

# Prints the series that the index has complete and that Debian builds with Rust.
kernel_offered() {
	kernel_complete | cut -d ' ' -f 1 | sort -uV | while read -r series; do
		[ "$(printf '%s\n' "$RUST_SINCE" "$series" | sort -V | head -n 1)" != "$RUST_SINCE" ] ||
			echo "$series"
	done | paste -sd ' '
}

# Prints the versions that are set up, of any series.
kernel_offered_cached() {
	local dir

	for dir in "$(kernel_prefix)"[0-9]*; do
		! cache_ok "$dir" "$(kernel_key)" || echo "${dir#"$(kernel_prefix)"}"
	done | sort -V | paste -sd ' '
}

kernel_make() {
	local version image offered cached

	need_root "setting up the kernel"
	cache_need_mib 4500 "the kernel"
	apt_ensure
	read -r version image < <(kernel_newest) || true
	if [ -z "${image:-}" ]; then
		# The mirror has dropped the series. Go on with a kernel that is set up.
		if kernel_cached; then
			say "the index has no complete kernel of series $KERNEL_SERIES any more: going on with $KERNEL_ABI, which is set up"
			return
		fi
		offered=$(kernel_offered) cached=$(kernel_offered_cached)
		die "no stock kernel of series $KERNEL_SERIES in $DEBIAN_RELEASE-backports: with image, headers, source and Rust the index has ${offered:-none}; set up here: ${cached:-none}"
	fi
	KERNEL_DIR=$(kernel_prefix)$version
	KERNEL_ABI=${image#linux-image-}
	if ! cache_ok "$KERNEL_DIR" "$(kernel_key)"; then
		cache_begin "$KERNEL_DIR"
		echo "$KERNEL_ABI" >"$KERNEL_DIR/abi"
		step "fetching the stock kernel $KERNEL_ABI, $version" \
			"is there a network, and room in $CACHE?" kernel_fetch "$version" "$image"
		step "unpacking its source" "is there room in $CACHE?" kernel_unpack
		step "making its Rust metadata (1-2 minutes)" \
			"a fault of the toolchain or of this script" kernel_prepare
		kernel_compare
		cache_done "$KERNEL_DIR" "$(kernel_key)"
	fi
	kernel_use "$KERNEL_DIR"
	kernel_report_others
}

kernel_fetch() {
	local version=$1 image=$2 binary deb packages

	# Since 7.2 the image is in a package linux-binary-*, on which linux-image-* depends.
	binary=$(apt_private apt-cache show "$image=$version" |
		sed -n "s/^Depends:.*\(linux-binary-[^ ,]*\).*/\1/p" | head -n 1)
	packages=("${binary:-$image}" "linux-headers-$KERNEL_ABI" "linux-source-$KERNEL_SERIES")
	mkdir "$KERNEL_DIR/debs" "$KERNEL_DIR/image"
	cd "$KERNEL_DIR/debs" || return
	apt_private apt-get download "${packages[@]/%/=$version}"
	for deb in *.deb; do
		dpkg -x "$deb" "$KERNEL_DIR/image"
		rm "$deb"
	done
	cd "$KERNEL_DIR" || return
	rmdir debs
	cp "$(find image -name vmlinuz -o -name "vmlinuz-$KERNEL_ABI" | grep .)" vmlinuz
}

kernel_unpack() {
	local headers=image/usr/src/linux-headers-$KERNEL_ABI

	cd "$KERNEL_DIR" || return
	mkdir source build
	in_root tar -xf "image/usr/src/linux-source-$KERNEL_SERIES.tar.xz" \
		-C source --strip-components=1
	cp "$headers/.config" build/
	cp "$headers/Module.symvers" .
	rm -r image
}

kernel_prepare() {
	local upstream rust_src make

	upstream=$(make -s -C "$KERNEL_DIR/source" kernelversion)
	sed -i "s/^CONFIG_LOCALVERSION=.*/CONFIG_LOCALVERSION=\"${KERNEL_ABI#"$upstream"}\"/" \
		"$KERNEL_DIR/build/.config"
	rust_src=$(in_root sh -c 'echo /usr/src/rustc-*/library')
	make=(in_root make -C "$KERNEL_DIR/source" O="$KERNEL_DIR/build" CC="$KERNEL_CC"
		HOSTCC="$KERNEL_CC" RUST_LIB_SRC="$rust_src" -j "$JOBS")
	"${make[@]}" olddefconfig
	"${make[@]}" prepare modules_prepare
	[ "$(cat "$KERNEL_DIR/build/include/config/kernel.release")" = "$KERNEL_ABI" ]
	mv "$KERNEL_DIR/Module.symvers" "$KERNEL_DIR/build/"
}

# Mangled names contain the hash of their crate. If ours are the same as Debian's, a module
# that is linked against our metadata finds the functions that it calls in Debian's kernel.
kernel_compare() {
	local ours theirs differ

	theirs=$(awk '$2 ~ /^_R/ && $3 == "vmlinux" { print $2 }' \
		"$KERNEL_DIR/build/Module.symvers" | sort)
	ours=$(sed -n 's/^EXPORT_SYMBOL_RUST_GPL(\(_R.*\));/\1/p' \
		"$KERNEL_DIR"/build/rust/exports_*_generated.h | sort)
	[ -n "$theirs" ] || die "Module.symvers of $KERNEL_ABI has no Rust symbol to compare with"
	differ=$(comm -3 <(echo "$ours") <(echo "$theirs") | grep -c . || true)
	[ "$differ" -eq 0 ] ||
		die "$differ Rust symbols of $KERNEL_ABI differ from Debian's Module.symvers: another compiler or source built that kernel"
	say "all $(echo "$theirs" | wc -l) Rust symbols are those of Debian's $KERNEL_ABI"
}

# kernel_used DIR: does this checkout use it, for any flavour?
kernel_used() {
	local flavour

	[ "$1" != "$ROOT" ] || return 0
	for flavour in $KERNEL_FLAVOURS; do
		(
			FLAVOUR=$flavour
			kernel_cached && { [ "$1" = "$KERNEL_DIR" ] || [ "$1" = "$(debug_dir)" ]; }
		) && return
	done
	return 1
}

kernel_report_others() {
	local dir

	for dir in "$CACHE"/kernel-* "$CACHE"/debug-* "$CACHE"/root-*; do
		[ -d "$dir" ] || continue
		kernel_used "$dir" ||
			say "no longer used: $dir (make cacheclean removes it)"
	done
}
