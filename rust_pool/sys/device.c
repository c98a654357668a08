// SPDX-License-Identifier: GPL-2.0
/*
 * Allocates the memory of common buffers, and frees it by the DMA API or without.
 *
 * dma_free_attrs() asks the device how to free: with an IOMMU it unmaps, otherwise
 * it takes the bus address for a physical one. If the device was removed since, or
 * its IOMMU group was given another domain, the answer is wrong, and page frames
 * of others would be freed. So each buffer has an origin, which is compared with
 * the device before a free.
 *
 * The group's mutex keeps the device in the group, and the group in its domain;
 * iommu_group_for_each_dev() runs a function with it held. Buffers are made and
 * freed within. To wait for memory calls shrinkers and notifiers of others, who
 * may free buffers of this group, or want a lock that is held by who does. So we
 * do not wait for memory there, but make room for it outside. The kernel itself
 * asks for memory under this mutex, so it may be held by whoever is reclaiming:
 * nobody may take it from within reclaim.
 */

#include <linux/cc_platform.h>
#include <linux/cma.h>
#include <linux/crash_dump.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/swiotlb.h>
#include <linux/vmalloc.h>

#include "core.h"

/* How often, and how long each time, a device in reset is waited for. */
#define RESET_TRIES	50
#define RESET_MSECS	20
/* How often room is made for a buffer before there is no memory for it. */
#define ROOM_TRIES	4

void *rust_pool_dma_group(struct device *dev)
{
	return iommu_group_get(dev);
}

void rust_pool_dma_group_put(void *group)
{
	iommu_group_put(group);
}

/* Removed, not merely never added. */
bool rust_pool_dma_gone(struct device *dev)
{
	return !device_is_registered(dev) && dev->kobj.state_remove_uevent_sent;
}

/* Which driver has the device; only to be compared. */
const void *rust_pool_dma_driver(struct device *dev)
{
	return READ_ONCE(dev->driver);
}

static phys_addr_t phys_of(const void *addr)
{
	return is_vmalloc_addr(addr) ? PFN_PHYS(vmalloc_to_pfn(addr)) : __pa(addr);
}

struct making {
	struct device *dev;
	size_t bytes;
	u64 *bus;
	gfp_t gfp;
	struct rust_pool_dma_origin *origin;
	void *base;
};

static u32 memory_of(const struct making *m)
{
	if (m->origin->ops && !m->origin->translated)
		return RUST_POOL_DMA_OTHER;
	/* Pages that the processor encrypts have to be set right by the DMA API. */
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT) || is_swiotlb_for_alloc(m->dev))
		return RUST_POOL_DMA_OTHER;
	if (is_vmalloc_addr(m->base))
		return m->origin->translated ? RUST_POOL_DMA_MAPPED :
					       RUST_POOL_DMA_OTHER;
	return virt_addr_valid(m->base) ? RUST_POOL_DMA_PAGES :
					  RUST_POOL_DMA_OTHER;
}

static void make(struct making *m, const void *domain)
{
	dma_addr_t bus;

	m->origin->domain = domain;
	m->origin->ops = get_dma_ops(m->dev);
	m->origin->driver = rust_pool_dma_driver(m->dev);
	m->origin->translated = use_dma_iommu(m->dev);
	m->base = dma_alloc_attrs(m->dev, m->bytes, &bus, m->gfp, 0);
	if (!m->base)
		return;
	*m->bus = bus;
	m->origin->memory = memory_of(m);
}

struct freeing {
	struct device *dev;
	void *base;
	size_t bytes;
	dma_addr_t bus;
	const struct rust_pool_dma_origin *origin;
	/* The device is not in its group any more. */
	bool left;
	/* The group has neither its own domain nor another in place of it. */
	bool borrowed;
	enum rust_pool_dma_fate fate;
};

/* Free the pages of vmap()'s area, and the area. */
static void free_mapped(struct freeing *f)
{
	struct page *page, *next;
	LIST_HEAD(pages);
	size_t at;

	for (at = 0; at < f->bytes; at += PAGE_SIZE)
		list_add(&vmalloc_to_page(f->base + at)->lru, &pages);
	/*
	 * The DMA API left its array of pages to the area without their number, so
	 * vfree() frees the array, not the pages.
	 */
	vfree(f->base);
	list_for_each_entry_safe(page, next, &pages, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/* Whether it was freed. */
static bool free_pages_of(struct freeing *f)
{
	struct page *page = virt_to_page(f->base);

#ifdef CONFIG_DMA_CMA
	if (cma_release(dev_get_cma_area(f->dev), page,
			PAGE_ALIGN(f->bytes) >> PAGE_SHIFT))
		return true;
#endif
	/* Each frame has its own reference: not from the page allocator. */
	if (f->bytes > PAGE_SIZE && page_ref_count(page + 1))
		return false;
	__free_pages(page, get_order(f->bytes));
	return true;
}

/* No device reaches the memory any more: free it without the DMA API. */
static enum rust_pool_dma_fate free_memory(struct freeing *f)
{
	/*
	 * DMA-API debugging never forgets the mapping, and would blame the next
	 * user that maps one of these frames.
	 */
	if (IS_ENABLED(CONFIG_DMA_API_DEBUG))
		return RUST_POOL_DMA_LOST;
	switch (f->origin->memory) {
	case RUST_POOL_DMA_MAPPED:
		free_mapped(f);
		return RUST_POOL_DMA_FREED_PAGES;
	case RUST_POOL_DMA_PAGES:
		if (free_pages_of(f))
			return RUST_POOL_DMA_FREED_PAGES;
		break;
	}
	return RUST_POOL_DMA_LOST;
}

static enum rust_pool_dma_fate free_as_made(struct freeing *f)
{
	dma_free_attrs(f->dev, f->bytes, f->base, f->bus, 0);
	return RUST_POOL_DMA_FREED;
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

/* Whether dma_free_attrs() will neither translate nor call missing operations. */
static bool still_direct(const struct freeing *f)
{
	if (f->origin->translated || use_dma_iommu(f->dev) ||
	    get_dma_ops(f->dev) != f->origin->ops)
		return false;
	if (f->origin->ops)
		return !has_own_ops(f->dev) || !rust_pool_dma_gone(f->dev);
	return dma_to_phys(f->dev, f->bus) == phys_of(f->base);
}

static enum rust_pool_dma_fate free_direct(struct freeing *f)
{
	return still_direct(f) ? free_as_made(f) : free_memory(f);
}

#ifdef CONFIG_IOMMU_API

/*
 * Has the kernel make room for a buffer that could not be made of what was free,
 * where we hold nothing that others may want. No process is killed for it.
 */
static bool make_room(const struct making *m)
{
	u64 limit = min_not_zero(m->dev->coherent_dma_mask,
				 m->dev->bus_dma_limit);
	/* What is translated is pages from anywhere, else it is in one piece. */
	unsigned int order = m->origin->translated ? 0 : get_order(m->bytes);
	struct page *page, *next;
	gfp_t gfp = m->gfp;
	LIST_HEAD(pages);
	bool done = true;
	size_t at;

	if (!m->origin->translated && limit < DMA_BIT_MASK(32))
		gfp |= GFP_DMA;
	else if (!m->origin->translated && limit == DMA_BIT_MASK(32))
		gfp |= GFP_DMA32;
	for (at = 0; at < m->bytes && done; at += PAGE_SIZE << order) {
		page = alloc_pages(gfp, order);
		if (page)
			list_add(&page->lru, &pages);
		else
			done = false;
	}
	list_for_each_entry_safe(page, next, &pages, lru) {
		list_del(&page->lru);
		__free_pages(page, order);
	}
	return done;
}

/* As iommu_group_for_each_dev(), and no memory is waited for meanwhile. */
static int within_group(void *group, void *data,
			int (*fn)(struct device *dev, void *data))
{
	unsigned int flags = memalloc_noreclaim_save();
	int ret = iommu_group_for_each_dev(group, data, fn);

	memalloc_noreclaim_restore(flags);
	return ret;
}

static int make_in_group(struct device *dev, void *data)
{
	struct making *m = data;

	if (dev != m->dev)
		return 0;
	/* The kernel's reserves are for the little that the DMA API notes down. */
	m->gfp |= __GFP_NOMEMALLOC;
	make(m, iommu_driver_get_domain_for_dev(dev));
	m->gfp &= ~__GFP_NOMEMALLOC;
	return 1;
}

/*
 * Whether the domain is the one that the buffer was mapped in. A domain may have
 * its address and be another one, so the mapping is looked at, too.
 */
static bool maps(struct iommu_domain *domain, const struct freeing *f)
{
	size_t at;

	if (domain != f->origin->domain)
		return false;
	for (at = 0; at < f->bytes; at += PAGE_SIZE) {
		if (iommu_iova_to_phys(domain, f->bus + at) != phys_of(f->base + at))
			return false;
	}
	return true;
}

static int free_in_group(struct device *dev, void *data)
{
	struct freeing *f = data;
	struct iommu_domain *domain;
	bool mapped;

	if (dev != f->dev && !f->left)
		return 0;
	domain = iommu_driver_get_domain_for_dev(dev);
	if (!f->origin->translated) {
		f->fate = free_direct(f);
		return 1;
	}
	mapped = domain && maps(domain, f);
	if (mapped && dev == f->dev && use_dma_iommu(dev) &&
	    get_dma_ops(dev) == f->origin->ops) {
		f->fate = free_as_made(f);
		return 1;
	}
	/*
	 * One of the types of a group's own domain: if it is not the buffer's, that
	 * one is no more, and with it its mappings. Any other has the group for a
	 * while, as during a reset, and then the buffer's own may come back.
	 */
	if (!domain || (domain->type != IOMMU_DOMAIN_IDENTITY &&
			!iommu_is_dma_domain(domain))) {
		f->borrowed = true;
		return 1;
	}
	/* Others of the group must not reach it; its addresses stay taken. */
	if (mapped)
		iommu_unmap(domain, f->bus,
			    ALIGN(f->bytes, 1UL << __ffs(domain->pgsize_bitmap)));
	f->fate = free_memory(f);
	return 1;
}

/*
 * The device keeps its place in the group, and that its domain, until the buffer
 * is made. A device that was removed has no place in it.
 */
static void make_grouped(struct making *m, void *group)
{
	unsigned int tries;

	/* Not to be waited for, see above. Nor is there memory to speak of. */
	if (rust_pool_in_reclaim())
		return;
	/*
	 * There the DMA API attaches the device, and takes the mutex. In any other
	 * kernel what is looked at here may be freed meanwhile: the device may leave.
	 */
	if (is_kdump_kernel() && m->dev->iommu && m->dev->iommu->attach_deferred) {
		make(m, iommu_get_domain_for_dev(m->dev));
		return;
	}
	for (tries = 0; tries <= ROOM_TRIES; tries++) {
		if (tries && !make_room(m))
			return;
		if (!within_group(group, m, make_in_group) || m->base)
			return;
	}
}

static void free_grouped(struct freeing *f, void *group)
{
	unsigned int tries;

	for (tries = 0; tries < RESET_TRIES; tries++) {
		f->borrowed = false;
		f->left = false;
		if (!within_group(group, f, free_in_group)) {
			f->left = true;
			/* With the last device of a group goes its domain. */
			if (!f->origin->translated)
				f->fate = free_direct(f);
			else if (!within_group(group, f, free_in_group))
				f->fate = free_memory(f);
		}
		if (!f->borrowed)
			return;
		msleep(RESET_MSECS);
	}
}

#else /* CONFIG_IOMMU_API */

static void make_grouped(struct making *m, void *group)
{
}

static void free_grouped(struct freeing *f, void *group)
{
}

#endif /* CONFIG_IOMMU_API */

/*
 * Coherent memory for a device of this IOMMU group, or of none, and how it was
 * made. Sleeps.
 */
void *rust_pool_dma_allocate(struct device *dev, void *group, size_t bytes,
			     u64 *bus, gfp_t gfp,
			     struct rust_pool_dma_origin *origin)
{
	struct making m = {
		.dev = dev,
		.bytes = bytes,
		.bus = bus,
		.gfp = gfp,
		.origin = origin,
	};

	if (group)
		make_grouped(&m, group);
	else if (!use_dma_iommu(dev))
		make(&m, NULL);
	return m.base;
}

/* Free such memory as well as can be done now. Sleeps; not from within reclaim. */
enum rust_pool_dma_fate
rust_pool_dma_free(struct device *dev, void *group, void *base, size_t bytes,
		   u64 bus, const struct rust_pool_dma_origin *origin)
{
	struct freeing f = {
		.dev = dev,
		.base = base,
		.bytes = bytes,
		.bus = bus,
		.origin = origin,
		.fate = RUST_POOL_DMA_LOST,
	};

	if (group)
		free_grouped(&f, group);
	else
		f.fate = free_direct(&f);
	return f.fate;
}
