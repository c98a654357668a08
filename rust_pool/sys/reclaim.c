// SPDX-License-Identifier: GPL-2.0
/*
 * Finds out whether a task is in reclaim. There nobody may wait for memory.
 */

#include <linux/limits.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include "core.h"

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

void rust_pool_watch_last_resort(void)
{
	register_oom_notifier(&resort_end);
	register_oom_notifier(&resort_begin);
}

void rust_pool_unwatch_last_resort(void)
{
	unregister_oom_notifier(&resort_begin);
	unregister_oom_notifier(&resort_end);
}
