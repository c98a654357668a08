# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# What the dashboard is drawn with in a test: a Debian root with Chromium and Node.js, and the
# packages that poolmon/fleet/draw/package-lock.json names, Grafana's libraries among them. These
# come from where the system's own npm would get them. Both are fetched by the first test, and
# stay in the cache.

# shellcheck source=scripts/programs.sh
. "$TOP/scripts/programs.sh"
# shellcheck source=scripts/registry.sh
. "$TOP/scripts/registry.sh"

DRAW=$TOP/poolmon/fleet/draw
DRAW_ROOT=$CACHE/draw-$DEBIAN_RELEASE
DRAW_DIR=$CACHE/draw-$(cat "$DRAW"/package{,-lock}.json | sha256sum | cut -c 1-8)

# Whether both are there, fetched if need be.
draw_can() {
	{ cache_ok "$DRAW_ROOT" "${DRAW_PACKAGES[*]}" && cache_ok "$DRAW_DIR"; } ||
		(draw_ensure) >/dev/null
}

draw_ensure() {
	need_root "drawing the dashboard"
	cache_lock
	if ! cache_ok "$DRAW_ROOT" "${DRAW_PACKAGES[*]}"; then
		cache_need_mib 2500 "a Chromium"
		apt_ensure
		cache_begin "$DRAW_ROOT"
		step "fetching Chromium and Node.js (about 3 minutes)" \
			"is there a network, and room in $CACHE?" draw_root
		cache_done "$DRAW_ROOT" "${DRAW_PACKAGES[*]}"
	fi
	if ! cache_ok "$DRAW_DIR"; then
		cache_need_mib 1000 "Grafana's libraries"
		cache_begin "$DRAW_DIR"
		step "fetching Grafana's libraries (about 2 minutes)" \
			"is there a network, and a registry that the system's npm would reach?" \
			draw_modules
		cache_done "$DRAW_DIR" fetched
	fi
	exec 9>&-
}

# The packages and all that they depend on, unpacked, as no program of these has to be set up.
# The status of our apt is empty.
draw_root() {
	local deb

	mkdir -p "$DRAW_ROOT"/debs/archives/partial
	apt_private apt-get -o Dir::Cache="$DRAW_ROOT/debs" -d -y install "${DRAW_PACKAGES[@]}"
	# That has the links from /bin to /usr/bin, and the like.
	dpkg -x "$(echo "$DRAW_ROOT"/debs/archives/base-files_*.deb)" "$DRAW_ROOT"
	for deb in "$DRAW_ROOT"/debs/archives/*.deb; do
		dpkg -x "$deb" "$DRAW_ROOT"
	done
	rm -r "$DRAW_ROOT/debs"
	echo root:x:0:0:root:/root:/bin/sh >"$DRAW_ROOT/etc/passwd"
}

# The registry, the proxy and the certificates are those that an npm of the caller's uses.
draw_modules() {
	local env=() file

	registry_env '^(npm_config|NPM_CONFIG)_'
	for file in /etc/npmrc /usr/etc/npmrc /usr/local/etc/npmrc; do
		[ ! -s "$file" ] || cp -L "$file" "$DRAW_ROOT/etc/npmrc"
	done
	registry_certificates NODE_EXTRA_CA_CERTS "$DRAW_DIR/certificates"
	registry_hosts "$DRAW_ROOT"
	cp "$DRAW"/package{,-lock}.json "$DRAW_DIR"
	cd "$DRAW_DIR" || return
	# No program of a package runs while it is installed.
	in_draw env "${env[@]}" nice -n 5 npm ci --ignore-scripts --no-audit --no-fund \
		--globalconfig /etc/npmrc --cache "$DRAW_DIR/cache"
	rm -r "$DRAW_DIR/cache"
}

# Prints the packages that came and whose licence is one of the GPLs, which have no place here.
draw_licences() {
	! grep -rE --include=package.json '"license": *"[^"]*GPL' "$DRAW_DIR/node_modules"
}

# in_draw CMD...: runs CMD in that root, as in_root does in that of the toolchain. What CMD has
# started ends with it.
in_draw() {
	unshare -m -p -f --kill-child "$TOP/scripts/enter-root" "$DRAW_ROOT" \
		"$TOP:$CACHE:$PWD${VISIBLE:+:$VISIBLE}" env -i PATH="$ROOT_PATH" HOME="$HOME" \
		LANG=C.UTF-8 TMPDIR=/tmp "$@"
}

# Writes package-lock.json anew, after a change to package.json: a line for each package, and
# without the names of hosts. By hand: bash -c '. scripts/env.sh; . scripts/draw.sh; draw_lock'
draw_lock() {
	local work

	work=$(mktemp -d "${TMPDIR:-/tmp}/rust_pool-lock.XXXXXX")
	cp "$DRAW/package.json" "$work"
	(cd "$work" && npm install --package-lock-only --ignore-scripts --no-audit --no-fund \
		--omit-lockfile-registry-resolved --prefer-dedupe)
	node - "$work/package-lock.json" >"$DRAW/package-lock.json" <<-'EOF'
		const { packages, ...lock } = JSON.parse(require('fs').readFileSync(process.argv[2]))
		const lines = Object.entries(packages).map(([path, { funding, engines, bin, ...one }]) => {
			if (one.resolved || /GPL/.test(path && one.license)) {
				throw new Error(`${path}: ${one.license} ${one.resolved}`)
			}
			return `${JSON.stringify(path)}: ${JSON.stringify(one)}`
		})
		lock.description = 'What draws dashboard.json. SPDX-License-Identifier: GPL-2.0'
		console.log(`${JSON.stringify(lock).slice(0, -1)}, "packages": {\n${lines.join(',\n')}\n}}`)
	EOF
	rm -r "$work"
}
