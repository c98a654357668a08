// SPDX-License-Identifier: GPL-2.0
/*
 * All families at once on all CPUs, with bad frees and readers in between.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "pages.h"

#define TAG	('GtsT')

struct worker {
	struct completion *done;
	struct rnd_state rnd;
	u64 bad, contiguous, noncached, pool, wrong;
};

static void *allocate(unsigned int kind, size_t n)
{
	PHYSICAL_ADDRESS low = {}, boundary = {}, high = { .QuadPart = -1 };

	switch (kind) {
	case 0:
		return MmAllocateNonCachedMemory(n);
	case 1:
		return MmAllocateContiguousMemorySpecifyCache(n, low, high,
							      boundary,
							      MmWriteCombined);
	case 2:
		return MmAllocateContiguousMemory(n, high);
	default:
		return ExAllocatePoolWithTag(kind & 1 ? PagedPool :
					     NonPagedPool, n, TAG);
	}
}

static void release(struct worker *w, unsigned int kind, void *block, size_t n)
{
	switch (kind) {
	case 0:
		MmFreeNonCachedMemory(block, n);
		w->noncached++;
		break;
	case 1:
	case 2:
		MmFreeContiguousMemory(block);
		w->contiguous++;
		break;
	default:
		ExFreePoolWithTag(block, TAG);
		w->pool++;
	}
}

static int work(void *data)
{
	struct worker *w = data;
	unsigned int round;

	for (round = 0; round < RPT_MANY(800); round++) {
		u32 r = prandom_u32_state(&w->rnd);
		unsigned int kind = r % 8;
		size_t n = 1 + (r >> 8) % 20000;
		void *block = allocate(kind, n);
		enum rpt_cache want = kind == 0 ? RPT_UC :
				      kind == 1 ? RPT_WC : RPT_WB;

		if (!block) {
			w->wrong++;
			continue;
		}
		rpt_fill(block, n, r);
		/* Not the free of any family: each says so, and no more. */
		if (!(r & 0x700)) {
			ExFreePool(block + 1);
			MmFreeContiguousMemory(block + 1);
			MmFreeNonCachedMemory(block, n + 1);
			w->bad += 3;
		}
		cond_resched();
		w->wrong += !rpt_filled(block, n, r);
		w->wrong += rpt_cache(block) != want;
		release(w, kind, block, n);
	}
	complete(w->done);
	return 0;
}

static void all_families(struct rpt *t)
{
	static const char * const files[] = {
		"tags", "contiguous", "noncached", "adapters", "violations",
	};
	unsigned int count = 2 * num_online_cpus(), started = 0, done, i;
	struct worker *workers = kcalloc(count, sizeof(*workers), GFP_KERNEL);
	struct rpt_row before[3], after[3];
	struct completion finished;
	u64 bad = 0, contiguous = 0, noncached = 0, pool = 0;

	if (!EXPECT(t, workers))
		return;
	rpt_family(t, "contiguous", &before[0]);
	rpt_family(t, "noncached", &before[1]);
	rpt_tag_totals(t, &before[2]);
	init_completion(&finished);
	for (i = 0; i < count; i++) {
		struct task_struct *task;

		workers[i].done = &finished;
		prandom_seed_state(&workers[i].rnd, i + 1);
		task = kthread_create(work, &workers[i], "rpt_load/%u", i);
		if (IS_ERR(task))
			break;
		kthread_bind(task, cpumask_nth(i % num_online_cpus(),
					       cpu_online_mask));
		wake_up_process(task);
		started++;
	}
	EXPECT_EQ(t, started, count);
	for (done = 0, i = 0; done < started; i++) {
		rpt_text_free(rpt_text(t, files[i % ARRAY_SIZE(files)]));
		if (wait_for_completion_timeout(&finished, 1))
			done++;
	}
	for (i = 0; i < started; i++) {
		bad += workers[i].bad;
		contiguous += workers[i].contiguous;
		noncached += workers[i].noncached;
		pool += workers[i].pool;
		EXPECT_EQ(t, workers[i].wrong, 0);
	}
	rpt_family(t, "contiguous", &after[0]);
	rpt_family(t, "noncached", &after[1]);
	rpt_tag_totals(t, &after[2]);
	EXPECT_EQ(t, after[0].frees - before[0].frees, contiguous);
	EXPECT_EQ(t, after[1].frees - before[1].frees, noncached);
	EXPECT_EQ(t, after[2].frees - before[2].frees, pool);
	EXPECT_VIOLATIONS(t, bad);
	rpt_note(t, "%llu contiguous, %llu noncached, %llu pool, %llu bad frees",
		 contiguous, noncached, pool, bad);
	kfree(workers);
}

static const struct rpt_case cases[] = {
	{ "all_families_on_all_cpus", all_families },
};

const struct rpt_suite load_suite = RPT_SUITE("load", cases);
