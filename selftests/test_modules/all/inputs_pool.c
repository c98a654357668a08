// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input to the routines of tagged pool, and good input beside it: a test
 * that refuses everything must not pass.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "inputs.h"

enum answer { NOTHING, BLOCK };

struct allocation {
	struct input in;
	u32 type;
	size_t bytes;
	u32 tag;
	enum answer answer;
};

#define ALLOCATE(_what, _contexts, _type, _bytes, _tag, _code, _p1, _answer) { \
	.in = { "allocate", _what, _contexts, _code, _p1 }, \
	.type = _type, .bytes = _bytes, .tag = _tag, .answer = _answer }

#define GIVEN(_what, _contexts, _type, _bytes, _tag) \
	ALLOCATE(_what, _contexts, _type, _bytes, _tag, 0, 0, BLOCK)
/* Cannot be met, which is no violation. */
#define UNMET(_what, _contexts, _type, _bytes) \
	ALLOCATE(_what, _contexts, _type, _bytes, TAG_INPUT, 0, 0, NOTHING)
#define REFUSED(_what, _contexts, _type, _bytes, _tag, _code, _p1) \
	ALLOCATE(_what, _contexts, _type, _bytes, _tag, _code, _p1, NOTHING)
#define BAD_TYPE(_what, _contexts, _type) \
	REFUSED(_what, _contexts, _type, 100, TAG_INPUT, 0xc4, 0x16)
#define BAD_TAG(_what, _contexts, _tag, _p1) \
	REFUSED(_what, _contexts, NonPagedPool, 100, _tag, 0xc2, _p1)
#define TOO_HIGH(_what, _contexts, _type, _bytes) \
	REFUSED(_what, _contexts, _type, _bytes, TAG_INPUT, 0xc2, 0x08)

static const struct allocation allocations[] = {
	/* Types */
	GIVEN("type_0", ANYWHERE, 0, 100, TAG_INPUT),
	GIVEN("type_1", IN_TASK, 1, 100, TAG_INPUT),
	GIVEN("type_0_with_quota", IN_TASK, 0 | 8, 100, TAG_INPUT),
	GIVEN("type_1_with_quota", IN_TASK, 1 | 8, 100, TAG_INPUT),
	GIVEN("type_0_raising", IN_TASK, 0 | 16, 100, TAG_INPUT),
	GIVEN("type_1_raising", IN_TASK, 1 | 16, 100, TAG_INPUT),
	GIVEN("type_0_cold", IN_TASK, 0 | 256, 100, TAG_INPUT),
	GIVEN("type_1_cold", IN_TASK, 1 | 256, 100, TAG_INPUT),
	GIVEN("type_512", EACH_IRQL, 512, 100, TAG_INPUT),
	GIVEN("type_513", IN_TASK, 513, 100, TAG_INPUT),
	GIVEN("type_0_with_all_modifiers", IN_TASK, 8 | 16 | 256 | 512 | 1024,
	      100, TAG_INPUT),
	GIVEN("type_1_with_all_modifiers", IN_TASK,
	      1 | 8 | 16 | 256 | 512 | 1024, 100, TAG_INPUT),
	REFUSED("type_2", EACH_IRQL, 2, 100, TAG_INPUT, 0xc2, 0x9a),
	REFUSED("type_2_nx", IN_TASK, 2 | 512, 100, TAG_INPUT, 0xc2, 0x9a),
	REFUSED("type_2_zeroed", IN_TASK, 2 | 1024, 100, TAG_INPUT, 0xc2,
		0x9a),
	BAD_TYPE("type_3", EACH_IRQL, 3),
	GIVEN("type_4", ANYWHERE, 4, 100, TAG_INPUT),
	GIVEN("type_4_4064_bytes", EACH_IRQL, 4, 4064, TAG_INPUT),
	GIVEN("type_5", IN_TASK, 5, 100, TAG_INPUT),
	GIVEN("type_5_with_all_modifiers", IN_TASK,
	      5 | 8 | 16 | 256 | 512 | 1024, 100, TAG_INPUT),
	BAD_TYPE("type_6", IN_TASK, 6),
	BAD_TYPE("type_7", IN_TASK, 7),
	BAD_TYPE("type_32", IN_TASK, 32),
	BAD_TYPE("type_33", IN_TASK, 33),
	BAD_TYPE("type_64", IN_TASK, 64),
	BAD_TYPE("type_128", IN_TASK, 128),
	GIVEN("type_516", EACH_IRQL, 516, 100, TAG_INPUT),
	BAD_TYPE("type_544", IN_TASK, 544),
	BAD_TYPE("type_545", IN_TASK, 545),
	BAD_TYPE("type_2048", IN_TASK, 2048),
	BAD_TYPE("type_2^31", IN_TASK, 0x80000000),
	BAD_TYPE("type_2^31+1", IN_TASK, 0x80000001),
	BAD_TYPE("type_minus_1", EACH_IRQL, 0xffffffff),

	/* Sizes */
	REFUSED("0_bytes", ANYWHERE, 0, 0, TAG_INPUT, 0xc2, 0x00),
	REFUSED("0_bytes_of_paged", IN_TASK, 1, 0, TAG_INPUT, 0xc2, 0x00),
	REFUSED("0_bytes_zeroed", IN_TASK, 1024, 0, TAG_INPUT, 0xc2, 0x00),
	GIVEN("1_byte", ANYWHERE, 0, 1, TAG_INPUT),
	GIVEN("15_bytes", IN_TASK, 0, 15, TAG_INPUT),
	GIVEN("16_bytes", IN_TASK, 0, 16, TAG_INPUT),
	GIVEN("17_bytes", IN_TASK, 0, 17, TAG_INPUT),
	GIVEN("4063_bytes", IN_TASK, 0, 4063, TAG_INPUT),
	GIVEN("4064_bytes", ANYWHERE, 0, 4064, TAG_INPUT),
	GIVEN("4065_bytes", EACH_IRQL, 0, 4065, TAG_INPUT),
	GIVEN("4095_bytes", IN_TASK, 0, 4095, TAG_INPUT),
	GIVEN("4096_bytes", ANYWHERE, 0, 4096, TAG_INPUT),
	GIVEN("4097_bytes", EACH_IRQL, 0, 4097, TAG_INPUT),
	GIVEN("5120_bytes", IN_TASK, 0, 5120, TAG_INPUT),
	GIVEN("20000_bytes_of_paged", IN_TASK, 1, 20000, TAG_INPUT),
	GIVEN("64K", IN_TASK, 0, SZ_64K, TAG_INPUT),
	GIVEN("64K+1", IN_TASK, 0, SZ_64K + 1, TAG_INPUT),
	GIVEN("8M_of_paged", IN_TASK, 1, SZ_8M, TAG_INPUT),
	UNMET("4M+1", BIT(RPT_BH_OFF) | BIT(RPT_SOFTIRQ) | ABOVE_DISPATCH, 0,
	      SZ_4M + 1),
	UNMET("64M", BIT(RPT_BH_OFF) | BIT(RPT_SOFTIRQ) | ABOVE_DISPATCH, 0,
	      SZ_64M),
	UNMET("2^40", EACH_IRQL, 0, 1UL << 40),
	UNMET("2^46", IN_TASK, 0, 1UL << 46),
	UNMET("2^47", IN_TASK, 0, 1UL << 47),
	UNMET("2^52", IN_TASK, 1, 1UL << 52),
	UNMET("2^63-4096", IN_TASK, 0, (1UL << 63) - 4096),
	UNMET("2^63-4095", IN_TASK, 0, (1UL << 63) - 4095),
	UNMET("2^63-1", IN_TASK, 0, (1UL << 63) - 1),
	UNMET("2^63", EACH_IRQL, 0, 1UL << 63),
	UNMET("2^63+1", IN_TASK, 0, (1UL << 63) + 1),
	UNMET("2^64-8192", IN_TASK, 0, -8192UL),
	UNMET("2^64-4097", IN_TASK, 0, -4097UL),
	UNMET("2^64-4096", IN_TASK, 0, -4096UL),
	UNMET("2^64-4095", IN_TASK, 0, -4095UL),
	UNMET("2^64-4080", IN_TASK, 0, -4080UL),
	UNMET("2^64-33", IN_TASK, 0, -33UL),
	UNMET("2^64-32", IN_TASK, 0, -32UL),
	UNMET("2^64-17", IN_TASK, 0, -17UL),
	UNMET("2^64-16", EACH_IRQL, 0, -16UL),
	UNMET("2^64-15", IN_TASK, 0, -15UL),
	UNMET("2^64-2", IN_TASK, 0, -2UL),
	UNMET("2^64-1", EACH_IRQL, 0, -1UL),
	UNMET("2^64-1_of_paged", IN_TASK, 1, -1UL),
	UNMET("2^64-1_zeroed", IN_TASK, 1024, -1UL),

	/* Tags */
	GIVEN("tag_of_one_letter", IN_TASK, 0, 100, 'A'),
	GIVEN("tag_of_one_digit", IN_TASK, 0, 100, '1'),
	GIVEN("tag_with_blanks", IN_TASK, 0, 100, '   a'),
	GIVEN("tag_with_control_characters", IN_TASK, 0, 100, 0x01026107),
	GIVEN("tag_big_in_lower_case", IN_TASK, 0, 100, ' gib'),
	GIVEN("tag_protected", IN_TASK, 0, 100, TAG_INPUT | PROTECTED_POOL),
	BAD_TAG("tag_0", EACH_IRQL, 0, 0x9b),
	BAD_TAG("tag_protected_0", IN_TASK, PROTECTED_POOL, 0x9b),
	BAD_TAG("tag_BIG", EACH_IRQL, ' GIB', 0x9c),
	BAD_TAG("tag_protected_BIG", IN_TASK, ' GIB' | PROTECTED_POOL, 0x9c),
	BAD_TAG("tag_of_dots", EACH_IRQL, '....', 0x9d),
	BAD_TAG("tag_of_blanks", IN_TASK, '    ', 0x9d),
	BAD_TAG("tag_of_one_dot", IN_TASK, '.', 0x9d),
	BAD_TAG("tag_1", IN_TASK, 1, 0x9d),
	BAD_TAG("tag_of_marks", IN_TASK, '_@[`', 0x9d),
	BAD_TAG("tag_of_more_marks", IN_TASK, '/:{~', 0x9d),
	BAD_TAG("tag_2^31-1", IN_TASK, 0x7fffffff, 0x9d),
	BAD_TAG("tag_2^32-1", IN_TASK, 0xffffffff, 0x9d),

	/* Contexts */
	TOO_HIGH("paged_1_byte", IN_ATOMIC, 1, 1),
	TOO_HIGH("paged_100_bytes", IN_ATOMIC | IN_NMI, 1, 100),
	TOO_HIGH("paged_4096_bytes", IN_ATOMIC | IN_NMI, 1, 4096),
	TOO_HIGH("paged_1M", IN_ATOMIC | IN_NMI, 1, SZ_1M),
	TOO_HIGH("paged_zeroed", IN_ATOMIC, 1 | 1024, 100),
	TOO_HIGH("paged_2^64-1_bytes", IN_ATOMIC, 1, -1UL),
	TOO_HIGH("nonpaged_1_byte", IN_NMI, 0, 1),
	TOO_HIGH("nonpaged_4096_bytes", IN_NMI, 0, 4096),
	TOO_HIGH("nonpaged_1M", IN_NMI, 512, SZ_1M),
};

struct allocating {
	const struct allocation *row;
	void *block;
};

static void do_allocate(void *arg)
{
	struct allocating *a = arg;

	a->block = ExAllocatePoolWithTag((POOL_TYPE)a->row->type,
					 a->row->bytes, a->row->tag);
}

static void run_allocation(struct rpt *t, const void *data,
			   enum rpt_context context)
{
	const struct allocation *row = data;
	struct allocating a = { row };

	rpt_in_context(context, do_allocate, &a);
	input_judge(t, &row->in, context);
	EXPECT_EQ(t, !!a.block, row->answer == BLOCK);
	if (!a.block)
		return;
	rpt_fill(a.block, row->bytes, 1);
	EXPECT(t, rpt_filled(a.block, row->bytes, 1));
	ExFreePoolWithTag(a.block, row->tag);
}

const struct input_table pool_allocations =
	INPUT_TABLE("ExAllocatePoolWithTag", allocations, run_allocation);

struct release {
	struct input in;
	struct subject subject;
	/* 0: ExFreePool(). */
	u32 tag;
};

#define FREE(_routine, _what, _contexts, _tag, _code, _p1, _or_p1, ...) { \
	.in = { _routine, _what, _contexts, _code, _p1, _or_p1 }, \
	.subject = { __VA_ARGS__ }, .tag = _tag }

#define RIGHT(_what, _contexts, ...) \
	FREE("free_with_tag", _what, _contexts, TAG_INPUT, 0, 0, 0, __VA_ARGS__)
#define USER(_what, _contexts, _address) \
	FREE("free", _what, _contexts, 0, 0xc2, 0x40, 0, ADDRESS, 0, _address)
#define NOBODYS(_what, _contexts, _address) \
	FREE("free", _what, _contexts, 0, 0xc2, 0x46, 0, ADDRESS, 0, _address)
#define NOBODYS_TAG(_what, _contexts, _address) \
	FREE("free_with_tag", _what, _contexts, TAG_INPUT, 0xc2, 0x46, 0, \
	     ADDRESS, 0, _address)
/* A page that was a block lately may be taken for that one freed again. */
#define FOREIGN(_what, _contexts, ...) \
	FREE("free", _what, _contexts, 0, 0xc2, 0x46, 0x07, __VA_ARGS__)
#define FOREIGN_TAG(_what, _contexts, ...) \
	FREE("free_with_tag", _what, _contexts, TAG_INPUT, 0xc2, 0x46, 0x07, \
	     __VA_ARGS__)
#define INSIDE(_what, _contexts, ...) \
	FREE("free", _what, _contexts, 0, 0xc2, 0x99, 0, __VA_ARGS__)
#define INSIDE_TAG(_what, _contexts, ...) \
	FREE("free_with_tag", _what, _contexts, TAG_INPUT, 0xc2, 0x99, 0, \
	     __VA_ARGS__)
#define OTHER_TAG(_what, _contexts, _tag, ...) \
	FREE("free_with_tag", _what, _contexts, _tag, 0xc2, 0x0a, 0, \
	     __VA_ARGS__)
/* Found as long as the memory is not used again. */
#define TWICE(_what, _contexts, _memory, _bytes) \
	FREE("free", _what, _contexts, 0, 0xc2, 0x07, 0x46, _memory, _bytes, \
	     0, true)
#define TWICE_TAG(_what, _contexts, _memory, _bytes) \
	FREE("free_with_tag", _what, _contexts, TAG_INPUT, 0xc2, 0x07, 0x46, \
	     _memory, _bytes, 0, true)
#define HERE(_what, _contexts, ...) \
	FREE("free_with_tag", _what, _contexts, TAG_INPUT, 0xc2, 0x09, 0, \
	     __VA_ARGS__)

static const struct release releases[] = {
	/* Right ones */
	RIGHT("nonpaged_1", ANYWHERE, NONPAGED, 1),
	RIGHT("nonpaged_4064", ANYWHERE, NONPAGED, 4064),
	RIGHT("nonpaged_4065", EACH_IRQL, NONPAGED, 4065),
	RIGHT("nonpaged_4096", ANYWHERE, NONPAGED, 4096),
	RIGHT("nonpaged_20000", EACH_IRQL, NONPAGED, 20000),
	RIGHT("nonpaged_1M", ANYWHERE, NONPAGED, SZ_1M),
	RIGHT("nonpaged_8M", EACH_IRQL, NONPAGED, SZ_8M),
	RIGHT("paged_100", IN_TASK, PAGED, 100),
	RIGHT("paged_4096", IN_TASK, PAGED, 4096),
	RIGHT("paged_1M", IN_TASK, PAGED, SZ_1M),
	FREE("free", "nonpaged_100", ANYWHERE, 0, 0, 0, 0, NONPAGED, 100),
	FREE("free", "nonpaged_4096", IN_TASK, 0, 0, 0, 0, NONPAGED, 4096),
	FREE("free_with_tag", "protected_100", IN_TASK,
	     TAG_INPUT | PROTECTED_POOL, 0, 0, 0, NONPAGED, 100),
	FREE("free_with_tag", "protected_4096", IN_TASK,
	     TAG_INPUT | PROTECTED_POOL, 0, 0, 0, NONPAGED, 4096),

	/* Not the kernel's */
	USER("1", IN_TASK, 1),
	USER("8", IN_TASK, 8),
	USER("15", IN_TASK, 15),
	USER("16", EACH_IRQL, 16),
	USER("17", IN_TASK, 17),
	USER("4095", IN_TASK, 4095),
	USER("4096", EACH_IRQL, 4096),
	USER("0x400000", IN_TASK, 0x400000),
	USER("0x400010", IN_TASK, 0x400010),
	USER("2^32-1", IN_TASK, 0xffffffff),
	USER("2^32", IN_TASK, 0x100000000),
	USER("last_user_page", IN_TASK, 0x7fffffffe000),
	USER("last_user_bytes", IN_TASK, 0x7ffffffffff0),
	USER("2^47", EACH_IRQL, 0x800000000000),
	USER("2^47+16", IN_TASK, 0x800000000010),
	USER("2^56", IN_TASK, 1L << 56),
	USER("2^62", IN_TASK, 1L << 62),
	USER("2^63-1", IN_TASK, S64_MAX),
	USER("2^63-16", IN_TASK, S64_MAX - 15),
	USER("2^63-4096", IN_TASK, S64_MAX - 4095),

	/* Nobody's */
	NOBODYS("NULL", EACH_IRQL, 0),
	NOBODYS_TAG("NULL", EACH_IRQL, 0),
	NOBODYS("2^63", EACH_IRQL, S64_MIN),
	NOBODYS("2^63+16", IN_TASK, S64_MIN + 16),
	NOBODYS("2^63+4095", IN_TASK, S64_MIN + 4095),
	NOBODYS("not_canonical", IN_TASK, 0xffff7ffffffff000),
	NOBODYS("not_canonical_odd", IN_TASK, 0xffff7fffffffffff),
	NOBODYS("five_level_first", IN_TASK, 0xff00000000000000),
	NOBODYS("four_level_first", IN_TASK, 0xffff800000000000),
	NOBODYS("cpu_entry_area", IN_TASK, 0xfffffe0000000000),
	NOBODYS("image_hole", IN_TASK, 0xffffffff80000000),
	NOBODYS("vsyscall", IN_TASK, 0xffffffffff600000),
	NOBODYS("minus_1", EACH_IRQL, -1),
	NOBODYS("minus_8", IN_TASK, -8),
	NOBODYS("minus_16", IN_TASK, -16),
	NOBODYS("minus_ENOMEM", IN_TASK, -ENOMEM),
	NOBODYS("minus_4095", IN_TASK, -4095),
	NOBODYS("minus_4096", EACH_IRQL, -4096),
	NOBODYS_TAG("minus_4096", IN_TASK, -4096),

	/* Somebody else's */
	FOREIGN("slab_256", EACH_IRQL, SLAB, 256),
	FOREIGN_TAG("slab_256", IN_TASK, SLAB, 256),
	FOREIGN("slab_256_at_64", IN_TASK, SLAB, 256, 64),
	FOREIGN("slab_256_at_17", IN_TASK, SLAB, 256, 17),
	FOREIGN("slab_4096", IN_TASK, SLAB, 4096),
	FOREIGN("slab_64K", IN_TASK, SLAB, SZ_64K),
	FOREIGN("pages", EACH_IRQL, PAGES, 16384),
	FOREIGN_TAG("pages", IN_TASK, PAGES, 16384),
	FOREIGN("pages_at_16", IN_TASK, PAGES, 16384, 16),
	FOREIGN("pages_at_4096", IN_TASK, PAGES, 16384, 4096),
	FOREIGN("pages_at_8208", IN_TASK, PAGES, 16384, 8208),
	FOREIGN("vmalloc", EACH_IRQL, VMALLOC, 16384),
	FOREIGN_TAG("vmalloc", IN_TASK, VMALLOC, 16384),
	FOREIGN("vmalloc_at_16", IN_TASK, VMALLOC, 16384, 16),
	FOREIGN("vmalloc_at_4096", IN_TASK, VMALLOC, 16384, 4096),
	FOREIGN("guard_page", EACH_IRQL, VMALLOC, 16384, 16384),
	FOREIGN("guard_page_at_16", EACH_IRQL, VMALLOC, 16384, 16400),
	FOREIGN("data", EACH_IRQL, DATA),
	FOREIGN("data_at_8", IN_TASK, DATA, 0, 8),
	FOREIGN("rodata", IN_TASK, RODATA),
	FOREIGN("rodata_at_32", IN_TASK, RODATA, 0, 32),
	FOREIGN("module_text", EACH_IRQL, TEXT),
	FOREIGN("module_text_at_16", IN_TASK, TEXT, 0, 16),
	FOREIGN("kernel_text", EACH_IRQL, KERNEL_TEXT),
	FOREIGN("kernel_text_at_16", IN_TASK, KERNEL_TEXT, 0, 16),
	FOREIGN("stack", EACH_IRQL, STACK),
	FOREIGN("stack_at_64", IN_TASK, STACK, 0, 64),
	FOREIGN("task_struct", IN_TASK, TASK_STRUCT),
	FOREIGN("task_struct_at_32", IN_TASK, TASK_STRUCT, 0, 32),
	FOREIGN("module_struct", IN_TASK, MODULE_STRUCT),
	FOREIGN("struct_page", EACH_IRQL, STRUCT_PAGE),
	FOREIGN("struct_page_at_32", IN_TASK, STRUCT_PAGE, 0, 32),
	FOREIGN("percpu", EACH_IRQL, PERCPU),
	/* An offset, not an address: KASLR decides in which half it lies. */
	FREE("free", "percpu_offset", IN_TASK, 0, 0xc2, 0x46, 0x40,
	     PERCPU_OFFSET),
	FOREIGN("device", EACH_IRQL, DEVICE),
	FOREIGN("device_at_32", EACH_IRQL, DEVICE, 0, 32),
	FOREIGN_TAG("device_at_32", IN_TASK, DEVICE, 0, 32),

	/* Of another family */
	FOREIGN("contiguous", EACH_IRQL, CONTIGUOUS, 8192),
	FOREIGN_TAG("contiguous", IN_TASK, CONTIGUOUS, 8192),
	FOREIGN("contiguous_at_16", IN_TASK, CONTIGUOUS, 8192, 16),
	FOREIGN("contiguous_at_4096", IN_TASK, CONTIGUOUS, 8192, 4096),
	FOREIGN("contiguous_noncached", IN_TASK, CONTIGUOUS_UC, 8192),
	FOREIGN("contiguous_noncached_at_16", IN_TASK, CONTIGUOUS_UC, 8192, 16),
	FOREIGN("contiguous_write_combined", IN_TASK, CONTIGUOUS_WC, 8192),
	FOREIGN("noncached", EACH_IRQL, NONCACHED, 8192),
	FOREIGN_TAG("noncached", IN_TASK, NONCACHED, 8192),
	FOREIGN("noncached_at_16", IN_TASK, NONCACHED, 8192, 16),
	FOREIGN("noncached_at_4096", IN_TASK, NONCACHED, 8192, 4096),

	/* Inside */
	INSIDE("1000_at_16", ANYWHERE, NONPAGED, 1000, 16),
	INSIDE_TAG("1000_at_16", ANYWHERE, NONPAGED, 1000, 16),
	INSIDE("1000_at_1", IN_TASK, NONPAGED, 1000, 1),
	INSIDE("1000_at_8", IN_TASK, NONPAGED, 1000, 8),
	INSIDE("1000_at_15", IN_TASK, NONPAGED, 1000, 15),
	INSIDE("1000_at_32", IN_TASK, NONPAGED, 1000, 32),
	INSIDE("1000_at_512", IN_TASK, NONPAGED, 1000, 512),
	INSIDE("1000_at_999", IN_TASK, NONPAGED, 1000, 999),
	INSIDE("16_at_8", IN_TASK, NONPAGED, 16, 8),
	INSIDE("32_at_16", IN_TASK, NONPAGED, 32, 16),
	INSIDE("4064_at_16", IN_TASK, NONPAGED, 4064, 16),
	INSIDE("4064_at_2048", EACH_IRQL, NONPAGED, 4064, 2048),
	INSIDE("4064_at_4063", IN_TASK, NONPAGED, 4064, 4063),
	INSIDE("paged_1000_at_16", IN_TASK, PAGED, 1000, 16),
	INSIDE_TAG("paged_1000_at_500", IN_TASK, PAGED, 1000, 500),
	INSIDE("4065_at_1", IN_TASK, NONPAGED, 4065, 1),
	INSIDE("4065_at_4064", IN_TASK, NONPAGED, 4065, 4064),
	INSIDE("4096_at_1", IN_TASK, NONPAGED, 4096, 1),
	INSIDE("4096_at_16", ANYWHERE, NONPAGED, 4096, 16),
	INSIDE_TAG("4096_at_2048", IN_TASK, NONPAGED, 4096, 2048),
	INSIDE("4096_at_4095", IN_TASK, NONPAGED, 4096, 4095),
	INSIDE("paged_4096_at_16", IN_TASK, PAGED, 4096, 16),
	INSIDE("8192_at_4096", ANYWHERE, NONPAGED, 8192, 4096),
	INSIDE("8192_at_8176", IN_TASK, NONPAGED, 8192, 8176),
	INSIDE("20000_at_4096", EACH_IRQL, NONPAGED, 20000, 4096),
	INSIDE_TAG("20000_at_16384", IN_TASK, NONPAGED, 20000, 16384),
	INSIDE("20000_at_16400", IN_TASK, NONPAGED, 20000, 16400),
	INSIDE("paged_20000_at_4096", IN_TASK, PAGED, 20000, 4096),
	INSIDE("32K_at_16K", IN_TASK, NONPAGED, SZ_32K, SZ_16K),
	INSIDE("64K_at_4096", IN_TASK, NONPAGED, SZ_64K, 4096),
	INSIDE("64K_at_60K", IN_TASK, NONPAGED, SZ_64K, 61440),
	INSIDE("1M_at_16", IN_TASK, NONPAGED, SZ_1M, 16),
	INSIDE("1M_at_512K", EACH_IRQL, NONPAGED, SZ_1M, SZ_512K),
	INSIDE("8M_at_4M", IN_TASK, NONPAGED, SZ_8M, SZ_4M),
	INSIDE("8M_at_8M-1", IN_TASK, NONPAGED, SZ_8M, SZ_8M - 1),

	/* By another tag */
	OTHER_TAG("tag_of_1", IN_TASK, TAG_OTHER, NONPAGED, 1),
	OTHER_TAG("tag_of_100", ANYWHERE, TAG_OTHER, NONPAGED, 100),
	OTHER_TAG("tag_of_4064", IN_TASK, TAG_OTHER, NONPAGED, 4064),
	OTHER_TAG("tag_of_4065", IN_TASK, TAG_OTHER, NONPAGED, 4065),
	OTHER_TAG("tag_of_4096", ANYWHERE, TAG_OTHER, NONPAGED, 4096),
	OTHER_TAG("tag_of_8192", IN_TASK, TAG_OTHER, NONPAGED, 8192),
	OTHER_TAG("tag_of_20000", EACH_IRQL, TAG_OTHER, NONPAGED, 20000),
	OTHER_TAG("tag_of_64K", IN_TASK, TAG_OTHER, NONPAGED, SZ_64K),
	OTHER_TAG("tag_of_1M", ANYWHERE, TAG_OTHER, NONPAGED, SZ_1M),
	OTHER_TAG("tag_of_8M", IN_TASK, TAG_OTHER, NONPAGED, SZ_8M),
	OTHER_TAG("tag_of_paged_100", IN_TASK, TAG_OTHER, PAGED, 100),
	OTHER_TAG("tag_of_paged_4096", IN_TASK, TAG_OTHER, PAGED, 4096),
	OTHER_TAG("tag_of_paged_1M", IN_TASK, TAG_OTHER, PAGED, SZ_1M),
	OTHER_TAG("tag_in_another_case", IN_TASK, 'HTST', NONPAGED, 100),
	OTHER_TAG("tag_in_another_order", IN_TASK, 'TstH', NONPAGED, 100),
	OTHER_TAG("tag_with_another_first", IN_TASK, 'GtsT', NONPAGED, 100),
	OTHER_TAG("tag_with_another_last", IN_TASK, 'HtsS', NONPAGED, 4096),
	OTHER_TAG("tag_cut_short", IN_TASK, 'stH', NONPAGED, 100),
	OTHER_TAG("tag_of_dots", IN_TASK, '....', NONPAGED, 100),
	OTHER_TAG("tag_BIG", IN_TASK, ' GIB', NONPAGED, 4096),
	OTHER_TAG("tag_minus_1", IN_TASK, 0xffffffff, NONPAGED, 100),
	OTHER_TAG("tag_protected_other", IN_TASK, TAG_OTHER | PROTECTED_POOL,
		  NONPAGED, 100),

	/* Twice */
	TWICE("twice_1", IN_TASK, NONPAGED, 1),
	TWICE("twice_100", ANYWHERE, NONPAGED, 100),
	TWICE_TAG("twice_100", ANYWHERE, NONPAGED, 100),
	TWICE("twice_1000", IN_TASK, NONPAGED, 1000),
	TWICE("twice_4064", IN_TASK, NONPAGED, 4064),
	TWICE("twice_4065", IN_TASK, NONPAGED, 4065),
	TWICE("twice_4096", ANYWHERE, NONPAGED, 4096),
	TWICE_TAG("twice_4096", IN_TASK, NONPAGED, 4096),
	TWICE("twice_8192", IN_TASK, NONPAGED, 8192),
	TWICE("twice_20000", ANYWHERE, NONPAGED, 20000),
	TWICE("twice_64K", IN_TASK, NONPAGED, SZ_64K),
	TWICE("twice_1M", EACH_IRQL, NONPAGED, SZ_1M),
	TWICE("twice_8M", IN_TASK, NONPAGED, SZ_8M),
	TWICE("twice_paged_100", ANYWHERE, PAGED, 100),
	TWICE("twice_paged_4096", IN_TASK, PAGED, 4096),
	TWICE("twice_paged_1M", IN_TASK, PAGED, SZ_1M),

	/* In a context that does not allow it */
	HERE("paged_1", IN_ATOMIC, PAGED, 1),
	HERE("paged_100", IN_ATOMIC | IN_NMI, PAGED, 100),
	HERE("paged_4096", IN_ATOMIC | IN_NMI, PAGED, 4096),
	HERE("paged_20000", IN_ATOMIC, PAGED, 20000),
	HERE("paged_1M", IN_ATOMIC | IN_NMI, PAGED, SZ_1M),
	HERE("nonpaged_100", IN_NMI, NONPAGED, 100),
	HERE("nonpaged_4096", IN_NMI, NONPAGED, 4096),
	HERE("nonpaged_1M", IN_NMI, NONPAGED, SZ_1M),
	HERE("NULL", IN_NMI, ADDRESS),
	HERE("4096", IN_NMI, ADDRESS, 0, 4096),
	HERE("vmalloc", IN_NMI, VMALLOC, 4096),
	HERE("1000_at_16", IN_NMI, NONPAGED, 1000, 16),
	HERE("noncached", IN_NMI, NONCACHED, 4096),
};

/* What is no MDL is freed as pool, so the answers are the same. */
static const struct release mdl_releases[] = {
	USER("8", EACH_IRQL, 8),
	USER("last_user_page", IN_TASK, 0x7fffffffe000),
	USER("2^63-16", IN_TASK, S64_MAX - 15),
	NOBODYS("NULL", EACH_IRQL, 0),
	NOBODYS("2^63", IN_TASK, S64_MIN),
	NOBODYS("not_canonical", IN_TASK, 0xffff7ffffffff000),
	NOBODYS("minus_1", IN_TASK, -1),
	NOBODYS("minus_48", EACH_IRQL, -48),
	NOBODYS("minus_4096", IN_TASK, -4096),
	FOREIGN("slab_256", EACH_IRQL, SLAB, 256),
	FOREIGN("slab_256_at_17", IN_TASK, SLAB, 256, 17),
	FOREIGN("pages", IN_TASK, PAGES, 16384),
	FOREIGN("vmalloc", EACH_IRQL, VMALLOC, 16384),
	FOREIGN("guard_page", EACH_IRQL, VMALLOC, 16384, 16384),
	FOREIGN("rodata", IN_TASK, RODATA),
	FOREIGN("module_text", IN_TASK, TEXT),
	FOREIGN("stack", EACH_IRQL, STACK),
	FOREIGN("device", EACH_IRQL, DEVICE),
	FOREIGN("contiguous", EACH_IRQL, CONTIGUOUS, 4096),
	FOREIGN("noncached", IN_TASK, NONCACHED, 4096),
	INSIDE("1000_at_16", EACH_IRQL, NONPAGED, 1000, 16),
	INSIDE("20000_at_4096", IN_TASK, NONPAGED, 20000, 4096),
	TWICE("nonpaged_100", EACH_IRQL, NONPAGED, 100),
	TWICE("nonpaged_4096", IN_TASK, NONPAGED, 4096),
	FREE("free", "NULL", IN_NMI, 0, 0xc2, 0x09, 0, ADDRESS),
	FREE("free", "nonpaged_100", IN_NMI, 0, 0xc2, 0x09, 0, NONPAGED, 100),
	/* Too small for an MDL, so it is only a block. */
	FREE("free", "nonpaged_47", EACH_IRQL, 0, 0, 0, 0, NONPAGED, 47),
};

struct releasing {
	const struct release *row;
	void *address;
	bool mdl;
};

static void do_free(void *arg)
{
	struct releasing *r = arg;

	if (r->mdl)
		IoFreeMdl(r->address);
	else if (r->row->tag)
		ExFreePoolWithTag(r->address, r->row->tag);
	else
		ExFreePool(r->address);
}

static void release(struct rpt *t, const struct release *row,
		    enum rpt_context context, bool mdl)
{
	struct thing thing;
	struct releasing r = { row, NULL, mdl };

	if (!thing_make(t, &thing, &row->subject))
		return;
	r.address = thing_address(&thing);
	rpt_in_context(context, do_free, &r);
	if (input_judge(t, &row->in, context))
		thing_drop(t, &thing, input_frees(&row->in, context));
}

static void run_release(struct rpt *t, const void *row,
			enum rpt_context context)
{
	release(t, row, context, false);
}

static void run_mdl_release(struct rpt *t, const void *row,
			    enum rpt_context context)
{
	release(t, row, context, true);
}

const struct input_table pool_frees =
	INPUT_TABLE("ExFreePool", releases, run_release);
const struct input_table mdl_frees =
	INPUT_TABLE("IoFreeMdl", mdl_releases, run_mdl_release);
