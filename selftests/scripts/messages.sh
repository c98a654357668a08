#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What cannot work is refused in one line, before anything is built; and what the
# scripts choose from a package index.
#
# shellcheck disable=SC2030,SC2031,SC2317 # with_index is meant to change it for one case

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# A kernel tree as far as kernel-fit.sh looks, with the options named taken out, or,
# as in NAME=y, put in.
tree() {
	local tree=$WORK/tree option

	rm -rf "$tree"
	mkdir -p "$tree/include/config" "$tree/rust"
	printf 'modules:\n\t@echo BUILDS\n' >"$tree/Makefile"
	for option in X86_64 RUST MODULES MODULE_UNLOAD DEBUG_FS PCI CONTIG_ALLOC STACKTRACE \
		KALLSYMS X86_PAT; do
		echo "CONFIG_$option=y"
	done >"$tree/include/config/auto.conf"
	echo 'CONFIG_RUSTC_VERSION_TEXT="rustc 9.9 (a test)"' >>"$tree/include/config/auto.conf"
	touch "$tree/rust/libcore.rmeta" "$tree/rust/libkernel.rmeta"
	printf '#!/bin/sh\necho "rustc 9.9 (a test)"\n' >"$tree/rustc"
	chmod +x "$tree/rustc"
	for option; do
		case $option in
		*=*) echo "CONFIG_$option" >>"$tree/include/config/auto.conf" ;;
		*) sed -i "/^CONFIG_$option=/d" "$tree/include/config/auto.conf" ;;
		esac
	done
}

build() {
	make -C "$TOP" KDIR="$WORK/tree" RUSTC="$WORK/tree/rustc" modules
}

fits() {
	tree "$@"
	build | grep -x BUILDS
}

unfit() {
	local regex=$1
	shift

	tree "$@"
	refused "^rust_pool: error: KDIR=$WORK/tree .*$regex" build
}

no_metadata() {
	tree
	rm "$WORK/tree/rust/libkernel.rmeta"
	refused "no Rust metadata" build
}

not_configured() {
	tree
	rm -r "$WORK/tree/include"
	refused "not configured" build
}

other_compiler() {
	tree
	sed -i s/9.9/9.8/ "$WORK/tree/rustc"
	refused "was built with rustc 9.9 \(a test\), whose metadata rustc 9.8" build
}

no_compiler() {
	tree
	rm "$WORK/tree/rustc"
	refused "does not run here" build
}

# kbuild TARGET [VARIABLE=VALUE...]: our Kbuild as the kernel's make includes it, far
# enough to see what it refuses and what it would run
kbuild() {
	cat >"$WORK/Makefile" <<-END
		.DEFAULT_GOAL := none
		src := $TOP
		obj := .
		objtree := $WORK/tree
		srctree := $KERNEL_DIR/source
		pound := \#
		if_changed = \$(info \$(cmd_\$(1)))
		if_changed_rule =
		include $TOP/Kbuild
		none:
		FORCE:
	END
	RUSTC=$WORK/tree/rustc make -s -C "$WORK" "$@"
}

# Whoever runs Kbuild without our scripts, as DKMS and kselftest do.
kbuild_refuses() {
	tree PREEMPT_RT=y
	refused "rust_pool: $WORK/tree has CONFIG_PREEMPT_RT.* Stop" \
		kbuild none CONFIG_CC_VERSION_TEXT=gcc
}

kbuild_fits() {
	tree
	kbuild none CONFIG_CC_VERSION_TEXT=gcc
}

# A clean has no configuration.
kbuild_cleans() {
	tree PREEMPT_RT=y
	kbuild none
}

# What hides declarations from bindgen, and only that, is left out of its flags.
lto_flags() {
	local out

	tree
	out=$(kbuild ./rust_pool/bindings_generated.rs CC_FLAGS_LTO='-flto=thin -fvisibility=hidden' \
		c_flags='-DKEPT -flto=thin -fvisibility=hidden' BINDGEN=bindgen)
	echo "$out"
	grep -q -e '-DKEPT' <<<"$out" && ! grep -qE -e '-flto|-fvisibility' <<<"$out"
}

# With RUST_INLINE_HELPERS the compiler's flags reach a clang that preprocesses nothing.
include_path() {
	local out

	tree
	mkdir -p "$WORK/client"
	touch "$WORK/client/Kbuild"
	# shellcheck disable=SC2016 # make's, not the shell's
	printf 'modules:\n\t@echo "compiler=$(KCFLAGS) preprocessor=$(KCPPFLAGS)"\n' >"$WORK/tree/Makefile"
	out=$(KDIR=$WORK/tree RUSTC=$WORK/tree/rustc "$TOP/scripts/client.sh" "$WORK/client")
	echo "$out"
	grep -q "preprocessor=-I$TOP/include" <<<"$out" && ! grep -q 'compiler=.*-I.*preprocessor' <<<"$out"
}

copy() {
	mkdir -p "$1"
	cp -r "$TOP/Makefile" "$TOP/scripts" "$1"
}

blank_in_path() {
	copy "$WORK/with blank"
	refused 'the checkout: .* character " " in the path' make -C "$WORK/with blank"
}

percent_in_path() {
	copy "$WORK/with%percent"
	refused 'the checkout: .* character "%" in the path' make -C "$WORK/with%percent"
}

other_characters() {
	(need_plain it "/a-b_c+d~e.f,g=h@i/j^k") || return
	for odd in : '#' '$' \' \" \\ '&' ';' '(' ')' '[' ']' '*' '?' '<' '>' '|' '`' $'\t'; do
		if (need_plain it "/a${odd}b"); then
			echo "took $odd"
			return 1
		fi
	done
}

# What make says to a cache that cannot be, and nothing is made there.
cache() {
	refused "$2" env -C "$WORK" RUST_POOL_CACHE="$1" make -C "$TOP" setup &&
		[ ! -e "$TOP/a-cache" ] && [ ! -e "$WORK/a-cache" ]
}

itself() {
	refused "$TOP is rust_pool itself" make -C "$TOP" client M=. &&
		ln -sfn "$TOP" "$WORK/link" &&
		refused "is rust_pool itself" make -C "$TOP" client M="$WORK/link" &&
		refused "is rust_pool itself" make -C "$TOP" client-clean M=.
}

client_blank() {
	mkdir -p "$WORK/a client"
	touch "$WORK/a client/Kbuild"
	refused 'character " " in the path' "$TOP/scripts/client.sh" "$WORK/a client"
}

# The second waits until the first is done, and says so.
two_at_once() {
	local first

	mkdir -p "$WORK/locked"
	(
		build_lock "$WORK/locked"
		touch "$WORK/has-it"
		sleep 2
		touch "$WORK/done"
	) &
	first=$!
	until [ -e "$WORK/has-it" ]; do
		sleep 0.1
	done
	(
		build_lock "$WORK/locked" &&
			[ -e "$WORK/done" ]
	) && wait "$first"
}

# Two builds of one directory, with a kernel tree that tells when they overlap.
builds_take_turns() {
	local pid

	tree
	mkdir -p "$WORK/module"
	# shellcheck disable=SC2016 # make's, not the shell's
	printf 'modules:\n\tmkdir $(M)/building\n\tsleep 1\n\trmdir $(M)/building\n' \
		>"$WORK/tree/Makefile"
	KDIR=$WORK/tree RUSTC=$WORK/tree/rustc "$TOP/scripts/build.sh" "$WORK/module" modules &
	pid=$!
	KDIR=$WORK/tree RUSTC=$WORK/tree/rustc "$TOP/scripts/build.sh" "$WORK/module" modules &&
		wait "$pid"
}

unknown_test() {
	refused 'TESTS: no such program in selftests: nosuch.sh ' "$TOP/scripts/test.sh" nosuch.sh
}

# The kernel tree would say so if anything were built.
unknown_test_before_the_build() {
	tree
	refused 'TESTS: no such program in selftests: nosuch.sh ' make -C "$TOP" \
		KDIR="$WORK/tree" RUSTC="$WORK/tree/rustc" test TESTS=nosuch.sh
}

unknown_script_test() {
	refused 'TESTS: no such program in selftests/scripts: nosuch' "$TOP/scripts/check-scripts.sh" \
		layers.sh nosuch
}

unknown_script_test_before_the_build() {
	tree
	refused 'TESTS: no such program in selftests/scripts: nosuch' make -C "$TOP" \
		KDIR="$WORK/tree" RUSTC="$WORK/tree/rustc" check-scripts TESTS=nosuch
}

library_as_test() {
	refused 'TESTS: no such program in selftests: lib.sh .*nosuch.sh ' \
		"$TOP/scripts/test.sh" module.sh lib.sh nosuch.sh
}

# In a copy of the scripts, as the patch is planted.
mutant_of_unknown_kernel() {
	rm -rf "$WORK/copy"
	mkdir -p "$WORK/copy/selftests/a/mutants"
	cp -r "$TOP/scripts" "$TOP/selftests/list.sh" "$WORK/copy/"
	printf 'Test: a.sh\nKernel: nosuch\n' >"$WORK/copy/selftests/a/mutants/m.patch"
	refused 'selftests/a/mutants/m.patch: its line Kernel: names neither stock nor debug' \
		"$WORK/copy/scripts/mutants.sh" m
}

# A package index: of amd64 7.2 is whole and 7.3 has lost its source, of cloud 7.3 has
# all; 7.1 has images only, 6.12 no Rust.
index() {
	local package version

	while read -r package version; do
		printf 'Package: %s\nVersion: %s\n\n' "$package" "$version"
	done <<-'END'
		linux-image-6.12.9+deb13-amd64 6.12.9-1
		linux-headers-6.12.9+deb13-amd64 6.12.9-1
		linux-source-6.12 6.12.9-1
		linux-image-7.1.3+deb13-amd64 7.1.3-1
		linux-image-7.2.9+deb13-amd64 7.2.9-1
		linux-headers-7.2.9+deb13-amd64 7.2.9-1
		linux-source-7.2 7.2.9-1
		linux-image-7.2.10+deb13-amd64 7.2.10-1
		linux-headers-7.2.10+deb13-amd64 7.2.10-1
		linux-image-7.2.10+deb13-amd64-unsigned 7.2.10-1
		linux-source-7.2 7.2.10-1
		linux-image-7.3.4+deb13-amd64 7.3.4-1
		linux-headers-7.3.4+deb13-amd64 7.3.4-1
		linux-image-7.3.5+deb13-cloud-amd64 7.3.5-1
		linux-headers-7.3.5+deb13-cloud-amd64 7.3.5-1
		linux-image-7.3.5+deb13-rt-amd64 7.3.5-1
		linux-headers-7.3.5+deb13-rt-amd64 7.3.5-1
		linux-source-7.3 7.3.5-1
	END
}

# with_index CMD...: in a shell of its own, with that index and a cache of its own
with_index() (
	CACHE=$WORK/cache
	mkdir -p "$CACHE"
	apt_private() { index; }
	apt_ensure() { :; }
	need_root() { :; }
	cache_need_mib() { :; }
	set -e
	"$@"
)

newest() {
	KERNEL_SERIES=$1 FLAVOUR=$2
	[ "$(kernel_newest)" = "$3" ]
}

offered() {
	FLAVOUR=$1
	[ "$(kernel_offered)" = "$2" ]
}

set_up() {
	mkdir -p "$1"
	echo "a-kernel" >"$1/abi"
	kernel_key >"$1/.complete"
}

gone_series() {
	KERNEL_SERIES=$1
	refused "series $1 in .*: with image, headers, source and Rust the index has 7.2; set up here: none$" \
		kernel_make
}

gone_series_cached() {
	set_up "$CACHE/kernel-7.3.2-1"
	KERNEL_SERIES=7.4
	refused 'the index has 7.2; set up here: 7.3.2-1$' kernel_make || return
	KERNEL_SERIES=7.3
	kernel_make 2>"$WORK/out" || return
	cat "$WORK/out"
	[ "$KERNEL_DIR" = "$CACHE/kernel-7.3.2-1" ] && grep -q 'going on with a-kernel' "$WORK/out"
}

flavours_apart() {
	set_up "$CACHE/kernel-7.3.4-1"
	set_up "$CACHE/kernel-7.3.3-1"
	set_up "$CACHE/kernel-cloud-7.3.5-1"
	kernel_cached && [ "$KERNEL_DIR" = "$CACHE/kernel-7.3.4-1" ] || return
	kernel_used "$CACHE/kernel-cloud-7.3.5-1" && kernel_used "$CACHE/debug-7.3.4-1" || return
	! kernel_used "$CACHE/kernel-7.3.3-1" || return
	FLAVOUR=cloud
	kernel_cached && [ "$KERNEL_DIR" = "$CACHE/kernel-cloud-7.3.5-1" ]
}

setup_ensure
check "a tree that fits is built" fits
check "PREEMPT_RT" unfit "CONFIG_PREEMPT_RT" PREEMPT_RT=y
check "another architecture" unfit "another machine than x86-64" X86_64 ARM64=y
check "user-mode Linux" unfit "another machine than x86-64" UML=y
check "no debugfs" unfit "no CONFIG_DEBUG_FS" DEBUG_FS
check "no Rust" unfit "no CONFIG_RUST," RUST
check "no contiguous memory" unfit "no CONFIG_CONTIG_ALLOC" CONTIG_ALLOC
check "no stack traces" unfit "no CONFIG_STACKTRACE" STACKTRACE
check "no names of symbols" unfit "no CONFIG_KALLSYMS" KALLSYMS
check "MODVERSIONS" unfit "CONFIG_MODVERSIONS" MODVERSIONS=y
check "no Rust metadata" no_metadata
check "a tree that is not configured" not_configured
check "another compiler" other_compiler
check "no compiler" no_compiler
check "Kbuild by itself refuses, too" kbuild_refuses
check "Kbuild by itself takes what fits" kbuild_fits
check "Kbuild by itself cleans for any kernel" kbuild_cleans
check "bindgen without the flags of LTO" lto_flags
check "a client's include path is the preprocessor's" include_path
check "a blank in the path" blank_in_path
check "a percent sign in the path" percent_in_path
check "other characters in a path" other_characters
check "a relative cache" cache a-cache "RUST_POOL_CACHE=a-cache: name it by an absolute path"
check "a cache in the checkout" cache "$TOP/a-cache" "is inside the checkout"
check "a blank in the cache's path" cache "$WORK/a cache" 'RUST_POOL_CACHE: .* character " "'
check "the checkout as its own client" itself
check "a blank in a client's path" client_blank
check "the lock of a build" two_at_once
check "two builds at once take turns" builds_take_turns
check "an unknown test" unknown_test
check "an unknown test, before anything is built" unknown_test_before_the_build
check "an unknown test of the scripts" unknown_script_test
check "an unknown test of the scripts, before anything is built" \
	unknown_script_test_before_the_build
check "a library as a test" library_as_test
check "an unknown mutant beside a known one" refused \
	'there is no selftests/\*/mutants/nosuch.patch' \
	"$TOP/scripts/mutants.sh" crash-tables-go-round nosuch
check "a mutant of an unknown kernel" mutant_of_unknown_kernel
check "mutants since no commit" refused "SINCE=never: there is no such commit" \
	env SINCE=never make -C "$TOP" mutants
check "flavour rt" refused "FLAVOUR=rt has CONFIG_PREEMPT_RT" make -C "$TOP" FLAVOUR=rt
check "flavour rt-amd64" refused "FLAVOUR=rt has CONFIG_PREEMPT_RT" make -C "$TOP" test FLAVOUR=rt-amd64
check "an unknown flavour" refused "FLAVOUR=sky: there is amd64 cloud" make -C "$TOP" FLAVOUR=sky
check "a flavour of the debug kernel" refused "not of KERNEL=debug" \
	make -C "$TOP" FLAVOUR=cloud KERNEL=debug
check "newest of a series" with_index newest 7.2 amd64 "7.2.10-1 linux-image-7.2.10+deb13-amd64"
check "newest with its source only" with_index newest 7.3 amd64 ""
check "newest of another flavour" with_index newest 7.3 cloud "7.3.5-1 linux-image-7.3.5+deb13-cloud-amd64"
check "what could be used" with_index offered amd64 7.2
check "what could be used of another flavour" with_index offered cloud 7.3
check "a series that the index has not" with_index gone_series 7.4
check "a series without its source" with_index gone_series 7.3
check "a series that is gone but set up" with_index gone_series_cached
rm -rf "$WORK/cache"
check "each flavour has its own directories" with_index flavours_apart
