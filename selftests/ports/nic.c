// SPDX-License-Identifier: GPL-2.0
/*
 * A Windows driver: the rings of a network card, and of the protocol above it what
 * sends and receives. Descriptors are in common buffers, and a receive buffer in pool
 * is mapped for the card as long as it is in the ring. What is sent has its header
 * and its payload in a chain of two MDLs. Each frame on its way has a record from a
 * lookaside list.
 */
#include "nic.h"

#define NIC_TAG_ADAPTER		'dAcN'
#define NIC_TAG_RECORD		'bNcN'
#define NIC_TAG_RECEIVE		'xRcN'
#define NIC_TAG_DATA		'aDcN'

/* More than the ring has, as protocols keep some for a while. */
#define NIC_RECEIVE_BUFFERS	(NIC_RING_ENTRIES + 16)
#define NIC_MAXIMUM_FRAME	1514
#define NIC_HEADER_SIZE		sizeof(PROTOCOL_HEADER)
/* A page each, so that the card finds it in one piece. */
#define NIC_BUFFER_SIZE		PAGE_SIZE
#define NIC_RING_SIZE		(NIC_RING_ENTRIES * sizeof(NIC_DESCRIPTOR))
/* What one frame may take, and the rings. */
#define NIC_MAXIMUM_LENGTH	(16 * PAGE_SIZE)

C_ASSERT(sizeof(NIC_DESCRIPTOR) == 16);

#include <pshpack1.h>
typedef struct _PROTOCOL_HEADER {
	UCHAR Destination[6];
	UCHAR Source[6];
	USHORT EtherType;
	ULONG Sequence;
	USHORT Length;
} PROTOCOL_HEADER, *PPROTOCOL_HEADER;
#include <poppack.h>

C_ASSERT(sizeof(PROTOCOL_HEADER) == 20);

typedef struct _NIC_RECEIVE_BUFFER {
	LIST_ENTRY Link;
	PNIC_ADAPTER Adapter;
	PUCHAR Data;
	PMDL Mdl;
	PSCATTER_GATHER_LIST List;
} NIC_RECEIVE_BUFFER, *PNIC_RECEIVE_BUFFER;

/* What NDIS has a NET_BUFFER for: a frame on its way. */
typedef struct _NIC_RECORD {
	LIST_ENTRY Link;
	PNIC_ADAPTER Adapter;
	PMDL Mdl;
	ULONG DataLength;
	PSCATTER_GATHER_LIST List;
	ULONG LastDescriptor;
	/* One that was received. */
	PNIC_RECEIVE_BUFFER Buffer;
} NIC_RECORD, *PNIC_RECORD;

typedef struct _NIC_RING {
	PNIC_DESCRIPTOR Descriptors;
	PHYSICAL_ADDRESS LogicalAddress;
	KSPIN_LOCK Lock;
	/* Where the next descriptor is given to the card, and taken back. */
	ULONG Tail, Head;
	ULONG Used;
	/* Those that will be used as soon as a buffer is mapped. */
	ULONG Reserved;
} NIC_RING, *PNIC_RING;

typedef struct _NIC_ADAPTER {
	PDEVICE_OBJECT DeviceObject;
	PDMA_ADAPTER DmaAdapter;
	ULONG MapRegisters;
	NPAGED_LOOKASIDE_LIST Records;

	NIC_RING Transmit;
	LIST_ENTRY Posted, Waiting;

	NIC_RING Receive;
	PNIC_RECEIVE_BUFFER InRing[NIC_RING_ENTRIES];
	LIST_ENTRY Spare;
	NIC_RECEIVE_BUFFER Buffers[NIC_RECEIVE_BUFFERS];

	/* The protocol's. */
	KSPIN_LOCK ProtocolLock;
	LIST_ENTRY Kept;
	volatile LONG Sent, Completed, Received, Waited, Wrong;
} NIC_ADAPTER;

static VOID ProtocolSendComplete(_In_ PNIC_RECORD Record);
static VOID ProtocolReceive(_In_ PNIC_RECORD Record);

/* Rings */

static NTSTATUS NicAllocateRing(_In_ PNIC_ADAPTER Adapter, _Inout_ PNIC_RING Ring)
{
	PDMA_ADAPTER Dma = Adapter->DmaAdapter;

	PAGED_CODE();

	KeInitializeSpinLock(&Ring->Lock);
	Ring->Descriptors = (PNIC_DESCRIPTOR)
		Dma->DmaOperations->AllocateCommonBuffer(Dma, NIC_RING_SIZE,
							 &Ring->LogicalAddress,
							 TRUE);
	if (Ring->Descriptors == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	RtlZeroMemory(Ring->Descriptors, NIC_RING_SIZE);
	return STATUS_SUCCESS;
}

static VOID NicFreeRing(_In_ PNIC_ADAPTER Adapter, _Inout_ PNIC_RING Ring)
{
	PDMA_ADAPTER Dma = Adapter->DmaAdapter;

	PAGED_CODE();

	if (Ring->Descriptors != NULL)
		Dma->DmaOperations->FreeCommonBuffer(Dma, NIC_RING_SIZE,
						     Ring->LogicalAddress,
						     Ring->Descriptors, TRUE);
	Ring->Descriptors = NULL;
}

static BOOLEAN NicIsOwnedByCard(_In_ const NIC_DESCRIPTOR *Descriptor)
{
	BOOLEAN Owned = BooleanFlagOn(*(volatile const USHORT *)&Descriptor->Flags,
				      NIC_DESCRIPTOR_OWN);

	/* What else the card wrote, it wrote before. */
	KeMemoryBarrier();
	return Owned;
}

/* The card may look at it as soon as it has the flag. */
static VOID NicGiveToCard(_Inout_ PNIC_DESCRIPTOR Descriptor, _In_ USHORT Flags)
{
	KeMemoryBarrier();
	*(volatile USHORT *)&Descriptor->Flags = Flags | NIC_DESCRIPTOR_OWN;
}

/* Receiving */

/* The buffer is mapped for the card: it can go into the ring. */
static DRIVER_LIST_CONTROL NicReceiveList;

static VOID
NicReceiveList(
	PDEVICE_OBJECT DeviceObject,
	PIRP Irp,
	PSCATTER_GATHER_LIST List,
	PVOID Context
	)
{
	PNIC_RECEIVE_BUFFER Buffer = (PNIC_RECEIVE_BUFFER)Context;
	PNIC_ADAPTER Adapter = Buffer->Adapter;
	PNIC_RING Ring = &Adapter->Receive;
	PNIC_DESCRIPTOR Descriptor;

	UNREFERENCED_PARAMETER(DeviceObject);
	UNREFERENCED_PARAMETER(Irp);

	NT_ASSERT(List->NumberOfElements == 1);
	NT_ASSERT(List->Elements[0].Length == NIC_BUFFER_SIZE);
	Buffer->List = List;

	KeAcquireSpinLockAtDpcLevel(&Ring->Lock);
	NT_ASSERT(Ring->Reserved > 0 && Ring->Used < NIC_RING_ENTRIES);
	Ring->Reserved--;
	Descriptor = &Ring->Descriptors[Ring->Tail];
	Descriptor->Address = List->Elements[0].Address.QuadPart;
	Descriptor->Length = NIC_BUFFER_SIZE;
	Adapter->InRing[Ring->Tail] = Buffer;
	Ring->Tail = (Ring->Tail + 1) % NIC_RING_ENTRIES;
	Ring->Used++;
	NicGiveToCard(Descriptor, 0);
	KeReleaseSpinLockFromDpcLevel(&Ring->Lock);
}

/* Puts spare buffers into the ring until it is full, or none are left. */
_IRQL_requires_max_(DISPATCH_LEVEL)
static NTSTATUS NicRefill(_In_ PNIC_ADAPTER Adapter)
{
	PDMA_ADAPTER Dma = Adapter->DmaAdapter;
	PNIC_RING Ring = &Adapter->Receive;
	NTSTATUS Status = STATUS_SUCCESS;
	KIRQL OldIrql;

	KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
	while (NT_SUCCESS(Status)) {
		PNIC_RECEIVE_BUFFER Buffer;

		KeAcquireSpinLockAtDpcLevel(&Ring->Lock);
		if (IsListEmpty(&Adapter->Spare) ||
		    Ring->Used + Ring->Reserved == NIC_RING_ENTRIES) {
			KeReleaseSpinLockFromDpcLevel(&Ring->Lock);
			break;
		}
		Buffer = CONTAINING_RECORD(RemoveHeadList(&Adapter->Spare),
					   NIC_RECEIVE_BUFFER, Link);
		Ring->Reserved++;
		KeReleaseSpinLockFromDpcLevel(&Ring->Lock);

		Status = Dma->DmaOperations->GetScatterGatherList(
			Dma, Adapter->DeviceObject, Buffer->Mdl,
			MmGetMdlVirtualAddress(Buffer->Mdl), NIC_BUFFER_SIZE,
			NicReceiveList, Buffer, FALSE);
		if (!NT_SUCCESS(Status)) {
			KeAcquireSpinLockAtDpcLevel(&Ring->Lock);
			Ring->Reserved--;
			InsertHeadList(&Adapter->Spare, &Buffer->Link);
			KeReleaseSpinLockFromDpcLevel(&Ring->Lock);
		}
	}
	KeLowerIrql(OldIrql);
	return Status;
}

static BOOLEAN NicIsRingFull(_In_ PNIC_ADAPTER Adapter)
{
	PNIC_RING Ring = &Adapter->Receive;
	BOOLEAN Full;
	KIRQL OldIrql;

	KeAcquireSpinLock(&Ring->Lock, &OldIrql);
	Full = Ring->Used + Ring->Reserved == NIC_RING_ENTRIES;
	KeReleaseSpinLock(&Ring->Lock, OldIrql);
	return Full;
}

/* The protocol is done with a frame. */
_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID NicReturnFrame(_In_ PNIC_RECORD Record)
{
	PNIC_RECEIVE_BUFFER Buffer = Record->Buffer;
	PNIC_ADAPTER Adapter = Record->Adapter;
	KIRQL OldIrql;

	ExFreeToNPagedLookasideList(&Adapter->Records, Record);
	Buffer->Mdl->ByteCount = NIC_BUFFER_SIZE;
	KeAcquireSpinLock(&Adapter->Receive.Lock, &OldIrql);
	InsertTailList(&Adapter->Spare, &Buffer->Link);
	KeReleaseSpinLock(&Adapter->Receive.Lock, OldIrql);
}

_IRQL_requires_(DISPATCH_LEVEL)
static VOID NicReceiveFrames(_In_ PNIC_ADAPTER Adapter)
{
	PDMA_ADAPTER Dma = Adapter->DmaAdapter;
	PNIC_RING Ring = &Adapter->Receive;
	LIST_ENTRY Received;

	InitializeListHead(&Received);
	KeAcquireSpinLockAtDpcLevel(&Ring->Lock);
	while (Ring->Used != 0 &&
	       !NicIsOwnedByCard(&Ring->Descriptors[Ring->Head])) {
		PNIC_RECEIVE_BUFFER Buffer = Adapter->InRing[Ring->Head];
		ULONG Length = Ring->Descriptors[Ring->Head].Length;

		Adapter->InRing[Ring->Head] = NULL;
		Ring->Head = (Ring->Head + 1) % NIC_RING_ENTRIES;
		Ring->Used--;
		Dma->DmaOperations->PutScatterGatherList(Dma, Buffer->List, FALSE);
		Buffer->List = NULL;
		/* As NdisAdjustMdlLength() does. */
		Buffer->Mdl->ByteCount = Length;
		InsertTailList(&Received, &Buffer->Link);
	}
	KeReleaseSpinLockFromDpcLevel(&Ring->Lock);

	while (!IsListEmpty(&Received)) {
		PNIC_RECEIVE_BUFFER Buffer =
			CONTAINING_RECORD(RemoveHeadList(&Received),
					  NIC_RECEIVE_BUFFER, Link);
		PNIC_RECORD Record = (PNIC_RECORD)
			ExAllocateFromNPagedLookasideList(&Adapter->Records);

		if (Record == NULL) {
			/* The frame is lost, the buffer is not. */
			InterlockedIncrement(&Adapter->Wrong);
			Buffer->Mdl->ByteCount = NIC_BUFFER_SIZE;
			KeAcquireSpinLockAtDpcLevel(&Ring->Lock);
			InsertTailList(&Adapter->Spare, &Buffer->Link);
			KeReleaseSpinLockFromDpcLevel(&Ring->Lock);
			continue;
		}
		RtlZeroMemory(Record, sizeof(NIC_RECORD));
		Record->Adapter = Adapter;
		Record->Mdl = Buffer->Mdl;
		Record->DataLength = MmGetMdlByteCount(Buffer->Mdl);
		Record->Buffer = Buffer;
		ProtocolReceive(Record);
	}
	(VOID)NicRefill(Adapter);
}

/* Sending */

/* There is room in the ring. The card must not see half of a frame. */
_Requires_lock_held_(Adapter->Transmit.Lock)
static VOID NicPostFrame(_In_ PNIC_ADAPTER Adapter, _In_ PNIC_RECORD Record)
{
	PSCATTER_GATHER_LIST List = Record->List;
	PNIC_RING Ring = &Adapter->Transmit;
	ULONG First = Ring->Tail, Index;

	for (Index = 0; Index < List->NumberOfElements; Index++) {
		ULONG At = (First + Index) % NIC_RING_ENTRIES;
		PNIC_DESCRIPTOR Descriptor = &Ring->Descriptors[At];
		USHORT Flags = 0;

		if (Index == List->NumberOfElements - 1) {
			Flags = NIC_DESCRIPTOR_EOP;
			Record->LastDescriptor = At;
		}
		Descriptor->Address = List->Elements[Index].Address.QuadPart;
		Descriptor->Length = (USHORT)List->Elements[Index].Length;
		if (Index == 0)
			Descriptor->Flags = Flags;
		else
			NicGiveToCard(Descriptor, Flags);
	}
	Ring->Tail = (First + List->NumberOfElements) % NIC_RING_ENTRIES;
	Ring->Used += List->NumberOfElements;
	InsertTailList(&Adapter->Posted, &Record->Link);
	NicGiveToCard(&Ring->Descriptors[First], Ring->Descriptors[First].Flags);
}

static BOOLEAN NicHasRoomFor(_In_ PNIC_ADAPTER Adapter, _In_ PNIC_RECORD Record)
{
	return NIC_RING_ENTRIES - Adapter->Transmit.Used >=
	       Record->List->NumberOfElements;
}

static DRIVER_LIST_CONTROL NicTransmitList;

static VOID
NicTransmitList(
	PDEVICE_OBJECT DeviceObject,
	PIRP Irp,
	PSCATTER_GATHER_LIST List,
	PVOID Context
	)
{
	PNIC_RECORD Record = (PNIC_RECORD)Context;
	PNIC_ADAPTER Adapter = Record->Adapter;

	UNREFERENCED_PARAMETER(DeviceObject);
	UNREFERENCED_PARAMETER(Irp);

	NT_ASSERT(List->NumberOfElements <= NIC_RING_ENTRIES);
	Record->List = List;
	KeAcquireSpinLockAtDpcLevel(&Adapter->Transmit.Lock);
	if (IsListEmpty(&Adapter->Waiting) && NicHasRoomFor(Adapter, Record)) {
		NicPostFrame(Adapter, Record);
	} else {
		InsertTailList(&Adapter->Waiting, &Record->Link);
		InterlockedIncrement(&Adapter->Waited);
	}
	KeReleaseSpinLockFromDpcLevel(&Adapter->Transmit.Lock);
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static NTSTATUS NicSendFrame(_In_ PNIC_ADAPTER Adapter, _In_ PNIC_RECORD Record)
{
	PDMA_ADAPTER Dma = Adapter->DmaAdapter;
	NTSTATUS Status;
	KIRQL OldIrql;

	if (Record->DataLength > NIC_MAXIMUM_FRAME)
		return STATUS_INVALID_BUFFER_SIZE;
	KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
	Status = Dma->DmaOperations->GetScatterGatherList(
		Dma, Adapter->DeviceObject, Record->Mdl,
		MmGetMdlVirtualAddress(Record->Mdl), Record->DataLength,
		NicTransmitList, Record, TRUE);
	KeLowerIrql(OldIrql);
	return Status;
}

_IRQL_requires_(DISPATCH_LEVEL)
static VOID NicCompleteFrames(_In_ PNIC_ADAPTER Adapter)
{
	PDMA_ADAPTER Dma = Adapter->DmaAdapter;
	PNIC_RING Ring = &Adapter->Transmit;
	LIST_ENTRY Done;

	InitializeListHead(&Done);
	KeAcquireSpinLockAtDpcLevel(&Ring->Lock);
	while (!IsListEmpty(&Adapter->Posted)) {
		PNIC_RECORD Record = CONTAINING_RECORD(Adapter->Posted.Flink,
						       NIC_RECORD, Link);

		if (NicIsOwnedByCard(&Ring->Descriptors[Record->LastDescriptor]))
			break;
		RemoveEntryList(&Record->Link);
		Ring->Head = (Record->LastDescriptor + 1) % NIC_RING_ENTRIES;
		Ring->Used -= Record->List->NumberOfElements;
		InsertTailList(&Done, &Record->Link);
	}
	while (!IsListEmpty(&Adapter->Waiting)) {
		PNIC_RECORD Record = CONTAINING_RECORD(Adapter->Waiting.Flink,
						       NIC_RECORD, Link);

		if (!NicHasRoomFor(Adapter, Record))
			break;
		RemoveEntryList(&Record->Link);
		NicPostFrame(Adapter, Record);
	}
	KeReleaseSpinLockFromDpcLevel(&Ring->Lock);

	while (!IsListEmpty(&Done)) {
		PNIC_RECORD Record = CONTAINING_RECORD(RemoveHeadList(&Done),
						       NIC_RECORD, Link);

		Dma->DmaOperations->PutScatterGatherList(Dma, Record->List, TRUE);
		Record->List = NULL;
		ProtocolSendComplete(Record);
	}
}

_Use_decl_annotations_
VOID NicDpcForIsr(PNIC_ADAPTER Adapter)
{
	NicCompleteFrames(Adapter);
	NicReceiveFrames(Adapter);
}

_Use_decl_annotations_
VOID
NicGetRings(
	PNIC_ADAPTER Adapter,
	PNIC_DESCRIPTOR *Transmit,
	PNIC_DESCRIPTOR *Receive
	)
{
	*Transmit = Adapter->Transmit.Descriptors;
	*Receive = Adapter->Receive.Descriptors;
}

/* The adapter */

_Use_decl_annotations_
VOID NicHalt(PNIC_ADAPTER Adapter)
{
	PDMA_ADAPTER Dma = Adapter->DmaAdapter;
	ULONG Index;

	PAGED_CODE();

	NT_ASSERT(IsListEmpty(&Adapter->Posted) && IsListEmpty(&Adapter->Waiting));
	NT_ASSERT(IsListEmpty(&Adapter->Kept));
	for (Index = 0; Index < NIC_RECEIVE_BUFFERS; Index++) {
		PNIC_RECEIVE_BUFFER Buffer = &Adapter->Buffers[Index];

		if (Buffer->List != NULL)
			Dma->DmaOperations->PutScatterGatherList(Dma,
								 Buffer->List,
								 FALSE);
		if (Buffer->Mdl != NULL)
			IoFreeMdl(Buffer->Mdl);
		if (Buffer->Data != NULL)
			ExFreePoolWithTag(Buffer->Data, NIC_TAG_RECEIVE);
	}
	if (Dma != NULL) {
		NicFreeRing(Adapter, &Adapter->Receive);
		NicFreeRing(Adapter, &Adapter->Transmit);
		Dma->DmaOperations->PutDmaAdapter(Dma);
	}
	ExDeleteNPagedLookasideList(&Adapter->Records);
	ExFreePoolWithTag(Adapter, NIC_TAG_ADAPTER);
}

static NTSTATUS NicAllocateReceiveBuffers(_In_ PNIC_ADAPTER Adapter)
{
	ULONG Index;

	PAGED_CODE();

	for (Index = 0; Index < NIC_RECEIVE_BUFFERS; Index++) {
		PNIC_RECEIVE_BUFFER Buffer = &Adapter->Buffers[Index];

		Buffer->Adapter = Adapter;
		Buffer->Data = (PUCHAR)
			ExAllocatePool2(POOL_FLAG_NON_PAGED, NIC_BUFFER_SIZE,
					NIC_TAG_RECEIVE);
		if (Buffer->Data == NULL)
			return STATUS_INSUFFICIENT_RESOURCES;
		NT_ASSERT(BYTE_OFFSET(Buffer->Data) == 0);
		Buffer->Mdl = IoAllocateMdl(Buffer->Data, NIC_BUFFER_SIZE, FALSE,
					    FALSE, NULL);
		if (Buffer->Mdl == NULL)
			return STATUS_INSUFFICIENT_RESOURCES;
		MmBuildMdlForNonPagedPool(Buffer->Mdl);
		InsertTailList(&Adapter->Spare, &Buffer->Link);
	}
	return STATUS_SUCCESS;
}

_Use_decl_annotations_
NTSTATUS NicInitialize(PDEVICE_OBJECT DeviceObject, PNIC_ADAPTER *Result)
{
	DEVICE_DESCRIPTION Description;
	PNIC_ADAPTER Adapter;
	NTSTATUS Status;

	PAGED_CODE();

	*Result = NULL;
	Adapter = (PNIC_ADAPTER)ExAllocatePool2(POOL_FLAG_NON_PAGED |
						POOL_FLAG_CACHE_ALIGNED,
						sizeof(NIC_ADAPTER),
						NIC_TAG_ADAPTER);
	if (Adapter == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Adapter->DeviceObject = DeviceObject;
	InitializeListHead(&Adapter->Posted);
	InitializeListHead(&Adapter->Waiting);
	InitializeListHead(&Adapter->Spare);
	InitializeListHead(&Adapter->Kept);
	KeInitializeSpinLock(&Adapter->ProtocolLock);
	ExInitializeNPagedLookasideList(&Adapter->Records, NULL, NULL, 0,
					sizeof(NIC_RECORD), NIC_TAG_RECORD, 0);

	RtlZeroMemory(&Description, sizeof(Description));
	Description.Version = DEVICE_DESCRIPTION_VERSION3;
	Description.Master = TRUE;
	Description.ScatterGather = TRUE;
	Description.InterfaceType = PCIBus;
	Description.DmaAddressWidth = 28;
	Description.MaximumLength = NIC_MAXIMUM_LENGTH;
	Adapter->DmaAdapter = IoGetDmaAdapter(DeviceObject, &Description,
					      &Adapter->MapRegisters);
	Status = STATUS_INSUFFICIENT_RESOURCES;
	if (Adapter->DmaAdapter != NULL)
		Status = NicAllocateRing(Adapter, &Adapter->Transmit);
	if (NT_SUCCESS(Status))
		Status = NicAllocateRing(Adapter, &Adapter->Receive);
	if (NT_SUCCESS(Status))
		Status = NicAllocateReceiveBuffers(Adapter);
	if (NT_SUCCESS(Status))
		Status = NicRefill(Adapter);
	if (!NT_SUCCESS(Status)) {
		NicHalt(Adapter);
		return Status;
	}
	NT_ASSERT(NicIsRingFull(Adapter));
	*Result = Adapter;
	return STATUS_SUCCESS;
}

/* From here on, what a protocol does. */

static UCHAR ProtocolByte(_In_ ULONG Sequence, _In_ ULONG Index)
{
	return (UCHAR)(Sequence * 89 + Index * 3 + (Index >> 8));
}

static VOID ProtocolFreeChain(_In_opt_ PMDL Mdl)
{
	while (Mdl != NULL) {
		PMDL Next = Mdl->Next;

		ExFreePoolWithTag(MmGetMdlVirtualAddress(Mdl), NIC_TAG_DATA);
		IoFreeMdl(Mdl);
		Mdl = Next;
	}
}

/* A block of pool with its MDL; the block begins where the buffer does. */
static PMDL ProtocolAllocateMdl(_In_ ULONG Length)
{
	PVOID Data = ExAllocatePoolUninitialized(NonPagedPoolNx, Length,
						 NIC_TAG_DATA);
	PMDL Mdl;

	if (Data == NULL)
		return NULL;
	Mdl = IoAllocateMdl(Data, Length, FALSE, FALSE, NULL);
	if (Mdl == NULL) {
		ExFreePoolWithTag(Data, NIC_TAG_DATA);
		return NULL;
	}
	MmBuildMdlForNonPagedPool(Mdl);
	return Mdl;
}

static PMDL ProtocolAllocateFrame(_In_ ULONG Sequence, _In_ ULONG Length)
{
	PPROTOCOL_HEADER Header;
	ULONG Index;
	PUCHAR Data;
	PMDL Mdl;

	Mdl = ProtocolAllocateMdl(NIC_HEADER_SIZE);
	if (Mdl == NULL)
		return NULL;
	Mdl->Next = ProtocolAllocateMdl(Length);
	if (Mdl->Next == NULL) {
		ProtocolFreeChain(Mdl);
		return NULL;
	}
	Header = (PPROTOCOL_HEADER)MmGetSystemAddressForMdlSafe(Mdl,
								HighPagePriority);
	RtlFillMemory(Header->Destination, sizeof(Header->Destination), 0xff);
	RtlFillMemory(Header->Source, sizeof(Header->Source), 0x52);
	Header->EtherType = 0xb588;
	Header->Sequence = Sequence;
	Header->Length = (USHORT)Length;
	Data = (PUCHAR)MmGetSystemAddressForMdlSafe(Mdl->Next, HighPagePriority);
	for (Index = 0; Index < Length; Index++)
		Data[Index] = ProtocolByte(Sequence, Index);
	return Mdl;
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static NTSTATUS ProtocolSend(_In_ PNIC_ADAPTER Adapter, _In_ ULONG Length)
{
	PNIC_RECORD Record;
	NTSTATUS Status;

	Record = (PNIC_RECORD)ExAllocateFromNPagedLookasideList(&Adapter->Records);
	if (Record == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	RtlZeroMemory(Record, sizeof(NIC_RECORD));
	Record->Adapter = Adapter;
	Record->DataLength = NIC_HEADER_SIZE + Length;
	Record->Mdl = ProtocolAllocateFrame(Adapter->Sent, Length);
	if (Record->Mdl == NULL) {
		ExFreeToNPagedLookasideList(&Adapter->Records, Record);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	InterlockedIncrement(&Adapter->Sent);
	Status = NicSendFrame(Adapter, Record);
	if (!NT_SUCCESS(Status)) {
		InterlockedDecrement(&Adapter->Sent);
		ProtocolFreeChain(Record->Mdl);
		/* Here the driver is wrong. */
		if (Status == STATUS_INVALID_BUFFER_SIZE)
			return Status;
		ExFreeToNPagedLookasideList(&Adapter->Records, Record);
	}
	return Status;
}

static VOID ProtocolSendComplete(_In_ PNIC_RECORD Record)
{
	PNIC_ADAPTER Adapter = Record->Adapter;

	ProtocolFreeChain(Record->Mdl);
	ExFreeToNPagedLookasideList(&Adapter->Records, Record);
	InterlockedIncrement(&Adapter->Completed);
}

static BOOLEAN ProtocolIsRight(_In_ PNIC_RECORD Record, _In_ ULONG Sequence)
{
	PUCHAR Data = (PUCHAR)MmGetSystemAddressForMdlSafe(Record->Mdl,
							   HighPagePriority);
	PPROTOCOL_HEADER Header = (PPROTOCOL_HEADER)Data;
	ULONG Index;

	if (Header->Sequence != Sequence ||
	    Header->Length + NIC_HEADER_SIZE != Record->DataLength)
		return FALSE;
	Data += NIC_HEADER_SIZE;
	for (Index = 0; Index < Header->Length; Index++)
		if (Data[Index] != ProtocolByte(Sequence, Index))
			return FALSE;
	return TRUE;
}

/* Some are kept until the sender looks after them. */
_IRQL_requires_(DISPATCH_LEVEL)
static VOID ProtocolReceive(_In_ PNIC_RECORD Record)
{
	PNIC_ADAPTER Adapter = Record->Adapter;
	ULONG Sequence = Adapter->Received;

	if (!ProtocolIsRight(Record, Sequence))
		InterlockedIncrement(&Adapter->Wrong);
	if (Sequence % 8 == 0)
		ExInterlockedInsertTailList(&Adapter->Kept, &Record->Link,
					    &Adapter->ProtocolLock);
	else
		NicReturnFrame(Record);
	InterlockedIncrement(&Adapter->Received);
}

static VOID ProtocolReturnKept(_In_ PNIC_ADAPTER Adapter)
{
	PLIST_ENTRY Entry;

	while ((Entry = ExInterlockedRemoveHeadList(&Adapter->Kept,
						    &Adapter->ProtocolLock)) != NULL)
		NicReturnFrame(CONTAINING_RECORD(Entry, NIC_RECORD, Link));
	(VOID)NicRefill(Adapter);
}

_Use_decl_annotations_
BOOLEAN NicIsIdle(PNIC_ADAPTER Adapter)
{
	return Adapter->Completed == Adapter->Sent &&
	       Adapter->Received == Adapter->Sent;
}

_Use_decl_annotations_
NTSTATUS NicExercise(PNIC_ADAPTER Adapter, ULONG Frames)
{
	NTSTATUS Status = STATUS_SUCCESS;
	ULONG Frame;

	PAGED_CODE();

	for (Frame = 0; Frame < Frames && NT_SUCCESS(Status); Frame++) {
		Status = ProtocolSend(Adapter, 40 + Frame * 37 %
				      (NIC_MAXIMUM_FRAME - NIC_HEADER_SIZE - 39));
		if (Frame % 100 != 99)
			continue;
		/* More than the ring has are on their way now. */
		if (NT_SUCCESS(Status))
			Status = NicWaitUntilIdle(Adapter);
		ProtocolReturnKept(Adapter);
	}
	if (!NT_SUCCESS(NicWaitUntilIdle(Adapter)))
		return STATUS_IO_TIMEOUT;
	ProtocolReturnKept(Adapter);
	if (!NT_SUCCESS(Status))
		return Status;
	if (Adapter->Wrong != 0 || Adapter->Received != (LONG)Frames)
		return STATUS_DATA_ERROR;
	/* The ring is full again, some frames waited, and no record is missing. */
	return NicIsRingFull(Adapter) && Adapter->Transmit.Used == 0 &&
	       Adapter->Waited > 0 &&
	       Adapter->Records.L.TotalAllocates == 2 * Frames &&
	       Adapter->Records.L.TotalFrees == 2 * Frames ?
	       STATUS_SUCCESS : STATUS_INTERNAL_ERROR;
}

_Use_decl_annotations_
NTSTATUS NicForgetRecord(PNIC_ADAPTER Adapter)
{
	return ProtocolSend(Adapter, NIC_MAXIMUM_FRAME) == STATUS_INVALID_BUFFER_SIZE ?
	       STATUS_SUCCESS : STATUS_INTERNAL_ERROR;
}
