// SPDX-License-Identifier: GPL-2.0
/*
 * Address space that is reserved for the pages of MDLs, and pages that are mapped
 * there.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
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
	/* The address need only be in the first page. */
	mdl = pages(t, 1, MmCached);
	va = MmMapLockedPagesWithReservedMapping(space + 4, TAG_SPACE, mdl,
						 MmCached);
	EXPECT(t, va == space + 4);
	EXPECT(t, mdl->MappedSystemVa == space + 4);
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

static const struct rpt_case cases[] = {
	{ "reserved", reserved, sizes },
	{ "mapped", mapped, rpt_contexts },
	{ "of_type", of_type, mdl_cache_types },
	{ "with_offset", with_offset },
	{ "refused", refused },
	{ "misused", misused },
	{ "in_context", in_context, rpt_atomic_contexts },
};

const struct rpt_suite mdl_reserved_suite = RPT_SUITE("mdl_reserved", cases);
