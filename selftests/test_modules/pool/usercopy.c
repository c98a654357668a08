// SPDX-License-Identifier: GPL-2.0
/*
 * Copies to and from user space: hardened usercopy stops the machine where
 * it does not know a block for what it is.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pool.h"

static void copy_block(struct rpt *t, char *block, size_t n, char __user *user)
{
	const size_t starts[] = { 0, 1, n / 2, n - 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		size_t from = starts[i], length = n - from;
		u8 byte = 0;

		if (from >= n)
			continue;
		rpt_fill(block, n, i);
		if (copy_to_user(user, block + from, length) ||
		    get_user(byte, (u8 __user *)user + length - 1)) {
			rpt_fail(t, "%zu bytes from %zu: not copied out", n,
				 from);
			return;
		}
		if (byte != (u8)block[n - 1])
			rpt_fail(t, "%zu bytes from %zu: copied wrong", n,
				 from);
		memset(block + from, 0, length);
		if (copy_from_user(block + from, user, length)) {
			rpt_fail(t, "%zu bytes to %zu: not copied in", n, from);
			return;
		}
		if (!rpt_filled(block, n, i))
			rpt_fail(t, "%zu bytes to %zu: copied wrong", n, from);
	}
}

static void copy(struct rpt *t, POOL_TYPE type, size_t n, char __user *user)
{
	char *block = ExAllocatePoolWithTag(type, n, TAG_COPY);

	if (!EXPECT(t, block))
		return;
	copy_block(t, block, n, user);
	ExFreePoolWithTag(block, TAG_COPY);
}

static void small_classes(struct rpt *t)
{
	char __user *user = rpt_user_map(PAGE_SIZE);
	size_t n;

	if (!EXPECT(t, user))
		return;
	/* Each class, at its largest and its smallest. */
	for (n = 16; n <= SMALL_MAX; n += 16) {
		copy(t, rpt_value(t), n, user);
		copy(t, rpt_value(t), n - 15, user);
	}
	rpt_user_unmap(user, PAGE_SIZE);
}

static const struct rpt_arg large_sizes[] = {
	{ "4065", 4065 },
	{ "4096", 4096 },
	{ "5000", 5000 },
	{ "8192", 8192 },
	{ "64K", SZ_64K },
	{ "1M", SZ_1M },
	{ "8M", SZ_8M },
	{ }
};

static void large(struct rpt *t)
{
	size_t n = rpt_value(t);
	char __user *user = rpt_user_map(n);

	if (!EXPECT(t, user))
		return;
	copy(t, NonPagedPool, n, user);
	copy(t, PagedPool, n, user);
	rpt_user_unmap(user, n);
}

static const struct rpt_case cases[] = {
	{ "every_small_class", small_classes, pool_types },
	{ "large_block_of", large, large_sizes },
};

const struct rpt_suite usercopy_suite = RPT_SUITE("usercopy", cases);
