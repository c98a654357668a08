// SPDX-License-Identifier: GPL-2.0
/*
 * Address space that is reserved for the pages of MDLs, and pages that are mapped
 * there.
 */
#include <linux/bottom_half.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "mdl.h"

#define VERIFIER		DRIVER_VERIFIER_DETECTED_VIOLATION
#define SYSTEM_PTE_MISUSE	0xda
#define TAG_SPACE		('SRtT')
#define TAG_OTHER		('XRtT')
#define PAGES			10UL

static PMDL pages(struct rpt *t, unsigned long count, MEMORY_CACHING_TYPE type)
{
	PHYSICAL_ADDRESS none = { }, highest = { .QuadPart = -1 };
	PMDL mdl = MmAllocatePagesForMdlEx(none, highest, none,
					   count * PAGE_SIZE, type,
					   MM_ALLOCATE_FULLY_REQUIRED);

	EXPECT(t, mdl);
	return mdl;
}

static void drop(PMDL mdl)
{
	if (!mdl)
		return;
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
}

static char *page_at(PMDL mdl, unsigned long page)
{
	return page_address(pfn_to_page(MmGetMdlPfnArray(mdl)[page]));
}

/* The pages of the MDL are there, and nothing behind them. */
static void expect_there(struct rpt *t, char *space, PMDL mdl,
			 unsigned long count)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++) {
		char *at = space + i * PAGE_SIZE;

		if (i >= count) {
			EXPECT_EQ(t, rpt_cache(at), RPT_UNMAPPED);
			continue;
		}
		if (!EXPECT(t, rpt_cache(at) != RPT_UNMAPPED))
			return;
		EXPECT_EQ(t, rpt_phys(at) >> PAGE_SHIFT,
			  MmGetMdlPfnArray(mdl)[i]);
		at[i] = 'a' + i;
		EXPECT_EQ(t, page_at(mdl, i)[i], 'a' + i);
		EXPECT(t, !rpt_executable(at));
	}
}

static const struct rpt_arg sizes[] = {
	{ "1", 1 },
	{ "4096", SZ_4K },
	{ "4097", SZ_4K + 1 },
	{ "1M", SZ_1M },
	{ }
};

static void reserved(struct rpt *t)
{
	size_t bytes = rpt_value(t), at;
	char *space = MmAllocateMappingAddress(bytes, TAG_SPACE);

	if (!EXPECT(t, space))
		return;
	EXPECT_EQ(t, offset_in_page(space), 0);
	for (at = 0; at < bytes; at += PAGE_SIZE)
		EXPECT_EQ(t, rpt_cache(space + at), RPT_UNMAPPED);
	/* The lowest bit of the tag does not matter, nor where in the page it is. */
	if (bytes == 1)
		MmFreeMappingAddress(space + 4, TAG_SPACE ^ 1);
	else
		MmFreeMappingAddress(space, TAG_SPACE);
}

struct call {
	char *space, *va;
	PMDL mdl;
	MEMORY_CACHING_TYPE type;
};

static void do_map(void *arg)
{
	struct call *call = arg;

	call->va = MmMapLockedPagesWithReservedMapping(call->space, TAG_SPACE,
						       call->mdl, call->type);
}

static void do_unmap(void *arg)
{
	struct call *call = arg;

	MmUnmapReservedMapping(call->va, TAG_SPACE, call->mdl);
}

static void read_there(void *arg)
{
	struct call *call = arg;

	call->type = READ_ONCE(*call->va);
}

/* What another processor reads at an address. */
static int seen_elsewhere(char *va)
{
	struct call call = { .va = va };
	unsigned int cpu, here = get_cpu();

	for_each_online_cpu(cpu)
		if (cpu != here)
			smp_call_function_single(cpu, read_there, &call, true);
	put_cpu();
	return call.type;
}

/* Three MDLs after each other, at DISPATCH_LEVEL as well. */
static void mapped(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	bool above = rpt_irql(context) > 2;
	struct call call = { .type = MmCached };
	unsigned long counts[] = { 1, PAGES, 3 };
	unsigned int i, tries;

	call.space = MmAllocateMappingAddress(PAGES * PAGE_SIZE, TAG_SPACE);
	if (!EXPECT(t, call.space))
		return;
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		call.mdl = pages(t, counts[i], MmCached);
		if (!call.mdl)
			break;
		page_at(call.mdl, 0)[8] = i + 1;
		/* A host may leave a processor alone that has to forget. */
		for (tries = 0; tries < RPT_TRIES; tries++) {
			rpt_in_context(context, do_map, &call);
			if (call.va || above)
				break;
			rpt_settle(t);
		}
		EXPECT_EQ(t, !call.va, above);
		if (above)
			EXPECT_VIOLATION(t, VERIFIER, 0x76);
		if (above)
			do_map(&call);
		if (!EXPECT(t, call.va))
			break;
		EXPECT(t, call.va == call.space);
		EXPECT(t, call.mdl->MappedSystemVa == call.space);
		EXPECT_EQ(t, call.mdl->MdlFlags,
			  MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA);
		expect_there(t, call.space, call.mdl, counts[i]);
		/* Each processor sees these pages, not those of before. */
		if (num_online_cpus() > 1)
			EXPECT_EQ(t, seen_elsewhere(call.va + 8), i + 1);
		rpt_in_context(context, do_unmap, &call);
		if (above)
			EXPECT_VIOLATION(t, VERIFIER, 0x79);
		EXPECT_EQ(t, call.mdl->MdlFlags, MDL_PAGES_LOCKED);
		EXPECT(t, !call.mdl->MappedSystemVa);
		expect_there(t, call.space, call.mdl, 0);
		drop(call.mdl);
	}
	MmFreeMappingAddress(call.space, TAG_SPACE);
}

static void of_type(struct rpt *t)
{
	static const enum rpt_cache cache_of[] = {
		[MmNonCached] = RPT_UC,
		[MmCached] = RPT_WB,
		[MmWriteCombined] = RPT_WC,
	};
	char *space = MmAllocateMappingAddress(PAGE_SIZE, TAG_SPACE), *va;
	MEMORY_CACHING_TYPE type = rpt_value(t);
	PMDL mdl = pages(t, 1, type);

	if (!EXPECT(t, space && mdl))
		return;
	va = MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, mdl, type);
	if (EXPECT(t, va)) {
		EXPECT_EQ(t, rpt_cache(va), cache_of[type]);
		MmUnmapReservedMapping(va, TAG_SPACE, mdl);
	}
	drop(mdl);
	MmFreeMappingAddress(space, TAG_SPACE);
}

/* What is returned has the offset of the buffer, MappedSystemVa does not. */
static void with_offset(struct rpt *t)
{
	char *space = MmAllocateMappingAddress(2 * PAGE_SIZE, TAG_SPACE), *va;
	char *buffer = vmalloc(2 * PAGE_SIZE);
	PMDL mdl = IoAllocateMdl(buffer + 100, PAGE_SIZE, FALSE, FALSE, NULL);

	if (!EXPECT(t, space && buffer && mdl))
		return;
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess),
		  STATUS_SUCCESS);
	buffer[100] = 'x';
	va = MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, mdl,
						 MmCached);
	EXPECT(t, va == space + 100 && mdl->MappedSystemVa == space);
	if (va)
		EXPECT_EQ(t, *va, 'x');
	/* Mapped there, it is neither freed nor unmapped as others are. */
	IoFreeMdl(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	MmUnmapLockedPages(space, mdl);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x03);
	EXPECT(t, rpt_cache(space) != RPT_UNMAPPED);
	/* But with its pages. */
	MmUnlockPages(mdl);
	EXPECT_EQ(t, rpt_cache(space), RPT_UNMAPPED);
	EXPECT_EQ(t, mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED),
		  0);
	IoFreeMdl(mdl);
	/* The address need only be in the first page; it is rounded down to 16 bytes. */
	mdl = pages(t, 1, MmCached);
	va = MmMapLockedPagesWithReservedMapping(space + 4, TAG_SPACE, mdl,
						 MmCached);
	EXPECT(t, va == space);
	EXPECT(t, mdl->MappedSystemVa == space);
	MmUnmapReservedMapping(va + 4, TAG_SPACE, mdl);
	EXPECT_EQ(t, rpt_cache(space), RPT_UNMAPPED);
	va = MmMapLockedPagesWithReservedMapping(space + 47, TAG_SPACE, mdl,
						 MmCached);
	EXPECT(t, va == space + 32);
	EXPECT(t, mdl->MappedSystemVa == space + 32);
	MmUnmapReservedMapping(va, TAG_SPACE, mdl);
	EXPECT_EQ(t, rpt_cache(space), RPT_UNMAPPED);
	/* Pages that are freed while they are mapped there. */
	va = MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, mdl,
						 MmCached);
	EXPECT(t, va);
	drop(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	EXPECT_EQ(t, rpt_cache(space), RPT_UNMAPPED);
	MmFreeMappingAddress(space, TAG_SPACE);
	vfree(buffer);
}

static void refused(struct rpt *t)
{
	const struct rpt_violation *v;

	EXPECT(t, !MmAllocateMappingAddress(0, TAG_SPACE));
	v = EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x100);
	if (v)
		EXPECT_EQ(t, v->p[2], TAG_SPACE);
	EXPECT(t, !MmAllocateMappingAddress(1, 0));
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x9b);
	EXPECT(t, !MmAllocateMappingAddress(SIZE_MAX, TAG_SPACE));
	EXPECT(t, !MmAllocateMappingAddress(1UL << 48, TAG_SPACE));
	EXPECT(t, !MmAllocateMappingAddress(SZ_4G + 1, TAG_SPACE));
}

static void misused(struct rpt *t)
{
	char *space = MmAllocateMappingAddress(3 * PAGE_SIZE, TAG_SPACE), *va;
	PMDL mdl = pages(t, 3, MmCached), other = pages(t, 3, MmCached);
	PMDL less = pages(t, 2, MmCached), more = pages(t, 4, MmCached);
	const struct rpt_violation *v;

	if (!EXPECT(t, space && mdl && other && less && more))
		return;
	EXPECT(t, !MmMapLockedPagesWithReservedMapping(space, TAG_OTHER, mdl,
						       MmCached));
	v = EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x104);
	if (v)
		EXPECT(t, rpt_shows(v->p[1], space) && v->p[2] == TAG_OTHER &&
			  v->p[3] == TAG_SPACE);
	EXPECT(t, !MmMapLockedPagesWithReservedMapping(space + PAGE_SIZE,
						       TAG_SPACE, mdl, MmCached));
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x105);
	EXPECT(t, !MmMapLockedPagesWithReservedMapping(NULL, TAG_SPACE, mdl,
						       MmCached));
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x105);
	EXPECT(t, !MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, NULL,
						       MmCached));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	EXPECT(t, !MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, mdl,
						       MmWriteCombined));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	/* More than there is room for is no violation. */
	EXPECT(t, !MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, more,
						       MmCached));
	MmUnmapReservedMapping(space, TAG_SPACE, mdl);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x10b);

	va = MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, mdl,
						 MmCached);
	EXPECT(t, va == space);
	EXPECT(t, !MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, other,
						       MmCached));
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x107);
	EXPECT(t, !MmMapLockedPages(mdl, KernelMode));
	EXPECT_VIOLATION(t, VERIFIER, 0xb2);
	MmUnmapReservedMapping(va, TAG_OTHER, mdl);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x108);
	MmUnmapReservedMapping(va + PAGE_SIZE, TAG_SPACE, mdl);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x109);
	MmUnmapReservedMapping(va, TAG_SPACE, more);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x10a);
	MmUnmapReservedMapping(va, TAG_SPACE, less);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x10c);
	MmUnmapReservedMapping(va, TAG_SPACE, other);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x06);
	MmFreeMappingAddress(space, TAG_SPACE);
	v = EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x103);
	if (v)
		EXPECT_EQ(t, v->p[3], 3);
	EXPECT(t, rpt_cache(va) != RPT_UNMAPPED);
	MmUnmapReservedMapping(va, TAG_SPACE, mdl);
	EXPECT_VIOLATIONS(t, 0);

	MmFreeMappingAddress(space, TAG_OTHER);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x101);
	MmFreeMappingAddress(space + PAGE_SIZE, TAG_SPACE);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x102);
	MmFreeMappingAddress(NULL, TAG_SPACE);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x102);
	MmFreeMappingAddress(space, TAG_SPACE);
	EXPECT_VIOLATIONS(t, 0);
	MmFreeMappingAddress(space, TAG_SPACE);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x102);
	drop(mdl);
	drop(other);
	drop(less);
	drop(more);
}

static void do_reserve(void *arg)
{
	struct call *call = arg;

	call->space = MmAllocateMappingAddress(PAGE_SIZE, TAG_SPACE);
}

static void do_free(void *arg)
{
	struct call *call = arg;

	MmFreeMappingAddress(call->space, TAG_SPACE);
}

/* Both are for PASSIVE_LEVEL; what is freed elsewhere is gone a little later. */
static void in_context(struct rpt *t)
{
	struct call call = { };

	rpt_in_context(rpt_value(t), do_reserve, &call);
	EXPECT(t, !call.space);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
	do_reserve(&call);
	if (!EXPECT(t, call.space))
		return;
	rpt_in_context(rpt_value(t), do_free, &call);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x09);
	do_free(&call);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x102);
}

static u64 reported(struct rpt *t)
{
	char *text = rpt_text(t, "violations");
	char *head = text ? strstr(text, "# reported ") : NULL;
	u64 count = 0;

	EXPECT(t, head && sscanf(head, "# reported %llu", &count) == 1);
	rpt_text_free(text);
	return count;
}

/* Somebody who maps and unmaps at DISPATCH_LEVEL what others may give back. */
struct borrower {
	char *space;
	PMDL mdl;
	unsigned long mapped, missed, rests;
};

static int use(void *arg)
{
	struct borrower *it = arg;

	while (!kthread_should_stop()) {
		char *space = READ_ONCE(it->space), *va;

		if (!space) {
			WRITE_ONCE(it->rests, it->rests + 1);
			usleep_range(10, 20);
			continue;
		}
		local_bh_disable();
		va = MmMapLockedPagesWithReservedMapping(space, TAG_SPACE,
							 it->mdl, MmCached);
		if (va)
			MmUnmapReservedMapping(va, TAG_SPACE, it->mdl);
		local_bh_enable();
		if (va) {
			it->mapped++;
			continue;
		}
		it->missed++;
		WRITE_ONCE(it->space, NULL);
	}
	return 0;
}

/* Address space is given back while it is in use: it goes, or that is a violation. */
static void freed_meanwhile(struct rpt *t)
{
	unsigned long end = jiffies + 3 * HZ, latest, rests;
	unsigned int round, rounds = RPT_MANY(500);
	u64 before = reported(t);
	struct borrower it = { };
	struct task_struct *task;
	char *space;

	if (num_online_cpus() == 1) {
		rpt_skip(t, "one processor");
		return;
	}
	it.mdl = pages(t, SZ_1M / PAGE_SIZE, MmCached);
	if (!it.mdl)
		return;
	task = kthread_run(use, &it, "rpt_reserved");
	if (!EXPECT(t, !IS_ERR(task))) {
		drop(it.mdl);
		return;
	}
	for (round = 0; round < rounds && time_before(jiffies, end); round++) {
		space = MmAllocateMappingAddress(SZ_1M, TAG_SPACE);
		if (!EXPECT(t, space))
			break;
		WRITE_ONCE(it.space, space);
		usleep_range(50 + round % 500, 60 + round % 500);
		MmFreeMappingAddress(space, TAG_SPACE);
		WRITE_ONCE(it.space, NULL);
		rests = READ_ONCE(it.rests);
		latest = jiffies + RPT_PATIENCE;
		while (READ_ONCE(it.rests) - rests < 2) {
			WRITE_ONCE(it.space, NULL);
			if (!EXPECT(t, time_before(jiffies, latest)))
				break;
			usleep_range(10, 20);
		}
		/* It was not given back if it was in use. */
		MmFreeMappingAddress(space, TAG_SPACE);
	}
	kthread_stop(task);
	EXPECT_VIOLATIONS(t, reported(t) - before);
	rpt_note(t, "%u times; mapped %lu times, missed %lu", round, it.mapped,
		 it.missed);
	EXPECT(t, it.mapped);
	drop(it.mdl);
}

/* What an interrupt finds. */
struct halfway {
	struct hrtimer timer;
	char *first, *last;
	bool mapping, unmapping;
};

static enum hrtimer_restart look(struct hrtimer *timer)
{
	struct halfway *half = container_of(timer, struct halfway, timer);
	bool first = rpt_cache(half->first) != RPT_UNMAPPED;
	bool last = rpt_cache(half->last) != RPT_UNMAPPED;

	half->mapping |= first && !last;
	half->unmapping |= !first && last;
	hrtimer_forward_now(timer, us_to_ktime(100));
	return HRTIMER_RESTART;
}

/*
 * Many pages are mapped, and unmapped, with interrupts enabled: one finds that half done. All are
 * the same page, which nobody minds.
 */
static void interrupted(struct rpt *t)
{
	char *space = MmAllocateMappingAddress(SZ_128M, TAG_SPACE), *va;
	PMDL page = pages(t, 1, MmCached), mdl;
	unsigned int tries;
	struct halfway half = {
		.first = space, .last = space + SZ_128M - PAGE_SIZE
	};

	mdl = IoAllocateMdl(NULL, SZ_128M, FALSE, FALSE, NULL);
	if (!EXPECT(t, space && page && mdl))
		return;
	memset64((u64 *)MmGetMdlPfnArray(mdl), MmGetMdlPfnArray(page)[0],
		 SZ_128M / PAGE_SIZE);
	mdl->MdlFlags |= MDL_PAGES_LOCKED;
	hrtimer_setup(&half.timer, look, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	migrate_disable();
	hrtimer_start(&half.timer, us_to_ktime(100),
		      HRTIMER_MODE_REL_PINNED_HARD);
	for (tries = 0; tries < 10 * RPT_ATTEMPTS; tries++) {
		va = MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, mdl,
							 MmCached);
		if (!EXPECT(t, va))
			break;
		MmUnmapReservedMapping(va, TAG_SPACE, mdl);
		if (half.mapping && half.unmapping)
			break;
	}
	hrtimer_cancel(&half.timer);
	migrate_enable();
	EXPECT(t, half.mapping);
	EXPECT(t, half.unmapping);
	mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
	IoFreeMdl(mdl);
	MmFreeMappingAddress(space, TAG_SPACE);
	drop(page);
}

static const struct rpt_case cases[] = {
	{ "reserved", reserved, sizes },
	{ "mapped", mapped, rpt_contexts },
	{ "of_type", of_type, mdl_cache_types },
	{ "with_offset", with_offset },
	{ "refused", refused },
	{ "misused", misused },
	{ "in_context", in_context, rpt_atomic_contexts },
	{ "freed_meanwhile", freed_meanwhile },
	{ "interrupted", interrupted },
};

const struct rpt_suite mdl_reserved_suite = RPT_SUITE("mdl_reserved", cases);
