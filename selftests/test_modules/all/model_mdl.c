// SPDX-License-Identifier: GPL-2.0
/*
 * MDLs of the model's blocks: built or locked, in parts, mapped, and given to a device
 * as a scatter/gather list or by map registers. Such a block lives on, and may be handed
 * over as it is; whoever frees it undoes all that first.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/preempt.h>
#include <linux/processor.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "model.h"

#define SYSTEM_PTE_MISUSE	0xda
#define TAG_SPACE		('pSdM')
/* What one adapter of the model has map registers for. */
#define LONGEST			SZ_64K

struct step {
	struct actor *actor;
	struct block *block;
	PMDL mdl;
	void *at;
	size_t bytes;
	ULONG value;
	/* By a routine that has Ex in its name, and with so much room for a list. */
	bool ex;
	ULONG size;
	u32 status;
};

/* Contexts */

/* Any that a nonpaged block may be allocated in. */
static enum rpt_context anywhere(const struct actor *a, u32 r)
{
	static const enum rpt_context contexts[] = {
		RPT_TASK, RPT_TASK, RPT_PREEMPT_OFF, RPT_BH_OFF, RPT_RCU,
		RPT_IRQS_OFF, RPT_TASK, RPT_HARDIRQ,
	};

	return a->softirq ? RPT_SOFTIRQ : contexts[r & 7];
}

/* Up to DISPATCH_LEVEL. */
static enum rpt_context up_to_dispatch(const struct actor *a, u32 r)
{
	static const enum rpt_context contexts[] = {
		RPT_TASK, RPT_PREEMPT_OFF, RPT_BH_OFF, RPT_RCU,
	};

	return a->softirq ? RPT_SOFTIRQ : contexts[r & 3];
}

/* What the model says of a block's MDL */

static void *start_of(const struct block *b)
{
	return b->base + b->mdl.from;
}

static size_t span_of(const struct block *b)
{
	return ADDRESS_AND_SIZE_TO_SPAN_PAGES(start_of(b), b->mdl.bytes);
}

void mdl_count(struct actor *a, PMDL mdl, int sign)
{
	size_t bytes = MmSizeOfMdl(MmGetMdlVirtualAddress(mdl),
				   MmGetMdlByteCount(mdl));

	if (sign > 0)
		a->mdls.allocs++;
	else
		a->mdls.frees++;
	a->mdls.bytes += sign * (s64)bytes;
}

static void check_frames(struct actor *a, const struct block *b, PMDL mdl, void *at)
{
	size_t pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(at, MmGetMdlByteCount(mdl)), i;
	void *page = (void *)((unsigned long)at & PAGE_MASK);

	if (MmGetMdlVirtualAddress(mdl) != at)
		actor_wrong(a, "an MDL of %px says %px", at,
			    MmGetMdlVirtualAddress(mdl));
	for (i = 0; i < pages; i++)
		if (MmGetMdlPfnArray(mdl)[i] !=
		    rpt_phys(page + i * PAGE_SIZE) >> PAGE_SHIFT)
			actor_wrong(a, "kind %d at %px: frame %zu of its MDL is 0x%llx",
				    b->kind, at, i, (u64)MmGetMdlPfnArray(mdl)[i]);
}

static void check_mapped(struct actor *a, const struct block *b, const void *seen)
{
	if (memcmp(seen, start_of(b), b->mdl.bytes))
		actor_wrong(a, "kind %d, %zu bytes at %px: others at %px", b->kind,
			    b->mdl.bytes, start_of(b), seen);
}

/* Calls, each in a context */

static void call_allocate(void *arg)
{
	struct step *s = arg;

	s->mdl = IoAllocateMdl(s->at, s->bytes, FALSE, FALSE, NULL);
}

static void call_build(void *arg)
{
	MmBuildMdlForNonPagedPool(((struct step *)arg)->mdl);
}

static void call_lock(void *arg)
{
	struct step *s = arg;

	s->status = MmProbeAndLockPages(s->mdl, KernelMode, s->value);
}

static void call_unlock(void *arg)
{
	MmUnlockPages(((struct step *)arg)->mdl);
}

static void call_map(void *arg)
{
	struct step *s = arg;

	s->at = MmGetSystemAddressForMdlSafe(s->mdl, s->value);
}

static void call_map_again(void *arg)
{
	struct step *s = arg;

	s->at = MmMapLockedPages(s->mdl, KernelMode);
}

static void call_unmap(void *arg)
{
	struct step *s = arg;

	MmUnmapLockedPages(s->at, s->mdl);
}

static void call_protect(void *arg)
{
	struct step *s = arg;

	s->status = MmProtectMdlSystemAddress(s->mdl, s->value);
}

static void call_reuse(void *arg)
{
	MmPrepareMdlForReuse(((struct step *)arg)->mdl);
}

static void call_free(void *arg)
{
	IoFreeMdl(((struct step *)arg)->mdl);
}

static void call_free_block(void *arg)
{
	struct step *s = arg;

	actor_free_once(s->actor, s->block);
}

static void call_map_reserved(void *arg)
{
	struct step *s = arg;

	s->at = MmMapLockedPagesWithReservedMapping(s->at, TAG_SPACE, s->mdl,
						    s->value);
}

static void call_unmap_reserved(void *arg)
{
	struct step *s = arg;

	MmUnmapReservedMapping(s->at, TAG_SPACE, s->mdl);
}

static void keep_list(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list,
		      PVOID context)
{
	((struct block *)context)->mdl.list = list;
}

/* By any of the four routines; two write it where they are told to. */
static void call_get_list(void *arg)
{
	struct step *s = arg;
	DMA_ADAPTER *adapter = s->actor->model->adapter;
	const DMA_OPERATIONS *ops = adapter->DmaOperations;
	PDEVICE_OBJECT device = &s->actor->model->edu->dev;
	const struct description *d = &s->block->mdl;

	if (s->ex && d->room)
		s->status = ops->BuildScatterGatherListEx(adapter, device, NULL, s->mdl, 0,
				s->bytes, 0, keep_list, s->block, d->write, d->room, s->size,
				NULL, NULL, NULL);
	else if (s->ex)
		s->status = ops->GetScatterGatherListEx(adapter, device, NULL, s->mdl, 0,
				s->bytes, 0, keep_list, s->block, d->write, NULL, NULL, NULL);
	else if (d->room)
		s->status = ops->BuildScatterGatherList(adapter, device, s->mdl,
				start_of(s->block), s->bytes, keep_list, s->block, d->write,
				d->room, s->size);
	else
		s->status = ops->GetScatterGatherList(adapter, device, s->mdl,
				start_of(s->block), s->bytes, keep_list, s->block, d->write);
}

static void call_put_list(void *arg)
{
	struct step *s = arg;
	DMA_ADAPTER *adapter = s->actor->model->adapter;

	adapter->DmaOperations->PutScatterGatherList(adapter, s->at,
						     s->block->mdl.write);
}

static IO_ALLOCATION_ACTION keep_registers(PDEVICE_OBJECT device, PIRP irp,
					   PVOID base, PVOID context)
{
	/* Pairs with the actor that waits for it. */
	smp_store_release(&((struct block *)context)->mdl.registers, base);
	return DeallocateObjectKeepRegisters;
}

static void call_get_registers(void *arg)
{
	struct step *s = arg;
	DMA_ADAPTER *adapter = s->actor->model->adapter;

	/* The form of which several requests for one device may wait. */
	s->status = adapter->DmaOperations->AllocateAdapterChannelEx(adapter,
			&s->actor->model->edu->dev, &s->block->mdl,
			span_of(s->block), 0, keep_registers, s->block, NULL);
}

/* As many pieces as it takes, or all at once; says how many bytes were mapped. */
static void call_transfer(void *arg)
{
	struct step *s = arg;
	DMA_ADAPTER *adapter = s->actor->model->adapter;
	const struct description *d = &s->block->mdl;
	ULONG done = 0, here;

	if (s->at) {
		here = d->bytes;
		s->status = adapter->DmaOperations->MapTransferEx(adapter, s->mdl, d->registers,
				0, 0, &here, d->write, s->at, s->size, NULL, NULL);
		s->value = s->status ? 0 : here;
		return;
	}
	while (done < d->bytes) {
		here = d->bytes - done;
		adapter->DmaOperations->MapTransfer(adapter, s->mdl, d->registers,
				start_of(s->block) + done, &here, d->write);
		if (!here)
			break;
		done += here;
	}
	s->value = done;
}

static void call_flush(void *arg)
{
	struct step *s = arg;
	DMA_ADAPTER *adapter = s->actor->model->adapter;
	const struct description *d = &s->block->mdl;

	if (s->ex)
		s->status = !adapter->DmaOperations->FlushAdapterBuffersEx(adapter, s->mdl,
				d->registers, 0, d->bytes, d->write);
	else
		s->status = adapter->DmaOperations->FlushAdapterBuffers(adapter, s->mdl,
				d->registers, start_of(s->block), d->bytes, d->write);
}

static void call_free_registers(void *arg)
{
	struct step *s = arg;
	DMA_ADAPTER *adapter = s->actor->model->adapter;

	adapter->DmaOperations->FreeMapRegisters(adapter, s->block->mdl.registers,
						 span_of(s->block));
}

/* What an actor does with a block that is described */

static PMDL allocate(struct actor *a, void *at, size_t bytes, u32 r)
{
	struct step s = { .actor = a, .at = at, .bytes = bytes };

	actor_in_context(anywhere(a, r), call_allocate, &s);
	if (!s.mdl) {
		a->mdls.failures++;
		a->unmet++;
		return NULL;
	}
	if (MmGetMdlByteCount(s.mdl) != bytes)
		actor_wrong(a, "an MDL for %zu bytes has %u", bytes,
			    MmGetMdlByteCount(s.mdl));
	mdl_count(a, s.mdl, 1);
	return s.mdl;
}

static void drop(struct actor *a, PMDL mdl, u32 r)
{
	struct step s = { .actor = a, .mdl = mdl };

	mdl_count(a, mdl, -1);
	actor_in_context(anywhere(a, r), call_free, &s);
}

static void begin(struct actor *a, struct block *b, const u32 *r)
{
	struct description *d = &b->mdl;
	struct step s = { .actor = a, .value = r[1] >> 20 & 1 };
	size_t from = r[3] % b->bytes;

	*d = (struct description){ .from = from };
	d->bytes = 1 + r[2] % min_t(size_t, b->bytes - from, LONGEST);
	s.mdl = allocate(a, start_of(b), d->bytes, r[1] >> 16);
	if (!s.mdl)
		return;
	/* Paged pool is not to be built, and what devices have is not locked. */
	d->locked = b->kind == PAGED || (b->kind < NONCACHED && r[1] >> 21 & 1);
	if (d->locked)
		actor_in_context(up_to_dispatch(a, r[1] >> 22), call_lock, &s);
	else
		actor_in_context(anywhere(a, r[1] >> 22), call_build, &s);
	if (s.status) {
		a->unmet++;
		drop(a, s.mdl, r[1] >> 24);
		return;
	}
	d->mdl = s.mdl;
	a->described++;
	check_frames(a, b, s.mdl, start_of(b));
}

/* A part of it, which is freed, mapped or not. */
static void part(struct actor *a, struct block *b, const u32 *r)
{
	const struct description *d = &b->mdl;
	size_t offset = r[3] % d->bytes;
	void *at = start_of(b) + offset;
	ULONG bytes = 1 + (r[2] >> 8) % (d->bytes - offset);
	struct step s = { .actor = a, .value = NormalPagePriority };
	enum rpt_context context = up_to_dispatch(a, r[1] >> 20);

	s.mdl = allocate(a, start_of(b), d->bytes, r[1] >> 17);
	if (!s.mdl)
		return;
	mdl_count(a, s.mdl, -1);
	IoBuildPartialMdl(d->mdl, s.mdl, at, bytes);
	check_frames(a, b, s.mdl, at);
	if (MmGetMdlByteCount(s.mdl) != bytes)
		actor_wrong(a, "a part of %u bytes has %u", bytes,
			    MmGetMdlByteCount(s.mdl));
	actor_in_context(context, call_map, &s);
	if (s.at && memcmp(s.at, at, bytes))
		actor_wrong(a, "%u bytes at %px: others at %px in part", bytes, at,
			    s.at);
	/* Pages that do not lie side by side are for a task to map. */
	if (!s.at && (!d->locked || d->mapped))
		actor_wrong(a, "a part of what is mapped is not");
	if (r[1] >> 22 & 1)
		actor_in_context(context, call_reuse, &s);
	actor_in_context(context, call_free, &s);
	a->parts++;
}

static void map(struct actor *a, struct block *b, const u32 *r)
{
	struct description *d = &b->mdl;
	struct step s = { .actor = a, .mdl = d->mdl, .value = NormalPagePriority };

	if (d->locked && d->mapped) {
		s.at = d->mapped;
		check_mapped(a, b, d->mapped);
		d->mapped = NULL;
		actor_in_context(up_to_dispatch(a, r[3]), call_unmap, &s);
		return;
	}
	if (d->locked && r[3] >> 8 & 1)
		s.value |= MdlMappingNoWrite;
	actor_in_context(up_to_dispatch(a, r[3]), call_map, &s);
	if (!s.at) {
		a->unmet++;
		if (!d->locked)
			actor_wrong(a, "an MDL that was built is not mapped");
		return;
	}
	if (!d->locked && s.at != start_of(b))
		actor_wrong(a, "%px was built, and is at %px", start_of(b), s.at);
	check_mapped(a, b, s.at);
	if (!d->locked)
		return;
	d->mapped = s.at;
	a->shown++;
	/* Nobody writes through it, so it may stay protected. */
	s.value = RUST_POOL_PAGE_READONLY;
	actor_in_context(up_to_dispatch(a, r[3] >> 4), call_protect, &s);
	if (s.status != (is_vmalloc_addr(s.at) ? 0 : (u32)STATUS_NOT_SUPPORTED))
		actor_wrong(a, "%px protected: 0x%x", s.at, s.status);
}

/* In address space that is reserved, for as long as this takes. */
static void map_reserved(struct actor *a, struct block *b, const u32 *r)
{
	const struct description *d = &b->mdl;
	enum rpt_context context = up_to_dispatch(a, r[3]);
	struct step s = { .actor = a, .mdl = d->mdl };
	void *space;

	if (!d->locked || d->mapped || a->softirq)
		return;
	space = MmAllocateMappingAddress(span_of(b) * PAGE_SIZE, TAG_SPACE);
	if (!space) {
		a->unmet++;
		return;
	}
	s.at = space;
	s.value = b->kind == CONTIGUOUS_UC ? MmNonCached : MmCached;
	actor_in_context(context, call_map_reserved, &s);
	if (s.at) {
		if (s.at != space + MmGetMdlByteOffset(d->mdl))
			actor_wrong(a, "%px was reserved, and is at %px", space,
				    s.at);
		check_mapped(a, b, s.at);
		a->spaces++;
		actor_in_context(up_to_dispatch(a, r[3] >> 4),
				 call_unmap_reserved, &s);
	} else {
		a->unmet++;
		if (context == RPT_TASK)
			actor_wrong(a, "not mapped where it was reserved");
	}
	MmFreeMappingAddress(space, TAG_SPACE);
}

/* Whether a device may be given it. */
static bool transferable(const struct actor *a, const struct block *b)
{
	return a->model->adapter && b->kind <= CONTIGUOUS;
}

static void choose_direction(struct block *b, u32 r)
{
	/* The kernel's checks admit no two that a device writes in a cache line. */
	b->mdl.write = IS_ENABLED(CONFIG_DMA_API_DEBUG) || r & 1;
}

/* Room for a list of the block's pages. */
static void *make_room(struct actor *a, struct block *b, ULONG *size)
{
	DMA_ADAPTER *adapter = a->model->adapter;
	u32 status = adapter->DmaOperations->CalculateScatterGatherList(adapter, b->mdl.mdl,
			start_of(b), b->mdl.bytes, size, NULL);

	if (status)
		actor_wrong(a, "a list of %zu bytes has no size: 0x%x", b->mdl.bytes, status);
	return status ? NULL : kmalloc(*size, GFP_ATOMIC);
}

static void put_list(struct actor *a, struct block *b, u32 r)
{
	struct step s = { .actor = a, .block = b, .at = b->mdl.list };

	b->mdl.list = NULL;
	actor_in_context(up_to_dispatch(a, r), call_put_list, &s);
	kfree(b->mdl.room);
	b->mdl.room = NULL;
}

static void list(struct actor *a, struct block *b, const u32 *r)
{
	struct description *d = &b->mdl;
	struct step s = { .actor = a, .block = b, .mdl = d->mdl, .bytes = d->bytes };
	size_t sum = 0;
	ULONG i;

	if (d->list) {
		put_list(a, b, r[3]);
		return;
	}
	if (!transferable(a, b) || d->registers)
		return;
	choose_direction(b, r[3] >> 8);
	s.ex = r[3] >> 9 & 1;
	if (r[3] >> 10 & 1)
		d->room = make_room(a, b, &s.size);
	actor_in_context(up_to_dispatch(a, r[3]), call_get_list, &s);
	if (s.status) {
		a->unmet++;
		kfree(d->room);
		d->room = NULL;
		if (s.status != (u32)STATUS_INSUFFICIENT_RESOURCES)
			actor_wrong(a, "no list of %zu bytes: 0x%x", d->bytes,
				    s.status);
		return;
	}
	if (!d->list) {
		actor_wrong(a, "the routine for a list was not called");
		return;
	}
	if (d->room && d->room != d->list)
		actor_wrong(a, "a list is not where it was to be built");
	for (i = 0; i < d->list->NumberOfElements; i++)
		sum += d->list->Elements[i].Length;
	if (sum != d->bytes)
		actor_wrong(a, "a list of %zu bytes has %zu", d->bytes, sum);
	a->listed++;
}

static void free_registers(struct actor *a, struct block *b, u32 r)
{
	struct step s = { .actor = a, .block = b, .mdl = b->mdl.mdl, .ex = r >> 4 & 1 };

	if (b->mdl.transfers) {
		actor_in_context(up_to_dispatch(a, r), call_flush, &s);
		if (s.status != TRUE)
			actor_wrong(a, "%zu bytes were not flushed", b->mdl.bytes);
	}
	actor_in_context(up_to_dispatch(a, r >> 2), call_free_registers, &s);
	b->mdl.registers = NULL;
}

/*
 * Another actor may have the channel. Who frees that calls the routine, which a task waits
 * for. A softirq may have interrupted that actor, so it gives up.
 */
static bool get_registers(struct actor *a, struct block *b, u32 r, struct step *s)
{
	const DMA_ADAPTER *adapter = a->model->adapter;
	ktime_t end = ktime_add_ms(ktime_get(), 10 * MSEC_PER_SEC);

	actor_in_context(up_to_dispatch(a, r), call_get_registers, s);
	if (s->status)
		return false;
	if (!READ_ONCE(b->mdl.registers) && !in_task() &&
	    adapter->DmaOperations->CancelAdapterChannel(a->model->adapter,
			&a->model->edu->dev, &b->mdl)) {
		s->status = STATUS_INSUFFICIENT_RESOURCES;
		return false;
	}
	/* Pairs with the release in keep_registers(). */
	while (!smp_load_acquire(&b->mdl.registers)) {
		if (ktime_after(ktime_get(), end))
			return false;
		if (in_task())
			usleep_range(20, 50);
		else
			cpu_relax();
	}
	return true;
}

static void packet(struct actor *a, struct block *b, const u32 *r)
{
	struct description *d = &b->mdl;
	struct step s = { .actor = a, .block = b, .mdl = d->mdl };

	if (d->registers) {
		free_registers(a, b, r[3]);
		return;
	}
	if (!transferable(a, b) || d->list)
		return;
	choose_direction(b, r[3] >> 8);
	if (!get_registers(a, b, r[3], &s)) {
		a->unmet++;
		if (s.status != (u32)STATUS_INSUFFICIENT_RESOURCES)
			actor_wrong(a, "no registers for %zu pages: 0x%x",
				    span_of(b), s.status);
		return;
	}
	if (r[3] >> 9 & 1)
		s.at = make_room(a, b, &s.size);
	actor_in_context(up_to_dispatch(a, r[3] >> 2), call_transfer, &s);
	kfree(s.at);
	d->transfers = s.value;
	if (s.value == d->bytes) {
		a->packets++;
		return;
	}
	a->unmet++;
	free_registers(a, b, r[3] >> 4);
}

/* What is refused, whatever else is done with the block. */
static void wrong(struct actor *a, struct block *b, const u32 *r)
{
	const struct description *d = &b->mdl;
	enum rpt_context context = up_to_dispatch(a, r[3]);
	struct step s = {
		.actor = a, .block = b, .mdl = d->mdl, .at = start_of(b),
		.value = IoReadAccess,
	};
	bool held = d->list || d->registers;

	switch (r[3] >> 8 & 7) {
	case 0:
		/* A lookaside list that has room does not ask who uses its entry. */
		if (held && !b->list) {
			actor_expect(a, DRIVER_VERIFIER_DMA_VIOLATION, b->base, 0x0e);
			/* Paged pool is for a task to free. */
			actor_in_context(b->kind == PAGED ? RPT_TASK : context,
					 call_free_block, &s);
			break;
		}
		fallthrough;
	case 1:
		actor_expect(a, DRIVER_VERIFIER_DETECTED_VIOLATION, d->mdl, 0xb0);
		actor_in_context(context, call_lock, &s);
		break;
	case 2:
		if (held)
			actor_expect(a, DRIVER_VERIFIER_DMA_VIOLATION, d->mdl, 0x0e);
		else if (d->locked)
			actor_expect(a, DRIVER_VERIFIER_DETECTED_VIOLATION, d->mdl,
				     0xb8);
		else
			break;
		actor_in_context(context, call_free, &s);
		break;
	case 3:
		if (d->locked && held)
			actor_expect(a, DRIVER_VERIFIER_DMA_VIOLATION, d->mdl, 0x0e);
		else if (!d->locked)
			actor_expect(a, DRIVER_VERIFIER_DETECTED_VIOLATION, d->mdl,
				     0x7d);
		else
			break;
		actor_in_context(context, call_unlock, &s);
		break;
	case 4:
		if (d->locked && !d->mapped)
			break;
		actor_expect(a, DRIVER_VERIFIER_DETECTED_VIOLATION, d->mdl, 0xb2);
		actor_in_context(context, call_map_again, &s);
		break;
	case 5:
		if (d->mapped)
			break;
		actor_expect(a, SYSTEM_PTE_MISUSE, d->mdl, 0x06);
		actor_in_context(context, call_unmap, &s);
		break;
	case 6:
		if (!d->locked)
			break;
		actor_expect(a, DRIVER_VERIFIER_DETECTED_VIOLATION, d->mdl, 0x16);
		actor_in_context(anywhere(a, r[3]), call_build, &s);
		break;
	case 7:
		actor_expect(a, DRIVER_VERIFIER_DETECTED_VIOLATION, d->mdl, 0x16);
		IoBuildPartialMdl(d->mdl, d->mdl, start_of(b) + d->bytes, 1);
		break;
	}
}

void mdl_end(struct actor *a, struct block *b, u32 r)
{
	struct description *d = &b->mdl;
	struct step s = { .actor = a, .mdl = d->mdl, .at = d->mapped };

	if (!d->mdl)
		return;
	if (d->list)
		put_list(a, b, r);
	if (d->registers)
		free_registers(a, b, r >> 2);
	if (d->mapped)
		check_mapped(a, b, d->mapped);
	/* To unlock undoes the mapping as well. */
	if (d->mapped && r >> 6 & 1)
		actor_in_context(up_to_dispatch(a, r >> 7), call_unmap, &s);
	if (d->locked)
		actor_in_context(up_to_dispatch(a, r >> 9), call_unlock, &s);
	drop(a, d->mdl, r >> 11);
	*d = (struct description){};
}

static void use(struct actor *a, struct block *b, const u32 *r)
{
	switch (r[2] >> 24 & 7) {
	case 0:
		mdl_end(a, b, r[3]);
		break;
	case 1:
		part(a, b, r);
		break;
	case 2:
		map_reserved(a, b, r);
		break;
	case 3:
	case 4:
		map(a, b, r);
		break;
	case 5:
	case 6:
		list(a, b, r);
		break;
	case 7:
		packet(a, b, r);
		break;
	}
}

void mdl_step(struct actor *a, struct block *b, const u32 *r)
{
	bool bad = a->bad_left && !(r[2] >> 28);

	a->bad_left -= bad;
	if (!b->base || device_gone(b->of))
		return;
	if (!b->mdl.mdl) {
		begin(a, b, r);
		/* Most blocks do not live so long that much more is done with them. */
		if (!b->mdl.mdl || r[2] >> 27 & 1)
			return;
	}
	if (bad)
		wrong(a, b, r);
	else
		use(a, b, r);
}

size_t mdl_registers(const struct block *b)
{
	return b->mdl.list || b->mdl.registers ? span_of(b) : 0;
}

/* Pages that are allocated for an MDL */

static void call_free_pages(void *arg)
{
	MmFreePagesFromMdl(((struct step *)arg)->mdl);
}

static void give_pages_back(struct actor *a, PMDL mdl, u32 r)
{
	struct step s = { .actor = a, .mdl = mdl };

	actor_in_context(up_to_dispatch(a, r), call_free_pages, &s);
	mdl_count(a, mdl, -1);
	ExFreePool(mdl);
}

void mdl_pages_allocate(struct actor *a, struct block *b, u32 r)
{
	const PHYSICAL_ADDRESS none = { }, highest = { .QuadPart = -1 };
	MEMORY_CACHING_TYPE type = !(r & 15) ? MmNonCached :
				   (r & 15) == 1 ? MmWriteCombined : MmCached;
	PMDL mdl;

	b->bytes = PAGE_ALIGN(b->bytes);
	if (r >> 16 & 1)
		mdl = MmAllocateNodePagesForMdlEx(none, highest, none, b->bytes, type, 0,
						  MM_ALLOCATE_FULLY_REQUIRED);
	else
		mdl = MmAllocatePagesForMdlEx(none, highest, none, b->bytes, type,
					      MM_ALLOCATE_FULLY_REQUIRED);
	if (!mdl)
		return;
	mdl_count(a, mdl, 1);
	if (MmGetMdlByteCount(mdl) != b->bytes)
		actor_wrong(a, "%zu bytes of pages are %u", b->bytes,
			    MmGetMdlByteCount(mdl));
	b->base = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	if (!b->base) {
		actor_wrong(a, "%zu bytes of pages were not mapped", b->bytes);
		give_pages_back(a, mdl, r >> 4);
		return;
	}
	b->mdl = (struct description){
		.mdl = mdl, .locked = true, .mapped = b->base, .bytes = b->bytes,
	};
}

void mdl_pages_free(struct actor *a, struct block *b, u32 r)
{
	struct step s = { .actor = a, .mdl = b->mdl.mdl, .at = b->base };

	actor_in_context(up_to_dispatch(a, r), call_unmap, &s);
	give_pages_back(a, b->mdl.mdl, r >> 2);
	b->mdl = (struct description){};
}

void mdl_pages_bad(struct actor *a, struct block *b, u32 r)
{
	static void (*const calls[])(void *arg) = {
		call_free, call_unlock, call_map_again, call_lock,
	};
	static const u64 codes[] = { 0xb8, 0x7c, 0xb2, 0xb0 };
	struct step s = { .actor = a, .mdl = b->mdl.mdl };

	actor_expect(a, DRIVER_VERIFIER_DETECTED_VIOLATION, s.mdl, codes[r & 3]);
	/* Their address is NULL, so to lock them is for a task. */
	actor_in_context((r & 3) == 3 ? RPT_TASK : up_to_dispatch(a, r >> 2),
			 calls[r & 3], &s);
}
