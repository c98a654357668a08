// SPDX-License-Identifier: GPL-2.0
/*
 * What each CPU keeps ready: it comes again, has a limit, belongs to one, and
 * goes when the CPU goes.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "pool.h"

/* More than any magazine holds. */
#define MANY	64

static const struct rpt_arg sizes[] = {
	{ "1", 1 },
	{ "100", 100 },
	{ "1000", 1000 },
	{ "4064", 4064 },
	{ "4096", 4096 },
	{ "8192", 8192 },
	{ "64K", SZ_64K },
	{ }
};

static void kept(struct rpt *t)
{
	size_t bytes = rpt_value(t);
	struct rpt_magazine before, after;
	void *block, *again;

	if (nothing_is_kept(t, bytes))
		return;
	migrate_disable();
	block = ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG_MAGAZINE);
	rpt_magazine(t, bytes, &before);
	ExFreePoolWithTag(block, TAG_MAGAZINE);
	rpt_magazine(t, bytes, &after);
	again = ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG_MAGAZINE);
	migrate_enable();
	if (EXPECT(t, block && again)) {
		EXPECT_EQ(t, after.held, before.held + 1);
		EXPECT_EQ(t, after.bytes, after.held * after.size);
		EXPECT(t, again == block);
		ExFreePoolWithTag(again, TAG_MAGAZINE);
	}
}

static void limited(struct rpt *t)
{
	size_t bytes = rpt_value(t);
	struct rpt_magazine before, after;
	struct batch *b;

	if (nothing_is_kept(t, bytes))
		return;
	b = batch_new(t, bytes, MANY);
	if (!b)
		return;
	migrate_disable();
	batch_get(b);
	rpt_magazine(t, bytes, &before);
	batch_put(b);
	rpt_magazine(t, bytes, &after);
	EXPECT(t, after.held <= before.held + after.limit);
	EXPECT(t, after.held > 0);
	batch_get(b);
	batch_expect_apart(t, b);
	batch_put(b);
	migrate_enable();
	kfree(b);
}

static void cpu_goes(struct rpt *t)
{
	size_t bytes = rpt_value(t);
	struct rpt_magazine before, magazine;
	/* The first CPU stays. */
	unsigned int cpu = cpumask_last(cpu_online_mask);
	struct batch *b;

	if (nothing_is_kept(t, bytes))
		return;
	if (!cpu) {
		rpt_skip(t, "there is no other CPU");
		return;
	}
	b = batch_new(t, bytes, MANY);
	if (!b)
		return;
	smp_call_function_single(cpu, batch_get, b, true);
	rpt_magazine(t, bytes, &before);
	smp_call_function_single(cpu, batch_put, b, true);
	rpt_magazine(t, bytes, &magazine);
	EXPECT(t, magazine.held > before.held);
	if (EXPECT_EQ(t, remove_cpu(cpu), 0)) {
		/* What others keep, they still do. */
		rpt_magazine(t, bytes, &magazine);
		EXPECT(t, magazine.held <= before.held);
		EXPECT(t, magazine.held <= magazine.limit * num_online_cpus());
		EXPECT_EQ(t, add_cpu(cpu), 0);
	}
	kfree(b);
}

/* Interrupts that are enough of a storm. */
#define ENOUGH	100

/*
 * The interrupt takes from the magazine that the task is just taking from, and
 * the other way round.
 */
struct storm {
	struct hrtimer timer;
	size_t bytes;
	unsigned int turn, spoilt, missing, interrupts;
	/* Of the task, and how many the interrupt saw when it was here last. */
	unsigned int steps, seen;
	unsigned int period;
	char *ring[4];
};

static void next_in_ring(struct storm *s)
{
	char **slot = &s->ring[s->turn++ % ARRAY_SIZE(s->ring)];

	if (*slot) {
		if (!rpt_filled(*slot, s->bytes, s->turn % 4))
			s->spoilt++;
		ExFreePoolWithTag(*slot, TAG_MAGAZINE);
	}
	*slot = ExAllocatePoolWithTag(NonPagedPoolNx, s->bytes, TAG_MAGAZINE);
	if (*slot)
		rpt_fill(*slot, s->bytes, s->turn % 4);
	else
		s->missing++;
}

/*
 * Every 60 us or so. Where an interrupt takes longer than that, be it that the host
 * keeps the CPU waiting, they would follow each other for ever and the task never
 * come on: as long as it does not, they come ever later.
 */
static enum hrtimer_restart interrupt(struct hrtimer *timer)
{
	struct storm *s = container_of(timer, struct storm, timer);
	unsigned int steps = READ_ONCE(s->steps);
	unsigned int i;

	s->interrupts++;
	if (steps != s->seen || !s->period)
		s->period = 60;
	else if (s->period < USEC_PER_SEC)
		s->period *= 2;
	s->seen = steps;
	for (i = 0; i < 3; i++)
		next_in_ring(s);
	hrtimer_forward_now(timer, us_to_ktime(s->period + s->interrupts % 17));
	return HRTIMER_RESTART;
}

static void task(struct rpt *t, struct storm *s)
{
	unsigned long end = jiffies + 3 * HZ, latest = jiffies + RPT_PATIENCE;
	unsigned int seed = 100, rounds = 0;
	char *blocks[3];

	while ((time_before(jiffies, end) ||
		(READ_ONCE(s->interrupts) <= ENOUGH && time_before(jiffies, latest))) &&
	       !rpt_failed(t)) {
		unsigned int i;

		for (i = 0; i < ARRAY_SIZE(blocks); i++) {
			WRITE_ONCE(s->steps, s->steps + 1);
			blocks[i] = ExAllocatePoolWithTag(NonPagedPoolNx,
							  s->bytes,
							  TAG_MAGAZINE);
			if (blocks[i])
				rpt_fill(blocks[i], s->bytes, seed + i);
		}
		for (i = 0; i < ARRAY_SIZE(blocks); i++) {
			if (!EXPECT(t, blocks[i]))
				continue;
			if (!rpt_filled(blocks[i], s->bytes, seed + i))
				rpt_fail(t, "the task's block is another's too");
			ExFreePoolWithTag(blocks[i], TAG_MAGAZINE);
			WRITE_ONCE(s->steps, s->steps + 1);
		}
		seed += ARRAY_SIZE(blocks);
		if (!(++rounds % 256))
			cond_resched();
	}
	rpt_note(t, "%u rounds, %u interrupts", rounds, s->interrupts);
}

static void interrupt_and_task(struct rpt *t)
{
	struct storm *s = kzalloc_obj(*s);
	unsigned int i;

	if (!EXPECT(t, s))
		return;
	s->bytes = rpt_value(t);
	/* The tag has a row, so that all take the short way. */
	next_in_ring(s);
	migrate_disable();
	hrtimer_setup(&s->timer, interrupt, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&s->timer, us_to_ktime(100),
		      HRTIMER_MODE_REL_PINNED_HARD);
	task(t, s);
	hrtimer_cancel(&s->timer);
	migrate_enable();
	EXPECT(t, s->interrupts > ENOUGH);
	EXPECT_EQ(t, s->spoilt, 0);
	EXPECT_EQ(t, s->missing, 0);
	for (i = 0; i < ARRAY_SIZE(s->ring); i++)
		if (s->ring[i])
			ExFreePoolWithTag(s->ring[i], TAG_MAGAZINE);
	kfree(s);
}

static const struct rpt_arg storm_sizes[] = {
	{ "40", 40 },
	{ "1000", 1000 },
	{ "4096", 4096 },
	{ }
};

/* Of a size that had no block before, so that no slab cache serves it yet. */
static void first_of_a_size(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	struct batch *b = batch_new(t, 700 + 256 * context, MANY);

	if (!b)
		return;
	rpt_in_context(context, batch_get, b);
	batch_expect_apart(t, b);
	rpt_in_context(context, batch_put, b);
	kfree(b);
}

static const struct rpt_case cases[] = {
	{ "first_of_a_size_in", first_of_a_size, rpt_contexts },
	{ "kept_and_given_again", kept, sizes },
	{ "limit_is_kept", limited, sizes },
	{ "given_back_when_the_cpu_goes", cpu_goes, sizes },
	{ "interrupt_and_task_on_one_cpu", interrupt_and_task, storm_sizes },
};

const struct rpt_suite magazine_suite = RPT_SUITE("magazines", cases);
