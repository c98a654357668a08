// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that are allocated for an MDL: bounds, chunks, cache types, contexts, and
 * what is refused.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "mdl.h"

#define VERIFIER	DRIVER_VERIFIER_DETECTED_VIOLATION

static PHYSICAL_ADDRESS at(u64 address)
{
	return (PHYSICAL_ADDRESS){ .QuadPart = address };
}

static PMDL anywhere(size_t bytes, MEMORY_CACHING_TYPE type, ULONG flags)
{
	return MmAllocatePagesForMdlEx(at(0), at(U64_MAX), at(0), bytes, type,
				       flags);
}

static unsigned long pages_of(PMDL mdl)
{
	return ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(mdl),
					      MmGetMdlByteCount(mdl));
}

static char *page_at(PMDL mdl, unsigned long page)
{
	return page_address(pfn_to_page(MmGetMdlPfnArray(mdl)[page]));
}

static void drop(PMDL mdl)
{
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
}

static const struct rpt_arg sizes[] = {
	{ "1", 1 },
	{ "4096", SZ_4K },
	{ "4097", SZ_4K + 1 },
	{ "1M", SZ_1M },
	{ "9M", 9 * SZ_1M },
	{ }
};

/* The head, distinct pages of nobody else, and what is counted. */
static void allocated(struct rpt *t)
{
	size_t bytes = rpt_value(t), all = round_up(bytes, PAGE_SIZE);
	struct rpt_row before, row;
	unsigned long i;
	PMDL mdl;

	rpt_family(t, "mdl_pages", &before);
	mdl = MmAllocatePagesForMdl(at(0), at(U64_MAX), at(0), bytes);
	if (!EXPECT(t, mdl))
		return;
	EXPECT_EQ(t, MmGetMdlByteCount(mdl), all);
	EXPECT_EQ(t, MmGetMdlByteOffset(mdl), 0);
	EXPECT(t, !MmGetMdlVirtualAddress(mdl));
	EXPECT(t, !mdl->MappedSystemVa && !mdl->Process && !mdl->Next);
	EXPECT_EQ(t, mdl->MdlFlags, MDL_PAGES_LOCKED);
	EXPECT_EQ(t, mdl->Size, min(MmSizeOfMdl(NULL, bytes), 0x7ff8UL));
	for (i = 0; i < pages_of(mdl); i++) {
		struct page *page = pfn_to_page(MmGetMdlPfnArray(mdl)[i]);
		char *va = page_address(page);

		if (!EXPECT_EQ(t, page_count(page), 1) ||
		    !EXPECT(t, !memchr_inv(va, 0, PAGE_SIZE)))
			break;
		/* A page that is there twice is not cleared the second time. */
		memset(va, 0x5a, PAGE_SIZE);
	}
	rpt_family(t, "mdl_pages", &row);
	EXPECT_EQ(t, row.diff - before.diff, 1);
	EXPECT_EQ(t, row.bytes - before.bytes, all);
	EXPECT_EQ(t, row.used - before.used, all);
	EXPECT(t, rpt_has_line(t, "mdl_pages", "wb allocated"));
	MmFreePagesFromMdl(mdl);
	EXPECT_EQ(t, mdl->MdlFlags, 0);
	rpt_family(t, "mdl_pages", &row);
	EXPECT_EQ(t, row.diff, before.diff);
	if (bytes == 1)
		IoFreeMdl(mdl);
	else
		ExFreePoolWithTag(mdl, 0);
}

/* What was there before is not, unless that is asked for. */
static void cleared(struct rpt *t)
{
	unsigned int round;
	unsigned long i;
	PMDL mdl;

	for (round = 0; round < 4; round++) {
		mdl = anywhere(SZ_256K, MmCached,
			       round & 1 ? MM_DONT_ZERO_ALLOCATION : 0);
		if (!EXPECT(t, mdl))
			return;
		for (i = 0; i < pages_of(mdl); i++) {
			if (!(round & 1))
				EXPECT(t, !memchr_inv(page_at(mdl, i), 0,
						      PAGE_SIZE));
			memset(page_at(mdl, i), 0x5a, PAGE_SIZE);
		}
		drop(mdl);
	}
}

static bool all_within(PMDL mdl, u64 lowest, u64 highest)
{
	unsigned long i;

	for (i = 0; i < pages_of(mdl); i++) {
		u64 first = PFN_PHYS(MmGetMdlPfnArray(mdl)[i]);

		if (first < lowest || first + PAGE_SIZE - 1 > highest)
			return false;
	}
	return true;
}

static void within(struct rpt *t, PMDL mdl, u64 lowest, u64 highest)
{
	EXPECT(t, all_within(mdl, lowest, highest));
	EXPECT(t, !memchr_inv(page_at(mdl, 0), 0, PAGE_SIZE));
	drop(mdl);
}

static PMDL pages_within(u64 lowest, u64 highest)
{
	return MmAllocatePagesForMdlEx(at(lowest), at(highest), at(0), SZ_64K,
				       MmCached, 0);
}

static void bounded(struct rpt *t)
{
	static const struct {
		u64 lowest, highest;
	} bounds[] = {
		{ 0, SZ_16M - 1 }, { 0, SZ_4G - 1 }, { SZ_16M, S64_MAX },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bounds); i++) {
		u64 lowest = bounds[i].lowest, highest = bounds[i].highest;
		PMDL mdl = pages_within(lowest, highest);

		if (EXPECT(t, mdl))
			within(t, mdl, lowest, highest);
	}
}

/*
 * Bounds that no zone has, so that page frames are emptied. A search ends after
 * half a second or 32 places, which may not get it past memory that cannot be
 * moved, and others may take what was free: each try looks for room anew.
 */
static void bounded_in_a_zone(struct rpt *t)
{
	unsigned long inwards = rpt_value(t);
	unsigned int tries;

	for (tries = 0; tries < RPT_ATTEMPTS; tries++) {
		u64 room = rpt_room();
		u64 lowest = room + inwards;
		u64 highest = room + RPT_ROOM - 1 - inwards;
		PMDL mdl = room ? pages_within(lowest, highest) : NULL;

		if (mdl) {
			within(t, mdl, lowest, highest);
			return;
		}
		rpt_settle(t);
	}
	rpt_fail(t, "no pages where there was room");
}

static const struct rpt_arg insets[] = {
	{ "at_pages", 0 },
	{ "beside_pages", 1 },
	{ }
};

/* Pages in the first megabyte of each two, from 16 MiB on. */
static void skipping(struct rpt *t)
{
	unsigned long i, above = 0;
	PMDL mdl;

	mdl = MmAllocatePagesForMdlEx(at(SZ_16M), at(SZ_16M + SZ_1M - 1),
				      at(SZ_2M), 3 * SZ_1M, MmCached,
				      MM_ALLOCATE_FULLY_REQUIRED);
	if (!EXPECT(t, mdl))
		return;
	EXPECT_EQ(t, MmGetMdlByteCount(mdl), 3 * SZ_1M);
	for (i = 0; i < pages_of(mdl); i++) {
		u64 first = PFN_PHYS(MmGetMdlPfnArray(mdl)[i]);

		if (!EXPECT(t, first >= SZ_16M && first % SZ_2M < SZ_1M))
			break;
		above += first >= SZ_16M + SZ_1M;
	}
	/* The first range has no more than a megabyte. */
	EXPECT(t, above >= 2 * SZ_1M / PAGE_SIZE);
	drop(mdl);
}

static const struct rpt_arg chunks[] = {
	{ "one", 0 },
	{ "4K", SZ_4K },
	{ "16K", SZ_16K },
	{ "64K", SZ_64K },
	{ }
};

static void in_chunks(struct rpt *t)
{
	unsigned long skip = rpt_value(t), size = skip ?: SZ_128K, i;
	PMDL mdl;

	mdl = MmAllocatePagesForMdlEx(at(0), at(SZ_4G - 1), at(skip), SZ_128K,
				      MmCached,
				      MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
	if (!EXPECT(t, mdl))
		return;
	EXPECT_EQ(t, MmGetMdlByteCount(mdl), SZ_128K);
	EXPECT(t, all_within(mdl, 0, SZ_4G - 1));
	for (i = 0; i < pages_of(mdl); i++) {
		PFN_NUMBER frame = MmGetMdlPfnArray(mdl)[i];
		unsigned long in_chunk = i % (size / PAGE_SIZE);

		EXPECT(t, !memchr_inv(page_at(mdl, i), 0, PAGE_SIZE));
		if (in_chunk)
			EXPECT_EQ(t, frame, MmGetMdlPfnArray(mdl)[i - 1] + 1);
		else if (skip)
			EXPECT_EQ(t, PFN_PHYS(frame) % skip, 0);
	}
	drop(mdl);
}

/* There are 16 MiB below 16 MiB, and others have some of them. */
static void in_part(struct rpt *t)
{
	ULONG flags = MM_DONT_ZERO_ALLOCATION | MM_ALLOCATE_NO_WAIT;
	struct rpt_row before, row;
	PMDL mdl;

	rpt_family(t, "mdl_pages", &before);
	mdl = MmAllocatePagesForMdlEx(at(0), at(SZ_16M - 1), at(0), SZ_32M,
				      MmCached, flags);
	if (EXPECT(t, mdl)) {
		EXPECT(t, MmGetMdlByteCount(mdl) &&
			  MmGetMdlByteCount(mdl) < SZ_16M);
		EXPECT(t, all_within(mdl, 0, SZ_16M - 1));
		rpt_family(t, "mdl_pages", &row);
		EXPECT_EQ(t, row.bytes - before.bytes, MmGetMdlByteCount(mdl));
		drop(mdl);
	}
	mdl = MmAllocatePagesForMdlEx(at(0), at(SZ_16M - 1), at(0), SZ_32M,
				      MmCached,
				      flags | MM_ALLOCATE_FULLY_REQUIRED);
	EXPECT(t, !mdl);
	/* A single block is never less than was asked for. */
	mdl = MmAllocatePagesForMdlEx(at(0), at(SZ_16M - 1), at(0), SZ_32M,
				      MmCached, flags |
				      MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
	EXPECT(t, !mdl);
	/* No page is between these. */
	EXPECT(t, !MmAllocatePagesForMdl(at(SZ_1M), at(SZ_1M), at(0), SZ_4K));
	EXPECT(t, !MmAllocatePagesForMdl(at(1ULL << 50), at(U64_MAX), at(0),
					 SZ_4K));
	EXPECT(t, !MmAllocatePagesForMdl(at(SZ_2M), at(SZ_1M), at(0), SZ_4K));
	rpt_family(t, "mdl_pages", &row);
	EXPECT_EQ(t, row.failures - before.failures, 5);
	EXPECT_EQ(t, row.diff, before.diff);
}

static const enum rpt_cache cache_of[] = {
	[MmNonCached] = RPT_UC,
	[MmCached] = RPT_WB,
	[MmWriteCombined] = RPT_WC,
};

static void of_type(struct rpt *t)
{
	MEMORY_CACHING_TYPE type = rpt_value(t);
	PMDL mdl = anywhere(SZ_64K, type, 0);
	char *pages[16], *va;
	unsigned long i;

	if (!EXPECT(t, mdl && pages_of(mdl) == ARRAY_SIZE(pages)))
		return;
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = page_at(mdl, i);
		EXPECT_EQ(t, rpt_cache(pages[i]), cache_of[type]);
	}
	va = MmMapLockedPagesSpecifyCache(mdl, KernelMode, type, NULL, FALSE,
					  NormalPagePriority |
					  MdlMappingNoWrite);
	if (EXPECT(t, va)) {
		EXPECT_EQ(t, rpt_cache(va), cache_of[type]);
		EXPECT(t, !memchr_inv(va, 0, SZ_64K));
		MmUnmapLockedPages(va, mdl);
	}
	drop(mdl);
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		EXPECT_EQ(t, rpt_cache(pages[i]), RPT_WB);
}

/* The pages of a mapping show what is written to it; it goes with the pages. */
static void mapped(struct rpt *t)
{
	PMDL mdl = anywhere(SZ_1M, MmCached, 0);
	unsigned long i;
	char *va;

	if (!EXPECT(t, mdl))
		return;
	va = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE,
					  NormalPagePriority);
	if (EXPECT(t, va)) {
		EXPECT(t, mdl->MappedSystemVa == va);
		EXPECT(t, !MmGetMdlVirtualAddress(mdl));
		EXPECT_EQ(t, MmGetMdlByteCount(mdl), SZ_1M);
		for (i = 0; i < pages_of(mdl); i++) {
			va[i * PAGE_SIZE + 7] = i;
			EXPECT_EQ(t, page_at(mdl, i)[7], (char)i);
		}
		MmUnmapLockedPages(va, mdl);
	}
	EXPECT_EQ(t, mdl->MdlFlags, MDL_PAGES_LOCKED);
	/* With another type than the pages have it is no alias. */
	EXPECT(t, !MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmWriteCombined,
						NULL, FALSE, NormalPagePriority));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority |
					       MdlMappingNoWrite);
	EXPECT(t, va);
	MmFreePagesFromMdl(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	EXPECT_EQ(t, mdl->MdlFlags, 0);
	EXPECT(t, !mdl->MappedSystemVa);
	EXPECT_EQ(t, rpt_cache(va), RPT_UNMAPPED);
	ExFreePool(mdl);
}

/* A mapping, and what is at its ends when the call returns that undoes it. */
struct undone {
	PMDL mdl;
	char *va;
	enum rpt_cache first, last;
};

static void do_undo(void *arg)
{
	struct undone *call = arg;

	MmUnmapLockedPages(call->va, call->mdl);
	call->first = rpt_cache(call->va);
	call->last = rpt_cache(call->va + SZ_64K - 1);
}

/* What is unmapped may be freed next, be it that the address space waits. */
static void unmapped_when_freed(struct rpt *t)
{
	unsigned int round;

	for (round = 0; round < 20 && !rpt_failed(t); round++) {
		struct undone call = {
			.mdl = anywhere(SZ_64K, rpt_value(t),
					MM_ALLOCATE_FULLY_REQUIRED),
		};

		if (!EXPECT(t, call.mdl))
			return;
		call.va = MmGetSystemAddressForMdlSafe(call.mdl,
						       NormalPagePriority |
						       MdlMappingNoWrite);
		if (EXPECT(t, call.va)) {
			EXPECT(t, is_vmalloc_addr(call.va));
			EXPECT(t, rpt_cache(call.va) != RPT_UNMAPPED);
			rpt_in_context(RPT_SPINLOCK, do_undo, &call);
			EXPECT_EQ(t, call.first, RPT_UNMAPPED);
			EXPECT_EQ(t, call.last, RPT_UNMAPPED);
		}
		drop(call.mdl);
	}
}

/* A page that somebody else refers to is not handed out again. */
static void referenced(struct rpt *t)
{
	PMDL mdl = anywhere(SZ_64K, MmCached, 0);
	struct page *page;
	PMDL next[8];
	unsigned long i, j;

	if (!EXPECT(t, mdl))
		return;
	page = pfn_to_page(MmGetMdlPfnArray(mdl)[5]);
	get_page(page);
	memset(page_address(page), 0x5a, PAGE_SIZE);
	drop(mdl);
	EXPECT_EQ(t, page_count(page), 1);
	for (i = 0; i < ARRAY_SIZE(next); i++) {
		next[i] = anywhere(SZ_64K, MmCached, 0);
		for (j = 0; next[i] && j < pages_of(next[i]); j++)
			EXPECT(t, MmGetMdlPfnArray(next[i])[j] !=
				  page_to_pfn(page));
	}
	EXPECT(t, !memchr_inv(page_address(page), 0x5a, PAGE_SIZE));
	for (i = 0; i < ARRAY_SIZE(next); i++)
		if (EXPECT(t, next[i]))
			drop(next[i]);
	put_page(page);
}

struct call {
	MEMORY_CACHING_TYPE type;
	PMDL mdl;
};

static void do_allocate(void *arg)
{
	struct call *call = arg;

	call->mdl = anywhere(5 * PAGE_SIZE, call->type, 0);
}

static void do_free(void *arg)
{
	struct call *call = arg;

	MmFreePagesFromMdl(call->mdl);
}

/* Cached pages up to DISPATCH_LEVEL, others where sleeping is allowed. */
static void in_context(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	unsigned int irql = rpt_irql(context);
	struct call call = { MmCached };

	rpt_in_context(context, do_allocate, &call);
	EXPECT_EQ(t, !call.mdl, irql > 2);
	if (irql > 2)
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
	if (call.mdl) {
		EXPECT_EQ(t, MmGetMdlByteCount(call.mdl), 5 * PAGE_SIZE);
		rpt_in_context(context, do_free, &call);
		ExFreePool(call.mdl);
	}
	call.type = MmNonCached;
	rpt_in_context(context, do_allocate, &call);
	EXPECT_EQ(t, !call.mdl, irql > 0);
	if (irql > 0)
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
	else if (call.mdl)
		drop(call.mdl);
}

/* More adjacent pages than this are not free while scatter() has effect. */
#define SIDE_BY_SIDE	4

/* Take a page of each larger block of free pages, and of no other. */
static void scatter(struct list_head *taken)
{
	unsigned int order = SIDE_BY_SIDE + 1, i;
	struct page *page;

	/* Without waking those who would gather pages again. */
	while ((page = alloc_pages(__GFP_NOWARN, order))) {
		split_page(page, order);
		list_add(&page->lru, taken);
		for (i = 1; i < 1 << order; i++)
			__free_page(page + i);
	}
}

static void gather(struct list_head *taken)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, taken, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/*
 * Uses of vmalloc: with softirqs disabled, where there may be none, and others of this task; and
 * calls of vfree(), which may sleep unless softirqs are disabled, within the call.
 */
struct vmallocs {
	struct kprobe probe, free;
	struct task_struct *task;
	PMDL mdl;
	bool within;
	unsigned int forbidden, others, frees;
};

static void do_out_of_bounds(void *arg)
{
	struct vmallocs *calls = arg;

	calls->within = true;
	calls->mdl = MmAllocatePagesForMdlEx(at(0), at(SZ_1M - 1), at(0), SZ_16M,
					     MmCached, MM_ALLOCATE_FULLY_REQUIRED);
	calls->within = false;
}

static int vmalloc_called(struct kprobe *probe, struct pt_regs *regs)
{
	struct vmallocs *calls = container_of(probe, struct vmallocs, probe);

	if (softirq_count())
		calls->forbidden++;
	else if (current == calls->task)
		calls->others++;
	return 0;
}

static int vfree_called(struct kprobe *probe, struct pt_regs *regs)
{
	struct vmallocs *calls = container_of(probe, struct vmallocs, free);

	if (calls->within && current == calls->task && !softirq_count())
		calls->frees++;
	return 0;
}

/*
 * There is not that much in the first megabyte, but many pages are found above it. The list of
 * those is long, and its room does not lie side by side.
 */
static void out_of_bounds_in_context(struct rpt *t)
{
	static const enum rpt_context contexts[] = {
		RPT_PREEMPT_OFF, RPT_BH_OFF, RPT_SPINLOCK, RPT_RCU, RPT_SOFTIRQ,
	};
	struct vmallocs calls = {
		.probe.symbol_name = "__vmalloc_node_range_noprof",
		.probe.pre_handler = vmalloc_called,
		.free.symbol_name = "vfree",
		.free.pre_handler = vfree_called,
		.task = current,
	};
	LIST_HEAD(taken);
	unsigned int i;

	if (!IS_ENABLED(CONFIG_KPROBES)) {
		rpt_skip(t, "this kernel has no kprobes");
		return;
	}
	if (!EXPECT_EQ(t, register_kprobe(&calls.probe), 0))
		return;
	if (!EXPECT_EQ(t, register_kprobe(&calls.free), 0)) {
		unregister_kprobe(&calls.probe);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(contexts); i++) {
		scatter(&taken);
		rpt_in_context(contexts[i], do_out_of_bounds, &calls);
		if (!EXPECT(t, !calls.mdl))
			drop(calls.mdl);
	}
	gather(&taken);
	unregister_kprobe(&calls.free);
	unregister_kprobe(&calls.probe);
	EXPECT_VIOLATIONS(t, 0);
	EXPECT_EQ(t, calls.forbidden, 0);
	EXPECT(t, calls.others);
	EXPECT_EQ(t, calls.frees, 0);
}

/* What is freed where that cannot be done is free a little later. */
static void freed_in_context(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	struct call call = { };
	struct page *page;
	unsigned int tries, type;
	char *va;

	for (type = MmNonCached; type <= MmCached; type++) {
		call.mdl = anywhere(5 * PAGE_SIZE, type, 0);
		if (!EXPECT(t, call.mdl))
			return;
		page = pfn_to_page(MmGetMdlPfnArray(call.mdl)[0]);
		va = page_address(page);
		get_page(page);
		rpt_in_context(context, do_free, &call);
		if (rpt_irql(context) > 2)
			EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x09);
		EXPECT_EQ(t, call.mdl->MdlFlags, 0);
		for (tries = 0; tries < RPT_TRIES; tries++) {
			if (page_count(page) == 1 && rpt_cache(va) == RPT_WB)
				break;
			rpt_settle(t);
		}
		EXPECT_EQ(t, page_count(page), 1);
		EXPECT_EQ(t, rpt_cache(va), RPT_WB);
		put_page(page);
		ExFreePool(call.mdl);
	}
}

static void freed_badly(struct rpt *t)
{
	PMDL mdl = anywhere(SZ_64K, MmCached, 0);
	PMDL other = IoAllocateMdl(NULL, SZ_64K, FALSE, FALSE, NULL);
	const struct rpt_violation *v;

	if (!EXPECT(t, mdl && other))
		return;
	MmFreePagesFromMdl(NULL);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	MmFreePagesFromMdl(other);
	v = EXPECT_VIOLATION(t, VERIFIER, 0x16);
	if (v)
		EXPECT(t, rpt_shows(v->p[1], other));
	/* Pages of an MDL are not another's with the same frames. */
	memcpy(other, mdl, MmSizeOfMdl(NULL, SZ_64K));
	MmFreePagesFromMdl(other);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	other->MdlFlags = 0;
	IoFreeMdl(other);
	/* Neither are they unlocked, and the MDL is not freed without them. */
	MmUnlockPages(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0x7c);
	EXPECT_EQ(t, mdl->MdlFlags, MDL_PAGES_LOCKED);
	IoFreeMdl(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	/* What the MDL says of its pages is not what is freed. */
	mdl->ByteCount = SZ_1M;
	MmGetMdlPfnArray(mdl)[3] = 1;
	MmFreePagesFromMdl(mdl);
	EXPECT_VIOLATIONS(t, 0);
	MmFreePagesFromMdl(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	ExFreePool(mdl);
}

/* The MDL was freed first: the pages are freed, and what is there now is not touched. */
static void freed_when_freed(struct rpt *t)
{
	PMDL mdl = anywhere(SZ_16K, MmCached, 0);
	size_t bytes = MmSizeOfMdl(NULL, SZ_16K);
	struct page *page;
	u8 *other;

	if (!EXPECT(t, mdl))
		return;
	page = pfn_to_page(MmGetMdlPfnArray(mdl)[1]);
	get_page(page);
	ExFreePool(mdl);
	/* Most often it has the same address, but where KASAN keeps that. */
	other = ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG_MDL);
	if (EXPECT(t, other)) {
		memset(other, 0xff, bytes);
		MmFreePagesFromMdl(mdl);
		EXPECT_VIOLATION(t, VERIFIER, 0xb8);
		EXPECT(t, !memchr_inv(other, 0xff, bytes));
		ExFreePool(other);
	}
	EXPECT_EQ(t, page_count(page), 1);
	put_page(page);
}

static const struct rpt_case cases[] = {
	{ "allocated", allocated, sizes },
	{ "cleared", cleared },
	{ "bounded", bounded },
	{ "bounded_in_a_zone", bounded_in_a_zone, insets },
	{ "skipping", skipping },
	{ "in_chunks", in_chunks, chunks },
	{ "in_part", in_part },
	{ "of_type", of_type, mdl_cache_types },
	{ "mapped", mapped },
	{ "unmapped_when_freed", unmapped_when_freed, mdl_cache_types },
	{ "referenced", referenced },
	{ "in_context", in_context, rpt_contexts },
	{ "out_of_bounds_in_context", out_of_bounds_in_context },
	{ "freed_in_context", freed_in_context, rpt_contexts },
	{ "freed_badly", freed_badly },
	{ "freed_when_freed", freed_when_freed },
};

const struct rpt_suite mdl_pages_suite = RPT_SUITE("mdl_pages", cases);
