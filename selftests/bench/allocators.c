// SPDX-License-Identifier: GPL-2.0
/*
 * The two that are compared, by function pointers.
 */
#include "pool.h"

static void *rpb_pool_alloc(size_t bytes, u32 tag)
{
	return ExAllocatePoolWithTag(NonPagedPool, bytes, tag);
}

static void rpb_pool_free(void *block, u32 tag)
{
	ExFreePoolWithTag(block, tag);
}

static void *rpb_kmalloc_alloc(size_t bytes, u32 tag)
{
	return kmalloc(bytes, rpb_gfp);
}

static void rpb_kmalloc_free(void *block, u32 tag)
{
	kfree(block);
}

const struct rpb_allocator rpb_allocators[2] = {
	{ "ours", rpb_pool_alloc, rpb_pool_free },
	{ "kmalloc", rpb_kmalloc_alloc, rpb_kmalloc_free },
};
