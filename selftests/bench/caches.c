// SPDX-License-Identifier: GPL-2.0
/*
 * Slab caches with nothing around them, for comparison.
 */
#include <linux/kernel.h>

#include "pool.h"

#define RPB_SIZE(bytes)	bytes,

static const unsigned int rpb_sizes[] = { RPB_SIZES(RPB_SIZE) };
static struct kmem_cache *rpb_caches[ARRAY_SIZE(rpb_sizes)];

struct kmem_cache *rpb_cache(unsigned long size)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rpb_sizes) - 1; i++) {
		if (rpb_sizes[i] == size)
			break;
	}
	return rpb_caches[i];
}

int rpb_caches_init(void)
{
	unsigned int i;
	char name[24];

	for (i = 0; i < ARRAY_SIZE(rpb_sizes); i++) {
		snprintf(name, sizeof(name), "rp_bench-%u", rpb_sizes[i]);
		rpb_caches[i] = kmem_cache_create(name, rpb_sizes[i], 16,
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

	for (i = 0; i < ARRAY_SIZE(rpb_sizes); i++) {
		kmem_cache_destroy(rpb_caches[i]);
		rpb_caches[i] = NULL;
	}
}
