// SPDX-License-Identifier: GPL-2.0
/*
 * The longest allocation on one processor while another reads tags with many of
 * them live, beside the longest while that other one only computes.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>

#include "pool.h"

#define ROUNDS		15
#define MILLISECONDS	100

struct rpb_watch {
	s64 longest;
	int err;
};

static int rpb_watch(void *arg)
{
	static const unsigned short sizes[] = { 64, 1024, 5120 };
	struct rpb_watch *watch = arg;
	unsigned int turn = 0;
	ktime_t start;
	void *block;

	while (!kthread_should_stop()) {
		/* A tick's work in between would be taken for the allocator's. */
		preempt_disable();
		start = ktime_get();
		block = ExAllocatePoolWithTag(NonPagedPool,
					      sizes[turn++ % ARRAY_SIZE(sizes)],
					      RPB_TAG);
		if (block)
			ExFreePoolWithTag(block, RPB_TAG);
		else
			watch->err = -ENOMEM;
		watch->longest = max(watch->longest,
				     ktime_to_ns(ktime_sub(ktime_get(), start)));
		preempt_enable();
		cond_resched();
	}
	return watch->err;
}

/* The longest in nanoseconds, or a negative errno; @reads counts the readings. */
static s64 rpb_longest(struct rpb_text *text, unsigned int *reads)
{
	struct rpb_watch watch = {};
	struct task_struct *task;
	int err = 0, status;
	ktime_t end;

	task = kthread_create(rpb_watch, &watch, "rp_bench/watch");
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, cpumask_last(cpu_online_mask));
	end = ktime_add_ms(ktime_get(), MILLISECONDS);
	wake_up_process(task);
	while (!err && ktime_before(ktime_get(), end)) {
		if (text) {
			err = rpb_text_read(text, NULL, NULL);
			++*reads;
		}
		cond_resched();
	}
	status = kthread_stop(task);
	return err ?: status ?: watch.longest;
}

static int rpb_rounds(struct seq_file *m, struct rpb_text *text)
{
	unsigned int round, reads = 0;
	s64 without, with;

	for (round = 0; round < ROUNDS; round++) {
		without = rpb_longest(NULL, &reads);
		with = rpb_longest(text, &reads);
		if (without < 0 || with < 0)
			return min(without, with);
		rpb_sample(m, "longest", "unread", "ours", "%lld", without);
		rpb_sample(m, "longest", "read", "ours", "%lld", with);
	}
	/* None at all has not been read beside anything. */
	return reads < ROUNDS ? -EIO : 0;
}

int rpb_show_stall(struct seq_file *m)
{
	struct rpb_text text;
	int err;

	if (num_online_cpus() < 2) {
		pr_err("rp_bench: stall needs 2 processors\n");
		return -EOPNOTSUPP;
	}
	err = set_cpus_allowed_ptr(current, cpumask_of(0)) ?: rpb_tags_make();
	if (err)
		return err;
	err = rpb_text_open(&text);
	if (!err) {
		err = rpb_rounds(m, &text);
		rpb_text_close(&text);
	}
	rpb_tags_free();
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	return err;
}
