// SPDX-License-Identifier: GPL-2.0
/*
 * The header: values and layouts of the WDK's, and the memory code of a WDM
 * driver as one finds it, which has to compile unchanged.
 */
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "pool.h"

static_assert(NonPagedPool == 0 && PagedPool == 1);
static_assert(NonPagedPoolMustSucceed == 2 && DontUseThisType == 3);
static_assert(NonPagedPoolNx == 512 && NonPagedPoolNxCacheAligned == 516);
static_assert(POOL_RAISE_IF_ALLOCATION_FAILURE == 16);
static_assert(POOL_QUOTA_FAIL_INSTEAD_OF_RAISE == 8);
static_assert(POOL_COLD_ALLOCATION == 256 && POOL_NX_ALLOCATION == 512);
static_assert(POOL_ZERO_ALLOCATION == 1024);
static_assert(MmNonCached == 0 && MmCached == 1 && MmWriteCombined == 2);
static_assert(MmNotMapped == -1 && MmMaximumCacheType == 6);
static_assert((u32)STATUS_INSUFFICIENT_RESOURCES == 0xc000009a);
static_assert((u32)STATUS_NO_MEMORY == 0xc0000017);
static_assert(sizeof(UCHAR) == 1 && sizeof(USHORT) == 2 && sizeof(ULONG) == 4);
static_assert(sizeof(LONG) == 4 && sizeof(LONGLONG) == 8);
static_assert(sizeof(SIZE_T) == 8 && sizeof(ULONG_PTR) == 8);
static_assert(sizeof(BOOLEAN) == 1 && sizeof(NTSTATUS) == 4);
static_assert(sizeof(LARGE_INTEGER) == 8 && sizeof(POOL_TYPE) == 4);
static_assert(offsetof(LARGE_INTEGER, LowPart) == 0);
static_assert(offsetof(LARGE_INTEGER, u.HighPart) == 4);
static_assert(offsetof(DEVICE_DESCRIPTION, Master) == 4);
static_assert(offsetof(DEVICE_DESCRIPTION, Dma32BitAddresses) == 8);
static_assert(offsetof(DEVICE_DESCRIPTION, Dma64BitAddresses) == 11);
static_assert(offsetof(DEVICE_DESCRIPTION, BusNumber) == 12);
static_assert(offsetof(DEVICE_DESCRIPTION, InterfaceType) == 20);
static_assert(offsetof(DEVICE_DESCRIPTION, MaximumLength) == 32);
static_assert(offsetof(DEVICE_DESCRIPTION, DmaAddressWidth) == 40);
static_assert(offsetof(DEVICE_DESCRIPTION, DeviceAddress) == 56);
static_assert(offsetof(DMA_ADAPTER, Size) == 2);
static_assert(offsetof(DMA_ADAPTER, DmaOperations) == 8);
static_assert(Isa == 1 && PCIBus == 5 && PNPBus == 15 && ACPIBus == 17);

/* By position, as some drivers initialise one. */
static_assert(offsetof(DMA_OPERATIONS, Size) == 0);
static_assert(offsetof(DMA_OPERATIONS, PutDmaAdapter) == 8);
static_assert(offsetof(DMA_OPERATIONS, AllocateCommonBuffer) == 16);
static_assert(offsetof(DMA_OPERATIONS, FreeCommonBuffer) == 24);
static_assert(offsetof(DMA_OPERATIONS, AllocateAdapterChannel) == 32);
static_assert(offsetof(DMA_OPERATIONS, FlushAdapterBuffers) == 40);
static_assert(offsetof(DMA_OPERATIONS, FreeAdapterChannel) == 48);
static_assert(offsetof(DMA_OPERATIONS, FreeMapRegisters) == 56);
static_assert(offsetof(DMA_OPERATIONS, MapTransfer) == 64);
static_assert(offsetof(DMA_OPERATIONS, GetDmaAlignment) == 72);
static_assert(offsetof(DMA_OPERATIONS, ReadDmaCounter) == 80);
static_assert(offsetof(DMA_OPERATIONS, GetScatterGatherList) == 88);
static_assert(offsetof(DMA_OPERATIONS, PutScatterGatherList) == 96);
static_assert(offsetof(DMA_OPERATIONS, CalculateScatterGatherList) == 104);
static_assert(offsetof(DMA_OPERATIONS, BuildScatterGatherList) == 112);
static_assert(offsetof(DMA_OPERATIONS, BuildMdlFromScatterGatherList) == 120);
static_assert(offsetof(DMA_OPERATIONS, GetDmaAdapterInfo) == 128);
static_assert(offsetof(DMA_OPERATIONS, GetDmaTransferInfo) == 136);
static_assert(offsetof(DMA_OPERATIONS, InitializeDmaTransferContext) == 144);
static_assert(offsetof(DMA_OPERATIONS, AllocateCommonBufferEx) == 152);
static_assert(offsetof(DMA_OPERATIONS, AllocateAdapterChannelEx) == 160);
static_assert(offsetof(DMA_OPERATIONS, ConfigureAdapterChannel) == 168);
static_assert(offsetof(DMA_OPERATIONS, CancelAdapterChannel) == 176);
static_assert(offsetof(DMA_OPERATIONS, MapTransferEx) == 184);
static_assert(offsetof(DMA_OPERATIONS, GetScatterGatherListEx) == 192);
static_assert(offsetof(DMA_OPERATIONS, BuildScatterGatherListEx) == 200);
static_assert(offsetof(DMA_OPERATIONS, FlushAdapterBuffersEx) == 208);
static_assert(offsetof(DMA_OPERATIONS, FreeAdapterObject) == 216);
static_assert(offsetof(DMA_OPERATIONS, CancelMappedTransfer) == 224);
static_assert(offsetof(DMA_OPERATIONS, AllocateDomainCommonBuffer) == 232);
static_assert(offsetof(DMA_OPERATIONS, FlushDmaBuffer) == 240);
static_assert(offsetof(DMA_OPERATIONS, JoinDmaDomain) == 248);
static_assert(offsetof(DMA_OPERATIONS, LeaveDmaDomain) == 256);
static_assert(offsetof(DMA_OPERATIONS, GetDmaDomain) == 264);
static_assert(offsetof(DMA_OPERATIONS, AllocateCommonBufferWithBounds) == 272);
static_assert(offsetof(DMA_OPERATIONS, AllocateCommonBufferVector) == 280);
static_assert(offsetof(DMA_OPERATIONS, GetCommonBufferFromVectorByIndex) ==
	      288);
static_assert(offsetof(DMA_OPERATIONS, FreeCommonBufferFromVector) == 296);
static_assert(offsetof(DMA_OPERATIONS, FreeCommonBufferVector) == 304);
static_assert(offsetof(DMA_OPERATIONS, CreateCommonBufferFromMdl) == 312);
static_assert(sizeof(DMA_OPERATIONS) == 320);
static_assert(sizeof(SCATTER_GATHER_ELEMENT) == 24);
static_assert(offsetof(SCATTER_GATHER_ELEMENT, Length) == 8);
static_assert(offsetof(SCATTER_GATHER_ELEMENT, Reserved) == 16);
static_assert(offsetof(SCATTER_GATHER_LIST, Reserved) == 8);
static_assert(offsetof(SCATTER_GATHER_LIST, Elements) == 16);
static_assert(sizeof(DMA_ADAPTER_INFO) == 24 && sizeof(DMA_TRANSFER_INFO) == 20);
static_assert(KeepObject == 1 && DeallocateObjectKeepRegisters == 3);

static void page_macros(struct rpt *t)
{
	EXPECT_EQ(t, BYTES_TO_PAGES(0), 0);
	EXPECT_EQ(t, BYTES_TO_PAGES(1), 1);
	EXPECT_EQ(t, BYTES_TO_PAGES(4096), 1);
	EXPECT_EQ(t, BYTES_TO_PAGES(4097), 2);
	EXPECT_EQ(t, BYTES_TO_PAGES(SIZE_MAX), 1UL << 52);
	EXPECT_EQ(t, ROUND_TO_PAGES(1), 4096);
	EXPECT_EQ(t, ROUND_TO_PAGES(4096), 4096);
	EXPECT_EQ(t, BYTE_OFFSET(0x12345), 0x345);
	EXPECT_EQ(t, ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1fff, 2), 2);
	EXPECT_EQ(t, ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1000, 4096), 1);
	EXPECT_EQ(t, ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1001, 4096), 2);
	EXPECT_EQ(t, ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1234, 0), 1);
}

static void status_codes(struct rpt *t)
{
	EXPECT(t, NT_SUCCESS(STATUS_SUCCESS));
	EXPECT(t, !NT_SUCCESS(STATUS_INSUFFICIENT_RESOURCES));
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_SUCCESS), 0);
	EXPECT_EQ(t, rust_pool_status_to_errno(0x00000103), 0);
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_INSUFFICIENT_RESOURCES),
		  -ENOMEM);
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_NO_MEMORY), -ENOMEM);
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_INVALID_PARAMETER),
		  -EINVAL);
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_ACCESS_VIOLATION),
		  -EFAULT);
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_NOT_MAPPED_VIEW), -EINVAL);
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_BUFFER_TOO_SMALL),
		  -EINVAL);
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_INVALID_PAGE_PROTECTION),
		  -EINVAL);
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_NOT_SUPPORTED), -EINVAL);
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_INVALID_PARAMETER_4),
		  -EINVAL);
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_INVALID_PARAMETER_5),
		  -EINVAL);
	EXPECT_EQ(t, rust_pool_status_to_errno(STATUS_UNSUCCESSFUL), -EIO);
}

/* From here on, a Windows driver. */

#define RING_TAG ('gniR')

typedef struct _RING {
	ULONG Entries;
	PVOID Descriptors;
	PHYSICAL_ADDRESS DescriptorsPa;
	PUCHAR Shadow;
} RING, *PRING;

static VOID RingDelete(PRING Ring)
{
	if (Ring->Descriptors != NULL) {
		MmFreeContiguousMemory(Ring->Descriptors);
		Ring->Descriptors = NULL;
	}
	if (Ring->Shadow != NULL)
		ExFreePoolWithTag(Ring->Shadow, RING_TAG);
	ExFreePoolWithTag(Ring, RING_TAG);
}

static NTSTATUS RingCreate(ULONG Entries, PRING *Result)
{
	PHYSICAL_ADDRESS Low, High, Boundary;
	SIZE_T Length = (SIZE_T)Entries * 64;
	PRING Ring;

	Ring = (PRING)ExAllocatePoolWithTag(NonPagedPool, sizeof(RING),
					    RING_TAG);
	if (Ring == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	RtlZeroMemory(Ring, sizeof(RING));

	Low.QuadPart = 0;
	High.LowPart = 0x0fffffff;
	High.HighPart = 0;
	Boundary.u.LowPart = 0x10000;
	Boundary.u.HighPart = 0;
	Ring->Descriptors = MmAllocateContiguousMemorySpecifyCache(Length, Low,
						High, Boundary, MmCached);
	Ring->Shadow = ExAllocatePoolZero(PagedPool, Length, RING_TAG);
	if (Ring->Descriptors == NULL || Ring->Shadow == NULL) {
		RingDelete(Ring);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	RtlFillMemory(Ring->Descriptors, Length, 0xff);
	RtlCopyMemory(Ring->Descriptors, Ring->Shadow, Length);
	Ring->DescriptorsPa = MmGetPhysicalAddress(Ring->Descriptors);
	Ring->Entries = Entries;
	*Result = Ring;
	return STATUS_SUCCESS;
}

static void windows_code(struct rpt *t)
{
	PRING Ring;

	if (!EXPECT_EQ(t, RingCreate(256, &Ring), STATUS_SUCCESS))
		return;
	EXPECT(t, !memchr_inv(Ring->Descriptors, 0, 256 * 64));
	EXPECT(t, Ring->DescriptorsPa.QuadPart + 256 * 64 <= 0x10000000);
	RingDelete(Ring);
	EXPECT_EQ(t, RingCreate(0xffffffff, &Ring),
		  STATUS_INSUFFICIENT_RESOURCES);
}

static const struct rpt_case cases[] = {
	{ "page_macros", page_macros },
	{ "status_codes", status_codes },
	{ "windows_code", windows_code },
};

const struct rpt_suite wdm_suite = RPT_SUITE("wdm", cases);
