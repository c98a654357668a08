#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# list.sh: prints all test programs as FOLDER/NAME, in the order in which they run. First
# the rows of the table "suites", which have no files, then the executable files in the
# folders. (Files that programs source are not executable.)

cd "$(dirname "$(readlink -f "$0")")" || exit 1

# unload.sh comes last. It leaks common buffers, for which DMA-API debugging blames the
# next driver that is unbound from the device.
LAST=module/unload.sh

awk '/^[^# \t]/ { print $1 }' suites
find . -mindepth 2 -maxdepth 2 -type f -name '*.sh' -perm -u=x ! -path './scripts/*' |
	sed 's|^\./||' | grep -vxF "$LAST" | LC_ALL=C sort
[ ! -e "$LAST" ] || echo "$LAST"
