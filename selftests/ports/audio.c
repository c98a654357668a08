// SPDX-License-Identifier: GPL-2.0
/*
 * A Windows driver: the streams of an audio device. Each has a cyclic buffer, which is
 * a common buffer, mapped into the process that plays or records, and by the driver
 * a period at a time. What is played goes to the memory that QEMU's edu device
 * has, and is recorded from there.
 */
#include "audio.h"

#define AUDIO_TAG_DEVICE	'vDuA'
#define AUDIO_TAG_STREAM	'tSuA'
#define AUDIO_TAG_NOTIFICATION	'oNuA'

#define AUDIO_ADDRESS_WIDTH	28
#define AUDIO_MAXIMUM_BUFFER	(64 * 1024)
/* The device's memory, as it addresses that itself, and how much there is. */
#define AUDIO_CODEC		0x40000
#define AUDIO_MAXIMUM_PERIOD	4096

/* How often to wait for the device, before it counts as hung. */
#define AUDIO_PATIENCE		6000

#define AUDIO_REGISTER_SOURCE		(0x80 / sizeof(ULONG))
#define AUDIO_REGISTER_DESTINATION	(0x88 / sizeof(ULONG))
#define AUDIO_REGISTER_COUNT		(0x90 / sizeof(ULONG))
#define AUDIO_REGISTER_COMMAND		(0x98 / sizeof(ULONG))
#define AUDIO_COMMAND_START		0x00000001
#define AUDIO_COMMAND_CAPTURE		0x00000002

typedef struct _AUDIO_DEVICE {
	PDEVICE_OBJECT DeviceObject;
	PDMA_ADAPTER DmaAdapter;
	PULONG Registers;
	ULONG RegistersLength;
	KSPIN_LOCK Lock;
	/* Those that run, in turns; the first one transfers a period. */
	LIST_ENTRY Running;
	BOOLEAN Transferring;
} AUDIO_DEVICE;

typedef struct _AUDIO_STREAM {
	LIST_ENTRY Link;
	PAUDIO_DEVICE Device;
	BOOLEAN Capture;
	BOOLEAN Runs;
	/* It is among those that run, or transfers its last period. */
	volatile BOOLEAN Queued;
	ULONG PeriodSize;
	ULONG BufferSize;
	PUCHAR Buffer;
	PHYSICAL_ADDRESS LogicalAddress;
	PMDL Mdl;
	PVOID UserAddress;
	/* For one period after the other. */
	PMDL PeriodMdl;
	volatile LONG Position;
	LIST_ENTRY Notifications;
} AUDIO_STREAM;

typedef struct _AUDIO_NOTIFICATION_RECORD {
	LIST_ENTRY Link;
	PAUDIO_NOTIFICATION Notification;
	PVOID Context;
} AUDIO_NOTIFICATION_RECORD, *PAUDIO_NOTIFICATION_RECORD;

/* The device */

_Use_decl_annotations_
VOID AudioRemoveDevice(PAUDIO_DEVICE Device)
{
	PAGED_CODE();

	NT_ASSERT(IsListEmpty(&Device->Running) && !Device->Transferring);
	if (Device->DmaAdapter != NULL)
		Device->DmaAdapter->DmaOperations->PutDmaAdapter(Device->DmaAdapter);
	if (Device->Registers != NULL)
		MmUnmapIoSpace(Device->Registers, Device->RegistersLength);
	ExFreePoolWithTag(Device, AUDIO_TAG_DEVICE);
}

_Use_decl_annotations_
NTSTATUS
AudioStartDevice(
	PDEVICE_OBJECT DeviceObject,
	PHYSICAL_ADDRESS Registers,
	ULONG RegistersLength,
	PAUDIO_DEVICE *Result
	)
{
	DEVICE_DESCRIPTION Description;
	PAUDIO_DEVICE Device;
	ULONG MapRegisters;

	PAGED_CODE();

	*Result = NULL;
	Device = (PAUDIO_DEVICE)ExAllocatePoolZero(NonPagedPoolNx,
						   sizeof(AUDIO_DEVICE),
						   AUDIO_TAG_DEVICE);
	if (Device == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Device->DeviceObject = DeviceObject;
	KeInitializeSpinLock(&Device->Lock);
	InitializeListHead(&Device->Running);
	Device->RegistersLength = RegistersLength;
	Device->Registers = (PULONG)MmMapIoSpaceEx(Registers, RegistersLength,
						   PAGE_READWRITE | PAGE_NOCACHE);

	RtlZeroMemory(&Description, sizeof(Description));
	Description.Version = DEVICE_DESCRIPTION_VERSION3;
	Description.Master = TRUE;
	Description.ScatterGather = TRUE;
	Description.InterfaceType = PCIBus;
	Description.DmaAddressWidth = AUDIO_ADDRESS_WIDTH;
	Description.MaximumLength = 4 * AUDIO_MAXIMUM_BUFFER;
	Device->DmaAdapter = IoGetDmaAdapter(DeviceObject, &Description,
					     &MapRegisters);
	if (Device->Registers == NULL || Device->DmaAdapter == NULL) {
		AudioRemoveDevice(Device);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	*Result = Device;
	return STATUS_SUCCESS;
}

/* Tells the device which period to transfer next. */
_Requires_lock_held_(Device->Lock)
static VOID AudioStartPeriod(_In_ PAUDIO_DEVICE Device)
{
	PULONG Registers = Device->Registers;
	PAUDIO_STREAM Stream;
	ULONG Bus;

	if (Device->Transferring || IsListEmpty(&Device->Running))
		return;
	Stream = CONTAINING_RECORD(Device->Running.Flink, AUDIO_STREAM, Link);
	NT_ASSERT(Stream->LogicalAddress.HighPart == 0);
	Bus = Stream->LogicalAddress.LowPart + Stream->Position;
	WRITE_REGISTER_ULONG(Registers + AUDIO_REGISTER_SOURCE,
			     Stream->Capture ? AUDIO_CODEC : Bus);
	WRITE_REGISTER_ULONG(Registers + AUDIO_REGISTER_DESTINATION,
			     Stream->Capture ? Bus : AUDIO_CODEC);
	WRITE_REGISTER_ULONG(Registers + AUDIO_REGISTER_COUNT, Stream->PeriodSize);
	WRITE_REGISTER_ULONG(Registers + AUDIO_REGISTER_COMMAND,
			     Stream->Capture ?
			     AUDIO_COMMAND_START | AUDIO_COMMAND_CAPTURE :
			     AUDIO_COMMAND_START);
	Device->Transferring = TRUE;
}

_Use_decl_annotations_
VOID AudioDpcForIsr(PAUDIO_DEVICE Device)
{
	PAUDIO_STREAM Stream;
	PLIST_ENTRY Entry;

	KeAcquireSpinLockAtDpcLevel(&Device->Lock);
	if (!Device->Transferring ||
	    FlagOn(READ_REGISTER_ULONG(Device->Registers + AUDIO_REGISTER_COMMAND),
		   AUDIO_COMMAND_START)) {
		KeReleaseSpinLockFromDpcLevel(&Device->Lock);
		return;
	}
	Device->Transferring = FALSE;
	Stream = CONTAINING_RECORD(RemoveHeadList(&Device->Running),
				   AUDIO_STREAM, Link);
	InterlockedExchange(&Stream->Position,
			    (Stream->Position + Stream->PeriodSize) %
			    Stream->BufferSize);
	for (Entry = Stream->Notifications.Flink; Entry != &Stream->Notifications;
	     Entry = Entry->Flink) {
		PAUDIO_NOTIFICATION_RECORD Record =
			CONTAINING_RECORD(Entry, AUDIO_NOTIFICATION_RECORD, Link);

		Record->Notification(Record->Context, Stream->Position);
	}
	if (Stream->Runs)
		InsertTailList(&Device->Running, &Stream->Link);
	else
		Stream->Queued = FALSE;
	AudioStartPeriod(Device);
	KeReleaseSpinLockFromDpcLevel(&Device->Lock);
}

/* Streams */

static VOID AudioFreeBuffer(_In_ PAUDIO_STREAM Stream)
{
	PDMA_ADAPTER Dma = Stream->Device->DmaAdapter;

	Dma->DmaOperations->FreeCommonBuffer(Dma, Stream->BufferSize,
					     Stream->LogicalAddress,
					     Stream->Buffer, TRUE);
	Stream->Buffer = NULL;
}

_Use_decl_annotations_
VOID AudioCloseStream(PAUDIO_STREAM Stream)
{
	PAGED_CODE();

	NT_ASSERT(!Stream->Runs);
	while (!IsListEmpty(&Stream->Notifications))
		ExFreePoolWithTag(CONTAINING_RECORD(RemoveHeadList(&Stream->Notifications),
						    AUDIO_NOTIFICATION_RECORD,
						    Link),
				  AUDIO_TAG_NOTIFICATION);
	if (Stream->UserAddress != NULL)
		MmUnmapLockedPages(Stream->UserAddress, Stream->Mdl);
	if (Stream->PeriodMdl != NULL)
		IoFreeMdl(Stream->PeriodMdl);
	if (Stream->Mdl != NULL)
		IoFreeMdl(Stream->Mdl);
	if (Stream->Buffer != NULL)
		AudioFreeBuffer(Stream);
	ExFreePoolWithTag(Stream, AUDIO_TAG_STREAM);
}

_Use_decl_annotations_
NTSTATUS
AudioOpenStream(
	PAUDIO_DEVICE Device,
	BOOLEAN Capture,
	ULONG PeriodSize,
	ULONG Periods,
	PAUDIO_STREAM *Result
	)
{
	PDMA_ADAPTER Dma = Device->DmaAdapter;
	PHYSICAL_ADDRESS Maximum;
	PAUDIO_STREAM Stream;

	PAGED_CODE();

	*Result = NULL;
	if (PeriodSize == 0 || PeriodSize > AUDIO_MAXIMUM_PERIOD || Periods < 2 ||
	    Periods > AUDIO_MAXIMUM_BUFFER / PeriodSize)
		return STATUS_INVALID_PARAMETER;
	Stream = (PAUDIO_STREAM)ExAllocatePool2(POOL_FLAG_NON_PAGED,
						sizeof(AUDIO_STREAM),
						AUDIO_TAG_STREAM);
	if (Stream == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Stream->Device = Device;
	Stream->Capture = Capture;
	Stream->PeriodSize = PeriodSize;
	Stream->BufferSize = PeriodSize * Periods;
	InitializeListHead(&Stream->Notifications);

	if (Capture) {
		Maximum.QuadPart = (1LL << AUDIO_ADDRESS_WIDTH) - 1;
		Stream->Buffer = (PUCHAR)Dma->DmaOperations->AllocateCommonBufferEx(
			Dma, &Maximum, Stream->BufferSize,
			&Stream->LogicalAddress, TRUE, MM_ANY_NODE_OK);
	} else {
		Stream->Buffer = (PUCHAR)Dma->DmaOperations->AllocateCommonBuffer(
			Dma, Stream->BufferSize, &Stream->LogicalAddress, TRUE);
	}
	if (Stream->Buffer != NULL) {
		RtlZeroMemory(Stream->Buffer, Stream->BufferSize);
		Stream->Mdl = IoAllocateMdl(Stream->Buffer, Stream->BufferSize,
					    FALSE, FALSE, NULL);
		/* Room for a period wherever it is. */
		Stream->PeriodMdl = IoAllocateMdl((PVOID)(PAGE_SIZE - 1),
						  PeriodSize, FALSE, FALSE, NULL);
	}
	if (Stream->Mdl == NULL || Stream->PeriodMdl == NULL) {
		AudioCloseStream(Stream);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	MmBuildMdlForNonPagedPool(Stream->Mdl);
	*Result = Stream;
	return STATUS_SUCCESS;
}

_Use_decl_annotations_
NTSTATUS AudioMapBuffer(PAUDIO_STREAM Stream, PVOID *UserAddress)
{
	PAGED_CODE();

	/* Nothing but the buffer may be in what a process gets to see. */
	if (BYTE_OFFSET(Stream->Buffer) != 0 || BYTE_OFFSET(Stream->BufferSize) != 0)
		return STATUS_INVALID_PARAMETER;
	Stream->UserAddress =
		MmMapLockedPagesSpecifyCache(Stream->Mdl, UserMode, MmCached, NULL,
					     FALSE, NormalPagePriority |
					     MdlMappingNoExecute);
	*UserAddress = Stream->UserAddress;
	return Stream->UserAddress != NULL ? STATUS_SUCCESS :
					     STATUS_INSUFFICIENT_RESOURCES;
}

_Use_decl_annotations_
NTSTATUS
AudioRegisterNotification(
	PAUDIO_STREAM Stream,
	PAUDIO_NOTIFICATION Notification,
	PVOID Context
	)
{
	PAUDIO_NOTIFICATION_RECORD Record;
	KIRQL OldIrql;

	PAGED_CODE();

	Record = (PAUDIO_NOTIFICATION_RECORD)
		ExAllocatePool2(POOL_FLAG_NON_PAGED,
				sizeof(AUDIO_NOTIFICATION_RECORD),
				AUDIO_TAG_NOTIFICATION);
	if (Record == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Record->Notification = Notification;
	Record->Context = Context;
	KeAcquireSpinLock(&Stream->Device->Lock, &OldIrql);
	InsertTailList(&Stream->Notifications, &Record->Link);
	KeReleaseSpinLock(&Stream->Device->Lock, OldIrql);
	return STATUS_SUCCESS;
}

_Use_decl_annotations_
VOID AudioRun(PAUDIO_STREAM Stream)
{
	PAUDIO_DEVICE Device = Stream->Device;
	KIRQL OldIrql;

	KeAcquireSpinLock(&Device->Lock, &OldIrql);
	NT_ASSERT(!Stream->Runs);
	Stream->Runs = TRUE;
	Stream->Queued = TRUE;
	InsertTailList(&Device->Running, &Stream->Link);
	AudioStartPeriod(Device);
	KeReleaseSpinLock(&Device->Lock, OldIrql);
}

_Use_decl_annotations_
NTSTATUS AudioStop(PAUDIO_STREAM Stream)
{
	PAUDIO_DEVICE Device = Stream->Device;
	ULONG Tries = AUDIO_PATIENCE;
	KIRQL OldIrql;

	PAGED_CODE();

	KeAcquireSpinLock(&Device->Lock, &OldIrql);
	Stream->Runs = FALSE;
	/* The one that transfers a period goes when that is done. */
	if (!Device->Transferring || Device->Running.Flink != &Stream->Link) {
		RemoveEntryList(&Stream->Link);
		Stream->Queued = FALSE;
	}
	KeReleaseSpinLock(&Device->Lock, OldIrql);
	while (Stream->Queued && Tries-- > 0)
		AudioDelay(Device);
	return Stream->Queued ? STATUS_IO_TIMEOUT : STATUS_SUCCESS;
}

_Use_decl_annotations_
ULONG AudioGetPosition(PAUDIO_STREAM Stream)
{
	return (ULONG)Stream->Position;
}

/* From here on, what plays and records. */

static UCHAR AudioSample(_In_ ULONG Seed, _In_ ULONG Index)
{
	return (UCHAR)(Seed * 31 + Index * 5 + (Index >> 8));
}

/* The driver's own view of a period. */
static PUCHAR AudioGetPeriod(_In_ PAUDIO_STREAM Stream, _In_ ULONG Offset)
{
	MmPrepareMdlForReuse(Stream->PeriodMdl);
	IoBuildPartialMdl(Stream->Mdl, Stream->PeriodMdl,
			  (PUCHAR)MmGetMdlVirtualAddress(Stream->Mdl) + Offset,
			  Stream->PeriodSize);
	return (PUCHAR)MmGetSystemAddressForMdlSafe(Stream->PeriodMdl,
						    NormalPagePriority);
}

static VOID AudioFill(_In_ PAUDIO_STREAM Stream, _In_ ULONG Seed)
{
	ULONG Offset, Index;

	for (Offset = 0; Offset < Stream->BufferSize; Offset += Stream->PeriodSize) {
		PUCHAR Period = AudioGetPeriod(Stream, Offset);

		for (Index = 0; Index < Stream->PeriodSize; Index++)
			Period[Index] = AudioSample(Seed, Offset + Index);
	}
}

static BOOLEAN
AudioIsRecorded(
	_In_ PAUDIO_STREAM Stream,
	_In_ ULONG Seed,
	_In_ ULONG Length
	)
{
	ULONG Offset, Index;

	for (Offset = 0; Offset < Stream->BufferSize; Offset += Stream->PeriodSize) {
		PUCHAR Period = AudioGetPeriod(Stream, Offset);

		for (Index = 0; Index < Stream->PeriodSize; Index++)
			if (Period[Index] != (Offset < Length ?
					      AudioSample(Seed, Offset + Index) : 0))
				return FALSE;
	}
	return TRUE;
}

typedef struct _AUDIO_COUNTER {
	volatile LONG Periods;
	volatile LONG Position;
	BOOLEAN Wrong;
} AUDIO_COUNTER, *PAUDIO_COUNTER;

static AUDIO_NOTIFICATION AudioCountPeriod;

static VOID AudioCountPeriod(PVOID Context, ULONG Position)
{
	PAUDIO_COUNTER Counter = (PAUDIO_COUNTER)Context;

	if (KeGetCurrentIrql() != DISPATCH_LEVEL)
		Counter->Wrong = TRUE;
	InterlockedIncrement(&Counter->Periods);
	InterlockedExchange(&Counter->Position, (LONG)Position);
}

/* Both directions at once: each period that is played is recorded next. */
static NTSTATUS
AudioPlayAndRecord(
	_In_ PAUDIO_STREAM Play,
	_In_ PAUDIO_STREAM Record,
	_In_ ULONG Seed
	)
{
	AUDIO_COUNTER Played = { 0 }, Recorded = { 0 };
	const LONG Wanted = 3;
	ULONG Tries = AUDIO_PATIENCE, Length = Wanted * Record->PeriodSize;
	NTSTATUS Status, Stopped;

	Status = AudioRegisterNotification(Play, AudioCountPeriod, &Played);
	if (NT_SUCCESS(Status))
		Status = AudioRegisterNotification(Record, AudioCountPeriod,
						   &Recorded);
	if (!NT_SUCCESS(Status))
		return Status;
	AudioFill(Play, Seed);
	AudioRun(Play);
	AudioRun(Record);
	while (Recorded.Periods < Wanted && Tries-- > 0)
		AudioDelay(Record->Device);
	Stopped = AudioStop(Record);
	Status = AudioStop(Play);
	if (!NT_SUCCESS(Stopped) || !NT_SUCCESS(Status))
		return STATUS_IO_TIMEOUT;
	if (Recorded.Periods != Wanted || Played.Periods != Wanted + 1 ||
	    Recorded.Wrong || Played.Wrong ||
	    AudioGetPosition(Record) != Length % Record->BufferSize ||
	    AudioGetPosition(Record) != (ULONG)Recorded.Position)
		return STATUS_INTERNAL_ERROR;
	return AudioIsRecorded(Record, Seed, Length) ? STATUS_SUCCESS :
						       STATUS_DATA_ERROR;
}

_Use_decl_annotations_
NTSTATUS AudioExercise(PAUDIO_DEVICE Device, ULONG Rounds)
{
	/* The first wraps around, and has half a page in its buffer's last one. */
	static const ULONG Shapes[][2] = { { 1000, 2 }, { 1024, 6 }, { 4096, 16 } };
	NTSTATUS Status = STATUS_SUCCESS;
	ULONG Round;

	PAGED_CODE();

	for (Round = 0; Round < Rounds && NT_SUCCESS(Status); Round++) {
		const ULONG *Shape = Shapes[Round % RTL_NUMBER_OF(Shapes)];
		PAUDIO_STREAM Play = NULL, Record = NULL;

		Status = AudioOpenStream(Device, FALSE, Shape[0], Shape[1], &Play);
		if (NT_SUCCESS(Status))
			Status = AudioOpenStream(Device, TRUE, Shape[0], Shape[1],
						 &Record);
		/* A transfer takes a tenth of a second. */
		if (NT_SUCCESS(Status) && Round < 2)
			Status = AudioPlayAndRecord(Play, Record, Round);
		else if (NT_SUCCESS(Status))
			AudioFill(Play, Round);
		if (NT_SUCCESS(Status) && Round >= 2 &&
		    !AudioIsRecorded(Play, Round, Play->BufferSize))
			Status = STATUS_DATA_ERROR;
		if (NT_SUCCESS(Status) && Round >= 2 &&
		    !AudioIsRecorded(Record, Round, 0))
			Status = STATUS_DATA_ERROR;
		if (Play != NULL)
			AudioCloseStream(Play);
		if (Record != NULL)
			AudioCloseStream(Record);
	}
	return Status;
}

_Use_decl_annotations_
NTSTATUS AudioForgetBuffer(PAUDIO_DEVICE Device)
{
	PAUDIO_STREAM Stream;
	NTSTATUS Status;

	PAGED_CODE();

	Status = AudioOpenStream(Device, TRUE, 1000, 3, &Stream);
	if (!NT_SUCCESS(Status))
		return Status;
	Stream->Buffer = NULL;
	AudioCloseStream(Stream);
	return STATUS_SUCCESS;
}
