// SPDX-License-Identifier: GPL-2.0
/*
 * The C API as exported functions, for code that is compiled without rust_pool/wdm.h. Each routine
 * passes its arguments and its call site, found on the stack, to the Rust core. It is C because
 * Rust has no builtin for the return address, and because a definition that includes the header
 * cannot differ from it.
 */

/* The header declares the WDK's names, and does not define them. */
#define RUST_POOL_EXPORTS

#include <linux/export.h>
#include <linux/instruction_pointer.h>
#include <linux/dma-mapping.h>
#include <rust_pool/wdm.h>

#include "../sys/core.h"

#define CALLER	(rust_pool_caller_of(_RET_IP_).ip)

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	struct rust_pool_caller caller = rust_pool_caller_of(_RET_IP_);

	return rust_pool_allocate(PoolType, NumberOfBytes, Tag, caller.ip,
				  caller.module);
}
EXPORT_SYMBOL_GPL(ExAllocatePoolWithTag);

VOID ExFreePool(PVOID P)
{
	rust_pool_free(P, 0, CALLER);
}
EXPORT_SYMBOL_GPL(ExFreePool);

VOID ExFreePoolWithTag(PVOID P, ULONG Tag)
{
	rust_pool_free(P, Tag, CALLER);
}
EXPORT_SYMBOL_GPL(ExFreePoolWithTag);

PVOID ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
	struct rust_pool_caller caller = rust_pool_caller_of(_RET_IP_);

	return rust_pool_allocate(PoolType, NumberOfBytes, 'enoN', caller.ip,
				  caller.module);
}
EXPORT_SYMBOL_GPL(ExAllocatePool);

static void *allocate_with_quota(u32 type, size_t bytes, u32 tag,
				 unsigned long ret)
{
	struct rust_pool_caller caller = rust_pool_caller_of(ret);

	if (!(type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE))
		type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
	return rust_pool_allocate_charged(type, bytes, tag, caller.ip,
					  caller.module);
}

PVOID ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
				 ULONG Tag)
{
	return allocate_with_quota(PoolType, NumberOfBytes, Tag, _RET_IP_);
}
EXPORT_SYMBOL_GPL(ExAllocatePoolWithQuotaTag);

PVOID ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
	return allocate_with_quota(PoolType, NumberOfBytes, 'enoN', _RET_IP_);
}
EXPORT_SYMBOL_GPL(ExAllocatePoolWithQuota);

PVOID ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
				    ULONG Tag, EX_POOL_PRIORITY Priority)
{
	struct rust_pool_caller caller = rust_pool_caller_of(_RET_IP_);

	return rust_pool_allocate_priority(PoolType, NumberOfBytes, Tag,
					   Priority, caller.ip, caller.module);
}
EXPORT_SYMBOL_GPL(ExAllocatePoolWithTagPriority);

PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
	struct rust_pool_caller caller = rust_pool_caller_of(_RET_IP_);

	return rust_pool_allocate_flags(Flags, NumberOfBytes, Tag, NULL, 0,
					caller.ip, caller.module);
}
EXPORT_SYMBOL_GPL(ExAllocatePool2);

PVOID ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
		      PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
		      ULONG ExtendedParametersCount)
{
	struct rust_pool_caller caller = rust_pool_caller_of(_RET_IP_);

	return rust_pool_allocate_flags(Flags, NumberOfBytes, Tag,
					(const u64 *)ExtendedParameters,
					ExtendedParametersCount, caller.ip,
					caller.module);
}
EXPORT_SYMBOL_GPL(ExAllocatePool3);

VOID ExFreePool2(PVOID P, ULONG Tag,
		 PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
		 ULONG ExtendedParametersCount)
{
	if (ExtendedParameters || ExtendedParametersCount)
		rust_pool_refuse_free(P, Tag, ExtendedParametersCount, CALLER);
	else
		rust_pool_free(P, Tag, CALLER);
}
EXPORT_SYMBOL_GPL(ExFreePool2);

SIZE_T ExQueryPoolBlockSize(PVOID PoolBlock, PBOOLEAN QuotaCharged)
{
	/* Cache-aligned blocks have pages of their own from this size on. */
	const size_t pages = 4064 - 48 + 1;
	size_t bytes;
	u32 kind, tag;

	if (QuotaCharged)
		*QuotaCharged = rust_pool_is_charged(PoolBlock);
	if (!rust_pool_block(PoolBlock, &kind, &tag, &bytes) ||
	    (kind != NonPagedPool && kind != PagedPool))
		return 0;
	if (PAGE_ALIGNED(PoolBlock) && bytes >= pages)
		return ROUND_TO_PAGES(bytes);
	return ALIGN(bytes, 16);
}
EXPORT_SYMBOL_GPL(ExQueryPoolBlockSize);

PVOID MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
	return rust_pool_noncached_allocate(NumberOfBytes, false, CALLER);
}
EXPORT_SYMBOL_GPL(MmAllocateNonCachedMemory);

VOID MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
	rust_pool_noncached_free(BaseAddress, NumberOfBytes, CALLER);
}
EXPORT_SYMBOL_GPL(MmFreeNonCachedMemory);

PVOID MmAllocateContiguousMemory(SIZE_T NumberOfBytes,
				 PHYSICAL_ADDRESS HighestAcceptableAddress)
{
	return rust_pool_contiguous_allocate(NumberOfBytes, 0,
					     HighestAcceptableAddress.QuadPart,
					     0, MmCached, CALLER);
}
EXPORT_SYMBOL_GPL(MmAllocateContiguousMemory);

PVOID
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
					     CacheType, CALLER);
}
EXPORT_SYMBOL_GPL(MmAllocateContiguousMemorySpecifyCache);

PVOID
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

	return rust_pool_contiguous_of_type(&wanted, CALLER);
}
EXPORT_SYMBOL_GPL(MmAllocateContiguousMemorySpecifyCacheNode);

PVOID
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

	return rust_pool_contiguous_protected(&wanted, CALLER);
}
EXPORT_SYMBOL_GPL(MmAllocateContiguousNodeMemory);

NTSTATUS
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
					     NumberOfBytes, BaseAddress, CALLER);
}
EXPORT_SYMBOL_GPL(MmAllocateContiguousMemoryEx);

VOID MmFreeContiguousMemory(PVOID BaseAddress)
{
	rust_pool_contiguous_free(BaseAddress, NULL, NULL, CALLER);
}
EXPORT_SYMBOL_GPL(MmFreeContiguousMemory);

VOID MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
					MEMORY_CACHING_TYPE CacheType)
{
	s32 type = CacheType;

	rust_pool_contiguous_free(BaseAddress, &NumberOfBytes, &type, CALLER);
}
EXPORT_SYMBOL_GPL(MmFreeContiguousMemorySpecifyCache);

PHYSICAL_ADDRESS MmGetPhysicalAddress(PVOID BaseAddress)
{
	PHYSICAL_ADDRESS address = { .QuadPart = 0 };
	phys_addr_t phys;

	if (rust_pool_lookup(BaseAddress, &phys))
		address.QuadPart = phys;
	return address;
}
EXPORT_SYMBOL_GPL(MmGetPhysicalAddress);

PVOID MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
		   MEMORY_CACHING_TYPE CacheType)
{
	return rust_pool_io_map(PhysicalAddress.QuadPart, NumberOfBytes, CacheType,
				CALLER);
}
EXPORT_SYMBOL_GPL(MmMapIoSpace);

PVOID MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
		     ULONG Protect)
{
	return rust_pool_io_map_protected(PhysicalAddress.QuadPart, NumberOfBytes,
					  Protect, CALLER);
}
EXPORT_SYMBOL_GPL(MmMapIoSpaceEx);

VOID MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
	rust_pool_io_unmap(BaseAddress, NumberOfBytes, CALLER);
}
EXPORT_SYMBOL_GPL(MmUnmapIoSpace);

PPHYSICAL_MEMORY_RANGE MmGetPhysicalMemoryRanges(void)
{
	struct rust_pool_caller caller = rust_pool_caller_of(_RET_IP_);

	return rust_pool_memory_ranges(caller.ip, caller.module);
}
EXPORT_SYMBOL_GPL(MmGetPhysicalMemoryRanges);

PVOID MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress)
{
	return rust_pool_virtual(PhysicalAddress.QuadPart);
}
EXPORT_SYMBOL_GPL(MmGetVirtualForPhysical);

/* A copy that the compiler of a Rust client cannot see into. */
void rust_pool_copy(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}
EXPORT_SYMBOL_GPL(rust_pool_copy);

/* Like rust_pool_copy(), for filling. */
void rust_pool_fill(void *to, u8 value, size_t bytes)
{
	memset(to, value, bytes);
}
EXPORT_SYMBOL_GPL(rust_pool_fill);
