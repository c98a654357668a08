/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the memory code of a Windows driver needs besides memory routines:
 * annotations, types, limits and idioms, under the names of the WDK's ntdef.h and
 * what it includes.
 *
 * For drivers that are ported: "make client WDK=1" puts this directory into the
 * path. Include Linux's own headers first, because some names here are short words
 * that they use. Names that Linux has with another meaning are in
 * Documentation/porting.rst.
 */
#ifndef _RUST_POOL_WDK_NTDEF_H
#define _RUST_POOL_WDK_NTDEF_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/limits.h>
#include <linux/sched.h>
#include <linux/stddef.h>
#include <rust_pool/wdm.h>

#include "rust_pool_first.h"
#include "sal.h"

/*
 * What a driver asks the compiler: the architecture, and the release of Windows that it
 * is for. Undefined, they would choose what is for 32 bits, or for an old release.
 */
#define _WIN64			1
#if defined(__x86_64__)
#define _AMD64_			1
#define _M_AMD64		100
#define _M_X64			100
#elif defined(__aarch64__)
#define _ARM64_			1
#define _M_ARM64		1
#endif
#define NTDDI_WINXP		0x05010000
#define NTDDI_WS03		0x05020000
#define NTDDI_VISTA		0x06000000
#define NTDDI_LONGHORN		NTDDI_VISTA
#define NTDDI_VISTASP1		0x06000100
#define NTDDI_WS08		0x06000100
#define NTDDI_WIN7		0x06010000
#define NTDDI_WIN8		0x06020000
#define NTDDI_WINBLUE		0x06030000
#define NTDDI_WINTHRESHOLD	0x0A000000
#define NTDDI_WIN10		0x0A000000
#define NTDDI_WIN10_TH2		0x0A000001
#define NTDDI_WIN10_RS1		0x0A000002
#define NTDDI_WIN10_RS2		0x0A000003
#define NTDDI_WIN10_RS3		0x0A000004
#define NTDDI_WIN10_RS4		0x0A000005
#define NTDDI_WIN10_RS5		0x0A000006
#define NTDDI_WIN10_19H1	0x0A000007
#define NTDDI_WIN10_VB		0x0A000008
#define NTDDI_WIN10_MN		0x0A000009
#define NTDDI_WIN10_FE		0x0A00000A
#define NTDDI_WIN10_CO		0x0A00000B
#define NTDDI_WIN10_NI		0x0A00000C
#define NTDDI_WIN10_CU		0x0A00000D
#ifndef NTDDI_VERSION
#define NTDDI_VERSION		NTDDI_WIN10
#endif
#define _WIN32_WINNT_WINXP	0x0501
#define _WIN32_WINNT_WS03	0x0502
#define _WIN32_WINNT_VISTA	0x0600
#define _WIN32_WINNT_LONGHORN	0x0600
#define _WIN32_WINNT_WS08	0x0600
#define _WIN32_WINNT_WIN7	0x0601
#define _WIN32_WINNT_WIN8	0x0602
#define _WIN32_WINNT_WINBLUE	0x0603
#define _WIN32_WINNT_WINTHRESHOLD	0x0A00
#define _WIN32_WINNT_WIN10	0x0A00
#ifndef _WIN32_WINNT
#define _WIN32_WINNT		_WIN32_WINNT_WIN10
#endif
#ifndef WINVER
#define WINVER			_WIN32_WINNT
#endif

/* Whether it is a checked build, which it is unless the driver says -DDBG=0: see ASSERT(). */
#ifndef DBG
#define DBG			1
#endif

/* #pragma alloc_text, code_seg and warning mean nothing here. */
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
/* A LARGE_INTEGER, which is a union, is initialised by { 0, 0 }. */
#pragma GCC diagnostic ignored "-Wmissing-braces"
/* Functions without arguments are often written with nothing between the parentheses. */
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/*
 * Linux's PAGE_ALIGN() rounds up and gives an integer. This is the WDK's: it
 * rounds down and gives a pointer, so that code which wants the other one does
 * not compile.
 */
#undef PAGE_ALIGN
#define PAGE_ALIGN(Va)	((PVOID)((ULONG_PTR)(Va) & ~(ULONG_PTR)(PAGE_SIZE - 1)))

/*
 * Linux's is get_current(), and with that a parameter "PVOID current" would be taken for a
 * function of that name. With this one it does not compile.
 */
#undef current
#define current			((struct task_struct *)get_current())

/* Calling conventions and declarations */

#define NTAPI
#define NTSYSAPI
#define NTKERNELAPI
#define NTHALAPI
#define FASTCALL
/*
 * Windows drivers write it with "static" and without, also in a header of several files.
 * Before the function, which is static, there is a declaration that takes the word "static"
 * if there is one. So it has to be in front of the function's type.
 */
static inline VOID rust_pool_forceinline(VOID)
{
}

#define FORCEINLINE		VOID rust_pool_forceinline(VOID); static __always_inline
#define CFORCEINLINE		FORCEINLINE
#define __forceinline		__always_inline
#define DECLSPEC_NORETURN	__noreturn
#define DECLSPEC_NOINLINE	noinline
#define DECLSPEC_NOTHROW
#define DECLSPEC_IMPORT
#define DECLSPEC_EXPORT
#define DECLSPEC_SELECTANY	__weak
#define DECLSPEC_ALIGN(n)	__aligned(n)
#define DECLSPEC_CACHEALIGN	DECLSPEC_ALIGN(64)
/* Microsoft's attributes, each by its name; any other does not compile. */
#define __declspec(Attribute)		RUST_POOL_DECLSPEC_##Attribute
#define RUST_POOL_DECLSPEC_align(n)	__aligned(n)
#define RUST_POOL_DECLSPEC_noreturn	__noreturn
#define RUST_POOL_DECLSPEC_noinline	noinline
#define RUST_POOL_DECLSPEC_selectany	__weak
#define RUST_POOL_DECLSPEC_dllimport
#define RUST_POOL_DECLSPEC_dllexport
#define RUST_POOL_DECLSPEC_nothrow
#define RUST_POOL_DECLSPEC_code_seg(Section)
#define SYSTEM_CACHE_ALIGNMENT_SIZE	64
#define MEMORY_ALLOCATION_ALIGNMENT	16
#define POINTER_ALIGNMENT	DECLSPEC_ALIGN(8)
#define TYPE_ALIGNMENT(Type)	((LONG)_Alignof(Type))
/* As on Windows for x64, whatever the type. */
#define PROBE_ALIGNMENT(Type)	TYPE_ALIGNMENT(ULONG)
#define EXTERN_C		extern
#define EXTERN_C_START
#define EXTERN_C_END
#define __int8			char
#define __int16			short
#define __int32			int
#define __int64			long long
#define CONST			const
#define VOLATILE		volatile
#define UNALIGNED
#define RESTRICTED_POINTER	__restrict

#define IN
#define OUT
#define OPTIONAL
#define NOTHING

#define UNREFERENCED_PARAMETER(P)		((void)(P))
#define DBG_UNREFERENCED_PARAMETER(P)		((void)(P))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(V)	((void)(V))

/* Types; wdm.h of rust_pool has those of its routines */

/* Signed, as on Windows, where plain char is so, too. In the kernel it is not. */
typedef s8 CHAR, CCHAR, *PCHAR;
typedef char *PSTR, *PSZ;
typedef const char *PCSTR, *LPCSTR, *PCSZ;
typedef s8 INT8, *PINT8;
typedef s16 SHORT, *PSHORT, INT16, *PINT16, CSHORT;
typedef int INT, *PINT;
typedef s32 INT32, *PINT32, LONG32, *PLONG32;
typedef s64 INT64, *PINT64, LONG64, *PLONG64, *PLONGLONG, LONGLONG;
typedef u8 UINT8, *PUINT8;
typedef u16 UINT16, *PUINT16;
typedef unsigned int UINT, *PUINT;
typedef u32 UINT32, *PUINT32, ULONG32, *PULONG32, LOGICAL, *PLOGICAL, CLONG;
typedef u64 UINT64, *PUINT64, DWORD64, *PDWORD64, *PULONGLONG;
typedef intptr_t LONG_PTR, *PLONG_PTR, INT_PTR, *PINT_PTR;
typedef uintptr_t *PULONG_PTR, UINT_PTR, *PUINT_PTR, KAFFINITY, *PKAFFINITY;
typedef ssize_t SSIZE_T, *PSSIZE_T;
typedef void *HANDLE, **PHANDLE;
typedef LONG KPRIORITY;
typedef NTSTATUS *PNTSTATUS;
typedef const void *PCVOID, *LPCVOID;
typedef CONST UCHAR *PCUCHAR;
typedef CONST USHORT *PCUSHORT;
typedef CONST ULONG *PCULONG;

/* An address as an integer of 32 bits, which loses its upper half, and the other way round. */
#define PtrToUlong(P)		((ULONG)(ULONG_PTR)(P))
#define PtrToUint(P)		((UINT)(UINT_PTR)(P))
#define PtrToLong(P)		((LONG)(LONG_PTR)(P))
#define PtrToInt(P)		((INT)(INT_PTR)(P))
#define PtrToULong(P)		PtrToUlong(P)
#define PtrToUInt(P)		PtrToUint(P)
#define HandleToUlong(H)	PtrToUlong(H)
#define HandleToULong(H)	PtrToUlong(H)
#define HandleToLong(H)		PtrToLong(H)
#define UlongToPtr(Value)	((PVOID)(ULONG_PTR)(ULONG)(Value))
#define UintToPtr(Value)	((PVOID)(UINT_PTR)(UINT)(Value))
#define ULongToPtr(Value)	UlongToPtr(Value)
#define UIntToPtr(Value)	UintToPtr(Value)
/* The sign is extended. */
#define LongToPtr(Value)	((PVOID)(LONG_PTR)(LONG)(Value))
#define IntToPtr(Value)		((PVOID)(INT_PTR)(INT)(Value))
#define UlongToHandle(Value)	((HANDLE)UlongToPtr(Value))
#define ULongToHandle(Value)	UlongToHandle(Value)
#define LongToHandle(Value)	((HANDLE)LongToPtr(Value))

/* The product of two integers of 32 bits, in 64. */
#define Int32x32To64(a, b)	((LONGLONG)(LONG)(a) * (LONGLONG)(LONG)(b))
#define UInt32x32To64(a, b)	((ULONGLONG)(UINT)(a) * (ULONGLONG)(UINT)(b))

/* L"..." has units of 16 bits, as on Windows. */
typedef u16 WCHAR, *PWCHAR, *PWCH, *PWSTR, *LPWSTR;
typedef CONST WCHAR *PCWSTR, *LPCWSTR, *PCWCH;

static_assert(sizeof(L""[0]) == sizeof(WCHAR));

typedef union _ULARGE_INTEGER {
	struct {
		ULONG LowPart;
		ULONG HighPart;
	};
	struct {
		ULONG LowPart;
		ULONG HighPart;
	} u;
	ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

static inline LARGE_INTEGER RtlConvertLongToLargeInteger(LONG Value)
{
	return (LARGE_INTEGER){ .QuadPart = Value };
}

static inline LARGE_INTEGER RtlConvertUlongToLargeInteger(ULONG Value)
{
	return (LARGE_INTEGER){ .QuadPart = Value };
}

typedef struct _STRING {
	USHORT Length;
	USHORT MaximumLength;
	PCHAR Buffer;
} STRING, *PSTRING, ANSI_STRING, *PANSI_STRING;

/* Both lengths are in bytes. */
typedef struct _UNICODE_STRING {
	USHORT Length;
	USHORT MaximumLength;
	PWCH Buffer;
} UNICODE_STRING, *PUNICODE_STRING;

typedef CONST UNICODE_STRING *PCUNICODE_STRING;

#define UNICODE_NULL			((WCHAR)0)
#define UNICODE_STRING_MAX_BYTES	((USHORT)65534)
#define UNICODE_STRING_MAX_CHARS	32767
#define RTL_CONSTANT_STRING(s) \
	{ sizeof(s) - sizeof((s)[0]), sizeof(s), (void *)(s) }
#define DECLARE_CONST_UNICODE_STRING(_var, _string) \
	const WCHAR _var ## _buffer[] = _string; \
	const UNICODE_STRING _var = RTL_CONSTANT_STRING(_var ## _buffer)
/* An empty string, with room for so many characters. */
#define DECLARE_UNICODE_STRING_SIZE(_var, _size) \
	WCHAR _var ## _buffer[_size]; \
	UNICODE_STRING _var = { 0, (_size) * sizeof(WCHAR), _var ## _buffer }

/* Limits */

#define MINCHAR		0x80
#define MAXCHAR		0x7f
#define MINSHORT	0x8000
#define MAXSHORT	0x7fff
#define MINLONG		0x80000000
#define MAXLONG		0x7fffffff
#define MAXUCHAR	0xff
#define MAXUSHORT	0xffff
#define MAXULONG	0xffffffffU
#define MAXULONG32	((ULONG32)~0)
#define MAXLONG32	((LONG32)(MAXULONG32 >> 1))
#define MAXULONG64	((ULONG64)~0ULL)
#define MAXLONG64	((LONG64)(MAXULONG64 >> 1))
#define MAXLONGLONG	0x7fffffffffffffffLL
#define MAXULONGLONG	((ULONGLONG)~0ULL)
#define MAXULONG_PTR	(~(ULONG_PTR)0)
#define MAXLONG_PTR	((LONG_PTR)(MAXULONG_PTR >> 1))
#define MAXSIZE_T	((SIZE_T)~(SIZE_T)0)
#define MINLONG32	((LONG32)~MAXLONG32)
#define MINLONG64	((LONG64)~MAXLONG64)
#define MINLONGLONG	((LONGLONG)~MAXLONGLONG)
#define MINLONG_PTR	((LONG_PTR)~MAXLONG_PTR)
#define MAXSSIZE_T	((SSIZE_T)(MAXSIZE_T >> 1))
#define MINSSIZE_T	((SSIZE_T)~MAXSSIZE_T)
#define MAXUINT		((UINT)~(UINT)0)
#define MAXINT		((INT)(MAXUINT >> 1))
#define MININT		((INT)~MAXINT)
#define MAXDWORD	0xffffffffU
#define MAXDWORD64	((DWORD64)~(DWORD64)0)
#define MAXUINT8	((UINT8)~(UINT8)0)
#define MAXINT8		((INT8)(MAXUINT8 >> 1))
#define MININT8		((INT8)~MAXINT8)
#define MAXUINT16	((UINT16)~(UINT16)0)
#define MAXINT16	((INT16)(MAXUINT16 >> 1))
#define MININT16	((INT16)~MAXINT16)
#define MAXUINT32	((UINT32)~(UINT32)0)
#define MAXINT32	((INT32)(MAXUINT32 >> 1))
#define MININT32	((INT32)~MAXINT32)
#define MAXUINT64	((UINT64)~(UINT64)0)
#define MAXINT64	((INT64)(MAXUINT64 >> 1))
#define MININT64	((INT64)~MAXINT64)
#define MAXUINT_PTR	((UINT_PTR)~(UINT_PTR)0)
#define MAXINT_PTR	((INT_PTR)(MAXUINT_PTR >> 1))
#define MININT_PTR	((INT_PTR)~MAXINT_PTR)

/* Idioms */

#define FIELD_OFFSET(Type, Field)	((LONG)offsetof(Type, Field))
#define UFIELD_OFFSET(Type, Field)	((ULONG)offsetof(Type, Field))
#define RTL_FIELD_SIZE(Type, Field)	(sizeof(((Type *)0)->Field))
#define RTL_SIZEOF_THROUGH_FIELD(Type, Field) \
	(offsetof(Type, Field) + RTL_FIELD_SIZE(Type, Field))
#define RTL_CONTAINS_FIELD(Struct, Size, Field) \
	((PCHAR)(&(Struct)->Field) + sizeof((Struct)->Field) <= \
	 (PCHAR)(Struct) + (Size))
#define CONTAINING_RECORD(Address, Type, Field) \
	((Type *)((PUCHAR)(Address) - offsetof(Type, Field)))
#define RTL_NUMBER_OF(Array)		(sizeof(Array) / sizeof((Array)[0]))
#define RTL_NUMBER_OF_FIELD(Type, Field)	RTL_NUMBER_OF(((Type *)0)->Field)
#define RTL_BITS_OF(Some)		(sizeof(Some) * 8)
#define RTL_BITS_OF_FIELD(Type, Field)	RTL_BITS_OF(((Type *)0)->Field)
#define ARRAYSIZE(Array)		RTL_NUMBER_OF(Array)
/* How many elements an array at the end of a structure is written with. */
#define ANYSIZE_ARRAY			1
#define ARGUMENT_PRESENT(Argument)	((Argument) != NULL)
#define Add2Ptr(Ptr, Bytes)		((PVOID)((PUCHAR)(Ptr) + (Bytes)))
#define PtrOffset(Base, Ptr)	((ULONG)((ULONG_PTR)(Ptr) - (ULONG_PTR)(Base)))
#define RtlPointerToOffset(Base, Ptr)	((ULONG)((PCHAR)(Ptr) - (PCHAR)(Base)))
#define RtlOffsetToPointer(Base, Offset) ((PCHAR)(Base) + (ULONG_PTR)(Offset))
#define FlagOn(Flags, Some)		((Flags) & (Some))
#define BooleanFlagOn(Flags, Some)	((BOOLEAN)(((Flags) & (Some)) != 0))
#define SetFlag(Flags, Some)		((Flags) |= (Some))
#define ClearFlag(Flags, Some)		((Flags) &= ~(Some))
#define ALIGN_DOWN_BY(Length, By) \
	((ULONG_PTR)(Length) & ~((ULONG_PTR)(By) - 1))
#define ALIGN_UP_BY(Length, By) \
	(ALIGN_DOWN_BY((ULONG_PTR)(Length) + (By) - 1, (By)))
#define ALIGN_DOWN_POINTER_BY(Va, By)	((PVOID)ALIGN_DOWN_BY(Va, By))
#define ALIGN_UP_POINTER_BY(Va, By)	((PVOID)ALIGN_UP_BY(Va, By))
/* By the size of a type. ALIGN_DOWN() is Linux's. */
#define ALIGN_UP(Length, Type)		ALIGN_UP_BY(Length, sizeof(Type))
#define ALIGN_DOWN_POINTER(Va, Type)	ALIGN_DOWN_POINTER_BY(Va, sizeof(Type))
#define ALIGN_UP_POINTER(Va, Type)	ALIGN_UP_POINTER_BY(Va, sizeof(Type))
#define C_ASSERT(Condition)		static_assert(Condition)

#define NT_INFORMATION(Status)	((((ULONG)(Status)) >> 30) == 1)
#define NT_WARNING(Status)	((((ULONG)(Status)) >> 30) == 2)
#define NT_ERROR(Status)	((((ULONG)(Status)) >> 30) == 3)

/*
 * A condition that is false gives a warning with a stack in the log, once for each place. As on
 * a checked build of Windows the condition is evaluated; if DBG is 0, it is not, as on a free one.
 */
#if DBG
#define ASSERT(Condition)		((void)WARN_ON_ONCE(!(Condition)))
#define ASSERTMSG(Message, Condition) \
	((void)WARN_ONCE(!(Condition), "%s\n", (Message)))
#else
#define ASSERT(Condition)		((void)0)
#define ASSERTMSG(Message, Condition)	((void)0)
#endif
#define NT_ASSERT(Condition)		ASSERT(Condition)
#define NT_ASSERTMSG(Message, Condition)	ASSERTMSG(Message, Condition)
/* On either. */
#define NT_FRE_ASSERT(Condition)	((void)WARN_ON_ONCE(!(Condition)))
#define NT_ASSUME(Condition)		ASSERT(Condition)
/* As on Windows the compiler relies on it, and nothing is checked. Newer kernels have it. */
#ifndef __assume
#define __assume(Condition) \
	({ if (!(Condition)) unreachable(); })
#endif
/* Its value may be left unused: most drivers do. */
#define NT_VERIFY(Condition) \
	({ BOOLEAN __true = !WARN_ON_ONCE(!(Condition)); __true; })

#endif /* _RUST_POOL_WDK_NTDEF_H */
