/* SPDX-License-Identifier: GPL-2.0 */
/* What the suites of tagged pool share. */
#ifndef RPT_POOL_H
#define RPT_POOL_H

#include "rpt.h"

/* Shown as "TstA" and so on: each suite has a tag of its own. */
#define TAG_SIZES	('AtsT')
#define TAG_CONTEXT	('BtsT')
#define TAG_FAILURE	('CtsT')
#define TAG_BADFREE	('DtsT')
#define TAG_COPY	('EtsT')
#define TAG_MAGAZINE	('FtsT')
#define TAG_HEAP	('GtsT')
#define TAG_FLAGS	('LtsT')
#define TAG_MAPPING	('PtsT')
#define TAG_DAMAGE	('QtsT')
#define TAG_QUOTA	('RtsT')
#define TAG_OTHER	('XtsT')

#define SMALL_MAX	4064	/* largest block with a header in front */

/* The 16 bytes in front of a small block, as in a Windows dump. */
struct pool_header {
	u8 previous_size;
	u8 pool_index;
	u8 block_size;		/* in units of 16 bytes, header included */
	u8 pool_type;		/* 2: in use; 1: paged */
	u32 tag;
	u64 reserved;
};

static_assert(sizeof(struct pool_header) == 16);

#define HEADER_PAGED	1
#define HEADER_IN_USE	2

extern const struct rpt_suite sizes_suite;
extern const struct rpt_suite tags_suite;
extern const struct rpt_suite counters_suite;
extern const struct rpt_suite contexts_suite;
extern const struct rpt_suite failures_suite;
extern const struct rpt_suite badfree_suite;
extern const struct rpt_suite usercopy_suite;
extern const struct rpt_suite wdm_suite;
extern const struct rpt_suite magazine_suite;
extern const struct rpt_suite depot_suite;
extern const struct rpt_suite heap_suite;
extern const struct rpt_suite contention_suite;
extern const struct rpt_suite irql_suite;
extern const struct rpt_suite mapping_suite;
extern const struct rpt_suite damage_suite;
extern const struct rpt_suite flags_suite;
extern const struct rpt_suite quota_suite;
extern const struct rpt_suite env_suite;
extern const struct rpt_suite env_warnings_suite;

/*
 * Blocks with TAG_MAGAZINE. Of those that are allocated with batch_get(), and freed with
 * batch_put(), @count may be lowered meanwhile, and @bytes changed while none is allocated.
 */
struct batch {
	size_t bytes;
	unsigned int count;
	char *blocks[];
};

/* To be freed by kfree(). Without memory, reports that and returns NULL. */
struct batch *batch_new(struct rpt *t, size_t bytes, unsigned int count);
void batch_get(void *batch);
void batch_put(void *batch);
/* Expects that all are there, and that none lies in another. */
void batch_expect_apart(struct rpt *t, struct batch *b);
/* Where a checker watches, nothing is kept; then it skips the case, and returns true. */
bool nothing_is_kept(struct rpt *t, size_t bytes);

/* For args: both pools. */
extern const struct rpt_arg pool_types[];

#endif /* RPT_POOL_H */
