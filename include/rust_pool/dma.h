/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DMA adapters, common buffers and scatter/gather lists. Include rust_pool/wdm.h,
 * not this file. The head of wdm.h explains call sites, and which context is which
 * IRQL.
 */
#ifndef _RUST_POOL_DMA_H
#define _RUST_POOL_DMA_H

/* A device object is a Linux device; pass &pdev->dev of a PCI device. */
typedef struct device DEVICE_OBJECT, *PDEVICE_OBJECT;

typedef enum _INTERFACE_TYPE {
	InterfaceTypeUndefined	= -1,
	Internal		= 0,
	Isa			= 1,
	Eisa			= 2,
	MicroChannel		= 3,
	TurboChannel		= 4,
	PCIBus			= 5,
	VMEBus			= 6,
	NuBus			= 7,
	PCMCIABus		= 8,
	CBus			= 9,
	MPIBus			= 10,
	MPSABus			= 11,
	ProcessorInternal	= 12,
	InternalPowerBus	= 13,
	PNPISABus		= 14,
	PNPBus			= 15,
	Vmcs			= 16,
	ACPIBus			= 17,
	MaximumInterfaceType	= 18,
} INTERFACE_TYPE, *PINTERFACE_TYPE;

typedef enum _DMA_WIDTH {
	Width8Bits,
	Width16Bits,
	Width32Bits,
	Width64Bits,
	WidthNoWrap,
	MaximumDmaWidth,
} DMA_WIDTH;

typedef enum _DMA_SPEED {
	Compatible,
	TypeA,
	TypeB,
	TypeC,
	TypeF,
	MaximumDmaSpeed,
} DMA_SPEED;

#define DEVICE_DESCRIPTION_VERSION	0
#define DEVICE_DESCRIPTION_VERSION1	1
#define DEVICE_DESCRIPTION_VERSION2	2
#define DEVICE_DESCRIPTION_VERSION3	3

typedef struct _DEVICE_DESCRIPTION {
	ULONG Version;
	BOOLEAN Master;
	BOOLEAN ScatterGather;
	BOOLEAN DemandMode;
	BOOLEAN AutoInitialize;
	BOOLEAN Dma32BitAddresses;
	BOOLEAN IgnoreCount;
	BOOLEAN Reserved1;
	BOOLEAN Dma64BitAddresses;
	ULONG BusNumber;
	ULONG DmaChannel;
	INTERFACE_TYPE InterfaceType;
	DMA_WIDTH DmaWidth;
	DMA_SPEED DmaSpeed;
	ULONG MaximumLength;
	ULONG DmaPort;
	/* From DEVICE_DESCRIPTION_VERSION3 on. */
	ULONG DmaAddressWidth;
	ULONG DmaControllerInstance;
	ULONG DmaRequestLine;
	PHYSICAL_ADDRESS DeviceAddress;
} DEVICE_DESCRIPTION, *PDEVICE_DESCRIPTION;

struct _DMA_OPERATIONS;

typedef struct _DMA_ADAPTER {
	USHORT Version;
	USHORT Size;
	struct _DMA_OPERATIONS *DmaOperations;
} DMA_ADAPTER, *PDMA_ADAPTER;

typedef struct _SCATTER_GATHER_ELEMENT {
	PHYSICAL_ADDRESS Address;
	ULONG Length;
	ULONG_PTR Reserved;
} SCATTER_GATHER_ELEMENT, *PSCATTER_GATHER_ELEMENT;

typedef struct _SCATTER_GATHER_LIST {
	ULONG NumberOfElements;
	ULONG_PTR Reserved;
	SCATTER_GATHER_ELEMENT Elements[];
} SCATTER_GATHER_LIST, *PSCATTER_GATHER_LIST;

typedef enum _IO_ALLOCATION_ACTION {
	KeepObject			= 1,
	DeallocateObject		= 2,
	DeallocateObjectKeepRegisters	= 3,
} IO_ALLOCATION_ACTION, *PIO_ALLOCATION_ACTION;

typedef enum {
	DmaComplete,
	DmaAborted,
	DmaError,
	DmaCancelled,
} DMA_COMPLETION_STATUS;

/* Callbacks of a driver. */
typedef IO_ALLOCATION_ACTION DRIVER_CONTROL(PDEVICE_OBJECT DeviceObject,
					    PIRP Irp, PVOID MapRegisterBase,
					    PVOID Context);
typedef DRIVER_CONTROL *PDRIVER_CONTROL;
typedef VOID DRIVER_LIST_CONTROL(PDEVICE_OBJECT DeviceObject, PIRP Irp,
				 PSCATTER_GATHER_LIST ScatterGather,
				 PVOID Context);
typedef DRIVER_LIST_CONTROL *PDRIVER_LIST_CONTROL;
typedef VOID DMA_COMPLETION_ROUTINE(PDMA_ADAPTER DmaAdapter,
				    PDEVICE_OBJECT DeviceObject,
				    PVOID CompletionContext,
				    DMA_COMPLETION_STATUS Status);
typedef DMA_COMPLETION_ROUTINE *PDMA_COMPLETION_ROUTINE;

/*
 * A flag of the Ex routines: the request does not wait, and its routine may be NULL.
 * Only AllocateAdapterChannelEx would wait.
 */
#define DMA_SYNCHRONOUS_CALLBACK		0x01
/* For the Rust API: AllocateAdapterChannelEx takes map registers, without the channel. */
#define RUST_POOL_REGISTERS_ONLY		0x80000000

#define DMA_ADAPTER_INFO_VERSION1		1
#define ADAPTER_INFO_SYNCHRONOUS_CALLBACK	0x0001
#define ADAPTER_INFO_API_BYPASS			0x0002

typedef struct _DMA_ADAPTER_INFO_V1 {
	ULONG ReadDmaCounterAvailable;
	ULONG ScatterGatherLimit;
	ULONG DmaAddressWidth;
	ULONG Flags;
	ULONG MinimumTransferUnit;
} DMA_ADAPTER_INFO_V1, *PDMA_ADAPTER_INFO_V1;

typedef struct _DMA_ADAPTER_INFO {
	ULONG Version;
	union {
		DMA_ADAPTER_INFO_V1 V1;
	};
} DMA_ADAPTER_INFO, *PDMA_ADAPTER_INFO;

#define DMA_TRANSFER_INFO_VERSION1	1
#define DMA_TRANSFER_INFO_VERSION2	2

typedef struct _DMA_TRANSFER_INFO_V1 {
	ULONG MapRegisterCount;
	ULONG ScatterGatherElementCount;
	ULONG ScatterGatherListSize;
} DMA_TRANSFER_INFO_V1, *PDMA_TRANSFER_INFO_V1;

typedef struct _DMA_TRANSFER_INFO_V2 {
	ULONG MapRegisterCount;
	ULONG ScatterGatherElementCount;
	ULONG ScatterGatherListSize;
	ULONG LogicalPageCount;
} DMA_TRANSFER_INFO_V2, *PDMA_TRANSFER_INFO_V2;

typedef struct _DMA_TRANSFER_INFO {
	ULONG Version;
	union {
		DMA_TRANSFER_INFO_V1 V1;
		DMA_TRANSFER_INFO_V2 V2;
	};
} DMA_TRANSFER_INFO, *PDMA_TRANSFER_INFO;

#define DMA_TRANSFER_CONTEXT_VERSION1	1
#define DMA_TRANSFER_CONTEXT_SIZE_V1	128

/* Opaque here. */
struct _DMA_COMMON_BUFFER_VECTOR;
struct _DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION;
typedef struct _DMA_COMMON_BUFFER_VECTOR *PDMA_COMMON_BUFFER_VECTOR;
typedef struct _DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION
	*PDMA_COMMON_BUFFER_EXTENDED_CONFIGURATION;

typedef VOID (*PPUT_DMA_ADAPTER)(PDMA_ADAPTER DmaAdapter);
typedef PVOID (*PALLOCATE_COMMON_BUFFER)(PDMA_ADAPTER DmaAdapter, ULONG Length,
					 PPHYSICAL_ADDRESS LogicalAddress,
					 BOOLEAN CacheEnabled);
typedef VOID (*PFREE_COMMON_BUFFER)(PDMA_ADAPTER DmaAdapter, ULONG Length,
				    PHYSICAL_ADDRESS LogicalAddress,
				    PVOID VirtualAddress, BOOLEAN CacheEnabled);
typedef NTSTATUS (*PALLOCATE_ADAPTER_CHANNEL)(PDMA_ADAPTER DmaAdapter,
					      PDEVICE_OBJECT DeviceObject,
					      ULONG NumberOfMapRegisters,
					      PDRIVER_CONTROL ExecutionRoutine,
					      PVOID Context);
typedef BOOLEAN (*PFLUSH_ADAPTER_BUFFERS)(PDMA_ADAPTER DmaAdapter, PMDL Mdl,
					  PVOID MapRegisterBase,
					  PVOID CurrentVa, ULONG Length,
					  BOOLEAN WriteToDevice);
typedef VOID (*PFREE_ADAPTER_CHANNEL)(PDMA_ADAPTER DmaAdapter);
typedef VOID (*PFREE_MAP_REGISTERS)(PDMA_ADAPTER DmaAdapter,
				    PVOID MapRegisterBase,
				    ULONG NumberOfMapRegisters);
typedef PHYSICAL_ADDRESS (*PMAP_TRANSFER)(PDMA_ADAPTER DmaAdapter, PMDL Mdl,
					  PVOID MapRegisterBase,
					  PVOID CurrentVa, PULONG Length,
					  BOOLEAN WriteToDevice);
typedef ULONG (*PGET_DMA_ALIGNMENT)(PDMA_ADAPTER DmaAdapter);
typedef ULONG (*PREAD_DMA_COUNTER)(PDMA_ADAPTER DmaAdapter);
typedef NTSTATUS (*PGET_SCATTER_GATHER_LIST)(
	PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject, PMDL Mdl,
	PVOID CurrentVa, ULONG Length, PDRIVER_LIST_CONTROL ExecutionRoutine,
	PVOID Context, BOOLEAN WriteToDevice);
typedef VOID (*PPUT_SCATTER_GATHER_LIST)(PDMA_ADAPTER DmaAdapter,
					 PSCATTER_GATHER_LIST ScatterGather,
					 BOOLEAN WriteToDevice);
typedef NTSTATUS (*PCALCULATE_SCATTER_GATHER_LIST_SIZE)(
	PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID CurrentVa, ULONG Length,
	PULONG ScatterGatherListSize, PULONG pNumberOfMapRegisters);
typedef NTSTATUS (*PBUILD_SCATTER_GATHER_LIST)(
	PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject, PMDL Mdl,
	PVOID CurrentVa, ULONG Length, PDRIVER_LIST_CONTROL ExecutionRoutine,
	PVOID Context, BOOLEAN WriteToDevice, PVOID ScatterGatherBuffer,
	ULONG ScatterGatherLength);
typedef NTSTATUS (*PBUILD_MDL_FROM_SCATTER_GATHER_LIST)(
	PDMA_ADAPTER DmaAdapter, PSCATTER_GATHER_LIST ScatterGather,
	PMDL OriginalMdl, PMDL *TargetMdl);
typedef NTSTATUS (*PGET_DMA_ADAPTER_INFO)(PDMA_ADAPTER DmaAdapter,
					  PDMA_ADAPTER_INFO AdapterInfo);
typedef NTSTATUS (*PGET_DMA_TRANSFER_INFO)(PDMA_ADAPTER DmaAdapter, PMDL Mdl,
					   ULONGLONG Offset, ULONG Length,
					   BOOLEAN WriteOnly,
					   PDMA_TRANSFER_INFO TransferInfo);
typedef NTSTATUS (*PINITIALIZE_DMA_TRANSFER_CONTEXT)(PDMA_ADAPTER DmaAdapter,
						     PVOID DmaTransferContext);
typedef PVOID (*PALLOCATE_COMMON_BUFFER_EX)(PDMA_ADAPTER DmaAdapter,
					    PPHYSICAL_ADDRESS MaximumAddress,
					    ULONG Length,
					    PPHYSICAL_ADDRESS LogicalAddress,
					    BOOLEAN CacheEnabled,
					    NODE_REQUIREMENT PreferredNode);
typedef NTSTATUS (*PALLOCATE_ADAPTER_CHANNEL_EX)(
	PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
	PVOID DmaTransferContext, ULONG NumberOfMapRegisters, ULONG Flags,
	PDRIVER_CONTROL ExecutionRoutine, PVOID ExecutionContext,
	PVOID *MapRegisterBase);
typedef NTSTATUS (*PCONFIGURE_ADAPTER_CHANNEL)(PDMA_ADAPTER DmaAdapter,
					       ULONG FunctionNumber,
					       PVOID Context);
typedef BOOLEAN (*PCANCEL_ADAPTER_CHANNEL)(PDMA_ADAPTER DmaAdapter,
					   PDEVICE_OBJECT DeviceObject,
					   PVOID DmaTransferContext);
typedef NTSTATUS (*PMAP_TRANSFER_EX)(
	PDMA_ADAPTER DmaAdapter, PMDL Mdl, PVOID MapRegisterBase,
	ULONGLONG Offset, ULONG DeviceOffset, PULONG Length,
	BOOLEAN WriteToDevice, PSCATTER_GATHER_LIST ScatterGatherBuffer,
	ULONG ScatterGatherBufferLength,
	PDMA_COMPLETION_ROUTINE DmaCompletionRoutine, PVOID CompletionContext);
typedef NTSTATUS (*PGET_SCATTER_GATHER_LIST_EX)(
	PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
	PVOID DmaTransferContext, PMDL Mdl, ULONGLONG Offset, ULONG Length,
	ULONG Flags, PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
	BOOLEAN WriteToDevice, PDMA_COMPLETION_ROUTINE DmaCompletionRoutine,
	PVOID CompletionContext, PSCATTER_GATHER_LIST *ScatterGatherList);
typedef NTSTATUS (*PBUILD_SCATTER_GATHER_LIST_EX)(
	PDMA_ADAPTER DmaAdapter, PDEVICE_OBJECT DeviceObject,
	PVOID DmaTransferContext, PMDL Mdl, ULONGLONG Offset, ULONG Length,
	ULONG Flags, PDRIVER_LIST_CONTROL ExecutionRoutine, PVOID Context,
	BOOLEAN WriteToDevice, PVOID ScatterGatherBuffer,
	ULONG ScatterGatherLength, PDMA_COMPLETION_ROUTINE DmaCompletionRoutine,
	PVOID CompletionContext, PVOID ScatterGatherList);
typedef NTSTATUS (*PFLUSH_ADAPTER_BUFFERS_EX)(PDMA_ADAPTER DmaAdapter, PMDL Mdl,
					      PVOID MapRegisterBase,
					      ULONGLONG Offset, ULONG Length,
					      BOOLEAN WriteToDevice);
typedef VOID (*PFREE_ADAPTER_OBJECT)(PDMA_ADAPTER DmaAdapter,
				     IO_ALLOCATION_ACTION AllocationAction);
typedef NTSTATUS (*PCANCEL_MAPPED_TRANSFER)(PDMA_ADAPTER DmaAdapter,
					    PVOID DmaTransferContext);
typedef NTSTATUS (*PALLOCATE_DOMAIN_COMMON_BUFFER)(
	PDMA_ADAPTER DmaAdapter, PVOID DomainHandle,
	PPHYSICAL_ADDRESS MaximumAddress, ULONG Length, ULONG Flags,
	MEMORY_CACHING_TYPE *CacheType, NODE_REQUIREMENT PreferredNode,
	PPHYSICAL_ADDRESS LogicalAddress, PVOID *VirtualAddress);
typedef NTSTATUS (*PFLUSH_DMA_BUFFER)(PDMA_ADAPTER DmaAdapter, PMDL Mdl,
				      BOOLEAN ReadOperation);
typedef NTSTATUS (*PJOIN_DMA_DOMAIN)(PDMA_ADAPTER DmaAdapter,
				     PVOID DomainHandle);
typedef NTSTATUS (*PLEAVE_DMA_DOMAIN)(PDMA_ADAPTER DmaAdapter);
typedef PVOID (*PGET_DMA_DOMAIN)(PDMA_ADAPTER DmaAdapter);
typedef PVOID (*PALLOCATE_COMMON_BUFFER_WITH_BOUNDS)(
	PDMA_ADAPTER DmaAdapter, PPHYSICAL_ADDRESS MinimumAddress,
	PPHYSICAL_ADDRESS MaximumAddress, ULONG Length, ULONG Flags,
	MEMORY_CACHING_TYPE *CacheType, NODE_REQUIREMENT PreferredNode,
	PPHYSICAL_ADDRESS LogicalAddress);
typedef NTSTATUS (*PALLOCATE_COMMON_BUFFER_VECTOR)(
	PDMA_ADAPTER DmaAdapter, PHYSICAL_ADDRESS LowAddress,
	PHYSICAL_ADDRESS HighAddress, MEMORY_CACHING_TYPE CacheType,
	ULONG IdealNode, ULONG Flags, ULONG NumberOfElements,
	ULONGLONG SizeOfElements, PDMA_COMMON_BUFFER_VECTOR *VectorOut);
typedef VOID (*PGET_COMMON_BUFFER_FROM_VECTOR_BY_INDEX)(
	PDMA_ADAPTER DmaAdapter, PDMA_COMMON_BUFFER_VECTOR Vector, ULONG Index,
	PVOID *VirtualAddressOut, PPHYSICAL_ADDRESS LogicalAddressOut);
typedef VOID (*PFREE_COMMON_BUFFER_FROM_VECTOR)(
	PDMA_ADAPTER DmaAdapter, PDMA_COMMON_BUFFER_VECTOR Vector, ULONG Index);
typedef VOID (*PFREE_COMMON_BUFFER_VECTOR)(PDMA_ADAPTER DmaAdapter,
					   PDMA_COMMON_BUFFER_VECTOR Vector);
typedef NTSTATUS (*PCREATE_COMMON_BUFFER_FROM_MDL)(
	PDMA_ADAPTER DmaAdapter, PMDL Mdl,
	PDMA_COMMON_BUFFER_EXTENDED_CONFIGURATION ExtendedConfigs,
	ULONG ExtendedConfigsCount, PPHYSICAL_ADDRESS LogicalAddress);

/*
 * The members are the WDK's, in its order. Size says how many an adapter has: it
 * depends on the version of the description. The WDK's pages on them have the names
 * of their types, PALLOCATE_COMMON_BUFFER and so on.
 *
 * A member without a description below, or of a later version than the adapter's,
 * is a function that only reports a violation (0xC4/0x16). It returns
 * STATUS_NOT_SUPPORTED, NULL, FALSE or 0. Context: any.
 *
 * AllocateCommonBuffer: allocates Length bytes, rounded up to pages, page-aligned
 * and zeroed, with one map register a page. The caller owns the buffer until
 * FreeCommonBuffer. LogicalAddress is for the device. CacheEnabled is ignored, as
 * on Windows for x64, but the free must pass the same value. Returns NULL when
 * memory is short, when the adapter has too few map registers, and after a
 * violation: zero bytes (0xC2/0x00), the wrong context (0xC2/0x08), an adapter
 * that is NULL, was put back or never existed (0xE6/0x19, 0xE6/0x18, 0xC4/0x16),
 * or a device that was removed (0xE6/0x00). Context: task context that may sleep.
 *
 * FreeCommonBuffer: frees a buffer. All arguments must be those of the allocation.
 * Otherwise it is a violation and the buffer stays allocated: 0xC4/0x16, or
 * 0xE6/0x03 if there is no live buffer, or 0xE6/0x0E if a process maps it and only
 * that keeps its pages. If the device was removed, unbound or
 * given another IOMMU domain since the allocation, it is a violation (0xE6/0x00),
 * and only memory that certainly belongs to the buffer is given back. Context:
 * task context that may sleep; elsewhere a violation (0xC2/0x09), and the buffer
 * is given back a little later; in NMI it is not freed.
 *
 * PutDmaAdapter: puts the adapter back, after its last common buffer was freed and
 * its last list put. With live buffers (0xE6/0x07) or lists (0xE6/0x0A) it is a
 * violation, and the adapter exists until the last of them is gone. Where sleeping
 * is allowed it waits for buffers whose free was deferred, so the driver may
 * release the device when it returns; elsewhere the adapter is put back a little
 * later, too. Context: any but NMI, which is a violation (0xC2/0x09), and nothing
 * is put back.
 *
 * GetScatterGatherList: maps Length bytes from CurrentVa on, which is an address in
 * the first MDL of the chain, for the device, and calls ExecutionRoutine with the
 * list, before it returns and at DISPATCH_LEVEL. The IRP that the routine is given
 * is NULL. The list is limited only by the map registers, of which it takes one for
 * each page of the buffer. Elements that are adjacent for the device are joined.
 * The caller owns the list, and the device the pages, until PutScatterGatherList:
 * until then the pages must stay locked, and the buffer may not yet have the data
 * that the device wrote. To free the pages or the MDLs before that, by any routine,
 * is a violation (0xE6/0x0E), and nothing is freed. Two exceptions are not noticed.
 * A lookaside list may keep an entry of up to 4064 bytes that is freed to it, and
 * hand it out again while the device writes to it. Memory of the Rust API is freed.
 * Returns STATUS_SUCCESS;
 * STATUS_INSUFFICIENT_RESOURCES when memory is short, when the adapter has too few
 * map registers, and when the list would have more than one element for a
 * description without ScatterGather; STATUS_BUFFER_TOO_SMALL for a transfer that is
 * not within the MDLs (0xE6/0x1B, 0xE6/0x24); STATUS_INVALID_PARAMETER after
 * another violation: zero bytes (0xE6/0x21), an MDL that is not locked (0xE6/0x0E),
 * a frame that is not memory (0xC4/0x89), an adapter as for AllocateCommonBuffer,
 * no MDL or routine (0xC4/0x16), a device that was removed (0xE6/0x00). The device
 * must not be removed during the call. Context: up to DISPATCH_LEVEL; the WDK asks
 * for DISPATCH_LEVEL. Above it is a violation (0xE6/0x13).
 *
 * PutScatterGatherList: ends the transfer: unmaps the pages and frees the list. All
 * arguments must be those of GetScatterGatherList. A list that was put already or
 * never existed (0xE6/0x06) and a list of another adapter (0xC4/0x16) are
 * violations, and nothing is done. Another direction is a violation (0xC4/0x16),
 * too, but the list is put with its own. If the device was removed, unbound or
 * given another IOMMU domain since, it is a violation (0xE6/0x00), and only
 * mappings that certainly belong to this list are undone. If its pages stay mapped
 * for the device, the log says so. Context: up to
 * DISPATCH_LEVEL; above it a violation (0xE6/0x13), but the list is put all the
 * same, except in NMI.
 *
 * CalculateScatterGatherList: the bytes of a list with an element for each page of
 * the buffer, and the map registers. Returns the same as GetScatterGatherList.
 * Context: any but NMI.
 *
 * BuildScatterGatherList: like GetScatterGatherList, but the list is in the
 * caller's memory. That must be aligned to 8 bytes, and stay until the list is put.
 * If it is smaller than the list, the routine returns STATUS_BUFFER_TOO_SMALL.
 * Context: as GetScatterGatherList.
 *
 * GetScatterGatherListEx, BuildScatterGatherListEx: like the routines without Ex,
 * but the transfer begins at an offset into the chain of MDLs. The address of the
 * list is also stored in the last argument, if that is not NULL; then, with
 * DMA_SYNCHRONOUS_CALLBACK, the routine may be NULL. The transfer context and the
 * completion routine are not used. Returns and context: as those without Ex.
 *
 * AllocateAdapterChannel: takes the adapter's channel and NumberOfMapRegisters map
 * registers, and calls ExecutionRoutine with these at DISPATCH_LEVEL; the IRP is NULL.
 * The routine returns what the caller keeps. KeepObject: the channel and the map
 * registers, until FreeAdapterChannel. DeallocateObjectKeepRegisters: only the map
 * registers, until FreeMapRegisters. DeallocateObject: nothing. Anything else is a
 * violation (0xC4/0x16), and like DeallocateObjectKeepRegisters. If the channel is free,
 * the routine is called before this returns. Otherwise, as long as another request has
 * it, the request waits, behind those that came before it; the map registers are taken
 * when it is granted. Then the routine is called by who frees the channel, in that
 * context, or by a work item if that is above DISPATCH_LEVEL; also if the device was
 * removed meanwhile. A second request for a device object while one waits is a violation
 * (0xE6/0x0B), and waits as well. Returns STATUS_SUCCESS, also if the request waits;
 * STATUS_INSUFFICIENT_RESOURCES, and the routine is never called, when the adapter has
 * fewer map registers and when memory is short; STATUS_INVALID_PARAMETER after another
 * violation: an adapter as above, no routine (0xC4/0x16), a device that was removed
 * (0xE6/0x00). Put no adapter for whose channel requests wait: that is a violation
 * (0xE6/0x08), and their routines are never called. Nor are those of a module that was
 * unloaded: its requests are reported as leaks. Context: as GetScatterGatherList.
 *
 * MapTransfer: maps as many of Length bytes from CurrentVa on as are adjacent for the
 * device, or all of them for a description without ScatterGather, and sets Length to
 * that number. Each page uses a map register until FlushAdapterBuffers. Returns the bus
 * address; or 0, with a Length of 0, when memory is short and after a violation: more
 * pages than there are free map registers (0xE6/0x00), bytes that are mapped already
 * (0xE6/0x1D), map registers that are another adapter's, freed or never were
 * (0xC4/0x16), and those of GetScatterGatherList. The device must not be removed during
 * the call. Context: as GetScatterGatherList.
 *
 * FlushAdapterBuffers: of what MapTransfer mapped, unmaps each piece that begins within
 * these bytes of the MDL, as a whole. Before that, the buffer may lack what the device
 * wrote. Returns FALSE if nothing was mapped there (0xE6/0x20). Another direction than
 * MapTransfer got is a violation (0xC4/0x16); the direction of MapTransfer counts.
 * Context: as PutScatterGatherList.
 *
 * FreeMapRegisters: gives map registers back, as many as were taken. Map registers that
 * were freed already or never were (0xE6/0x05), another number and another adapter
 * (0xC4/0x16) are violations, and nothing is done. If they still map something, that is
 * a violation (0xE6/0x10), and it is flushed. FreeAdapterChannel: gives a channel back
 * that was kept, and its map registers; if it is not kept, that is a violation
 * (0xE6/0x04). It may be before the routine returns KeepObject, as in an interrupt of
 * the device. The routines of requests that wait are called before it returns, until
 * one keeps the channel; FreeMapRegisters does the same if the channel is kept with
 * these map registers. Context: as PutScatterGatherList.
 *
 * AllocateAdapterChannelEx, MapTransferEx, FlushAdapterBuffersEx: like those without Ex,
 * but with an offset into the MDL instead of an address. A request with
 * DMA_SYNCHRONOUS_CALLBACK does not wait, but fails with STATUS_INSUFFICIENT_RESOURCES
 * if another one has the channel. Its routine may be NULL; then the channel is kept. The
 * last argument gets the map register base; NULL when the request fails or waits. Any
 * number of requests may wait for a device object, each with a transfer context of its
 * own; a context of a request that waits is a violation (0xE6/0x0B), and waits as well.
 * MapTransferEx maps all bytes, and writes a list; STATUS_BUFFER_TOO_SMALL if there is no
 * room for that.
 * FreeAdapterObject: like FreeAdapterChannel, but with DeallocateObjectKeepRegisters the
 * map registers stay allocated, and with KeepObject the channel as well. An unknown action
 * is what it is from a routine.
 *
 * GetDmaTransferInfo: like CalculateScatterGatherList, but from an offset into the
 * chain on. GetDmaAdapterInfo: how many elements a list may have, and the address
 * width. Both return STATUS_NOT_SUPPORTED for another Version of the structure, or
 * STATUS_INVALID_PARAMETER after a violation. Context: any but NMI.
 *
 * InitializeDmaTransferContext: clears the context. Context: any. CancelAdapterChannel:
 * cancels the request of AllocateAdapterChannelEx that waits with this transfer context,
 * whose routine is never called then. Returns TRUE; FALSE if none waits, as it was
 * granted or never was, and after a violation: an adapter as above. Context: up to
 * DISPATCH_LEVEL; above it a violation (0xE6/0x13), but the request is cancelled all the
 * same, except in NMI.
 *
 * AllocateCommonBufferEx, AllocateCommonBufferWithBounds: like
 * AllocateCommonBuffer, but they return NULL if the buffer is not within the
 * bounds, both of which are inclusive. The node and the flags are ignored. A buffer
 * with bounds is freed with CacheEnabled if its cache type was NULL or MmCached.
 * Context and violations: as AllocateCommonBuffer.
 *
 * GetDmaAlignment: returns the DMA alignment in bytes; a common buffer is always
 * aligned to a page. Context: any. Never sleeps, and ignores the adapter.
 */
typedef struct _DMA_OPERATIONS {
	ULONG Size;
	/* Version 1. */
	PPUT_DMA_ADAPTER PutDmaAdapter;
	PALLOCATE_COMMON_BUFFER AllocateCommonBuffer;
	PFREE_COMMON_BUFFER FreeCommonBuffer;
	PALLOCATE_ADAPTER_CHANNEL AllocateAdapterChannel;
	PFLUSH_ADAPTER_BUFFERS FlushAdapterBuffers;
	PFREE_ADAPTER_CHANNEL FreeAdapterChannel;
	PFREE_MAP_REGISTERS FreeMapRegisters;
	PMAP_TRANSFER MapTransfer;
	PGET_DMA_ALIGNMENT GetDmaAlignment;
	PREAD_DMA_COUNTER ReadDmaCounter;
	PGET_SCATTER_GATHER_LIST GetScatterGatherList;
	PPUT_SCATTER_GATHER_LIST PutScatterGatherList;
	/* Version 2. */
	PCALCULATE_SCATTER_GATHER_LIST_SIZE CalculateScatterGatherList;
	PBUILD_SCATTER_GATHER_LIST BuildScatterGatherList;
	PBUILD_MDL_FROM_SCATTER_GATHER_LIST BuildMdlFromScatterGatherList;
	/* Version 3. */
	PGET_DMA_ADAPTER_INFO GetDmaAdapterInfo;
	PGET_DMA_TRANSFER_INFO GetDmaTransferInfo;
	PINITIALIZE_DMA_TRANSFER_CONTEXT InitializeDmaTransferContext;
	PALLOCATE_COMMON_BUFFER_EX AllocateCommonBufferEx;
	PALLOCATE_ADAPTER_CHANNEL_EX AllocateAdapterChannelEx;
	PCONFIGURE_ADAPTER_CHANNEL ConfigureAdapterChannel;
	PCANCEL_ADAPTER_CHANNEL CancelAdapterChannel;
	PMAP_TRANSFER_EX MapTransferEx;
	PGET_SCATTER_GATHER_LIST_EX GetScatterGatherListEx;
	PBUILD_SCATTER_GATHER_LIST_EX BuildScatterGatherListEx;
	PFLUSH_ADAPTER_BUFFERS_EX FlushAdapterBuffersEx;
	PFREE_ADAPTER_OBJECT FreeAdapterObject;
	PCANCEL_MAPPED_TRANSFER CancelMappedTransfer;
	PALLOCATE_DOMAIN_COMMON_BUFFER AllocateDomainCommonBuffer;
	PFLUSH_DMA_BUFFER FlushDmaBuffer;
	PJOIN_DMA_DOMAIN JoinDmaDomain;
	PLEAVE_DMA_DOMAIN LeaveDmaDomain;
	PGET_DMA_DOMAIN GetDmaDomain;
	PALLOCATE_COMMON_BUFFER_WITH_BOUNDS AllocateCommonBufferWithBounds;
	PALLOCATE_COMMON_BUFFER_VECTOR AllocateCommonBufferVector;
	PGET_COMMON_BUFFER_FROM_VECTOR_BY_INDEX GetCommonBufferFromVectorByIndex;
	PFREE_COMMON_BUFFER_FROM_VECTOR FreeCommonBufferFromVector;
	PFREE_COMMON_BUFFER_VECTOR FreeCommonBufferVector;
	PCREATE_COMMON_BUFFER_FROM_MDL CreateCommonBufferFromMdl;
} DMA_OPERATIONS, *PDMA_OPERATIONS;

PDMA_ADAPTER rust_pool_adapter_get(struct device *dev,
				   const DEVICE_DESCRIPTION *description,
				   u32 *registers, unsigned long caller);

/**
 * IoGetDmaAdapter - get an adapter for a bus-master device
 * @PhysicalDeviceObject: the device; it need not be bound to a driver, but must
 *	not be removed during the call
 * @DeviceDescription: zeroed first, then filled in
 * @NumberOfMapRegisters: NULL, or set to the number of map registers: the pages of
 *	MaximumLength plus one
 *
 * Sets both DMA masks of the device to what the description says. If the device
 * has several adapters, the narrowest mask applies.
 *
 * Context: Task context that may sleep. Elsewhere a violation, 0xC2/0x08.
 * Return: The adapter, owned by the caller until PutDmaAdapter(). NULL when
 * memory is short; for a description that is not of a bus master, has a version
 * above 3, or an address width of 0 or above 64 bits; for a mask that the device
 * refuses; and after a violation: a NULL device or description (0xC4/0x16), or a
 * device that was removed (0xE6/0x00).
 */
#ifdef RUST_POOL_DECLARE_ONLY
PDMA_ADAPTER IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject,
			     PDEVICE_DESCRIPTION DeviceDescription,
			     PULONG NumberOfMapRegisters);
#else
static __always_inline PDMA_ADAPTER
IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject,
		PDEVICE_DESCRIPTION DeviceDescription,
		PULONG NumberOfMapRegisters)
{
	return rust_pool_adapter_get(PhysicalDeviceObject, DeviceDescription,
				     NumberOfMapRegisters, rust_pool_here());
}
#endif

/**
 * KeFlushIoBuffers - make a buffer's data the same for CPUs and devices
 * @Mdl: the buffer
 * @ReadOperation: whether the device wrote to it
 * @DmaOperation: whether it was transferred by DMA
 *
 * Does nothing: the caches of this architecture are coherent with DMA, and what was
 * mapped for a device is flushed when its list is put.
 *
 * Context: Any.
 */
static inline VOID KeFlushIoBuffers(PMDL Mdl, BOOLEAN ReadOperation,
				    BOOLEAN DmaOperation)
{
}

#endif /* _RUST_POOL_DMA_H */
