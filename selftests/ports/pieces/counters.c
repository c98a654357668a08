// SPDX-License-Identifier: GPL-2.0
/* In the style of a network driver: what its threads share without a lock. */
#include <stddef.h>
#include <stdarg.h>
#include <string.h>
#include <stdlib.h>
#include <ntddk.h>
#include <intrin.h>
#include <ntintsafe.h>
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
static EX_SPIN_LOCK SharedLock;

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

typedef struct _COUNTERS {
	LONG64 Packets;
	LONG_PTR References;
	volatile SIZE_T Bytes;
	UINT64 Errors;
	uint64_t Flags;
	ULONG_PTR Owner;
} COUNTERS;

static COUNTERS Counters;

C_ASSERT(offsetof(COUNTERS, References) == 8);

VOID
CountersAdd(_In_ ULONG Bytes)
{
	InterlockedIncrement64(&Counters.Packets);
	InterlockedIncrement64(&Counters.References);
	InterlockedAdd64(&Counters.Bytes, Bytes);
	InterlockedExchangeAdd64((LONG64 *)&Counters.Errors, 0);
	InterlockedOr64(&Counters.Flags, 1);
	InterlockedCompareExchange64(&Counters.Owner, 0, 0);
	InterlockedDecrementNoFence64(&Counters.References);
	InterlockedIncrementSizeT(&Counters.Bytes);
	InterlockedAddNoFence64(&Counters.Packets, 1);
	_InterlockedExchangeAdd64(&Counters.References, 1);
	InterlockedAnd8((char volatile *)&Counters.Flags, ~2);
	InterlockedBitTestAndSet64(&Counters.References, 62);
}

NTSTATUS
CountersSize(_In_ SIZE_T Count, _Out_ SIZE_T *Bytes, _Out_ UINT64 *Words)
{
	uint64_t Total;
	UINT32 Narrow;
	NTSTATUS Status;

	Status = RtlULongLongMult(Count, sizeof(COUNTERS), Bytes);
	if (!NT_SUCCESS(Status))
		return Status;
	Status = RtlSizeTAdd(*Bytes, sizeof(ULONG), &Total);
	if (!NT_SUCCESS(Status))
		return Status;
	Status = RtlULongPtrSub(Total, sizeof(UINT64), Words);
	if (!NT_SUCCESS(Status))
		return Status;
	Status = RtlSizeTToUInt32(*Bytes, &Narrow);
	if (!NT_SUCCESS(Status))
		return Status;
	return RtlUInt32Add(Narrow, 1, &Narrow);
}

VOID
CountersReset(VOID)
{
	PROCESSOR_NUMBER Processor;
	KIRQL Irql;

	Irql = ExAcquireSpinLockExclusive(&SharedLock);
	Counters.Owner = KeGetCurrentProcessorNumberEx(&Processor);
	ExReleaseSpinLockExclusive(&SharedLock, Irql);
	InterlockedExchange64(&Counters.Packets, 0);
	memset(&Counters, 0, sizeof(Counters));
}

#if DBG
static LONG CountersChecked;
#endif

BOOLEAN
CountersCheck(_In_ ULONG Bytes)
{
	ASSERT(Bytes != 0);
	ASSERT(++CountersChecked > 0);
#if DBG
	return CountersChecked > 0;
#else
	return FALSE;
#endif
}

typedef struct _RING_HEADER {
	UINT32 Producer;
	volatile LONG Consumer;
	SIZE_T Bytes;
	LONG_PTR Signed;
	PADDRESS_TABLE Table;
	CONST LONG64 *Clock;
	BOOLEAN Closed;
} RING_HEADER, *PRING_HEADER;

UINT32
RingProduce(_Inout_ PRING_HEADER Ring, _In_ UINT32 Count)
{
	UINT32 Producer = ReadUInt32NoFence(&Ring->Producer);

	if (ReadBooleanAcquire(&Ring->Closed) || ReadPointerAcquire(&Ring->Table) == NULL)
		return 0;
	WriteULong64NoFence(&Ring->Bytes, ReadULong64NoFence(&Ring->Bytes) + Count);
	WriteRaw64(&Ring->Signed, ReadNoFence64(Ring->Clock));
	WritePointerRelease(&Ring->Table, NULL);
	WriteUInt32Release(&Ring->Producer, Producer + Count);
	WriteULongRelease(&Ring->Producer, Producer + Count);
	return (UINT32)ReadAcquire(&Ring->Consumer);
}
