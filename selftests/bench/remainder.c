// SPDX-License-Identifier: GPL-2.0
/*
 * What a block of 5 KiB really takes with small requests beside it, which may use
 * the remainder of its pages: the small requests are made with such blocks among
 * them and without, and the difference in free pages is shared out.
 */
#include <linux/mm.h>
#include <linux/sched.h>

#include "pool.h"

#define BLOCKS		2000
#define BYTES		5120
/*
 * Those of the mix below half a page. That many ask for 3.3 KiB, a little more
 * than the 3 KiB that such a block leaves of its two pages.
 */
#define SMALL_OCTAVES	7
#define SMALL_A_BLOCK	8
#define SEED		0x5eed0f9002U

static int rpb_make(const struct rpb_allocator *allocator, void **slot,
		    size_t bytes)
{
	*slot = allocator->alloc(bytes, RPB_TAG);
	return *slot ? 0 : -ENOMEM;
}

/* The pages that are free with all of them live; @bytes 0: the small ones alone. */
static int rpb_live(const struct rpb_allocator *allocator, void **slots,
		    size_t bytes, unsigned long *pages)
{
	struct rpb_random random = { .state = SEED };
	unsigned int block, i, used = 0;
	int err = 0;

	for (block = 0; !err && block < BLOCKS; block++) {
		for (i = 0; !err && i < SMALL_A_BLOCK; i++)
			err = rpb_make(allocator, &slots[used++],
				       rpb_random_size(&random, SMALL_OCTAVES));
		if (!err && bytes)
			err = rpb_make(allocator, &slots[used++], bytes);
		cond_resched();
	}
	*pages = rpb_free_pages();
	for (i = 0; i < used; i++) {
		if (slots[i])
			allocator->free(slots[i], RPB_TAG);
	}
	return err;
}

static int rpb_show(struct seq_file *m, const struct rpb_allocator *allocator)
{
	unsigned long alone, with;
	void **slots;
	int err;

	slots = kvmalloc_array(BLOCKS * (SMALL_A_BLOCK + 1), sizeof(*slots),
			       GFP_KERNEL);
	if (!slots)
		return -ENOMEM;
	err = rpb_live(allocator, slots, 0, &alone) ?:
	      rpb_live(allocator, slots, BYTES, &with);
	if (!err)
		rpb_sample(m, "remainder", "5120", allocator->name, "%lu",
			   (alone - with) * PAGE_SIZE / BLOCKS);
	kvfree(slots);
	return err;
}

int rpb_show_remainder(struct seq_file *m)
{
	return rpb_show(m, &rpb_allocators[0]);
}

int rpb_show_remainder_kmalloc(struct seq_file *m)
{
	return rpb_show(m, &rpb_allocators[1]);
}
