#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Clients with and without the environment headers: what compiles, what warns, and what
# must not compile.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/programs.sh
. "$TOP/scripts/programs.sh"

# client NAME HEADERS LINE...: a client of one function, after these headers
client() {
	local name=$1 headers=$2
	shift 2

	mkdir -p "$WORK/$name"
	echo "obj-m := $name.o" >"$WORK/$name/Kbuild"
	{
		echo '// SPDX-License-Identifier: GPL-2.0'
		echo '#include <linux/module.h>'
		# shellcheck disable=SC2086 # a list of words
		printf '#include <%s>\n' $headers
		printf '%s\n' "$@"
		echo 'MODULE_DESCRIPTION("a client");'
		echo 'MODULE_LICENSE("GPL");'
	} >"$WORK/$name/$name.c"
}

# built NAME [VARIABLE=VALUE...]: what the compiler said is in $WORK/said.NAME. A warning is no
# error here, whatever the caller's W says.
built() {
	local name=$1
	shift

	env -u W "$@" "$TOP/scripts/client.sh" "$WORK/$name" >"$WORK/said.$name" 2>&1
}

FUNCTION='unsigned long f(unsigned long a);'
LINUXS='unsigned long f(unsigned long a) { return PAGE_ALIGN(a) >> PAGE_SHIFT; }'
RETURNED='unsigned long f(unsigned long a) { return PAGE_ALIGN(a); }'
WDKS='unsigned long f(unsigned long a) { return (ULONG_PTR)PAGE_ALIGN(a); }'

page_align_alone_warns() {
	client alone rust_pool/wdm.h "$FUNCTION" "$LINUXS"
	built alone
	grep 'warning: PAGE_ALIGN() rounds up in Linux and down in the WDK' "$WORK/said.alone"
}

page_align_as_said() {
	client told 'rust_pool/wdm.h linux/pci.h linux/dma-mapping.h' "$FUNCTION" "$LINUXS"
	sed -i '1a #define RUST_POOL_LINUX_PAGE_ALIGN' "$WORK/told/told.c"
	built told && ! grep -i warning "$WORK/said.told"
}

# The kernel's own headers, which come after ours, do not use it.
page_align_of_others() {
	client others 'rust_pool/wdm.h linux/pci.h linux/dma-mapping.h linux/fs.h linux/netdevice.h linux/blkdev.h'
	built others && ! grep -i warning "$WORK/said.others"
}

page_align_of_wdk() {
	client wdk ntddk.h "$FUNCTION" "$WDKS"
	built wdk WDK=1 && ! grep -i warning "$WORK/said.wdk"
}

linuxs_with_wdk() {
	client mixed ntddk.h "$FUNCTION" "$LINUXS"
	! built mixed WDK=1 && grep error: "$WORK/said.mixed" || return 1
	client returned wdm.h "$FUNCTION" "$RETURNED"
	! built returned WDK=1 || grep warning: "$WORK/said.returned"
}

# Code that means the other one of two macros does not compile, whichever it means. Nor does what
# would access more memory than there is.
names_of_both() {
	local name=0 line

	for line in 'pgprot_t f(void) { return PAGE_READONLY; }' \
		'ULONG_PTR f(ULONG_PTR a) { return ALIGN_DOWN(a, ULONG); }' \
		'LONG64 f(LONG64 a, ULONG b) { LONG c = a; return min(c, b); }' \
		'LONG64 f(LONG *a) { return InterlockedIncrement64(a); }' \
		'PVOID f(PULONG a) { return InterlockedExchangePointer(a, NULL); }' \
		'ULONG f(PVOID current) { return current != NULL; }' \
		'ULONG f(ULONG current) { return current; }' \
		'VOID f(wait_queue_head_t *q, PULONG a) { wait_event(*q, *a); }'; do
		name=$((name + 1))
		client "both$name" ntddk.h '#pragma GCC diagnostic ignored "-Wmissing-prototypes"' \
			"$line"
		! built "both$name" WDK=1 && grep error: "$WORK/said.both$name" || return 1
	done
}

# Each of them alone, and all of them.
every_header() {
	local header

	for header in ntdef.h ntstatus.h wdm.h ntddk.h ntifs.h ntintsafe.h sal.h specstrings.h \
		driverspecs.h string.h stddef.h stdarg.h stdlib.h intrin.h; do
		client "only_${header%.h}" "$header"
		built "only_${header%.h}" WDK=1 && ! grep -i warning "$WORK/said.only_${header%.h}" ||
			return 1
	done
	client all 'ntifs.h ntdef.h wdm.h ntstatus.h ntddk.h rust_pool/wdm.h'
	built all WDK=1 && ! grep -i warning "$WORK/said.all"
}

not_without() {
	local header

	for header in ntddk string stddef intrin; do
		client "without_$header" "$header.h"
		! built "without_$header" &&
			grep "$header.h: No such file" "$WORK/said.without_$header" || return 1
	done
}

# The kernel's own headers include none of those that have a C library's names. One that includes
# nothing is in front of each file.
kernels_own() {
	client own 'linux/pci.h linux/acpi.h linux/xz.h linux/fs.h linux/netdevice.h linux/blkdev.h'
	built own WDK=1 && ! grep -i warning "$WORK/said.own" && [ -s "$WORK/own/.own.o.cmd" ] &&
		! grep -v rust_pool_first.h "$WORK/own/.own.o.cmd" | grep 'rust_pool/wdk/.*h'
}

# What one finds in every file of a driver's.
pragmas_and_annotations() {
	client idioms ntddk.h \
		'#ifdef ALLOC_PRAGMA' '#pragma alloc_text(PAGE, Idle)' '#endif' \
		'#define ALLOC_PRAGMA 1' '#pragma warning(disable:4201)' \
		'_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_' \
		'NTSTATUS NTAPI Idle(_In_opt_ PVOID Context, IN ULONG Length OPTIONAL, OUT PULONG Result);' \
		'_Use_decl_annotations_ NTSTATUS NTAPI Idle(PVOID Context, ULONG Length, PULONG Result)' \
		'{ UNREFERENCED_PARAMETER(Context); PAGED_CODE(); ASSERT(Length != 0);' \
		'*Result = MAXULONG; return STATUS_SUCCESS; }' \
		'FORCEINLINE VOID Never(VOID) { NT_ASSERT(FALSE); }' \
		'static __forceinline VOID Neither(VOID) { Never(); }' \
		'__declspec(noreturn) VOID Stop(ULONG Code);' \
		'VOID Nothing();' 'VOID Nothing() { }' \
		'typedef struct __declspec(align(64)) _LINE { UCHAR Byte; } LINE, *PLINE;' \
		'C_ASSERT(sizeof(LINE) == 64);'
	built idioms WDK=1 && ! grep -i warning "$WORK/said.idioms"
}

# With "static" and without, in a header of two files; in one of them nobody calls them.
inline_in_two_files() {
	mkdir -p "$WORK/inline"
	printf 'obj-m := inline.o\ninline-y := one.o two.o\n' >"$WORK/inline/Kbuild"
	printf '%s\n' 'FORCEINLINE ULONG Bare(ULONG a);' \
		'FORCEINLINE ULONG Bare(ULONG a) { PAGED_CODE(); return a + 1; }' \
		'static FORCEINLINE PVOID Static(ULONG a) { return (PVOID)(ULONG_PTR)Bare(a); }' \
		'FORCEINLINE VOID Calls(VOID) { (VOID)Static(0); }' \
		'static CFORCEINLINE VOID Either(VOID) { Calls(); }' >"$WORK/inline/inline.h"
	printf '%s\n' '// SPDX-License-Identifier: GPL-2.0' '#include <linux/module.h>' \
		'#include <ntddk.h>' '#include "inline.h"' 'PVOID One(ULONG a);' \
		'PVOID One(ULONG a) { Either(); return Static(a); }' \
		'MODULE_DESCRIPTION("a client");' 'MODULE_LICENSE("GPL");' >"$WORK/inline/one.c"
	printf '%s\n' '// SPDX-License-Identifier: GPL-2.0' '#include <ntddk.h>' \
		'#include "inline.h"' >"$WORK/inline/two.c"
	built inline WDK=1 W=e && ! grep -i warning "$WORK/said.inline"
}

# Linux has a label by the name of an annotation.
waits_without_it() {
	client waits ntddk.h '#undef __out' 'VOID f(wait_queue_head_t *q, PULONG a);' \
		'VOID f(wait_queue_head_t *q, PULONG a) { wait_event(*q, *a); }'
	built waits WDK=1 W=e && ! grep -i warning "$WORK/said.waits"
}

# Written as on Windows, and for Windows alone.
pieces_compile() {
	cp -r "$TOP/selftests/ports/pieces" "$WORK/pieces"
	built pieces WDK=1 W=e && ! grep -i warning "$WORK/said.pieces"
}

# A free build has no variables for assertions.
free_build() {
	cp -r "$TOP/selftests/ports/pieces" "$WORK/free"
	echo 'ccflags-y += -DDBG=0' >>"$WORK/free/Kbuild"
	built free WDK=1 W=e && ! grep -i warning "$WORK/said.free"
}

# mingw-w64 has written its headers from other sources than we. It has more than 450 of our numbers,
# sizes and offsets: fewer would mean that values.py does not find them any more.
values_of_others() {
	in_root env PYTHONDONTWRITEBYTECODE=1 \
		PYTHONPATH="$MINGW_DIR/usr/lib/python3/dist-packages" \
		python3 "$TOP/selftests/scripts/values.py" "$TOP/include/rust_pool" \
		"$MINGW_DIR/usr/share/mingw-w64/include" "/usr/lib/llvm$DEBUG_LLVM/lib" \
		>"$WORK/values.h" || return
	[ "$(wc -l <"$WORK/values.h")" -gt 450 ] || return
	client values 'ntifs.h ntintsafe.h' "#include \"$WORK/values.h\""
	built values WDK=1 && ! grep -i warning "$WORK/said.values" && return
	grep -oE 'static assertion failed: .*|error: .*' "$WORK/said.values"
	return 1
}

neither_yes_nor_no() {
	client odd ntddk.h
	! built odd WDK=yes && grep 'error: WDK=yes is not valid: 1 ' "$WORK/said.odd"
}

check "PAGE_ALIGN() without the environment headers warns" page_align_alone_warns
check "PAGE_ALIGN() of Linux is had by saying so" page_align_as_said
check "the kernel's headers do not warn of it" page_align_of_others
check "PAGE_ALIGN() of the WDK compiles" page_align_of_wdk
check "PAGE_ALIGN() of Linux does not, with the environment headers" linuxs_with_wdk
check "other names that Linux has, too, are not taken for each other" names_of_both
check "every environment header compiles alone, and in any order" every_header
check "no environment header is found without WDK=1" not_without
check "the kernel's headers include none of them" kernels_own
check "pragmas, annotations and idioms compile without a word" pragmas_and_annotations
check "FORCEINLINE compiles with static and without" inline_in_two_files
check "wait_event() compiles without __out" waits_without_it
check "pieces of Windows drivers compile as they are" pieces_compile
check "they compile as a free build" free_build
if programs_can "$MINGW_DIR" 60 "${MINGW_PACKAGES[@]}"; then
	check "numbers, sizes and offsets are those of mingw-w64" values_of_others
else
	echo "ok numbers, sizes and offsets # SKIP mingw-w64's headers cannot be fetched: is there a network?"
fi
check "WDK=yes is refused" neither_yes_nor_no
