// SPDX-License-Identifier: GPL-2.0
/*
 * Slab caches with nothing around them, for comparison: one for each size that
 * pairs are measured of.
 */
#include <linux/kernel.h>

#include "pool.h"

static struct kmem_cache *rpb_caches[RPB_SIZES];

struct kmem_cache *rpb_cache(unsigned long size)
{
	unsigned int i = 0;

	while (i < RPB_SIZES - 1 && rpb_pairs[i].size != size)
		i++;
	return rpb_caches[i];
}

int rpb_caches_init(void)
{
	unsigned int i;
	char name[24];

	for (i = 0; i < RPB_SIZES; i++) {
		snprintf(name, sizeof(name), "rp_bench-%lu", rpb_pairs[i].size);
		rpb_caches[i] = kmem_cache_create(name, rpb_pairs[i].size, 16,
						  SLAB_NO_MERGE, NULL);
		if (!rpb_caches[i]) {
			rpb_caches_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

void rpb_caches_exit(void)
{
	unsigned int i;

	for (i = 0; i < RPB_SIZES; i++) {
		kmem_cache_destroy(rpb_caches[i]);
		rpb_caches[i] = NULL;
	}
}
