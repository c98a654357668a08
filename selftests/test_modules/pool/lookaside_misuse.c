// SPDX-License-Identifier: GPL-2.0
/*
 * Lookaside lists misused; and the module of all their suites, which can leave
 * lists behind, or keep some for whoever looks at the statistics.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "lookaside.h"

#define BAD_POOL_HEADER	0x19
#define VERIFIER	DRIVER_VERIFIER_DETECTED_VIOLATION

static bool leak;
module_param(leak, bool, 0);
MODULE_PARM_DESC(leak, "Leave lists behind instead of offering cases");

static bool hold;
module_param(hold, bool, 0);
MODULE_PARM_DESC(hold, "Have lists keep entries of tag Hold while the module is loaded");

bool lists_keep(struct rpt *t)
{
	NPAGED_LOOKASIDE_LIST list;
	bool keeps = false;
	void *entry;

	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 16, TAG_LOOK, 0);
	entry = ExAllocateFromNPagedLookasideList(&list);
	if (entry) {
		ExFreeToNPagedLookasideList(&list, entry);
		keeps = !list.L.FreeMisses;
	}
	ExDeleteNPagedLookasideList(&list);
	if (t && !keeps)
		rpt_skip(t, "lists keep nothing: a checker, or the verifier, is on");
	return keeps;
}

static void null_for_a_list(struct rpt *t)
{
	void *block = ExAllocatePoolWithTag(NonPagedPool, 100, TAG_LOOK);

	ExInitializeNPagedLookasideList(NULL, NULL, NULL, 0, 100, TAG_LOOK, 0);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	EXPECT_EQ(t, ExInitializeLookasideListEx(NULL, NULL, NULL, 0, 0, 100,
						 TAG_LOOK, 0),
		  STATUS_INVALID_PARAMETER);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	EXPECT(t, !ExAllocateFromNPagedLookasideList(NULL));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	/* The block is freed. */
	ExFreeToNPagedLookasideList(NULL, block);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	ExFlushLookasideListEx(NULL);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	ExDeletePagedLookasideList(NULL);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
}

static void initialised_badly(struct rpt *t)
{
	static NPAGED_LOOKASIDE_LIST list;
	LOOKASIDE_LIST_EX ex;
	void *entry;

	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 0, TAG_LOOK, 0);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x00);
	EXPECT(t, !ExAllocateFromNPagedLookasideList(&list));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	EXPECT_EQ(t, ExInitializeLookasideListEx(&ex, NULL, NULL, 0, 0, 0, TAG_LOOK,
						 0),
		  STATUS_INVALID_PARAMETER);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x00);
	ExInitializeNPagedLookasideList(&list, NULL, NULL, POOL_ZERO_ALLOCATION, 100,
					TAG_LOOK, 0);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	EXPECT(t, !ExAllocateFromNPagedLookasideList(&list));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	/* What is too small for a link is told, and works. */
	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 1, TAG_LOOK, 0);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	entry = ExAllocateFromNPagedLookasideList(&list);
	if (EXPECT(t, entry))
		ExFreeToNPagedLookasideList(&list, entry);
	ExDeleteNPagedLookasideList(&list);
	/* The other family has no smallest size. */
	EXPECT_EQ(t, ExInitializeLookasideListEx(&ex, NULL, NULL, 0, 0, 1, TAG_LOOK,
						 0),
		  STATUS_SUCCESS);
	ExDeleteLookasideListEx(&ex);
}

static void initialised_twice(struct rpt *t)
{
	const struct rpt_violation *v;
	NPAGED_LOOKASIDE_LIST list;
	struct rpt_row before, row;
	void *one, *two;

	rpt_tag(t, "Look", false, &before);
	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 100, TAG_LOOK, 0);
	one = ExAllocateFromNPagedLookasideList(&list);
	two = ExAllocateFromNPagedLookasideList(&list);
	if (!EXPECT(t, one && two))
		return;
	ExFreeToNPagedLookasideList(&list, one);
	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 100, TAG_LOOK, 0);
	v = EXPECT_VIOLATION(t, VERIFIER, 0x16);
	if (v) {
		EXPECT(t, rpt_shows(v->p[1], &list));
		EXPECT_EQ(t, v->p[2], TAG_LOOK);
		EXPECT_EQ(t, v->p[3], 1);
	}
	/* What it kept was given back; the other entry was not lost. */
	rpt_tag(t, "Look", false, &row);
	EXPECT_EQ(t, row.diff - before.diff, 1);
	ExFreeToNPagedLookasideList(&list, two);
	ExDeleteNPagedLookasideList(&list);
}

static void not_initialised(struct rpt *t)
{
	static NPAGED_LOOKASIDE_LIST none;
	struct rpt_row before, row;
	LOOKASIDE_LIST_EX list;
	void *entry;

	EXPECT(t, !ExAllocateFromNPagedLookasideList(&none));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	ExDeleteNPagedLookasideList(&none);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);

	rpt_tag(t, "Look", false, &before);
	ExInitializeLookasideListEx(&list, NULL, NULL, 0, 0, 100, TAG_LOOK, 0);
	entry = ExAllocateFromLookasideListEx(&list);
	if (!EXPECT(t, entry))
		return;
	ExDeleteLookasideListEx(&list);
	EXPECT_VIOLATION(t, VERIFIER, 0x62);
	ExFreeToLookasideListEx(&list, entry);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	rpt_tag(t, "Look", false, &row);
	EXPECT_EQ(t, row.diff, before.diff);
	EXPECT(t, !ExAllocateFromLookasideListEx(&list));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	ExFlushLookasideListEx(&list);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	ExDeleteLookasideListEx(&list);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
}

static void deleted_with_entries(struct rpt *t)
{
	const struct rpt_violation *v;
	NPAGED_LOOKASIDE_LIST list;
	void *entries[3];
	unsigned int i;

	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 100, TAG_LOOK, 0);
	for (i = 0; i < 3; i++)
		entries[i] = ExAllocateFromNPagedLookasideList(&list);
	if (!EXPECT(t, entries[0] && entries[1] && entries[2]))
		return;
	ExFreeToNPagedLookasideList(&list, entries[0]);
	ExDeleteNPagedLookasideList(&list);
	v = EXPECT_VIOLATION(t, VERIFIER, 0x62);
	if (v) {
		EXPECT(t, rpt_shows(v->p[1], &list));
		EXPECT_EQ(t, v->p[2], 2);
	}
	/* They are still the client's. */
	for (i = 1; i < 3; i++)
		ExFreePoolWithTag(entries[i], TAG_LOOK);
}

static LOOKASIDE_LIST_EX nmi_list;

static void initialise(void *arg)
{
	ExInitializeLookasideListEx(&nmi_list, NULL, NULL, 0, 0, 100, TAG_LOOK, 0);
}

static void flush(void *arg)
{
	ExFlushLookasideListEx(&nmi_list);
}

static void delete(void *arg)
{
	ExDeleteLookasideListEx(&nmi_list);
}

/* Told, and not done. */
static void changed_in_nmi(struct rpt *t)
{
	rpt_in_context(RPT_NMI, initialise, NULL);
	EXPECT_VIOLATIONS(t, 1);
	delete(NULL);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	initialise(NULL);
	rpt_in_context(RPT_NMI, flush, NULL);
	EXPECT_VIOLATIONS(t, 1);
	rpt_in_context(RPT_NMI, delete, NULL);
	EXPECT_VIOLATIONS(t, 1);
	delete(NULL);
}

static const struct rpt_arg sizes[] = {
	{ "100", 100 },
	{ "4096", SZ_4K },
	{ "128K", SZ_128K },
	{ }
};

/* Of what is no entry, nothing is kept. */
static void freed_badly(struct rpt *t)
{
	static const u64 wild[] = { 0, 8, 4096, 0x7fffffffe000, 0x8000000000000000,
		U64_MAX, -48ULL, 0xffff800000000000, 0xffffc90000000000 };
	NPAGED_LOOKASIDE_LIST list;
	ULONG size = rpt_value(t);
	void *entry, *other, *alien;
	unsigned int i;

	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, size, TAG_LOOK, 0);
	entry = ExAllocateFromNPagedLookasideList(&list);
	other = ExAllocatePoolWithTag(NonPagedPool, size, 'rehO');
	alien = kmalloc(size, GFP_KERNEL);
	if (!EXPECT(t, entry && other && alien))
		return;
	for (i = 0; i < ARRAY_SIZE(wild); i++) {
		ExFreeToNPagedLookasideList(&list, (void *)wild[i]);
		EXPECT_VIOLATIONS(t, 1);
	}
	ExFreeToNPagedLookasideList(&list, &list);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
	/* Its pages may have been a block a moment ago. */
	ExFreeToNPagedLookasideList(&list, alien);
	EXPECT_VIOLATIONS(t, 1);
	ExFreeToNPagedLookasideList(&list, other);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x0a);
	ExFreeToNPagedLookasideList(&list, (char *)entry + 16);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x99);
	kfree(alien);
	ExFreePoolWithTag(other, 'rehO');
	ExFreeToNPagedLookasideList(&list, entry);
	ExDeleteNPagedLookasideList(&list);
}

static void freed_twice(struct rpt *t)
{
	NPAGED_LOOKASIDE_LIST list;
	ULONG size = rpt_value(t);
	void *one, *two;

	if (!lists_keep(t))
		return;
	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, size, TAG_LOOK, 0);
	one = ExAllocateFromNPagedLookasideList(&list);
	two = ExAllocateFromNPagedLookasideList(&list);
	if (!EXPECT(t, one && two))
		return;
	ExFreeToNPagedLookasideList(&list, one);
	ExFreeToNPagedLookasideList(&list, one);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
	ExFreeToNPagedLookasideList(&list, two);
	/* Not the last of them either. */
	ExFreeToNPagedLookasideList(&list, one);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
	if (size <= 4064) {
		ExFreePoolWithTag(one, TAG_LOOK);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
	}
	EXPECT(t, ExAllocateFromNPagedLookasideList(&list) == two);
	EXPECT(t, ExAllocateFromNPagedLookasideList(&list) == one);
	ExFreeToNPagedLookasideList(&list, one);
	ExFreeToNPagedLookasideList(&list, two);
	ExDeleteNPagedLookasideList(&list);
}

/* Any block will do that is as the entries are. */
static void freed_from_elsewhere(struct rpt *t)
{
	NPAGED_LOOKASIDE_LIST list;
	ULONG size = rpt_value(t);
	void *block;

	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, size, TAG_LOOK, 0);
	block = ExAllocatePoolWithTag(NonPagedPool, size, TAG_LOOK);
	if (EXPECT(t, block))
		ExFreeToNPagedLookasideList(&list, block);
	/* One that is not goes back to pool. */
	block = ExAllocatePoolWithTag(NonPagedPool, size + 100, TAG_LOOK);
	if (EXPECT(t, block))
		ExFreeToNPagedLookasideList(&list, block);
	block = ExAllocateFromNPagedLookasideList(&list);
	if (EXPECT(t, block))
		ExFreeToNPagedLookasideList(&list, block);
	ExDeleteNPagedLookasideList(&list);
}

/* The block of a list that was not deleted is freed, and another module gets it. */
static void initialised_where_another_was(struct rpt *t)
{
	PNPAGED_LOOKASIDE_LIST list = ExAllocatePoolWithTag(NonPagedPool, sizeof(*list),
							    TAG_LOOK);
	const struct rpt_violation *v;

	if (!EXPECT(t, list))
		return;
	rpt_other_list(list);
	ExInitializeNPagedLookasideList(list, NULL, NULL, 0, 100, TAG_LOOK, 0);
	v = EXPECT_VIOLATION(t, VERIFIER, 0x16);
	if (v) {
		EXPECT(t, strstr(v->text, "[rp_test_lookaside_other]"));
		EXPECT(t, strstr(v->text, "memory of a lookaside list was reused"));
	}
	ExDeleteNPagedLookasideList(list);
	ExFreePoolWithTag(list, TAG_LOOK);
}

#define MANY	512

/* A head that outlives its list: the record of the list is another's by now. */
static void used_when_gone(struct rpt *t)
{
	static NPAGED_LOOKASIDE_LIST list, stale;
	PNPAGED_LOOKASIDE_LIST lists;
	unsigned int i;
	void *entry;

	if (!lists_keep(t))
		return;
	lists = kcalloc(MANY, sizeof(*lists), GFP_KERNEL);
	if (!EXPECT(t, lists))
		return;
	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 100, TAG_LOOK, 0);
	stale = list;
	ExDeleteNPagedLookasideList(&list);
	/* What is freed by RCU is free after this, probably: it waits for five seconds. */
	msleep(6000);
	rcu_barrier();
	for (i = 0; i < MANY; i++) {
		ExInitializeNPagedLookasideList(&lists[i], NULL, NULL, 0, 16, TAG_LOOK,
						0);
		entry = ExAllocateFromNPagedLookasideList(&lists[i]);
		if (EXPECT(t, entry))
			ExFreeToNPagedLookasideList(&lists[i], entry);
	}
	EXPECT(t, !ExAllocateFromNPagedLookasideList(&stale));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	/* The pool gets this, and no other list. */
	entry = ExAllocatePoolWithTag(NonPagedPool, 16, TAG_LOOK);
	ExFreeToNPagedLookasideList(&stale, entry);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	for (i = 0; i < MANY; i++)
		ExDeleteNPagedLookasideList(&lists[i]);
	kfree(lists);
}

static const struct rpt_arg header_bytes[] = {
	{ "units", -14 },
	{ "tag", -9 },
	{ "bytes", -8 },
	{ "row", -6 },
	{ "check", -1 },
	{ }
};

/* It is not given out again, but reported by the pool. */
static void header_overwritten(struct rpt *t)
{
	NPAGED_LOOKASIDE_LIST list;
	int at = (int)rpt_value(t);
	char *entry, *other;

	if (at == -1 && IS_ENABLED(CONFIG_KASAN)) {
		rpt_skip(t, "where KASAN lays blocks out, the pool cannot be sure of this header");
		return;
	}
	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 100, TAG_LOOK, 0);
	entry = ExAllocateFromNPagedLookasideList(&list);
	if (!EXPECT(t, entry))
		return;
	entry[at] ^= 0x5a;
	ExFreeToNPagedLookasideList(&list, entry);
	EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x20);
	other = ExAllocateFromNPagedLookasideList(&list);
	EXPECT(t, other && other != entry);
	ExFreeToNPagedLookasideList(&list, other);
	ExDeleteNPagedLookasideList(&list);
}

/* The links of what a list keeps go round: none is given out twice. */
static void link_overwritten(struct rpt *t)
{
	NPAGED_LOOKASIDE_LIST list;
	ULONG size = rpt_value(t);
	void *got[3], *more;
	unsigned int i;

	if (!lists_keep(t))
		return;
	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, size, TAG_LOOK, 0);
	for (i = 0; i < 3; i++) {
		got[i] = ExAllocateFromNPagedLookasideList(&list);
		if (!EXPECT(t, got[i]))
			return;
	}
	ExFreeToNPagedLookasideList(&list, got[0]);
	ExFreeToNPagedLookasideList(&list, got[1]);
	*(void **)got[0] = got[1];
	ExFreeToNPagedLookasideList(&list, got[2]);
	EXPECT(t, ExAllocateFromNPagedLookasideList(&list) == got[2]);
	EXPECT(t, ExAllocateFromNPagedLookasideList(&list) == got[1]);
	EXPECT(t, ExAllocateFromNPagedLookasideList(&list) == got[0]);
	more = ExAllocateFromNPagedLookasideList(&list);
	if (EXPECT(t, more && more != got[0] && more != got[1] && more != got[2]))
		ExFreeToNPagedLookasideList(&list, more);
	ExFreeToNPagedLookasideList(&list, got[0]);
	ExFreeToNPagedLookasideList(&list, got[1]);
	/* They end too early. Small blocks would be lost, as they look freed. */
	if (size > 4064)
		*(void **)got[1] = NULL;
	ExFreeToNPagedLookasideList(&list, got[2]);
	ExDeleteNPagedLookasideList(&list);
	if (size > 4064) {
		EXPECT_VIOLATION(t, VERIFIER, 0x62);
		ExFreePoolWithTag(got[0], TAG_LOOK);
		ExFreePoolWithTag(more, TAG_LOOK);
	}
}

static const struct rpt_case cases[] = {
	{ "null_for_a_list", null_for_a_list },
	{ "initialised_badly", initialised_badly },
	{ "initialised_twice", initialised_twice },
	{ "not_initialised", not_initialised },
	{ "deleted_with_entries", deleted_with_entries },
	{ "changed_in_nmi", changed_in_nmi },
	{ "freed_badly", freed_badly, sizes },
	{ "freed_twice", freed_twice, sizes },
	{ "freed_from_elsewhere", freed_from_elsewhere, sizes },
	{ "initialised_where_another_was", initialised_where_another_was },
	{ "used_when_gone", used_when_gone },
	{ "header_overwritten", header_overwritten, header_bytes },
	{ "link_overwritten", link_overwritten, sizes },
};

const struct rpt_suite lookaside_misuse_suite = RPT_SUITE("lookaside_misuse", cases);

static const struct rpt_suite *const suites[] = {
	&lookaside_suite,
	&lookaside_misuse_suite,
};

/* What is held: a small entry and one of pages are kept, and another small one is out. */
static NPAGED_LOOKASIDE_LIST held, held_pages, held_out;
static void *older;
static void *key;

/* One entry is out and one is kept; the head of the other list is gone. */
static noinline int leave_behind(void)
{
	static NPAGED_LOOKASIDE_LIST left;
	PPAGED_LOOKASIDE_LIST lost = kmalloc(sizeof(*lost), GFP_KERNEL);
	void *entry, *out;

	if (!lost)
		return -ENOMEM;
	ExInitializeNPagedLookasideList(&left, NULL, NULL, 0, 100, 'tfeL', 0);
	entry = ExAllocateFromNPagedLookasideList(&left);
	out = ExAllocateFromNPagedLookasideList(&left);
	if (!entry || !out)
		return -ENOMEM;
	ExFreeToNPagedLookasideList(&left, entry);
	ExInitializePagedLookasideList(lost, NULL, NULL, 0, 200, 'tsoL', 0);
	entry = ExAllocateFromPagedLookasideList(lost);
	if (!entry)
		return -ENOMEM;
	ExFreeToPagedLookasideList(lost, entry);
	kfree(lost);
	return 0;
}

static int hold_one(NPAGED_LOOKASIDE_LIST *list, size_t bytes)
{
	void *entry;

	ExInitializeNPagedLookasideList(list, NULL, NULL, 0, bytes, 'dloH', 0);
	entry = ExAllocateFromNPagedLookasideList(list);
	if (!entry)
		return -ENOMEM;
	ExFreeToNPagedLookasideList(list, entry);
	return 0;
}

static void let_go(void)
{
	ExDeleteNPagedLookasideList(&held);
	ExDeleteNPagedLookasideList(&held_pages);
	if (older)
		ExFreeToNPagedLookasideList(&held_out, older);
	older = NULL;
	ExDeleteNPagedLookasideList(&held_out);
}

static int hold_some(void)
{
	ExInitializeNPagedLookasideList(&held_out, NULL, NULL, 0, 100, 'rdlO', 0);
	older = ExAllocateFromNPagedLookasideList(&held_out);
	if (hold_one(&held, 100) | hold_one(&held_pages, 5000) || !older) {
		let_go();
		return -ENOMEM;
	}
	return 0;
}

/* For an entry that is older than something which was changed meanwhile. */
static int free_older(const char *value, const struct kernel_param *kp)
{
	if (!older)
		return -ENODEV;
	ExFreeToNPagedLookasideList(&held_out, older);
	older = NULL;
	return 0;
}

static const struct kernel_param_ops free_older_ops = { .set = free_older };
module_param_cb(free_older, &free_older_ops, NULL, 0200);
MODULE_PARM_DESC(free_older, "Written: free the entry of tag Oldr that is out with hold=1");

static int __init rpt_lookaside_init(void)
{
	if (leak)
		return leave_behind();
	if (hold)
		return hold_some();
	return rpt_register(suites, ARRAY_SIZE(suites), &key);
}

static void __exit rpt_lookaside_exit(void)
{
	if (key)
		rpt_unregister(key);
	if (hold)
		let_go();
}

module_init(rpt_lookaside_init);
module_exit(rpt_lookaside_exit);

MODULE_DESCRIPTION("rust_pool selftests: lookaside lists");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
