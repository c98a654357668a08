# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# A private apt. It uses the host's apt-get, with its proxies and certificates, but our own
# sources, lists and archives, which are in the cache. It does not touch /etc/apt and the
# host's lists.

APT_DIR=$CACHE/apt-$DEBIAN_RELEASE

apt_private() {
	local tool=$1
	shift

	"$tool" -q -o Dir::Etc::sourcelist="$APT_DIR/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::State::lists="$APT_DIR/lists" \
		-o Dir::Cache="$APT_DIR/cache" \
		-o Dir::State::status="${APT_STATUS:-$APT_DIR/status}" \
		-o Dir::State::extended_states="${APT_STATUS:-$APT_DIR/status}.extended" \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 \
		-o APT::Sandbox::User=root -o APT::Install-Recommends=false \
		-o Acquire::Languages=none -o Acquire::Retries=3 \
		-o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@"
}

# apt_into ROOT PACKAGE...: installs packages in a root: the host's apt-get fetches them,
# the root's dpkg installs them
apt_into() {
	local root=$1
	shift

	DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=$ROOT_PATH \
		APT_STATUS=$root/var/lib/dpkg/status apt_private apt-get \
		-o Dir::Cache="$root/var/cache/apt" \
		-o DPkg::Chroot-Directory="$root" -o Dpkg::Use-Pty=0 \
		-o Dir::Log="$root/var/log/apt" -y install "$@"
}

# Prints the mirrors in the system's apt sources, the most likely one first.
mirrors_of_system() {
	local codename uri

	if [ -n "${MIRROR:-}" ]; then
		echo "${MIRROR%/}"
		return
	fi
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# With an empty directory of lists, apt-get prints the address of every index.
	mkdir -p "$APT_DIR/none/partial"
	apt-get -o Dir::State::lists="$APT_DIR/none" update --print-uris 2>/dev/null |
		sed -n "s,^'\(.*\)/dists/\([^/ ]*\)/InRelease'.*,\2 \1,p" |
		awk -v own="$codename" '{ print ($1 == own ? 0 : 1), $2 }' |
		sort -s -k 1,1 | awk '!seen[$2]++ { print $2 }' |
		while read -r uri; do
			case $uri in
			mirror+file:*) sed -n 's/^\([^#[:space:]]*\).*/\1/p' "${uri#mirror+file:}" | head -n 1 ;;
			*) echo "$uri" ;;
			esac
		done | sed 's,/*$,,'
}

apt_update() {
	rm -rf "$APT_DIR/lists" "$APT_DIR/cache"
	mkdir -p "$APT_DIR/lists/partial" "$APT_DIR/cache/archives/partial"
	: >"$APT_DIR/status"
	apt_private apt-get -o APT::Update::Error-Mode=any update
}

# Finds a mirror that has the release and its backports, and reads its package index.
apt_ensure() {
	local keyring mirror tried=

	[ -z "${APT_READY:-}" ] || return 0
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	if [ ! -e "$keyring" ]; then
		need_root "installing debian-archive-keyring"
		step "installing debian-archive-keyring" "is there a network?" \
			host_install debian-archive-keyring
	fi
	mkdir -p "$APT_DIR"
	for mirror in $(mirrors_of_system); do
		cat >"$APT_DIR/sources.list" <<-END
			deb [signed-by=$keyring] $mirror $DEBIAN_RELEASE main
			deb [signed-by=$keyring] $mirror $DEBIAN_RELEASE-backports main
		END
		printf 'rust_pool: reading the package index of %s ... ' "$DEBIAN_RELEASE" >&2
		if apt_update >"$APT_DIR/update.log" 2>&1; then
			echo "ok" >&2
			DEBIAN_MIRROR=$mirror
			APT_READY=1
			return
		fi
		echo "not there" >&2
		tried="$tried $mirror"
	done
	[ -n "$tried" ] ||
		die "no Debian mirror in this system's apt sources: name one, MIRROR=<uri>"
	say "error: no package index of $DEBIAN_RELEASE and $DEBIAN_RELEASE-backports at$tried: is there a network? Else name a mirror, MIRROR=<uri>"
	sed 's/^/  | /' "$APT_DIR/update.log" >&2
	exit 1
}

host_install() {
	# The host's lists may be missing or too old to install from.
	apt-get -q update
	DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"
}
