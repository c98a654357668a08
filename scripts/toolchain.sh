# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The toolchain is that of a Debian release. On this release itself it is used in place. On
# other systems it is in a root that debootstrap makes, and runs there by chroot, in a
# private mount namespace.

ROOT_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# If the set of packages changes, another root is made.
TOOLCHAIN_KEY=$(printf '%s\n' "${TOOLCHAIN_PACKAGES[@]}" | sort | sha256sum | cut -c 1-8)
ROOT=$CACHE/root-$DEBIAN_RELEASE-$TOOLCHAIN_KEY

toolchain_in_place() {
	[ -z "${TOOLCHAIN_CHROOT:-}" ] &&
		grep -q '^ID=debian' /etc/os-release &&
		grep -q "^VERSION_ID=\"$DEBIAN_VERSION\"" /etc/os-release
}

toolchain_ensure() {
	if toolchain_in_place; then
		toolchain_host "${TOOLCHAIN_PACKAGES[@]}" "${DOC_PACKAGES[@]}" \
			"${CARGO_PACKAGES[@]}" "${SPELLING_PACKAGES[@]}"
	elif ! cache_ok "$ROOT"; then
		toolchain_root
	fi
}

# toolchain_missing PACKAGE...: prints those that the toolchain does not have
toolchain_missing() {
	local package where=()

	toolchain_in_place || where=(--admindir "$ROOT/var/lib/dpkg")
	for package; do
		dpkg-query "${where[@]}" -W -f '${db:Status-Status}' "$package" 2>/dev/null |
			grep -q '^installed' || echo "$package"
	done
}

toolchain_host() {
	local missing

	mapfile -t missing < <(toolchain_missing "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	need_root "installing the toolchain"
	step "installing ${#missing[@]} packages of the toolchain" \
		"is there a network, are the apt sources in order?" \
		host_install "${missing[@]}"
}

# toolchain_add PACKAGE...: adds packages that not everybody needs to the toolchain
toolchain_add() {
	local missing

	mapfile -t missing < <(toolchain_missing "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	if toolchain_in_place; then
		toolchain_host "$@"
		return
	fi
	need_root "adding to the toolchain root"
	cache_need_mib 1500 "the toolchain root"
	apt_ensure
	step "adding ${missing[*]} to the toolchain (about 1 minute)" \
		"is there a network, and room in $CACHE?" toolchain_install "${missing[@]}"
}

toolchain_root() {
	need_root "making the toolchain root"
	cache_need_mib 4000 "the toolchain root"
	if ! command -v debootstrap >/dev/null; then
		step "installing debootstrap" "is there a network?" host_install debootstrap
	fi
	apt_ensure
	cache_begin "$ROOT"
	step "making a $DEBIAN_RELEASE root in $ROOT (about 1 minute)" \
		"is there a network, and room in $CACHE?" toolchain_bootstrap
	step "installing the toolchain in it (about 2 minutes)" \
		"is there a network, and room in $CACHE?" \
		toolchain_install "${TOOLCHAIN_PACKAGES[@]}" "${DOC_PACKAGES[@]}" \
		"${CARGO_PACKAGES[@]}" "${SPELLING_PACKAGES[@]}"
	cache_done "$ROOT" "$TOOLCHAIN_KEY"
}

toolchain_bootstrap() {
	local proxy

	# debootstrap uses wget, which does not know apt's proxy.
	proxy=$(apt-config dump Acquire::http::Proxy | sed -n 's/.*"\(.\+\)";/\1/p')
	[ -z "$proxy" ] || export http_proxy=$proxy https_proxy=$proxy
	unshare -m debootstrap --variant=minbase \
		--keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
		"$DEBIAN_RELEASE" "$ROOT" "$DEBIAN_MIRROR"
}

toolchain_install() {
	# Keep packages from starting services in the root.
	printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
	chmod +x "$ROOT/usr/sbin/policy-rc.d"
	export -f apt_into apt_private
	export ROOT ROOT_PATH APT_DIR
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare -m bash -ec '
		mount -t proc proc "$ROOT/proc"
		mount --rbind /dev "$ROOT/dev"
		# Finish an installation that was killed.
		PATH=$ROOT_PATH chroot "$ROOT" dpkg --configure -a
		apt_into "$ROOT" "$@"' bash "$@"
	rm -rf "$ROOT"/var/cache/apt/*
}

# in_root CMD...: runs CMD with the toolchain, in the current directory, with a clean
# environment. In the root, the host's directories have their own paths, except system
# directories like /usr. So have the checkout, the cache and the directories in VISIBLE.
in_root() {
	local env=(PATH="$ROOT_PATH" HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}"
		TMPDIR=/tmp)

	if toolchain_in_place; then
		env -i "${env[@]}" "$@"
		return
	fi
	need_root "entering the toolchain root"
	unshare -m "$TOP/scripts/enter-root" "$ROOT" \
		"$TOP:$CACHE:$PWD${VISIBLE:+:$VISIBLE}" env -i "${env[@]}" "$@"
}

# build_copy DIR: builds in DIR the program that gives dma_demo buffers. The virtual machine has
# no libraries.
build_copy() {
	VISIBLE=$1 in_root gcc -static -O2 -Wall -Wextra -Werror -o "$1/dma_copy" \
		"$TOP/selftests/dma/dma_copy.c"
}
