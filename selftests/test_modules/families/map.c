// SPDX-License-Identifier: GPL-2.0
/*
 * Which physical addresses are memory, and where the kernel has them.
 */
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "pages.h"

static PHYSICAL_ADDRESS physical(u64 address)
{
	return (PHYSICAL_ADDRESS){ .QuadPart = address };
}

static bool is_within(const PHYSICAL_MEMORY_RANGE *ranges, u64 at)
{
	for (; ranges->NumberOfBytes.QuadPart; ranges++)
		if (at >= ranges->BaseAddress.QuadPart &&
		    at - ranges->BaseAddress.QuadPart < ranges->NumberOfBytes.QuadPart)
			return true;
	return false;
}

/* What the kernel says of a page, by another table. */
static bool is_ram(u64 at)
{
	return region_intersects(at, PAGE_SIZE, IORESOURCE_SYSTEM_RAM,
				 IORES_DESC_NONE) == REGION_INTERSECTS;
}

static void ranges_of_memory(struct rpt *t)
{
	PPHYSICAL_MEMORY_RANGE ranges = MmGetPhysicalMemoryRanges(), range;
	u64 end = 0, sum = 0, at;

	if (!EXPECT(t, ranges))
		return;
	for (range = ranges; range->NumberOfBytes.QuadPart; range++) {
		u64 start = range->BaseAddress.QuadPart;
		u64 bytes = range->NumberOfBytes.QuadPart;

		/* There is a gap between any two. */
		if (end && start <= end)
			rpt_fail(t, "0x%llx follows 0x%llx", start, end);
		EXPECT(t, PAGE_ALIGNED(start) && PAGE_ALIGNED(bytes));
		EXPECT(t, is_ram(start) && is_ram(start + bytes - PAGE_SIZE));
		EXPECT(t, !is_ram(start + bytes));
		EXPECT(t, !start || !is_ram(start - PAGE_SIZE));
		EXPECT(t, MmGetVirtualForPhysical(range->BaseAddress));
		sum += bytes;
		end = start + bytes;
	}
	EXPECT_EQ(t, range->BaseAddress.QuadPart, 0);
	EXPECT(t, range > ranges);
	EXPECT(t, sum >= totalram_pages() * PAGE_SIZE);
	for (at = 0; at < end + SZ_64M; at += SZ_256K)
		if (is_within(ranges, at) != is_ram(at)) {
			rpt_fail(t, "0x%llx is memory: %d", at, is_ram(at));
			break;
		}
	ExFreePool(ranges);
}

static void ranges_freed(struct rpt *t)
{
	PPHYSICAL_MEMORY_RANGE ranges = MmGetPhysicalMemoryRanges();
	struct rpt_row before, after;
	size_t count = 0;

	if (!EXPECT(t, ranges))
		return;
	while (ranges[count].NumberOfBytes.QuadPart)
		count++;
	rpt_tag(t, "MmPh", false, &before);
	EXPECT(t, before.found);
	EXPECT_EQ(t, before.diff, 1);
	EXPECT_EQ(t, before.bytes, (count + 1) * sizeof(*ranges));
	ExFreePoolWithTag(ranges, 'hPmM');
	rpt_tag(t, "MmPh", false, &after);
	EXPECT_EQ(t, after.diff, 0);
}

struct call {
	PHYSICAL_ADDRESS address;
	void *is;
};

static void call_ranges(void *arg)
{
	struct call *call = arg;

	call->is = MmGetPhysicalMemoryRanges();
}

static void call_virtual(void *arg)
{
	struct call *call = arg;

	call->is = MmGetVirtualForPhysical(call->address);
}

static void ranges_in_context(struct rpt *t)
{
	struct call call = { .is = &call };
	const struct rpt_violation *v;

	rpt_in_context(rpt_value(t), call_ranges, &call);
	EXPECT(t, !call.is);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
	if (v)
		EXPECT_EQ(t, v->p[1], rpt_irql(rpt_value(t)));
}

static void there_and_back(struct rpt *t)
{
	char *block = MmAllocateContiguousMemory(SZ_64K, physical(-1));
	char *pages = vmalloc(3 * PAGE_SIZE), *at;
	char *small = ExAllocatePoolWithTag(NonPagedPoolNx, 100, 'paMt');
	size_t offset;

	if (EXPECT(t, block && pages && small)) {
		for (offset = 0; offset < SZ_64K; offset += 4097)
			EXPECT(t, MmGetVirtualForPhysical(MmGetPhysicalAddress(block +
									       offset)) ==
				  block + offset);
		EXPECT(t, MmGetVirtualForPhysical(MmGetPhysicalAddress(small + 99)) ==
			  small + 99);
		/* What is mapped elsewhere, too, is the same memory. */
		for (offset = 5; offset < 3 * PAGE_SIZE; offset += PAGE_SIZE) {
			pages[offset] = offset >> PAGE_SHIFT;
			at = MmGetVirtualForPhysical(MmGetPhysicalAddress(pages +
									  offset));
			EXPECT(t, at && at != pages + offset);
			EXPECT(t, at && *at == offset >> PAGE_SHIFT);
		}
	}
	if (block)
		MmFreeContiguousMemory(block);
	if (small)
		ExFreePool(small);
	vfree(pages);
}

static void no_memory_there(struct rpt *t)
{
	static const u64 none[] = {
		U64_MAX, U64_MAX - 4095, 1ULL << 63, 1ULL << 52, (1ULL << 52) - 1,
		1ULL << 47, 0xfee00000, 0xfec00000,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		if (MmGetVirtualForPhysical(physical(none[i])))
			rpt_fail(t, "0x%llx has an address", none[i]);
}

static void virtual_in_context(struct rpt *t)
{
	struct call call = { MmGetPhysicalAddress(t) };

	rpt_in_context(rpt_value(t), call_virtual, &call);
	EXPECT(t, call.is);
	EXPECT_EQ(t, rpt_phys(call.is), call.address.QuadPart);
	call.is = NULL;
	rpt_in_context(RPT_NMI, call_virtual, &call);
	EXPECT(t, call.is);
}

static const struct rpt_case cases[] = {
	{ "ranges_of_memory", ranges_of_memory },
	{ "ranges_freed", ranges_freed },
	{ "ranges_in_context", ranges_in_context, rpt_atomic_contexts },
	{ "there_and_back", there_and_back },
	{ "no_memory_there", no_memory_there },
	{ "virtual_in_context", virtual_in_context, rpt_contexts },
};

const struct rpt_suite map_suite = RPT_SUITE("map", cases);
