// SPDX-License-Identifier: GPL-2.0
/* A module that owns a block of tagged pool. */

#include <linux/module.h>
#include <rust_pool/wdm.h>

static PVOID ring;

static int __init c_client_init(void)
{
	ring = ExAllocatePoolZero(NonPagedPoolNx, 300, 'gniR');
	if (!ring)
		return rust_pool_status_to_errno(STATUS_INSUFFICIENT_RESOURCES);
	return 0;
}
module_init(c_client_init);

static void __exit c_client_exit(void)
{
	ExFreePoolWithTag(ring, 'gniR');
}
module_exit(c_client_exit);

MODULE_DESCRIPTION("rust_pool example: a client in C");
MODULE_LICENSE("GPL");
