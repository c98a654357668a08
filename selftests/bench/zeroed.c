// SPDX-License-Identifier: GPL-2.0
/*
 * Under init_on_alloc a block of ours comes zeroed like any other: what is not
 * zeroed is cheap, but no win. Gives no samples; it cannot be read where a block
 * is not.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

#include "pool.h"

#define TRIES	100

/* Leaves traces in blocks that it frees, and looks for them in those it gets. */
static int rpb_zeroed(unsigned long size)
{
	unsigned int n;
	void *block;
	bool zero;

	for (n = 0; n < TRIES; n++) {
		block = rpb_pool_hold(size);
		if (!block)
			return -ENOMEM;
		zero = !memchr_inv(block, 0, size);
		memset(block, 0xff, size);
		rpb_pool_release(size, block);
		if (!zero) {
			pr_err("rp_bench: a block of %lu bytes is not zeroed in spite of init_on_alloc\n",
			       size);
			return -EIO;
		}
	}
	return 0;
}

int rpb_show_zeroed(struct seq_file *m)
{
	const struct rpb_case *c;
	int err = 0;

	if (!want_init_on_alloc(0)) {
		pr_err("rp_bench: zeroed needs a kernel with init_on_alloc\n");
		return -EOPNOTSUPP;
	}
	for (c = rpb_pairs; !err && c->measure; c++)
		err = rpb_zeroed(c->size);
	for (c = rpb_large; !err && c->measure; c++)
		err = rpb_zeroed(c->size);
	return err;
}
