/* SPDX-License-Identifier: GPL-2.0 */
/* What the suites of whole-page memory share. */
#ifndef RPT_PAGES_H
#define RPT_PAGES_H

#include "rpt.h"

extern const struct rpt_suite contiguous_suite;
extern const struct rpt_suite nodes_suite;
extern const struct rpt_suite map_suite;
extern const struct rpt_suite noncached_suite;
extern const struct rpt_suite kinds_suite;
extern const struct rpt_suite load_suite;

/* For args. */
extern const struct rpt_arg cache_types[];

/* What a page-table entry must say for it. */
enum rpt_cache cache_of(MEMORY_CACHING_TYPE type);

#endif /* RPT_PAGES_H */
