// SPDX-License-Identifier: GPL-2.0
/*
 * Allocates the memory of common buffers, and frees it, by the DMA API or without.
 *
 * dma_free_attrs() decides by the device's present state how to free: with an IOMMU
 * it unmaps the bus address, without one it takes that for a physical address. If
 * the device was removed since the allocation, or its IOMMU group got another
 * domain, that decision is wrong, and would free page frames of others. So each
 * buffer has an origin: how it was made. A free compares the origin with the
 * device first.
 *
 * The mutex of the IOMMU group keeps the device in the group and the group in its
 * domain. iommu_group_for_each_dev() calls a function with the mutex held; buffers
 * are made and freed in such calls, under two rules:
 *
 * - Do not wait for memory while the mutex is held. Reclaim calls shrinkers and
 *   notifiers of other modules, which may free buffers of this group, or want a
 *   lock whose holder does. Memory is made available before, without the mutex.
 * - Do not take the mutex in reclaim. The kernel itself allocates memory with the
 *   mutex held, so the task that is reclaiming may hold it.
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
#include <linux/hash.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/spinlock.h>
#include <linux/swiotlb.h>
#include <linux/vmalloc.h>

#include "core.h"
#include "group.h"

/* A free waits for a device in reset this often, this long each time. */
#define RESET_WAITS	50
#define RESET_MSECS	20
/* An allocation has the kernel reclaim memory this often before it fails. */
#define ROOM_TRIES	4

void *rust_pool_dma_group(struct device *dev)
{
	return iommu_group_get(dev);
}

void rust_pool_dma_group_put(void *group)
{
	iommu_group_put(group);
}

/* Whether the device was removed. A device that was never added was not. */
bool rust_pool_dma_gone(struct device *dev)
{
	return !device_is_registered(dev) && dev->kobj.state_remove_uevent_sent;
}

/* The driver that is bound to the device; the result is only compared. */
const void *rust_pool_dma_driver(struct device *dev)
{
	return READ_ONCE(dev->driver);
}

/* The physical address of what dma_alloc_attrs() returned. */
static phys_addr_t phys_of(const void *addr)
{
	return is_vmalloc_addr(addr) ? PFN_PHYS(vmalloc_to_pfn(addr)) : __pa(addr);
}

/* A buffer that is being allocated. */
struct making {
	struct device *dev;
	size_t bytes;
	u64 *bus;
	gfp_t gfp;
	struct rust_pool_dma_origin *origin;
	void *base;
};

/* Which kind of memory the DMA API took: an enum rust_pool_dma_memory. */
static u32 memory_of(const struct making *m)
{
	if (m->origin->ops && !m->origin->translated)
		return RUST_POOL_DMA_OTHER;
	/*
	 * With memory encryption only the DMA API can make the pages private again;
	 * pages of a swiotlb pool go back to the pool.
	 */
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT) || is_swiotlb_for_alloc(m->dev))
		return RUST_POOL_DMA_OTHER;
	if (is_vmalloc_addr(m->base))
		return m->origin->translated ? RUST_POOL_DMA_MAPPED :
					       RUST_POOL_DMA_OTHER;
	return virt_addr_valid(m->base) ? RUST_POOL_DMA_PAGES :
					  RUST_POOL_DMA_OTHER;
}

/* Allocate the buffer, and record in its origin how it was made. */
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

/* A buffer that is being freed. */
struct freeing {
	struct rust_pool_undoing undoing;
	void *base;
	size_t bytes;
	dma_addr_t bus;
	const struct rust_pool_dma_origin *origin;
	enum rust_pool_dma_fate fate;
};

/* Free an area of vmap() and the pages mapped there. */
static void free_mapped(struct freeing *f)
{
	struct page *page, *next;
	LIST_HEAD(pages);
	size_t at;

	for (at = 0; at < f->bytes; at += PAGE_SIZE)
		list_add(&vmalloc_to_page(f->base + at)->lru, &pages);
	/*
	 * The DMA API gave the area its array of pages, but not their number. So
	 * vfree() frees the array, but none of the pages.
	 */
	vfree(f->base);
	list_for_each_entry_safe(page, next, &pages, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
}

/* Free pages to CMA or the page allocator; false if they are from neither. */
static bool free_pages_of(struct freeing *f)
{
	struct page *page = virt_to_page(f->base);

#ifdef CONFIG_DMA_CMA
	if (cma_release(dev_get_cma_area(f->undoing.dev), page,
			PAGE_ALIGN(f->bytes) >> PAGE_SHIFT))
		return true;
#endif
	/* A reference for each frame: the page allocator did not supply these. */
	if (f->bytes > PAGE_SIZE && page_ref_count(page + 1))
		return false;
	__free_pages(page, get_order(f->bytes));
	return true;
}

/* Free memory that no device can reach any more, without the DMA API. */
static enum rust_pool_dma_fate free_memory(struct freeing *f)
{
	/*
	 * DMA-API debugging would never learn of this free, and would blame the
	 * next user that maps one of these frames.
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

/* Free by the DMA API: the device is as it was when the buffer was made. */
static enum rust_pool_dma_fate free_as_made(struct freeing *f)
{
	dma_free_attrs(f->undoing.dev, f->bytes, f->base, f->bus, 0);
	return RUST_POOL_DMA_FREED;
}

/* Whether the device has DMA operations of its own, as only some kernels allow. */
static bool has_own_ops(const struct device *dev)
{
#ifdef CONFIG_ARCH_HAS_DMA_OPS
	return dev->dma_ops;
#else
	return false;
#endif
}

/*
 * Whether dma_free_attrs() would free the buffer as it was made: without an IOMMU,
 * and by operations that are still there.
 */
static bool still_direct(const struct freeing *f)
{
	if (f->origin->translated || use_dma_iommu(f->undoing.dev) ||
	    get_dma_ops(f->undoing.dev) != f->origin->ops)
		return false;
	if (f->origin->ops)
		return !has_own_ops(f->undoing.dev) ||
		       !rust_pool_dma_gone(f->undoing.dev);
	return dma_to_phys(f->undoing.dev, f->bus) == phys_of(f->base);
}

/* Free a buffer that was made without an IOMMU. */
static enum rust_pool_dma_fate free_direct(struct freeing *f)
{
	return still_direct(f) ? free_as_made(f) : free_memory(f);
}

#ifdef CONFIG_IOMMU_API

/*
 * Make the kernel reclaim as much memory as the buffer needs: allocate it, and free
 * it again. Called without the group's mutex, so it may wait. The flags keep the
 * kernel from killing a process for it.
 */
static bool make_room(const struct making *m)
{
	u64 limit = min_not_zero(m->dev->coherent_dma_mask,
				 m->dev->bus_dma_limit);
	/* With an IOMMU any pages will do, without one they must be contiguous. */
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

/* Call @fn for each device of a group with the group's mutex held, and do not wait for memory. */
int rust_pool_in_group(void *group, void *data,
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
	/*
	 * rust_pool_in_group() opens the kernel's reserves of memory. Leave them to the
	 * small allocations of the DMA API, and do not use them for the buffer.
	 */
	m->gfp |= __GFP_NOMEMALLOC;
	make(m, iommu_driver_get_domain_for_dev(dev));
	m->gfp &= ~__GFP_NOMEMALLOC;
	return 1;
}

/*
 * Whether the domain is the one in which the buffer was mapped. A new domain may be
 * at the address of one that was freed, so compare the mappings as well.
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

/*
 * Whether somebody has a group for a while. If the group has a default domain,
 * identity or DMA, that is not the one of a buffer or list, that one was freed, and
 * its mappings with it. Any other domain, or none, is there for a while only, as
 * during a reset. Then the old domain may come back.
 */
bool rust_pool_is_borrowed(struct iommu_domain *domain)
{
	return !domain || (domain->type != IOMMU_DOMAIN_IDENTITY &&
			   !iommu_is_dma_domain(domain));
}

static int free_in_group(struct device *dev, void *data)
{
	struct freeing *f = container_of(data, struct freeing, undoing);
	struct iommu_domain *domain;
	bool mapped;

	if (!rust_pool_is_for(&f->undoing, dev))
		return 0;
	domain = iommu_driver_get_domain_for_dev(dev);
	if (!f->origin->translated) {
		f->fate = free_direct(f);
		return 1;
	}
	mapped = domain && maps(domain, f);
	if (mapped && dev == f->undoing.dev && use_dma_iommu(dev) &&
	    get_dma_ops(dev) == f->origin->ops) {
		f->fate = free_as_made(f);
		return 1;
	}
	if (rust_pool_is_borrowed(domain)) {
		f->undoing.borrowed = true;
		return 1;
	}
	/*
	 * The group's other devices must not reach the memory any more. The bus
	 * addresses stay allocated.
	 */
	if (mapped)
		iommu_unmap(domain, f->bus,
			    ALIGN(f->bytes, 1UL << __ffs(domain->pgsize_bitmap)));
	f->fate = free_memory(f);
	return 1;
}

/*
 * Allocate a buffer with the group's mutex held, so that the device stays in the
 * group and the group in its domain until the origin is recorded. Allocates nothing
 * for a device that was removed, as it is not in the group.
 */
static void make_grouped(struct making *m, void *group)
{
	unsigned int tries;

	/* The mutex may not be taken in reclaim; nor would there be memory. */
	if (rust_pool_in_reclaim())
		return;
	/*
	 * In a kdump kernel the DMA API attaches the device at its first use, and
	 * takes the mutex for that, so it must not be held here. Only there: in any
	 * other kernel the device may leave meanwhile, and dev->iommu be freed.
	 */
	if (is_kdump_kernel() && m->dev->iommu && m->dev->iommu->attach_deferred) {
		make(m, iommu_get_domain_for_dev(m->dev));
		return;
	}
	for (tries = 0; tries <= ROOM_TRIES; tries++) {
		if (tries && !make_room(m))
			return;
		if (!rust_pool_in_group(group, m, make_in_group) || m->base)
			return;
	}
}

/*
 * A group that was busy until the wait ended: VFIO may have it for hours. For a second
 * after each free that was given up, nobody waits for the group again. So many
 * frees at one time, and the buffers behind them in the backlogs, wait only once in
 * all. The array is indexed by a hash of the group's address; of two groups with
 * the same hash, the newer one is remembered.
 */
static struct given_up {
	const void *group;
	unsigned long until;
} given_up[16];
static DEFINE_SPINLOCK(given_up_lock);

/*
 * Sleep for a moment, because somebody else has the group. Returns false at once if
 * the group has been waited for long enough. @waits is how often this caller has
 * waited, at first 0.
 */
noinline bool rust_pool_dma_wait(const void *group, unsigned int *waits)
{
	struct given_up *place =
		&given_up[hash_ptr(group, ilog2(ARRAY_SIZE(given_up)))];
	bool wait;

	spin_lock(&given_up_lock);
	wait = *waits < RESET_WAITS &&
	       (place->group != group || time_after(jiffies, place->until));
	if (!wait) {
		place->group = group;
		place->until = jiffies +
			       msecs_to_jiffies(RESET_WAITS * RESET_MSECS);
	}
	spin_unlock(&given_up_lock);
	if (wait) {
		*waits += 1;
		msleep(RESET_MSECS);
	}
	return wait;
}

/*
 * Call @fn with @u for the device, with the group's mutex held; if the device has
 * left, for any device of the group. Wait and call it again if somebody has the
 * group for a while. Returns false if the group has no devices: then it has no
 * domain either, and nothing is mapped.
 */
bool rust_pool_undo_in_group(void *group, struct rust_pool_undoing *u,
			     int (*fn)(struct device *dev, void *data))
{
	unsigned int waits = 0;
	bool found;

	do {
		u->borrowed = false;
		u->left = false;
		found = rust_pool_in_group(group, u, fn);
		if (!found) {
			u->left = true;
			found = rust_pool_in_group(group, u, fn);
		}
	} while (u->borrowed && rust_pool_dma_wait(group, &waits));
	return found;
}

/* Free a buffer with the group's mutex held. */
static void free_grouped(struct freeing *f, void *group)
{
	if (rust_pool_undo_in_group(group, &f->undoing, free_in_group))
		return;
	f->fate = f->origin->translated ? free_memory(f) : free_direct(f);
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
 * Allocate coherent memory for a device that was in this IOMMU group, or in none
 * (NULL), and fill in @bus and @origin. Sleeps.
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

/*
 * Free what rust_pool_dma_allocate() returned, as well as the device's present
 * state allows. Sleeps. Not in reclaim if there is a group.
 */
enum rust_pool_dma_fate
rust_pool_dma_free(struct device *dev, void *group, void *base, size_t bytes,
		   u64 bus, const struct rust_pool_dma_origin *origin)
{
	struct freeing f = {
		.undoing = { .dev = dev },
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
