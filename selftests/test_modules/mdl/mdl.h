/* SPDX-License-Identifier: GPL-2.0 */
/* What the suites of memory descriptor lists share. */
#ifndef RPT_MDL_H
#define RPT_MDL_H

#include "rpt.h"

#define TAG_MDL	('LMtT')

extern const struct rpt_suite mdl_suite;
extern const struct rpt_suite mdl_misuse_suite;
extern const struct rpt_suite mdl_lock_suite;
extern const struct rpt_suite mdl_pages_suite;
extern const struct rpt_suite mdl_protect_suite;
extern const struct rpt_suite mdl_reserved_suite;
extern const struct rpt_suite mdl_view_suite;

/* For args. */
extern const struct rpt_arg mdl_cache_types[];

#endif /* RPT_MDL_H */
