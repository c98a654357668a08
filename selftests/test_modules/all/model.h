/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model test: actors on all CPUs, in tasks and in softirq, do random
 * operations and keep a model of what must come of them. Rounds of operations
 * end with all actors at rest; then the model is compared with what rust_pool
 * says of itself.
 */
#ifndef RPT_MODEL_H
#define RPT_MODEL_H

#include <linux/completion.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "rpt.h"

enum block_kind {
	NONPAGED,
	PAGED,
	CONTIGUOUS,
	CONTIGUOUS_UC,
	NONCACHED,
	BUFFER,
	KINDS,
};

/* Families with counters of their own. */
enum family { FAMILY_CONTIGUOUS, FAMILY_NONCACHED, FAMILY_BUFFER, FAMILIES };

#define SLOTS	192	/* blocks that an actor has */
#define INBOX	32	/* and that others gave it to free */
#define TAGS	8	/* "Mdl0" and so on */
/* Violations in a round, all actors together: what the file keeps. */
#define BAD_ALL	240
#define BAD_MAX	128
#define DEVICES	8	/* that are there, or gone with buffers out */
#define GONE_ALL 32	/* buffers of those at most */
#define GONE_MAX 48	/* that one actor may free of devices that are gone */
#define HOLDS	16	/* pages that an actor refers to */
#define MAPS	64	/* that the process has mapped */

/* See model_device.c. Free: no adapter. Gone: no device. */
struct model_device {
	struct platform_device *device;
	DMA_ADAPTER *adapter;
	atomic_t live;	/* buffers */
};

/* A page, and which words of which pattern it has. */
struct hold {
	struct page *page;
	u64 seed;
	size_t word;
};

struct block {
	/* NULL in a slot that is in use: a request that was not met. */
	void *base;
	size_t bytes;
	u64 seed;
	enum block_kind kind;
	unsigned int tag;
	PHYSICAL_ADDRESS logical;
	/* A buffer's; NULL: it is of the model's adapter. */
	struct model_device *of;
};

/* What a counter of rust_pool must have moved by. */
struct counts {
	s64 allocs, frees, bytes, used, failures;
};

/* A violation that must be in the file. */
struct expected {
	u32 code;
	/* Where the rules leave it open, more than one is right. */
	u64 p1[4];
	/* Of the block, or what else is in the address's place. */
	const void *address;
};

/* For reports that show none. */
#define NO_ADDRESS	((void *)-1L)

struct model;

struct actor {
	struct model *model;
	unsigned int number, cpu;
	bool softirq;
	struct rnd_state rnd;
	u64 seeds;

	bool in_use[SLOTS];
	struct block slots[SLOTS];
	spinlock_t lock;	/* of the inbox */
	unsigned int given;
	struct block inbox[INBOX];

	struct counts tags[TAGS][2];
	struct counts families[FAMILIES];
	struct expected bad[BAD_MAX];
	unsigned int bad_count, bad_left;
	struct hold holds[HOLDS];

	u64 left, operations, handed, unmet, held, passed;
	/* Of the operations, to tell whether two runs had the same. */
	u64 digest;
	unsigned int wrong;
	char what[160];

	struct completion go;
	struct work_struct work;
};

struct model {
	DMA_ADAPTER *adapter;
	struct actor **actors;
	unsigned int count;
	atomic_t running;
	struct completion rest;
	bool stop;
	/* The main thread's, which acts between the rounds. */
	struct rnd_state rnd;
	struct model_device devices[DEVICES], *here;
	struct hold maps[MAPS];
	unsigned int mapped;
	unsigned long user;
	u64 turned, mappings;
	struct counts before_tags[TAGS][2];
	struct counts before_families[FAMILIES];
	u64 violations, twice, twice_found;
	/* Of the rounds alone. */
	u64 ns;
};

/* One operation, chosen by the actor's own random numbers alone. */
void actor_step(struct actor *a);
/* Frees all that it has. */
void actor_clear(struct actor *a);
__printf(2, 3) void actor_wrong(struct actor *a, const char *fmt, ...);
/* Both in task context; the block may be one that was not to be had, or freed. */
void actor_get_buffer(struct actor *a, struct block *b, struct model_device *d,
		      size_t bytes);
void actor_free(struct actor *a, struct block *b);

u64 model_pattern(u64 seed, size_t word);

/* Devices */
bool device_gone(const struct model_device *d);
bool devices_begin(struct model *m);
/* Between two rounds: it may go, and another come. */
void devices_turn(struct model *m);
/* When nothing is allocated any more. */
void devices_end(struct model *m);
/* An operation: a device comes, and goes before what was allocated of it. */
void device_passes(struct actor *a, const u32 *r);

/* Pages */
void pages_hold(struct actor *a, const struct block *b, const u32 *r);
void pages_let_go(struct actor *a);
void pages_turn(struct rpt *t, struct model *m);
void pages_end(struct rpt *t, struct model *m);

/* What is compared when all are at rest. */
bool model_compare(struct rpt *t, struct model *m);
void model_baseline(struct rpt *t, struct model *m);

const char *model_tag(unsigned int tag);

#endif /* RPT_MODEL_H */
