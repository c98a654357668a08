// SPDX-License-Identifier: GPL-2.0
/*
 * What all CPUs keep between them and the heap: it serves the next burst, has a cap,
 * ages, and goes when a CPU goes. What is done to a freed block changes nothing in it.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "pool.h"

/* More than a magazine holds by far. */
#define LONGEST	200
/* So many of the largest are more than may be kept. */
#define ENOUGH	300
/* A burst is kept from the second or third time on. */
#define TIMES	4
/* A magazine holds no more than this in a burst. */
#define MAGAZINE	28

static const struct rpt_arg sizes[] = {
	{ "40", 40 },
	{ "500", 500 },
	{ "1000", 1000 },
	{ "4096", 4096 },
	{ }
};

/* More of each than a magazine has, and fewer than count as a burst at once. */
#define SHORT	8

static const struct rpt_arg sizes_of_short[] = {
	{ "704", 704 },
	{ "1100", 1100 },
	{ }
};

/* Some bursts, after which the depot keeps one. */
static void repeat(struct batch *b)
{
	unsigned int i;

	for (i = 0; i < TIMES; i++) {
		batch_get(b);
		batch_put(b);
	}
}

/* NULL where nothing is kept, or without memory. */
static struct batch *new_burst(struct rpt *t, size_t bytes, unsigned int count)
{
	return nothing_is_kept(t, 1000) ? NULL : batch_new(t, bytes, count);
}

static void expect_capped(struct rpt *t)
{
	u64 reserved = 0, cap = 0;

	rpt_reserved(t, &reserved, &cap);
	EXPECT(t, reserved <= cap);
}

static void kept_for_the_next(struct rpt *t)
{
	struct rpt_magazine full, empty;
	struct batch *b;

	b = new_burst(t, rpt_value(t), LONGEST);
	if (!b)
		return;
	migrate_disable();
	repeat(b);
	rpt_depot(t, b->bytes, &full);
	expect_capped(t);
	batch_get(b);
	rpt_depot(t, b->bytes, &empty);
	batch_expect_apart(t, b);
	batch_put(b);
	migrate_enable();
	EXPECT(t, full.found);
	/* But for a few that come and go. */
	EXPECT(t, full.held + MAGAZINE >= LONGEST * 3 / 4);
	EXPECT(t, full.held <= full.limit);
	EXPECT_EQ(t, full.bytes, full.held * full.size);
	EXPECT(t, empty.held + LONGEST / 2 <= full.held);
	kfree(b);
}

/* Whether the depot holds nothing of any size in @list, and nothing is reserved. */
static bool aged(struct rpt *t, const struct rpt_arg *list)
{
	u64 reserved = 0, cap = 0;
	struct rpt_magazine depot;

	rpt_reserved(t, &reserved, &cap);
	if (reserved)
		return false;
	for (; list->name; list++) {
		rpt_depot(t, list->value, &depot);
		if (depot.held)
			return false;
	}
	return true;
}

static void wait_for_age(struct rpt *t, const struct rpt_arg *list)
{
	unsigned long start = jiffies, end = start + RPT_PATIENCE;

	while (!aged(t, list) && time_before(jiffies, end))
		msleep(50);
	EXPECT(t, aged(t, list));
	rpt_note(t, "aged within %u ms", jiffies_to_msecs(jiffies - start));
}

/* As a network driver does: one such burst is nothing, but several have room made for them. */
static void short_ones(struct rpt *t)
{
	struct rpt_magazine once, often;
	struct batch *b;
	unsigned int i;

	b = new_burst(t, rpt_value(t), SHORT);
	if (!b)
		return;
	/* It gets something only while others have not reserved the most. */
	wait_for_age(t, sizes_of_short);
	migrate_disable();
	batch_get(b);
	batch_put(b);
	rpt_magazine(t, b->bytes, &once);
	for (i = 0; i < 3 * TIMES; i++) {
		batch_get(b);
		batch_put(b);
	}
	rpt_magazine(t, b->bytes, &often);
	expect_capped(t);
	batch_get(b);
	batch_expect_apart(t, b);
	batch_put(b);
	migrate_enable();
	rpt_note(t, "limit %llu, then %llu; held %llu", once.limit, often.limit,
		 often.held);
	EXPECT(t, once.limit < SHORT);
	EXPECT(t, often.limit == MAGAZINE && often.held >= SHORT);
	kfree(b);
}

/* For each five blocks an older one is freed and comes again; then all are freed. */
static void with_frees(struct rpt *t)
{
	struct rpt_magazine full;
	struct batch *b;
	unsigned int i, j;

	b = new_burst(t, 80, 3 * LONGEST);
	if (!b)
		return;
	migrate_disable();
	for (i = 0; i < 2 * TIMES; i++) {
		for (j = 0; j < b->count; j++) {
			b->blocks[j] = ExAllocatePoolWithTag(NonPagedPoolNx, b->bytes,
							     TAG_MAGAZINE);
			if (j < 5 || j % 5)
				continue;
			ExFreePoolWithTag(b->blocks[j - 3], TAG_MAGAZINE);
			b->blocks[j - 3] = ExAllocatePoolWithTag(NonPagedPoolNx, b->bytes,
								 TAG_MAGAZINE);
		}
		batch_put(b);
	}
	rpt_depot(t, b->bytes, &full);
	expect_capped(t);
	migrate_enable();
	rpt_note(t, "%llu of %u kept", full.held, b->count);
	EXPECT(t, full.held >= b->count / 2);
	kfree(b);
}

static void ages(struct rpt *t)
{
	struct rpt_magazine depot, magazine;
	struct batch *b;

	b = new_burst(t, rpt_value(t), LONGEST);
	if (!b)
		return;
	migrate_disable();
	repeat(b);
	rpt_depot(t, b->bytes, &depot);
	migrate_enable();
	EXPECT(t, depot.held > 0);
	wait_for_age(t, sizes);
	rpt_magazine(t, b->bytes, &magazine);
	EXPECT(t, magazine.held <= magazine.limit * num_online_cpus());
	EXPECT(t, magazine.limit * magazine.size <= 2 * 4096);
	kfree(b);
}

/* Bursts of all sizes, which is more than may be kept. */
static void capped(struct rpt *t)
{
	u64 reserved = 0, cap = 0, most = 0;
	struct batch *b;
	size_t bytes;

	b = new_burst(t, 0, LONGEST);
	if (!b)
		return;
	for (bytes = 16; bytes <= 4064; bytes += 88) {
		b->bytes = bytes;
		migrate_disable();
		repeat(b);
		migrate_enable();
		rpt_reserved(t, &reserved, &cap);
		EXPECT(t, reserved <= cap);
		most = max(most, reserved);
	}
	rpt_note(t, "at most %llu of %llu bytes reserved", most, cap);
	EXPECT(t, most > cap / 2);
	wait_for_age(t, sizes);
	kfree(b);
}

/*
 * Bursts of one size take all that may be kept. Those of another size get their part at
 * once, and do not have to wait until that has aged.
 */
static void cap_is_shared(struct rpt *t)
{
	struct rpt_magazine first, second;
	u64 reserved = 0, cap = 0;
	struct batch *b;

	b = new_burst(t, 4064, ENOUGH);
	if (!b)
		return;
	wait_for_age(t, sizes);
	migrate_disable();
	repeat(b);
	rpt_reserved(t, &reserved, &cap);
	b->bytes = 2000;
	b->count = LONGEST;
	repeat(b);
	rpt_depot(t, 4064, &first);
	rpt_depot(t, 2000, &second);
	expect_capped(t);
	batch_get(b);
	batch_expect_apart(t, b);
	batch_put(b);
	migrate_enable();
	rpt_note(t, "%llu of %llu bytes reserved; then %llu of 4064 kept, %llu of 2000",
		 reserved, cap, first.held, second.held);
	EXPECT(t, reserved > cap / 8 * 7);
	EXPECT(t, second.held >= LONGEST / 2);
	EXPECT(t, first.bytes >= cap / 4);
	wait_for_age(t, sizes);
	kfree(b);
}

static void freed_twice(struct rpt *t)
{
	const struct rpt_violation *v;
	struct batch *b;
	unsigned int i;

	b = new_burst(t, rpt_value(t), 40);
	if (!b)
		return;
	migrate_disable();
	repeat(b);
	for (i = 0; i < b->count; i++) {
		ExFreePoolWithTag(b->blocks[i], TAG_MAGAZINE);
		v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
		if (v)
			EXPECT(t, rpt_shows(v->p[3], b->blocks[i]));
	}
	batch_get(b);
	batch_expect_apart(t, b);
	batch_put(b);
	migrate_enable();
	kfree(b);
}

/*
 * Overwrites freed blocks with an address, and then allocates: that address is not
 * handed out.
 */
static void written_after_the_free(struct rpt *t)
{
	static u64 target[64];
	struct rpt_magazine depot, magazine;
	struct batch *before, *after;
	unsigned int i, j;
	unsigned long flags;

	before = new_burst(t, rpt_value(t), 40);
	after = before ? batch_new(t, before->bytes, before->count) : NULL;
	migrate_disable();
	if (before && after) {
		repeat(before);
		rpt_depot(t, before->bytes, &depot);
		rpt_magazine(t, before->bytes, &magazine);
	}
	/* What is not kept may be anybody's memory. */
	if (before && after &&
	    EXPECT(t, depot.held + magazine.held >= before->count)) {
		/* Nothing may come or go meanwhile. */
		local_irq_save(flags);
		batch_get(before);
		batch_put(before);
		for (i = 0; i < before->count; i++)
			for (j = 0; before->blocks[i] && j + 8 <= before->bytes; j += 8)
				*(u64 *)(before->blocks[i] + j) = (u64)&target[32];
		batch_get(after);
		local_irq_restore(flags);
		for (i = 0; i < after->count; i++)
			EXPECT(t, after->blocks[i] < (char *)target ||
				  after->blocks[i] >= (char *)target + sizeof(target));
		batch_expect_apart(t, after);
		batch_put(after);
	}
	migrate_enable();
	kfree(before);
	kfree(after);
}

/*
 * One CPU allocates, another one frees. After some bursts the depot holds the blocks in
 * between. On a busy machine it may be aged at any time: then another turn is looked at.
 */
static void exchanged(struct rpt *t)
{
	unsigned int other = cpumask_last(cpu_online_mask), i;
	struct rpt_magazine without, with, left;
	bool given = false, taken = false;
	struct batch *b;

	if (!other) {
		rpt_skip(t, "there is no other CPU");
		return;
	}
	b = new_burst(t, rpt_value(t), LONGEST);
	if (!b)
		return;
	for (i = 0; i < 40 * TIMES && !(given && taken); i++) {
		smp_call_function_single(0, batch_get, b, true);
		batch_expect_apart(t, b);
		rpt_depot(t, b->bytes, &without);
		smp_call_function_single(other, batch_put, b, true);
		rpt_depot(t, b->bytes, &with);
		smp_call_function_single(0, batch_get, b, true);
		rpt_depot(t, b->bytes, &left);
		smp_call_function_single(other, batch_put, b, true);
		given |= with.held >= without.held + LONGEST / 2;
		taken |= with.held >= left.held + LONGEST / 2;
	}
	rpt_note(t, "looked at %u turns", i);
	EXPECT(t, given);
	EXPECT(t, taken);
	kfree(b);
}

static void cpu_goes(struct rpt *t)
{
	/* The first CPU stays. */
	unsigned int cpu = cpumask_last(cpu_online_mask);
	u64 before = 0, reserved = 0, cap = 0;
	struct rpt_magazine depot;
	struct batch *b;
	unsigned int i;

	if (!cpu) {
		rpt_skip(t, "there is no other CPU");
		return;
	}
	b = new_burst(t, rpt_value(t), LONGEST);
	if (!b)
		return;
	for (i = 0; i < TIMES; i++) {
		smp_call_function_single(cpu, batch_get, b, true);
		smp_call_function_single(cpu, batch_put, b, true);
	}
	rpt_reserved(t, &before, &cap);
	if (EXPECT_EQ(t, remove_cpu(cpu), 0)) {
		rpt_depot(t, b->bytes, &depot);
		EXPECT_EQ(t, depot.held, 0);
		rpt_reserved(t, &reserved, &cap);
		EXPECT_EQ(t, add_cpu(cpu), 0);
	}
	rpt_note(t, "%llu bytes reserved, then %llu", before, reserved);
	EXPECT(t, reserved < before);
	wait_for_age(t, sizes);
	kfree(b);
}

static const struct rpt_case cases[] = {
	{ "burst_is_kept_for_the_next", kept_for_the_next, sizes },
	{ "short_bursts_are_kept_when_they_come_often", short_ones, sizes_of_short },
	{ "burst_with_frees_in_between", with_frees },
	{ "ages_when_idle", ages, sizes },
	{ "all_bursts_have_one_cap", capped },
	{ "classes_share_the_cap", cap_is_shared },
	{ "second_free_of_a_kept_block", freed_twice, sizes },
	{ "write_after_the_free_changes_nothing", written_after_the_free, sizes },
	{ "cpus_exchange_blocks", exchanged, sizes },
	{ "given_back_when_a_cpu_goes", cpu_goes, sizes },
};

const struct rpt_suite depot_suite = RPT_SUITE("depot", cases);
