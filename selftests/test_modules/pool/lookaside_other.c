// SPDX-License-Identifier: GPL-2.0
/*
 * Another module than that of the suites. It initialises a list for them; and it can
 * have one of rust_pool's workers stop before it frees a block, until the suites are unloaded.
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "lookaside.h"

static bool slow;
module_param(slow, bool, 0);
MODULE_PARM_DESC(slow, "Stop the worker that frees a block next, until the suites are unloaded");

static int stopped;
module_param(stopped, int, 0444);
MODULE_PARM_DESC(stopped, "Whether one has been stopped");

void rpt_other_list(PNPAGED_LOOKASIDE_LIST list)
{
	ExInitializeNPagedLookasideList(list, NULL, NULL, 0, 100, TAG_LOOK, 0);
}
EXPORT_SYMBOL_GPL(rpt_other_list);

static bool going;

/* Before rust_pool learns of it. */
static int module_event(struct notifier_block *block, unsigned long event, void *data)
{
	const struct module *module = data;

	if (event == MODULE_STATE_GOING && !strcmp(module->name, "rp_test_lookaside"))
		WRITE_ONCE(going, true);
	return NOTIFY_DONE;
}

static struct notifier_block events = {
	.notifier_call = module_event,
	.priority = INT_MAX,
};

static int freeing(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned int tries;

	if (!(current->flags & PF_WQ_WORKER) || xchg(&stopped, 1))
		return 0;
	for (tries = 0; tries < 100 && !READ_ONCE(going); tries++)
		mdelay(100);
	/* Who does not wait for this worker has reported by then. */
	mdelay(500);
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "rust_pool_free",
	.pre_handler = freeing,
};

static int __init rpt_other_init(void)
{
	int error = slow ? register_module_notifier(&events) : 0;

	if (error || !slow)
		return error;
	error = register_kprobe(&probe);
	if (error)
		unregister_module_notifier(&events);
	return error;
}

static void __exit rpt_other_exit(void)
{
	if (!slow)
		return;
	unregister_kprobe(&probe);
	unregister_module_notifier(&events);
}

module_init(rpt_other_init);
module_exit(rpt_other_exit);

MODULE_DESCRIPTION("rust_pool selftests: another user of lookaside lists");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
