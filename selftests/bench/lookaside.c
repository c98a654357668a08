// SPDX-License-Identifier: GPL-2.0
/*
 * An entry allocated from a lookaside list that has one, and freed at once.
 */
#include <linux/kernel.h>

#include "pool.h"

static const unsigned long sizes[] = { 16, 64, 256, 1024, 4064 };
static NPAGED_LOOKASIDE_LIST lists[ARRAY_SIZE(sizes)];

static PNPAGED_LOOKASIDE_LIST list_of(unsigned long size)
{
	unsigned int i = 0;

	while (i < ARRAY_SIZE(sizes) - 1 && sizes[i] != size)
		i++;
	return &lists[i];
}

static int lookaside_pairs(unsigned long size, unsigned int pairs)
{
	PNPAGED_LOOKASIDE_LIST list = list_of(size);
	void *entry;

	while (pairs--) {
		entry = ExAllocateFromNPagedLookasideList(list);
		if (!entry)
			return -ENOMEM;
		ExFreeToNPagedLookasideList(list, entry);
	}
	return 0;
}

static void *lookaside_hold(unsigned long size)
{
	return ExAllocateFromNPagedLookasideList(list_of(size));
}

static void lookaside_release(unsigned long size, void *entry)
{
	ExFreeToNPagedLookasideList(list_of(size), entry);
}

static const struct rpb_side sides[] = {
	{ "ours", lookaside_pairs, lookaside_hold, lookaside_release },
	{ "kmalloc", rpb_kmalloc_pairs, rpb_kmalloc_hold, rpb_kmalloc_release },
};

#define LOOKASIDE(size)	{ "lookaside", size, RPB_PAIRS, sides, ARRAY_SIZE(sides) }

const struct rpb_case rpb_lookasides[] = {
	LOOKASIDE(16),
	LOOKASIDE(64),
	LOOKASIDE(256),
	LOOKASIDE(1024),
	LOOKASIDE(4064),
	{ }
};

void rpb_lookasides_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		ExInitializeNPagedLookasideList(&lists[i], NULL, NULL, 0, sizes[i],
						RPB_TAG, 0);
}

void rpb_lookasides_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		ExDeleteNPagedLookasideList(&lists[i]);
}
