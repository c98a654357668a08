// SPDX-License-Identifier: GPL-2.0
/*
 * The counters of a tag: exact when idle, under load on all CPUs as well.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pool.h"

static void every_column(struct rpt *t)
{
	static const size_t bytes[] = { 1, 300, 4064, 4096, 10000 };
	void *blocks[ARRAY_SIZE(bytes)];
	struct rpt_row before, row;
	s64 sum = 0;
	unsigned int i;

	rpt_tag(t, "Cols", false, &before);
	EXPECT_EQ(t, before.diff, 0);
	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		blocks[i] = ExAllocatePoolWithTag(NonPagedPool, bytes[i],
						  'sloC');
		EXPECT(t, blocks[i]);
		sum += bytes[i];
		rpt_tag(t, "Cols", false, &row);
		EXPECT_EQ(t, row.allocs, before.allocs + i + 1);
		EXPECT_EQ(t, row.frees, before.frees);
		EXPECT_EQ(t, row.diff, i + 1);
		EXPECT_EQ(t, row.bytes, sum);
		EXPECT_EQ(t, row.per_alloc, sum / (i + 1));
		EXPECT(t, row.used >= row.bytes);
		EXPECT(t, row.peak >= row.bytes);
		EXPECT_EQ(t, row.failures, before.failures);
	}
	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		ExFreePool(blocks[i]);
		sum -= bytes[i];
		rpt_tag(t, "Cols", false, &row);
		EXPECT_EQ(t, row.frees, before.frees + i + 1);
		EXPECT_EQ(t, row.bytes, sum);
		if (row.diff)
			EXPECT_EQ(t, row.per_alloc, sum / row.diff);
	}
	EXPECT_EQ(t, row.diff, 0);
	EXPECT_EQ(t, row.used, 0);
	EXPECT_EQ(t, row.per_alloc, 0);
	EXPECT_EQ(t, row.allocs, before.allocs + ARRAY_SIZE(bytes));
	EXPECT(t, row.found);
}

static const struct rpt_arg used_sizes[] = {
	{ "1", 1 },
	{ "16", 16 },
	{ "17", 17 },
	{ "100", 100 },
	{ "1000", 1000 },
	{ "4064", 4064 },
	{ "4065", 4065 },
	{ "4096", 4096 },
	{ "5000", 5000 },
	{ "8100", 8100 },
	{ "17000", 17000 },
	{ "64K", SZ_64K },
	{ "1M+1", SZ_1M + 1 },
	{ "8M", SZ_8M },
	{ }
};

/* While a block lives that could share its last page, there is a span if it does. */
static bool last_page_shared(struct rpt *t, size_t n)
{
	struct rpt_heap heap;

	rpt_heap(t, &heap);
	return heap.spans && n > PAGE_SIZE && n <= SZ_64K &&
	       PAGE_ALIGN(n) - n >= 128;
}

static void really_used(struct rpt *t)
{
	size_t n = rpt_value(t);
	void *block = ExAllocatePoolWithTag(NonPagedPool, n, 'desU');
	struct rpt_row row;

	rpt_tag(t, "Used", false, &row);
	if (!EXPECT(t, block))
		return;
	EXPECT_EQ(t, row.bytes, n);
	if (n <= SMALL_MAX) {
		/* The header counts, and what padding costs is little. */
		EXPECT(t, row.used >= n + 16);
		EXPECT(t, IS_ALIGNED(row.used, 16));
		EXPECT(t, row.used <= n + 16 + max(n / 4, 32));
	} else {
		/* The rest of the last page is lost, or for others. */
		EXPECT_EQ(t, row.used, last_page_shared(t, n) ?
			  ALIGN(n, 16) : PAGE_ALIGN(n));
	}
	ExFreePool(block);
}

static void failures_counted(struct rpt *t)
{
	struct rpt_row before, after;

	rpt_tag(t, "Fail", false, &before);
	EXPECT(t, !ExAllocatePoolWithTag(NonPagedPool, SIZE_MAX / 2, 'liaF'));
	EXPECT(t, !ExAllocatePoolWithTag(NonPagedPool, SIZE_MAX, 'liaF'));
	rpt_tag(t, "Fail", false, &after);
	EXPECT_EQ(t, after.failures, before.failures + 2);
	EXPECT_EQ(t, after.allocs, before.allocs);
	EXPECT_EQ(t, after.bytes, 0);
}

/* How far too low a peak may be, by the head of the file: CPUs times batch. */
static s64 peak_bound(struct rpt *t)
{
	char *text = rpt_text(t, "tags");
	char *rest = text, *line;
	unsigned int cpus, batch;
	s64 bound = -1;

	while ((line = strsep(&rest, "\n"))) {
		char *at = strstr(line, "up to ");

		if (line[0] != '#' || !strstr(line, "peak") || !at)
			continue;
		if (sscanf(at, "up to %u CPUs x %u bytes", &cpus, &batch) == 2)
			bound = (s64)cpus * batch;
	}
	rpt_text_free(text);
	return bound;
}

/* A tag that never had more than one block, which nobody read of meanwhile. */
static void peak_of_one_block(struct rpt *t)
{
	void *block = ExAllocatePoolWithTag(NonPagedPool, 300, '1kaP');
	struct rpt_row row;

	if (!EXPECT(t, block))
		return;
	ExFreePoolWithTag(block, '1kaP');
	rpt_tag(t, "Pak1", false, &row);
	EXPECT_EQ(t, row.peak, 300);
}

static void peak(struct rpt *t)
{
	enum { COUNT = 64, BYTES = 3000 };
	void *blocks[COUNT];
	s64 bound = peak_bound(t);
	struct rpt_row row;
	unsigned int i;

	if (!EXPECT(t, bound >= 0) || !EXPECT(t, bound <= 64 * SZ_1M))
		return;
	for (i = 0; i < COUNT; i++)
		blocks[i] = ExAllocatePoolWithTag(PagedPool, BYTES, 'kaeP');
	for (i = 0; i < COUNT; i++)
		ExFreePoolWithTag(blocks[i], 'kaeP');
	rpt_tag(t, "Peak", true, &row);
	EXPECT(t, row.peak >= COUNT * BYTES - bound);
	EXPECT(t, row.peak <= COUNT * BYTES);

	/* It stays, and one large block is enough to raise it. */
	blocks[0] = ExAllocatePoolWithTag(PagedPool, SZ_8M, 'kaeP');
	ExFreePoolWithTag(blocks[0], 'kaeP');
	rpt_tag(t, "Peak", true, &row);
	EXPECT(t, row.peak >= SZ_8M - bound);
	EXPECT(t, row.peak <= SZ_8M);
	EXPECT_EQ(t, row.bytes, 0);
}

/* Load */

struct load {
	size_t max_bytes;
	unsigned int rounds;
	bool large;
	/* Blocks on their way to whoever frees them. */
	void *slots[64];
	struct completion done;
};

struct worker {
	struct load *load;
	struct rnd_state rnd;
	unsigned int cpu;
	s64 allocs, frees, failed;
};

static int work(void *data)
{
	struct worker *w = data;
	struct load *load = w->load;
	unsigned int i;

	for (i = 0; i < load->rounds; i++) {
		size_t n = 1 + prandom_u32_state(&w->rnd) % load->max_bytes;
		unsigned int slot = prandom_u32_state(&w->rnd) %
				    ARRAY_SIZE(load->slots);
		void *block;

		if (load->large)
			n = load->max_bytes;
		block = ExAllocatePoolWithTag(NonPagedPool, n, 'daoL');
		if (block)
			w->allocs++;
		else
			w->failed++;
		/* What was there may come from another CPU. */
		if (!load->large)
			block = xchg(&load->slots[slot], block);
		if (block) {
			w->frees++;
			ExFreePoolWithTag(block, 'daoL');
		}
		cond_resched();
	}
	complete(&load->done);
	return 0;
}

static void run_load(struct rpt *t, struct load *load, struct worker *workers,
		     unsigned int count, s64 ceiling)
{
	struct rpt_row before, row;
	s64 allocs = 0, frees = 0;
	unsigned int i, started = 0;

	rpt_tag(t, "Load", false, &before);
	init_completion(&load->done);
	for (i = 0; i < count; i++) {
		struct worker *w = &workers[i];
		struct task_struct *task;

		w->load = load;
		w->cpu = cpumask_nth(i % num_online_cpus(), cpu_online_mask);
		prandom_seed_state(&w->rnd, 1000 + i);
		task = kthread_create(work, w, "rpt_load/%u", i);
		if (IS_ERR(task))
			break;
		kthread_bind(task, w->cpu);
		wake_up_process(task);
		started++;
	}
	EXPECT_EQ(t, started, count);

	/* Readers must neither stop it nor spoil it, nor see it run back. */
	row = before;
	for (i = 0; i < started;) {
		s64 seen = row.allocs;

		rpt_tag(t, "Load", false, &row);
		EXPECT(t, row.allocs >= seen);
		if (ceiling)
			EXPECT(t, row.peak <= ceiling);
		if (wait_for_completion_timeout(&load->done, 1))
			i++;
	}

	for (i = 0; i < ARRAY_SIZE(load->slots); i++)
		if (load->slots[i]) {
			frees++;
			ExFreePoolWithTag(load->slots[i], 'daoL');
		}
	for (i = 0; i < count; i++) {
		allocs += workers[i].allocs;
		frees += workers[i].frees;
		EXPECT_EQ(t, workers[i].failed, 0);
	}
	rpt_tag(t, "Load", false, &row);
	EXPECT_EQ(t, row.allocs - before.allocs, allocs);
	EXPECT_EQ(t, row.frees - before.frees, frees);
	EXPECT_EQ(t, row.diff, 0);
	EXPECT_EQ(t, row.bytes, 0);
	EXPECT_EQ(t, row.used, 0);
	if (ceiling) {
		rpt_note(t, "peak %lld, at most %lld", row.peak, ceiling);
		EXPECT(t, row.peak <= ceiling);
	}
}

static void load_test(struct rpt *t, size_t max_bytes, unsigned int rounds,
		      bool large)
{
	unsigned int count = large ? num_online_cpus() : 2 * num_online_cpus();
	struct worker *workers = kcalloc(count, sizeof(*workers), GFP_KERNEL);
	struct load *load = kzalloc(sizeof(*load), GFP_KERNEL);
	s64 ceiling = 0;

	if (EXPECT(t, workers && load)) {
		load->max_bytes = max_bytes;
		load->rounds = rounds;
		load->large = large;
		if (large)
			ceiling = (s64)count * max_bytes;
		run_load(t, load, workers, count, ceiling);
	}
	kfree(load);
	kfree(workers);
}

/* First, while the peak of its tag is still its own. */
static void peak_under_load(struct rpt *t)
{
	load_test(t, SZ_256K, RPT_MANY(3000), true);
}

static void exact_under_load(struct rpt *t)
{
	load_test(t, 9000, RPT_MANY(15000), false);
}

static const struct rpt_case cases[] = {
	{ "every_column", every_column },
	{ "really_used", really_used, used_sizes },
	{ "failures_counted", failures_counted },
	{ "peak_of_one_block", peak_of_one_block },
	{ "peak_within_its_bound", peak },
	{ "peak_not_above_truth_under_load", peak_under_load },
	{ "exact_after_load_on_all_cpus", exact_under_load },
};

const struct rpt_suite counters_suite = RPT_SUITE("counters", cases);
