// SPDX-License-Identifier: GPL-2.0
/*
 * What makes the balloon of balloon.c a module of Linux, and its host: that writes to
 * each page that it is lent, and looks whether somebody else did.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/xarray.h>

#include "balloon.h"

static bool leak;
module_param(leak, bool, 0400);
MODULE_PARM_DESC(leak, "Leave pages behind whose MDL is freed");

#define WORDS	(PAGE_SIZE / sizeof(u64))

static PBALLOON balloon, low;
static DEFINE_XARRAY(lent);

static bool take(ULONG pfn)
{
	u64 *page = page_address(pfn_to_page(pfn));

	if (WARN_ONCE(!pfn_valid(pfn), "page %x is no memory\n", pfn) ||
	    WARN_ONCE(xa_insert(&lent, pfn, page, GFP_KERNEL),
		      "page %x was lent already\n", pfn))
		return false;
	page[0] = pfn;
	page[WORDS - 1] = ~(u64)pfn;
	return true;
}

static bool give_back(ULONG pfn)
{
	u64 *page = xa_erase(&lent, pfn);

	return !WARN_ONCE(!page, "page %x was not lent\n", pfn) &&
	       !WARN_ONCE(page[0] != pfn || page[WORDS - 1] != ~(u64)pfn,
			  "page %x was used while it was lent\n", pfn);
}

static BOOLEAN host(PVOID context, const ULONG *pfns, ULONG count, BOOLEAN inflate)
{
	ULONG i;

	for (i = 0; i < count; i++)
		if (!(inflate ? take(pfns[i]) : give_back(pfns[i])))
			return FALSE;
	return TRUE;
}

static NTSTATUS work(void)
{
	PHYSICAL_ADDRESS highest = { .QuadPart = MAXLONGLONG };
	NTSTATUS status;

	status = BalloonCreate(highest, host, NULL, &balloon);
	if (!NT_SUCCESS(status))
		return status;
	status = BalloonExercise(balloon, 60);
	if (!NT_SUCCESS(status))
		return status;
	/* Below 16 MiB there are fewer pages than in 32. */
	highest.QuadPart = SZ_16M - 1;
	status = BalloonCreate(highest, host, NULL, &low);
	if (!NT_SUCCESS(status))
		return status;
	status = BalloonExerciseShortage(low, SZ_32M / PAGE_SIZE);
	if (NT_SUCCESS(status) && leak)
		status = BalloonForgetPages(balloon);
	return status;
}

static void delete(void)
{
	if (low)
		BalloonDelete(low);
	if (balloon)
		BalloonDelete(balloon);
	WARN_ONCE(!xa_empty(&lent), "the host still has pages\n");
	xa_destroy(&lent);
}

static int __init port_balloon_init(void)
{
	NTSTATUS status = work();

	if (!NT_SUCCESS(status))
		delete();
	return rust_pool_status_to_errno(status);
}

static void __exit port_balloon_exit(void)
{
	delete();
}

module_init(port_balloon_init);
module_exit(port_balloon_exit);

MODULE_DESCRIPTION("rust_pool selftests: a balloon's pages, ported");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
