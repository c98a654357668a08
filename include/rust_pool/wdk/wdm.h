/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the memory code of a Windows driver needs besides memory routines, under the
 * names of the WDK's wdm.h: IRQLs, spin locks, lists, interlocked operations,
 * registers, strings. Memory itself is <rust_pool/wdm.h>. See ntdef.h for how this
 * comes into the path.
 */
#ifndef _RUST_POOL_WDK_WDM_H
#define _RUST_POOL_WDK_WDM_H

#include <linux/atomic.h>
#include <linux/bottom_half.h>
#include <linux/bug.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/nodemask.h>
#include <linux/pagemap.h>
#include <linux/preempt.h>
#include <linux/prefetch.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/swab.h>
#include <linux/topology.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>
#include <linux/wait_bit.h>

#include "ntdef.h"
#include "ntstatus.h"

/* Linux has protections of a process's pages under some of these names. */
#undef PAGE_READONLY
#define PAGE_NOACCESS		RUST_POOL_PAGE_NOACCESS
#define PAGE_READONLY		RUST_POOL_PAGE_READONLY
#define PAGE_READWRITE		RUST_POOL_PAGE_READWRITE
#define PAGE_EXECUTE		RUST_POOL_PAGE_EXECUTE
#define PAGE_EXECUTE_READ	RUST_POOL_PAGE_EXECUTE_READ
#define PAGE_EXECUTE_READWRITE	RUST_POOL_PAGE_EXECUTE_READWRITE
#define PAGE_NOCACHE		RUST_POOL_PAGE_NOCACHE
#define PAGE_WRITECOMBINE	RUST_POOL_PAGE_WRITECOMBINE

/* IRQLs */

typedef u8 KIRQL, *PKIRQL;

#define PASSIVE_LEVEL	0
#define LOW_LEVEL	0
#define APC_LEVEL	1
#define DISPATCH_LEVEL	2
#define CLOCK_LEVEL	13
#define SYNCH_LEVEL	12
#define IPI_LEVEL	14
#define POWER_LEVEL	14
#define PROFILE_LEVEL	15
#define HIGH_LEVEL	15

/**
 * KeGetCurrentIrql - the IRQL that this context stands for
 *
 * As Documentation/contexts.rst has it; never %APC_LEVEL.
 *
 * Context: Any.
 * Return: 0 for a task that may sleep, %DISPATCH_LEVEL, 13 with interrupts
 * disabled or in a hard interrupt, or %HIGH_LEVEL in NMI.
 */
static inline KIRQL KeGetCurrentIrql(void)
{
	/* It returns these numbers, as the names are not <rust_pool/wdm.h>'s. */
	static_assert(DISPATCH_LEVEL == 2 && CLOCK_LEVEL == 13 && HIGH_LEVEL == 15);

	return rust_pool_current_irql();
}

/* Warns, with a stack and once for each place, if the code may not sleep. */
#define PAGED_CODE() \
	((void)WARN_ONCE(KeGetCurrentIrql() > APC_LEVEL, \
			 "%s is paged code, called at IRQL %d\n", __func__, \
			 KeGetCurrentIrql()))
#define PAGED_CODE_LOCKED()	((void)0)
#define PAGED_ASSERT(Condition)	ASSERT(Condition)

/*
 * For drivers that ask for NX pool in place of NonPagedPool: by this at run time,
 * or POOL_NX_OPTIN=1 when compiled. All pool is NX here.
 */
#define DrvRtPoolNxOptIn	0x00000001

static inline VOID ExInitializeDriverRuntime(ULONG RuntimeFlags)
{
}

/**
 * DOC: Spin locks
 *
 * A lock takes 8 bytes in a driver's structures, whatever the kernel
 * checks of its own, so lockdep does not see it. The holder of a lock is at
 * DISPATCH_LEVEL: bottom halves and preemption are off, interrupts are not. Context:
 * any but a hard interrupt and NMI, as they do not wait for each other. Nothing fails.
 */
typedef ULONG_PTR KSPIN_LOCK, *PKSPIN_LOCK;

static_assert(sizeof(arch_spinlock_t) <= sizeof(KSPIN_LOCK));

static inline arch_spinlock_t *rust_pool_lock(PKSPIN_LOCK SpinLock)
{
	return (arch_spinlock_t *)SpinLock;
}

static inline VOID KeInitializeSpinLock(PKSPIN_LOCK SpinLock)
{
	static const arch_spinlock_t unlocked = __ARCH_SPIN_LOCK_UNLOCKED;

	*SpinLock = 0;
	*rust_pool_lock(SpinLock) = unlocked;
}

static inline VOID KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
	preempt_disable();
	arch_spin_lock(rust_pool_lock(SpinLock));
}

static inline VOID KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
	arch_spin_unlock(rust_pool_lock(SpinLock));
	preempt_enable();
}

static inline BOOLEAN KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
	preempt_disable();
	if (arch_spin_trylock(rust_pool_lock(SpinLock)))
		return TRUE;
	preempt_enable();
	return FALSE;
}

static inline KIRQL KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
	KIRQL irql = KeGetCurrentIrql();

	/*
	 * With interrupts off no bottom half runs, and unlocking must not enable
	 * any.
	 */
	if (irql <= DISPATCH_LEVEL)
		local_bh_disable();
	KeAcquireSpinLockAtDpcLevel(SpinLock);
	return irql;
}

#define KeAcquireSpinLock(SpinLock, OldIrql) \
	(*(OldIrql) = KeAcquireSpinLockRaiseToDpc(SpinLock))

static inline VOID KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
	KeReleaseSpinLockFromDpcLevel(SpinLock);
	if (NewIrql <= DISPATCH_LEVEL)
		local_bh_enable();
}

/* A lock that is acquired by way of this; a waiter does not queue here. */
typedef struct _KLOCK_QUEUE_HANDLE {
	struct {
		PVOID Next;
		PKSPIN_LOCK Lock;
	} LockQueue;
	KIRQL OldIrql;
} KLOCK_QUEUE_HANDLE, *PKLOCK_QUEUE_HANDLE;

static inline VOID KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock,
						  PKLOCK_QUEUE_HANDLE LockHandle)
{
	LockHandle->LockQueue.Lock = SpinLock;
	LockHandle->OldIrql = KeAcquireSpinLockRaiseToDpc(SpinLock);
}

static inline VOID KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
{
	KeReleaseSpinLock(LockHandle->LockQueue.Lock, LockHandle->OldIrql);
}

static inline VOID
KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock,
					 PKLOCK_QUEUE_HANDLE LockHandle)
{
	LockHandle->LockQueue.Lock = SpinLock;
	KeAcquireSpinLockAtDpcLevel(SpinLock);
}

static inline VOID
KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
{
	KeReleaseSpinLockFromDpcLevel(LockHandle->LockQueue.Lock);
}

/* For a routine that also runs as a DPC, which is no different here. */
#define KeAcquireSpinLockForDpc(SpinLock)	KeAcquireSpinLockRaiseToDpc(SpinLock)
#define KeReleaseSpinLockForDpc(SpinLock, OldIrql) \
	KeReleaseSpinLock(SpinLock, OldIrql)

/**
 * DOC: Locks with readers
 *
 * EX_SPIN_LOCK takes 4 bytes, and is 0 when nobody holds it. Any number may share it, or one may
 * have it alone, who as a waiter keeps new ones out: so nobody may acquire it a second time.
 * IRQL and context are those of spin locks. Nothing fails.
 */
typedef volatile LONG EX_SPIN_LOCK, *PEX_SPIN_LOCK;

/* One has it alone, or waits for that; the other bits count those who share it. */
#define RUST_POOL_ALONE		((LONG)0x80000000)

static inline BOOLEAN ExTryAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
	LONG old = READ_ONCE(*SpinLock);

	preempt_disable();
	while (old >= 0)
		if (try_cmpxchg(SpinLock, &old, old + 1))
			return TRUE;
	preempt_enable();
	return FALSE;
}

static inline BOOLEAN ExTryAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
	LONG old = 0;

	preempt_disable();
	if (try_cmpxchg(SpinLock, &old, RUST_POOL_ALONE))
		return TRUE;
	preempt_enable();
	return FALSE;
}

static inline VOID ExAcquireSpinLockSharedAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
	while (!ExTryAcquireSpinLockSharedAtDpcLevel(SpinLock))
		cpu_relax();
}

static inline VOID ExAcquireSpinLockExclusiveAtDpcLevel(PEX_SPIN_LOCK SpinLock)
{
	preempt_disable();
	while (atomic_fetch_or(RUST_POOL_ALONE, (atomic_t *)SpinLock) < 0)
		while (READ_ONCE(*SpinLock) < 0)
			cpu_relax();
	/* No more can share it, and those who do go. */
	while (smp_load_acquire(SpinLock) != RUST_POOL_ALONE)
		cpu_relax();
}

static inline VOID ExReleaseSpinLockSharedFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
	atomic_dec_return_release((atomic_t *)SpinLock);
	preempt_enable();
}

static inline VOID ExReleaseSpinLockExclusiveFromDpcLevel(PEX_SPIN_LOCK SpinLock)
{
	smp_store_release(SpinLock, 0);
	preempt_enable();
}

/* TRUE if the caller was the only one to share it, and nobody waits. */
static inline BOOLEAN ExTryConvertSharedSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
	LONG old = 1;

	return try_cmpxchg(SpinLock, &old, RUST_POOL_ALONE);
}

/* As KeAcquireSpinLockRaiseToDpc() does it. */
static inline KIRQL rust_pool_raise_to_dpc(VOID)
{
	KIRQL irql = KeGetCurrentIrql();

	if (irql <= DISPATCH_LEVEL)
		local_bh_disable();
	return irql;
}

static inline KIRQL ExAcquireSpinLockShared(PEX_SPIN_LOCK SpinLock)
{
	KIRQL irql = rust_pool_raise_to_dpc();

	ExAcquireSpinLockSharedAtDpcLevel(SpinLock);
	return irql;
}

static inline KIRQL ExAcquireSpinLockExclusive(PEX_SPIN_LOCK SpinLock)
{
	KIRQL irql = rust_pool_raise_to_dpc();

	ExAcquireSpinLockExclusiveAtDpcLevel(SpinLock);
	return irql;
}

static inline VOID ExReleaseSpinLockShared(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
	ExReleaseSpinLockSharedFromDpcLevel(SpinLock);
	if (OldIrql <= DISPATCH_LEVEL)
		local_bh_enable();
}

static inline VOID ExReleaseSpinLockExclusive(PEX_SPIN_LOCK SpinLock, KIRQL OldIrql)
{
	ExReleaseSpinLockExclusiveFromDpcLevel(SpinLock);
	if (OldIrql <= DISPATCH_LEVEL)
		local_bh_enable();
}

/**
 * DOC: Raising the IRQL
 *
 * Raising the IRQL disables bottom halves, and lowering it enables them. Both count, as
 * spin locks do: lower it, or release a lock, as often as it was raised or one was
 * acquired. Nothing raises to more than DISPATCH_LEVEL here: that is a warning, and
 * interrupts stay enabled. Context: any but NMI.
 */
static inline KIRQL KfRaiseIrql(KIRQL NewIrql)
{
	KIRQL irql = KeGetCurrentIrql();

	WARN_ONCE(NewIrql > DISPATCH_LEVEL && NewIrql > irql,
		  "IRQL %d cannot be raised to\n", NewIrql);
	if (irql == DISPATCH_LEVEL ||
	    (irql < DISPATCH_LEVEL && NewIrql >= DISPATCH_LEVEL))
		local_bh_disable();
	return irql;
}

static inline VOID KfLowerIrql(KIRQL NewIrql)
{
	if (NewIrql <= DISPATCH_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL)
		local_bh_enable();
}

#define KeRaiseIrql(NewIrql, OldIrql)	(*(OldIrql) = KfRaiseIrql(NewIrql))
#define KeRaiseIrqlToDpcLevel()		KfRaiseIrql(DISPATCH_LEVEL)
#define KeLowerIrql(NewIrql)		KfLowerIrql(NewIrql)

/* For the routines below, which Windows allows at any IRQL. */
static inline unsigned long rust_pool_lock_irqsave(PKSPIN_LOCK Lock)
{
	unsigned long flags;

	local_irq_save(flags);
	KeAcquireSpinLockAtDpcLevel(Lock);
	return flags;
}

static inline void rust_pool_unlock_irqrestore(PKSPIN_LOCK Lock,
					       unsigned long flags)
{
	arch_spin_unlock(rust_pool_lock(Lock));
	local_irq_restore(flags);
	preempt_enable();
}

/**
 * DOC: Doubly linked lists
 *
 * As in the WDK. A list whose links do not match gives a warning. Inserting, appending and
 * RemoveEntryList() leave it as it is. RemoveHeadList() and RemoveTailList() empty it and return
 * the entry, so that a loop which frees all entries frees none twice, and ends; what else was in
 * the list is lost.
 * The caller sees to it that nobody else uses the list meanwhile. The routines with
 * ExInterlocked in their names take a lock for that, with interrupts disabled.
 * Context: any but NMI for these, any for the others.
 */

static inline VOID InitializeListHead(PLIST_ENTRY ListHead)
{
	ListHead->Flink = ListHead;
	ListHead->Blink = ListHead;
}

/* A list that is empty from the start. */
#define RTL_STATIC_LIST_HEAD(x)	LIST_ENTRY x = { &x, &x }

static inline BOOLEAN IsListEmpty(const LIST_ENTRY *ListHead)
{
	return READ_ONCE(ListHead->Flink) == ListHead;
}

static inline bool rust_pool_linked(const LIST_ENTRY *Before,
				    const LIST_ENTRY *After)
{
	return !WARN_ONCE(Before->Flink != After || After->Blink != Before,
			  "a LIST_ENTRY was corrupted\n");
}

static inline VOID rust_pool_insert(PLIST_ENTRY Before, PLIST_ENTRY Entry,
				    PLIST_ENTRY After)
{
	if (!rust_pool_linked(Before, After))
		return;
	Entry->Flink = After;
	Entry->Blink = Before;
	After->Blink = Entry;
	Before->Flink = Entry;
}

static inline VOID InsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
	rust_pool_insert(ListHead, Entry, ListHead->Flink);
}

static inline VOID InsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
	rust_pool_insert(ListHead->Blink, Entry, ListHead);
}

static inline bool rust_pool_unlink(PLIST_ENTRY Entry)
{
	PLIST_ENTRY after = Entry->Flink, before = Entry->Blink;

	if (!rust_pool_linked(before, Entry) || !rust_pool_linked(Entry, after))
		return false;
	before->Flink = after;
	after->Blink = before;
	return true;
}

/* Returns TRUE if the list is empty afterwards. */
static inline BOOLEAN RemoveEntryList(PLIST_ENTRY Entry)
{
	return rust_pool_unlink(Entry) && Entry->Flink == Entry->Blink;
}

/* Returns the head itself if the list is empty. */
static inline PLIST_ENTRY RemoveHeadList(PLIST_ENTRY ListHead)
{
	PLIST_ENTRY entry = ListHead->Flink;

	if (!rust_pool_unlink(entry))
		InitializeListHead(ListHead);
	return entry;
}

static inline PLIST_ENTRY RemoveTailList(PLIST_ENTRY ListHead)
{
	PLIST_ENTRY entry = ListHead->Blink;

	if (!rust_pool_unlink(entry))
		InitializeListHead(ListHead);
	return entry;
}

/* Appends a list without a head, of which any entry is passed. */
static inline VOID AppendTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListToAppend)
{
	PLIST_ENTRY end = ListHead->Blink, last = ListToAppend->Blink;

	if (!rust_pool_linked(end, ListHead) || !rust_pool_linked(last, ListToAppend))
		return;
	end->Flink = ListToAppend;
	ListHead->Blink = last;
	last->Flink = ListHead;
	ListToAppend->Blink = end;
}

static inline PLIST_ENTRY
ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
			    PKSPIN_LOCK Lock)
{
	unsigned long flags = rust_pool_lock_irqsave(Lock);
	PLIST_ENTRY first = ListHead->Flink;

	InsertHeadList(ListHead, ListEntry);
	rust_pool_unlock_irqrestore(Lock, flags);
	return first == ListHead ? NULL : first;
}

static inline PLIST_ENTRY
ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry,
			    PKSPIN_LOCK Lock)
{
	unsigned long flags = rust_pool_lock_irqsave(Lock);
	PLIST_ENTRY last = ListHead->Blink;

	InsertTailList(ListHead, ListEntry);
	rust_pool_unlock_irqrestore(Lock, flags);
	return last == ListHead ? NULL : last;
}

static inline PLIST_ENTRY
ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
	unsigned long flags = rust_pool_lock_irqsave(Lock);
	PLIST_ENTRY first = NULL;

	if (!IsListEmpty(ListHead))
		first = RemoveHeadList(ListHead);
	rust_pool_unlock_irqrestore(Lock, flags);
	return first;
}

/**
 * DOC: Singly linked lists
 *
 * As in the WDK, and as for doubly linked lists; but links are not checked. Taking
 * from an empty list returns NULL.
 */

static inline VOID PushEntryList(PSINGLE_LIST_ENTRY ListHead,
				 PSINGLE_LIST_ENTRY Entry)
{
	Entry->Next = ListHead->Next;
	ListHead->Next = Entry;
}

static inline PSINGLE_LIST_ENTRY PopEntryList(PSINGLE_LIST_ENTRY ListHead)
{
	PSINGLE_LIST_ENTRY first = ListHead->Next;

	if (first)
		ListHead->Next = first->Next;
	return first;
}

static inline PSINGLE_LIST_ENTRY
ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead,
			   PSINGLE_LIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
	unsigned long flags = rust_pool_lock_irqsave(Lock);
	PSINGLE_LIST_ENTRY first = ListHead->Next;

	PushEntryList(ListHead, ListEntry);
	rust_pool_unlock_irqrestore(Lock, flags);
	return first;
}

static inline PSINGLE_LIST_ENTRY
ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
	unsigned long flags = rust_pool_lock_irqsave(Lock);
	PSINGLE_LIST_ENTRY first = PopEntryList(ListHead);

	rust_pool_unlock_irqrestore(Lock, flags);
	return first;
}

/**
 * DOC: Sequenced lists
 *
 * Sequenced lists have a lock in their head, which has 16 bytes as on x64. The
 * fields of the head are private. Context: any but NMI. Taking from an empty list
 * returns NULL. <rust_pool/lookaside.h> has the types.
 */
static inline VOID InitializeSListHead(PSLIST_HEADER SListHead)
{
	static const arch_spinlock_t unlocked = __ARCH_SPIN_LOCK_UNLOCKED;

	SListHead->first = NULL;
	SListHead->lock = unlocked;
	SListHead->depth = 0;
}

static inline unsigned long rust_pool_slist_lock(PSLIST_HEADER SListHead)
{
	unsigned long flags;

	local_irq_save(flags);
	preempt_disable();
	arch_spin_lock(&SListHead->lock);
	return flags;
}

static inline void rust_pool_slist_unlock(PSLIST_HEADER SListHead,
					  unsigned long flags)
{
	arch_spin_unlock(&SListHead->lock);
	local_irq_restore(flags);
	preempt_enable();
}

static inline PSLIST_ENTRY
InterlockedPushEntrySList(PSLIST_HEADER SListHead, PSLIST_ENTRY SListEntry)
{
	unsigned long flags = rust_pool_slist_lock(SListHead);
	PSLIST_ENTRY first = SListHead->first;

	SListEntry->Next = first;
	SListHead->first = SListEntry;
	SListHead->depth++;
	rust_pool_slist_unlock(SListHead, flags);
	return first;
}

static inline PSLIST_ENTRY InterlockedPopEntrySList(PSLIST_HEADER SListHead)
{
	unsigned long flags = rust_pool_slist_lock(SListHead);
	PSLIST_ENTRY first = SListHead->first;

	if (first) {
		SListHead->first = first->Next;
		SListHead->depth--;
	}
	rust_pool_slist_unlock(SListHead, flags);
	return first;
}

static inline PSLIST_ENTRY InterlockedFlushSList(PSLIST_HEADER SListHead)
{
	unsigned long flags = rust_pool_slist_lock(SListHead);
	PSLIST_ENTRY first = SListHead->first;

	SListHead->first = NULL;
	SListHead->depth = 0;
	rust_pool_slist_unlock(SListHead, flags);
	return first;
}

static inline USHORT QueryDepthSList(PSLIST_HEADER SListHead)
{
	return READ_ONCE(SListHead->depth);
}

#define ExInitializeSListHead(Head)		InitializeSListHead(Head)
#define ExQueryDepthSList(Head)			QueryDepthSList(Head)
/* The lock is not taken: it is in the head. */
#define ExInterlockedPushEntrySList(Head, Entry, Lock) \
	((void)(Lock), InterlockedPushEntrySList(Head, Entry))
#define ExInterlockedPopEntrySList(Head, Lock) \
	((void)(Lock), InterlockedPopEntrySList(Head))
#define ExInterlockedFlushSList(Head)		InterlockedFlushSList(Head)

/**
 * DOC: Interlocked operations
 *
 * Linux's atomic operations, all of them full barriers, also those whose names end in
 * Acquire, Release or NoFence. As in the WDK, InterlockedIncrement(),
 * InterlockedDecrement() and InterlockedAdd() return the new value, all others the old one.
 * Those for pointers take the address of a pointer to anything, and those of 64 bits that of
 * any integer of 64 bits. Context: any.
 */

/*
 * @Pointer as a pointer to @Type, evaluated once. What it points to has the size of @Type,
 * or is void, or else it does not compile.
 */
#define RUST_POOL_SIZED(Type, Pointer) \
({ \
	static_assert(sizeof(*(Pointer)) == sizeof(Type) || \
		      __builtin_types_compatible_p(typeof(*(Pointer)), void)); \
	(Type volatile *)(Pointer); \
})
#define RUST_POOL_SIZED_CONST(Type, Pointer) \
	((Type const volatile *)RUST_POOL_SIZED(Type, Pointer))

static inline LONG InterlockedIncrement(LONG volatile *Addend)
{
	return atomic_inc_return((atomic_t *)Addend);
}

static inline LONG InterlockedDecrement(LONG volatile *Addend)
{
	return atomic_dec_return((atomic_t *)Addend);
}

static inline LONG InterlockedExchange(LONG volatile *Target, LONG Value)
{
	return atomic_xchg((atomic_t *)Target, Value);
}

static inline LONG InterlockedExchangeAdd(LONG volatile *Addend, LONG Value)
{
	return atomic_fetch_add(Value, (atomic_t *)Addend);
}

static inline LONG InterlockedAdd(LONG volatile *Addend, LONG Value)
{
	return atomic_add_return(Value, (atomic_t *)Addend);
}

static inline LONG InterlockedCompareExchange(LONG volatile *Destination,
					      LONG ExChange, LONG Comperand)
{
	return atomic_cmpxchg((atomic_t *)Destination, Comperand, ExChange);
}

static inline LONG InterlockedOr(LONG volatile *Destination, LONG Value)
{
	return atomic_fetch_or(Value, (atomic_t *)Destination);
}

static inline LONG InterlockedAnd(LONG volatile *Destination, LONG Value)
{
	return atomic_fetch_and(Value, (atomic_t *)Destination);
}

static inline LONG InterlockedXor(LONG volatile *Destination, LONG Value)
{
	return atomic_fetch_xor(Value, (atomic_t *)Destination);
}

/* Bit 32 is the first one of the next LONG, as on Windows. */
static inline BOOLEAN InterlockedBitTestAndSet(LONG volatile *Base, LONG Bit)
{
	LONG mask = (LONG)BIT(Bit & 31);

	return (InterlockedOr(Base + (Bit >> 5), mask) & mask) != 0;
}

static inline BOOLEAN InterlockedBitTestAndReset(LONG volatile *Base, LONG Bit)
{
	LONG mask = (LONG)BIT(Bit & 31);

	return (InterlockedAnd(Base + (Bit >> 5), ~mask) & mask) != 0;
}

static inline LONG64 InterlockedIncrement64(LONG64 volatile *Addend)
{
	return atomic64_inc_return((atomic64_t *)Addend);
}

static inline LONG64 InterlockedDecrement64(LONG64 volatile *Addend)
{
	return atomic64_dec_return((atomic64_t *)Addend);
}

static inline LONG64 InterlockedExchange64(LONG64 volatile *Target, LONG64 Value)
{
	return atomic64_xchg((atomic64_t *)Target, Value);
}

static inline LONG64 InterlockedExchangeAdd64(LONG64 volatile *Addend,
					      LONG64 Value)
{
	return atomic64_fetch_add(Value, (atomic64_t *)Addend);
}

static inline LONG64 InterlockedAdd64(LONG64 volatile *Addend, LONG64 Value)
{
	return atomic64_add_return(Value, (atomic64_t *)Addend);
}

static inline LONG64 InterlockedCompareExchange64(LONG64 volatile *Destination,
						  LONG64 ExChange,
						  LONG64 Comperand)
{
	return atomic64_cmpxchg((atomic64_t *)Destination, Comperand, ExChange);
}

static inline LONG64 InterlockedOr64(LONG64 volatile *Destination, LONG64 Value)
{
	return atomic64_fetch_or(Value, (atomic64_t *)Destination);
}

static inline LONG64 InterlockedAnd64(LONG64 volatile *Destination, LONG64 Value)
{
	return atomic64_fetch_and(Value, (atomic64_t *)Destination);
}

static inline LONG64 InterlockedXor64(LONG64 volatile *Destination, LONG64 Value)
{
	return atomic64_fetch_xor(Value, (atomic64_t *)Destination);
}

static inline SHORT InterlockedCompareExchange16(SHORT volatile *Destination,
						 SHORT ExChange, SHORT Comperand)
{
	return cmpxchg(Destination, Comperand, ExChange);
}

static inline SHORT rust_pool_add16(SHORT volatile *Addend, SHORT Value)
{
	SHORT old;

	do
		old = READ_ONCE(*Addend);
	while (cmpxchg(Addend, old, (SHORT)(old + Value)) != old);
	return old + Value;
}

static inline SHORT InterlockedIncrement16(SHORT volatile *Addend)
{
	return rust_pool_add16(Addend, 1);
}

static inline SHORT InterlockedDecrement16(SHORT volatile *Addend)
{
	return rust_pool_add16(Addend, -1);
}

static inline PVOID InterlockedExchangePointer(PVOID volatile *Target,
					       PVOID Value)
{
	return xchg(Target, Value);
}

static inline PVOID InterlockedCompareExchangePointer(PVOID volatile *Target,
						      PVOID ExChange,
						      PVOID Comperand)
{
	return cmpxchg(Target, Comperand, ExChange);
}

#define InterlockedExchangePointer(Target, Value) \
	InterlockedExchangePointer(RUST_POOL_SIZED(PVOID, Target), Value)
#define InterlockedCompareExchangePointer(Target, ExChange, Comperand) \
	InterlockedCompareExchangePointer(RUST_POOL_SIZED(PVOID, Target), \
					  ExChange, Comperand)

/* On Windows long has 32 bits; here two types have 64, and pointers to them differ. */
#define InterlockedIncrement64(Addend) \
	InterlockedIncrement64(RUST_POOL_SIZED(LONG64, Addend))
#define InterlockedDecrement64(Addend) \
	InterlockedDecrement64(RUST_POOL_SIZED(LONG64, Addend))
#define InterlockedExchange64(Target, Value) \
	InterlockedExchange64(RUST_POOL_SIZED(LONG64, Target), Value)
#define InterlockedExchangeAdd64(Addend, Value) \
	InterlockedExchangeAdd64(RUST_POOL_SIZED(LONG64, Addend), Value)
#define InterlockedAdd64(Addend, Value) \
	InterlockedAdd64(RUST_POOL_SIZED(LONG64, Addend), Value)
#define InterlockedCompareExchange64(Destination, ExChange, Comperand) \
	InterlockedCompareExchange64(RUST_POOL_SIZED(LONG64, Destination), \
				     ExChange, Comperand)
#define InterlockedOr64(Destination, Value) \
	InterlockedOr64(RUST_POOL_SIZED(LONG64, Destination), Value)
#define InterlockedAnd64(Destination, Value) \
	InterlockedAnd64(RUST_POOL_SIZED(LONG64, Destination), Value)
#define InterlockedXor64(Destination, Value) \
	InterlockedXor64(RUST_POOL_SIZED(LONG64, Destination), Value)

/* Those of 8 and of 16 bits, which return the old value. */
#define RUST_POOL_SHORT_OPERATION(Name, Bits, Type, Result)		\
static inline Type Interlocked##Name##Bits(Type volatile *Destination,	\
					   Type Value)			\
{									\
	Type old = READ_ONCE(*Destination);				\
									\
	while (!try_cmpxchg(Destination, &old, (Type)(Result)))		\
		;							\
	return old;							\
}

#define RUST_POOL_SHORT_OPERATIONS(Bits, Type)				\
	RUST_POOL_SHORT_OPERATION(And, Bits, Type, old & Value)		\
	RUST_POOL_SHORT_OPERATION(Or, Bits, Type, old | Value)		\
	RUST_POOL_SHORT_OPERATION(Xor, Bits, Type, old ^ Value)		\
	RUST_POOL_SHORT_OPERATION(ExchangeAdd, Bits, Type, old + Value)	\
	RUST_POOL_SHORT_OPERATION(Exchange, Bits, Type, Value)

RUST_POOL_SHORT_OPERATIONS(8, CHAR)
RUST_POOL_SHORT_OPERATIONS(16, SHORT)

#undef RUST_POOL_SHORT_OPERATIONS
#undef RUST_POOL_SHORT_OPERATION

static inline BOOLEAN InterlockedBitTestAndComplement(LONG volatile *Base, LONG Bit)
{
	LONG mask = (LONG)BIT(Bit & 31);

	return (InterlockedXor(Base + (Bit >> 5), mask) & mask) != 0;
}

/* Bit 64 is the first one of the next LONG64. */
static inline BOOLEAN InterlockedBitTestAndSet64(LONG64 volatile *Base, LONG64 Bit)
{
	LONG64 mask = (LONG64)BIT_ULL(Bit & 63);

	return (InterlockedOr64(Base + (Bit >> 6), mask) & mask) != 0;
}

static inline BOOLEAN InterlockedBitTestAndReset64(LONG64 volatile *Base, LONG64 Bit)
{
	LONG64 mask = (LONG64)BIT_ULL(Bit & 63);

	return (InterlockedAnd64(Base + (Bit >> 6), ~mask) & mask) != 0;
}

#define InterlockedBitTestAndSet64(Base, Bit) \
	InterlockedBitTestAndSet64(RUST_POOL_SIZED(LONG64, Base), Bit)
#define InterlockedBitTestAndReset64(Base, Bit) \
	InterlockedBitTestAndReset64(RUST_POOL_SIZED(LONG64, Base), Bit)

#define InterlockedIncrementSizeT(Addend)	((SIZE_T)InterlockedIncrement64(Addend))
#define InterlockedDecrementSizeT(Addend)	((SIZE_T)InterlockedDecrement64(Addend))
#define InterlockedAddSizeT(Addend, Value) \
	((SIZE_T)InterlockedAdd64(Addend, Value))
#define InterlockedExchangeAddSizeT(Addend, Value) \
	((SIZE_T)InterlockedExchangeAdd64(Addend, Value))
#define InterlockedExchangeSubtract(Addend, Value) \
	((ULONG)InterlockedExchangeAdd((LONG volatile *)(Addend), -(LONG)(Value)))

#define InterlockedIncrementAcquire		InterlockedIncrement
#define InterlockedIncrementRelease		InterlockedIncrement
#define InterlockedIncrementNoFence		InterlockedIncrement
#define InterlockedIncrementAcquire64		InterlockedIncrement64
#define InterlockedIncrementRelease64		InterlockedIncrement64
#define InterlockedIncrementNoFence64		InterlockedIncrement64
#define InterlockedIncrementAcquire16		InterlockedIncrement16
#define InterlockedIncrementRelease16		InterlockedIncrement16
#define InterlockedIncrementNoFence16		InterlockedIncrement16
#define InterlockedDecrementAcquire		InterlockedDecrement
#define InterlockedDecrementRelease		InterlockedDecrement
#define InterlockedDecrementNoFence		InterlockedDecrement
#define InterlockedDecrementAcquire64		InterlockedDecrement64
#define InterlockedDecrementRelease64		InterlockedDecrement64
#define InterlockedDecrementNoFence64		InterlockedDecrement64
#define InterlockedDecrementAcquire16		InterlockedDecrement16
#define InterlockedDecrementRelease16		InterlockedDecrement16
#define InterlockedDecrementNoFence16		InterlockedDecrement16
#define InterlockedExchangeAcquire		InterlockedExchange
#define InterlockedExchangeRelease		InterlockedExchange
#define InterlockedExchangeNoFence		InterlockedExchange
#define InterlockedExchangeAcquire64		InterlockedExchange64
#define InterlockedExchangeRelease64		InterlockedExchange64
#define InterlockedExchangeNoFence64		InterlockedExchange64
#define InterlockedExchangeAcquire16		InterlockedExchange16
#define InterlockedExchangeRelease16		InterlockedExchange16
#define InterlockedExchangeNoFence16		InterlockedExchange16
#define InterlockedExchangeAcquire8		InterlockedExchange8
#define InterlockedExchangeRelease8		InterlockedExchange8
#define InterlockedExchangeNoFence8		InterlockedExchange8
#define InterlockedExchangeAddAcquire		InterlockedExchangeAdd
#define InterlockedExchangeAddRelease		InterlockedExchangeAdd
#define InterlockedExchangeAddNoFence		InterlockedExchangeAdd
#define InterlockedExchangeAddAcquire64		InterlockedExchangeAdd64
#define InterlockedExchangeAddRelease64		InterlockedExchangeAdd64
#define InterlockedExchangeAddNoFence64		InterlockedExchangeAdd64
#define InterlockedCompareExchangeAcquire	InterlockedCompareExchange
#define InterlockedCompareExchangeRelease	InterlockedCompareExchange
#define InterlockedCompareExchangeNoFence	InterlockedCompareExchange
#define InterlockedCompareExchangeAcquire64	InterlockedCompareExchange64
#define InterlockedCompareExchangeRelease64	InterlockedCompareExchange64
#define InterlockedCompareExchangeNoFence64	InterlockedCompareExchange64
#define InterlockedCompareExchangeAcquire16	InterlockedCompareExchange16
#define InterlockedCompareExchangeRelease16	InterlockedCompareExchange16
#define InterlockedCompareExchangeNoFence16	InterlockedCompareExchange16
#define InterlockedAddAcquire			InterlockedAdd
#define InterlockedAddRelease			InterlockedAdd
#define InterlockedAddNoFence			InterlockedAdd
#define InterlockedAddAcquire64			InterlockedAdd64
#define InterlockedAddRelease64			InterlockedAdd64
#define InterlockedAddNoFence64			InterlockedAdd64
#define InterlockedOrAcquire			InterlockedOr
#define InterlockedOrRelease			InterlockedOr
#define InterlockedOrNoFence			InterlockedOr
#define InterlockedOrAcquire64			InterlockedOr64
#define InterlockedOrRelease64			InterlockedOr64
#define InterlockedOrNoFence64			InterlockedOr64
#define InterlockedOrAcquire16			InterlockedOr16
#define InterlockedOrRelease16			InterlockedOr16
#define InterlockedOrNoFence16			InterlockedOr16
#define InterlockedOrAcquire8			InterlockedOr8
#define InterlockedOrRelease8			InterlockedOr8
#define InterlockedOrNoFence8			InterlockedOr8
#define InterlockedAndAcquire			InterlockedAnd
#define InterlockedAndRelease			InterlockedAnd
#define InterlockedAndNoFence			InterlockedAnd
#define InterlockedAndAcquire64			InterlockedAnd64
#define InterlockedAndRelease64			InterlockedAnd64
#define InterlockedAndNoFence64			InterlockedAnd64
#define InterlockedAndAcquire16			InterlockedAnd16
#define InterlockedAndRelease16			InterlockedAnd16
#define InterlockedAndNoFence16			InterlockedAnd16
#define InterlockedAndAcquire8			InterlockedAnd8
#define InterlockedAndRelease8			InterlockedAnd8
#define InterlockedAndNoFence8			InterlockedAnd8
#define InterlockedXorAcquire			InterlockedXor
#define InterlockedXorRelease			InterlockedXor
#define InterlockedXorNoFence			InterlockedXor
#define InterlockedXorAcquire64			InterlockedXor64
#define InterlockedXorRelease64			InterlockedXor64
#define InterlockedXorNoFence64			InterlockedXor64
#define InterlockedXorAcquire16			InterlockedXor16
#define InterlockedXorRelease16			InterlockedXor16
#define InterlockedXorNoFence16			InterlockedXor16
#define InterlockedXorAcquire8			InterlockedXor8
#define InterlockedXorRelease8			InterlockedXor8
#define InterlockedXorNoFence8			InterlockedXor8
#define InterlockedExchangePointerAcquire	InterlockedExchangePointer
#define InterlockedExchangePointerRelease	InterlockedExchangePointer
#define InterlockedExchangePointerNoFence	InterlockedExchangePointer
#define InterlockedCompareExchangePointerAcquire	InterlockedCompareExchangePointer
#define InterlockedCompareExchangePointerRelease	InterlockedCompareExchangePointer
#define InterlockedCompareExchangePointerNoFence	InterlockedCompareExchangePointer
#define InterlockedBitTestAndSetAcquire		InterlockedBitTestAndSet
#define InterlockedBitTestAndSetRelease		InterlockedBitTestAndSet
#define InterlockedBitTestAndResetAcquire	InterlockedBitTestAndReset
#define InterlockedBitTestAndResetRelease	InterlockedBitTestAndReset

/* The same as the compiler's intrinsics. */
#define _InterlockedIncrement			InterlockedIncrement
#define _InterlockedIncrement64			InterlockedIncrement64
#define _InterlockedIncrement16			InterlockedIncrement16
#define _InterlockedDecrement			InterlockedDecrement
#define _InterlockedDecrement64			InterlockedDecrement64
#define _InterlockedDecrement16			InterlockedDecrement16
#define _InterlockedExchange			InterlockedExchange
#define _InterlockedExchange64			InterlockedExchange64
#define _InterlockedExchange16			InterlockedExchange16
#define _InterlockedExchange8			InterlockedExchange8
#define _InterlockedExchangeAdd			InterlockedExchangeAdd
#define _InterlockedExchangeAdd64		InterlockedExchangeAdd64
#define _InterlockedExchangeAdd16		InterlockedExchangeAdd16
#define _InterlockedExchangeAdd8		InterlockedExchangeAdd8
#define _InterlockedCompareExchange		InterlockedCompareExchange
#define _InterlockedCompareExchange64		InterlockedCompareExchange64
#define _InterlockedCompareExchange16		InterlockedCompareExchange16
#define _InterlockedOr				InterlockedOr
#define _InterlockedOr64			InterlockedOr64
#define _InterlockedOr16			InterlockedOr16
#define _InterlockedOr8				InterlockedOr8
#define _InterlockedAnd				InterlockedAnd
#define _InterlockedAnd64			InterlockedAnd64
#define _InterlockedAnd16			InterlockedAnd16
#define _InterlockedAnd8			InterlockedAnd8
#define _InterlockedXor				InterlockedXor
#define _InterlockedXor64			InterlockedXor64
#define _InterlockedXor16			InterlockedXor16
#define _InterlockedXor8			InterlockedXor8
#define _InterlockedExchangePointer		InterlockedExchangePointer
#define _InterlockedCompareExchangePointer	InterlockedCompareExchangePointer
#define _interlockedbittestandset		InterlockedBitTestAndSet
#define _interlockedbittestandset64		InterlockedBitTestAndSet64
#define _interlockedbittestandreset		InterlockedBitTestAndReset
#define _interlockedbittestandreset64		InterlockedBitTestAndReset64

/* These two take the lock, under which the driver may change the number itself. */
static inline LARGE_INTEGER ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend,
							 LARGE_INTEGER Increment,
							 PKSPIN_LOCK Lock)
{
	unsigned long flags = rust_pool_lock_irqsave(Lock);
	LARGE_INTEGER old = *Addend;

	Addend->QuadPart = (ULONG64)old.QuadPart + (ULONG64)Increment.QuadPart;
	rust_pool_unlock_irqrestore(Lock, flags);
	return old;
}

static inline ULONG ExInterlockedAddUlong(PULONG Addend, ULONG Increment,
					  PKSPIN_LOCK Lock)
{
	unsigned long flags = rust_pool_lock_irqsave(Lock);
	ULONG old = *Addend;

	*Addend = old + Increment;
	rust_pool_unlock_irqrestore(Lock, flags);
	return old;
}

#define ExInterlockedAddLargeStatistic(Addend, Increment) \
	((void)InterlockedAdd64(&(Addend)->QuadPart, (ULONG)(Increment)))
#define ExInterlockedCompareExchange64(Destination, ExChange, Comperand, Lock) \
	((void)(Lock), \
	 InterlockedCompareExchange64(Destination, *(ExChange), *(Comperand)))

/**
 * DOC: Ordered accesses
 *
 * Read...Acquire() is smp_load_acquire(), and Write...Release() is smp_store_release().
 * ...NoFence() and ...Raw() are READ_ONCE() and WRITE_ONCE(). A volatile access alone is not
 * ordered here, as it is by Microsoft's compiler for x64. Context: any.
 */
#define RUST_POOL_ORDERED(Kind, Bits, Type)				\
static inline Type Read##Kind##Acquire##Bits(Type const volatile *Source) \
{									\
	return smp_load_acquire(Source);				\
}									\
static inline Type Read##Kind##NoFence##Bits(Type const volatile *Source) \
{									\
	return READ_ONCE(*Source);					\
}									\
static inline Type Read##Kind##Raw##Bits(Type const volatile *Source)	\
{									\
	return READ_ONCE(*Source);					\
}									\
static inline VOID Write##Kind##Release##Bits(Type volatile *Destination, \
					      Type Value)		\
{									\
	smp_store_release(Destination, Value);				\
}									\
static inline VOID Write##Kind##NoFence##Bits(Type volatile *Destination, \
					      Type Value)		\
{									\
	WRITE_ONCE(*Destination, Value);				\
}									\
static inline VOID Write##Kind##Raw##Bits(Type volatile *Destination,	\
					  Type Value)			\
{									\
	WRITE_ONCE(*Destination, Value);				\
}

RUST_POOL_ORDERED(, 8, CHAR)
RUST_POOL_ORDERED(, 16, SHORT)
RUST_POOL_ORDERED(,, LONG)
RUST_POOL_ORDERED(, 64, LONG64)
RUST_POOL_ORDERED(UChar,, UCHAR)
RUST_POOL_ORDERED(Boolean,, BOOLEAN)
RUST_POOL_ORDERED(UShort,, USHORT)
RUST_POOL_ORDERED(ULong,, ULONG)
RUST_POOL_ORDERED(ULong64,, ULONG64)
RUST_POOL_ORDERED(Int8,, INT8)
RUST_POOL_ORDERED(Int16,, INT16)
RUST_POOL_ORDERED(Int32,, INT32)
RUST_POOL_ORDERED(UInt8,, UINT8)
RUST_POOL_ORDERED(UInt16,, UINT16)
RUST_POOL_ORDERED(UInt32,, UINT32)
RUST_POOL_ORDERED(Pointer,, PVOID)

#undef RUST_POOL_ORDERED

/* Of any integer of 64 bits, and of pointers to anything. */
#define ReadAcquire64(Source) \
	ReadAcquire64(RUST_POOL_SIZED_CONST(LONG64, Source))
#define ReadNoFence64(Source) \
	ReadNoFence64(RUST_POOL_SIZED_CONST(LONG64, Source))
#define ReadRaw64(Source) \
	ReadRaw64(RUST_POOL_SIZED_CONST(LONG64, Source))
#define WriteRelease64(Destination, Value) \
	WriteRelease64(RUST_POOL_SIZED(LONG64, Destination), Value)
#define WriteNoFence64(Destination, Value) \
	WriteNoFence64(RUST_POOL_SIZED(LONG64, Destination), Value)
#define WriteRaw64(Destination, Value) \
	WriteRaw64(RUST_POOL_SIZED(LONG64, Destination), Value)
#define ReadULong64Acquire(Source) \
	ReadULong64Acquire(RUST_POOL_SIZED_CONST(ULONG64, Source))
#define ReadULong64NoFence(Source) \
	ReadULong64NoFence(RUST_POOL_SIZED_CONST(ULONG64, Source))
#define ReadULong64Raw(Source) \
	ReadULong64Raw(RUST_POOL_SIZED_CONST(ULONG64, Source))
#define WriteULong64Release(Destination, Value) \
	WriteULong64Release(RUST_POOL_SIZED(ULONG64, Destination), Value)
#define WriteULong64NoFence(Destination, Value) \
	WriteULong64NoFence(RUST_POOL_SIZED(ULONG64, Destination), Value)
#define WriteULong64Raw(Destination, Value) \
	WriteULong64Raw(RUST_POOL_SIZED(ULONG64, Destination), Value)
#define ReadPointerAcquire(Source) \
	ReadPointerAcquire(RUST_POOL_SIZED_CONST(PVOID, Source))
#define ReadPointerNoFence(Source) \
	ReadPointerNoFence(RUST_POOL_SIZED_CONST(PVOID, Source))
#define ReadPointerRaw(Source) \
	ReadPointerRaw(RUST_POOL_SIZED_CONST(PVOID, Source))
#define WritePointerRelease(Destination, Value) \
	WritePointerRelease(RUST_POOL_SIZED(PVOID, Destination), Value)
#define WritePointerNoFence(Destination, Value) \
	WritePointerNoFence(RUST_POOL_SIZED(PVOID, Destination), Value)
#define WritePointerRaw(Destination, Value) \
	WritePointerRaw(RUST_POOL_SIZED(PVOID, Destination), Value)

/* Other names of the same types. */
#define ReadInt64Acquire		ReadAcquire64
#define ReadInt64NoFence		ReadNoFence64
#define ReadInt64Raw			ReadRaw64
#define WriteInt64Release		WriteRelease64
#define WriteInt64NoFence		WriteNoFence64
#define WriteInt64Raw			WriteRaw64
#define ReadUInt64Acquire		ReadULong64Acquire
#define ReadUInt64NoFence		ReadULong64NoFence
#define ReadUInt64Raw			ReadULong64Raw
#define WriteUInt64Release		WriteULong64Release
#define WriteUInt64NoFence		WriteULong64NoFence
#define WriteUInt64Raw			WriteULong64Raw
#define ReadULongPtrAcquire		ReadULong64Acquire
#define ReadULongPtrNoFence		ReadULong64NoFence
#define ReadULongPtrRaw			ReadULong64Raw
#define WriteULongPtrRelease		WriteULong64Release
#define WriteULongPtrNoFence		WriteULong64NoFence
#define WriteULongPtrRaw		WriteULong64Raw
#define ReadSizeTAcquire		ReadULong64Acquire
#define ReadSizeTNoFence		ReadULong64NoFence
#define ReadSizeTRaw			ReadULong64Raw
#define WriteSizeTRelease		WriteULong64Release
#define WriteSizeTNoFence		WriteULong64NoFence
#define WriteSizeTRaw			WriteULong64Raw

/**
 * DOC: Rundown protection
 *
 * As in the WDK: a count of those who use an object, and a flag that nobody may begin to
 * any more. One that is cache-aware is a block of pool with one count, not a count for each
 * CPU. A release without an acquire gives a warning, and changes nothing. Context: any but
 * NMI; ExWaitForRundownProtectionRelease() sleeps.
 */
typedef struct _EX_RUNDOWN_REF {
	union {
		/* Twice the users, and 1 if there may be no more of them. */
		ULONG_PTR Count;
		PVOID Ptr;
	};
} EX_RUNDOWN_REF, *PEX_RUNDOWN_REF;

/* What Count is made of, for drivers that have one that is run down from the start. */
#define EX_RUNDOWN_ACTIVE	0x1
#define EX_RUNDOWN_COUNT_SHIFT	0x1
#define EX_RUNDOWN_COUNT_INC	(1 << EX_RUNDOWN_COUNT_SHIFT)

typedef EX_RUNDOWN_REF EX_RUNDOWN_REF_CACHE_AWARE, *PEX_RUNDOWN_REF_CACHE_AWARE;

static inline VOID ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
	WRITE_ONCE(RunRef->Count, 0);
}

/* Once the wait has ended. */
static inline VOID ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
	ExInitializeRundownProtection(RunRef);
}

static inline VOID ExRundownCompleted(PEX_RUNDOWN_REF RunRef)
{
	WRITE_ONCE(RunRef->Count, 1);
}

static inline BOOLEAN ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef,
						   ULONG Count)
{
	ULONG_PTR old = READ_ONCE(RunRef->Count);

	do {
		if (old & 1)
			return FALSE;
	} while (!try_cmpxchg(&RunRef->Count, &old, old + 2 * (ULONG_PTR)Count));
	return TRUE;
}

static inline BOOLEAN ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef)
{
	return ExAcquireRundownProtectionEx(RunRef, 1);
}

static inline VOID ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
	ULONG_PTR some = 2 * (ULONG_PTR)Count, old = READ_ONCE(RunRef->Count);

	do {
		if (WARN_ONCE(old < some, "rundown protection was not acquired\n"))
			return;
	} while (!try_cmpxchg(&RunRef->Count, &old, old - some));
	/* Who waits may have freed it by now. Only the address is used. */
	if (old - some == 1)
		wake_up_var(&RunRef->Count);
}

static inline VOID ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef)
{
	ExReleaseRundownProtectionEx(RunRef, 1);
}

/* wait_var_event() has a label of this name. */
#pragma push_macro("__out")
#undef __out
static inline VOID ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef)
{
	ULONG_PTR old = READ_ONCE(RunRef->Count);

	while (!try_cmpxchg(&RunRef->Count, &old, old | 1))
		;
	wait_var_event(&RunRef->Count, smp_load_acquire(&RunRef->Count) == 1);
}
#pragma pop_macro("__out")

/* NULL when memory is short. Free it by ExFreeCacheAwareRundownProtection(). */
static __always_inline PEX_RUNDOWN_REF_CACHE_AWARE
ExAllocateCacheAwareRundownProtection(POOL_TYPE PoolType, ULONG PoolTag)
{
	PEX_RUNDOWN_REF_CACHE_AWARE ref =
		ExAllocatePoolWithTag(PoolType, sizeof(*ref), PoolTag);

	if (ref)
		ExInitializeRundownProtection(ref);
	return ref;
}

static __always_inline VOID
ExFreeCacheAwareRundownProtection(PEX_RUNDOWN_REF_CACHE_AWARE RunRef)
{
	ExFreePool(RunRef);
}

static inline SIZE_T ExSizeOfRundownProtectionCacheAware(VOID)
{
	return sizeof(EX_RUNDOWN_REF_CACHE_AWARE);
}

static inline VOID
ExInitializeRundownProtectionCacheAware(PEX_RUNDOWN_REF_CACHE_AWARE RunRef,
					SIZE_T RunRefSize)
{
	ExInitializeRundownProtection(RunRef);
}

#define ExReInitializeRundownProtectionCacheAware(Ref) \
	ExReInitializeRundownProtection(Ref)
#define ExRundownCompletedCacheAware(Ref)		ExRundownCompleted(Ref)
#define ExAcquireRundownProtectionCacheAware(Ref)	ExAcquireRundownProtection(Ref)
#define ExAcquireRundownProtectionCacheAwareEx(Ref, Count) \
	ExAcquireRundownProtectionEx(Ref, Count)
#define ExReleaseRundownProtectionCacheAware(Ref)	ExReleaseRundownProtection(Ref)
#define ExReleaseRundownProtectionCacheAwareEx(Ref, Count) \
	ExReleaseRundownProtectionEx(Ref, Count)
#define ExWaitForRundownProtectionReleaseCacheAware(Ref) \
	ExWaitForRundownProtectionRelease(Ref)

/**
 * DOC: Registers
 *
 * Access to registers that MmMapIoSpace() mapped, by readl(), writel() and their
 * relatives. The routines for buffers take one register after another. Context: any.
 */
#define RUST_POOL_REGISTER(Name, Type, from, to) \
static inline Type READ_REGISTER_##Name(volatile Type *Register) \
{ \
	return from((volatile void __iomem __force *)Register); \
} \
static inline VOID WRITE_REGISTER_##Name(volatile Type *Register, Type Value) \
{ \
	to(Value, (volatile void __iomem __force *)Register); \
} \
static inline VOID READ_REGISTER_BUFFER_##Name(volatile Type *Register, \
					       Type *Buffer, ULONG Count) \
{ \
	while (Count--) \
		*Buffer++ = READ_REGISTER_##Name(Register++); \
} \
static inline VOID WRITE_REGISTER_BUFFER_##Name(volatile Type *Register, \
						Type *Buffer, ULONG Count) \
{ \
	while (Count--) \
		WRITE_REGISTER_##Name(Register++, *Buffer++); \
}

RUST_POOL_REGISTER(UCHAR, UCHAR, readb, writeb)
RUST_POOL_REGISTER(USHORT, USHORT, readw, writew)
RUST_POOL_REGISTER(ULONG, ULONG, readl, writel)
RUST_POOL_REGISTER(ULONG64, ULONG64, readq, writeq)

#undef RUST_POOL_REGISTER

/*
 * What a request to a device is: the code that a process passes, of which the lowest two
 * bits say how it passes its buffers, and what comes of it.
 */
#define CTL_CODE(DeviceType, Function, Method, Access) \
	(((DeviceType) << 16) | ((Access) << 14) | ((Function) << 2) | (Method))
#define DEVICE_TYPE_FROM_CTL_CODE(Code)	(((ULONG)((Code) & 0xffff0000)) >> 16)
#define METHOD_FROM_CTL_CODE(Code)	((ULONG)((Code) & 3))
#define METHOD_BUFFERED			0
#define METHOD_IN_DIRECT		1
#define METHOD_OUT_DIRECT		2
#define METHOD_NEITHER			3
#define FILE_ANY_ACCESS			0
#define FILE_READ_ACCESS		0x0001
#define FILE_WRITE_ACCESS		0x0002
#define FILE_DEVICE_UNKNOWN		0x00000022

typedef struct _IO_STATUS_BLOCK {
	union {
		NTSTATUS Status;
		PVOID Pointer;
	};
	ULONG_PTR Information;
} IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;

/*
 * A process, only to be compared: with another one, or with the field Process of an MDL
 * whose pages were locked for it. It is not a reference.
 */
typedef struct _EPROCESS *PEPROCESS;

static inline PEPROCESS PsGetCurrentProcess(VOID)
{
	return (PEPROCESS)current->group_leader;
}

#define IoGetCurrentProcess()		PsGetCurrentProcess()

/* Memory of a process */

/**
 * ProbeForRead - check that a range is not the kernel's
 * @Address: where it begins
 * @Length: its size in bytes; if 0, nothing is checked
 * @Alignment: 1, 2, 4, 8 or 16
 *
 * On Windows it returns nothing, and raises as an exception what this one returns.
 * As on Windows, the range need not be mapped. A driver on Linux must not use the
 * address itself: copy by copy_from_user(), or lock the pages by
 * MmProbeAndLockPages().
 *
 * Context: A task of the process.
 * Return: %STATUS_SUCCESS, %STATUS_ACCESS_VIOLATION or
 * %STATUS_DATATYPE_MISALIGNMENT.
 */
static inline __must_check NTSTATUS
ProbeForRead(const volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
	if (!Length)
		return STATUS_SUCCESS;
	if ((ULONG_PTR)Address & (Alignment - 1))
		return STATUS_DATATYPE_MISALIGNMENT;
	if (!access_ok((const void __user __force *)Address, Length))
		return STATUS_ACCESS_VIOLATION;
	return STATUS_SUCCESS;
}

/**
 * ProbeForWrite - check that a process may write to a range
 * @Address: as for ProbeForRead()
 * @Length: as there
 * @Alignment: as there
 *
 * As ProbeForRead(); and each page is faulted in, and has to be writable.
 *
 * Context: A task of the process, that may sleep. Elsewhere no page is faulted in.
 * Return: As ProbeForRead(). %STATUS_ACCESS_VIOLATION also in a thread of the kernel
 * that has no process, and above APC_LEVEL.
 */
static inline __must_check NTSTATUS
ProbeForWrite(volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
	NTSTATUS status = ProbeForRead(Address, Length, Alignment);

	if (!NT_SUCCESS(status) || !Length)
		return status;
	if (!current->mm || KeGetCurrentIrql() > APC_LEVEL)
		return STATUS_ACCESS_VIOLATION;
	if (fault_in_safe_writeable((const char __user __force *)Address, Length))
		return STATUS_ACCESS_VIOLATION;
	return STATUS_SUCCESS;
}

/**
 * DOC: Processors and nodes
 *
 * An index is the kernel's number of a CPU, in groups of 64 as on Windows. CPUs that are not
 * online leave gaps, so KeQueryActiveProcessorCount() and its relatives return one more than the
 * highest index, which is what arrays need. Where the thread may move, the CPU or node may
 * be another one by the time that the number is used. Context: any.
 */
typedef struct _PROCESSOR_NUMBER {
	USHORT Group;
	UCHAR Number;
	UCHAR Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;

#define ALL_PROCESSOR_GROUPS	0xffff

static inline ULONG KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber)
{
	ULONG index = raw_smp_processor_id();

	if (ProcNumber)
		*ProcNumber = (PROCESSOR_NUMBER){ .Group = index / 64, .Number = index % 64 };
	return index;
}

#define KeGetCurrentProcessorIndex()	KeGetCurrentProcessorNumberEx(NULL)
#define KeGetCurrentProcessorNumber()	KeGetCurrentProcessorNumberEx(NULL)

/* How many of so many are in a group, or in all. */
static inline ULONG rust_pool_processors(ULONG Count, USHORT GroupNumber)
{
	if (GroupNumber == ALL_PROCESSOR_GROUPS)
		return Count;
	return Count <= GroupNumber * 64U ? 0 : min(Count - GroupNumber * 64U, 64U);
}

static inline ULONG KeQueryActiveProcessorCountEx(USHORT GroupNumber)
{
	return rust_pool_processors(cpumask_last(cpu_online_mask) + 1, GroupNumber);
}

/* Those that may come online, too. */
static inline ULONG KeQueryMaximumProcessorCountEx(USHORT GroupNumber)
{
	return rust_pool_processors(nr_cpu_ids, GroupNumber);
}

#define KeQueryMaximumProcessorCount()	KeQueryMaximumProcessorCountEx(0)

/* Of the first group, as on Windows. */
static inline ULONG KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors)
{
	if (ActiveProcessors)
		*ActiveProcessors = cpumask_bits(cpu_online_mask)[0];
	return KeQueryActiveProcessorCountEx(0);
}

static inline USHORT KeGetCurrentNodeNumber(VOID)
{
	return numa_node_id();
}

static inline USHORT KeQueryHighestNodeNumber(VOID)
{
	USHORT highest = 0;
	int node;

	for_each_online_node(node)
		highest = node;
	return highest;
}

/* The size of the machine */

typedef enum _MM_SYSTEM_SIZE {
	MmSmallSystem,
	MmMediumSystem,
	MmLargeSystem,
} MM_SYSTEMSIZE;

/* Of a machine that has so many pages. */
static inline MM_SYSTEMSIZE rust_pool_system_size(unsigned long Pages)
{
	if (Pages < (64UL << 20) >> PAGE_SHIFT)
		return MmSmallSystem;
	if (Pages < (256UL << 20) >> PAGE_SHIFT)
		return MmMediumSystem;
	return MmLargeSystem;
}

/**
 * MmQuerySystemSize - an estimate of how much memory the machine has
 *
 * For drivers that choose the sizes of buffers by it. The WDK does not say what the sizes
 * are. These are ours: all machines that a Windows of today runs on are large.
 *
 * Context: Any.
 * Return: %MmSmallSystem below 64 MiB of memory that the kernel can use, %MmMediumSystem
 * below 256 MiB, else %MmLargeSystem.
 */
static inline MM_SYSTEMSIZE MmQuerySystemSize(void)
{
	return rust_pool_system_size(totalram_pages());
}

/* Whether it is a server: drivers take more memory there. */
static inline BOOLEAN MmIsThisAnNtAsSystem(VOID)
{
	return FALSE;
}

/**
 * MmCreateMdl - initialise an MDL, or allocate it as well
 * @MemoryDescriptorList: MmSizeOfMdl() bytes of the caller's, or NULL to allocate it
 * @Base: where the buffer begins
 * @Length: its size in bytes
 *
 * Obsolete on Windows. It is MmInitializeMdl(), or IoAllocateMdl() without an IRP.
 *
 * Context: As for these two.
 * Return: The MDL. One that was allocated is the caller's until IoFreeMdl() or
 * ExFreePool(); NULL for a buffer that is too long, and when memory is short.
 */
static __always_inline PMDL MmCreateMdl(PMDL MemoryDescriptorList, PVOID Base,
					SIZE_T Length)
{
	if (!MemoryDescriptorList)
		return Length > MAXULONG ? NULL :
		       IoAllocateMdl(Base, (ULONG)Length, FALSE, FALSE, NULL);
	MmInitializeMdl(MemoryDescriptorList, Base, Length);
	return MemoryDescriptorList;
}

/* Only a hint. The range need not be mapped. */
static inline VOID RtlPrefetchMemoryNonTemporal(PVOID Source, SIZE_T Length)
{
	SIZE_T at;

	for (at = 0; at < Length; at += L1_CACHE_BYTES)
		prefetch((UCHAR *)Source + at);
}

#define COMPUTE_PAGES_SPANNED(Va, Size)	ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Size)

/*
 * Memory that changes by itself, or that others see change, byte by byte: none is left out, read
 * twice or written twice.
 */
static inline volatile VOID *RtlCopyVolatileMemory(volatile VOID *Destination,
						   const volatile VOID *Source,
						   SIZE_T Length)
{
	volatile UCHAR *to = Destination;
	const volatile UCHAR *from = Source;

	while (Length--)
		*to++ = *from++;
	return Destination;
}

/* These may overlap. */
static inline volatile VOID *RtlMoveVolatileMemory(volatile VOID *Destination,
						   const volatile VOID *Source,
						   SIZE_T Length)
{
	volatile UCHAR *to = Destination;
	const volatile UCHAR *from = Source;

	if ((ULONG_PTR)to <= (ULONG_PTR)from)
		return RtlCopyVolatileMemory(Destination, Source, Length);
	while (Length--)
		to[Length] = from[Length];
	return Destination;
}

static inline volatile VOID *RtlFillVolatileMemory(volatile VOID *Destination,
						   SIZE_T Length, INT Fill)
{
	volatile UCHAR *to = Destination;

	while (Length--)
		*to++ = Fill;
	return Destination;
}

#define RtlSetVolatileMemory(Destination, Fill, Length) \
	RtlFillVolatileMemory(Destination, Length, Fill)
#define RtlZeroVolatileMemory(Destination, Length) \
	RtlFillVolatileMemory(Destination, Length, 0)

/* Where an integer need not be aligned. */
#define RtlStoreUshort(Address, Value) \
	put_unaligned((USHORT)(Value), (PUSHORT)(Address))
#define RtlStoreUlong(Address, Value) \
	put_unaligned((ULONG)(Value), (PULONG)(Address))
#define RtlStoreUlonglong(Address, Value) \
	put_unaligned((ULONGLONG)(Value), (PULONGLONG)(Address))
#define RtlStoreUlongPtr(Address, Value) \
	put_unaligned((ULONG_PTR)(Value), (PULONG_PTR)(Address))
/* Unaligned is @Source alone on Windows; here either may be. */
#define RtlRetrieveUshort(Destination, Source) \
	RtlStoreUshort(Destination, get_unaligned((PUSHORT)(Source)))
#define RtlRetrieveUlong(Destination, Source) \
	RtlStoreUlong(Destination, get_unaligned((PULONG)(Source)))

static inline USHORT RtlUshortByteSwap(USHORT Source)
{
	return swab16(Source);
}

static inline ULONG RtlUlongByteSwap(ULONG Source)
{
	return swab32(Source);
}

static inline ULONGLONG RtlUlonglongByteSwap(ULONGLONG Source)
{
	return swab64(Source);
}

#define _byteswap_ushort(Value)		RtlUshortByteSwap(Value)
#define _byteswap_ulong(Value)		RtlUlongByteSwap(Value)
#define _byteswap_uint64(Value)		RtlUlonglongByteSwap(Value)

/* The lowest and the highest bit that is set; FALSE, and no index, if there is none. */
static inline BOOLEAN BitScanForward64(PULONG Index, ULONG64 Mask)
{
	if (!Mask)
		return FALSE;
	*Index = __builtin_ctzll(Mask);
	return TRUE;
}

static inline BOOLEAN BitScanReverse64(PULONG Index, ULONG64 Mask)
{
	if (!Mask)
		return FALSE;
	*Index = 63 - __builtin_clzll(Mask);
	return TRUE;
}

#define BitScanForward(Index, Mask)	BitScanForward64(Index, (ULONG)(Mask))
#define BitScanReverse(Index, Mask)	BitScanReverse64(Index, (ULONG)(Mask))
#define _BitScanForward(Index, Mask)	BitScanForward(Index, Mask)
#define _BitScanReverse(Index, Mask)	BitScanReverse(Index, Mask)
#define _BitScanForward64(Index, Mask)	BitScanForward64(Index, Mask)
#define _BitScanReverse64(Index, Mask)	BitScanReverse64(Index, Mask)

#define KeMemoryBarrier()	smp_mb()
#define MemoryBarrier()		smp_mb()
/* For the compiler alone. */
#define KeMemoryBarrierWithoutFence()	barrier()
#define _ReadWriteBarrier()	barrier()
#define _ReadBarrier()		barrier()
#define _WriteBarrier()		barrier()
#define YieldProcessor()	cpu_relax()
#define _mm_pause()		cpu_relax()

/**
 * DOC: Strings
 *
 * As in the WDK. Lengths are in bytes. A source that does not fit is cut off. Context:
 * any. Nothing is allocated.
 */

static inline VOID RtlInitUnicodeString(PUNICODE_STRING Destination,
					PCWSTR Source)
{
	SIZE_T length = 0;

	while (Source && length < UNICODE_STRING_MAX_CHARS - 1 && Source[length])
		length++;
	Destination->Length = length * sizeof(WCHAR);
	Destination->MaximumLength = Source ? (length + 1) * sizeof(WCHAR) : 0;
	Destination->Buffer = (PWCH)Source;
}

static inline VOID RtlInitEmptyUnicodeString(PUNICODE_STRING Destination,
					     PWCHAR Buffer, USHORT BufferSize)
{
	Destination->Length = 0;
	Destination->MaximumLength = BufferSize;
	Destination->Buffer = Buffer;
}

/* Copies as much as there is room for, and adds a NUL if that fits, too. */
static inline VOID RtlCopyUnicodeString(PUNICODE_STRING Destination,
					PCUNICODE_STRING Source)
{
	USHORT length = 0;

	if (Source)
		length = min(Source->Length, Destination->MaximumLength);
	if (length)
		memmove(Destination->Buffer, Source->Buffer, length);
	Destination->Length = length;
	if (length + sizeof(WCHAR) <= Destination->MaximumLength)
		Destination->Buffer[length / sizeof(WCHAR)] = UNICODE_NULL;
}

#endif /* _RUST_POOL_WDK_WDM_H */
