// SPDX-License-Identifier: GPL-2.0
/*
 * A client that puts a list of rp_test_lifetime where it cannot be unmapped at once, and
 * is gone when it is unmapped. The adapter is the other's.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <rust_pool/wdm.h>

#include "putter.h"

/* Only who uses a routine of rust_pool itself, and not just an adapter's, is a client. */
static void *block;

static int __init putter_init(void)
{
	block = ExAllocatePoolWithTag(NonPagedPoolNx, 16, 'ttuP');
	return block ? 0 : -ENOMEM;
}

static noinline void put_and_go(void)
{
	struct lent lent = lend_list();

	if (!lent.list)
		return;
	preempt_disable();
	lent.adapter->DmaOperations->PutScatterGatherList(lent.adapter, lent.list,
							  FALSE);
	preempt_enable();
}

static void __exit putter_exit(void)
{
	ExFreePoolWithTag(block, 'ttuP');
	put_and_go();
	/* The work item has it in hand by then, and for most of a second. */
	msleep(100);
}

module_init(putter_init);
module_exit(putter_exit);

MODULE_DESCRIPTION("Selftest of rust_pool: a client that goes before its list is put");
MODULE_AUTHOR("The rust_pool authors");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
