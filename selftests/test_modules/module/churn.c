// SPDX-License-Identifier: GPL-2.0
/*
 * A client that allocates and frees on all CPUs as long as it is loaded, for
 * tests of what comes and goes meanwhile. Blocks change hands between threads,
 * and threads between CPUs, also those that come and go.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "rpt.h"

/* Where each step is slow, a CPU is left to the others. */
#define THREADS	(IS_ENABLED(CONFIG_KASAN) ? 3 : 6)
#define SLOTS	256
#define LAST	32

static atomic64_t rounds, errors;

static int get_count(char *to, const struct kernel_param *kp)
{
	return sprintf(to, "%lld\n", atomic64_read(kp->arg));
}

static const struct kernel_param_ops count_ops = { .get = get_count };

module_param_cb(rounds, &count_ops, &rounds, 0400);
MODULE_PARM_DESC(rounds, "Blocks that were allocated");
module_param_cb(errors, &count_ops, &errors, 0400);
MODULE_PARM_DESC(errors, "Blocks that did not come, or were changed by others");

enum kind { NONPAGED, PAGED, CONTIGUOUS, UNCACHED, NONCACHED };

/* What a block begins with, so that whoever takes it knows how to free it. */
struct head {
	u32 bytes;
	u32 kind;
	u32 seed;
};

static struct head *slots[SLOTS];
static struct task_struct *threads[THREADS];
/* Freed last of all where that is deferred: none of it may be called a leak. */
static struct head *last[LAST];

static ULONG tag_of(const struct head *block)
{
	return block->bytes & 1 ? '1rhC' : '2rhC';
}

static void *get(enum kind kind, u32 bytes, ULONG tag, u32 r)
{
	PHYSICAL_ADDRESS any = { .QuadPart = -1 }, none = {};
	unsigned long flags;
	void *block;

	switch (kind) {
	case CONTIGUOUS:
		return MmAllocateContiguousMemory(bytes, any);
	case UNCACHED:
		return MmAllocateContiguousMemorySpecifyCache(bytes, none, any,
							      none,
							      MmNonCached);
	case NONCACHED:
		return MmAllocateNonCachedMemory(bytes);
	case PAGED:
		return ExAllocatePoolWithTag(PagedPool, bytes, tag);
	default:
		if (r & 1)
			return ExAllocatePoolWithTag(NonPagedPoolNx, bytes,
						     tag);
		local_irq_save(flags);
		block = ExAllocatePoolWithTag(NonPagedPoolNx, bytes, tag);
		local_irq_restore(flags);
		return block;
	}
}

static void put(struct head *block)
{
	size_t bytes = block->bytes;

	if (!rpt_filled(block + 1, bytes - sizeof(*block), block->seed))
		atomic64_inc(&errors);
	switch (block->kind) {
	case CONTIGUOUS:
		MmFreeContiguousMemory(block);
		break;
	case UNCACHED:
		/* Given back by a work item, maybe after the client's end. */
		preempt_disable();
		MmFreeContiguousMemory(block);
		preempt_enable();
		break;
	case NONCACHED:
		MmFreeNonCachedMemory(block, bytes);
		break;
	default:
		ExFreePoolWithTag(block, tag_of(block));
	}
}

static void churn(u32 r)
{
	struct head head = { .seed = r };
	struct head *block;

	head.bytes = sizeof(head) + (r >> 10) % (16 << (r >> 7 & 7));
	if (!(r & 63))
		head.bytes += r >> 18;
	switch (r >> 1 & 63) {
	case 0:
		head.kind = CONTIGUOUS;
		break;
	case 1:
		head.kind = r & 1 ? NONCACHED : UNCACHED;
		break;
	default:
		head.kind = r >> 3 & 7 ? NONPAGED : PAGED;
	}
	block = get(head.kind, head.bytes, tag_of(&head), r);
	if (block) {
		*block = head;
		rpt_fill(block + 1, head.bytes - sizeof(head), r);
		atomic64_inc(&rounds);
	} else {
		atomic64_inc(&errors);
	}
	block = xchg(&slots[(r >> 24) % SLOTS], block);
	if (block)
		put(block);
}

static int run(void *data)
{
	struct rnd_state rnd;
	unsigned int n = 0;

	prandom_seed_state(&rnd, (unsigned long)data);
	while (!kthread_should_stop()) {
		churn(prandom_u32_state(&rnd));
		/* To whatever CPU is there; one may go before it gets there. */
		if (!(++n % 32))
			set_cpus_allowed_ptr(current, cpumask_of(n / 32 %
								 nr_cpu_ids));
		cond_resched();
	}
	return 0;
}

static void stop(void)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		if (threads[i])
			kthread_stop(threads[i]);
	for (i = 0; i < SLOTS; i++)
		if (slots[i])
			put(slots[i]);
	for (i = 0; i < LAST; i++)
		if (last[i])
			put(last[i]);
	if (atomic64_read(&errors))
		pr_err("%lld errors\n", atomic64_read(&errors));
}

static int __init rpt_churn_init(void)
{
	const struct head head = { .bytes = PAGE_SIZE, .kind = UNCACHED };
	unsigned int i;

	for (i = 0; i < LAST; i++) {
		last[i] = get(UNCACHED, head.bytes, 0, 0);
		if (!last[i]) {
			stop();
			return -ENOMEM;
		}
		*last[i] = head;
		rpt_fill(last[i] + 1, head.bytes - sizeof(head), head.seed);
	}

	for (i = 0; i < THREADS; i++) {
		struct task_struct *task;

		task = kthread_run(run, (void *)(i + 1UL), "rpt_churn/%u", i);
		if (IS_ERR(task)) {
			stop();
			return PTR_ERR(task);
		}
		threads[i] = task;
	}
	return 0;
}

static void __exit rpt_churn_exit(void)
{
	stop();
}

module_init(rpt_churn_init);
module_exit(rpt_churn_exit);

MODULE_DESCRIPTION("rust_pool selftests: a client that never rests");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
