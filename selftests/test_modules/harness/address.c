// SPDX-License-Identifier: GPL-2.0
/*
 * What an address maps to, from the page tables.
 */
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>
#include <asm/msr.h>

#include "rpt.h"

u64 rpt_phys(const void *address)
{
	if (is_vmalloc_or_module_addr(address))
		/* Not page_to_phys(), which wants a page that exists: registers have none. */
		return PFN_PHYS(vmalloc_to_pfn(address)) + offset_in_page(address);
	return virt_to_phys((void *)address);
}
EXPORT_SYMBOL_GPL(rpt_phys);

static bool rpt_entry(const void *address, unsigned long *flags,
		      unsigned int *level)
{
	pte_t *pte = lookup_address((unsigned long)address, level);

	if (!pte)
		return false;
	*flags = pte_val(*pte);
	return *flags & _PAGE_PRESENT;
}

enum rpt_cache rpt_cache(const void *address)
{
	unsigned long flags, large;
	unsigned int level, index;
	u64 pat;

	if (!rpt_entry(address, &flags, &level))
		return RPT_UNMAPPED;

	large = level == PG_LEVEL_4K ? _PAGE_PAT : _PAGE_PAT_LARGE;
	index = (flags & _PAGE_PWT ? 1 : 0) | (flags & _PAGE_PCD ? 2 : 0) |
		(flags & large ? 4 : 0);
	rdmsrq(MSR_IA32_CR_PAT, pat);
	switch ((pat >> (8 * index)) & 7) {
	case 6:
		return RPT_WB;
	case 1:
		return RPT_WC;
	default:
		/* UC, UC-; WT and WP are no answer to any request. */
		return RPT_UC;
	}
}
EXPORT_SYMBOL_GPL(rpt_cache);

bool rpt_executable(const void *address)
{
	unsigned long flags;
	unsigned int level;

	return rpt_entry(address, &flags, &level) && !(flags & _PAGE_NX);
}
EXPORT_SYMBOL_GPL(rpt_executable);

const char *rpt_cache_name(enum rpt_cache cache)
{
	static const char * const names[] = { "unmapped", "wb", "wc", "uc" };

	return names[cache];
}
EXPORT_SYMBOL_GPL(rpt_cache_name);

u64 rpt_room(void)
{
	struct page *pages = alloc_pages(GFP_KERNEL | __GFP_NOWARN |
					 __GFP_RETRY_MAYFAIL, MAX_PAGE_ORDER);

	if (!pages)
		return 0;
	__free_pages(pages, MAX_PAGE_ORDER);
	return page_to_phys(pages);
}
EXPORT_SYMBOL_GPL(rpt_room);

static u8 rpt_byte(size_t at, u32 seed)
{
	return at * 7 + (at >> 8) + seed * 31 + 1;
}

/* Eight of them from a multiple of eight, added without a carry between them. */
static u64 rpt_word(size_t at, u32 seed)
{
	const u64 steps = 0x312a231c150e0700, low = 0x7f7f7f7f7f7f7f7f;
	u64 first = rpt_byte(at, seed) * 0x0101010101010101;

	return ((first & low) + steps) ^ (first & ~low);
}

void rpt_fill(void *block, size_t bytes, u32 seed)
{
	u8 *b = block;
	size_t i;

	for (i = 0; i + sizeof(u64) <= bytes; i += sizeof(u64))
		put_unaligned(rpt_word(i, seed), (u64 *)(b + i));
	for (; i < bytes; i++)
		b[i] = rpt_byte(i, seed);
}
EXPORT_SYMBOL(rpt_fill);

bool rpt_filled(const void *block, size_t bytes, u32 seed)
{
	const u8 *b = block;
	size_t i;

	for (i = 0; i + sizeof(u64) <= bytes; i += sizeof(u64))
		if (get_unaligned((u64 *)(b + i)) != rpt_word(i, seed))
			return false;
	for (; i < bytes; i++)
		if (b[i] != rpt_byte(i, seed))
			return false;
	return true;
}
EXPORT_SYMBOL(rpt_filled);
