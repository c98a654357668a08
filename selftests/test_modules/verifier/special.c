// SPDX-License-Identifier: GPL-2.0
/*
 * Special pool: what lies around a block, before and after it is freed. The tests
 * look without faulting; that a fault is told as it should is another test's.
 */
#include <linux/align.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "pool/pool_call.h"
#include "special.h"

#define TAG	((ULONG)'StsT')
#define SLOTS	16	/* the shell's slots= */

static bool start;
module_param(start, bool, 0600);
MODULE_PARM_DESC(start, "Blocks begin with their page, not end with it");

static char *allocate(size_t bytes)
{
	return ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG);
}

static void release(void *block)
{
	ExFreePoolWithTag(block, TAG);
}

static bool readable(const char *at)
{
	char byte;

	return !copy_from_kernel_nofault(&byte, at, 1);
}

static char *page_of(char *at)
{
	return PTR_ALIGN_DOWN(at, PAGE_SIZE);
}

static const struct rpt_arg sizes[] = {
	{ "1", 1 },
	{ "15", 15 },
	{ "16", 16 },
	{ "17", 17 },
	{ "100", 100 },
	{ "2048", 2048 },
	{ "4064", 4064 },
	{ "4065", 4065 },
	{ "4080", 4080 },
	{ "4095", 4095 },
	{ "4096", 4096 },
	{ }
};

static void alone_between_holes(struct rpt *t)
{
	size_t bytes = rpt_value(t), want;
	struct rpt_row before, after;
	char *block, *page;

	/* What has no header otherwise begins at a page. */
	want = start || bytes > 4064 ? 0 : PAGE_SIZE - ALIGN(bytes, 16);
	rpt_tag(t, "TstS", false, &before);
	block = allocate(bytes);
	if (!EXPECT(t, block))
		return;
	rpt_tag(t, "TstS", false, &after);
	EXPECT_EQ(t, after.bytes - before.bytes, bytes);
	EXPECT_EQ(t, after.used - before.used, PAGE_SIZE);
	page = page_of(block);
	EXPECT_EQ(t, block - page, want);
	EXPECT(t, readable(page));
	EXPECT(t, readable(page + PAGE_SIZE - 1));
	EXPECT(t, !readable(page - 1));
	EXPECT(t, !readable(page + PAGE_SIZE));
	rpt_fill(block, bytes, 3);
	EXPECT(t, rpt_filled(block, bytes, 3));
	EXPECT_EQ(t, MmGetPhysicalAddress(block).QuadPart, rpt_phys(block));
	release(block);
	EXPECT(t, !readable(block));
	EXPECT(t, !readable(page));
	EXPECT(t, !readable(page + PAGE_SIZE - 1));
}

static void at_a_cache_line(struct rpt *t)
{
	size_t bytes = rpt_value(t), want;
	char *block;

	want = start || bytes > 4064 ? 0 : PAGE_SIZE - ALIGN(bytes, 64);
	block = ExAllocatePoolWithTag(NonPagedPoolNxCacheAligned, bytes, TAG);
	if (!EXPECT(t, block))
		return;
	EXPECT_EQ(t, offset_in_page(block), want);
	EXPECT(t, !readable(page_of(block) + PAGE_SIZE));
	rpt_fill(block, bytes, 3);
	release(block);
	EXPECT(t, !readable(block));
}

/* The caller's priority says which side, whatever the option says. */
static void side_by_priority(struct rpt *t)
{
	char *block;

	block = ExAllocatePoolWithTagPriority(NonPagedPoolNx, 100, TAG,
				NormalPoolPrioritySpecialPoolUnderrun);
	if (!EXPECT(t, block))
		return;
	EXPECT_EQ(t, offset_in_page(block), 0);
	release(block);
	block = ExAllocatePoolWithTagPriority(NonPagedPoolNx, 100, TAG,
				HighPoolPrioritySpecialPoolOverrun);
	if (!EXPECT(t, block))
		return;
	EXPECT_EQ(t, offset_in_page(block), PAGE_SIZE - 112);
	release(block);
}

/* Of a tag that the option does not name, but the flags ask for it. */
static void by_flag(struct rpt *t)
{
	static const POOL_FLAGS flags = POOL_FLAG_NON_PAGED |
					POOL_FLAG_SPECIAL_POOL;
	char *block = ExAllocatePool2(flags, 100, 'UtsT');

	if (!EXPECT(t, block))
		return;
	EXPECT(t, !readable(page_of(block) - 1));
	EXPECT(t, !readable(page_of(block) + PAGE_SIZE));
	EXPECT(t, !memchr_inv(block, 0, 100));
	ExFreePool(block);
	EXPECT(t, !readable(block));
	/* There is no place there for more than a page. */
	block = ExAllocatePool2(flags, 5000, 'UtsT');
	if (!EXPECT(t, block))
		return;
	EXPECT(t, !memchr_inv(block, 0, 5000));
	ExFreePool(block);
}

static void zeroed_if_asked_for(struct rpt *t)
{
	size_t bytes = rpt_value(t);
	char *block = ExAllocatePoolZero(NonPagedPoolNx, bytes, TAG);

	if (!EXPECT(t, block))
		return;
	EXPECT(t, !memchr_inv(block, 0, bytes));
	release(block);
	block = allocate(bytes);
	if (!EXPECT(t, block))
		return;
	EXPECT(t, !memchr_inv(block, 0xcd, bytes));
	release(block);
}

struct watch {
	const char *at;
	bool seen, freed, gone;
	struct completion ready, done;
};

/*
 * Touches the page all the time, on a CPU of its own, so that it is forgotten
 * there by nothing but an order.
 */
static int watch_page(void *arg)
{
	struct watch *watch = arg;
	unsigned long end = jiffies + RPT_PATIENCE;

	preempt_disable();
	watch->seen = readable(watch->at);
	complete(&watch->ready);
	while (!READ_ONCE(watch->freed) && time_before(jiffies, end))
		readable(watch->at);
	while (readable(watch->at) && time_before(jiffies, end))
		cpu_relax();
	watch->gone = !readable(watch->at);
	preempt_enable();
	complete(&watch->done);
	return 0;
}

/* A CPU that uses a block does not see it for long after another has freed it. */
static void gone_everywhere(struct rpt *t)
{
	char *block = allocate(100);
	struct watch watch = { block };
	struct task_struct *task;
	unsigned int cpu;

	if (!EXPECT(t, block))
		return;
	init_completion(&watch.ready);
	init_completion(&watch.done);
	migrate_disable();
	cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	task = cpu < nr_cpu_ids ? kthread_create(watch_page, &watch, "rp_watch") :
				  NULL;
	if (!IS_ERR_OR_NULL(task)) {
		kthread_bind(task, cpu);
		wake_up_process(task);
		wait_for_completion(&watch.ready);
		release(block);
		WRITE_ONCE(watch.freed, true);
		wait_for_completion(&watch.done);
		EXPECT(t, watch.seen);
		EXPECT(t, watch.gone);
	} else {
		release(block);
		rpt_skip(t, "no other CPU to look from");
	}
	migrate_enable();
}

/* Writes a byte, and expects the free to find it. */
static void written(struct rpt *t, int at, u64 code)
{
	const struct rpt_violation *v;
	char *block = allocate(100);

	if (!EXPECT(t, block))
		return;
	block[at] ^= 4;
	release(block);
	v = rpt_last(t);
	if (!EXPECT_VIOLATIONS(t, 1))
		return;
	EXPECT_EQ(t, v->code, 0xc1);
	EXPECT(t, rpt_shows(v->p[0], block));
	EXPECT(t, rpt_shows(v->p[1], block + at));
	EXPECT_EQ(t, v->p[2], 100);
	EXPECT_EQ(t, v->p[3], code);
	EXPECT(t, !readable(block));
}

static void written_before(struct rpt *t)
{
	if (start) {
		rpt_skip(t, "nothing lies before the block");
		return;
	}
	written(t, -1, 0x23);
	written(t, -(int)(PAGE_SIZE - 112), 0x23);
}

static void written_behind(struct rpt *t)
{
	written(t, 100, 0x24);
	written(t, start ? PAGE_SIZE - 1 : 111, 0x24);
}

static void written_on_both_sides(struct rpt *t)
{
	char *block = allocate(100);

	if (!EXPECT(t, block))
		return;
	if (!start)
		block[-9] = 0;
	block[105] = 0;
	release(block);
	EXPECT_VIOLATIONS(t, start ? 1 : 2);
}

static void freed_wrongly(struct rpt *t)
{
	const struct rpt_violation *v;
	char *block = allocate(100);

	if (!EXPECT(t, block))
		return;
	rpt_fill(block, 100, 5);
	ExFreePoolWithTag(block, (ULONG)'XtsT');
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x0a);
	if (v) {
		EXPECT(t, rpt_shows(v->p[1], block));
		EXPECT_EQ(t, v->p[2], TAG);
	}
	release(block + 16);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x99);
	release(block + 1);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x99);
	release(block + 100);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x99);
	release(page_of(block) - 16);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
	EXPECT(t, rpt_filled(block, 100, 5));
	ExFreePool(block);
	release(block);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
	if (v) {
		EXPECT_EQ(t, v->p[2], TAG);
		EXPECT(t, rpt_shows(v->p[3], block));
	}
	release(block + 16);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
}

static void works_in(struct rpt *t)
{
	struct pool_call call = { NonPagedPoolNx, 100, TAG };

	rpt_in_context(rpt_value(t), pool_call_allocate, &call);
	if (!EXPECT(t, call.block))
		return;
	EXPECT(t, is_vmalloc_addr(call.block));
	rpt_fill(call.block, 100, 1);
	EXPECT(t, rpt_filled(call.block, 100, 1));
	rpt_in_context(rpt_value(t), pool_call_free, &call);
}

/* What there is no room for comes from the pool, and says so. */
static void more_than_there_is_room_for(struct rpt *t)
{
	char *blocks[2 * SLOTS];
	unsigned int i, special = 0;

	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		blocks[i] = allocate(100);
		if (!EXPECT(t, blocks[i]))
			break;
		special += is_vmalloc_addr(blocks[i]);
		rpt_fill(blocks[i], 100, i);
	}
	EXPECT(t, special >= SLOTS - SLOTS / 8 && special <= SLOTS);
	while (i--) {
		EXPECT(t, rpt_filled(blocks[i], 100, i));
		release(blocks[i]);
	}
}

/* A place whose block was freed is the last to be used again. */
static void freed_block_rests(struct rpt *t)
{
	char *block = allocate(100), *page, *other;
	unsigned int i;

	if (!EXPECT(t, block))
		return;
	page = page_of(block);
	release(block);
	for (i = 0; i < SLOTS - 1; i++) {
		other = allocate(100);
		if (!EXPECT(t, other))
			return;
		EXPECT(t, page_of(other) != page);
		release(other);
	}
}

static void copied_to_user(struct rpt *t)
{
	size_t bytes = rpt_value(t);
	char __user *user = rpt_user_map(PAGE_SIZE);
	char *block = allocate(bytes);
	char last = 0;

	if (EXPECT(t, user && block)) {
		rpt_fill(block, bytes, 8);
		EXPECT_EQ(t, copy_to_user(user, block, bytes), 0);
		EXPECT(t, !get_user(last, user + bytes - 1));
		EXPECT_EQ(t, last, block[bytes - 1]);
		memset(block, 0, bytes);
		EXPECT_EQ(t, copy_from_user(block, user, bytes), 0);
		EXPECT(t, rpt_filled(block, bytes, 8));
	}
	if (block)
		release(block);
	if (user)
		rpt_user_unmap(user, PAGE_SIZE);
}

/* Is a page among those that the next blocks lie on? */
static bool comes_round(const struct page *page)
{
	bool met = false;
	unsigned int i;

	for (i = 0; i < 4 * SLOTS; i++) {
		char *block = allocate(100);

		if (!block)
			continue;
		met |= vmalloc_to_page(block) == page;
		memset(block, 0x77, 100);
		release(block);
	}
	return met;
}

/* Somebody has a reference to the page of a block that is freed. */
static void held_page_rests(struct rpt *t)
{
	char *block = allocate(100), *seen;
	struct page *page;

	if (!EXPECT(t, block))
		return;
	page = vmalloc_to_page(block);
	seen = page_address(page) + offset_in_page(block);
	rpt_fill(block, 100, 3);
	get_page(page);
	release(block);
	EXPECT(t, !comes_round(page));
	EXPECT(t, rpt_filled(seen, 100, 3));
	put_page(page);
	EXPECT(t, comes_round(page));
}

static const struct rpt_case cases[] = {
	{ "alone_between_holes", alone_between_holes, sizes },
	{ "held_page_rests", held_page_rests },
	{ "zeroed_if_asked_for", zeroed_if_asked_for, sizes },
	{ "at_a_cache_line", at_a_cache_line, sizes },
	{ "side_by_priority", side_by_priority },
	{ "by_flag", by_flag },
	{ "gone_everywhere", gone_everywhere },
	{ "written_before", written_before },
	{ "written_behind", written_behind },
	{ "written_on_both_sides", written_on_both_sides },
	{ "freed_wrongly", freed_wrongly },
	{ "works_in", works_in, rpt_contexts },
	{ "more_than_there_is_room_for", more_than_there_is_room_for },
	{ "freed_block_rests", freed_block_rests },
	{ "copied_to_user", copied_to_user, sizes },
};

static const struct rpt_suite suite = RPT_SUITE("special", cases);
static const struct rpt_suite *const suites[] = {
	&suite,
	&check_suite,
	&kept_suite,
	&kept_watched_suite,
	&frames_check_suite,
	&frames_special_suite,
};

static void *key;

static int __init rpt_special_init(void)
{
	return rpt_register(suites, ARRAY_SIZE(suites), &key);
}

static void __exit rpt_special_exit(void)
{
	rpt_unregister(key);
}

module_init(rpt_special_init);
module_exit(rpt_special_exit);

MODULE_DESCRIPTION("rust_pool selftests: special pool");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
