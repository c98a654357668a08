// SPDX-License-Identifier: GPL-2.0
/*
 * A Windows driver: a storage miniport, and of the class driver above it what makes
 * requests. A request describes its data by a chain of MDLs, has an extension from a
 * lookaside list, waits in a queue with its scatter/gather list, and gets sense data
 * in pool if it fails. The medium is the 4 KiB that QEMU's edu device has.
 */
#include "storage.h"

#define STOR_TAG_EXTENSION	'vDtS'
#define STOR_TAG_REQUEST	'xEtS'
#define STOR_TAG_LIST		'gStS'
#define STOR_TAG_SENSE		'nStS'
#define STOR_TAG_DATA		'aDtS'

#define STOR_BLOCK_SIZE		512
#define STOR_BLOCKS		8
#define STOR_MEDIUM_SIZE	(STOR_BLOCKS * STOR_BLOCK_SIZE)
/* What one request may transfer. */
#define STOR_MAXIMUM_TRANSFER	STOR_MEDIUM_SIZE
/* A chain may begin a page with each of its MDLs. */
#define STOR_MAXIMUM_LENGTH	(16 * PAGE_SIZE)
#define STOR_ADDRESS_WIDTH	28

/* The device's registers, and its memory as it addresses that itself. */
#define STOR_MEDIUM		0x40000
#define STOR_COMMAND_START	0x00000001
#define STOR_COMMAND_TO_HOST	0x00000002

typedef struct _STOR_REGISTERS {
	ULONG Reserved0[32];
	ULONG Source;
	ULONG Reserved1;
	ULONG Destination;
	ULONG Reserved2;
	ULONG Count;
	ULONG Reserved3;
	ULONG Command;
} STOR_REGISTERS, *PSTOR_REGISTERS;

C_ASSERT(FIELD_OFFSET(STOR_REGISTERS, Source) == 0x80);
C_ASSERT(FIELD_OFFSET(STOR_REGISTERS, Command) == 0x98);

#define SCSIOP_TEST_UNIT_READY	0x00
#define SCSIOP_READ		0x28
#define SCSIOP_WRITE		0x2a

#define SRB_STATUS_PENDING		0x00
#define SRB_STATUS_SUCCESS		0x01
#define SRB_STATUS_ABORTED		0x02
#define SRB_STATUS_ERROR		0x04
#define SRB_STATUS_AUTOSENSE_VALID	0x80

#define SCSI_SENSE_ILLEGAL_REQUEST	0x05
#define SCSI_ADSENSE_ILLEGAL_COMMAND	0x20
#define SCSI_ADSENSE_ILLEGAL_BLOCK	0x21

typedef struct _SENSE_DATA {
	UCHAR ErrorCode;
	UCHAR SegmentNumber;
	UCHAR SenseKey;
	UCHAR Information[4];
	UCHAR AdditionalSenseLength;
	UCHAR CommandSpecificInformation[4];
	UCHAR AdditionalSenseCode;
	UCHAR AdditionalSenseCodeQualifier;
	UCHAR FieldReplaceableUnitCode;
	UCHAR SenseKeySpecific[3];
} SENSE_DATA, *PSENSE_DATA;

C_ASSERT(sizeof(SENSE_DATA) == 18);

struct _SRB_EXTENSION;

typedef struct _STOR_SRB {
	UCHAR Cdb[10];
	UCHAR SrbStatus;
	ULONG DataTransferLength;
	PMDL Mdl;
	/* The requester frees it. */
	PSENSE_DATA SenseInfo;
	struct _SRB_EXTENSION *SrbExtension;
} STOR_SRB, *PSTOR_SRB;

/* Room for the list of a buffer that is in two pages. */
#define STOR_ROOM	(FIELD_OFFSET(SCATTER_GATHER_LIST, Elements) + \
			 2 * sizeof(SCATTER_GATHER_ELEMENT))

typedef struct _SRB_EXTENSION {
	LIST_ENTRY Link;
	PSTOR_SRB Srb;
	PSTOR_EXTENSION Adapter;
	PSCATTER_GATHER_LIST ScatterGather;
	/* Pool for the list, if it is longer than Room. */
	PVOID LongList;
	ULONG Element;
	ULONG MediumOffset;
	BOOLEAN WriteToDevice;
	ULONG_PTR Room[STOR_ROOM / sizeof(ULONG_PTR)];
} SRB_EXTENSION, *PSRB_EXTENSION;

typedef struct _STOR_EXTENSION {
	PDEVICE_OBJECT DeviceObject;
	PDMA_ADAPTER DmaAdapter;
	ULONG MapRegisters;
	PSTOR_REGISTERS Registers;
	ULONG RegistersLength;
	NPAGED_LOOKASIDE_LIST SrbExtensions;
	KSPIN_LOCK Lock;
	LIST_ENTRY Queue;
	PSRB_EXTENSION Current;
	volatile LONG Outstanding;
	LONG Elements;
} STOR_EXTENSION;

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, StorStartDevice)
#pragma alloc_text(PAGE, StorRemoveDevice)
#endif

_Use_decl_annotations_
VOID StorRemoveDevice(PSTOR_EXTENSION Extension)
{
	PAGED_CODE();

	NT_ASSERT(Extension->Outstanding == 0);
	NT_ASSERT(IsListEmpty(&Extension->Queue));
	if (Extension->DmaAdapter != NULL)
		Extension->DmaAdapter->DmaOperations->PutDmaAdapter(Extension->DmaAdapter);
	if (Extension->Registers != NULL)
		MmUnmapIoSpace(Extension->Registers, Extension->RegistersLength);
	ExDeleteNPagedLookasideList(&Extension->SrbExtensions);
	ExFreePoolWithTag(Extension, STOR_TAG_EXTENSION);
}

_Use_decl_annotations_
NTSTATUS
StorStartDevice(
	PDEVICE_OBJECT DeviceObject,
	PHYSICAL_ADDRESS Registers,
	ULONG RegistersLength,
	PSTOR_EXTENSION *Result
	)
{
	DEVICE_DESCRIPTION Description;
	PSTOR_EXTENSION Extension;

	PAGED_CODE();

	*Result = NULL;
	Extension = (PSTOR_EXTENSION)
		ExAllocatePoolZero(NonPagedPoolNx, sizeof(STOR_EXTENSION),
				   STOR_TAG_EXTENSION);
	if (Extension == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;

	Extension->DeviceObject = DeviceObject;
	KeInitializeSpinLock(&Extension->Lock);
	InitializeListHead(&Extension->Queue);
	ExInitializeNPagedLookasideList(&Extension->SrbExtensions, NULL, NULL,
					POOL_NX_ALLOCATION,
					sizeof(SRB_EXTENSION),
					STOR_TAG_REQUEST, 0);

	Extension->RegistersLength = RegistersLength;
	Extension->Registers = (PSTOR_REGISTERS)
		MmMapIoSpace(Registers, RegistersLength, MmNonCached);

	RtlZeroMemory(&Description, sizeof(Description));
	Description.Version = DEVICE_DESCRIPTION_VERSION3;
	Description.Master = TRUE;
	Description.ScatterGather = TRUE;
	Description.InterfaceType = PCIBus;
	Description.DmaAddressWidth = STOR_ADDRESS_WIDTH;
	Description.MaximumLength = STOR_MAXIMUM_LENGTH;
	Extension->DmaAdapter = IoGetDmaAdapter(DeviceObject, &Description,
						&Extension->MapRegisters);
	if (Extension->Registers == NULL || Extension->DmaAdapter == NULL) {
		StorRemoveDevice(Extension);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	NT_ASSERT(Extension->MapRegisters >=
		  ADDRESS_AND_SIZE_TO_SPAN_PAGES(NULL, STOR_MAXIMUM_LENGTH));
	*Result = Extension;
	return STATUS_SUCCESS;
}

/* Tells the device what to copy next: the present element of the present request. */
_Requires_lock_held_(Extension->Lock)
static VOID StorStartElement(_In_ PSTOR_EXTENSION Extension)
{
	PSRB_EXTENSION Request = Extension->Current;
	PSCATTER_GATHER_ELEMENT Element =
		&Request->ScatterGather->Elements[Request->Element];
	ULONG Medium = STOR_MEDIUM + Request->MediumOffset;
	PSTOR_REGISTERS Registers = Extension->Registers;

	NT_ASSERT(Element->Address.QuadPart + Element->Length <=
		  1LL << STOR_ADDRESS_WIDTH);
	NT_ASSERT(Request->MediumOffset + Element->Length <= STOR_MEDIUM_SIZE);

	if (Request->WriteToDevice) {
		WRITE_REGISTER_ULONG(&Registers->Source, Element->Address.LowPart);
		WRITE_REGISTER_ULONG(&Registers->Destination, Medium);
	} else {
		WRITE_REGISTER_ULONG(&Registers->Source, Medium);
		WRITE_REGISTER_ULONG(&Registers->Destination,
				     Element->Address.LowPart);
	}
	WRITE_REGISTER_ULONG(&Registers->Count, Element->Length);
	WRITE_REGISTER_ULONG(&Registers->Command, Request->WriteToDevice ?
			     STOR_COMMAND_START :
			     STOR_COMMAND_START | STOR_COMMAND_TO_HOST);
}

_Requires_lock_held_(Extension->Lock)
static VOID StorStartNextRequest(_In_ PSTOR_EXTENSION Extension)
{
	if (Extension->Current != NULL || IsListEmpty(&Extension->Queue))
		return;
	Extension->Current = CONTAINING_RECORD(RemoveHeadList(&Extension->Queue),
					       SRB_EXTENSION, Link);
	StorStartElement(Extension);
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID
StorCompleteRequest(
	_In_ PSTOR_EXTENSION Extension,
	_In_ PSRB_EXTENSION Request,
	_In_ UCHAR SrbStatus
	)
{
	PDMA_OPERATIONS Dma = Extension->DmaAdapter->DmaOperations;
	PSTOR_SRB Srb = Request->Srb;

	if (Request->ScatterGather != NULL)
		Dma->PutScatterGatherList(Extension->DmaAdapter,
					  Request->ScatterGather,
					  Request->WriteToDevice);
	if (Request->LongList != NULL)
		ExFreePoolWithTag(Request->LongList, STOR_TAG_LIST);
	ExFreeToNPagedLookasideList(&Extension->SrbExtensions, Request);
	Srb->SrbExtension = NULL;
	Srb->SrbStatus = SrbStatus;
	InterlockedDecrement(&Extension->Outstanding);
}

/* The device would not take the request: says why, as a disk does. */
_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID
StorFailRequest(
	_In_ PSTOR_EXTENSION Extension,
	_In_ PSRB_EXTENSION Request,
	_In_ UCHAR AdditionalSenseCode
	)
{
	UCHAR SrbStatus = SRB_STATUS_ERROR;
	PSENSE_DATA Sense;

	Sense = (PSENSE_DATA)ExAllocatePoolZero(NonPagedPoolNx,
						sizeof(SENSE_DATA),
						STOR_TAG_SENSE);
	if (Sense != NULL) {
		Sense->ErrorCode = 0x70;
		Sense->SenseKey = SCSI_SENSE_ILLEGAL_REQUEST;
		Sense->AdditionalSenseLength =
			sizeof(SENSE_DATA) -
			RTL_SIZEOF_THROUGH_FIELD(SENSE_DATA, AdditionalSenseLength);
		Sense->AdditionalSenseCode = AdditionalSenseCode;
		Request->Srb->SenseInfo = Sense;
		SetFlag(SrbStatus, SRB_STATUS_AUTOSENSE_VALID);
	}
	StorCompleteRequest(Extension, Request, SrbStatus);
}

/* The buffer is mapped for the device: its request can be queued. */
static DRIVER_LIST_CONTROL StorListControl;

static VOID
StorListControl(
	PDEVICE_OBJECT DeviceObject,
	PIRP Irp,
	PSCATTER_GATHER_LIST ScatterGather,
	PVOID Context
	)
{
	PSRB_EXTENSION Request = (PSRB_EXTENSION)Context;
	PSTOR_EXTENSION Extension = Request->Adapter;
	ULONG Index, Length = 0;

	UNREFERENCED_PARAMETER(Irp);

	NT_ASSERT(KeGetCurrentIrql() == DISPATCH_LEVEL);
	NT_ASSERT(DeviceObject == Extension->DeviceObject);
	for (Index = 0; Index < ScatterGather->NumberOfElements; Index++)
		Length += ScatterGather->Elements[Index].Length;
	NT_ASSERT(Length == Request->Srb->DataTransferLength);
	Extension->Elements += ScatterGather->NumberOfElements;

	Request->ScatterGather = ScatterGather;
	KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
	InsertTailList(&Extension->Queue, &Request->Link);
	StorStartNextRequest(Extension);
	KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
}

/*
 * Reads let the HAL allocate the list. Writes bring the memory for theirs, as the
 * paging file's must not fail for want of it; only a long list takes pool.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
static NTSTATUS
StorMapRequest(
	_In_ PSTOR_EXTENSION Extension,
	_In_ PSRB_EXTENSION Request
	)
{
	PDMA_ADAPTER Adapter = Extension->DmaAdapter;
	PSTOR_SRB Srb = Request->Srb;
	PVOID CurrentVa = MmGetMdlVirtualAddress(Srb->Mdl), List;
	ULONG ListSize, MapRegisters;
	NTSTATUS Status;
	KIRQL OldIrql;

	KeFlushIoBuffers(Srb->Mdl, !Request->WriteToDevice, TRUE);
	if (!Request->WriteToDevice) {
		KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
		Status = Adapter->DmaOperations->GetScatterGatherList(
			Adapter, Extension->DeviceObject, Srb->Mdl, CurrentVa,
			Srb->DataTransferLength, StorListControl, Request, FALSE);
		KeLowerIrql(OldIrql);
		return Status;
	}

	Status = Adapter->DmaOperations->CalculateScatterGatherList(
		Adapter, Srb->Mdl, CurrentVa, Srb->DataTransferLength,
		&ListSize, &MapRegisters);
	if (!NT_SUCCESS(Status))
		return Status;
	NT_ASSERT(MapRegisters <= Extension->MapRegisters);

	List = Request->Room;
	if (ListSize > sizeof(Request->Room)) {
		List = ExAllocatePoolUninitialized(NonPagedPoolNx, ListSize,
						   STOR_TAG_LIST);
		if (List == NULL)
			return STATUS_INSUFFICIENT_RESOURCES;
		Request->LongList = List;
	} else {
		ListSize = sizeof(Request->Room);
	}
	KeRaiseIrql(DISPATCH_LEVEL, &OldIrql);
	Status = Adapter->DmaOperations->BuildScatterGatherList(
		Adapter, Extension->DeviceObject, Srb->Mdl, CurrentVa,
		Srb->DataTransferLength, StorListControl, Request, TRUE,
		List, ListSize);
	KeLowerIrql(OldIrql);
	return Status;
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static NTSTATUS
StorStartIo(
	_In_ PSTOR_EXTENSION Extension,
	_Inout_ PSTOR_SRB Srb
	)
{
	ULONG LogicalBlock = (ULONG)Srb->Cdb[2] << 24 | Srb->Cdb[3] << 16 |
			     Srb->Cdb[4] << 8 | Srb->Cdb[5];
	ULONG Blocks = Srb->Cdb[7] << 8 | Srb->Cdb[8];
	PSRB_EXTENSION Request;
	NTSTATUS Status;

	Request = (PSRB_EXTENSION)
		ExAllocateFromNPagedLookasideList(&Extension->SrbExtensions);
	if (Request == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	RtlZeroMemory(Request, sizeof(SRB_EXTENSION));
	Request->Srb = Srb;
	Request->Adapter = Extension;
	Srb->SrbStatus = SRB_STATUS_PENDING;
	Srb->SrbExtension = Request;
	InterlockedIncrement(&Extension->Outstanding);

	switch (Srb->Cdb[0]) {
	case SCSIOP_TEST_UNIT_READY:
		StorCompleteRequest(Extension, Request, SRB_STATUS_SUCCESS);
		return STATUS_SUCCESS;
	case SCSIOP_READ:
	case SCSIOP_WRITE:
		break;
	default:
		StorFailRequest(Extension, Request, SCSI_ADSENSE_ILLEGAL_COMMAND);
		return STATUS_SUCCESS;
	}
	if (LogicalBlock >= STOR_BLOCKS || Blocks > STOR_BLOCKS - LogicalBlock ||
	    Blocks * STOR_BLOCK_SIZE != Srb->DataTransferLength) {
		StorFailRequest(Extension, Request, SCSI_ADSENSE_ILLEGAL_BLOCK);
		return STATUS_SUCCESS;
	}
	Request->MediumOffset = LogicalBlock * STOR_BLOCK_SIZE;
	Request->WriteToDevice = Srb->Cdb[0] == SCSIOP_WRITE;
	Status = StorMapRequest(Extension, Request);
	if (!NT_SUCCESS(Status))
		StorCompleteRequest(Extension, Request, SRB_STATUS_ERROR);
	return Status;
}

_Use_decl_annotations_
VOID StorDpcForIsr(PSTOR_EXTENSION Extension)
{
	PSRB_EXTENSION Done = NULL;

	KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
	if (Extension->Current != NULL &&
	    !FlagOn(READ_REGISTER_ULONG(&Extension->Registers->Command),
		    STOR_COMMAND_START)) {
		PSRB_EXTENSION Request = Extension->Current;
		PSCATTER_GATHER_LIST List = Request->ScatterGather;

		Request->MediumOffset += List->Elements[Request->Element].Length;
		if (++Request->Element < List->NumberOfElements) {
			StorStartElement(Extension);
		} else {
			Done = Request;
			Extension->Current = NULL;
			StorStartNextRequest(Extension);
		}
	}
	KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
	if (Done != NULL)
		StorCompleteRequest(Extension, Done, SRB_STATUS_SUCCESS);
}

_Use_decl_annotations_
BOOLEAN StorHasOutstanding(PSTOR_EXTENSION Extension)
{
	return Extension->Outstanding != 0;
}

/* From here on, what a class driver does. */

static VOID
ClassSetupReadWrite(
	_Out_ PSTOR_SRB Srb,
	_In_ UCHAR Operation,
	_In_ ULONG LogicalBlock,
	_In_ PMDL Mdl,
	_In_ ULONG Length
	)
{
	RtlZeroMemory(Srb, sizeof(STOR_SRB));
	Srb->Cdb[0] = Operation;
	Srb->Cdb[2] = (UCHAR)(LogicalBlock >> 24);
	Srb->Cdb[3] = (UCHAR)(LogicalBlock >> 16);
	Srb->Cdb[4] = (UCHAR)(LogicalBlock >> 8);
	Srb->Cdb[5] = (UCHAR)LogicalBlock;
	Srb->Cdb[7] = (UCHAR)((Length / STOR_BLOCK_SIZE) >> 8);
	Srb->Cdb[8] = (UCHAR)(Length / STOR_BLOCK_SIZE);
	Srb->DataTransferLength = Length;
	Srb->Mdl = Mdl;
}

static VOID
ClassFill(
	_Out_writes_bytes_(Length) PUCHAR Data,
	_In_ ULONG Length,
	_In_ ULONG Seed
	)
{
	ULONG Index;

	for (Index = 0; Index < Length; Index++)
		Data[Index] = (UCHAR)(Seed * 101 + Index * 7 + (Index >> 8));
}

static BOOLEAN
ClassFilled(
	_In_reads_bytes_(Length) const UCHAR *Data,
	_In_ ULONG Length,
	_In_ ULONG From,
	_In_ ULONG Seed
	)
{
	ULONG Index;

	for (Index = From; Index < From + Length; Index++)
		if (*Data++ != (UCHAR)(Seed * 101 + Index * 7 + (Index >> 8)))
			return FALSE;
	return TRUE;
}

/* Frees a chain of MDLs, and the blocks of pool that they describe. */
static VOID ClassFreeChain(_In_opt_ PMDL Mdl)
{
	while (Mdl != NULL) {
		PMDL Next = Mdl->Next;

		/* Each buffer begins where its block does. */
		ExFreePoolWithTag(MmGetMdlVirtualAddress(Mdl), STOR_TAG_DATA);
		IoFreeMdl(Mdl);
		Mdl = Next;
	}
}

/* A file system's buffers: as many as Lengths has, until one is 0. */
static PMDL ClassAllocateChain(_In_ const ULONG *Lengths)
{
	PMDL First = NULL, *Link = &First;

	for (; *Lengths != 0; Lengths++) {
		PVOID Data = ExAllocatePoolUninitialized(NonPagedPoolNx,
							 *Lengths,
							 STOR_TAG_DATA);

		if (Data != NULL)
			*Link = IoAllocateMdl(Data, *Lengths, FALSE, FALSE, NULL);
		if (Data == NULL || *Link == NULL) {
			if (Data != NULL)
				ExFreePoolWithTag(Data, STOR_TAG_DATA);
			ClassFreeChain(First);
			return NULL;
		}
		MmBuildMdlForNonPagedPool(*Link);
		Link = &(*Link)->Next;
	}
	return First;
}

static NTSTATUS ClassWriteChain(_In_ PSTOR_EXTENSION Extension, _In_ ULONG Seed)
{
	/* All of the medium from three blocks; long lists and short. */
	static const ULONG Lengths[][4] = {
		{ 1000, 2072, 1024, 0 },
		{ STOR_MEDIUM_SIZE, 0 },
		{ 16, 4064, 16, 0 },
	};
	UCHAR *Data;
	ULONG Index;
	PMDL Chain, Mdl;
	STOR_SRB Srb;
	NTSTATUS Status;

	Data = (UCHAR *)ExAllocatePool2(POOL_FLAG_PAGED, STOR_MEDIUM_SIZE,
					STOR_TAG_DATA);
	if (Data == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Chain = ClassAllocateChain(Lengths[Seed % RTL_NUMBER_OF(Lengths)]);
	if (Chain == NULL) {
		ExFreePoolWithTag(Data, STOR_TAG_DATA);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	ClassFill(Data, STOR_MEDIUM_SIZE, Seed);
	for (Mdl = Chain, Index = 0; Mdl != NULL; Mdl = Mdl->Next) {
		RtlCopyMemory(MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority |
							   MdlMappingNoExecute),
			      Data + Index, MmGetMdlByteCount(Mdl));
		Index += MmGetMdlByteCount(Mdl);
	}
	NT_ASSERT(Index == STOR_MEDIUM_SIZE);
	ExFreePoolWithTag(Data, STOR_TAG_DATA);

	ClassSetupReadWrite(&Srb, SCSIOP_WRITE, 0, Chain, STOR_MEDIUM_SIZE);
	Status = StorStartIo(Extension, &Srb);
	if (NT_SUCCESS(Status))
		Status = StorWaitForRequests(Extension);
	if (NT_SUCCESS(Status) && Srb.SrbStatus != SRB_STATUS_SUCCESS)
		Status = STATUS_IO_DEVICE_ERROR;
	ClassFreeChain(Chain);
	return Status;
}

#define CLASS_PIECES	2
#define CLASS_PIECE	(STOR_MAXIMUM_TRANSFER / CLASS_PIECES)

/* One transfer by several requests, which are outstanding at the same time. */
static NTSTATUS
ClassSplitTransfer(
	_In_ PSTOR_EXTENSION Extension,
	_In_ PMDL Mdl,
	_In_ UCHAR Operation
	)
{
	PMDL Partial[CLASS_PIECES] = { NULL };
	PUCHAR Va = (PUCHAR)MmGetMdlVirtualAddress(Mdl);
	NTSTATUS Status = STATUS_SUCCESS, Waited;
	STOR_SRB Srbs[CLASS_PIECES];
	ULONG Piece;

	for (Piece = 0; Piece < CLASS_PIECES && NT_SUCCESS(Status); Piece++) {
		PVOID At = Va + Piece * CLASS_PIECE;

		Partial[Piece] = IoAllocateMdl(At, CLASS_PIECE, FALSE, FALSE, NULL);
		if (Partial[Piece] == NULL) {
			Status = STATUS_INSUFFICIENT_RESOURCES;
			break;
		}
		IoBuildPartialMdl(Mdl, Partial[Piece], At, CLASS_PIECE);
		ClassSetupReadWrite(&Srbs[Piece], Operation,
				    Piece * CLASS_PIECE / STOR_BLOCK_SIZE,
				    Partial[Piece], CLASS_PIECE);
		Status = StorStartIo(Extension, &Srbs[Piece]);
	}
	Waited = StorWaitForRequests(Extension);
	if (!NT_SUCCESS(Waited))
		return Waited;
	for (Piece = 0; Piece < CLASS_PIECES && Partial[Piece] != NULL; Piece++) {
		if (NT_SUCCESS(Status) && Srbs[Piece].SrbStatus != SRB_STATUS_SUCCESS)
			Status = STATUS_IO_DEVICE_ERROR;
		IoFreeMdl(Partial[Piece]);
	}
	return Status;
}

/* Into the middle of a large block, of which the rest has to stay as it is. */
static NTSTATUS ClassReadBack(_In_ PSTOR_EXTENSION Extension, _In_ ULONG Seed)
{
	const ULONG Size = 100 * 1024, Offset = 9 * PAGE_SIZE + 300;
	NTSTATUS Status;
	PUCHAR Block;
	PMDL Mdl;

	Block = (PUCHAR)ExAllocatePoolWithTag(NonPagedPoolNx, Size,
					      STOR_TAG_DATA);
	if (Block == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	RtlFillMemory(Block, Size, 0xcc);
	Mdl = IoAllocateMdl(Block + Offset, STOR_MEDIUM_SIZE, FALSE, FALSE, NULL);
	if (Mdl == NULL) {
		ExFreePoolWithTag(Block, STOR_TAG_DATA);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	MmBuildMdlForNonPagedPool(Mdl);
	Status = ClassSplitTransfer(Extension, Mdl, SCSIOP_READ);
	if (NT_SUCCESS(Status) &&
	    (!ClassFilled(Block + Offset, STOR_MEDIUM_SIZE, 0, Seed) ||
	     Block[Offset - 1] != 0xcc ||
	     Block[Offset + STOR_MEDIUM_SIZE] != 0xcc))
		Status = STATUS_DATA_ERROR;
	IoFreeMdl(Mdl);
	ExFreePoolWithTag(Block, STOR_TAG_DATA);
	return Status;
}

/* A process' buffer would be locked like this; paged pool is here. */
static NTSTATUS ClassReadLocked(_In_ PSTOR_EXTENSION Extension, _In_ ULONG Seed)
{
	STOR_SRB Srb;
	NTSTATUS Status;
	PUCHAR Block;
	PMDL Mdl;

	Block = (PUCHAR)ExAllocatePool2(POOL_FLAG_PAGED, STOR_BLOCK_SIZE,
					STOR_TAG_DATA);
	if (Block == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Mdl = IoAllocateMdl(Block, STOR_BLOCK_SIZE, FALSE, FALSE, NULL);
	if (Mdl == NULL) {
		ExFreePoolWithTag(Block, STOR_TAG_DATA);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	Status = MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
	if (NT_SUCCESS(Status)) {
		ClassSetupReadWrite(&Srb, SCSIOP_READ, STOR_BLOCKS - 1, Mdl,
				    STOR_BLOCK_SIZE);
		Status = StorStartIo(Extension, &Srb);
		if (NT_SUCCESS(Status))
			Status = StorWaitForRequests(Extension);
		MmUnlockPages(Mdl);
	}
	if (NT_SUCCESS(Status) &&
	    (Srb.SrbStatus != SRB_STATUS_SUCCESS ||
	     !ClassFilled(Block, STOR_BLOCK_SIZE,
			  STOR_MEDIUM_SIZE - STOR_BLOCK_SIZE, Seed)))
		Status = STATUS_DATA_ERROR;
	IoFreeMdl(Mdl);
	ExFreePoolWithTag(Block, STOR_TAG_DATA);
	return Status;
}

/* Requests without data, and such as fail. */
static NTSTATUS ClassPoll(_In_ PSTOR_EXTENSION Extension, _In_ ULONG Count)
{
	STOR_SRB Srb;
	NTSTATUS Status;

	while (Count-- > 0) {
		PSENSE_DATA Sense;

		RtlZeroMemory(&Srb, sizeof(Srb));
		Srb.Cdb[0] = SCSIOP_TEST_UNIT_READY;
		Status = StorStartIo(Extension, &Srb);
		if (!NT_SUCCESS(Status))
			return Status;
		if (Srb.SrbStatus != SRB_STATUS_SUCCESS || Srb.SenseInfo != NULL)
			return STATUS_IO_DEVICE_ERROR;

		ClassSetupReadWrite(&Srb, SCSIOP_READ, STOR_BLOCKS, NULL,
				    STOR_BLOCK_SIZE);
		Status = StorStartIo(Extension, &Srb);
		if (!NT_SUCCESS(Status))
			return Status;
		Sense = Srb.SenseInfo;
		if (!FlagOn(Srb.SrbStatus, SRB_STATUS_AUTOSENSE_VALID) ||
		    Sense->AdditionalSenseLength != 10 ||
		    Sense->AdditionalSenseCode != SCSI_ADSENSE_ILLEGAL_BLOCK)
			return STATUS_IO_DEVICE_ERROR;
		ExFreePoolWithTag(Sense, STOR_TAG_SENSE);
	}
	return STATUS_SUCCESS;
}

_Use_decl_annotations_
NTSTATUS StorExercise(PSTOR_EXTENSION Extension, ULONG Rounds)
{
	NTSTATUS Status = STATUS_SUCCESS;
	ULONG Round;

	PAGED_CODE();

	for (Round = 0; Round < Rounds && NT_SUCCESS(Status); Round++) {
		Status = ClassPoll(Extension, 1000);
		if (NT_SUCCESS(Status))
			Status = ClassWriteChain(Extension, Round);
		if (NT_SUCCESS(Status))
			Status = ClassReadBack(Extension, Round);
		if (NT_SUCCESS(Status))
			Status = ClassReadLocked(Extension, Round);
	}
	if (!NT_SUCCESS(Status))
		return Status;
	/* Each request's extension came from the list, and went back to it. */
	if (Extension->SrbExtensions.L.TotalAllocates !=
	    Extension->SrbExtensions.L.TotalFrees ||
	    Extension->SrbExtensions.L.TotalAllocates != Rounds * 2004)
		return STATUS_INTERNAL_ERROR;
	return Extension->Elements >= (LONG)Rounds * 4 ? STATUS_SUCCESS :
							 STATUS_INTERNAL_ERROR;
}

/*
 * Takes a request that waits out of the queue. This is where the driver is wrong: it
 * does not put the request's list.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
static VOID StorAbortRequest(_In_ PSTOR_EXTENSION Extension, _Inout_ PSTOR_SRB Srb)
{
	PSRB_EXTENSION Request = Srb->SrbExtension;
	KIRQL OldIrql;

	KeAcquireSpinLock(&Extension->Lock, &OldIrql);
	NT_ASSERT(Request != Extension->Current);
	RemoveEntryList(&Request->Link);
	KeReleaseSpinLock(&Extension->Lock, OldIrql);
	Request->ScatterGather = NULL;
	StorCompleteRequest(Extension, Request, SRB_STATUS_ABORTED);
}

_Use_decl_annotations_
NTSTATUS StorForgetList(PSTOR_EXTENSION Extension)
{
	static const ULONG Lengths[] = { STOR_BLOCK_SIZE, 0 };
	STOR_SRB Srbs[2];
	PMDL Mdls[2];
	NTSTATUS Status;
	ULONG Index;

	for (Index = 0; Index < RTL_NUMBER_OF(Srbs); Index++) {
		Mdls[Index] = ClassAllocateChain(Lengths);
		if (Mdls[Index] == NULL)
			return STATUS_INSUFFICIENT_RESOURCES;
		ClassSetupReadWrite(&Srbs[Index], SCSIOP_READ, Index, Mdls[Index],
				    STOR_BLOCK_SIZE);
		Status = StorStartIo(Extension, &Srbs[Index]);
		if (!NT_SUCCESS(Status))
			return Status;
	}
	StorAbortRequest(Extension, &Srbs[1]);
	Status = StorWaitForRequests(Extension);
	/* What a list still uses is not freed. */
	for (Index = 0; Index < RTL_NUMBER_OF(Srbs); Index++)
		ClassFreeChain(Mdls[Index]);
	return Status;
}
