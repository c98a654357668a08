// SPDX-License-Identifier: GPL-2.0
/*
 * Many allocations, then as many frees. Nothing that a per-CPU list holds is
 * enough for a long one.
 */
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "pool.h"

#define LONGEST	1000

/* Used with interrupts off on one processor. */
static void *rpb_blocks[LONGEST];

static __always_inline int
rpb_burst(unsigned long size, unsigned int pairs, unsigned int length,
	  void *(*alloc)(unsigned long size), void (*release)(void *block))
{
	unsigned int made, i;
	int err = 0;

	for (; pairs && !err; pairs -= min(pairs, length)) {
		for (made = 0; made < min(pairs, length); made++) {
			rpb_blocks[made] = alloc(size);
			if (!rpb_blocks[made]) {
				err = -ENOMEM;
				break;
			}
		}
		for (i = 0; i < made; i++)
			release(rpb_blocks[i]);
	}
	return err;
}

static __always_inline void *rpb_pool_alloc(unsigned long size)
{
	return ExAllocatePoolWithTag(NonPagedPool, size, RPB_TAG);
}

static __always_inline void rpb_pool_free(void *block)
{
	ExFreePoolWithTag(block, RPB_TAG);
}

static __always_inline void *rpb_kmalloc_alloc(unsigned long size)
{
	OPTIMIZER_HIDE_VAR(size);
	return kmalloc(size, rpb_gfp);
}

static __always_inline void rpb_kmalloc_free(void *block)
{
	kfree(block);
}

static int rpb_pool_64(unsigned long size, unsigned int pairs)
{
	return rpb_burst(size, pairs, 64, rpb_pool_alloc,
			 rpb_pool_free);
}

static int rpb_kmalloc_64(unsigned long size, unsigned int pairs)
{
	return rpb_burst(size, pairs, 64, rpb_kmalloc_alloc,
			 rpb_kmalloc_free);
}

static int rpb_pool_1000(unsigned long size, unsigned int pairs)
{
	return rpb_burst(size, pairs, 1000, rpb_pool_alloc,
			 rpb_pool_free);
}

static int rpb_kmalloc_1000(unsigned long size, unsigned int pairs)
{
	return rpb_burst(size, pairs, 1000, rpb_kmalloc_alloc,
			 rpb_kmalloc_free);
}

static const struct rpb_side rpb_sides_64[] = {
	{ "ours", rpb_pool_64 },
	{ "kmalloc", rpb_kmalloc_64 },
};

static const struct rpb_side rpb_sides_1000[] = {
	{ "ours", rpb_pool_1000 },
	{ "kmalloc", rpb_kmalloc_1000 },
};

#define RPB_SHORT(size)	\
	{ "burst-64", size, 64 * 8, rpb_sides_64, ARRAY_SIZE(rpb_sides_64) }
#define RPB_LONG(size)	\
	{ "burst-1000", size, 1000, rpb_sides_1000, ARRAY_SIZE(rpb_sides_1000) }

const struct rpb_case rpb_bursts[] = {
	RPB_SHORT(64),
	RPB_SHORT(256),
	RPB_SHORT(1024),
	RPB_SHORT(4064),
	RPB_LONG(64),
	RPB_LONG(256),
	RPB_LONG(1024),
	RPB_LONG(4064),
	{}
};
