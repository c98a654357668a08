#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# copy.sh DIR: copies to DIR what another machine needs to run the programs: the programs,
# the files that they share, and the modules and the program in C that were built. Keeps the
# folders.

mkdir -p "$1" || exit 1
dir=$(readlink -f "$1")
cd "$(dirname "$(readlink -f "$0")")" || exit 1
find . -type f \( -name '*.sh' -o -name '*.awk' -o -name '*.ko' -o -path ./suites \
	-o -path ./config -o -path ./settings -o -path ./dma/dma_copy \) ! -path './scripts/*' \
	-exec cp --parents -p -t "$dir" {} +
