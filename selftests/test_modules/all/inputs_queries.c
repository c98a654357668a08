// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input to the routines that only say something: how large a block is, where a
 * physical address is mapped, what memory there is.
 */
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "inputs.h"

/* The size of a block */

struct query {
	struct input in;
	struct subject subject;
	size_t bytes;
};

#define QUERY(_what, _contexts, _bytes, ...) { \
	.in = { "ExQueryPoolBlockSize", _what, _contexts }, \
	.bytes = _bytes, .subject = { __VA_ARGS__ } }

static const struct query queries[] = {
	QUERY("1", ANYWHERE, 16, NONPAGED, 1),
	QUERY("100", ANYWHERE, 112, NONPAGED, 100),
	QUERY("4064", EACH_IRQL, 4064, NONPAGED, 4064),
	QUERY("4065", EACH_IRQL, 4096, NONPAGED, 4065),
	QUERY("20000", EACH_IRQL, 20480, NONPAGED, 20000),
	QUERY("1M", EACH_IRQL, SZ_1M, NONPAGED, SZ_1M),
	QUERY("paged", EACH_IRQL, 112, PAGED, 100),
	QUERY("inside", EACH_IRQL, 0, NONPAGED, 100, 16),
	QUERY("inside_by_a_byte", EACH_IRQL, 0, NONPAGED, 100, 1),
	QUERY("inside_pages", EACH_IRQL, 0, NONPAGED, 20000, 4096),
	QUERY("freed", EACH_IRQL, 0, NONPAGED, 100, 0, true),
	QUERY("freed_1M", EACH_IRQL, 0, NONPAGED, SZ_1M, 0, true),
	QUERY("NULL", EACH_IRQL, 0, ADDRESS),
	QUERY("8", IN_TASK, 0, ADDRESS, 0, 8),
	QUERY("4096", EACH_IRQL, 0, ADDRESS, 0, 4096),
	QUERY("2^47", IN_TASK, 0, ADDRESS, 0, 1L << 47),
	QUERY("2^63", EACH_IRQL, 0, ADDRESS, 0, S64_MIN),
	QUERY("minus_1", EACH_IRQL, 0, ADDRESS, 0, -1),
	QUERY("minus_16", IN_TASK, 0, ADDRESS, 0, -16),
	QUERY("slab", EACH_IRQL, 0, SLAB, 256),
	QUERY("pages", IN_TASK, 0, PAGES, 8192),
	QUERY("vmalloc", IN_TASK, 0, VMALLOC, 8192),
	QUERY("guard_page", EACH_IRQL, 0, VMALLOC, 8192, 8192),
	QUERY("stack", IN_TASK, 0, STACK),
	QUERY("module_text", IN_TASK, 0, TEXT),
	QUERY("device", EACH_IRQL, 0, DEVICE),
	QUERY("contiguous", EACH_IRQL, 0, CONTIGUOUS, 8192),
	QUERY("noncached", EACH_IRQL, 0, NONCACHED, 8192),
};

struct querying {
	void *address;
	size_t bytes;
	BOOLEAN charged;
};

static void do_query(void *arg)
{
	struct querying *q = arg;

	q->bytes = ExQueryPoolBlockSize(q->address, &q->charged);
}

static void run_query(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct query *row = data;
	struct querying q = { .charged = TRUE };
	struct thing thing;

	if (!thing_make(t, &thing, &row->subject))
		return;
	q.address = thing_address(&thing);
	rpt_in_context(context, do_query, &q);
	input_judge(t, &row->in, context);
	EXPECT_EQ(t, q.bytes, row->bytes);
	EXPECT_EQ(t, q.charged, FALSE);
	thing_drop(t, &thing, false);
}

const struct input_table block_queries =
	INPUT_TABLE("ExQueryPoolBlockSize", queries, run_query);

/* The address of what is at a physical one */

struct lookup {
	struct input in;
	/* Of memory that is there; or else an address. */
	enum memory memory;
	u64 offset;
};

#define LOOKUP(_what, _memory, _offset) { \
	.in = { "MmGetVirtualForPhysical", _what, EACH_IRQL | IN_NMI }, \
	.memory = _memory, .offset = _offset }

static const struct lookup lookups[] = {
	LOOKUP("pool", NONPAGED, 7),
	LOOKUP("contiguous", CONTIGUOUS, 5000),
	LOOKUP("vmalloc", VMALLOC, 5000),
	LOOKUP("2^46", ADDRESS, 1ULL << 46),
	LOOKUP("2^52", ADDRESS, 1ULL << 52),
	LOOKUP("2^63", ADDRESS, 1ULL << 63),
	LOOKUP("last_byte", ADDRESS, U64_MAX),
	LOOKUP("last_page", ADDRESS, U64_MAX - 4095),
};

struct looking {
	PHYSICAL_ADDRESS at;
	void *found;
};

static void do_lookup(void *arg)
{
	struct looking *l = arg;

	l->found = MmGetVirtualForPhysical(l->at);
}

static void run_lookup(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct lookup *row = data;
	const struct subject subject = { row->memory, 8192 };
	struct looking l = { .at.QuadPart = row->offset, .found = &l };
	struct thing thing;

	if (!thing_make(t, &thing, &subject))
		return;
	if (row->memory != ADDRESS)
		l.at.QuadPart = rpt_phys(thing.base + row->offset);
	rpt_in_context(context, do_lookup, &l);
	input_judge(t, &row->in, context);
	if (row->memory == ADDRESS)
		EXPECT(t, !l.found);
	else
		EXPECT_EQ(t, virt_to_phys(l.found), l.at.QuadPart);
	thing_drop(t, &thing, false);
}

const struct input_table virtual_addresses =
	INPUT_TABLE("MmGetVirtualForPhysical", lookups, run_lookup);

/* What memory there is */

static const struct input ranges[] = {
	{ "MmGetPhysicalMemoryRanges", "right", IN_TASK },
	{ "MmGetPhysicalMemoryRanges", "right", IN_ATOMIC | IN_NMI, 0xc2, 0x08 },
};

static void do_ranges(void *arg)
{
	*(PPHYSICAL_MEMORY_RANGE *)arg = MmGetPhysicalMemoryRanges();
}

static void run_ranges(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct input *in = data;
	PPHYSICAL_MEMORY_RANGE list = NULL;

	rpt_in_context(context, do_ranges, &list);
	input_judge(t, in, context);
	EXPECT_EQ(t, !list, !!in->code);
	if (list) {
		EXPECT(t, list[0].NumberOfBytes.QuadPart);
		ExFreePool(list);
	}
}

const struct input_table memory_ranges =
	INPUT_TABLE("MmGetPhysicalMemoryRanges", ranges, run_ranges);
