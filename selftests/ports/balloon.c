// SPDX-License-Identifier: GPL-2.0
/*
 * A Windows driver: a balloon. It takes pages from the system and lends them to the
 * host, which wants them in large runs if there are any. A page that is lent has no
 * address here: the host is told its number, by a table of 32-bit numbers. When
 * memory becomes low, the balloon gives pages back, and does not grow until it is
 * given a new target.
 */
#include "balloon.h"

#define BALLOON_TAG_DEVICE	'veDB'
#define BALLOON_TAG_TABLE	'laTB'
#define BALLOON_TAG_LENT	'tnLB'

/* What is lent at once: as many numbers as the table has. */
#define BALLOON_BATCH		(PAGE_SIZE / sizeof(ULONG))
/* A run, of which the host makes one entry of its own page tables. */
#define BALLOON_RUN		16

/* Pages that were lent at once. */
typedef struct _LENT_PAGES {
	SINGLE_LIST_ENTRY Link;
	PMDL Mdl;
	ULONG Pages;
} LENT_PAGES, *PLENT_PAGES;

typedef struct _BALLOON {
	SINGLE_LIST_ENTRY Lent;
	NPAGED_LOOKASIDE_LIST LentPages;
	KSPIN_LOCK Lock;
	PHYSICAL_ADDRESS HighestAddress;
	PULONG Table;
	ULONG Target;
	ULONG Pages;
	volatile LONG MemoryIsLow;
	ULONG Shortages;
	ULONG Runs;
	PBALLOON_HOST Host;
	PVOID HostContext;
} BALLOON;

_Use_decl_annotations_
NTSTATUS
BalloonCreate(
	PHYSICAL_ADDRESS HighestAddress,
	PBALLOON_HOST Host,
	PVOID HostContext,
	PBALLOON *Result
	)
{
	PBALLOON Balloon;

	PAGED_CODE();

	*Result = NULL;
	Balloon = (PBALLOON)ExAllocatePoolZero(NonPagedPoolNx, sizeof(BALLOON),
					       BALLOON_TAG_DEVICE);
	if (Balloon == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	/* The host reads it, so it must not cross a page. */
	Balloon->Table = (PULONG)ExAllocatePoolWithTag(NonPagedPoolNx, PAGE_SIZE,
						       BALLOON_TAG_TABLE);
	if (Balloon->Table == NULL) {
		ExFreePoolWithTag(Balloon, BALLOON_TAG_DEVICE);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	NT_ASSERT(PAGE_ALIGN(Balloon->Table) == (PVOID)Balloon->Table);

	KeInitializeSpinLock(&Balloon->Lock);
	ExInitializeNPagedLookasideList(&Balloon->LentPages, NULL, NULL,
					POOL_NX_ALLOCATION, sizeof(LENT_PAGES),
					BALLOON_TAG_LENT, 0);
	Balloon->HighestAddress = HighestAddress;
	Balloon->Host = Host;
	Balloon->HostContext = HostContext;
	*Result = Balloon;
	return STATUS_SUCCESS;
}

/* Tells the host of all pages of an MDL, which are no more than the table has room for. */
static BOOLEAN
BalloonTellHost(
	_In_ PBALLOON Balloon,
	_In_ PMDL Mdl,
	_In_ BOOLEAN Inflate
	)
{
	ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl),
						     MmGetMdlByteCount(Mdl));
	PPFN_NUMBER Pfns = MmGetMdlPfnArray(Mdl);
	ULONG Index;

	NT_ASSERT(Pages <= BALLOON_BATCH);
	for (Index = 0; Index < Pages; Index++) {
		/* The protocol knows no pages above 16 TiB. */
		if (Pfns[Index] > MAXULONG)
			return FALSE;
		NT_ASSERT(Pfns[Index] <=
			  (PFN_NUMBER)Balloon->HighestAddress.QuadPart >> PAGE_SHIFT);
		Balloon->Table[Index] = (ULONG)Pfns[Index];
	}
	KeMemoryBarrier();
	return Balloon->Host(Balloon->HostContext, Balloon->Table, Pages, Inflate);
}

/* Each run begins where one of the host's own pages does. */
static BOOLEAN BalloonHasRuns(_In_ PMDL Mdl)
{
	ULONG Pages = MmGetMdlByteCount(Mdl) >> PAGE_SHIFT, Index;
	PPFN_NUMBER Pfns = MmGetMdlPfnArray(Mdl);

	for (Index = 0; Index < Pages; Index++) {
		ULONG InRun = Index % BALLOON_RUN;

		if (Pfns[Index] % BALLOON_RUN != InRun ||
		    Pfns[Index] != Pfns[Index - InRun] + InRun)
			return FALSE;
	}
	return TRUE;
}

/* All in runs if there are so many, else single pages, maybe fewer than wanted. */
_Ret_maybenull_
static PMDL BalloonTakePages(_In_ PBALLOON Balloon, _In_ ULONG Pages)
{
	PHYSICAL_ADDRESS Lowest, Run, None;
	SIZE_T Bytes = (SIZE_T)Pages << PAGE_SHIFT;
	PMDL Mdl;

	Lowest.QuadPart = 0;
	None.QuadPart = 0;
	Run.QuadPart = BALLOON_RUN * PAGE_SIZE;
	if (Pages % BALLOON_RUN == 0) {
		Mdl = MmAllocatePagesForMdlEx(Lowest, Balloon->HighestAddress,
					      Run, Bytes, MmCached,
					      MM_DONT_ZERO_ALLOCATION |
					      MM_ALLOCATE_NO_WAIT |
					      MM_ALLOCATE_FULLY_REQUIRED |
					      MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
		if (Mdl != NULL) {
			NT_ASSERT(MmGetMdlByteCount(Mdl) == Bytes);
			NT_ASSERT(BalloonHasRuns(Mdl));
			Balloon->Runs++;
			return Mdl;
		}
	}
	return MmAllocatePagesForMdlEx(Lowest, Balloon->HighestAddress, None,
				       Bytes, MmCached,
				       MM_DONT_ZERO_ALLOCATION |
				       MM_ALLOCATE_NO_WAIT);
}

/* Both of what the one routine allocated. */
static VOID BalloonFreePages(_In_ _Post_invalid_ PMDL Mdl)
{
	MmFreePagesFromMdl(Mdl);
	ExFreePool(Mdl);
}

/* Lends at most so many pages; STATUS_INSUFFICIENT_RESOURCES if it was fewer. */
_IRQL_requires_max_(APC_LEVEL)
static NTSTATUS BalloonInflate(_Inout_ PBALLOON Balloon, _In_ ULONG Wanted)
{
	PLENT_PAGES Lent;
	KIRQL OldIrql;
	PMDL Mdl;

	PAGED_CODE();

	Lent = (PLENT_PAGES)ExAllocateFromNPagedLookasideList(&Balloon->LentPages);
	if (Lent == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Mdl = BalloonTakePages(Balloon, Wanted);
	if (Mdl == NULL) {
		ExFreeToNPagedLookasideList(&Balloon->LentPages, Lent);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	if (!BalloonTellHost(Balloon, Mdl, TRUE)) {
		BalloonFreePages(Mdl);
		ExFreeToNPagedLookasideList(&Balloon->LentPages, Lent);
		return STATUS_DEVICE_DATA_ERROR;
	}
	Lent->Mdl = Mdl;
	Lent->Pages = MmGetMdlByteCount(Mdl) >> PAGE_SHIFT;
	NT_ASSERT(Lent->Pages != 0 && Lent->Pages <= Wanted);

	KeAcquireSpinLock(&Balloon->Lock, &OldIrql);
	PushEntryList(&Balloon->Lent, &Lent->Link);
	Balloon->Pages += Lent->Pages;
	KeReleaseSpinLock(&Balloon->Lock, OldIrql);
	return Lent->Pages < Wanted ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

/* Takes back what was lent last; the host is told before the system can use it. */
static NTSTATUS BalloonDeflate(_Inout_ PBALLOON Balloon)
{
	PSINGLE_LIST_ENTRY Entry;
	PLENT_PAGES Lent;
	KIRQL OldIrql;

	PAGED_CODE();

	KeAcquireSpinLock(&Balloon->Lock, &OldIrql);
	Entry = PopEntryList(&Balloon->Lent);
	if (Entry != NULL)
		Balloon->Pages -= CONTAINING_RECORD(Entry, LENT_PAGES, Link)->Pages;
	KeReleaseSpinLock(&Balloon->Lock, OldIrql);
	if (Entry == NULL)
		return STATUS_NO_MORE_ENTRIES;

	Lent = CONTAINING_RECORD(Entry, LENT_PAGES, Link);
	if (!BalloonTellHost(Balloon, Lent->Mdl, FALSE)) {
		/* It still has them, so nobody else may. */
		KeAcquireSpinLock(&Balloon->Lock, &OldIrql);
		PushEntryList(&Balloon->Lent, &Lent->Link);
		Balloon->Pages += Lent->Pages;
		KeReleaseSpinLock(&Balloon->Lock, OldIrql);
		return STATUS_DEVICE_DATA_ERROR;
	}
	BalloonFreePages(Lent->Mdl);
	ExFreeToNPagedLookasideList(&Balloon->LentPages, Lent);
	return STATUS_SUCCESS;
}

/*
 * Pages come back in the batches in which they were lent, which may be more than
 * wanted; then some are lent again.
 */
static NTSTATUS BalloonFollow(_Inout_ PBALLOON Balloon)
{
	NTSTATUS Status = STATUS_SUCCESS;

	PAGED_CODE();

	while (Balloon->Pages > Balloon->Target) {
		Status = BalloonDeflate(Balloon);
		if (!NT_SUCCESS(Status))
			return Status;
	}
	while (Balloon->Pages < Balloon->Target) {
		ULONG Wanted = Balloon->Target - Balloon->Pages;

		if (InterlockedCompareExchange(&Balloon->MemoryIsLow, 0, 0))
			return STATUS_INSUFFICIENT_RESOURCES;
		if (Wanted > BALLOON_BATCH)
			Wanted = BALLOON_BATCH;
		Status = BalloonInflate(Balloon, Wanted);
		if (Status == STATUS_INSUFFICIENT_RESOURCES) {
			/* What it has is all there is. */
			Balloon->Shortages++;
			InterlockedExchange(&Balloon->MemoryIsLow, TRUE);
		}
		if (!NT_SUCCESS(Status))
			return Status;
	}
	return Status;
}

static NTSTATUS BalloonSetTarget(_Inout_ PBALLOON Balloon, _In_ ULONG Pages)
{
	PAGED_CODE();

	InterlockedExchange(&Balloon->MemoryIsLow, FALSE);
	Balloon->Target = Pages;
	return BalloonFollow(Balloon);
}

/* The system says that memory is low: a quarter of the balloon comes back. */
static NTSTATUS BalloonMemoryIsLow(_Inout_ PBALLOON Balloon)
{
	PAGED_CODE();

	InterlockedExchange(&Balloon->MemoryIsLow, TRUE);
	Balloon->Target = Balloon->Pages - Balloon->Pages / 4;
	while (Balloon->Pages > Balloon->Target) {
		NTSTATUS Status = BalloonDeflate(Balloon);

		if (!NT_SUCCESS(Status))
			return Status;
	}
	return STATUS_SUCCESS;
}

_Use_decl_annotations_
VOID BalloonDelete(PBALLOON Balloon)
{
	PAGED_CODE();

	NT_VERIFY(NT_SUCCESS(BalloonSetTarget(Balloon, 0)));
	NT_ASSERT(Balloon->Lent.Next == NULL && Balloon->Pages == 0);
	ExDeleteNPagedLookasideList(&Balloon->LentPages);
	ExFreePoolWithTag(Balloon->Table, BALLOON_TAG_TABLE);
	ExFreePoolWithTag(Balloon, BALLOON_TAG_DEVICE);
}

_Use_decl_annotations_
NTSTATUS BalloonExercise(PBALLOON Balloon, ULONG Rounds)
{
	NTSTATUS Status;
	ULONG Round;

	PAGED_CODE();

	for (Round = 0; Round < Rounds; Round++) {
		/* Some are multiples of a run, most are not. */
		ULONG Pages = (Round % 4 == 0) ? BALLOON_RUN * (Round % 160) :
						 (Round * 997) % 2900;

		Status = BalloonSetTarget(Balloon, Pages);
		if (!NT_SUCCESS(Status))
			return Status;
		if (Balloon->Pages != Pages)
			return STATUS_INTERNAL_ERROR;
	}
	if (Balloon->Runs == 0)
		return STATUS_NOT_FOUND;
	return BalloonSetTarget(Balloon, 0);
}

_Use_decl_annotations_
NTSTATUS BalloonExerciseShortage(PBALLOON Balloon, ULONG TooMany)
{
	ULONG Most;

	PAGED_CODE();

	if (BalloonSetTarget(Balloon, TooMany) != STATUS_INSUFFICIENT_RESOURCES ||
	    Balloon->Shortages == 0)
		return STATUS_INVALID_DEVICE_STATE;
	Most = Balloon->Pages;
	if (Most == 0 || Most >= TooMany)
		return STATUS_INTERNAL_ERROR;

	/* It does not grow by itself, and memory that is low gets some back. */
	if (BalloonFollow(Balloon) != STATUS_INSUFFICIENT_RESOURCES ||
	    Balloon->Pages != Most ||
	    !NT_SUCCESS(BalloonMemoryIsLow(Balloon)) ||
	    Balloon->Pages > Most - Most / 4)
		return STATUS_INTERNAL_ERROR;
	return BalloonSetTarget(Balloon, Balloon->Pages / 2);
}

_Use_decl_annotations_
NTSTATUS BalloonForgetPages(PBALLOON Balloon)
{
	PMDL Mdl;

	PAGED_CODE();

	Mdl = BalloonTakePages(Balloon, 3);
	if (Mdl == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	ExFreePool(Mdl);
	return STATUS_SUCCESS;
}
