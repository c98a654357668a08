// SPDX-License-Identifier: GPL-2.0
/*
 * Headers that somebody wrote to: found when their block is freed, for what they
 * are, with the block in front as the one that was probably overrun.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "pool.h"

#define BAD_POOL_HEADER	0x19
#define BYTES	100
#define STRIDE	128	/* what a block of so many bytes takes */
#define FRONTS	32
#define COUNT	4096

/* Bytes of a header, from @from up to @to, and whether the others tell enough. */
struct bytes {
	const char *name;
	unsigned int from, to;
	bool enough;
};

static const struct bytes bytes[] = {
	{ "first_byte", 0, 1, true },
	{ "block_size", 2, 3, true },
	{ "pool_type", 3, 4, true },
	{ "tag", 4, 8, true },
	{ "first_word", 0, 8, true },
	{ "bytes", 8, 10, true },
	{ "row", 10, 12, true },
	{ "check_word", 12, 16, true },
	{ "last_byte", 15, 16, true },
	{ "second_word", 8, 16, false },
	{ "nine_bytes", 0, 9, false },
	{ "all", 0, 16, false },
};

static const struct rpt_arg damages[] = {
	{ "first_byte", 0 },
	{ "block_size", 1 },
	{ "pool_type", 2 },
	{ "tag", 3 },
	{ "first_word", 4 },
	{ "bytes", 5 },
	{ "row", 6 },
	{ "check_word", 7 },
	{ "last_byte", 8 },
	{ "second_word", 9 },
	{ "nine_bytes", 10 },
	{ "all", 11 },
	{ }
};

static_assert(ARRAY_SIZE(damages) == ARRAY_SIZE(bytes) + 1);

/* Three blocks side by side, and all that were allocated to find them. */
struct three {
	char *front, *victim, *next;
	char *blocks[COUNT];
	char *fronts[FRONTS];
};

static int compare(const void *a, const void *b)
{
	const char *const *one = a, *const *two = b;

	return *one < *two ? -1 : *one > *two;
}

static bool is_slab(const char *block)
{
	return folio_test_slab(virt_to_folio(block));
}

/* The other blocks that were looked through. */
static void let_go(struct three *s)
{
	unsigned int i;

	for (i = 0; i < COUNT; i++) {
		char *block = s->blocks[i];

		if (block && block != s->front && block != s->victim &&
		    block != s->next)
			ExFreePoolWithTag(block, TAG_DAMAGE);
	}
	for (i = 0; i < FRONTS; i++)
		if (s->fronts[i])
			ExFreePoolWithTag(s->fronts[i], TAG_DAMAGE);
	memset(s->blocks, 0, sizeof(s->blocks));
	memset(s->fronts, 0, sizeof(s->fronts));
}

static void look(struct three *s, bool slab)
{
	unsigned int i;

	/* What these leave of their last page is the heap's. */
	for (i = 0; i < FRONTS; i++)
		s->fronts[i] = ExAllocatePoolWithTag(NonPagedPoolNx, 5000,
						     TAG_DAMAGE);
	for (i = 0; i < COUNT; i++)
		s->blocks[i] = ExAllocatePoolWithTag(NonPagedPoolNx, BYTES,
						     TAG_DAMAGE);
	sort(s->blocks, COUNT, sizeof(s->blocks[0]), compare, NULL);
	for (i = 0; i + 2 < COUNT && !s->front; i++) {
		char **at = s->blocks + i;

		if (at[0] && at[1] - at[0] == STRIDE &&
		    at[2] - at[1] == STRIDE && is_slab(at[0]) == slab &&
		    PAGE_ALIGN_DOWN((long)at[0]) ==
		    PAGE_ALIGN_DOWN((long)at[2])) {
			s->front = at[0];
			s->victim = at[1];
			s->next = at[2];
		}
	}
	let_go(s);
}

static struct three *find(struct rpt *t, bool slab)
{
	struct three *s = kvzalloc_obj(*s);
	unsigned int try;

	if (!EXPECT(t, s))
		return NULL;
	for (try = 0; try < 5 && !s->front; try++) {
		/* Slab caches are made by a work item, when they are wanted. */
		if (try)
			msleep(100);
		look(s, slab);
	}
	if (s->front)
		return s;
	kvfree(s);
	if (slab)
		rpt_skip(t, "no three side by side of a slab cache");
	else
		rpt_skip(t, "no three side by side of the heap");
	return NULL;
}

static void overwrite(char *block, const struct bytes *b)
{
	unsigned int i;

	for (i = b->from; i < b->to; i++)
		block[(int)i - 16] ^= 0x5a;
}

static void expect_told(struct rpt *t, const char *block, bool enough,
			const char *front)
{
	const struct rpt_violation *v;

	v = EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x20);
	if (!v)
		return;
	EXPECT(t, rpt_shows(v->p[1], block));
	EXPECT_EQ(t, v->p[2], enough ? BYTES : 0);
	EXPECT(t, rpt_shows(v->p[3], front));
}

static void overrun(struct rpt *t, bool slab)
{
	const struct bytes *b = &bytes[rpt_value(t)];
	struct three *s = find(t, slab);
	struct rpt_row before, after;
	char saved[16];

	if (!s)
		return;
	rpt_fill(s->victim, BYTES, 1);
	memcpy(saved, s->victim - 16, 16);
	overwrite(s->victim, b);
	rpt_tag(t, "TstQ", false, &before);
	ExFreePoolWithTag(s->victim, TAG_DAMAGE);
	expect_told(t, s->victim, b->enough, s->front);
	rpt_tag(t, "TstQ", false, &after);
	EXPECT_EQ(t, after.frees - before.frees, b->enough);
	EXPECT_EQ(t, before.bytes - after.bytes, b->enough ? BYTES : 0);
	EXPECT_EQ(t, before.used - after.used, b->enough ? STRIDE : 0);
	/* Neither is it another's now. */
	look(s, slab);
	EXPECT(t, rpt_filled(s->victim, BYTES, 1));
	ExFreePool(s->victim);
	if (b->enough) {
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
	} else {
		expect_told(t, s->victim, false, s->front);
		memcpy(s->victim - 16, saved, 16);
		ExFreePool(s->victim);
	}
	ExFreePoolWithTag(s->front, TAG_DAMAGE);
	ExFreePoolWithTag(s->next, TAG_DAMAGE);
	kvfree(s);
}

static void in_heap(struct rpt *t)
{
	overrun(t, false);
}

static void in_slab(struct rpt *t)
{
	overrun(t, true);
}

/* The one that wrote so far is not the next one, whose header is gone as well. */
static void far_overrun(struct rpt *t)
{
	const struct bytes *all = &bytes[ARRAY_SIZE(bytes) - 1];
	struct three *s = find(t, rpt_value(t));
	char saved[2][16];

	if (!s)
		return;
	memcpy(saved[0], s->victim - 16, 16);
	memcpy(saved[1], s->next - 16, 16);
	overwrite(s->victim, all);
	overwrite(s->next, all);
	ExFreePoolWithTag(s->next, TAG_DAMAGE);
	expect_told(t, s->next, false, s->front);
	ExFreePoolWithTag(s->victim, TAG_DAMAGE);
	expect_told(t, s->victim, false, s->front);
	memcpy(s->victim - 16, saved[0], 16);
	memcpy(s->next - 16, saved[1], 16);
	ExFreePoolWithTag(s->next, TAG_DAMAGE);
	ExFreePoolWithTag(s->victim, TAG_DAMAGE);
	ExFreePoolWithTag(s->front, TAG_DAMAGE);
	kvfree(s);
}

static const struct rpt_arg where[] = {
	{ "heap", false },
	{ "slab", true },
	{ }
};

/* Not the start of a block: its data is not taken for a header that was damaged. */
static void interior(struct rpt *t)
{
	struct three *s = find(t, rpt_value(t));
	unsigned int at;

	if (!s)
		return;
	for (at = 1; at < BYTES; at += 5) {
		ExFreePool(s->victim + at);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x99);
	}
	ExFreePool(s->victim + 16);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x99);
	ExFreePoolWithTag(s->victim, TAG_DAMAGE);
	ExFreePoolWithTag(s->front, TAG_DAMAGE);
	ExFreePoolWithTag(s->next, TAG_DAMAGE);
	kvfree(s);
}

/* A block of more than a page has others behind it. */
static void behind_pages(struct rpt *t)
{
	char *front = NULL, *victim = NULL, saved[16];
	struct three *s = kvzalloc_obj(*s);
	unsigned int i, k;

	if (!EXPECT(t, s))
		return;
	for (i = 0; i < FRONTS; i++)
		s->fronts[i] = ExAllocatePoolWithTag(NonPagedPoolNx, 5000,
						     TAG_DAMAGE);
	for (i = 0; i < COUNT; i++)
		s->blocks[i] = ExAllocatePoolWithTag(NonPagedPoolNx, BYTES,
						     TAG_DAMAGE);
	for (i = 0; i < FRONTS && !victim; i++) {
		for (k = 0; k < COUNT && s->fronts[i]; k++) {
			if (s->blocks[k] != s->fronts[i] + 5008 + 16)
				continue;
			front = s->fronts[i];
			victim = s->blocks[k];
		}
	}
	if (victim) {
		memcpy(saved, victim - 16, 16);
		overwrite(victim, &bytes[ARRAY_SIZE(bytes) - 1]);
		ExFreePoolWithTag(victim, TAG_DAMAGE);
		expect_told(t, victim, false, front);
		memcpy(victim - 16, saved, 16);
	} else {
		rpt_skip(t, "no small block right behind one of pages");
	}
	let_go(s);
	kvfree(s);
}

static const struct rpt_arg page_sizes[] = {
	{ "4065", 4065 },
	{ "4096", 4096 },
	{ "5000", 5000 },
	{ "8192", 8192 },
	{ "12288", 12288 },
	{ "65536", 65536 },
	{ }
};

/* A driver that takes page->index or page->private for its own. */
static void of_pages(struct rpt *t, bool second)
{
	const struct rpt_violation *v;
	size_t n = rpt_value(t);
	char *block = ExAllocatePoolWithTag(NonPagedPoolNx, n, TAG_DAMAGE);
	struct page *page;

	if (!EXPECT(t, block))
		return;
	page = virt_to_page(block);
	rpt_fill(block, n, 2);
	if (second)
		set_page_private(page, (unsigned long)&pool_types);
	else
		page->__folio_index = 77;
	ExFreePoolWithTag(block, TAG_DAMAGE);
	v = EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x20);
	if (v) {
		EXPECT(t, rpt_shows(v->p[1], block));
		EXPECT_EQ(t, v->p[2], n);
		EXPECT_EQ(t, v->p[3], 0);
	}
	EXPECT(t, rpt_filled(block, n, 2));
	ExFreePoolWithTag(block, TAG_DAMAGE);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
}

static void index_written(struct rpt *t)
{
	of_pages(t, false);
}

static void private_written(struct rpt *t)
{
	of_pages(t, true);
}

static const struct rpt_case cases[] = {
	{ "in_heap", in_heap, damages },
	{ "in_slab", in_slab, damages },
	{ "far_overrun_in", far_overrun, where },
	{ "interior_in", interior, where },
	{ "behind_pages", behind_pages },
	{ "page_index_of", index_written, page_sizes },
	{ "page_private_of", private_written, page_sizes },
};

const struct rpt_suite damage_suite = RPT_SUITE("damage", cases);
