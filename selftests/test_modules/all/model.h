/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The model test: actors on all CPUs, in tasks and in softirq, and one in the process
 * that runs the case, do random operations and keep a model of what must come of them.
 * Rounds of operations end with all actors at rest; then the model is compared with what rust_pool
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
	/* Mapped, for as long as it is a block. */
	MDL_PAGES,
	KINDS,
};

/* Families with counters of their own. */
enum family {
	FAMILY_CONTIGUOUS,
	FAMILY_NONCACHED,
	FAMILY_BUFFER,
	FAMILY_MDL_PAGES,
	FAMILY_IO_SPACE,
	FAMILIES,
};

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
#define VIEWS	16	/* pages of a block that it has mapped by an MDL */
#define LISTS	4	/* lookaside lists, of tags "Lst0" and so on */

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

/* A block's MDL, and what is done by it; see model_mdl.c. */
struct description {
	/* NULL: it has none. */
	PMDL mdl;
	/* Otherwise it was built. */
	bool locked;
	BOOLEAN write;
	/* Where the block is mapped once more, if it is locked. */
	void *mapped;
	/* The part of the block that it is of. */
	size_t from, bytes;
	/* At most one of these is there. */
	PSCATTER_GATHER_LIST list;
	PVOID registers;
	/* Where the list is, if in memory of our own. */
	void *room;
	/* Bytes that are mapped by the registers. */
	size_t transfers;
};

/* A lookaside list of any of the families; see model_lists.c. */
struct model_list {
	union {
		NPAGED_LOOKASIDE_LIST nonpaged;
		PAGED_LOOKASIDE_LIST paged;
		LOOKASIDE_LIST_EX ex;
	};
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
	/* Charged to the process. */
	bool charged;
	/* The lookaside list that it is an entry of, counted from 1. */
	unsigned int list;
	struct description mdl;
};

/* What a counter of rust_pool must have moved by. */
struct counts {
	s64 allocs, frees, bytes, used, failures;
};

/* What a lookaside list was asked for, and how many of its entries are out. */
struct entries {
	u64 taken, given, failed;
	s64 out;
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
	/* Where it acts; neither: in a thread of the kernel, which no process pays for. */
	bool softirq, process;
	struct rnd_state rnd;
	u64 seeds;

	bool in_use[SLOTS];
	struct block slots[SLOTS];
	spinlock_t lock;	/* of the inbox */
	unsigned int given;
	struct block inbox[INBOX];

	struct counts tags[TAGS][2];
	struct counts families[FAMILIES];
	struct counts mdls;
	struct entries lists[LISTS];
	struct expected bad[BAD_MAX];
	unsigned int bad_count, bad_left;
	struct hold holds[HOLDS];

	u64 left, operations, handed, unmet, held, passed;
	u64 described, parts, shown, spaces, listed, packets, charged;
	/* Of the operations, to tell whether two runs had the same. */
	u64 digest;
	unsigned int wrong;
	char what[160];

	struct completion go;
	struct work_struct work;
};

struct model {
	struct pci_dev *edu;
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
	struct counts before_mdls;
	struct model_list lists[LISTS], nobody;
	struct counts before_lists[LISTS];
	/* Pages of a block that the process has mapped by their MDL. */
	struct hold views[VIEWS];
	PMDL view;
	void *view_at;
	u64 viewed;
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

/* Calls the routine that frees it, and does not keep account. */
void actor_free_once(struct actor *a, struct block *b);
void actor_in_context(enum rpt_context context, void (*fn)(void *arg), void *arg);
/* A violation that this actor has just caused, or is about to. */
void actor_expect(struct actor *a, u32 code, const void *address, u64 p1);

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
/* Between two rounds: what the process has mapped, it may unmap, and map others. */
void pages_turn(struct rpt *t, struct model *m);
void pages_end(struct rpt *t, struct model *m);

/* MDLs */
/* An operation on the MDL of a block that is there. */
void mdl_step(struct actor *a, struct block *b, const u32 *r);
/* Undoes all of it. */
void mdl_end(struct actor *a, struct block *b, u32 r);
/* Counts an MDL that was allocated, or is about to be freed. */
void mdl_count(struct actor *a, PMDL mdl, int sign);
/* Map registers that the block's MDL uses. */
size_t mdl_registers(const struct block *b);

/* Pages of MDLs, as blocks; for a task. */
void mdl_pages_allocate(struct actor *a, struct block *b, u32 r);
void mdl_pages_free(struct actor *a, struct block *b, u32 r);
void mdl_pages_bad(struct actor *a, struct block *b, u32 r);

/* Lookaside lists */
void lists_begin(struct rpt *t, struct model *m);
/* Between two rounds: one may be flushed. */
void lists_turn(struct rpt *t, struct model *m);
/* When no entry is out any more. */
void lists_end(struct rpt *t, struct model *m);
/* By its number, from 1 on. */
#define MODEL_LIST_TAG(list)	('tsL' | (ULONG)('0' + (list) - 1) << 24)
size_t list_bytes(unsigned int list);
void *list_take(struct model *m, unsigned int list);
void list_give(struct model *m, unsigned int list, void *entry);
/* A tag that no block has: what is freed with it cannot be freed by luck. */
#define MODEL_TAG_NOBODY	('ydbN')
/* To a list of that tag. */
void list_give_to_nobody(struct model *m, void *entry);
void lists_compare(struct rpt *t, struct model *m);

/* What is compared when all are at rest. */
bool model_compare(struct rpt *t, struct model *m);
void model_baseline(struct rpt *t, struct model *m);

const char *model_tag(unsigned int tag);
struct counts model_counts(const struct rpt_row *row);

#endif /* RPT_MODEL_H */
