# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # used where this is sourced
#
# Messages, timed steps, the cache and its lock. Sourced by all other scripts.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${RUST_POOL_CACHE:-/var/cache/rust_pool}
JOBS=$(nproc)

# We may run below a make. Its job server and its variables are not for the makes that we
# start.
CALLER_MAKEFLAGS=${MAKEFLAGS:-}
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

# shellcheck source=scripts/config.sh
. "$TOP/scripts/config.sh"

say() {
	echo "rust_pool: $*" >&2
}

die() {
	echo "rust_pool: error: $*" >&2
	exit 1
}

# need_plain WHAT PATH: fails if Kbuild cannot build a module in a path with such
# characters: blanks, colons and percent signs, and those that make or the shell interpret
need_plain() {
	local odd=$2

	odd=${odd//[^[:space:]:%#\$\'\"\\&\;()\[\]*?<>|\`]/}
	[ -z "$odd" ] ||
		die "$1: the kernel's build cannot take the character \"${odd:0:1}\" in the path $2"
}

need_plain "the checkout" "$TOP"

# A relative path would depend on the current directory; and in the checkout, the cache's
# hundred thousand files would count as our sources.
need_plain RUST_POOL_CACHE "$CACHE"
case $CACHE in
"$TOP" | "$TOP"/*) die "RUST_POOL_CACHE=$CACHE is inside the checkout: name a directory elsewhere" ;;
/*) ;;
*) die "RUST_POOL_CACHE=$CACHE: name it by an absolute path" ;;
esac

FLAVOUR=${FLAVOUR:-amd64}
FLAVOUR=${FLAVOUR%-amd64}
case " $KERNEL_FLAVOURS " in
*" $FLAVOUR "*) ;;
*)
	[ "$FLAVOUR" != rt ] ||
		die "FLAVOUR=rt has CONFIG_PREEMPT_RT, which is not supported: its spinlocks sleep, and the pool takes them where sleeping is not allowed"
	die "FLAVOUR=$FLAVOUR: there is $KERNEL_FLAVOURS"
	;;
esac
[ "$FLAVOUR" = amd64 ] || [ "${KERNEL:-stock}" = stock ] ||
	die "FLAVOUR=$FLAVOUR is one of the stock kernel, not of KERNEL=$KERNEL"

# build_lock DIR: waits until nobody else builds in DIR, and locks it until this script and
# all processes that it started have ended.
build_lock() {
	exec 8<"$1" || die "cannot read $1"
	flock -n 8 && return
	say "waiting for another make that builds in $1"
	flock 8
}

# step WHAT HINT CMD...: runs CMD quietly, and says what it does and how long it took. If
# CMD fails, says what failed, what to do about it (HINT), and shows the end of the log.
step() {
	local what=$1 hint=$2 start=$SECONDS log rc=0
	shift 2

	log=$(mktemp "${TMPDIR:-/tmp}/rust_pool-step.XXXXXX")
	printf 'rust_pool: %s ... ' "$what" >&2
	# Not "cmd || rc=$?", which would turn errexit off inside CMD.
	set +e
	(
		set -e
		"$@"
	) >"$log" 2>&1 </dev/null
	rc=$?
	set -e
	if [ "$rc" -ne 0 ]; then
		echo "failed after $((SECONDS - start)) s" >&2
		echo "rust_pool: error: $what: failed; $hint" >&2
		echo "rust_pool: end of the log:" >&2
		tail -n 40 "$log" | sed 's/^/  | /' >&2
		rm -f "$log"
		exit "$rc"
	fi
	echo "$((SECONDS - start)) s" >&2
	rm -f "$log"
}

# The cache has a directory for each thing and version. A directory is complete when it has
# a stamp, which is written last: a set-up that was killed, or ran out of disk or network,
# leaves none. (Directories are made in place, and not renamed when they are complete, as a
# kernel's build tree contains its own path.)
STAMP=.complete

# cache_ok DIR [KEY]: DIR is complete, and was made from KEY
cache_ok() {
	[ -f "$1/$STAMP" ] && { [ $# -lt 2 ] || [ "$(cat "$1/$STAMP")" = "$2" ]; }
}

cache_begin() {
	if [ -e "$1" ]; then
		if cache_ok "$1"; then
			say "removing outdated $1"
		else
			say "removing $1: a set-up that did not finish"
		fi
		cache_remove "$1"
	fi
	mkdir -p "$1"
}

# cache_done DIR KEY
cache_done() {
	sync -f "$1"
	echo "$2" >"$1/$STAMP.new"
	mv "$1/$STAMP.new" "$1/$STAMP"
	sync -f "$1"
}

# We mount everything in private namespaces, so nothing should be mounted here.
# --one-file-system is for what somebody mounted by hand.
cache_remove() {
	rm -f "$1/$STAMP"
	rm -rf --one-file-system "$1"
}

# Holds the lock until the script and all processes that it started have ended. So if a
# set-up lives on after its script was killed, the next one waits for it.
cache_lock() {
	mkdir -p "$CACHE" 2>/dev/null ||
		die "cannot make $CACHE: run as root, or name another place in RUST_POOL_CACHE"
	exec 9>"$CACHE/lock" || die "cannot write to $CACHE"
	flock -n 9 && return
	say "waiting for another set-up that holds $CACHE/lock"
	flock 9
}

cache_need_mib() {
	local free

	free=$(df --output=avail -BM "$CACHE" | tail -n 1 | tr -dc 0-9)
	[ "$free" -ge "$1" ] ||
		die "$CACHE has $free MiB free, $2 needs $1: make room, or set RUST_POOL_CACHE"
}

need_root() {
	[ "$(id -u)" -eq 0 ] || die "$1 needs root"
}
