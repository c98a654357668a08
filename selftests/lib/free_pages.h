/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How many pages are free, including those in the per-CPU lists. Modules cannot call
 * drain_all_pages(), so the lists are counted.
 */
#ifndef RPT_FREE_PAGES_H
#define RPT_FREE_PAGES_H

#include <linux/cpu.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/vmstat.h>

static inline unsigned long rpt_free_pages_of(struct zone *zone)
{
	unsigned long pages = zone_page_state_snapshot(zone, NR_FREE_PAGES);
	int cpu;

	for_each_online_cpu(cpu)
		pages += per_cpu_ptr(zone->per_cpu_pageset, cpu)->count;
	return pages;
}

/* The number of free pages in all zones. Sleeps. */
static inline unsigned long rpt_free_pages(void)
{
	unsigned long pages = 0;
	int nid, i;

	cpus_read_lock();
	for_each_online_node(nid) {
		for (i = 0; i < MAX_NR_ZONES; i++) {
			struct zone *zone = &NODE_DATA(nid)->node_zones[i];

			if (populated_zone(zone))
				pages += rpt_free_pages_of(zone);
		}
	}
	cpus_read_unlock();
	return pages;
}

#endif
