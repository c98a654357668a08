// SPDX-License-Identifier: GPL-2.0
/*
 * A client that holds memory of each family while others try to take it away, or
 * change how it is cached. It does one step when a word is written to its
 * parameter "run":
 *
 *   get, check, free   blocks; their physical addresses are in "physical"
 *   rewrite            makes them write-back behind their owner's back
 *   search, rest       a thread has page frames emptied without end
 *   take ADDRESS, drop a block in the memory block of the machine that begins there;
 *                      fails if there can be none
 *   present ADDRESS, absent ADDRESS
 *                      fails unless this is memory, or none
 *   fail, work         from now on the kernel says that it cannot make pages
 *                      write-back, though it does; no longer
 *
 * "uncached" is how many pages of the blocks that were freed last are not cached
 * as all memory is.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <asm/set_memory.h>

#include "rpt.h"

#define TAG_HELD	('dleH')
#define BYTES	SZ_64K
#define PAGES	(BYTES / PAGE_SIZE)

enum { CACHED, UNCACHED, COMBINED, NONCACHED, POOL, BLOCKS };

static void *blocks[BLOCKS];
/* The page frames of each, by their addresses in the direct map. */
static void *frames[BLOCKS][PAGES];
static struct task_struct *searcher;
static atomic_t searches, found;
static unsigned int uncached;

module_param_named(searches, searches.counter, int, 0444);
module_param_named(found, found.counter, int, 0444);
module_param(uncached, uint, 0444);

static void *contiguous(MEMORY_CACHING_TYPE type, u64 lowest, u64 highest)
{
	PHYSICAL_ADDRESS low = { .QuadPart = lowest };
	PHYSICAL_ADDRESS high = { .QuadPart = highest };
	PHYSICAL_ADDRESS none = { };

	return MmAllocateContiguousMemorySpecifyCache(BYTES, low, high, none,
						      type);
}

static int get(void)
{
	unsigned int i, k;

	if (blocks[0])
		return -EBUSY;
	blocks[CACHED] = contiguous(MmCached, 0, S64_MAX);
	blocks[UNCACHED] = contiguous(MmNonCached, 0, S64_MAX);
	blocks[COMBINED] = contiguous(MmWriteCombined, 0, S64_MAX);
	blocks[NONCACHED] = MmAllocateNonCachedMemory(BYTES);
	blocks[POOL] = ExAllocatePoolWithTag(NonPagedPoolNx, BYTES, TAG_HELD);
	for (i = 0; i < BLOCKS; i++) {
		if (!blocks[i])
			return -ENOMEM;
		rpt_fill(blocks[i], BYTES, i);
		for (k = 0; k < PAGES; k++)
			frames[i][k] = __va(rpt_phys(blocks[i] + k * PAGE_SIZE));
	}
	return 0;
}

static int check(void)
{
	unsigned int i;

	for (i = 0; i < BLOCKS; i++)
		if (blocks[i] && !rpt_filled(blocks[i], BYTES, i))
			return -EUCLEAN;
	return 0;
}

/* As a module that means well might, and none of it may harm. */
static int rewrite(void)
{
	unsigned int i, k;
	int err = 0;

	for (i = UNCACHED; i <= NONCACHED; i++)
		for (k = 0; k < PAGES; k++)
			err = err ?: set_memory_wb((unsigned long)frames[i][k], 1);
	return err;
}

static void free_all(void)
{
	unsigned int i, k;

	for (i = CACHED; i <= COMBINED; i++)
		if (blocks[i])
			MmFreeContiguousMemory(blocks[i]);
	if (blocks[NONCACHED])
		MmFreeNonCachedMemory(blocks[NONCACHED], BYTES);
	if (blocks[POOL])
		ExFreePoolWithTag(blocks[POOL], TAG_HELD);
	uncached = 0;
	for (i = 0; i < BLOCKS; i++) {
		for (k = 0; blocks[i] && k < PAGES; k++)
			uncached += rpt_cache(frames[i][k]) != RPT_WB;
		blocks[i] = NULL;
	}
}

static void *taken;

static int take(u64 at)
{
	if (taken)
		return -EBUSY;
	taken = contiguous(MmCached, at, at + memory_block_size_bytes() - 1);
	return taken ? 0 : -ENOMEM;
}

static void drop(void)
{
	if (taken)
		MmFreeContiguousMemory(taken);
	taken = NULL;
}

/* Whether all that we are asked says that the page at @at is memory, or is not. */
static int look(u64 at, bool there)
{
	PHYSICAL_ADDRESS address = { .QuadPart = at };
	PPHYSICAL_MEMORY_RANGE ranges = MmGetPhysicalMemoryRanges(), range;
	bool listed = false;

	if (!ranges)
		return -ENOMEM;
	for (range = ranges; range->NumberOfBytes.QuadPart; range++)
		listed |= at - range->BaseAddress.QuadPart <
			  (u64)range->NumberOfBytes.QuadPart;
	ExFreePool(ranges);
	if (listed != there || !!MmGetVirtualForPhysical(address) != there)
		return -ENXIO;
	return 0;
}

/* The calls that make pages write-back return a failure. */
static int say_failed(struct kretprobe_instance *call, struct pt_regs *regs)
{
	regs_set_return_value(regs, -ENOMEM);
	return 0;
}

static struct kretprobe of_memory = {
	.kp.symbol_name = "set_memory_wb",
	.handler = say_failed,
};
static struct kretprobe of_pages = {
	.kp.symbol_name = "set_pages_array_wb",
	.handler = say_failed,
};
static bool failing;

static void work(void)
{
	if (!failing)
		return;
	unregister_kretprobe(&of_memory);
	unregister_kretprobe(&of_pages);
	failing = false;
}

static int fail(void)
{
	int err;

	if (failing)
		return -EBUSY;
	err = register_kretprobe(&of_memory);
	if (err)
		return err;
	err = register_kretprobe(&of_pages);
	if (err)
		unregister_kretprobe(&of_memory);
	failing = !err;
	return err;
}

/* Bounds that no zone keeps, so frames have to be emptied, anywhere in memory. */
static int search(void *unused)
{
	u64 end = (u64)totalram_pages() << PAGE_SHIFT, at = SZ_64M;

	while (!kthread_should_stop()) {
		void *block = contiguous(MmCached, at, at + SZ_16M - 1);

		atomic_inc(&searches);
		if (block) {
			atomic_inc(&found);
			memset(block, 0x5a, BYTES);
			MmFreeContiguousMemory(block);
		}
		at = at + SZ_16M < end ? at + SZ_16M : SZ_64M;
		cond_resched();
	}
	return 0;
}

static void rest(void)
{
	if (searcher)
		kthread_stop(searcher);
	searcher = NULL;
}

static int start(void)
{
	struct task_struct *task;

	if (searcher)
		return -EBUSY;
	task = kthread_run(search, NULL, "rp_test_held");
	if (IS_ERR(task))
		return PTR_ERR(task);
	searcher = task;
	return 0;
}

static int run_set(const char *step, const struct kernel_param *kp)
{
	u64 at;

	if (sysfs_streq(step, "get"))
		return get();
	if (sysfs_streq(step, "check"))
		return check();
	if (sysfs_streq(step, "rewrite"))
		return rewrite();
	if (sysfs_streq(step, "search"))
		return start();
	if (sysfs_streq(step, "fail"))
		return fail();
	if (sscanf(step, "take %lli", &at) == 1)
		return take(at);
	if (sscanf(step, "present %lli", &at) == 1)
		return look(at, true);
	if (sscanf(step, "absent %lli", &at) == 1)
		return look(at, false);
	if (sysfs_streq(step, "free"))
		free_all();
	else if (sysfs_streq(step, "drop"))
		drop();
	else if (sysfs_streq(step, "work"))
		work();
	else if (sysfs_streq(step, "rest"))
		rest();
	else
		return -EINVAL;
	return 0;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);

/* One address in hexadecimal for each page. */
static int physical_get(char *text, const struct kernel_param *kp)
{
	unsigned int i, k;
	int len = 0;

	for (i = 0; i < BLOCKS; i++)
		for (k = 0; blocks[i] && k < PAGES; k++)
			len += scnprintf(text + len, PAGE_SIZE - len, "%#lx\n",
					 __pa(frames[i][k]));
	return len;
}

static const struct kernel_param_ops physical_ops = { .get = physical_get };
module_param_cb(physical, &physical_ops, NULL, 0400);

static int __init held_init(void)
{
	return 0;
}

static void __exit held_exit(void)
{
	rest();
	work();
	free_all();
	drop();
}

module_init(held_init);
module_exit(held_exit);

MODULE_DESCRIPTION("Selftest of rust_pool: memory that others want");
MODULE_AUTHOR("The rust_pool authors");
MODULE_LICENSE("GPL");
