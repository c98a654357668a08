// SPDX-License-Identifier: GPL-2.0
/*
 * An actor's operations. What it does next depends on its random numbers and
 * on what it did before, never on what others do or on how an operation ended,
 * so a seed gives the same sequence again. Only blocks that others hand over
 * come when they come; to free them is no operation of its own.
 */
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "model.h"

static ULONG tag_of(unsigned int tag)
{
	return 'ldM' | (ULONG)('0' + tag) << 24;
}

static ULONG tag_for(const struct block *b)
{
	return b->list ? MODEL_LIST_TAG(b->list) : tag_of(b->tag);
}

void actor_wrong(struct actor *a, const char *fmt, ...)
{
	va_list args;

	if (a->wrong++)
		return;
	va_start(args, fmt);
	vscnprintf(a->what, sizeof(a->what), fmt, args);
	va_end(args);
}

/* Contents */

u64 model_pattern(u64 seed, size_t word)
{
	return (seed + word) * 0x9e3779b97f4a7c15;
}

static void fill(const struct block *b)
{
	u64 *words = b->base, last;
	size_t i, count = b->bytes / 8;

	for (i = 0; i < count; i++)
		words[i] = model_pattern(b->seed, i);
	last = model_pattern(b->seed, count);
	memcpy(words + count, &last, b->bytes % 8);
}

static void check(struct actor *a, const struct block *b, const char *when)
{
	const u64 *words = b->base;
	size_t i, count = b->bytes / 8;
	u64 last;

	for (i = 0; i < count; i++)
		if (words[i] != model_pattern(b->seed, i))
			break;
	last = model_pattern(b->seed, count);
	if (i < count || memcmp(words + count, &last, b->bytes % 8))
		actor_wrong(a, "kind %d, %zu bytes at %px: changed at %zu, seen %s",
		      b->kind, b->bytes, b->base, i * 8, when);
}

/* Counters */

static struct counts *counts_of(struct actor *a, const struct block *b)
{
	switch (b->kind) {
	case CONTIGUOUS:
	case CONTIGUOUS_UC:
		return &a->families[FAMILY_CONTIGUOUS];
	case NONCACHED:
		return &a->families[FAMILY_NONCACHED];
	case BUFFER:
		return &a->families[FAMILY_BUFFER];
	case MDL_PAGES:
		return &a->families[FAMILY_MDL_PAGES];
	default:
		return &a->tags[b->tag][b->kind == PAGED];
	}
}

static void count(struct actor *a, const struct block *b, int sign)
{
	struct counts *c = counts_of(a, b);

	if (b->list) {
		struct entries *e = &a->lists[b->list - 1];

		if (sign > 0)
			e->taken++;
		else
			e->given++;
		e->out += sign;
		return;
	}
	if (sign > 0)
		c->allocs++;
	else
		c->frees++;
	c->bytes += sign * (s64)b->bytes;
	c->used += sign * (s64)PAGE_ALIGN(b->bytes);
}

/* Calls, each in a context */

struct call {
	struct actor *actor;
	struct block *block;
	POOL_TYPE type;
	ULONG tag;
	/* Which of the routines that allocate such a block: of eight. */
	unsigned int way;
	bool quota;
	void *address;
	size_t bytes;
};

void actor_in_context(enum rpt_context context, void (*fn)(void *arg), void *arg)
{
	/* An actor in softirq is where it is. */
	if (context == RPT_SOFTIRQ)
		fn(arg);
	else
		rpt_in_context(context, fn, arg);
}

static void in_context(enum rpt_context context, void (*fn)(void *arg),
		       struct call *call)
{
	actor_in_context(context, fn, call);
}

static DMA_ADAPTER *adapter_of(const struct call *c)
{
	const struct block *b = c->block;

	return b->of ? b->of->adapter : c->actor->model->adapter;
}

/* Of these routines only one can charge without flags that say so. */
#define BY_QUOTA	7

static void *pool(const struct call *c)
{
	const POOL_EXTENDED_PARAMETER high = {
		.Type = PoolExtendedParameterPriority, .Priority = HighPoolPriority,
	};
	const size_t bytes = c->block->bytes;
	POOL_FLAGS flags = c->type & PagedPool ? POOL_FLAG_PAGED : POOL_FLAG_NON_PAGED;

	if (!(c->type & POOL_ZERO_ALLOCATION))
		flags |= POOL_FLAG_UNINITIALIZED;
	if (c->type & NonPagedPoolCacheAligned)
		flags |= POOL_FLAG_CACHE_ALIGNED;
	if (c->quota)
		flags |= POOL_FLAG_USE_QUOTA;
	switch (c->way) {
	case 3:
		return ExAllocatePoolWithTagPriority(c->type, bytes, c->tag,
						     NormalPoolPriority);
	case 4:
	case 5:
		return ExAllocatePool2(flags, bytes, c->tag);
	case 6:
		return ExAllocatePool3(flags, bytes, c->tag, &high, 1);
	case BY_QUOTA:
		return ExAllocatePoolWithQuotaTag(c->type | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE,
						  bytes, c->tag);
	default:
		return ExAllocatePoolWithTag(c->type, bytes, c->tag);
	}
}

static void *contiguous(const struct call *c, MEMORY_CACHING_TYPE type, ULONG protect)
{
	const PHYSICAL_ADDRESS highest = { .QuadPart = -1 }, none = {};
	struct block *b = c->block;
	void *base;

	switch (c->way) {
	case 4:
		return MmAllocateContiguousMemorySpecifyCacheNode(b->bytes, none, highest, none,
								  type, 0);
	case 5:
		return MmAllocateContiguousNodeMemory(b->bytes, none, highest, none, protect,
						      MM_ANY_NODE_OK);
	case 6:
		/* Its size is what was allocated. */
		if (MmAllocateContiguousMemoryEx(&b->bytes, none, highest, none, MM_ANY_NODE_OK,
						 protect, NULL, tag_of(b->tag), 0, &base))
			return NULL;
		return base;
	case 7:
		return MmAllocateContiguousMemorySpecifyCache(b->bytes, none, highest, none,
							      type);
	default:
		return type == MmCached ?
		       MmAllocateContiguousMemory(b->bytes, highest) :
		       MmAllocateContiguousMemorySpecifyCache(b->bytes, none, highest, none,
							      type);
	}
}

static void *buffer(const struct call *c)
{
	PHYSICAL_ADDRESS highest = { .QuadPart = -1 }, none = {};
	DMA_ADAPTER *adapter = adapter_of(c);
	struct block *b = c->block;

	switch (c->way) {
	case 4:
	case 5:
		return adapter->DmaOperations->AllocateCommonBufferEx(adapter, &highest,
				b->bytes, &b->logical, TRUE, MM_ANY_NODE_OK);
	case 6:
	case 7:
		return adapter->DmaOperations->AllocateCommonBufferWithBounds(adapter, &none,
				&highest, b->bytes, 0, NULL, MM_ANY_NODE_OK, &b->logical);
	default:
		return adapter->DmaOperations->AllocateCommonBuffer(adapter, b->bytes,
				&b->logical, TRUE);
	}
}

static void call_allocate(void *arg)
{
	struct call *c = arg;
	struct block *b = c->block;

	switch (b->kind) {
	case NONPAGED:
	case PAGED:
		b->base = b->list ? list_take(c->actor->model, b->list) : pool(c);
		break;
	case CONTIGUOUS:
		b->base = contiguous(c, MmCached, RUST_POOL_PAGE_READWRITE);
		break;
	case CONTIGUOUS_UC:
		b->base = contiguous(c, MmNonCached,
				     RUST_POOL_PAGE_READWRITE | RUST_POOL_PAGE_NOCACHE);
		break;
	case NONCACHED:
		b->base = MmAllocateNonCachedMemory(b->bytes);
		break;
	default:
		b->base = buffer(c);
		break;
	}
}

static void call_free(void *arg)
{
	struct call *c = arg;
	struct block *b = c->block;
	DMA_ADAPTER *adapter = adapter_of(c);

	switch (b->kind) {
	case NONPAGED:
	case PAGED:
		if (b->list)
			list_give(c->actor->model, b->list, b->base);
		else
			ExFreePoolWithTag(b->base, tag_of(b->tag));
		break;
	case CONTIGUOUS:
	case CONTIGUOUS_UC:
		MmFreeContiguousMemory(b->base);
		break;
	case NONCACHED:
		MmFreeNonCachedMemory(b->base, b->bytes);
		break;
	default:
		adapter->DmaOperations->FreeCommonBuffer(adapter, b->bytes,
							 b->logical, b->base,
							 TRUE);
		break;
	}
}

static void call_give_to_nobody(void *arg)
{
	struct call *c = arg;

	list_give_to_nobody(c->actor->model, c->address);
}

static void call_free_pool(void *arg)
{
	struct call *c = arg;

	ExFreePoolWithTag(c->address, c->tag);
}

static void call_free_contiguous(void *arg)
{
	struct call *c = arg;

	MmFreeContiguousMemory(c->address);
}

static void call_free_contiguous_size(void *arg)
{
	struct call *c = arg;

	MmFreeContiguousMemorySpecifyCache(c->address, c->bytes, MmCached);
}

static void call_free_noncached(void *arg)
{
	struct call *c = arg;

	MmFreeNonCachedMemory(c->address, c->bytes);
}

static void call_free_buffer(void *arg)
{
	struct call *c = arg;
	DMA_ADAPTER *adapter = adapter_of(c);

	adapter->DmaOperations->FreeCommonBuffer(adapter, c->bytes,
						 c->block->logical, c->address,
						 TRUE);
}

static void call_unmap(void *arg)
{
	struct call *c = arg;

	MmUnmapIoSpace(c->address, c->bytes);
}

/* Choices */

/* Where a kind may be allocated and freed. */
static enum rpt_context context_for(struct actor *a, enum block_kind kind,
				    u32 r)
{
	static const enum rpt_context contexts[] = {
		RPT_PREEMPT_OFF, RPT_BH_OFF, RPT_RCU, RPT_IRQS_OFF,
	};

	if (a->softirq)
		return RPT_SOFTIRQ;
	if ((kind != NONPAGED && kind != CONTIGUOUS) || r & 1)
		return RPT_TASK;
	if (kind == NONPAGED && !(r >> 1 & 31))
		return RPT_HARDIRQ;
	return contexts[r >> 6 & 3];
}

static enum block_kind kind_for(struct actor *a, u32 r)
{
	r &= 1023;
	if (r < 24)
		return CONTIGUOUS;
	if (a->softirq)
		return NONPAGED;
	if (r < 25)
		return CONTIGUOUS_UC;
	if (r < 26)
		return NONCACHED;
	if (r < 32)
		return BUFFER;
	if (r < 36)
		return MDL_PAGES;
	return r < 340 ? PAGED : NONPAGED;
}

/* Up to 1 MiB, but most are small. */
static size_t bytes_for(struct actor *a, enum block_kind kind, u32 r)
{
	unsigned int class = r & 1023;

	r >>= 10;
	if (kind > CONTIGUOUS)
		return 1 + r % SZ_16K;
	if (class < 1 && !a->softirq && kind != CONTIGUOUS)
		return SZ_64K + 1 + r % (SZ_1M - SZ_64K);
	if (class < 12)
		return PAGE_SIZE + 1 + r % (SZ_64K - PAGE_SIZE);
	if (class < 100)
		return 1 + r % PAGE_SIZE;
	return 1 + (r >> 3) % (8 << (r & 7));
}

/* Who is charged is what the routine was asked for, and in which context. */
static void check_charge(struct actor *a, struct block *b, bool quota,
			 enum rpt_context context)
{
	SIZE_T bytes;
	BOOLEAN charged;

	b->charged = quota && a->process && context != RPT_HARDIRQ;
	a->charged += b->charged;
	bytes = ExQueryPoolBlockSize(b->base, &charged);
	if (charged != b->charged || bytes < b->bytes || bytes - b->bytes >= PAGE_SIZE)
		actor_wrong(a, "kind %d, %zu bytes: %zu, charged: %d", b->kind, b->bytes,
			    bytes, charged);
}

static void allocate(struct actor *a, struct block *b, const u32 *r)
{
	struct call c = { .actor = a, .block = b };
	enum rpt_context context;
	size_t align = 16;
	bool zero = false;

	*b = (struct block){
		.kind = kind_for(a, r[1]),
		.tag = r[1] >> 10 & (TAGS - 1),
		.seed = (u64)a->number << 56 | ++a->seeds << 20,
	};
	b->bytes = bytes_for(a, b->kind, r[2]);
	if (b->kind == BUFFER && (!a->model->adapter || r[3] >> 31))
		b->of = a->model->here;
	if (b->kind <= PAGED && !(r[3] >> 16 & 3)) {
		b->list = 1 + 2 * (b->kind == PAGED) + (r[3] >> 18 & 1);
		b->bytes = list_bytes(b->list);
	}
	context = context_for(a, b->kind, r[3]);
	c.tag = tag_of(b->tag);
	c.type = b->kind == PAGED ? PagedPool : NonPagedPoolNx;
	c.way = r[3] >> 20 & 7;
	c.quota = c.way >= 4 && c.way < BY_QUOTA && r[3] >> 23 & 1;
	if (b->kind <= PAGED && !b->list && r[1] >> 13 & 1) {
		c.type |= POOL_ZERO_ALLOCATION;
		zero = true;
	}
	if (b->kind <= PAGED && !b->list && (r[1] >> 24 & 3) == 1) {
		c.type |= NonPagedPoolCacheAligned;
		align = 64;
	}
	if (b->kind > PAGED || b->bytes > 4064)
		align = PAGE_SIZE;
	/* Now and then more than any machine has. */
	if (b->kind <= PAGED && !b->list && (r[1] >> 14 & 1023) == 0x155)
		b->bytes = SIZE_MAX / 2 - r[2];

	if (b->kind == MDL_PAGES)
		mdl_pages_allocate(a, b, r[3]);
	else
		in_context(context, call_allocate, &c);
	if (!b->base) {
		if (b->list)
			a->lists[b->list - 1].failed++;
		else
			counts_of(a, b)->failures++;
		a->unmet++;
		if (b->bytes <= SZ_8K ||
		    (context == RPT_TASK && b->bytes <= SZ_1M))
			actor_wrong(a, "kind %d, %zu bytes, context %d: NULL",
			      b->kind, b->bytes, context);
		return;
	}
	if (b->bytes > SZ_1M)
		actor_wrong(a, "%zu bytes were given", b->bytes);
	count(a, b, 1);
	if (b->kind <= PAGED && !b->list)
		check_charge(a, b, c.quota || c.way == BY_QUOTA, context);
	if (b->of)
		atomic_inc(&b->of->live);
	if (!IS_ALIGNED((unsigned long)b->base, align))
		actor_wrong(a, "kind %d, %zu bytes: at %px", b->kind, b->bytes,
		      b->base);
	if ((zero || b->kind >= BUFFER) && memchr_inv(b->base, 0, b->bytes))
		actor_wrong(a, "kind %d, %zu bytes: not zero", b->kind, b->bytes);
	fill(b);
}

void actor_expect(struct actor *a, u32 code, const void *address, u64 p1)
{
	struct expected *e = &a->bad[a->bad_count++];

	*e = (struct expected){ code, { p1, p1, p1, p1 }, address };
}

/* Random numbers of a block's own, for what is done with it when there are no others. */
static u32 own_numbers(const struct block *b)
{
	return (u32)(b->seed >> 20) * 0x9e3779b1;
}

static void release(struct actor *a, struct block *b, enum rpt_context context)
{
	struct call c = { .actor = a, .block = b };

	if (!b->base)
		return;
	check(a, b, "at the free");
	if (b->kind == MDL_PAGES) {
		count(a, b, -1);
		mdl_pages_free(a, b, own_numbers(b));
		b->base = NULL;
		return;
	}
	mdl_end(a, b, own_numbers(b));
	count(a, b, -1);
	if (device_gone(b->of))
		actor_expect(a, DRIVER_VERIFIER_DMA_VIOLATION, b->base, 0x0);
	in_context(context, call_free, &c);
	if (b->of)
		atomic_dec(&b->of->live);
	b->base = NULL;
}

void actor_free_once(struct actor *a, struct block *b)
{
	struct call c = { .actor = a, .block = b };

	call_free(&c);
}

/* Gives a block to another actor, which frees it, on another CPU mostly. */
static void hand_over(struct actor *a, struct block *b, const u32 *r)
{
	struct model *m = a->model;
	struct actor *to = m->actors[r[2] % m->count];
	unsigned long flags;
	bool taken = false;

	/* Not everything may be freed in softirq. */
	if (to->softirq && b->kind != NONPAGED && b->kind != CONTIGUOUS)
		to = m->actors[to->number ^ 1];
	if (to == a || !b->base) {
		release(a, b, context_for(a, b->kind, r[3]));
		return;
	}
	spin_lock_irqsave(&to->lock, flags);
	if (to->given < INBOX) {
		to->inbox[to->given++] = *b;
		taken = true;
	}
	spin_unlock_irqrestore(&to->lock, flags);
	if (taken)
		a->handed++;
	else
		release(a, b, context_for(a, b->kind, r[3]));
}

static void empty_inbox(struct actor *a)
{
	struct block b;
	unsigned long flags;

	while (READ_ONCE(a->given)) {
		spin_lock_irqsave(&a->lock, flags);
		b = a->inbox[--a->given];
		spin_unlock_irqrestore(&a->lock, flags);
		release(a, &b, context_for(a, b.kind, (u32)b.seed >> 20));
	}
}

/* Wrong calls */

static void bad_free_of_pool(struct actor *a, struct block *b, const u32 *r)
{
	enum rpt_context context = context_for(a, b->kind, r[3]);
	size_t inside = 1 + r[3] % max_t(size_t, b->bytes - 1, 1);
	struct call c = {
		.actor = a, .block = b, .address = b->base,
		.tag = tag_for(b), .bytes = b->bytes,
	};

	switch (r[2] & 7) {
	default:
		c.tag = tag_of((b->tag + 1) % TAGS);
		actor_expect(a, BAD_POOL_CALLER, b->base, 0x0a);
		in_context(context, r[2] & 8 ? call_free_pool :
					       call_give_to_nobody, &c);
		break;
	case 1:
	case 2:
		if (inside >= b->bytes)
			return;
		c.address += inside;
		actor_expect(a, BAD_POOL_CALLER, c.address, 0x99);
		in_context(context, call_free_pool, &c);
		break;
	case 3:
		release(a, b, context);
		c.tag = MODEL_TAG_NOBODY;
		/* Somebody may have its memory by now. */
		actor_expect(a, BAD_POOL_CALLER, c.address, 0x07);
		a->bad[a->bad_count - 1].p1[1] = 0x46;
		a->bad[a->bad_count - 1].p1[2] = 0x0a;
		a->bad[a->bad_count - 1].p1[3] = 0x99;
		in_context(context, r[2] & 8 ? call_free_pool :
					       call_give_to_nobody, &c);
		break;
	case 4:
		actor_expect(a, BAD_POOL_CALLER, b->base, 0x60);
		in_context(context, call_free_contiguous, &c);
		break;
	case 5:
		actor_expect(a, DRIVER_VERIFIER_DETECTED_VIOLATION, b->base, 0x16);
		in_context(context, call_free_noncached, &c);
		break;
	case 6:
		if (b->kind == PAGED) {
			/* Reported, and done. */
			actor_expect(a, BAD_POOL_CALLER, b->base, 0x09);
			release(a, b, RPT_PREEMPT_OFF);
			break;
		}
		c.address = NULL;
		actor_expect(a, BAD_POOL_CALLER, NULL, 0x46);
		in_context(context, call_free_pool, &c);
		break;
	}
}

static void bad_free_of_pages(struct actor *a, struct block *b, const u32 *r)
{
	enum rpt_context context = context_for(a, b->kind, r[3]);
	struct call c = {
		.actor = a, .block = b, .address = b->base,
		.tag = MODEL_TAG_NOBODY, .bytes = b->bytes + 1,
	};

	if (r[2] & 1) {
		actor_expect(a, BAD_POOL_CALLER, b->base, 0x46);
		in_context(context, call_free_pool, &c);
		return;
	}
	actor_expect(a, DRIVER_VERIFIER_DETECTED_VIOLATION, b->base, 0x16);
	in_context(context, b->kind == NONCACHED ? call_free_noncached :
			    b->kind == BUFFER ? call_free_buffer :
			    call_free_contiguous_size, &c);
}

static void bad_request(struct actor *a, const u32 *r)
{
	enum rpt_context context = context_for(a, NONPAGED, r[3]);
	struct block b = { .kind = NONPAGED, .bytes = 1 + r[2] % SZ_64K };
	struct call c = {
		.actor = a, .block = &b, .type = NonPagedPoolNx,
		.tag = tag_of(0),
	};

	switch (r[1] >> 10 & 3) {
	case 0:
		b.bytes = 0;
		actor_expect(a, BAD_POOL_CALLER, NO_ADDRESS, 0x00);
		break;
	case 1:
		c.tag = 0;
		actor_expect(a, BAD_POOL_CALLER, NO_ADDRESS, 0x9b);
		break;
	case 2:
		c.type = DontUseThisType;
		actor_expect(a, DRIVER_VERIFIER_DETECTED_VIOLATION,
		       (void *)DontUseThisType, 0x16);
		break;
	case 3:
		c.type = PagedPool;
		if (context == RPT_TASK)
			context = RPT_PREEMPT_OFF;
		actor_expect(a, BAD_POOL_CALLER, NO_ADDRESS, 0x08);
		break;
	}
	in_context(context, call_allocate, &c);
	if (b.base)
		actor_wrong(a, "a bad request was granted");
}

/* Whether bad_free_of_pool() frees the block, whatever became of it before. */
static bool bad_free_ends(const struct block *b, const u32 *r)
{
	unsigned int way = r[2] & 7;

	return b->kind <= PAGED && (way == 3 || (way == 6 && b->kind == PAGED));
}

static void bad_call(struct actor *a, unsigned int slot, const u32 *r)
{
	struct block *b = &a->slots[slot];

	/* So many a round, or the file of violations could not hold them. */
	if (!a->bad_left)
		return;
	a->bad_left--;
	if (r[1] >> 30) {
		bad_request(a, r);
		return;
	}
	/* What is wrong with it is to be this alone. */
	if (b->base && b->kind != MDL_PAGES)
		mdl_end(a, b, r[3]);
	if (!b->base)
		bad_request(a, r);
	else if (b->kind == MDL_PAGES)
		mdl_pages_bad(a, b, r[3]);
	else if (b->kind <= PAGED)
		bad_free_of_pool(a, b, r);
	else
		bad_free_of_pages(a, b, r);
	if (bad_free_ends(b, r))
		a->in_use[slot] = false;
}

/* A part of a contiguous block, by its physical address; only a task may. */
static void map_again(struct actor *a, struct block *b, const u32 *r)
{
	size_t offset = r[3] % b->bytes;
	struct call c = {
		.actor = a, .block = b,
		.bytes = min(1 + (r[2] >> 8) % 10000, b->bytes - offset),
	};
	PHYSICAL_ADDRESS at = MmGetPhysicalAddress(b->base + offset);
	void *mapped;

	if (r[2] & 8)
		mapped = MmMapIoSpaceEx(at, c.bytes, RUST_POOL_PAGE_READWRITE |
					(b->kind == CONTIGUOUS ? 0 : RUST_POOL_PAGE_NOCACHE));
	else
		mapped = MmMapIoSpace(at, c.bytes,
				      b->kind == CONTIGUOUS ? MmCached : MmNonCached);
	if (!mapped) {
		a->families[FAMILY_IO_SPACE].failures++;
		a->unmet++;
		return;
	}
	a->families[FAMILY_IO_SPACE].allocs++;
	a->families[FAMILY_IO_SPACE].frees++;
	if (memcmp(mapped, b->base + offset, c.bytes))
		actor_wrong(a, "%zu bytes at %px are others at %px", c.bytes,
			    b->base + offset, mapped);
	if (a->bad_left && !(r[2] & 0x70)) {
		a->bad_left--;
		mdl_end(a, b, r[3]);
		c.address = b->base;
		actor_expect(a, DRIVER_VERIFIER_DETECTED_VIOLATION, b->base, 0x16);
		in_context(context_for(a, b->kind, r[1]), call_free_contiguous,
			   &c);
	}
	c.address = mapped;
	in_context(r[2] & 0x80 ? RPT_TASK : RPT_PREEMPT_OFF, call_unmap, &c);
}

static void act(struct actor *a, unsigned int slot, const u32 *r)
{
	struct block *b = &a->slots[slot];
	unsigned int action = r[1] & 127;

	if (action < 76) {
		release(a, b, context_for(a, b->kind, r[3]));
		a->in_use[slot] = false;
	} else if (action < 100) {
		hand_over(a, b, r);
		a->in_use[slot] = false;
	} else if (action < 104) {
		pages_hold(a, b, r);
	} else if (action < 116) {
		if (b->kind != MDL_PAGES)
			mdl_step(a, b, r);
	} else if (action < 127) {
		if (b->base)
			check(a, b, "in between");
		if (b->base && !a->softirq && !(r[2] & 3) &&
		    (b->kind == CONTIGUOUS || b->kind == CONTIGUOUS_UC))
			map_again(a, b, r);
	} else {
		bad_call(a, slot, r);
	}
	/* Two buffers at most are freed late. */
	if (!a->softirq && r[2] >> 20 == 0x5a5 && a->bad_left > 2) {
		a->bad_left -= 2;
		device_passes(a, r);
	}
}

void actor_step(struct actor *a)
{
	unsigned int slot;
	u32 r[4];
	int i;

	empty_inbox(a);
	for (i = 0; i < 4; i++)
		r[i] = prandom_u32_state(&a->rnd);
	slot = r[0] % SLOTS;
	a->digest = (u64)jhash2(r, 4, a->digest) << 32 |
		    jhash_3words(slot, a->in_use[slot], a->bad_left, a->digest);
	if (a->in_use[slot]) {
		act(a, slot, r);
	} else {
		allocate(a, &a->slots[slot], r);
		a->in_use[slot] = true;
	}
	a->operations++;
}

void actor_get_buffer(struct actor *a, struct block *b, struct model_device *d,
		      size_t bytes)
{
	struct call c = { .actor = a, .block = b };

	*b = (struct block){
		.kind = BUFFER,
		.bytes = bytes,
		.seed = (u64)a->number << 56 | ++a->seeds << 20,
		.of = d,
	};
	call_allocate(&c);
	if (!b->base) {
		actor_wrong(a, "a buffer of %zu bytes: NULL", bytes);
		counts_of(a, b)->failures++;
		return;
	}
	count(a, b, 1);
	atomic_inc(&d->live);
	fill(b);
}

void actor_free(struct actor *a, struct block *b)
{
	release(a, b, RPT_TASK);
}

void actor_clear(struct actor *a)
{
	unsigned int slot;

	empty_inbox(a);
	for (slot = 0; slot < SLOTS; slot++) {
		if (a->in_use[slot])
			release(a, &a->slots[slot], RPT_TASK);
		a->in_use[slot] = false;
	}
	pages_let_go(a);
}
