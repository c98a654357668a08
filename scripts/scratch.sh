#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scratch.sh DIR: makes DIR a copy of the checkout's sources as they are now. Files that are
# the same are not touched, and what was built in DIR stays, so the next build there is
# incremental.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$1"
dir=$(cd "$1" && pwd -P)
build_lock "$dir"
cd "$TOP"
git ls-files -co --exclude-standard -z | while IFS= read -r -d '' file; do
	if [ ! -f "$file" ] || cmp -s "$file" "$dir/$file"; then
		continue
	fi
	mkdir -p "$dir/$(dirname "$file")"
	# Make a new file: a shell may be reading the old one as a script.
	cp --remove-destination "$file" "$dir/$file"
done

# Remove sources that are no longer in the checkout.
cd "$dir"
find . -path ./build -prune -o \
	-type f \( -name '*.rs' -o -name '*.[ch]' -o -name '*.sh' -o -name Kbuild \) \
	! -name '*.mod.c' ! -name '*_generated.rs' ! -name '.*' -print0 |
	while IFS= read -r -d '' file; do
		[ -e "$TOP/$file" ] || rm "$file"
	done
