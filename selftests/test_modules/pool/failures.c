// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that cannot be met: NULL, soon, and nobody else pays.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "pool.h"
#include "pool_call.h"

static const struct rpt_arg impossible[] = {
	{ "SIZE_MAX", SIZE_MAX },
	{ "SIZE_MAX-7", SIZE_MAX - 7 },
	{ "SIZE_MAX-15", SIZE_MAX - 15 },
	{ "SIZE_MAX-16", SIZE_MAX - 16 },
	{ "SIZE_MAX-31", SIZE_MAX - 31 },
	{ "SIZE_MAX-4094", SIZE_MAX - 4094 },
	{ "SIZE_MAX-4095", SIZE_MAX - 4095 },
	{ "SIZE_MAX-8191", SIZE_MAX - 8191 },
	{ "half_of_SIZE_MAX", SIZE_MAX / 2 },
	{ "half_of_SIZE_MAX+1", SIZE_MAX / 2 + 1 },
	{ "half_of_SIZE_MAX-4096", SIZE_MAX / 2 - 4096 },
	{ "2^62", 1UL << 62 },
	{ "2^48", 1UL << 48 },
	{ "2^45", 1UL << 45 },
	{ "2^44+1", (1UL << 44) + 1 },
	{ "2^40", 1UL << 40 },
	{ }
};

static void must_fail(struct rpt *t, enum rpt_context context, POOL_TYPE type,
		      size_t bytes)
{
	struct pool_call call = { type, bytes, TAG_FAILURE, &call };
	bool paged = type & PagedPool;
	struct rpt_row before, after;
	u64 start;

	rpt_tag(t, "TstC", paged, &before);
	start = ktime_get_ns();
	rpt_in_context(context, pool_call_allocate, &call);
	EXPECT(t, ktime_get_ns() - start < RPT_SOON);
	EXPECT(t, !call.block);
	rpt_tag(t, "TstC", paged, &after);
	EXPECT_EQ(t, after.failures, before.failures + 1);
	EXPECT_EQ(t, after.allocs, before.allocs);
}

static void too_much(struct rpt *t)
{
	must_fail(t, RPT_TASK, NonPagedPool, rpt_value(t));
	must_fail(t, RPT_TASK, NonPagedPool | POOL_ZERO_ALLOCATION,
		  rpt_value(t));
	must_fail(t, RPT_TASK, PagedPool, rpt_value(t));
	must_fail(t, RPT_TASK, NonPagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE,
		  rpt_value(t));
	must_fail(t, RPT_SPINLOCK_IRQ, NonPagedPool, rpt_value(t));
	must_fail(t, RPT_SOFTIRQ, NonPagedPool, rpt_value(t));
	must_fail(t, RPT_HARDIRQ, NonPagedPool, rpt_value(t));
}

static void more_than_there_is(struct rpt *t)
{
	static const POOL_TYPE types[] = { NonPagedPool, PagedPool };
	struct sysinfo info;
	size_t ram;
	unsigned int i;

	si_meminfo(&info);
	ram = (size_t)info.totalram << PAGE_SHIFT;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		must_fail(t, RPT_TASK, types[i], ram);
		must_fail(t, RPT_TASK, types[i], ram + 1);
		must_fail(t, RPT_TASK, types[i], 2 * ram);
		must_fail(t, RPT_TASK, types[i], 16 * ram);
	}
	must_fail(t, RPT_IRQS_OFF, NonPagedPool, ram);
	/* What the kernel calls available, and not a byte for anyone else. */
	must_fail(t, RPT_TASK, NonPagedPool,
		  (size_t)si_mem_available() << PAGE_SHIFT);
}

static void much_succeeds(struct rpt *t)
{
	static const POOL_TYPE types[] = { NonPagedPool, PagedPool };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		size_t n = (size_t)si_mem_available() / 8 << PAGE_SHIFT;
		char *block = ExAllocatePoolWithTag(types[i], n, TAG_FAILURE);
		size_t at;

		if (!EXPECT(t, block))
			return;
		for (at = 0; at < n; at += PAGE_SIZE)
			block[at] = (char)(at >> PAGE_SHIFT);
		for (at = 0; at < n; at += PAGE_SIZE)
			if (!EXPECT(t, block[at] == (char)(at >> PAGE_SHIFT)))
				break;
		rpt_note(t, "%zu MiB", n >> 20);
		ExFreePoolWithTag(block, TAG_FAILURE);
	}
}

static const struct rpt_arg step_sizes[] = {
	{ "64M", SZ_64M },
	{ "1M", SZ_1M },
	{ "64K", SZ_64K },
	{ "4096", 4096 },
	{ "4000", 4000 },
	{ }
};

/* Where the two pools' ways differ, if they do. */
static const struct rpt_arg paged_sizes[] = {
	{ "1M", SZ_1M },
	{ "4000", 4000 },
	{ }
};

/*
 * What checkers keep of each block makes small ones dear: there most of the
 * memory goes in large ones first.
 */
static size_t next_size(size_t n, s64 had)
{
	if (IS_ENABLED(CONFIG_KASAN) && si_mem_available() > had / 16)
		return max_t(size_t, n, SZ_8M);
	return n;
}

/*
 * All memory, in blocks of one size. The script looks whether anybody was
 * killed meanwhile; this task, with a claim as good as any, lives to tell.
 */
static void exhaust(struct rpt *t, POOL_TYPE type)
{
	s64 had = si_mem_available(), left;
	struct rpt_row before, after;
	void **list = NULL, **block;
	size_t n;
	u64 count = 0, bytes = 0;
	unsigned int tries;

	rpt_tag(t, "TstC", type, &before);
	for (;;) {
		n = next_size(rpt_value(t), had);
		block = ExAllocatePoolWithTag(type, n, TAG_FAILURE);
		if (!block)
			break;
		*block = list;
		list = block;
		count++;
		bytes += n;
		if (!(count % 64)) {
			cond_resched();
			if (fatal_signal_pending(current))
				break;
		}
	}
	left = si_mem_available();
	/* Give back before anything else: what follows wants memory, too. */
	while (list) {
		block = *list;
		ExFreePoolWithTag(list, TAG_FAILURE);
		list = block;
	}
	EXPECT(t, !fatal_signal_pending(current));
	rpt_tag(t, "TstC", type, &after);
	EXPECT_EQ(t, after.allocs - before.allocs, count);
	EXPECT_EQ(t, after.frees - before.frees, count);
	EXPECT_EQ(t, after.diff, before.diff);
	EXPECT(t, after.failures > before.failures);
	rpt_note(t, "%llu blocks; %lld of %lld MiB were left", count,
		 left >> (20 - PAGE_SHIFT), had >> (20 - PAGE_SHIFT));
	/* Refusing early is easy: most of the memory must have come. */
	EXPECT(t, bytes >> PAGE_SHIFT >= had / 2);
	/* And all of it is back, but what checkers keep; kmemleak sees leaks. */
	rpt_settle(t);
	if (IS_ENABLED(CONFIG_KASAN))
		return;
	for (tries = 0; tries < RPT_TRIES; tries++) {
		if (si_mem_available() >= had - had / 10)
			return;
		rpt_settle(t);
	}
	rpt_fail(t, "of %lld pages %lld are back", had,
		 (s64)si_mem_available());
}

static void exhaust_nonpaged(struct rpt *t)
{
	exhaust(t, NonPagedPool);
}

static void exhaust_paged(struct rpt *t)
{
	exhaust(t, PagedPool);
}

static const struct rpt_case cases[] = {
	{ "fails_for", too_much, impossible },
	{ "fails_for_more_than_there_is", more_than_there_is },
	{ "an_eighth_of_memory_succeeds", much_succeeds },
	{ "exhausted_nonpaged_in_blocks_of", exhaust_nonpaged, step_sizes },
	{ "exhausted_paged_in_blocks_of", exhaust_paged, paged_sizes },
};

const struct rpt_suite failures_suite = RPT_SUITE("failures", cases);
