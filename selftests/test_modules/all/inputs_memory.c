// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of all kinds for an address to be of, ours and others'.
 */
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "inputs.h"

#define SEED	11

static u64 data[16];
static const u64 rodata[16] = { 1, 2, 3 };
static DEFINE_PER_CPU(u64, one_per_cpu);

MEMORY_CACHING_TYPE memory_cache(enum memory memory)
{
	return memory == CONTIGUOUS_UC ? MmNonCached :
	       memory == CONTIGUOUS_WC ? MmWriteCombined : MmCached;
}

static void *contiguous(size_t bytes, MEMORY_CACHING_TYPE type)
{
	PHYSICAL_ADDRESS highest = { .QuadPart = -1 }, none = {};

	return MmAllocateContiguousMemorySpecifyCache(bytes, none, highest,
						      none, type);
}

static void *make(struct thing *thing)
{
	size_t bytes = thing->is->bytes;

	switch (thing->is->memory) {
	case ADDRESS:
		return NULL;
	case NONPAGED:
		return ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG_INPUT);
	case PAGED:
		return ExAllocatePoolWithTag(PagedPool, bytes, TAG_INPUT);
	case CONTIGUOUS:
	case CONTIGUOUS_UC:
	case CONTIGUOUS_WC:
		return contiguous(bytes, memory_cache(thing->is->memory));
	case NONCACHED:
		return MmAllocateNonCachedMemory(bytes);
	case SLAB:
		return kmalloc(bytes, GFP_KERNEL);
	case PAGES:
		return alloc_pages_exact(bytes, GFP_KERNEL);
	case VMALLOC:
		return vmalloc(bytes);
	case STACK:
		return thing->stack;
	case DATA:
		return data;
	case RODATA:
		return (void *)rodata;
	case TEXT:
		return (void *)thing_make;
	case KERNEL_TEXT:
		return (void *)_printk;
	case TASK_STRUCT:
		return current;
	case MODULE_STRUCT:
		return THIS_MODULE;
	case STRUCT_PAGE:
		return virt_to_page(current);
	case PERCPU:
		return per_cpu_ptr(&one_per_cpu, 0);
	case PERCPU_OFFSET:
		return (void *)(__force unsigned long)alloc_percpu(u64);
	case DEVICE:
		/* The local APIC; every x86-64 machine has it there. */
		return (void __force *)ioremap(0xfee00000, PAGE_SIZE);
	}
	return NULL;
}

static void give_back(struct thing *thing)
{
	size_t bytes = thing->is->bytes;
	enum memory memory = thing->is->memory;

	switch (memory) {
	case NONPAGED:
	case PAGED:
		ExFreePoolWithTag(thing->base, TAG_INPUT);
		break;
	case CONTIGUOUS:
	case CONTIGUOUS_UC:
	case CONTIGUOUS_WC:
		MmFreeContiguousMemorySpecifyCache(thing->base, bytes,
						   memory_cache(memory));
		break;
	case NONCACHED:
		MmFreeNonCachedMemory(thing->base, bytes);
		break;
	case SLAB:
		kfree(thing->base);
		break;
	case PAGES:
		free_pages_exact(thing->base, bytes);
		break;
	case VMALLOC:
		vfree(thing->base);
		break;
	case PERCPU_OFFSET:
		free_percpu((void __percpu *)(__force unsigned long)thing->base);
		break;
	case DEVICE:
		iounmap((void __iomem __force *)thing->base);
		break;
	default:
		break;
	}
}

bool thing_is_block(const struct thing *thing)
{
	return thing->is->memory >= NONPAGED && thing->is->memory <= VMALLOC;
}

bool thing_make(struct rpt *t, struct thing *thing, const struct subject *is)
{
	memset(thing, 0, sizeof(*thing));
	thing->is = is;
	thing->base = make(thing);
	if (!thing->base && is->memory != ADDRESS) {
		rpt_fail(t, "no memory of kind %d, %zu bytes", is->memory,
			 is->bytes);
		return false;
	}
	if (is->freed)
		give_back(thing);
	else if (thing_is_block(thing))
		rpt_fill(thing->base, is->bytes, SEED);
	return true;
}

void *thing_address(const struct thing *thing)
{
	return (void *)((unsigned long)thing->base + thing->is->offset);
}

void thing_drop(struct rpt *t, struct thing *thing, bool gone)
{
	if (gone || thing->is->freed)
		return;
	if (thing_is_block(thing))
		EXPECT(t, rpt_filled(thing->base, thing->is->bytes, SEED));
	EXPECT(t, !memchr_inv(thing->stack, 0, sizeof(thing->stack)));
	EXPECT(t, !memchr_inv(data, 0, sizeof(data)));
	give_back(thing);
}
