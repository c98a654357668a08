/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the parts of the harness only. */
#ifndef RPT_PRIVATE_H
#define RPT_PRIVATE_H

#include "rpt.h"

/* A case that runs or has run. */
struct rpt {
	const struct rpt_arg *arg;
	unsigned int failures;
	bool skipped;
	/* Violations reported so far, as far as the case knows. */
	u64 reported;
	struct rpt_violation last;
	size_t used;
	char log[];
};

/* What must be as before after every case. */
struct rpt_balance {
	s64 tags[3];
	s64 contiguous[3];
	s64 noncached[3];
	s64 common[3];
	s64 mdl_pages[3];
	s64 io_space[3];
	s64 adapters;
};

void rpt_balance(struct rpt *t, struct rpt_balance *balance);
void rpt_balance_compare(struct rpt *t, const struct rpt_balance *before,
			 const struct rpt_balance *after);
void rpt_violations_mark(struct rpt *t);

#endif /* RPT_PRIVATE_H */
