#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The lint of layers: what it finds where something is planted, in a made-up tree of
# three folders, and in a copy of ours.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"

setup_ensure
tree=$WORK/tree
house=$tree/rust_pool

layers() {
	in_root python3 "$TOP/scripts/layers.py" "$@"
}

# finds REGEX CMD...: fails, and one of the lines that it prints matches
finds() {
	local regex=$1 out status=0
	shift

	out=$("$@" 2>&1) || status=$?
	echo "$out"
	[ "$status" -eq 1 ] && grep -qE -e "$regex" <<<"$out"
}

# build: the rooms anew, without a fault
build() {
	rm -rf "$tree"
	mkdir -p "$house/top" "$house/low/arch"
	cat >"$house/README.rst" <<-EOF
		=======  =========  ===============
		folder   may use    what is in it
		=======  =========  ===============
		\`\`low\`\`              The lowest.
		\`\`mid\`\`  \`\`low\`\`    Between them.
		\`\`top\`\`  \`\`low\`\`,   The highest:
		         \`\`mid\`\`    two lines.
		=======  =========  ===============
	EOF
	echo 'pub(crate) mod arch;' >"$house/low.rs"
	echo 'pub(crate) fn low() {}' >"$house/low/arch.rs"
	printf '%s\n' 'use crate::{' '    low::arch::{' '        self,' '    },' '};' >"$house/mid.rs"
	printf '%s\n' 'pub(crate) mod a;' 'pub(crate) mod b;' >"$house/top.rs"
	printf '%s\n' 'use super::b;' '// use crate::top::b::c::a;' >"$house/top/a.rs"
	printf '%s\n' 'fn b() {' '    crate::mid::f("crate::top::a::f");' '}' >"$house/top/b.rs"
}

edge_by_use() {
	build
	echo 'use crate::top::a::{f, g};' >>"$house/mid.rs"
	finds '^rust_pool/mid.rs:6: mid uses top::a \(rust_pool/top/a.rs\), but mid may not use top$' \
		layers "$tree"
}

edge_in_code() {
	build
	printf '%s\n' 'mod tests {' '    fn f() {' '        super::super::mid::f()' '    }' '}' \
		>>"$house/low.rs"
	finds '^rust_pool/low.rs:4: low uses mid \(rust_pool/mid.rs\), but low may not use mid$' \
		layers "$tree"
}

edge_of_macro() {
	build
	# shellcheck disable=SC2016 # it is Rust's
	echo 'macro_rules! m { () => { $crate::mid::f() } }' >>"$house/low/arch.rs"
	finds '^rust_pool/low/arch.rs:2: low::arch uses mid ' layers "$tree"
}

circle() {
	build
	printf '%s\n' 'fn f() {' '    super::a::f();' '}' >>"$house/top/b.rs"
	finds '^rust_pool/top/a.rs:1: circle: top::a uses top::b$' layers "$tree" &&
		finds '^rust_pool/top/b.rs:5: circle: top::b uses top::a$' layers "$tree"
}

missing_row() {
	build
	touch "$house/new.rs"
	finds '^rust_pool/README.rst: new is not in the table$' layers "$tree"
}

row_too_many() {
	build
	rm "$house/mid.rs"
	finds '^rust_pool/README.rst: mid is no folder$' layers "$tree"
}

table_upside_down() {
	build
	# shellcheck disable=SC2016 # it is RST's
	sed -i 's/^``low``             /``low``  ``top``   /' "$house/README.rst"
	finds '^rust_pool/README.rst: low may use top, but that is no row above it$' layers "$tree"
}

architecture() {
	local text

	for text in '#include <asm/tlbflush.h>' 'asm!("mov {0}, gs:[{1}]");' 'flush_tlb_all();'; do
		build
		echo "$text" >"$house/mid.c"
		finds '^rust_pool/mid.c:1: ".*" is for sys/arch alone$' layers "$tree" || return 1
	done
}

# A wrong edge that is planted in ours, which makes a circle as well.
ours() {
	rm -rf "$tree"
	mkdir "$tree"
	cp -r "$TOP/rust_pool" "$tree"
	echo 'use crate::debugfs;' >>"$house/lib/text.rs"
	finds '^rust_pool/lib/text.rs:[0-9]+: lib::text uses debugfs \(rust_pool/debugfs.rs\), ' \
		layers "$tree" &&
		finds '^rust_pool/lib/text.rs:[0-9]+: circle: lib::text uses debugfs$' layers "$tree"
}

build
check "a house without a fault" layers "$tree"
check "ours has none" layers
check "a wrong edge by use" edge_by_use
check "a wrong edge in code" edge_in_code
check "a wrong edge of a macro" edge_of_macro
check "a circle" circle
check "a folder without a row" missing_row
check "a row without a folder" row_too_many
check "a row that may use what is above it" table_upside_down
check "what depends on the architecture" architecture
check "a wrong edge in ours" ours
