// SPDX-License-Identifier: GPL-2.0
/*
 * Page frames by their numbers, as memory descriptor lists have them.
 */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "core.h"

/* What @count frames have in common; none has to be a frame. Any context. */
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

/* Map frames side by side. Sleeps. For rust_pool_vunmap(). */
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
