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
	mkdir -p "$house/top" "$house/mid" "$house/low/arch"
	echo 'pub use top::a::Block;' >"$tree/rust_pool.rs"
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

table_unread() {
	build
	sed -i 's/^folder /room   /' "$house/README.rst"
	finds '^rust_pool/README.rst: has no table of folders' layers "$tree"
}

# Each line is planted into low/arch.rs, and is a fault there or leads to one.
paths() {
	local text

	while read -r text; do
		build
		printf '%b\n' "$text" >>"$house/low/arch.rs"
		finds '^rust_pool/low/arch.rs:[0-9]+: ' layers "$tree" || {
			echo "not found: $text"
			return 1
		}
	done
}

by_another_way() {
	paths <<-'EOF'
		fn f() { crate::rust_pool::top::a::f() }
		use crate::rust_pool::top;
		use crate::Block;
		fn f(_: crate::Block) {}
		use crate as root;
		use crate::{self as root};
		use super::super as root;
		use crate::*;
		use super::super::*;
		use self::super::super::top::a;
		macro_rules! m { () => { use $crate::top::a::f; } }
		macro_rules! m { ($p:ident) => { crate::$p::a::f() } }
		macro_rules! m { ($p:ident) => { super::super::$p::a::f() } }
		#[path = "../top/a.rs"]\nmod x;
		#[cfg_attr(all(), path = "../top/a.rs")]\nmod x;
		include!("../top/a.rs");
		extern crate self as root;
		#[macro_use]\nmod x {}
		fn f(_:crate::top::a::T) {}
		use crate :: top :: a;
	EOF
}

behind_a_character() {
	paths <<-'EOF'
		const Q: u8 = b'"';\nuse crate::top;\nconst R: &str = "";
		const Q: char = '"';\nuse crate::top;\nconst R: &str = "";
		const Q: &str = r"\\\\";\nuse crate::top;\nconst R: &str = "";
		const Q: &str = r#"""#;\nuse crate::top;\nconst R: &str = "";
		/* /* */ " */\nuse crate::top;\nconst R: &str = "";
	EOF
}

# What is no edge, as it is in a string, a character, or a comment in a comment.
in_no_code() {
	build
	printf '%b\n' "const Q: char = '\\\\'';" 'const R: &str = r"\\\\"; // crate::top' \
		'/* /* */ crate::top */' "fn f<'a>(_: &'a str) -> &'a str { \"crate::top\" }" \
		>>"$house/low/arch.rs"
	layers "$tree"
}

circle_by_a_child() {
	build
	echo 'fn f() { a::f() }' >>"$house/top.rs"
	echo 'use crate::top::g;' >>"$house/top/a.rs"
	finds '^rust_pool/top.rs:3: circle: top uses top::a$' layers "$tree"
}

circle_by_an_import() {
	build
	printf '%s\n' 'use super::super::top;' 'fn f() { top::a::f() }' >>"$house/top/b.rs"
	finds '^rust_pool/top/b.rs:5: circle: top::b uses top::a$' layers "$tree"
}

circle_by_a_glob() {
	build
	printf '%s\n' 'mod tests {' '    use super::*;' '    fn f() { a::f() }' '}' >>"$house/top.rs"
	echo 'use crate::top::g;' >>"$house/top/a.rs"
	finds '^rust_pool/top.rs:5: circle: top uses top::a$' layers "$tree"
}

# build_c: with C halves, still without a fault: low/core.h declares everything
build_c() {
	build
	printf '%s\n' 'int low_c(void);' 'int low_up(void);' 'int top_c(void);' 'int top_rust(int x);' \
		'struct low_type;' 'extern int top_value;' >"$house/low/core.h"
	printf '%s\n' '#include "core.h"' 'int low_c(void)' '{' '	return 1;' '}' \
		>"$house/low/low.c"
	printf '%s\n' '#include "../low/core.h"' 'int top_value = 1;' 'static int mine(void)' '{' \
		'	return top_rust(low_c());' '}' 'int top_c(void)' '{' '	return mine();' '}' \
		>"$house/top/top.c"
	echo 'struct top;' >"$house/top/top.h"
	printf '%s\n' '#[no_mangle]' 'pub(crate) extern "C" fn top_rust(x: i32) -> i32 {' '    x' '}' \
		>>"$house/top/b.rs"
}

without_a_fault_in_c() {
	build_c
	layers "$tree"
}

# Each line is planted into low/low.c, and uses what is in top.
edge_of_c() {
	local text

	while read -r text; do
		build_c
		printf '%b\n' "$text" >>"$house/low/low.c"
		finds '^rust_pool/low/low.c:[0-9]+: low/low.c uses top.*, but low may not use top$' \
			layers "$tree" || {
			echo "not found: $text"
			return 1
		}
	done <<-'EOF'
		int f(void) { return top_rust(1); }
		int f(void) { return top_c(); }
		int f(void) { return top_value; }
		static struct ops ops = { .call = top_rust };
		REGISTER(x, top_rust);
		#define F() top_rust(1)
		#include "../top/top.h"
		char q = '"'; int f(void) { return top_rust('"'); }
	EOF
}

# Each line is planted into low/arch.rs, and calls C code of top, or Rust code by its C name.
edge_to_c() {
	local text

	while read -r text; do
		build_c
		echo "$text" >>"$house/low/arch.rs"
		finds '^rust_pool/low/arch.rs:[0-9]+: low::arch uses top.*, but low may not use top$' \
			layers "$tree" || {
			echo "not found: $text"
			return 1
		}
	done <<-'EOF'
		fn f() { unsafe { crate::low::raw::top_rust(1) }; }
		use crate::low::raw::top_c;
		extern "C" { fn top_c() -> i32; }
		calls! { unsafe extern "C" { safe fn top_rust(x: i32) -> i32; } }
	EOF
}

circle_of_c() {
	build_c
	printf '%s\n' 'int top_d(void)' '{' '	return top_c();' '}' >"$house/top/d.c"
	sed -i 's/return mine()/return mine() + top_d()/' "$house/top/top.c"
	finds '^rust_pool/top/d.c:3: circle: top/d.c uses top/top.c$' layers "$tree"
}

# build_up: low/low.c calls top_rust() from below, as the second table says
build_up() {
	build_c
	printf '%s\n' 'int f(void)' '{' '	return top_rust(1);' '}' >>"$house/low/low.c"
	cat >>"$house/README.rst" <<-'EOF'

		============  =============  =====
		function      called by      when
		============  =============  =====
		``top_rust``  ``low/low.c``  Ever.
		============  =============  =====
	EOF
}

call_from_below() {
	build_up
	layers "$tree"
}

call_from_elsewhere() {
	build_up
	printf '%s\n' 'int g(void)' '{' '	return top_rust(1);' '}' >"$house/low/other.c"
	finds '^rust_pool/low/other.c:3: low/other.c uses top::b ' layers "$tree"
}

call_that_is_none() {
	build_up
	sed -i '/^int f(/,$ d' "$house/low/low.c"
	finds '^rust_pool/README.rst: top_rust is not called by low/low.c$' layers "$tree"
}

call_from_above() {
	build_up
	# shellcheck disable=SC2016 # it is RST's
	sed -i 's/^``top_rust``  ``low\/low.c``/``top_rust``  ``top\/top.c``/' "$house/README.rst"
	finds '^rust_pool/README.rst: top/top.c calls top_rust from above, not from below$' \
		layers "$tree" &&
		finds '^rust_pool/low/low.c:8: low/low.c uses top::b ' layers "$tree"
}

# names_it FILE TEXT: with this text in a file of the tree
names_it() {
	build
	mkdir -p "$tree/$(dirname "$1")"
	echo "$2" >"$tree/$1"
	finds "^$1:1: \".*\" is for sys/arch alone\$" layers "$tree" || {
		echo "not found in $1: $2"
		return 1
	}
}

architecture() {
	local text

	while read -r text; do
		names_it rust_pool/mid/x.c "$text" || return 1
	done <<-'EOF'
		#include <asm/tlbflush.h>
		#include "asm/msr.h"
		asm!("mov {0}, gs:[{1}]");
		asm volatile("nop");
		__asm__("nop");
		global_asm!("nop");
		use core::arch::x86_64;
		flush_tlb_all();
		if (boot_cpu_has(x))
		int x = X86_FEATURE_LA57;
		rdmsrl(x, y);
		native_wrmsrq(x, y);
		int x = MSR_GS_BASE;
		u64 x = __read_cr3();
		u64 x = rdtsc();
		cpuid_eax(1);
		set_pte(p, x);
		pte_t x = __pte(1);
		int x = _PAGE_NX;
		pte_t *p = lookup_address(x, &level);
		set_memory_wc(x, 1);
		int x = regs->ip;
		int x = CONFIG_X86_64;
	EOF
}

architecture_elsewhere() {
	local file

	for file in rust_pool/sys/architecture.c rust_pool/sys/arch.c include/any.h rust_pool/mid/x.S; do
		names_it "$file" 'asm volatile("nop");' || return 1
	done
}

architecture_in_its_folder() {
	build
	mkdir -p "$house/sys/arch"
	# shellcheck disable=SC2016 # it is RST's
	sed -i 's/^``low``             /``sys``              It.\n&/' "$house/README.rst"
	touch "$house/sys.rs"
	echo 'asm!("nop");' | tee "$house/sys/arch.rs" >"$house/sys/arch/x.rs"
	echo 'pte_t x = __pte(1);' >"$house/sys/arch/x.c"
	layers "$tree"
}

# A wrong edge that is planted in ours, which makes a circle as well.
ours() {
	rm -rf "$tree"
	mkdir "$tree"
	cp -r "$TOP/rust_pool" "$TOP/rust_pool.rs" "$TOP/include" "$tree"
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
check "a table that is not there" table_unread
check "a path that leads there by another way" by_another_way
check "an edge behind a character or a raw string" behind_a_character
check "no edge in a string or in a comment" in_no_code
check "a circle by a child's name" circle_by_a_child
check "a circle by the name of an import" circle_by_an_import
check "a circle by what a glob brings" circle_by_a_glob
check "C halves without a fault" without_a_fault_in_c
check "a wrong edge of C" edge_of_c
check "a wrong edge to C" edge_to_c
check "a circle of C" circle_of_c
check "a call from below" call_from_below
check "a call from below that is not in the table" call_from_elsewhere
check "a row without its call" call_that_is_none
check "a row of a call from above" call_from_above
check "what depends on the architecture" architecture
check "what does in files that are like its folder, in a header, in assembly" architecture_elsewhere
check "what does in its folder" architecture_in_its_folder
check "a wrong edge in ours" ours
