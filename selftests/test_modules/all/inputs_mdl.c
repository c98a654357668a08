// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input to the routines that allocate and free the pages of MDLs.
 */
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "inputs.h"

struct allocation {
	struct input in;
	u64 lowest, highest, skip;
	size_t bytes;
	s32 type;
	u32 node, flags;
	bool given;
};

#define CHUNKS	MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS
#define PREFER	MM_ALLOCATE_PREFER_CONTIGUOUS
#define LARGE	MM_ALLOCATE_FAST_LARGE_PAGES

#define ALLOCATE(_what, _contexts, _lowest, _highest, _skip, _bytes, _type, \
		 _node, _flags, _code, _p1, _given) { \
	.in = { "pages", _what, _contexts, _code, _p1 }, \
	.lowest = _lowest, .highest = _highest, .skip = _skip, \
	.bytes = _bytes, .type = _type, .node = _node, .flags = _flags, \
	.given = _given }

#define PAGES(_what, _contexts, _bytes, _type, _flags, _code, _p1) \
	ALLOCATE(_what, _contexts, 0, U64_MAX, 0, _bytes, _type, \
		 MM_ANY_NODE_OK, _flags, _code, _p1, !(_code))
#define BOUNDS(_what, _contexts, _lowest, _highest, _skip) \
	ALLOCATE(_what, _contexts, _lowest, _highest, _skip, 4096, MmCached, \
		 MM_ANY_NODE_OK, 0, 0, 0, false)
#define SKIP(_what, _bytes, _skip, _flags) \
	ALLOCATE(_what, IN_TASK, 0, U64_MAX, _skip, _bytes, MmCached, \
		 MM_ANY_NODE_OK, _flags, 0xc4, 0x16, false)
#define NODE(_what, _node, _code, _p1) \
	ALLOCATE(_what, IN_TASK, 0, U64_MAX, 0, 4096, MmCached, _node, 0, \
		 _code, _p1, !(_code))

static const struct allocation allocations[] = {
	PAGES("cached", IN_TASK | AT_DISPATCH, 8192, MmCached, 0, 0, 0),
	PAGES("cached", ABOVE_DISPATCH | IN_NMI, 8192, MmCached, 0, 0xc2, 0x08),
	PAGES("noncached", IN_TASK, 8192, MmNonCached, 0, 0, 0),
	PAGES("noncached", IN_ATOMIC | IN_NMI, 8192, MmNonCached, 0, 0xc2, 0x08),
	PAGES("write_combined", IN_ATOMIC, 8192, MmWriteCombined, 0, 0xc2, 0x08),
	PAGES("type_minus_1", EACH_IRQL, 8192, MmNotMapped, 0, 0xc4, 0x16),
	PAGES("type_3", EACH_IRQL, 8192, 3, 0, 0xc4, 0x16),
	PAGES("type_2^31-1", IN_TASK, 8192, S32_MAX, 0, 0xc4, 0x16),
	PAGES("0_bytes", EACH_IRQL, 0, MmCached, 0, 0xc2, 0x00),
	PAGES("4G", EACH_IRQL, SZ_4G, MmCached, 0, 0xc4, 0x16),
	PAGES("4G-4095", IN_TASK, SZ_4G - 4095, MmCached, 0, 0xc4, 0x16),
	PAGES("2^64-1_bytes", EACH_IRQL, SIZE_MAX, MmCached, 0, 0xc4, 0x16),
	PAGES("2^64-4096_bytes", IN_TASK, -4096UL, MmCached, 0, 0xc4, 0x16),
	PAGES("no_wait", EACH_IRQL & ~ABOVE_DISPATCH, 8192, MmCached,
	      MM_ALLOCATE_NO_WAIT, 0, 0),
	PAGES("prefer_contiguous", IN_TASK, 8192, MmCached, PREFER, 0, 0),
	PAGES("trim", IN_TASK, 8192, MmCached, MM_ALLOCATE_TRIM_IF_NECESSARY, 0,
	      0),
	PAGES("local_node", IN_TASK, 8192, MmCached,
	      MM_ALLOCATE_FROM_LOCAL_NODE_ONLY, 0, 0),
	PAGES("prefer_and_require", IN_TASK, 8192, MmCached, PREFER | CHUNKS,
	      0xc4, 0x16),
	PAGES("large_pages_alone", IN_TASK, 8192, MmCached, LARGE, 0xc4, 0x16),
	PAGES("hot_remove", IN_TASK, 8192, MmCached, MM_ALLOCATE_AND_HOT_REMOVE,
	      0xc4, 0x16),
	PAGES("flag_0x200", EACH_IRQL, 8192, MmCached, 0x200, 0xc4, 0x16),
	PAGES("all_flags", IN_TASK, 8192, MmCached, U32_MAX, 0xc4, 0x16),
	BOUNDS("only_0", EACH_IRQL & ~ABOVE_DISPATCH, 0, 0, 0),
	BOUNDS("less_than_a_page", IN_TASK, 0x4000000, 0x4000ffe, 0),
	BOUNDS("one_byte_late", IN_TASK, 0x4000001, 0x4000fff, 0),
	BOUNDS("upside_down", IN_TASK, 0x5000000, 0x4ffffff, 0),
	BOUNDS("all_upside_down", IN_TASK, U64_MAX, 0, 0),
	BOUNDS("upside_down_each_2M", IN_TASK, 0x5000000, 0x4ffffff, SZ_2M),
	BOUNDS("above_memory", IN_TASK, 1ULL << 50, U64_MAX, 0),
	BOUNDS("above_memory_each_page", IN_TASK, 1ULL << 50, U64_MAX, 4096),
	BOUNDS("last_page", IN_TASK, U64_MAX - 4095, U64_MAX, 0),
	BOUNDS("last_page_each_2^63", IN_TASK, U64_MAX - 4095, U64_MAX,
	       1ULL << 63),
	BOUNDS("last_byte", IN_TASK, U64_MAX, U64_MAX, 0),
	SKIP("skip_1", 8192, 1, 0),
	SKIP("skip_4095", 8192, 4095, 0),
	SKIP("skip_2^64-1", 8192, U64_MAX, 0),
	SKIP("chunks_of_1", 8192, 1, CHUNKS),
	SKIP("chunks_of_12K", 24576, 12288, CHUNKS),
	SKIP("chunks_of_8K_in_12K", 12288, 8192, CHUNKS),
	SKIP("chunks_of_2^63", 8192, 1ULL << 63, CHUNKS),
	NODE("node_0", 0, 0, 0),
	NODE("node_1000", 1000, 0xc4, 0x16),
	NODE("node_2^31-1", S32_MAX, 0xc4, 0x16),
	NODE("node_2^32-1", U32_MAX, 0xc4, 0x16),
};

struct allocating {
	const struct allocation *row;
	PMDL mdl;
};

static PHYSICAL_ADDRESS physical(u64 address)
{
	return (PHYSICAL_ADDRESS){ .QuadPart = address };
}

static void do_allocate(void *arg)
{
	struct allocating *a = arg;
	const struct allocation *row = a->row;

	a->mdl = MmAllocateNodePagesForMdlEx(physical(row->lowest),
					     physical(row->highest),
					     physical(row->skip), row->bytes,
					     row->type, row->node, row->flags);
}

static void run_allocation(struct rpt *t, const void *data,
			   enum rpt_context context)
{
	const struct allocation *row = data;
	struct allocating a = { row };

	rpt_in_context(context, do_allocate, &a);
	input_judge(t, &row->in, context);
	EXPECT_EQ(t, !!a.mdl, row->given);
	if (!a.mdl)
		return;
	EXPECT_EQ(t, MmGetMdlByteCount(a.mdl), row->bytes);
	MmFreePagesFromMdl(a.mdl);
	ExFreePool(a.mdl);
}

const struct input_table mdl_page_allocations =
	INPUT_TABLE("MmAllocatePagesForMdl", allocations, run_allocation);

struct release {
	struct input in;
	struct subject subject;
};

#define FREE(_what, _contexts, _code, _p1, ...) { \
	.in = { "free_pages", _what, _contexts, _code, _p1 }, \
	.subject = { __VA_ARGS__ } }
#define NO_PAGES(_what, _contexts, ...) \
	FREE(_what, _contexts, 0xc4, 0x16, __VA_ARGS__)

/* The address is looked up, and nothing read that is there. */
static const struct release releases[] = {
	NO_PAGES("NULL", EACH_IRQL, ADDRESS),
	NO_PAGES("1", IN_TASK, ADDRESS, 0, 1),
	NO_PAGES("4096", EACH_IRQL, ADDRESS, 0, 4096),
	NO_PAGES("2^47", IN_TASK, ADDRESS, 0, 1L << 47),
	NO_PAGES("2^63", EACH_IRQL, ADDRESS, 0, S64_MIN),
	NO_PAGES("minus_1", EACH_IRQL, ADDRESS, 0, -1),
	NO_PAGES("minus_2", IN_TASK, ADDRESS, 0, -2),
	NO_PAGES("minus_48", IN_TASK, ADDRESS, 0, -48),
	NO_PAGES("slab", EACH_IRQL, SLAB, 8192),
	NO_PAGES("vmalloc", IN_TASK, VMALLOC, 8192),
	NO_PAGES("guard_page", IN_TASK, VMALLOC, 8192, 8192),
	NO_PAGES("stack", IN_TASK, STACK),
	NO_PAGES("rodata", IN_TASK, RODATA),
	NO_PAGES("device", IN_TASK, DEVICE),
	NO_PAGES("pool_100", EACH_IRQL, NONPAGED, 100),
	NO_PAGES("pool_8192", IN_TASK, NONPAGED, 8192),
	NO_PAGES("contiguous", EACH_IRQL, CONTIGUOUS, 8192),
	/* The key of such an MDL's pages would be the address of a block. */
	NO_PAGES("2_before_contiguous", EACH_IRQL, CONTIGUOUS, 8192, -2),
	NO_PAGES("noncached", EACH_IRQL, NONCACHED, 8192),
	FREE("NULL", IN_NMI, 0xc4, 0x16, ADDRESS),
	FREE("pool_100", IN_NMI, 0xc2, 0x09, NONPAGED, 100),
};

static void do_free(void *arg)
{
	MmFreePagesFromMdl(arg);
}

static void run_release(struct rpt *t, const void *data,
			enum rpt_context context)
{
	const struct release *row = data;
	struct thing thing;

	if (!thing_make(t, &thing, &row->subject))
		return;
	rpt_in_context(context, do_free, thing_address(&thing));
	if (input_judge(t, &row->in, context))
		thing_drop(t, &thing, false);
}

const struct input_table mdl_page_frees =
	INPUT_TABLE("MmFreePagesFromMdl", releases, run_release);
