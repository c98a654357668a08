// SPDX-License-Identifier: GPL-2.0
/*
 * A client for the verifier to watch. What is written to its parameter "run" is
 * done in the task that writes: "keep KIND COUNT" allocates, "drop" frees what
 * was kept, "try KIND COUNT" does both and leaves in "refused" which of the
 * requests failed, "twice KIND" frees a block twice, "wrong KIND COUNT" allocates, and
 * frees each block once with a tag that is not its own, "blame" frees all that is kept
 * with a tag that is not theirs, which frees none, "misuse" by other routines and with
 * a length that is not theirs, which frees none either, and "overrun" writes behind
 * the common buffer that was allocated last.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include <rust_pool/wdm.h>
#include "verifier.h"

#define TAG	((ULONG)'yfrV')

static bool leak;
module_param(leak, bool, 0);
MODULE_PARM_DESC(leak, "Free nothing when going");

static char refused[256];
module_param_string(refused, refused, sizeof(refused), 0400);
MODULE_PARM_DESC(refused, "Numbers of the requests of the last \"try\" that failed");

/*
 * A place of its own for each kind, so that reports can tell them apart; no tail
 * calls, for the frames are looked for.
 */
static noinline void *allocate_small(void)
{
	void *block = ExAllocatePoolWithTag(NonPagedPool, 100, TAG);

	barrier();
	return block;
}

static noinline void *allocate_paged(void)
{
	void *block = ExAllocatePoolWithTag(PagedPool, 200, TAG);

	barrier();
	return block;
}

static noinline void *allocate_page(void)
{
	void *block = ExAllocatePoolWithTag(NonPagedPool, 8192, TAG);

	barrier();
	return block;
}

static noinline void *allocate_front(void)
{
	void *block = ExAllocatePoolWithTag(NonPagedPool, 5000, TAG);

	barrier();
	return block;
}

static noinline void *allocate_large(void)
{
	void *block = ExAllocatePoolWithTag(NonPagedPool, 100000, TAG);

	barrier();
	return block;
}

/* Requests that break a rule, each served or not. */
static noinline void *allocate_zero(void)
{
	void *block = ExAllocatePoolWithTag(PagedPool, 0, TAG);

	barrier();
	return block;
}

static noinline void *allocate_zero2(void)
{
	void *block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 0, TAG);

	barrier();
	return block;
}

static void free_pool(void *block)
{
	ExFreePoolWithTag(block, TAG);
}

static noinline void *allocate_contiguous(void)
{
	PHYSICAL_ADDRESS any = { .QuadPart = -1 };
	void *block = MmAllocateContiguousMemory(3000, any);

	barrier();
	return block;
}

static noinline void *allocate_noncached(void)
{
	void *block = MmAllocateNonCachedMemory(6000);

	barrier();
	return block;
}

static void free_noncached(void *block)
{
	MmFreeNonCachedMemory(block, 6000);
}

static const struct kind {
	const char *name;
	void *(*allocate)(void);
	void (*free)(void *block);
} kinds[] = {
	{ "small", allocate_small, free_pool },
	{ "paged", allocate_paged, free_pool },
	{ "page", allocate_page, free_pool },
	{ "front", allocate_front, free_pool },
	{ "large", allocate_large, free_pool },
	{ "zero", allocate_zero, free_pool },
	{ "zero2", allocate_zero2, free_pool },
	{ "contiguous", allocate_contiguous, MmFreeContiguousMemory },
	{ "noncached", allocate_noncached, free_noncached },
	{ "adapter", rptv_allocate_adapter, rptv_put_adapter },
	{ "common", rptv_allocate_common, rptv_free_common },
};

static struct {
	const struct kind *kind;
	void *block;
} kept[64];
static unsigned int count_kept;

static void drop(void)
{
	while (count_kept) {
		count_kept--;
		kept[count_kept].kind->free(kept[count_kept].block);
	}
}

static void blame(void)
{
	unsigned int i;

	for (i = 0; i < count_kept; i++)
		ExFreePoolWithTag(kept[i].block, ~TAG);
}

static void misuse(void)
{
	unsigned int i;

	for (i = 0; i < count_kept; i++) {
		/* Not where the block begins, if that would free it. */
		ExFreePool(kept[i].block +
			   (kept[i].kind->free == free_pool ? 16 : 0));
		MmFreeNonCachedMemory(kept[i].block, 1);
		MmFreeContiguousMemorySpecifyCache(kept[i].block, 1, MmCached);
	}
}

static int keep(const struct kind *kind, unsigned int count)
{
	char *at = refused;
	unsigned int i;

	refused[0] = 0;
	if (count > ARRAY_SIZE(kept) - count_kept)
		return -ENOSPC;
	for (i = 1; i <= count; i++) {
		void *block = kind->allocate();

		if (!block) {
			at += scnprintf(at, refused + sizeof(refused) - at,
					"%s%u", at == refused ? "" : " ", i);
			continue;
		}
		kept[count_kept].kind = kind;
		kept[count_kept++].block = block;
	}
	return 0;
}

static int run_set(const char *text, const struct kernel_param *param)
{
	char verb[8] = "", name[16] = "";
	const struct kind *kind;
	unsigned int count = 1;
	int err;

	if (sscanf(text, "%7s %15s %u", verb, name, &count) < 1)
		return -EINVAL;
	if (!strcmp(verb, "drop")) {
		drop();
		return 0;
	}
	if (!strcmp(verb, "blame")) {
		blame();
		return 0;
	}
	if (!strcmp(verb, "misuse")) {
		misuse();
		return 0;
	}
	if (!strcmp(verb, "overrun"))
		return rptv_overrun();
	for (kind = kinds; strcmp(kind->name, name); kind++)
		if (kind == &kinds[ARRAY_SIZE(kinds) - 1])
			return -EINVAL;
	if (!strcmp(verb, "twice") || !strcmp(verb, "thrice")) {
		void *block = kind->allocate();

		if (!block)
			return -ENOMEM;
		/* First with the wrong tag: that concerns the block. */
		if (verb[1] == 'h')
			ExFreePoolWithTag(block, ~TAG);
		kind->free(block);
		kind->free(block);
		return 0;
	}
	err = keep(kind, count);
	if (err)
		return err;
	if (!strcmp(verb, "wrong")) {
		blame();
		count_kept = 0;
	} else if (!strcmp(verb, "try"))
		drop();
	else if (refused[0])
		return -ENOMEM;
	return 0;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);
MODULE_PARM_DESC(run, "What to do now");

static int __init rpt_verifier_init(void)
{
	rptv_find_device();
	return 0;
}

static void __exit rpt_verifier_exit(void)
{
	if (!leak)
		drop();
	rptv_leave_device();
}

module_init(rpt_verifier_init);
module_exit(rpt_verifier_exit);

MODULE_DESCRIPTION("rust_pool selftests: a client for the verifier");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
