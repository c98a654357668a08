/* SPDX-License-Identifier: GPL-2.0 */
/* In the style of the Xen drivers: what all files of a driver inline. */
#ifndef _PIECES_UTIL_H
#define _PIECES_UTIL_H

#include <ntddk.h>

#define P2ROUNDUP(_a, _x, _n) \
	(-(-(_x)(_n) & -(_x)(_a)))

static FORCEINLINE __drv_maxIRQL(DISPATCH_LEVEL) __drv_allocatesMem(Mem)
PVOID
__AllocatePoolWithTag(
	IN  POOL_TYPE   PoolType,
	IN  SIZE_T      NumberOfBytes,
	IN  ULONG       Tag
	)
{
	PUCHAR          Buffer;

	__analysis_assume(PoolType == NonPagedPool || PoolType == PagedPool);

	if (NumberOfBytes == 0)
		return NULL;

#pragma warning(suppress:28160)
	Buffer = ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag);
	if (Buffer == NULL)
		return NULL;

	RtlZeroMemory(Buffer, NumberOfBytes);
	return Buffer;
}

static FORCEINLINE __drv_maxIRQL(DISPATCH_LEVEL)
VOID
__FreePoolWithTag(
	IN __drv_freesMem(Mem) PVOID Buffer,
	IN  ULONG       Tag
	)
{
	ExFreePoolWithTag(Buffer, Tag);
}

static FORCEINLINE PMDL
__AllocatePages(
	IN  ULONG           Count
	)
{
	PHYSICAL_ADDRESS    LowAddress;
	PHYSICAL_ADDRESS    HighAddress;
	LARGE_INTEGER       SkipBytes;
	SIZE_T              TotalBytes;
	PMDL                Mdl;
	PUCHAR              MdlMappedSystemVa;
	NTSTATUS            status;

	LowAddress.QuadPart = 0ull;
	HighAddress.QuadPart = ~0ull;
	SkipBytes.QuadPart = 0ull;
	TotalBytes = (SIZE_T)PAGE_SIZE * Count;

	Mdl = MmAllocatePagesForMdlEx(LowAddress, HighAddress, SkipBytes, TotalBytes, MmCached,
				      MM_DONT_ZERO_ALLOCATION);

	status = STATUS_NO_MEMORY;
	if (Mdl == NULL)
		goto fail1;

	if (Mdl->ByteCount < TotalBytes)
		goto fail2;

	ASSERT((Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED |
				 MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL)) == 0);

	MdlMappedSystemVa = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
							 NormalPagePriority);

	status = STATUS_UNSUCCESSFUL;
	if (MdlMappedSystemVa == NULL)
		goto fail3;

	Mdl->StartVa = PAGE_ALIGN(MdlMappedSystemVa);

	ASSERT(Mdl->ByteOffset == 0);
	ASSERT(Mdl->StartVa == MdlMappedSystemVa);
	ASSERT(Mdl->MappedSystemVa == MdlMappedSystemVa);

	RtlZeroMemory(MdlMappedSystemVa, Mdl->ByteCount);

	return Mdl;

fail3:
fail2:
	MmFreePagesFromMdl(Mdl);
	ExFreePool(Mdl);

fail1:
	UNREFERENCED_PARAMETER(status);
	return NULL;
}

#define __AllocatePage()    __AllocatePages(1)

FORCEINLINE VOID
__FreePages(
	IN PMDL Mdl
	)
{
	PUCHAR MdlMappedSystemVa;

	ASSERT(Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
	MdlMappedSystemVa = Mdl->MappedSystemVa;

	MmUnmapLockedPages(MdlMappedSystemVa, Mdl);

	MmFreePagesFromMdl(Mdl);
	ExFreePool(Mdl);
}

#define __FreePage(_Mdl)    __FreePages(_Mdl)

#endif  // _PIECES_UTIL_H
