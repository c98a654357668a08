# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# What poolmon is built with: Debian's cargo, added to the toolchain, and the crates that
# poolmon/Cargo.lock.in names. These are fetched once, from where the system's own cargo gets
# them, and compiled once for all checkouts; both stay in the cache.

# shellcheck source=scripts/registry.sh
. "$TOP/scripts/registry.sh"

CARGO_DIR=$CACHE/cargo-$(cat "$TOP/poolmon"/Cargo.{toml,lock.in} | sha256sum | cut -c 1-8)
CARGO_TARGET=x86_64-unknown-linux-gnu

# What it makes here, and the program itself.
POOLMON_BUILD=$TOP/build/poolmon
POOLMON=$POOLMON_BUILD/poolmon

cargo_ready() {
	cache_ok "$CARGO_DIR" && [ -z "$(toolchain_missing "${CARGO_PACKAGES[@]}")" ]
}

cargo_ensure() {
	! cargo_ready || return 0
	cache_lock
	toolchain_add "${CARGO_PACKAGES[@]}"
	if ! cache_ok "$CARGO_DIR"; then
		cache_need_mib 500 "the crates of poolmon"
		cache_begin "$CARGO_DIR"
		step "fetching the crates of poolmon" \
			"is there a network, and a registry that the system's cargo would reach?" \
			cargo_fetch
		cache_done "$CARGO_DIR" fetched
	fi
	exec 9>&-
}

# Whether there is all that poolmon is built with, fetched if need be. What keeps it from being
# fetched is for "make poolmon" to say: nothing else needs it.
cargo_can() {
	cargo_ready || (cargo_ensure) >/dev/null 2>&1
}

# The registry, the proxy and the certificates are those that a cargo of the caller's uses. Without
# a network it gives up soon.
cargo_fetch() {
	local env=() file

	mkdir -p "$CARGO_DIR/home"
	for file in "${CARGO_HOME:-$HOME/.cargo}"/config{.toml,}; do
		[ ! -f "$file" ] || cp "$file" "$CARGO_DIR/home/config.toml"
	done
	registry_env '^CARGO_(HTTP|NET|REGISTR|SOURCE)'
	if ! toolchain_in_place; then
		registry_certificates CARGO_HTTP_CAINFO "$CARGO_DIR/certificates"
		registry_hosts "$ROOT"
	fi
	env+=(CARGO_NET_RETRY=1 CARGO_HTTP_TIMEOUT=20 "CARGO_HOME=$CARGO_DIR/home")
	cargo_registry "${env[@]}"
	cargo_lock "$TOP/poolmon"
	in_root env "${env[@]}" cargo fetch --locked \
		--target "$CARGO_TARGET" --manifest-path "$TOP/poolmon/Cargo.toml"
}

# cargo_registry ENV...: asks cargo for the name that it gives the registry in a lock file
cargo_registry() {
	local stub=$CARGO_DIR/registry-stub

	mkdir -p "$stub"
	cat >"$stub/Cargo.toml" <<-'EOF'
		[package]
		name = "stub"
		version = "0.0.0"
		edition = "2021"

		[lib]
		path = "lib.rs"

		[dependencies]
		bitflags = "2"
	EOF
	: >"$stub/lib.rs"
	in_root env "$@" cargo generate-lockfile --manifest-path "$stub/Cargo.toml"
	sed -n 's/^source = "\(.*\)"$/\1/p' "$stub/Cargo.lock" | head -n 1 >"$CARGO_DIR/registry"
	[ -s "$CARGO_DIR/registry" ]
}

# cargo_lock DIR: puts Cargo.lock there. The file that it is made from has no name of a registry.
cargo_lock() {
	sed "s|^source = \"registry\"\$|source = \"$(cat "$CARGO_DIR/registry")\"|" \
		"$TOP/poolmon/Cargo.lock.in" >"$1/Cargo.lock"
}

# cargo_run TARGET-DIR CMD...: cargo without a network, which makes one static program. Its
# compiler for what is ours is clippy, so that each build is also its lint. Crates and what
# they generate while they are built are for the host, and linked as usual.
cargo_run() {
	local target=$1
	shift

	in_root env CARGO_HOME="$CARGO_DIR/home" CARGO_NET_OFFLINE=true CARGO_TERM_COLOR=never \
		CARGO_BUILD_JOBS="${CARGO_BUILD_JOBS:-$JOBS}" CARGO_TARGET_DIR="$target" \
		CARGO_BUILD_TARGET=$CARGO_TARGET \
		CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-feature=+crt-static" \
		RUSTC_WORKSPACE_WRAPPER=clippy-driver \
		CLIPPY_ARGS=-Dwarnings__CLIPPY_HACKERY__ cargo "$@"
}

# The crates alone, by way of a package that has the same ones and nothing of its own.
cargo_crates() {
	local stub=$CARGO_DIR/crates/stub

	mkdir -p "$stub/src"
	cp "$TOP/poolmon/Cargo.toml" "$stub"
	cargo_lock "$stub"
	echo '//! Nothing' >"$stub/src/lib.rs"
	echo '//! Nothing
fn main() {}' >"$stub/src/main.rs"
	cargo_run "$CARGO_DIR/crates/target" build --locked --release --lib \
		--manifest-path "$stub/Cargo.toml"
	find "$CARGO_DIR/crates/target" -name '*poolmon*' -prune -exec rm -rf {} +
}

# Brings the compiled crates here, where what is built of ours joins them.
cargo_begin() {
	cargo_ensure
	if ! cache_ok "$CARGO_DIR/crates"; then
		cache_lock
		if ! cache_ok "$CARGO_DIR/crates"; then
			cache_begin "$CARGO_DIR/crates"
			step "compiling the crates of poolmon (about 1 minute)" \
				"is there room in $CACHE?" cargo_crates
			cache_done "$CARGO_DIR/crates" compiled
		fi
		exec 9>&-
	fi
	mkdir -p "$POOLMON_BUILD"
	build_lock "$POOLMON_BUILD"
	if ! cache_ok "$POOLMON_BUILD" "$CARGO_DIR"; then
		rm -rf "$POOLMON_BUILD/target"
		cp -a "$CARGO_DIR/crates/target" "$POOLMON_BUILD/target"
		echo "$CARGO_DIR" >"$POOLMON_BUILD/$STAMP"
	fi
	cargo_lock "$TOP/poolmon"
	cd "$TOP/poolmon" || return
}
