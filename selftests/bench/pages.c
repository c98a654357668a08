// SPDX-License-Identifier: GPL-2.0
/*
 * How many pages are free.
 */
#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>

#include "bench_private.h"

static unsigned long rpb_zone_free(struct zone *zone)
{
	unsigned long pages = zone_page_state_snapshot(zone, NR_FREE_PAGES);
	int cpu;

	for_each_online_cpu(cpu)
		pages += per_cpu_ptr(zone->per_cpu_pageset, cpu)->count;
	return pages;
}

/*
 * drain_all_pages() is not for modules, so the pages that it would put back are
 * counted where they are.
 */
unsigned long rpb_free_pages(void)
{
	unsigned long pages = 0;
	int nid, i;

	/* What was freed by way of RCU is free. */
	rcu_barrier();
	cpus_read_lock();
	for_each_online_node(nid) {
		for (i = 0; i < MAX_NR_ZONES; i++) {
			struct zone *zone = &NODE_DATA(nid)->node_zones[i];

			if (populated_zone(zone))
				pages += rpb_zone_free(zone);
		}
	}
	cpus_read_unlock();
	return pages;
}
EXPORT_SYMBOL_GPL(rpb_free_pages);

int rpb_show_free_pages(struct seq_file *m)
{
	seq_printf(m, "%lu\n", rpb_free_pages());
	return 0;
}
