// SPDX-License-Identifier: GPL-2.0
/*
 * Every context that rust_pool has a rule for.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "rpt.h"

const struct rpt_arg rpt_contexts[] = {
	{ "task", RPT_TASK },
	{ "preemption_off", RPT_PREEMPT_OFF },
	{ "bottom_halves_off", RPT_BH_OFF },
	{ "spinlock", RPT_SPINLOCK },
	{ "rcu_read_side", RPT_RCU },
	{ "softirq", RPT_SOFTIRQ },
	{ "interrupts_off", RPT_IRQS_OFF },
	{ "spinlock_irq", RPT_SPINLOCK_IRQ },
	{ "hard_interrupt", RPT_HARDIRQ },
	{ }
};
EXPORT_SYMBOL_GPL(rpt_contexts);

const struct rpt_arg rpt_atomic_contexts[] = {
	{ "preemption_off", RPT_PREEMPT_OFF },
	{ "bottom_halves_off", RPT_BH_OFF },
	{ "spinlock", RPT_SPINLOCK },
	{ "rcu_read_side", RPT_RCU },
	{ "softirq", RPT_SOFTIRQ },
	{ "interrupts_off", RPT_IRQS_OFF },
	{ "spinlock_irq", RPT_SPINLOCK_IRQ },
	{ "hard_interrupt", RPT_HARDIRQ },
	{ }
};
EXPORT_SYMBOL_GPL(rpt_atomic_contexts);

static DEFINE_SPINLOCK(rpt_spinlock);

struct rpt_call {
	void (*fn)(void *arg);
	void *arg;
	struct work_struct work;
	struct irq_work irq_work;
};

static void rpt_softirq(struct work_struct *work)
{
	struct rpt_call *call = container_of(work, struct rpt_call, work);

	call->fn(call->arg);
}

static void rpt_hardirq(struct irq_work *work)
{
	struct rpt_call *call = container_of(work, struct rpt_call, irq_work);

	call->fn(call->arg);
}

static void rpt_in_softirq(struct rpt_call *call)
{
	INIT_WORK_ONSTACK(&call->work, rpt_softirq);
	queue_work(system_bh_wq, &call->work);
	flush_work(&call->work);
	destroy_work_on_stack(&call->work);
}

static void rpt_in_hardirq(struct rpt_call *call)
{
	call->irq_work = IRQ_WORK_INIT(rpt_hardirq);
	irq_work_queue(&call->irq_work);
	irq_work_sync(&call->irq_work);
}

/* No NMI comes when one is wanted; what code can see of one is the count. */
static void rpt_in_nmi(struct rpt_call *call)
{
	unsigned long flags;

	local_irq_save(flags);
	__preempt_count_add(NMI_OFFSET + HARDIRQ_OFFSET);
	call->fn(call->arg);
	__preempt_count_sub(NMI_OFFSET + HARDIRQ_OFFSET);
	local_irq_restore(flags);
}

void rpt_in_context(enum rpt_context context, void (*fn)(void *arg), void *arg)
{
	struct rpt_call call = { .fn = fn, .arg = arg };
	unsigned long flags;

	switch (context) {
	case RPT_TASK:
		fn(arg);
		break;
	case RPT_PREEMPT_OFF:
		preempt_disable();
		fn(arg);
		preempt_enable();
		break;
	case RPT_BH_OFF:
		local_bh_disable();
		fn(arg);
		local_bh_enable();
		break;
	case RPT_SPINLOCK:
		spin_lock(&rpt_spinlock);
		fn(arg);
		spin_unlock(&rpt_spinlock);
		break;
	case RPT_RCU:
		rcu_read_lock();
		fn(arg);
		rcu_read_unlock();
		break;
	case RPT_SOFTIRQ:
		rpt_in_softirq(&call);
		break;
	case RPT_IRQS_OFF:
		local_irq_save(flags);
		fn(arg);
		local_irq_restore(flags);
		break;
	case RPT_SPINLOCK_IRQ:
		spin_lock_irqsave(&rpt_spinlock, flags);
		fn(arg);
		spin_unlock_irqrestore(&rpt_spinlock, flags);
		break;
	case RPT_HARDIRQ:
		rpt_in_hardirq(&call);
		break;
	case RPT_NMI:
		rpt_in_nmi(&call);
		break;
	}
}
EXPORT_SYMBOL_GPL(rpt_in_context);

struct rpt_pair {
	void (*fn)(void *arg);
	void *other;
	atomic_t there;
	struct completion done;
};

static void rpt_call_when_both(struct rpt_pair *pair, void *arg)
{
	unsigned long end = jiffies + RPT_PATIENCE;

	atomic_inc(&pair->there);
	while (atomic_read(&pair->there) < 2 && time_before(jiffies, end)) {
		cpu_relax();
		cond_resched();
	}
	pair->fn(arg);
}

static int rpt_call_other(void *arg)
{
	struct rpt_pair *pair = arg;

	rpt_call_when_both(pair, pair->other);
	complete(&pair->done);
	return 0;
}

bool rpt_at_once(void (*fn)(void *arg), void *one, void *other)
{
	struct rpt_pair pair = { .fn = fn, .other = other };
	struct task_struct *task = NULL;
	unsigned int cpu;

	init_completion(&pair.done);
	migrate_disable();
	cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	if (cpu < nr_cpu_ids)
		task = kthread_create(rpt_call_other, &pair, "rpt_other");
	if (!IS_ERR_OR_NULL(task)) {
		kthread_bind(task, cpu);
		wake_up_process(task);
		rpt_call_when_both(&pair, one);
		wait_for_completion(&pair.done);
	}
	migrate_enable();
	return !IS_ERR_OR_NULL(task);
}
EXPORT_SYMBOL_GPL(rpt_at_once);

static int rpt_run_errand(void *data)
{
	struct rpt_errand *errand = data;

	errand->fn(errand->arg);
	complete(&errand->done);
	return 0;
}

bool rpt_send(struct rpt_errand *errand, void (*fn)(void *arg), void *arg)
{
	errand->fn = fn;
	errand->arg = arg;
	init_completion(&errand->done);
	if (!IS_ERR(kthread_run(rpt_run_errand, errand, "rpt_errand")))
		return true;
	complete(&errand->done);
	return false;
}
EXPORT_SYMBOL_GPL(rpt_send);

unsigned int rpt_irql(enum rpt_context context)
{
	switch (context) {
	case RPT_TASK:
		return 0;
	case RPT_IRQS_OFF:
	case RPT_SPINLOCK_IRQ:
	case RPT_HARDIRQ:
	case RPT_NMI:
		return 13;
	default:
		return 2;
	}
}
EXPORT_SYMBOL_GPL(rpt_irql);
