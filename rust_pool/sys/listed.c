// SPDX-License-Identifier: GPL-2.0
/*
 * Records which memory scatter/gather lists use, by page frame, so that a free of
 * such memory is noticed. A list is found by any byte of its buffers or of its
 * MDLs.
 */

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "core.h"

#define BUCKETS_BITS	9
#define LOCKS		16
/*
 * The locker of a part if it is not known which MDL locks it, or does not matter.
 */
#define ANY_LOCKER	0

/* Bytes that a list uses in one page. */
struct part {
	struct hlist_node node;
	phys_addr_t start;
	u32 bytes;
	/* Its index in the listing. */
	u32 at;
	/* Which MDL keeps them locked: see Locker in listed.rs. */
	u16 locker;
};

struct rust_pool_listing {
	/* The address of the list. */
	unsigned long list;
	u32 room;
	u32 count;
	bool entered;
	struct part parts[] __counted_by(room);
};

/* Each bucket has the parts of some page frames. Several buckets share a lock. */
static struct hlist_head buckets[1 << BUCKETS_BITS];
static spinlock_t locks[LOCKS] = {
	[0 ... LOCKS - 1] = __SPIN_LOCK_UNLOCKED(locks)
};

static u32 bucket_of(phys_addr_t phys)
{
	return hash_64(PHYS_PFN(phys), BUCKETS_BITS);
}

static spinlock_t *lock_of(u32 bucket)
{
	return &locks[bucket % LOCKS];
}

/* How many of these bytes are in the page that they begin in. */
static size_t within_page(phys_addr_t start, size_t bytes)
{
	return min_t(size_t, bytes, PAGE_SIZE - offset_in_page(start));
}

static struct rust_pool_listing *listing_of(struct part *part)
{
	return container_of(part - part->at, struct rust_pool_listing, parts[0]);
}

/* An empty listing, with room for parts of @room pages. */
struct rust_pool_listing *rust_pool_listing_new(size_t room, gfp_t gfp)
{
	struct rust_pool_listing *listing;
	size_t bytes = struct_size(listing, parts, room);

	if (room > U32_MAX)
		return NULL;
	listing = rust_pool_may_vmalloc() ? kvmalloc(bytes, gfp) :
					    kmalloc(bytes, gfp);
	if (!listing)
		return NULL;
	listing->room = room;
	listing->count = 0;
	listing->entered = false;
	return listing;
}

/*
 * Add adjacent bytes to a listing that is not entered yet; false if there is no
 * room.
 */
bool rust_pool_listing_add(struct rust_pool_listing *listing, phys_addr_t start,
			   size_t bytes, u16 locker)
{
	while (bytes) {
		size_t here = within_page(start, bytes);
		struct part *part;

		if (listing->count == listing->room)
			return false;
		part = &listing->parts[listing->count];
		part->start = start;
		part->bytes = here;
		part->at = listing->count++;
		part->locker = locker;
		start += here;
		bytes -= here;
	}
	return true;
}

/*
 * Enter a listing: from now on its bytes are found as those of @list. Any context
 * but NMI.
 */
void rust_pool_listing_enter(struct rust_pool_listing *listing,
			     unsigned long list)
{
	unsigned long flags;
	u32 i;

	listing->list = list;
	listing->entered = true;
	for (i = 0; i < listing->count; i++) {
		struct part *part = &listing->parts[i];
		u32 bucket = bucket_of(part->start);

		spin_lock_irqsave(lock_of(bucket), flags);
		hlist_add_head(&part->node, &buckets[bucket]);
		spin_unlock_irqrestore(lock_of(bucket), flags);
	}
}

/* Free a listing: its bytes are not found any more. Any context but NMI. */
void rust_pool_listing_free(struct rust_pool_listing *listing)
{
	unsigned long flags;
	u32 i;

	for (i = 0; listing->entered && i < listing->count; i++) {
		struct part *part = &listing->parts[i];
		spinlock_t *lock = lock_of(bucket_of(part->start));

		spin_lock_irqsave(lock, flags);
		hlist_del(&part->node);
		spin_unlock_irqrestore(lock, flags);
	}
	kvfree_atomic(listing);
}

/*
 * The address of a list that uses one of these adjacent bytes, or 0. If a locker is
 * given, only lists count whose bytes it may lock. A list that is made or put at
 * the same time may or may not be found. Any context but NMI.
 */
unsigned long rust_pool_listed_at(phys_addr_t start, size_t bytes, u16 locker)
{
	unsigned long list = 0, flags;

	while (bytes && !list) {
		size_t here = within_page(start, bytes);
		u32 bucket = bucket_of(start);
		struct part *part;

		if (!hlist_empty(&buckets[bucket])) {
			spin_lock_irqsave(lock_of(bucket), flags);
			hlist_for_each_entry(part, &buckets[bucket], node)
				if (part->start < start + here &&
				    start < part->start + part->bytes &&
				    (part->locker == locker ||
				     part->locker == ANY_LOCKER ||
				     locker == ANY_LOCKER))
					list = listing_of(part)->list;
			spin_unlock_irqrestore(lock_of(bucket), flags);
		}
		start += here;
		bytes -= here;
	}
	return list;
}
