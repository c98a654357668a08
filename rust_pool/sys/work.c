// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred work, and who may wait for it. There are three work items, for three
 * kinds of work that must not delay each other:
 *
 *   giving   gives back memory whose free was deferred. It calls only the kernel's
 *            code and this module's.
 *   parting  drops last references to devices, which calls their release(): the
 *            code of others, which may call us, take locks, and take long.
 *   upkeep   makes rows and slab caches, and sets the verifier's static branch.
 *
 * Only our own exit waits for them. PutDmaAdapter() takes what it needs out of the
 * backlog, and waits only for what another task is giving back at that moment. A
 * module that is being unloaded waits for a release() of its own. The table is in
 * Documentation/contexts.rst.
 */

#include <linux/device.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "core.h"

static void run_giving(struct work_struct *work)
{
	rust_pool_doing(RUST_POOL_NO_OTHERS);
	rust_pool_give();
	rust_pool_done(RUST_POOL_NO_OTHERS);
}

static void run_parting(struct work_struct *work)
{
	rust_pool_part();
}

static void run_upkeep(struct work_struct *work)
{
	rust_pool_upkeep();
}

static DECLARE_WORK(giving, run_giving);
static DECLARE_WORK(parting, run_parting);
static DECLARE_WORK(upkeep, run_upkeep);

/*
 * Giving has high priority and is not bound to a CPU, because code that frees in
 * atomic context cannot wait for it. It is not WQ_MEM_RECLAIM: changing page
 * attributes may wait for a work item of vmalloc, which is not either.
 */
static struct workqueue_struct *giving_queue;

int rust_pool_work_init(void)
{
	giving_queue = alloc_workqueue("rust_pool", WQ_UNBOUND | WQ_HIGHPRI, 0);
	return giving_queue ? 0 : -ENOMEM;
}

void rust_pool_work_exit(void)
{
	rust_pool_work_finish();
	destroy_workqueue(giving_queue);
}

/* Wait for all three. Only for our exit, when no client is left. */
void rust_pool_work_finish(void)
{
	flush_work(&giving);
	flush_work(&upkeep);
	flush_work(&parting);
}

/* Queue a call of rust_pool_give(). Any context but NMI; so for the others. */
void rust_pool_give_soon(void)
{
	queue_work(giving_queue, &giving);
}

void rust_pool_part_soon(void)
{
	queue_work(system_dfl_wq, &parting);
}

void rust_pool_upkeep_soon(void)
{
	queue_work(system_dfl_wq, &upkeep);
}

/*
 * For lockdep, which does not know of the waits below. The first two are held while
 * a common buffer is given back, or the work item runs the code of others, and are
 * acquired where that may be waited for. The third is held where the code of others
 * must not run, and acquired where it is about to run. So lockdep reports a wait
 * that can deadlock, whether or not it would have waited this time.
 */
#ifdef CONFIG_DEBUG_LOCK_ALLOC
static struct lockdep_map maps[] = {
	[RUST_POOL_GIVING] = STATIC_LOCKDEP_MAP_INIT("rust_pool_giving", &maps[0]),
	[RUST_POOL_PARTING] = STATIC_LOCKDEP_MAP_INIT("rust_pool_parting", &maps[1]),
	[RUST_POOL_NO_OTHERS] = STATIC_LOCKDEP_MAP_INIT("rust_pool_no_others", &maps[2]),
};

void rust_pool_doing(u32 what)
{
	lock_map_acquire(&maps[what]);
}

void rust_pool_done(u32 what)
{
	lock_map_release(&maps[what]);
}
#else
void rust_pool_doing(u32 what)
{
}

void rust_pool_done(u32 what)
{
}
#endif

/*
 * Whether the code of others may be called here: where it may sleep, and where
 * nobody can wait for it. In reclaim it may need a lock that this very task took
 * before it asked for memory.
 */
bool rust_pool_may_call_others(void)
{
	return !rust_pool_irql() && !rust_pool_in_reclaim() &&
	       current_work() != &giving;
}

static DECLARE_WAIT_QUEUE_HEAD(waiters);

/* Wake those who wait, to look again. Any context but NMI. */
void rust_pool_wake(void)
{
	wake_up_all(&waiters);
}

/* Wait until @ready says so. Sleeps. */
void rust_pool_wait(u32 what, bool (*ready)(void *arg), void *arg)
{
	rust_pool_doing(what);
	rust_pool_done(what);
	wait_event(waiters, ready(arg));
}

/*
 * Addresses that tell which modules' code a device needs when it is released:
 * its structure, its release(), and what may hold that. A type or a class may be
 * on the heap, with a function of a module in it.
 */
void rust_pool_device_code(const struct device *dev, unsigned long *at)
{
	at[0] = (unsigned long)dev;
	at[1] = (unsigned long)dev->release;
	at[2] = (unsigned long)dev->type;
	at[3] = (unsigned long)dev->class;
	at[4] = (unsigned long)dev->bus;
	at[5] = (unsigned long)dev->kobj.ktype;
	at[6] = dev->type ? (unsigned long)dev->type->release : 0;
	at[7] = dev->class ? (unsigned long)dev->class->dev_release : 0;
}
