// SPDX-License-Identifier: GPL-2.0
/*
 * The measurements of tagged pool through the C API.
 */
#include <linux/kernel.h>
#include <linux/module.h>

#include "pool.h"

static struct dentry *rpb_dir;

static const struct rpb_file rpb_files[] = {
	{ .name = "zeroed", .show = rpb_show_zeroed },
	{ .name = "first", .show = rpb_show_first },
	{ .name = "rings", .show = rpb_show_rings },
	{ .name = "lives", .show = rpb_show_lives },
	{ .name = "mix", .show = rpb_show_mix },
	{ .name = "mix_kmalloc", .show = rpb_show_mix_kmalloc },
	{ .name = "after", .show = rpb_show_after },
	{ .name = "after_kmalloc", .show = rpb_show_after_kmalloc },
	{ .name = "remainder", .show = rpb_show_remainder },
	{ .name = "remainder_kmalloc", .show = rpb_show_remainder_kmalloc },
	{ .name = "traces", .show = rpb_show_traces },
	{ .name = "traces_nic", .show = rpb_show_traces_nic },
	{ .name = "traces_nic_kmalloc", .show = rpb_show_traces_nic_kmalloc },
	{ .name = "traces_storage", .show = rpb_show_traces_storage },
	{ .name = "traces_storage_kmalloc", .show = rpb_show_traces_storage_kmalloc },
	{ .name = "throughput", .show = rpb_show_throughput },
	{ .name = "tags", .show = rpb_show_tags },
	{ .name = "stall", .show = rpb_show_stall },
	{ .name = "steps", .show = rpb_show_steps },
	{ .name = "softirq", .show = rpb_show_softirq },
	{ .name = "pairs", .cases = rpb_pairs },
	{ .name = "verified", .cases = rpb_verified },
	{ .name = "bursts", .cases = rpb_bursts },
	{ .name = "large", .cases = rpb_large },
	{ .name = "lookaside", .cases = rpb_lookasides },
};

static int __init rpb_pool_init(void)
{
	int err = rpb_caches_init();

	if (err)
		return err;
	rpb_lookasides_init();
	rpb_dir = rpb_add("rp_bench_pool", rpb_files, ARRAY_SIZE(rpb_files));
	return 0;
}
module_init(rpb_pool_init);

static void __exit rpb_pool_exit(void)
{
	rpb_remove(rpb_dir);
	rpb_lookasides_exit();
	rpb_caches_exit();
}
module_exit(rpb_pool_exit);

MODULE_AUTHOR("The rust_pool authors");
MODULE_DESCRIPTION("rust_pool benchmark: the C API");
MODULE_LICENSE("GPL");
