# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Takes into a root of ours what a program of the caller's reaches a package registry with: the
# variables of its environment, the certificates and the names of hosts.

# registry_env PATTERN: adds to env those variables that name a proxy, and those of PATTERN
registry_env() {
	local name

	for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY \
		$(compgen -e | grep -E "$1"); do
		[ -z "${!name:-}" ] || env+=("$name=${!name}")
	done
}

# registry_certificates NAME COPY: copies the certificates that the variable NAME names, or else
# the system's, and adds to env that NAME is the copy
registry_certificates() {
	local file

	for file in "${!1:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt; do
		[ -s "$file" ] || continue
		cp -L "$file" "$2"
		env+=("$1=$2")
		break
	done
}

# registry_hosts ROOT: where the names of hosts are looked up
registry_hosts() {
	local file

	for file in /etc/resolv.conf /etc/hosts; do
		[ ! -s "$file" ] || cp -L --remove-destination "$file" "$1$file"
	done
}
