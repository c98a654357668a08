# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Memory cgroups; for programs that have sourced lib.sh.

MB=$((1024 * 1024))

# groups_exist: may the kernel have memory cgroups?
groups_exist() {
	grep -qw cgroup2 /proc/filesystems
}

# groups_begin: has each group of processes below $TMP/groups count its memory
groups_begin() {
	mkdir "$TMP/groups" && mount -t cgroup2 none "$TMP/groups" &&
		grep -qw memory "$TMP/groups/cgroup.controllers" &&
		echo +memory >"$TMP/groups/cgroup.subtree_control"
}

# group NAME [LIMIT]: makes a group of processes, and sets GROUP to its folder
group() {
	GROUP=$TMP/groups/$1
	mkdir "$GROUP" || return 1
	[ -z "${2:-}" ] || echo "$2" >"$GROUP/memory.max"
}

# Megabytes that the group is charged for.
charged() {
	echo $(($(cat "$GROUP/memory.current") / MB))
}

# groups_end: removes the groups, in which no process is any more
groups_end() {
	for _group in "$TMP/groups"/*/; do
		rmdir "$_group"
	done
	umount "$TMP/groups"
}
