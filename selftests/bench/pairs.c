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

void *rpb_pool_hold(unsigned long size)
{
	return ExAllocatePoolWithTag(NonPagedPool, size, RPB_TAG);
}

void rpb_pool_release(unsigned long size, void *block)
{
	ExFreePoolWithTag(block, RPB_TAG);
}

/* A size that the compiler does not know, as the C API's always is. */
int rpb_kmalloc_pairs(unsigned long size, unsigned int pairs)
{
	void *block;

	while (pairs--) {
		OPTIMIZER_HIDE_VAR(size);
		block = kmalloc(size, rpb_gfp);
		if (!block)
			return -ENOMEM;
		kfree(block);
	}
	return 0;
}

void *rpb_kmalloc_hold(unsigned long size)
{
	return kmalloc(size, rpb_gfp);
}

void rpb_kmalloc_release(unsigned long size, void *block)
{
	kfree(block);
}

static __always_inline int rpb_const(unsigned long size, unsigned int pairs)
{
	void *block;

	while (pairs--) {
		block = kmalloc(size, rpb_gfp);
		if (!block)
			return -ENOMEM;
		kfree(block);
	}
	return 0;
}

/* A size that the compiler knows: kmalloc finds its cache without looking. */
static int rpb_const_pairs(unsigned long size, unsigned int pairs)
{
	switch (size) {
	case 16:
		return rpb_const(16, pairs);
	case 24:
		return rpb_const(24, pairs);
	case 32:
		return rpb_const(32, pairs);
	case 48:
		return rpb_const(48, pairs);
	case 64:
		return rpb_const(64, pairs);
	case 96:
		return rpb_const(96, pairs);
	case 128:
		return rpb_const(128, pairs);
	case 192:
		return rpb_const(192, pairs);
	case 256:
		return rpb_const(256, pairs);
	case 384:
		return rpb_const(384, pairs);
	case 512:
		return rpb_const(512, pairs);
	case 768:
		return rpb_const(768, pairs);
	case 1024:
		return rpb_const(1024, pairs);
	case 1536:
		return rpb_const(1536, pairs);
	case 2048:
		return rpb_const(2048, pairs);
	case 3072:
		return rpb_const(3072, pairs);
	case 4064:
		return rpb_const(4064, pairs);
	default:
		return -EINVAL;
	}
}

static int rpb_cache_pairs(unsigned long size, unsigned int pairs)
{
	struct kmem_cache *cache = rpb_cache(size);
	void *block;

	while (pairs--) {
		block = kmem_cache_alloc(cache, rpb_gfp);
		if (!block)
			return -ENOMEM;
		kmem_cache_free(cache, block);
	}
	return 0;
}

static void *rpb_cache_hold(unsigned long size)
{
	return kmem_cache_alloc(rpb_cache(size), rpb_gfp);
}

static void rpb_cache_release(unsigned long size, void *block)
{
	kmem_cache_free(rpb_cache(size), block);
}

static const struct rpb_side rpb_sides[] = {
	{ "ours", rpb_pool_pairs, rpb_pool_hold, rpb_pool_release },
	{ "kmalloc", rpb_kmalloc_pairs, rpb_kmalloc_hold, rpb_kmalloc_release },
	{ "kmalloc-const", rpb_const_pairs, rpb_kmalloc_hold,
	  rpb_kmalloc_release },
	{ "kmem_cache", rpb_cache_pairs, rpb_cache_hold, rpb_cache_release },
};

#define RPB_PAIR(size)	\
	{ "pair", size, RPB_PAIRS, rpb_sides, ARRAY_SIZE(rpb_sides) }

const struct rpb_case rpb_pairs[RPB_SIZES + 1] = {
	RPB_PAIR(16),
	RPB_PAIR(24),
	RPB_PAIR(32),
	RPB_PAIR(48),
	RPB_PAIR(64),
	RPB_PAIR(96),
	RPB_PAIR(128),
	RPB_PAIR(192),
	RPB_PAIR(256),
	RPB_PAIR(384),
	RPB_PAIR(512),
	RPB_PAIR(768),
	RPB_PAIR(1024),
	RPB_PAIR(1536),
	RPB_PAIR(2048),
	RPB_PAIR(3072),
	RPB_PAIR(4064),
};

/* Few sizes, without the other sides: measure.sh turns the verifier on first. */
#define RPB_VERIFIED(size)	\
	{ "verified", size, RPB_PAIRS, rpb_sides, 2 }

const struct rpb_case rpb_verified[] = {
	RPB_VERIFIED(64),
	RPB_VERIFIED(1024),
	{}
};

/* The other sizes take the same path. */
int rpb_show_steps(struct seq_file *m)
{
	const struct rpb_case *c;
	int err = 0;

	for (c = rpb_pairs; !err && c->measure; c++) {
		if (c->size == 16 || c->size == 64 || c->size == 1024 || c->size == 4064)
			err = rpb_steps(m, c);
	}
	return err;
}
