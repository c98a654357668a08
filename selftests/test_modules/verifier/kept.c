// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks that a violation concerned are not handed out again, when that is the
 * policy.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "special.h"

#define TAG	((ULONG)'QtsT')
#define OTHER	((ULONG)'XtsT')

static const struct rpt_arg sizes[] = {
	{ "100", 100 },
	{ "4000", 4000 },
	{ "5000", 5000 },
	{ "8192", 8192 },
	{ "12288", 12288 },
	{ "100000", 100000 },
	{ }
};

static u64 kept(struct rpt *t)
{
	char *text = rpt_text(t, "verifier"), *at;
	u64 count = 0;

	at = text ? strstr(text, " kept ") : NULL;
	if (!at || sscanf(at, " kept %llu", &count) != 1)
		rpt_fail(t, "the file verifier does not say what was kept");
	rpt_text_free(text);
	return count;
}

/* Has the block been kept, and does it not come back? */
static void expect_kept(struct rpt *t, size_t bytes, const void *block,
			u64 before)
{
	void *others[32];
	unsigned int i;

	EXPECT_EQ(t, kept(t), before + 1);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = ExAllocatePoolWithTag(NonPagedPool, bytes, TAG);
		EXPECT(t, others[i] && others[i] != block);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i])
			ExFreePoolWithTag(others[i], TAG);
}

/* Frees wrongly, then rightly. */
static void freed_wrongly(struct rpt *t, size_t offset, ULONG tag, u64 code)
{
	size_t bytes = rpt_value(t);
	char *block = ExAllocatePoolWithTag(NonPagedPool, bytes, TAG);
	u64 before = kept(t);

	if (!EXPECT(t, block))
		return;
	ExFreePoolWithTag(block + offset, tag);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, code);
	ExFreePoolWithTag(block, TAG);
	expect_kept(t, bytes, block, before);
}

static void wrong_tag(struct rpt *t)
{
	freed_wrongly(t, 0, OTHER, 0x0a);
}

static void freed_inside(struct rpt *t)
{
	freed_wrongly(t, 16, TAG, 0x99);
}

/* A block that nobody complained of is not kept. */
static void innocent(struct rpt *t)
{
	size_t bytes = rpt_value(t);
	char *block = ExAllocatePoolWithTag(NonPagedPool, bytes, TAG);
	u64 before = kept(t);

	if (!EXPECT(t, block))
		return;
	ExFreePool(block);
	EXPECT_EQ(t, kept(t), before);
}

static const struct rpt_case cases[] = {
	{ "wrong_tag", wrong_tag, sizes },
	{ "freed_inside", freed_inside, sizes },
	{ "innocent", innocent, sizes },
};

const struct rpt_suite kept_suite = RPT_SUITE("kept", cases);

static void damaged(struct rpt *t)
{
	char *block = ExAllocatePoolWithTag(NonPagedPool, 100, TAG);
	u64 before = kept(t);

	if (!EXPECT(t, block))
		return;
	block[100] ^= 1;
	ExFreePool(block);
	EXPECT_VIOLATIONS(t, 1);
	/* Held back at first, and then kept. */
	for (unsigned int i = 0; i < 1024; i++)
		ExFreePool(ExAllocatePoolWithTag(NonPagedPool, 100, TAG));
	expect_kept(t, 100, block, before);
}

static void freed_twice(struct rpt *t)
{
	char *block = ExAllocatePoolWithTag(NonPagedPool, 100, TAG);
	u64 before = kept(t);

	if (!EXPECT(t, block))
		return;
	ExFreePool(block);
	ExFreePool(block);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
	for (unsigned int i = 0; i < 1024; i++)
		ExFreePool(ExAllocatePoolWithTag(NonPagedPool, 100, TAG));
	expect_kept(t, 100, block, before);
}

static const struct rpt_case watched_cases[] = {
	{ "damaged", damaged },
	{ "freed_twice", freed_twice },
};

const struct rpt_suite kept_watched_suite =
	RPT_SUITE("kept_watched", watched_cases);
