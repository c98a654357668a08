// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks that share pages: a small one behind a large one in its last page. None
 * touches another, whoever goes first, and no page stays when all have gone.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <trace/events/kmem.h>

#include "pool.h"

#define SMALL	500
/* 13 pages, of the last of which little is used. */
#define LARGE	50000

static void *get(size_t bytes)
{
	return ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG_HEAP);
}

static void put(void *block)
{
	if (block)
		ExFreePoolWithTag(block, TAG_HEAP);
}

static bool closed(struct rpt *t)
{
	struct rpt_heap before, after;
	void *block;

	rpt_heap(t, &before);
	block = get(5000);
	rpt_heap(t, &after);
	put(block);
	if (before.waiting || after.spans != before.spans)
		return false;
	rpt_skip(t, "no page is shared on this kernel");
	return true;
}

static unsigned long last_page(const void *block, size_t bytes)
{
	return ((unsigned long)block + bytes) & PAGE_MASK;
}

/* Whoever gets pages now may write to all of them. */
static void soil_free_pages(void)
{
	enum { PAGES = 4096 };
	struct page **pages = kvcalloc(PAGES, sizeof(*pages), GFP_KERNEL);
	unsigned int i;

	for (i = 0; pages && i < PAGES; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		if (pages[i])
			memset(page_address(pages[i]), 0xee, PAGE_SIZE);
	}
	for (i = 0; pages && i < PAGES; i++)
		if (pages[i])
			__free_page(pages[i]);
	kvfree(pages);
}

/*
 * Small blocks that the depot keeps from the case before lie where they lay then. It
 * gives them back soon.
 */
static void wait_for_depot(struct rpt *t)
{
	unsigned long end = jiffies + RPT_PATIENCE;
	struct rpt_magazine depot;

	do {
		rpt_depot(t, SMALL, &depot);
		if (!depot.held)
			return;
		msleep(50);
	} while (time_before(jiffies, end));
	rpt_fail(t, "the depot still holds %llu blocks", depot.held);
}

/* Large blocks, and small ones of which some lie behind them. */
struct pairs {
	size_t bytes;
	unsigned int count, smalls;
	char **large, **small;
};

static bool make_pairs(struct rpt *t, struct pairs *p, size_t bytes,
		       unsigned int count)
{
	unsigned int i;

	*p = (struct pairs){
		.bytes = bytes,
		.count = count,
		.smalls = 8 * count,
		.large = kvcalloc(count, sizeof(*p->large), GFP_KERNEL),
		.small = kvcalloc(8 * count, sizeof(*p->small), GFP_KERNEL),
	};
	if (!EXPECT(t, p->large && p->small))
		return false;
	wait_for_depot(t);
	for (i = 0; i < p->count; i++) {
		p->large[i] = get(p->bytes);
		if (!EXPECT(t, p->large[i]))
			return false;
		rpt_fill(p->large[i], p->bytes, i);
	}
	for (i = 0; i < p->smalls; i++) {
		p->small[i] = get(SMALL);
		if (!EXPECT(t, p->small[i]))
			return false;
		rpt_fill(p->small[i], SMALL, ~i);
	}
	return true;
}

static void expect_large_whole(struct rpt *t, const struct pairs *p)
{
	unsigned int i;

	for (i = 0; i < p->count; i++)
		if (p->large[i] && !rpt_filled(p->large[i], p->bytes, i))
			rpt_fail(t, "large block %u overwritten", i);
}

static void expect_small_whole(struct rpt *t, const struct pairs *p)
{
	unsigned int i;

	for (i = 0; i < p->smalls; i++)
		if (p->small[i] && !rpt_filled(p->small[i], SMALL, ~i))
			rpt_fail(t, "small block %u overwritten", i);
}

static void free_large(struct pairs *p)
{
	unsigned int i;

	for (i = 0; p->large && i < p->count; i++) {
		put(p->large[i]);
		p->large[i] = NULL;
	}
}

static void free_small(struct pairs *p)
{
	unsigned int i;

	for (i = 0; p->small && i < p->smalls; i++) {
		put(p->small[i]);
		p->small[i] = NULL;
	}
}

static void drop_pairs(struct pairs *p)
{
	free_large(p);
	free_small(p);
	kvfree(p->large);
	kvfree(p->small);
}

/* How many large blocks have a small one behind them. */
static unsigned int shared(const struct pairs *p)
{
	unsigned int i, k, count = 0;

	for (i = 0; i < p->count; i++)
		for (k = 0; k < p->smalls; k++)
			if (last_page(p->small[k], 0) ==
			    last_page(p->large[i], p->bytes)) {
				count++;
				break;
			}
	return count;
}

static const struct rpt_arg large_sizes[] = {
	{ "5000", 5000 },
	{ "10000", 10000 },
	{ "17000", 17000 },
	{ "50000", LARGE },
	{ }
};

static void large_goes_first(struct rpt *t)
{
	struct pairs p;

	if (closed(t))
		return;
	if (make_pairs(t, &p, rpt_value(t), 128)) {
		/* Not those that fit better elsewhere. */
		EXPECT(t, shared(&p) >= p.count / 2);
		expect_large_whole(t, &p);
		free_large(&p);
		soil_free_pages();
		expect_small_whole(t, &p);
	}
	drop_pairs(&p);
}

static void small_goes_first(struct rpt *t)
{
	struct pairs p;

	if (closed(t))
		return;
	if (make_pairs(t, &p, rpt_value(t), 128)) {
		EXPECT(t, shared(&p) >= p.count / 2);
		expect_small_whole(t, &p);
		free_small(&p);
		soil_free_pages();
		expect_large_whole(t, &p);
	}
	drop_pairs(&p);
}

/* In each page: then the longer part that is free is behind it. */
static void keep_lowest_small(struct pairs *p)
{
	unsigned int i, k;

	for (i = 0; i < p->smalls; i++)
		for (k = 0; p->small[i] && k < p->smalls; k++)
			if (p->small[k] && p->small[k] < p->small[i] &&
			    last_page(p->small[k], 0) ==
			    last_page(p->small[i], 0)) {
				put(p->small[i]);
				p->small[i] = NULL;
			}
}

/* A place in front of a small block is for what fits there, and for that only. */
static void place_used_again(struct rpt *t)
{
	unsigned int again = 0, i;
	struct pairs p;
	size_t bytes;

	if (closed(t))
		return;
	if (make_pairs(t, &p, 5000, 16)) {
		keep_lowest_small(&p);
		for (bytes = 4112; bytes < 8192; bytes += 48) {
			char *was = p.large[0];

			free_large(&p);
			p.bytes = bytes;
			for (i = 0; i < p.count; i++) {
				p.large[i] = get(bytes);
				if (EXPECT(t, p.large[i]))
					rpt_fill(p.large[i], bytes, i);
				again += p.large[i] == was;
			}
			expect_small_whole(t, &p);
			expect_large_whole(t, &p);
			if (rpt_failed(t))
				break;
		}
		EXPECT(t, again > 0);
	}
	drop_pairs(&p);
}

/* Blocks that live on behind others keep few pages of theirs. */
static void places_given_up(struct rpt *t)
{
	unsigned long before, between, pages = 0;
	struct rpt_heap heap;
	struct pairs p;

	if (closed(t))
		return;
	if (make_pairs(t, &p, LARGE, 400)) {
		pages = shared(&p) * (LARGE / PAGE_SIZE);
		before = global_zone_page_state(NR_FREE_PAGES);
		free_large(&p);
		between = global_zone_page_state(NR_FREE_PAGES);
		rpt_heap(t, &heap);
		rpt_note(t, "%lu pages, %ld free again, %llu of %llu wait",
			 pages, between - before, heap.waiting, heap.spans);
		/* How many are free is no test: CPUs keep freed pages, too. */
		EXPECT(t, heap.waiting <= 16 + heap.spans / 22 + 1);
		soil_free_pages();
		expect_small_whole(t, &p);
	}
	drop_pairs(&p);
}

/* Two pages, of the last of which so little is left that only an empty one will do. */
#define NEARLY_TWO	(2 * PAGE_SIZE - 128)

/* Pages without a block wait for another for a while, and go back to the kernel then. */
static void empty_pages_given_back(struct rpt *t)
{
	unsigned long end = jiffies + RPT_PATIENCE;
	struct rpt_heap held, heap;
	void *blocks[20];
	unsigned int i;

	if (closed(t))
		return;
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		blocks[i] = get(NEARLY_TWO);
	rpt_heap(t, &held);
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		put(blocks[i]);
	do {
		msleep(50);
		rpt_heap(t, &heap);
		/* Some may lie before tiny blocks of others, and wait on. */
		if (heap.waiting <= held.waiting + ARRAY_SIZE(blocks) / 4)
			return;
	} while (!rpt_failed(t) && time_before(jiffies, end));
	rpt_fail(t, "%llu wait, %llu of them for too long", heap.waiting,
		 heap.waiting - held.waiting);
}

#define SLOTS	1500
#define ROUNDS	60000

static size_t some_size(struct rnd_state *rnd)
{
	u32 random = prandom_u32_state(rnd);
	u32 bytes = random >> 3;

	switch (random & 7) {
	case 0:
		return 1 + bytes % SZ_64K;
	case 1:
	case 2:
	case 3:
		return 4097 + bytes % 9000;
	case 4:
		return 1 + bytes % 4064;
	default:
		return 1 + bytes % 700;
	}
}

struct slot {
	char *block;
	size_t bytes;
};

static void empty_slot(struct rpt *t, struct slot *slot, u32 seed)
{
	if (!slot->block)
		return;
	if (!rpt_filled(slot->block, slot->bytes, seed))
		rpt_fail(t, "block of %zu bytes overwritten", slot->bytes);
	put(slot->block);
	slot->block = NULL;
}

static void any_order(struct rpt *t)
{
	struct slot *slots = kvcalloc(SLOTS, sizeof(*slots), GFP_KERNEL);
	struct rnd_state rnd;
	unsigned int i;

	if (!EXPECT(t, slots))
		return;
	prandom_seed_state(&rnd, 20261124);
	for (i = 0; i < ROUNDS && !rpt_failed(t); i++) {
		unsigned int at = prandom_u32_state(&rnd) % SLOTS;
		struct slot *slot = &slots[at];

		if (slot->block) {
			empty_slot(t, slot, at);
			continue;
		}
		slot->bytes = some_size(&rnd);
		slot->block = get(slot->bytes);
		if (EXPECT(t, slot->block))
			rpt_fill(slot->block, slot->bytes, at);
		if (!(i % 256))
			cond_resched();
	}
	for (i = 0; i < SLOTS; i++)
		empty_slot(t, &slots[i], i);
	kvfree(slots);
}

/* The task whose frees are traced, unless its tracer is at work. */
static struct task_struct *traced_task;
static unsigned int traced;

static void on_kfree(void *data, unsigned long call_site, const void *freed)
{
	struct task_struct *task = READ_ONCE(traced_task);
	void *blocks[32];
	unsigned int i;

	if (current != task || !in_task())
		return;
	WRITE_ONCE(traced_task, NULL);
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		blocks[i] = get(SMALL);
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		put(blocks[i]);
	traced++;
	WRITE_ONCE(traced_task, task);
}

/* Whoever traces the kernel's frees may use the pool: no lock of it is held then. */
static void traced_by_who_allocates(struct rpt *t)
{
	void *blocks[64];
	unsigned int i;

	if (closed(t))
		return;
	if (!IS_ENABLED(CONFIG_TRACEPOINTS)) {
		rpt_skip(t, "this kernel has no tracepoints");
		return;
	}
	if (!EXPECT_EQ(t, register_trace_kfree(on_kfree, NULL), 0))
		return;
	traced = 0;
	WRITE_ONCE(traced_task, current);
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		blocks[i] = get(LARGE);
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		put(blocks[i]);
	WRITE_ONCE(traced_task, NULL);
	unregister_trace_kfree(on_kfree, NULL);
	tracepoint_synchronize_unregister();
	/* At least the records of the pages that do not wait for another block. */
	EXPECT(t, traced >= ARRAY_SIZE(blocks) / 2);
}

static const struct rpt_case cases[] = {
	{ "empty_pages_are_given_back", empty_pages_given_back },
	{ "small_behind_large_which_goes_first", large_goes_first,
	  large_sizes },
	{ "small_behind_large_and_goes_first", small_goes_first, large_sizes },
	{ "place_before_a_small_block_used_again", place_used_again },
	{ "places_that_wait_are_given_up", places_given_up },
	{ "any_order", any_order },
	{ "traced_by_who_allocates", traced_by_who_allocates },
};

const struct rpt_suite heap_suite = RPT_SUITE("heap", cases);
