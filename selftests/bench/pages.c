// SPDX-License-Identifier: GPL-2.0
/*
 * How many pages are free.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>

#include "../lib/free_pages.h"
#include "bench_private.h"

unsigned long rpb_free_pages(void)
{
	/* What was freed by way of RCU is free. */
	rcu_barrier();
	return rpt_free_pages();
}
EXPORT_SYMBOL_GPL(rpb_free_pages);

int rpb_show_free_pages(struct seq_file *m)
{
	seq_printf(m, "%lu\n", rpb_free_pages());
	return 0;
}
