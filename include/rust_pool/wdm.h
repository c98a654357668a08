/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The memory routines of the WDK page "Allocating System-Space Memory", for
 * Linux kernel modules written in C.
 *
 * Names, types, values and structure layouts are those of the WDK's wdm.h, so
 * memory code from a WDM driver compiles with few changes, which
 * Documentation/porting.rst lists. Documentation/wdk-routines.rst says what each
 * routine does on Linux, and where it differs from Windows. The routines are
 * exported GPL-only.
 *
 * IRQL and Linux context: a task that may sleep is at PASSIVE_LEVEL; preemption
 * or bottom halves disabled, an RCU read-side section or softirq is
 * DISPATCH_LEVEL; interrupts disabled or hard interrupt is above it. A routine
 * that may be called in any context sleeps only where sleeping is allowed.
 *
 * Call sites: the routines that allocate and free are inline functions that pass
 * on where they were compiled, and for which module. A return address would not
 * do: a tail call is compiled to a jump, and tracers replace return addresses.
 * If a module takes the address of such a routine, as for a callback, it gets a
 * copy of its own. The WDK's names are also exported, for code that is compiled
 * without this header; those routines search the stack for the caller.
 *
 * Sizes are in bytes. A call that breaks a rule is a violation, given here as the
 * bug check's code and first parameter. It is reported, and an allocation returns
 * NULL. Documentation/violations.rst lists them all.
 */
#ifndef _RUST_POOL_WDM_H
#define _RUST_POOL_WDM_H

#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/instruction_pointer.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/types.h>

/*
 * rust_pool itself exports the WDK's names. It defines one of these, so that the
 * header declares the routines and does not define them.
 */
#if defined(__BINDGEN__) || defined(RUST_POOL_EXPORTS)
#define RUST_POOL_DECLARE_ONLY
#endif

struct device;
struct module;

/* Tags are multi-character literals: 'gniR' is shown as "Ring". */
#pragma GCC diagnostic ignored "-Wmultichar"

/* Basic types. ULONG is 32 bits wide, as on Windows, whatever long is. */
typedef void VOID, *PVOID;
typedef u8 UCHAR, *PUCHAR, BOOLEAN, *PBOOLEAN;
typedef u16 USHORT, *PUSHORT;
typedef s32 LONG, *PLONG;
typedef u32 ULONG, *PULONG;
typedef s64 LONGLONG;
typedef u64 ULONGLONG, ULONG64, *PULONG64;
typedef size_t SIZE_T, *PSIZE_T;
typedef uintptr_t ULONG_PTR;

#ifndef TRUE
#define TRUE	1
#define FALSE	0
#endif

typedef union _LARGE_INTEGER {
	struct {
		ULONG LowPart;
		LONG HighPart;
	};
	struct {
		ULONG LowPart;
		LONG HighPart;
	} u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

/* Status codes, and the errno that a Linux caller returns for each. */
typedef LONG NTSTATUS;

#define NT_SUCCESS(Status)		((NTSTATUS)(Status) >= 0)

#define STATUS_SUCCESS			((NTSTATUS)0x00000000)
#define STATUS_UNSUCCESSFUL		((NTSTATUS)0xC0000001)
#define STATUS_ACCESS_VIOLATION		((NTSTATUS)0xC0000005)
#define STATUS_INVALID_PARAMETER	((NTSTATUS)0xC000000D)
#define STATUS_NO_MEMORY		((NTSTATUS)0xC0000017)
#define STATUS_NOT_MAPPED_VIEW		((NTSTATUS)0xC0000019)
#define STATUS_BUFFER_TOO_SMALL		((NTSTATUS)0xC0000023)
#define STATUS_INVALID_PAGE_PROTECTION	((NTSTATUS)0xC0000045)
#define STATUS_INSUFFICIENT_RESOURCES	((NTSTATUS)0xC000009A)
#define STATUS_NOT_SUPPORTED		((NTSTATUS)0xC00000BB)
#define STATUS_INVALID_PARAMETER_4	((NTSTATUS)0xC00000F2)
#define STATUS_INVALID_PARAMETER_5	((NTSTATUS)0xC00000F3)

/**
 * rust_pool_status_to_errno - the errno that stands for an NTSTATUS
 * @Status: one of the codes above; any other failure reads as -EIO
 *
 * Context: Any.
 * Return: 0 for success, else a negative errno.
 */
static inline int rust_pool_status_to_errno(NTSTATUS Status)
{
	if (NT_SUCCESS(Status))
		return 0;
	switch (Status) {
	case STATUS_INSUFFICIENT_RESOURCES:
	case STATUS_NO_MEMORY:
		return -ENOMEM;
	case STATUS_ACCESS_VIOLATION:
		return -EFAULT;
	case STATUS_INVALID_PARAMETER:
	case STATUS_NOT_MAPPED_VIEW:
	case STATUS_BUFFER_TOO_SMALL:
	case STATUS_INVALID_PAGE_PROTECTION:
	case STATUS_NOT_SUPPORTED:
	case STATUS_INVALID_PARAMETER_4:
	case STATUS_INVALID_PARAMETER_5:
		return -EINVAL;
	default:
		return -EIO;
	}
}

/*
 * Whether code may sleep where interrupts are as @irqs_off says. preempt_count() alone
 * would miss a preemptible RCU read-side section.
 */
static __always_inline bool rust_pool_may_sleep(bool irqs_off)
{
	return !irqs_off && !preempt_count() && !rcu_preempt_depth();
}

/*
 * The IRQL that a context stands for: PASSIVE_LEVEL, DISPATCH_LEVEL, a device level,
 * and HIGH_LEVEL for NMI.
 */
static inline u8 rust_pool_current_irql(void)
{
	if (in_nmi())
		return 15;
	if (irqs_disabled() || in_hardirq())
		return 13;
	return rust_pool_may_sleep(false) ? 0 : 2;
}

/* Pages */

#define BYTES_TO_PAGES(Size) \
	(((Size) >> PAGE_SHIFT) + (((Size) & (PAGE_SIZE - 1)) != 0))
#define ROUND_TO_PAGES(Size) \
	(((ULONG_PTR)(Size) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))
#define BYTE_OFFSET(Va)	((ULONG)((ULONG_PTR)(Va) & (PAGE_SIZE - 1)))
#define ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Size) \
	((ULONG)((((ULONG_PTR)(Size)) >> PAGE_SHIFT) + \
		 ((BYTE_OFFSET(Va) + ((Size) & (PAGE_SIZE - 1)) + \
		   PAGE_SIZE - 1) >> PAGE_SHIFT)))

/*
 * Linux's PAGE_ALIGN() rounds up, the WDK's down, and both take an integer, so code
 * that means the WDK's would be silently wrong. Here each use warns. The environment
 * headers (<ntddk.h>, <wdm.h>) have the WDK's macro. A file that means Linux's defines
 * RUST_POOL_LINUX_PAGE_ALIGN, or uses PFN_ALIGN(), which rounds up as well.
 */
#if !defined(RUST_POOL_DECLARE_ONLY) && !defined(RUST_POOL_LINUX_PAGE_ALIGN)
#undef PAGE_ALIGN
#define PAGE_ALIGN(Address) \
	(_Pragma("GCC warning \"PAGE_ALIGN() rounds up in Linux and down in the WDK: include <wdm.h> of rust_pool's wdk directory, or define RUST_POOL_LINUX_PAGE_ALIGN\"") \
	ALIGN(Address, PAGE_SIZE))
#endif

/**
 * DOC: Bytes
 *
 * RtlZeroMemory(), RtlFillMemory(), RtlCopyMemory() and RtlMoveMemory() are the kernel's
 * memset(), memcpy() and memmove(), and so are those with Bytes in their names.
 * RtlEqualMemory() is true if all bytes are equal. Blocks that overlap are for
 * RtlMoveMemory() alone. What ends in NonTemporal is no different. Those that write do not
 * return anything on Windows. Arguments are evaluated once. Nothing is allocated, nothing
 * fails, and nothing is checked but what the compiler knows the size of.
 *
 * Context: any, if the memory may be accessed there.
 */
#define RtlZeroMemory(Destination, Length) \
	memset((Destination), 0, (Length))
#define RtlFillMemory(Destination, Length, Fill) \
	memset((Destination), (Fill), (Length))
#define RtlCopyMemory(Destination, Source, Length) \
	memcpy((Destination), (Source), (Length))
#define RtlMoveMemory(Destination, Source, Length) \
	memmove((Destination), (Source), (Length))
#define RtlZeroBytes		RtlZeroMemory
#define RtlFillBytes		RtlFillMemory
#define RtlCopyBytes		RtlCopyMemory
#define RtlMoveBytes		RtlMoveMemory
#define RtlCopyMemoryNonTemporal	RtlCopyMemory
#define RtlFillMemoryNonTemporal	RtlFillMemory
#define RtlEqualMemory(Destination, Source, Length) \
	(!memcmp((Destination), (Source), (Length)))

/**
 * RtlCompareMemory - count the equal bytes at the start of two blocks
 * @Source1: one block
 * @Source2: the other
 * @Length: bytes of each
 *
 * Context: Any.
 * Return: The number of bytes before the first difference, unlike memcmp().
 */
static inline SIZE_T RtlCompareMemory(const VOID *Source1, const VOID *Source2,
				      SIZE_T Length)
{
	const u8 *one = Source1, *two = Source2;
	SIZE_T same;

	if (!memcmp(one, two, Length))
		return Length;
	for (same = 0; same < Length && one[same] == two[same]; same++)
		;
	return same;
}

/**
 * RtlCompareMemoryUlong - count the bytes that match a pattern
 * @Source: the block
 * @Length: its bytes; those after the last whole ULONG are ignored
 * @Pattern: what it is compared with
 *
 * Context: Any.
 * Return: The number of bytes before the first ULONG that differs.
 */
static inline SIZE_T RtlCompareMemoryUlong(PVOID Source, SIZE_T Length,
					   ULONG Pattern)
{
	const ULONG *at = Source;
	SIZE_T same;

	for (same = 0; same < Length / sizeof(ULONG); same++)
		if (at[same] != Pattern)
			break;
	return same * sizeof(ULONG);
}

/**
 * RtlFillMemoryUlong - fill a block with a pattern
 * @Destination: the block
 * @Length: its bytes; those after the last whole ULONG are not changed
 * @Pattern: what it is filled with
 *
 * Context: Any.
 */
static inline VOID RtlFillMemoryUlong(PVOID Destination, SIZE_T Length,
				      ULONG Pattern)
{
	memset32(Destination, Pattern, Length / sizeof(ULONG));
}

/**
 * RtlIsZeroMemory - whether a block is all zero
 * @Buffer: the block
 * @Length: its bytes
 *
 * Context: Any.
 * Return: %TRUE if it is.
 */
static inline BOOLEAN RtlIsZeroMemory(const VOID *Buffer, SIZE_T Length)
{
	return !memchr_inv(Buffer, 0, Length);
}

/**
 * RtlSecureZeroMemory - clear a block even if it is not read again
 * @Destination: the block
 * @Length: its bytes
 *
 * Unlike RtlZeroMemory(), the compiler does not optimize it away.
 *
 * Context: Any.
 * Return: The block.
 */
static inline PVOID RtlSecureZeroMemory(PVOID Destination, SIZE_T Length)
{
	memzero_explicit(Destination, Length);
	return Destination;
}

/*
 * The inline functions below call these. Clients must not. @caller is an address
 * in @module, which is the client.
 */
void *rust_pool_allocate(u32 type, size_t bytes, u32 tag, unsigned long caller,
			 struct module *module);
void *rust_pool_allocate_charged(u32 type, size_t bytes, u32 tag,
				 unsigned long caller, struct module *module);
void *rust_pool_allocate_flags(u64 flags, size_t bytes, u32 tag,
			       const u64 *parameters, u32 count,
			       unsigned long caller, struct module *module);
void *rust_pool_allocate_priority(u32 type, size_t bytes, u32 tag, u32 priority,
				  unsigned long caller, struct module *module);
void rust_pool_free(void *block, u32 tag, unsigned long caller);
void rust_pool_refuse_free(void *block, u32 tag, u32 count,
			   unsigned long caller);
void *rust_pool_contiguous_allocate(size_t bytes, u64 lowest, u64 highest,
				    u64 boundary, s32 type,
				    unsigned long caller);
void rust_pool_contiguous_free(void *base, const size_t *bytes,
			       const s32 *type, unsigned long caller);
void *rust_pool_noncached_allocate(size_t bytes, bool combined,
				   unsigned long caller);
void rust_pool_noncached_free(void *base, size_t bytes, unsigned long caller);

#ifndef RUST_POOL_DECLARE_ONLY
/* Volatile: two calls in one function are two call sites. */
static __always_inline unsigned long rust_pool_here(void)
{
#ifdef CONFIG_X86_64
	unsigned long here;

	asm volatile("lea 0(%%rip), %0" : "=r" (here));
	return here;
#else
	return _THIS_IP_;
#endif
}
#endif

/* Tagged pool */

typedef enum _POOL_TYPE {
	NonPagedPool			= 0,
	NonPagedPoolExecute		= NonPagedPool,	/* never executable here */
	PagedPool			= 1,
	NonPagedPoolMustSucceed		= 2,
	DontUseThisType			= 3,
	NonPagedPoolCacheAligned	= 4,
	PagedPoolCacheAligned		= 5,
	NonPagedPoolCacheAlignedMustS	= 6,
	MaxPoolType			= 7,
	NonPagedPoolNx			= 512,
	NonPagedPoolNxCacheAligned	= 516,
} POOL_TYPE;

/* Modifiers, OR-ed into a POOL_TYPE. */
#define POOL_QUOTA_FAIL_INSTEAD_OF_RAISE	8
#define POOL_RAISE_IF_ALLOCATION_FAILURE	16
#define POOL_COLD_ALLOCATION			256
#define POOL_NX_ALLOCATION			512
#define POOL_ZERO_ALLOCATION			1024

/* OR-ed into a tag on Windows; accepted and ignored here. */
#define PROTECTED_POOL				0x80000000

/**
 * ExAllocatePoolWithTag - allocate a tagged block of system memory
 * @PoolType: %NonPagedPool, %NonPagedPoolNx or %PagedPool, or one of them with
 *	CacheAligned in its name, with modifiers
 * @NumberOfBytes: size in bytes, not zero
 * @Tag: one to four printable characters as a multi-character literal
 *
 * A block below a page is aligned to 16 bytes, or to 64 if cache-aligned; a larger
 * block is aligned to a page. Up to a page it is physically contiguous. It is
 * uninitialised unless %POOL_ZERO_ALLOCATION is given.
 *
 * Context: Nonpaged: any but NMI. Paged: task context that may sleep. Elsewhere
 * a violation, 0xC2/0x08. In an interrupt or softirq, and with interrupts or bottom
 * halves disabled, at most 4 MiB, else NULL.
 * Return: The block, owned by the caller until ExFreePool() or
 * ExFreePoolWithTag(). NULL when memory is short, and after a violation: zero
 * bytes (0xC2/0x00), a type that drivers may not use (0xC2/0x9A, 0xC4/0x16), a
 * bad tag (0xC2/0x9B to 0x9D).
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
			    ULONG Tag);
#else
static __always_inline PVOID
ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	return rust_pool_allocate(PoolType, NumberOfBytes, Tag,
				  rust_pool_here(), THIS_MODULE);
}
#endif

/**
 * ExFreePool - free a block whatever its tag
 * @P: address that ExAllocatePoolWithTag() returned
 *
 * The caller must not use the block after this. An address that is not a live
 * block, NULL included, is a violation, and nothing is freed: 0xC2 with 0x07,
 * 0x40, 0x46 or 0x99.
 *
 * Context: As for the allocation. Elsewhere a violation, 0xC2/0x09: paged pool
 * is freed all the same, but nothing is freed in NMI.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExFreePool(PVOID P);
#else
static __always_inline VOID ExFreePool(PVOID P)
{
	rust_pool_free(P, 0, rust_pool_here());
}
#endif

/**
 * ExFreePoolWithTag - free a block and check its tag
 * @P: address that ExAllocatePoolWithTag() returned
 * @Tag: the tag that it was allocated with; 0 skips the check
 *
 * As ExFreePool(). With the wrong tag the block stays allocated: 0xC2/0x0A.
 *
 * Context: As ExFreePool().
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExFreePoolWithTag(PVOID P, ULONG Tag);
#else
static __always_inline VOID ExFreePoolWithTag(PVOID P, ULONG Tag)
{
	rust_pool_free(P, Tag, rust_pool_here());
}
#endif

/**
 * ExAllocatePoolZero - ExAllocatePoolWithTag() with the block cleared
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: as there
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePoolWithTag().
 */
static __always_inline PVOID
ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	return ExAllocatePoolWithTag((POOL_TYPE)(PoolType |
						 POOL_ZERO_ALLOCATION),
				     NumberOfBytes, Tag);
}

/**
 * ExAllocatePoolUninitialized - ExAllocatePoolWithTag() by its newer name
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: as there
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePoolWithTag().
 */
static __always_inline PVOID
ExAllocatePoolUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	return ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
}

/**
 * ExAllocatePool - ExAllocatePoolWithTag() with the tag "None"
 * @PoolType: as there
 * @NumberOfBytes: as there
 *
 * A leak of such a block is hard to trace. New code should use a tag.
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePoolWithTag().
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes);
#else
static __always_inline PVOID
ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
	return ExAllocatePoolWithTag(PoolType, NumberOfBytes, 'enoN');
}
#endif

/**
 * ExAllocatePoolWithQuotaTag - ExAllocatePoolWithTag() that charges the process
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: as there
 *
 * The block is charged to the memory cgroup of the calling process. A limit of
 * that cgroup, or of one above it, makes the request fail. The free returns the
 * charge, whichever process frees the block. An interrupt or a thread of the
 * kernel charges nobody: there this is ExAllocatePoolWithTag().
 *
 * On Windows a failure raises an exception unless
 * %POOL_QUOTA_FAIL_INSTEAD_OF_RAISE is given. Here it returns NULL, and a line
 * in the log says so: see Documentation/porting.rst, "Exceptions".
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePoolWithTag(); also NULL if the charge would exceed a
 * limit.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
				 ULONG Tag);
#else
static __always_inline PVOID
ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	u32 raise = PoolType & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE ?
		    0 : POOL_RAISE_IF_ALLOCATION_FAILURE;

	return rust_pool_allocate_charged(PoolType | raise, NumberOfBytes, Tag,
					  rust_pool_here(), THIS_MODULE);
}
#endif

/**
 * ExAllocatePoolWithQuota - ExAllocatePoolWithQuotaTag() with the tag "None"
 * @PoolType: as there
 * @NumberOfBytes: as there
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePoolWithTag().
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes);
#else
static __always_inline PVOID
ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
	return ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, 'enoN');
}
#endif

/**
 * ExAllocatePoolQuotaZero - ExAllocatePoolWithQuotaTag() with the block cleared
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: as there
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePoolWithTag().
 */
static __always_inline PVOID
ExAllocatePoolQuotaZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	return ExAllocatePoolWithQuotaTag((POOL_TYPE)(PoolType |
						      POOL_ZERO_ALLOCATION),
					  NumberOfBytes, Tag);
}

/**
 * ExAllocatePoolQuotaUninitialized - ExAllocatePoolWithQuotaTag() by its newer
 *	name
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: as there
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePoolWithTag().
 */
static __always_inline PVOID
ExAllocatePoolQuotaUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
				 ULONG Tag)
{
	return ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, Tag);
}

/* How urgent a request is, and where in special pool to place the block. */
typedef enum _EX_POOL_PRIORITY {
	LowPoolPriority				= 0,
	LowPoolPrioritySpecialPoolOverrun	= 8,
	LowPoolPrioritySpecialPoolUnderrun	= 9,
	NormalPoolPriority			= 16,
	NormalPoolPrioritySpecialPoolOverrun	= 24,
	NormalPoolPrioritySpecialPoolUnderrun	= 25,
	HighPoolPriority			= 32,
	HighPoolPrioritySpecialPoolOverrun	= 40,
	HighPoolPrioritySpecialPoolUnderrun	= 41,
} EX_POOL_PRIORITY;

/**
 * ExAllocatePoolWithTagPriority - ExAllocatePoolWithTag() with a priority
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: as there
 * @Priority: %LowPoolPriority if the caller can do without: the request fails if
 *	less than an eighth of all memory would be left. All others are treated
 *	alike. SpecialPoolOverrun or SpecialPoolUnderrun in the name says at which
 *	end of its page a block of special pool is placed.
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePoolWithTag(); also NULL for an unknown priority, which is
 * a violation (0xC4/0x16).
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
				    ULONG Tag, EX_POOL_PRIORITY Priority);
#else
static __always_inline PVOID
ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
			      ULONG Tag, EX_POOL_PRIORITY Priority)
{
	return rust_pool_allocate_priority(PoolType, NumberOfBytes, Tag,
					   Priority, rust_pool_here(),
					   THIS_MODULE);
}
#endif

/**
 * ExAllocatePoolPriorityZero - ExAllocatePoolWithTagPriority() with the block
 *	cleared
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: as there
 * @Priority: as there
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePoolWithTagPriority().
 */
static __always_inline PVOID
ExAllocatePoolPriorityZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
			   EX_POOL_PRIORITY Priority)
{
	return ExAllocatePoolWithTagPriority((POOL_TYPE)(PoolType |
							 POOL_ZERO_ALLOCATION),
					     NumberOfBytes, Tag, Priority);
}

/**
 * ExAllocatePoolPriorityUninitialized - ExAllocatePoolWithTagPriority() by its
 *	newer name
 * @PoolType: as there
 * @NumberOfBytes: as there
 * @Tag: as there
 * @Priority: as there
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePoolWithTagPriority().
 */
static __always_inline PVOID
ExAllocatePoolPriorityUninitialized(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
				    ULONG Tag, EX_POOL_PRIORITY Priority)
{
	return ExAllocatePoolWithTagPriority(PoolType, NumberOfBytes, Tag,
					     Priority);
}

/* What ExAllocatePool2() allocates: exactly one of the three pools, and more. */
typedef ULONG64 POOL_FLAGS;

#define POOL_FLAG_USE_QUOTA		0x0000000000000001ULL
#define POOL_FLAG_UNINITIALIZED		0x0000000000000002ULL
#define POOL_FLAG_SESSION		0x0000000000000004ULL
#define POOL_FLAG_CACHE_ALIGNED		0x0000000000000008ULL
#define POOL_FLAG_RESERVED1		0x0000000000000010ULL
#define POOL_FLAG_RAISE_ON_FAILURE	0x0000000000000020ULL
#define POOL_FLAG_NON_PAGED		0x0000000000000040ULL
#define POOL_FLAG_NON_PAGED_EXECUTE	0x0000000000000080ULL
#define POOL_FLAG_PAGED			0x0000000000000100ULL
#define POOL_FLAG_RESERVED2		0x0000000000000200ULL
#define POOL_FLAG_RESERVED3		0x0000000000000400ULL
#define POOL_FLAG_LAST_KNOWN_REQUIRED	POOL_FLAG_RESERVED3

#define POOL_FLAG_SPECIAL_POOL		0x0000000100000000ULL

#define POOL_FLAG_REQUIRED_START	0x0000000000000001ULL
#define POOL_FLAG_REQUIRED_END		0x0000000080000000ULL
#define POOL_FLAG_OPTIONAL_START	0x0000000100000000ULL
#define POOL_FLAG_OPTIONAL_END		0x8000000000000000ULL

#define POOL_EXTENDED_PARAMETER_TYPE_BITS		8
#define POOL_EXTENDED_PARAMETER_REQUIRED_FIELD_BITS	1
#define POOL_EXTENDED_PARAMETER_RESERVED_BITS		55

typedef enum POOL_EXTENDED_PARAMETER_TYPE {
	PoolExtendedParameterInvalidType	= 0,
	PoolExtendedParameterPriority		= 1,
	PoolExtendedParameterSecurePool		= 2,	/* there is none */
	PoolExtendedParameterNumaNode		= 3,
	PoolExtendedParameterMax		= 4,
} POOL_EXTENDED_PARAMETER_TYPE;

typedef ULONG POOL_NODE_REQUIREMENT, NODE_REQUIREMENT;

#define MM_ANY_NODE_OK		0x80000000
#define POOL_NODE_ANY		MM_ANY_NODE_OK

typedef struct _POOL_EXTENDED_PARAMETER {
	struct {
		ULONG64 Type : 8;
		ULONG64 Optional : 1;
		ULONG64 Reserved : 55;
	};
	union {
		ULONG64 Reserved2;
		PVOID Reserved3;
		EX_POOL_PRIORITY Priority;
		POOL_NODE_REQUIREMENT PreferredNode;
	};
} POOL_EXTENDED_PARAMETER, *PPOOL_EXTENDED_PARAMETER;

typedef const struct _POOL_EXTENDED_PARAMETER *PCPOOL_EXTENDED_PARAMETER;

/**
 * ExAllocatePool2 - allocate a tagged block of system memory, cleared
 * @Flags: one of %POOL_FLAG_NON_PAGED, %POOL_FLAG_NON_PAGED_EXECUTE (never
 *	executable here) and %POOL_FLAG_PAGED; and with it any of
 *	%POOL_FLAG_UNINITIALIZED, %POOL_FLAG_CACHE_ALIGNED,
 *	%POOL_FLAG_RAISE_ON_FAILURE, %POOL_FLAG_USE_QUOTA and
 *	%POOL_FLAG_SPECIAL_POOL
 * @NumberOfBytes: size in bytes, not zero
 * @Tag: one to four printable characters as a multi-character literal
 *
 * As ExAllocatePoolWithTag(), but the block is cleared unless
 * %POOL_FLAG_UNINITIALIZED is given. %POOL_FLAG_USE_QUOTA charges the calling
 * process, as ExAllocatePoolWithQuotaTag() does, but does not raise. With
 * %POOL_FLAG_SPECIAL_POOL the block comes from the verifier's special pool if
 * that is on and has room. Unknown flags among the upper 32 are ignored. With
 * %POOL_FLAG_RAISE_ON_FAILURE a failure returns NULL too, and is logged: see
 * Documentation/porting.rst, "Exceptions".
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePoolWithTag(); also NULL for flags that name no pool or
 * several, or unknown flags among the lower 32: violations, 0xC4/0x16. If a
 * POOL_TYPE was passed instead of flags, the report says so.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag);
#else
/* Whether the flags can be expressed as a POOL_TYPE. */
static __always_inline bool rust_pool_flags_are_plain(POOL_FLAGS Flags)
{
	const POOL_FLAGS pools = POOL_FLAG_NON_PAGED |
				 POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED;
	const POOL_FLAGS others = POOL_FLAG_UNINITIALIZED |
				  POOL_FLAG_CACHE_ALIGNED |
				  POOL_FLAG_RAISE_ON_FAILURE;

	return !(Flags & ~(pools | others)) && (Flags & pools) &&
	       !(Flags & pools & ((Flags & pools) - 1));
}

static __always_inline u32 rust_pool_type_of_flags(POOL_FLAGS Flags)
{
	return (Flags & POOL_FLAG_PAGED ? PagedPool : NonPagedPoolNx) |
	       (Flags & POOL_FLAG_CACHE_ALIGNED ? NonPagedPoolCacheAligned : 0) |
	       (Flags & POOL_FLAG_UNINITIALIZED ? 0 : POOL_ZERO_ALLOCATION) |
	       (Flags & POOL_FLAG_RAISE_ON_FAILURE ?
		POOL_RAISE_IF_ALLOCATION_FAILURE : 0);
}

static __always_inline PVOID
ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
	/* Flags that are compile-time constants cost nothing. */
	if (__builtin_constant_p(Flags) && rust_pool_flags_are_plain(Flags))
		return rust_pool_allocate(rust_pool_type_of_flags(Flags),
					  NumberOfBytes, Tag, rust_pool_here(),
					  THIS_MODULE);
	return rust_pool_allocate_flags(Flags, NumberOfBytes, Tag, NULL, 0,
					rust_pool_here(), THIS_MODULE);
}
#endif

/**
 * ExAllocatePool3 - ExAllocatePool2() with extended parameters
 * @Flags: as there
 * @NumberOfBytes: as there
 * @Tag: as there
 * @ExtendedParameters: %PoolExtendedParameterPriority, as for
 *	ExAllocatePoolWithTagPriority(), and %PoolExtendedParameterNumaNode with
 *	%POOL_NODE_ANY, or any node where one only has memory; any other must be
 *	Optional and is ignored
 * @ExtendedParametersCount: how many there are
 *
 * Context: As ExAllocatePoolWithTag().
 * Return: As ExAllocatePool2(); also NULL for parameters that are not supported,
 * which is a violation (0xC4/0x16).
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
		      PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
		      ULONG ExtendedParametersCount);
#else
static __always_inline PVOID
ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
		PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
		ULONG ExtendedParametersCount)
{
	return rust_pool_allocate_flags(Flags, NumberOfBytes, Tag,
					(const u64 *)ExtendedParameters,
					ExtendedParametersCount,
					rust_pool_here(), THIS_MODULE);
}
#endif

/**
 * ExFreePool2 - ExFreePoolWithTag() with extended parameters
 * @P: as there
 * @Tag: as there
 * @ExtendedParameters: NULL
 * @ExtendedParametersCount: 0
 *
 * There is no secure pool, so any parameters are a violation, 0xC2/0x46, and
 * nothing is freed.
 *
 * Context: As ExFreePool().
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID ExFreePool2(PVOID P, ULONG Tag,
		 PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
		 ULONG ExtendedParametersCount);
#else
static __always_inline VOID
ExFreePool2(PVOID P, ULONG Tag, PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
	    ULONG ExtendedParametersCount)
{
	if (ExtendedParameters || ExtendedParametersCount)
		rust_pool_refuse_free(P, Tag, ExtendedParametersCount,
				      rust_pool_here());
	else
		rust_pool_free(P, Tag, rust_pool_here());
}
#endif

/**
 * ExQueryPoolBlockSize - the size of a block
 * @PoolBlock: address that an allocation returned
 * @QuotaCharged: if not NULL, set to whether the block is charged to a process
 *
 * The caller may use only the bytes that it asked for, not the rounded size.
 *
 * Context: Any but NMI.
 * Return: The size asked for, rounded up to 16 bytes or, for a page-aligned block,
 * to whole pages; 0 if no live block of pool begins there.
 */
SIZE_T ExQueryPoolBlockSize(PVOID PoolBlock, PBOOLEAN QuotaCharged);

/* Noncached and contiguous memory */

typedef enum _MEMORY_CACHING_TYPE {
	MmNotMapped			= -1,
	MmNonCached			= 0,
	MmCached			= 1,
	MmWriteCombined			= 2,
	MmHardwareCoherentCached	= 3,
	MmNonCachedUnordered		= 4,
	MmUSWCCached			= 5,
	MmMaximumCacheType		= 6,
} MEMORY_CACHING_TYPE;

/**
 * MmAllocateNonCachedMemory - allocate whole pages of uncached memory
 * @NumberOfBytes: size in bytes, not zero; rounded up to pages
 *
 * The pages are virtually but not physically contiguous, and uninitialised. They
 * have no cached mapping.
 *
 * Context: Task context that may sleep. Elsewhere a violation, 0xC2/0x08.
 * Return: A page-aligned block, owned by the caller until
 * MmFreeNonCachedMemory(). NULL when memory is short or cannot be made uncached,
 * and after a violation, such as zero bytes (0xC2/0x00).
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID MmAllocateNonCachedMemory(SIZE_T NumberOfBytes);
#else
static __always_inline PVOID
MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
	return rust_pool_noncached_allocate(NumberOfBytes, false,
					    rust_pool_here());
}
#endif

/**
 * MmFreeNonCachedMemory - free uncached memory
 * @BaseAddress: what MmAllocateNonCachedMemory() returned
 * @NumberOfBytes: the size that was asked for
 *
 * The caller must not use the block after this. Another size or address is a
 * violation, 0xC4/0x16, and nothing is freed.
 *
 * Context: Task context that may sleep. Elsewhere a violation, 0xC2/0x09: the
 * block is given back a little later; in NMI it is not freed.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes);
#else
static __always_inline VOID
MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
	rust_pool_noncached_free(BaseAddress, NumberOfBytes, rust_pool_here());
}
#endif

/**
 * MmAllocateContiguousMemory - allocate physically contiguous, cached memory
 * @NumberOfBytes: size in bytes, not zero; rounded up to pages
 * @HighestAcceptableAddress: highest physical address the block may hold,
 *	inclusive
 *
 * Context: Any but NMI, which is a violation, 0xC2/0x08. Where sleeping is not
 * allowed, the page allocator is asked, for at most 4 MiB, but no page frames are
 * emptied.
 * Return: A page-aligned, uninitialised block, owned by the caller until
 * MmFreeContiguousMemory() or MmFreeContiguousMemorySpecifyCache(). NULL when
 * memory is short or none is found within the bound, and after a violation, such
 * as zero bytes (0xC2/0x00).
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID MmAllocateContiguousMemory(SIZE_T NumberOfBytes,
				 PHYSICAL_ADDRESS HighestAcceptableAddress);
#else
static __always_inline PVOID
MmAllocateContiguousMemory(SIZE_T NumberOfBytes,
			   PHYSICAL_ADDRESS HighestAcceptableAddress)
{
	return rust_pool_contiguous_allocate(NumberOfBytes, 0,
					     HighestAcceptableAddress.QuadPart,
					     0, MmCached, rust_pool_here());
}
#endif

/**
 * MmAllocateContiguousMemorySpecifyCache - allocate physically contiguous
 *	memory within bounds
 * @NumberOfBytes: size in bytes, not zero; rounded up to pages
 * @LowestAcceptableAddress: lowest physical address, rounded up to a page
 * @HighestAcceptableAddress: highest physical address, inclusive
 * @BoundaryAddressMultiple: 0, or a power of two that is at least the size; the
 *	block does not cross a multiple of it
 * @CacheType: %MmCached, %MmNonCached or %MmWriteCombined
 *
 * Context: %MmCached as MmAllocateContiguousMemory(); the others need task
 * context that may sleep. Elsewhere a violation, 0xC2/0x08.
 * Return: A page-aligned, uninitialised block within all bounds, owned and freed
 * as that of MmAllocateContiguousMemory(). NULL as there, for any other boundary,
 * and for any other cache type, which is a violation (0xC4/0x16).
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID
MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
				       PHYSICAL_ADDRESS LowestAcceptableAddress,
				       PHYSICAL_ADDRESS HighestAcceptableAddress,
				       PHYSICAL_ADDRESS BoundaryAddressMultiple,
				       MEMORY_CACHING_TYPE CacheType);
#else
static __always_inline PVOID
MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
				       PHYSICAL_ADDRESS LowestAcceptableAddress,
				       PHYSICAL_ADDRESS HighestAcceptableAddress,
				       PHYSICAL_ADDRESS BoundaryAddressMultiple,
				       MEMORY_CACHING_TYPE CacheType)
{
	return rust_pool_contiguous_allocate(NumberOfBytes,
					     LowestAcceptableAddress.QuadPart,
					     HighestAcceptableAddress.QuadPart,
					     BoundaryAddressMultiple.QuadPart,
					     CacheType, rust_pool_here());
}
#endif

/**
 * MmFreeContiguousMemory - free contiguous memory of either routine
 * @BaseAddress: what the allocation returned
 *
 * The caller must not use the block after this. Any other address is a violation,
 * 0xC2/0x60. A block that is not %MmCached is given back a little later where
 * sleeping is not allowed.
 *
 * Context: Any but hard interrupt and NMI. There a violation, 0xC2/0x09: in a
 * hard interrupt the block is freed all the same, in NMI it is not.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID MmFreeContiguousMemory(PVOID BaseAddress);
#else
static __always_inline VOID MmFreeContiguousMemory(PVOID BaseAddress)
{
	rust_pool_contiguous_free(BaseAddress, NULL, NULL, rust_pool_here());
}
#endif

/**
 * MmFreeContiguousMemorySpecifyCache - free contiguous memory, and check its size
 *	and cache type
 * @BaseAddress: what the allocation returned
 * @NumberOfBytes: the size that was asked for
 * @CacheType: the cache type that was asked for
 *
 * As MmFreeContiguousMemory(). Another size or cache type is a violation,
 * 0xC4/0x16, and the block stays allocated.
 *
 * Context: As MmFreeContiguousMemory().
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
					MEMORY_CACHING_TYPE CacheType);
#else
static __always_inline VOID
MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
				   MEMORY_CACHING_TYPE CacheType)
{
	s32 type = CacheType;

	rust_pool_contiguous_free(BaseAddress, &NumberOfBytes, &type,
				  rust_pool_here());
}
#endif

/**
 * MmGetPhysicalAddress - the physical address behind a kernel address
 * @BaseAddress: a kernel virtual address that stays mapped during the call
 *
 * This is not a DMA address. Give a device the LogicalAddress of a common buffer.
 *
 * Context: Any, NMI included. Never sleeps.
 * Return: The physical address of this byte, 0 where nothing is mapped.
 */
PHYSICAL_ADDRESS MmGetPhysicalAddress(PVOID BaseAddress);

static_assert(sizeof(ULONG) == 4 && sizeof(PHYSICAL_ADDRESS) == 8);

#include <rust_pool/lookaside.h>
#include <rust_pool/mdl.h>
#include <rust_pool/physical.h>
#include <rust_pool/dma.h>

#endif /* _RUST_POOL_WDM_H */
