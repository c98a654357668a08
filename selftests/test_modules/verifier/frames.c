// SPDX-License-Identifier: GPL-2.0
/*
 * Drivers that fill in more frames than an MDL has: found by the pattern behind it, or by
 * special pool, where it ends with its page. And MDLs of blocks in special pool.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "special.h"

#define TAG_BLOCK	((ULONG)'StsT')
#define BAD_POOL_HEADER	0x19
#define WRITTEN		0x77

static const struct rpt_arg pages[] = {
	{ "1", 1 },
	{ "2", 2 },
	{ "3", 3 },
	{ "16", 16 },
	{ "499", 499 },
	{ }
};

static PMDL make(struct rpt *t)
{
	PMDL mdl = IoAllocateMdl(NULL, rpt_value(t) * PAGE_SIZE, FALSE, FALSE, NULL);

	EXPECT(t, mdl);
	return mdl;
}

static size_t bytes_of(struct rpt *t)
{
	return MmSizeOfMdl(NULL, rpt_value(t) * PAGE_SIZE);
}

static void fill(PMDL mdl, unsigned int frames)
{
	unsigned int i;

	for (i = 0; i < frames; i++)
		MmGetMdlPfnArray(mdl)[i] = WRITTEN;
}

static void drop(PMDL mdl, bool as_pool)
{
	if (as_pool)
		ExFreePool(mdl);
	else
		IoFreeMdl(mdl);
}

static void filled_to_the_end(struct rpt *t)
{
	PMDL mdl = make(t);

	if (!mdl)
		return;
	fill(mdl, rpt_value(t));
	IoFreeMdl(mdl);
	EXPECT_VIOLATIONS(t, 0);
}

static void one_too_many(struct rpt *t)
{
	const struct rpt_violation *v;
	unsigned int as_pool;
	PMDL mdl;

	for (as_pool = 0; as_pool < 2; as_pool++) {
		mdl = make(t);
		if (!mdl)
			return;
		fill(mdl, rpt_value(t) + 1);
		drop(mdl, as_pool);
		v = EXPECT_VIOLATION(t, BAD_POOL_HEADER, 0x21);
		if (!v)
			return;
		EXPECT(t, rpt_shows(v->p[1], mdl));
		EXPECT_EQ(t, v->p[2], bytes_of(t));
		EXPECT_EQ(t, v->p[3], WRITTEN);
	}
}

/* A block ends at a multiple of 16 bytes, so an odd number of frames has room for one more. */
static void one_too_many_in_special_pool(struct rpt *t)
{
	const struct rpt_violation *v;
	unsigned int as_pool;
	char *end, byte;
	PMDL mdl;

	for (as_pool = 0; as_pool < 2; as_pool++) {
		mdl = make(t);
		if (!mdl)
			return;
		end = (char *)mdl + bytes_of(t);
		if (rpt_value(t) % 2) {
			EXPECT_EQ(t, offset_in_page(end), PAGE_SIZE - 8);
			fill(mdl, rpt_value(t) + 1);
		} else {
			/* To write there is the machine's end. */
			EXPECT_EQ(t, offset_in_page(end), 0);
			EXPECT(t, copy_from_kernel_nofault(&byte, end, 1));
			fill(mdl, rpt_value(t));
		}
		drop(mdl, as_pool);
		if (!EXPECT_VIOLATIONS(t, rpt_value(t) % 2))
			return;
		if (rpt_value(t) % 2 == 0)
			continue;
		v = rpt_last(t);
		EXPECT_EQ(t, v->code, 0xc1);
		EXPECT(t, rpt_shows(v->p[0], mdl));
		EXPECT(t, rpt_shows(v->p[1], end));
		EXPECT_EQ(t, v->p[2], bytes_of(t));
		EXPECT_EQ(t, v->p[3], 0x24);
	}
}

/* Blocks in special pool, that MDLs describe. */

static const struct rpt_arg sizes[] = {
	{ "1", 1 },
	{ "100", 100 },
	{ "2048", 2048 },
	{ "4064", 4064 },
	{ "4065", 4065 },
	{ "4096", 4096 },
	{ }
};

static char *allocate(struct rpt *t)
{
	char *block = ExAllocatePoolWithTag(NonPagedPoolNx, rpt_value(t), TAG_BLOCK);

	/* In special pool it is. */
	if (!EXPECT(t, block && is_vmalloc_addr(block)))
		return NULL;
	rpt_fill(block, rpt_value(t), 7);
	return block;
}

static PMDL describe(struct rpt *t, char *block)
{
	PMDL mdl = IoAllocateMdl(block, rpt_value(t), FALSE, FALSE, NULL);

	EXPECT(t, mdl);
	return mdl;
}

/* The second half of the block, by its own MDL; that is mapped where @at is. */
static void take_part(struct rpt *t, PMDL whole, char *block, const char *at)
{
	size_t bytes = rpt_value(t), half = bytes / 2;
	PMDL part = describe(t, block);
	const char *seen;

	if (!part)
		return;
	IoBuildPartialMdl(whole, part, block + half, bytes - half);
	EXPECT_EQ(t, MmGetMdlPfnArray(part)[0], rpt_phys(block) >> PAGE_SHIFT);
	EXPECT_EQ(t, MmGetMdlByteCount(part), bytes - half);
	seen = MmGetSystemAddressForMdlSafe(part, NormalPagePriority);
	if (EXPECT(t, seen)) {
		EXPECT(t, !memcmp(seen, block + half, bytes - half));
		EXPECT(t, seen == at + half);
	}
	IoFreeMdl(part);
}

static void built(struct rpt *t)
{
	char *block = allocate(t);
	PMDL mdl;

	if (!block)
		return;
	mdl = describe(t, block);
	if (!mdl)
		return;
	MmBuildMdlForNonPagedPool(mdl);
	EXPECT_EQ(t, MmGetMdlPfnArray(mdl)[0], rpt_phys(block) >> PAGE_SHIFT);
	EXPECT(t, MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == block);
	take_part(t, mdl, block, block);
	IoFreeMdl(mdl);
	EXPECT(t, rpt_filled(block, rpt_value(t), 7));
	ExFreePoolWithTag(block, TAG_BLOCK);
	EXPECT_VIOLATIONS(t, 0);
}

static void locked(struct rpt *t)
{
	char *block = allocate(t), *at;
	PMDL mdl;

	if (!block)
		return;
	mdl = describe(t, block);
	if (!mdl || !EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess), 0))
		return;
	EXPECT_EQ(t, MmGetMdlPfnArray(mdl)[0], rpt_phys(block) >> PAGE_SHIFT);
	at = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	if (EXPECT(t, at)) {
		EXPECT(t, rpt_filled(at, rpt_value(t), 7));
		take_part(t, mdl, block, at);
		rpt_fill(at, rpt_value(t), 8);
	}
	MmUnlockPages(mdl);
	IoFreeMdl(mdl);
	EXPECT(t, rpt_filled(block, rpt_value(t), 8));
	ExFreePoolWithTag(block, TAG_BLOCK);
	EXPECT_VIOLATIONS(t, 0);
}

static const struct rpt_case check_cases[] = {
	{ "filled_to_the_end", filled_to_the_end, pages },
	{ "one_too_many", one_too_many, pages },
};

static const struct rpt_case special_cases[] = {
	{ "filled_to_the_end", filled_to_the_end, pages },
	{ "one_too_many", one_too_many_in_special_pool, pages },
	{ "of_a_block_that_is_built", built, sizes },
	{ "of_a_block_that_is_locked", locked, sizes },
};

const struct rpt_suite frames_check_suite = RPT_SUITE("frames_check", check_cases);
const struct rpt_suite frames_special_suite = RPT_SUITE("frames_special", special_cases);
