/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One of two clients that use the same tag. Each is this file under a name of
 * its own.
 */
#include <linux/kernel.h>
#include <linux/module.h>

#include <rust_pool/wdm.h>

static unsigned int leak;
module_param(leak, uint, 0);
MODULE_PARM_DESC(leak, "Blocks of 100 bytes to leak; ten more are freed at the end");

static unsigned int tags;
module_param(tags, uint, 0);
MODULE_PARM_DESC(tags, "Further tags to use, a block each that is freed");

static bool give;
module_param(give, bool, 0);
MODULE_PARM_DESC(give, "Allocate a block that another is to free");

static unsigned long given;
module_param(given, ulong, 0400);
MODULE_PARM_DESC(given, "The address of that block");

static unsigned long taken;
module_param(taken, ulong, 0);
MODULE_PARM_DESC(taken, "Address of such a block, to free");

static bool wrong;
module_param(wrong, bool, 0);
MODULE_PARM_DESC(wrong, "Free a block with another tag than its own, which is refused");

static PVOID blocks[10];

static noinline PVOID share_block(void)
{
	PVOID block = ExAllocatePoolWithTag(NonPagedPoolNx, 100, 'rahS');

	/* A call, not a jump, so that the line is to be seen. */
	barrier();
	return block;
}

static noinline int use_tags(void)
{
	unsigned int i;

	for (i = 0; i < tags; i++) {
		PVOID block = ExAllocatePoolWithTag(NonPagedPoolNx, 16,
						    0x41000000 + i);

		if (!block)
			return -ENOMEM;
		ExFreePool(block);
	}
	return 0;
}

static int __init share_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		blocks[i] = share_block();
	for (i = 0; i < leak; i++)
		share_block();
	if (give)
		given = (unsigned long)share_block();
	if (taken)
		ExFreePool((PVOID)taken);
	if (wrong)
		ExFreePoolWithTag(blocks[0], 'gnrW');
	return use_tags();
}

static void __exit share_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		ExFreePoolWithTag(blocks[i], 'rahS');
}

module_init(share_init);
module_exit(share_exit);

MODULE_DESCRIPTION("rust_pool selftests: one of two that share a tag");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
