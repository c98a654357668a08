// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of tagged pool through the C API.
 */
#include <linux/module.h>

#include "pool.h"

const struct rpt_arg pool_types[] = {
	{ "nonpaged", NonPagedPoolNx },
	{ "paged", PagedPool },
	{ }
};

static const struct rpt_suite *const suites[] = {
	&sizes_suite,
	&tags_suite,
	&counters_suite,
	&contexts_suite,
	&failures_suite,
	&badfree_suite,
	&usercopy_suite,
	&wdm_suite,
	&magazine_suite,
	&depot_suite,
	&heap_suite,
	&contention_suite,
	&irql_suite,
	&mapping_suite,
	&damage_suite,
	&flags_suite,
	&quota_suite,
	&env_suite,
	&env_warnings_suite,
};

static void *key;

static int __init rpt_pool_init(void)
{
	return rpt_register(suites, ARRAY_SIZE(suites), &key);
}

static void __exit rpt_pool_exit(void)
{
	rpt_unregister(key);
}

module_init(rpt_pool_init);
module_exit(rpt_pool_exit);

MODULE_DESCRIPTION("rust_pool selftests: tagged pool");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
