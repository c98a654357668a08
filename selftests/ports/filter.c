// SPDX-License-Identifier: GPL-2.0
/*
 * A Windows driver: the records of a minifilter. Each open file has a context in
 * paged pool with its name behind it, charged to who opened it; what happens to
 * the file is logged in nonpaged pool, at any IRQL up to DISPATCH_LEVEL.
 */
#define POOL_NX_OPTIN 1
#include "filter.h"

#define FLT_TAG_CONTEXT		'xtCF'
#define FLT_TAG_NAME		'emNF'
#define FLT_TAG_LOG		'goLF'

#define FLT_BUCKETS		32

#ifdef ALLOC_PRAGMA
#pragma alloc_text(PAGE, FltRecordsDelete)
#endif

typedef struct _FILE_CONTEXT {
	LIST_ENTRY Link;
	ULONG Hash;
	volatile LONG References;
	UNICODE_STRING Name;
	ULONG Writes;
} FILE_CONTEXT, *PFILE_CONTEXT;

typedef struct _LOG_RECORD {
	LIST_ENTRY Link;
	ULONG Sequence;
	USHORT Length;
	UCHAR Text[];
} LOG_RECORD, *PLOG_RECORD;

typedef struct _GLOBALS {
	KSPIN_LOCK Lock;
	LIST_ENTRY Log;
	LONG Sequence;
	LONG Logged;
	LIST_ENTRY Buckets[FLT_BUCKETS];
} GLOBALS;

static GLOBALS Globals;

static ULONG FltHash(_In_ PCUNICODE_STRING Name)
{
	ULONG Hash = 5381, Index;

	for (Index = 0; Index < Name->Length / sizeof(WCHAR); Index++)
		Hash = Hash * 33 + Name->Buffer[Index];
	return Hash;
}

_IRQL_requires_max_(DISPATCH_LEVEL)
static NTSTATUS FltLog(_In_reads_bytes_(Length) PCSTR Text, _In_ USHORT Length)
{
	PLOG_RECORD Record;

	Record = (PLOG_RECORD)
		ExAllocatePoolUninitialized(NonPagedPool,
					    FIELD_OFFSET(LOG_RECORD, Text) +
					    Length, FLT_TAG_LOG);
	if (Record == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Record->Sequence = InterlockedIncrement(&Globals.Sequence);
	Record->Length = Length;
	RtlMoveMemory(Record->Text, Text, Length);
	ExInterlockedInsertTailList(&Globals.Log, &Record->Link, &Globals.Lock);
	InterlockedIncrement(&Globals.Logged);
	return STATUS_SUCCESS;
}

static VOID FltDrainLog(VOID)
{
	PLIST_ENTRY Entry;

	while ((Entry = ExInterlockedRemoveHeadList(&Globals.Log,
						    &Globals.Lock)) != NULL) {
		PLOG_RECORD Record = CONTAINING_RECORD(Entry, LOG_RECORD, Link);

		RtlSecureZeroMemory(Record->Text, Record->Length);
		ExFreePoolWithTag(Record, FLT_TAG_LOG);
		InterlockedDecrement(&Globals.Logged);
	}
}

static VOID FltReleaseContext(_Inout_ PFILE_CONTEXT Context)
{
	PAGED_CODE();

	if (InterlockedDecrement(&Context->References) == 0)
		ExFreePoolWithTag(Context, FLT_TAG_CONTEXT);
}

/* The name lies behind the context, with a NUL that is not part of it. */
static NTSTATUS
FltCreateContext(
	_In_ PCUNICODE_STRING Name,
	_Outptr_ PFILE_CONTEXT *Result
	)
{
	SIZE_T Size = sizeof(FILE_CONTEXT) + Name->Length + sizeof(WCHAR);
	PFILE_CONTEXT Context;

	PAGED_CODE();

	Context = (PFILE_CONTEXT)
		ExAllocatePoolQuotaZero((POOL_TYPE)(PagedPool |
						    POOL_QUOTA_FAIL_INSTEAD_OF_RAISE),
					Size, FLT_TAG_CONTEXT);
	if (Context == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	RtlInitEmptyUnicodeString(&Context->Name, (PWCHAR)(Context + 1),
				  Name->Length + sizeof(WCHAR));
	RtlCopyUnicodeString(&Context->Name, Name);
	NT_ASSERT(Context->Name.Length == Name->Length);
	Context->Hash = FltHash(Name);
	Context->References = 1;
	InsertHeadList(&Globals.Buckets[Context->Hash % FLT_BUCKETS],
		       &Context->Link);
	*Result = Context;
	return FltLog("open", sizeof("open"));
}

static PFILE_CONTEXT FltFind(_In_ PCUNICODE_STRING Name)
{
	ULONG Hash = FltHash(Name);
	PLIST_ENTRY Head = &Globals.Buckets[Hash % FLT_BUCKETS], Entry;

	PAGED_CODE();

	for (Entry = Head->Flink; Entry != Head; Entry = Entry->Flink) {
		PFILE_CONTEXT Context = CONTAINING_RECORD(Entry, FILE_CONTEXT,
							  Link);

		if (Context->Hash == Hash &&
		    Context->Name.Length == Name->Length &&
		    RtlCompareMemory(Context->Name.Buffer, Name->Buffer,
				     Name->Length) == Name->Length) {
			InterlockedIncrement(&Context->References);
			return Context;
		}
	}
	return NULL;
}

static VOID FltRemove(_In_ PFILE_CONTEXT Context)
{
	RemoveEntryList(&Context->Link);
	FltReleaseContext(Context);
}

static VOID FltMakeName(_Out_ PUNICODE_STRING Name, _In_ ULONG File)
{
	static const WCHAR Prefix[] = L"\\Device\\HarddiskVolume1\\file";
	SIZE_T At = RTL_NUMBER_OF(Prefix) - 1;

	NT_ASSERT(Name->MaximumLength >= sizeof(Prefix) + 8 * sizeof(WCHAR));
	RtlCopyMemory(Name->Buffer, Prefix, sizeof(Prefix));
	do {
		Name->Buffer[At++] = L'0' + File % 10;
		File /= 10;
	} while (File != 0);
	Name->Length = (USHORT)(At * sizeof(WCHAR));
}

/* Into a buffer of the new name's own, as a rename comes with one. */
static NTSTATUS FltRename(_In_ PCUNICODE_STRING From, _In_ PCUNICODE_STRING To)
{
	PFILE_CONTEXT Old = FltFind(From), New;
	UNICODE_STRING Copy;
	NTSTATUS Status;

	PAGED_CODE();

	if (Old == NULL)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	Copy.Length = 0;
	Copy.MaximumLength = To->Length;
	Copy.Buffer = (PWCH)ExAllocatePool2(POOL_FLAG_PAGED |
					    POOL_FLAG_UNINITIALIZED, To->Length,
					    FLT_TAG_NAME);
	if (Copy.Buffer == NULL) {
		FltReleaseContext(Old);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	RtlCopyUnicodeString(&Copy, To);
	Status = FltCreateContext(&Copy, &New);
	ExFreePoolWithTag(Copy.Buffer, FLT_TAG_NAME);
	if (NT_SUCCESS(Status)) {
		New->Writes = Old->Writes;
		FltRemove(Old);
	}
	FltReleaseContext(Old);
	return Status;
}

_Use_decl_annotations_
NTSTATUS FltRecordsExercise(ULONG Files)
{
	WCHAR Buffer[64], OtherBuffer[64];
	UNICODE_STRING Name, Other;
	PFILE_CONTEXT Context;
	NTSTATUS Status;
	KIRQL OldIrql;
	KSPIN_LOCK Lock;
	ULONG File;

	PAGED_CODE();

	KeInitializeSpinLock(&Lock);
	RtlInitEmptyUnicodeString(&Name, Buffer, sizeof(Buffer));
	RtlInitEmptyUnicodeString(&Other, OtherBuffer, sizeof(OtherBuffer));
	for (File = 0; File < Files; File++) {
		FltMakeName(&Name, File);
		if ((Context = FltFind(&Name)) != NULL) {
			FltReleaseContext(Context);
			return STATUS_OBJECT_NAME_COLLISION;
		}
		Status = FltCreateContext(&Name, &Context);
		if (!NT_SUCCESS(Status))
			return Status;
		/* Paging I/O comes at DISPATCH_LEVEL. */
		KeAcquireSpinLock(&Lock, &OldIrql);
		Status = FltLog("write", sizeof("write"));
		KeReleaseSpinLock(&Lock, OldIrql);
		if (!NT_SUCCESS(Status))
			return Status;
		Context->Writes = File;
	}
	for (File = 0; File < Files; File++) {
		FltMakeName(&Name, File);
		FltMakeName(&Other, File + 1000000);
		Status = FltRename(&Name, &Other);
		if (!NT_SUCCESS(Status))
			return Status;
		if (FltFind(&Name) != NULL)
			return STATUS_OBJECT_NAME_EXISTS;
	}
	for (File = 0; File < Files; File++) {
		FltMakeName(&Other, File + 1000000);
		Context = FltFind(&Other);
		if (Context == NULL || Context->Writes != File)
			return STATUS_NOT_FOUND;
		FltRemove(Context);
		FltReleaseContext(Context);
	}
	if ((ULONG)Globals.Logged != 3 * Files)
		return STATUS_INTERNAL_ERROR;
	FltDrainLog();
	return Globals.Logged ? STATUS_INTERNAL_ERROR : STATUS_SUCCESS;
}

NTSTATUS FltRecordsInitialize(VOID)
{
	ULONG Index;

	PAGED_CODE();

	ExInitializeDriverRuntime(DrvRtPoolNxOptIn);
	KeInitializeSpinLock(&Globals.Lock);
	InitializeListHead(&Globals.Log);
	for (Index = 0; Index < ARRAYSIZE(Globals.Buckets); Index++)
		InitializeListHead(&Globals.Buckets[Index]);
	return STATUS_SUCCESS;
}

VOID FltRecordsDelete(VOID)
{
	ULONG Index;

	PAGED_CODE();

	FltDrainLog();
	for (Index = 0; Index < ARRAYSIZE(Globals.Buckets); Index++) {
		while (!IsListEmpty(&Globals.Buckets[Index]))
			FltRemove(CONTAINING_RECORD(Globals.Buckets[Index].Flink,
						    FILE_CONTEXT, Link));
	}
}

NTSTATUS FltRecordsForget(VOID)
{
	NTSTATUS Status = FltLog("lost", sizeof("lost"));

	if (NT_SUCCESS(Status))
		RemoveHeadList(&Globals.Log);
	return Status;
}
