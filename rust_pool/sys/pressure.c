// SPDX-License-Identifier: GPL-2.0
/*
 * Callbacks of the kernel after which memory is given back to it: the shrinker,
 * when memory is short, and the hotplug callback, when a CPU went offline.
 * events/drain.rs gives back what is spare.
 *
 * Also finds out whether a task is in reclaim. There nobody may wait for memory.
 */

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/workqueue.h>

#include "core.h"

static void drain_cpu(struct work_struct *work)
{
	rust_pool_drain();
}

static DEFINE_PER_CPU(struct work_struct, drain_work);

static unsigned long count_spare(struct shrinker *shrinker,
				 struct shrink_control *control)
{
	return rust_pool_spare() ?: SHRINK_EMPTY;
}

/*
 * Only its own CPU may empty a magazine. So this queues a work item on each CPU, and
 * the one for deferred frees. Nothing is free yet when it returns: SHRINK_STOP.
 */
static unsigned long free_spare(struct shrinker *shrinker,
				struct shrink_control *control)
{
	unsigned int cpu;

	rust_pool_give_soon();
	for_each_online_cpu(cpu)
		queue_work_on(cpu, system_percpu_wq,
			      per_cpu_ptr(&drain_work, cpu));
	return SHRINK_STOP;
}

static int cpu_dead(unsigned int cpu)
{
	rust_pool_drain_of(cpu);
	return 0;
}

/*
 * The last resort: before the kernel kills a process for memory, it calls the OOM
 * notifiers, which free what they can. It calls them in the task that wants memory,
 * with oom_lock held, for which other tasks that want memory wait. PF_MEMALLOC is
 * not set there, but what a shrinker may not wait for, an OOM notifier may not wait
 * for either. So we register two notifiers: the one that is called first stores the
 * task, the one that is called last clears it. oom_lock allows one task at a time.
 */
static struct task_struct *resort_task;
/*
 * The frame of the first notifier. If the last one is not called, resort_task stays
 * set; so a function only counts as called by a notifier if its frame lies below.
 */
static unsigned long resort_frame;

static int resort_begins(struct notifier_block *nb, unsigned long action,
			 void *freed)
{
	WRITE_ONCE(resort_frame, (unsigned long)__builtin_frame_address(0));
	WRITE_ONCE(resort_task, current);
	return NOTIFY_DONE;
}

static int resort_ends(struct notifier_block *nb, unsigned long action,
		       void *freed)
{
	WRITE_ONCE(resort_task, NULL);
	return NOTIFY_DONE;
}

static struct notifier_block resort_begin = {
	.notifier_call = resort_begins,
	.priority = INT_MAX,
};

static struct notifier_block resort_end = {
	.notifier_call = resort_ends,
	.priority = INT_MIN,
};

/* Whether an OOM notifier is calling. */
bool rust_pool_in_last_resort(void)
{
	return in_task() && READ_ONCE(resort_task) == current &&
	       (unsigned long)__builtin_frame_address(0) <
		       READ_ONCE(resort_frame);
}

/*
 * Whether this task is in reclaim, or in an OOM notifier. There, nothing may be
 * waited for that a task which allocates memory may hold.
 */
bool rust_pool_in_reclaim(void)
{
	return in_task() && ((current->flags & PF_MEMALLOC) ||
			     rust_pool_in_last_resort());
}

static struct shrinker *shrinker;
static int hotplug_state;

int rust_pool_watch_pressure(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		INIT_WORK(per_cpu_ptr(&drain_work, cpu), drain_cpu);
	hotplug_state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN,
						  "rust_pool:dead", NULL,
						  cpu_dead);
	if (hotplug_state < 0)
		return hotplug_state;
	shrinker = shrinker_alloc(0, "rust_pool");
	if (!shrinker) {
		cpuhp_remove_state_nocalls(hotplug_state);
		return -ENOMEM;
	}
	shrinker->count_objects = count_spare;
	shrinker->scan_objects = free_spare;
	shrinker_register(shrinker);
	register_oom_notifier(&resort_end);
	register_oom_notifier(&resort_begin);
	return 0;
}

void rust_pool_unwatch_pressure(void)
{
	unsigned int cpu;

	unregister_oom_notifier(&resort_begin);
	unregister_oom_notifier(&resort_end);
	shrinker_free(shrinker);
	cpuhp_remove_state_nocalls(hotplug_state);
	for_each_possible_cpu(cpu)
		cancel_work_sync(per_cpu_ptr(&drain_work, cpu));
}
