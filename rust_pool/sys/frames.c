// SPDX-License-Identifier: GPL-2.0
/*
 * Page frames by their numbers, as memory descriptor lists have them.
 */

#include <linux/gfp.h>
#include <linux/ioport.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "core.h"

/*
 * Find out what the @count frames have in common. The numbers may be anything: each
 * is checked to be a frame of memory. Any context.
 */
void rust_pool_frames_look(const PFN_NUMBER *frames, size_t count,
			   struct rust_pool_frames *seen)
{
	bool adjacent = count;
	size_t i;

	seen->type = MmNotMapped;
	for (i = 0; i < count; i++) {
		s32 type = pfn_valid(frames[i]) ?
			   rust_pool_type_of(rust_pool_frame_address(frames[i])) :
			   MmNotMapped;

		if (type == MmNotMapped)
			break;
		if (!i)
			seen->type = type;
		else if (type != seen->type)
			seen->type = MmMaximumCacheType;
		if (frames[i] != frames[0] + i)
			adjacent = false;
	}
	seen->odd = i;
	seen->base = adjacent && i == count ? rust_pool_frame_address(frames[0]) :
					      NULL;
}

void *rust_pool_frame_address(PFN_NUMBER frame)
{
	return __va(PFN_PHYS(frame));
}

/* Map frames side by side. Sleeps. Undone by rust_pool_vunmap(). */
void *rust_pool_frames_map(const PFN_NUMBER *frames, size_t count,
			   MEMORY_CACHING_TYPE type, bool write)
{
	struct page **pages;
	void *base;
	size_t i;

	if (count > INT_MAX)
		return NULL;
	pages = kvmalloc_array(count, sizeof(*pages), RUST_POOL_GFP_KERNEL);
	if (!pages)
		return NULL;
	for (i = 0; i < count; i++)
		pages[i] = pfn_to_page(frames[i]);
	base = rust_pool_vmap(pages, count, type, write);
	kvfree(pages);
	return base;
}

/* Map adjacent frames. Sleeps. Undone by rust_pool_vunmap(). */
void *rust_pool_memory_map(PFN_NUMBER first, size_t count,
			   MEMORY_CACHING_TYPE type, bool write)
{
	PFN_NUMBER *frames = kvmalloc_array(count, sizeof(*frames),
					    RUST_POOL_GFP_KERNEL);
	void *base;
	size_t i;

	if (!frames)
		return NULL;
	for (i = 0; i < count; i++)
		frames[i] = first + i;
	base = rust_pool_frames_map(frames, count, type, write);
	kvfree(frames);
	return base;
}

/*
 * Whether memory of the kernel is among these addresses. A page that is memory only in
 * part is not used by the kernel.
 */
bool rust_pool_io_is_memory(phys_addr_t start, size_t bytes)
{
	return region_intersects(start, bytes, IORESOURCE_SYSTEM_RAM,
				 IORES_DESC_NONE) != REGION_DISJOINT;
}

struct range_list {
	PHYSICAL_MEMORY_RANGE *to;
	size_t room, count;
	u64 end;
};

/* Add a range, or extend the last one if it ends where this one begins. */
static void list_range(struct range_list *list, u64 start, u64 end)
{
	if (!list->count || start != list->end) {
		if (list->count < list->room)
			list->to[list->count].BaseAddress.QuadPart = start;
		list->count++;
	}
	if (list->count <= list->room)
		list->to[list->count - 1].NumberOfBytes.QuadPart += end - start;
	list->end = end;
}

/* Add the whole pages of a resource, except memory that was taken offline. */
static int list_resource(struct resource *res, void *arg)
{
	PFN_NUMBER pfn = PFN_UP(res->start), end = PFN_DOWN(res->end + 1), next;

	for (; pfn < end; pfn = next) {
		/* Memory goes offline in units larger than a pageblock. */
		next = min(ALIGN(pfn + 1, pageblock_nr_pages), end);
		if (pfn_to_online_page(pfn))
			list_range(arg, PFN_PHYS(pfn), PFN_PHYS(next));
	}
	return 0;
}

/*
 * Write the ranges of memory to @to, whose elements are all 0, and return how many
 * ranges there are: maybe more than @room. Task context.
 */
size_t rust_pool_memory_list(PHYSICAL_MEMORY_RANGE *to, size_t room)
{
	struct range_list list = { .to = to, .room = room };

	walk_iomem_res_desc(IORES_DESC_NONE,
			    IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, U64_MAX,
			    &list, list_resource);
	return list.count;
}

/* The address of a byte of memory in the direct map; NULL if it is not there. */
void *rust_pool_virtual(phys_addr_t phys)
{
	void *va = __va(phys);

	if (!pfn_to_online_page(PHYS_PFN(phys)) ||
	    rust_pool_type_of(va) == MmNotMapped)
		return NULL;
	return va;
}

/*
 * The frames of @count kernel pages from @start on; false if one is not mapped or,
 * for @write, not writable.
 */
bool rust_pool_kernel_frames(unsigned long start, size_t count, bool write,
			     PFN_NUMBER *frames)
{
	phys_addr_t phys;
	size_t i;

	for (i = 0; i < count; i++) {
		unsigned long at = start + i * PAGE_SIZE;

		if (!rust_pool_lookup((void *)at, &phys))
			return false;
		if (write && !rust_pool_is_writable((void *)at))
			return false;
		frames[i] = PHYS_PFN(phys);
	}
	return true;
}

/*
 * How to pin pages to be read, from the page at @at on: up to @count, which becomes fewer
 * where a mapping ends. What is pinned must be what the process writes there later. In a
 * mapping that is copied on write the page may be one that others have, too, as the zero
 * page. FOLL_LONGTERM gives the process its own. Elsewhere it must not be used: it never
 * ends for pages of CMA that a driver has mapped there.
 */
static unsigned int read_flags(unsigned long at, size_t *count)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned int flags = 0;

	mmap_read_lock(mm);
	vma = find_vma(mm, at);
	if (vma && vma->vm_start <= at) {
		*count = min(*count, (vma->vm_end - at) >> PAGE_SHIFT);
		if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE)
			flags = FOLL_LONGTERM;
	}
	mmap_read_unlock(mm);
	return flags;
}

/*
 * Pin @count pages of this process, from the page around @start on, and fill in
 * @pages and @frames. Pins all pages or none. Sleeps.
 */
int rust_pool_pin(unsigned long start, size_t count, bool write,
		  struct page **pages, PFN_NUMBER *frames)
{
	size_t done = 0, i;

	if (!current->mm || count > INT_MAX)
		return -EFAULT;
	start &= PAGE_MASK;
	while (done < count) {
		unsigned long at = start + done * PAGE_SIZE;
		size_t most = count - done;
		unsigned int flags = write ? FOLL_WRITE : read_flags(at, &most);
		int got = pin_user_pages_fast(at, most, flags, pages + done);

		if (got <= 0) {
			unpin_user_pages(pages, done);
			return got ? got : -EFAULT;
		}
		done += got;
	}
	for (i = 0; i < count; i++)
		frames[i] = page_to_pfn(pages[i]);
	return 0;
}

/* Mark a page dirty, unless its folio is locked: then return false. Task context. */
static bool mark_dirty(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_dirty(folio))
		return true;
	if (!folio_trylock(folio))
		return false;
	folio_mark_dirty(folio);
	folio_unlock(folio);
	return true;
}

/*
 * Undo rust_pool_pin() for all pages but those that are to be marked dirty and whose folio is
 * locked. Those are moved to the start of @pages, and their number is returned.
 *
 * This is unpin_user_pages_dirty_lock() without its wait: the caller may have the lock, or whoever
 * has it may wait for the caller, or for a server that does not answer. Task context.
 */
size_t rust_pool_unpin(struct page **pages, size_t count, bool dirty)
{
	size_t left = 0, i;

	for (i = 0; dirty && i < count; i++) {
		if (mark_dirty(pages[i]))
			continue;
		swap(pages[left], pages[i]);
		left++;
	}
	unpin_user_pages(pages + left, count - left);
	return left;
}

/* What identifies this process; never dereferenced. */
void *rust_pool_process(void)
{
	return current->group_leader;
}

/* A page, preferably of a node; -1 means that of this CPU. */
struct page *rust_pool_page_on(gfp_t gfp, int node)
{
	struct page *page = node == NUMA_NO_NODE ? alloc_pages(gfp, 0) :
						   alloc_pages_node(node, gfp, 0);

	/* As in rust_pool_page_block(). */
	if (page)
		clear_page_pfmemalloc(page);
	return page;
}

/*
 * Like alloc_pages_exact(), but from this node only: adjacent pages, @bytes in all,
 * each with a reference of its own.
 */
void *rust_pool_pages_on(gfp_t gfp, size_t bytes, int node)
{
	unsigned int order = get_order(bytes);
	struct page *page = alloc_pages_node(node, gfp | __GFP_THISNODE, order);
	size_t i;

	if (!page)
		return NULL;
	split_page(page, order);
	for (i = bytes >> PAGE_SHIFT; i < 1UL << order; i++)
		__free_page(page + i);
	return page_address(page);
}

/* The first frame of a node that has memory, and one past its last. */
void rust_pool_node_span(int node, PFN_NUMBER *start, PFN_NUMBER *end)
{
	*start = node_start_pfn(node);
	*end = node_end_pfn(node);
}

/* How many nodes have memory. */
unsigned int rust_pool_nodes(void)
{
	return num_node_state(N_MEMORY);
}

/* The node of a page, or NUMA_NO_NODE if @page is none. */
int rust_pool_node_of(struct page *page)
{
	return pfn_valid(page_to_pfn(page)) ? page_to_nid(page) : NUMA_NO_NODE;
}

int rust_pool_this_node(void)
{
	return numa_mem_id();
}

bool rust_pool_has_node(u32 node)
{
	return node < MAX_NUMNODES && node_state(node, N_MEMORY);
}

PFN_NUMBER rust_pool_frame_of(struct page *page)
{
	return page_to_pfn(page);
}
