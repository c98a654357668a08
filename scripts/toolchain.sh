# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The toolchain: Debian's own. Used in place on the release that it belongs to,
# else from a debootstrapped root, which is entered by chroot in a private mount
# namespace.

ROOT_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# Packages that are added or dropped make another root; order does not matter.
TOOLCHAIN_KEY=$(printf '%s\n' "${TOOLCHAIN_PACKAGES[@]}" | sort | sha256sum | cut -c 1-8)
ROOT=$CACHE/root-$DEBIAN_RELEASE-$TOOLCHAIN_KEY

toolchain_in_place() {
	[ -z "${TOOLCHAIN_CHROOT:-}" ] &&
		grep -q '^ID=debian' /etc/os-release &&
		grep -q "^VERSION_ID=\"$DEBIAN_VERSION\"" /etc/os-release
}

toolchain_ensure() {
	if toolchain_in_place; then
		toolchain_host "${TOOLCHAIN_PACKAGES[@]}" "${DOC_PACKAGES[@]}"
	elif ! cache_ok "$ROOT"; then
		toolchain_root
	fi
}

# Prints which of the packages are not installed where the toolchain is.
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

# toolchain_add PACKAGE...: those that not everybody needs, to what is there
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
		toolchain_install "${TOOLCHAIN_PACKAGES[@]}" "${DOC_PACKAGES[@]}"
	cache_done "$ROOT" "$TOOLCHAIN_KEY"
}

toolchain_bootstrap() {
	local proxy

	# debootstrap fetches by wget, which does not know of apt's proxy.
	proxy=$(apt-config dump Acquire::http::Proxy | sed -n 's/.*"\(.\+\)";/\1/p')
	[ -z "$proxy" ] || export http_proxy=$proxy https_proxy=$proxy
	unshare -m debootstrap --variant=minbase \
		--keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
		"$DEBIAN_RELEASE" "$ROOT" "$DEBIAN_MIRROR"
}

toolchain_install() {
	# No service may be started from the root.
	printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
	chmod +x "$ROOT/usr/sbin/policy-rc.d"
	export -f apt_into apt_private
	export ROOT ROOT_PATH APT_DIR
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare -m bash -ec '
		mount -t proc proc "$ROOT/proc"
		mount --rbind /dev "$ROOT/dev"
		# An earlier one may have been killed.
		PATH=$ROOT_PATH chroot "$ROOT" dpkg --configure -a
		apt_into "$ROOT" "$@"' bash "$@"
	rm -rf "$ROOT"/var/cache/apt/*
}

# in_root CMD...: runs CMD with the toolchain, in the current directory, with a
# clean environment. All of the host but its system directories is visible at
# its own place, and so are the checkout, the cache and what VISIBLE names.
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
