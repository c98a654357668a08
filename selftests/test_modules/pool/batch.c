// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks of one size that are allocated and freed together, for the suites on what is
 * kept of them.
 */
#include <linux/slab.h>

#include "pool.h"

struct batch *batch_new(struct rpt *t, size_t bytes, unsigned int count)
{
	struct batch *b = kzalloc_flex(*b, blocks, count);

	if (!EXPECT(t, b))
		return NULL;
	b->bytes = bytes;
	b->count = count;
	return b;
}

void batch_get(void *arg)
{
	struct batch *b = arg;
	unsigned int i;

	for (i = 0; i < b->count; i++)
		b->blocks[i] = ExAllocatePoolWithTag(NonPagedPoolNx, b->bytes,
						     TAG_MAGAZINE);
}

void batch_put(void *arg)
{
	struct batch *b = arg;
	unsigned int i;

	for (i = 0; i < b->count; i++)
		if (b->blocks[i])
			ExFreePoolWithTag(b->blocks[i], TAG_MAGAZINE);
}

void batch_expect_apart(struct rpt *t, struct batch *b)
{
	unsigned int i;

	for (i = 0; i < b->count; i++)
		if (EXPECT(t, b->blocks[i]))
			rpt_fill(b->blocks[i], b->bytes, i);
	for (i = 0; i < b->count; i++)
		if (b->blocks[i] && !rpt_filled(b->blocks[i], b->bytes, i))
			rpt_fail(t, "block %u of %zu bytes overwritten", i,
				 b->bytes);
}

bool nothing_is_kept(struct rpt *t, size_t bytes)
{
	struct rpt_magazine magazine;

	rpt_magazine(t, bytes, &magazine);
	EXPECT(t, magazine.found);
	if (magazine.limit)
		return false;
	EXPECT_EQ(t, magazine.held, 0);
	rpt_skip(t, "nothing is kept on this kernel");
	return true;
}
