/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Physical memory: contiguous memory by NUMA node and protection.
 * <rust_pool/wdm.h> includes this.
 */
#ifndef _RUST_POOL_PHYSICAL_H
#define _RUST_POOL_PHYSICAL_H

#include <rust_pool/mdl.h>

typedef ULONG NODE_REQUIREMENT;

/* Of MmAllocateContiguousMemoryEx(). */
#define MM_ALLOCATE_CONTIGUOUS_MEMORY_FAST_ONLY	0x00000001

/* The inline functions below call these. Clients must not. */
/* What the routines with a NUMA node are asked for. */
struct rust_pool_contiguous_wanted {
	u64 lowest;
	u64 highest;
	u64 boundary;
	SIZE_T bytes;
	u32 node;
	/* A MEMORY_CACHING_TYPE, or for those that take a protection, that. */
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
 * MmAllocateContiguousMemoryEx - allocate physically contiguous memory, and say why not
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
 * Return: %STATUS_SUCCESS; %STATUS_INSUFFICIENT_RESOURCES if memory is short, none is
 * found within the bounds, or in a context where none is given;
 * %STATUS_INVALID_PAGE_PROTECTION, or %STATUS_INVALID_PARAMETER for any other argument
 * that is not as above, which are violations (0xC4/0x16, zero bytes 0xC2/0x00).
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

#endif /* _RUST_POOL_PHYSICAL_H */
