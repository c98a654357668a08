// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of contiguous and noncached memory through the C API.
 */
#include <linux/module.h>

#include "pages.h"

static const struct rpt_suite *const suites[] = {
	&contiguous_suite,
	&nodes_suite,
	&map_suite,
	&noncached_suite,
	&kinds_suite,
	&load_suite,
};

static void *key;

static int __init rpt_pages_init(void)
{
	return rpt_register(suites, ARRAY_SIZE(suites), &key);
}

static void __exit rpt_pages_exit(void)
{
	rpt_unregister(key);
}

module_init(rpt_pages_init);
module_exit(rpt_pages_exit);

MODULE_DESCRIPTION("rust_pool selftests: contiguous and noncached memory");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
