// SPDX-License-Identifier: GPL-2.0
/*
 * A small block allocated, and freed at once.
 */
#include <linux/compiler.h>
#include <linux/kernel.h>

#include "pool.h"

int rpb_pool_pairs(unsigned long size, unsigned int pairs)
{
	void *block;

	while (pairs--) {
		block = ExAllocatePoolWithTag(NonPagedPool, size, RPB_TAG);
		if (!block)
			return -ENOMEM;
		ExFreePoolWithTag(block, RPB_TAG);
	}
	return 0;
}

/* A size that the compiler does not know, as the C face's always is. */
int rpb_kmalloc_pairs(unsigned long size, unsigned int pairs)
{
	void *block;

	while (pairs--) {
		OPTIMIZER_HIDE_VAR(size);
		block = kmalloc(size, RPB_GFP);
		if (!block)
			return -ENOMEM;
		kfree(block);
	}
	return 0;
}

static int rpb_cache_pairs(unsigned long size, unsigned int pairs)
{
	struct kmem_cache *cache = rpb_cache(size);
	void *block;

	while (pairs--) {
		block = kmem_cache_alloc(cache, RPB_GFP);
		if (!block)
			return -ENOMEM;
		kmem_cache_free(cache, block);
	}
	return 0;
}

/* A size that the compiler knows: kmalloc finds its cache without looking. */
#define RPB_SIDES(bytes)						\
static int rpb_const_pairs_##bytes(unsigned long size, unsigned int pairs) \
{									\
	void *block;							\
									\
	while (pairs--) {						\
		block = kmalloc(bytes, RPB_GFP);			\
		if (!block)						\
			return -ENOMEM;					\
		kfree(block);						\
	}								\
	return 0;							\
}									\
									\
static const struct rpb_side rpb_sides_##bytes[] = {			\
	{ "ours", rpb_pool_pairs },					\
	{ "kmalloc", rpb_kmalloc_pairs },				\
	{ "kmalloc-const", rpb_const_pairs_##bytes },			\
	{ "kmem_cache", rpb_cache_pairs },				\
};
RPB_SIZES(RPB_SIDES)

#define RPB_CASE(bytes)							\
	{ "pair", bytes, RPB_PAIRS, rpb_sides_##bytes,			\
	  ARRAY_SIZE(rpb_sides_##bytes) },

const struct rpb_case rpb_pairs[] = {
	RPB_SIZES(RPB_CASE)
	{}
};
