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

static unsigned int rpb_allocations(const struct rpb_trace *trace)
{
	unsigned int i, allocations = 0;

	for (i = 0; i < trace->count; i++)
		allocations += trace->steps[i].size > 0;
	return allocations;
}

/* Instructions of all steps, and of freeing what then is live; 0 without memory. */
static __always_inline u64 rpb_replay(const struct rpb_trace *trace, void **blocks,
				      unsigned int places,
				      void *(*alloc)(unsigned long size),
				      void (*release)(void *block))
{
	const struct rpb_trace_step *step = trace->steps;
	const struct rpb_trace_step *end = step + trace->count;
	unsigned long flags;
	bool failed = false;
	unsigned int i;
	u64 start, cost;

	local_irq_save(flags);
	start = rdtsc();
	for (; step < end; step++) {
		void **block = &blocks[step->place];

		if (step->size) {
			*block = alloc(step->size);
			if (unlikely(!*block)) {
				failed = true;
				break;
			}
		} else {
			release(*block);
			*block = NULL;
		}
	}
	for (i = 0; i < places; i++) {
		if (blocks[i])
			release(blocks[i]);
		blocks[i] = NULL;
	}
	cost = rdtsc() - start;
	local_irq_restore(flags);
	return failed ? 0 : cost;
}

static noinline u64 rpb_pool_replay(const struct rpb_trace *trace, void **blocks,
				    unsigned int places)
{
	return rpb_replay(trace, blocks, places, rpb_pool_alloc, rpb_pool_free);
}

static noinline u64 rpb_kmalloc_replay(const struct rpb_trace *trace, void **blocks,
				       unsigned int places)
{
	return rpb_replay(trace, blocks, places, rpb_kmalloc_alloc, rpb_kmalloc_free);
}

static int rpb_count_trace(struct seq_file *m, const struct rpb_trace *trace)
{
	unsigned int allocations = rpb_allocations(trace), places = rpb_places(trace);
	unsigned int round, side;
	void **blocks;
	u64 cost = 1;

	blocks = kvcalloc(places, sizeof(*blocks), GFP_KERNEL);
	if (!blocks)
		return -ENOMEM;
	for (round = 0; cost && round < WARM + ROUNDS; round++) {
		for (side = 0; cost && side < 2; side++) {
			cost = side ? rpb_kmalloc_replay(trace, blocks, places) :
				      rpb_pool_replay(trace, blocks, places);
			if (cost && round >= WARM)
				rpb_sample(m, "trace", trace->name, rpb_allocators[side].name,
					   "%llu.%02llu", cost / allocations,
					   cost * 100 / allocations % 100);
			cond_resched();
		}
	}
	kvfree(blocks);
	return cost ? 0 : -ENOMEM;
}

/* Only the blocks of this size. */
static int rpb_count_size(struct seq_file *m, const struct rpb_trace *trace, u32 size)
{
	struct rpb_trace only = { .name = NULL };
	struct rpb_trace_step *steps;
	char name[24];
	unsigned int i;
	u32 *sizes;
	int err = -ENOMEM;

	steps = kvcalloc(trace->count, sizeof(*steps), GFP_KERNEL);
	sizes = kvcalloc(rpb_places(trace), sizeof(*sizes), GFP_KERNEL);
	if (steps && sizes) {
		for (i = 0; i < trace->count; i++) {
			const struct rpb_trace_step *step = &trace->steps[i];

			if (step->size)
				sizes[step->place] = step->size;
			if (sizes[step->place] == size)
				steps[only.count++] = *step;
		}
		snprintf(name, sizeof(name), "%s-%u", trace->name, size);
		only.name = name;
		only.steps = steps;
		err = rpb_count_trace(m, &only);
	}
	kvfree(sizes);
	kvfree(steps);
	return err;
}

static int rpb_count_sizes(struct seq_file *m, const struct rpb_trace *trace)
{
	unsigned int i, size, allocations = rpb_allocations(trace);
	int err = 0;
	u32 *counts;

	counts = kvcalloc(LARGEST + 1, sizeof(*counts), GFP_KERNEL);
	if (!counts)
		return -ENOMEM;
	for (i = 0; i < trace->count; i++)
		if (trace->steps[i].size <= LARGEST)
			counts[trace->steps[i].size]++;
	for (size = 1; !err && size <= LARGEST; size++)
		if (counts[size] * OFTEN >= allocations)
			err = rpb_count_size(m, trace, size);
	kvfree(counts);
	return err;
}

int rpb_show_traces(struct seq_file *m)
{
	static const struct rpb_trace *const traces[] = { &rpb_nic, &rpb_storage };
	int err = rpb_need_icount();
	unsigned int i;

	for (i = 0; !err && i < ARRAY_SIZE(traces); i++)
		err = rpb_count_trace(m, traces[i]);
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
	for (i = 0; i < drivers * places; i++)
		if (blocks[i])
			a->free(blocks[i], RPB_TAG);
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
