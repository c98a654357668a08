#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# install.sh: installs the modules that are built, for the kernel for which they were built,
# and what is needed to build clients:
#
#   /lib/modules/RELEASE/updates/     rust_pool.ko, with DEMO=1 dma_demo.ko
#   /usr/src/rust_pool-RELEASE/       header, Module.symvers, Rust metadata
#   /usr/bin/rust_pool-config         says where these are, and how to use them
#   /usr/bin/rust_pool-crash          shows what a dump of memory has of rust_pool
#   /usr/bin/poolmon                  shows what the tags hold; if it was built,
#                                     with manual pages and completions for shells
#   /usr/share/doc/rust_pool/         examples for modprobe.d and modules-load.d, and with
#                                     poolmon for Prometheus and Grafana
#
# The header is not in /usr/include. That is for user space: a build of a kernel module with
# it in the path would find user space's headers.
#
# From the environment: INSTALL_MOD_PATH, INSTALL_MOD_DIR and INSTALL_MOD_STRIP as in any
# kernel. To sign the modules: SIGN_KEY and SIGN_CERT, SIGN_HASH, and KBUILD_SIGN_PIN for an
# encrypted key. Without SIGN_KEY, a kernel tree that signs all modules and has its key
# signs these as well, as its own modules_install would.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
# shellcheck source=scripts/installed.sh
. "$TOP/scripts/installed.sh"
# shellcheck source=scripts/cargo.sh
. "$TOP/scripts/cargo.sh"

modules=(rust_pool)
case ${DEMO:-0} in
0) ;;
1) modules+=(dma_demo) ;;
*) die "DEMO=$DEMO is not valid: 1 installs dma_demo too, 0 does not" ;;
esac
for name in SIGN_KEY SIGN_CERT; do
	case ${!name:-} in
	"" | pkcs11:*) ;;
	*) [ -r "${!name}" ] || die "$name: cannot read ${!name}" ;;
	esac
done
[ -z "${SIGN_KEY:-}" ] || [ -n "${SIGN_CERT:-}" ] ||
	die "SIGN_KEY: the key's certificate is wanted as well, SIGN_CERT=file"
[ -z "${SIGN_CERT:-}" ] || [ -n "${SIGN_KEY:-}" ] ||
	die "SIGN_CERT: the certificate's key is wanted as well, SIGN_KEY=file"

if [ -n "${KDIR:-}" ]; then
	tree=$(realpath -e "$KDIR")
	run=()
else
	setup_ensure
	tree=$KERNEL_BUILD
	run=(in_root)
fi
release=$(cat "$tree/include/config/kernel.release")
for module in "${modules[@]}"; do
	[ -f "$TOP/$module.ko" ] || die "there is no $module.ko: run make"
done

work=$(mktemp -d "${TMPDIR:-/tmp}/rust_pool-install.XXXXXX")
trap 'rm -rf "$work"' EXIT

# tool CMD...: runs a program of the toolchain
tool() {
	VISIBLE=$work "${run[@]}" "$@"
}

# option NAME: prints the value of CONFIG_NAME in the kernel's configuration
option() {
	sed -n "s/^CONFIG_$1=//p" "$tree/include/config/auto.conf" | tr -d '"'
}

# sign FILE: signs a module, if there is a key
sign() {
	local key=${SIGN_KEY:-} cert=${SIGN_CERT:-} hash

	if [ -z "$key" ] && [ -n "$(option MODULE_SIG_ALL)" ]; then
		key=$(option MODULE_SIG_KEY)
		case $key in
		/* | pkcs11:*) ;;
		*) key=$tree/$key ;;
		esac
		cert=$tree/certs/signing_key.x509
		[ -r "$cert" ] || return 0
		[[ $key = pkcs11:* ]] || [ -r "$key" ] || return 0
	fi
	[ -n "$key" ] || return 0
	[ -x "$tree/scripts/sign-file" ] ||
		die "$tree has no scripts/sign-file: its kernel checks no signatures"
	hash=${SIGN_HASH:-$(option MODULE_SIG_HASH)}
	# Pass both as open files: in the toolchain's root, other files may hide their paths.
	exec 6<"$cert"
	if [[ $key != pkcs11:* ]]; then
		exec 7<"$key"
		key=/dev/fd/7
	fi
	# shellcheck disable=SC2016 # expanded by the inner shell
	tool sh -c 'read -r pin; [ -z "$pin" ] || export KBUILD_SIGN_PIN="$pin"; exec "$@"' sh \
		"$tree/scripts/sign-file" "${hash:-sha256}" "$key" /dev/fd/6 "$1" \
		<<<"${KBUILD_SIGN_PIN:-}" >"$work/log" 2>&1 || {
		sed 's/^/  | /' "$work/log" >&2
		die "cannot sign with ${SIGN_KEY:-$key} and $cert"
	}
	exec 6<&- 7<&-
	signed=1
}

# compress FILE: compresses a module as the kernel compresses its own
compress() {
	[ -n "$(option MODULE_COMPRESS_ALL)" ] || return 0
	if [ -n "$(option MODULE_COMPRESS_XZ)" ]; then
		tool xz --check=crc32 --lzma2=dict=1MiB -f "$1"
	elif [ -n "$(option MODULE_COMPRESS_ZSTD)" ]; then
		tool zstd --rm -f -q "$1"
	elif [ -n "$(option MODULE_COMPRESS_GZIP)" ]; then
		tool gzip -n -f "$1"
	fi
}

# put FILE PLACE [MODE]: copies a file into a tree, which is installed as a whole below
put() {
	install -D -m "${3:-644}" "$1" "$work/tree/$2"
}

signed=
moddir=lib/modules/$release/${INSTALL_MOD_DIR:-updates}
srcdir=usr/src/rust_pool-$release
for module in "${modules[@]}"; do
	put "$TOP/$module.ko" "$moddir/$module.ko"
	case ${INSTALL_MOD_STRIP:-} in
	"") ;;
	1) tool "${STRIP:-strip}" --strip-debug "$work/tree/$moddir/$module.ko" ;;
	*)
		# shellcheck disable=SC2086 # a list of words
		tool "${STRIP:-strip}" $INSTALL_MOD_STRIP "$work/tree/$moddir/$module.ko"
		;;
	esac
	sign "$work/tree/$moddir/$module.ko"
	compress "$work/tree/$moddir/$module.ko"
done
while IFS= read -r file; do
	put "$TOP/$file" "$srcdir/$file"
done < <(cd "$TOP" && find include -name '*.h')
# Clients do not link against dma_demo.
grep -P '\trust_pool\t' "$TOP/Module.symvers" >"$work/symvers"
put "$work/symvers" "$srcdir/Module.symvers"
put "$TOP/librust_pool.rmeta" "$srcdir/librust_pool.rmeta"
sed "s/@CRATE@/$(sha256sum "$TOP/librust_pool.rmeta" | cut -c 1-16)/" \
	"$TOP/scripts/rust_pool.kbuild" >"$work/kbuild"
put "$work/kbuild" "$srcdir/rust_pool.kbuild"
echo "$tree" >"$work/kdir"
put "$work/kdir" "$srcdir/kdir"
put "$TOP/scripts/rust_pool-config" usr/bin/rust_pool-config 755
put "$TOP/scripts/rust_pool-crash" usr/bin/rust_pool-crash 755
if [ -x "$POOLMON" ]; then
	put "$POOLMON" usr/bin/poolmon 755
	mkdir "$work/man"
	"$POOLMON" man "$work/man"
	for file in "$work"/man/*; do
		put "$file" "usr/share/man/man1/${file##*/}"
	done
	while read -r shell file; do
		"$POOLMON" completions "$shell" >"$work/completions"
		put "$work/completions" "usr/share/$file"
	done <<-'END'
		bash bash-completion/completions/poolmon
		zsh zsh/vendor-completions/_poolmon
		fish fish/vendor_completions.d/poolmon.fish
	END
	for file in rules.yml rules_test.yml dashboard.json; do
		put "$TOP/poolmon/fleet/$file" "usr/share/doc/rust_pool/examples/fleet/$file"
	done
else
	say "without poolmon, which was not built: make poolmon, and install again"
fi
for file in modprobe.d/rust_pool.conf modules-load.d/rust_pool.conf \
	bpftrace/{bytes,sizes,lifetime,latency,violations}.bt; do
	put "$TOP/Documentation/examples/$file" "usr/share/doc/rust_pool/examples/$file"
done

root=$(install_root)
mkdir -p "$root/"
installed_remove "$root" "$release"
mapfile -t files < <(cd "$work/tree" && find . -type f -printf '%P\n' | sort)
mapfile -t directories < <(cd "$work/tree" && find . -mindepth 1 -type d -printf '%P/\n' | sort |
	while IFS= read -r dir; do
		[ -d "$root/$dir" ] || echo "$dir"
	done)
# Write the list first, so that an interrupted install can be undone.
list=$(installed_list "$root" "$release")
mkdir -p "${list%/*}"
printf '%s\n' "$INSTALLED_HEAD" "${files[@]}" "${directories[@]}" >"$list"
for file in "${files[@]}"; do
	install -D -m "$(stat -c %a "$work/tree/$file")" "$work/tree/$file" "$root/$file"
done
depmod_run "$root" "$release"

for file in "$root/$moddir"/{rust_pool,dma_demo}.ko*; do
	[ ! -f "$file" ] || [ -f "$work/tree/${file#"$root/"}" ] ||
		say "not of this install, and best removed: $file"
done
say "installed for $release, below ${root:-/}: ${#files[@]} files, listed in $list"
if [ -z "$signed" ]; then
	say "not signed: the kernel says so when it loads them, and refuses under Secure Boot; SIGN_KEY=file SIGN_CERT=file signs"
fi
if [ -z "$root" ] && [ "$(uname -r)" != "$release" ]; then
	say "this machine runs $(uname -r): modprobe rust_pool finds it when $release is booted"
fi
