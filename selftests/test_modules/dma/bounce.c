// SPDX-License-Identifier: GPL-2.0
/*
 * What is copied for a device, and what the device sees then.
 */
#include <linux/ctype.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include "dma.h"

/* As the command line says. */
static bool forced;
/* As the table of memory says. */
static bool above_4g;

/* The word of the command line. */
static bool booted_with(const char *word)
{
	static char line[SZ_4K];
	struct file *file = filp_open("/proc/cmdline", O_RDONLY, 0);
	size_t length = strlen(word);
	char *at = line;
	loff_t pos = 0;
	ssize_t got;

	if (IS_ERR(file))
		return false;
	got = kernel_read(file, line, sizeof(line) - 1, &pos);
	filp_close(file, NULL);
	if (got < 0)
		return false;
	line[got] = '\0';
	while ((at = strstr(at, word))) {
		if ((at == line || at[-1] == ' ') &&
		    (!at[length] || isspace(at[length])))
			return true;
		at += length;
	}
	return false;
}

int bounces_begin(void)
{
	PPHYSICAL_MEMORY_RANGE ranges = MmGetPhysicalMemoryRanges(), range;

	if (!ranges)
		return -ENOMEM;
	for (range = ranges; range->NumberOfBytes.QuadPart; range++)
		if (range->BaseAddress.QuadPart + range->NumberOfBytes.QuadPart > SZ_4G)
			above_4g = true;
	ExFreePool(ranges);
	forced = booted_with("swiotlb=force");
	return 0;
}

/* Whether an IOMMU translates edu's addresses. */
static bool is_translated(void)
{
	const struct iommu_domain *domain = iommu_get_domain_for_dev(&edu->dev);

	return domain && domain->type != IOMMU_DOMAIN_IDENTITY;
}

bool all_bounced(void)
{
	return forced && !is_translated();
}

bool is_bounced(const void *va, size_t bytes, ULONG width)
{
	size_t at;

	if (all_bounced())
		return true;
	if (is_translated() || !above_4g || !reaches_bounces(width))
		return false;
	for (at = 0; at < bytes; at += PAGE_SIZE)
		if (rpt_phys(va + at) > DMA_BIT_MASK(width))
			return true;
	return rpt_phys(va + bytes - 1) > DMA_BIT_MASK(width);
}

#ifdef CONFIG_SWIOTLB

static const struct io_tlb_mem *bounces(void)
{
	const struct io_tlb_mem *mem = edu->dev.dma_io_tlb_mem;

	return mem && mem->nslabs ? mem : NULL;
}

bool reaches_bounces(ULONG width)
{
	const struct io_tlb_mem *mem = bounces();

	return mem && mem->defpool.end - 1 <= DMA_BIT_MASK(width);
}

bool is_bounce(u64 bus)
{
	const struct io_tlb_mem *mem = bounces();
	u64 at = behind(bus);

	return mem && at >= mem->defpool.start && at < mem->defpool.end;
}

u64 bounces_used(struct rpt *t)
{
	return bounces() ? rpt_number(t, "/sys/kernel/debug/swiotlb/io_tlb_used") : 0;
}

#else

bool reaches_bounces(ULONG width)
{
	return false;
}

bool is_bounce(u64 bus)
{
	return false;
}

u64 bounces_used(struct rpt *t)
{
	return 0;
}

#endif

bool bounces_back_at(struct rpt *t, u64 used)
{
	unsigned int tries;

	for (tries = 0; bounces_used(t) != used && tries < RPT_ATTEMPTS; tries++)
		rpt_settle(t);
	return EXPECT_EQ(t, bounces_used(t), used);
}

bool leads_to(u64 bus, const void *va, size_t bytes, ULONG width)
{
	if (!is_bounced(va, bytes, width))
		return behind(bus) == rpt_phys(va) && !is_bounce(bus);
	return is_bounce(bus) && is_bounce(bus + bytes - 1) &&
	       !memcmp(phys_to_virt(behind(bus)), va, bytes);
}

void as_device(u64 bus, char *own, size_t length, bool reads)
{
	size_t done, here;

	for (done = 0; done < length; done += here) {
		char *there = phys_to_virt(behind(bus + done));

		here = min_t(size_t, length - done,
			     PAGE_SIZE - offset_in_page(bus + done));
		if (reads)
			memcpy(own + done, there, here);
		else
			memcpy(there, own + done, here);
	}
}

/*
 * Contiguous memory above what this many address lines reach. A busy machine may
 * not find any at the first try.
 */
static void *memory_above(ULONG width, SIZE_T bytes)
{
	PHYSICAL_ADDRESS low = { .QuadPart = DMA_BIT_MASK(width) + 1 };
	PHYSICAL_ADDRESS high = { .QuadPart = -1 }, none = { };
	unsigned int tries = RPT_ATTEMPTS;
	void *va;

	do {
		va = MmAllocateContiguousMemorySpecifyCache(bytes, low, high,
							    none, MmCached);
	} while (!va && --tries);
	return va;
}

void *memory_for(ULONG width, SIZE_T bytes)
{
	return memory_above(above_4g ? max(width, EDU_WIDTH) : EDU_WIDTH, bytes);
}

bool device_copies(void __iomem *bar, const void *va, ULONG width, u64 bus, u32 at,
		   u32 count, bool to_memory)
{
	static char memory[SZ_4K];

	if (width <= EDU_WIDTH ||
	    (is_bounced(va, 1, width) && reaches_bounces(EDU_WIDTH)))
		return edu_copies(bar, bus, at, count, to_memory);
	if (at > sizeof(memory) || count > sizeof(memory) - at)
		return false;
	as_device(bus, memory + at, count, !to_memory);
	return true;
}
