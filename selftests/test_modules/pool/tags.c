// SPDX-License-Identifier: GPL-2.0
/*
 * Tags and pool types: which are taken, how they are shown and checked.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pool.h"

struct shown {
	ULONG tag;
	const char *text;
};

static const struct shown shown[] = {
	{ 'derF', "Fred" },
	{ ' cbA', "Abc " },
	{ 'x', "x..." },
	{ 'yx', "xy.." },
	{ 'zyx', "xyz." },
	{ '~!1 ', " 1!~" },
	{ 0x7f1f4180, ".A.." },
	{ 'DERF', "FRED" },
	{ 'dERF', "FREd" },
	{ '9999', "9999" },
};

static void shown_as_on_windows(struct rpt *t)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shown); i++) {
		struct rpt_row before, with, after;
		void *block;

		rpt_tag(t, shown[i].text, false, &before);
		block = ExAllocatePoolWithTag(NonPagedPool, 20, shown[i].tag);
		rpt_tag(t, shown[i].text, false, &with);
		if (!EXPECT(t, block))
			return;
		ExFreePoolWithTag(block, shown[i].tag);
		rpt_tag(t, shown[i].text, false, &after);
		if (with.diff != before.diff + 1 || after.diff != before.diff)
			rpt_fail(t, "tag 0x%08x is not counted as \"%s\"",
				 shown[i].tag, shown[i].text);
	}
}

static void both_pools_apart(struct rpt *t)
{
	struct rpt_row nonpaged, paged;
	void *one, *two, *three;

	one = ExAllocatePoolWithTag(NonPagedPool, 10, 'htoB');
	two = ExAllocatePoolWithTag(PagedPool, 20, 'htoB');
	three = ExAllocatePoolWithTag(PagedPool, 30, 'htoB');
	if (EXPECT(t, one && two && three)) {
		rpt_tag(t, "Both", false, &nonpaged);
		rpt_tag(t, "Both", true, &paged);
		EXPECT_EQ(t, nonpaged.diff, 1);
		EXPECT_EQ(t, nonpaged.bytes, 10);
		EXPECT_EQ(t, paged.diff, 2);
		EXPECT_EQ(t, paged.bytes, 50);
	}
	ExFreePool(three);
	ExFreePool(two);
	ExFreePool(one);
}

static const struct rpt_arg sizes[] = {
	{ "100", 100 },
	{ "4064", 4064 },
	{ "4096", 4096 },
	{ "5000", 5000 },
	{ "12288", 12288 },
	{ "8M", SZ_8M },
	{ }
};

static void wrong_tag(struct rpt *t)
{
	size_t n = rpt_value(t);
	char *block = ExAllocatePoolWithTag(NonPagedPool, n, 'gniR');
	const struct rpt_violation *v;
	struct rpt_row before, after;

	if (!EXPECT(t, block))
		return;
	rpt_fill(block, n, 3);
	rpt_tag(t, "Ring", false, &before);

	ExFreePoolWithTag(block, 'gnoR');
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x0a);
	if (v) {
		EXPECT(t, rpt_shows(v->p[1], block));
		EXPECT_EQ(t, v->p[2], 'gniR');
		EXPECT_EQ(t, v->p[3], 'gnoR');
	}
	/* A tag that was never used is as wrong, and so is its case. */
	ExFreePoolWithTag(block, 'vreN');
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x0a);
	ExFreePoolWithTag(block, 'GNIR');
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x0a);

	/* It stays the caller's. */
	rpt_tag(t, "Ring", false, &after);
	EXPECT_EQ(t, after.diff, before.diff);
	if (!EXPECT_EQ(t, after.frees, before.frees))
		return;
	EXPECT(t, rpt_filled(block, n, 3));
	ExFreePoolWithTag(block, 'gniR');
	rpt_tag(t, "Ring", false, &after);
	EXPECT_EQ(t, after.diff, before.diff - 1);
}

static void tag_zero_checks_nothing(struct rpt *t)
{
	size_t n = rpt_value(t);
	void *block = ExAllocatePoolWithTag(NonPagedPool, n, 'gniR');

	if (EXPECT(t, block))
		ExFreePoolWithTag(block, 0);
}

static void protected_bit_ignored(struct rpt *t)
{
	size_t n = rpt_value(t);
	struct rpt_row before, after;
	void *block;

	rpt_tag(t, "Prot", false, &before);
	block = ExAllocatePoolWithTag(NonPagedPool, n, 'torP' | PROTECTED_POOL);
	rpt_tag(t, "Prot", false, &after);
	if (!EXPECT(t, block))
		return;
	EXPECT_EQ(t, after.diff, before.diff + 1);
	ExFreePoolWithTag(block, 'torP' | PROTECTED_POOL);
	/* And not so on one side only. */
	block = ExAllocatePoolWithTag(NonPagedPool, n, 'torP' | PROTECTED_POOL);
	if (EXPECT(t, block))
		ExFreePoolWithTag(block, 'torP');
}

static const struct rpt_arg bad_tags[] = {
	{ "zero", 0 },
	{ "protected_zero", PROTECTED_POOL },
	{ "BIG", ' GIB' },
	{ "blanks", '    ' },
	{ "punctuation", '-.,!' },
	{ "control", 0x01020304 },
	{ "high_bytes", 0x7fc0f0e0 },
	{ }
};

static void bad_tag(struct rpt *t)
{
	static const POOL_TYPE types[] = { NonPagedPool, PagedPool };
	static const size_t bytes[] = { 40, 10000 };
	ULONG tag = rpt_value(t);
	u64 code = !(tag & ~PROTECTED_POOL) ? 0x9b : tag == ' GIB' ? 0x9c : 0x9d;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		for (j = 0; j < ARRAY_SIZE(bytes); j++) {
			const struct rpt_violation *v;

			EXPECT(t, !ExAllocatePoolWithTag(types[i], bytes[j],
							 tag));
			v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, code);
			if (!v)
				return;
			EXPECT_EQ(t, v->p[1], code == 0x9d ? tag & ~PROTECTED_POOL :
						     types[i]);
			EXPECT_EQ(t, v->p[2], code == 0x9d ? types[i] :
							     bytes[j]);
		}
}

static const struct rpt_arg bad_types[] = {
	{ "3", 3 },
	{ "6", 6 },
	{ "7", 7 },
	{ "32", 32 },
	{ "64", 64 },
	{ "128", 128 },
	{ "2048", 2048 },
	{ "518", 518 },
	{ "high_bit", 0x80000000 },
	{ }
};

static void bad_type(struct rpt *t)
{
	struct rpt_row before, after;

	rpt_tag_totals(t, &before);
	EXPECT(t, !ExAllocatePoolWithTag((POOL_TYPE)rpt_value(t), 100, 'gniR'));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	rpt_tag_totals(t, &after);
	EXPECT_EQ(t, after.allocs, before.allocs);
}

static void must_succeed(struct rpt *t)
{
	const struct rpt_violation *v;

	EXPECT(t, !ExAllocatePoolWithTag(NonPagedPoolMustSucceed, 123, 'gniR'));
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x9a);
	if (!v)
		return;
	EXPECT_EQ(t, v->p[1], NonPagedPoolMustSucceed);
	EXPECT_EQ(t, v->p[2], 123);
	EXPECT_EQ(t, v->p[3], 'gniR');
}

static const struct rpt_arg modifiers[] = {
	{ "nx", NonPagedPoolNx },
	{ "cold", PagedPool | POOL_COLD_ALLOCATION },
	{ "quota_fail", PagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE },
	{ "raise", NonPagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE },
	{ "nx_paged", PagedPool | POOL_NX_ALLOCATION },
	{ "all", NonPagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE |
		 POOL_RAISE_IF_ALLOCATION_FAILURE | POOL_COLD_ALLOCATION |
		 POOL_NX_ALLOCATION | POOL_ZERO_ALLOCATION },
	{ }
};

static void modifiers_taken(struct rpt *t)
{
	POOL_TYPE type = rpt_value(t);
	struct rpt_row before, after;
	void *block;

	rpt_tag(t, "Modi", type & PagedPool, &before);
	block = ExAllocatePoolWithTag(type, 100, 'idoM');
	rpt_tag(t, "Modi", type & PagedPool, &after);
	if (!EXPECT(t, block))
		return;
	EXPECT_EQ(t, after.diff, before.diff + 1);
	ExFreePoolWithTag(block, 'idoM');
}

static const struct rpt_arg all_types[] = {
	{ "nonpaged", NonPagedPool },
	{ "nonpaged_nx", NonPagedPoolNx },
	{ "paged", PagedPool },
	{ "zeroed", PagedPool | POOL_ZERO_ALLOCATION },
	{ }
};

static void zero_bytes(struct rpt *t)
{
	const struct rpt_violation *v;
	struct rpt_row before, after;

	rpt_tag_totals(t, &before);
	EXPECT(t, !ExAllocatePoolWithTag((POOL_TYPE)rpt_value(t), 0, 'gniR'));
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x00);
	rpt_tag_totals(t, &after);
	EXPECT_EQ(t, after.allocs, before.allocs);
	if (!v)
		return;
	EXPECT_EQ(t, v->p[1], 0);
	EXPECT_EQ(t, v->p[2], rpt_value(t));
	EXPECT_EQ(t, v->p[3], 'gniR');
}

/* Tags nobody used before: Qa00 and so on, a new series for each call. */
static ULONG new_tag(unsigned int i)
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	unsigned int n = 62;

	return 'Q' | digits[i % n] << 8 | digits[i / n % n] << 16 |
	       (ULONG)digits[i / n / n % n] << 24;
}

struct first_use {
	unsigned int first, count;
	void **blocks;
	unsigned int failed;
};

static void first_use(void *arg)
{
	struct first_use *use = arg;
	unsigned int i;

	for (i = 0; i < use->count; i++) {
		use->blocks[i] = ExAllocatePoolWithTag(NonPagedPool, 24,
						       new_tag(use->first + i));
		use->failed += !use->blocks[i];
	}
}

/* Neither a failure nor a lost count, whatever room there was for new tags. */
static void many_tags(struct rpt *t, enum rpt_context context,
		      unsigned int count)
{
	static unsigned int next;
	struct first_use use = { .first = next, .count = count };
	struct rpt_row before, after;
	unsigned int i;

	next += count;
	use.blocks = kvcalloc(count, sizeof(*use.blocks), GFP_KERNEL);
	if (!EXPECT(t, use.blocks))
		return;
	rpt_tag_totals(t, &before);
	rpt_in_context(context, first_use, &use);
	rpt_tag_totals(t, &after);
	EXPECT_EQ(t, use.failed, 0);
	EXPECT_EQ(t, after.allocs - before.allocs, count);
	EXPECT_EQ(t, after.diff - before.diff, count);
	EXPECT_EQ(t, after.bytes - before.bytes, 24 * count);
	for (i = 0; i < count; i++)
		if (use.blocks[i])
			ExFreePoolWithTag(use.blocks[i],
					  new_tag(use.first + i));
	rpt_tag_totals(t, &after);
	EXPECT_EQ(t, after.frees - before.frees, count);
	EXPECT_EQ(t, after.diff, before.diff);
	EXPECT_EQ(t, after.bytes, before.bytes);
	kvfree(use.blocks);
}

static void first_use_counted(struct rpt *t)
{
	many_tags(t, rpt_value(t), 700);
}

static void rows_of_their_own(struct rpt *t)
{
	unsigned int i;

	/* With time to make room in between, each new tag has its row. */
	for (i = 0; i < 20; i++) {
		ULONG tag = 'W' | ('0' + i / 10) << 8 | ('0' + i % 10) << 16 |
			    (ULONG)'w' << 24;
		char text[5] = {};
		struct rpt_row row;
		void *block;

		memcpy(text, &tag, 4);
		block = ExAllocatePoolWithTag(NonPagedPool, 10, tag);
		rpt_tag(t, text, false, &row);
		if (!EXPECT(t, block) || !EXPECT(t, row.found))
			return;
		ExFreePoolWithTag(block, tag);
		rpt_settle(t);
	}
}

static void thousands(struct rpt *t)
{
	unsigned int count = RPT_MANY(20000);

	many_tags(t, RPT_TASK, count);
	rpt_note(t, "%u tags", count);
}

static const struct rpt_case cases[] = {
	{ "shown_as_on_windows", shown_as_on_windows },
	{ "both_pools_apart", both_pools_apart },
	{ "wrong_tag_refused", wrong_tag, sizes },
	{ "tag_zero_checks_nothing", tag_zero_checks_nothing, sizes },
	{ "protected_bit_ignored", protected_bit_ignored, sizes },
	{ "bad_tag_refused", bad_tag, bad_tags },
	{ "bad_type_refused", bad_type, bad_types },
	{ "must_succeed_refused", must_succeed },
	{ "modifiers_taken", modifiers_taken, modifiers },
	{ "zero_bytes_refused", zero_bytes, all_types },
	{ "new_tags_have_rows", rows_of_their_own },
	{ "first_use_counted_in", first_use_counted, rpt_contexts },
	{ "thousands_of_tags", thousands },
};

const struct rpt_suite tags_suite = RPT_SUITE("tags", cases);
