#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# list.sh: prints all test programs as FOLDER/NAME, in the order in which they run: those
# that are rows of the table "suites", of which there is no file, and those in the
# folders, which are executable; what they share is not.

cd "$(dirname "$(readlink -f "$0")")" || exit 1

# unload.sh comes last: with the common buffers that it leaks, DMA-API debugging
# blames the next driver that lets go of the device.
LAST=module/unload.sh

awk '/^[^# \t]/ { print $1 }' suites
find . -mindepth 2 -maxdepth 2 -type f -name '*.sh' -perm -u=x ! -path './scripts/*' |
	sed 's|^\./||' | grep -vxF "$LAST" | LC_ALL=C sort
[ ! -e "$LAST" ] || echo "$LAST"
