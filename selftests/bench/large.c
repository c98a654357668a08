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
		pages = alloc_pages(RPB_GFP, order);
		if (!pages)
			return -ENOMEM;
		__free_pages(pages, order);
	}
	return 0;
}

static const struct rpb_side rpb_sides[] = {
	{ "ours", rpb_pool_pairs },
	{ "kmalloc", rpb_kmalloc_pairs },
	{ "alloc_pages", rpb_pages_pairs },
};

#define RPB_CASE(bytes)	\
	{ "large", bytes, RPB_PAIRS, rpb_sides, ARRAY_SIZE(rpb_sides) }

const struct rpb_case rpb_large[] = {
	RPB_CASE(4096),
	RPB_CASE(5120),
	RPB_CASE(8192),
	RPB_CASE(16384),
	RPB_CASE(32768),
	RPB_CASE(65536),
	{}
};
