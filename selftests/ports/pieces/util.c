// SPDX-License-Identifier: GPL-2.0
/* A cache of objects with a slab for each page, in the style of the Xen drivers. */
#include "util.h"
#include "pieces.h"

#define CACHE_TAG   'HCAC'

typedef struct _SLAB {
	LIST_ENTRY  ListEntry;
	PMDL        Mdl;
	USHORT      MaximumOccupancy;
	USHORT      CurrentOccupancy;
	LONG        Mask[4];
	PUCHAR      Buffer;
} SLAB, *PSLAB;

struct _CACHE {
	LIST_ENTRY      SlabList;
	KSPIN_LOCK      Lock;
	ULONG           Size;
	LONG            Count;
	volatile LONG64 Serial;
	PVOID           Magazine[8];
};

NTSTATUS
CacheCreate(
	IN  ULONG   Size,
	OUT PCACHE  *Cache
	)
{
	*Cache = __AllocatePoolWithTag(NonPagedPool, sizeof(struct _CACHE), CACHE_TAG);
	if (*Cache == NULL)
		return STATUS_NO_MEMORY;

	(*Cache)->Size = P2ROUNDUP(sizeof(PVOID), ULONG, Size);
	InitializeListHead(&(*Cache)->SlabList);
	KeInitializeSpinLock(&(*Cache)->Lock);
	return STATUS_SUCCESS;
}

static PVOID
CacheGetObjectFromMagazine(
	IN  PCACHE  Cache
	)
{
	ULONG       Index;

	for (Index = 0; Index < ARRAYSIZE(Cache->Magazine); Index++) {
		PVOID Object = InterlockedExchangePointer(&Cache->Magazine[Index], NULL);

		if (Object != NULL)
			return Object;
	}
	return NULL;
}

PVOID
CacheGet(
	IN  PCACHE  Cache
	)
{
	PLIST_ENTRY ListEntry;
	PVOID       Object;
	PSLAB       Slab;
	KIRQL       Irql;
	LONG        Index;

	Object = CacheGetObjectFromMagazine(Cache);
	if (Object != NULL)
		return Object;

	KeRaiseIrql(DISPATCH_LEVEL, &Irql);
	KeAcquireSpinLockAtDpcLevel(&Cache->Lock);
	(VOID) InterlockedIncrement64(&Cache->Serial);

	for (ListEntry = Cache->SlabList.Flink; ListEntry != &Cache->SlabList;
	     ListEntry = ListEntry->Flink) {
		Slab = CONTAINING_RECORD(ListEntry, SLAB, ListEntry);

		for (Index = 0; Index < Slab->MaximumOccupancy; Index++) {
			if (InterlockedBitTestAndSet(Slab->Mask, Index))
				continue;
			Slab->CurrentOccupancy++;
			Object = Slab->Buffer + (Index * Cache->Size);
			goto done;
		}
	}

	Slab = __AllocatePoolWithTag(NonPagedPool, sizeof(SLAB), CACHE_TAG);
	if (Slab == NULL)
		goto done;
	Slab->Mdl = __AllocatePage();
	if (Slab->Mdl == NULL) {
		__FreePoolWithTag(Slab, CACHE_TAG);
		goto done;
	}
	Slab->Buffer = MmGetSystemAddressForMdlSafe(Slab->Mdl, NormalPagePriority);
	ASSERT(Slab->Buffer != NULL);
	Slab->MaximumOccupancy = (USHORT)min((ULONG)(PAGE_SIZE / Cache->Size), 128u);
	Slab->CurrentOccupancy = 1;
	(VOID) InterlockedBitTestAndSet(Slab->Mask, 0);
	Object = Slab->Buffer;
	InsertTailList(&Cache->SlabList, &Slab->ListEntry);

done:
#pragma prefast(disable:28103)
	KeReleaseSpinLockFromDpcLevel(&Cache->Lock);
	KeLowerIrql(Irql);
	return Object;
}

VOID
CacheDestroy(
	IN  PCACHE  Cache
	)
{
	while (!IsListEmpty(&Cache->SlabList)) {
		PSLAB Slab = CONTAINING_RECORD(RemoveHeadList(&Cache->SlabList), SLAB, ListEntry);

		__FreePage(Slab->Mdl);
		__FreePoolWithTag(Slab, CACHE_TAG);
	}
	__FreePoolWithTag(Cache, CACHE_TAG);
}
