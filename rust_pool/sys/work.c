// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred work, and who may wait for it. There are five work items, for five
 * kinds of work that must not delay each other, and two for what is kept:
 *
 *   giving   gives back memory whose free was deferred. It calls only functions of
 *            the kernel and of this module, and a device's own DMA operations.
 *   parting  drops last references to devices. That calls their release(), code of
 *            other modules, which may call us, take locks, and run for long.
 *   granting  calls the routines of drivers that wait for an adapter's channel which
 *            was freed above DISPATCH_LEVEL, where they must not be called.
 *   unpinning  unpins pages of processes. That may call the dirty_folio() of a file
 *            system. It waits for no folio, but tries again as long as one is locked.
 *   upkeep   makes rows and slab caches, and changes the verifier's static key.
 *   ageing   gives back what the depot did not need for a while. It runs again and
 *            again as long as the depot holds something.
 *   trim     one on each CPU: gives back what its magazines hold beyond their usual
 *            limits.
 *
 * Only this module's exit waits for a work item. PutDmaAdapter() takes its buffers
 * out of the backlog and frees them itself; it waits only for a buffer that another
 * task is freeing at that moment. The unload of a module waits for a release() that
 * is in this module's code, whoever calls it, for calls that use a device which
 * is in its memory, and for a routine of it that has an adapter's channel.
 * Documentation/contexts.rst has the table.
 */

#include <linux/cpumask.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/percpu.h>
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

static void run_granting(struct work_struct *work)
{
	rust_pool_grant();
}

static void run_upkeep(struct work_struct *work)
{
	rust_pool_upkeep();
}

static void run_unpinning(struct work_struct *work)
{
	rust_pool_unpin_deferred();
}

/* What nobody needed for so long, in milliseconds, is given back. */
#define AGE	400

static void run_ageing(struct work_struct *work)
{
	if (rust_pool_age())
		rust_pool_age_later();
}

static void run_trim(struct work_struct *work)
{
	rust_pool_trim();
}

static DECLARE_DELAYED_WORK(ageing, run_ageing);
static DEFINE_PER_CPU(struct work_struct, trims);

static DECLARE_WORK(giving, run_giving);
static DECLARE_WORK(parting, run_parting);
static DECLARE_WORK(granting, run_granting);
static DECLARE_WORK(upkeep, run_upkeep);
static DECLARE_DELAYED_WORK(unpinning, run_unpinning);

/*
 * The queue of "giving" has high priority and is not bound to a CPU, because code
 * that frees in atomic context cannot wait for it. It is not WQ_MEM_RECLAIM, as a
 * change of page attributes may wait for a work item of vmalloc, whose queue is not
 * WQ_MEM_RECLAIM.
 */
static struct workqueue_struct *giving_queue;

int rust_pool_work_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		INIT_WORK(per_cpu_ptr(&trims, cpu), run_trim);
	giving_queue = alloc_workqueue("rust_pool", WQ_UNBOUND | WQ_HIGHPRI, 0);
	return giving_queue ? 0 : -ENOMEM;
}

void rust_pool_work_exit(void)
{
	rust_pool_work_finish();
	destroy_workqueue(giving_queue);
}

/*
 * Wait for all work items; "unpinning" is not to try again. Only in our exit, when no
 * client is left.
 */
void rust_pool_work_finish(void)
{
	unsigned int cpu;

	flush_work(&giving);
	flush_work(&upkeep);
	flush_work(&parting);
	flush_work(&granting);
	cancel_delayed_work_sync(&unpinning);
	/* What frees blocks may ask for the ageing. Upkeep starts it, and it starts trims. */
	flush_work(&upkeep);
	cancel_delayed_work_sync(&ageing);
	for_each_possible_cpu(cpu)
		cancel_work_sync(per_cpu_ptr(&trims, cpu));
}

/* These queue a work item. Any context but NMI. */
void rust_pool_give_soon(void)
{
	queue_work(giving_queue, &giving);
}

void rust_pool_part_soon(void)
{
	queue_work(system_dfl_wq, &parting);
}

void rust_pool_grant_soon(void)
{
	queue_work(system_dfl_wq, &granting);
}

void rust_pool_upkeep_soon(void)
{
	queue_work(system_dfl_wq, &upkeep);
}

void rust_pool_unpin_soon(void)
{
	mod_delayed_work(system_dfl_wq, &unpinning, 0);
}

/* As often as this it tries a folio that stays locked. */
void rust_pool_unpin_later(void)
{
	queue_delayed_work(system_dfl_wq, &unpinning, HZ / 20);
}

/* When ageing is queued already, this changes nothing. Any context but NMI. */
void rust_pool_age_later(void)
{
	queue_delayed_work(system_dfl_wq, &ageing, msecs_to_jiffies(AGE));
}

/*
 * Where the CPU goes offline meanwhile, it runs on another one, and trims that. Any
 * context but NMI.
 */
void rust_pool_trim_soon(u32 cpu)
{
	if (cpu_online(cpu))
		queue_work_on(cpu, system_percpu_wq, per_cpu_ptr(&trims, cpu));
}

/*
 * Lockdep does not know of the waits below, so they are modelled as locks.
 * "rust_pool_giving" is held while a common buffer is given back, and
 * "rust_pool_parting" while a reference to a device is dropped, which runs code of
 * other modules; both are acquired where that may be waited for. So are
 * "rust_pool_unmapping", which is held while a deferred mapping of registers is
 * undone, and "rust_pool_using", which is held by a call that sleeps while it uses a
 * device, and "rust_pool_granting", which is held while a task calls a routine that
 * got an adapter's channel. "rust_pool_no_others" is held where code of other modules must not run,
 * and acquired where it is about to run. So lockdep reports a wait that can
 * deadlock, even if nobody had to wait this time.
 *
 * Only the unload of a module waits for "parting", "using" and "granting", which may
 * be nested: a release() may put an adapter, a call that uses a device may reclaim
 * memory, where a shrinker frees a buffer, and a routine may free the channel of
 * another adapter. So they are held as by readers.
 */
#ifdef CONFIG_DEBUG_LOCK_ALLOC
static struct lockdep_map maps[] = {
	[RUST_POOL_GIVING] = STATIC_LOCKDEP_MAP_INIT("rust_pool_giving", &maps[0]),
	[RUST_POOL_PARTING] = STATIC_LOCKDEP_MAP_INIT("rust_pool_parting", &maps[1]),
	[RUST_POOL_NO_OTHERS] = STATIC_LOCKDEP_MAP_INIT("rust_pool_no_others", &maps[2]),
	[RUST_POOL_UNMAPPING] = STATIC_LOCKDEP_MAP_INIT("rust_pool_unmapping", &maps[3]),
	[RUST_POOL_USING] = STATIC_LOCKDEP_MAP_INIT("rust_pool_using", &maps[4]),
	[RUST_POOL_GRANTING] = STATIC_LOCKDEP_MAP_INIT("rust_pool_granting", &maps[5]),
};

void rust_pool_doing(u32 what)
{
	if (what == RUST_POOL_PARTING || what == RUST_POOL_USING ||
	    what == RUST_POOL_GRANTING)
		lock_map_acquire_read(&maps[what]);
	else
		lock_map_acquire(&maps[what]);
}

void rust_pool_done(u32 what)
{
	lock_map_release(&maps[what]);
}

static void about_to_wait(u32 what)
{
	lock_map_acquire(&maps[what]);
	lock_map_release(&maps[what]);
}
#else
void rust_pool_doing(u32 what)
{
}

void rust_pool_done(u32 what)
{
}

static void about_to_wait(u32 what)
{
}
#endif

/*
 * Whether code of other modules may be called here, such as a device's release():
 * where it may sleep; not in reclaim, as it may want a lock that this task took
 * before it allocated memory; and not in "giving", which it must not delay.
 */
bool rust_pool_may_call_others(void)
{
	return !rust_pool_irql() && !rust_pool_in_reclaim() &&
	       current_work() != &giving;
}

static DECLARE_WAIT_QUEUE_HEAD(waiters);

/* Make all waiters check their condition again. Any context but NMI. */
void rust_pool_wake(void)
{
	wake_up_all(&waiters);
}

/* Wait until @ready returns true. Sleeps. */
void rust_pool_wait(u32 what, bool (*ready)(void *arg), void *arg)
{
	about_to_wait(what);
	wait_event(waiters, ready(arg));
}

/*
 * Fill in addresses in the modules whose code a device's release needs: of its
 * structure, of each release() that the driver core may call, and of the structures
 * that contain those. A type or a class may be allocated, and point to a release()
 * of a module, so both the structure and the function are given.
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

/* The address of the device's own release(); 0 if it has none. */
unsigned long rust_pool_device_release(const struct device *dev)
{
	return (unsigned long)dev->release;
}
