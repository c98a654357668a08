// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs that meet at the heap turn to slab caches, and come back when it is quiet.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "pool.h"

#define RACERS	2
#define BLOCKS	64
/* Of a size that comes from the heap as a rule, though it has a cache. */
#define BYTES	1000
/* A magazine holds no more than this of it. These may be the heap's, from before. */
#define KEPT	8

static void *get(void)
{
	return ExAllocatePoolWithTag(NonPagedPoolNx, BYTES, TAG_HEAP);
}

/*
 * Allocates a batch and frees it; how many blocks were a slab's. In between it frees
 * some and allocates them again, so that this is no burst, for which the depot would
 * keep the blocks.
 */
static unsigned int in_slabs(void)
{
	void *blocks[BLOCKS];
	unsigned int i, found = 0;

	for (i = 0; i < BLOCKS; i++) {
		blocks[i] = get();
		if (i % 4 == 3 && blocks[i - 1]) {
			ExFreePoolWithTag(blocks[i - 1], TAG_HEAP);
			blocks[i - 1] = get();
		}
	}
	for (i = 0; i < BLOCKS; i++)
		if (blocks[i] && folio_test_slab(virt_to_folio(blocks[i])))
			found++;
	for (i = 0; i < BLOCKS; i++)
		if (blocks[i])
			ExFreePoolWithTag(blocks[i], TAG_HEAP);
	return found;
}

static int race(void *arg)
{
	unsigned int *most = arg;

	while (!kthread_should_stop()) {
		unsigned int found = in_slabs();

		if (found > READ_ONCE(*most))
			WRITE_ONCE(*most, found);
		cond_resched();
	}
	return 0;
}

static bool start(struct rpt *t, struct task_struct **tasks, unsigned int *most)
{
	unsigned int i;

	for (i = 0; i < RACERS; i++) {
		struct task_struct *task;

		task = kthread_create(race, &most[i], "rpt_race/%u", i);
		if (!EXPECT(t, !IS_ERR(task)))
			return false;
		kthread_bind(task, cpumask_nth(i, cpu_online_mask));
		tasks[i] = task;
		wake_up_process(task);
	}
	return true;
}

/* Once nobody races; what raced a moment ago counts for a while. */
static unsigned int few_in_slabs(void)
{
	unsigned long end = jiffies + RPT_PATIENCE;
	unsigned int most;

	do {
		msleep(300);
		most = in_slabs();
	} while (most >= BLOCKS / 2 && time_before(jiffies, end));
	return most;
}

static void turn_to_slabs_and_back(struct rpt *t)
{
	struct task_struct *tasks[RACERS] = {};
	unsigned int most[RACERS] = {}, before, after, i;
	struct rpt_heap quiet, raced;
	unsigned long end;

	if (num_online_cpus() < RACERS) {
		rpt_skip(t, "needs %u processors", RACERS);
		return;
	}
	rpt_heap(t, &quiet);
	before = few_in_slabs();
	end = jiffies + RPT_PATIENCE;
	if (start(t, tasks, most))
		while (READ_ONCE(most[0]) < BLOCKS - KEPT && time_before(jiffies, end))
			msleep(20);
	for (i = 0; i < RACERS; i++)
		if (tasks[i])
			kthread_stop(tasks[i]);
	rpt_heap(t, &raced);
	after = few_in_slabs();
	rpt_note(t, "%u of %u from slabs, then %u, then %u; contended %llu times",
		 before, BLOCKS, most[0], after,
		 raced.contentions - quiet.contentions);
	EXPECT(t, before < BLOCKS / 2);
	EXPECT(t, raced.contentions > quiet.contentions);
	EXPECT(t, most[0] >= BLOCKS - KEPT);
	EXPECT(t, after < BLOCKS / 2);
}

static const struct rpt_case cases[] = {
	{ "racing_cpus_turn_to_slabs_and_back", turn_to_slabs_and_back },
};

const struct rpt_suite contention_suite = RPT_SUITE("contention", cases);
