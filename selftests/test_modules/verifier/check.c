// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks with a pattern behind them, which are held back when they are freed.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "pool/pool_call.h"
#include "special.h"

#define TAG	((ULONG)'KtsT')
#define HELD	1024	/* blocks that are held back */
#define BAD_POOL_HEADER	0x19

static char *allocate(size_t bytes)
{
	return ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG);
}

static void release(void *block)
{
	ExFreePoolWithTag(block, TAG);
}

/* Has the blocks go that are held back now. */
static void displace(struct rpt *t)
{
	unsigned int i;

	for (i = 0; i < HELD; i++) {
		void *block = allocate(16);

		if (!EXPECT(t, block))
			return;
		release(block);
	}
}

static const struct rpt_arg sizes[] = {
	{ "1", 1 },
	{ "15", 15 },
	{ "16", 16 },
	{ "100", 100 },
	{ "2000", 2000 },
	{ "4048", 4048 },
	{ }
};

static void filled(struct rpt *t)
{
	size_t bytes = rpt_value(t);
	struct rpt_row before, after;
	char *block;

	rpt_tag(t, "TstK", false, &before);
	block = allocate(bytes);
	if (!EXPECT(t, block))
		return;
	rpt_tag(t, "TstK", false, &after);
	EXPECT_EQ(t, after.bytes - before.bytes, bytes);
	EXPECT(t, after.used - before.used >= bytes + 32);
	EXPECT(t, !memchr_inv(block, 0xcd, bytes));
	release(block);
	EXPECT(t, !memchr_inv(block, 0xdd, bytes));
	block = ExAllocatePoolZero(NonPagedPoolNx, bytes, TAG);
	if (!EXPECT(t, block))
		return;
	EXPECT(t, !memchr_inv(block, 0, bytes));
	release(block);
}

/* The first byte behind the block, and the last that can belong to nobody else. */
static void written_behind(struct rpt *t)
{
	size_t bytes = rpt_value(t), i;

	for (i = 0; i < 16; i += 15) {
		const struct rpt_violation *v;
		char *block = allocate(bytes);

		if (!EXPECT(t, block))
			return;
		block[bytes + i] = 0x77;
		release(block);
		v = EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x21);
		if (!v)
			return;
		EXPECT(t, rpt_shows(v->p[1], block));
		EXPECT_EQ(t, v->p[2], bytes);
		EXPECT_EQ(t, v->p[3], 0x77);
	}
}

static void written_before(struct rpt *t)
{
	const struct rpt_violation *v;
	char *block = allocate(100);

	if (!EXPECT(t, block))
		return;
	block[-1] ^= 1;
	release(block);
	v = EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x20);
	if (v) {
		EXPECT(t, rpt_shows(v->p[1], block));
		EXPECT_EQ(t, v->p[2], 100);
	}
	/* Its header was made good, and it is counted as freed. */
	release(block);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
}

static void written_when_freed(struct rpt *t)
{
	size_t bytes = rpt_value(t);
	const struct rpt_violation *v;
	char *block = allocate(bytes);

	if (!EXPECT(t, block))
		return;
	release(block);
	block[bytes - 1] = 0x78;
	displace(t);
	v = EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x24);
	if (v) {
		EXPECT(t, rpt_shows(v->p[1], block));
		EXPECT(t, rpt_shows(v->p[2], block + bytes - 1));
		EXPECT_EQ(t, v->p[3], bytes);
	}
}

static void header_written_when_freed(struct rpt *t)
{
	char *block = allocate(100);

	if (!EXPECT(t, block))
		return;
	release(block);
	block[-1] ^= 1;
	displace(t);
	EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x23);
}

/* A second free is seen long after the first. */
static void freed_twice_late(struct rpt *t)
{
	const struct rpt_violation *v;
	char *block = allocate(100);
	unsigned int i;

	if (!EXPECT(t, block))
		return;
	release(block);
	for (i = 0; i < HELD - 1; i++) {
		char *other = allocate(100);

		if (!EXPECT(t, other))
			return;
		EXPECT(t, other != block);
		release(other);
	}
	release(block);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
	if (v)
		EXPECT(t, rpt_shows(v->p[3], block));
}

/* Behind blocks that begin at a cache line, wherever their objects do. */
static void behind_cache_aligned(struct rpt *t)
{
	size_t bytes = rpt_value(t);
	char *blocks[20];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		blocks[i] = ExAllocatePoolWithTag(NonPagedPoolNxCacheAligned,
						  bytes, TAG);
		if (!EXPECT(t, blocks[i]))
			return;
		EXPECT(t, IS_ALIGNED((unsigned long)blocks[i], 64));
		EXPECT(t, !memchr_inv(blocks[i], 0xcd, bytes));
		rpt_fill(blocks[i], bytes, i);
	}
	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		EXPECT(t, rpt_filled(blocks[i], bytes, i));
		if (i % 2)
			blocks[i][bytes] = 0x77;
		release(blocks[i]);
		if (i % 2)
			EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x21);
		EXPECT(t, !memchr_inv(blocks[i], 0xdd, bytes));
	}
	blocks[0][bytes - 1] = 0x78;
	displace(t);
	EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x24);
}

static const struct rpt_arg aligned_sizes[] = {
	{ "1", 1 },
	{ "100", 100 },
	{ "4000", 4000 },
	{ }
};

static void works_in(struct rpt *t)
{
	struct pool_call call = { NonPagedPoolNx, 100, TAG };

	rpt_in_context(rpt_value(t), pool_call_allocate, &call);
	if (!EXPECT(t, call.block))
		return;
	rpt_fill(call.block, 100, 1);
	rpt_in_context(rpt_value(t), pool_call_free, &call);
	EXPECT(t, !memchr_inv(call.block, 0xdd, 100));
}

static const struct rpt_case cases[] = {
	{ "filled", filled, sizes },
	{ "written_behind", written_behind, sizes },
	{ "written_before", written_before },
	{ "written_when_freed", written_when_freed, sizes },
	{ "header_written_when_freed", header_written_when_freed },
	{ "freed_twice_late", freed_twice_late },
	{ "behind_cache_aligned", behind_cache_aligned, aligned_sizes },
	{ "works_in", works_in, rpt_contexts },
};

const struct rpt_suite check_suite = RPT_SUITE("check", cases);
