// SPDX-License-Identifier: GPL-2.0
/*
 * Pool in hard interrupts, with the verifier's option "irql" set, which whoever
 * runs these cases has done.
 */
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "pool.h"
#include "pool_call.h"

static void expect_report(struct rpt *t, u64 p1, const struct pool_call *call)
{
	const struct rpt_violation *v;

	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, p1);
	if (!v)
		return;
	EXPECT_EQ(t, v->p[1], rpt_irql(RPT_HARDIRQ));
	EXPECT_EQ(t, v->p[2], NonPagedPool);
	if (p1 == 0x02)
		EXPECT_EQ(t, v->p[3], call->bytes);
	else
		EXPECT(t, rpt_shows(v->p[3], call->block));
}

/* Reported there and nowhere else, and served everywhere. */
static void nonpaged(struct rpt *t)
{
	static const size_t bytes[] = { 1, 100, 4064, 4096, 5000, SZ_1M };
	enum rpt_context context = rpt_value(t);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct pool_call call = { NonPagedPoolNx, bytes[i], TAG_CONTEXT };

		rpt_in_context(context, pool_call_allocate, &call);
		if (!EXPECT(t, call.block))
			return;
		if (context == RPT_HARDIRQ)
			expect_report(t, 0x02, &call);
		else
			EXPECT_VIOLATIONS(t, 0);
		rpt_fill(call.block, bytes[i], i);
		EXPECT(t, rpt_filled(call.block, bytes[i], i));
		rpt_in_context(context, pool_call_free, &call);
		if (context == RPT_HARDIRQ)
			expect_report(t, 0x12, &call);
		else
			EXPECT_VIOLATIONS(t, 0);
	}
}

/* One report for one mistake. */
static void paged(struct rpt *t)
{
	struct pool_call call = { PagedPool, 100, TAG_CONTEXT, &call };

	rpt_in_context(RPT_HARDIRQ, pool_call_allocate, &call);
	EXPECT(t, !call.block);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
	pool_call_allocate(&call);
	if (!EXPECT(t, call.block))
		return;
	rpt_in_context(RPT_HARDIRQ, pool_call_free, &call);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x09);
}

static const struct rpt_case cases[] = {
	{ "nonpaged_in", nonpaged, rpt_contexts },
	{ "paged", paged },
};

const struct rpt_suite irql_suite = RPT_SUITE("irql", cases);
