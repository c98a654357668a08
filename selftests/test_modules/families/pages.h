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

/* Looks for a block in one part of memory after the other. */
void *allocate_somewhere(size_t n, MEMORY_CACHING_TYPE type, ULONG node);

/* Of this much that just was free. */
#define ROOM_BYTES	SZ_16M

/* Where there is memory to be had at all; 0 if nowhere. */
u64 find_room(void);

#endif /* RPT_PAGES_H */
