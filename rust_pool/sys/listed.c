// SPDX-License-Identifier: GPL-2.0
/*
 * Which memory scatter/gather lists have, by page frames, so that a free of it can be
 * noticed. A list is found by any byte of its buffers or of its MDLs.
 */

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "core.h"

#define BUCKETS_BITS	11
#define LOCKS		16
/* What locks the bytes of a part is not known, or does not matter. */
#define ANY_LOCKER	0

/* Some bytes of one page. */
struct part {
	struct hlist_node node;
	phys_addr_t start;
	u32 bytes;
	/* Its place in the listing. */
	u32 at;
	/* The lock that they need. */
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

/* Each bucket has the parts of some page frames, and its lock is one of these. */
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

/* Room for what lies in so many pages; nothing is in it yet. */
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

/* Adds adjacent bytes, before it is entered; false if there is no room. */
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

/* From now on it is found, as that of the list at this address. Any context but NMI. */
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

/* From now on it is not found. Any context but NMI. */
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
 * The address of a list that has one of these adjacent bytes, or 0; if a locker is
 * given, of one that may need its lock for them. A list that is made or put meanwhile
 * may be found or not. Any context but NMI.
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
