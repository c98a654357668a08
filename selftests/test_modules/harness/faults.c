// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's fault injection, for the allocations of one call. fail_nth.sh has
 * told it to fail all allocations of tasks that are marked, once the count in
 * the task, if there is one, has come to zero.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "../../lib/free_pages.h"
#include "rpt.h"

#ifdef CONFIG_FAULT_INJECTION

/* More allocations than any call has. */
#define MOST	2000

/* By so many pages what the kernel keeps ready, and its checkers, may grow. */
#define SLACK	640

enum faults { ONE, REST };

static void start(unsigned int nth, enum faults faults)
{
	current->make_it_fail = faults == REST;
	current->fail_nth = nth;
}

/* Did any fail? */
static bool stop(void)
{
	bool any = !current->fail_nth;

	current->fail_nth = 0;
	current->make_it_fail = 0;
	return any;
}

static void sweep(struct rpt_sweep *s, enum faults faults)
{
	unsigned int nth;
	bool met, failed;

	for (nth = 1; nth <= MOST; nth += s->step ?: 1) {
		start(nth, faults);
		met = s->call(s->arg);
		failed = stop();
		s->failed += failed;
		s->met += met;
		s->refused += !met;
		if (met && s->undo) {
			/* What gives back must do without. */
			start(1, REST);
			s->undo(s->arg);
			stop();
		}
		if (!failed) {
			s->ends += met;
			return;
		}
	}
}

void rpt_sweep(struct rpt *t, struct rpt_sweep *s)
{
	unsigned int tries = RPT_TRIES;
	long before, free;

	vm_unmap_aliases();
	before = rpt_free_pages();
	sweep(s, ONE);
	sweep(s, REST);
	/* The kernel frees pages of vmalloc later, KASAN's for them later still. */
	do {
		rpt_settle(t);
		vm_unmap_aliases();
		free = before - (long)rpt_free_pages();
	} while (free >= SLACK && --tries);
	rpt_note(t, "%u calls with a failure: %u met, %u refused; %ld pages fewer are free",
		 s->failed, s->met - s->ends, s->refused, free);
	/* Pages are nothing that kmemleak knows. */
	EXPECT(t, free < SLACK);
	/* Each sweep ends with a call in which nothing is left to fail. */
	EXPECT_EQ(t, s->ends, 2);
	EXPECT(t, s->failed);
	EXPECT(t, s->refused);
}

#else

void rpt_sweep(struct rpt *t, struct rpt_sweep *s)
{
	rpt_skip(t, "no fault injection in this kernel");
}

#endif
EXPORT_SYMBOL_GPL(rpt_sweep);
