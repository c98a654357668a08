// SPDX-License-Identifier: GPL-2.0
/*
 * The C API of memory descriptor lists as exported functions, as in wdm.c.
 */

/* The header declares the WDK's names, and does not define them. */
#define RUST_POOL_EXPORTS

#include <linux/export.h>
#include <linux/instruction_pointer.h>
#include <rust_pool/wdm.h>

#include "../sys/core.h"

#define CALLER	(rust_pool_caller_of(_RET_IP_).ip)

PMDL IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer,
		   BOOLEAN ChargeQuota, PIRP Irp)
{
	struct rust_pool_caller caller = rust_pool_caller_of(_RET_IP_);

	return rust_pool_mdl_allocate(VirtualAddress, Length, SecondaryBuffer,
				      Irp, caller.ip, caller.module);
}
EXPORT_SYMBOL_GPL(IoAllocateMdl);

VOID IoFreeMdl(PMDL Mdl)
{
	rust_pool_mdl_free(Mdl, CALLER);
}
EXPORT_SYMBOL_GPL(IoFreeMdl);

VOID MmBuildMdlForNonPagedPool(PMDL Mdl)
{
	rust_pool_mdl_build(Mdl, CALLER);
}
EXPORT_SYMBOL_GPL(MmBuildMdlForNonPagedPool);

VOID IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress,
		       ULONG Length)
{
	rust_pool_mdl_partial(SourceMdl, TargetMdl, VirtualAddress, Length,
			      CALLER);
}
EXPORT_SYMBOL_GPL(IoBuildPartialMdl);

NTSTATUS MmProbeAndLockPages(PMDL MemoryDescriptorList,
			     KPROCESSOR_MODE AccessMode,
			     LOCK_OPERATION Operation)
{
	return rust_pool_mdl_lock(MemoryDescriptorList, AccessMode, Operation,
				  CALLER);
}
EXPORT_SYMBOL_GPL(MmProbeAndLockPages);

VOID MmUnlockPages(PMDL MemoryDescriptorList)
{
	rust_pool_mdl_unlock(MemoryDescriptorList, CALLER);
}
EXPORT_SYMBOL_GPL(MmUnlockPages);

PVOID MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
	if (AccessMode != KernelMode)
		return rust_pool_mdl_view(MemoryDescriptorList, AccessMode,
					  RUST_POOL_MDL_AS_IT_IS, NULL,
					  HighPagePriority, CALLER);
	return rust_pool_mdl_map(MemoryDescriptorList, AccessMode,
				 RUST_POOL_MDL_AS_IT_IS, HighPagePriority,
				 CALLER);
}
EXPORT_SYMBOL_GPL(MmMapLockedPages);

PVOID MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList,
				   KPROCESSOR_MODE AccessMode,
				   MEMORY_CACHING_TYPE CacheType,
				   PVOID RequestedAddress,
				   ULONG BugCheckOnFailure, ULONG Priority)
{
	if (AccessMode != KernelMode)
		return rust_pool_mdl_view(MemoryDescriptorList, AccessMode,
					  CacheType, RequestedAddress, Priority,
					  CALLER);
	return rust_pool_mdl_map(MemoryDescriptorList, AccessMode, CacheType,
				 Priority, CALLER);
}
EXPORT_SYMBOL_GPL(MmMapLockedPagesSpecifyCache);

VOID MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
	rust_pool_mdl_unmap(BaseAddress, MemoryDescriptorList, CALLER);
}
EXPORT_SYMBOL_GPL(MmUnmapLockedPages);

/* Inlined, so that the return address is that of the exported function. */
static __always_inline PMDL pages_for_mdl(PHYSICAL_ADDRESS low,
					  PHYSICAL_ADDRESS high,
					  PHYSICAL_ADDRESS skip, SIZE_T bytes,
					  MEMORY_CACHING_TYPE cache, ULONG node,
					  ULONG flags)
{
	struct rust_pool_caller caller = rust_pool_caller_of(_RET_IP_);
	const struct rust_pool_mdl_wanted wanted = {
		.lowest = low.QuadPart,
		.highest = high.QuadPart,
		.skip = skip.QuadPart,
		.bytes = bytes,
		.cache = cache,
		.flags = flags,
		.node = node,
	};

	return rust_pool_mdl_pages(&wanted, caller.ip, caller.module);
}

PMDL MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress,
			     PHYSICAL_ADDRESS HighAddress,
			     PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
			     MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
	return pages_for_mdl(LowAddress, HighAddress, SkipBytes, TotalBytes,
			     CacheType, MM_ANY_NODE_OK, Flags);
}
EXPORT_SYMBOL_GPL(MmAllocatePagesForMdlEx);

PMDL MmAllocateNodePagesForMdlEx(PHYSICAL_ADDRESS LowAddress,
				 PHYSICAL_ADDRESS HighAddress,
				 PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes,
				 MEMORY_CACHING_TYPE CacheType,
				 ULONG IdealNode, ULONG Flags)
{
	return pages_for_mdl(LowAddress, HighAddress, SkipBytes, TotalBytes,
			     CacheType, IdealNode, Flags);
}
EXPORT_SYMBOL_GPL(MmAllocateNodePagesForMdlEx);

PMDL MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress,
			   PHYSICAL_ADDRESS HighAddress,
			   PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes)
{
	return pages_for_mdl(LowAddress, HighAddress, SkipBytes, TotalBytes,
			     MmCached, MM_ANY_NODE_OK, 0);
}
EXPORT_SYMBOL_GPL(MmAllocatePagesForMdl);

VOID MmFreePagesFromMdl(PMDL MemoryDescriptorList)
{
	rust_pool_mdl_pages_free(MemoryDescriptorList, CALLER);
}
EXPORT_SYMBOL_GPL(MmFreePagesFromMdl);

PVOID MmAllocateMappingAddress(SIZE_T NumberOfBytes, ULONG PoolTag)
{
	return rust_pool_space_allocate(NumberOfBytes, PoolTag, CALLER);
}
EXPORT_SYMBOL_GPL(MmAllocateMappingAddress);

VOID MmFreeMappingAddress(PVOID BaseAddress, ULONG PoolTag)
{
	rust_pool_space_free(BaseAddress, PoolTag, CALLER);
}
EXPORT_SYMBOL_GPL(MmFreeMappingAddress);

PVOID MmMapLockedPagesWithReservedMapping(PVOID MappingAddress, ULONG PoolTag,
					  PMDL MemoryDescriptorList,
					  MEMORY_CACHING_TYPE CacheType)
{
	return rust_pool_space_map(MappingAddress, PoolTag,
				   MemoryDescriptorList, CacheType, CALLER);
}
EXPORT_SYMBOL_GPL(MmMapLockedPagesWithReservedMapping);

VOID MmUnmapReservedMapping(PVOID BaseAddress, ULONG PoolTag,
			    PMDL MemoryDescriptorList)
{
	rust_pool_space_unmap(BaseAddress, PoolTag, MemoryDescriptorList,
			      CALLER);
}
EXPORT_SYMBOL_GPL(MmUnmapReservedMapping);

NTSTATUS MmProtectMdlSystemAddress(PMDL MemoryDescriptorList, ULONG NewProtect)
{
	return rust_pool_mdl_protect(MemoryDescriptorList, NewProtect, CALLER);
}
EXPORT_SYMBOL_GPL(MmProtectMdlSystemAddress);
