// SPDX-License-Identifier: GPL-2.0
/*
 * A client of which the module's name and a function's are as long as the kernel
 * admits. It leaks one of each kind and breaks a rule.
 */
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/stringify.h>

#include <rust_pool/wdm.h>

#define JOIN_(a, b)	a##b
#define JOIN(a, b)	JOIN_(a, b)
#define LONG_8		abcdefgh
#define LONG_16		JOIN(LONG_8, LONG_8)
#define LONG_32		JOIN(LONG_16, LONG_16)
#define LONG_64		JOIN(LONG_32, LONG_32)
#define LONG_128	JOIN(LONG_64, LONG_64)
#define LONG_256	JOIN(LONG_128, LONG_128)
/* As in 504 = 256 + 128 + 64 + 32 + 16 + 8. */
#define LONG_NAME						\
	JOIN(long_fn, JOIN(LONG_256, JOIN(LONG_128, JOIN(LONG_64,	\
		JOIN(LONG_32, JOIN(LONG_16, LONG_8))))))

static_assert(sizeof(__stringify(LONG_NAME)) == KSYM_NAME_LEN);
static_assert(sizeof(KBUILD_MODNAME) == MODULE_NAME_LEN);

static noinline bool LONG_NAME(void)
{
	PHYSICAL_ADDRESS any = { .QuadPart = -1 };
	void *contiguous = MmAllocateContiguousMemory(5000, any);
	void *noncached = MmAllocateNonCachedMemory(5000);
	void *block = ExAllocatePoolWithTag(NonPagedPoolNx, 5000, 'gnoL');

	ExFreePoolWithTag(block, 'gnoX');
	return contiguous && noncached && block;
}

static int __init rpt_long_init(void)
{
	return LONG_NAME() ? 0 : -ENOMEM;
}

static void __exit rpt_long_exit(void)
{
}

module_init(rpt_long_init);
module_exit(rpt_long_exit);

MODULE_DESCRIPTION("rust_pool selftests: a client with long names");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
