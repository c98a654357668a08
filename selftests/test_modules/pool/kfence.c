// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks that KFENCE watches: that there are some, of all kinds that may be, and that they
 * are pool in every other respect. And what a client does wrong with them, which KFENCE is
 * to report: pool_kfence.sh looks for that in the kernel log.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kfence.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>
#include <rust_pool/wdm.h>

#include "pool.h"

#define TAG		('KtsT')
#define SHOWN		"TstK"
#define BAD_POOL_HEADER	0x19
#define HEADER_CHARGED	8
#define HEADER_SAMPLED	64
/* With its header it takes a power of two, so that it may end where its page does. */
#define BYTES		112

/* Blocks that KFENCE did not take, kept so that the magazine is empty again and again. */
#define KEPT		2048
static void *kept[KEPT];

enum kind { PLAIN, PAGED, ZEROED, CHARGED, HOWS };

static const struct rpt_arg hows[] = {
	{ "nonpaged", PLAIN },
	{ "paged", PAGED },
	{ "zeroed", ZEROED },
	{ "charged", CHARGED },
	{ }
};

static const struct rpt_arg sizes[] = {
	{ "1", 1 },
	{ "16", 16 },
	{ "112", 112 },
	{ "1000", 1000 },
	{ "4064", 4064 },
	{ }
};

static noinline void *allocate(enum kind how, size_t bytes)
{
	switch (how) {
	case PAGED:
		return ExAllocatePoolWithTag(PagedPool, bytes, TAG);
	case ZEROED:
		return ExAllocatePoolZero(NonPagedPoolNx, bytes, TAG);
	case CHARGED:
		return ExAllocatePoolWithQuotaTag(NonPagedPoolNx, bytes, TAG);
	default:
		return ExAllocatePoolWithTag(NonPagedPoolNx, bytes, TAG);
	}
}

static struct pool_header *header_of(void *block)
{
	return (struct pool_header *)block - 1;
}

/* KFENCE may take an object that is charged by itself, as the pool asks slab for each. */
static bool is_sampled(void *block)
{
	return is_kfence_address(block) &&
	       header_of(block)->pool_type & HEADER_SAMPLED;
}

enum side { ANY, LEFT, RIGHT };

/* Right of a page is where it ends. */
static enum side side_of(const void *block, size_t bytes)
{
	return PAGE_ALIGNED((unsigned long)block + bytes) ? RIGHT : LEFT;
}

/* A block that KFENCE watches, at this side of its page. NULL after a while without one. */
static char *sample(struct rpt *t, enum kind how, size_t bytes, enum side side)
{
	unsigned long end = jiffies + RPT_PATIENCE;
	unsigned int n = 0;
	char *block, *found = NULL;

	while (!found && time_before(jiffies, end)) {
		block = allocate(how, bytes);
		if (!block)
			break;
		if (is_kfence_address(block) && how != CHARGED)
			EXPECT(t, is_sampled(block));
		if (is_sampled(block) &&
		    (side == ANY || side == side_of(block, bytes))) {
			found = block;
			break;
		}
		kept[n++] = block;
		if (n == KEPT) {
			while (n)
				ExFreePoolWithTag(kept[--n], TAG);
			cond_resched();
		}
	}
	while (n)
		ExFreePoolWithTag(kept[--n], TAG);
	EXPECT(t, found);
	return found;
}

/* Sampled, and as any other. */
static void is_pool(struct rpt *t, enum kind how, size_t bytes)
{
	struct rpt_row before, with, after;
	bool paged = how == PAGED;
	BOOLEAN charged = 2;
	char *block;
	u8 type;

	rpt_tag(t, SHOWN, paged, &before);
	block = sample(t, how, bytes, ANY);
	if (!block)
		return;
	EXPECT(t, IS_ALIGNED((unsigned long)block, 16));
	type = HEADER_IN_USE | HEADER_SAMPLED | (paged ? HEADER_PAGED : 0) |
	       (how == CHARGED ? HEADER_CHARGED : 0);
	EXPECT_EQ(t, header_of(block)->pool_type, type);
	EXPECT_EQ(t, header_of(block)->tag, TAG);
	EXPECT_EQ(t, ExQueryPoolBlockSize(block, &charged), ALIGN(bytes, 16));
	EXPECT_EQ(t, charged, how == CHARGED);
	if (how == ZEROED)
		EXPECT(t, !memchr_inv(block, 0, bytes));
	rpt_fill(block, bytes, 1);
	EXPECT(t, rpt_filled(block, bytes, 1));
	rpt_tag(t, SHOWN, paged, &with);
	EXPECT_EQ(t, with.diff - before.diff, 1);
	EXPECT_EQ(t, with.bytes - before.bytes, bytes);
	EXPECT(t, with.used - before.used >= bytes + 16);
	EXPECT(t, with.used - before.used <= bytes + bytes / 8 + 32);
	/* The tag is checked as of any other. */
	ExFreePoolWithTag(block, TAG_OTHER);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x0a);
	ExFreePoolWithTag(block, TAG);
	rpt_tag(t, SHOWN, paged, &after);
	EXPECT_EQ(t, after.diff, before.diff);
	EXPECT_EQ(t, after.bytes, before.bytes);
	EXPECT_EQ(t, after.used, before.used);
	EXPECT_EQ(t, after.allocs - after.frees, before.allocs - before.frees);
}

static void of_each_kind(struct rpt *t)
{
	is_pool(t, rpt_value(t), 100);
}

static void of_each_size(struct rpt *t)
{
	is_pool(t, PLAIN, rpt_value(t));
}

/* Where alignment needs more of an object, and where a block is larger, there are none. */
static void aligned_and_large_are_not(struct rpt *t)
{
	unsigned int i;
	void *block;

	for (i = 0; i < 1000; i++) {
		block = ExAllocatePoolWithTag(i % 2 ? NonPagedPoolCacheAligned :
						      NonPagedPoolNx,
					      i % 2 ? 100 : 4065, TAG);
		if (!EXPECT(t, block))
			return;
		EXPECT(t, !is_kfence_address(block));
		kept[i % 100] = block;
		if (i % 100 == 99) {
			unsigned int k;

			for (k = 0; k < 100; k++)
				ExFreePoolWithTag(kept[k], TAG);
		}
	}
}

static void freed_twice(struct rpt *t)
{
	char *block = sample(t, PLAIN, 100, ANY);
	const struct rpt_violation *v;

	if (!block)
		return;
	ExFreePoolWithTag(block, TAG);
	ExFreePoolWithTag(block, TAG);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
	if (v)
		EXPECT(t, rpt_shows(v->p[1], block));
	ExFreePool(block + 16);
	EXPECT_VIOLATIONS(t, 1);
}

/* It is made out, counted as freed, and not used again. */
static void damaged(struct rpt *t)
{
	char *block = sample(t, PLAIN, 100, ANY);

	if (!block)
		return;
	memset(header_of(block), 0x55, 8);
	ExFreePoolWithTag(block, TAG);
	EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x20);
	ExFreePoolWithTag(block, TAG);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
}

/* Entries of a lookaside list may be such blocks. One is not kept when it is freed. */
static void not_kept_by_a_list(struct rpt *t)
{
	static NPAGED_LOOKASIDE_LIST list;
	unsigned long end = jiffies + RPT_PATIENCE;
	unsigned int n = 0;
	void *entry = NULL;
	u64 word;

	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, BYTES, TAG, 0);
	while (time_before(jiffies, end)) {
		entry = ExAllocateFromNPagedLookasideList(&list);
		if (!entry || is_kfence_address(entry))
			break;
		kept[n++] = entry;
		entry = NULL;
		if (n == KEPT) {
			while (n)
				ExFreeToNPagedLookasideList(&list, kept[--n]);
			cond_resched();
		}
	}
	while (n)
		ExFreeToNPagedLookasideList(&list, kept[--n]);
	if (EXPECT(t, entry)) {
		ExFreeToNPagedLookasideList(&list, entry);
		EXPECT(t, copy_from_kernel_nofault(&word, entry, sizeof(word)));
	}
	ExDeleteNPagedLookasideList(&list);
}

/* What a client does wrong. */

static noinline void read_byte(const char *at)
{
	OPTIMIZER_HIDE_VAR(at);
	(void)READ_ONCE(*at);
}

static noinline void write_byte(char *at)
{
	OPTIMIZER_HIDE_VAR(at);
	WRITE_ONCE(*at, 0);
}

static void overrun(struct rpt *t)
{
	char *block = sample(t, PLAIN, BYTES, RIGHT);

	if (!block)
		return;
	read_byte(block + BYTES);
	ExFreePoolWithTag(block, TAG);
}

/* Its end is not the page's, so that it is found when the block is freed. */
static void overwritten(struct rpt *t)
{
	char *block = sample(t, PLAIN, BYTES - 1, LEFT);

	if (!block)
		return;
	write_byte(block + BYTES - 1);
	ExFreePoolWithTag(block, TAG);
}

static void used_after_free(struct rpt *t)
{
	char *block = sample(t, PLAIN, BYTES, ANY);

	if (!block)
		return;
	ExFreePoolWithTag(block, TAG);
	read_byte(block + 1);
	/* It can be read from now on. But nothing is left there that looks like a block. */
	ExFreePoolWithTag(block, TAG);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
}

static const struct rpt_case kfence_cases[] = {
	{ "are_pool", of_each_kind, hows },
	{ "of_size", of_each_size, sizes },
	{ "aligned_and_large_are_not", aligned_and_large_are_not },
	{ "freed_twice", freed_twice },
	{ "damaged", damaged },
	{ "not_kept_by_a_list", not_kept_by_a_list },
};

/* With a report by KFENCE each. */
static const struct rpt_case mistakes_cases[] = {
	{ "overrun", overrun },
	{ "overwritten", overwritten },
	{ "used_after_free", used_after_free },
};

static const struct rpt_suite kfence_suite = RPT_SUITE("kfence", kfence_cases);
static const struct rpt_suite mistakes_suite =
	RPT_SUITE("kfence_mistakes", mistakes_cases);

static const struct rpt_suite *const suites[] = {
	&kfence_suite,
	&mistakes_suite,
};

static void *key;

static int __init rpt_kfence_init(void)
{
	return rpt_register(suites, ARRAY_SIZE(suites), &key);
}

static void __exit rpt_kfence_exit(void)
{
	rpt_unregister(key);
}

module_init(rpt_kfence_init);
module_exit(rpt_kfence_exit);

MODULE_DESCRIPTION("rust_pool selftests: blocks that KFENCE watches");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
