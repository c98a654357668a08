// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input to ExAllocatePool2() and ExAllocatePoolWithTagPriority(), and good
 * input beside it.
 */
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "inputs.h"

struct request {
	struct input in;
	/* Flags, or the priority of a request by that. */
	u64 flags;
	size_t bytes;
	u32 tag;
	u64 word, value;
	bool by_priority, by_quota, answer;
};

#define FLAGS(_what, _contexts, _flags, _bytes, _tag, _code, _p1, _answer) { \
	.in = { "pool2", _what, _contexts, _code, _p1 }, \
	.flags = _flags, .bytes = _bytes, .tag = _tag, .answer = _answer }
#define GIVEN(_what, _contexts, _flags) \
	FLAGS(_what, _contexts, _flags, 100, TAG_INPUT, 0, 0, true)
#define REFUSED(_what, _contexts, _flags) \
	FLAGS(_what, _contexts, _flags, 100, TAG_INPUT, 0xc4, 0x16, false)
#define BAD_TAG(_what, _flags, _tag, _p1) \
	FLAGS(_what, IN_TASK, _flags, 100, _tag, 0xc2, _p1, false)
#define PARAMETER(_what, _word, _value, _code, _answer) { \
	.in = { "pool3", _what, IN_TASK, _code, _code ? 0x16 : 0 }, \
	.flags = 0x40, .bytes = 100, .tag = TAG_INPUT, \
	.word = _word, .value = _value, .answer = _answer }
#define PRIORITY(_what, _contexts, _priority, _code, _answer) { \
	.in = { "priority", _what, _contexts, _code, _code ? 0x16 : 0 }, \
	.flags = _priority, .bytes = 100, .tag = TAG_INPUT, \
	.by_priority = true, .answer = _answer }

#define QUOTA(_what, _contexts, _type, _bytes, _tag, _code, _p1, _answer) { \
	.in = { "quota", _what, _contexts, _code, _p1 }, \
	.flags = _type, .bytes = _bytes, .tag = _tag, \
	.by_quota = true, .answer = _answer }

static const struct request requests[] = {
	GIVEN("non_paged", ANYWHERE, 0x40),
	GIVEN("non_paged_execute", EACH_IRQL, 0x80),
	GIVEN("paged", IN_TASK, 0x100),
	GIVEN("non_paged_with_all", EACH_IRQL, 0x40 | 0x2b),
	GIVEN("paged_with_all", IN_TASK, 0x100 | 0x2b),
	GIVEN("special", EACH_IRQL, 0x40 | 1ULL << 32),
	GIVEN("unknown_optional", EACH_IRQL, 0x40 | 1ULL << 33),
	GIVEN("all_optional", IN_TASK, 0x100 | 0xffffffffULL << 32),
	REFUSED("nothing", EACH_IRQL, 0),
	REFUSED("optional_alone", IN_TASK, 1ULL << 32),
	REFUSED("pool_type_1", IN_TASK, 1),
	REFUSED("pool_type_512", EACH_IRQL, 512),
	REFUSED("pool_type_516", IN_TASK, 516),
	REFUSED("pool_type_1536", IN_TASK, 1536),
	REFUSED("uninitialized_alone", IN_TASK, 2),
	REFUSED("two_pools", EACH_IRQL, 0x40 | 0x100),
	REFUSED("both_non_paged", IN_TASK, 0x40 | 0x80),
	REFUSED("all_pools", IN_TASK, 0x1c0),
	REFUSED("session", IN_TASK, 0x40 | 4),
	REFUSED("reserved_1", IN_TASK, 0x40 | 0x10),
	REFUSED("reserved_2", IN_TASK, 0x40 | 0x200),
	REFUSED("reserved_3", IN_TASK, 0x40 | 0x400),
	REFUSED("unknown_required", EACH_IRQL, 0x40 | 0x800),
	REFUSED("last_required", IN_TASK, 0x100 | 0x80000000),
	REFUSED("all_flags", IN_TASK, ~0ULL),
	REFUSED("bad_and_raising", EACH_IRQL, 0x20),
	FLAGS("0_bytes", EACH_IRQL, 0x40, 0, TAG_INPUT, 0xc2, 0x00, false),
	FLAGS("2^63_bytes", EACH_IRQL, 0x40, 1UL << 63, TAG_INPUT, 0, 0, false),
	FLAGS("2^64-1_bytes", EACH_IRQL, 0x48, -1UL, TAG_INPUT, 0, 0, false),
	FLAGS("2^64-64_bytes", IN_TASK, 0x108, -64UL, TAG_INPUT, 0, 0, false),
	FLAGS("2^40_raising", EACH_IRQL, 0x60, 1UL << 40, TAG_INPUT, 0, 0,
	      false),
	FLAGS("1M_aligned", IN_TASK, 0x108, SZ_1M, TAG_INPUT, 0, 0, true),
	FLAGS("paged_too_high", IN_ATOMIC, 0x100, 100, TAG_INPUT, 0xc2, 0x08,
	      false),
	FLAGS("paged_aligned_too_high", IN_ATOMIC, 0x108, 100, TAG_INPUT, 0xc2,
	      0x08, false),
	FLAGS("non_paged", IN_NMI, 0x40, 100, TAG_INPUT, 0xc2, 0x08, false),
	FLAGS("non_paged_aligned", IN_NMI, 0x48, 100, TAG_INPUT, 0xc2, 0x08,
	      false),
	BAD_TAG("tag_0", 0x40, 0, 0x9b),
	BAD_TAG("tag_0_raising", 0x160 & ~0x40, 0, 0x9b),
	BAD_TAG("tag_BIG", 0x48, ' GIB', 0x9c),
	BAD_TAG("tag_of_dots", 0x100, '....', 0x9d),

	PARAMETER("normal_priority", 1, NormalPoolPriority, 0, true),
	PARAMETER("low_priority", 1, LowPoolPriority, 0, true),
	PARAMETER("bad_priority", 1, 7, 0xc4, false),
	PARAMETER("bad_priority_optional", 1 | 256, 7, 0, true),
	PARAMETER("invalid_type", 0x600, 0, 0xc4, false),
	PARAMETER("secure", 2, 0, 0xc4, false),
	PARAMETER("secure_optional", 2 | 256, 0, 0, true),
	PARAMETER("any_node", 3, 0x80000000, 0, true),
	/* In a machine with one node. */
	PARAMETER("node_0", 3, 0, 0, true),
	PARAMETER("node_0_optional", 3 | 256, 0, 0, true),
	PARAMETER("unknown", 200, 0, 0xc4, false),
	PARAMETER("unknown_optional", 200 | 256, 0, 0, true),
	PARAMETER("reserved_bits", 1 | 512, NormalPoolPriority, 0xc4, false),

	PRIORITY("low", ANYWHERE, 0, 0, true),
	PRIORITY("low_overrun", IN_TASK, 8, 0, true),
	PRIORITY("low_underrun", IN_TASK, 9, 0, true),
	PRIORITY("normal", ANYWHERE, 16, 0, true),
	PRIORITY("normal_underrun", IN_TASK, 25, 0, true),
	PRIORITY("high", EACH_IRQL, 32, 0, true),
	PRIORITY("high_overrun", IN_TASK, 40, 0, true),
	PRIORITY("1", EACH_IRQL, 1, 0xc4, false),
	PRIORITY("10", IN_TASK, 10, 0xc4, false),
	PRIORITY("48", IN_TASK, 48, 0xc4, false),
	PRIORITY("minus_1", IN_TASK, 0xffffffff, 0xc4, false),

	QUOTA("nonpaged", ANYWHERE, NonPagedPoolNx, 100, TAG_INPUT, 0, 0, true),
	QUOTA("paged", IN_TASK, PagedPool, 100, TAG_INPUT, 0, 0, true),
	QUOTA("paged", IN_ATOMIC, PagedPool, 100, TAG_INPUT, 0xc2, 0x08, false),
	QUOTA("nonpaged", IN_NMI, NonPagedPoolNx, 100, TAG_INPUT, 0xc2, 0x08, false),
	QUOTA("failing", EACH_IRQL, NonPagedPoolNx | 8, 1UL << 40, TAG_INPUT, 0, 0, false),
	QUOTA("2^64-1_failing", IN_TASK, PagedPool | 8, SIZE_MAX, TAG_INPUT, 0, 0, false),
	QUOTA("type_2", EACH_IRQL, 2, 100, TAG_INPUT, 0xc2, 0x9a, false),
	QUOTA("type_3", EACH_IRQL, 3, 100, TAG_INPUT, 0xc4, 0x16, false),
	QUOTA("0_bytes", EACH_IRQL, NonPagedPoolNx, 0, TAG_INPUT, 0xc2, 0x00, false),
	QUOTA("tag_0", EACH_IRQL, NonPagedPoolNx, 100, 0, 0xc2, 0x9b, false),
};

struct requesting {
	const struct request *row;
	void *block;
};

static void do_request(void *arg)
{
	struct requesting *r = arg;
	const struct request *row = r->row;
	const u64 parameter[2] = { row->word, row->value };

	if (row->by_quota)
		r->block = ExAllocatePoolWithQuotaTag((POOL_TYPE)row->flags, row->bytes,
						      row->tag);
	else if (row->by_priority)
		r->block = ExAllocatePoolWithTagPriority(NonPagedPoolNx,
				row->bytes, row->tag,
				(EX_POOL_PRIORITY)row->flags);
	else if (row->word)
		r->block = ExAllocatePool3(row->flags, row->bytes, row->tag,
					   (const void *)parameter, 1);
	else
		r->block = ExAllocatePool2(row->flags, row->bytes, row->tag);
}

static void run_request(struct rpt *t, const void *data,
			enum rpt_context context)
{
	const struct request *row = data;
	struct requesting r = { row };

	rpt_in_context(context, do_request, &r);
	input_judge(t, &row->in, context);
	EXPECT_EQ(t, !!r.block, row->answer);
	if (!r.block)
		return;
	rpt_fill(r.block, row->bytes, 1);
	EXPECT(t, rpt_filled(r.block, row->bytes, 1));
	ExFreePool2(r.block, row->tag, NULL, 0);
}

const struct input_table pool_requests =
	INPUT_TABLE("ExAllocatePool2", requests, run_request);
