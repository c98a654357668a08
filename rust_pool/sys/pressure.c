// SPDX-License-Identifier: GPL-2.0
/*
 * When memory is to be given back: when it is short, and when a CPU is gone.
 * What is given back is in events/drain.rs. And where memory is being given back
 * to the kernel, so that nobody may wait for any.
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
 * Only its own CPU may empty a magazine, so this queues work on each CPU, and for
 * deferred frees: nothing is free yet when this returns.
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
 * Before it kills a process for memory the kernel asks who has registered for it
 * to free what he can. It does so in the task that wants memory, and holds a mutex
 * for which every other waits that wants memory then. So what must not be waited
 * for in a shrinker must not be there. The mutex lets one task at a time do so;
 * it is noted by who is called first and who is called last.
 */
static struct task_struct *resort_task;
/* What is called there lies below it on the stack, should the end be missed. */
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

/* Whether this is called by a notifier that the kernel asks as its last resort. */
bool rust_pool_in_last_resort(void)
{
	return in_task() && READ_ONCE(resort_task) == current &&
	       (unsigned long)__builtin_frame_address(0) <
		       READ_ONCE(resort_frame);
}

/*
 * Whether memory is being given back to the kernel here, so that what may be held
 * by who asks for memory is not to be waited for.
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
