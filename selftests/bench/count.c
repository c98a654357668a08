// SPDX-License-Identifier: GPL-2.0
/*
 * Counted instructions. Under QEMU's -icount shift=0 the time-stamp counter
 * advances by one with each instruction of the guest.
 */
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>

#include <asm/msr.h>

#include "bench_private.h"

#define ROUNDS	9
#define SIDES	4

static u64 rpb_loop(unsigned long turns)
{
	unsigned long flags;
	u64 start, cost;

	local_irq_save(flags);
	start = rdtsc();
	asm volatile("1:	dec %0\n\t"
		     "jnz 1b" : "+r" (turns));
	cost = rdtsc() - start;
	local_irq_restore(flags);
	return cost;
}

int rpb_need_icount(void)
{
	/* Two instructions a turn, and the same each time, if they are counted. */
	u64 base = rpb_loop(1000), more = rpb_loop(2000);

	if (more - base == 2000 && rpb_loop(1000) == base)
		return 0;
	pr_err("rp_bench: the TSC does not count instructions (%llu and %llu for a loop of 2000 and 4000): boot with QEMU's -icount shift=0,sleep=off and one processor\n",
	       base, more);
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(rpb_need_icount);

int rpb_show_icount(struct seq_file *m)
{
	return rpb_need_icount();
}

/* Neither an interrupt nor another task may be counted. */
static int rpb_round(const struct rpb_case *c, const struct rpb_side *side,
		     u64 *cost)
{
	unsigned long flags;
	u64 start;
	int err;

	local_irq_save(flags);
	start = rdtsc();
	err = side->round(c->size, c->pairs);
	*cost = rdtsc() - start;
	local_irq_restore(flags);
	cond_resched();
	return err;
}

/* One round of each side; @counted: its samples are given. */
static int rpb_rounds(struct seq_file *m, const struct rpb_case *c, bool counted,
		      void **held)
{
	const struct rpb_side *side;
	char variant[24];
	unsigned int i;
	u64 cost;
	int err;

	snprintf(variant, sizeof(variant), "%lu", c->size);
	for (i = 0; i < c->count; i++) {
		side = &c->sides[i];
		err = rpb_round(c, side, &cost);
		if (!err && side->hold) {
			held[i] = side->hold(c->size);
			err = held[i] ? 0 : -ENOMEM;
		}
		if (err) {
			pr_err("rp_bench: %s of %lu bytes: %s failed: %d\n",
			       c->measure, c->size, side->name, err);
			return err;
		}
		cost = cost * 100 / c->pairs;
		if (counted)
			rpb_sample(m, c->measure, variant, side->name,
				   "%llu.%02llu", cost / 100, cost % 100);
	}
	return 0;
}

int rpb_count(struct seq_file *m, const struct rpb_case *c)
{
	void *held[ROUNDS + 1][SIDES] = {};
	unsigned int round, i;
	int err = 0;

	if (WARN_ON(c->count > SIDES))
		return -EINVAL;
	/* The first warms up, and is not counted. */
	for (round = 0; !err && round <= ROUNDS; round++)
		err = rpb_rounds(m, c, round > 0, held[round]);
	for (round = 0; round <= ROUNDS; round++) {
		for (i = 0; i < c->count; i++) {
			if (held[round][i])
				c->sides[i].release(c->size, held[round][i]);
		}
	}
	return err;
}
EXPORT_SYMBOL_GPL(rpb_count);
