// SPDX-License-Identifier: GPL-2.0
/*
 * Another module than that of the suites. It initialises a list for them; and it can
 * have rust_pool's workers stop for a while before they free a block.
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "lookaside.h"

static bool slow;
module_param(slow, bool, 0);
MODULE_PARM_DESC(slow, "Stop the worker that frees a block next");

static int stopped;
module_param(stopped, int, 0444);
MODULE_PARM_DESC(stopped, "Whether one has been stopped");

void rpt_other_list(PNPAGED_LOOKASIDE_LIST list)
{
	ExInitializeNPagedLookasideList(list, NULL, NULL, 0, 100, TAG_LOOK, 0);
}
EXPORT_SYMBOL_GPL(rpt_other_list);

static int freeing(struct kprobe *probe, struct pt_regs *regs)
{
	if ((current->flags & PF_WQ_WORKER) && !xchg(&stopped, 1))
		mdelay(1500);
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "rust_pool_free",
	.pre_handler = freeing,
};

static int __init rpt_other_init(void)
{
	return slow ? register_kprobe(&probe) : 0;
}

static void __exit rpt_other_exit(void)
{
	if (slow)
		unregister_kprobe(&probe);
}

module_init(rpt_other_init);
module_exit(rpt_other_exit);

MODULE_DESCRIPTION("rust_pool selftests: another user of lookaside lists");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
