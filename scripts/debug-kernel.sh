# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# The debug kernel, for KERNEL=debug: the stock kernel's source, built with the checkers of
# debug.config, by clang, which KASAN and Rust together need.

debug_key() {
	echo "recipe $DEBUG_RECIPE, $DEBIAN_RELEASE, $(sha256sum <"$TOP/scripts/debug.config" | cut -c 1-16)"
}

# Prints the debug kernel's directory. KERNEL_DIR has to be the stock kernel's.
debug_dir() {
	echo "$CACHE/debug-${KERNEL_DIR##*/kernel-}"
}

debug_ready() {
	cache_ok "$(debug_dir)" "$(debug_key)" &&
		[ -z "$(toolchain_missing "${DEBUG_PACKAGES[@]}")" ]
}

debug_ensure() {
	if ! debug_ready; then
		cache_lock
		toolchain_add "${DEBUG_PACKAGES[@]}"
		cache_ok "$(debug_dir)" "$(debug_key)" || debug_make
		exec 9>&-
	fi
	debug_use
}

debug_use() {
	KERNEL_BUILD=$(debug_dir)/build
	KERNEL_IMAGE=$KERNEL_BUILD/arch/x86/boot/bzImage
	KERNEL_MAKE=("LLVM=$DEBUG_LLVM")
}

debug_make() {
	local dir

	dir=$(debug_dir)
	need_root "setting up the debug kernel"
	cache_need_mib 3000 "the debug kernel"
	cache_begin "$dir"
	mkdir "$dir/build"
	step "configuring the debug kernel" "debug.config does not suit this kernel" \
		debug_configure "$dir/build"
	step "building the debug kernel (8-9 minutes)" \
		"a fault of the toolchain or of debug-kernel.sh" debug_build "$dir/build"
	cache_done "$dir" "$(debug_key)"
}

debug_kbuild() {
	local build=$1
	shift

	in_root make -C "$KERNEL_DIR/source" O="$build" "LLVM=$DEBUG_LLVM" \
		RUST_LIB_SRC="$(in_root sh -c 'echo /usr/src/rustc-*/library')" -j "$JOBS" "$@"
}

# Kconfig silently drops an option with an unmet dependency, so check that all are there.
debug_configure() {
	local fragment=$TOP/scripts/debug.config lost

	debug_kbuild "$1" KCONFIG_ALLCONFIG="$fragment" allnoconfig
	lost=$(grep -E '^(# )?CONFIG_' "$fragment" | grep -vxFf "$1/.config" |
		paste -sd ' ' || true)
	[ -z "$lost" ] || die "not in the configuration that came out: $lost"
}

debug_build() {
	debug_kbuild "$1" LOCALVERSION=-debug
	# Keep what modules need. Remove objects, which are most of it.
	find "$1" \( -path "$1/scripts" -o -path "$1/tools" -o -path "$1/rust" \) -prune \
		-o -name '*.[oa]' -exec rm {} +
}
