/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Physical addresses: contiguous memory by NUMA node and protection, registers of
 * devices, and which memory there is.
 * <rust_pool/wdm.h> includes this.
 */
#ifndef _RUST_POOL_PHYSICAL_H
#define _RUST_POOL_PHYSICAL_H

#include <rust_pool/mdl.h>

/* A flag of MmAllocateContiguousMemoryEx(). */
#define MM_ALLOCATE_CONTIGUOUS_MEMORY_FAST_ONLY	0x00000001

/* The inline functions below call these. Clients must not. */
/* What the routines with a NUMA node are asked for. */
struct rust_pool_contiguous_wanted {
	u64 lowest;
	u64 highest;
	u64 boundary;
	SIZE_T bytes;
	u32 node;
	/* A MEMORY_CACHING_TYPE. Routines that take a protection use the next field. */
	s32 type;
	u32 protect;
};
void *
rust_pool_contiguous_of_type(const struct rust_pool_contiguous_wanted *wanted,
			     unsigned long caller);
void *
rust_pool_contiguous_protected(const struct rust_pool_contiguous_wanted *wanted,
			       unsigned long caller);
NTSTATUS
rust_pool_contiguous_extended(const struct rust_pool_contiguous_wanted *wanted,
			      const void *partition, u32 tag, u32 flags,
			      SIZE_T *bytes, void **base, unsigned long caller);


/* A range of memory. */
typedef struct _PHYSICAL_MEMORY_RANGE {
	PHYSICAL_ADDRESS BaseAddress;
	LARGE_INTEGER NumberOfBytes;
} PHYSICAL_MEMORY_RANGE, *PPHYSICAL_MEMORY_RANGE;

PPHYSICAL_MEMORY_RANGE rust_pool_memory_ranges(unsigned long caller,
					       struct module *module);
void *rust_pool_io_map(u64 physical, SIZE_T bytes, s32 type,
		       unsigned long caller);
void *rust_pool_io_map_protected(u64 physical, SIZE_T bytes, u32 protect,
				 unsigned long caller);
void rust_pool_io_unmap(void *base, SIZE_T bytes, unsigned long caller);

/**
 * MmAllocateContiguousMemorySpecifyCacheNode - allocate physically contiguous memory
 *	of a NUMA node
 * @NumberOfBytes: as for MmAllocateContiguousMemorySpecifyCache()
 * @LowestAcceptableAddress: as there
 * @HighestAcceptableAddress: as there
 * @BoundaryAddressMultiple: as there
 * @CacheType: as there
 * @PreferredNode: the node that all of the memory has to be of, or %MM_ANY_NODE_OK
 *
 * If only one node has memory, any number is that node.
 *
 * Context: As MmAllocateContiguousMemorySpecifyCache().
 * Return: As there; also NULL if the node has no such memory or does not exist.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID
MmAllocateContiguousMemorySpecifyCacheNode(SIZE_T NumberOfBytes,
					   PHYSICAL_ADDRESS LowestAcceptableAddress,
					   PHYSICAL_ADDRESS HighestAcceptableAddress,
					   PHYSICAL_ADDRESS BoundaryAddressMultiple,
					   MEMORY_CACHING_TYPE CacheType,
					   NODE_REQUIREMENT PreferredNode);
#else
static __always_inline PVOID
MmAllocateContiguousMemorySpecifyCacheNode(SIZE_T NumberOfBytes,
					   PHYSICAL_ADDRESS LowestAcceptableAddress,
					   PHYSICAL_ADDRESS HighestAcceptableAddress,
					   PHYSICAL_ADDRESS BoundaryAddressMultiple,
					   MEMORY_CACHING_TYPE CacheType,
					   NODE_REQUIREMENT PreferredNode)
{
	const struct rust_pool_contiguous_wanted wanted = {
		.lowest = LowestAcceptableAddress.QuadPart,
		.highest = HighestAcceptableAddress.QuadPart,
		.boundary = BoundaryAddressMultiple.QuadPart,
		.bytes = NumberOfBytes,
		.node = PreferredNode,
		.type = CacheType,
	};

	return rust_pool_contiguous_of_type(&wanted, rust_pool_here());
}
#endif

/**
 * MmAllocateContiguousNodeMemory - allocate physically contiguous memory of a NUMA
 *	node, with a protection
 * @NumberOfBytes: as for MmAllocateContiguousMemorySpecifyCache()
 * @LowestAcceptableAddress: as there
 * @HighestAcceptableAddress: as there
 * @BoundaryAddressMultiple: as there
 * @Protect: %PAGE_READWRITE or %PAGE_EXECUTE_READWRITE, and with it %PAGE_NOCACHE,
 *	%PAGE_WRITECOMBINE or neither, which is cached. No memory is executable. Without
 *	the environment headers they begin with RUST_POOL\_
 * @PreferredNode: as for MmAllocateContiguousMemorySpecifyCacheNode()
 *
 * Context: As MmAllocateContiguousMemorySpecifyCache().
 * Return: As MmAllocateContiguousMemorySpecifyCacheNode(); also NULL for any other
 * protection, which is a violation (0xC4/0x16).
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID
MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes,
			       PHYSICAL_ADDRESS LowestAcceptableAddress,
			       PHYSICAL_ADDRESS HighestAcceptableAddress,
			       PHYSICAL_ADDRESS BoundaryAddressMultiple,
			       ULONG Protect, NODE_REQUIREMENT PreferredNode);
#else
static __always_inline PVOID
MmAllocateContiguousNodeMemory(SIZE_T NumberOfBytes,
			       PHYSICAL_ADDRESS LowestAcceptableAddress,
			       PHYSICAL_ADDRESS HighestAcceptableAddress,
			       PHYSICAL_ADDRESS BoundaryAddressMultiple,
			       ULONG Protect, NODE_REQUIREMENT PreferredNode)
{
	const struct rust_pool_contiguous_wanted wanted = {
		.lowest = LowestAcceptableAddress.QuadPart,
		.highest = HighestAcceptableAddress.QuadPart,
		.boundary = BoundaryAddressMultiple.QuadPart,
		.bytes = NumberOfBytes,
		.node = PreferredNode,
		.protect = Protect,
	};

	return rust_pool_contiguous_protected(&wanted, rust_pool_here());
}
#endif

/**
 * MmAllocateContiguousMemoryEx - allocate physically contiguous memory, with a status
 * @NumberOfBytes: size in bytes, not zero; set to the bytes that were allocated, whole
 *	pages, which is also the size for MmFreeContiguousMemorySpecifyCache()
 * @LowestAcceptableAddress: as for MmAllocateContiguousMemorySpecifyCache()
 * @HighestAcceptableAddress: as there
 * @BoundaryAddressMultiple: as there
 * @PreferredNode: a node whose memory is taken if it has some, or %MM_ANY_NODE_OK
 * @Protect: as for MmAllocateContiguousNodeMemory()
 * @PartitionObject: NULL, as there are no partitions of memory
 * @Tag: as for ExAllocatePoolWithTag(); reports and the file contiguous show it
 * @Flags: 0, or %MM_ALLOCATE_CONTIGUOUS_MEMORY_FAST_ONLY: no page frames are emptied
 * @BaseAddress: set to the block, or to NULL
 *
 * Context: As MmAllocateContiguousMemorySpecifyCache().
 * Return: %STATUS_SUCCESS; %STATUS_INSUFFICIENT_RESOURCES if memory is short, none is found within
 * the bounds, or the context does not allow it; %STATUS_INVALID_PAGE_PROTECTION, or
 * %STATUS_INVALID_PARAMETER for any other argument that is not as above, which are violations
 * (0xC4/0x16, zero bytes 0xC2/0x00).
 */
#ifdef RUST_POOL_DECLARE_ONLY
NTSTATUS
MmAllocateContiguousMemoryEx(PSIZE_T NumberOfBytes,
			     PHYSICAL_ADDRESS LowestAcceptableAddress,
			     PHYSICAL_ADDRESS HighestAcceptableAddress,
			     PHYSICAL_ADDRESS BoundaryAddressMultiple,
			     NODE_REQUIREMENT PreferredNode, ULONG Protect,
			     PVOID PartitionObject, ULONG Tag, ULONG Flags,
			     PVOID *BaseAddress);
#else
static __always_inline NTSTATUS
MmAllocateContiguousMemoryEx(PSIZE_T NumberOfBytes,
			     PHYSICAL_ADDRESS LowestAcceptableAddress,
			     PHYSICAL_ADDRESS HighestAcceptableAddress,
			     PHYSICAL_ADDRESS BoundaryAddressMultiple,
			     NODE_REQUIREMENT PreferredNode, ULONG Protect,
			     PVOID PartitionObject, ULONG Tag, ULONG Flags,
			     PVOID *BaseAddress)
{
	const struct rust_pool_contiguous_wanted wanted = {
		.lowest = LowestAcceptableAddress.QuadPart,
		.highest = HighestAcceptableAddress.QuadPart,
		.boundary = BoundaryAddressMultiple.QuadPart,
		.node = PreferredNode,
		.protect = Protect,
	};

	return rust_pool_contiguous_extended(&wanted, PartitionObject, Tag, Flags,
					     NumberOfBytes, BaseAddress,
					     rust_pool_here());
}
#endif

/**
 * MmMapIoSpace - map the registers of a device
 * @PhysicalAddress: where they are for the CPU, as in a resource of the device; need
 *	not begin at a page
 * @NumberOfBytes: their size in bytes, not zero
 * @CacheType: %MmNonCached, %MmCached or %MmWriteCombined
 *
 * If the kernel or the firmware has a less cached type for the registers, the mapping gets that
 * type. So on x86 %MmCached gives an uncached mapping of the BARs of most devices.
 *
 * Memory can be mapped only if all of it is within one block of contiguous memory
 * that the same module has allocated, with the same cache type. Such a block has to be
 * unmapped before it is freed.
 *
 * The routine does not check to which device the registers belong. Use the WDK's
 * READ_REGISTER_ULONG() and the like, or readl(), on what it returns.
 *
 * Context: A task that may sleep. At DISPATCH_LEVEL it returns NULL; above it a violation
 * (0xC2/0x08).
 * Return: The address of the first byte, until MmUnmapIoSpace(). NULL if address space
 * or memory is short, or the CPU has no such physical address. Violations are zero
 * bytes (0xC2/0x00); and, 0xC4/0x16 each, another cache type, memory that is not as
 * above, and registers that are mapped with another cache type already.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
		   MEMORY_CACHING_TYPE CacheType);
#else
static __always_inline PVOID
MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
	     MEMORY_CACHING_TYPE CacheType)
{
	return rust_pool_io_map(PhysicalAddress.QuadPart, NumberOfBytes, CacheType,
				rust_pool_here());
}
#endif

/**
 * MmMapIoSpaceEx - map the registers of a device, with a protection
 * @PhysicalAddress: as for MmMapIoSpace()
 * @NumberOfBytes: as there
 * @Protect: %PAGE_READONLY, %PAGE_READWRITE, %PAGE_EXECUTE, %PAGE_EXECUTE_READ or
 *	%PAGE_EXECUTE_READWRITE, and with it %PAGE_NOCACHE, %PAGE_WRITECOMBINE or
 *	neither, which is cached. No mapping is executable: those with EXECUTE are as
 *	for MmProtectMdlSystemAddress(). Without the environment headers they begin with
 *	RUST_POOL\_
 *
 * Context: As MmMapIoSpace().
 * Return: As MmMapIoSpace(); also NULL for any other protection, which is a violation
 * (0xC4/0x16).
 */
#ifdef RUST_POOL_DECLARE_ONLY
PVOID MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
		     ULONG Protect);
#else
static __always_inline PVOID
MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
	       ULONG Protect)
{
	return rust_pool_io_map_protected(PhysicalAddress.QuadPart, NumberOfBytes,
					  Protect, rust_pool_here());
}
#endif

/**
 * MmUnmapIoSpace - unmap what MmMapIoSpace() or MmMapIoSpaceEx() mapped
 * @BaseAddress: what that returned
 * @NumberOfBytes: the size that was asked for
 *
 * Any other address or size is a violation, 0xC4/0x16, and nothing is unmapped.
 *
 * Context: Up to DISPATCH_LEVEL; where sleeping is not allowed it is done a little
 * later. Above, a violation, 0xC2/0x09: it is done later all the same, but not in NMI.
 */
#ifdef RUST_POOL_DECLARE_ONLY
VOID MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes);
#else
static __always_inline VOID MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
	rust_pool_io_unmap(BaseAddress, NumberOfBytes, rust_pool_here());
}
#endif

/**
 * MmGetPhysicalMemoryRanges - list the physical memory of the machine
 *
 * The ranges are in ascending order, of whole pages each, and there is a gap between
 * any two. Memory that the firmware keeps for itself, or that was taken offline, is in
 * none.
 *
 * Context: A task that may sleep. Elsewhere a violation, 0xC2/0x08.
 * Return: An array whose last entry is all zero, in nonpaged pool with the tag 'hPmM',
 * until the caller frees it by ExFreePool(). NULL if memory is short.
 */
#ifdef RUST_POOL_DECLARE_ONLY
PPHYSICAL_MEMORY_RANGE MmGetPhysicalMemoryRanges(void);
#else
static __always_inline PPHYSICAL_MEMORY_RANGE MmGetPhysicalMemoryRanges(void)
{
	return rust_pool_memory_ranges(rust_pool_here(), THIS_MODULE);
}
#endif

/**
 * MmGetVirtualForPhysical - the kernel's address of a byte of memory
 * @PhysicalAddress: its physical address
 *
 * Memory that is mapped several times has several addresses; this is the one in the
 * kernel's direct map.
 *
 * Context: Any, NMI included. Never sleeps.
 * Return: The address, or NULL if no memory of the kernel is there.
 */
PVOID MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress);

#endif /* _RUST_POOL_PHYSICAL_H */
