// SPDX-License-Identifier: GPL-2.0
/*
 * Pairs in a softirq, of blocks that a driver's DPC needs: an MDL for one page or
 * sixteen, and the page itself.
 */
#include <linux/completion.h>
#include <linux/container_of.h>
#include <linux/interrupt.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>

#include <asm/msr.h>

#include "pool.h"

#define ROUNDS	9

struct rpb_softirq {
	struct tasklet_struct tasklet;
	struct completion done;
	int (*round)(unsigned long size, unsigned int pairs);
	unsigned long size;
	u64 cost;
	int err;
};

static void rpb_in_softirq(struct tasklet_struct *tasklet)
{
	struct rpb_softirq *work = container_of(tasklet, struct rpb_softirq, tasklet);
	unsigned long flags;
	u64 start;

	local_irq_save(flags);
	start = rdtsc();
	work->err = work->round(work->size, RPB_PAIRS);
	work->cost = rdtsc() - start;
	local_irq_restore(flags);
	complete(&work->done);
}

static int rpb_one_size(struct seq_file *m, struct rpb_softirq *work)
{
	static const struct rpb_side sides[] = {
		{ "ours", rpb_pool_pairs },
		{ "kmalloc", rpb_kmalloc_pairs },
	};
	unsigned int round, i;
	char variant[24];

	snprintf(variant, sizeof(variant), "%lu", work->size);
	for (round = 0; round <= ROUNDS; round++) {
		for (i = 0; i < ARRAY_SIZE(sides); i++) {
			work->round = sides[i].round;
			reinit_completion(&work->done);
			tasklet_schedule(&work->tasklet);
			wait_for_completion(&work->done);
			if (work->err)
				return work->err;
			/* The first warms up. */
			if (round)
				rpb_sample(m, "softirq", variant, sides[i].name,
					   "%llu.%02llu", work->cost / RPB_PAIRS,
					   work->cost * 100 / RPB_PAIRS % 100);
		}
	}
	return 0;
}

int rpb_show_softirq(struct seq_file *m)
{
	/* An MDL has 48 bytes and 8 for each page. */
	static const unsigned long sizes[] = { 48 + 8, 48 + 16 * 8, 4096 };
	struct rpb_softirq work = {};
	int err = rpb_need_icount();
	unsigned int i;

	init_completion(&work.done);
	tasklet_setup(&work.tasklet, rpb_in_softirq);
	for (i = 0; !err && i < ARRAY_SIZE(sizes); i++) {
		work.size = sizes[i];
		err = rpb_one_size(m, &work);
	}
	tasklet_kill(&work.tasklet);
	return err;
}
