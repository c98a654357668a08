// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks of a page and more, allocated, and freed at once.
 */
#include <linux/kernel.h>
#include <linux/mm.h>

#include "pool.h"

static int rpb_pages_pairs(unsigned long size, unsigned int pairs)
{
	unsigned int order = get_order(size);
	struct page *pages;

	while (pairs--) {
		pages = alloc_pages(rpb_gfp, order);
		if (!pages)
			return -ENOMEM;
		__free_pages(pages, order);
	}
	return 0;
}

static void *rpb_pages_hold(unsigned long size)
{
	return alloc_pages(rpb_gfp, get_order(size));
}

static void rpb_pages_release(unsigned long size, void *pages)
{
	__free_pages(pages, get_order(size));
}

static const struct rpb_side rpb_sides[] = {
	{ "ours", rpb_pool_pairs, rpb_pool_hold, rpb_pool_release },
	{ "kmalloc", rpb_kmalloc_pairs, rpb_kmalloc_hold, rpb_kmalloc_release },
	{ "alloc_pages", rpb_pages_pairs, rpb_pages_hold, rpb_pages_release },
};

#define RPB_LARGE(size)	\
	{ "large", size, RPB_PAIRS, rpb_sides, ARRAY_SIZE(rpb_sides) }

const struct rpb_case rpb_large[] = {
	RPB_LARGE(4096),
	RPB_LARGE(5120),
	RPB_LARGE(8192),
	RPB_LARGE(16384),
	RPB_LARGE(32768),
	RPB_LARGE(65536),
	{}
};
