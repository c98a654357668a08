// SPDX-License-Identifier: GPL-2.0
/*
 * Many allocations, then as many frees. Nothing that a per-CPU list holds is
 * enough for a long one.
 */
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "inline.h"
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

/* Bursts of a length that the compiler knows. */
#define RPB_BURSTS_OF(length)						\
static int rpb_pool_##length(unsigned long size, unsigned int pairs)	\
{									\
	return rpb_burst(size, pairs, length, rpb_pool_alloc,		\
			 rpb_pool_free);				\
}									\
									\
static int rpb_kmalloc_##length(unsigned long size, unsigned int pairs)	\
{									\
	return rpb_burst(size, pairs, length, rpb_kmalloc_alloc,	\
			 rpb_kmalloc_free);				\
}									\
									\
static const struct rpb_side rpb_sides_##length[] = {			\
	{ "ours", rpb_pool_##length },					\
	{ "kmalloc", rpb_kmalloc_##length },				\
}

RPB_BURSTS_OF(16);
RPB_BURSTS_OF(32);
RPB_BURSTS_OF(64);
RPB_BURSTS_OF(256);
RPB_BURSTS_OF(1000);

#define RPB_BURST(length, size)						\
	{ "burst-" #length, size, length < 512 ? 512 : length,		\
	  rpb_sides_##length, ARRAY_SIZE(rpb_sides_##length) }

const struct rpb_case rpb_bursts[] = {
	RPB_BURST(16, 64),
	RPB_BURST(32, 64),
	RPB_BURST(64, 64),
	RPB_BURST(256, 64),
	RPB_BURST(1000, 64),
	RPB_BURST(16, 256),
	RPB_BURST(32, 256),
	RPB_BURST(64, 256),
	RPB_BURST(256, 256),
	RPB_BURST(1000, 256),
	RPB_BURST(16, 1024),
	RPB_BURST(32, 1024),
	RPB_BURST(64, 1024),
	RPB_BURST(256, 1024),
	RPB_BURST(1000, 1024),
	RPB_BURST(16, 2048),
	RPB_BURST(32, 2048),
	RPB_BURST(64, 2048),
	RPB_BURST(256, 2048),
	RPB_BURST(1000, 2048),
	RPB_BURST(16, 4064),
	RPB_BURST(32, 4064),
	RPB_BURST(64, 4064),
	RPB_BURST(256, 4064),
	RPB_BURST(1000, 4064),
	{}
};
