// SPDX-License-Identifier: GPL-2.0
/*
 * The environment headers: values and layouts of the WDK's, names that Linux has
 * with another meaning, IRQLs, spin locks, lists, interlocked operations, strings,
 * and the Rtl routines for bytes.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/sizes.h>

#include "pool/pool.h"

#include <ntddk.h>
#include <ntifs.h>
#include <ntintsafe.h>

/* As a driver asks for the machine and the release of Windows that it is built for. */
#ifdef _WIN64
typedef ULONG64 HW_ADDRESS;
#else
typedef ULONG HW_ADDRESS;
#endif
static_assert(sizeof(HW_ADDRESS) == 8);
#if !defined(_AMD64_) && !defined(_ARM64_)
#error "no architecture"
#endif
#if NTDDI_VERSION < NTDDI_WIN8 || _WIN32_WINNT < _WIN32_WINNT_WIN7
#error "an old release"
#endif
/* As Documentation/porting.rst says of layouts. */
struct DECLSPEC_ALIGN(64) behind_struct { ULONG a; };
struct __attribute__((__ms_struct__)) bits { UCHAR a : 4; ULONG b : 20; };
static_assert(sizeof(struct behind_struct) == 64 && sizeof(struct bits) == 8);
static_assert(sizeof(__int64) == 8 && (__int64)-1 < 0);
static_assert(sizeof(__int32) == 4 && sizeof(__int16) == 2);

/* Under a name of its own, or else the header's own sizeof() would fail first. */
static_assert(sizeof(KSPIN_LOCK) == 8 && sizeof(KIRQL) == 1);
static_assert(sizeof(WCHAR) == 2 && sizeof(L"ab") == 6 && sizeof(CHAR) == 1);
static_assert((CHAR)-1 < 0 && (UCHAR)-1 > 0 && (CCHAR)-1 < 0);
static_assert(sizeof(LONG64) == 8 && sizeof(UINT32) == 4 && sizeof(INT8) == 1);
static_assert(sizeof(SHORT) == 2 && sizeof(INT) == 4 && sizeof(UINT16) == 2);
static_assert(sizeof(LONG_PTR) == 8 && sizeof(HANDLE) == 8);
static_assert(sizeof(UNICODE_STRING) == 16);
static_assert(offsetof(UNICODE_STRING, Buffer) == 8);
static_assert(offsetof(LIST_ENTRY, Blink) == 8);
static_assert(sizeof(SLIST_HEADER) == 16 && _Alignof(SLIST_HEADER) == 16);
static_assert(MAXULONG == 0xffffffff && MAXLONG == 0x7fffffff);
static_assert(MAXUSHORT == 0xffff && MAXUCHAR == 0xff);
static_assert(MAXULONG_PTR == ULONG_MAX && MAXULONGLONG == U64_MAX);
static_assert(MAXUINT8 == 0xff && MAXINT8 == 0x7f && MININT8 == -0x80);
static_assert(MAXUINT16 == 0xffff && MAXINT16 == 0x7fff && MININT16 == -0x8000);
static_assert(MAXUINT32 == U32_MAX && MAXINT32 == S32_MAX && MININT32 == S32_MIN);
static_assert(MAXUINT64 == U64_MAX && MAXINT64 == S64_MAX && MININT64 == S64_MIN);
static_assert(MAXUINT == UINT_MAX && MAXINT == INT_MAX && MININT == INT_MIN);
static_assert(MAXSSIZE_T == LONG_MAX && MINLONG_PTR == LONG_MIN && MINLONGLONG == S64_MIN);
static_assert(sizeof(PtrToUlong(NULL)) == 4 && sizeof(UlongToPtr(1)) == 8);
static_assert(Int32x32To64(-1, 1ULL << 31) == 1LL << 31);
static_assert(UInt32x32To64(-1, 2) == 2ULL * U32_MAX);
static_assert(RTL_BITS_OF(ULONG) == 32 && RTL_BITS_OF_FIELD(LIST_ENTRY, Flink) == 64);
static_assert(SYNCH_LEVEL > DISPATCH_LEVEL && SYNCH_LEVEL < CLOCK_LEVEL);
static_assert((u32)STATUS_PARTIAL_COPY == 0x8000000d && (u32)STATUS_IN_PAGE_ERROR == 0xc0000006);
static_assert((u32)STATUS_NOT_LOCKED == 0xc000002a && (u32)STATUS_NO_MATCH == 0xc0000272);
static_assert((u32)STATUS_ARRAY_BOUNDS_EXCEEDED == 0xc000008c);
#if NTDDI_WIN10_RS5 <= NTDDI_WIN10_RS1 || NTDDI_WIN10_CO <= NTDDI_WIN10_VB || WINVER != 0x0a00
#error "releases in another order"
#endif
static_assert(PASSIVE_LEVEL == 0 && APC_LEVEL == 1 && DISPATCH_LEVEL == 2);
static_assert(DrvRtPoolNxOptIn == 1);
static_assert((u32)STATUS_PENDING == 0x103);
static_assert((u32)STATUS_BUFFER_OVERFLOW == 0x80000005);
static_assert((u32)STATUS_BUFFER_TOO_SMALL == 0xc0000023);
static_assert((u32)STATUS_NOT_SUPPORTED == 0xc00000bb);
static_assert((u32)STATUS_NOT_FOUND == 0xc0000225);
static_assert(NT_SUCCESS(STATUS_PENDING) && !NT_SUCCESS(STATUS_BUFFER_OVERFLOW));
static_assert(NT_WARNING(STATUS_BUFFER_OVERFLOW) && NT_ERROR(STATUS_NOT_FOUND));

static_assert(CTL_CODE(0x22, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS) == 0x222003);
static_assert(CTL_CODE(FILE_DEVICE_UNKNOWN, 1, METHOD_OUT_DIRECT,
		       FILE_READ_ACCESS | FILE_WRITE_ACCESS) == 0x22c006);
static_assert(DEVICE_TYPE_FROM_CTL_CODE(0x22c006) == FILE_DEVICE_UNKNOWN);
static_assert(METHOD_FROM_CTL_CODE(0x22c005) == METHOD_IN_DIRECT);
static_assert(METHOD_FROM_CTL_CODE(0x22c004) == METHOD_BUFFERED);
static_assert(sizeof(IO_STATUS_BLOCK) == 16);
static_assert(offsetof(IO_STATUS_BLOCK, Information) == 8);

struct record {
	UCHAR first;
	LIST_ENTRY link;
	USHORT last[3];
};

#include <pshpack1.h>
struct packed {
	UCHAR byte;
#include <pshpack4.h>
	struct {
		UCHAR byte;
		ULONG64 wide;
	} four;
#include <poppack.h>
	ULONG64 wide;
};
#include <poppack.h>

struct two {
#include <pshpack2.h>
	struct {
		UCHAR byte;
		ULONG word;
	} two;
#include <poppack.h>
};

/* None packs further than it says, and all of them end. */
#include <pshpack8.h>
struct eight {
	UCHAR byte;
	ULONG64 wide;
};
#include <poppack.h>

static_assert(sizeof(struct packed) == 21 && offsetof(struct packed, four) == 1);
static_assert(sizeof(struct two) == 6 && sizeof(struct eight) == 16);
static_assert(sizeof(struct record) == 32);

static_assert(FIELD_OFFSET(struct record, link) == 8);
static_assert(RTL_FIELD_SIZE(struct record, last) == 6);
static_assert(RTL_SIZEOF_THROUGH_FIELD(struct record, last) == 30);
static_assert(ALIGN_UP_BY(65, 64) == 128 && ALIGN_DOWN_BY(127, 64) == 64);
static_assert(ALIGN_UP(9, ULONG64) == 16 && ALIGN_UP(16, ULONG64) == 16);

/* Linux has a macro of one of these names, for the pages of a process. */
static_assert(PAGE_NOACCESS == 0x01 && PAGE_READONLY == 0x02);
static_assert(PAGE_READWRITE == 0x04 && PAGE_EXECUTE == 0x10);
static_assert(PAGE_EXECUTE_READ == 0x20 && PAGE_EXECUTE_READWRITE == 0x40);
static_assert(PAGE_NOCACHE == 0x200 && PAGE_WRITECOMBINE == 0x400);

/* What is written in all sorts of places, and means nothing. */
_Analysis_mode_(_Analysis_code_type_kernel_driver_)

_IRQL_requires_max_(DISPATCH_LEVEL) _IRQL_limited_to_(DISPATCH_LEVEL) __checkReturn
_Maybe_raises_SEH_exception_ _Acquires_spin_lock_(*lock) __drv_maxFunctionIRQL(2)
static __success(return >= 0) DECLSPEC_NOINLINE NTSTATUS
annotated(_Inout_ _Requires_spin_lock_not_held_(*_Curr_) PKSPIN_LOCK lock,
	  _Out_writes_bytes_all_opt_(length) __drv_out_deref(__drv_valueIs(0)) PVOID out,
	  _In_ _Unreferenced_parameter_ ULONG length, __in __typefix(PUCHAR) PVOID in,
	  __out __deref __notnull PVOID pointer, __inout_bcount_opt(length) PVOID both,
	  _Out_writes_(_Inexpressible_("as the card has")) __out_ecount_part(1, 1) PULONG one)
NOTHING
{
	if (ARGUMENT_PRESENT(out))
		*(PUCHAR)out = 1;
	switch (length) {
	case 1:
		return STATUS_SUCCESS;
	case 2:
		length++;
		__fallthrough;
	case 3:
		return STATUS_PENDING;
	default:
		__assume(0);
	}
	/* Not every compiler concludes that it does not come here. */
	return STATUS_PENDING;
}

typedef USHORT POINTER_ALIGNMENT aligned_half;

struct annotated {
	PUCHAR bytes;
	USHORT length;
	aligned_half aligned;
	UCHAR data[ANYSIZE_ARRAY];
};

static_assert(offsetof(struct annotated, aligned) == 16);
static_assert(TYPE_ALIGNMENT(struct annotated) == 8 && PROBE_ALIGNMENT(USHORT) == 4 &&
	      PROBE_ALIGNMENT(struct annotated) == 4);

static void annotations(struct rpt *t)
{
	LARGE_INTEGER two_words = { 2, 1 };
	struct annotated s = {};
	KSPIN_LOCK lock = 0;
	PULONG pointer = NULL;
	UCHAR out = 0;

	EXPECT_EQ(t, annotated(&lock, &out, 1, t, &pointer, t, NULL), STATUS_SUCCESS);
	EXPECT_EQ(t, out, 1);
	EXPECT_EQ(t, annotated(&lock, NULL, 2, t, &pointer, t, NULL), STATUS_PENDING);
	EXPECT_EQ(t, two_words.QuadPart, (1LL << 32) + 2);
	__assume(t);
	NT_ASSUME(t);
	EXPECT(t, RTL_CONTAINS_FIELD(&s, 10, length));
	EXPECT(t, !RTL_CONTAINS_FIELD(&s, 9, length));
}

struct __declspec(align(64)) aligned {
	UCHAR byte;
};

static_assert(_Alignof(struct aligned) == 64 && sizeof(struct aligned) == 64);

/* The WDK's rounds down, and gives a pointer, which no code of Linux wants. */
static void page_align(struct rpt *t)
{
	ULONG_PTR address = 0x12345678;
	UCHAR bytes[1];

	static_assert(__builtin_types_compatible_p(typeof(PAGE_ALIGN(0UL)),
						   PVOID));
	EXPECT_EQ(t, PAGE_ALIGN(address), 0x12345000);
	EXPECT_EQ(t, PAGE_ALIGN(0x12345000UL), 0x12345000);
	EXPECT_EQ(t, PAGE_ALIGN(0x12345fffUL), 0x12345000);
	EXPECT_EQ(t, (ULONG_PTR)PAGE_ALIGN(bytes) + BYTE_OFFSET(bytes), bytes);
}

static void system_size(struct rpt *t)
{
	const unsigned long mib = SZ_1M >> PAGE_SHIFT;

	EXPECT_EQ(t, rust_pool_system_size(64 * mib - 1), MmSmallSystem);
	EXPECT_EQ(t, rust_pool_system_size(64 * mib), MmMediumSystem);
	EXPECT_EQ(t, rust_pool_system_size(256 * mib - 1), MmMediumSystem);
	EXPECT_EQ(t, rust_pool_system_size(256 * mib), MmLargeSystem);
	EXPECT_EQ(t, MmQuerySystemSize(), rust_pool_system_size(totalram_pages()));
	EXPECT(t, MmSmallSystem == 0 && MmMediumSystem == 1 && MmLargeSystem == 2);
	EXPECT(t, !MmIsThisAnNtAsSystem());
}

static void irql_now(void *arg)
{
	*(KIRQL *)arg = KeGetCurrentIrql();
}

static void irql(struct rpt *t)
{
	KIRQL now = 0xff;

	rpt_in_context(rpt_value(t), irql_now, &now);
	EXPECT_EQ(t, now, rpt_irql(rpt_value(t)));
}

/* It says nothing where it may not; that it does where it must, the shell looks. */
static void paged_code(struct rpt *t)
{
	unsigned int evaluated = 0;

	static_assert(DBG == 1);
	PAGED_CODE();
	ASSERT(++evaluated);
	NT_ASSERT(++evaluated);
	NT_FRE_ASSERT(++evaluated);
	EXPECT_EQ(t, evaluated, 3);
	EXPECT(t, NT_VERIFY(t));
	/* No warning of a value that nobody uses. */
	NT_VERIFY(t);
}

#define THREADS	4
#define ROUNDS	RPT_MANY(20000)

struct shared {
	KSPIN_LOCK lock;
	/* What must not be beside the lock's 8 bytes. */
	u64 beside;
	u64 count;
	SLIST_HEADER slist;
	LIST_ENTRY list;
	LONG added;
	/* Those who share it see two equal numbers. */
	EX_SPIN_LOCK readers;
	u32 beside_readers;
	u64 one, two;
};

struct worker {
	struct shared *shared;
	struct completion done;
	SLIST_ENTRY entry;
	LIST_ENTRY link;
	bool wrong;
};

static int work(void *arg)
{
	struct worker *worker = arg;
	struct shared *s = worker->shared;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		PSLIST_ENTRY entry;
		PLIST_ENTRY link;
		KIRQL old;

		KeAcquireSpinLock(&s->lock, &old);
		if (old != PASSIVE_LEVEL || KeGetCurrentIrql() != DISPATCH_LEVEL)
			worker->wrong = true;
		WRITE_ONCE(s->count, READ_ONCE(s->count) + 1);
		KeReleaseSpinLock(&s->lock, old);
		if (KeGetCurrentIrql() != PASSIVE_LEVEL)
			worker->wrong = true;
		InterlockedIncrement(&s->added);
		old = ExAcquireSpinLockExclusive(&s->readers);
		WRITE_ONCE(s->one, READ_ONCE(s->one) + 1);
		if (old != PASSIVE_LEVEL || KeGetCurrentIrql() != DISPATCH_LEVEL)
			worker->wrong = true;
		WRITE_ONCE(s->two, READ_ONCE(s->two) + 1);
		ExReleaseSpinLockExclusive(&s->readers, old);
		old = ExAcquireSpinLockShared(&s->readers);
		if (READ_ONCE(s->one) != READ_ONCE(s->two))
			worker->wrong = true;
		ExReleaseSpinLockShared(&s->readers, old);
		/* Each pushes one and pops one, so there is one to be had. */
		entry = &worker->entry;
		if (i == 0)
			InterlockedPushEntrySList(&s->slist, entry);
		entry = InterlockedPopEntrySList(&s->slist);
		if (entry)
			InterlockedPushEntrySList(&s->slist, entry);
		if (i == 0)
			ExInterlockedInsertTailList(&s->list, &worker->link,
						    &s->lock);
		link = ExInterlockedRemoveHeadList(&s->list, &s->lock);
		if (link)
			ExInterlockedInsertHeadList(&s->list, link, &s->lock);
		cond_resched();
	}
	complete(&worker->done);
	return 0;
}

static void locks(struct rpt *t)
{
	struct shared *s = ExAllocatePoolZero(NonPagedPoolNx, sizeof(*s),
					      TAG_FLAGS);
	struct worker *workers = ExAllocatePoolZero(NonPagedPoolNx,
						    THREADS * sizeof(*workers),
						    TAG_FLAGS);
	unsigned int i, linked = 0;
	u64 want = 0;

	if (!EXPECT(t, s && workers))
		return;
	s->beside = 0x5555555555555555;
	KeInitializeSpinLock(&s->lock);
	InitializeSListHead(&s->slist);
	InitializeListHead(&s->list);
	for (i = 0; i < THREADS; i++) {
		workers[i].shared = s;
		init_completion(&workers[i].done);
		if (IS_ERR(kthread_run(work, &workers[i], "rpt_env%u", i)))
			complete(&workers[i].done);
		else
			want += ROUNDS;
	}
	for (i = 0; i < THREADS; i++) {
		wait_for_completion(&workers[i].done);
		EXPECT(t, !workers[i].wrong);
	}
	EXPECT_EQ(t, s->count, want);
	EXPECT_EQ(t, s->added, want);
	EXPECT_EQ(t, s->one, want);
	EXPECT_EQ(t, s->two, want);
	EXPECT(t, !s->readers && !s->beside_readers);
	EXPECT_EQ(t, s->beside, 0x5555555555555555);
	EXPECT_EQ(t, QueryDepthSList(&s->slist), want / ROUNDS);
	while (!IsListEmpty(&s->list)) {
		RemoveHeadList(&s->list);
		linked++;
	}
	EXPECT_EQ(t, linked, want / ROUNDS);
	ExFreePool(workers);
	ExFreePool(s);
}

static void lock_here(void *arg)
{
	struct shared *s = arg;
	KIRQL before = KeGetCurrentIrql(), old, held;

	KeAcquireSpinLock(&s->lock, &old);
	held = KeGetCurrentIrql();
	s->count += KeTryToAcquireSpinLockAtDpcLevel(&s->lock);
	KeReleaseSpinLock(&s->lock, old);
	s->added = old == before && KeGetCurrentIrql() == before &&
		   held == max_t(KIRQL, before, DISPATCH_LEVEL);
	KeAcquireSpinLockAtDpcLevel(&s->lock);
	KeReleaseSpinLockFromDpcLevel(&s->lock);
}

struct readers {
	EX_SPIN_LOCK lock;
	KIRQL before, old, within, after;
	int preemption;
	bool right;
};

static void read_here(void *arg)
{
	struct readers *r = arg;
	EX_SPIN_LOCK *lock = &r->lock;
	int preemption = preempt_count();
	KIRQL again;

	r->before = KeGetCurrentIrql();
	r->old = ExAcquireSpinLockShared(lock);
	r->within = KeGetCurrentIrql();
	/* Others may share it, until one wants it alone. */
	r->right = ExTryAcquireSpinLockSharedAtDpcLevel(lock) &&
		   !ExTryAcquireSpinLockExclusiveAtDpcLevel(lock) &&
		   !ExTryConvertSharedSpinLockExclusive(lock);
	ExReleaseSpinLockSharedFromDpcLevel(lock);
	r->right &= ExTryConvertSharedSpinLockExclusive(lock) &&
		    !ExTryAcquireSpinLockSharedAtDpcLevel(lock) &&
		    !ExTryAcquireSpinLockExclusiveAtDpcLevel(lock);
	ExReleaseSpinLockExclusive(lock, r->old);
	again = ExAcquireSpinLockExclusive(lock);
	r->right &= again == r->old && !ExTryAcquireSpinLockSharedAtDpcLevel(lock);
	ExReleaseSpinLockExclusive(lock, again);
	ExAcquireSpinLockSharedAtDpcLevel(lock);
	ExReleaseSpinLockSharedFromDpcLevel(lock);
	ExAcquireSpinLockExclusiveAtDpcLevel(lock);
	ExReleaseSpinLockExclusiveFromDpcLevel(lock);
	r->after = KeGetCurrentIrql();
	r->preemption = preempt_count() - preemption;
}

static void readers_in(struct rpt *t)
{
	struct readers r = {};

	static_assert(sizeof(EX_SPIN_LOCK) == 4);
	rpt_in_context(rpt_value(t), read_here, &r);
	EXPECT_EQ(t, r.old, r.before);
	EXPECT_EQ(t, r.within, max_t(KIRQL, r.before, DISPATCH_LEVEL));
	EXPECT_EQ(t, r.after, r.before);
	EXPECT_EQ(t, r.preemption, 0);
	EXPECT_EQ(t, r.lock, 0);
	EXPECT(t, r.right);
}

static void processors(struct rpt *t)
{
	PROCESSOR_NUMBER number = { .Reserved = 1 };
	ULONG index, count = KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS);
	KAFFINITY online = 0;

	preempt_disable();
	index = KeGetCurrentProcessorNumberEx(&number);
	EXPECT_EQ(t, index, smp_processor_id());
	EXPECT_EQ(t, KeGetCurrentNodeNumber(), numa_node_id());
	preempt_enable();
	EXPECT(t, index < count && count <= KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS));
	EXPECT_EQ(t, number.Group * 64 + number.Number, index);
	EXPECT_EQ(t, number.Reserved, 0);
	EXPECT_EQ(t, rust_pool_processors(70, 0), 64);
	EXPECT_EQ(t, rust_pool_processors(70, 1), 6);
	EXPECT_EQ(t, rust_pool_processors(64, 1), 0);
	EXPECT_EQ(t, rust_pool_processors(70, ALL_PROCESSOR_GROUPS), 70);
	EXPECT_EQ(t, KeQueryActiveProcessorCount(&online), min(count, 64));
	EXPECT(t, online & 1);
	EXPECT(t, KeQueryHighestNodeNumber() >= KeGetCurrentNodeNumber());
}

static void lock_in(struct rpt *t)
{
	struct shared s = {};

	KeInitializeSpinLock(&s.lock);
	rpt_in_context(rpt_value(t), lock_here, &s);
	EXPECT_EQ(t, s.added, 1);
	EXPECT_EQ(t, s.count, 0);
	EXPECT_EQ(t, s.lock, 0);
}

struct raised {
	KIRQL before, old, within, again, after;
};

static void raise_here(void *arg)
{
	struct raised *r = arg;
	KIRQL old;

	r->before = KeGetCurrentIrql();
	KeRaiseIrql(DISPATCH_LEVEL, &r->old);
	r->within = KeGetCurrentIrql();
	/* As high already, and not lowered by the inner one. */
	old = KeRaiseIrqlToDpcLevel();
	KeLowerIrql(old);
	r->again = KeGetCurrentIrql();
	KeLowerIrql(r->old);
	KeRaiseIrql(PASSIVE_LEVEL, &old);
	KeLowerIrql(old);
	r->after = KeGetCurrentIrql();
}

static void raise_in(struct rpt *t)
{
	struct raised r = {};

	rpt_in_context(rpt_value(t), raise_here, &r);
	EXPECT_EQ(t, r.old, r.before);
	EXPECT_EQ(t, r.within, max_t(KIRQL, r.before, DISPATCH_LEVEL));
	EXPECT_EQ(t, r.again, r.within);
	EXPECT_EQ(t, r.after, r.before);
}

struct balance {
	KSPIN_LOCK lock;
	int before, by_lock, by_raise, by_handle;
};

static void balance_here(void *arg)
{
	struct balance *b = arg;
	KLOCK_QUEUE_HANDLE handle;
	KIRQL outer, old;

	KeRaiseIrql(DISPATCH_LEVEL, &outer);
	b->before = preempt_count();
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	KeAcquireSpinLockAtDpcLevel(&b->lock);
	KeReleaseSpinLock(&b->lock, old);
	b->by_lock = preempt_count();
	old = KeAcquireSpinLockForDpc(&b->lock);
	KeReleaseSpinLockForDpc(&b->lock, old);
	KeAcquireSpinLock(&b->lock, &old);
	KeReleaseSpinLockFromDpcLevel(&b->lock);
	KeLowerIrql(old);
	b->by_raise = preempt_count();
	KeAcquireInStackQueuedSpinLock(&b->lock, &handle);
	KeReleaseSpinLock(handle.LockQueue.Lock, handle.OldIrql);
	KeAcquireInStackQueuedSpinLockAtDpcLevel(&b->lock, &handle);
	KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle);
	KeAcquireInStackQueuedSpinLock(&b->lock, &handle);
	KeReleaseInStackQueuedSpinLock(&handle);
	b->by_handle = preempt_count();
	KeLowerIrql(outer);
}

/* What raises may be undone by what releases, and the other way round. */
static void raised_and_locked_in(struct rpt *t)
{
	struct balance b = {};

	KeInitializeSpinLock(&b.lock);
	rpt_in_context(rpt_value(t), balance_here, &b);
	EXPECT_EQ(t, b.by_lock, b.before);
	EXPECT_EQ(t, b.by_raise, b.before);
	EXPECT_EQ(t, b.by_handle, b.before);
	EXPECT_EQ(t, b.lock, 0);
}

static void sizes(struct rpt *t)
{
	USHORT little = 0;
	SIZE_T bytes = 0;
	ULONG number = 0;

	EXPECT_EQ(t, RtlULongMult(0x10000, 0xffff, &number), STATUS_SUCCESS);
	EXPECT_EQ(t, number, 0xffff0000);
	EXPECT_EQ(t, RtlULongMult(0x10000, 0x10000, &number),
		  STATUS_INTEGER_OVERFLOW);
	EXPECT_EQ(t, number, MAXULONG);
	EXPECT_EQ(t, RtlULongSub(1, 2, &number), STATUS_INTEGER_OVERFLOW);
	EXPECT_EQ(t, RtlSizeTAdd(SIZE_MAX, 1, &bytes), STATUS_INTEGER_OVERFLOW);
	EXPECT_EQ(t, bytes, SIZE_MAX);
	EXPECT_EQ(t, RtlSizeTAdd(SIZE_MAX - 1, 1, &bytes), STATUS_SUCCESS);
	EXPECT_EQ(t, RtlUShortAdd(0xffff, 1, &little), STATUS_INTEGER_OVERFLOW);
	EXPECT_EQ(t, little, MAXUSHORT);
	EXPECT_EQ(t, RtlSizeTToULong(1ULL << 32, &number), STATUS_INTEGER_OVERFLOW);
	EXPECT_EQ(t, RtlSizeTToULong(MAXULONG, &number), STATUS_SUCCESS);
	EXPECT_EQ(t, number, MAXULONG);
	EXPECT_EQ(t, RtlConvertUlongToLargeInteger(MAXULONG).QuadPart, MAXULONG);
	EXPECT_EQ(t, RtlConvertLongToLargeInteger(-1).QuadPart, -1);
}

/* Signs, and values as those of other types. */
static void signs(struct rpt *t)
{
	const NTSTATUS overflow = STATUS_INTEGER_OVERFLOW;
	LONG_PTR wide = 0;
	SIZE_T size = 0;
	UCHAR byte = 0;
	LONG word = 0;
	INT8 tiny = 0;

	EXPECT_EQ(t, RtlLongAdd(MAXLONG, 1, &word), overflow);
	EXPECT_EQ(t, word, -1);
	EXPECT_EQ(t, RtlLongSub(-MAXLONG, 1, &word), STATUS_SUCCESS);
	EXPECT_EQ(t, word, (LONG)MINLONG);
	EXPECT_EQ(t, RtlLongMult(-0x10000, 0x8000, &word), STATUS_SUCCESS);
	EXPECT_EQ(t, RtlLongMult(-0x10000, 0x8001, &word), overflow);
	EXPECT_EQ(t, RtlInt8Add(-100, -28, &tiny), STATUS_SUCCESS);
	EXPECT_EQ(t, RtlInt8Add(-100, -29, &tiny), overflow);
	EXPECT_EQ(t, RtlLongPtrSub(MINLONG_PTR, 1, &wide), overflow);
	EXPECT_EQ(t, wide, -1);
	EXPECT_EQ(t, RtlUInt32Add(MAXUINT32, 1, (PUINT32)&word), overflow);
	EXPECT_EQ(t, RtlUInt64Mult(MAXUINT64, 2, &size), overflow);
	EXPECT_EQ(t, size, MAXSIZE_T);

	EXPECT_EQ(t, RtlLongToULong(-1, (PULONG)&word), overflow);
	EXPECT_EQ(t, word, -1);
	EXPECT_EQ(t, RtlULongToLong(0x80000000, &word), overflow);
	EXPECT_EQ(t, RtlULongToLong(MAXLONG, &word), STATUS_SUCCESS);
	EXPECT_EQ(t, word, MAXLONG);
	EXPECT_EQ(t, RtlLongToSizeT(-1, &size), overflow);
	EXPECT_EQ(t, size, MAXSIZE_T);
	EXPECT_EQ(t, RtlLongToSizeT(7, &size), STATUS_SUCCESS);
	EXPECT_EQ(t, size, 7);
	EXPECT_EQ(t, RtlULongToUChar(256, &byte), overflow);
	EXPECT_EQ(t, byte, 0xff);
	EXPECT_EQ(t, RtlULongToUChar(255, &byte), STATUS_SUCCESS);
	EXPECT_EQ(t, RtlLongLongToInt8(-128, &tiny), STATUS_SUCCESS);
	EXPECT_EQ(t, tiny, -128);
	EXPECT_EQ(t, RtlLongLongToInt8(-129, &tiny), overflow);
	EXPECT_EQ(t, tiny, -1);
	EXPECT_EQ(t, RtlULongLongToLongLong(1ULL << 63, &wide), overflow);
	EXPECT_EQ(t, RtlULongLongToSizeT(MAXULONGLONG, &size), STATUS_SUCCESS);
	EXPECT_EQ(t, size, MAXSIZE_T);
}

static void lists(struct rpt *t)
{
	static RTL_STATIC_LIST_HEAD(empty);
	LIST_ENTRY head, other, a, b, c;
	SINGLE_LIST_ENTRY single = {}, one, two;
	struct record record;

	EXPECT(t, CONTAINING_RECORD(&record.link, struct record, link) ==
		  &record);
	EXPECT(t, IsListEmpty(&empty) && empty.Blink == &empty);
	InitializeListHead(&head);
	EXPECT(t, IsListEmpty(&head));
	EXPECT(t, RemoveHeadList(&head) == &head);
	InsertHeadList(&head, &b);
	InsertHeadList(&head, &a);
	InsertTailList(&head, &c);
	EXPECT(t, head.Flink == &a && a.Flink == &b && b.Flink == &c);
	EXPECT(t, c.Flink == &head && head.Blink == &c && a.Blink == &head);
	EXPECT(t, !RemoveEntryList(&b));
	EXPECT(t, RemoveTailList(&head) == &c);
	EXPECT(t, RemoveEntryList(&a));
	EXPECT(t, IsListEmpty(&head));

	/* The entries of another list, without its head. */
	InitializeListHead(&other);
	InsertTailList(&head, &a);
	InsertTailList(&other, &b);
	InsertTailList(&other, &c);
	RemoveEntryList(&other);
	AppendTailList(&head, &b);
	EXPECT(t, a.Flink == &b && b.Flink == &c && c.Flink == &head);
	EXPECT(t, head.Blink == &c && c.Blink == &b && b.Blink == &a);

	EXPECT(t, !PopEntryList(&single));
	PushEntryList(&single, &one);
	PushEntryList(&single, &two);
	EXPECT(t, PopEntryList(&single) == &two);
	EXPECT(t, PopEntryList(&single) == &one);
	EXPECT(t, !single.Next);
}

/* What was first or last before, and NULL for none. */
static void locked_lists(struct rpt *t)
{
	SINGLE_LIST_ENTRY single = {}, one, two;
	LIST_ENTRY head, a, b, c;
	KSPIN_LOCK lock;

	KeInitializeSpinLock(&lock);
	InitializeListHead(&head);
	EXPECT(t, !ExInterlockedRemoveHeadList(&head, &lock));
	EXPECT(t, !ExInterlockedInsertHeadList(&head, &b, &lock));
	EXPECT(t, ExInterlockedInsertHeadList(&head, &a, &lock) == &b);
	EXPECT(t, ExInterlockedInsertTailList(&head, &c, &lock) == &b);
	EXPECT(t, head.Flink == &a && a.Flink == &b && b.Flink == &c);
	EXPECT(t, ExInterlockedRemoveHeadList(&head, &lock) == &a);
	EXPECT(t, ExInterlockedRemoveHeadList(&head, &lock) == &b);
	EXPECT(t, ExInterlockedRemoveHeadList(&head, &lock) == &c);
	EXPECT(t, IsListEmpty(&head));
	EXPECT(t, !ExInterlockedInsertTailList(&head, &c, &lock));

	EXPECT(t, !ExInterlockedPopEntryList(&single, &lock));
	EXPECT(t, !ExInterlockedPushEntryList(&single, &one, &lock));
	EXPECT(t, ExInterlockedPushEntryList(&single, &two, &lock) == &one);
	EXPECT(t, single.Next == &two && two.Next == &one && !one.Next);
	EXPECT(t, ExInterlockedPopEntryList(&single, &lock) == &two);
	EXPECT(t, ExInterlockedPopEntryList(&single, &lock) == &one);
	EXPECT(t, !single.Next);
	EXPECT_EQ(t, lock, 0);
	EXPECT_EQ(t, KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static void sequenced_lists(struct rpt *t)
{
	KSPIN_LOCK lock = 0;
	SLIST_ENTRY a, b;
	SLIST_HEADER head;

	InitializeSListHead(&head);
	EXPECT(t, !InterlockedPopEntrySList(&head));
	EXPECT(t, !InterlockedPushEntrySList(&head, &a));
	EXPECT(t, InterlockedPushEntrySList(&head, &b) == &a);
	EXPECT_EQ(t, QueryDepthSList(&head), 2);
	EXPECT(t, InterlockedPopEntrySList(&head) == &b);
	InterlockedPushEntrySList(&head, &b);
	EXPECT(t, InterlockedFlushSList(&head) == &b);
	EXPECT(t, b.Next == &a && !a.Next);
	EXPECT_EQ(t, QueryDepthSList(&head), 0);

	/* The older names, with a lock that is not taken. */
	memset(&head, 0xff, sizeof(head));
	ExInitializeSListHead(&head);
	EXPECT_EQ(t, ExQueryDepthSList(&head), 0);
	EXPECT(t, !ExInterlockedPopEntrySList(&head, &lock));
	EXPECT(t, !ExInterlockedPushEntrySList(&head, &a, &lock));
	EXPECT(t, ExInterlockedPushEntrySList(&head, &b, &lock) == &a);
	EXPECT_EQ(t, ExQueryDepthSList(&head), 2);
	EXPECT(t, ExInterlockedPopEntrySList(&head, &lock) == &b);
	EXPECT_EQ(t, ExQueryDepthSList(&head), 1);
	EXPECT(t, ExInterlockedFlushSList(&head) == &a);
	EXPECT(t, !ExInterlockedFlushSList(&head));
}

/* They stay as they are. */
static void corrupted_lists(struct rpt *t)
{
	LIST_ENTRY head, a, b, c;

	InitializeListHead(&head);
	InsertTailList(&head, &a);
	InsertTailList(&head, &b);
	/* As if it were freed, and used for something else. */
	a.Blink = &c;
	InsertHeadList(&head, &c);
	EXPECT(t, head.Flink == &a && head.Blink == &b && a.Flink == &b);
	EXPECT(t, !RemoveEntryList(&a));
	EXPECT(t, head.Flink == &a && b.Blink == &a && a.Blink == &c);
	a.Blink = &head;
	b.Flink = &c;
	c.Blink = &head;
	InsertTailList(&head, &c);
	EXPECT(t, head.Blink == &b && b.Flink == &c && c.Blink == &head);
	EXPECT(t, !RemoveEntryList(&b));
	EXPECT(t, a.Flink == &b && head.Blink == &b);
	/* A list without a head is appended to one that is intact only. */
	InitializeListHead(&c);
	AppendTailList(&head, &c);
	EXPECT(t, b.Flink == &c && head.Blink == &b && c.Flink == &c && c.Blink == &c);
	b.Flink = &head;
	c.Blink = &a;
	AppendTailList(&head, &c);
	EXPECT(t, b.Flink == &head && head.Blink == &b && a.Flink == &b && c.Blink == &a);
}

/* A loop that frees all entries ends, and gets none of them twice. */
static void corrupted_lists_end(struct rpt *t)
{
	KSPIN_LOCK lock;
	LIST_ENTRY head, a, b, c;

	KeInitializeSpinLock(&lock);
	InitializeListHead(&head);
	InitializeListHead(&c);
	InsertTailList(&head, &a);
	InsertTailList(&head, &b);
	a.Blink = &c;
	EXPECT(t, RemoveHeadList(&head) == &a);
	EXPECT(t, IsListEmpty(&head) && head.Blink == &head);

	InsertTailList(&head, &a);
	InsertTailList(&head, &b);
	b.Flink = &c;
	EXPECT(t, RemoveTailList(&head) == &b);
	EXPECT(t, IsListEmpty(&head) && head.Blink == &head);

	InsertTailList(&head, &a);
	a.Flink = &c;
	EXPECT(t, ExInterlockedRemoveHeadList(&head, &lock) == &a);
	EXPECT(t, !ExInterlockedRemoveHeadList(&head, &lock));
}

/* To DISPATCH_LEVEL, with interrupts enabled. */
static void raised_too_high(struct rpt *t)
{
	KIRQL old = 0xff, now;
	bool disabled;

	KeRaiseIrql(HIGH_LEVEL, &old);
	now = KeGetCurrentIrql();
	disabled = irqs_disabled();
	KeLowerIrql(old);
	EXPECT_EQ(t, old, PASSIVE_LEVEL);
	EXPECT_EQ(t, now, DISPATCH_LEVEL);
	EXPECT(t, !disabled);
	EXPECT_EQ(t, KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static void rundown_not_acquired(struct rpt *t)
{
	EX_RUNDOWN_REF ref;

	ExInitializeRundownProtection(&ref);
	ExReleaseRundownProtection(&ref);
	EXPECT_EQ(t, ref.Count, 0);
	EXPECT(t, ExAcquireRundownProtection(&ref));
	ExReleaseRundownProtectionEx(&ref, 2);
	EXPECT_EQ(t, ref.Count, 2);
}

static void rundown(struct rpt *t)
{
	EX_RUNDOWN_REF from_start = { .Count = EX_RUNDOWN_ACTIVE };
	PEX_RUNDOWN_REF_CACHE_AWARE aware;
	EX_RUNDOWN_REF ref;

	static_assert(sizeof(EX_RUNDOWN_REF) == 8);
	ExInitializeRundownProtection(&ref);
	EXPECT(t, ExAcquireRundownProtection(&ref));
	EXPECT(t, ExAcquireRundownProtectionEx(&ref, 3));
	ExReleaseRundownProtection(&ref);
	ExReleaseRundownProtectionEx(&ref, 3);
	/* Nobody is there to be waited for. */
	ExWaitForRundownProtectionRelease(&ref);
	EXPECT(t, !ExAcquireRundownProtection(&ref));
	EXPECT(t, !ExAcquireRundownProtectionEx(&ref, 2));
	ExWaitForRundownProtectionRelease(&ref);
	ExReInitializeRundownProtection(&ref);
	EXPECT(t, ExAcquireRundownProtection(&ref));
	ExReleaseRundownProtection(&ref);
	/* The wait would never end otherwise. */
	if (!EXPECT(t, !ExAcquireRundownProtection(&from_start)))
		return;
	ExWaitForRundownProtectionRelease(&from_start);
	ExReInitializeRundownProtection(&from_start);
	EXPECT(t, ExAcquireRundownProtectionEx(&from_start, 3));
	EXPECT_EQ(t, from_start.Count, 3 * EX_RUNDOWN_COUNT_INC);
	ExRundownCompleted(&ref);
	EXPECT(t, !ExAcquireRundownProtection(&ref));

	aware = ExAllocateCacheAwareRundownProtection(NonPagedPoolNx, TAG_FLAGS);
	if (!EXPECT(t, aware))
		return;
	EXPECT(t, ExAcquireRundownProtectionCacheAware(aware));
	EXPECT(t, ExAcquireRundownProtectionCacheAwareEx(aware, 2));
	ExReleaseRundownProtectionCacheAwareEx(aware, 2);
	ExReleaseRundownProtectionCacheAware(aware);
	ExWaitForRundownProtectionReleaseCacheAware(aware);
	EXPECT(t, !ExAcquireRundownProtectionCacheAware(aware));
	ExInitializeRundownProtectionCacheAware(aware, ExSizeOfRundownProtectionCacheAware());
	EXPECT(t, ExAcquireRundownProtectionCacheAware(aware));
	ExFreeCacheAwareRundownProtection(aware);
}

struct running_down {
	EX_RUNDOWN_REF ref;
	struct completion done;
};

static int run_down(void *arg)
{
	struct running_down *r = arg;

	ExWaitForRundownProtectionRelease(&r->ref);
	complete_all(&r->done);
	return 0;
}

/* Until the last one has released it. What a thread that never ends has is not given back. */
static void rundown_waits(struct rpt *t)
{
	struct running_down *r = ExAllocatePoolZero(NonPagedPoolNx, sizeof(*r), TAG_FLAGS);
	unsigned int tries;

	if (!EXPECT(t, r))
		return;
	ExInitializeRundownProtection(&r->ref);
	init_completion(&r->done);
	EXPECT(t, ExAcquireRundownProtectionEx(&r->ref, 2));
	if (!EXPECT(t, !IS_ERR(kthread_run(run_down, r, "rpt_rundown"))))
		return;
	for (tries = 0; tries < RPT_TRIES && ExAcquireRundownProtection(&r->ref); tries++) {
		ExReleaseRundownProtection(&r->ref);
		msleep(20);
	}
	EXPECT(t, tries < RPT_TRIES);
	msleep(100);
	EXPECT(t, !completion_done(&r->done));
	ExReleaseRundownProtection(&r->ref);
	msleep(100);
	EXPECT(t, !completion_done(&r->done));
	ExReleaseRundownProtection(&r->ref);
	if (!EXPECT(t, wait_for_completion_timeout(&r->done, RPT_PATIENCE)))
		return;
	EXPECT(t, !ExAcquireRundownProtection(&r->ref));
	ExFreePool(r);
}

static void interlocked(struct rpt *t)
{
	LARGE_INTEGER large = { .QuadPart = 1LL << 33 };
	LONG bits[2] = {}, value = 7;
	ULONG word = MAXULONG;
	KSPIN_LOCK lock = 0;
	SHORT half = 0x7ffe;
	PVOID pointer = t;
	LONG64 wide = 7;

	EXPECT_EQ(t, InterlockedIncrement(&value), 8);
	EXPECT_EQ(t, InterlockedDecrement(&value), 7);
	EXPECT_EQ(t, InterlockedExchange(&value, 3), 7);
	EXPECT_EQ(t, InterlockedExchangeAdd(&value, 4), 3);
	EXPECT_EQ(t, InterlockedAdd(&value, 1), 8);
	EXPECT_EQ(t, InterlockedCompareExchange(&value, 5, 9), 8);
	EXPECT_EQ(t, InterlockedCompareExchange(&value, 5, 8), 8);
	EXPECT_EQ(t, InterlockedOr(&value, 2), 5);
	EXPECT_EQ(t, InterlockedAnd(&value, 6), 7);
	EXPECT_EQ(t, value, 6);
	EXPECT_EQ(t, InterlockedIncrement64(&wide), 8);
	EXPECT_EQ(t, InterlockedDecrement64(&wide), 7);
	EXPECT_EQ(t, InterlockedExchangeAdd64(&wide, 1LL << 40), 7);
	EXPECT_EQ(t, wide, (1LL << 40) + 7);
	EXPECT_EQ(t, InterlockedXor(&value, 3), 6);
	EXPECT_EQ(t, value, 5);
	EXPECT_EQ(t, InterlockedExchange64(&wide, 1LL << 41), (1LL << 40) + 7);
	EXPECT_EQ(t, InterlockedAdd64(&wide, 5), (1LL << 41) + 5);
	EXPECT_EQ(t, InterlockedCompareExchange64(&wide, 1, 5), (1LL << 41) + 5);
	EXPECT_EQ(t, InterlockedCompareExchange64(&wide, 3LL << 33, (1LL << 41) + 5),
		  (1LL << 41) + 5);
	EXPECT_EQ(t, InterlockedOr64(&wide, 1LL << 40), 3LL << 33);
	EXPECT_EQ(t, InterlockedAnd64(&wide, ~(1LL << 33)), (1LL << 40) | (3LL << 33));
	EXPECT_EQ(t, InterlockedXor64(&wide, (1LL << 34) | 1), (1LL << 40) | (1LL << 34));
	EXPECT_EQ(t, wide, (1LL << 40) + 1);
	EXPECT_EQ(t, InterlockedIncrement16(&half), 0x7fff);
	EXPECT_EQ(t, InterlockedIncrement16(&half), (SHORT)0x8000);
	EXPECT_EQ(t, InterlockedDecrement16(&half), 0x7fff);
	EXPECT_EQ(t, InterlockedCompareExchange16(&half, 4, 5), 0x7fff);
	EXPECT_EQ(t, InterlockedCompareExchange16(&half, 4, 0x7fff), 0x7fff);
	EXPECT_EQ(t, half, 4);
	/* By their other names. */
	EXPECT_EQ(t, InterlockedIncrementNoFence(&value), 6);
	EXPECT_EQ(t, InterlockedCompareExchangeAcquire64(&wide, 9, (1LL << 40) + 1),
		  (1LL << 40) + 1);
	EXPECT_EQ(t, InterlockedOrRelease(&value, 1), 6);
	/* The bits go on in the next one. */
	EXPECT(t, !InterlockedBitTestAndSet(bits, 31) && bits[0] == MINLONG);
	EXPECT(t, !InterlockedBitTestAndSet(bits, 33) && bits[1] == 2);
	EXPECT(t, InterlockedBitTestAndSet(bits, 33) && bits[1] == 2);
	EXPECT(t, InterlockedBitTestAndReset(bits, 33) && bits[1] == 0);
	EXPECT(t, !InterlockedBitTestAndReset(bits, 33) && bits[0] == MINLONG);
	/* With a lock. */
	EXPECT_EQ(t, ExInterlockedAddLargeInteger(&large, large, &lock).QuadPart, 1LL << 33);
	EXPECT_EQ(t, large.QuadPart, 1LL << 34);
	EXPECT_EQ(t, ExInterlockedAddUlong(&word, 7, &lock), MAXULONG);
	EXPECT_EQ(t, word, 6);
	ExInterlockedAddLargeStatistic(&large, MAXULONG);
	EXPECT_EQ(t, large.QuadPart, (1LL << 34) + MAXULONG);
	EXPECT_EQ(t, ExInterlockedCompareExchange64(&wide, &large.QuadPart, &wide, &lock), 9);
	EXPECT_EQ(t, wide, large.QuadPart);
	EXPECT_EQ(t, lock, 0);
	EXPECT(t, InterlockedExchangePointer(&pointer, &value) == t);
	EXPECT(t, InterlockedCompareExchangePointer(&pointer, t, t) == &value);
	EXPECT(t, InterlockedCompareExchangePointer(&pointer, t, &value) ==
		  &value);
	EXPECT(t, pointer == t);
}

/* Pointers to anything, evaluated once. */
static void interlocked_pointers(struct rpt *t)
{
	struct record one, two, *records[2] = { &one }, **at = records;

	EXPECT(t, InterlockedExchangePointer(at++, &two) == &one);
	EXPECT(t, records[0] == &two && at == records + 1);
	EXPECT(t, !InterlockedCompareExchangePointer(at--, &one, &two));
	EXPECT(t, !InterlockedCompareExchangePointerNoFence(records + 1, &one, NULL));
	EXPECT(t, records[1] == &one && at == records);
}

/* Both types that have 64 bits, with a sign and without. */
static void interlocked_types(struct rpt *t)
{
	ULONG_PTR address = 5, sum = 0;
	long long longer = 6;
	long word = 7;

	EXPECT_EQ(t, InterlockedIncrement64(&address), 6);
	EXPECT_EQ(t, InterlockedAdd64(&longer, 1), 7);
	EXPECT_EQ(t, InterlockedCompareExchange64(&word, -1, 7), 7);
	EXPECT(t, address == 6 && longer == 7 && word == -1);
	EXPECT_EQ(t, RtlULongLongAdd(MAXULONGLONG, 1, &sum), STATUS_INTEGER_OVERFLOW);
	EXPECT_EQ(t, sum, MAXULONG_PTR);
	EXPECT_EQ(t, RtlSizeTMult(3, 5, (ULONG64 *)&address), STATUS_SUCCESS);
	EXPECT_EQ(t, address, 15);
}

/* What is beside stays as it is, and each returns what was there. */
static void interlocked_short(struct rpt *t)
{
	UCHAR bytes[4] = { 0x5f, 0xf5, 0xff, 0x11 };
	USHORT halves[2] = { 0x0ff0, 0x1111 };
	LONG64 bits[2] = {};
	SIZE_T size = 5;
	ULONG word = 5;
	LONG flag = 0;

	EXPECT_EQ(t, InterlockedAnd8((PCHAR)bytes + 1, 0x3c), (CHAR)0xf5);
	EXPECT_EQ(t, bytes[1], 0x34);
	EXPECT_EQ(t, InterlockedOr8((PCHAR)bytes + 1, (CHAR)0x81), 0x34);
	EXPECT_EQ(t, bytes[1], 0xb5);
	EXPECT_EQ(t, InterlockedXor8((PCHAR)bytes + 1, 0x05), (CHAR)0xb5);
	EXPECT_EQ(t, InterlockedExchange8((PCHAR)bytes + 1, 7), (CHAR)0xb0);
	EXPECT(t, bytes[0] == 0x5f && bytes[1] == 7 && bytes[2] == 0xff && bytes[3] == 0x11);
	EXPECT_EQ(t, InterlockedAnd16((PSHORT)halves, 0x3c3c), 0x0ff0);
	EXPECT_EQ(t, InterlockedOr16((PSHORT)halves, 1), 0x0c30);
	EXPECT_EQ(t, _InterlockedXor16((PSHORT)halves, 3), 0x0c31);
	EXPECT_EQ(t, _InterlockedExchangeAdd16((PSHORT)halves, 2), 0x0c32);
	EXPECT(t, halves[0] == 0x0c34 && halves[1] == 0x1111);

	EXPECT(t, !InterlockedBitTestAndSet64(bits, 63) && bits[0] == S64_MIN && !bits[1]);
	EXPECT(t, !InterlockedBitTestAndSet64(bits, 64 + 40) && bits[1] == 1LL << 40);
	EXPECT(t, InterlockedBitTestAndReset64(bits, 64 + 40) && !bits[1]);
	EXPECT(t, !InterlockedBitTestAndReset64(bits, 64 + 40) && bits[0] == S64_MIN);
	EXPECT(t, !InterlockedBitTestAndComplement(&flag, 3) && flag == 8);
	EXPECT(t, InterlockedBitTestAndComplement(&flag, 3) && flag == 0);

	EXPECT_EQ(t, InterlockedIncrementSizeT(&size), 6);
	EXPECT_EQ(t, InterlockedAddSizeT(&size, 4), 10);
	EXPECT_EQ(t, InterlockedExchangeAddSizeT(&size, 1), 10);
	EXPECT_EQ(t, InterlockedDecrementSizeT(&size), 10);
	EXPECT_EQ(t, InterlockedExchangeSubtract(&word, 3), 5);
	EXPECT_EQ(t, word, 2);
	EXPECT_EQ(t, InterlockedAddNoFence64(&size, 1), 11);
	EXPECT_EQ(t, InterlockedXorAcquire(&flag, 5), 0);
	EXPECT_EQ(t, InterlockedAddRelease(&flag, 1), 6);
	EXPECT_EQ(t, _InterlockedCompareExchange(&flag, 1, 6), 6);
	EXPECT_EQ(t, _InterlockedIncrement(&flag), 2);
}

/* As wide as their names say, and what is beside stays as it is. */
static void ordered(struct rpt *t)
{
	ULONG64 words[2] = { MAXULONG64, MAXULONG64 };
	PVOID pointers[2] = { t, NULL };
	const LONG constant = -3;

	WriteRelease8((PCHAR)words, 1);
	EXPECT_EQ(t, words[0], 0xffffffffffffff01);
	WriteNoFence16((PSHORT)words, 2);
	EXPECT_EQ(t, words[0], 0xffffffffffff0002);
	WriteRaw((PLONG)words, 3);
	EXPECT_EQ(t, words[0], 0xffffffff00000003);
	WriteULong64Release(words, 4);
	EXPECT(t, words[0] == 4 && words[1] == MAXULONG64);
	WriteUCharNoFence((PUCHAR)words, 5);
	WriteUShortRelease((PUSHORT)words + 1, 6);
	WriteULongRaw((PULONG)words + 1, 7);
	EXPECT(t, words[0] == 0x700060005 && words[1] == MAXULONG64);
	EXPECT_EQ(t, ReadAcquire8((PCHAR)(words + 1)), -1);
	EXPECT_EQ(t, ReadUCharAcquire((PUCHAR)(words + 1)), 0xff);
	EXPECT_EQ(t, ReadUShortNoFence((PUSHORT)words + 1), 6);
	EXPECT_EQ(t, ReadULongRaw((PULONG)words), 0x60005);
	EXPECT_EQ(t, ReadNoFence64(words), 0x700060005);
	EXPECT_EQ(t, ReadAcquire(&constant), -3);
	EXPECT(t, ReadPointerAcquire(pointers) == t && !ReadPointerNoFence(pointers + 1));
	WritePointerRelease(pointers + 1, pointers);
	EXPECT(t, pointers[0] == t && pointers[1] == pointers);
}

static void strings(struct rpt *t)
{
	DECLARE_CONST_UNICODE_STRING(constant, L"abc");
	DECLARE_UNICODE_STRING_SIZE(room, 3);
	UNICODE_STRING string, copy;
	WCHAR buffer[3] = { 'x', 'x', 'x' };

	RtlInitUnicodeString(&string, L"abc");
	EXPECT_EQ(t, string.Length, 6);
	EXPECT_EQ(t, string.MaximumLength, 8);
	EXPECT_EQ(t, constant.Length, 6);
	EXPECT_EQ(t, constant.MaximumLength, 8);
	EXPECT(t, RtlEqualMemory(string.Buffer, constant.Buffer, 8));
	RtlInitUnicodeString(&copy, NULL);
	EXPECT(t, !copy.Length && !copy.MaximumLength && !copy.Buffer);

	RtlInitEmptyUnicodeString(&copy, buffer, sizeof(buffer));
	EXPECT_EQ(t, copy.Length, 0);
	RtlCopyUnicodeString(&copy, &string);
	EXPECT_EQ(t, copy.Length, 6);
	EXPECT_EQ(t, buffer[2], 'c');
	copy.MaximumLength = 4;
	RtlCopyUnicodeString(&copy, &string);
	EXPECT_EQ(t, copy.Length, 4);
	string.Length = 2;
	RtlCopyUnicodeString(&copy, &string);
	EXPECT_EQ(t, copy.Length, 2);
	EXPECT_EQ(t, buffer[1], 0);
	RtlCopyUnicodeString(&copy, NULL);
	EXPECT_EQ(t, copy.Length, 0);

	EXPECT(t, room.Length == 0 && room.MaximumLength == 6 && room.Buffer == room_buffer);
	RtlCopyUnicodeString(&room, &constant);
	EXPECT(t, room.Length == 6 && room_buffer[2] == 'c');
}

static void bytes(struct rpt *t)
{
	u8 a[64], b[64];
	ULONG words[4];
	unsigned int i;

	rpt_fill(a, sizeof(a), 1);
	RtlCopyMemory(b, a, sizeof(a));
	EXPECT(t, RtlEqualMemory(a, b, sizeof(a)));
	for (i = 0; i < sizeof(a); i++) {
		b[i] ^= 0x80;
		EXPECT_EQ(t, RtlCompareMemory(a, b, sizeof(a)), i);
		EXPECT_EQ(t, RtlCompareMemory(a, b, i), i);
		EXPECT(t, !RtlEqualMemory(a, b, sizeof(a)));
		EXPECT(t, RtlEqualMemory(a, b, i));
		b[i] ^= 0x80;
	}
	EXPECT_EQ(t, RtlCompareMemory(a, b, sizeof(a)), sizeof(a));
	EXPECT_EQ(t, RtlCompareMemory(a, b, 0), 0);
	/* Whichever way they overlap. */
	RtlMoveMemory(b + 1, b, 63);
	EXPECT(t, !memcmp(b + 1, a, 63));
	RtlMoveMemory(b, b + 1, 63);
	EXPECT(t, !memcmp(b, a, 63));
	RtlCopyBytes(b, a, sizeof(a));
	EXPECT(t, !memcmp(a, b, sizeof(a)));
	RtlFillBytes(b, 5, 0x11);
	EXPECT(t, !memchr_inv(b, 0x11, 5) && b[5] == a[5]);
	RtlZeroBytes(b, 5);
	EXPECT(t, !memchr_inv(b, 0, 5) && b[5] == a[5]);
	EXPECT(t, RtlSecureZeroMemory(a, 63) == a);
	EXPECT(t, !memchr_inv(a, 0, 63));
	EXPECT(t, RtlIsZeroMemory(a, 63));
	a[62] = 1;
	EXPECT(t, !RtlIsZeroMemory(a, 63));
	EXPECT(t, RtlIsZeroMemory(a, 62));

	RtlFillMemoryNonTemporal(a, 5, 0x77);
	EXPECT(t, !memchr_inv(a, 0x77, 5) && a[5] == 0);
	/* It reads nothing. */
	RtlPrefetchMemoryNonTemporal(a, sizeof(a));
	RtlPrefetchMemoryNonTemporal(NULL, PAGE_SIZE);

	RtlFillMemoryUlong(words, 15, 0x11223344);
	EXPECT_EQ(t, words[2], 0x11223344);
	words[3] = 5;
	EXPECT_EQ(t, RtlCompareMemoryUlong(words, 16, 0x11223344), 12);
	EXPECT_EQ(t, RtlCompareMemoryUlong(words, 11, 0x11223344), 8);
	EXPECT_EQ(t, RtlCompareMemoryUlong(words, 16, 5), 0);
}

static void volatile_bytes(struct rpt *t)
{
	VOLATILE u8 bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	u8 *at = (u8 *)bytes;

	EXPECT(t, RtlCopyVolatileMemory(bytes, bytes + 6, 2) == bytes);
	EXPECT(t, bytes[0] == 7 && bytes[1] == 8 && bytes[2] == 3);
	/* Whichever way they overlap. */
	EXPECT(t, RtlMoveVolatileMemory(bytes + 1, bytes, 3) == bytes + 1);
	EXPECT(t, !memcmp(at, "\7\7\10\3\5", 5));
	RtlMoveVolatileMemory(bytes, bytes + 1, 3);
	EXPECT(t, !memcmp(at, "\7\10\3\3\5", 5));
	RtlFillVolatileMemory(bytes, 2, 0x55);
	RtlSetVolatileMemory(bytes + 2, 0x66, 2);
	RtlZeroVolatileMemory(bytes + 4, 2);
	EXPECT(t, !memcmp(at, "UUff\0\0\7\10", 8));
}

/* Integers where none may be, or in another order of bytes; their bits; addresses as integers. */
static void integers(struct rpt *t)
{
	UCHAR bytes[12] = {};
	USHORT half = 0;
	ULONG word = 0;

	RtlStoreUshort(bytes + 1, 0x1122);
	RtlStoreUlong(bytes + 3, 0x33445566);
	EXPECT(t, !memcmp(bytes, "\0\x22\x11\x66\x55\x44\x33\0", 8));
	RtlRetrieveUshort(&half, bytes + 1);
	RtlRetrieveUlong(&word, bytes + 3);
	EXPECT(t, half == 0x1122 && word == 0x33445566);
	RtlStoreUlonglong(bytes + 3, 0x1122334455667788);
	EXPECT(t, bytes[3] == 0x88 && bytes[10] == 0x11 && !bytes[11]);
	EXPECT_EQ(t, RtlUshortByteSwap(0x1122), 0x2211);
	EXPECT_EQ(t, RtlUlongByteSwap(0x11223344), 0x44332211);
	EXPECT_EQ(t, RtlUlonglongByteSwap(0x1122334455667788), 0x8877665544332211);
	EXPECT_EQ(t, _byteswap_ulong(0x11223344), 0x44332211);

	EXPECT(t, BitScanForward(&word, 0x50) && word == 4);
	EXPECT(t, _BitScanReverse(&word, 0x50) && word == 6);
	EXPECT(t, _BitScanForward64(&word, 3ULL << 40) && word == 40);
	EXPECT(t, BitScanReverse64(&word, 3ULL << 40) && word == 41);
	EXPECT(t, !BitScanForward(&word, 1ULL << 32) && !BitScanReverse64(&word, 0));
	EXPECT_EQ(t, word, 41);

	EXPECT_EQ(t, PtrToUlong((PVOID)0x1122334455667788), 0x55667788);
	EXPECT_EQ(t, UlongToPtr(MAXULONG), 0xffffffff);
	EXPECT_EQ(t, LongToPtr(-1), MAXULONG_PTR);
	EXPECT_EQ(t, RtlPointerToOffset(bytes, bytes + 5), 5);
	EXPECT(t, RtlOffsetToPointer(bytes, 5) == (PCHAR)bytes + 5);
	EXPECT_EQ(t, COMPUTE_PAGES_SPANNED(PAGE_SIZE - 1, 2), 2);
}

/* Memory will do for registers. */
static void registers(struct rpt *t)
{
	ULONG64 wide[2] = { };
	ULONG words[4] = { }, copy[4] = { 1, 2, 3, 4 };
	UCHAR *bytes = (UCHAR *)words;
	USHORT *halves = (USHORT *)words;

	WRITE_REGISTER_ULONG(words + 1, 0x11223344);
	EXPECT_EQ(t, words[1], 0x11223344);
	EXPECT_EQ(t, words[0] | words[2], 0);
	EXPECT_EQ(t, READ_REGISTER_ULONG(words + 1), 0x11223344);
	EXPECT_EQ(t, READ_REGISTER_USHORT(halves + 2), 0x3344);
	EXPECT_EQ(t, READ_REGISTER_UCHAR(bytes + 7), 0x11);
	WRITE_REGISTER_USHORT(halves + 3, 0x5566);
	WRITE_REGISTER_UCHAR(bytes + 4, 0x77);
	EXPECT_EQ(t, words[1], 0x55663377);
	WRITE_REGISTER_ULONG64(wide + 1, 0x1122334455667788);
	EXPECT_EQ(t, wide[0], 0);
	EXPECT_EQ(t, READ_REGISTER_ULONG64(wide + 1), 0x1122334455667788);
	WRITE_REGISTER_BUFFER_ULONG(words, copy, 3);
	EXPECT(t, words[0] == 1 && words[1] == 2 && words[2] == 3 && !words[3]);
	memset(copy, 0, sizeof(copy));
	READ_REGISTER_BUFFER_ULONG(words, copy, 2);
	EXPECT(t, copy[0] == 1 && copy[1] == 2 && !copy[2]);
}

static void probes(struct rpt *t)
{
	const NTSTATUS violation = STATUS_ACCESS_VIOLATION;
	const NTSTATUS misaligned = STATUS_DATATYPE_MISALIGNMENT;
	void __user *user = rpt_user_map(2 * PAGE_SIZE);
	char *at = (char __force *)user, *kernel = (char *)t;

	if (!EXPECT(t, user))
		return;
	EXPECT_EQ(t, ProbeForRead(at, 2 * PAGE_SIZE, 8), STATUS_SUCCESS);
	EXPECT_EQ(t, ProbeForWrite(at, 2 * PAGE_SIZE, 8), STATUS_SUCCESS);
	EXPECT_EQ(t, ProbeForRead(at + 4, 4, 8), misaligned);
	EXPECT_EQ(t, ProbeForWrite(at + 1, 4, 2), misaligned);
	EXPECT_EQ(t, ProbeForWrite(at + 4, 4, 4), STATUS_SUCCESS);
	EXPECT_EQ(t, ProbeForRead(kernel, 4, 1), violation);
	EXPECT_EQ(t, ProbeForWrite(kernel, 4, 1), violation);
	/* NULL is no address of the kernel's, so only who writes finds that it is not mapped. */
	EXPECT_EQ(t, ProbeForRead(NULL, 8, 8), STATUS_SUCCESS);
	EXPECT_EQ(t, ProbeForWrite(NULL, 8, 8), violation);
	EXPECT_EQ(t, ProbeForRead(&user, 8, 8), violation);
	EXPECT_EQ(t, ProbeForRead(at, MAXSIZE_T, 1), violation);
	EXPECT_EQ(t, ProbeForRead(at, (SIZE_T)kernel, 1), violation);
	/* Of nothing, nothing is checked. */
	EXPECT_EQ(t, ProbeForRead(kernel + 1, 0, 8), STATUS_SUCCESS);
	EXPECT_EQ(t, ProbeForWrite(kernel + 1, 0, 8), STATUS_SUCCESS);
	rpt_user_unmap(user, 2 * PAGE_SIZE);
	EXPECT_EQ(t, ProbeForWrite(at + PAGE_SIZE, 4, 1), violation);
	EXPECT_EQ(t, ProbeForRead(at + PAGE_SIZE, 4, 1), STATUS_SUCCESS);
}

/* The second page can be read, and be written to in no copy of its own either. */
static void probes_of_readers(struct rpt *t)
{
	const unsigned long flags = MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED;
	void __user *user = rpt_user_map(2 * PAGE_SIZE);
	char *at = (char __force *)user;
	unsigned long second;

	if (!EXPECT(t, user))
		return;
	second = vm_mmap(NULL, (unsigned long)at + PAGE_SIZE, PAGE_SIZE, PROT_READ,
			 flags, 0);
	if (EXPECT_EQ(t, second, (unsigned long)at + PAGE_SIZE)) {
		EXPECT_EQ(t, ProbeForWrite(at, PAGE_SIZE, 1), STATUS_SUCCESS);
		EXPECT_EQ(t, ProbeForRead(at, 2 * PAGE_SIZE, 1), STATUS_SUCCESS);
		EXPECT_EQ(t, ProbeForWrite(at, PAGE_SIZE + 1, 1),
			  STATUS_ACCESS_VIOLATION);
		EXPECT_EQ(t, ProbeForWrite(at + PAGE_SIZE, 1, 1),
			  STATUS_ACCESS_VIOLATION);
	}
	rpt_user_unmap(user, 2 * PAGE_SIZE);
}

struct probe {
	char *at;
	NTSTATUS reading, writing, of_nothing;
	struct completion done;
};

static void probe(void *arg)
{
	struct probe *p = arg;

	p->reading = ProbeForRead(p->at, 4, 4);
	p->writing = ProbeForWrite(p->at, 4, 4);
	p->of_nothing = ProbeForWrite(p->at, 0, 4);
}

static int probe_in_thread(void *arg)
{
	struct probe *p = arg;

	probe(p);
	complete(&p->done);
	return 0;
}

/* No page is there, and none may be faulted in. */
static void probes_in_context(struct rpt *t)
{
	void __user *user = rpt_user_map(PAGE_SIZE);
	struct probe p = { .at = (char __force *)user };

	if (!EXPECT(t, user))
		return;
	rpt_in_context(rpt_value(t), probe, &p);
	EXPECT_EQ(t, p.reading, STATUS_SUCCESS);
	EXPECT_EQ(t, p.writing, STATUS_ACCESS_VIOLATION);
	EXPECT_EQ(t, p.of_nothing, STATUS_SUCCESS);
	rpt_user_unmap(user, PAGE_SIZE);
}

struct process {
	PEPROCESS here;
	struct completion done;
};

static int process_of_thread(void *arg)
{
	struct process *p = arg;

	p->here = PsGetCurrentProcess();
	complete(&p->done);
	return 0;
}

/* It is the one for which pages are locked; a thread of the kernel is another one. */
static void process(struct rpt *t)
{
	void __user *user = rpt_user_map(PAGE_SIZE);
	struct process p = {};
	PMDL mdl;

	if (!EXPECT(t, user))
		return;
	mdl = IoAllocateMdl((void __force *)user, 100, FALSE, FALSE, NULL);
	if (EXPECT(t, mdl) &&
	    EXPECT_EQ(t, MmProbeAndLockPages(mdl, UserMode, IoReadAccess), 0)) {
		EXPECT_EQ(t, PsGetCurrentProcess(), mdl->Process);
		EXPECT_EQ(t, IoGetCurrentProcess(), mdl->Process);
		MmUnlockPages(mdl);
	}
	if (mdl)
		IoFreeMdl(mdl);
	rpt_user_unmap(user, PAGE_SIZE);
	init_completion(&p.done);
	if (EXPECT(t, !IS_ERR(kthread_run(process_of_thread, &p, "rpt_process")))) {
		wait_for_completion(&p.done);
		EXPECT(t, p.here && p.here != PsGetCurrentProcess());
	}
}

/* A thread of the kernel has no process that could write there. */
static void probes_in_no_process(struct rpt *t)
{
	void __user *user = rpt_user_map(PAGE_SIZE);
	struct probe p = { .at = (char __force *)user };

	if (!EXPECT(t, user))
		return;
	init_completion(&p.done);
	if (EXPECT(t, !IS_ERR(kthread_run(probe_in_thread, &p, "rpt_probe")))) {
		wait_for_completion(&p.done);
		EXPECT_EQ(t, p.reading, STATUS_SUCCESS);
		EXPECT_EQ(t, p.writing, STATUS_ACCESS_VIOLATION);
		EXPECT_EQ(t, p.of_nothing, STATUS_SUCCESS);
	}
	rpt_user_unmap(user, PAGE_SIZE);
}

/* As file systems ask for pool: where Windows raises, NULL. */
static void pool_of_file_systems(struct rpt *t)
{
	PVOID some[] = {
		FsRtlAllocatePoolWithTag(PagedPool, 100, TAG_FLAGS),
		FsRtlAllocatePoolWithQuotaTag(NonPagedPoolNx, 100, TAG_FLAGS),
		FsRtlAllocatePool(NonPagedPoolNx, 100),
		FsRtlAllocatePoolWithQuota(PagedPool, 100),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(some); i++) {
		if (EXPECT(t, some[i]))
			ExFreePool(some[i]);
	}
	EXPECT(t, !FsRtlAllocatePoolWithTag(PagedPool, 1ULL << 45, TAG_FLAGS));
}

/* In memory that the caller has, and in memory of its own. */
static void made_mdl(struct rpt *t)
{
	struct {
		MDL mdl;
		PFN_NUMBER frames[2];
	} own;
	PUCHAR block = ExAllocatePoolWithTag(NonPagedPoolNx, 2 * PAGE_SIZE, TAG_FLAGS);
	PMDL mdl;

	if (!EXPECT(t, block))
		return;
	EXPECT(t, MmCreateMdl(&own.mdl, block + 8, PAGE_SIZE) == &own.mdl);
	EXPECT_EQ(t, MmGetMdlByteOffset(&own.mdl), 8);
	EXPECT_EQ(t, MmGetMdlByteCount(&own.mdl), PAGE_SIZE);
	EXPECT_EQ(t, own.mdl.Size, sizeof(own));
	mdl = MmCreateMdl(NULL, block + 8, PAGE_SIZE);
	if (EXPECT(t, mdl)) {
		EXPECT(t, MmGetMdlVirtualAddress(mdl) == block + 8);
		EXPECT_EQ(t, MmGetMdlByteCount(mdl), PAGE_SIZE);
		MmBuildMdlForNonPagedPool(mdl);
		EXPECT(t, MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == block + 8);
		IoFreeMdl(mdl);
	}
	EXPECT(t, !MmCreateMdl(NULL, block, (SIZE_T)MAXULONG + 1 + PAGE_SIZE));
	ExFreePool(block);
}

static const struct rpt_case cases[] = {
	{ "page_align", page_align },
	{ "annotations", annotations },
	{ "system_size", system_size },
	{ "irql_in", irql, rpt_contexts },
	{ "paged_code", paged_code },
	{ "locks", locks },
	{ "lock_in", lock_in, rpt_contexts },
	{ "readers_in", readers_in, rpt_contexts },
	{ "processors", processors },
	{ "raise_in", raise_in, rpt_contexts },
	{ "raised_and_locked_in", raised_and_locked_in, rpt_contexts },
	{ "sizes", sizes },
	{ "signs", signs },
	{ "lists", lists },
	{ "locked_lists", locked_lists },
	{ "sequenced_lists", sequenced_lists },
	{ "rundown", rundown },
	{ "rundown_waits", rundown_waits },
	{ "interlocked", interlocked },
	{ "interlocked_pointers", interlocked_pointers },
	{ "interlocked_types", interlocked_types },
	{ "interlocked_short", interlocked_short },
	{ "ordered", ordered },
	{ "registers", registers },
	{ "probes", probes },
	{ "probes_of_readers", probes_of_readers },
	{ "probes_in_context", probes_in_context, rpt_atomic_contexts },
	{ "probes_in_no_process", probes_in_no_process },
	{ "process", process },
	{ "strings", strings },
	{ "bytes", bytes },
	{ "volatile_bytes", volatile_bytes },
	{ "integers", integers },
	{ "made_mdl", made_mdl },
	{ "pool_of_file_systems", pool_of_file_systems },
};

const struct rpt_suite env_suite = RPT_SUITE("env", cases);

/* Each of these warns; selftests/wdk/warnings.sh looks into the log. */
static const struct rpt_case warnings[] = {
	{ "corrupted_lists", corrupted_lists },
	{ "corrupted_lists_end", corrupted_lists_end },
	{ "raised_too_high", raised_too_high },
	{ "rundown_not_acquired", rundown_not_acquired },
};

const struct rpt_suite env_warnings_suite = RPT_SUITE("env_warnings", warnings);
