// SPDX-License-Identifier: GPL-2.0
/*
 * A client that goes while others are busy with a device that needs its code, or that it
 * got the adapter of, or with a routine of it. All but the call site is in rp_test_later, which
 * looks on.
 */
#include <linux/bottom_half.h>
#include <linux/module.h>

#include "dma/dma.h"
#include "guest.h"

static unsigned int what;
module_param(what, uint, 0400);
MODULE_PARM_DESC(what, "With what others are busy when this goes: an enum guest");

static DMA_ADAPTER *adapter;
static PHYSICAL_ADDRESS logical;
static void *buffer;

/* It is never called: who has the device abandons it. */
static void guest_release(struct device *dev)
{
	pr_err("rpt_guest released\n");
}

static IO_ALLOCATION_ACTION guest_routine(PDEVICE_OBJECT device, PIRP irp,
					  PVOID base, PVOID context)
{
	guest_called();
	return DeallocateObject;
}

static int __init guest_init(void)
{
	DEVICE_DESCRIPTION description = describe(32, SZ_64K);
	struct device *dev = guest_comes(what, guest_release);

	if (!dev)
		return -ENODEV;
	if (what == GUEST_USED)
		return 0;
	if (what == GUEST_CALLED)
		return guest_waits(guest_routine) ? 0 : -ENOMEM;
	adapter = IoGetDmaAdapter(dev, &description, NULL);
	if (what == GUEST_GIVEN && adapter)
		buffer = get_buffer(adapter, 8192, &logical);
	return adapter ? 0 : -ENOMEM;
}

static void __exit guest_exit(void)
{
	if (buffer) {
		local_bh_disable();
		put_buffer(adapter, 8192, logical, buffer);
		put_adapter(adapter);
		local_bh_enable();
		adapter = NULL;
	}
	guest_goes(adapter);
}

module_init(guest_init);
module_exit(guest_exit);

MODULE_DESCRIPTION("rust_pool selftests: a client that goes while others are busy");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
