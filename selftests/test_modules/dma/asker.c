// SPDX-License-Identifier: GPL-2.0
/*
 * A client whose init code asks for a channel that rp_test_lifetime keeps. Its routine does
 * one of these, as its parameter says:
 *
 *   odd    returns what is no action
 *   keeps  keeps the map registers; init returns as soon as the request has been granted
 *   again  waits until this module goes, and then asks again, and again
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/string.h>

#include "asker.h"

static char *how = "";
module_param(how, charp, 0);

/* How often it asks when it goes. */
#define REQUESTS	8
/* Nobody waits for longer, in seconds. */
#define PATIENCE	30

static struct lent_channel *lent;
/* Only who uses a routine of rust_pool itself, and not just an adapter's, is a client. */
static void *block;

/* Inlined, so that the function that asks is named as the caller. */
static __always_inline int ask(PDRIVER_CONTROL routine)
{
	return lent->adapter->DmaOperations->AllocateAdapterChannelEx(
		lent->adapter, lent->device, NULL, 1, 0, routine, NULL, NULL);
}

static IO_ALLOCATION_ACTION count(PDEVICE_OBJECT device, PIRP irp, PVOID base,
				  PVOID context)
{
	lent->calls++;
	return DeallocateObject;
}

static IO_ALLOCATION_ACTION odd(PDEVICE_OBJECT device, PIRP irp, PVOID base,
				PVOID context)
{
	lent->calls++;
	lent->base = base;
	return 9;
}

static IO_ALLOCATION_ACTION keep(PDEVICE_OBJECT device, PIRP irp, PVOID base,
				 PVOID context)
{
	lent->calls++;
	lent->base = base;
	return DeallocateObjectKeepRegisters;
}

/* Whoever unloads this module has come to wait for this routine when it asks. */
static IO_ALLOCATION_ACTION ask_again(PDEVICE_OBJECT device, PIRP irp, PVOID base,
				      PVOID context)
{
	u64 end = ktime_get_ns() + (u64)PATIENCE * NSEC_PER_SEC;
	unsigned int i;

	lent->calls++;
	WRITE_ONCE(lent->entered, true);
	while (!READ_ONCE(lent->gone) && ktime_get_ns() < end)
		cpu_relax();
	mdelay(1000);
	for (i = 0; i < REQUESTS; i++)
		if (ask(count))
			pr_err("rp_test_asker: refused\n");
	return DeallocateObject;
}

static noinline int __init ask_in_init(void)
{
	unsigned long end = jiffies + PATIENCE * HZ;
	int err;

	if (!strcmp(how, "odd"))
		return ask(odd);
	if (!strcmp(how, "again"))
		return ask(ask_again);
	err = ask(keep);
	while (!err && !READ_ONCE(lent->paused) && time_before(jiffies, end))
		msleep(20);
	return err;
}

static int __init asker_init(void)
{
	int err;

	lent = lend_channel();
	if (!lent)
		return -ENODEV;
	block = ExAllocatePoolWithTag(NonPagedPoolNx, 16, 'reks');
	if (!block)
		return -ENOMEM;
	err = ask_in_init();
	if (err)
		ExFreePoolWithTag(block, 'reks');
	return err ? -ENOMEM : 0;
}

static void __exit asker_exit(void)
{
	ExFreePoolWithTag(block, 'reks');
	WRITE_ONCE(lent->gone, true);
}

module_init(asker_init);
module_exit(asker_exit);

MODULE_DESCRIPTION("Selftest of rust_pool: a client that asks for a channel, and goes");
MODULE_AUTHOR("The rust_pool authors");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
