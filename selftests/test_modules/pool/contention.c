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
#include <linux/slab.h>

#include "pool.h"

#define RACERS	2
#define BLOCKS	64
/* Of a size that comes from the heap as a rule, though it has a cache. */
#define BYTES	1000
/* This part of what may be kept is more than the depot keeps of it. */
#define LEFT	8
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

static bool start(struct rpt *t, struct task_struct **tasks, unsigned int *most,
		  unsigned int racers)
{
	unsigned int i;

	for (i = 0; i < racers; i++) {
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
	if (start(t, tasks, most, RACERS))
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

/* Bursts of all sizes, of which the depot keeps what it may. */
static bool fill_depot(struct rpt *t)
{
	struct batch *b = batch_new(t, 0, 200);
	unsigned int i;

	if (!b)
		return false;
	for (b->bytes = 16; b->bytes <= 4064; b->bytes += 88) {
		migrate_disable();
		for (i = 0; i < 4; i++) {
			batch_get(b);
			batch_put(b);
		}
		migrate_enable();
	}
	kfree(b);
	return true;
}

/*
 * One CPU uses the heap. Another one reads "memory" all the time for a while; then what
 * the depot kept is given back. Neither is contention. The kernel has work of its own to
 * do there, so once out of several times is enough.
 */
static void others_are_no_contention(struct rpt *t)
{
	u64 contentions = 1, kept = 0, cap = 0;
	unsigned int round, reads = 0;

	if (num_online_cpus() < 2) {
		rpt_skip(t, "needs 2 processors");
		return;
	}
	if (nothing_is_kept(t, BYTES))
		return;
	for (round = 0; contentions && round < 5 && !rpt_failed(t); round++) {
		unsigned long reading, end = jiffies + RPT_PATIENCE;
		struct task_struct *task = NULL;
		struct rpt_heap before, after;
		unsigned int most = 0;
		u64 left = 0;

		few_in_slabs();
		if (!fill_depot(t))
			return;
		rpt_reserved(t, &kept, &cap);
		rpt_heap(t, &before);
		if (!start(t, &task, &most, 1))
			return;
		reading = jiffies + HZ / 5;
		do {
			rpt_reserved(t, &left, &cap);
			reads++;
			if (time_before(jiffies, reading))
				cond_resched();
			else
				msleep(100);
		} while (left > cap / LEFT && time_before(jiffies, end));
		kthread_stop(task);
		rpt_heap(t, &after);
		contentions = after.contentions - before.contentions;
		EXPECT(t, kept > cap / 4);
		EXPECT(t, left <= cap / LEFT);
	}
	rpt_note(t, "round %u: %llu bytes kept, %u reads, contended %llu times",
		 round, kept, reads, contentions);
	EXPECT_EQ(t, contentions, 0);
}

static const struct rpt_case cases[] = {
	{ "others_are_no_contention", others_are_no_contention },
	{ "racing_cpus_turn_to_slabs_and_back", turn_to_slabs_and_back },
};

const struct rpt_suite contention_suite = RPT_SUITE("contention", cases);
