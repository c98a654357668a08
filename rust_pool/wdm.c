// SPDX-License-Identifier: GPL-2.0
/*
 * The C face: every routine of rust_pool/wdm.h hands its arguments and its
 * calling site to the Rust core. It is C because a calling site is only to be
 * had from a compiler builtin, and because a definition that includes the
 * header cannot drift from it.
 */

#include <linux/export.h>
#include <linux/instruction_pointer.h>
#include <linux/dma-mapping.h>
#include <rust_pool/wdm.h>

#include "core.h"

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
	return rust_pool_allocate(PoolType, NumberOfBytes, Tag, _RET_IP_);
}
EXPORT_SYMBOL_GPL(ExAllocatePoolWithTag);

VOID ExFreePool(PVOID P)
{
	rust_pool_free(P, 0, _RET_IP_);
}
EXPORT_SYMBOL_GPL(ExFreePool);

VOID ExFreePoolWithTag(PVOID P, ULONG Tag)
{
	rust_pool_free(P, Tag, _RET_IP_);
}
EXPORT_SYMBOL_GPL(ExFreePoolWithTag);

PVOID MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
	return rust_pool_noncached_allocate(NumberOfBytes, false, _RET_IP_);
}
EXPORT_SYMBOL_GPL(MmAllocateNonCachedMemory);

/* The WDK has no write-combined sibling; the Rust face has. */
PVOID rust_pool_allocate_noncached(SIZE_T bytes, bool combined)
{
	return rust_pool_noncached_allocate(bytes, combined, _RET_IP_);
}
EXPORT_SYMBOL_GPL(rust_pool_allocate_noncached);

VOID MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
	rust_pool_noncached_free(BaseAddress, NumberOfBytes, _RET_IP_);
}
EXPORT_SYMBOL_GPL(MmFreeNonCachedMemory);

PVOID MmAllocateContiguousMemory(SIZE_T NumberOfBytes,
				 PHYSICAL_ADDRESS HighestAcceptableAddress)
{
	return rust_pool_contiguous_allocate(NumberOfBytes, 0,
					     HighestAcceptableAddress.QuadPart,
					     0, MmCached, _RET_IP_);
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
					     CacheType, _RET_IP_);
}
EXPORT_SYMBOL_GPL(MmAllocateContiguousMemorySpecifyCache);

VOID MmFreeContiguousMemory(PVOID BaseAddress)
{
	rust_pool_contiguous_free(BaseAddress, NULL, NULL, _RET_IP_);
}
EXPORT_SYMBOL_GPL(MmFreeContiguousMemory);

VOID MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
					MEMORY_CACHING_TYPE CacheType)
{
	s32 type = CacheType;

	rust_pool_contiguous_free(BaseAddress, &NumberOfBytes, &type, _RET_IP_);
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

static PVOID allocate_common_buffer(PDMA_ADAPTER adapter, ULONG length,
				    PPHYSICAL_ADDRESS logical, BOOLEAN cached)
{
	u64 bus = 0;
	void *base = rust_pool_buffer_allocate(adapter, length, &bus, cached,
					       _RET_IP_);

	if (logical)
		logical->QuadPart = bus;
	return base;
}

static VOID free_common_buffer(PDMA_ADAPTER adapter, ULONG length,
			       PHYSICAL_ADDRESS logical, PVOID base,
			       BOOLEAN cached)
{
	rust_pool_buffer_free(adapter, length, logical.QuadPart, base, cached,
			      _RET_IP_);
}

static VOID put_dma_adapter(PDMA_ADAPTER adapter)
{
	rust_pool_adapter_put(adapter, _RET_IP_);
}

static ULONG get_dma_alignment(PDMA_ADAPTER adapter)
{
	return dma_get_cache_alignment();
}

DMA_OPERATIONS rust_pool_dma_operations = {
	.Size			= sizeof(DMA_OPERATIONS),
	.PutDmaAdapter		= put_dma_adapter,
	.AllocateCommonBuffer	= allocate_common_buffer,
	.FreeCommonBuffer	= free_common_buffer,
	.GetDmaAlignment	= get_dma_alignment,
};

PDMA_ADAPTER IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject,
			     PDEVICE_DESCRIPTION DeviceDescription,
			     PULONG NumberOfMapRegisters)
{
	return rust_pool_adapter_get(PhysicalDeviceObject, DeviceDescription,
				     NumberOfMapRegisters, _RET_IP_);
}
EXPORT_SYMBOL_GPL(IoGetDmaAdapter);

/* The Rust face: the driver has set the masks by the kernel's own interface. */
PDMA_ADAPTER rust_pool_adapter(struct device *dev, ULONG maximum_length,
			       PULONG registers)
{
	/* A device that cannot master the bus has none. */
	if (!dev->coherent_dma_mask)
		return NULL;
	return rust_pool_adapter_bound(dev, dev->coherent_dma_mask,
				       maximum_length, registers, _RET_IP_);
}
EXPORT_SYMBOL_GPL(rust_pool_adapter);

/* A copy that no compiler of the Rust face looks into. */
void rust_pool_copy(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}
EXPORT_SYMBOL_GPL(rust_pool_copy);

bool rust_pool_verified_refuse(u32 type, u32 tag, size_t bytes)
{
	return rust_pool_verifier_refuse(type, tag, bytes, _RET_IP_);
}
EXPORT_SYMBOL_GPL(rust_pool_verified_refuse);

void rust_pool_verified_add(void *block, u32 type, u32 tag, size_t bytes)
{
	rust_pool_verifier_add(block, type, tag, bytes, _RET_IP_);
}
EXPORT_SYMBOL_GPL(rust_pool_verified_add);

void rust_pool_verified_free(void *block, u32 type)
{
	rust_pool_verifier_free(block, type, _RET_IP_);
}
EXPORT_SYMBOL_GPL(rust_pool_verified_free);

const void *rust_pool_tag_row(u32 type, u32 tag)
{
	return rust_pool_row(type, tag, _RET_IP_);
}
EXPORT_SYMBOL_GPL(rust_pool_tag_row);

bool rust_pool_paged_allocate(size_t bytes)
{
	return rust_pool_paged_check(bytes, _RET_IP_);
}
EXPORT_SYMBOL_GPL(rust_pool_paged_allocate);

void rust_pool_paged_free(void *block)
{
	rust_pool_paged_check_free(block, _RET_IP_);
}
EXPORT_SYMBOL_GPL(rust_pool_paged_free);
