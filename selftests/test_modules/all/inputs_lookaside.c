// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input to lookaside lists of all three kinds: heads that are none, and entries
 * that are not the list's.
 */
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "inputs.h"

enum list_family { NPAGED_LIST, PAGED_LIST, EX_LIST, EX_PAGED_LIST };

union head {
	NPAGED_LOOKASIDE_LIST nonpaged;
	PAGED_LOOKASIDE_LIST paged;
	LOOKASIDE_LIST_EX ex;
};

/* What is passed as the list. */
enum which { LIST, NO_LIST, ZEROED, DELETED };

enum routine { INITIALISE, TAKE, GIVE, FLUSH, DELETE };

static const POOL_TYPE types[] = {
	[NPAGED_LIST] = 0,
	[PAGED_LIST] = 0,
	[EX_LIST] = NonPagedPoolNx,
	[EX_PAGED_LIST] = PagedPool,
};

static u32 initialise(enum list_family family, union head *list, POOL_TYPE type, ULONG flags,
		      size_t bytes, ULONG tag)
{
	switch (family) {
	case NPAGED_LIST:
		ExInitializeNPagedLookasideList(list ? &list->nonpaged : NULL, NULL, NULL,
						flags, bytes, tag, 0);
		return 0;
	case PAGED_LIST:
		ExInitializePagedLookasideList(list ? &list->paged : NULL, NULL, NULL, flags,
					       bytes, tag, 0);
		return 0;
	default:
		return ExInitializeLookasideListEx(list ? &list->ex : NULL, NULL, NULL, type,
						   flags, bytes, tag, 0);
	}
}

static void *take(enum list_family family, union head *list)
{
	switch (family) {
	case NPAGED_LIST:
		return ExAllocateFromNPagedLookasideList(&list->nonpaged);
	case PAGED_LIST:
		return ExAllocateFromPagedLookasideList(&list->paged);
	default:
		return ExAllocateFromLookasideListEx(&list->ex);
	}
}

static void give(enum list_family family, union head *list, void *entry)
{
	switch (family) {
	case NPAGED_LIST:
		ExFreeToNPagedLookasideList(&list->nonpaged, entry);
		break;
	case PAGED_LIST:
		ExFreeToPagedLookasideList(&list->paged, entry);
		break;
	default:
		ExFreeToLookasideListEx(&list->ex, entry);
		break;
	}
}

static void delete(enum list_family family, union head *list)
{
	switch (family) {
	case NPAGED_LIST:
		ExDeleteNPagedLookasideList(&list->nonpaged);
		break;
	case PAGED_LIST:
		ExDeletePagedLookasideList(&list->paged);
		break;
	default:
		ExDeleteLookasideListEx(&list->ex);
		break;
	}
}

struct row {
	struct input in;
	enum routine routine;
	enum list_family family;
	enum which which;
	/* Lists that are made. */
	POOL_TYPE type;
	ULONG flags, tag;
	u32 status;
	size_t bytes;
	/* What is freed to it. */
	struct subject subject;
	/* There is a list, whose entries are larger than any memory. */
	bool no_entry;
	/* It is done: there is a list, an entry, or what was freed is gone. */
	bool done;
};

/* Lists that are made */

#define MAKE(_family, _what, _contexts, _code, _p1, ...) { \
	.in = { "initialise", #_family "_" _what, _contexts, _code, _p1 }, \
	.family = _family, .bytes = 100, .tag = TAG_INPUT, __VA_ARGS__ }
#define NOT_MADE(_family, _what, _code, _p1, ...) \
	MAKE(_family, _what, EACH_IRQL, _code, _p1, __VA_ARGS__)

static const struct row makings[] = {
	MAKE(NPAGED_LIST, "right", ANYWHERE, 0, 0, .done = true),
	MAKE(PAGED_LIST, "right", EACH_IRQL, 0, 0, .done = true),
	MAKE(EX_LIST, "right", ANYWHERE, 0, 0, .done = true),
	MAKE(EX_PAGED_LIST, "right", EACH_IRQL, 0, 0, .type = PagedPool, .done = true),
	MAKE(NPAGED_LIST, "right", IN_NMI, 0xc2, 0x09),
	MAKE(PAGED_LIST, "right", IN_NMI, 0xc2, 0x09),
	MAKE(EX_LIST, "right", IN_NMI, 0xc2, 0x09, .status = 0xc000000d),
	NOT_MADE(NPAGED_LIST, "NULL", 0xc4, 0x16, .which = NO_LIST),
	NOT_MADE(PAGED_LIST, "NULL", 0xc4, 0x16, .which = NO_LIST),
	NOT_MADE(EX_LIST, "NULL", 0xc4, 0x16, .which = NO_LIST, .status = 0xc000000d),
	NOT_MADE(NPAGED_LIST, "0_bytes", 0xc2, 0x00, .bytes = 0),
	NOT_MADE(PAGED_LIST, "0_bytes", 0xc2, 0x00, .bytes = 0),
	NOT_MADE(EX_LIST, "0_bytes", 0xc2, 0x00, .bytes = 0, .status = 0xc000000d),
	/* Told, and done. */
	MAKE(NPAGED_LIST, "7_bytes", EACH_IRQL, 0xc4, 0x16, .bytes = 7, .done = true),
	MAKE(PAGED_LIST, "7_bytes", EACH_IRQL, 0xc4, 0x16, .bytes = 7, .done = true),
	MAKE(EX_LIST, "1_byte", EACH_IRQL, 0, 0, .bytes = 1, .done = true),
	MAKE(NPAGED_LIST, "8_bytes", EACH_IRQL, 0, 0, .bytes = 8, .done = true),
	NOT_MADE(NPAGED_LIST, "zeroing", 0xc4, 0x16, .flags = POOL_ZERO_ALLOCATION),
	NOT_MADE(PAGED_LIST, "quota", 0xc4, 0x16, .flags = 8),
	NOT_MADE(NPAGED_LIST, "all_flags", 0xc4, 0x16, .flags = U32_MAX),
	MAKE(NPAGED_LIST, "raising", EACH_IRQL, 0, 0,
	     .flags = POOL_RAISE_IF_ALLOCATION_FAILURE, .done = true),
	MAKE(EX_LIST, "2^32+100_bytes", EACH_IRQL, 0, 0, .bytes = (1UL << 32) + 100,
	     .no_entry = true, .done = true),
	MAKE(EX_LIST, "2^64-1_bytes", EACH_IRQL, 0, 0, .bytes = SIZE_MAX, .no_entry = true,
	     .done = true),
	NOT_MADE(EX_LIST, "flags_3", 0, 0, .flags = 3, .status = 0xc00000f3),
	NOT_MADE(EX_LIST, "flag_4", 0, 0, .flags = 4, .status = 0xc00000f3),
	NOT_MADE(EX_LIST, "all_flags", 0, 0, .flags = U32_MAX, .status = 0xc00000f3),
	NOT_MADE(EX_LIST, "type_2", 0, 0, .type = 2, .status = 0xc00000f2),
	NOT_MADE(EX_LIST, "type_32", 0, 0, .type = 32, .status = 0xc00000f2),
	NOT_MADE(EX_LIST, "type_2^31", 0, 0, .type = 1u << 31, .status = 0xc00000f2),
};

struct call {
	const struct row *row;
	enum routine routine;
	union head *list;
	void *entry;
	u32 status;
};

static void do_call(void *arg)
{
	struct call *c = arg;
	const struct row *row = c->row;

	switch (c->routine) {
	case INITIALISE:
		c->status = initialise(row->family, c->list, row->type, row->flags,
				       row->bytes, row->tag);
		break;
	case TAKE:
		c->entry = take(row->family, c->list);
		break;
	case GIVE:
		give(row->family, c->list, c->entry);
		break;
	case FLUSH:
		ExFlushLookasideListEx(&c->list->ex);
		break;
	case DELETE:
		delete(row->family, c->list);
		break;
	}
}

static void run_making(struct rpt *t, const void *data, enum rpt_context context)
{
	static union head list;
	const struct row *row = data;
	struct call c = { .row = row, .list = row->which == NO_LIST ? NULL : &list };
	void *entry;

	memset(&list, 0, sizeof(list));
	rpt_in_context(context, do_call, &c);
	if (!input_judge(t, &row->in, context))
		return;
	EXPECT_EQ(t, c.status, row->status);
	if (!row->done)
		return;
	entry = take(row->family, &list);
	EXPECT_EQ(t, !entry, row->no_entry);
	if (entry)
		give(row->family, &list, entry);
	delete(row->family, &list);
}

const struct input_table list_makings = INPUT_TABLE("lookaside", makings, run_making);

/* Lists that are used */

#define USE(_routine, _family, _what, _contexts, _code, _p1, ...) { \
	.in = { #_routine, #_family "_" _what, _contexts, _code, _p1 }, \
	.routine = _routine, .family = _family, __VA_ARGS__ }
#define OF_NONE(_routine, _family, _what, _which) \
	USE(_routine, _family, _what, EACH_IRQL, 0xc4, 0x16, .which = _which)

static const struct row uses[] = {
	USE(TAKE, NPAGED_LIST, "right", ANYWHERE, 0, 0, .done = true),
	USE(TAKE, EX_LIST, "right", ANYWHERE, 0, 0, .done = true),
	USE(TAKE, PAGED_LIST, "right", IN_TASK, 0, 0, .done = true),
	USE(TAKE, EX_PAGED_LIST, "right", IN_TASK, 0, 0, .done = true),
	USE(TAKE, PAGED_LIST, "right", IN_ATOMIC, 0xc2, 0x08),
	USE(TAKE, EX_PAGED_LIST, "right", IN_ATOMIC, 0xc2, 0x08),
	USE(TAKE, NPAGED_LIST, "right", IN_NMI, 0xc2, 0x08),
	USE(TAKE, PAGED_LIST, "right", IN_NMI, 0xc2, 0x08),
	USE(TAKE, EX_LIST, "right", IN_NMI, 0xc2, 0x08),
	OF_NONE(TAKE, NPAGED_LIST, "NULL", NO_LIST),
	OF_NONE(TAKE, NPAGED_LIST, "zeroed", ZEROED),
	OF_NONE(TAKE, NPAGED_LIST, "deleted", DELETED),
	OF_NONE(TAKE, PAGED_LIST, "NULL", NO_LIST),
	OF_NONE(TAKE, PAGED_LIST, "zeroed", ZEROED),
	OF_NONE(TAKE, PAGED_LIST, "deleted", DELETED),
	OF_NONE(TAKE, EX_LIST, "NULL", NO_LIST),
	OF_NONE(TAKE, EX_LIST, "zeroed", ZEROED),
	OF_NONE(TAKE, EX_LIST, "deleted", DELETED),
	OF_NONE(DELETE, NPAGED_LIST, "NULL", NO_LIST),
	OF_NONE(DELETE, NPAGED_LIST, "zeroed", ZEROED),
	OF_NONE(DELETE, NPAGED_LIST, "deleted", DELETED),
	OF_NONE(DELETE, PAGED_LIST, "NULL", NO_LIST),
	OF_NONE(DELETE, PAGED_LIST, "zeroed", ZEROED),
	OF_NONE(DELETE, PAGED_LIST, "deleted", DELETED),
	OF_NONE(DELETE, EX_LIST, "NULL", NO_LIST),
	OF_NONE(DELETE, EX_LIST, "zeroed", ZEROED),
	OF_NONE(DELETE, EX_LIST, "deleted", DELETED),
	OF_NONE(FLUSH, EX_LIST, "NULL", NO_LIST),
	OF_NONE(FLUSH, EX_LIST, "zeroed", ZEROED),
	OF_NONE(FLUSH, EX_LIST, "deleted", DELETED),
	USE(FLUSH, EX_LIST, "right", ANYWHERE, 0, 0),
	USE(FLUSH, EX_LIST, "right", IN_NMI, 0xc2, 0x09),
	USE(DELETE, NPAGED_LIST, "right", ANYWHERE, 0, 0, .done = true),
	USE(DELETE, EX_LIST, "right", ANYWHERE, 0, 0, .done = true),
	USE(DELETE, NPAGED_LIST, "right", IN_NMI, 0xc2, 0x09),
	USE(DELETE, PAGED_LIST, "right", IN_NMI, 0xc2, 0x09),
	USE(DELETE, EX_LIST, "right", IN_NMI, 0xc2, 0x09),
};

/* A list that has an entry. */
static void begin(struct rpt *t, enum list_family family, union head *list, size_t bytes)
{
	void *entry;

	initialise(family, list, types[family], 0, bytes, TAG_INPUT);
	entry = take(family, list);
	if (EXPECT(t, entry))
		give(family, list, entry);
}

static union head *head_for(enum which which, union head *list)
{
	static union head zeroed;

	return which == NO_LIST ? NULL : which == ZEROED ? &zeroed : list;
}

static void run_use(struct rpt *t, const void *data, enum rpt_context context)
{
	static union head list;
	const struct row *row = data;
	struct call c = { .row = row, .routine = row->routine };
	bool gone = row->which == DELETED;

	begin(t, row->family, &list, 100);
	if (gone)
		delete(row->family, &list);
	c.list = head_for(row->which, &list);
	rpt_in_context(context, do_call, &c);
	if (!input_judge(t, &row->in, context))
		return;
	EXPECT_EQ(t, !!c.entry, row->routine == TAKE && row->done);
	if (c.entry)
		give(row->family, &list, c.entry);
	if (!gone && !(row->routine == DELETE && row->done))
		delete(row->family, &list);
}

const struct input_table list_uses = INPUT_TABLE("lookaside", uses, run_use);

/* What is freed to them */

#define GIVEN(_family, _what, _contexts, _code, _p1, _or_p1, _done, ...) { \
	.in = { "give", #_family "_" _what, _contexts, _code, _p1, _or_p1 }, \
	.family = _family, .bytes = 100, .done = _done, .subject = { __VA_ARGS__ } }
#define KEPT(_family, _what, _contexts, ...) \
	GIVEN(_family, _what, _contexts, 0, 0, 0, true, __VA_ARGS__)
#define TOLD(_family, _what, _contexts, ...) \
	GIVEN(_family, _what, _contexts, 0xc2, 0x09, 0, true, __VA_ARGS__)
#define NOT_KEPT(_family, _what, _contexts, _p1, _or_p1, ...) \
	GIVEN(_family, _what, _contexts, 0xc2, _p1, _or_p1, false, __VA_ARGS__)
#define TO_NONE(_which, _what) { \
	.in = { "give", _what, EACH_IRQL, 0xc4, 0x16 }, .which = _which, .bytes = 100, \
	.done = true, .subject = { NONPAGED, 100 } }

static const struct row gifts[] = {
	KEPT(NPAGED_LIST, "100", ANYWHERE, NONPAGED, 100),
	KEPT(NPAGED_LIST, "another_size", ANYWHERE, NONPAGED, 1000),
	KEPT(NPAGED_LIST, "4096", EACH_IRQL, NONPAGED, 4096),
	KEPT(NPAGED_LIST, "1M", EACH_IRQL, NONPAGED, SZ_1M),
	KEPT(NPAGED_LIST, "paged", IN_TASK, PAGED, 100),
	KEPT(PAGED_LIST, "100", IN_TASK, PAGED, 100),
	KEPT(PAGED_LIST, "nonpaged", IN_TASK, NONPAGED, 100),
	KEPT(EX_LIST, "100", ANYWHERE, NONPAGED, 100),
	TOLD(NPAGED_LIST, "paged", IN_ATOMIC, PAGED, 100),
	TOLD(PAGED_LIST, "100", IN_ATOMIC, PAGED, 100),
	TOLD(EX_PAGED_LIST, "100", IN_ATOMIC, PAGED, 100),
	NOT_KEPT(NPAGED_LIST, "100", IN_NMI, 0x09, 0, NONPAGED, 100),
	NOT_KEPT(PAGED_LIST, "100", IN_NMI, 0x09, 0, PAGED, 100),
	NOT_KEPT(EX_LIST, "100", IN_NMI, 0x09, 0, NONPAGED, 100),
	NOT_KEPT(NPAGED_LIST, "NULL", EACH_IRQL, 0x46, 0, ADDRESS),
	NOT_KEPT(PAGED_LIST, "NULL", IN_TASK, 0x46, 0, ADDRESS),
	NOT_KEPT(EX_LIST, "NULL", EACH_IRQL, 0x46, 0, ADDRESS),
	NOT_KEPT(NPAGED_LIST, "8", EACH_IRQL, 0x40, 0, ADDRESS, 0, 8),
	NOT_KEPT(NPAGED_LIST, "4096", EACH_IRQL, 0x40, 0, ADDRESS, 0, 4096),
	NOT_KEPT(NPAGED_LIST, "last_user_page", EACH_IRQL, 0x40, 0, ADDRESS, 0,
		 0x7fffffffe000),
	NOT_KEPT(NPAGED_LIST, "2^63", EACH_IRQL, 0x46, 0, ADDRESS, 0, S64_MIN),
	NOT_KEPT(EX_LIST, "minus_1", EACH_IRQL, 0x46, 0, ADDRESS, 0, -1),
	NOT_KEPT(NPAGED_LIST, "minus_48", EACH_IRQL, 0x46, 0, ADDRESS, 0, -48),
	NOT_KEPT(NPAGED_LIST, "slab", EACH_IRQL, 0x46, 0x07, SLAB, 100),
	NOT_KEPT(EX_LIST, "pages", IN_TASK, 0x46, 0x07, PAGES, 8192),
	NOT_KEPT(NPAGED_LIST, "vmalloc", EACH_IRQL, 0x46, 0x07, VMALLOC, 8192),
	NOT_KEPT(NPAGED_LIST, "guard_page", EACH_IRQL, 0x46, 0x07, VMALLOC, 8192, 8192),
	NOT_KEPT(NPAGED_LIST, "rodata", IN_TASK, 0x46, 0x07, RODATA),
	NOT_KEPT(NPAGED_LIST, "stack", IN_TASK, 0x46, 0x07, STACK),
	NOT_KEPT(NPAGED_LIST, "device", EACH_IRQL, 0x46, 0x07, DEVICE),
	NOT_KEPT(NPAGED_LIST, "contiguous", EACH_IRQL, 0x46, 0x07, CONTIGUOUS, 4096),
	NOT_KEPT(EX_LIST, "noncached", IN_TASK, 0x46, 0x07, NONCACHED, 4096),
	NOT_KEPT(NPAGED_LIST, "inside", EACH_IRQL, 0x99, 0, NONPAGED, 100, 16),
	NOT_KEPT(EX_LIST, "inside_by_a_byte", EACH_IRQL, 0x99, 0, NONPAGED, 100, 1),
	NOT_KEPT(NPAGED_LIST, "inside_pages", EACH_IRQL, 0x99, 0, NONPAGED, 20000, 4096),
	NOT_KEPT(NPAGED_LIST, "twice", EACH_IRQL, 0x07, 0x46, NONPAGED, 100, 0, true),
	NOT_KEPT(PAGED_LIST, "twice", IN_TASK, 0x07, 0x46, PAGED, 100, 0, true),
	NOT_KEPT(EX_LIST, "twice_4096", EACH_IRQL, 0x07, 0x46, NONPAGED, 4096, 0, true),
	/* The pool gets it, and the report is of the list. */
	TO_NONE(NO_LIST, "to_NULL"),
	TO_NONE(ZEROED, "to_zeroed"),
	TO_NONE(DELETED, "to_deleted"),
};

static void run_gift(struct rpt *t, const void *data, enum rpt_context context)
{
	static union head list;
	const struct row *row = data;
	struct call c = { .row = row, .routine = GIVE };
	bool gone = row->which == DELETED;
	struct thing thing;

	begin(t, row->family, &list, row->bytes);
	if (!thing_make(t, &thing, &row->subject))
		return;
	if (gone)
		delete(row->family, &list);
	c.list = head_for(row->which, &list);
	c.entry = thing_address(&thing);
	rpt_in_context(context, do_call, &c);
	if (!input_judge(t, &row->in, context))
		return;
	thing_drop(t, &thing, row->done);
	/* What it kept of it goes with it. */
	if (!gone)
		delete(row->family, &list);
}

const struct input_table list_gifts = INPUT_TABLE("lookaside_free", gifts, run_gift);
