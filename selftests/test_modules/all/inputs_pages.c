// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input to the routines of contiguous and noncached memory, and to
 * MmGetPhysicalAddress().
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "inputs.h"

enum routine {
	CONTIGUOUS_PLAIN,
	CONTIGUOUS_ALL,
	CONTIGUOUS_NODE,
	CONTIGUOUS_PROTECTED,
	CONTIGUOUS_EXTENDED,
	NONCACHED_MEMORY,
	IO_SPACE,
	IO_SPACE_PROTECTED,
};

struct allocation {
	struct input in;
	enum routine routine;
	size_t bytes;
	u64 lowest, highest, boundary;
	s32 type;
	bool given;
};

#define ALLOCATE(_name, _routine, _what, _contexts, _bytes, _lowest, _highest, \
		 _boundary, _type, _code, _p1, _given) { \
	.in = { _name, _what, _contexts, _code, _p1 }, \
	.routine = _routine, .bytes = _bytes, .lowest = _lowest, \
	.highest = _highest, .boundary = _boundary, .type = _type, \
	.given = _given }

#define BOUNDS(_what, _contexts, _bytes, _lowest, _highest, _boundary) \
	ALLOCATE("contiguous", CONTIGUOUS_ALL, _what, _contexts, _bytes, \
		 _lowest, _highest, _boundary, MmCached, 0, 0, false)
#define BELOW(_what, _contexts, _bytes, _highest) \
	ALLOCATE("contiguous_below", CONTIGUOUS_PLAIN, _what, _contexts, \
		 _bytes, 0, _highest, 0, MmCached, 0, 0, false)
#define TYPE(_what, _contexts, _bytes, _type, _code, _p1) \
	ALLOCATE("contiguous", CONTIGUOUS_ALL, _what, _contexts, _bytes, 0, \
		 U64_MAX, 0, _type, _code, _p1, !(_code))
#define NODE(_what, _contexts, _bytes, _type, _code, _p1) \
	ALLOCATE("contiguous_node", CONTIGUOUS_NODE, _what, _contexts, _bytes, \
		 0, U64_MAX, 0, _type, _code, _p1, !(_code))
/* The type is a protection. */
#define PROTECTED(_what, _contexts, _bytes, _protect, _code, _p1) \
	ALLOCATE("contiguous_protected", CONTIGUOUS_PROTECTED, _what, \
		 _contexts, _bytes, 0, U64_MAX, 0, _protect, _code, _p1, \
		 !(_code))
#define EXTENDED(_what, _contexts, _bytes, _protect, _code, _p1, _given) \
	ALLOCATE("contiguous_extended", CONTIGUOUS_EXTENDED, _what, _contexts, \
		 _bytes, 0, U64_MAX, 0, _protect, _code, _p1, _given)
/* None of these is mapped; the lowest address is that of the registers. */
#define IO(_what, _contexts, _physical, _bytes, _type, _code, _p1) \
	ALLOCATE("map_io", IO_SPACE, _what, _contexts, _bytes, _physical, 0, \
		 0, _type, _code, _p1, false)
#define IO_PROTECTED(_what, _contexts, _physical, _bytes, _protect, _code, _p1) \
	ALLOCATE("map_io_protected", IO_SPACE_PROTECTED, _what, _contexts, \
		 _bytes, _physical, 0, 0, _protect, _code, _p1, false)
#define UNCACHED(_what, _contexts, _bytes, _code, _p1, _given) \
	ALLOCATE("noncached", NONCACHED_MEMORY, _what, _contexts, _bytes, 0, \
		 0, 0, MmNonCached, _code, _p1, _given)

static const struct allocation allocations[] = {
	/* Types and sizes */
	TYPE("cached", EACH_IRQL, 5000, MmCached, 0, 0),
	TYPE("noncached", IN_TASK, 5000, MmNonCached, 0, 0),
	TYPE("write_combined", IN_TASK, 5000, MmWriteCombined, 0, 0),
	TYPE("type_minus_1", EACH_IRQL, 5000, MmNotMapped, 0xc4, 0x16),
	TYPE("type_3", EACH_IRQL, 5000, 3, 0xc4, 0x16),
	TYPE("type_4", IN_TASK, 5000, 4, 0xc4, 0x16),
	TYPE("type_5", IN_TASK, 5000, 5, 0xc4, 0x16),
	TYPE("type_6", IN_TASK, 5000, 6, 0xc4, 0x16),
	TYPE("type_7", IN_TASK, 5000, 7, 0xc4, 0x16),
	TYPE("type_256", IN_TASK, 5000, 256, 0xc4, 0x16),
	TYPE("type_2^31-1", IN_TASK, 5000, S32_MAX, 0xc4, 0x16),
	TYPE("type_minus_2^31", IN_TASK, 5000, S32_MIN, 0xc4, 0x16),
	TYPE("0_bytes", EACH_IRQL, 0, MmCached, 0xc2, 0x00),
	TYPE("0_bytes_noncached", IN_TASK, 0, MmNonCached, 0xc2, 0x00),
	TYPE("0_bytes_write_combined", IN_TASK, 0, MmWriteCombined, 0xc2, 0x00),
	TYPE("noncached", IN_ATOMIC | IN_NMI, 5000, MmNonCached, 0xc2, 0x08),
	TYPE("write_combined", IN_ATOMIC | IN_NMI, 5000, MmWriteCombined, 0xc2,
	     0x08),
	TYPE("cached", IN_NMI, 5000, MmCached, 0xc2, 0x08),
	ALLOCATE("contiguous_below", CONTIGUOUS_PLAIN, "2^64", EACH_IRQL, 4096,
		 0, U64_MAX, 0, MmCached, 0, 0, true),
	ALLOCATE("contiguous_below", CONTIGUOUS_PLAIN, "2^63", IN_TASK, 4096,
		 0, S64_MAX, 0, MmCached, 0, 0, true),
	ALLOCATE("contiguous_below", CONTIGUOUS_PLAIN, "0_bytes", EACH_IRQL, 0,
		 0, U64_MAX, 0, MmCached, 0xc2, 0x00, false),
	ALLOCATE("contiguous_below", CONTIGUOUS_PLAIN, "2^64", IN_NMI, 4096, 0,
		 U64_MAX, 0, MmCached, 0xc2, 0x08, false),

	/* By node and protection */
	NODE("cached", EACH_IRQL, 5000, MmCached, 0, 0),
	NODE("cached", IN_NMI, 5000, MmCached, 0xc2, 0x08),
	NODE("noncached", IN_TASK, 5000, MmNonCached, 0, 0),
	NODE("noncached", IN_ATOMIC | IN_NMI, 5000, MmNonCached, 0xc2, 0x08),
	NODE("type_minus_1", EACH_IRQL, 5000, MmNotMapped, 0xc4, 0x16),
	NODE("type_3", IN_TASK, 5000, 3, 0xc4, 0x16),
	NODE("type_2^31-1", IN_TASK, 5000, S32_MAX, 0xc4, 0x16),
	NODE("0_bytes", EACH_IRQL, 0, MmCached, 0xc2, 0x00),
	PROTECTED("cached", EACH_IRQL, 5000, 0x04, 0, 0),
	PROTECTED("executable", IN_TASK, 5000, 0x40, 0, 0),
	PROTECTED("cached", IN_NMI, 5000, 0x04, 0xc2, 0x08),
	PROTECTED("noncached", IN_TASK, 5000, 0x204, 0, 0),
	PROTECTED("noncached", IN_ATOMIC | IN_NMI, 5000, 0x204, 0xc2, 0x08),
	PROTECTED("write_combined", IN_ATOMIC, 5000, 0x404, 0xc2, 0x08),
	PROTECTED("0", EACH_IRQL, 5000, 0, 0xc4, 0x16),
	PROTECTED("readonly", EACH_IRQL, 5000, 0x02, 0xc4, 0x16),
	PROTECTED("two_types", IN_TASK, 5000, 0x604, 0xc4, 0x16),
	PROTECTED("0x10004", IN_TASK, 5000, 0x10004, 0xc4, 0x16),
	PROTECTED("0_bytes", EACH_IRQL, 0, 0x04, 0xc2, 0x00),
	EXTENDED("cached", EACH_IRQL, 5000, 0x04, 0, 0, true),
	EXTENDED("cached", IN_NMI, 5000, 0x04, 0xc2, 0x08, false),
	EXTENDED("write_combined", IN_TASK, 5000, 0x404, 0, 0, true),
	EXTENDED("write_combined", IN_ATOMIC | IN_NMI, 5000, 0x404, 0xc2, 0x08,
		 false),
	EXTENDED("noaccess", EACH_IRQL, 5000, 0x01, 0xc4, 0x16, false),
	EXTENDED("0_bytes", EACH_IRQL, 0, 0x04, 0xc2, 0x00, false),
	EXTENDED("2^64-1_bytes", EACH_IRQL, SIZE_MAX, 0x04, 0, 0, false),
	EXTENDED("2^64-4096_bytes", IN_TASK, -4096UL, 0x04, 0, 0, false),
	EXTENDED("2^46_bytes", IN_TASK, 1UL << 46, 0x04, 0, 0, false),

	/* Bounds that nothing can keep */
	BELOW("0", EACH_IRQL, 4096, 0),
	BELOW("1", IN_TASK, 1, 1),
	BELOW("4094", IN_TASK, 4096, 4094),
	BELOW("size", IN_TASK, SZ_1M, SZ_1M - 2),
	BELOW("2^64_of_2^64-1_bytes", EACH_IRQL, SIZE_MAX, U64_MAX),
	BELOW("2^64_of_2^64-4095_bytes", IN_TASK, -4095UL, U64_MAX),
	BELOW("2^64_of_2^64-4096_bytes", IN_TASK, -4096UL, U64_MAX),
	BELOW("2^64_of_2^63_bytes", IN_TASK, 1UL << 63, U64_MAX),
	BELOW("2^64_of_2^46_bytes", IN_TASK, 1UL << 46, U64_MAX),
	BELOW("2^64_of_2^40_bytes", EACH_IRQL, 1UL << 40, U64_MAX),
	BOUNDS("below_2^64_of_5M", IN_ATOMIC, 5 * SZ_1M, 0, U64_MAX, 0),
	BOUNDS("one_byte_short", EACH_IRQL, 0x4000, 0x4000000, 0x4003ffe, 0),
	BOUNDS("one_byte_late", IN_TASK, 0x4000, 0x4000001, 0x4003fff, 0),
	BOUNDS("less_than_a_page", IN_TASK, 4096, 0x4000000, 0x4000ffe, 0),
	BOUNDS("upside_down", EACH_IRQL, 4096, 0x5000000, 0x4ffffff, 0),
	BOUNDS("all_upside_down", IN_TASK, 4096, U64_MAX, 0, 0),
	BOUNDS("only_0", IN_TASK, 4096, 0, 0, 0),
	BOUNDS("above_memory", EACH_IRQL, 4096, 1ULL << 50, U64_MAX, 0),
	BOUNDS("at_2^63", IN_TASK, 4096, 1ULL << 63, U64_MAX, 0),
	BOUNDS("last_page", IN_TASK, 4096, U64_MAX - 4095, U64_MAX, 0),
	BOUNDS("last_byte", IN_TASK, 1, U64_MAX, U64_MAX, 0),
	BOUNDS("narrower_than_size", IN_TASK, SZ_64M, 0x1000000, 0x3ffffff, 0),
	BOUNDS("wrapping", IN_TASK, SZ_2M, U64_MAX - SZ_1M, U64_MAX, 0),
	BOUNDS("boundary_1", EACH_IRQL, 4096, 0, U64_MAX, 1),
	BOUNDS("boundary_3", IN_TASK, 4096, 0, U64_MAX, 3),
	BOUNDS("boundary_4095", IN_TASK, 4096, 0, U64_MAX, 4095),
	BOUNDS("boundary_12288", EACH_IRQL, 4096, 0, U64_MAX, 12288),
	BOUNDS("boundary_0x18000", IN_TASK, 8192, 0, U64_MAX, 0x18000),
	BOUNDS("boundary_below_size", EACH_IRQL, 8192, 0, U64_MAX, 4096),
	BOUNDS("boundary_a_byte_below", IN_TASK, 65537, 0, U64_MAX, 65536),
	BOUNDS("boundary_1M_of_2M", IN_TASK, SZ_2M, 0, U64_MAX, SZ_1M),
	BOUNDS("boundary_2^64-1", EACH_IRQL, 4096, 0, U64_MAX, U64_MAX),
	BOUNDS("boundary_2^63+1", IN_TASK, 4096, 0, U64_MAX, (1ULL << 63) + 1),
	BOUNDS("2^64-1_bytes", EACH_IRQL, SIZE_MAX, 0, U64_MAX, 0),
	BOUNDS("2^64-1_bytes_boundary_2^63", IN_TASK, SIZE_MAX, 0, U64_MAX,
	       1ULL << 63),
	BOUNDS("2^63+1_bytes_boundary_2^63", IN_TASK, (1UL << 63) + 1, 0,
	       U64_MAX, 1ULL << 63),

	/* Registers: the local APIC's address, and memory behind the first MiB */
	IO("above_dispatch", ABOVE_DISPATCH | IN_NMI, 0xfee00000, 4096, MmNonCached,
	   0xc2, 0x08),
	IO("at_dispatch", AT_DISPATCH, 0xfee00000, 4096, MmNonCached, 0, 0),
	IO("0_bytes", EACH_IRQL, 0xfee00000, 0, MmNonCached, 0xc2, 0x00),
	IO("type_minus_1", EACH_IRQL, 0xfee00000, 4096, MmNotMapped, 0xc4, 0x16),
	IO("type_3", IN_TASK, 0xfee00000, 4096, 3, 0xc4, 0x16),
	IO("type_2^31-1", IN_TASK, 0xfee00000, 4096, S32_MAX, 0xc4, 0x16),
	IO("memory", IN_TASK, 0x100000, 4096, MmCached, 0xc4, 0x16),
	IO("memory_noncached", IN_TASK, 0x100000, 1, MmNonCached, 0xc4, 0x16),
	IO("memory_in_part", IN_TASK, 0xff000, 4097, MmCached, 0xc4, 0x16),
	IO("all_memory", IN_TASK, 0, 1UL << 32, MmCached, 0xc4, 0x16),
	IO("at_2^52", IN_TASK, 1ULL << 52, 4096, MmNonCached, 0, 0),
	IO("last_byte", IN_TASK, U64_MAX, 1, MmNonCached, 0, 0),
	IO("wrapping", IN_TASK, U64_MAX - 4095, 8192, MmNonCached, 0, 0),
	IO("2^64-1_bytes", IN_TASK, 0xfee00000, SIZE_MAX, MmNonCached, 0, 0),
	IO("2^64-4096_bytes", IN_TASK, 0xfee00000, -4096UL, MmNonCached, 0, 0),
	IO_PROTECTED("0", EACH_IRQL, 0xfee00000, 4096, 0, 0xc4, 0x16),
	IO_PROTECTED("noaccess", EACH_IRQL, 0xfee00000, 4096, 0x01, 0xc4, 0x16),
	IO_PROTECTED("two_types", IN_TASK, 0xfee00000, 4096, 0x604, 0xc4, 0x16),
	IO_PROTECTED("above_dispatch", ABOVE_DISPATCH | IN_NMI, 0xfee00000, 4096,
		     0x204, 0xc2, 0x08),
	IO_PROTECTED("0_bytes", EACH_IRQL, 0xfee00000, 0, 0x204, 0xc2, 0x00),
	IO_PROTECTED("memory", IN_TASK, 0x100000, 4096, 0x02, 0xc4, 0x16),

	/* Noncached */
	UNCACHED("1_byte", IN_TASK, 1, 0, 0, true),
	UNCACHED("5000_bytes", IN_TASK, 5000, 0, 0, true),
	UNCACHED("0_bytes", IN_TASK, 0, 0xc2, 0x00, false),
	UNCACHED("1_byte", IN_ATOMIC | IN_NMI, 1, 0xc2, 0x08, false),
	UNCACHED("5000_bytes", IN_ATOMIC | IN_NMI, 5000, 0xc2, 0x08, false),
	UNCACHED("2^64-1_bytes", IN_ATOMIC, SIZE_MAX, 0xc2, 0x08, false),
	UNCACHED("2^38_bytes", IN_TASK, 1UL << 38, 0, 0, false),
	UNCACHED("2^44_bytes", IN_TASK, 1UL << 44, 0, 0, false),
	UNCACHED("2^48_bytes", IN_TASK, 1UL << 48, 0, 0, false),
	UNCACHED("2^63_bytes", IN_TASK, 1UL << 63, 0, 0, false),
	UNCACHED("2^64-4096_bytes", IN_TASK, -4096UL, 0, 0, false),
	UNCACHED("2^64-4095_bytes", IN_TASK, -4095UL, 0, 0, false),
	UNCACHED("2^64-4094_bytes", IN_TASK, -4094UL, 0, 0, false),
	UNCACHED("2^64-1_bytes", IN_TASK, -1UL, 0, 0, false),
};

struct allocating {
	const struct allocation *row;
	void *block;
	/* The size of the block, if there is one. */
	size_t bytes;
};

static PHYSICAL_ADDRESS physical(u64 address)
{
	return (PHYSICAL_ADDRESS){ .QuadPart = address };
}

static void do_allocate(void *arg)
{
	struct allocating *a = arg;
	const struct allocation *row = a->row;

	switch (row->routine) {
	case CONTIGUOUS_PLAIN:
		a->block = MmAllocateContiguousMemory(row->bytes,
						      physical(row->highest));
		break;
	case CONTIGUOUS_ALL:
		a->block = MmAllocateContiguousMemorySpecifyCache(row->bytes,
				physical(row->lowest), physical(row->highest),
				physical(row->boundary), row->type);
		break;
	case CONTIGUOUS_NODE:
		a->block = MmAllocateContiguousMemorySpecifyCacheNode(row->bytes,
				physical(row->lowest), physical(row->highest),
				physical(row->boundary), row->type,
				MM_ANY_NODE_OK);
		break;
	case CONTIGUOUS_PROTECTED:
		a->block = MmAllocateContiguousNodeMemory(row->bytes,
				physical(row->lowest), physical(row->highest),
				physical(row->boundary), row->type, 0);
		break;
	case CONTIGUOUS_EXTENDED:
		MmAllocateContiguousMemoryEx(&a->bytes, physical(row->lowest),
				physical(row->highest), physical(row->boundary),
				0, row->type, NULL, TAG_INPUT, 0, &a->block);
		break;
	case NONCACHED_MEMORY:
		a->block = MmAllocateNonCachedMemory(row->bytes);
		break;
	case IO_SPACE:
		a->block = MmMapIoSpace(physical(row->lowest), row->bytes,
					row->type);
		break;
	case IO_SPACE_PROTECTED:
		a->block = MmMapIoSpaceEx(physical(row->lowest), row->bytes,
					  row->type);
		break;
	}
}

static MEMORY_CACHING_TYPE type_of(u32 protect)
{
	return protect & 0x200 ? MmNonCached :
	       protect & 0x400 ? MmWriteCombined : MmCached;
}

static void run_allocation(struct rpt *t, const void *data,
			   enum rpt_context context)
{
	const struct allocation *row = data;
	struct allocating a = { row, .bytes = row->bytes };

	rpt_in_context(context, do_allocate, &a);
	input_judge(t, &row->in, context);
	EXPECT_EQ(t, !!a.block, row->given);
	/* What should not have been mapped is not written to. */
	if (!a.block || row->routine >= IO_SPACE)
		return;
	rpt_fill(a.block, row->bytes, 1);
	EXPECT(t, rpt_filled(a.block, row->bytes, 1));
	if (row->routine == NONCACHED_MEMORY)
		MmFreeNonCachedMemory(a.block, row->bytes);
	else if (row->routine > CONTIGUOUS_NODE)
		MmFreeContiguousMemorySpecifyCache(a.block, a.bytes,
						   type_of(row->type));
	else
		MmFreeContiguousMemorySpecifyCache(a.block, row->bytes,
						   row->type);
}

const struct input_table page_allocations =
	INPUT_TABLE("MmAllocate", allocations, run_allocation);

enum free_routine {
	FREE_CONTIGUOUS,
	FREE_CONTIGUOUS_ALL,
	FREE_NONCACHED,
	FREE_IO,
};

struct release {
	struct input in;
	enum free_routine routine;
	size_t bytes;
	s32 type;
	struct subject subject;
};

#define FREE(_name, _routine, _what, _contexts, _bytes, _type, _code, _p1, \
	     ...) { \
	.in = { _name, _what, _contexts, _code, _p1 }, \
	.routine = _routine, .bytes = _bytes, .type = _type, \
	.subject = { __VA_ARGS__ } }

#define PLAIN(_what, _contexts, _code, _p1, ...) \
	FREE("free_contiguous", FREE_CONTIGUOUS, _what, _contexts, 0, \
	     MmCached, _code, _p1, __VA_ARGS__)
#define BASE(_what, _contexts, ...) \
	PLAIN(_what, _contexts, 0xc2, 0x60, __VA_ARGS__)
#define CHECKED(_what, _contexts, _bytes, _type, _code, _p1, ...) \
	FREE("free_contiguous_checked", FREE_CONTIGUOUS_ALL, _what, _contexts, \
	     _bytes, _type, _code, _p1, __VA_ARGS__)
#define CHECKED_BASE(_what, _contexts, ...) \
	CHECKED(_what, _contexts, 8192, MmCached, 0xc2, 0x60, __VA_ARGS__)
#define MISMATCH(_what, _contexts, _bytes, _type, _memory) \
	CHECKED(_what, _contexts, _bytes, _type, 0xc4, 0x16, _memory, 5000)
#define UNCACHED_FREE(_what, _contexts, _bytes, _code, _p1, ...) \
	FREE("free_noncached", FREE_NONCACHED, _what, _contexts, _bytes, \
	     MmNonCached, _code, _p1, __VA_ARGS__)
#define UNCACHED_BASE(_what, _contexts, ...) \
	UNCACHED_FREE(_what, _contexts, 8192, 0xc4, 0x16, __VA_ARGS__)
#define UNCACHED_SIZE(_what, _contexts, _bytes) \
	UNCACHED_FREE(_what, _contexts, _bytes, 0xc4, 0x16, NONCACHED, 5000)

#define IO_BASE(_what, _contexts, ...) \
	FREE("unmap_io", FREE_IO, _what, _contexts, 4096, 0, 0xc4, 0x16, \
	     __VA_ARGS__)

static const struct release releases[] = {
	/* Registers that are not mapped */
	IO_BASE("NULL", IN_TASK | AT_DISPATCH, ADDRESS),
	IO_BASE("minus_1", IN_TASK, ADDRESS, 0, -1),
	IO_BASE("2^63", IN_TASK | AT_DISPATCH, ADDRESS, 0, S64_MIN),
	IO_BASE("of_the_kernel", IN_TASK | AT_DISPATCH, DEVICE),
	IO_BASE("pages", IN_TASK, PAGES, 4096),
	IO_BASE("vmalloc", IN_TASK, VMALLOC, 4096),
	IO_BASE("pool", IN_TASK | AT_DISPATCH, NONPAGED, 4096),
	IO_BASE("contiguous", IN_TASK | AT_DISPATCH, CONTIGUOUS, 4096),
	IO_BASE("noncached", IN_TASK, NONCACHED, 4096),
	IO_BASE("contiguous_twice", IN_TASK, CONTIGUOUS, 4096, 0, true),

	/* Contiguous: right ones */
	PLAIN("cached", IN_TASK | AT_DISPATCH | BIT(RPT_IRQS_OFF), 0, 0,
	      CONTIGUOUS, 5000),
	PLAIN("cached", BIT(RPT_HARDIRQ) | IN_NMI, 0xc2, 0x09, CONTIGUOUS,
	      5000),
	PLAIN("noncached", IN_TASK | AT_DISPATCH, 0, 0, CONTIGUOUS_UC, 5000),
	PLAIN("noncached", BIT(RPT_HARDIRQ) | IN_NMI, 0xc2, 0x09,
	      CONTIGUOUS_UC, 5000),
	PLAIN("write_combined", IN_TASK | AT_DISPATCH, 0, 0, CONTIGUOUS_WC,
	      5000),
	CHECKED("cached", IN_TASK | AT_DISPATCH, 5000, MmCached, 0, 0,
		CONTIGUOUS, 5000),
	CHECKED("cached", BIT(RPT_HARDIRQ) | IN_NMI, 5000, MmCached, 0xc2,
		0x09, CONTIGUOUS, 5000),
	CHECKED("noncached", IN_TASK, 5000, MmNonCached, 0, 0, CONTIGUOUS_UC,
		5000),

	/* A base that is none */
	BASE("NULL", EACH_IRQL, ADDRESS),
	BASE("1", IN_TASK, ADDRESS, 0, 1),
	BASE("4096", EACH_IRQL, ADDRESS, 0, 4096),
	BASE("last_user_page", IN_TASK, ADDRESS, 0, 0x7fffffffe000),
	BASE("2^47", IN_TASK, ADDRESS, 0, 1L << 47),
	BASE("2^63", EACH_IRQL, ADDRESS, 0, S64_MIN),
	BASE("direct_map_start", IN_TASK, ADDRESS, 0, 0xffff800000000000),
	BASE("vsyscall", IN_TASK, ADDRESS, 0, 0xffffffffff600000),
	BASE("minus_1", EACH_IRQL, ADDRESS, 0, -1),
	BASE("minus_4096", IN_TASK, ADDRESS, 0, -4096),
	BASE("slab", EACH_IRQL, SLAB, 8192),
	BASE("pages", EACH_IRQL, PAGES, 8192),
	BASE("vmalloc", IN_TASK, VMALLOC, 8192),
	BASE("guard_page", IN_TASK, VMALLOC, 8192, 8192),
	BASE("stack", IN_TASK, STACK),
	BASE("data", IN_TASK, DATA),
	BASE("module_text", IN_TASK, TEXT),
	BASE("kernel_text", IN_TASK, KERNEL_TEXT),
	BASE("struct_page", IN_TASK, STRUCT_PAGE),
	BASE("device", IN_TASK, DEVICE),
	BASE("pool_100", EACH_IRQL, NONPAGED, 100),
	BASE("pool_4096", EACH_IRQL, NONPAGED, 4096),
	BASE("pool_20000", IN_TASK, NONPAGED, 20000),
	BASE("pool_1M", IN_TASK, NONPAGED, SZ_1M),
	BASE("pool_paged", IN_TASK, PAGED, 4096),
	BASE("noncached_memory", EACH_IRQL, NONCACHED, 8192),
	BASE("at_1", IN_TASK, CONTIGUOUS, 20000, 1),
	BASE("at_4096", EACH_IRQL, CONTIGUOUS, 20000, 4096),
	BASE("at_16384", IN_TASK, CONTIGUOUS, 20000, 16384),
	BASE("at_minus_4096", IN_TASK, CONTIGUOUS, 20000, -4096),
	BASE("noncached_at_4096", IN_TASK, CONTIGUOUS_UC, 20000, 4096),
	BASE("twice", EACH_IRQL, CONTIGUOUS, 8192, 0, true),
	BASE("twice_noncached", IN_TASK, CONTIGUOUS_UC, 8192, 0, true),
	BASE("twice_write_combined", IN_TASK, CONTIGUOUS_WC, 8192, 0, true),
	CHECKED_BASE("NULL", EACH_IRQL, ADDRESS),
	CHECKED_BASE("minus_4096", IN_TASK, ADDRESS, 0, -4096),
	CHECKED_BASE("pages", IN_TASK, PAGES, 8192),
	CHECKED_BASE("pool_8192", IN_TASK, NONPAGED, 8192),
	CHECKED_BASE("noncached_memory", IN_TASK, NONCACHED, 8192),
	CHECKED_BASE("at_4096", IN_TASK, CONTIGUOUS, 8192, 4096),
	CHECKED_BASE("twice", IN_TASK, CONTIGUOUS, 8192, 0, true),

	/* Size or type of another */
	MISMATCH("0_bytes", EACH_IRQL, 0, MmCached, CONTIGUOUS),
	MISMATCH("4999_bytes", IN_TASK, 4999, MmCached, CONTIGUOUS),
	MISMATCH("5001_bytes", EACH_IRQL, 5001, MmCached, CONTIGUOUS),
	MISMATCH("8192_bytes", IN_TASK, 8192, MmCached, CONTIGUOUS),
	MISMATCH("2^64-1_bytes", IN_TASK, SIZE_MAX, MmCached, CONTIGUOUS),
	MISMATCH("as_noncached", EACH_IRQL, 5000, MmNonCached, CONTIGUOUS),
	MISMATCH("as_write_combined", IN_TASK, 5000, MmWriteCombined,
		 CONTIGUOUS),
	MISMATCH("as_type_minus_1", IN_TASK, 5000, -1, CONTIGUOUS),
	MISMATCH("as_type_3", IN_TASK, 5000, 3, CONTIGUOUS),
	MISMATCH("as_type_257", IN_TASK, 5000, 257, CONTIGUOUS),
	MISMATCH("noncached_as_cached", IN_TASK, 5000, MmCached, CONTIGUOUS_UC),
	MISMATCH("noncached_as_write_combined", IN_TASK, 5000, MmWriteCombined,
		 CONTIGUOUS_UC),
	MISMATCH("write_combined_as_cached", IN_TASK, 5000, MmCached,
		 CONTIGUOUS_WC),

	/* Noncached */
	UNCACHED_FREE("right", IN_TASK, 5000, 0, 0, NONCACHED, 5000),
	UNCACHED_FREE("right", IN_ATOMIC | IN_NMI, 5000, 0xc2, 0x09, NONCACHED,
		      5000),
	UNCACHED_SIZE("0_bytes", EACH_IRQL, 0),
	UNCACHED_SIZE("4999_bytes", IN_TASK, 4999),
	UNCACHED_SIZE("5001_bytes", EACH_IRQL, 5001),
	UNCACHED_SIZE("8192_bytes", IN_TASK, 8192),
	UNCACHED_SIZE("2^32+5000_bytes", IN_TASK, (1UL << 32) + 5000),
	UNCACHED_SIZE("2^64-1_bytes", IN_TASK, SIZE_MAX),
	UNCACHED_BASE("NULL", EACH_IRQL, ADDRESS),
	UNCACHED_BASE("4096", IN_TASK, ADDRESS, 0, 4096),
	UNCACHED_BASE("2^63", IN_TASK, ADDRESS, 0, S64_MIN),
	UNCACHED_BASE("vsyscall", IN_TASK, ADDRESS, 0, 0xffffffffff600000),
	UNCACHED_BASE("minus_1", EACH_IRQL, ADDRESS, 0, -1),
	UNCACHED_BASE("minus_4096", IN_TASK, ADDRESS, 0, -4096),
	UNCACHED_BASE("slab", IN_TASK, SLAB, 8192),
	UNCACHED_BASE("pages", EACH_IRQL, PAGES, 8192),
	UNCACHED_BASE("vmalloc", EACH_IRQL, VMALLOC, 8192),
	UNCACHED_BASE("guard_page", IN_TASK, VMALLOC, 8192, 8192),
	UNCACHED_BASE("stack", IN_TASK, STACK),
	UNCACHED_BASE("module_text", IN_TASK, TEXT),
	UNCACHED_BASE("device", IN_TASK, DEVICE),
	UNCACHED_BASE("pool_100", IN_TASK, NONPAGED, 100),
	UNCACHED_BASE("pool_8192", EACH_IRQL, NONPAGED, 8192),
	UNCACHED_BASE("pool_paged_8192", IN_TASK, PAGED, 8192),
	UNCACHED_BASE("pool_1M", IN_TASK, NONPAGED, SZ_1M),
	UNCACHED_BASE("contiguous", EACH_IRQL, CONTIGUOUS, 8192),
	UNCACHED_BASE("contiguous_noncached", IN_TASK, CONTIGUOUS_UC, 8192),
	UNCACHED_BASE("at_1", IN_TASK, NONCACHED, 8192, 1),
	UNCACHED_BASE("at_4096", EACH_IRQL, NONCACHED, 8192, 4096),
	UNCACHED_BASE("at_8192", IN_TASK, NONCACHED, 8192, 8192),
	UNCACHED_BASE("twice", EACH_IRQL, NONCACHED, 8192, 0, true),
};

struct releasing {
	const struct release *row;
	void *address;
};

static void do_free(void *arg)
{
	struct releasing *r = arg;

	switch (r->row->routine) {
	case FREE_CONTIGUOUS:
		MmFreeContiguousMemory(r->address);
		break;
	case FREE_CONTIGUOUS_ALL:
		MmFreeContiguousMemorySpecifyCache(r->address, r->row->bytes,
						   r->row->type);
		break;
	case FREE_NONCACHED:
		MmFreeNonCachedMemory(r->address, r->row->bytes);
		break;
	case FREE_IO:
		MmUnmapIoSpace(r->address, r->row->bytes);
		break;
	}
}

static void run_release(struct rpt *t, const void *data,
			enum rpt_context context)
{
	const struct release *row = data;
	struct thing thing;
	struct releasing r = { row };

	if (!thing_make(t, &thing, &row->subject))
		return;
	r.address = thing_address(&thing);
	rpt_in_context(context, do_free, &r);
	if (input_judge(t, &row->in, context))
		thing_drop(t, &thing, input_frees(&row->in, context));
}

const struct input_table page_frees =
	INPUT_TABLE("MmFree", releases, run_release);

struct lookup {
	struct input in;
	struct subject subject;
	bool mapped;
};

#define MAPPED(_what, ...) { \
	.in = { "physical", _what, EACH_IRQL | IN_NMI }, \
	.subject = { __VA_ARGS__ }, .mapped = true }
#define UNMAPPED(_what, ...) { \
	.in = { "physical", _what, EACH_IRQL | IN_NMI }, \
	.subject = { __VA_ARGS__ } }

static const struct lookup lookups[] = {
	MAPPED("pool_100", NONPAGED, 100),
	MAPPED("pool_100_at_7", NONPAGED, 100, 7),
	MAPPED("pool_1M_at_5000", NONPAGED, SZ_1M, 5000),
	MAPPED("contiguous_at_5000", CONTIGUOUS_UC, 8192, 5000),
	MAPPED("noncached_at_5000", NONCACHED, 8192, 5000),
	MAPPED("slab", SLAB, 100),
	MAPPED("vmalloc_at_5000", VMALLOC, 8192, 5000),
	MAPPED("stack", STACK),
	MAPPED("data", DATA),
	MAPPED("module_text", TEXT),
	MAPPED("kernel_text", KERNEL_TEXT),
	UNMAPPED("guard_page", VMALLOC, 8192, 8192),
	UNMAPPED("NULL", ADDRESS),
	UNMAPPED("1", ADDRESS, 0, 1),
	UNMAPPED("0x400000", ADDRESS, 0, 0x400000),
	UNMAPPED("last_user_byte", ADDRESS, 0, 0x7fffffffffff),
	UNMAPPED("2^47", ADDRESS, 0, 1L << 47),
	UNMAPPED("2^63-1", ADDRESS, 0, S64_MAX),
	UNMAPPED("2^63", ADDRESS, 0, S64_MIN),
	/* With page tables of four levels or five; KASAN may map the former. */
	UNMAPPED("not_canonical", ADDRESS, 0, 0xfefffffffffff000),
	UNMAPPED("five_level_first", ADDRESS, 0, 0xff00000000000000),
	UNMAPPED("minus_1", ADDRESS, 0, -1),
	UNMAPPED("minus_4096", ADDRESS, 0, -4096),
	UNMAPPED("noncached_freed", NONCACHED, 8192, 0, true),
};

struct looking {
	void *address;
	u64 found;
};

static void do_lookup(void *arg)
{
	struct looking *l = arg;

	l->found = MmGetPhysicalAddress(l->address).QuadPart;
}

static void run_lookup(struct rpt *t, const void *data,
		       enum rpt_context context)
{
	const struct lookup *row = data;
	struct looking l = { .found = 1 };
	struct thing thing;

	if (!thing_make(t, &thing, &row->subject))
		return;
	l.address = thing_address(&thing);
	rpt_in_context(context, do_lookup, &l);
	input_judge(t, &row->in, context);
	EXPECT_EQ(t, l.found, row->mapped ? rpt_phys(l.address) : 0);
	thing_drop(t, &thing, false);
}

const struct input_table physical_addresses =
	INPUT_TABLE("MmGetPhysicalAddress", lookups, run_lookup);
