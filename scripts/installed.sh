# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The lists of installed files, for install.sh and uninstall.sh. Each kernel release has a
# list below the root of the installation, usr/src/rust_pool-RELEASE/installed. It names
# the files and, with a slash at the end, the directories that were made for them.
#
# A file that all releases share, like rust_pool-config, is in each list. It is removed with
# the last of these.

INSTALLED_HEAD="# rust_pool - installed: version 1"

# install_root: prints the root in INSTALL_MOD_PATH; "" for the root of the system
install_root() {
	local root

	[ -n "${INSTALL_MOD_PATH:-}" ] || return 0
	root=$(realpath -m "$INSTALL_MOD_PATH")
	echo "${root%/}"
}

# installed_list ROOT RELEASE: prints the path of the list
installed_list() {
	echo "$1/usr/src/rust_pool-$2/installed"
}

# installed_releases ROOT: prints the releases that have a list
installed_releases() {
	local list

	for list in "$1"/usr/src/rust_pool-*/installed; do
		[ -f "$list" ] || continue
		list=${list%/installed}
		echo "${list##*/rust_pool-}"
	done
}

# installed_check LIST: prints the list without its head; fails if it is not one of ours
installed_check() {
	[ "$(head -n 1 "$1")" = "$INSTALLED_HEAD" ] ||
		die "$1 is no list of what is installed that this version can read"
	if grep -qE '^/|(^|/)\.\.(/|$)' "$1"; then
		die "$1 names files elsewhere: nothing is removed"
	fi
	sed 1d "$1"
}

# installed_remove ROOT RELEASE: removes what is in the list, and nothing else
installed_remove() {
	local root=$1 release=$2 list others=() other file

	list=$(installed_list "$root" "$release")
	[ -f "$list" ] || return 0
	installed_check "$list" >/dev/null
	for other in "$root"/usr/src/rust_pool-*/installed; do
		[ "$other" = "$list" ] || others+=("$other")
	done
	while IFS= read -r file; do
		case $file in
		*/) ;;
		*)
			[ ${#others[@]} -eq 0 ] || ! grep -qxF -e "$file" "${others[@]}" ||
				continue
			rm -f "$root/$file"
			;;
		esac
	done < <(installed_check "$list")
	depmod_forget "$root" "$release" "$list"
	# A directory that still has files of another release goes into that one's list.
	installed_check "$list" | grep '/$' | sort -r >"$list.made" || true
	rm "$list"
	exec 5<"$list.made"
	rm "$list.made"
	while IFS= read -r file; do
		rmdir "$root/$file" 2>/dev/null || [ ! -d "$root/$file" ] ||
			[ ${#others[@]} -eq 0 ] || grep -qxF -e "$file" "${others[0]}" ||
			echo "$file" >>"${others[0]}"
	done <&5
	exec 5<&-
}

# depmod_forget ROOT RELEASE LIST: removes depmod's files, if the modules' directory was
# made for us and has no modules any more
depmod_forget() {
	local dir=lib/modules/$2 name

	[ -d "$1/$dir" ] && grep -qxF "$dir/" "$3" || return 0
	[ -z "$(find "$1/$dir" -type f ! -path "$1/$dir/modules.*")" ] || return 0
	[ ! -e "$1/$dir/modules.order" ] || return 0
	for name in alias alias.bin builtin.alias.bin builtin.bin dep dep.bin devname \
		softdep symbols symbols.bin weakdep; do
		rm -f "$1/$dir/modules.$name"
	done
}

# depmod_run ROOT RELEASE: runs the system's depmod, or the toolchain's if there is none
depmod_run() {
	local root=$1 release=$2 run=() log status=0

	[ -d "$root/lib/modules/$release" ] || return 0
	if ! PATH=$PATH:/usr/sbin:/sbin command -v depmod >/dev/null; then
		[ -z "${KDIR:-}" ] || die "there is no depmod here: install kmod"
		setup_ensure
		run=(in_root)
	fi
	log=$(PATH=$PATH:/usr/sbin:/sbin VISIBLE=${root:+$root:}$(realpath "$root/lib/modules") \
		"${run[@]}" depmod -b "${root:-/}" "$release" 2>&1) || status=$?
	# Drop its warnings that the tree has no lists of builtin modules: it has no kernel.
	grep -vE 'could not open modules\.(order|builtin)' <<<"$log" | grep . >&2 || true
	[ "$status" -eq 0 ] || die "depmod failed for $release"
}
