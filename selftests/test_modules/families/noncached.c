// SPDX-License-Identifier: GPL-2.0
/*
 * Noncached memory: no cached way to it while it lives, cached when it is gone.
 */
#include <linux/cache.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pages.h"

static const struct rpt_arg sizes[] = {
	{ "1", 1 },
	{ "100", 100 },
	{ "4096", 4096 },
	{ "4097", 4097 },
	{ "20000", 20000 },
	{ "1M", SZ_1M },
	{ "9M", 9 * SZ_1M },
	{ }
};

/* Where the pages are, to look at them when the block is gone. */
static u64 *frames_of(const char *block, size_t n)
{
	u64 *frames = kvcalloc(DIV_ROUND_UP(n, PAGE_SIZE), sizeof(*frames),
			       GFP_KERNEL);
	size_t at;

	for (at = 0; frames && at < n; at += PAGE_SIZE)
		frames[at >> PAGE_SHIFT] = rpt_phys(block + at);
	return frames;
}

static void uncached_then_cached(struct rpt *t)
{
	size_t n = rpt_value(t), at;
	struct rpt_row before, with;
	char *block;
	u64 *frames;

	rpt_family(t, "noncached", &before);
	block = MmAllocateNonCachedMemory(n);
	if (!EXPECT(t, block))
		return;
	rpt_family(t, "noncached", &with);
	EXPECT_EQ(t, with.allocs, before.allocs + 1);
	EXPECT_EQ(t, with.diff, before.diff + 1);
	EXPECT_EQ(t, with.bytes, before.bytes + n);
	EXPECT_EQ(t, with.used, before.used + PAGE_ALIGN(n));
	EXPECT(t, IS_ALIGNED((unsigned long)block, L1_CACHE_BYTES));
	EXPECT(t, PAGE_ALIGNED(block));

	frames = frames_of(block, n);
	for (at = 0; EXPECT(t, frames) && at < n; at += PAGE_SIZE) {
		void *alias = __va(frames[at >> PAGE_SHIFT]);

		if (rpt_cache(block + at) != RPT_UC ||
		    rpt_cache(alias) == RPT_WB) {
			rpt_fail(t, "at %zu: %s, in the direct map %s", at,
				 rpt_cache_name(rpt_cache(block + at)),
				 rpt_cache_name(rpt_cache(alias)));
			break;
		}
		if ((u64)MmGetPhysicalAddress(block + at).QuadPart !=
		    frames[at >> PAGE_SHIFT]) {
			rpt_fail(t, "at %zu: wrong physical address", at);
			break;
		}
	}
	rpt_fill(block, n, 3);
	EXPECT(t, rpt_filled(block, n, 3));

	MmFreeNonCachedMemory(block, n);
	for (at = 0; frames && at < n; at += PAGE_SIZE)
		if (rpt_cache(__va(frames[at >> PAGE_SHIFT])) != RPT_WB) {
			rpt_fail(t, "at %zu: not cached again", at);
			break;
		}
	kvfree(frames);
}

/* Alternating with cached use, attributes must follow each time. */
static void again_and_again(struct rpt *t)
{
	unsigned int i;

	for (i = 0; i < 50; i++) {
		char *block = MmAllocateNonCachedMemory(3 * PAGE_SIZE);
		void *page;

		if (!EXPECT(t, block))
			return;
		EXPECT_EQ(t, rpt_cache(block), RPT_UC);
		EXPECT_EQ(t, rpt_cache(block + 2 * PAGE_SIZE), RPT_UC);
		MmFreeNonCachedMemory(block, 3 * PAGE_SIZE);
		page = (void *)__get_free_page(GFP_KERNEL);
		if (page)
			EXPECT_EQ(t, rpt_cache(page), RPT_WB);
		free_page((unsigned long)page);
	}
}

static const struct rpt_arg impossible[] = {
	{ "SIZE_MAX", SIZE_MAX },
	{ "SIZE_MAX-4094", SIZE_MAX - 4094 },
	{ "SIZE_MAX-4095", SIZE_MAX - 4095 },
	{ "half_of_SIZE_MAX", SIZE_MAX / 2 },
	{ "2^48", 1UL << 48 },
	{ "2^44", 1UL << 44 },
	{ "2^43-1", (1UL << 43) - 1 },
	{ "2^38", 1UL << 38 },
	{ }
};

static void too_much(struct rpt *t)
{
	struct rpt_row before, after;
	u64 start = ktime_get_ns();

	rpt_family(t, "noncached", &before);
	EXPECT(t, !MmAllocateNonCachedMemory(rpt_value(t)));
	EXPECT(t, ktime_get_ns() - start < RPT_SOON);
	rpt_family(t, "noncached", &after);
	EXPECT_EQ(t, after.failures, before.failures + 1);
}

static void more_than_there_is(struct rpt *t)
{
	size_t ram = (size_t)totalram_pages() << PAGE_SHIFT;

	EXPECT(t, !MmAllocateNonCachedMemory(ram));
	EXPECT(t, !MmAllocateNonCachedMemory(2 * ram));
	EXPECT(t, !MmAllocateNonCachedMemory((size_t)si_mem_available()
					     << PAGE_SHIFT));
}

static void zero_bytes(struct rpt *t)
{
	EXPECT(t, !MmAllocateNonCachedMemory(0));
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x00);
}

struct call {
	size_t bytes;
	void *block;
};

static void allocate(void *arg)
{
	struct call *call = arg;

	call->block = MmAllocateNonCachedMemory(call->bytes);
}

static void release(void *arg)
{
	struct call *call = arg;

	MmFreeNonCachedMemory(call->block, call->bytes);
}

static void refused(struct rpt *t)
{
	struct call call = { 5000, &call };
	const struct rpt_violation *v;

	rpt_in_context(rpt_value(t), allocate, &call);
	EXPECT(t, !call.block);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
	if (v) {
		EXPECT_EQ(t, v->p[1], rpt_irql(rpt_value(t)));
		EXPECT_EQ(t, v->p[3], 5000);
	}
}

static void free_reported_and_done(struct rpt *t)
{
	struct call call = { 5000 };
	const struct rpt_violation *v;
	struct rpt_row before, after;
	unsigned int tries;
	u64 frame;

	rpt_family(t, "noncached", &before);
	allocate(&call);
	if (!EXPECT(t, call.block))
		return;
	frame = rpt_phys(call.block);
	rpt_in_context(rpt_value(t), release, &call);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x09);
	if (v) {
		EXPECT_EQ(t, v->p[1], rpt_irql(rpt_value(t)));
		EXPECT(t, rpt_shows(v->p[3], call.block));
	}
	for (tries = 0; tries < RPT_TRIES; tries++) {
		rpt_family(t, "noncached", &after);
		if (after.diff == before.diff && after.used == before.used &&
		    rpt_cache(__va(frame)) == RPT_WB)
			break;
		rpt_settle(t);
	}
	EXPECT_EQ(t, after.diff, before.diff);
	EXPECT_EQ(t, after.used, before.used);
	EXPECT_EQ(t, rpt_cache(__va(frame)), RPT_WB);
}

static void refused_in_nmi(struct rpt *t)
{
	struct call call = { 4096, &call };

	rpt_in_context(RPT_NMI, allocate, &call);
	EXPECT(t, !call.block);
	EXPECT_VIOLATIONS(t, 1);
}

static void refuse_free(struct rpt *t, const void *base, size_t n)
{
	const struct rpt_violation *v;

	MmFreeNonCachedMemory((void *)base, n);
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	if (!v)
		rpt_note(t, "base %p, %zu bytes", base, n);
}

static void bad_free(struct rpt *t)
{
	static const u64 wild[] = {
		0, 1, 4096, 0x7fffffffe000, 0x8000000000000000, U64_MAX,
		-4096ULL, 0xffff800000000000, 0xffffffffff600000,
	};
	char *block = MmAllocateNonCachedMemory(5000);
	void *page = (void *)get_zeroed_page(GFP_KERNEL);
	struct rpt_row before, after;
	unsigned int i;

	if (!EXPECT(t, block && page))
		return;
	rpt_fill(block, 5000, 1);
	rpt_family(t, "noncached", &before);
	for (i = 0; i < ARRAY_SIZE(wild); i++)
		refuse_free(t, (void *)wild[i], 4096);
	refuse_free(t, page, PAGE_SIZE);
	refuse_free(t, &page, 8);
	/* The size that was asked for, no other. */
	refuse_free(t, block, 0);
	refuse_free(t, block, 4999);
	refuse_free(t, block, 5001);
	refuse_free(t, block, 8192);
	refuse_free(t, block, SIZE_MAX);
	refuse_free(t, block + 1, 4999);
	refuse_free(t, block + PAGE_SIZE, 904);
	/* Not the way to its pages that is left in the direct map. */
	refuse_free(t, __va(rpt_phys(block)), 5000);
	rpt_family(t, "noncached", &after);
	EXPECT_EQ(t, after.frees, before.frees);
	EXPECT(t, rpt_filled(block, 5000, 1));
	EXPECT_EQ(t, rpt_cache(block), RPT_UC);

	MmFreeNonCachedMemory(block, 5000);
	refuse_free(t, block, 5000);
	free_page((unsigned long)page);
}

static void listed(struct rpt *t)
{
	void *block = MmAllocateNonCachedMemory(5000);
	char line[128];

	if (!EXPECT(t, block))
		return;
	snprintf(line, sizeof(line), "%p 5000 8192 uc %s+ [%s]", block,
		 __func__, KBUILD_MODNAME);
	EXPECT(t, rpt_has_line(t, "noncached", line));
	MmFreeNonCachedMemory(block, 5000);
	EXPECT(t, !rpt_has_line(t, "noncached", "listed+"));
}

static const struct rpt_case cases[] = {
	{ "uncached_then_cached_again", uncached_then_cached, sizes },
	{ "again_and_again", again_and_again },
	{ "fails_for", too_much, impossible },
	{ "fails_for_more_than_there_is", more_than_there_is },
	{ "zero_bytes_refused", zero_bytes },
	{ "refused_in", refused, rpt_atomic_contexts },
	{ "free_reported_and_done_in", free_reported_and_done,
	  rpt_atomic_contexts },
	{ "refused_in_nmi", refused_in_nmi },
	{ "bad_free_refused", bad_free },
	{ "listed", listed },
};

const struct rpt_suite noncached_suite = RPT_SUITE("noncached", cases);
