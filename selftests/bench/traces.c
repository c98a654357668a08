// SPDX-License-Identifier: GPL-2.0
/*
 * What two drivers allocated and freed while they worked, as it was recorded
 * ("make bench-record"), done again with either allocator: the instructions of an
 * allocation with its free, also of single sizes, and the pages taken when most is live.
 */
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <asm/msr.h>

#include "inline.h"
#include "pool.h"

#define ROUNDS	9
#define WARM	2
/* A size that one in so many allocations asks for is counted alone, too; up to this size. */
#define OFTEN	20
#define LARGEST	SZ_8K
/* So much is asked for, at least, where pages are counted. */
#define ASKED	SZ_32M

/* An allocation of so many bytes, or with 0 the free, of the block in this place. */
struct rpb_trace_step {
	u32 size;
	u32 place;
};

struct rpb_trace {
	const char *name;
	const struct rpb_trace_step *steps;
	unsigned int count;
};

/* trace.awk makes them of traces/, and has checked them. */
static const struct rpb_trace_step rpb_nic_steps[] = {
#include "nic_generated.h"
};

static const struct rpb_trace_step rpb_storage_steps[] = {
#include "storage_generated.h"
};

static const struct rpb_trace rpb_nic = {
	"nic", rpb_nic_steps, ARRAY_SIZE(rpb_nic_steps)
};

static const struct rpb_trace rpb_storage = {
	"storage", rpb_storage_steps, ARRAY_SIZE(rpb_storage_steps)
};

static unsigned int rpb_places(const struct rpb_trace *trace)
{
	unsigned int i, places = 0;

	for (i = 0; i < trace->count; i++)
		places = max(places, trace->steps[i].place + 1);
	return places;
}

/*
 * Copies the steps of the blocks of this size, or with 0 of all, and frees what then is
 * live. @sizes has zeroes for all places. Sets @allocations, and returns the steps.
 */
static unsigned int rpb_pick(const struct rpb_trace *trace, u32 size,
			     struct rpb_trace_step *steps, u32 *sizes,
			     unsigned int *allocations)
{
	unsigned int i, count = 0, places = rpb_places(trace);

	*allocations = 0;
	for (i = 0; i < trace->count; i++) {
		const struct rpb_trace_step *step = &trace->steps[i];
		u32 of = step->size ?: sizes[step->place];

		sizes[step->place] = step->size;
		if (size && of != size)
			continue;
		steps[count++] = *step;
		*allocations += step->size > 0;
	}
	for (i = 0; i < places; i++)
		if (sizes[i] && (!size || sizes[i] == size))
			steps[count++].place = i;
	return count;
}

/* Instructions of all steps; 0 without memory. */
static __always_inline u64 rpb_replay(const struct rpb_trace_step *step,
				      const struct rpb_trace_step *end, void **blocks,
				      void *(*alloc)(unsigned long size),
				      void (*release)(void *block))
{
	unsigned long flags;
	u64 start, cost;

	local_irq_save(flags);
	start = rdtsc();
	for (; step < end; step++) {
		void **block = &blocks[step->place];

		if (step->size) {
			*block = alloc(step->size);
			if (unlikely(!*block))
				break;
		} else {
			release(*block);
			*block = NULL;
		}
	}
	cost = rdtsc() - start;
	local_irq_restore(flags);
	return step == end ? cost : 0;
}

static noinline u64 rpb_pool_replay(const struct rpb_trace_step *steps,
				    unsigned int count, void **blocks)
{
	return rpb_replay(steps, steps + count, blocks, rpb_pool_alloc, rpb_pool_free);
}

static noinline u64 rpb_kmalloc_replay(const struct rpb_trace_step *steps,
				       unsigned int count, void **blocks)
{
	return rpb_replay(steps, steps + count, blocks, rpb_kmalloc_alloc,
			  rpb_kmalloc_free);
}

static void rpb_free_all(const struct rpb_allocator *a, void **blocks, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (blocks[i])
			a->free(blocks[i], RPB_TAG);
}

/* Of all sizes with 0. */
static int rpb_count_trace(struct seq_file *m, const struct rpb_trace *trace, u32 size)
{
	unsigned int places = rpb_places(trace), count, allocations, round, side;
	struct rpb_trace_step *steps;
	char variant[24];
	void **blocks;
	u32 *sizes;
	u64 cost = 0;

	steps = kvcalloc(trace->count + places, sizeof(*steps), GFP_KERNEL);
	sizes = kvcalloc(places, sizeof(*sizes), GFP_KERNEL);
	blocks = kvcalloc(places, sizeof(*blocks), GFP_KERNEL);
	if (!steps || !sizes || !blocks)
		goto out;
	count = rpb_pick(trace, size, steps, sizes, &allocations);
	if (size)
		snprintf(variant, sizeof(variant), "%s-%u", trace->name, size);
	else
		strscpy(variant, trace->name, sizeof(variant));
	for (round = 0; round < WARM + ROUNDS; round++) {
		for (side = 0; side < 2; side++) {
			cost = side ? rpb_kmalloc_replay(steps, count, blocks) :
				      rpb_pool_replay(steps, count, blocks);
			if (!cost) {
				rpb_free_all(&rpb_allocators[side], blocks, places);
				goto out;
			}
			if (round >= WARM)
				rpb_sample(m, "trace", variant, rpb_allocators[side].name,
					   "%llu.%02llu", cost / allocations,
					   cost * 100 / allocations % 100);
			cond_resched();
		}
	}
out:
	kvfree(blocks);
	kvfree(sizes);
	kvfree(steps);
	return cost ? 0 : -ENOMEM;
}

static int rpb_count_sizes(struct seq_file *m, const struct rpb_trace *trace)
{
	unsigned int i, size, allocations = 0;
	int err = 0;
	u32 *counts;

	counts = kvcalloc(LARGEST + 1, sizeof(*counts), GFP_KERNEL);
	if (!counts)
		return -ENOMEM;
	for (i = 0; i < trace->count; i++) {
		if (!trace->steps[i].size)
			continue;
		allocations++;
		if (trace->steps[i].size <= LARGEST)
			counts[trace->steps[i].size]++;
	}
	for (size = 1; !err && size <= LARGEST; size++)
		if (counts[size] * OFTEN >= allocations)
			err = rpb_count_trace(m, trace, size);
	kvfree(counts);
	return err;
}

int rpb_show_traces(struct seq_file *m)
{
	static const struct rpb_trace *const traces[] = { &rpb_nic, &rpb_storage };
	int err = rpb_need_icount();
	unsigned int i;

	for (i = 0; !err && i < ARRAY_SIZE(traces); i++)
		err = rpb_count_trace(m, traces[i], 0);
	for (i = 0; !err && i < ARRAY_SIZE(traces); i++)
		err = rpb_count_sizes(m, traces[i]);
	return err;
}

/* Sets @live to the most bytes that are live at once, and returns the steps until then. */
static unsigned int rpb_peak(const struct rpb_trace *trace, u64 *live)
{
	unsigned int i, peak = 0, places = rpb_places(trace);
	u64 now = 0;
	u32 *sizes;

	*live = 0;
	sizes = kvcalloc(places, sizeof(*sizes), GFP_KERNEL);
	if (!sizes)
		return 0;
	for (i = 0; i < trace->count; i++) {
		const struct rpb_trace_step *step = &trace->steps[i];

		now += step->size;
		if (!step->size)
			now -= sizes[step->place];
		sizes[step->place] = step->size;
		if (now > *live) {
			*live = now;
			peak = i + 1;
		}
	}
	kvfree(sizes);
	return peak;
}

/* Does the first @count steps. */
static int rpb_run(const struct rpb_trace *trace, const struct rpb_allocator *a,
		   unsigned int count, void **blocks)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		const struct rpb_trace_step *step = &trace->steps[i];

		if (step->size) {
			blocks[step->place] = a->alloc(step->size, RPB_TAG);
			if (!blocks[step->place])
				return -ENOMEM;
		} else {
			a->free(blocks[step->place], RPB_TAG);
			blocks[step->place] = NULL;
		}
	}
	cond_resched();
	return 0;
}

/*
 * So many drivers of this kind, one after the other, each up to where most is live, that
 * what slabs and magazines happen to have left over does not count.
 */
static int rpb_pages_of(struct seq_file *m, const struct rpb_trace *trace, unsigned int side)
{
	const struct rpb_allocator *a = &rpb_allocators[side];
	unsigned int places = rpb_places(trace), peak, drivers, i;
	unsigned long before;
	void **blocks;
	int err = 0;
	u64 live;

	peak = rpb_peak(trace, &live);
	if (!peak)
		return -ENOMEM;
	drivers = DIV_ROUND_UP(ASKED, (unsigned int)live);
	blocks = kvcalloc(drivers, places * sizeof(*blocks), GFP_KERNEL);
	if (!blocks)
		return -ENOMEM;
	before = rpb_free_pages();
	for (i = 0; !err && i < drivers; i++)
		err = rpb_run(trace, a, peak, &blocks[i * places]);
	if (!err) {
		rpb_sample(m, "taken", trace->name, a->name, "%lu",
			   (before - rpb_free_pages()) * PAGE_SIZE);
		rpb_sample(m, "asked", trace->name, a->name, "%llu", live * drivers);
	}
	rpb_free_all(a, blocks, drivers * places);
	kvfree(blocks);
	return err;
}

int rpb_show_traces_nic(struct seq_file *m)
{
	return rpb_pages_of(m, &rpb_nic, 0);
}

int rpb_show_traces_nic_kmalloc(struct seq_file *m)
{
	return rpb_pages_of(m, &rpb_nic, 1);
}

int rpb_show_traces_storage(struct seq_file *m)
{
	return rpb_pages_of(m, &rpb_storage, 0);
}

int rpb_show_traces_storage_kmalloc(struct seq_file *m)
{
	return rpb_pages_of(m, &rpb_storage, 1);
}
