// SPDX-License-Identifier: GPL-2.0
/*
 * Contiguous memory: every bound, looked up in what really came.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pages.h"

static const PHYSICAL_ADDRESS any = { .QuadPart = -1 };

static PHYSICAL_ADDRESS physical(u64 address)
{
	return (PHYSICAL_ADDRESS){ .QuadPart = address };
}

enum rpt_cache cache_of(MEMORY_CACHING_TYPE type)
{
	return type == MmCached ? RPT_WB : type == MmWriteCombined ? RPT_WC :
	       RPT_UC;
}

const struct rpt_arg cache_types[] = {
	{ "cached", MmCached },
	{ "noncached", MmNonCached },
	{ "write_combined", MmWriteCombined },
	{ }
};

/* Looks at every page of a block; false when something is wrong. */
static bool check(struct rpt *t, char *block, size_t n, u64 lowest, u64 highest,
		  u64 boundary, MEMORY_CACHING_TYPE type)
{
	u64 first = rpt_phys(block), last = first + n - 1;
	unsigned int before = rpt_failed(t);
	size_t at;

	if (!PAGE_ALIGNED(block) || !PAGE_ALIGNED(first))
		rpt_fail(t, "%p (0x%llx) is not at a page", block, first);
	if (first < lowest || last > highest)
		rpt_fail(t, "0x%llx-0x%llx is outside 0x%llx-0x%llx", first,
			 last, lowest, highest);
	if (boundary && (first ^ last) & ~(boundary - 1))
		rpt_fail(t, "0x%llx-0x%llx crosses a multiple of 0x%llx",
			 first, last, boundary);
	if ((u64)MmGetPhysicalAddress(block).QuadPart != first)
		rpt_fail(t, "wrong physical address");
	for (at = 0; at < n; at += PAGE_SIZE) {
		void *alias = __va(first + at);

		if (rpt_phys(block + at) != first + at) {
			rpt_fail(t, "split at %zu", at);
			break;
		}
		if (rpt_cache(block + at) != cache_of(type)) {
			rpt_fail(t, "%s at %zu",
				 rpt_cache_name(rpt_cache(block + at)), at);
			break;
		}
		/* Nor is there a cached way round. */
		if (type != MmCached && rpt_cache(alias) == RPT_WB) {
			rpt_fail(t, "cached alias at %zu", at);
			break;
		}
	}
	return rpt_failed(t) == before;
}

static void *allocate(size_t n, u64 lowest, u64 highest, u64 boundary,
		      MEMORY_CACHING_TYPE type)
{
	return MmAllocateContiguousMemorySpecifyCache(n, physical(lowest),
						      physical(highest),
						      physical(boundary), type);
}

#define WINDOW	SZ_64M

/*
 * What the page allocator does not have in one piece is searched from the highest
 * address down, for half a second. A slow machine does not get past memory that
 * cannot be moved in that time. So each part of memory has a search of its own.
 */
void *allocate_somewhere(size_t n, MEMORY_CACHING_TYPE type, ULONG node)
{
	u64 end = PFN_PHYS(totalram_pages()), lowest = 0, highest = U64_MAX;
	void *block = NULL;

	while (!block) {
		block = node == MM_ANY_NODE_OK ?
			allocate(n, lowest, highest, 0, type) :
			MmAllocateContiguousMemorySpecifyCacheNode
				(n, physical(lowest), physical(highest),
				 physical(0), type, node);
		if (end < WINDOW)
			break;
		lowest = end - WINDOW;
		highest = end - 1;
		end -= WINDOW / 2;
	}
	return block;
}

/* How many bytes from the first on are cached: all, or those before a page that is not. */
static size_t cached_again(u64 first, size_t bytes)
{
	size_t at;

	for (at = 0; at < bytes; at += PAGE_SIZE)
		if (rpt_cache(__va(first + at)) != RPT_WB)
			return at;
	return bytes;
}

static const struct rpt_arg sizes[] = {
	{ "1", 1 },
	{ "4096", 4096 },
	{ "4097", 4097 },
	{ "12288", 12288 },
	{ "20001", 20001 },
	{ "1M", SZ_1M },
	{ "1M+4096", SZ_1M + 4096 },
	{ "4M", SZ_4M },
	{ "8M", SZ_8M },
	{ }
};

static void sizes_with(struct rpt *t, MEMORY_CACHING_TYPE type)
{
	size_t n = rpt_value(t);
	struct rpt_row before, with;
	char *block;
	u64 first;
	size_t at;

	rpt_family(t, "contiguous", &before);
	block = allocate_somewhere(n, type, MM_ANY_NODE_OK);
	if (!EXPECT(t, block))
		return;
	first = rpt_phys(block);
	check(t, block, n, 0, U64_MAX, 0, type);
	rpt_family(t, "contiguous", &with);
	EXPECT_EQ(t, with.allocs, before.allocs + 1);
	EXPECT_EQ(t, with.diff, before.diff + 1);
	EXPECT_EQ(t, with.bytes, before.bytes + n);
	/* Whole pages, and only the pages that it takes. */
	EXPECT_EQ(t, with.used, before.used + PAGE_ALIGN(n));
	rpt_fill(block, n, 7);
	EXPECT(t, rpt_filled(block, n, 7));
	MmFreeContiguousMemorySpecifyCache(block, n, type);
	at = cached_again(first, n);
	if (at != n)
		rpt_fail(t, "not cached again at %zu", at);
}

static void cached_size(struct rpt *t)
{
	sizes_with(t, MmCached);
}

static void noncached_size(struct rpt *t)
{
	sizes_with(t, MmNonCached);
}

static void write_combined_size(struct rpt *t)
{
	sizes_with(t, MmWriteCombined);
}

static void plain_routine(struct rpt *t)
{
	static const u64 limits[] = {
		0xffffff, 0x3fffffff, 0x1fffffff, 0xffffffff, U64_MAX,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		void *block = MmAllocateContiguousMemory(5000,
							 physical(limits[i]));

		if (!EXPECT(t, block))
			return;
		check(t, block, 5000, 0, limits[i], 0, MmCached);
		MmFreeContiguousMemory(block);
	}
}

struct bound {
	/* Counted from where there is room, or absolute. */
	enum { ABSOLUTE, ROOM } from;
	u64 lowest, highest, boundary;
	size_t bytes;
};

static const struct bound possible[] = {
	{ ABSOLUTE, 0, 0xffffff, 0, 4096 },
	{ ABSOLUTE, 0, 0xffffff, 0, SZ_64K },
	{ ABSOLUTE, 0, U64_MAX, 4096, 4096 },
	{ ABSOLUTE, 0, U64_MAX, 8192, 8192 },
	{ ABSOLUTE, 0, U64_MAX, 8192, 5000 },
	{ ABSOLUTE, 0, U64_MAX, SZ_64K, 20000 },
	{ ABSOLUTE, 0, U64_MAX, SZ_64K, SZ_64K },
	{ ABSOLUTE, 0, U64_MAX, SZ_64K, 36864 },
	{ ABSOLUTE, 0, U64_MAX, SZ_1M, SZ_1M - 4096 },
	{ ABSOLUTE, 0, U64_MAX, SZ_16M, 3 * SZ_1M },
	{ ABSOLUTE, 0, U64_MAX, 1ULL << 32, SZ_1M },
	{ ABSOLUTE, 0, U64_MAX, 1ULL << 62, SZ_64K },
	{ ROOM, 0, ROOM_BYTES - 1, 0, SZ_64K },
	{ ROOM, SZ_1M, SZ_8M - 1, 0, SZ_1M },
	{ ROOM, SZ_1M, ROOM_BYTES - 1, 0, SZ_8M },
	{ ROOM, SZ_4M, U64_MAX, 0, 20000 },
	{ ROOM, SZ_4M - 4095, SZ_8M - 1, 0, 12288 },
	{ ROOM, 12345, SZ_8M - 4321, SZ_64K, 40000 },
	{ ROOM, 0, ROOM_BYTES - 1, SZ_4M, 3 * SZ_1M },
	{ ROOM, 0, ROOM_BYTES - 1, SZ_8M, 5 * SZ_1M },
};

/* Not where the kernel lies. */
u64 find_room(void)
{
	void *block = allocate_somewhere(ROOM_BYTES, MmCached, MM_ANY_NODE_OK);
	u64 room;

	if (!block)
		return 0;
	room = rpt_phys(block);
	MmFreeContiguousMemory(block);
	return room;
}

/* A bound as it is asked for, when the room is known. */
static struct bound bound_in(const struct bound *b, u64 room)
{
	struct bound in = *b;

	if (b->from == ROOM) {
		in.lowest += room;
		if (b->highest != U64_MAX)
			in.highest += room;
	}
	return in;
}

/*
 * A search ends after half a second or 32 places: it may not have got far where
 * the host is busy. What was room a moment ago may hold
 * memory of others that does not move: each try looks for room anew.
 */
static void *allocate_where_there_is_room(const struct bound *b, u64 *room,
					  MEMORY_CACHING_TYPE type)
{
	unsigned int tries;

	for (tries = 0; tries < RPT_ATTEMPTS; tries++) {
		struct bound in = bound_in(b, *room);
		void *block = allocate(in.bytes, in.lowest, in.highest,
				       in.boundary, type);

		if (block)
			return block;
		if (b->from == ROOM)
			*room = find_room();
	}
	return NULL;
}

static void bounds_kept(struct rpt *t)
{
	MEMORY_CACHING_TYPE type = rpt_value(t);
	/*
	 * Linux empties whole pageblocks: few blocks fit where it has to, and a
	 * search ends after half a second or 32 places, which is not far for checkers.
	 */
	enum { MANY = 12, MANY_IN_ROOM = IS_ENABLED(CONFIG_KASAN) ? 1 : 2 };
	u64 room = find_room();
	void *blocks[MANY];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(possible); i++) {
		const struct bound *b = &possible[i];

		/* One may be right by luck: take some at a time. */
		for (j = 0; j < MANY; j++) {
			struct bound in;

			blocks[j] = NULL;
			if (j && (b->bytes > SZ_64K ||
				  (b->from == ROOM && j >= MANY_IN_ROOM)))
				continue;
			blocks[j] = allocate_where_there_is_room(b, &room,
								 type);
			in = bound_in(b, room);
			if (!blocks[j])
				rpt_fail(t, "bound %u, block %u: NULL", i, j);
			else if (!check(t, blocks[j], in.bytes, in.lowest,
					in.highest, in.boundary, type))
				rpt_fail(t, "bound %u, block %u", i, j);
		}
		for (j = 0; j < MANY; j++)
			if (blocks[j])
				MmFreeContiguousMemory(blocks[j]);
	}
}

/* The highest byte allowed is the block's last, the lowest its first. */
static void bounds_inclusive(struct rpt *t)
{
	const size_t n = 4 * PAGE_SIZE;
	unsigned int i;
	u64 room = 0;

	for (i = 0; i < RPT_ATTEMPTS; i++) {
		u64 at;
		char *block;

		/* Others may have taken some of it meanwhile. */
		if (i % 8 == 0)
			room = find_room();
		at = room + i % 8 * SZ_1M;
		block = allocate(n, at, at + n - 1, 0, MmCached);
		if (!block)
			continue;
		EXPECT_EQ(t, rpt_phys(block), at);
		MmFreeContiguousMemory(block);
		/* The same place, and a byte less of it at either end. */
		EXPECT(t, !allocate(n, at + 1, at + n - 1, 0, MmCached));
		EXPECT(t, !allocate(n, at, at + n - 2, 0, MmCached));
		return;
	}
	rpt_fail(t, "no block at exactly its bounds");
}

static const struct bound impossible[] = {
	/* One byte too few, from either side. */
	{ ABSOLUTE, 0x4000000, 0x4003ffe, 0, 0x4000 },
	{ ABSOLUTE, 0x4000001, 0x4003fff, 0, 0x4000 },
	{ ABSOLUTE, 0x4000000, 0x4000ffe, 0, 4096 },
	/* Nothing between. */
	{ ABSOLUTE, 0x5000000, 0x4ffffff, 0, 4096 },
	{ ABSOLUTE, U64_MAX, 0, 0, 4096 },
	{ ABSOLUTE, 0, 0, 0, 4096 },
	{ ABSOLUTE, 0, 4094, 0, 4096 },
	/* No memory that high. */
	{ ABSOLUTE, 1ULL << 50, U64_MAX, 0, 4096 },
	{ ABSOLUTE, U64_MAX - 4095, U64_MAX, 0, 4096 },
	{ ABSOLUTE, U64_MAX, U64_MAX, 0, 4096 },
	/* Not a power of two, less than the size, less than a page. */
	{ ABSOLUTE, 0, U64_MAX, 3, 4096 },
	{ ABSOLUTE, 0, U64_MAX, 12288, 4096 },
	{ ABSOLUTE, 0, U64_MAX, 0x18000, 8192 },
	{ ABSOLUTE, 0, U64_MAX, U64_MAX, 4096 },
	{ ABSOLUTE, 0, U64_MAX, 4096, 8192 },
	{ ABSOLUTE, 0, U64_MAX, 65536, 65537 },
	{ ABSOLUTE, 0, U64_MAX, SZ_1M, SZ_2M },
	{ ABSOLUTE, 0, U64_MAX, 1, 4096 },
	/* More than there is, and sums that wrap. */
	{ ABSOLUTE, 0, U64_MAX, 0, SIZE_MAX },
	{ ABSOLUTE, 0, U64_MAX, 0, SIZE_MAX - 4095 },
	{ ABSOLUTE, 0, U64_MAX, 0, SIZE_MAX / 2 },
	{ ABSOLUTE, 0, U64_MAX, 0, 1UL << 46 },
	{ ABSOLUTE, 0x1000000, 0x3ffffff, 0, SZ_64M },
	{ ABSOLUTE, U64_MAX - SZ_1M, U64_MAX, 0, SZ_2M },
};

static void impossible_bounds(struct rpt *t)
{
	MEMORY_CACHING_TYPE type = rpt_value(t);
	struct rpt_row before, after;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(impossible); i++) {
		const struct bound *b = &impossible[i];
		u64 start = ktime_get_ns();
		void *block;

		rpt_family(t, "contiguous", &before);
		block = allocate(b->bytes, b->lowest, b->highest, b->boundary,
				 type);
		if (ktime_get_ns() - start > RPT_SOON)
			rpt_fail(t, "bound %u took %llu ms", i,
				 (ktime_get_ns() - start) / NSEC_PER_MSEC);
		rpt_family(t, "contiguous", &after);
		if (block) {
			rpt_fail(t, "bound %u was granted at 0x%llx", i,
				 rpt_phys(block));
			MmFreeContiguousMemory(block);
		} else {
			EXPECT_EQ(t, after.failures, before.failures + 1);
		}
	}
}

static const struct rpt_arg reserved_types[] = {
	{ "not_mapped", MmNotMapped },
	{ "hardware_coherent", MmHardwareCoherentCached },
	{ "unordered", MmNonCachedUnordered },
	{ "uswc", MmUSWCCached },
	{ "maximum", MmMaximumCacheType },
	{ "1000", 1000 },
	{ }
};

static void reserved_type(struct rpt *t)
{
	EXPECT(t, !allocate(4096, 0, U64_MAX, 0, rpt_value(t)));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
}

static void zero_bytes(struct rpt *t)
{
	EXPECT(t, !MmAllocateContiguousMemory(0, any));
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x00);
	EXPECT(t, !allocate(0, 0, U64_MAX, 0, MmNonCached));
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x00);
}

struct call {
	size_t bytes;
	MEMORY_CACHING_TYPE type;
	u64 lowest;
	void *block;
};

static void call_allocate(void *arg)
{
	struct call *call = arg;

	call->block = allocate(call->bytes, call->lowest, U64_MAX, 0,
			       call->type);
}

static void call_free(void *arg)
{
	struct call *call = arg;

	MmFreeContiguousMemory(call->block);
}

static void call_free_checked(void *arg)
{
	struct call *call = arg;

	MmFreeContiguousMemorySpecifyCache(call->block, call->bytes,
					   call->type);
}

static void cached_works(struct rpt *t)
{
	static const size_t bytes[] = { 1, 4096, 12288, SZ_64K };
	enum rpt_context context = rpt_value(t);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct call call = { bytes[i], MmCached };

		rpt_in_context(context, call_allocate, &call);
		if (!EXPECT(t, call.block))
			continue;
		check(t, call.block, bytes[i], 0, U64_MAX, 0, MmCached);
		rpt_in_context(context, i & 1 ? call_free : call_free_checked,
			       &call);
		if (context == RPT_HARDIRQ)
			EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x09);
	}
}

/* A search sleeps: where that is not allowed the answer is NULL. */
static void no_search(struct rpt *t)
{
	struct call call = { SZ_8M, MmCached, 0x2000000, &call };

	rpt_in_context(rpt_value(t), call_allocate, &call);
	EXPECT(t, !call.block);
}

static void uncached_refused(struct rpt *t)
{
	static const MEMORY_CACHING_TYPE types[] = {
		MmNonCached, MmWriteCombined,
	};
	enum rpt_context context = rpt_value(t);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct call call = { 4096, types[i], 0, &call };
		const struct rpt_violation *v;

		rpt_in_context(context, call_allocate, &call);
		EXPECT(t, !call.block);
		v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
		if (v) {
			EXPECT_EQ(t, v->p[1], rpt_irql(context));
			EXPECT_EQ(t, v->p[3], 4096);
		}
	}
}

/* The block is gone and its pages cached again, a little later. */
static void uncached_freed(struct rpt *t)
{
	static const MEMORY_CACHING_TYPE types[] = {
		MmNonCached, MmWriteCombined,
	};
	enum rpt_context context = rpt_value(t);
	unsigned int i, tries;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct call call = { 12288, types[i] };
		struct rpt_row before, after;
		u64 first;

		rpt_family(t, "contiguous", &before);
		call_allocate(&call);
		if (!EXPECT(t, call.block))
			return;
		first = rpt_phys(call.block);
		rpt_in_context(context, call_free, &call);
		if (context == RPT_HARDIRQ)
			EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x09);
		for (tries = 0; tries < RPT_TRIES; tries++) {
			rpt_family(t, "contiguous", &after);
			/* The kernel changes one page after the other. */
			if (after.diff == before.diff &&
			    cached_again(first, call.bytes) == call.bytes)
				break;
			rpt_settle(t);
		}
		EXPECT_EQ(t, after.diff, before.diff);
		EXPECT_EQ(t, cached_again(first, call.bytes), call.bytes);
	}
}

static void refused_in_nmi(struct rpt *t)
{
	struct call call = { 4096, MmCached, 0, &call };

	rpt_in_context(RPT_NMI, call_allocate, &call);
	EXPECT(t, !call.block);
	EXPECT_VIOLATIONS(t, 1);
}

static void bad_base(struct rpt *t)
{
	char *block = allocate(20000, 0, U64_MAX, 0, rpt_value(t));
	char *page = (char *)get_zeroed_page(GFP_KERNEL);
	static const u64 wild[] = {
		0, 1, 4096, 0x7fffffffe000, 0x8000000000000000, U64_MAX,
		-4096ULL, 0xffff800000000000, 0xffffffffff600000,
	};
	const struct rpt_violation *v;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wild); i++) {
		MmFreeContiguousMemory((void *)wild[i]);
		v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
		if (v)
			EXPECT(t, rpt_shows(v->p[1], (void *)wild[i]));
		MmFreeContiguousMemorySpecifyCache((void *)wild[i], 4096,
						   MmCached);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
	}
	if (EXPECT(t, block && page)) {
		MmFreeContiguousMemory(page);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
		MmFreeContiguousMemory(&page);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
		MmFreeContiguousMemory(block + 1);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
		MmFreeContiguousMemory(block + PAGE_SIZE);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
		/* The alias in the direct map is not what was returned. */
		if (__va(rpt_phys(block)) != block) {
			MmFreeContiguousMemory(__va(rpt_phys(block)));
			EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
		}
		MmFreeContiguousMemory(block);
		MmFreeContiguousMemory(block);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
	}
	free_page((unsigned long)page);
}

static void free_must_match(struct rpt *t)
{
	MEMORY_CACHING_TYPE type = rpt_value(t);
	MEMORY_CACHING_TYPE other = type == MmCached ? MmNonCached : MmCached;
	struct rpt_row before, after;
	char *block = allocate(5000, 0, U64_MAX, 0, type);

	if (!EXPECT(t, block))
		return;
	rpt_fill(block, 5000, 1);
	rpt_family(t, "contiguous", &before);
	MmFreeContiguousMemorySpecifyCache(block, 5001, type);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	/* What was asked for, not what it was rounded to. */
	MmFreeContiguousMemorySpecifyCache(block, 8192, type);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	MmFreeContiguousMemorySpecifyCache(block, 0, type);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	MmFreeContiguousMemorySpecifyCache(block, 5000, other);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	MmFreeContiguousMemorySpecifyCache(block, 5000, MmMaximumCacheType);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	rpt_family(t, "contiguous", &after);
	EXPECT_EQ(t, after.frees, before.frees);
	EXPECT(t, rpt_filled(block, 5000, 1));
	MmFreeContiguousMemorySpecifyCache(block, 5000, type);
}

static void listed(struct rpt *t)
{
	MEMORY_CACHING_TYPE type = rpt_value(t);
	void *block = allocate(5000, 0, U64_MAX, 0, type);
	char line[128];

	if (!EXPECT(t, block))
		return;
	snprintf(line, sizeof(line), "%p %llx 5000 8192 %s %s+ [%s]", block,
		 rpt_phys(block), rpt_cache_name(cache_of(type)), __func__,
		 KBUILD_MODNAME);
	EXPECT(t, rpt_has_line(t, "contiguous", line));
	MmFreeContiguousMemory(block);
	EXPECT(t, !rpt_has_line(t, "contiguous", "listed+"));
}

static void counted(struct rpt *t)
{
	struct rpt_row before, after;

	rpt_family(t, "contiguous", &before);
	EXPECT(t, !allocate(4096, 1, 0, 0, MmCached));
	MmFreeContiguousMemory(allocate(4096, 0, U64_MAX, 0, MmCached));
	MmFreeContiguousMemory(MmAllocateContiguousMemory(1, any));
	rpt_family(t, "contiguous", &after);
	EXPECT_EQ(t, after.allocs, before.allocs + 2);
	EXPECT_EQ(t, after.frees, before.frees + 2);
	EXPECT_EQ(t, after.failures, before.failures + 1);
}

static const struct rpt_case cases[] = {
	{ "cached_block_of", cached_size, sizes },
	{ "noncached_block_of", noncached_size, sizes },
	{ "write_combined_block_of", write_combined_size, sizes },
	{ "plain_routine_keeps_highest", plain_routine },
	{ "bounds_kept", bounds_kept, cache_types },
	{ "bounds_inclusive", bounds_inclusive },
	{ "impossible_bounds_fail", impossible_bounds, cache_types },
	{ "reserved_type_refused", reserved_type, reserved_types },
	{ "zero_bytes_refused", zero_bytes },
	{ "cached_works_in", cached_works, rpt_contexts },
	{ "no_search_in", no_search, rpt_atomic_contexts },
	{ "uncached_refused_in", uncached_refused, rpt_atomic_contexts },
	{ "uncached_freed_in", uncached_freed, rpt_contexts },
	{ "refused_in_nmi", refused_in_nmi },
	{ "bad_base_refused", bad_base, cache_types },
	{ "free_must_match", free_must_match, cache_types },
	{ "listed", listed, cache_types },
	{ "counted", counted },
};

const struct rpt_suite contiguous_suite = RPT_SUITE("contiguous", cases);
