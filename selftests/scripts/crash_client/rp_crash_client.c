// SPDX-License-Identifier: GPL-2.0
/*
 * A client that holds a block of each kind, leaks some, and breaks a rule. It says
 * in the kernel log what it has, and where, for whoever reads the dump.
 */

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include <rust_pool/wdm.h>

#define LEAKED 4000
/* It tells of one in so many. */
#define TOLD 40
#define KEPT 256

/* Tell of a block: what it is, whether it is live, its tag, size and address. */
static void tell(const char *what, const char *state, const char *tag, size_t bytes,
		 const void *block)
{
	pr_warn("rp_crash_client: %s %s %s %zu 0x%px\n", what, state, tag, bytes, block);
}

/* The leak that is to be found: each call forgets what it allocated. */
static noinline int forget_to_free(int number)
{
	void *block = ExAllocatePoolZero(NonPagedPoolNx, 1000, 'kaeL');

	if (!block)
		return -ENOMEM;
	if (number % TOLD == 0)
		tell("leaked", "live", "Leak", 1000, block);
	return 0;
}

/* A burst of blocks that are freed: rust_pool keeps their memory for the next one. */
static noinline int free_many(void)
{
	static void *blocks[KEPT];
	int err = 0;
	int i;

	for (i = 0; i < KEPT; i++) {
		blocks[i] = ExAllocatePoolZero(NonPagedPoolNx, 64, 'tpeK');
		if (!blocks[i])
			err = -ENOMEM;
	}
	for (i = 0; i < KEPT; i++)
		if (blocks[i])
			ExFreePoolWithTag(blocks[i], 'tpeK');
	return err;
}

/* Blocks that are charged to insmod's process: small, of pages, and with a record. */
static noinline int hold_charged(void)
{
	const POOL_FLAGS flags = POOL_FLAG_NON_PAGED | POOL_FLAG_USE_QUOTA;
	void *quota, *pages, *large;

	quota = ExAllocatePool2(flags, 150, 'touQ');
	pages = ExAllocatePool2(flags, 9000, 'PouQ');
	large = ExAllocatePool2(flags, 200000, 'LouQ');
	if (!quota || !pages || !large)
		return -ENOMEM;
	tell("quota", "live", "Quot", 150, quota);
	tell("quota_pages", "live", "QuoP", 9000, pages);
	tell("quota_large", "live", "QuoL", 200000, large);
	return 0;
}

static noinline int hold_blocks(void)
{
	PHYSICAL_ADDRESS highest = { .QuadPart = -1LL };
	void *small, *freed, *pages, *large, *contiguous, *special, *late;

	small = ExAllocatePoolZero(NonPagedPoolNx, 300, 'gniR');
	freed = ExAllocatePoolZero(NonPagedPoolNx, 700, 'eerF');
	pages = ExAllocatePoolZero(PagedPool, 9000, 'egaP');
	large = ExAllocatePoolZero(PagedPool, 3000000, 'eguH');
	contiguous = MmAllocateContiguousMemory(5000, highest);
	/* These come from special pool, by an option of the verifier. */
	special = ExAllocatePoolZero(NonPagedPoolNx, 200, 'eniL');
	late = ExAllocatePoolZero(NonPagedPoolNx, 120, 'eniL');
	if (!small || !freed || !pages || !large || !contiguous || !special || !late)
		return -ENOMEM;
	ExFreePoolWithTag(freed, 'eerF');
	ExFreePoolWithTag(late, 'eniL');
	tell("small", "live", "Ring", 300, small);
	tell("freed", "freed", "Free", 700, freed);
	tell("pages", "live", "Page", 9000, pages);
	tell("large", "live", "Huge", 3000000, large);
	tell("contiguous", "live", "-", 5000, contiguous);
	tell("special", "live", "Line", 200, special);
	tell("late", "freed", "Line", 120, late);
	/* With a tag that is not its own: reported, and not freed. */
	ExFreePoolWithTag(small, 'looP');
	/* Too high an IRQL for paged pool, whatever becomes of it. */
	preempt_disable();
	if (ExAllocatePoolWithTag(PagedPool, 100, 'qrIP'))
		pr_info("rp_crash_client: there is paged pool at DISPATCH_LEVEL\n");
	preempt_enable();
	return 0;
}

static int __init rp_crash_client_init(void)
{
	int err = hold_blocks();
	int i;

	if (!err)
		err = hold_charged();
	if (!err)
		err = free_many();
	for (i = 0; i < LEAKED && !err; i++)
		err = forget_to_free(i);
	return err;
}
module_init(rp_crash_client_init);

/* It is not unloaded: the machine is going to panic. */

MODULE_DESCRIPTION("rust_pool selftest: what a dump has to show");
MODULE_LICENSE("GPL");
