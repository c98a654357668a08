// SPDX-License-Identifier: GPL-2.0
/* In the style of a network driver: what its threads share without a lock. */
#include <ntddk.h>
#include "pieces.h"

typedef struct _ADDRESS_TABLE {
	ULONG Count;
	ULONG Entries[ANYSIZE_ARRAY];
} ADDRESS_TABLE, *PADDRESS_TABLE;

typedef struct _SHARED {
	PADDRESS_TABLE volatile Table;
	struct _SHARED *Next;
} SHARED, *PSHARED;

static SHARED Shared;

/* The old one, which nobody can find any more. */
PADDRESS_TABLE
TablePublish(_In_opt_ PADDRESS_TABLE Table)
{
	return InterlockedExchangePointer(&Shared.Table, Table);
}

BOOLEAN
TableReplace(_In_ PADDRESS_TABLE Old, _In_opt_ PADDRESS_TABLE New)
{
	PSHARED *Next = &Shared.Next;

	if (InterlockedCompareExchangePointer((PVOID *)Next, NULL, NULL) != NULL)
		return FALSE;
	return InterlockedCompareExchangePointer(&Shared.Table, New, Old) == Old;
}
