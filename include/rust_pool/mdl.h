/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory descriptor lists (MDLs). Include rust_pool/wdm.h, not this file. The head
 * of wdm.h explains call sites, and which context is which IRQL.
 *
 * An MDL describes a buffer by its pages: a header with the WDK's x64 layout, followed by the page
 * frame numbers. Drivers read and write both, so rust_pool trusts both, as Windows does, and checks
 * only what could harm others. See Documentation/mdl.rst.
 */
#ifndef _RUST_POOL_MDL_H
#define _RUST_POOL_MDL_H

typedef s16 CSHORT, *PCSHORT;
typedef s8 CCHAR;
typedef CCHAR KPROCESSOR_MODE;
typedef ULONG_PTR PFN_NUMBER, *PPFN_NUMBER;

typedef enum _MODE {
	KernelMode,
	UserMode,
	MaximumMode,
} MODE;

/*
 * How urgent a mapping is. OR-ed into it: not writable, not executable (no mapping
 * is, here), and with unmapped pages around it (all mappings have them).
 */
typedef enum _MM_PAGE_PRIORITY {
	LowPagePriority		= 0,
	NormalPagePriority	= 16,
	HighPagePriority	= 32,
} MM_PAGE_PRIORITY;

#define MdlMappingNoWrite		0x80000000
#define MdlMappingNoExecute		0x40000000
#define MdlMappingWithGuardPtes		0x20000000

/* What is done to the pages: read, or also written. */
typedef enum _LOCK_OPERATION {
	IoReadAccess,
	IoWriteAccess,
	IoModifyAccess,
} LOCK_OPERATION;

/*
 * Protections of pages. Linux has other macros of some of the WDK's names,
 * PAGE_READONLY and the like; those are in the environment headers.
 */
#define RUST_POOL_PAGE_NOACCESS			0x01
#define RUST_POOL_PAGE_READONLY			0x02
#define RUST_POOL_PAGE_READWRITE		0x04
#define RUST_POOL_PAGE_EXECUTE			0x10
#define RUST_POOL_PAGE_EXECUTE_READ		0x20
#define RUST_POOL_PAGE_EXECUTE_READWRITE	0x40
/* Cache types, OR-ed into one of the protections. */
#define RUST_POOL_PAGE_NOCACHE			0x200
#define RUST_POOL_PAGE_WRITECOMBINE		0x400

/* Opaque here. */
struct _EPROCESS;
struct _IRP;
typedef struct _IRP *PIRP;

typedef struct _MDL {
	struct _MDL *Next;
	CSHORT Size;
	CSHORT MdlFlags;
	USHORT AllocationProcessorNumber;
	USHORT Reserved;
	struct _EPROCESS *Process;
	PVOID MappedSystemVa;
	PVOID StartVa;
	ULONG ByteCount;
	ULONG ByteOffset;
} MDL, *PMDL;

typedef PMDL PMDLX;

static_assert(offsetof(MDL, Size) == 8);
static_assert(offsetof(MDL, MdlFlags) == 10);
static_assert(offsetof(MDL, AllocationProcessorNumber) == 12);
static_assert(offsetof(MDL, Reserved) == 14);
static_assert(offsetof(MDL, Process) == 16);
static_assert(offsetof(MDL, MappedSystemVa) == 24);
static_assert(offsetof(MDL, StartVa) == 32);
static_assert(offsetof(MDL, ByteCount) == 40);
static_assert(offsetof(MDL, ByteOffset) == 44);
static_assert(sizeof(MDL) == 48 && sizeof(PFN_NUMBER) == 8);

/* MdlFlags */
#define MDL_MAPPED_TO_SYSTEM_VA		0x0001
#define MDL_PAGES_LOCKED		0x0002
#define MDL_SOURCE_IS_NONPAGED_POOL	0x0004
#define MDL_ALLOCATED_FIXED_SIZE	0x0008
#define MDL_PARTIAL			0x0010
#define MDL_PARTIAL_HAS_BEEN_MAPPED	0x0020
#define MDL_IO_PAGE_READ		0x0040
#define MDL_WRITE_OPERATION		0x0080
#define MDL_LOCKED_PAGE_TABLES		0x0100
#define MDL_PARENT_MAPPED_SYSTEM_VA	MDL_LOCKED_PAGE_TABLES
#define MDL_FREE_EXTRA_PTES		0x0200
#define MDL_DESCRIBES_AWE		0x0400
#define MDL_IO_SPACE			0x0800
#define MDL_NETWORK_HEADER		0x1000
#define MDL_MAPPING_CAN_FAIL		0x2000
#define MDL_PAGE_CONTENTS_INVARIANT	0x4000
#define MDL_ALLOCATED_MUST_SUCCEED	MDL_PAGE_CONTENTS_INVARIANT
#define MDL_INTERNAL			0x8000

/* Flags of MmAllocatePagesForMdlEx(). */
#define MM_DONT_ZERO_ALLOCATION			0x00000001
#define MM_ALLOCATE_FROM_LOCAL_NODE_ONLY	0x00000002
#define MM_ALLOCATE_FULLY_REQUIRED		0x00000004
#define MM_ALLOCATE_NO_WAIT			0x00000008
#define MM_ALLOCATE_PREFER_CONTIGUOUS		0x00000010
#define MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS	0x00000020
#define MM_ALLOCATE_FAST_LARGE_PAGES		0x00000040
#define MM_ALLOCATE_TRIM_IF_NECESSARY		0x00000080
#define MM_ALLOCATE_AND_HOT_REMOVE		0x00000100

#define MDL_MAPPING_FLAGS \
	(MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED | \
	 MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL_HAS_BEEN_MAPPED | \
	 MDL_PARENT_MAPPED_SYSTEM_VA | MDL_IO_SPACE)

/* Accessors for the fields of an MDL. */
#define MmGetMdlByteCount(Mdl)		((Mdl)->ByteCount)
#define MmGetMdlByteOffset(Mdl)		((Mdl)->ByteOffset)
#define MmGetMdlBaseVa(Mdl)		((Mdl)->StartVa)
#define MmGetMdlVirtualAddress(Mdl) \
	((PVOID)((PUCHAR)(Mdl)->StartVa + (Mdl)->ByteOffset))
#define MmGetMdlPfnArray(Mdl)		((PPFN_NUMBER)((Mdl) + 1))

/* The inline functions below call these. Clients must not. */
PMDL rust_pool_mdl_allocate(PVOID va, ULONG bytes, bool secondary, PIRP irp,
			    unsigned long caller, struct module *module);
void rust_pool_mdl_free(PMDL mdl, unsigned long caller);
void rust_pool_mdl_build(PMDL mdl, unsigned long caller);
void rust_pool_mdl_partial(PMDL source, PMDL target, PVOID va, ULONG bytes,
			   unsigned long caller);
void *rust_pool_mdl_map(PMDL mdl, KPROCESSOR_MODE mode, s32 type, ULONG priority,
			unsigned long caller);
void *rust_pool_mdl_view(PMDL mdl, KPROCESSOR_MODE mode, s32 type, void *at,
			 ULONG priority, unsigned long caller);
void rust_pool_mdl_unmap(void *base, PMDL mdl, unsigned long caller);
NTSTATUS rust_pool_mdl_lock(PMDL mdl, KPROCESSOR_MODE mode, u32 operation,
			    unsigned long caller);
void rust_pool_mdl_unlock(PMDL mdl, unsigned long caller);
/* What MmAllocatePagesForMdlEx() and its relatives are asked for. */
struct rust_pool_mdl_wanted {
	u64 lowest;
	u64 highest;
	u64 skip;
	SIZE_T bytes;
	s32 cache;
	u32 flags;
	u32 node;
};
PMDL rust_pool_mdl_pages(const struct rust_pool_mdl_wanted *wanted,
			 unsigned long caller, struct module *module);
void rust_pool_mdl_pages_free(PMDL mdl, unsigned long caller);

void *rust_pool_space_allocate(SIZE_T bytes, ULONG tag, unsigned long caller);
void rust_pool_space_free(void *base, ULONG tag, unsigned long caller);
void *rust_pool_space_map(void *base, ULONG tag, PMDL mdl, s32 type,
			  unsigned long caller);
void rust_pool_space_unmap(void *base, ULONG tag, PMDL mdl,
			   unsigned long caller);

NTSTATUS rust_pool_mdl_protect(PMDL mdl, ULONG protection, unsigned long caller);

/* For a mapping: use the cache type of the pages. */
#define RUST_POOL_MDL_AS_IT_IS		(-2)

/**
 * MmSizeOfMdl - the size of an MDL for a buffer
 * @Base: where the buffer is; only its offset in its page matters
 * @Length: its size in bytes
 *
 * Context: Any.
 * Return: The size in bytes.
 */
static inline SIZE_T MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
	/* The macro's result has 32 bits; this one needs 64. */
	return sizeof(MDL) + sizeof(PFN_NUMBER) *
	       ((Length >> PAGE_SHIFT) +
		((BYTE_OFFSET(Base) + (Length & (PAGE_SIZE - 1)) +
		  PAGE_SIZE - 1) >> PAGE_SHIFT));
}

/**
 * MmInitializeMdl - initialise an MDL in the caller's memory
 * @Mdl: MmSizeOfMdl() bytes
 * @BaseVa: where the buffer is
 * @Length: its size in bytes
 *
 * Fills in the header, except for the fields that only mapping or locking sets.
 * Size is as in the WDK; for larger MDLs it is the largest value that fits.
 *
 * Context: Any.
 */
static inline VOID MmInitializeMdl(PMDL Mdl, PVOID BaseVa, SIZE_T Length)
{
	SIZE_T size = MmSizeOfMdl(BaseVa, Length);

	Mdl->Next = NULL;
	Mdl->Size = size < 0x7ff8 ? size : 0x7ff8;
	Mdl->MdlFlags = 0;
	Mdl->StartVa = (PVOID)((ULONG_PTR)BaseVa & ~(PAGE_SIZE - 1));
	Mdl->ByteOffset = BYTE_OFFSET(BaseVa);
	Mdl->ByteCount = Length;
}

/**
 * IoAllocateMdl - allocate an MDL for a buffer
 * @VirtualAddress: where the buffer is, or NULL
 * @Length: its size in bytes, at most 2 GiB less a page
 * @SecondaryBuffer: if there is an @Irp, whether to append the MDL to the IRP's
 *	chain instead of making it the first
 * @ChargeQuota: FALSE; ignored
 * @Irp: NULL, or a structure that begins as the WDK's IRP does, with MdlAddress
 *	at offset 8
 *
 * The MDL is nonpaged pool with the tag ' ldM', shown as "Mdl", of the module
 * that calls, aligned to 16 bytes. Its page frames are not filled in yet.
 *
 * Context: Any but NMI, which is a violation, 0xC2/0x08.
 * Return: The MDL, owned by the caller until IoFreeMdl() or ExFreePool(). NULL for
 * a buffer that is too long, when memory is short, and after a violation.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PMDL IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
		   BOOLEAN ChargeQuota, PIRP Irp);
#else
static __always_inline PMDL
IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
	      BOOLEAN ChargeQuota, PIRP Irp)
{
	return rust_pool_mdl_allocate(VirtualAddress, Length, SecondaryBuffer,
				      Irp, rust_pool_here(), THIS_MODULE);
}
#endif

/**
 * IoFreeMdl - free an MDL
 * @Mdl: an MDL of IoAllocateMdl(), or one in a pool block
 *
 * Frees this MDL only, not the rest of its chain. Undoes the mapping of a partial MDL. An MDL that
 * is mapped otherwise, whose pages MmProbeAndLockPages() locked and nobody unlocked, or
 * MmAllocatePagesForMdl() allocated and nobody freed, is a violation (0xC4/0xB8). So is an MDL of
 * which a scatter/gather list was made that is not put yet (0xE6/0x0E). Then the MDL stays
 * allocated. An address that is not a live block is treated as by ExFreePool().
 *
 * Context: Any but NMI, which is a violation (0xC2/0x09).
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID IoFreeMdl(PMDL Mdl);
#else
static __always_inline VOID IoFreeMdl(PMDL Mdl)
{
	rust_pool_mdl_free(Mdl, rust_pool_here());
}
#endif

/**
 * MmBuildMdlForNonPagedPool - fill in the page frames of a kernel buffer
 * @Mdl: an MDL whose header describes the buffer
 *
 * The buffer may be any kernel memory that does not move: pool of any size,
 * contiguous and noncached memory, common buffers, vmalloc memory. The MDL then
 * counts as mapped, at the buffer's own address. There is nothing to undo.
 *
 * A block of paged pool is a violation (0xC4/0x7F), but the MDL is built all the
 * same. Other violations leave the MDL unchanged: a buffer that is not kernel
 * memory (0xC4/0xE0), a page that is not mapped, a buffer that is too long for
 * the MDL, and an MDL that is NULL, locked, mapped, or was never initialised
 * (0xC4/0x16).
 *
 * Context: Any. Never sleeps.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID MmBuildMdlForNonPagedPool(PMDL Mdl);
#else
static __always_inline VOID MmBuildMdlForNonPagedPool(PMDL Mdl)
{
	rust_pool_mdl_build(Mdl, rust_pool_here());
}
#endif

/**
 * IoBuildPartialMdl - build an MDL for a part of a buffer
 * @SourceMdl: the MDL of the whole, locked or built
 * @TargetMdl: an MDL with room for the part
 * @VirtualAddress: where the part begins, by the source's addresses
 * @Length: its size in bytes; 0 means up to the source's end
 *
 * If the source is mapped, the part is mapped there too. Call MmPrepareMdlForReuse() before you
 * build another part into the same MDL. The target's field Reserved identifies the source, for
 * MmUnlockPages().
 *
 * Violations, which leave the target unchanged: a target that is too small (0x49),
 * a part that is not within the source, an MDL that is NULL (0xC4/0x16), a source
 * that is neither locked nor built (0xC4/0x140), a target that is still mapped or
 * locked (0xC4/0xB8).
 *
 * Context: Any. Never sleeps.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress,
		       ULONG Length);
#else
static __always_inline VOID
IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress,
		  ULONG Length)
{
	rust_pool_mdl_partial(SourceMdl, TargetMdl, VirtualAddress, Length,
			      rust_pool_here());
}
#endif

/**
 * MmAllocatePagesForMdlEx - allocate pages, and an MDL for them
 * @LowAddress: the lowest physical address that a page may have
 * @HighAddress: the highest physical address that a page may have, inclusive
 * @SkipBytes: 0, or a multiple of the page size. If the range has too few pages, it is
 *	moved up by this many bytes, again and again, until there are enough. With
 *	%MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS: the size of a chunk
 * @TotalBytes: the size of all pages, rounded up, at most 4 GiB less a page
 * @CacheType: %MmCached, %MmNonCached or %MmWriteCombined
 * @Flags: a combination of these:
 *	%MM_DONT_ZERO_ALLOCATION, the pages are not cleared;
 *	%MM_ALLOCATE_FULLY_REQUIRED, all pages or NULL;
 *	%MM_ALLOCATE_NO_WAIT, it does not sleep for memory;
 *	%MM_ALLOCATE_FROM_LOCAL_NODE_ONLY, pages of this CPU's node alone;
 *	%MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS, one block of adjacent pages, and all
 *	of it or NULL. With @SkipBytes, which then is a power of two that divides
 *	@TotalBytes: several such blocks of @SkipBytes each, which begin at a multiple of
 *	that.
 *	%MM_ALLOCATE_PREFER_CONTIGUOUS, %MM_ALLOCATE_TRIM_IF_NECESSARY and, in chunks,
 *	%MM_ALLOCATE_FAST_LARGE_PAGES have no effect
 *
 * If memory is short, or the range has too few pages, the MDL describes fewer pages
 * than requested: read MmGetMdlByteCount(). The pages have no virtual address: StartVa
 * is NULL, and the pages count as locked. Map them as any other locked pages.
 *
 * The MDL is allocated as by IoAllocateMdl(). Free the pages by MmFreePagesFromMdl(), then the MDL
 * by ExFreePool().
 *
 * Violations, for which it returns NULL: zero bytes (0xC2/0x00), and arguments or flags
 * that are not as above (0xC4/0x16).
 *
 * Context: Up to DISPATCH_LEVEL; at DISPATCH_LEVEL only cached pages, and only from memory that is
 * free. Elsewhere a violation, 0xC2/0x08.
 * Return: The MDL, or NULL if there is no page or no memory for the MDL.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PMDL MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress,
			     PHYSICAL_ADDRESS HighAddress,
			     PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
			     MEMORY_CACHING_TYPE CacheType, ULONG Flags);
#else
static __always_inline PMDL
MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress,
			PHYSICAL_ADDRESS HighAddress,
			PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
			MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
	const struct rust_pool_mdl_wanted wanted = {
		.lowest = LowAddress.QuadPart,
		.highest = HighAddress.QuadPart,
		.skip = SkipBytes.QuadPart,
		.bytes = TotalBytes,
		.cache = CacheType,
		.flags = Flags,
		.node = MM_ANY_NODE_OK,
	};

	return rust_pool_mdl_pages(&wanted, rust_pool_here(), THIS_MODULE);
}
#endif

/**
 * MmAllocateNodePagesForMdlEx - allocate pages of a NUMA node, and an MDL for them
 * @LowAddress: as for MmAllocatePagesForMdlEx()
 * @HighAddress: as there
 * @SkipBytes: as there
 * @TotalBytes: as there
 * @CacheType: as there
 * @IdealNode: the node, or %MM_ANY_NODE_OK. Pages of other nodes are used if it does
 *	not have enough
 * @Flags: as there; with %MM_ALLOCATE_FROM_LOCAL_NODE_ONLY pages of @IdealNode alone
 *
 * A node that does not exist is a violation (0xC4/0x16). Chunks may be on any node
 * without %MM_ALLOCATE_FROM_LOCAL_NODE_ONLY.
 *
 * Context: As MmAllocatePagesForMdlEx().
 * Return: As there.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PMDL MmAllocateNodePagesForMdlEx(PHYSICAL_ADDRESS LowAddress,
				 PHYSICAL_ADDRESS HighAddress,
				 PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
				 MEMORY_CACHING_TYPE CacheType,
				 ULONG IdealNode, ULONG Flags);
#else
static __always_inline PMDL
MmAllocateNodePagesForMdlEx(PHYSICAL_ADDRESS LowAddress,
			    PHYSICAL_ADDRESS HighAddress,
			    PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
			    MEMORY_CACHING_TYPE CacheType, ULONG IdealNode,
			    ULONG Flags)
{
	const struct rust_pool_mdl_wanted wanted = {
		.lowest = LowAddress.QuadPart,
		.highest = HighAddress.QuadPart,
		.skip = SkipBytes.QuadPart,
		.bytes = TotalBytes,
		.cache = CacheType,
		.flags = Flags,
		.node = IdealNode,
	};

	return rust_pool_mdl_pages(&wanted, rust_pool_here(), THIS_MODULE);
}
#endif

/**
 * MmAllocatePagesForMdl - allocate cleared, cached pages, and an MDL for them
 * @LowAddress: as for MmAllocatePagesForMdlEx()
 * @HighAddress: as there
 * @SkipBytes: as there
 * @TotalBytes: as there
 *
 * Context: As MmAllocatePagesForMdlEx().
 * Return: As there.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PMDL MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress,
			   PHYSICAL_ADDRESS HighAddress,
			   PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes);
#else
static __always_inline PMDL
MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress,
		      PHYSICAL_ADDRESS HighAddress, PHYSICAL_ADDRESS SkipBytes,
		      SIZE_T TotalBytes)
{
	return MmAllocatePagesForMdlEx(LowAddress, HighAddress, SkipBytes,
				       TotalBytes, MmCached, 0);
}
#endif

/**
 * MmFreePagesFromMdl - free the pages of MmAllocatePagesForMdl() and its relatives
 * @MemoryDescriptorList: their MDL
 *
 * Frees the pages that were allocated, whatever the MDL says by then. The MDL stays: free it by
 * ExFreePool(). A page to which somebody else has a reference becomes free when that is dropped.
 *
 * Pages that are still mapped by this MDL are a violation (0xC4/0xB8); they are unmapped and freed.
 * Pages that a scatter/gather list uses are a violation (0xE6/0x0E), and stay allocated. So is an
 * MDL that has no such pages, or NULL (0xC4/0x16).
 *
 * Context: Up to DISPATCH_LEVEL. Above it is a violation (0xC2/0x09), but the pages are
 * freed all the same, except in NMI. Where sleeping is not allowed, they are freed a
 * little later.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID MmFreePagesFromMdl(PMDL MemoryDescriptorList);
#else
static __always_inline VOID MmFreePagesFromMdl(PMDL MemoryDescriptorList)
{
	rust_pool_mdl_pages_free(MemoryDescriptorList, rust_pool_here());
}
#endif

/**
 * MmProbeAndLockPages - lock the pages of a buffer, and fill in their frames
 * @MemoryDescriptorList: an MDL whose header describes the buffer
 * @AccessMode: %UserMode: the buffer must be in user space; %KernelMode: it may
 *	be kernel memory as well
 * @Operation: %IoReadAccess; %IoWriteAccess and %IoModifyAccess need memory that
 *	may be written
 *
 * Pages of the calling process are pinned. They are its own, even those that it has not
 * touched yet. Kernel memory does not move, paged pool included. Call MmUnlockPages()
 * before the MDL is freed or used again.
 *
 * Where Windows raises an exception, this returns a status and does not lock the
 * pages. Test the status, and put the exception handler's code behind the test. The
 * compiler warns of a call without one.
 *
 * Violations: an MDL that is locked, mapped, built or partial (0xC4/0xB0), up to
 * DISPATCH_LEVEL; an MDL that is NULL, was never initialised or has no room for its
 * pages, and an unknown mode or operation (0xC4/0x16).
 *
 * Context: The process's pages: task context that may sleep; the kernel's: up to
 * DISPATCH_LEVEL. Elsewhere a violation, 0xC4/0x70.
 * Return: %STATUS_SUCCESS; %STATUS_ACCESS_VIOLATION if a page is missing or does not
 * allow the access, or if the buffer goes on behind the last address;
 * %STATUS_INSUFFICIENT_RESOURCES when memory is short, %STATUS_INVALID_PARAMETER after
 * a violation.
 */
#ifdef RUST_POOL_DECLARE_ONLY
NTSTATUS MmProbeAndLockPages(PMDL MemoryDescriptorList,
			     KPROCESSOR_MODE AccessMode,
			     LOCK_OPERATION Operation);
#else
static __always_inline __must_check NTSTATUS
MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
		    LOCK_OPERATION Operation)
{
	return rust_pool_mdl_lock(MemoryDescriptorList, AccessMode, Operation,
				  rust_pool_here());
}
#endif

/**
 * MmUnlockPages - unlock what MmProbeAndLockPages() locked
 * @MemoryDescriptorList: the MDL
 *
 * Undoes the mapping first, if there is one. Pages that were locked for writing are
 * marked dirty.
 *
 * Violations, which change nothing: an MDL whose pages are not locked (0xC4/0x7C),
 * one that was built (0xC4/0x7D), a partial one (0xC4/0xB4), and one whose pages are
 * in a scatter/gather list (0xE6/0x0E).
 *
 * Context: Up to DISPATCH_LEVEL. Above it is a violation (0xC4/0x78), but the pages
 * are unlocked all the same, except in NMI. Where sleeping is not allowed, they
 * are unpinned a little later; so is a page that the kernel has locked for longer
 * than a tenth of a second.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID MmUnlockPages(PMDL MemoryDescriptorList);
#else
static __always_inline VOID MmUnlockPages(PMDL MemoryDescriptorList)
{
	rust_pool_mdl_unlock(MemoryDescriptorList, rust_pool_here());
}
#endif

/**
 * MmMapLockedPagesSpecifyCache - map the pages of an MDL
 * @MemoryDescriptorList: an MDL whose pages are locked, or a part of one; for
 *	%UserMode also one that was built
 * @AccessMode: %KernelMode, or %UserMode to map them into the calling process
 * @CacheType: the cache type that the pages have
 * @RequestedAddress: for %UserMode the address to map them at, which is rounded
 *	down to a page, or NULL for any; else NULL, and ignored
 * @BugCheckOnFailure: FALSE; ignored, failure is NULL
 * @Priority: only %MdlMappingNoWrite has an effect; no mapping is executable
 *
 * Violations, for which it returns NULL: an MDL that is mapped (0xC4/0xB2) or whose
 * pages are not locked (0xC4/0xB3), a frame that is not memory (0xC4/0x89), a cache
 * type that is reserved or not that of the pages, an MDL that is NULL (0xC4/0x16).
 *
 * A mapping in a process is one of several that an MDL may have, and does not show
 * in its flags. It has references to the pages, or keeps the common buffer that they
 * are of. It goes with the process at the latest; a fork does not inherit it. A page
 * that others use, too, is a violation (0xC4/0x16): there is a small block of pool in
 * it, for example. On Windows failure raises an exception; here it is NULL, and a line
 * in the log says so.
 *
 * Context: %KernelMode: up to DISPATCH_LEVEL; above it a violation, 0xC4/0x76. Where
 * sleeping is not allowed, only adjacent pages can be mapped. %UserMode: task
 * context that may sleep; elsewhere a violation, 0xC4/0x77.
 * Return: Where the buffer begins, until MmUnmapLockedPages(); NULL when memory
 * is short, if the address is taken, and after a violation.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList,
				   KPROCESSOR_MODE AccessMode,
				   MEMORY_CACHING_TYPE CacheType,
				   PVOID RequestedAddress,
				   ULONG BugCheckOnFailure, ULONG Priority);
#else
static __always_inline PVOID
MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList,
			     KPROCESSOR_MODE AccessMode,
			     MEMORY_CACHING_TYPE CacheType,
			     PVOID RequestedAddress, ULONG BugCheckOnFailure,
			     ULONG Priority)
{
	if (AccessMode != KernelMode)
		return rust_pool_mdl_view(MemoryDescriptorList, AccessMode,
					  CacheType, RequestedAddress, Priority,
					  rust_pool_here());
	return rust_pool_mdl_map(MemoryDescriptorList, AccessMode, CacheType,
				 Priority, rust_pool_here());
}
#endif

/**
 * MmMapLockedPages - map the pages of an MDL with the cache type of the pages
 * @MemoryDescriptorList: as for MmMapLockedPagesSpecifyCache()
 * @AccessMode: as there
 *
 * Context: As MmMapLockedPagesSpecifyCache().
 * Return: As there; failure is NULL.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode);
#else
static __always_inline PVOID
MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
	if (AccessMode != KernelMode)
		return rust_pool_mdl_view(MemoryDescriptorList, AccessMode,
					  RUST_POOL_MDL_AS_IT_IS, NULL,
					  HighPagePriority, rust_pool_here());
	return rust_pool_mdl_map(MemoryDescriptorList, AccessMode,
				 RUST_POOL_MDL_AS_IT_IS, HighPagePriority,
				 rust_pool_here());
}
#endif

/**
 * MmUnmapLockedPages - undo the mapping of an MDL
 * @BaseAddress: what the mapping returned
 * @MemoryDescriptorList: the MDL
 *
 * An MDL without a mapping of its own is a violation (0xDA/0x06), and so is another
 * address (0xDA/0x03); both change nothing. An MDL that was built, or is a part of a
 * mapped one, has no mapping of its own.
 *
 * A mapping in a process is undone in that process. An address at which the calling
 * process does not map the MDL is a violation (0xD7) and changes nothing.
 *
 * Context: Up to DISPATCH_LEVEL. Above it is a violation (0xC4/0x79), but the mapping
 * is undone all the same, except in NMI. Where sleeping is not allowed, it is
 * undone a little later. A mapping in a process: task context that may sleep;
 * elsewhere a violation (0xC4/0x7A), and it stays.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList);
#else
static __always_inline VOID
MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
	rust_pool_mdl_unmap(BaseAddress, MemoryDescriptorList, rust_pool_here());
}

/**
 * MmGetSystemAddressForMdlSafe - the kernel address of an MDL's buffer
 * @Mdl: an MDL that is built, locked, or a part of one that is
 * @Priority: as for MmMapLockedPagesSpecifyCache()
 *
 * Maps the pages, with their own cache type, if they are not mapped.
 *
 * Context: As MmMapLockedPagesSpecifyCache(); any for an MDL that is mapped.
 * Return: As there.
 */
static __always_inline PVOID MmGetSystemAddressForMdlSafe(PMDL Mdl, ULONG Priority)
{
	if (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
		return Mdl->MappedSystemVa;
	return rust_pool_mdl_map(Mdl, KernelMode, RUST_POOL_MDL_AS_IT_IS,
				 Priority, rust_pool_here());
}

/**
 * MmGetSystemAddressForMdl - MmGetSystemAddressForMdlSafe() by its older name
 * @Mdl: as there
 *
 * Context: As MmGetSystemAddressForMdlSafe().
 * Return: As there; failure is NULL.
 */
static __always_inline PVOID MmGetSystemAddressForMdl(PMDL Mdl)
{
	return MmGetSystemAddressForMdlSafe(Mdl, HighPagePriority);
}

/**
 * MmPrepareMdlForReuse - prepare a partial MDL for another part of a buffer
 * @Mdl: an MDL that IoBuildPartialMdl() built
 *
 * Undoes its mapping, if it has one of its own, but for one in reserved memory: undo that by
 * MmUnmapReservedMapping() first.
 *
 * Context: As MmUnmapLockedPages().
 */
static __always_inline VOID MmPrepareMdlForReuse(PMDL Mdl)
{
	if (Mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)
		MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
}
#endif

/**
 * MmProtectMdlSystemAddress - change what may be done with the mapping of an MDL
 * @MemoryDescriptorList: an MDL that is mapped
 * @NewProtect: %PAGE_NOACCESS, %PAGE_READONLY or %PAGE_READWRITE. No mapping is
 *	executable: %PAGE_EXECUTE and %PAGE_EXECUTE_READ are %PAGE_READONLY here,
 *	%PAGE_EXECUTE_READWRITE is %PAGE_READWRITE. Without the environment headers
 *	their names have %RUST_POOL_ in front
 *
 * Adjacent pages are mapped in the direct map, which stays as it is: map them with
 * %MdlMappingNoWrite if they are to be protected later.
 *
 * Context: Up to DISPATCH_LEVEL; above it a violation, 0xC4/0x76. Where sleeping is not allowed,
 * other CPUs may use the old protection for a moment.
 * Return: %STATUS_SUCCESS; %STATUS_INVALID_PAGE_PROTECTION for another protection;
 * %STATUS_NOT_MAPPED_VIEW for an MDL that is not mapped, or of nonpaged pool, or whose pages are
 * not those at its MappedSystemVa;
 * %STATUS_NOT_SUPPORTED in the direct map, unless for %PAGE_READWRITE;
 * %STATUS_INVALID_PARAMETER after a violation.
 */
#ifdef RUST_POOL_DECLARE_ONLY
NTSTATUS MmProtectMdlSystemAddress(PMDL MemoryDescriptorList, ULONG NewProtect);
#else
static __always_inline NTSTATUS
MmProtectMdlSystemAddress(PMDL MemoryDescriptorList, ULONG NewProtect)
{
	return rust_pool_mdl_protect(MemoryDescriptorList, NewProtect,
				     rust_pool_here());
}
#endif

/**
 * MmAllocateMappingAddress - reserve address space for the pages of MDLs
 * @NumberOfBytes: how much, at most 4 GiB; rounded up to pages
 * @PoolTag: a tag, which the other routines must be given, too
 *
 * Nothing is mapped there, and it takes no memory except for page tables.
 *
 * Violations, for which it returns NULL: zero bytes (0xDA/0x100), tag 0 (0xC2/0x9B).
 *
 * Context: Task context that may sleep; elsewhere a violation, 0xC2/0x08.
 * Return: Where it begins, aligned to a page, until MmFreeMappingAddress(); NULL when
 * memory is short, and after a violation.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID MmAllocateMappingAddress(SIZE_T NumberOfBytes, ULONG PoolTag);
#else
static __always_inline PVOID
MmAllocateMappingAddress(SIZE_T NumberOfBytes, ULONG PoolTag)
{
	return rust_pool_space_allocate(NumberOfBytes, PoolTag,
					rust_pool_here());
}
#endif

/**
 * MmFreeMappingAddress - give back what MmAllocateMappingAddress() reserved
 * @BaseAddress: where it begins
 * @PoolTag: its tag
 *
 * Violations, which change nothing: another tag (0xDA/0x101; the lowest bit does not
 * matter), an address that is not reserved (0xDA/0x102), pages that are still mapped
 * or just being mapped (0xDA/0x103).
 *
 * Context: Task context that may sleep. Elsewhere a violation (0xC2/0x09), but it is
 * given back a little later all the same, except in NMI.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID MmFreeMappingAddress(PVOID BaseAddress, ULONG PoolTag);
#else
static __always_inline VOID MmFreeMappingAddress(PVOID BaseAddress, ULONG PoolTag)
{
	rust_pool_space_free(BaseAddress, PoolTag, rust_pool_here());
}
#endif

/**
 * MmMapLockedPagesWithReservedMapping - map the pages of an MDL in reserved space
 * @MappingAddress: what MmAllocateMappingAddress() returned, or another address in the
 *	first page, which is rounded down to 16 bytes
 * @PoolTag: its tag
 * @MemoryDescriptorList: an MDL whose pages are locked, or a part of one
 * @CacheType: the cache type that the pages have
 *
 * Needs no memory, so it does not sleep for any. MappedSystemVa is @MappingAddress; the routine
 * returns that plus the offset of the buffer in its page.
 *
 * Violations, for which it returns NULL: another tag (0xDA/0x104), an address that is
 * not reserved (0xDA/0x105), an area in which pages are mapped or just being mapped or
 * unmapped (0xDA/0x107), and what MmMapLockedPagesSpecifyCache() reports of the MDL.
 *
 * Context: Up to DISPATCH_LEVEL; above it a violation, 0xC4/0x76.
 * Return: Where the buffer begins, until MmUnmapReservedMapping(). NULL if it has more
 * pages than are reserved; at DISPATCH_LEVEL if another CPU has had interrupts disabled
 * for a tenth of a second since the area was unmapped; and after a violation.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID MmMapLockedPagesWithReservedMapping(PVOID MappingAddress, ULONG PoolTag,
					  PMDL MemoryDescriptorList,
					  MEMORY_CACHING_TYPE CacheType);
#else
static __always_inline PVOID
MmMapLockedPagesWithReservedMapping(PVOID MappingAddress, ULONG PoolTag,
				    PMDL MemoryDescriptorList,
				    MEMORY_CACHING_TYPE CacheType)
{
	return rust_pool_space_map(MappingAddress, PoolTag,
				   MemoryDescriptorList, CacheType,
				   rust_pool_here());
}
#endif

/**
 * MmUnmapReservedMapping - unmap the pages of an MDL from reserved space
 * @BaseAddress: what the mapping returned
 * @PoolTag: the tag of the space
 * @MemoryDescriptorList: the MDL that is mapped there
 *
 * Violations, which change nothing: another tag (0xDA/0x108), an address that is not
 * reserved (0xDA/0x109), nothing that is mapped there, or another CPU that is mapping or
 * unmapping it (0xDA/0x10B), another MDL
 * (0xDA/0x10A, 0x10C or 0x06, by its number of pages).
 *
 * Context: Up to DISPATCH_LEVEL. Above it is a violation (0xC4/0x79), but the pages are
 * unmapped all the same, except in NMI.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID MmUnmapReservedMapping(PVOID BaseAddress, ULONG PoolTag,
			    PMDL MemoryDescriptorList);
#else
static __always_inline VOID
MmUnmapReservedMapping(PVOID BaseAddress, ULONG PoolTag,
		       PMDL MemoryDescriptorList)
{
	rust_pool_space_unmap(BaseAddress, PoolTag, MemoryDescriptorList,
			      rust_pool_here());
}
#endif

#endif /* _RUST_POOL_MDL_H */
