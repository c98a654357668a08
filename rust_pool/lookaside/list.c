// SPDX-License-Identifier: GPL-2.0
/*
 * The entries that lookaside lists keep: taken and put by any CPU under a lock that
 * is held for a few instructions. This is C for what the kernel has inline there.
 * Everything that is not the common case is in Rust, in lookaside.rs and beside this file.
 *
 * The head of a list is in the client's memory, its store in ours. A head may outlive
 * its list: its module was unloaded, it was copied, or a CPU came too late to a list
 * that is being deleted. So the memory of a store is a store as long as this module is
 * loaded, and is used again for other lists only. A store says whose it is: to all other
 * heads it has no entries and no room.
 */

/* The header declares the WDK's names, and does not define them. */
#define RUST_POOL_EXPORTS

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/processor.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <rust_pool/wdm.h>

#include "../sys/core.h"

/*
 * The lock is held for a few instructions, with interrupts disabled. The kernel's own lock is
 * unlocked by a call, for paravirtualization, and a function with calls has to save registers. That
 * would be a third of what a pair costs.
 */
static __always_inline void lock(struct rust_pool_store *store)
{
	while (unlikely(xchg_acquire(&store->lock, 1)))
		while (READ_ONCE(store->lock))
			cpu_relax();
}

static __always_inline void unlock(struct rust_pool_store *store)
{
	/* Pairs with xchg_acquire() in lock(). */
	smp_store_release(&store->lock, 0);
}

/*
 * The second word of the header at @addr, if a block of this list has it: its upper half
 * is the check word. header.rs has the same in Rust.
 */
static __always_inline u64 second_word(const struct rust_pool_store *store,
				       unsigned long addr)
{
	u64 product = (store->mixed ^ rol64(addr, 24)) * store->secret;

	return product >> 32 << 32 | store->second;
}

/*
 * Whether an address, which may be any, is that of an entry of this list that a client has. Most
 * entries are small blocks of pool, which have a header of two words in front: see header.rs. The
 * first word has one value while a client has the block, and another while the list keeps it or
 * when it was freed. Both words are compared. An entry whose header differs is left to the pool,
 * which reports it.
 */
static __always_inline bool is_out(const struct rust_pool_store *store,
				   const void *entry)
{
	const u64 *header = (const u64 *)entry - 2;
	u64 first, second;

	/* The range is empty while it is not known what the headers look like. */
	if (unlikely((unsigned long)entry - store->start >= store->length))
		return false;
	__get_kernel_nofault(&first, header, u64, missing);
	__get_kernel_nofault(&second, header + 1, u64, missing);
	return first == store->out &&
	       second == second_word(store, (unsigned long)header);
missing:
	return false;
}

/* Whether an address may be that of an entry which a routine of the client makes. */
static bool is_custom_out(const struct rust_pool_store *store, const void *entry)
{
	return store->custom && (long)entry < 0 && entry != store->first;
}

/* push() and take() are called with the lock held. */
static __always_inline void push(struct rust_pool_store *store, void **entry)
{
	*entry = store->first;
	store->first = entry;
	store->depth++;
}

/*
 * A client that goes on to use an entry it has freed may overwrite the link. So a list ends at a
 * NULL link, or at the latest after as many entries as were counted.
 */
static __always_inline void **take(struct rust_pool_store *store)
{
	void **entry = store->first;

	if (unlikely(!entry)) {
		store->depth = 0;
		return NULL;
	}
	if (--store->depth)
		store->first = *entry;
	else
		store->first = NULL;
	if (likely(store->out))
		((u64 *)entry)[-2] = store->out;
	return entry;
}

/* The store of all lists whose records could not be allocated. It keeps nothing. */
static struct rust_pool_store bare;

/* The owner of the store of a paged list has this bit, which is clear in all heads. */
#define PAGED	1ul

/* Whether it is the store of this list, which is paged. With the lock held. */
static bool is_paged_store_of(const struct rust_pool_store *store,
			      const GENERAL_LOOKASIDE *list)
{
	return store->owner == ((unsigned long)list | PAGED);
}

/* Whether the store is not the list's, or may not be used here. With the lock held. */
static bool is_closed(const struct rust_pool_store *store,
		      const GENERAL_LOOKASIDE *list, unsigned long flags)
{
	if (is_paged_store_of(store, list))
		return !rust_pool_may_sleep(raw_irqs_disabled_flags(flags));
	return store != &bare;
}

/*
 * Whether the list may use the store here. With the lock held. A paged list fails the first check,
 * so other lists need no second one.
 */
static __always_inline bool is_open(const struct rust_pool_store *store,
				    const GENERAL_LOOKASIDE *list,
				    unsigned long flags)
{
	return likely(store->owner == (unsigned long)list) ||
	       !is_closed(store, list, flags);
}

void *rust_pool_lookaside_allocate(PGENERAL_LOOKASIDE list,
				   unsigned long caller)
{
	struct rust_pool_store *store;
	void **entry = NULL;
	unsigned long flags;

	if (unlikely(!list || in_nmi()))
		return rust_pool_lookaside_miss(list, caller);
	local_irq_save(flags);
	store = READ_ONCE(list->store);
	if (likely(store)) {
		lock(store);
		if (is_open(store, list, flags)) {
			list->TotalAllocates++;
			entry = take(store);
			if (unlikely(!entry))
				list->AllocateMisses++;
		} else if (is_paged_store_of(store, list)) {
			/* Wrong context, but the call is counted. */
			list->TotalAllocates++;
			list->AllocateMisses++;
		}
		unlock(store);
	}
	local_irq_restore(flags);
	return likely(entry) ? entry : rust_pool_lookaside_miss(list, caller);
}
EXPORT_SYMBOL_GPL(rust_pool_lookaside_allocate);

void rust_pool_lookaside_free(PGENERAL_LOOKASIDE list, void *entry,
			      unsigned long caller)
{
	struct rust_pool_store *store;
	unsigned long flags;

	if (unlikely(!list || in_nmi())) {
		rust_pool_lookaside_overflow(list, entry, caller);
		return;
	}
	local_irq_save(flags);
	store = READ_ONCE(list->store);
	if (likely(store)) {
		lock(store);
		if (is_open(store, list, flags)) {
			list->TotalFrees++;
			if (likely(store->depth < store->limit)) {
				if (likely(is_out(store, entry))) {
					((u64 *)entry)[-2] = store->kept;
					goto keep;
				}
				if (is_custom_out(store, entry))
					goto keep;
			}
			list->FreeMisses++;
		} else if (is_paged_store_of(store, list)) {
			list->TotalFrees++;
			list->FreeMisses++;
		}
		unlock(store);
	}
	local_irq_restore(flags);
	rust_pool_lookaside_overflow(list, entry, caller);
	return;
keep:
	push(store, entry);
	unlock(store);
	local_irq_restore(flags);
}
EXPORT_SYMBOL_GPL(rust_pool_lookaside_free);

/*
 * Make it the store of the list with the head @list, or of no list if that is NULL. It is empty
 * then, and has no room. Another head may still point to it, so this takes the lock.
 */
void rust_pool_store_own(struct rust_pool_store *store,
			 const GENERAL_LOOKASIDE *list, bool paged, bool custom)
{
	unsigned long flags;

	local_irq_save(flags);
	lock(store);
	store->owner = (unsigned long)list | (list && paged ? PAGED : 0);
	store->first = NULL;
	store->depth = 0;
	store->limit = 0;
	store->out = 0;
	store->start = PAGE_OFFSET;
	store->length = 0;
	store->custom = custom;
	unlock(store);
	local_irq_restore(flags);
}

/* Record what the headers of all entries have in common. */
void rust_pool_store_learn(struct rust_pool_store *store,
			   const struct rust_pool_headers *headers)
{
	unsigned long flags;

	local_irq_save(flags);
	lock(store);
	if (!store->depth) {
		store->length = (unsigned long)high_memory - PAGE_OFFSET;
		store->out = headers->live;
		store->kept = headers->freed;
		store->second = headers->second;
		store->mixed = headers->mixed;
		store->secret = headers->secret;
	}
	unlock(store);
	local_irq_restore(flags);
}

/*
 * Keep an entry that is_out() did not recognize, but the caller did; it was counted as a miss.
 * Returns false if there is no room, or if the list keeps it already. In the second case it sets
 * *twice.
 */
bool rust_pool_store_put(struct rust_pool_store *store, GENERAL_LOOKASIDE *list,
			 void *entry, bool *twice)
{
	unsigned long flags;
	bool kept = false;
	void **other;
	u16 left;

	*twice = false;
	local_irq_save(flags);
	lock(store);
	other = store->first;
	for (left = store->depth; left && other && !*twice; left--) {
		*twice = other == entry;
		other = *other;
	}
	if (!*twice && !store->out && store->depth < store->limit) {
		push(store, entry);
		list->FreeMisses--;
		kept = true;
	}
	unlock(store);
	local_irq_restore(flags);
	return kept;
}

/*
 * Set how many entries there may be from now on, and take out those above @most. Returns the first
 * of these, linked as they were, or NULL, and sets *number. Any context but NMI.
 */
void *rust_pool_store_limit(struct rust_pool_store *store, u16 limit, u16 most,
			    u16 *number)
{
	void *taken = NULL, **last = &taken, **entry;
	unsigned long flags;

	*number = 0;
	local_irq_save(flags);
	lock(store);
	store->limit = limit;
	while (store->depth > most) {
		entry = take(store);
		if (!entry)
			break;
		*last = entry;
		last = entry;
		++*number;
	}
	*last = NULL;
	unlock(store);
	local_irq_restore(flags);
	return taken;
}

/* For LOOKASIDE_LIST_EX without routines of the client. */
static PVOID allocate_ex(POOL_TYPE type, SIZE_T bytes, ULONG tag,
			 struct _LOOKASIDE_LIST_EX *list)
{
	return ExAllocatePoolWithTag(type, bytes, tag);
}

static VOID free_ex(PVOID entry, struct _LOOKASIDE_LIST_EX *list)
{
	ExFreePool(entry);
}

/* Initialise a head. Without @store the list is bare. */
void rust_pool_head_init(GENERAL_LOOKASIDE *list,
			 const struct rust_pool_lookaside_spec *spec,
			 struct rust_pool_store *store, u16 depth)
{
	memset(list, 0, sizeof(*list));
	list->Depth = depth;
	list->MaximumDepth = EX_MAXIMUM_LOOKASIDE_DEPTH_BASE;
	list->Type = spec->type;
	list->Tag = spec->tag;
	list->Size = spec->size;
	if (spec->extended) {
		list->AllocateEx = allocate_ex;
		list->FreeEx = free_ex;
		if (spec->allocate)
			list->AllocateEx = spec->allocate;
		if (spec->free)
			list->FreeEx = spec->free;
	} else {
		list->Allocate = ExAllocatePoolWithTag;
		list->Free = ExFreePool;
		if (spec->allocate)
			list->Allocate = spec->allocate;
		if (spec->free)
			list->Free = spec->free;
	}
	WRITE_ONCE(list->store, store ?: &bare);
}

/* Close a head: from now on it is not that of a list. */
void rust_pool_head_close(GENERAL_LOOKASIDE *list)
{
	WRITE_ONCE(list->store, NULL);
	list->Depth = 0;
}

void rust_pool_head_depth(GENERAL_LOOKASIDE *list, u16 depth)
{
	WRITE_ONCE(list->Depth, depth);
}

/*
 * Count the allocations and misses since this last returned true; false if there were fewer than
 * @enough allocations. If two CPUs call this at once, both may count the same ones.
 */
bool rust_pool_head_asked(GENERAL_LOOKASIDE *list, u32 enough, u32 *allocates,
			  u32 *misses)
{
	u32 all = READ_ONCE(list->TotalAllocates);
	u32 missed = READ_ONCE(list->AllocateMisses);

	*allocates = all - READ_ONCE(list->LastTotalAllocates);
	*misses = missed - READ_ONCE(list->LastAllocateMisses);
	if (*allocates < enough)
		return false;
	WRITE_ONCE(list->LastTotalAllocates, all);
	WRITE_ONCE(list->LastAllocateMisses, missed);
	return true;
}

/* Whether a list is bare. If so, @spec is set to what it was initialised with. */
bool rust_pool_head_is_bare(const GENERAL_LOOKASIDE *list,
			    struct rust_pool_lookaside_spec *spec)
{
	if (READ_ONCE(list->store) != &bare)
		return false;
	*spec = (struct rust_pool_lookaside_spec) {
		.size = list->Size,
		.type = list->Type,
		.tag = list->Tag,
	};
	if (list->Allocate != ExAllocatePoolWithTag)
		spec->allocate = list->Allocate;
	if (list->Free != ExFreePool)
		spec->free = list->Free;
	return true;
}

/* Call the client's routine, which is not NULL. */
void *rust_pool_entry_make(const struct rust_pool_lookaside_spec *spec,
			   GENERAL_LOOKASIDE *list)
{
	PALLOCATE_FUNCTION_EX with_list = spec->allocate;
	PALLOCATE_FUNCTION plain = spec->allocate;

	if (spec->extended)
		return with_list(spec->type, spec->size, spec->tag,
				 (PLOOKASIDE_LIST_EX)list);
	return plain(spec->type, spec->size, spec->tag);
}

void rust_pool_entry_unmake(const struct rust_pool_lookaside_spec *spec,
			    GENERAL_LOOKASIDE *list, void *entry)
{
	PFREE_FUNCTION_EX with_list = spec->free;
	PFREE_FUNCTION plain = spec->free;

	if (spec->extended)
		with_list(entry, (PLOOKASIDE_LIST_EX)list);
	else
		plain(entry);
}
