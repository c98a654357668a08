// SPDX-License-Identifier: GPL-2.0
/*
 * A Windows driver: the schedule of a USB host controller. The frame list and the
 * transfer descriptors are contiguous memory that the controller reads, endpoints
 * are tagged pool, and what is free waits in a sequenced list.
 */
#include "usb.h"

#define USB_TAG_SCHEDULE	'hcSU'
#define USB_TAG_ENDPOINT	'dnEU'
#define USB_TAG_TRANSFER	'rxTU'

#define USB_FRAMES		1024
#define USB_DESCRIPTORS		256
#define USB_LINK_TERMINATE	0x00000001
#define USB_STATUS_ACTIVE	0x00800000

/* What the controller reads: 64 bytes, of which it knows the first 16. */
typedef struct DECLSPEC_ALIGN(64) _TRANSFER_DESCRIPTOR {
	ULONG Link;
	ULONG Status;
	ULONG Token;
	ULONG Buffer;
	SLIST_ENTRY FreeEntry;
	PHYSICAL_ADDRESS Pa;
} TRANSFER_DESCRIPTOR, *PTRANSFER_DESCRIPTOR;

C_ASSERT(sizeof(TRANSFER_DESCRIPTOR) == 64);
C_ASSERT(FIELD_OFFSET(TRANSFER_DESCRIPTOR, Buffer) == 12);

typedef struct _ENDPOINT {
	LIST_ENTRY Link;
	LIST_ENTRY Transfers;
	KSPIN_LOCK Lock;
	UCHAR Address;
	LONG References;
} ENDPOINT, *PENDPOINT;

typedef struct _TRANSFER {
	LIST_ENTRY Link;
	PTRANSFER_DESCRIPTOR Descriptor;
	ULONG Length;
	UCHAR Data[];
} TRANSFER, *PTRANSFER;

typedef struct _SCHEDULE {
	KSPIN_LOCK Lock;
	LIST_ENTRY Endpoints;
	SLIST_HEADER FreeDescriptors;
	PULONG FrameList;
	PHYSICAL_ADDRESS FrameListPa;
	PTRANSFER_DESCRIPTOR Descriptors;
	LONG Completed;
} SCHEDULE;

_Use_decl_annotations_
VOID UsbDeleteSchedule(PSCHEDULE Schedule)
{
	PAGED_CODE();

	NT_ASSERT(IsListEmpty(&Schedule->Endpoints));
	if (Schedule->Descriptors != NULL)
		MmFreeContiguousMemory(Schedule->Descriptors);
	if (Schedule->FrameList != NULL)
		MmFreeContiguousMemorySpecifyCache(Schedule->FrameList,
						   USB_FRAMES * sizeof(ULONG),
						   MmCached);
	ExFreePoolWithTag(Schedule, USB_TAG_SCHEDULE);
}

_Use_decl_annotations_
NTSTATUS UsbCreateSchedule(PSCHEDULE *Result)
{
	PHYSICAL_ADDRESS Lowest, Highest, Boundary;
	PSCHEDULE Schedule;
	ULONG Index;

	PAGED_CODE();

	*Result = NULL;
	Schedule = (PSCHEDULE)ExAllocatePool2(POOL_FLAG_NON_PAGED,
					      sizeof(SCHEDULE),
					      USB_TAG_SCHEDULE);
	if (Schedule == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;

	KeInitializeSpinLock(&Schedule->Lock);
	InitializeListHead(&Schedule->Endpoints);
	InitializeSListHead(&Schedule->FreeDescriptors);

	/* The controller has 32 address lines. */
	Lowest.QuadPart = 0;
	Highest.QuadPart = MAXULONG;
	Boundary.QuadPart = 0;
	Schedule->FrameList = (PULONG)
		MmAllocateContiguousMemorySpecifyCache(USB_FRAMES * sizeof(ULONG),
						       Lowest, Highest,
						       Boundary, MmCached);
	Schedule->Descriptors = (PTRANSFER_DESCRIPTOR)
		MmAllocateContiguousMemory(USB_DESCRIPTORS *
					   sizeof(TRANSFER_DESCRIPTOR),
					   Highest);
	if (Schedule->FrameList == NULL || Schedule->Descriptors == NULL) {
		UsbDeleteSchedule(Schedule);
		return STATUS_INSUFFICIENT_RESOURCES;
	}

	Schedule->FrameListPa = MmGetPhysicalAddress(Schedule->FrameList);
	NT_ASSERT(BYTE_OFFSET(Schedule->FrameList) == 0);
	NT_ASSERT(Schedule->FrameListPa.HighPart == 0);
	for (Index = 0; Index < USB_FRAMES; Index++)
		Schedule->FrameList[Index] = USB_LINK_TERMINATE;

	RtlZeroMemory(Schedule->Descriptors,
		      USB_DESCRIPTORS * sizeof(TRANSFER_DESCRIPTOR));
	for (Index = 0; Index < USB_DESCRIPTORS; Index++) {
		PTRANSFER_DESCRIPTOR Descriptor = &Schedule->Descriptors[Index];

		Descriptor->Pa = MmGetPhysicalAddress(Descriptor);
		InterlockedPushEntrySList(&Schedule->FreeDescriptors,
					  &Descriptor->FreeEntry);
	}
	*Result = Schedule;
	return STATUS_SUCCESS;
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static NTSTATUS
UsbOpenEndpoint(
	_In_ PSCHEDULE Schedule,
	_In_ UCHAR Address,
	_Outptr_ PENDPOINT *Result
	)
{
	PENDPOINT Endpoint;

	/* The controller writes to its neighbours' cache lines. */
	Endpoint = (PENDPOINT)ExAllocatePool2(POOL_FLAG_NON_PAGED |
					      POOL_FLAG_CACHE_ALIGNED,
					      sizeof(ENDPOINT),
					      USB_TAG_ENDPOINT);
	if (Endpoint == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	NT_ASSERT(((ULONG_PTR)Endpoint & (SYSTEM_CACHE_ALIGNMENT_SIZE - 1)) == 0);

	KeInitializeSpinLock(&Endpoint->Lock);
	InitializeListHead(&Endpoint->Transfers);
	Endpoint->Address = Address;
	Endpoint->References = 1;
	ExInterlockedInsertTailList(&Schedule->Endpoints, &Endpoint->Link,
				    &Schedule->Lock);
	*Result = Endpoint;
	return STATUS_SUCCESS;
}

static VOID UsbCloseEndpoint(IN PSCHEDULE Schedule, IN PENDPOINT Endpoint)
{
	KIRQL OldIrql;

	if (InterlockedDecrement(&Endpoint->References) != 0)
		return;
	KeAcquireSpinLock(&Schedule->Lock, &OldIrql);
	RemoveEntryList(&Endpoint->Link);
	KeReleaseSpinLock(&Schedule->Lock, OldIrql);
	ExFreePool(Endpoint);
}

static NTSTATUS
UsbSubmit(
	IN PSCHEDULE Schedule,
	IN PENDPOINT Endpoint,
	IN const UCHAR *Data,
	IN ULONG Length
	)
{
	PSLIST_ENTRY Free;
	PTRANSFER Transfer;
	KIRQL OldIrql;

	Transfer = (PTRANSFER)
		ExAllocatePoolWithTag(NonPagedPoolNx,
				      FIELD_OFFSET(TRANSFER, Data) + Length,
				      USB_TAG_TRANSFER);
	if (Transfer == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Free = InterlockedPopEntrySList(&Schedule->FreeDescriptors);
	if (Free == NULL) {
		ExFreePoolWithTag(Transfer, USB_TAG_TRANSFER);
		return STATUS_DEVICE_BUSY;
	}
	Transfer->Descriptor = CONTAINING_RECORD(Free, TRANSFER_DESCRIPTOR,
						 FreeEntry);
	Transfer->Length = Length;
	RtlCopyMemory(Transfer->Data, Data, Length);

	InterlockedIncrement(&Endpoint->References);
	KeAcquireSpinLock(&Endpoint->Lock, &OldIrql);
	NT_ASSERT(KeGetCurrentIrql() == DISPATCH_LEVEL);
	InsertTailList(&Endpoint->Transfers, &Transfer->Link);
	Transfer->Descriptor->Token = Length << 21 | Endpoint->Address;
	Transfer->Descriptor->Status = USB_STATUS_ACTIVE;
	Schedule->FrameList[Endpoint->Address] =
		Transfer->Descriptor->Pa.LowPart;
	KeReleaseSpinLock(&Endpoint->Lock, OldIrql);
	return STATUS_SUCCESS;
}

/* The controller's interrupt is served: all transfers of an endpoint are done. */
_IRQL_requires_(DISPATCH_LEVEL)
static VOID UsbCompleteDpc(PSCHEDULE Schedule, PENDPOINT Endpoint, PUCHAR Expected)
{
	LIST_ENTRY Done;
	KIRQL OldIrql;

	InitializeListHead(&Done);
	KeAcquireSpinLock(&Endpoint->Lock, &OldIrql);
	while (!IsListEmpty(&Endpoint->Transfers))
		InsertTailList(&Done, RemoveHeadList(&Endpoint->Transfers));
	Schedule->FrameList[Endpoint->Address] = USB_LINK_TERMINATE;
	KeReleaseSpinLock(&Endpoint->Lock, OldIrql);

	while (!IsListEmpty(&Done)) {
		PTRANSFER Transfer = CONTAINING_RECORD(RemoveHeadList(&Done),
						       TRANSFER, Link);

		NT_ASSERT(RtlEqualMemory(Transfer->Data, Expected,
					 Transfer->Length));
		NT_ASSERT(FlagOn(Transfer->Descriptor->Status,
				 USB_STATUS_ACTIVE));
		ClearFlag(Transfer->Descriptor->Status, USB_STATUS_ACTIVE);
		InterlockedPushEntrySList(&Schedule->FreeDescriptors,
					  &Transfer->Descriptor->FreeEntry);
		ExFreePoolWithTag(Transfer, USB_TAG_TRANSFER);
		InterlockedIncrement(&Schedule->Completed);
		UsbCloseEndpoint(Schedule, Endpoint);
	}
}

_Use_decl_annotations_
NTSTATUS UsbExercise(PSCHEDULE Schedule, ULONG Rounds)
{
	PENDPOINT Endpoints[8];
	NTSTATUS Status;
	UCHAR Data[200];
	ULONG Round, Index;

	PAGED_CODE();

	RtlFillMemory(Data, sizeof(Data), 0x5a);
	for (Round = 0; Round < Rounds; Round++) {
		for (Index = 0; Index < RTL_NUMBER_OF(Endpoints); Index++) {
			Status = UsbOpenEndpoint(Schedule, (UCHAR)Index,
						 &Endpoints[Index]);
			if (!NT_SUCCESS(Status))
				goto Close;
			Status = UsbSubmit(Schedule, Endpoints[Index], Data,
					   1 + (Round + Index) % sizeof(Data));
			if (NT_SUCCESS(Status))
				Status = UsbSubmit(Schedule, Endpoints[Index],
						   Data, sizeof(Data));
			if (!NT_SUCCESS(Status)) {
				Index++;
				goto Close;
			}
		}
Close:
		while (Index-- > 0) {
			UsbCompleteDpc(Schedule, Endpoints[Index], Data);
			UsbCloseEndpoint(Schedule, Endpoints[Index]);
		}
		if (!NT_SUCCESS(Status))
			return Status;
	}
	if (Schedule->Completed != (LONG)(Rounds * 16) ||
	    !IsListEmpty(&Schedule->Endpoints) ||
	    QueryDepthSList(&Schedule->FreeDescriptors) != USB_DESCRIPTORS)
		return STATUS_INTERNAL_ERROR;
	return STATUS_SUCCESS;
}

_Use_decl_annotations_
NTSTATUS UsbForgetEndpoint(PSCHEDULE Schedule)
{
	PENDPOINT Endpoint;
	NTSTATUS Status;

	Status = UsbOpenEndpoint(Schedule, 0, &Endpoint);
	if (NT_SUCCESS(Status))
		RemoveEntryList(&Endpoint->Link);
	return Status;
}
