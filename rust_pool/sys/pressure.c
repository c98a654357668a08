// SPDX-License-Identifier: GPL-2.0
/*
 * Callbacks of the kernel after which memory is given back to it: the shrinker,
 * when memory is short, and the hotplug callback, when a CPU went offline.
 * events/drain.rs gives back what is spare.
 */

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/percpu.h>
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
	rust_pool_watch_last_resort();
	return 0;
}

void rust_pool_unwatch_pressure(void)
{
	unsigned int cpu;

	rust_pool_unwatch_last_resort();
	shrinker_free(shrinker);
	cpuhp_remove_state_nocalls(hotplug_state);
	for_each_possible_cpu(cpu)
		cancel_work_sync(per_cpu_ptr(&drain_work, cpu));
}
