#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# clean.sh: removes what was built: runs Kbuild's clean for our modules and those of the
# selftests, and removes build/. Never sets up a kernel to do that.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

rm -rf --one-file-system "$TOP/build"
if [ -z "${KDIR:-}" ] && ! setup_ready; then
	die "clean is Kbuild's, and no kernel is set up: name the tree that it was built with, KDIR=/a/tree"
fi
"$TOP/scripts/build.sh" "$TOP" clean
for modules in test_modules bench ports; do
	[ ! -d "$TOP/selftests/$modules" ] ||
		"$TOP/scripts/build.sh" "$TOP/selftests/$modules" clean
done
