// SPDX-License-Identifier: GPL-2.0
/*
 * ExAllocatePool2() and its relatives, blocks that begin at a cache line, requests
 * that raise on Windows, ExQueryPoolBlockSize().
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "pool.h"

#define TAG		TAG_FLAGS
#define SHOWN		"TstL"
#define HEADER_ALIGNED	4

/* As the compiler cannot know them, the core reads them. */
static noinline void *allocate_later(POOL_FLAGS flags, size_t bytes)
{
	OPTIMIZER_HIDE_VAR(flags);
	return ExAllocatePool2(flags, bytes, TAG);
}

/* The same request both ways: @_how is 0 or 1. */
#define ALLOCATE(_how, _flags, _bytes) \
	((_how) ? allocate_later(_flags, _bytes) : \
		  ExAllocatePool2(_flags, _bytes, TAG))

static const struct rpt_arg sizes[] = {
	{ "1", 1 },
	{ "16", 16 },
	{ "17", 17 },
	{ "48", 48 },
	{ "64", 64 },
	{ "100", 100 },
	{ "255", 255 },
	{ "1000", 1000 },
	{ "2048", 2048 },
	{ "4015", 4015 },
	{ "4016", 4016 },
	{ "4017", 4017 },
	{ "4063", 4063 },
	{ "4064", 4064 },
	{ "4065", 4065 },
	{ "4096", 4096 },
	{ "5000", 5000 },
	{ "64K", SZ_64K },
	{ "1M", SZ_1M },
	{ }
};

#define LIVE	40

static const POOL_TYPE aligned_types[] = {
	NonPagedPoolCacheAligned,
	NonPagedPoolNxCacheAligned,
	PagedPoolCacheAligned,
};

/* So many at once that their objects begin at all places of a line. */
static void cache_aligned(struct rpt *t)
{
	unsigned int count = rpt_value(t) > SZ_64K ? 2 : LIVE, i, k;
	size_t n = rpt_value(t);
	u8 *blocks[LIVE];

	for (k = 0; k < ARRAY_SIZE(aligned_types); k++) {
		POOL_TYPE type = aligned_types[k];
		bool paged = type & PagedPool;
		struct rpt_row before, after;

		rpt_tag(t, SHOWN, paged, &before);
		for (i = 0; i < count; i++) {
			blocks[i] = ExAllocatePoolWithTag(type, n, TAG);
			if (!EXPECT(t, blocks[i]))
				return;
			EXPECT(t, IS_ALIGNED((unsigned long)blocks[i], 64));
			rpt_fill(blocks[i], n, i + 1);
		}
		rpt_tag(t, SHOWN, paged, &after);
		EXPECT_EQ(t, after.bytes - before.bytes, count * n);
		EXPECT(t, after.used - before.used >= count * n);
		for (i = 0; i < count; i++)
			EXPECT(t, rpt_filled(blocks[i], n, i + 1));
		/* Every other first, so that those that stay have free ones beside. */
		for (i = 0; i < count; i += 2)
			ExFreePoolWithTag(blocks[i], TAG);
		for (i = 1; i < count; i += 2) {
			EXPECT(t, rpt_filled(blocks[i], n, i + 1));
			ExFreePool(blocks[i]);
		}
		rpt_tag(t, SHOWN, paged, &after);
		EXPECT_EQ(t, after.used, before.used);
	}
}

static void cache_aligned_header(struct rpt *t)
{
	unsigned int i;
	u8 *blocks[LIVE];

	for (i = 0; i < LIVE; i++) {
		const struct pool_header *header;

		blocks[i] = ExAllocatePoolWithTag(PagedPoolCacheAligned, 100,
						  TAG);
		if (!EXPECT(t, blocks[i]))
			return;
		header = (void *)(blocks[i] - sizeof(*header));
		EXPECT_EQ(t, header->pool_type,
			  HEADER_PAGED | HEADER_IN_USE | HEADER_ALIGNED);
		EXPECT_EQ(t, header->tag, TAG);
		EXPECT(t, header->previous_size <= 3);
		EXPECT(t, header->block_size * 16 >= 16 + 100);
	}
	for (i = 0; i < LIVE; i++)
		ExFreePool(blocks[i]);
}

static void cache_aligned_bad_frees(struct rpt *t)
{
	static const size_t bytes[] = { 100, 4000, 4020 };
	unsigned int i;
	u8 *block;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		block = ExAllocatePoolWithTag(NonPagedPoolNxCacheAligned,
					      bytes[i], TAG);
		if (!EXPECT(t, block))
			return;
		ExFreePoolWithTag(block, TAG_OTHER);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x0a);
		ExFreePool(block + 16);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x99);
		ExFreePoolWithTag(block, TAG);
		EXPECT_VIOLATIONS(t, 0);
		ExFreePoolWithTag(block, TAG);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
	}
}

/* A header of which half is left is made out, and its block counted as freed. */
static void cache_aligned_damaged(struct rpt *t)
{
	unsigned int i, half;

	for (i = 0; i < 8; i++) {
		for (half = 0; half < 2; half++) {
			const struct rpt_violation *v;
			struct rpt_row before, after;
			u64 *block;

			rpt_tag(t, SHOWN, false, &before);
			block = ExAllocatePoolWithTag(NonPagedPoolCacheAligned,
						      100 + 16 * i, TAG);
			if (!EXPECT(t, block))
				return;
			if (half)
				*(u16 *)(block - 2) = 0x5555;
			else
				block[-2] = 0x5555555555555555;
			ExFreePool(block);
			v = EXPECT_VIOLATION(t, 0x19, 0x20);
			if (!v)
				return;
			EXPECT_EQ(t, v->p[2], 100 + 16 * i);
			rpt_tag(t, SHOWN, false, &after);
			EXPECT_EQ(t, after.diff, before.diff);
			EXPECT_EQ(t, after.used, before.used);
		}
	}
}

static void zeroed(struct rpt *t)
{
	size_t n = rpt_value(t);
	unsigned int how, round;
	u8 *block;

	for (how = 0; how < 2; how++) {
		for (round = 0; round < 4; round++) {
			/* Leave dirty memory for the next round to find. */
			block = ExAllocatePool2(POOL_FLAG_NON_PAGED |
						POOL_FLAG_UNINITIALIZED, n,
						TAG);
			if (!EXPECT(t, block))
				return;
			memset(block, 0xa5, n);
			ExFreePool2(block, TAG, NULL, 0);
			block = ALLOCATE(how, POOL_FLAG_NON_PAGED, n);
			if (!EXPECT(t, block))
				return;
			EXPECT(t, !memchr_inv(block, 0, n));
			memset(block, 0x5a, n);
			ExFreePool2(block, TAG, NULL, 0);
			block = ALLOCATE(how, POOL_FLAG_NON_PAGED |
					 POOL_FLAG_CACHE_ALIGNED, n);
			if (!EXPECT(t, block))
				return;
			EXPECT(t, IS_ALIGNED((unsigned long)block, 64));
			EXPECT(t, !memchr_inv(block, 0, n));
			memset(block, 0x5a, n);
			ExFreePoolWithTag(block, TAG);
		}
	}
}

/* Which pool a block is counted in, whether the compiler knows the flags or not. */
static void pools(struct rpt *t)
{
	unsigned int how;

	for (how = 0; how < 2; how++) {
		struct rpt_row nonpaged, paged, after;
		void *blocks[4];
		unsigned int i;

		rpt_tag(t, SHOWN, false, &nonpaged);
		rpt_tag(t, SHOWN, true, &paged);
		blocks[0] = ALLOCATE(how, POOL_FLAG_NON_PAGED, 100);
		blocks[1] = ALLOCATE(how, POOL_FLAG_NON_PAGED_EXECUTE |
				     POOL_FLAG_USE_QUOTA, 100);
		blocks[2] = ALLOCATE(how, POOL_FLAG_PAGED |
				     POOL_FLAG_UNINITIALIZED, 100);
		blocks[3] = ALLOCATE(how, POOL_FLAG_SPECIAL_POOL |
				     0x8000000000000000 | POOL_FLAG_PAGED, 100);
		rpt_tag(t, SHOWN, false, &after);
		EXPECT_EQ(t, after.diff - nonpaged.diff, 2);
		rpt_tag(t, SHOWN, true, &after);
		EXPECT_EQ(t, after.diff - paged.diff, 2);
		for (i = 0; i < ARRAY_SIZE(blocks); i++) {
			if (EXPECT(t, blocks[i]))
				ExFreePoolWithTag(blocks[i], TAG);
		}
	}
}

static void pool_type_for_flags(struct rpt *t)
{
	static const POOL_FLAGS types[] = {
		NonPagedPool, PagedPool, NonPagedPoolNx,
		NonPagedPoolCacheAligned, NonPagedPoolNxCacheAligned,
		NonPagedPoolNx | POOL_ZERO_ALLOCATION,
	};
	static const char words[] = "a POOL_TYPE, where POOL_FLAGS belong";
	const struct rpt_violation *v;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT(t, !ExAllocatePool2(types[i], 100, TAG));
		v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION,
				     0x16);
		if (!v)
			return;
		EXPECT_EQ(t, v->p[1], types[i]);
		EXPECT(t, strstr(v->text, words));
	}
	EXPECT(t, !ExAllocatePool2(POOL_FLAG_UNINITIALIZED, 100, TAG));
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	if (v)
		EXPECT(t, !strstr(v->text, words));
	/* And the other way round. */
	EXPECT(t, !ExAllocatePoolWithTag((POOL_TYPE)POOL_FLAG_NON_PAGED, 100,
					 TAG));
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	if (v)
		EXPECT(t, strstr(v->text, "POOL_FLAGS are for ExAllocatePool2"));
}

static void extended_parameters(struct rpt *t)
{
	POOL_EXTENDED_PARAMETER parameters[3] = {
		{ .Type = PoolExtendedParameterPriority,
		  .Priority = HighPoolPriority },
		{ .Type = PoolExtendedParameterNumaNode,
		  .PreferredNode = POOL_NODE_ANY },
		{ .Type = PoolExtendedParameterSecurePool, .Optional = 1 },
	};
	void *block;

	static_assert(sizeof(POOL_EXTENDED_PARAMETER) == 16);
	block = ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, parameters, 3);
	if (EXPECT(t, block))
		ExFreePool2(block, TAG, NULL, 0);
	block = ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, NULL, 0);
	if (!EXPECT(t, block))
		return;
	/* Not of an ordinary block. */
	ExFreePool2(block, TAG, parameters, 1);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
	ExFreePool2(block, TAG, NULL, 0);

	parameters[2].Optional = 0;
	EXPECT(t, !ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, parameters, 3));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	EXPECT(t, !ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, NULL, 1));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
}

/* On a machine with one node all pool is of it. There is none of a node in particular. */
static void of_a_node(struct rpt *t)
{
	POOL_EXTENDED_PARAMETER node = {
		.Type = PoolExtendedParameterNumaNode,
		.PreferredNode = first_memory_node,
	};
	void *block = ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, &node, 1);

	if (num_node_state(N_MEMORY) == 1) {
		if (EXPECT(t, block))
			ExFreePoolWithTag(block, TAG);
	} else {
		EXPECT(t, !block);
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	}
	node.Optional = 1;
	block = ExAllocatePool3(POOL_FLAG_PAGED, 100, TAG, &node, 1);
	if (EXPECT(t, block))
		ExFreePoolWithTag(block, TAG);
	EXPECT_VIOLATIONS(t, 0);
}

/* What leaves less than an eighth of memory is for those only who need it. */
static void low_priority(struct rpt *t)
{
	size_t total = totalram_pages() << PAGE_SHIFT;
	size_t available = si_mem_available() << PAGE_SHIFT;
	POOL_EXTENDED_PARAMETER low = {
		.Type = PoolExtendedParameterPriority,
		.Priority = LowPoolPriority,
	};
	struct rpt_row before, after;
	size_t much;
	void *block;

	rpt_tag(t, SHOWN, true, &before);
	block = ExAllocatePoolPriorityZero(PagedPool, 100, TAG,
					   LowPoolPrioritySpecialPoolOverrun);
	if (EXPECT(t, block))
		ExFreePool(block);
	if (available < total / 4) {
		rpt_skip(t, "memory is short already");
		return;
	}
	much = available - total / 11;
	EXPECT(t, !ExAllocatePoolWithTagPriority(PagedPool, much, TAG,
						 LowPoolPriority));
	EXPECT(t, !ExAllocatePool3(POOL_FLAG_PAGED | POOL_FLAG_UNINITIALIZED,
				   much, TAG, &low, 1));
	rpt_tag(t, SHOWN, true, &after);
	EXPECT_EQ(t, after.failures - before.failures, 2);
	/* KASAN takes an eighth more than the block. */
	if (IS_ENABLED(CONFIG_KASAN_VMALLOC))
		return;
	block = ExAllocatePoolPriorityUninitialized(PagedPool, much, TAG,
						    NormalPoolPriority);
	if (EXPECT(t, block))
		ExFreePool(block);
}

/* The shell looks for the lines. */
static void raising(struct rpt *t)
{
	const size_t much = 1UL << 40;
	void *block;

	EXPECT(t, !ExAllocatePoolWithTag(NonPagedPool |
					 POOL_RAISE_IF_ALLOCATION_FAILURE,
					 much, TAG));
	EXPECT(t, !ExAllocatePoolWithQuotaTag(PagedPool, much, TAG));
	EXPECT(t, !ExAllocatePool2(POOL_FLAG_RAISE_ON_FAILURE |
				   POOL_FLAG_PAGED, much, TAG));
	block = ExAllocatePoolQuotaZero(NonPagedPoolNx, 100, TAG);
	if (EXPECT(t, block)) {
		EXPECT(t, !memchr_inv(block, 0, 100));
		ExFreePool(block);
	}
	EXPECT_VIOLATIONS(t, 0);
}

/* The same for requests that are refused for their other arguments. */
static void raising_without_parameters(struct rpt *t)
{
	EXPECT(t, !ExAllocatePool3(POOL_FLAG_RAISE_ON_FAILURE |
				   POOL_FLAG_NON_PAGED, 100, TAG, NULL, 1));
	EXPECT_VIOLATIONS(t, 1);
}

static void raising_by_priority(struct rpt *t)
{
	EXPECT(t, !ExAllocatePoolWithTagPriority(NonPagedPoolNx |
						 POOL_RAISE_IF_ALLOCATION_FAILURE,
						 100, TAG, 99));
	EXPECT_VIOLATIONS(t, 1);
}

/* No line of these. */
static void not_raising(struct rpt *t)
{
	const size_t much = 1UL << 40;

	EXPECT(t, !ExAllocatePoolQuotaUninitialized(PagedPool |
				POOL_QUOTA_FAIL_INSTEAD_OF_RAISE, much, TAG));
	EXPECT(t, !ExAllocatePool2(POOL_FLAG_USE_QUOTA | POOL_FLAG_PAGED, much,
				   TAG));
	EXPECT(t, !ExAllocatePoolWithTag(PagedPool, much, TAG));
}

static void untagged(struct rpt *t)
{
	struct rpt_row before, after;
	void *block, *other;

	rpt_tag(t, "None", true, &before);
	block = ExAllocatePool(PagedPool, 100);
	other = ExAllocatePoolWithQuota(PagedPool, 100);
	rpt_tag(t, "None", true, &after);
	EXPECT_EQ(t, after.diff - before.diff, 2);
	if (EXPECT(t, block))
		ExFreePoolWithTag(block, 'enoN');
	if (EXPECT(t, other))
		ExFreePool(other);
}

static void block_size(struct rpt *t)
{
	size_t n = rpt_value(t), want;
	BOOLEAN charged = FALSE;
	void *block;

	block = ExAllocatePoolWithQuotaTag(NonPagedPoolNx, n, TAG);
	if (!EXPECT(t, block))
		return;
	want = n > SMALL_MAX ? PAGE_ALIGN(n) : ALIGN(n, 16);
	/* Of a small block that begins at a page nobody could tell. */
	if (!PAGE_ALIGNED(block) || n <= 4016 || n > SMALL_MAX) {
		EXPECT_EQ(t, ExQueryPoolBlockSize(block, &charged), want);
		EXPECT_EQ(t, charged, TRUE);
	}
	EXPECT_EQ(t, ExQueryPoolBlockSize(block + 16, &charged), 0);
	ExFreePool(block);
	EXPECT_EQ(t, ExQueryPoolBlockSize(block, &charged), 0);
	EXPECT_EQ(t, ExQueryPoolBlockSize(NULL, &charged), 0);
}

struct call {
	void *block;
};

static void allocate_aligned(void *arg)
{
	struct call *call = arg;

	call->block = ExAllocatePool2(POOL_FLAG_NON_PAGED |
				      POOL_FLAG_CACHE_ALIGNED, 200, TAG);
}

static void allocate_special(void *arg)
{
	struct call *call = arg;

	call->block = ExAllocatePool2(POOL_FLAG_NON_PAGED |
				      POOL_FLAG_SPECIAL_POOL, 200, TAG);
}

static void release(void *arg)
{
	struct call *call = arg;

	ExFreePool2(call->block, TAG, NULL, 0);
}

static void works_in(struct rpt *t)
{
	struct call call = {};

	rpt_in_context(rpt_value(t), allocate_aligned, &call);
	if (!EXPECT(t, call.block))
		return;
	EXPECT(t, IS_ALIGNED((unsigned long)call.block, 64));
	EXPECT(t, !memchr_inv(call.block, 0, 200));
	rpt_fill(call.block, 200, 1);
	rpt_in_context(rpt_value(t), release, &call);
	rpt_in_context(rpt_value(t), allocate_special, &call);
	if (!EXPECT(t, call.block))
		return;
	EXPECT(t, !memchr_inv(call.block, 0, 200));
	rpt_in_context(rpt_value(t), release, &call);
}

static const struct rpt_case cases[] = {
	{ "cache_aligned", cache_aligned, sizes },
	{ "cache_aligned_header", cache_aligned_header },
	{ "cache_aligned_bad_frees", cache_aligned_bad_frees },
	{ "cache_aligned_damaged", cache_aligned_damaged },
	{ "zeroed", zeroed, sizes },
	{ "pools", pools },
	{ "pool_type_for_flags", pool_type_for_flags },
	{ "extended_parameters", extended_parameters },
	{ "of_a_node", of_a_node },
	{ "low_priority", low_priority },
	{ "raising", raising },
	{ "raising_without_parameters", raising_without_parameters },
	{ "raising_by_priority", raising_by_priority },
	{ "not_raising", not_raising },
	{ "untagged", untagged },
	{ "block_size", block_size, sizes },
	{ "works_in", works_in, rpt_contexts },
};

const struct rpt_suite flags_suite = RPT_SUITE("flags", cases);
