// SPDX-License-Identifier: GPL-2.0
/*
 * The bad input tables, as cases: a row in a context each.
 */
#include <linux/dma-mapping.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "inputs.h"

struct pci_dev *edu;

/* Those of the first count need no device. */
static const struct input_table *const tables[] = {
	&pool_allocations,
	&pool_requests,
	&pool_frees,
	&mdl_frees,
	&page_allocations,
	&page_frees,
	&mdl_page_allocations,
	&mdl_page_frees,
	&physical_addresses,
	&block_queries,
	&virtual_addresses,
	&memory_ranges,
	&mdl_requests,
	&mdl_uses,
	&mdl_parts,
	&list_makings,
	&list_uses,
	&list_gifts,
	&space_requests,
	&space_frees,
	&adapter_requests,
	&adapter_puts,
	&buffer_allocations,
	&buffer_frees,
	&list_requests,
	&list_puts,
	&register_frees,
	&channel_requests,
	&channel_frees,
	&held_memory_frees,
	&held_page_unlocks,
	&list_builds,
	&packet_requests,
	&packet_transfers,
	&packet_flushes,
	&later_forms,
	&list_requests_ex,
	&list_builds_ex,
	&packet_transfers_ex,
	&buffers_ex,
	&bounded_buffers,
	&io_mappings,
	&io_unmappings,
};

#define WITHOUT_DEVICE	20

/* A row in one of its contexts. */
struct run {
	const struct input_table *table;
	const struct input *row;
	enum rpt_context context;
};

static struct run *runs;
static struct rpt_arg *args[ARRAY_SIZE(tables)];
static struct rpt_case cases[ARRAY_SIZE(tables)];
static struct rpt_suite suite = { .name = "inputs", .cases = cases };
static const struct rpt_suite *const suites[] = { &suite };
static void *key;

void input_keep_list(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list,
		     PVOID context)
{
	*(PSCATTER_GATHER_LIST *)context = list;
}

bool input_judge(struct rpt *t, const struct input *in,
		 enum rpt_context context)
{
	const struct rpt_violation *v;

	if (!EXPECT_VIOLATIONS(t, in->code ? 1 : 0))
		return false;
	/* No lock can be taken in NMI to keep more than the number. */
	if (!in->code || context == RPT_NMI)
		return true;
	v = rpt_last(t);
	if (v->code != in->code ||
	    (v->p[0] != in->p1 && (!in->or_p1 || v->p[0] != in->or_p1))) {
		rpt_fail(t, "violation 0x%x: 0x%llx, expected 0x%x: 0x%llx; %s",
			 v->code, v->p[0], in->code, in->p1, v->text);
		return false;
	}
	if (in->code == BAD_POOL_CALLER && (in->p1 == 0x08 || in->p1 == 0x09))
		EXPECT_EQ(t, v->p[1], rpt_irql(context));
	return true;
}

bool input_frees(const struct input *in, enum rpt_context context)
{
	return context != RPT_NMI && (!in->code || in->p1 == 0x09);
}

static void run_row(struct rpt *t)
{
	const struct run *run = (const struct run *)rpt_value(t);

	run->table->run(t, run->row, run->context);
}

static const char *context_name(enum rpt_context context)
{
	const struct rpt_arg *arg;

	for (arg = rpt_contexts; arg->name; arg++)
		if (arg->value == context)
			return arg->name;
	return "nmi";
}

static const struct input *row_of(const struct input_table *table,
				  unsigned int i)
{
	return table->rows + i * table->row_bytes;
}

static unsigned int count_runs(const struct input_table *table)
{
	unsigned int count = 0, i;

	for (i = 0; i < table->count; i++)
		count += hweight32(row_of(table, i)->contexts);
	return count;
}

static int add_table(const struct input_table *table, struct run **run,
		     struct rpt_arg **to)
{
	struct rpt_arg *arg = kcalloc(count_runs(table) + 1, sizeof(*arg),
				      GFP_KERNEL);
	unsigned int i;

	*to = arg;
	if (!arg)
		return -ENOMEM;
	for (i = 0; i < table->count; i++) {
		const struct input *row = row_of(table, i);
		unsigned long contexts = row->contexts;
		unsigned int context;

		for_each_set_bit(context, &contexts, BITS_PER_LONG) {
			**run = (struct run){ table, row, context };
			arg->name = kasprintf(GFP_KERNEL, "%s_%s_in_%s",
					      row->routine, row->what,
					      context_name(context));
			if (!arg->name)
				return -ENOMEM;
			arg->value = (unsigned long)(*run)++;
			arg++;
		}
	}
	return 0;
}

static void drop_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(args); i++) {
		const struct rpt_arg *arg = args[i];

		for (; arg && arg->name; arg++)
			kfree(arg->name);
		kfree(args[i]);
	}
	kvfree(runs);
	if (edu) {
		/* As the PCI core had it. */
		dma_set_mask_and_coherent(&edu->dev, DMA_BIT_MASK(32));
		pci_dev_put(edu);
	}
}

static int __init rpt_inputs_init(void)
{
	unsigned int i, count = 0;
	struct run *run;
	int ret = 0;

	edu = pci_get_device(0x1234, 0x11e8, NULL);
	suite.count = edu ? ARRAY_SIZE(tables) : WITHOUT_DEVICE;
	for (i = 0; i < suite.count; i++)
		count += count_runs(tables[i]);
	runs = kvcalloc(count, sizeof(*runs), GFP_KERNEL);
	if (!runs)
		ret = -ENOMEM;
	run = runs;
	for (i = 0; i < suite.count && !ret; i++) {
		ret = add_table(tables[i], &run, &args[i]);
		cases[i] = (struct rpt_case){ tables[i]->name, run_row,
					      args[i] };
	}
	if (!ret)
		ret = rpt_register(suites, ARRAY_SIZE(suites), &key);
	if (ret)
		drop_all();
	return ret;
}

static void __exit rpt_inputs_exit(void)
{
	rpt_unregister(key);
	drop_all();
}

module_init(rpt_inputs_init);
module_exit(rpt_inputs_exit);

MODULE_DESCRIPTION("rust_pool selftests: tables of bad input");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
