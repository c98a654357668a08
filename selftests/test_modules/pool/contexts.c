// SPDX-License-Identifier: GPL-2.0
/*
 * Tagged pool in every context.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "pool.h"
#include "pool_call.h"

static void nonpaged_works(struct rpt *t)
{
	static const size_t bytes[] = { 1, 100, 4064, 4065, 4096, 5000, SZ_64K };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct pool_call call = { NonPagedPoolNx, bytes[i], TAG_CONTEXT };

		rpt_in_context(rpt_value(t), pool_call_allocate, &call);
		if (!call.block) {
			rpt_fail(t, "%zu bytes: NULL", bytes[i]);
			continue;
		}
		rpt_fill(call.block, bytes[i], i);
		EXPECT(t, rpt_filled(call.block, bytes[i], i));
		rpt_in_context(rpt_value(t), pool_call_free, &call);
	}
}

/* Free where it was not allocated: in a task, and from a task's block. */
static void nonpaged_changes_context(struct rpt *t)
{
	static const size_t bytes[] = { 100, 4096, SZ_1M, SZ_8M };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct pool_call call = { NonPagedPoolNx, bytes[i], TAG_CONTEXT };

		pool_call_allocate(&call);
		if (!EXPECT(t, call.block))
			return;
		rpt_in_context(rpt_value(t), pool_call_free, &call);
		if (bytes[i] > SZ_64K)
			continue;
		rpt_in_context(rpt_value(t), pool_call_allocate, &call);
		if (!EXPECT(t, call.block))
			return;
		pool_call_free(&call);
	}
}

/* Where bottom halves and interrupts run, scattered pages are at hand. */
static bool has_vmalloc(enum rpt_context context)
{
	switch (context) {
	case RPT_TASK:
	case RPT_PREEMPT_OFF:
	case RPT_SPINLOCK:
	case RPT_RCU:
		return true;
	default:
		return false;
	}
}

/* Elsewhere no more than the page allocator has, but no splat either. */
static void large_nonpaged_safe(struct rpt *t)
{
	static const size_t bytes[] = { SZ_1M, SZ_4M, SZ_8M, SZ_64M };
	enum rpt_context context = rpt_value(t);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct pool_call call = { NonPagedPoolNx, bytes[i], TAG_CONTEXT };

		rpt_in_context(context, pool_call_allocate, &call);
		if (has_vmalloc(context))
			EXPECT(t, call.block);
		else if (bytes[i] > SZ_4M)
			EXPECT(t, !call.block);
		if (!call.block)
			continue;
		EXPECT(t, PAGE_ALIGNED(call.block));
		memset(call.block, 1, bytes[i]);
		rpt_in_context(context, pool_call_free, &call);
	}
}

/* What a report says of the context. */
static const char *in_words(enum rpt_context context)
{
	switch (context) {
	case RPT_PREEMPT_OFF:
	case RPT_SPINLOCK:
		return " at DISPATCH_LEVEL: preemption disabled";
	case RPT_BH_OFF:
		return " at DISPATCH_LEVEL: softirqs disabled";
	case RPT_RCU:
		return " at DISPATCH_LEVEL: RCU read-side section";
	case RPT_SOFTIRQ:
		return " at DISPATCH_LEVEL: softirq";
	case RPT_IRQS_OFF:
	case RPT_SPINLOCK_IRQ:
		return " above DISPATCH_LEVEL: interrupts disabled";
	case RPT_HARDIRQ:
		return " above DISPATCH_LEVEL: hard interrupt";
	case RPT_NMI:
		return " at HIGH_LEVEL: NMI";
	default:
		return " at PASSIVE_LEVEL: task that may sleep";
	}
}

static void expect_words(struct rpt *t, const struct rpt_violation *v,
			 const char *done)
{
	const char *at = strstr(v->text, done);

	if (!at || strcmp(at + strlen(done), in_words(rpt_value(t))))
		rpt_fail(t, "not \"%s%s\": %s", done, in_words(rpt_value(t)),
			 v->text);
}

static void paged_refused(struct rpt *t)
{
	static const size_t bytes[] = { 100, 4096, SZ_1M };
	enum rpt_context context = rpt_value(t);
	struct rpt_row before, after;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct pool_call call = { PagedPool, bytes[i], TAG_CONTEXT, &call };
		const struct rpt_violation *v;

		rpt_tag_totals(t, &before);
		rpt_in_context(context, pool_call_allocate, &call);
		rpt_tag_totals(t, &after);
		EXPECT(t, !call.block);
		EXPECT_EQ(t, after.allocs, before.allocs);
		v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
		if (!v)
			return;
		EXPECT_EQ(t, v->p[1], rpt_irql(context));
		EXPECT_EQ(t, v->p[2], PagedPool);
		EXPECT_EQ(t, v->p[3], bytes[i]);
		expect_words(t, v, " paged pool requested");
	}
}

static void paged_free_reported_and_done(struct rpt *t)
{
	static const size_t bytes[] = { 100, 4096, SZ_1M, SZ_8M };
	enum rpt_context context = rpt_value(t);
	unsigned int i, tries;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct pool_call call = { PagedPool, bytes[i], TAG_CONTEXT };
		const struct rpt_violation *v;
		struct rpt_row before, after;

		rpt_tag(t, "TstB", true, &before);
		pool_call_allocate(&call);
		if (!EXPECT(t, call.block))
			return;
		rpt_in_context(context, pool_call_free, &call);
		v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x09);
		if (v) {
			EXPECT_EQ(t, v->p[1], rpt_irql(context));
			EXPECT_EQ(t, v->p[2], PagedPool);
			EXPECT(t, rpt_shows(v->p[3], call.block));
			expect_words(t, v, " paged pool freed");
		}
		for (tries = 0; tries < RPT_TRIES; tries++) {
			rpt_tag(t, "TstB", true, &after);
			if (after.diff == before.diff && after.bytes == before.bytes)
				break;
			rpt_settle(t);
		}
		EXPECT_EQ(t, after.diff, before.diff);
		EXPECT_EQ(t, after.bytes, before.bytes);
	}
}

static void refused_in_nmi(struct rpt *t)
{
	POOL_TYPE type = rpt_value(t);
	struct pool_call call = { type, 100, TAG_CONTEXT, &call };

	rpt_in_context(RPT_NMI, pool_call_allocate, &call);
	EXPECT(t, !call.block);
	/* No lock can be taken there to keep more than the number. */
	EXPECT_VIOLATIONS(t, 1);
}

/* Reported; and then either done or left alone, nothing in between. */
static void free_in_nmi(struct rpt *t)
{
	struct pool_call call = { NonPagedPoolNx, 100, TAG_CONTEXT };
	struct rpt_row before, after;

	rpt_tag(t, "TstB", false, &before);
	pool_call_allocate(&call);
	if (!EXPECT(t, call.block))
		return;
	rpt_fill(call.block, 100, 9);
	rpt_in_context(RPT_NMI, pool_call_free, &call);
	EXPECT_VIOLATIONS(t, 1);
	rpt_settle(t);
	rpt_tag(t, "TstB", false, &after);
	if (after.diff == before.diff)
		return;
	EXPECT(t, rpt_filled(call.block, 100, 9));
	pool_call_free(&call);
}

static const struct rpt_case cases[] = {
	{ "nonpaged_works_in", nonpaged_works, rpt_contexts },
	{ "nonpaged_changes_context", nonpaged_changes_context, rpt_contexts },
	{ "large_nonpaged_safe_in", large_nonpaged_safe, rpt_contexts },
	{ "paged_refused_in", paged_refused, rpt_atomic_contexts },
	{ "paged_free_reported_and_done_in", paged_free_reported_and_done,
	  rpt_atomic_contexts },
	{ "refused_in_nmi", refused_in_nmi, pool_types },
	{ "free_reported_in_nmi", free_in_nmi },
};

const struct rpt_suite contexts_suite = RPT_SUITE("contexts", cases);
