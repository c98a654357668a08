// SPDX-License-Identifier: GPL-2.0
/*
 * The model's lookaside lists, one of each family and pool. All actors share them: an
 * entry is a block, which is taken from its list and given back to it, on whatever CPU.
 * What a list keeps is live as well, so its row has the misses of its head, no more.
 */
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "model.h"

static const struct {
	enum { NPAGED, PAGED_ONE, EX } family;
	POOL_TYPE type;
	size_t bytes;
} kinds[LISTS] = {
	{ NPAGED, NonPagedPoolNx, 100 },
	{ EX, NonPagedPoolNx, SZ_4K },
	{ PAGED_ONE, PagedPool, 200 },
	{ EX, PagedPool, 5000 },
};

static const char * const names[LISTS] = { "Lst0", "Lst1", "Lst2", "Lst3" };

size_t list_bytes(unsigned int list)
{
	return kinds[list - 1].bytes;
}

static PGENERAL_LOOKASIDE head(struct model *m, unsigned int list)
{
	struct model_list *l = &m->lists[list - 1];

	switch (kinds[list - 1].family) {
	case NPAGED:
		return &l->nonpaged.L;
	case PAGED_ONE:
		return &l->paged.L;
	default:
		return &l->ex.L;
	}
}

void *list_take(struct model *m, unsigned int list)
{
	struct model_list *l = &m->lists[list - 1];

	switch (kinds[list - 1].family) {
	case NPAGED:
		return ExAllocateFromNPagedLookasideList(&l->nonpaged);
	case PAGED_ONE:
		return ExAllocateFromPagedLookasideList(&l->paged);
	default:
		return ExAllocateFromLookasideListEx(&l->ex);
	}
}

void list_give(struct model *m, unsigned int list, void *entry)
{
	struct model_list *l = &m->lists[list - 1];

	switch (kinds[list - 1].family) {
	case NPAGED:
		ExFreeToNPagedLookasideList(&l->nonpaged, entry);
		break;
	case PAGED_ONE:
		ExFreeToPagedLookasideList(&l->paged, entry);
		break;
	default:
		ExFreeToLookasideListEx(&l->ex, entry);
		break;
	}
}

void list_give_to_nobody(struct model *m, void *entry)
{
	ExFreeToNPagedLookasideList(&m->nobody.nonpaged, entry);
}

void lists_begin(struct rpt *t, struct model *m)
{
	unsigned int i;

	for (i = 1; i <= LISTS; i++) {
		struct model_list *l = &m->lists[i - 1];
		struct rpt_row row;

		rpt_tag(t, names[i - 1], kinds[i - 1].type == PagedPool, &row);
		m->before_lists[i - 1] = model_counts(&row);
		switch (kinds[i - 1].family) {
		case NPAGED:
			ExInitializeNPagedLookasideList(&l->nonpaged, NULL, NULL, 0,
							list_bytes(i),
							MODEL_LIST_TAG(i), 0);
			break;
		case PAGED_ONE:
			ExInitializePagedLookasideList(&l->paged, NULL, NULL, 0,
						       list_bytes(i),
						       MODEL_LIST_TAG(i), 0);
			break;
		default:
			EXPECT_EQ(t, ExInitializeLookasideListEx(&l->ex, NULL, NULL,
					kinds[i - 1].type, 0, list_bytes(i),
					MODEL_LIST_TAG(i), 0), STATUS_SUCCESS);
			break;
		}
	}
	ExInitializeNPagedLookasideList(&m->nobody.nonpaged, NULL, NULL, 0, 100,
					MODEL_TAG_NOBODY, 0);
}

static struct entries sum(const struct model *m, unsigned int list)
{
	struct entries all = {};
	unsigned int k;

	for (k = 0; k < m->count; k++) {
		const struct entries *e = &m->actors[k]->lists[list - 1];

		all.taken += e->taken;
		all.given += e->given;
		all.failed += e->failed;
		all.out += e->out;
	}
	return all;
}

static void compare(struct rpt *t, struct model *m, unsigned int list, s64 most)
{
	const struct counts *before = &m->before_lists[list - 1];
	PGENERAL_LOOKASIDE l = head(m, list);
	struct entries want = sum(m, list);
	struct counts is;
	struct rpt_row row;
	s64 live;

	rpt_tag(t, names[list - 1], kinds[list - 1].type == PagedPool, &row);
	is = model_counts(&row);
	live = is.allocs - is.frees - before->allocs + before->frees;
	if (l->TotalAllocates != (ULONG)(want.taken + want.failed) ||
	    l->TotalFrees != (ULONG)want.given)
		rpt_fail(t, "%s: %u allocates and %u frees, expected %llu and %llu",
			 names[list - 1], l->TotalAllocates, l->TotalFrees,
			 want.taken + want.failed, want.given);
	if ((ULONG)(is.allocs - before->allocs + is.failures - before->failures) !=
	    l->AllocateMisses)
		rpt_fail(t, "%s: %lld allocs and %lld failures for %u misses",
			 names[list - 1], is.allocs - before->allocs,
			 is.failures - before->failures, l->AllocateMisses);
	EXPECT_EQ(t, is.failures - before->failures, want.failed);
	if (live < want.out || live > want.out + most)
		rpt_fail(t, "%s: %lld entries are out, and %lld live",
			 names[list - 1], want.out, live);
	EXPECT_EQ(t, is.bytes - before->bytes, live * list_bytes(list));
}

void lists_compare(struct rpt *t, struct model *m)
{
	unsigned int i;

	for (i = 1; i <= LISTS; i++)
		compare(t, m, i, EX_MAXIMUM_LOOKASIDE_DEPTH_BASE);
}

void lists_turn(struct rpt *t, struct model *m)
{
	unsigned int i = 1 + prandom_u32_state(&m->rnd) % LISTS;

	if (kinds[i - 1].family != EX)
		return;
	ExFlushLookasideListEx(&m->lists[i - 1].ex);
	compare(t, m, i, 0);
}

void lists_end(struct rpt *t, struct model *m)
{
	unsigned int i;

	for (i = 1; i <= LISTS; i++) {
		struct model_list *l = &m->lists[i - 1];
		struct rpt_row row;

		switch (kinds[i - 1].family) {
		case NPAGED:
			ExDeleteNPagedLookasideList(&l->nonpaged);
			break;
		case PAGED_ONE:
			ExDeletePagedLookasideList(&l->paged);
			break;
		default:
			ExDeleteLookasideListEx(&l->ex);
			break;
		}
		rpt_tag(t, names[i - 1], kinds[i - 1].type == PagedPool, &row);
		EXPECT_EQ(t, row.diff, m->before_lists[i - 1].allocs -
				       m->before_lists[i - 1].frees);
	}
	ExDeleteNPagedLookasideList(&m->nobody.nonpaged);
}
