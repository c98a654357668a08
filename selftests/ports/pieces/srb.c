// SPDX-License-Identifier: GPL-2.0
/* In the style of a storage miniport: extensions of requests, with a list for the device. */
#include <wdm.h>
#include "pieces.h"

#define SRB_TAG	'xbrS'
#define MAX_PHYS_SEGMENTS	64

typedef PHYSICAL_ADDRESS STOR_PHYSICAL_ADDRESS;

#include <pshpack4.h>
typedef struct _VIRTIO_SG {
	STOR_PHYSICAL_ADDRESS physAddr;
	ULONG length;
} VIRTIO_SG, *PVIRTIO_SG;
#include <poppack.h>

typedef struct _SRB_EXTENSION {
	SLIST_ENTRY Link;
	LIST_ENTRY list_entry;
	PSCATTER_GATHER_LIST Sgl;
	ULONG out, in;
	ULONG time;
	_Field_size_(MAX_PHYS_SEGMENTS) VIRTIO_SG sg[MAX_PHYS_SEGMENTS + 2];
	DECLSPEC_ALIGN(MEMORY_ALLOCATION_ALIGNMENT) UCHAR Sense[252];
} SRB_EXTENSION, *PSRB_EXTENSION;

C_ASSERT(sizeof(VIRTIO_SG) == 12);
C_ASSERT(__alignof(SRB_EXTENSION) == 16);

typedef struct _ADAPTER_EXTENSION {
	PDMA_ADAPTER DmaAdapter;
	PDEVICE_OBJECT DeviceObject;
	LOOKASIDE_LIST_EX Extensions;
	DECLSPEC_CACHEALIGN SLIST_HEADER Free;
	EX_RUNDOWN_REF Rundown;
	KSPIN_LOCK Lock;
	LIST_ENTRY Active;
	ULONG NumberOfMapRegisters;
	LARGE_INTEGER Bytes;
} ADAPTER_EXTENSION, *PADAPTER_EXTENSION;

_Function_class_(ALLOCATE_FUNCTION_EX)
static PVOID
ExtensionAllocate(
	_In_ POOL_TYPE PoolType,
	_In_ SIZE_T NumberOfBytes,
	_In_ ULONG Tag,
	_Inout_ PLOOKASIDE_LIST_EX Lookaside
	)
{
	UNREFERENCED_PARAMETER(Lookaside);
	return ExAllocatePoolZero(PoolType, NumberOfBytes, Tag);
}

NTSTATUS
AdapterInitialize(
	_Out_ PADAPTER_EXTENSION Adapter,
	_In_ PDEVICE_OBJECT DeviceObject
	)
{
	DEVICE_DESCRIPTION Description;

	RtlZeroMemory(Adapter, sizeof(*Adapter));
	RtlZeroMemory(&Description, sizeof(DEVICE_DESCRIPTION));
	Description.Version = DEVICE_DESCRIPTION_VERSION2;
	Description.Master = TRUE;
	Description.ScatterGather = TRUE;
	Description.Dma64BitAddresses = TRUE;
	Description.InterfaceType = PCIBus;
	Description.MaximumLength = MAX_PHYS_SEGMENTS << PAGE_SHIFT;
	Adapter->DeviceObject = DeviceObject;
	Adapter->DmaAdapter = IoGetDmaAdapter(DeviceObject, &Description,
					      &Adapter->NumberOfMapRegisters);
	if (Adapter->DmaAdapter == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	InitializeListHead(&Adapter->Active);
	InitializeSListHead(&Adapter->Free);
	KeInitializeSpinLock(&Adapter->Lock);
	ExInitializeRundownProtection(&Adapter->Rundown);
	return ExInitializeLookasideListEx(&Adapter->Extensions, ExtensionAllocate, NULL,
					   NonPagedPoolNx, 0, sizeof(SRB_EXTENSION), SRB_TAG, 0);
}

_Use_decl_annotations_
static VOID
AdapterList(
	PDEVICE_OBJECT DeviceObject,
	PIRP Irp,
	PSCATTER_GATHER_LIST Sgl,
	PVOID Context
	)
{
	PSRB_EXTENSION srbExt = (PSRB_EXTENSION)Context;
	ULONG i;

	UNREFERENCED_PARAMETER(DeviceObject);
	UNREFERENCED_PARAMETER(Irp);
	srbExt->Sgl = Sgl;
	for (i = 0; i < Sgl->NumberOfElements && i < MAX_PHYS_SEGMENTS; i++) {
		srbExt->sg[i].physAddr = Sgl->Elements[i].Address;
		srbExt->sg[i].length = Sgl->Elements[i].Length;
	}
	srbExt->out = i;
}

NTSTATUS
AdapterStart(
	_Inout_ PADAPTER_EXTENSION Adapter,
	_In_ PMDL Mdl
	)
{
	PSRB_EXTENSION srbExt = NULL;
	PSLIST_ENTRY Entry;
	NTSTATUS Status;
	KIRQL Irql;

	if (!ExAcquireRundownProtection(&Adapter->Rundown))
		return STATUS_DELETE_PENDING;
	Entry = InterlockedPopEntrySList(&Adapter->Free);
	if (Entry)
		srbExt = CONTAINING_RECORD(Entry, SRB_EXTENSION, Link);
	else
		srbExt = ExAllocateFromLookasideListEx(&Adapter->Extensions);
	if (!srbExt) {
		ExReleaseRundownProtection(&Adapter->Rundown);
		return STATUS_INSUFFICIENT_RESOURCES;
	}

	ExInterlockedInsertTailList(&Adapter->Active, &srbExt->list_entry, &Adapter->Lock);
	InterlockedAdd64(&Adapter->Bytes.QuadPart, MmGetMdlByteCount(Mdl));
	KeRaiseIrql(DISPATCH_LEVEL, &Irql);
	Status = Adapter->DmaAdapter->DmaOperations->GetScatterGatherList(
		Adapter->DmaAdapter, Adapter->DeviceObject, Mdl, MmGetMdlVirtualAddress(Mdl),
		MmGetMdlByteCount(Mdl), AdapterList, srbExt, TRUE);
	KeLowerIrql(Irql);
	return Status;
}

VOID
AdapterComplete(
	_Inout_ PADAPTER_EXTENSION Adapter
	)
{
	PLIST_ENTRY Entry = ExInterlockedRemoveHeadList(&Adapter->Active, &Adapter->Lock);
	PSRB_EXTENSION srbExt;

	if (Entry == NULL)
		return;
	srbExt = CONTAINING_RECORD(Entry, SRB_EXTENSION, list_entry);
	Adapter->DmaAdapter->DmaOperations->PutScatterGatherList(Adapter->DmaAdapter,
								 srbExt->Sgl, TRUE);
	RtlSecureZeroMemory(srbExt->Sense, sizeof(srbExt->Sense));
	InterlockedPushEntrySList(&Adapter->Free, &srbExt->Link);
	ExReleaseRundownProtection(&Adapter->Rundown);
}

VOID
AdapterStop(
	_Inout_ PADAPTER_EXTENSION Adapter
	)
{
	PSLIST_ENTRY Entry, Next;

	ExWaitForRundownProtectionRelease(&Adapter->Rundown);
	for (Entry = InterlockedFlushSList(&Adapter->Free); Entry; Entry = Next) {
		Next = Entry->Next;
		ExFreeToLookasideListEx(&Adapter->Extensions,
					CONTAINING_RECORD(Entry, SRB_EXTENSION, Link));
	}
	ExDeleteLookasideListEx(&Adapter->Extensions);
	Adapter->DmaAdapter->DmaOperations->PutDmaAdapter(Adapter->DmaAdapter);
}
