// SPDX-License-Identifier: GPL-2.0
/*
 * The entries that lookaside lists keep: taken and put by any CPU under a lock that
 * is held for a few instructions. This is C for what the kernel has inline there.
 * Everything that is not the common case is in lookaside.rs.
 *
 * The head of a list is in the client's memory, its store in ours. The store is freed
 * by RCU. So a CPU that comes too late to a list which is being deleted finds an
 * empty store, and no other's memory.
 */

/* The header declares the WDK's names, and does not define them. */
#define RUST_POOL_EXPORTS

#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/processor.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <rust_pool/wdm.h>

#include "../sys/core.h"

/*
 * The lock is held for a few instructions, with interrupts disabled. The kernel's own
 * unlocks by a call, for hypervisors, and a function that calls has to save registers:
 * that would be a third of what a pair costs.
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
 * Whether an address, which may be any, is that of an entry of this list that is out.
 * Most entries are small blocks of pool, which have a header of two words in front:
 * see header.rs. The first word is the same for all that are out, and another while
 * the list keeps the block or when it was freed.
 */
static __always_inline bool is_out(const struct rust_pool_store *store,
				   const void *entry)
{
	u64 word;

	if (unlikely(!store->out))
		return store->custom && (long)entry < 0 && entry != store->first;
	if (unlikely((unsigned long)entry - store->start >= store->length))
		return false;
	__get_kernel_nofault(&word, (const u64 *)entry - 2, u64, missing);
	return word == store->out;
missing:
	return false;
}

/* Both with the lock held. */
static __always_inline void keep(struct rust_pool_store *store, void **entry)
{
	if (likely(store->kept))
		((u64 *)entry)[-2] = store->kept;
	*entry = store->first;
	store->first = entry;
	store->depth++;
}

static __always_inline void **take(struct rust_pool_store *store)
{
	void **entry = store->first;

	if (unlikely(!entry))
		return NULL;
	store->first = *entry;
	store->depth--;
	if (likely(store->out))
		((u64 *)entry)[-2] = store->out;
	return entry;
}

/* Whether the context in which interrupts were as in @flags may sleep. */
static __always_inline bool may_sleep(unsigned long flags)
{
	return !raw_irqs_disabled_flags(flags) && !preempt_count() &&
	       !rcu_preempt_depth();
}

/* The store of a list, if it may be used here. */
static __always_inline struct rust_pool_store *
store_of(const GENERAL_LOOKASIDE *list, unsigned long flags)
{
	struct rust_pool_store *store = READ_ONCE(list->store);

	if (unlikely(!store) || (unlikely(store->paged) && !may_sleep(flags)))
		return NULL;
	return store;
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
	store = store_of(list, flags);
	if (likely(store)) {
		lock(store);
		list->TotalAllocates++;
		entry = take(store);
		if (unlikely(!entry))
			list->AllocateMisses++;
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
	bool kept = false;

	if (unlikely(!list || in_nmi())) {
		rust_pool_lookaside_overflow(list, entry, caller);
		return;
	}
	local_irq_save(flags);
	store = store_of(list, flags);
	if (likely(store)) {
		lock(store);
		list->TotalFrees++;
		kept = store->depth < store->limit && is_out(store, entry);
		if (likely(kept))
			keep(store, entry);
		else
			list->FreeMisses++;
		unlock(store);
	}
	local_irq_restore(flags);
	if (unlikely(!kept))
		rust_pool_lookaside_overflow(list, entry, caller);
}
EXPORT_SYMBOL_GPL(rust_pool_lookaside_free);

/* Empty, and without room. */
void rust_pool_store_init(struct rust_pool_store *store, bool paged,
			  bool custom)
{
	memset(store, 0, sizeof(*store));
	store->start = PAGE_OFFSET;
	store->length = (unsigned long)high_memory - PAGE_OFFSET;
	store->paged = paged;
	store->custom = custom;
}

/* The first word of each entry's header, if it is not known yet. */
void rust_pool_store_learn(struct rust_pool_store *store, u64 out, u64 kept)
{
	unsigned long flags;

	local_irq_save(flags);
	lock(store);
	if (!store->out && !store->depth) {
		store->out = out;
		store->kept = kept;
	}
	unlock(store);
	local_irq_restore(flags);
}

/*
 * Keeps an entry that is_out() cannot tell, but the caller can: it was counted as a
 * miss. False if there is no room, or if it is kept already, @twice then.
 */
bool rust_pool_store_put(struct rust_pool_store *store, GENERAL_LOOKASIDE *list,
			 void *entry, bool *twice)
{
	unsigned long flags;
	bool kept = false;
	void **other;

	*twice = false;
	local_irq_save(flags);
	lock(store);
	for (other = store->first; other && !*twice; other = *other)
		*twice = other == entry;
	if (!*twice && !store->out && store->depth < store->limit) {
		keep(store, entry);
		list->FreeMisses--;
		kept = true;
	}
	unlock(store);
	local_irq_restore(flags);
	return kept;
}

/*
 * Says how many entries there may be from now on, and takes out those above @most:
 * the first of them, linked as they were, or NULL, and their number. Any context
 * but NMI.
 */
void *rust_pool_store_limit(struct rust_pool_store *store, u16 limit, u16 most,
			    u16 *number)
{
	void *taken = NULL, **last = &taken;
	unsigned long flags;

	local_irq_save(flags);
	lock(store);
	store->limit = limit;
	*number = store->depth > most ? store->depth - most : 0;
	while (store->depth > most) {
		*last = take(store);
		last = *last;
	}
	*last = NULL;
	unlock(store);
	local_irq_restore(flags);
	return taken;
}

/* Frees the record that the store begins, when no CPU looks at it any more. */
void rust_pool_store_release(struct rust_pool_store *store)
{
	kfree_rcu(store, rcu);
}

/* What a list has whose record could not be allocated: it keeps nothing. */
static struct rust_pool_store bare;

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

/* Without @store the list is bare. */
void rust_pool_head_init(GENERAL_LOOKASIDE *list,
			 const struct rust_pool_lookaside_wish *wish,
			 struct rust_pool_store *store, u16 depth)
{
	memset(list, 0, sizeof(*list));
	list->Depth = depth;
	list->MaximumDepth = EX_MAXIMUM_LOOKASIDE_DEPTH_BASE;
	list->Type = wish->type;
	list->Tag = wish->tag;
	list->Size = wish->size;
	if (wish->extended) {
		list->AllocateEx = allocate_ex;
		list->FreeEx = free_ex;
		if (wish->allocate)
			list->AllocateEx = wish->allocate;
		if (wish->free)
			list->FreeEx = wish->free;
	} else {
		list->Allocate = ExAllocatePoolWithTag;
		list->Free = ExFreePool;
		if (wish->allocate)
			list->Allocate = wish->allocate;
		if (wish->free)
			list->Free = wish->free;
	}
	WRITE_ONCE(list->store, store ?: &bare);
}

/* It is no list from now on. */
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
 * Allocations and misses since this was asked last, if there were @enough of them.
 * Two CPUs may ask at once; both count some of them then.
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

/* Whether a list is bare; then @wish is what it was initialised with. */
bool rust_pool_head_is_bare(const GENERAL_LOOKASIDE *list,
			    struct rust_pool_lookaside_wish *wish)
{
	if (READ_ONCE(list->store) != &bare)
		return false;
	*wish = (struct rust_pool_lookaside_wish) {
		.size = list->Size,
		.type = list->Type,
		.tag = list->Tag,
	};
	if (list->Allocate != ExAllocatePoolWithTag)
		wish->allocate = list->Allocate;
	if (list->Free != ExFreePool)
		wish->free = list->Free;
	return true;
}

/* Calls the client's routine, which is there. */
void *rust_pool_entry_make(const struct rust_pool_lookaside_wish *wish,
			   GENERAL_LOOKASIDE *list)
{
	PALLOCATE_FUNCTION_EX with_list = wish->allocate;
	PALLOCATE_FUNCTION plain = wish->allocate;

	if (wish->extended)
		return with_list(wish->type, wish->size, wish->tag,
				 (PLOOKASIDE_LIST_EX)list);
	return plain(wish->type, wish->size, wish->tag);
}

void rust_pool_entry_unmake(const struct rust_pool_lookaside_wish *wish,
			    GENERAL_LOOKASIDE *list, void *entry)
{
	PFREE_FUNCTION_EX with_list = wish->free;
	PFREE_FUNCTION plain = wish->free;

	if (wish->extended)
		with_list(entry, (PLOOKASIDE_LIST_EX)list);
	else
		plain(entry);
}
