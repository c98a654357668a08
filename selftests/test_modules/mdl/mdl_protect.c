// SPDX-License-Identifier: GPL-2.0
/*
 * What may be done with the mapping of an MDL.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/string.h>

#include "mdl.h"

#define TAG_SPACE	('SRtT')
#define PAGES		4UL

static PMDL pages(struct rpt *t, unsigned long count)
{
	PHYSICAL_ADDRESS none = { }, highest = { .QuadPart = -1 };
	PMDL mdl = MmAllocatePagesForMdl(none, highest, none, count * PAGE_SIZE);

	EXPECT(t, mdl);
	return mdl;
}

static void drop(PMDL mdl)
{
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
}

static bool writable(const char *va)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)va, &level);

	return rpt_cache(va) != RPT_UNMAPPED && pte_val(*pte) & _PAGE_RW;
}

static void expect_all(struct rpt *t, char *va, bool readable, bool writes)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++) {
		char *at = va + i * PAGE_SIZE;

		EXPECT_EQ(t, rpt_cache(at) != RPT_UNMAPPED, readable);
		EXPECT_EQ(t, writable(at), writes);
		EXPECT(t, !rpt_executable(at));
	}
}

struct call {
	PMDL mdl;
	ULONG protection;
	NTSTATUS status;
};

static void do_protect(void *arg)
{
	struct call *call = arg;

	call->status = MmProtectMdlSystemAddress(call->mdl, call->protection);
}

static const struct {
	ULONG protection;
	bool readable, writes;
} rows[] = {
	{ RUST_POOL_PAGE_READWRITE, true, true },
	{ RUST_POOL_PAGE_READONLY, true, false },
	{ RUST_POOL_PAGE_EXECUTE_READWRITE, true, true },
	{ RUST_POOL_PAGE_NOACCESS, false, false },
	{ RUST_POOL_PAGE_EXECUTE_READ, true, false },
	{ RUST_POOL_PAGE_EXECUTE, true, false },
	{ RUST_POOL_PAGE_READWRITE, true, true },
};

static void each(struct rpt *t, PMDL mdl, char *va, enum rpt_context context)
{
	struct call call = { mdl };
	unsigned int i;
	char last = 0;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		call.protection = rows[i].protection;
		rpt_in_context(context, do_protect, &call);
		if (rpt_irql(context) > 2) {
			EXPECT_EQ(t, call.status, STATUS_INVALID_PARAMETER);
			EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION,
					 0x76);
			continue;
		}
		EXPECT_EQ(t, call.status, STATUS_SUCCESS);
		expect_all(t, va, rows[i].readable, rows[i].writes);
		if (rows[i].writes) {
			last = 'a' + i;
			memset(va, last, PAGES * PAGE_SIZE);
		} else if (rows[i].readable) {
			EXPECT_EQ(t, va[PAGE_SIZE], last);
		}
	}
}

static void protected(struct rpt *t)
{
	PMDL mdl = pages(t, PAGES);
	char *va, *space;

	if (!mdl)
		return;
	EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl, RUST_POOL_PAGE_READONLY),
		  STATUS_NOT_MAPPED_VIEW);
	va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority |
					       MdlMappingNoWrite);
	if (EXPECT(t, va)) {
		expect_all(t, va, true, false);
		each(t, mdl, va, rpt_value(t));
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl, 0),
			  STATUS_INVALID_PAGE_PROTECTION);
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl, 3),
			  STATUS_INVALID_PAGE_PROTECTION);
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl, 0x80),
			  STATUS_INVALID_PAGE_PROTECTION);
		/* It is undone without access as well. */
		MmProtectMdlSystemAddress(mdl, RUST_POOL_PAGE_NOACCESS);
		MmUnmapLockedPages(va, mdl);
	}
	space = MmAllocateMappingAddress(PAGES * PAGE_SIZE, TAG_SPACE);
	va = MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, mdl,
						 MmCached);
	if (EXPECT(t, va)) {
		each(t, mdl, va, rpt_value(t));
		MmUnmapReservedMapping(va, TAG_SPACE, mdl);
	}
	MmFreeMappingAddress(space, TAG_SPACE);
	drop(mdl);
}

/* A page of the direct map is nobody's alone to protect. */
static void direct(struct rpt *t)
{
	PMDL mdl = pages(t, 1);
	char *va;

	if (!mdl)
		return;
	va = MmMapLockedPages(mdl, KernelMode);
	if (EXPECT(t, va)) {
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl,
						       RUST_POOL_PAGE_READWRITE),
			  STATUS_SUCCESS);
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl,
						       RUST_POOL_PAGE_READONLY),
			  (NTSTATUS)0xC00000BB);
		EXPECT(t, writable(va));
		MmUnmapLockedPages(va, mdl);
	}
	drop(mdl);
}

static const struct rpt_case cases[] = {
	{ "protected", protected, rpt_contexts },
	{ "direct", direct },
};

const struct rpt_suite mdl_protect_suite = RPT_SUITE("mdl_protect", cases);
