/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory descriptor lists (MDLs). Included by rust_pool/wdm.h, whose head says
 * who calls and which context is which IRQL; not to be included by itself.
 *
 * An MDL describes a buffer by its pages: a head with the WDK's x64 layout, and
 * behind it the numbers of the page frames. Drivers read and write both, so both
 * are believed, as on Windows. See Documentation/mdl.rst.
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
 * How much it matters that a mapping succeeds. OR-ed into it: not writable, not
 * executable (no mapping here is), and with holes around it (all have them).
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

#define STATUS_ACCESS_VIOLATION		((NTSTATUS)0xC0000005)

/* Of whom nothing is known here. */
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

#define MDL_MAPPING_FLAGS \
	(MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED | \
	 MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL_HAS_BEEN_MAPPED | \
	 MDL_PARENT_MAPPED_SYSTEM_VA | MDL_IO_SPACE)

/* The fields of an MDL, and what follows from them. */
#define MmGetMdlByteCount(Mdl)		((Mdl)->ByteCount)
#define MmGetMdlByteOffset(Mdl)		((Mdl)->ByteOffset)
#define MmGetMdlBaseVa(Mdl)		((Mdl)->StartVa)
#define MmGetMdlVirtualAddress(Mdl) \
	((PVOID)((PUCHAR)(Mdl)->StartVa + (Mdl)->ByteOffset))
#define MmGetMdlPfnArray(Mdl)		((PPFN_NUMBER)((Mdl) + 1))

/* What the inline functions below end in. Not for clients to call. */
PMDL rust_pool_mdl_allocate(PVOID va, ULONG bytes, bool secondary, PIRP irp,
			    unsigned long caller, struct module *module);
void rust_pool_mdl_free(PMDL mdl, unsigned long caller);
void rust_pool_mdl_build(PMDL mdl, unsigned long caller);
void rust_pool_mdl_partial(PMDL source, PMDL target, PVOID va, ULONG bytes,
			   unsigned long caller);
void *rust_pool_mdl_map(PMDL mdl, KPROCESSOR_MODE mode, s32 type, ULONG priority,
			unsigned long caller);
void rust_pool_mdl_unmap(void *base, PMDL mdl, unsigned long caller);
NTSTATUS rust_pool_mdl_lock(PMDL mdl, KPROCESSOR_MODE mode, u32 operation,
			    unsigned long caller);
void rust_pool_mdl_unlock(PMDL mdl, unsigned long caller);

/* For a mapping: the cache type that the pages have. */
#define RUST_POOL_MDL_AS_IT_IS		(-2)

/**
 * MmSizeOfMdl - how many bytes an MDL for a buffer takes
 * @Base: where the buffer is; only its offset in its page counts
 * @Length: its size in bytes
 *
 * Context: Any.
 * Return: Bytes of an MDL with as many page frames.
 */
static inline SIZE_T MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
	/* In 64 bits: the macro's answer has 32. */
	return sizeof(MDL) + sizeof(PFN_NUMBER) *
	       ((Length >> PAGE_SHIFT) +
		((BYTE_OFFSET(Base) + (Length & (PAGE_SIZE - 1)) +
		  PAGE_SIZE - 1) >> PAGE_SHIFT));
}

/**
 * MmInitializeMdl - make an MDL of memory of the caller's own
 * @Mdl: MmSizeOfMdl() bytes
 * @BaseVa: where the buffer is
 * @Length: its size in bytes
 *
 * Fills in the head, but for what only a mapping or a lock sets. Size is the
 * WDK's up to its largest value, and that for all MDLs beyond.
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
 * @SecondaryBuffer: with @Irp: put it at the end of the IRP's chain of MDLs, in
 *	place of making it the first; without ignored
 * @ChargeQuota: FALSE; ignored
 * @Irp: NULL, or a structure that begins as the WDK's IRP does, with MdlAddress
 *	at offset 8
 *
 * The MDL is nonpaged pool with the tag ' ldM', shown as "Mdl", of the module
 * that calls. Its page frames are not filled in yet.
 *
 * Context: Any but NMI.
 * Return: The MDL, owned by the caller until IoFreeMdl(); ExFreePool() frees it
 * as well. NULL for a buffer that is too long, when memory is short, and after
 * a violation.
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
 * @Mdl: what IoAllocateMdl() returned, or a pool block that was made one
 *
 * Frees this one only, not those chained behind it. The mapping of a partial
 * MDL is undone. With pages that are mapped otherwise, or that
 * MmProbeAndLockPages() locked and nobody unlocked, it stays allocated, and that is a violation (0xC4/0xB8). Anything but a live block is
 * one as for ExFreePool().
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
 * @Mdl: an MDL whose head describes the buffer
 *
 * The buffer may be of any kernel memory that stays where it is: pool of any
 * size, contiguous and noncached memory, common buffers, vmalloc's. The MDL is
 * mapped then, at the buffer's own address. Nothing is to be undone.
 *
 * A buffer that is a block of paged pool is a violation (0xC4/0x7F), and the
 * MDL is built all the same. Other violations leave the MDL as it was: a
 * buffer that is not the kernel's (0xC4/0xE0), a page that is not mapped, a
 * buffer longer than the MDL has room for, and an MDL that is NULL, locked,
 * mapped, or was never initialised (0xC4/0x16).
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
 * IoBuildPartialMdl - describe a part of a buffer by an MDL of its own
 * @SourceMdl: the MDL of the whole, locked or built
 * @TargetMdl: an MDL with room for the part
 * @VirtualAddress: where the part begins, by the source's addresses
 * @Length: its size in bytes; 0 is all up to the source's end
 *
 * The part is mapped where the whole is, if that is mapped. MmPrepareMdlForReuse()
 * before another part is built into the same MDL.
 *
 * Violations, which leave the target as it was: a target without room (0x49), a
 * part that is not within the source, an MDL that is NULL (0xC4/0x16), a source
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
 * MmProbeAndLockPages - lock the pages of a buffer, and fill in their frames
 * @MemoryDescriptorList: an MDL whose head describes the buffer
 * @AccessMode: %UserMode: the buffer must be the process's; %KernelMode: it may
 *	be the kernel's as well
 * @Operation: %IoReadAccess; %IoWriteAccess and %IoModifyAccess need memory that
 *	may be written
 *
 * Pages of the calling process are pinned. Kernel memory stays where it is, of
 * paged pool as well. MmUnlockPages() before the MDL is freed or used again.
 *
 * Where Windows raises an exception, the status is returned, and the pages are
 * not locked: what would be in a handler goes behind a test of it.
 *
 * Violations: an MDL that is locked, mapped, built or partial (0xC4/0xB0); an
 * MDL that is NULL, was never initialised or has no room for its pages, and an
 * unknown mode or operation (0xC4/0x16).
 *
 * Context: The process's pages: task context that may sleep; the kernel's: up to
 * DISPATCH_LEVEL. Elsewhere a violation, 0xC4/0x70.
 * Return: %STATUS_SUCCESS; %STATUS_ACCESS_VIOLATION if not all pages are there
 * and may be accessed so, %STATUS_INSUFFICIENT_RESOURCES when memory is short,
 * %STATUS_INVALID_PARAMETER after a violation.
 */
#ifdef RUST_POOL_DECLARE_ONLY
NTSTATUS MmProbeAndLockPages(PMDL MemoryDescriptorList,
			     KPROCESSOR_MODE AccessMode,
			     LOCK_OPERATION Operation);
#else
static __always_inline NTSTATUS
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
 * Undoes the mapping first, if there is one. Pages that were locked to be written
 * are marked dirty.
 *
 * Violations, which leave all as it was: an MDL whose pages are not locked
 * (0xC4/0x7C), one that was built (0xC4/0x7D), and a partial one (0xC4/0xB4).
 *
 * Context: Up to DISPATCH_LEVEL; above a violation (0xC4/0x78), and it is done
 * all the same, but not in NMI. Where sleeping is not allowed, the pages are
 * unpinned a little later.
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
 * @MemoryDescriptorList: an MDL whose pages are locked, or a part of one
 * @AccessMode: %KernelMode
 * @CacheType: the cache type that the pages have
 * @RequestedAddress: NULL; ignored
 * @BugCheckOnFailure: FALSE; ignored, failure is NULL
 * @Priority: how much it matters, which changes nothing, with
 *	%MdlMappingNoWrite; no mapping is executable
 *
 * Violations, which are NULL: an MDL that is mapped (0xC4/0xB2) or whose pages
 * are not locked (0xC4/0xB3), a frame that is no memory (0xC4/0x89), a cache type
 * that is reserved or not that of the pages, an MDL that is NULL (0xC4/0x16).
 *
 * Context: Up to DISPATCH_LEVEL; above a violation, 0xC4/0x76. Where sleeping is
 * not allowed, only pages that lie side by side in memory are mapped.
 * Return: Where the buffer begins, until MmUnmapLockedPages(); NULL when memory
 * is short, for %UserMode, and after a violation.
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
	return rust_pool_mdl_map(MemoryDescriptorList, AccessMode, CacheType,
				 Priority, rust_pool_here());
}
#endif

/**
 * MmMapLockedPages - map the pages of an MDL with the cache type that they have
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
 * An MDL that is not mapped, or only where what it is built of or a part of is,
 * is a violation (0xDA/0x06), and so is another address (0xDA/0x03); both leave
 * all as it was.
 *
 * Context: Up to DISPATCH_LEVEL; above a violation (0xC4/0x79), and it is undone
 * all the same, but not in NMI. Where sleeping is not allowed, it is undone a
 * little later.
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
 * MmGetSystemAddressForMdlSafe - where the buffer of an MDL is for the kernel
 * @Mdl: an MDL that is built, locked, or a part of one that is
 * @Priority: as for MmMapLockedPagesSpecifyCache()
 *
 * Maps the pages, with the cache type that they have, if they are not mapped.
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
 * MmPrepareMdlForReuse - have an MDL describe another part of a buffer
 * @Mdl: an MDL that IoBuildPartialMdl() built
 *
 * Undoes its mapping, if it has one of its own.
 *
 * Context: As MmUnmapLockedPages().
 */
static __always_inline VOID MmPrepareMdlForReuse(PMDL Mdl)
{
	if (Mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)
		MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
}
#endif

#endif /* _RUST_POOL_MDL_H */
