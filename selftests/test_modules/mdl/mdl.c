// SPDX-License-Identifier: GPL-2.0
/*
 * Memory descriptor lists: of memory of each kind, parts of them, chains, and
 * their mappings.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "mdl.h"

/* The WDK's IRP, as far as it matters here. */
struct _IRP {
	CSHORT Type;
	USHORT Size;
	PMDL MdlAddress;
};

static const struct rpt_arg lengths[] = {
	{ "0", 0 },
	{ "1", 1 },
	{ "4096", SZ_4K },
	{ "4097", SZ_4K + 1 },
	{ "64K", SZ_64K },
	{ "16M", SZ_16M },
	{ "2G-4K", SZ_2G - SZ_4K },
	{ }
};

static void allocated(struct rpt *t)
{
	ULONG bytes = rpt_value(t);
	char *va = (char *)0xffff888000000123;
	struct rpt_row row;
	size_t size;
	PMDL mdl;

	mdl = IoAllocateMdl(va, bytes, FALSE, FALSE, NULL);
	if (!EXPECT(t, mdl))
		return;
	size = MmSizeOfMdl(va, bytes);
	EXPECT_EQ(t, size, 48 + 8 * DIV_ROUND_UP(0x123UL + bytes, PAGE_SIZE));
	EXPECT(t, !mdl->Next);
	EXPECT_EQ(t, mdl->Size, min(size, 0x7ff8UL));
	EXPECT_EQ(t, mdl->MdlFlags, 0);
	EXPECT(t, mdl->StartVa == (void *)0xffff888000000000);
	EXPECT_EQ(t, mdl->ByteOffset, 0x123);
	EXPECT_EQ(t, mdl->ByteCount, bytes);
	EXPECT_EQ(t, MmGetMdlByteCount(mdl), bytes);
	EXPECT_EQ(t, MmGetMdlByteOffset(mdl), 0x123);
	EXPECT(t, MmGetMdlVirtualAddress(mdl) == va);
	EXPECT(t, MmGetMdlBaseVa(mdl) == mdl->StartVa);
	EXPECT(t, (char *)MmGetMdlPfnArray(mdl) == (char *)mdl + 48);
	rpt_tag(t, "Mdl ", false, &row);
	EXPECT_EQ(t, row.diff, 1);
	EXPECT_EQ(t, row.bytes, size);
	IoFreeMdl(mdl);
}

static void too_long(struct rpt *t)
{
	EXPECT(t, !IoAllocateMdl(NULL, SZ_2G, FALSE, FALSE, NULL));
	EXPECT(t, !IoAllocateMdl(NULL, SZ_2G - SZ_4K + 1, FALSE, FALSE, NULL));
	EXPECT(t, !IoAllocateMdl(NULL, U32_MAX, FALSE, FALSE, NULL));
}

static void initialised(struct rpt *t)
{
	struct {
		MDL mdl;
		PFN_NUMBER frames[2];
	} own;

	memset(&own, 0xff, sizeof(own));
	MmInitializeMdl(&own.mdl, (void *)0xffff888000000ffc, 8);
	EXPECT(t, !own.mdl.Next);
	EXPECT_EQ(t, own.mdl.Size, 64);
	EXPECT_EQ(t, own.mdl.MdlFlags, 0);
	EXPECT(t, own.mdl.StartVa == (void *)0xffff888000000000);
	EXPECT_EQ(t, own.mdl.ByteOffset, 0xffc);
	EXPECT_EQ(t, own.mdl.ByteCount, 8);
}

static void freed_as_pool(struct rpt *t)
{
	PMDL mdl;

	mdl = IoAllocateMdl(NULL, 100, FALSE, FALSE, NULL);
	if (EXPECT(t, mdl))
		ExFreePool(mdl);
	mdl = IoAllocateMdl(NULL, 100, FALSE, FALSE, NULL);
	if (EXPECT(t, mdl))
		ExFreePoolWithTag(mdl, 0);
	mdl = IoAllocateMdl(NULL, 100, FALSE, FALSE, NULL);
	if (EXPECT(t, mdl))
		ExFreePoolWithTag(mdl, ' ldM');
	mdl = ExAllocatePoolWithTag(NonPagedPoolNx, MmSizeOfMdl(NULL, 100), TAG_MDL);
	if (!EXPECT(t, mdl))
		return;
	MmInitializeMdl(mdl, NULL, 100);
	IoFreeMdl(mdl);
}

static void chained(struct rpt *t)
{
	struct _IRP irp = { };
	PMDL a, b, c, first;

	a = IoAllocateMdl(NULL, 1, FALSE, FALSE, &irp);
	EXPECT(t, irp.MdlAddress == a);
	b = IoAllocateMdl(NULL, 2, TRUE, FALSE, &irp);
	c = IoAllocateMdl(NULL, 3, TRUE, FALSE, &irp);
	if (!EXPECT(t, a && b && c))
		return;
	EXPECT(t, irp.MdlAddress == a && a->Next == b && b->Next == c &&
		  !c->Next);
	/* Not behind the others: it takes their place. */
	first = IoAllocateMdl(NULL, 4, FALSE, FALSE, &irp);
	EXPECT(t, irp.MdlAddress == first && !first->Next);
	IoFreeMdl(first);
	irp.MdlAddress = NULL;
	first = IoAllocateMdl(NULL, 5, TRUE, FALSE, &irp);
	EXPECT(t, irp.MdlAddress == first);
	IoFreeMdl(first);
	for (; a; a = b) {
		b = a->Next;
		IoFreeMdl(a);
	}
}

/* Frames, flags and address of an MDL that was built for a buffer. */
static void expect_built(struct rpt *t, PMDL mdl, char *va, ULONG bytes)
{
	PPFN_NUMBER frames = MmGetMdlPfnArray(mdl);
	ULONG pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, bytes), i;

	EXPECT_EQ(t, mdl->MdlFlags, MDL_SOURCE_IS_NONPAGED_POOL);
	EXPECT(t, mdl->MappedSystemVa == va);
	EXPECT(t, !mdl->Process);
	EXPECT(t, MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority |
						    MdlMappingNoExecute) == va);
	EXPECT(t, MmGetSystemAddressForMdl(mdl) == va);
	EXPECT(t, MmGetMdlVirtualAddress(mdl) == va);
	EXPECT_EQ(t, MmGetMdlByteCount(mdl), bytes);
	for (i = 0; i < pages; i++) {
		void *page = (char *)mdl->StartVa + i * PAGE_SIZE;

		if (!EXPECT_EQ(t, frames[i], rpt_phys(page) >> PAGE_SHIFT))
			break;
	}
}

static void build(struct rpt *t, void *va, ULONG bytes)
{
	PMDL mdl = IoAllocateMdl(va, bytes, FALSE, FALSE, NULL);

	if (!EXPECT(t, mdl))
		return;
	MmBuildMdlForNonPagedPool(mdl);
	expect_built(t, mdl, va, bytes);
	/* Again, as drivers do for a buffer that they use again. */
	MmBuildMdlForNonPagedPool(mdl);
	expect_built(t, mdl, va, bytes);
	IoFreeMdl(mdl);
}

static const struct rpt_arg pool_sizes[] = {
	{ "1", 1 },
	{ "100", 100 },
	{ "4064", 4064 },
	{ "4065", 4065 },
	{ "4096", SZ_4K },
	{ "5000", 5000 },
	{ "64K", SZ_64K },
	{ "64K+1", SZ_64K + 1 },
	{ "1M", SZ_1M },
	{ "9M", 9 * SZ_1M },
	{ }
};

static void of_pool(struct rpt *t)
{
	size_t bytes = rpt_value(t);
	char *block = ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG_MDL);

	if (!EXPECT(t, block))
		return;
	build(t, block, bytes);
	/* A part of it, from its middle. */
	build(t, block + bytes / 2, bytes - bytes / 2);
	ExFreePoolWithTag(block, TAG_MDL);
}

static void of_vmalloc(struct rpt *t)
{
	char *block = vmalloc(100000);

	if (!EXPECT(t, block))
		return;
	build(t, block, 100000);
	build(t, block + 4000, 5000);
	vfree(block);
}

static void of_contiguous(struct rpt *t)
{
	PHYSICAL_ADDRESS highest = { .QuadPart = -1 }, none = { };
	char *block = MmAllocateContiguousMemorySpecifyCache(70000, none,
							     highest, none,
							     rpt_value(t));

	if (!EXPECT(t, block))
		return;
	build(t, block, 70000);
	MmFreeContiguousMemory(block);
}

static void of_noncached(struct rpt *t)
{
	char *block = MmAllocateNonCachedMemory(70000);

	if (!EXPECT(t, block))
		return;
	build(t, block, 70000);
	MmFreeNonCachedMemory(block, 70000);
}

static void of_stack_and_data(struct rpt *t)
{
	static u64 data[1024];
	u64 stack[16];

	build(t, data, sizeof(data));
	build(t, stack, sizeof(stack));
}

struct in_context {
	PMDL mdl;
	char *block;
	void *va;
};

static void make_and_build(void *arg)
{
	struct in_context *call = arg;

	call->mdl = IoAllocateMdl(call->block, 5000, FALSE, FALSE, NULL);
	if (!call->mdl)
		return;
	MmBuildMdlForNonPagedPool(call->mdl);
	call->va = MmGetSystemAddressForMdlSafe(call->mdl, LowPagePriority);
	IoFreeMdl(call->mdl);
}

static void built_in_context(struct rpt *t)
{
	struct in_context call = { };

	call.block = ExAllocatePoolWithTag(NonPagedPoolNx, 5000, TAG_MDL);
	if (!EXPECT(t, call.block))
		return;
	rpt_in_context(rpt_value(t), make_and_build, &call);
	EXPECT(t, call.mdl);
	EXPECT(t, call.va == call.block);
	ExFreePoolWithTag(call.block, TAG_MDL);
}

static void partial(struct rpt *t)
{
	char *block = ExAllocatePoolWithTag(NonPagedPoolNx, 70000, TAG_MDL);
	PMDL whole = IoAllocateMdl(block, 70000, FALSE, FALSE, NULL);
	PMDL part = IoAllocateMdl(block, 70000, FALSE, FALSE, NULL);
	static const struct {
		ULONG at, bytes, length;
	} parts[] = {
		{ 0, 70000, 70000 }, { 0, 0, 70000 }, { 1, 0, 69999 },
		{ 4095, 2, 2 }, { 4096, 4096, 4096 }, { 69999, 1, 1 },
		{ 5000, 0, 65000 }, { 70000, 0, 0 },
	};
	unsigned int i, j;

	if (!EXPECT(t, block && whole && part))
		return;
	MmBuildMdlForNonPagedPool(whole);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		char *va = block + parts[i].at;
		ULONG length = parts[i].length;

		IoBuildPartialMdl(whole, part, va, parts[i].bytes);
		EXPECT_EQ(t, part->MdlFlags,
			  MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL);
		EXPECT_EQ(t, MmGetMdlByteCount(part), length);
		EXPECT(t, MmGetMdlVirtualAddress(part) == va);
		EXPECT(t, MmGetSystemAddressForMdlSafe(part, 16) == va);
		for (j = 0; j < ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, length); j++)
			EXPECT_EQ(t, MmGetMdlPfnArray(part)[j],
				  MmGetMdlPfnArray(whole)[(parts[i].at >> 12) + j]);
		MmPrepareMdlForReuse(part);
	}
	/* Of a part; and into itself. */
	IoBuildPartialMdl(whole, part, block + 5000, 60000);
	IoBuildPartialMdl(part, part, block + 9000, 8192);
	EXPECT(t, MmGetMdlVirtualAddress(part) == block + 9000);
	EXPECT_EQ(t, MmGetMdlPfnArray(part)[0], MmGetMdlPfnArray(whole)[2]);
	EXPECT_EQ(t, MmGetMdlPfnArray(part)[2], MmGetMdlPfnArray(whole)[4]);
	IoFreeMdl(part);
	IoFreeMdl(whole);
	ExFreePoolWithTag(block, TAG_MDL);
}

/* Pages of the page allocator, locked as VMBus-like code does it: by hand. */
#define PAGES	5

struct pages {
	struct page *page[PAGES];
	PMDL mdl;
};

/* @scattered: every second frame is left out. */
static bool make_pages(struct rpt *t, struct pages *p, bool scattered)
{
	struct page *all = alloc_pages(GFP_KERNEL, 4);
	unsigned int i;

	if (!EXPECT(t, all))
		return false;
	split_page(all, 4);
	p->mdl = IoAllocateMdl(NULL, PAGES * PAGE_SIZE - 100, FALSE, FALSE,
			       NULL);
	for (i = 0; i < PAGES; i++) {
		p->page[i] = all + (scattered ? 2 * i : i);
		MmGetMdlPfnArray(p->mdl)[i] = page_to_pfn(p->page[i]);
	}
	for (i = 0; i < 16; i++)
		if (scattered ? (i & 1) || i >= 2 * PAGES : i >= PAGES)
			__free_page(all + i);
	p->mdl->ByteOffset = 100;
	p->mdl->MdlFlags |= MDL_PAGES_LOCKED;
	return EXPECT(t, p->mdl);
}

static void drop_pages(struct pages *p)
{
	unsigned int i;

	IoFreeMdl(p->mdl);
	for (i = 0; i < PAGES; i++)
		__free_page(p->page[i]);
}

/* Whether a mapping shows the pages, and what is written to it. */
static void expect_shows(struct rpt *t, struct pages *p, char *va)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		char *page = page_address(p->page[i]);

		page[200] = 'a' + i;
		EXPECT_EQ(t, va[i * PAGE_SIZE + 100], 'a' + i);
		va[i * PAGE_SIZE + 101] = 'A' + i;
		EXPECT_EQ(t, page[201], 'A' + i);
	}
}

static const struct rpt_arg layouts[] = {
	{ "side_by_side", 0 },
	{ "scattered", 1 },
	{ }
};

static void mapped(struct rpt *t)
{
	struct pages p;
	char *va;

	if (!make_pages(t, &p, rpt_value(t)))
		return;
	va = MmGetSystemAddressForMdlSafe(p.mdl, NormalPagePriority |
						 MdlMappingNoExecute);
	if (EXPECT(t, va)) {
		EXPECT_EQ(t, offset_in_page(va), 100);
		EXPECT(t, p.mdl->MappedSystemVa == va);
		EXPECT_EQ(t, p.mdl->MdlFlags,
			  MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA);
		/* It is mapped once. */
		EXPECT(t, MmGetSystemAddressForMdlSafe(p.mdl, 32) == va);
		EXPECT_EQ(t, rpt_cache(va), RPT_WB);
		EXPECT(t, !rpt_executable(va));
		expect_shows(t, &p, va);
		MmUnmapLockedPages(va, p.mdl);
		EXPECT_EQ(t, p.mdl->MdlFlags, MDL_PAGES_LOCKED);
		EXPECT(t, !p.mdl->MappedSystemVa);
		if (rpt_value(t))
			EXPECT_EQ(t, rpt_cache(va), RPT_UNMAPPED);
	}
	va = MmMapLockedPagesSpecifyCache(p.mdl, KernelMode, MmCached, NULL,
					  FALSE, NormalPagePriority);
	if (EXPECT(t, va)) {
		expect_shows(t, &p, va);
		MmUnmapLockedPages(va, p.mdl);
	}
	va = MmMapLockedPages(p.mdl, KernelMode);
	if (EXPECT(t, va)) {
		expect_shows(t, &p, va);
		MmUnmapLockedPages(va, p.mdl);
	}
	drop_pages(&p);
}

static bool writable(const void *va)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)va, &level);

	return pte && pte_val(*pte) & _PAGE_RW;
}

static void mapped_read_only(struct rpt *t)
{
	struct pages p;
	char *va;

	if (!make_pages(t, &p, rpt_value(t)))
		return;
	va = MmGetSystemAddressForMdlSafe(p.mdl, NormalPagePriority |
						 MdlMappingNoWrite);
	if (EXPECT(t, va)) {
		EXPECT(t, !writable(va));
		MmUnmapLockedPages(va, p.mdl);
	}
	drop_pages(&p);
}

/* A part of what is not mapped has a mapping of its own, which goes with it. */
static void mapped_in_part(struct rpt *t)
{
	struct pages p;
	char *va, *start;
	PMDL part;

	if (!make_pages(t, &p, rpt_value(t)))
		return;
	start = MmGetMdlVirtualAddress(p.mdl);
	part = IoAllocateMdl(start, PAGES * PAGE_SIZE, FALSE, FALSE, NULL);
	if (!EXPECT(t, part))
		return;
	IoBuildPartialMdl(p.mdl, part, start + PAGE_SIZE, 2 * PAGE_SIZE);
	EXPECT_EQ(t, part->MdlFlags, MDL_PARTIAL);
	va = MmGetSystemAddressForMdlSafe(part, NormalPagePriority);
	if (EXPECT(t, va)) {
		EXPECT_EQ(t, part->MdlFlags, MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA |
					     MDL_PARTIAL_HAS_BEEN_MAPPED);
		*(char *)(page_address(p.page[2]) + 100) = 'x';
		EXPECT_EQ(t, va[PAGE_SIZE], 'x');
	}
	MmPrepareMdlForReuse(part);
	EXPECT_EQ(t, part->MdlFlags, MDL_PARTIAL);
	/* The whole is mapped: the part is there as well, and needs no mapping. */
	va = MmGetSystemAddressForMdlSafe(p.mdl, NormalPagePriority);
	IoBuildPartialMdl(p.mdl, part, start + 5000, 0);
	EXPECT_EQ(t, part->MdlFlags, MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA);
	EXPECT(t, MmGetSystemAddressForMdlSafe(part, 16) == va + 5000);
	MmPrepareMdlForReuse(part);
	EXPECT(t, MmGetSystemAddressForMdlSafe(p.mdl, 16) == va);
	MmUnmapLockedPages(va, p.mdl);
	IoBuildPartialMdl(p.mdl, part, start + 1, 0);
	va = MmGetSystemAddressForMdlSafe(part, NormalPagePriority);
	EXPECT(t, va);
	IoFreeMdl(part);
	if (rpt_value(t))
		EXPECT_EQ(t, rpt_cache(va), RPT_UNMAPPED);
	drop_pages(&p);
}

static void do_map(void *arg)
{
	struct in_context *call = arg;

	call->va = MmGetSystemAddressForMdlSafe(call->mdl, HighPagePriority);
}

static void do_unmap(void *arg)
{
	struct in_context *call = arg;

	MmUnmapLockedPages(call->va, call->mdl);
}

/* At DISPATCH_LEVEL pages that lie side by side are mapped; above, none. */
static void mapped_in_context(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	bool above = rpt_irql(context) > 2;
	struct in_context call = { };
	struct pages p;

	if (!make_pages(t, &p, false))
		return;
	call.mdl = p.mdl;
	rpt_in_context(context, do_map, &call);
	EXPECT_EQ(t, !call.va, above);
	if (above)
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x76);
	else
		rpt_in_context(context, do_unmap, &call);
	drop_pages(&p);
	if (!make_pages(t, &p, true))
		return;
	call.mdl = p.mdl;
	rpt_in_context(context, do_map, &call);
	EXPECT(t, !call.va);
	if (above)
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x76);
	drop_pages(&p);
}

/* What is unmapped where that cannot be done is gone a little later. */
static void unmapped_in_context(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	struct in_context call = { };
	unsigned int tries;
	struct pages p;

	if (!make_pages(t, &p, true))
		return;
	call.mdl = p.mdl;
	do_map(&call);
	if (!EXPECT(t, call.va))
		return;
	rpt_in_context(context, do_unmap, &call);
	if (rpt_irql(context) > 2)
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x79);
	EXPECT_EQ(t, p.mdl->MdlFlags, MDL_PAGES_LOCKED);
	for (tries = 0; tries < RPT_TRIES; tries++) {
		if (rpt_cache(call.va) == RPT_UNMAPPED)
			break;
		rpt_settle(t);
	}
	EXPECT_EQ(t, rpt_cache(call.va), RPT_UNMAPPED);
	drop_pages(&p);
}

static const struct rpt_case cases[] = {
	{ "allocated", allocated, lengths },
	{ "too_long", too_long },
	{ "initialised", initialised },
	{ "freed_as_pool", freed_as_pool },
	{ "chained", chained },
	{ "of_pool", of_pool, pool_sizes },
	{ "of_vmalloc", of_vmalloc },
	{ "of_contiguous", of_contiguous, mdl_cache_types },
	{ "of_noncached", of_noncached },
	{ "of_stack_and_data", of_stack_and_data },
	{ "built_in_context", built_in_context, rpt_contexts },
	{ "partial", partial },
	{ "mapped", mapped, layouts },
	{ "mapped_read_only", mapped_read_only, layouts },
	{ "mapped_in_part", mapped_in_part, layouts },
	{ "mapped_in_context", mapped_in_context, rpt_atomic_contexts },
	{ "unmapped_in_context", unmapped_in_context, rpt_contexts },
};

const struct rpt_suite mdl_suite = RPT_SUITE("mdl", cases);

const struct rpt_arg mdl_cache_types[] = {
	{ "uc", MmNonCached },
	{ "wb", MmCached },
	{ "wc", MmWriteCombined },
	{ }
};

static const struct rpt_suite *const suites[] = {
	&mdl_suite,
	&mdl_misuse_suite,
	&mdl_lock_suite,
	&mdl_pages_suite,
	&mdl_protect_suite,
	&mdl_reserved_suite,
	&mdl_view_suite,
};

static void *key;

static bool leak;
module_param(leak, bool, 0);
MODULE_PARM_DESC(leak, "Free only the head of a chain, and leave pages mapped and locked");

/*
 * What drivers forget: address space, and the pages of an MDL that they free. The next
 * MDL at its address tells of it.
 */
static noinline int leave_pages(void)
{
	PHYSICAL_ADDRESS none = { }, highest = { .QuadPart = -1 };
	PMDL mdl, next[64] = { };
	unsigned int i;

	mdl = MmAllocatePagesForMdl(none, highest, none, 3 * PAGE_SIZE);
	if (!mdl)
		return -ENOMEM;
	ExFreePool(mdl);
	if (!MmAllocateMappingAddress(5000, TAG_MDL))
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(next); i++) {
		next[i] = IoAllocateMdl(NULL, 3 * PAGE_SIZE, FALSE, FALSE, NULL);
		if (next[i] == mdl)
			break;
	}
	for (i = 0; i < ARRAY_SIZE(next); i++)
		if (next[i])
			IoFreeMdl(next[i]);
	return 0;
}

/* The rest of a chain, a mapping, an unlock, pages. */
static noinline int leave_behind(void)
{
	static u64 data[2];
	struct _IRP irp = { };
	PMDL first, second, third;
	char *block = vmalloc(2 * PAGE_SIZE);

	first = IoAllocateMdl(NULL, 1, FALSE, FALSE, &irp);
	second = IoAllocateMdl(block, 2 * PAGE_SIZE, TRUE, FALSE, &irp);
	third = IoAllocateMdl(data, sizeof(data), TRUE, FALSE, &irp);
	if (!block || !first || !second || !third)
		return -ENOMEM;
	kmemleak_not_leak(block);
	MmBuildMdlForNonPagedPool(second);
	swap(MmGetMdlPfnArray(second)[0], MmGetMdlPfnArray(second)[1]);
	second->MdlFlags = MDL_PAGES_LOCKED;
	if (!MmGetSystemAddressForMdlSafe(second, NormalPagePriority | MdlMappingNoWrite))
		return -ENOMEM;
	if (MmProbeAndLockPages(third, KernelMode, IoWriteAccess))
		return -ENOMEM;
	IoFreeMdl(first);
	return leave_pages();
}

static int __init rpt_mdl_init(void)
{
	if (leak)
		return leave_behind();
	return rpt_register(suites, ARRAY_SIZE(suites), &key);
}

static void __exit rpt_mdl_exit(void)
{
	if (key)
		rpt_unregister(key);
}

module_init(rpt_mdl_init);
module_exit(rpt_mdl_exit);

MODULE_DESCRIPTION("rust_pool selftests: memory descriptor lists");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
