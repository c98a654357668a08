// SPDX-License-Identifier: GPL-2.0
/*
 * Looks addresses up in the page tables, maps pages, and sets their cache types.
 */

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <asm/set_memory.h>

#include "../core.h"
#include "protection.h"

/* The physical address behind any kernel address; false if not mapped. */
bool rust_pool_lookup(const void *addr, phys_addr_t *phys)
{
	unsigned long va = (unsigned long)addr;
	unsigned int level;
	pte_t *pte;

	if (virt_addr_valid(addr)) {
		*phys = __pa(va);
		return true;
	}
	if (va < TASK_SIZE_MAX || !__is_canonical_address(va, boot_cpu_data.x86_virt_bits))
		return false;
	pte = lookup_address(va, &level);
	if (!pte || !(pte_flags(*pte) & _PAGE_PRESENT))
		return false;
	*phys = (PFN_PHYS(level == PG_LEVEL_4K ? pte_pfn(*pte) :
			  level == PG_LEVEL_2M ? pmd_pfn(*(pmd_t *)pte) :
						 pud_pfn(*(pud_t *)pte)) &
		 page_level_mask(level)) |
		(va & ~page_level_mask(level));
	return true;
}

/* Set the cache type of scattered pages in the direct map. */
int rust_pool_pages_set(struct page **pages, unsigned int count,
			MEMORY_CACHING_TYPE type)
{
	switch (type) {
	case MmNonCached:
		return set_pages_array_uc(pages, count);
	case MmWriteCombined:
		return set_pages_array_wc(pages, count);
	default:
		return set_pages_array_wb(pages, count);
	}
}

/* Set the cache type of a range of the direct map. */
int rust_pool_direct_set(void *addr, unsigned int count,
			 MEMORY_CACHING_TYPE type)
{
	switch (type) {
	case MmNonCached:
		return set_memory_uc((unsigned long)addr, count);
	case MmWriteCombined:
		return set_memory_wc((unsigned long)addr, count);
	default:
		return set_memory_wb((unsigned long)addr, count);
	}
}

/* Map pages side by side, with the cache type that they have. */
void *rust_pool_vmap(struct page **pages, unsigned int count,
		     MEMORY_CACHING_TYPE type, bool write)
{
	return vmap(pages, count, VM_MAP, rust_pool_protection(type, write));
}

/* Whether the CPU can address all @bytes from the physical address @start on. */
bool rust_pool_io_exists(phys_addr_t start, size_t bytes)
{
	phys_addr_t most = BIT_ULL(boot_cpu_data.x86_phys_bits);

	return bytes && start < most && bytes <= most - start;
}

/*
 * Make a mapping of ioremap() read-only. It may consist of large pages, which are
 * part of no other mapping.
 */
static void write_protect(void *base, size_t bytes)
{
	void *at = base, *end = base + bytes;
	unsigned int level;

	while (at < end) {
		pte_t *pte = lookup_address((unsigned long)at, &level);

		if (WARN_ON_ONCE(!pte))
			return;
		set_pte_atomic(pte, pte_wrprotect(*pte));
		at += page_level_size(level);
	}
	rust_pool_guard_flush(base, end);
}

/*
 * Map whole pages of a device, not of memory. The kernel may choose a stricter type
 * than @type: that of an older mapping of the same pages, or uncached if the MTRRs
 * say so. That is accepted. A weaker type is refused, by the kernel or here.
 * Sleeps.
 */
void *rust_pool_device_map(phys_addr_t start, size_t bytes,
			   MEMORY_CACHING_TYPE type, bool write)
{
	void __iomem *io;
	void *base;

	switch (type) {
	case MmNonCached:
		io = ioremap(start, bytes);
		break;
	case MmWriteCombined:
		io = ioremap_wc(start, bytes);
		break;
	default:
		io = ioremap_cache(start, bytes);
		break;
	}
	if (!io)
		return NULL;
	base = (void __force *)io;
	if (type == MmNonCached && rust_pool_type_of(base) != MmNonCached) {
		iounmap(io);
		return NULL;
	}
	if (!write)
		write_protect(base, bytes);
	return base;
}

void rust_pool_device_unmap(void *base)
{
	iounmap((void __iomem __force *)base);
}

/* Whether a kernel address may be written to. */
bool rust_pool_is_writable(const void *addr)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)addr, &level);

	return pte && pte_flags(*pte) & _PAGE_RW;
}

/* The cache type of a kernel address; MmNotMapped if nothing is mapped there. */
s32 rust_pool_type_of(const void *addr)
{
	unsigned int level;
	unsigned long flags;
	pte_t *pte = lookup_address((unsigned long)addr, &level);

	if (!pte || !(pte_flags(*pte) & _PAGE_PRESENT))
		return MmNotMapped;
	flags = pte_flags(*pte);
	if (flags & _PAGE_PCD)
		return MmNonCached;
	return flags & _PAGE_PWT ? MmWriteCombined : MmCached;
}
