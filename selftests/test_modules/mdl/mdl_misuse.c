// SPDX-License-Identifier: GPL-2.0
/*
 * Memory descriptor lists in the wrong hands: what is refused, and with which
 * code.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "mdl.h"

#define TARGET_MDL_TOO_SMALL	0x49
#define SYSTEM_PTE_MISUSE	0xda
#define VERIFIER		DRIVER_VERIFIER_DETECTED_VIOLATION

/* An MDL that is not built, for a page of its own. */
static PMDL unbuilt(struct rpt *t, void **page)
{
	PMDL mdl = NULL;

	*page = (void *)get_zeroed_page(GFP_KERNEL);
	if (*page)
		mdl = IoAllocateMdl(*page, PAGE_SIZE, FALSE, FALSE, NULL);
	EXPECT(t, mdl);
	return mdl;
}

static void drop(PMDL mdl, void *page)
{
	IoFreeMdl(mdl);
	free_page((unsigned long)page);
}

static void no_mdl(struct rpt *t)
{
	struct {
		MDL mdl;
		PFN_NUMBER frame;
	} own = { };

	MmBuildMdlForNonPagedPool(NULL);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	IoBuildPartialMdl(NULL, &own.mdl, NULL, 0);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	IoBuildPartialMdl(&own.mdl, NULL, NULL, 0);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	EXPECT(t, !MmMapLockedPages(NULL, KernelMode));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	MmUnmapLockedPages(&own, NULL);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
}

static void freed_badly(struct rpt *t)
{
	static const u64 wild[] = { 0, 8, 4096, 0x7fffffffe000,
		0x8000000000000000, U64_MAX, -48ULL, 0xffff800000000000 };
	PMDL mdl = IoAllocateMdl(NULL, 100, FALSE, FALSE, NULL);
	void *block = kzalloc(100, GFP_KERNEL);
	MDL own = { };
	unsigned int i;

	if (!EXPECT(t, mdl && block))
		return;
	for (i = 0; i < ARRAY_SIZE(wild); i++) {
		IoFreeMdl((PMDL)wild[i]);
		EXPECT_VIOLATIONS(t, 1);
	}
	IoFreeMdl(&own);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
	IoFreeMdl(block);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
	kfree(block);
	IoFreeMdl(mdl + 1);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x99);
	IoFreeMdl(mdl);
	IoFreeMdl(mdl);
	/* What KASAN holds back is not read. */
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, IS_ENABLED(CONFIG_KASAN) ? 0x46 : 0x07);
}

static void built_for_paged(struct rpt *t)
{
	static const size_t bytes[] = { 100, 5000, SZ_1M };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		char *block = ExAllocatePoolWithTag(PagedPool, bytes[i], TAG_MDL);
		PMDL mdl = IoAllocateMdl(block, bytes[i], FALSE, FALSE, NULL);
		const struct rpt_violation *v;

		if (!EXPECT(t, block && mdl))
			return;
		MmBuildMdlForNonPagedPool(mdl);
		v = EXPECT_VIOLATION(t, VERIFIER, 0x7f);
		if (v) {
			EXPECT_EQ(t, v->p[1], 0);
			EXPECT(t, rpt_shows(v->p[2], mdl));
		}
		EXPECT_EQ(t, MmGetMdlPfnArray(mdl)[0],
			  rpt_phys(block) >> PAGE_SHIFT);
		EXPECT(t, MmGetSystemAddressForMdlSafe(mdl, 16) == block);
		IoFreeMdl(mdl);
		ExFreePoolWithTag(block, TAG_MDL);
	}
}

static void built_badly(struct rpt *t)
{
	static const u64 users[] = { 0, 0x10000, 0x7fffffffe000 };
	char *pages = vmalloc(2 * PAGE_SIZE);
	void *page;
	PMDL mdl = unbuilt(t, &page);
	unsigned int i;

	if (!EXPECT(t, mdl && pages))
		return;
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		mdl->StartVa = (void *)users[i];
		MmBuildMdlForNonPagedPool(mdl);
		EXPECT_VIOLATION(t, VERIFIER, 0xe0);
	}
	/* The page behind vmalloc's is none. */
	mdl->StartVa = pages + 2 * PAGE_SIZE;
	MmBuildMdlForNonPagedPool(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	/* There is room for one page. */
	mdl->StartVa = pages;
	mdl->ByteCount = PAGE_SIZE + 1;
	MmBuildMdlForNonPagedPool(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	mdl->ByteCount = PAGE_SIZE;
	mdl->ByteOffset = PAGE_SIZE;
	MmBuildMdlForNonPagedPool(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	mdl->ByteOffset = 0;
	mdl->StartVa = pages + 16;
	MmBuildMdlForNonPagedPool(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	mdl->StartVa = pages;
	mdl->MdlFlags = MDL_PAGES_LOCKED;
	MmBuildMdlForNonPagedPool(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	EXPECT_EQ(t, mdl->MdlFlags, MDL_PAGES_LOCKED);
	mdl->MdlFlags = 0;
	drop(mdl, page);
	vfree(pages);
}

static void part_badly(struct rpt *t)
{
	char *block = ExAllocatePoolWithTag(NonPagedPoolNx, 70000, TAG_MDL);
	PMDL whole = IoAllocateMdl(block, 70000, FALSE, FALSE, NULL);
	PMDL part = IoAllocateMdl(block, PAGE_SIZE, FALSE, FALSE, NULL);
	struct {
		MDL mdl;
		PFN_NUMBER frame[2];
	} own;

	if (!EXPECT(t, block && whole && part))
		return;
	IoBuildPartialMdl(whole, part, block, 100);
	EXPECT_VIOLATION(t, VERIFIER, 0x140);
	MmBuildMdlForNonPagedPool(whole);
	IoBuildPartialMdl(whole, part, block - 1, 2);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	IoBuildPartialMdl(whole, part, block + 70000, 1);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	IoBuildPartialMdl(whole, part, block + 69999, 2);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	IoBuildPartialMdl(whole, part, block + 100, U32_MAX);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	IoBuildPartialMdl(whole, part, block + 70001, 0);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	/* There is room for one page, by the block or by Size. */
	IoBuildPartialMdl(whole, part, block + 4095, 2);
	EXPECT_VIOLATION(t, TARGET_MDL_TOO_SMALL, (u64)whole);
	EXPECT_EQ(t, part->MdlFlags, 0);
	MmInitializeMdl(&own.mdl, block, 100);
	own.frame[1] = 77;
	IoBuildPartialMdl(whole, &own.mdl, block, PAGE_SIZE + 1);
	EXPECT_VIOLATION(t, TARGET_MDL_TOO_SMALL, (u64)whole);
	EXPECT_EQ(t, own.frame[1], 77);
	IoBuildPartialMdl(whole, &own.mdl, block, PAGE_SIZE);
	EXPECT_EQ(t, own.frame[0], rpt_phys(block) >> PAGE_SHIFT);
	part->MdlFlags = MDL_MAPPED_TO_SYSTEM_VA;
	IoBuildPartialMdl(whole, part, block, 100);
	EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	part->MdlFlags = 0;
	IoFreeMdl(part);
	IoFreeMdl(whole);
	ExFreePoolWithTag(block, TAG_MDL);
}

static void mapped_badly(struct rpt *t)
{
	const struct rpt_violation *v;
	void *page, *va;
	PMDL mdl = unbuilt(t, &page);

	if (!mdl)
		return;
	EXPECT(t, !MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority));
	v = EXPECT_VIOLATION(t, VERIFIER, 0xb3);
	if (v)
		EXPECT(t, rpt_shows(v->p[1], mdl));
	MmBuildMdlForNonPagedPool(mdl);
	EXPECT(t, !MmMapLockedPages(mdl, KernelMode));
	EXPECT_VIOLATION(t, VERIFIER, 0xb2);
	MmUnmapLockedPages(page, mdl);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x06);

	MmInitializeMdl(mdl, page, PAGE_SIZE);
	mdl->MdlFlags = MDL_PAGES_LOCKED;
	*MmGetMdlPfnArray(mdl) = 1UL << 40;
	EXPECT(t, !MmMapLockedPages(mdl, KernelMode));
	EXPECT_VIOLATION(t, VERIFIER, 0x89);
	*MmGetMdlPfnArray(mdl) = rpt_phys(page) >> PAGE_SHIFT;
	EXPECT(t, !MmMapLockedPagesSpecifyCache(mdl, KernelMode, 3, NULL, 0, 0));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	EXPECT(t, !MmMapLockedPagesSpecifyCache(mdl, KernelMode, -1, NULL, 0, 0));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	/* No alias of another type. */
	EXPECT(t, !MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmNonCached,
						NULL, FALSE, 0));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	EXPECT(t, !MmMapLockedPagesSpecifyCache(mdl, KernelMode,
						MmWriteCombined, NULL, FALSE, 0));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);

	va = MmMapLockedPages(mdl, KernelMode);
	if (!EXPECT(t, va))
		return;
	EXPECT(t, !MmMapLockedPages(mdl, KernelMode));
	EXPECT_VIOLATION(t, VERIFIER, 0xb2);
	IoFreeMdl(mdl);
	v = EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	if (v)
		EXPECT_EQ(t, v->p[3], MDL_MAPPED_TO_SYSTEM_VA);
	MmUnmapLockedPages(va + PAGE_SIZE, mdl);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x03);
	MmUnmapLockedPages(va, mdl);
	MmUnmapLockedPages(va, mdl);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x06);
	drop(mdl, page);
}

/* A mapping of one's own making is not undone. */
static void unmapped_what_is_not_ours(struct rpt *t)
{
	char *area = vmalloc(PAGE_SIZE);
	void *page;
	PMDL mdl = unbuilt(t, &page);

	if (!EXPECT(t, mdl && area))
		return;
	*MmGetMdlPfnArray(mdl) = rpt_phys(page) >> PAGE_SHIFT;
	mdl->MdlFlags = MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA;
	mdl->MappedSystemVa = area;
	MmUnmapLockedPages(area, mdl);
	EXPECT_VIOLATION(t, SYSTEM_PTE_MISUSE, 0x03);
	EXPECT_EQ(t, rpt_cache(area), RPT_WB);
	mdl->MdlFlags = 0;
	drop(mdl, page);
	vfree(area);
}

/* Pages of another type than cached are mapped as they are. */
static void mapped_as_they_are(struct rpt *t)
{
	PHYSICAL_ADDRESS highest = { .QuadPart = -1 }, none = { };
	MEMORY_CACHING_TYPE type = rpt_value(t);
	enum rpt_cache cache = type == MmCached ? RPT_WB :
			       type == MmNonCached ? RPT_UC : RPT_WC;
	char *block = MmAllocateContiguousMemorySpecifyCache(3 * PAGE_SIZE, none,
							     highest, none, type);
	PMDL mdl = IoAllocateMdl(block, 3 * PAGE_SIZE, FALSE, FALSE, NULL);
	PPFN_NUMBER frames;
	char *va;

	if (!EXPECT(t, block && mdl))
		return;
	MmBuildMdlForNonPagedPool(mdl);
	frames = MmGetMdlPfnArray(mdl);
	/* Out of order, so that they have to be mapped. */
	swap(frames[0], frames[2]);
	mdl->MdlFlags = MDL_PAGES_LOCKED;
	va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	if (EXPECT(t, va)) {
		EXPECT(t, va != block);
		EXPECT_EQ(t, rpt_cache(va), cache);
		EXPECT_EQ(t, rpt_cache(va + 2 * PAGE_SIZE), cache);
		MmUnmapLockedPages(va, mdl);
	}
	va = MmMapLockedPagesSpecifyCache(mdl, KernelMode, type, NULL, FALSE, 16);
	if (EXPECT(t, va)) {
		EXPECT_EQ(t, rpt_cache(va), cache);
		MmUnmapLockedPages(va, mdl);
	}
	if (type != MmCached) {
		EXPECT(t, !MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached,
							NULL, FALSE, 16));
		EXPECT_VIOLATION(t, VERIFIER, 0x16);
	}
	IoFreeMdl(mdl);
	MmFreeContiguousMemory(block);
}

static void free_it(void *mdl)
{
	IoFreeMdl(mdl);
}

static void freed_in_nmi(struct rpt *t)
{
	PMDL mdl = IoAllocateMdl(NULL, 100, FALSE, FALSE, NULL);

	if (!EXPECT(t, mdl))
		return;
	rpt_in_context(RPT_NMI, free_it, mdl);
	EXPECT_VIOLATIONS(t, 1);
	IoFreeMdl(mdl);
}

static const struct rpt_case cases[] = {
	{ "no_mdl", no_mdl },
	{ "freed_badly", freed_badly },
	{ "freed_in_nmi", freed_in_nmi },
	{ "built_for_paged", built_for_paged },
	{ "built_badly", built_badly },
	{ "part_badly", part_badly },
	{ "mapped_badly", mapped_badly },
	{ "mapped_as_they_are", mapped_as_they_are, mdl_cache_types },
	{ "unmapped_what_is_not_ours", unmapped_what_is_not_ours },
};

const struct rpt_suite mdl_misuse_suite = RPT_SUITE("mdl_misuse", cases);
