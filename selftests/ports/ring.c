// SPDX-License-Identifier: GPL-2.0
/*
 * A Windows driver: one direction of a channel as that of a virtual machine's bus. A
 * page of indices is followed by pages of data, which are mapped a second time behind
 * themselves: a packet that begins near the end goes on in the second mapping, which
 * is the ring's start, so nobody ever copies one in two parts. The sender's view is
 * mapped for as long as the ring exists. The receiver has address space in reserve,
 * and maps its view at DISPATCH_LEVEL, for as long as it looks at packets.
 */
#include "ring.h"

#define RING_TAG		'gniR'
#define RING_TAG_VIEW		'eiVR'

#define RING_LARGEST_PACKET	1500
#define RING_PATTERN		256

/* What both sides see. Indices count bytes, and wrap at 2^32. */
typedef struct _RING_CONTROL {
	volatile ULONG In;
	UCHAR Reserved1[60];
	volatile ULONG Out;
	UCHAR Reserved2[60];
} RING_CONTROL, *PRING_CONTROL;

C_ASSERT(FIELD_OFFSET(RING_CONTROL, Out) == 64);

typedef struct _PACKET {
	ULONG Length;
	ULONG Sequence;
	UCHAR Data[];
} PACKET, *PPACKET;

#define PACKET_SIZE(Length) \
	((ULONG)ALIGN_UP_BY(FIELD_OFFSET(PACKET, Data) + (Length), 8))

typedef struct _RING {
	RING_MEMORY Memory;
	ULONG DataPages;
	ULONG DataBytes;
	/* What the ring is made of: the page of indices, and those of data. */
	PVOID Contiguous;
	PMDL Pages;

	KSPIN_LOCK SendLock;
	PMDL SenderMdl;
	PRING_CONTROL Control;
	PUCHAR Data;
	ULONG Sent;
	ULONG Wrapped;

	KSPIN_LOCK ReceiveLock;
	PMDL ReceiverMdl;
	PVOID ReceiverSpace;
	volatile LONG Received;
	volatile LONG Damaged;

	/* Packets are parts of it. */
	UCHAR Pattern[RING_PATTERN + RING_LARGEST_PACKET];
} RING;

/* The first page of data comes behind that of the indices. */
FORCEINLINE PUCHAR RingDataOf(_In_ PRING_CONTROL Control)
{
	return (PUCHAR)Control + PAGE_SIZE;
}

FORCEINLINE ULONG RingViewBytes(_In_ PRING Ring)
{
	return PAGE_SIZE + 2 * Ring->DataBytes;
}

/* An MDL of the ring in which each page of data is twice. */
_Ret_maybenull_
static PMDL RingBuildDoubledMdl(_In_ PRING Ring)
{
	PPFN_NUMBER Source = MmGetMdlPfnArray(Ring->Pages), Target;
	PMDL Mdl;

	Mdl = IoAllocateMdl(NULL, RingViewBytes(Ring), FALSE, FALSE, NULL);
	if (Mdl == NULL)
		return NULL;
	Target = MmGetMdlPfnArray(Mdl);
	RtlCopyMemory(Target, Source, (1 + Ring->DataPages) * sizeof(PFN_NUMBER));
	RtlCopyMemory(Target + 1 + Ring->DataPages, Source + 1,
		      Ring->DataPages * sizeof(PFN_NUMBER));
	/* They do not move: the ring has them. */
	Mdl->MdlFlags |= MDL_PAGES_LOCKED;
	return Mdl;
}

static VOID RingFreeDoubledMdl(_In_ _Post_invalid_ PMDL Mdl)
{
	Mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
	IoFreeMdl(Mdl);
}

static NTSTATUS RingAllocateMemory(_Inout_ PRING Ring)
{
	SIZE_T Bytes = PAGE_SIZE + Ring->DataBytes;
	PHYSICAL_ADDRESS Lowest, Highest, Skip;

	PAGED_CODE();

	Lowest.QuadPart = 0;
	Highest.QuadPart = MAXLONGLONG;
	Skip.QuadPart = 0;
	if (Ring->Memory == RingOfPages) {
		Ring->Pages = MmAllocatePagesForMdlEx(Lowest, Highest, Skip, Bytes,
						      MmCached,
						      MM_ALLOCATE_FULLY_REQUIRED);
		return Ring->Pages ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
	}
	Ring->Contiguous = MmAllocateContiguousMemory(Bytes, Highest);
	if (Ring->Contiguous == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	RtlZeroMemory(Ring->Contiguous, Bytes);
	Ring->Pages = IoAllocateMdl(Ring->Contiguous, (ULONG)Bytes, FALSE, FALSE,
				    NULL);
	if (Ring->Pages == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	MmBuildMdlForNonPagedPool(Ring->Pages);
	return STATUS_SUCCESS;
}

static VOID RingFreeMemory(_Inout_ PRING Ring)
{
	if (Ring->Pages != NULL && Ring->Memory == RingOfPages) {
		MmFreePagesFromMdl(Ring->Pages);
		ExFreePool(Ring->Pages);
	} else if (Ring->Pages != NULL) {
		IoFreeMdl(Ring->Pages);
	}
	if (Ring->Contiguous != NULL)
		MmFreeContiguousMemory(Ring->Contiguous);
}

_Use_decl_annotations_
VOID RingDelete(PRING Ring)
{
	PAGED_CODE();

	if (Ring->Control != NULL)
		MmUnmapLockedPages(Ring->Control, Ring->SenderMdl);
	if (Ring->SenderMdl != NULL)
		RingFreeDoubledMdl(Ring->SenderMdl);
	if (Ring->ReceiverMdl != NULL)
		RingFreeDoubledMdl(Ring->ReceiverMdl);
	if (Ring->ReceiverSpace != NULL)
		MmFreeMappingAddress(Ring->ReceiverSpace, RING_TAG_VIEW);
	RingFreeMemory(Ring);
	ExFreePoolWithTag(Ring, RING_TAG);
}

/* Whether each page of data is where it should be, twice. */
static BOOLEAN RingIsDoubled(_In_ PRING Ring)
{
	PPFN_NUMBER Pfns = MmGetMdlPfnArray(Ring->Pages);
	ULONG Page;

	for (Page = 0; Page < Ring->DataPages; Page++) {
		PUCHAR First = Ring->Data + Page * PAGE_SIZE;
		PUCHAR Second = First + Ring->DataBytes;
		LONGLONG Address = (LONGLONG)Pfns[1 + Page] << PAGE_SHIFT;

		if (MmGetPhysicalAddress(First).QuadPart != Address ||
		    MmGetPhysicalAddress(Second).QuadPart != Address)
			return FALSE;
		First[Page] = (UCHAR)(Page + 1);
		if (*(volatile UCHAR *)&Second[Page] != (UCHAR)(Page + 1))
			return FALSE;
	}
	return TRUE;
}

_Use_decl_annotations_
NTSTATUS RingCreate(RING_MEMORY Memory, ULONG DataPages, PRING *Result)
{
	NTSTATUS Status;
	PRING Ring;
	ULONG Index;

	PAGED_CODE();

	*Result = NULL;
	if (DataPages == 0 || (DataPages & (DataPages - 1)) != 0)
		return STATUS_INVALID_PARAMETER_2;
	Ring = (PRING)ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(RING), RING_TAG);
	if (Ring == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Ring->Memory = Memory;
	Ring->DataPages = DataPages;
	Ring->DataBytes = DataPages << PAGE_SHIFT;
	KeInitializeSpinLock(&Ring->SendLock);
	KeInitializeSpinLock(&Ring->ReceiveLock);
	for (Index = 0; Index < sizeof(Ring->Pattern); Index++)
		Ring->Pattern[Index] = (UCHAR)(Index * 167 >> 3);

	Status = RingAllocateMemory(Ring);
	if (!NT_SUCCESS(Status))
		goto Fail;

	Status = STATUS_INSUFFICIENT_RESOURCES;
	Ring->SenderMdl = RingBuildDoubledMdl(Ring);
	Ring->ReceiverMdl = RingBuildDoubledMdl(Ring);
	Ring->ReceiverSpace = MmAllocateMappingAddress(RingViewBytes(Ring),
						       RING_TAG_VIEW);
	if (Ring->SenderMdl == NULL || Ring->ReceiverMdl == NULL ||
	    Ring->ReceiverSpace == NULL)
		goto Fail;
	Ring->Control = (PRING_CONTROL)
		MmMapLockedPagesSpecifyCache(Ring->SenderMdl, KernelMode, MmCached,
					     NULL, FALSE, NormalPagePriority |
					     MdlMappingNoExecute);
	if (Ring->Control == NULL)
		goto Fail;
	Ring->Data = RingDataOf(Ring->Control);
	if (!RingIsDoubled(Ring)) {
		Status = STATUS_INTERNAL_ERROR;
		goto Fail;
	}
	*Result = Ring;
	return STATUS_SUCCESS;

Fail:
	RingDelete(Ring);
	return Status;
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static NTSTATUS
RingSend(
	_Inout_ PRING Ring,
	_In_reads_bytes_(Length) const UCHAR *Data,
	_In_ ULONG Length
	)
{
	NTSTATUS Status = STATUS_SUCCESS;
	ULONG In, Offset;
	PPACKET Packet;
	KIRQL OldIrql;

	KeAcquireSpinLock(&Ring->SendLock, &OldIrql);
	In = Ring->Control->In;
	if (PACKET_SIZE(Length) > Ring->DataBytes - (In - Ring->Control->Out)) {
		Status = STATUS_DEVICE_BUSY;
		goto Unlock;
	}
	/* What is free was read before. */
	KeMemoryBarrier();
	Offset = In & (Ring->DataBytes - 1);
	Packet = (PPACKET)(Ring->Data + Offset);
	Packet->Length = Length;
	Packet->Sequence = Ring->Sent++;
	RtlCopyMemory(Packet->Data, Data, Length);
	if (Offset + PACKET_SIZE(Length) > Ring->DataBytes)
		Ring->Wrapped++;
	/* The packet has to be there before the index says so. */
	KeMemoryBarrier();
	Ring->Control->In = In + PACKET_SIZE(Length);
Unlock:
	KeReleaseSpinLock(&Ring->SendLock, OldIrql);
	return Status;
}

static BOOLEAN RingIsAsSent(_In_ PRING Ring, _In_ PPACKET Packet)
{
	return Packet->Sequence == (ULONG)Ring->Received &&
	       Packet->Length <= RING_LARGEST_PACKET &&
	       RtlEqualMemory(Packet->Data,
			      &Ring->Pattern[Packet->Sequence % RING_PATTERN],
			      Packet->Length);
}

_Use_decl_annotations_
NTSTATUS RingReceiveDpc(PRING Ring)
{
	NTSTATUS Status = STATUS_SUCCESS;
	PRING_CONTROL Control;
	KIRQL OldIrql;
	ULONG Out, In;

	KeAcquireSpinLock(&Ring->ReceiveLock, &OldIrql);
	NT_ASSERT(KeGetCurrentIrql() == DISPATCH_LEVEL);
	Control = (PRING_CONTROL)
		MmMapLockedPagesWithReservedMapping(Ring->ReceiverSpace,
						    RING_TAG_VIEW,
						    Ring->ReceiverMdl, MmCached);
	if (Control == NULL) {
		Status = STATUS_DEVICE_BUSY;
		goto Unlock;
	}
	NT_ASSERT((PVOID)Control == Ring->ReceiverSpace && Control != Ring->Control);
	In = Control->In;
	KeMemoryBarrier();
	for (Out = Control->Out; Out != In;) {
		ULONG Offset = Out & (Ring->DataBytes - 1);
		PPACKET Packet = (PPACKET)(RingDataOf(Control) + Offset);

		if (!RingIsAsSent(Ring, Packet))
			InterlockedIncrement(&Ring->Damaged);
		Out += PACKET_SIZE(Packet->Length);
		InterlockedIncrement(&Ring->Received);
	}
	/* Nothing is read behind this. */
	KeMemoryBarrier();
	Control->Out = Out;
	MmUnmapReservedMapping(Control, RING_TAG_VIEW, Ring->ReceiverMdl);
Unlock:
	KeReleaseSpinLock(&Ring->ReceiveLock, OldIrql);
	return Status;
}

_Use_decl_annotations_
NTSTATUS RingExercise(PRING Ring, ULONG Packets, PRING_WAIT Wait)
{
	ULONG First = Ring->Sent, Sequence;

	PAGED_CODE();

	for (Sequence = First; Sequence != First + Packets;) {
		NTSTATUS Status;

		Status = RingSend(Ring, &Ring->Pattern[Sequence % RING_PATTERN],
				  (Sequence * 37) % (RING_LARGEST_PACKET + 1));
		if (NT_SUCCESS(Status))
			Sequence++;
		else if (Status == STATUS_DEVICE_BUSY)
			Wait(Ring);
		else
			return Status;
		if (Ring->Damaged != 0)
			return STATUS_DATA_ERROR;
	}
	while ((ULONG)InterlockedCompareExchange(&Ring->Received, 0, 0) != Ring->Sent &&
	       Ring->Damaged == 0)
		Wait(Ring);
	if (Ring->Damaged != 0)
		return STATUS_DATA_ERROR;
	/* There have to be packets that wrap, or nothing was tried. */
	return Ring->Wrapped > 0 ? STATUS_SUCCESS : STATUS_NOT_FOUND;
}

_Use_decl_annotations_
NTSTATUS RingForgetView(VOID)
{
	PAGED_CODE();

	if (MmAllocateMappingAddress(3 * PAGE_SIZE, RING_TAG_VIEW) == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	return STATUS_SUCCESS;
}
