// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes, alignment, header, physical contiguity, zeroing, page attributes.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "pool.h"

/* Where checkers make each block slow, some of the sizes do. */
#define STEP	(IS_ENABLED(CONFIG_KASAN) ? 13 : 1)

static const struct rpt_arg large_sizes[] = {
	{ "4065", 4065 },
	{ "4080", 4080 },
	{ "4095", 4095 },
	{ "4096", 4096 },
	{ "4097", 4097 },
	{ "5000", 5000 },
	{ "8191", 8191 },
	{ "8192", 8192 },
	{ "12289", 12289 },
	{ "64K", SZ_64K },
	{ "1M", SZ_1M },
	{ "4M-1", SZ_4M - 1 },
	{ "4M", SZ_4M },
	{ "4M+1", SZ_4M + 1 },
	{ "16M", SZ_16M },
	{ }
};

/* All at once, so that blocks which overlap show. */
static void every_small_size(struct rpt *t)
{
	POOL_TYPE type = rpt_value(t);
	void **blocks = kvcalloc(SMALL_MAX + 1, sizeof(*blocks), GFP_KERNEL);
	unsigned int n;

	if (!EXPECT(t, blocks))
		return;
	for (n = 1; n <= SMALL_MAX; n += STEP) {
		blocks[n] = ExAllocatePoolWithTag(type, n, TAG_SIZES);
		if (!blocks[n]) {
			rpt_fail(t, "%u bytes: NULL", n);
			break;
		}
		if (!IS_ALIGNED((unsigned long)blocks[n], 16))
			rpt_fail(t, "%u bytes: %p is not aligned to 16", n,
				 blocks[n]);
		rpt_fill(blocks[n], n, n);
	}
	for (n = 1; n <= SMALL_MAX; n += STEP) {
		if (!blocks[n])
			break;
		if (!rpt_filled(blocks[n], n, n))
			rpt_fail(t, "%u bytes: block overwritten", n);
		ExFreePoolWithTag(blocks[n], TAG_SIZES);
	}
	kvfree(blocks);
}

static void header(struct rpt *t)
{
	POOL_TYPE type = rpt_value(t);
	u8 want_type = HEADER_IN_USE | (type == PagedPool ? HEADER_PAGED : 0);
	unsigned int n;

	for (n = 1; n <= SMALL_MAX; n += STEP) {
		char *block = ExAllocatePoolWithTag(type, n, 'gniR');
		const struct pool_header *h;

		if (!EXPECT(t, block))
			return;
		h = (void *)(block - sizeof(*h));
		/* A dump shows the tag readable, 12 bytes in front. */
		if (memcmp(block - 12, "Ring", 4))
			rpt_fail(t, "%u bytes: tag is %4ph", n, block - 12);
		if (h->block_size != DIV_ROUND_UP(n, 16) + 1)
			rpt_fail(t, "%u bytes: BlockSize is %u", n,
				 h->block_size);
		if (h->pool_type != want_type)
			rpt_fail(t, "%u bytes: PoolType is 0x%x, expected 0x%x",
				 n, h->pool_type, want_type);
		ExFreePoolWithTag(block, 'gniR');
	}
}

static void page_aligned_from_4065(struct rpt *t)
{
	unsigned int n;

	for (n = SMALL_MAX + 1; n <= PAGE_SIZE + 1; n++) {
		char *block = ExAllocatePoolWithTag(NonPagedPool, n, TAG_SIZES);

		if (!EXPECT(t, block))
			return;
		if (!PAGE_ALIGNED(block))
			rpt_fail(t, "%u bytes: %p is not at a page", n, block);
		ExFreePool(block);
	}
}

static void large_blocks(struct rpt *t, POOL_TYPE type)
{
	size_t n = rpt_value(t);
	char *one = ExAllocatePoolWithTag(type, n, TAG_SIZES);
	char *two = ExAllocatePoolWithTag(type, n, TAG_SIZES);
	size_t at;

	if (EXPECT(t, one) && EXPECT(t, two)) {
		EXPECT(t, PAGE_ALIGNED(one));
		EXPECT(t, PAGE_ALIGNED(two));
		rpt_fill(one, n, 1);
		rpt_fill(two, n, 2);
		EXPECT(t, rpt_filled(one, n, 1));
		EXPECT(t, rpt_filled(two, n, 2));
		/* Each page is contiguous, and the look-up right in it. */
		for (at = 0; at < n; at += PAGE_SIZE - 1)
			if ((u64)MmGetPhysicalAddress(one + at).QuadPart !=
			    rpt_phys(one + at))
				rpt_fail(t, "wrong physical address at %zu",
					 at);
	}
	if (one)
		ExFreePoolWithTag(one, TAG_SIZES);
	if (two)
		ExFreePoolWithTag(two, TAG_SIZES);
}

static void large_nonpaged(struct rpt *t)
{
	large_blocks(t, NonPagedPoolNx);
}

static void large_paged(struct rpt *t)
{
	large_blocks(t, PagedPool);
}

static void contiguous_up_to_a_page(struct rpt *t)
{
	POOL_TYPE type = rpt_value(t);
	unsigned int n, i;

	for (n = 1; n <= PAGE_SIZE; n += STEP) {
		char *block = ExAllocatePoolWithTag(type, n, TAG_SIZES);
		u64 first;

		if (!EXPECT(t, block))
			return;
		first = rpt_phys(block);
		for (i = 0; i < n; i += 16)
			if (rpt_phys(block + i) != first + i)
				rpt_fail(t, "%u bytes: split at %u", n, i);
		if (rpt_phys(block + n - 1) != first + n - 1)
			rpt_fail(t, "%u bytes: split at the end", n);
		if ((u64)MmGetPhysicalAddress(block).QuadPart != first)
			rpt_fail(t, "%u bytes: wrong physical address", n);
		ExFreePool(block);
	}
}

#define MANY	600

/* A free must not take every page-aligned block for one without a header. */
static void small_block_at_a_page(struct rpt *t)
{
	POOL_TYPE type = rpt_value(t);
	void **blocks = kvcalloc(MANY, sizeof(*blocks), GFP_KERNEL);
	unsigned int size, i, found = 0;

	if (!EXPECT(t, blocks))
		return;
	for (size = 16; size <= SMALL_MAX; size += 16 * STEP) {
		/* Enough to fill some slabs of this size. */
		unsigned int many = min(MANY, SZ_128K / (size + 16) + 16);

		for (i = 0; i < many; i++) {
			blocks[i] = ExAllocatePoolWithTag(type, size,
							  TAG_SIZES);
			if (!EXPECT(t, blocks[i]))
				break;
			rpt_fill(blocks[i], size, i);
			found += PAGE_ALIGNED(blocks[i]);
		}
		many = i;
		for (i = 0; i < many; i++) {
			if (!rpt_filled(blocks[i], size, i))
				rpt_fail(t, "%u bytes: block overwritten",
					 size);
			/* Right tag after a wrong one: it must be found. */
			if (PAGE_ALIGNED(blocks[i]) && found < 8) {
				ExFreePoolWithTag(blocks[i], TAG_OTHER);
				EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x0a);
			}
			ExFreePoolWithTag(blocks[i], TAG_SIZES);
		}
		if (rpt_failed(t))
			break;
	}
	kvfree(blocks);
	if (found)
		rpt_note(t, "%u page-aligned small blocks", found);
	else
		rpt_skip(t, "no small block was page-aligned");
}

#define PAGES	(IS_ENABLED(CONFIG_KASAN) ? 512 : 8192)

static bool was_large(void **pages, const void *block)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (pages[i] == block)
			return true;
	return false;
}

/* An address freed as a page is not freed twice when a small block has it. */
static void small_block_where_a_large_one_was(struct rpt *t)
{
	static const size_t sizes[] = { 4064, 2032, 1000, 480, 304, 112 };
	void **pages = kvcalloc(PAGES, sizeof(*pages), GFP_KERNEL);
	void **blocks = kvcalloc(PAGES, sizeof(*blocks), GFP_KERNEL);
	unsigned int i, round, found = 0;

	if (!EXPECT(t, pages && blocks))
		return;
	for (round = 0; round < 2 * ARRAY_SIZE(sizes); round++) {
		POOL_TYPE type = round & 1 ? PagedPool : NonPagedPool;

		for (i = 0; i < PAGES; i++)
			pages[i] = ExAllocatePoolWithTag(type, PAGE_SIZE,
							 TAG_SIZES);
		for (i = 0; i < PAGES; i++)
			ExFreePoolWithTag(pages[i], TAG_SIZES);
		for (i = 0; i < PAGES; i++)
			blocks[i] = ExAllocatePoolWithTag(type,
							  sizes[round / 2],
							  TAG_SIZES);
		for (i = 0; i < PAGES; i++) {
			if (PAGE_ALIGNED(blocks[i]))
				found += was_large(pages, blocks[i]);
			ExFreePoolWithTag(blocks[i], TAG_SIZES);
		}
	}
	kvfree(blocks);
	kvfree(pages);
	if (found)
		rpt_note(t, "%u such blocks", found);
	else
		rpt_skip(t, "no page became small blocks");
}

static const struct rpt_arg zero_sizes[] = {
	{ "1", 1 },
	{ "100", 100 },
	{ "4064", 4064 },
	{ "4065", 4065 },
	{ "4096", 4096 },
	{ "8193", 8193 },
	{ "1M", SZ_1M },
	{ "8M", SZ_8M },
	{ }
};

static void zeroed(struct rpt *t)
{
	static const POOL_TYPE types[] = { NonPagedPool, PagedPool };
	size_t n = rpt_value(t);
	unsigned int i, round;
	char *block;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		for (round = 0; round < 4; round++) {
			/* Leave dirty memory for the next round to find. */
			block = ExAllocatePoolWithTag(types[i], n, TAG_SIZES);
			if (!EXPECT(t, block))
				return;
			memset(block, 0xa5, n);
			ExFreePool(block);

			if (round & 1)
				block = ExAllocatePoolZero(types[i], n,
							   TAG_SIZES);
			else
				block = ExAllocatePoolWithTag(types[i] |
						POOL_ZERO_ALLOCATION, n,
						TAG_SIZES);
			if (!EXPECT(t, block))
				return;
			EXPECT(t, !memchr_inv(block, 0, n));
			memset(block, 0x5a, n);
			ExFreePool(block);
		}
	}
}

static const struct rpt_arg page_sizes[] = {
	{ "64", 64 },
	{ "4096", 4096 },
	{ "64K", SZ_64K },
	{ "8M", SZ_8M },
	{ }
};

static void never_executable(struct rpt *t)
{
	size_t n = rpt_value(t);
	char *block = ExAllocatePoolWithTag(NonPagedPoolExecute, n, TAG_SIZES);
	size_t at;

	if (!EXPECT(t, block))
		return;
	for (at = 0; at < n; at += PAGE_SIZE) {
		if (!EXPECT(t, !rpt_executable(block + at)))
			break;
		if (!EXPECT_EQ(t, rpt_cache(block + at), RPT_WB))
			break;
	}
	ExFreePool(block);
}

static void physical_address(struct rpt *t)
{
	void *page = (void *)__get_free_page(GFP_KERNEL);
	char *area = vmalloc(3 * PAGE_SIZE);
	char *slab = kmalloc(100, GFP_KERNEL);
	static int data;

	if (EXPECT(t, page && area && slab)) {
		EXPECT_EQ(t, MmGetPhysicalAddress(page).QuadPart,
			  page_to_phys(virt_to_page(page)));
		EXPECT_EQ(t, MmGetPhysicalAddress(area + PAGE_SIZE + 7).QuadPart,
			  page_to_phys(vmalloc_to_page(area + PAGE_SIZE)) + 7);
		EXPECT_EQ(t, MmGetPhysicalAddress(slab + 3).QuadPart,
			  rpt_phys(slab) + 3);
		EXPECT_EQ(t, MmGetPhysicalAddress(&data).QuadPart,
			  rpt_phys(&data));
		/* The guard page: nothing is mapped. */
		EXPECT_EQ(t, MmGetPhysicalAddress(area + 3 * PAGE_SIZE).QuadPart,
			  0);
	}
	EXPECT_EQ(t, MmGetPhysicalAddress(NULL).QuadPart, 0);
	EXPECT_EQ(t, MmGetPhysicalAddress((void *)0x8000000000001000).QuadPart,
		  0);
	kfree(slab);
	vfree(area);
	free_page((unsigned long)page);
}

static const struct rpt_case cases[] = {
	{ "every_size_to_4064_is_aligned_to_16", every_small_size, pool_types },
	{ "header_is_that_of_nt_x64", header, pool_types },
	{ "page_aligned_from_4065", page_aligned_from_4065 },
	{ "page_aligned_and_whole_nonpaged", large_nonpaged, large_sizes },
	{ "page_aligned_and_whole_paged", large_paged, large_sizes },
	{ "contiguous_up_to_a_page", contiguous_up_to_a_page, pool_types },
	{ "small_block_at_a_page_boundary", small_block_at_a_page, pool_types },
	{ "small_block_where_a_large_one_was",
	  small_block_where_a_large_one_was },
	{ "zeroed_when_asked", zeroed, zero_sizes },
	{ "never_executable", never_executable, page_sizes },
	{ "physical_address", physical_address },
};

const struct rpt_suite sizes_suite = RPT_SUITE("sizes", cases);
