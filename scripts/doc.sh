#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# doc.sh OUT: renders Documentation/ as HTML in OUT. A warning is an error. The kernel's own
# extension of Sphinx makes the reference of the C routines from the header.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"

[ -f "$TOP/Documentation/conf.py" ] || die "there is no Documentation/conf.py"
setup_ensure
if [ -n "$(toolchain_missing "${DOC_PACKAGES[@]}")" ]; then
	cache_lock
	toolchain_add "${DOC_PACKAGES[@]}"
	exec 9>&-
fi
cd "$TOP"
in_root env PYTHONDONTWRITEBYTECODE=1 srctree="$KERNEL_DIR/source" \
	sphinx-build -q -E -a -W --keep-going -b html -d "$1.doctrees" Documentation "$1"
say "documents: $TOP/$1/index.html"
