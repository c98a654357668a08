// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks that are charged to a process: what says so, whom an interrupt and a thread of the
 * kernel charge, and that they are pool in every other respect. What the kernel charges,
 * and what a limit does, is for pool_quota.sh.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pool.h"

#define TAG		TAG_QUOTA
#define SHOWN		"TstR"
#define HEADER_CHARGED	8
#define BAD_POOL_HEADER	0x19

/* A size whose objects have 224 bytes, which kmalloc has none of. */
#define BYTES		200
#define OBJECT		224

static const struct rpt_arg sizes[] = {
	{ "1", 1 },
	{ "100", 100 },
	{ "2000", 2000 },
	{ "4064", 4064 },
	{ "4065", 4065 },
	{ "4096", 4096 },
	{ "5000", 5000 },
	{ "12288", 12288 },
	{ "64K", SZ_64K },
	{ "100000", 100000 },
	{ "1M", SZ_1M },
	{ }
};

static bool is_charged(void *block)
{
	BOOLEAN charged = 2;

	ExQueryPoolBlockSize(block, &charged);
	return charged == TRUE;
}

static u8 type_of(void *block)
{
	return ((struct pool_header *)block)[-1].pool_type;
}

static void said(struct rpt *t)
{
	size_t n = rpt_value(t);
	struct rpt_row before, after;
	unsigned int k;

	for (k = 0; k < 2; k++) {
		POOL_TYPE type = k ? PagedPool : NonPagedPoolNx;
		char *block, *plain;

		rpt_tag(t, SHOWN, k, &before);
		block = ExAllocatePoolWithQuotaTag(type, n, TAG);
		plain = ExAllocatePoolWithTag(type, n, TAG);
		if (!EXPECT(t, block && plain))
			return;
		EXPECT(t, is_charged(block));
		EXPECT(t, !is_charged(plain));
		if (n <= SMALL_MAX) {
			EXPECT_EQ(t, type_of(block), HEADER_IN_USE | k |
						     HEADER_CHARGED);
			EXPECT_EQ(t, type_of(plain), HEADER_IN_USE | k);
			EXPECT(t, IS_ALIGNED((unsigned long)block, 16));
		} else {
			EXPECT(t, PAGE_ALIGNED(block));
		}
		rpt_fill(block, n, 1);
		rpt_fill(plain, n, 2);
		EXPECT(t, rpt_filled(block, n, 1));
		rpt_tag(t, SHOWN, k, &after);
		EXPECT_EQ(t, after.diff - before.diff, 2);
		EXPECT_EQ(t, after.bytes - before.bytes, 2 * n);
		EXPECT(t, after.used - before.used >= 2 * n);
		ExFreePoolWithTag(block, TAG);
		ExFreePool(plain);
		rpt_tag(t, SHOWN, k, &after);
		EXPECT_EQ(t, after.bytes, before.bytes);
		EXPECT_EQ(t, after.used, before.used);
	}
	EXPECT_VIOLATIONS(t, 0);
}

static noinline void *allocate_later(POOL_FLAGS flags, size_t bytes)
{
	OPTIMIZER_HIDE_VAR(flags);
	return ExAllocatePool2(flags, bytes, TAG);
}

static void by_flags(struct rpt *t)
{
	POOL_EXTENDED_PARAMETER any = {
		.Type = PoolExtendedParameterNumaNode,
		.PreferredNode = POOL_NODE_ANY,
	};
	const POOL_FLAGS flags = POOL_FLAG_USE_QUOTA | POOL_FLAG_NON_PAGED;
	void *blocks[] = {
		ExAllocatePool2(flags, 100, TAG),
		allocate_later(flags, 100),
		ExAllocatePool2(flags | POOL_FLAG_CACHE_ALIGNED, 100, TAG),
		ExAllocatePool3(flags, 100, TAG, &any, 1),
		ExAllocatePoolQuotaZero(NonPagedPoolNx, 100, TAG),
		ExAllocatePoolWithQuota(NonPagedPoolNx, 100),
	};
	/* This modifier says what a failure does, not who pays. */
	char *plain = ExAllocatePoolWithTag(NonPagedPoolNx |
					    POOL_QUOTA_FAIL_INSTEAD_OF_RAISE,
					    100, TAG);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		if (!EXPECT(t, blocks[i]))
			return;
		EXPECT(t, is_charged(blocks[i]));
		EXPECT(t, type_of(blocks[i]) & HEADER_CHARGED);
		if (i < 5)
			EXPECT(t, !memchr_inv(blocks[i], 0, 100));
	}
	EXPECT(t, IS_ALIGNED((unsigned long)blocks[2], 64));
	EXPECT(t, plain && !is_charged(plain));
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		ExFreePool(blocks[i]);
	if (plain)
		ExFreePool(plain);
	/* Nor does anybody pay for what is no block. */
	EXPECT(t, !is_charged(t));
	EXPECT(t, !is_charged(NULL));
	EXPECT_VIOLATIONS(t, 0);
}

struct call {
	size_t bytes;
	void *block;
};

static void allocate(void *arg)
{
	struct call *call = arg;

	call->block = ExAllocatePoolWithQuotaTag(NonPagedPoolNx, call->bytes,
						 TAG);
}

static void release(void *arg)
{
	struct call *call = arg;

	ExFreePoolWithTag(call->block, TAG);
}

static void context(struct rpt *t)
{
	static const size_t bytes[] = { 100, 4000, 4096, 12000, 100000 };
	enum rpt_context context = rpt_value(t);
	bool process = context != RPT_SOFTIRQ && context != RPT_HARDIRQ;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct call call = { .bytes = bytes[i] };

		rpt_in_context(context, allocate, &call);
		if (!EXPECT(t, call.block))
			return;
		EXPECT_EQ(t, is_charged(call.block), process);
		rpt_in_context(context, release, &call);
		/* And where nothing may sleep what was allocated where it may. */
		allocate(&call);
		if (!EXPECT(t, call.block))
			return;
		EXPECT(t, is_charged(call.block));
		rpt_in_context(context, release, &call);
	}
	rpt_settle(t);
	EXPECT_VIOLATIONS(t, 0);
}

static void by_kernel_thread(struct rpt *t)
{
	struct call call = { .bytes = 100 };
	struct rpt_errand errand;

	if (!EXPECT(t, rpt_send(&errand, allocate, &call)))
		return;
	wait_for_completion(&errand.done);
	if (!EXPECT(t, call.block))
		return;
	EXPECT(t, !is_charged(call.block));
	EXPECT_EQ(t, type_of(call.block), HEADER_IN_USE);
	release(&call);
	/* But it may free a block that is charged to another. */
	allocate(&call);
	if (!EXPECT(t, call.block && is_charged(call.block)))
		return;
	if (EXPECT(t, rpt_send(&errand, release, &call)))
		wait_for_completion(&errand.done);
	EXPECT_VIOLATIONS(t, 0);
}

/* What a block is charged for is not kept for others. */
static void never_in_a_magazine(struct rpt *t)
{
	static const size_t bytes[] = { BYTES, 2000, 4096, SZ_16K };
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct rpt_magazine before, after;

		rpt_magazine(t, bytes[i], &before);
		for (k = 0; k < 5; k++) {
			void *block = ExAllocatePoolWithQuotaTag(PagedPool,
								 bytes[i], TAG);

			if (EXPECT(t, block))
				ExFreePool(block);
		}
		rpt_magazine(t, bytes[i], &after);
		EXPECT(t, after.held <= before.held);
	}
}

static const struct rpt_arg freed[] = {
	{ "200", BYTES },
	{ "5000", 5000 },
	{ "16K", SZ_16K },
	{ "100000", 100000 },
	{ }
};

/* The work item makes the cache that the objects of this size come from. */
static char *from_the_cache(struct rpt *t, size_t bytes)
{
	unsigned int try;

	for (try = 0; try < RPT_TRIES; try++) {
		char *block = ExAllocatePoolWithQuotaTag(NonPagedPoolNx, bytes,
							 TAG);

		if (!block || bytes != BYTES || ksize(block - 16) == OBJECT) {
			EXPECT(t, block);
			return block;
		}
		ExFreePool(block);
		msleep(20);
	}
	rpt_fail(t, "no cache was made");
	return NULL;
}

static void freed_badly(struct rpt *t)
{
	size_t n = rpt_value(t);
	char *block = from_the_cache(t, n);

	if (!block)
		return;
	ExFreePoolWithTag(block, TAG_OTHER);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x0a);
	ExFreePool(block + 32);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x99);
	EXPECT(t, is_charged(block));
	ExFreePoolWithTag(block, TAG);
	/* The checkers of the debug kernel write to what is free. */
	if (IS_ENABLED(CONFIG_KASAN)) {
		EXPECT_VIOLATIONS(t, 0);
		return;
	}
	/* At once: to read the statistics, the kernel may use the memory again. */
	EXPECT(t, !is_charged(block));
	ExFreePoolWithTag(block, TAG);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
}

/* A header of which half is left is made out, and its block counted as freed. */
static void damaged(struct rpt *t)
{
	unsigned int half;

	for (half = 0; half < 2; half++) {
		const struct rpt_violation *v;
		struct rpt_row before, after;
		u64 *block;

		rpt_tag(t, SHOWN, false, &before);
		block = (u64 *)from_the_cache(t, BYTES);
		if (!block)
			return;
		if (half)
			*(u16 *)(block - 1) = 0x5555;
		else
			block[-2] = 0x5555555555555555;
		ExFreePool(block);
		v = EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x20);
		if (!v)
			return;
		EXPECT_EQ(t, v->p[2], BYTES);
		rpt_tag(t, SHOWN, false, &after);
		EXPECT_EQ(t, after.diff, before.diff);
		EXPECT_EQ(t, after.used, before.used);
	}
}

static const struct rpt_case cases[] = {
	{ "said", said, sizes },
	{ "by_flags", by_flags },
	{ "context", context, rpt_contexts },
	{ "kernel_thread", by_kernel_thread },
	{ "never_in_a_magazine", never_in_a_magazine },
	{ "freed_badly", freed_badly, freed },
	{ "damaged", damaged },
};

const struct rpt_suite quota_suite = RPT_SUITE("quota", cases);
