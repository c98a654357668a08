// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of one family given to the free routine of another: refused, each
 * time with that routine's code, and the block lives.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "pages.h"

#define TAG	('FtsT')

enum kind {
	SMALL,
	PAGE,
	LARGE,
	PAGED,
	CONTIGUOUS,
	CONTIGUOUS_UC,
	CONTIGUOUS_WC,
	NONCACHED,
	MAPPED,
};

static const struct rpt_arg kinds[] = {
	{ "small_pool", SMALL },
	{ "page_of_pool", PAGE },
	{ "large_pool", LARGE },
	{ "paged_pool", PAGED },
	{ "contiguous", CONTIGUOUS },
	{ "contiguous_noncached", CONTIGUOUS_UC },
	{ "contiguous_write_combined", CONTIGUOUS_WC },
	{ "noncached", NONCACHED },
	{ "mapped_again", MAPPED },
	{ }
};

static const size_t bytes[] = {
	[SMALL] = 100,
	[PAGE] = 4096,
	[LARGE] = SZ_8M,
	[PAGED] = 5000,
	[CONTIGUOUS] = 8192,
	[CONTIGUOUS_UC] = 8192,
	[CONTIGUOUS_WC] = 8192,
	[NONCACHED] = 8192,
	[MAPPED] = 8192,
};

static bool is_contiguous(enum kind kind)
{
	return kind >= CONTIGUOUS && kind <= CONTIGUOUS_WC;
}

static MEMORY_CACHING_TYPE type_of(enum kind kind)
{
	return kind == CONTIGUOUS ? MmCached :
	       kind == CONTIGUOUS_UC ? MmNonCached : MmWriteCombined;
}

/* The block of MAPPED, which is not freed by that address. */
static void *mapped;

static void *allocate(enum kind kind)
{
	PHYSICAL_ADDRESS lowest = {}, boundary = {};
	PHYSICAL_ADDRESS highest = { .QuadPart = -1 };

	switch (kind) {
	case SMALL:
	case PAGE:
	case LARGE:
		return ExAllocatePoolWithTag(NonPagedPool, bytes[kind], TAG);
	case PAGED:
		return ExAllocatePoolWithTag(PagedPool, bytes[kind], TAG);
	case NONCACHED:
		return MmAllocateNonCachedMemory(bytes[kind]);
	case MAPPED:
		mapped = MmAllocateContiguousMemory(bytes[kind], highest);
		return mapped ? MmMapIoSpace(MmGetPhysicalAddress(mapped),
					     bytes[kind], MmCached) : NULL;
	default:
		return MmAllocateContiguousMemorySpecifyCache(bytes[kind],
				lowest, highest, boundary, type_of(kind));
	}
}

static void release(enum kind kind, void *block)
{
	if (kind <= PAGED)
		ExFreePoolWithTag(block, TAG);
	else if (kind == NONCACHED)
		MmFreeNonCachedMemory(block, bytes[kind]);
	else if (is_contiguous(kind))
		MmFreeContiguousMemorySpecifyCache(block, bytes[kind],
						   type_of(kind));
	else
		MmUnmapIoSpace(block, bytes[kind]);
	if (kind == MAPPED)
		MmFreeContiguousMemory(mapped);
}

static void wrong_routine(struct rpt *t)
{
	enum kind kind = rpt_value(t);
	size_t n = bytes[kind];
	char *block = allocate(kind);

	if (!EXPECT(t, block))
		return;
	rpt_fill(block, n, 4);
	if (kind > PAGED) {
		ExFreePool(block);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
		ExFreePoolWithTag(block, TAG);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
	}
	if (!is_contiguous(kind)) {
		MmFreeContiguousMemory(block);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
		MmFreeContiguousMemorySpecifyCache(block, n, MmCached);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
	}
	if (kind != NONCACHED) {
		MmFreeNonCachedMemory(block, n);
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	}
	if (kind != MAPPED) {
		MmUnmapIoSpace(block, n);
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	}
	EXPECT(t, rpt_filled(block, n, 4));
	release(kind, block);
}

static const struct rpt_case cases[] = {
	{ "wrong_routine_refused_for", wrong_routine, kinds },
};

const struct rpt_suite kinds_suite = RPT_SUITE("kinds", cases);
