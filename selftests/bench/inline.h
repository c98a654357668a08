/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two allocators as inline functions, for loops whose instructions are
 * counted: a call by way of rpb_allocators[] would be counted, too.
 */
#ifndef RP_BENCH_INLINE_H
#define RP_BENCH_INLINE_H

#include <linux/compiler.h>

#include "pool.h"

static __always_inline void *rpb_pool_alloc(unsigned long size)
{
	return ExAllocatePoolWithTag(NonPagedPool, size, RPB_TAG);
}

static __always_inline void rpb_pool_free(void *block)
{
	ExFreePoolWithTag(block, RPB_TAG);
}

/* A size that the compiler does not know, as the C API's always is. */
static __always_inline void *rpb_kmalloc_alloc(unsigned long size)
{
	OPTIMIZER_HIDE_VAR(size);
	return kmalloc(size, rpb_gfp);
}

static __always_inline void rpb_kmalloc_free(void *block)
{
	kfree(block);
}

#endif /* RP_BENCH_INLINE_H */
