// SPDX-License-Identifier: GPL-2.0
/*
 * Lookaside lists of all three families: their fields, what they keep, and the
 * client's own routines.
 */
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "lookaside.h"

/* The fields as they are on Windows, some of which drivers read. */
static void expect_fields(struct rpt *t, const GENERAL_LOOKASIDE *l, ULONG type,
			  ULONG size)
{
	EXPECT_EQ(t, l->Depth, 4);
	EXPECT_EQ(t, l->MaximumDepth, 256);
	EXPECT_EQ(t, l->TotalAllocates, 0);
	EXPECT_EQ(t, l->AllocateMisses, 0);
	EXPECT_EQ(t, l->TotalFrees, 0);
	EXPECT_EQ(t, l->FreeMisses, 0);
	EXPECT_EQ(t, l->Type, type);
	EXPECT_EQ(t, l->Tag, TAG_LOOK);
	EXPECT_EQ(t, l->Size, size);
	EXPECT(t, l->Allocate);
	EXPECT(t, l->Free);
	EXPECT_EQ(t, l->LastTotalAllocates, 0);
	EXPECT_EQ(t, l->LastAllocateMisses, 0);
}

static void initialised(struct rpt *t)
{
	NPAGED_LOOKASIDE_LIST nonpaged;
	PAGED_LOOKASIDE_LIST paged;
	LOOKASIDE_LIST_EX ex;

	memset(&nonpaged, 0xff, sizeof(nonpaged));
	memset(&paged, 0xff, sizeof(paged));
	memset(&ex, 0xff, sizeof(ex));
	ExInitializeNPagedLookasideList(&nonpaged, NULL, NULL, POOL_NX_ALLOCATION,
					LOOKASIDE_MINIMUM_BLOCK_SIZE, TAG_LOOK, 0);
	expect_fields(t, &nonpaged.L, NonPagedPoolNx, 8);
	ExDeleteNPagedLookasideList(&nonpaged);
	/* Old drivers ask for a depth, which is ignored. */
	ExInitializeNPagedLookasideList(&nonpaged, NULL, NULL, 0, 100, TAG_LOOK, 20);
	expect_fields(t, &nonpaged.L, NonPagedPool, 100);
	ExDeleteNPagedLookasideList(&nonpaged);
	ExInitializePagedLookasideList(&paged, NULL, NULL, POOL_NX_ALLOCATION, 100,
				       TAG_LOOK, 0);
	expect_fields(t, &paged.L, PagedPool | POOL_NX_ALLOCATION, 100);
	ExDeletePagedLookasideList(&paged);
	EXPECT_EQ(t, ExInitializeLookasideListEx(&ex, NULL, NULL, PagedPool, 0,
						 100, TAG_LOOK, 0),
		  STATUS_SUCCESS);
	expect_fields(t, &ex.L, PagedPool, 100);
	ExDeleteLookasideListEx(&ex);
}

static const struct rpt_arg sizes[] = {
	{ "8", 8 },
	{ "100", 100 },
	{ "4064", 4064 },
	{ "4096", SZ_4K },
	{ "64K", SZ_64K },
	{ "128K", SZ_128K },
	{ }
};

/* Is found again, holds what it did, and counts as allocated while it is kept. */
static void kept(struct rpt *t)
{
	struct rpt_row before, row;
	NPAGED_LOOKASIDE_LIST list;
	ULONG size = rpt_value(t);
	void *one, *two;

	if (!lists_keep(t))
		return;
	rpt_tag(t, "Look", false, &before);
	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, size, TAG_LOOK, 0);
	one = ExAllocateFromNPagedLookasideList(&list);
	if (!EXPECT(t, one))
		return;
	EXPECT_EQ(t, list.L.TotalAllocates, 1);
	EXPECT_EQ(t, list.L.AllocateMisses, 1);
	rpt_fill(one, size, 1);
	ExFreeToNPagedLookasideList(&list, one);
	EXPECT_EQ(t, list.L.TotalFrees, 1);
	EXPECT_EQ(t, list.L.FreeMisses, 0);
	rpt_tag(t, "Look", false, &row);
	EXPECT_EQ(t, row.diff - before.diff, 1);
	EXPECT_EQ(t, row.bytes - before.bytes, size);
	two = ExAllocateFromNPagedLookasideList(&list);
	EXPECT(t, two == one);
	EXPECT_EQ(t, list.L.TotalAllocates, 2);
	EXPECT_EQ(t, list.L.AllocateMisses, 1);
	rpt_fill(two, size, 2);
	EXPECT(t, rpt_filled(two, size, 2));
	/* It is a block of pool like any other. */
	EXPECT_EQ(t, ExQueryPoolBlockSize(two, NULL),
		  size > 4064 ? ROUND_TO_PAGES(size) : ALIGN(size, 16));
	ExFreeToNPagedLookasideList(&list, two);
	EXPECT_EQ(t, list.L.TotalFrees, 2);
	ExDeleteNPagedLookasideList(&list);
	rpt_tag(t, "Look", false, &row);
	EXPECT_EQ(t, row.diff, before.diff);
}

static const struct rpt_arg held_sizes[] = {
	{ "4096", SZ_4K },
	{ "5000", 5000 },
	{ "12K", 3 * SZ_4K },
	{ "64K", SZ_64K },
	{ "128K", SZ_128K },
	{ }
};

/*
 * An entry whose last page somebody else has a reference to when it is freed: the list does not
 * keep it, no entry has that page while the reference is held, and nobody writes to it.
 */
static void held_when_freed(struct rpt *t)
{
	ULONG size = rpt_value(t), used = (size - 1) % PAGE_SIZE + 1;
	struct rpt_row before, row;
	NPAGED_LOOKASIDE_LIST list;
	void *entries[8];
	struct page *page;
	unsigned int i;
	char *one;

	rpt_tag(t, "Look", false, &before);
	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, size, TAG_LOOK, 0);
	one = ExAllocateFromNPagedLookasideList(&list);
	if (!EXPECT(t, one))
		return;
	memset(one, 0x5a, size);
	page = rpt_page_of(one + size - 1);
	get_page(page);
	ExFreeToNPagedLookasideList(&list, one);
	rpt_tag(t, "Look", false, &row);
	EXPECT_EQ(t, row.diff, before.diff);
	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		entries[i] = ExAllocateFromNPagedLookasideList(&list);
		if (!EXPECT(t, entries[i]))
			break;
		EXPECT(t, rpt_page_of(entries[i] + size - 1) != page);
		memset(entries[i], 0xa5, size);
	}
	EXPECT(t, !memchr_inv(page_address(page), 0x5a, used));
	put_page(page);
	while (i--)
		ExFreeToNPagedLookasideList(&list, entries[i]);
	ExDeleteNPagedLookasideList(&list);
	rpt_tag(t, "Look", false, &row);
	EXPECT_EQ(t, row.diff, before.diff);
}

#define BURST	64

/* Allocates and frees so many at once; how many allocations were misses. */
static unsigned int burst(struct rpt *t, PNPAGED_LOOKASIDE_LIST list)
{
	ULONG before = list->L.AllocateMisses;
	static void *entries[BURST];
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		entries[i] = ExAllocateFromNPagedLookasideList(list);
		if (!EXPECT(t, entries[i]))
			break;
		rpt_fill(entries[i], list->L.Size, i);
	}
	while (i--) {
		EXPECT(t, rpt_filled(entries[i], list->L.Size, i));
		ExFreeToNPagedLookasideList(list, entries[i]);
	}
	return list->L.AllocateMisses - before;
}

static void depth_adapts(struct rpt *t)
{
	struct rpt_row before, row;
	NPAGED_LOOKASIDE_LIST list;
	unsigned int i;

	if (!lists_keep(t))
		return;
	rpt_tag(t, "Look", false, &before);
	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 100, TAG_LOOK, 0);
	for (i = 0; i < 10; i++) {
		void *entry = ExAllocateFromNPagedLookasideList(&list);

		if (EXPECT(t, entry))
			ExFreeToNPagedLookasideList(&list, entry);
	}
	EXPECT_EQ(t, list.L.AllocateMisses, 1);
	EXPECT_EQ(t, list.L.Depth, 4);
	burst(t, &list);
	EXPECT(t, list.L.Depth >= BURST);
	EXPECT(t, list.L.Depth <= list.L.MaximumDepth);
	burst(t, &list);
	/* All are kept now. */
	EXPECT_EQ(t, burst(t, &list), 0);
	rpt_tag(t, "Look", false, &row);
	EXPECT_EQ(t, row.diff - before.diff, BURST);
	ExDeleteNPagedLookasideList(&list);
	rpt_tag(t, "Look", false, &row);
	EXPECT_EQ(t, row.diff, before.diff);
}

/* However often it misses: four entries, or 256 KiB. */
static void bytes_bounded(struct rpt *t)
{
	struct rpt_row before, row;
	NPAGED_LOOKASIDE_LIST list;
	unsigned int i;

	rpt_tag(t, "Look", false, &before);
	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, rpt_value(t),
					TAG_LOOK, 0);
	for (i = 0; i < 4; i++)
		burst(t, &list);
	rpt_tag(t, "Look", false, &row);
	EXPECT(t, row.diff - before.diff <= 4 || row.bytes - before.bytes <= SZ_256K);
	ExDeleteNPagedLookasideList(&list);
}

/* A client's own memory, which must be had and given by its routines. */
struct own {
	LOOKASIDE_LIST_EX list;
	unsigned int made, freed, wrong;
	ULONG type;
};

static struct own own;

static ALLOCATE_FUNCTION own_allocate;
static FREE_FUNCTION own_free;
static ALLOCATE_FUNCTION_EX own_allocate_ex;
static FREE_FUNCTION_EX own_free_ex;

static void *own_allocate(POOL_TYPE type, SIZE_T bytes, ULONG tag)
{
	own.made++;
	own.wrong += type != own.type || bytes != 24 || tag != TAG_LOOK;
	return kmalloc(bytes, GFP_ATOMIC);
}

static void own_free(void *entry)
{
	own.freed++;
	kfree(entry);
}

static void *own_allocate_ex(POOL_TYPE type, SIZE_T bytes, ULONG tag,
			     PLOOKASIDE_LIST_EX list)
{
	own.wrong += container_of(list, struct own, list) != &own;
	return own_allocate(type, bytes, tag);
}

static void own_free_ex(void *entry, PLOOKASIDE_LIST_EX list)
{
	own.wrong += container_of(list, struct own, list) != &own;
	own_free(entry);
}

static void own_routines(struct rpt *t)
{
	NPAGED_LOOKASIDE_LIST list;

	own = (struct own) { .type = NonPagedPoolNx };
	ExInitializeNPagedLookasideList(&list, own_allocate, own_free,
					POOL_NX_ALLOCATION, 24, TAG_LOOK, 0);
	EXPECT(t, list.L.Allocate == own_allocate && list.L.Free == own_free);
	burst(t, &list);
	EXPECT_EQ(t, own.made, list.L.AllocateMisses);
	EXPECT_EQ(t, own.freed, list.L.FreeMisses);
	ExDeleteNPagedLookasideList(&list);
	EXPECT_EQ(t, own.made, own.freed);
	EXPECT_EQ(t, own.wrong, 0);
}

static void own_routines_ex(struct rpt *t)
{
	void *entry;

	own = (struct own) { .type = NonPagedPoolNx };
	EXPECT_EQ(t, ExInitializeLookasideListEx(&own.list, own_allocate_ex,
						 own_free_ex, NonPagedPoolNx, 0,
						 24, TAG_LOOK, 0),
		  STATUS_SUCCESS);
	EXPECT(t, own.list.L.AllocateEx == own_allocate_ex &&
		  own.list.L.FreeEx == own_free_ex);
	entry = ExAllocateFromLookasideListEx(&own.list);
	if (EXPECT(t, entry))
		ExFreeToLookasideListEx(&own.list, entry);
	EXPECT_EQ(t, own.made, 1);
	EXPECT_EQ(t, own.freed, own.list.L.FreeMisses);
	ExFlushLookasideListEx(&own.list);
	EXPECT_EQ(t, own.freed, 1);
	/* It goes on to work. */
	entry = ExAllocateFromLookasideListEx(&own.list);
	EXPECT_EQ(t, own.made, 2);
	if (EXPECT(t, entry))
		ExFreeToLookasideListEx(&own.list, entry);
	ExDeleteLookasideListEx(&own.list);
	EXPECT_EQ(t, own.freed, 2);
	EXPECT_EQ(t, own.wrong, 0);
}

/* One of them may be the client's alone. */
static void own_free_alone(struct rpt *t)
{
	struct rpt_row before, row;
	void *entry;

	rpt_tag(t, "Look", false, &before);
	own = (struct own) { };
	ExInitializeLookasideListEx(&own.list, NULL, NULL, NonPagedPool, 0, 24,
				    TAG_LOOK, 0);
	own.list.L.FreeEx(own.list.L.AllocateEx(NonPagedPool, 24, TAG_LOOK, &own.list),
			  &own.list);
	ExDeleteLookasideListEx(&own.list);
	ExInitializeLookasideListEx(&own.list, own_allocate_ex, NULL, NonPagedPool,
				    0, 24, TAG_LOOK, 0);
	ExDeleteLookasideListEx(&own.list);
	ExInitializeLookasideListEx(&own.list, NULL, own_free_ex, NonPagedPool, 0,
				    24, TAG_LOOK, 0);
	entry = ExAllocateFromLookasideListEx(&own.list);
	EXPECT(t, entry);
	rpt_tag(t, "Look", false, &row);
	EXPECT_EQ(t, row.diff - before.diff, 1);
	ExFreePoolWithTag(entry, TAG_LOOK);
	ExFreeToLookasideListEx(&own.list, own_allocate(0, 24, TAG_LOOK));
	ExDeleteLookasideListEx(&own.list);
	EXPECT_EQ(t, own.freed, 1);
}

static void flushed(struct rpt *t)
{
	struct rpt_row before, row;
	LOOKASIDE_LIST_EX list;
	void *entry;

	rpt_tag(t, "Look", true, &before);
	ExInitializeLookasideListEx(&list, NULL, NULL, PagedPool, 0, 200, TAG_LOOK,
				    0);
	entry = ExAllocateFromLookasideListEx(&list);
	if (!EXPECT(t, entry))
		return;
	ExFreeToLookasideListEx(&list, entry);
	ExFlushLookasideListEx(&list);
	rpt_tag(t, "Look", true, &row);
	EXPECT_EQ(t, row.diff, before.diff);
	entry = ExAllocateFromLookasideListEx(&list);
	EXPECT_EQ(t, list.L.AllocateMisses, 2);
	if (EXPECT(t, entry))
		ExFreeToLookasideListEx(&list, entry);
	ExDeleteLookasideListEx(&list);
}

static void types_ex(struct rpt *t)
{
	static const struct {
		ULONG type;
		ULONG flags;
		NTSTATUS status;
	} tries[] = {
		{ NonPagedPool, 0, STATUS_SUCCESS },
		{ PagedPool, 0, STATUS_SUCCESS },
		{ NonPagedPoolNx, 0, STATUS_SUCCESS },
		{ NonPagedPoolCacheAligned, 0, STATUS_SUCCESS },
		{ PagedPoolCacheAligned, 0, STATUS_SUCCESS },
		{ NonPagedPoolNxCacheAligned, 0, STATUS_SUCCESS },
		{ NonPagedPoolMustSucceed, 0, STATUS_INVALID_PARAMETER_4 },
		{ DontUseThisType, 0, STATUS_INVALID_PARAMETER_4 },
		{ MaxPoolType, 0, STATUS_INVALID_PARAMETER_4 },
		{ 32, 0, STATUS_INVALID_PARAMETER_4 },
		{ 32, 3, STATUS_INVALID_PARAMETER_4 },
		{ NonPagedPool, EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL,
		  STATUS_SUCCESS },
		{ NonPagedPool, EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE,
		  STATUS_SUCCESS },
		{ NonPagedPool, 3, STATUS_INVALID_PARAMETER_5 },
		{ NonPagedPool, 4, STATUS_INVALID_PARAMETER_5 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		NTSTATUS status;
		void *entry;

		own = (struct own) { .type = tries[i].type };
		if (tries[i].flags == EX_LOOKASIDE_LIST_EX_FLAGS_RAISE_ON_FAIL)
			own.type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
		if (tries[i].flags == EX_LOOKASIDE_LIST_EX_FLAGS_FAIL_NO_RAISE)
			own.type |= POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;
		status = ExInitializeLookasideListEx(&own.list, own_allocate_ex,
						     own_free_ex,
						     tries[i].type, tries[i].flags,
						     24, TAG_LOOK, 0);
		if (status != tries[i].status)
			rpt_fail(t, "type %u, flags %u: 0x%x", tries[i].type,
				 tries[i].flags, (u32)status);
		if (status)
			continue;
		entry = ExAllocateFromLookasideListEx(&own.list);
		if (EXPECT(t, entry))
			ExFreeToLookasideListEx(&own.list, entry);
		ExDeleteLookasideListEx(&own.list);
		EXPECT_EQ(t, own.wrong, 0);
		EXPECT_EQ(t, own.freed, own.made);
	}
}

static void cache_aligned(struct rpt *t)
{
	LOOKASIDE_LIST_EX list;
	void *entry;
	unsigned int i;

	ExInitializeLookasideListEx(&list, NULL, NULL, NonPagedPoolNxCacheAligned, 0,
				    72, TAG_LOOK, 0);
	for (i = 0; i < 10; i++) {
		entry = ExAllocateFromLookasideListEx(&list);
		if (!EXPECT(t, entry))
			return;
		EXPECT(t, IS_ALIGNED((unsigned long)entry, 64));
		rpt_fill(entry, 72, i);
		ExFreeToLookasideListEx(&list, entry);
	}
	if (lists_keep(NULL))
		EXPECT_EQ(t, list.L.AllocateMisses, 1);
	EXPECT_EQ(t, list.L.FreeMisses, lists_keep(NULL) ? 0 : 10);
	ExDeleteLookasideListEx(&list);
}

struct look_call {
	LOOKASIDE_LIST_EX *list;
	void *entry;
};

static void call_allocate(void *arg)
{
	struct look_call *call = arg;

	call->entry = ExAllocateFromLookasideListEx(call->list);
}

static void call_free(void *arg)
{
	struct look_call *call = arg;

	ExFreeToLookasideListEx(call->list, call->entry);
}

/* With entries kept and without. */
static void nonpaged_works(struct rpt *t)
{
	LOOKASIDE_LIST_EX list;
	struct look_call call = { &list };
	unsigned int i;

	ExInitializeLookasideListEx(&list, NULL, NULL, NonPagedPoolNx, 0, 100,
				    TAG_LOOK, 0);
	for (i = 0; i < 3; i++) {
		rpt_in_context(rpt_value(t), call_allocate, &call);
		if (!EXPECT(t, call.entry))
			return;
		rpt_fill(call.entry, 100, i);
		EXPECT(t, rpt_filled(call.entry, 100, i));
		rpt_in_context(rpt_value(t), call_free, &call);
	}
	EXPECT_EQ(t, list.L.TotalAllocates, 3);
	ExDeleteLookasideListEx(&list);
}

static void paged_refused(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	const struct rpt_violation *v;
	struct rpt_row before, row;
	LOOKASIDE_LIST_EX list;
	struct look_call call = { &list };

	rpt_tag(t, "Look", true, &before);
	ExInitializeLookasideListEx(&list, NULL, NULL, PagedPool, 0, 100, TAG_LOOK,
				    0);
	call_allocate(&call);
	if (!EXPECT(t, call.entry))
		return;
	call_free(&call);
	/* Though it has an entry. */
	rpt_in_context(context, call_allocate, &call);
	EXPECT(t, !call.entry);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
	if (v)
		EXPECT_EQ(t, v->p[1], rpt_irql(context));
	call_allocate(&call);
	rpt_in_context(context, call_free, &call);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x09);
	if (v)
		EXPECT(t, rpt_shows(v->p[3], call.entry));
	/* They are calls, in whatever context. */
	EXPECT_EQ(t, list.L.TotalAllocates, 3);
	EXPECT_EQ(t, list.L.TotalFrees, 2);
	EXPECT_EQ(t, list.L.FreeMisses, lists_keep(NULL) ? 1 : 2);
	ExDeleteLookasideListEx(&list);
	rpt_tag(t, "Look", true, &row);
	EXPECT_EQ(t, row.diff, before.diff);
}

static void paged_own_refused(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	struct look_call call = { &own.list };

	own = (struct own) { .type = PagedPool };
	ExInitializeLookasideListEx(&own.list, own_allocate_ex, own_free_ex,
				    PagedPool, 0, 24, TAG_LOOK, 0);
	rpt_in_context(context, call_allocate, &call);
	EXPECT(t, !call.entry);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
	EXPECT_EQ(t, own.made, 0);
	call_allocate(&call);
	if (!EXPECT(t, call.entry))
		return;
	rpt_in_context(context, call_free, &call);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x09);
	EXPECT_EQ(t, own.freed, 1);
	ExDeleteLookasideListEx(&own.list);
}

static void refused_in_nmi(struct rpt *t)
{
	LOOKASIDE_LIST_EX list;
	struct look_call call = { &list, &call };
	void *entry;

	ExInitializeLookasideListEx(&list, NULL, NULL, rpt_value(t), 0, 100,
				    TAG_LOOK, 0);
	entry = ExAllocateFromLookasideListEx(&list);
	if (!EXPECT(t, entry))
		return;
	rpt_in_context(RPT_NMI, call_allocate, &call);
	EXPECT(t, !call.entry);
	EXPECT_VIOLATIONS(t, 1);
	call.entry = entry;
	rpt_in_context(RPT_NMI, call_free, &call);
	EXPECT_VIOLATIONS(t, 1);
	ExFreeToLookasideListEx(&list, entry);
	ExDeleteLookasideListEx(&list);
}

static const struct rpt_arg bounded[] = {
	{ "16", 16 },
	{ "4096", SZ_4K },
	{ "20000", 20000 },
	{ "128K", SZ_128K },
	{ }
};

static const struct rpt_arg pools[] = {
	{ "nonpaged", NonPagedPool },
	{ "paged", PagedPool },
	{ }
};

static const struct rpt_case cases[] = {
	{ "initialised", initialised },
	{ "kept", kept, sizes },
	{ "held_when_freed", held_when_freed, held_sizes },
	{ "depth_adapts", depth_adapts },
	{ "bytes_bounded", bytes_bounded, bounded },
	{ "own_routines", own_routines },
	{ "own_routines_ex", own_routines_ex },
	{ "own_free_alone", own_free_alone },
	{ "flushed", flushed },
	{ "types_ex", types_ex },
	{ "cache_aligned", cache_aligned },
	{ "nonpaged_works_in", nonpaged_works, rpt_contexts },
	{ "paged_refused_in", paged_refused, rpt_atomic_contexts },
	{ "paged_own_refused_in", paged_own_refused, rpt_atomic_contexts },
	{ "refused_in_nmi", refused_in_nmi, pools },
};

const struct rpt_suite lookaside_suite = RPT_SUITE("lookaside", cases);
