// SPDX-License-Identifier: GPL-2.0
/*
 * Maps page frames for a device, and unmaps them again.
 *
 * dma_unmap_sg() decides by the device's present state how to unmap. If the device
 * was removed since, or its IOMMU group was given another domain, that decision is
 * wrong. So each mapping has an origin, as a common buffer has (device.c), which is
 * compared with the device first.
 *
 * Lists are made and put where sleeping is not allowed, so the group's mutex cannot
 * keep the device in its domain meanwhile. The caller that maps promises that the
 * device is not removed during the call. To unmap we take the mutex where we may
 * sleep. Elsewhere we compare without it, and leave the unmapping to a work item if
 * anything has changed. So only a removal during that call would go unnoticed.
 */

#include <linux/crash_dump.h>
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/swiotlb.h>

#include "core.h"
#include "group.h"

struct rust_pool_mapping {
	struct sg_table table;
	/* The entry to be filled in next; NULL if all are. */
	struct scatterlist *next;
	enum dma_data_direction direction;
	struct rust_pool_dma_origin origin;
	bool mapped;
	/*
	 * It could not be unmapped when the client asked for that. The pages may belong
	 * to others by now, so they must not be written to.
	 */
	bool late;
	/*
	 * The physical address that the first element is mapped to, if the kernel
	 * copies the data (swiotlb) behind an IOMMU.
	 */
	phys_addr_t bounced;
	/*
	 * The pages that the device cannot address, by their index in the table;
	 * NULL if there are none. In the table are copies of them, which it can
	 * address.
	 */
	struct page **originals;
};

/* An empty mapping, with room for @pages pages. */
struct rust_pool_mapping *rust_pool_mapping_new(size_t pages, gfp_t gfp)
{
	struct rust_pool_mapping *m;

	if (!pages || pages > UINT_MAX)
		return NULL;
	m = kzalloc_obj(*m, gfp);
	if (!m)
		return NULL;
	if (sg_alloc_table(&m->table, pages, gfp)) {
		kfree(m);
		return NULL;
	}
	m->next = m->table.sgl;
	return m;
}

/*
 * Add @bytes that begin at @offset in the first of @frames. Stops at the first
 * frame that is not memory, or when there is no room, and returns how many were
 * added.
 */
size_t rust_pool_mapping_add(struct rust_pool_mapping *m,
			     const PFN_NUMBER *frames, size_t offset,
			     size_t bytes)
{
	size_t at;

	for (at = 0; bytes; at++) {
		size_t here = min(bytes, PAGE_SIZE - offset);

		if (!m->next || frames[at] > PHYS_PFN(PHYS_ADDR_MAX) ||
		    !rust_pool_is_memory(PFN_PHYS(frames[at])))
			break;
		sg_set_page(m->next, pfn_to_page(frames[at]), here, offset);
		m->next = sg_next(m->next);
		bytes -= here;
		offset = 0;
	}
	return at;
}

static void *allocate(size_t bytes, gfp_t gfp)
{
	return rust_pool_may_vmalloc() ? kvmalloc(bytes, gfp) :
					 kmalloc(bytes, gfp);
}

static bool reaches(struct device *dev, struct page *page)
{
	return phys_to_dma(dev, page_to_phys(page)) + PAGE_SIZE - 1 <=
	       min_not_zero(*dev->dma_mask, dev->bus_dma_limit);
}

/*
 * Whether the device can address all memory that the kernel has for copies (swiotlb).
 * If not, the kernel may take what it cannot, and then warns and fails. A pool that can
 * grow has more for such a device.
 */
static bool reaches_swiotlb(struct device *dev)
{
#if defined(CONFIG_SWIOTLB) && !defined(CONFIG_SWIOTLB_DYNAMIC)
	const struct io_tlb_mem *mem = dev->dma_io_tlb_mem;

	return mem && mem->nslabs &&
	       phys_to_dma_unencrypted(dev, mem->defpool.end - 1) <=
	       min_not_zero(*dev->dma_mask, dev->bus_dma_limit);
#else
	return true;
#endif
}

static struct page *reachable_page(struct device *dev, gfp_t gfp)
{
	struct page *page;

	page = alloc_page(gfp | GFP_DMA32);
	if (page && !reaches(dev, page)) {
		__free_page(page);
		page = alloc_page(gfp | GFP_DMA);
	}
	if (page && !reaches(dev, page)) {
		__free_page(page);
		page = NULL;
	}
	return page;
}

/*
 * Replace the pages that the device cannot address by copies that it can, unless
 * the kernel will do so (swiotlb). Without an IOMMU it will not if all memory is
 * below 4 GiB, and cannot for a device that does not reach its memory for copies.
 * Returns false if memory is short; then it may be called again.
 */
bool rust_pool_mapping_copy(struct rust_pool_mapping *m, struct device *dev,
			    gfp_t gfp)
{
	struct scatterlist *sg;
	unsigned int i;

	if (m->next || !dev->dma_mask)
		return false;
	if (use_dma_iommu(dev) || get_dma_ops(dev))
		return true;
	for_each_sgtable_sg(&m->table, sg, i) {
		struct page *page;

		if (reaches(dev, sg_page(sg)))
			continue;
		if (!m->originals) {
			if (dma_max_mapping_size(dev) != SIZE_MAX &&
			    reaches_swiotlb(dev))
				return true;
			m->originals = allocate(m->table.orig_nents *
						sizeof(*m->originals),
						gfp | __GFP_ZERO);
			if (!m->originals)
				return false;
		}
		page = reachable_page(dev, gfp);
		if (!page)
			return false;
		/* Also if the device is to write: it may write less than all. */
		memcpy_page(page, sg->offset, sg_page(sg), sg->offset,
			    sg->length);
		m->originals[i] = sg_page(sg);
		sg_set_page(sg, page, sg->length, sg->offset);
	}
	return true;
}

static bool all_reach(struct device *dev, struct page *page, unsigned int count)
{
	return use_dma_iommu(dev) || get_dma_ops(dev) ||
	       (reaches(dev, page) && reaches(dev, page + count - 1));
}

/*
 * Replace all pages by adjacent copies that the device can address, for a device that
 * takes no list. May be called again if memory was short.
 */
bool rust_pool_mapping_join(struct rust_pool_mapping *m, struct device *dev,
			    gfp_t gfp)
{
	static const gfp_t zones[] = { 0, GFP_DMA32, GFP_DMA };
	unsigned int count = m->table.orig_nents, i;
	size_t bytes = (size_t)count * PAGE_SIZE;
	struct page *first = NULL;
	struct scatterlist *sg;
	void *block;

	if (m->next || m->originals || !dev->dma_mask)
		return false;
	for (i = 0; i < ARRAY_SIZE(zones) && !first; i++) {
		block = alloc_pages_exact(bytes, gfp | zones[i]);
		if (!block)
			continue;
		first = virt_to_page(block);
		if (!all_reach(dev, first, count)) {
			free_pages_exact(block, bytes);
			first = NULL;
		}
	}
	if (!first)
		return false;
	m->originals = allocate(count * sizeof(*m->originals), gfp | __GFP_ZERO);
	if (!m->originals) {
		free_pages_exact(block, bytes);
		return false;
	}
	for_each_sgtable_sg(&m->table, sg, i) {
		memcpy_page(first + i, sg->offset, sg_page(sg), sg->offset,
			    sg->length);
		m->originals[i] = sg_page(sg);
		sg_set_page(sg, first + i, sg->length, sg->offset);
	}
	return true;
}

static void copy_back(struct rust_pool_mapping *m)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(&m->table, sg, i)
		if (m->originals[i])
			memcpy_page(m->originals[i], sg->offset, sg_page(sg),
				    sg->offset, sg->length);
}

static void free_copies(struct rust_pool_mapping *m)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(&m->table, sg, i)
		if (m->originals[i])
			__free_page(sg_page(sg));
	kvfree_atomic(m->originals);
}

/* Free a mapping; one that is still mapped is leaked. Any context but NMI. */
void rust_pool_mapping_free(struct rust_pool_mapping *m)
{
	if (m->mapped)
		return;
	if (m->originals)
		free_copies(m);
	sg_free_table(&m->table);
	kfree(m);
}

static const void *domain_of(struct device *dev)
{
#ifdef CONFIG_IOMMU_API
	return iommu_get_domain_for_dev(dev);
#else
	return NULL;
#endif
}

/* The physical address that the first element is mapped to. */
static phys_addr_t first_of(const struct rust_pool_mapping *m,
			    const void *domain)
{
#ifdef CONFIG_IOMMU_API
	return iommu_iova_to_phys((struct iommu_domain *)domain,
				  sg_dma_address(m->table.sgl));
#else
	return 0;
#endif
}

/*
 * Whether mapping would attach the device first, where its group's mutex may not be
 * taken.
 */
static bool attach_is_due(struct device *dev)
{
#ifdef CONFIG_IOMMU_API
	return is_kdump_kernel() && dev->iommu && dev->iommu->attach_deferred &&
	       !preemptible();
#else
	return false;
#endif
}

/* Whether an IOMMU translates the addresses of what is mapped for @dev. */
bool rust_pool_dma_translates(struct device *dev)
{
	return use_dma_iommu(dev);
}

/* Map what was added. The device must not be removed meanwhile. */
bool rust_pool_mapping_map(struct rust_pool_mapping *m, struct device *dev,
			   bool to_device)
{
	/* Entries that were not filled in have no page. */
	if (m->next || !dev->dma_mask || attach_is_due(dev))
		return false;
	m->direction = to_device ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
	m->origin.ops = get_dma_ops(dev);
	m->origin.driver = rust_pool_dma_driver(dev);
	m->origin.translated = use_dma_iommu(dev);
	m->origin.domain = domain_of(dev);
	if (m->origin.translated && !m->origin.domain)
		return false;
	/* Whatever is mapped is copied (swiotlb=force), our copies as well. */
	if (!m->origin.translated && !m->origin.ops &&
	    is_swiotlb_force_bounce(dev) && !reaches_swiotlb(dev))
		return false;
	m->mapped = !dma_map_sgtable(dev, &m->table, m->direction,
				     DMA_ATTR_NO_WARN);
	if (m->mapped && m->origin.translated &&
	    sg_dma_is_swiotlb(m->table.sgl))
		m->bounced = first_of(m, m->origin.domain);
	return m->mapped;
}

const struct rust_pool_dma_origin *
rust_pool_mapping_origin(const struct rust_pool_mapping *m)
{
	return &m->origin;
}

/*
 * Count the elements that the device sees, where adjacent ones are joined. If @list
 * is not NULL, write them there.
 */
size_t rust_pool_mapping_list(const struct rust_pool_mapping *m,
			      SCATTER_GATHER_LIST *list)
{
	SCATTER_GATHER_ELEMENT *last = NULL;
	struct scatterlist *sg;
	u64 begin = 0, end = 0;
	size_t count = 0;
	unsigned int i;

	for_each_sgtable_dma_sg(&m->table, sg, i) {
		u64 address = sg_dma_address(sg);
		u64 bytes = sg_dma_len(sg);

		/* A length has 32 bits. */
		if (count && address == end &&
		    end + bytes - begin <= U32_MAX) {
			if (last)
				last->Length += bytes;
		} else {
			begin = address;
			if (list) {
				last = &list->Elements[count];
				last->Address.QuadPart = address;
				last->Length = bytes;
				last->Reserved = 0;
			}
			count++;
		}
		end = address + bytes;
	}
	if (list) {
		list->NumberOfElements = count;
		list->Reserved = 0;
	}
	return count;
}

/* Set *address to where the first of those elements begins; return its length. */
u64 rust_pool_mapping_first(const struct rust_pool_mapping *m, u64 *address)
{
	u64 begin = sg_dma_address(m->table.sgl), end = begin;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(&m->table, sg, i) {
		if (sg_dma_address(sg) != end)
			break;
		end += sg_dma_len(sg);
	}
	*address = begin;
	return end - begin;
}

/*
 * Unmapping also copies what the device wrote from a bounce buffer to the pages, unless
 * that is forbidden.
 */
static void unmap_as_mapped(struct rust_pool_mapping *m, struct device *dev)
{
	dma_unmap_sgtable(dev, &m->table, m->direction,
			  m->late ? DMA_ATTR_SKIP_CPU_SYNC : 0);
}

/* Only some kernels have devices with operations of their own. */
static bool has_own_ops(const struct device *dev)
{
#ifdef CONFIG_ARCH_HAS_DMA_OPS
	return dev->dma_ops;
#else
	return false;
#endif
}

/* Whether dma_unmap_sg() will neither translate nor call missing operations. */
static bool still_direct(const struct rust_pool_mapping *m, struct device *dev)
{
	if (use_dma_iommu(dev) || get_dma_ops(dev) != m->origin.ops)
		return false;
	return !has_own_ops(dev) || !rust_pool_dma_gone(dev);
}

/* Whether the device was given the pages' own addresses, so there is nothing to undo. */
static bool is_nowhere_else(const struct rust_pool_mapping *m, struct device *dev)
{
	struct scatterlist *sg;
	unsigned int i;

	if (m->origin.ops)
		return false;
	for_each_sgtable_sg(&m->table, sg, i)
		if (sg_dma_address(sg) != phys_to_dma(dev, sg_phys(sg)))
			return false;
	return true;
}

#ifdef CONFIG_IOMMU_API

/*
 * Whether the domain is the one in which this was mapped. A new domain may be at
 * the address of one that was freed, so compare the mapping of each page as well.
 */
static bool maps(struct iommu_domain *domain, const struct rust_pool_mapping *m)
{
	struct scatterlist *dma = m->table.sgl, *sg;
	size_t done = 0;
	unsigned int i;

	if (domain != m->origin.domain)
		return false;
	/*
	 * swiotlb copied parts of pages. Its slots stay taken until they are
	 * unmapped, so no other mapping leads there.
	 */
	if (sg_dma_is_swiotlb(m->table.sgl))
		return first_of(m, domain) == m->bounced;
	for_each_sgtable_sg(&m->table, sg, i) {
		if (done == sg_dma_len(dma)) {
			dma = sg_next(dma);
			done = 0;
		}
		if (iommu_iova_to_phys(domain, sg_dma_address(dma) + done) !=
		    sg_phys(sg))
			return false;
		done += sg->length;
	}
	return true;
}

static bool still_translated(const struct rust_pool_mapping *m,
			     struct device *dev, struct iommu_domain *domain)
{
	return use_dma_iommu(dev) && get_dma_ops(dev) == m->origin.ops &&
	       domain && maps(domain, m);
}

struct unmapping {
	struct rust_pool_undoing undoing;
	struct rust_pool_mapping *m;
	enum rust_pool_dma_fate fate;
};

static int unmap_in_group(struct device *dev, void *data)
{
	struct unmapping *u = container_of(data, struct unmapping, undoing);
	struct iommu_domain *domain;
	struct scatterlist *sg;
	unsigned int i;
	size_t page;

	if (!rust_pool_is_for(&u->undoing, dev))
		return 0;
	domain = iommu_driver_get_domain_for_dev(dev);
	if (dev == u->undoing.dev && still_translated(u->m, dev, domain)) {
		unmap_as_mapped(u->m, dev);
		u->fate = RUST_POOL_DMA_FREED;
		return 1;
	}
	if (rust_pool_is_borrowed(domain)) {
		u->undoing.borrowed = true;
		return 1;
	}
	u->fate = RUST_POOL_DMA_FREED_PAGES;
	if (!maps(domain, u->m))
		return 1;
	/*
	 * The group's other devices must not reach it; its bus addresses stay
	 * taken.
	 */
	page = 1UL << __ffs(domain->pgsize_bitmap);
	for_each_sgtable_dma_sg(&u->m->table, sg, i) {
		u64 start = ALIGN_DOWN(sg_dma_address(sg), page);

		iommu_unmap(domain, start,
			    ALIGN(sg_dma_address(sg) + sg_dma_len(sg), page) -
			    start);
	}
	return 1;
}

static enum rust_pool_dma_fate unmap_grouped(struct rust_pool_mapping *m,
					     struct device *dev, void *group)
{
	struct unmapping u = {
		.undoing = { .dev = dev },
		.m = m,
		.fate = RUST_POOL_DMA_LOST,
	};

	if (!rust_pool_undo_in_group(group, &u.undoing, unmap_in_group))
		u.fate = RUST_POOL_DMA_FREED_PAGES;
	return u.fate;
}

static bool unmap_unlocked(struct rust_pool_mapping *m, struct device *dev)
{
	if (!still_translated(m, dev, iommu_get_domain_for_dev(dev)))
		return false;
	unmap_as_mapped(m, dev);
	return true;
}

#else /* CONFIG_IOMMU_API */

static enum rust_pool_dma_fate unmap_grouped(struct rust_pool_mapping *m,
					     struct device *dev, void *group)
{
	return RUST_POOL_DMA_LOST;
}

static bool unmap_unlocked(struct rust_pool_mapping *m, struct device *dev)
{
	return false;
}

#endif /* CONFIG_IOMMU_API */

/*
 * Unmap as well as the device's present state allows, and set *fate. Returns false
 * if it has to be called again with @may_sleep; that call does not write to the
 * pages any more. Any context but NMI; with @may_sleep it sleeps, and must not be
 * called in reclaim.
 */
bool rust_pool_mapping_unmap(struct rust_pool_mapping *m, struct device *dev,
			     void *group, bool may_sleep,
			     enum rust_pool_dma_fate *fate)
{
	bool unmapped = true;

	*fate = RUST_POOL_DMA_FREED;
	if (!m->origin.translated) {
		if (still_direct(m, dev))
			unmap_as_mapped(m, dev);
		else if (is_nowhere_else(m, dev))
			*fate = RUST_POOL_DMA_FREED_PAGES;
		else
			*fate = RUST_POOL_DMA_LOST;
	} else if (may_sleep && group) {
		*fate = unmap_grouped(m, dev, group);
	} else {
		unmapped = unmap_unlocked(m, dev);
	}
	if (m->originals && m->direction == DMA_FROM_DEVICE && !m->late)
		copy_back(m);
	m->mapped = !unmapped;
	m->late = !unmapped;
	return unmapped;
}

/* The memory of a list. */
void *rust_pool_list_memory(size_t bytes, gfp_t gfp)
{
	return allocate(bytes, gfp);
}

/* Any context but NMI. */
void rust_pool_list_memory_free(void *list)
{
	kvfree_atomic(list);
}
