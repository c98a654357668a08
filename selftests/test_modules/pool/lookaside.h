/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RPT_LOOKASIDE_H
#define RPT_LOOKASIDE_H

#include "rpt.h"

/* Shown as "Look". */
#define TAG_LOOK	('kooL')

extern const struct rpt_suite lookaside_suite;
extern const struct rpt_suite lookaside_misuse_suite;

/* Initialises a list in the name of rp_test_lookaside_other. */
void rpt_other_list(PNPAGED_LOOKASIDE_LIST list);

/* Whether lists keep anything: not where a checker watches. Else skips @t. */
bool lists_keep(struct rpt *t);

#endif /* RPT_LOOKASIDE_H */
