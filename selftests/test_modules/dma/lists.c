// SPDX-License-Identifier: GPL-2.0
/*
 * Scatter/gather lists, with QEMU's edu as the device. It transfers what a list says,
 * so data that comes back shows that the addresses are right.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/pci.h>
#include <linux/preempt.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dma.h"

#define TAG_LIST	('tsiL')
#define INSUFFICIENT	0xc000009a
#define TOO_SMALL	0xc0000023
#define MISUSE		0xc000000d

/* A transfer of a buffer of its own. */
struct transfer {
	DMA_ADAPTER *adapter;
	char *va;
	PMDL mdl;
	ULONG length;
	BOOLEAN write;
	/* What the routine was called with. */
	PSCATTER_GATHER_LIST list;
	unsigned int calls;
	bool dispatch;
};

static void take_list(PDEVICE_OBJECT device, PIRP irp,
		      PSCATTER_GATHER_LIST list, PVOID context)
{
	struct transfer *x = context;

	x->list = list;
	x->calls++;
	x->dispatch = device == &edu->dev && !irp && softirq_count();
}

static NTSTATUS get_part(struct transfer *x, size_t from, ULONG length)
{
	x->calls = 0;
	return x->adapter->DmaOperations->GetScatterGatherList(
		x->adapter, &edu->dev, x->mdl, x->va + from, length, take_list,
		x, x->write);
}

static bool get_list(struct rpt *t, struct transfer *x)
{
	return EXPECT_EQ(t, (u32)get_part(x, 0, x->length), 0) &&
	       EXPECT_EQ(t, x->calls, 1) && EXPECT(t, x->list);
}

static void put_list(struct transfer *x)
{
	x->adapter->DmaOperations->PutScatterGatherList(x->adapter, x->list,
							x->write);
}

static void drop(struct transfer *x)
{
	if (x->mdl)
		IoFreeMdl(x->mdl);
	if (x->va)
		ExFreePoolWithTag(x->va, TAG_LIST);
	if (x->adapter)
		put_adapter(x->adapter);
}

static bool make(struct rpt *t, struct transfer *x, ULONG width, ULONG length)
{
	memset(x, 0, sizeof(*x));
	x->length = length;
	x->adapter = get_adapter(width, length, &(ULONG){ 0 });
	x->va = ExAllocatePoolWithTag(NonPagedPoolNx, length, TAG_LIST);
	x->mdl = IoAllocateMdl(x->va, length, FALSE, FALSE, NULL);
	if (EXPECT(t, x->adapter && x->va && x->mdl)) {
		MmBuildMdlForNonPagedPool(x->mdl);
		rpt_fill(x->va, length, 3);
		return true;
	}
	drop(x);
	return false;
}

/*
 * The list has all of the buffer, in its order, or copies of it that are to be used. What
 * the kernel does not copy for a device that does not reach it, rust_pool does, to anywhere.
 */
static void look_at_list(struct rpt *t, const struct transfer *x, size_t from,
			 ULONG length, ULONG width)
{
	const SCATTER_GATHER_LIST *list = x->list;
	size_t done = 0;
	ULONG i, at;

	EXPECT(t, list->NumberOfElements >= 1);
	EXPECT(t, !list->Reserved);
	for (i = 0; i < list->NumberOfElements; i++) {
		const SCATTER_GATHER_ELEMENT *e = &list->Elements[i];
		u64 address = e->Address.QuadPart;

		EXPECT(t, e->Length);
		EXPECT(t, address + e->Length - 1 <= DMA_BIT_MASK(width));
		/* What is side by side is one. */
		if (i)
			EXPECT(t, address != e[-1].Address.QuadPart +
					     e[-1].Length);
		for (at = 0; at < e->Length; ) {
			const char *va = x->va + from + done + at;
			size_t here = min_t(size_t, e->Length - at, PAGE_SIZE -
					    offset_in_page(va));

			if (width == 64 || is_bounced(va, here, width)) {
				if (!EXPECT(t, leads_to(address + at, va, here,
							width)))
					return;
			} else if (!EXPECT(t, !is_bounce(address + at))) {
				return;
			}
			at += here;
		}
		done += e->Length;
	}
	EXPECT_EQ(t, done, length);
}

/*
 * Puts a list of these bytes after the device wrote to all of them. What it wrote has
 * arrived then, if it was to write at all, and nothing else has changed.
 */
static void put_written(struct rpt *t, struct transfer *x, size_t from, ULONG length)
{
	const SCATTER_GATHER_LIST *list = x->list;
	char *before = kvmalloc(length, GFP_KERNEL);
	char *written = kvmalloc(length, GFP_KERNEL);
	size_t done = 0;
	ULONG i;

	if (!EXPECT(t, before && written)) {
		put_list(x);
		goto out;
	}
	memcpy(before, x->va + from, length);
	rpt_fill(written, length, 9);
	for (i = 0; i < list->NumberOfElements; i++) {
		as_device(list->Elements[i].Address.QuadPart, written + done,
			  list->Elements[i].Length, false);
		done += list->Elements[i].Length;
	}
	put_list(x);
	EXPECT(t, !memcmp(x->va + from, x->write ? before : written, length));
	memcpy(x->va + from, before, length);
	EXPECT(t, rpt_filled(x->va, x->length, 3));
out:
	kvfree(before);
	kvfree(written);
}

static const struct rpt_arg lengths[] = {
	{ "1", 1 },
	{ "100", 100 },
	{ "4096", SZ_4K },
	{ "5000", 5000 },
	{ "64K", SZ_64K },
	{ "1M+1", SZ_1M + 1 },
	{ "6M", 6 * SZ_1M },
	{ }
};

static void list_of(struct rpt *t)
{
	ULONG length = rpt_value(t), pages;
	struct transfer x;
	char line[64];
	u64 used;

	if (!make(t, &x, 64, length))
		return;
	used = bounces_used(t);
	pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(x.va, length);
	if (get_list(t, &x)) {
		EXPECT(t, x.dispatch);
		look_at_list(t, &x, 0, length, 64);
		snprintf(line, sizeof(line), "in_use %u lists 1 buffers 0 open",
			 pages);
		EXPECT(t, rpt_has_line(t, "adapters", line));
		snprintf(line, sizeof(line), "list %u %u %lu [%s]",
			 x.list->NumberOfElements, length,
			 pages * PAGE_SIZE, KBUILD_MODNAME);
		EXPECT(t, rpt_has_line(t, "adapters", line));
		EXPECT(t, !all_bounced() || bounces_used(t) > used);
		put_written(t, &x, 0, length);
	}
	/* A device that only reads changes nothing but copies. */
	x.write = TRUE;
	if (all_bounced() && get_list(t, &x)) {
		look_at_list(t, &x, 0, length, 64);
		put_written(t, &x, 0, length);
	}
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	bounces_back_at(t, used);
	drop(&x);
}

static void list_of_a_part(struct rpt *t)
{
	static const size_t parts[][2] = {
		{ 0, 1 }, { 1, 4096 }, { 4095, 2 }, { 4096, 8192 }, { 19999, 1 },
		{ 5000, 15000 },
	};
	struct transfer x;
	unsigned int i;

	if (!make(t, &x, 64, 20000))
		return;
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!EXPECT_EQ(t, get_part(&x, parts[i][0], parts[i][1]), 0))
			continue;
		look_at_list(t, &x, parts[i][0], parts[i][1], 64);
		put_written(t, &x, parts[i][0], parts[i][1]);
	}
	drop(&x);
}

/* Two MDLs, the second of which is part of the transfer from its own beginning. */
static void list_of_a_chain(struct rpt *t)
{
	const struct rpt_violation *v;
	struct transfer x, rest;
	ULONG i, here;
	char *at;

	if (!make(t, &x, 64, 20000))
		return;
	if (!make(t, &rest, 64, 10000)) {
		drop(&x);
		return;
	}
	x.mdl->Next = rest.mdl;
	x.calls = 0;
	if (EXPECT_EQ(t, get_part(&x, 15000, 8000), 0)) {
		size_t done = 0;

		for (i = 0; i < x.list->NumberOfElements; i++) {
			const SCATTER_GATHER_ELEMENT *e = &x.list->Elements[i];

			at = done < 5000 ? x.va + 15000 + done :
					   rest.va + done - 5000;
			here = done < 5000 ? 5000 - done : 8000 - done;
			here = min3(here, e->Length, PAGE_SIZE - offset_in_page(at));
			EXPECT(t, leads_to(e->Address.QuadPart, at, here, 64));
			done += e->Length;
		}
		EXPECT_EQ(t, done, 8000);
		put_list(&x);
	}
	/* All of both, and a byte more. */
	if (EXPECT_EQ(t, (u32)get_part(&x, 1, 29999), INSUFFICIENT))
		EXPECT_VIOLATIONS(t, 0);
	EXPECT_EQ(t, (u32)get_part(&x, 0, 30001), TOO_SMALL);
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x24);
	if (v)
		EXPECT_EQ(t, v->p[1], 1);
	x.mdl->Next = NULL;
	drop(&rest);
	drop(&x);
}

#define EDU_MEMORY	0x40000
#define EDU_BYTES	SZ_4K
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_START	1
#define EDU_TO_MEMORY	2

bool edu_copies(void __iomem *bar, u64 bus, u32 at, u32 count, bool to_memory)
{
	unsigned long end = jiffies + RPT_PATIENCE;
	bool done;

	writel(to_memory ? EDU_MEMORY + at : bus, bar + EDU_SOURCE);
	writel(to_memory ? bus : EDU_MEMORY + at, bar + EDU_TARGET);
	writel(count, bar + EDU_COUNT);
	writel(EDU_START | (to_memory ? EDU_TO_MEMORY : 0), bar + EDU_COMMAND);
	do {
		msleep(20);
		done = !(readl(bar + EDU_COMMAND) & EDU_START);
	} while (!done && time_before(jiffies, end));
	return done;
}

static void transfer_all(struct rpt *t, void __iomem *bar,
			 const struct transfer *x, ULONG width, bool to_memory)
{
	ULONG i, at = 0;

	for (i = 0; i < x->list->NumberOfElements; i++) {
		const SCATTER_GATHER_ELEMENT *e = &x->list->Elements[i];

		EXPECT(t, device_copies(bar, x->va, width, e->Address.QuadPart,
					at, e->Length, to_memory));
		at += e->Length;
	}
}

/* The kernel's memory for copies of all is where this device does not reach. */
static void refused_list(struct rpt *t, struct transfer *x)
{
	u64 used = bounces_used(t);

	EXPECT_EQ(t, (u32)get_part(x, 1000, EDU_BYTES), INSUFFICIENT);
	EXPECT_EQ(t, x->calls, 0);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	bounces_back_at(t, used);
	EXPECT_VIOLATIONS(t, 0);
}

/*
 * Data goes to the device and comes back. The buffer lies above the 28 bits that edu
 * reaches, so without an IOMMU somebody has to copy it. The kernel's own memory for that
 * may be above 24 bits.
 */
static void device_transfers(struct rpt *t)
{
	const ULONG width = rpt_value(t);
	struct transfer x = { .length = 3 * PAGE_SIZE };
	void __iomem *bar;
	char *va;

	va = memory_for(width, x.length);
	x.va = va;
	x.adapter = get_adapter(width, x.length, &(ULONG){ 0 });
	x.mdl = IoAllocateMdl(va, x.length, FALSE, FALSE, NULL);
	if (!EXPECT(t, va && x.adapter && x.mdl))
		goto out;
	MmBuildMdlForNonPagedPool(x.mdl);
	rpt_fill(va, x.length, 3);
	if (all_bounced() && !reaches_bounces(width)) {
		refused_list(t, &x);
		goto out;
	}
	if (!EXPECT(t, !pci_enable_device_mem(edu)))
		goto out;
	pci_set_master(edu);
	bar = pci_iomap(edu, 0, 0);
	if (!EXPECT(t, bar))
		goto disable;
	x.write = TRUE;
	if (EXPECT_EQ(t, get_part(&x, 1000, EDU_BYTES), 0)) {
		look_at_list(t, &x, 1000, EDU_BYTES, width);
		transfer_all(t, bar, &x, width, false);
		put_list(&x);
	}
	EXPECT(t, rpt_filled(x.va, x.length, 3));
	memset(x.va, 0, x.length);
	x.write = FALSE;
	if (EXPECT_EQ(t, get_part(&x, 5000, EDU_BYTES), 0)) {
		transfer_all(t, bar, &x, width, true);
		put_list(&x);
	}
	EXPECT(t, !memchr_inv(x.va, 0, 5000));
	EXPECT(t, !memchr_inv(x.va + 5000 + EDU_BYTES, 0,
			      x.length - 5000 - EDU_BYTES));
	/* The pattern depends on where in the block it is. */
	memmove(x.va + 1000, x.va + 5000, EDU_BYTES);
	rpt_fill(x.va, 1000, 3);
	EXPECT(t, rpt_filled(x.va, 1000 + EDU_BYTES, 3));
	pci_iounmap(edu, bar);
disable:
	pci_clear_master(edu);
	pci_disable_device(edu);
out:
	x.va = NULL;
	drop(&x);
	if (va)
		MmFreeContiguousMemory(va);
}

static void one_register_a_page(struct rpt *t)
{
	PHYSICAL_ADDRESS logical;
	struct transfer x, y;
	void *buffer;

	if (!make(t, &x, 32, SZ_64K))
		return;
	put_adapter(x.adapter);
	/* 4 pages and one more. */
	x.adapter = get_adapter(32, 4 * PAGE_SIZE, &(ULONG){ 0 });
	EXPECT_EQ(t, (u32)get_part(&x, 0, 5 * PAGE_SIZE + 1), INSUFFICIENT);
	EXPECT_EQ(t, x.calls, 0);
	EXPECT_EQ(t, (u32)get_part(&x, 1, 5 * PAGE_SIZE), INSUFFICIENT);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	/* They are for each list. */
	y = x;
	buffer = get_buffer(x.adapter, 5000, &logical);
	if (EXPECT_EQ(t, get_part(&x, 0, 5 * PAGE_SIZE), 0) &&
	    EXPECT_EQ(t, get_part(&y, 8 * PAGE_SIZE, 5 * PAGE_SIZE), 0)) {
		EXPECT(t, rpt_has_line(t, "adapters",
				       "registers 5 in_use 12 lists 2 buffers 1 open"));
		put_list(&x);
		put_list(&y);
	}
	if (EXPECT(t, buffer))
		put_buffer(x.adapter, 5000, logical, buffer);
	drop(&x);
}

void dma_violation(struct rpt *t, u64 p1, const void *p2, const void *p3)
{
	const struct rpt_violation *v;

	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, p1);
	if (!v)
		return;
	if (p2)
		EXPECT(t, rpt_shows(v->p[1], p2));
	if (p3)
		EXPECT(t, rpt_shows(v->p[2], p3));
}

static void put_twice(struct rpt *t)
{
	struct transfer x;
	DMA_ADAPTER *other;

	if (!make(t, &x, 32, 5000))
		return;
	other = get_adapter(32, 5000, &(ULONG){ 0 });
	if (EXPECT(t, other) && get_list(t, &x)) {
		other->DmaOperations->PutScatterGatherList(other, x.list,
							   x.write);
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
		EXPECT(t, rpt_has_line(t, "adapters", "lists 1 buffers 0 open"));
		put_list(&x);
		put_list(&x);
		dma_violation(t, 0x06, x.adapter, x.list);
		x.list = (void *)x.va;
		put_list(&x);
		dma_violation(t, 0x06, x.adapter, x.list);
		x.list = NULL;
		put_list(&x);
		dma_violation(t, 0x06, x.adapter, NULL);
	}
	if (other)
		put_adapter(other);
	drop(&x);
}

static void other_direction(struct rpt *t)
{
	struct transfer x;

	if (!make(t, &x, 32, 5000))
		return;
	if (get_list(t, &x)) {
		x.write = TRUE;
		put_list(&x);
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
		EXPECT(t, rpt_has_line(t, "adapters", "lists 0 buffers 0 open"));
	}
	drop(&x);
}

static void put_with_lists_out(struct rpt *t)
{
	const struct rpt_violation *v;
	struct transfer x;

	if (!make(t, &x, 32, 5000))
		return;
	if (get_list(t, &x)) {
		put_adapter(x.adapter);
		v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x0a);
		if (v) {
			EXPECT(t, rpt_shows(v->p[1], x.adapter));
			EXPECT_EQ(t, v->p[2], 1);
		}
		/* It lives on for its list, and for nothing else. */
		EXPECT(t, rpt_has_line(t, "adapters", "lists 1 buffers 0 put"));
		EXPECT_EQ(t, (u32)get_part(&x, 0, 100), MISUSE);
		dma_violation(t, 0x18, x.adapter, NULL);
		put_list(&x);
		EXPECT(t, !rpt_has_line(t, "adapters", " put"));
		x.adapter = NULL;
	}
	drop(&x);
}

static void bad_transfers(struct rpt *t)
{
	struct transfer x;
	PMDL mdl;

	if (!make(t, &x, 32, 5000))
		return;
	mdl = x.mdl;
	EXPECT_EQ(t, (u32)get_part(&x, 0, 0), MISUSE);
	dma_violation(t, 0x21, x.adapter, mdl);
	EXPECT_EQ(t, (u32)get_part(&x, 5000, 1), TOO_SMALL);
	dma_violation(t, 0x1b, x.va + 5000, mdl);
	EXPECT_EQ(t, (u32)get_part(&x, -1, 1), TOO_SMALL);
	dma_violation(t, 0x1b, x.va - 1, mdl);
	EXPECT_EQ(t, (u32)get_part(&x, 4999, 2), TOO_SMALL);
	dma_violation(t, 0x24, NULL, mdl);
	x.mdl = NULL;
	EXPECT_EQ(t, (u32)get_part(&x, 0, 100), MISUSE);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	x.mdl = IoAllocateMdl(x.va, 100, FALSE, FALSE, NULL);
	if (EXPECT(t, x.mdl)) {
		EXPECT_EQ(t, (u32)get_part(&x, 0, 100), MISUSE);
		dma_violation(t, 0x0e, x.mdl, NULL);
		IoFreeMdl(x.mdl);
	}
	x.mdl = mdl;
	EXPECT_EQ(t, (u32)x.adapter->DmaOperations->GetScatterGatherList(
		  x.adapter, &edu->dev, mdl, x.va, 100, NULL, &x, FALSE),
		  MISUSE);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	EXPECT_EQ(t, x.calls, 0);
	drop(&x);
}

/* Until the list is put the device may write to them. */
static void unlocked_in_a_list(struct rpt *t)
{
	struct transfer x, y;
	PMDL other;

	if (!make(t, &x, 32, 20000))
		return;
	IoFreeMdl(x.mdl);
	x.mdl = IoAllocateMdl(x.va, x.length, FALSE, FALSE, NULL);
	if (!EXPECT(t, x.mdl) ||
	    !EXPECT_EQ(t, MmProbeAndLockPages(x.mdl, KernelMode, IoWriteAccess), 0)) {
		drop(&x);
		return;
	}
	y = x;
	if (EXPECT_EQ(t, get_part(&x, 0, 5000), 0) &&
	    EXPECT_EQ(t, get_part(&y, 8192, 5000), 0)) {
		MmUnlockPages(x.mdl);
		dma_violation(t, 0x0e, x.mdl, NULL);
		put_list(&x);
		MmUnlockPages(x.mdl);
		dma_violation(t, 0x0e, x.mdl, NULL);
		EXPECT(t, rpt_shows(rpt_last(t)->p[3], y.list));
		put_list(&y);
	}
	/* The length is what it was when they were locked. */
	if (EXPECT_EQ(t, get_part(&x, 15000, 5000), 0)) {
		x.mdl->ByteCount = 5000;
		MmUnlockPages(x.mdl);
		dma_violation(t, 0x0e, x.mdl, NULL);
		x.mdl->ByteCount = x.length;
		put_list(&x);
	}
	/* A list of a part has them as well. */
	y = x;
	y.va += 5000;
	y.mdl = IoAllocateMdl(y.va, 100, FALSE, FALSE, NULL);
	other = IoAllocateMdl(x.va, x.length, FALSE, FALSE, NULL);
	if (!EXPECT(t, y.mdl && other))
		return;
	EXPECT_EQ(t, MmProbeAndLockPages(other, KernelMode, IoWriteAccess), 0);
	IoBuildPartialMdl(x.mdl, y.mdl, y.va, 100);
	if (EXPECT_EQ(t, get_part(&y, 0, 100), 0)) {
		MmUnlockPages(x.mdl);
		dma_violation(t, 0x0e, x.mdl, NULL);
		EXPECT(t, rpt_shows(rpt_last(t)->p[3], y.list));
		EXPECT(t, x.mdl->MdlFlags & MDL_PAGES_LOCKED);
		/* Who has locked the same pages otherwise may unlock them. */
		MmUnlockPages(other);
		EXPECT_VIOLATIONS(t, 0);
		put_list(&y);
	}
	/* A part that nobody says what it is of. */
	EXPECT_EQ(t, MmProbeAndLockPages(other, KernelMode, IoWriteAccess), 0);
	y.mdl->Reserved = 0;
	if (EXPECT_EQ(t, get_part(&y, 0, 100), 0)) {
		MmUnlockPages(other);
		dma_violation(t, 0x0e, other, NULL);
		put_list(&y);
	}
	MmUnlockPages(other);
	IoFreeMdl(other);
	IoFreeMdl(y.mdl);
	MmUnlockPages(x.mdl);
	EXPECT(t, !(x.mdl->MdlFlags & MDL_PAGES_LOCKED));
	EXPECT_VIOLATIONS(t, 0);
	drop(&x);
}

enum holding {
	POOL, POOL_BY_TAG, CONTIGUOUS, CONTIGUOUS_BY_TYPE, NONCACHED, BUFFER,
	MDL_PAGES, MDL_PAGES_COPIED,
};

#define HELD(what, bytes)	((unsigned long)(what) << 32 | (bytes))

static const struct rpt_arg holdings[] = {
	{ "pool_100", HELD(POOL, 100) },
	{ "pool_3000", HELD(POOL_BY_TAG, 3000) },
	{ "pool_4096", HELD(POOL, SZ_4K) },
	{ "pool_20000", HELD(POOL_BY_TAG, 20000) },
	{ "pool_2M", HELD(POOL, SZ_2M) },
	{ "contiguous", HELD(CONTIGUOUS, 20000) },
	{ "contiguous_by_type", HELD(CONTIGUOUS_BY_TYPE, 20000) },
	{ "noncached", HELD(NONCACHED, 20000) },
	{ "common_buffer", HELD(BUFFER, 20000) },
	{ "mdl_pages", HELD(MDL_PAGES, 5 * PAGE_SIZE) },
	{ "mdl_pages_copied", HELD(MDL_PAGES_COPIED, 5 * PAGE_SIZE) },
	{ }
};

/* Memory of some family, and its MDL. */
struct held {
	enum holding what;
	ULONG length;
	DMA_ADAPTER *adapter;
	void *base;
	PHYSICAL_ADDRESS logical;
	PMDL mdl;
};

static void make_held(struct held *h)
{
	PHYSICAL_ADDRESS low = { }, high = { .QuadPart = -1 }, none = { };

	switch (h->what) {
	case POOL:
	case POOL_BY_TAG:
		h->base = ExAllocatePoolWithTag(NonPagedPoolNx, h->length,
						TAG_LIST);
		break;
	case CONTIGUOUS:
	case CONTIGUOUS_BY_TYPE:
		h->base = MmAllocateContiguousMemorySpecifyCache(h->length, low,
								 high, none,
								 MmCached);
		break;
	case NONCACHED:
		h->base = MmAllocateNonCachedMemory(h->length);
		break;
	case BUFFER:
		h->base = get_buffer(h->adapter, h->length, &h->logical);
		break;
	case MDL_PAGES_COPIED:
		low.QuadPart = DMA_BIT_MASK(24) + 1;
		fallthrough;
	case MDL_PAGES:
		h->mdl = MmAllocatePagesForMdlEx(low, high, none, h->length,
						 MmCached,
						 MM_ALLOCATE_FULLY_REQUIRED);
		return;
	}
	h->mdl = IoAllocateMdl(h->base, h->length, FALSE, FALSE, NULL);
	if (h->base && h->mdl)
		MmBuildMdlForNonPagedPool(h->mdl);
}

static void free_held(struct held *h)
{
	switch (h->what) {
	case POOL:
		ExFreePool(h->base);
		break;
	case POOL_BY_TAG:
		ExFreePoolWithTag(h->base, TAG_LIST);
		break;
	case CONTIGUOUS:
		MmFreeContiguousMemory(h->base);
		break;
	case CONTIGUOUS_BY_TYPE:
		MmFreeContiguousMemorySpecifyCache(h->base, h->length, MmCached);
		break;
	case NONCACHED:
		MmFreeNonCachedMemory(h->base, h->length);
		break;
	case BUFFER:
		put_buffer(h->adapter, h->length, h->logical, h->base);
		break;
	case MDL_PAGES:
	case MDL_PAGES_COPIED:
		MmFreePagesFromMdl(h->mdl);
		break;
	}
}

/*
 * Until the list is put the device may write to them. A list of some of the bytes
 * keeps all of the block.
 */
static void freed_in_a_list(struct rpt *t)
{
	struct held h = {
		.what = rpt_value(t) >> 32,
		.length = rpt_value(t) & U32_MAX,
	};
	struct transfer x = { .write = TRUE };
	ULONG part = h.length / 2;
	ULONG width = h.what == MDL_PAGES_COPIED ? 24 : 64;

	x.adapter = get_adapter(width, h.length, &(ULONG){ 0 });
	h.adapter = get_adapter(64, h.length, &(ULONG){ 0 });
	if (!EXPECT(t, x.adapter && h.adapter))
		return;
	make_held(&h);
	x.mdl = h.mdl;
	x.va = h.base;
	if (!EXPECT(t, x.mdl))
		return;
	if (all_bounced() && !reaches_bounces(width)) {
		EXPECT_EQ(t, (u32)get_part(&x, part, h.length - part), INSUFFICIENT);
	} else if (EXPECT_EQ(t, get_part(&x, part, h.length - part), 0)) {
		free_held(&h);
		dma_violation(t, 0x0e, h.base ?: h.mdl,
			      h.base ? x.list : NULL);
		if (!h.base)
			EXPECT(t, rpt_shows(rpt_last(t)->p[3], x.list));
		/* That it was reported once makes no difference. */
		free_held(&h);
		dma_violation(t, 0x0e, h.base ?: h.mdl, NULL);
		IoFreeMdl(h.mdl);
		dma_violation(t, 0x0e, h.mdl, NULL);
		EXPECT(t, rpt_shows(rpt_last(t)->p[3], x.list));
		ExFreePool(h.mdl);
		dma_violation(t, 0x0e, h.mdl, x.list);
		/* What the list has not is nobody else's concern. */
		ExFreePool(ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG_LIST));
		ExFreePool(ExAllocatePoolWithTag(NonPagedPoolNx, 8192, TAG_LIST));
		EXPECT_VIOLATIONS(t, 0);
		put_list(&x);
	}
	free_held(&h);
	IoFreeMdl(h.mdl);
	EXPECT_VIOLATIONS(t, 0);
	put_adapter(h.adapter);
	put_adapter(x.adapter);
}

/* Other blocks of the same page are not in the list, to the byte. */
static void neighbours_of_a_list(struct rpt *t)
{
	static char *blocks[64];
	struct transfer x = { .write = TRUE, .length = 192 };
	unsigned int i;

	x.adapter = get_adapter(64, 5000, &(ULONG){ 0 });
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		blocks[i] = ExAllocatePoolWithTag(NonPagedPoolNx, x.length,
						  TAG_LIST);
	x.va = blocks[20];
	x.mdl = IoAllocateMdl(x.va, x.length, FALSE, FALSE, NULL);
	if (!EXPECT(t, x.adapter && x.va && x.mdl))
		return;
	MmBuildMdlForNonPagedPool(x.mdl);
	if (EXPECT_EQ(t, get_part(&x, x.length - 1, 1), 0)) {
		for (i = 0; i < ARRAY_SIZE(blocks); i++)
			if (i != 20 && blocks[i])
				ExFreePool(blocks[i]);
		EXPECT_VIOLATIONS(t, 0);
		ExFreePool(x.va);
		dma_violation(t, 0x0e, x.va, x.list);
		put_list(&x);
	}
	drop(&x);
}

/*
 * An entry of a lookaside list that is full, or that the list has to look up, as it is
 * large. It is not freed then, and the list counts it when it is.
 */
static void lookaside_entry_in_a_list(struct rpt *t)
{
	static void *entries[300];
	struct transfer x = { .write = TRUE, .length = rpt_value(t) };
	unsigned int count = x.length < PAGE_SIZE ? ARRAY_SIZE(entries) : 2;
	const struct rpt_violation *v;
	NPAGED_LOOKASIDE_LIST list;
	unsigned int i;

	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, x.length, TAG_LIST,
					0);
	for (i = 0; i < count; i++) {
		entries[i] = ExAllocateFromNPagedLookasideList(&list);
		if (!EXPECT(t, entries[i]))
			return;
	}
	for (i = 2; i < count; i++)
		ExFreeToNPagedLookasideList(&list, entries[i]);
	EXPECT(t, count == 2 || list.L.FreeMisses);
	x.adapter = get_adapter(64, 2 * x.length, &(ULONG){ 0 });
	x.va = entries[0];
	x.mdl = IoAllocateMdl(x.va, x.length, FALSE, FALSE, NULL);
	if (!EXPECT(t, x.adapter && x.mdl))
		return;
	MmBuildMdlForNonPagedPool(x.mdl);
	if (EXPECT_EQ(t, get_part(&x, 0, x.length), 0)) {
		for (i = 0; i < 2; i++) {
			ExFreeToNPagedLookasideList(&list, entries[0]);
			dma_violation(t, 0x0e, entries[0], x.list);
		}
		put_list(&x);
	}
	IoFreeMdl(x.mdl);
	put_adapter(x.adapter);
	ExFreeToNPagedLookasideList(&list, entries[0]);
	EXPECT_VIOLATIONS(t, 0);
	/* The other one is still the client's. */
	ExDeleteNPagedLookasideList(&list);
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x62);
	if (v)
		EXPECT_EQ(t, v->p[2], 1);
	ExFreePoolWithTag(entries[1], TAG_LIST);
}

static const struct rpt_arg entry_sizes[] = {
	{ "200", 200 },
	{ "8192", 8192 },
	{ }
};

static void frame_of_no_memory(struct rpt *t)
{
	struct transfer x;
	PFN_NUMBER frame;

	if (!make(t, &x, 32, 3 * PAGE_SIZE))
		return;
	frame = MmGetMdlPfnArray(x.mdl)[1];
	MmGetMdlPfnArray(x.mdl)[1] = ~0UL;
	EXPECT_EQ(t, (u32)get_part(&x, 0, x.length), MISUSE);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x89);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	MmGetMdlPfnArray(x.mdl)[1] = frame;
	drop(&x);
}

static void get_here(void *arg)
{
	struct transfer *x = arg;

	x->list = NULL;
	if (get_part(x, 0, x->length))
		x->list = NULL;
}

static void put_here(void *arg)
{
	put_list(arg);
}

/* At DISPATCH_LEVEL at most; a put above it is carried out. */
static void lists_in(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	bool above = rpt_irql(context) > 2;
	const struct rpt_violation *v;
	struct transfer x;

	if (!make(t, &x, 32, 50000))
		return;
	rpt_in_context(context, get_here, &x);
	EXPECT_EQ(t, !x.list, above);
	if (above) {
		v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x13);
		if (v) {
			EXPECT_EQ(t, v->p[1], 2);
			EXPECT_EQ(t, v->p[2], 2);
			EXPECT_EQ(t, v->p[3], rpt_irql(context));
		}
		get_here(&x);
	}
	if (EXPECT(t, x.list)) {
		rpt_in_context(context, put_here, &x);
		if (above)
			EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x13);
	}
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	EXPECT_VIOLATIONS(t, 0);
	drop(&x);
}

static void in_own_memory(struct rpt *t)
{
	const DMA_OPERATIONS *ops;
	ULONG size, least, registers = 0;
	const struct rpt_violation *v;
	struct transfer x;
	char *room;

	if (!make(t, &x, 64, 50000))
		return;
	ops = x.adapter->DmaOperations;
	EXPECT_EQ(t, ops->CalculateScatterGatherList(x.adapter, x.mdl, x.va,
						     x.length, &size,
						     &registers), 0);
	EXPECT_EQ(t, registers, ADDRESS_AND_SIZE_TO_SPAN_PAGES(x.va, x.length));
	EXPECT_EQ(t, size, 16 + 24 * registers);
	EXPECT_EQ(t, ops->CalculateScatterGatherList(x.adapter, NULL, x.va,
						     x.length, &least, NULL),
		  0);
	EXPECT_EQ(t, least, size);
	EXPECT_EQ(t, (u32)ops->CalculateScatterGatherList(x.adapter, NULL, x.va,
							  SZ_1M, &least, NULL),
		  INSUFFICIENT);
	EXPECT_EQ(t, (u32)ops->CalculateScatterGatherList(x.adapter, x.mdl, x.va,
							  x.length, NULL,
							  &registers), MISUSE);
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	if (v)
		EXPECT(t, strstr(v->text, "size of a scatter/gather list without a place"));
	room = kmalloc(size + 1, GFP_KERNEL);
	if (EXPECT(t, room)) {
		room[size] = 0x5a;
		x.calls = 0;
		EXPECT_EQ(t, ops->BuildScatterGatherList(x.adapter, &edu->dev,
							 x.mdl, x.va, x.length,
							 take_list, &x, FALSE,
							 room, size), 0);
		EXPECT_EQ(t, x.calls, 1);
		if (EXPECT(t, (char *)x.list == room)) {
			look_at_list(t, &x, 0, x.length, 64);
			put_written(t, &x, 0, x.length);
		}
		EXPECT_EQ(t, room[size], 0x5a);
		/* Not even one element. */
		EXPECT_EQ(t, (u32)ops->BuildScatterGatherList(x.adapter,
				&edu->dev, x.mdl, x.va, x.length, take_list, &x,
				FALSE, room, 39), TOO_SMALL);
		EXPECT_EQ(t, x.calls, 1);
		kfree(room);
	}
	EXPECT_EQ(t, (u32)ops->BuildScatterGatherList(x.adapter, &edu->dev,
			x.mdl, x.va, x.length, take_list, &x, FALSE, NULL,
			4096), TOO_SMALL);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	EXPECT_VIOLATIONS(t, 0);
	drop(&x);
}

/* How often a page is mapped for edu near a bus address. */
static unsigned int mapped_near(u64 near, const void *va)
{
	unsigned int found = 0;
	u64 at;

	for (at = near - SZ_32M; at < near + SZ_32M; at += PAGE_SIZE)
		found += PHYS_PFN(behind(at)) == PHYS_PFN(rpt_phys(va));
	return found;
}

static void build_in_vain(void *arg)
{
	const struct transfer *x = arg;
	char room[sizeof(SCATTER_GATHER_LIST) + sizeof(SCATTER_GATHER_ELEMENT) - 1];

	x->adapter->DmaOperations->BuildScatterGatherList(x->adapter, &edu->dev,
			x->mdl, x->va, x->length, take_list, arg, FALSE, room,
			sizeof(room));
}

static const struct rpt_arg undoing[] = {
	{ "task", RPT_TASK },
	{ "spinlock", RPT_SPINLOCK },
	{ }
};

/* What is mapped before it turns out that there is no room for the list. */
static void undone(struct rpt *t)
{
	struct transfer x;
	unsigned int tries;
	u64 used;
	u64 near;

	/* So many pages get an address near the last, and not any that was used before. */
	if (!make(t, &x, 32, 200000))
		return;
	used = bounces_used(t);
	if (!get_list(t, &x))
		goto out;
	if (is_bounced(x.va, x.length, 32)) {
		put_list(&x);
		x.calls = 0;
		rpt_in_context(rpt_value(t), build_in_vain, &x);
		EXPECT_EQ(t, x.calls, 0);
		bounces_back_at(t, used);
		EXPECT(t, rpt_has_line(t, "adapters",
				       "in_use 0 lists 0 buffers 0 open"));
		EXPECT_VIOLATIONS(t, 0);
		goto out;
	}
	near = x.list->Elements[0].Address.QuadPart & PAGE_MASK;
	EXPECT(t, near == (rpt_phys(x.va) & PAGE_MASK) || mapped_near(near, x.va));
	put_list(&x);
	if (near == (rpt_phys(x.va) & PAGE_MASK)) {
		rpt_skip(t, "nothing is translated for the device");
		goto out;
	}
	x.calls = 0;
	rpt_in_context(rpt_value(t), build_in_vain, &x);
	EXPECT_EQ(t, x.calls, 0);
	/* It may be done later, where nobody may sleep. */
	for (tries = 0; mapped_near(near, x.va) && tries < 20; tries++)
		rpt_settle(t);
	EXPECT_EQ(t, mapped_near(near, x.va), 0);
	EXPECT_EQ(t, mapped_near(near, x.va + x.length - 1), 0);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	EXPECT_VIOLATIONS(t, 0);
out:
	drop(&x);
}

#define NOT_SUPPORTED	0xc00000bb

static NTSTATUS get_ex(struct transfer *x, ULONGLONG offset, ULONG length,
		       ULONG flags, PDRIVER_LIST_CONTROL routine,
		       PSCATTER_GATHER_LIST *list)
{
	x->calls = 0;
	return x->adapter->DmaOperations->GetScatterGatherListEx(
		x->adapter, &edu->dev, NULL, x->mdl, offset, length, flags,
		routine, x, x->write, NULL, NULL, list);
}

static void list_by_offset(struct rpt *t)
{
	struct transfer x, rest;
	PSCATTER_GATHER_LIST list;

	if (!make(t, &x, 64, 20000))
		return;
	if (!make(t, &rest, 64, 10000)) {
		drop(&x);
		return;
	}
	if (EXPECT_EQ(t, get_ex(&x, 5000, 15000, 0, take_list, NULL), 0)) {
		EXPECT_EQ(t, x.calls, 1);
		look_at_list(t, &x, 5000, 15000, 64);
		put_written(t, &x, 5000, 15000);
	}
	list = NULL;
	if (EXPECT_EQ(t, get_ex(&x, 0, 20000, DMA_SYNCHRONOUS_CALLBACK, NULL,
				&list), 0) && EXPECT(t, list)) {
		x.list = list;
		look_at_list(t, &x, 0, 20000, 64);
		put_written(t, &x, 0, 20000);
	}
	/* Without the flag the routine may not be left out. */
	EXPECT_EQ(t, (u32)get_ex(&x, 0, 20000, 0, NULL, &list), MISUSE);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	EXPECT_EQ(t, (u32)get_ex(&x, 0, 20000, DMA_SYNCHRONOUS_CALLBACK, NULL,
				 NULL), MISUSE);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	/* All of it is in the second. */
	x.mdl->Next = rest.mdl;
	if (EXPECT_EQ(t, get_ex(&x, 21000, 9000, 0, take_list, NULL), 0)) {
		rest.list = x.list;
		look_at_list(t, &rest, 1000, 9000, 64);
		put_list(&x);
	}
	EXPECT_EQ(t, (u32)get_ex(&x, 30000, 1, 0, take_list, NULL), TOO_SMALL);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x1b);
	EXPECT_EQ(t, (u32)get_ex(&x, 29999, 2, 0, take_list, NULL), TOO_SMALL);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x24);
	x.mdl->Next = NULL;
	drop(&rest);
	drop(&x);
}

static void infos(struct rpt *t)
{
	DMA_TRANSFER_INFO transfer = { .Version = 2 };
	DMA_ADAPTER_INFO info = { .Version = 1 };
	u64 context[DMA_TRANSFER_CONTEXT_SIZE_V1 / 8 + 1];
	const DMA_OPERATIONS *ops;
	struct transfer x;
	ULONG pages;

	if (!make(t, &x, 28, 50000))
		return;
	ops = x.adapter->DmaOperations;
	EXPECT_EQ(t, ops->GetDmaAdapterInfo(x.adapter, &info), 0);
	EXPECT_EQ(t, info.V1.ScatterGatherLimit, 14);
	EXPECT_EQ(t, info.V1.DmaAddressWidth, 28);
	EXPECT_EQ(t, info.V1.Flags, ADAPTER_INFO_SYNCHRONOUS_CALLBACK);
	info.Version = 2;
	EXPECT_EQ(t, (u32)ops->GetDmaAdapterInfo(x.adapter, &info),
		  NOT_SUPPORTED);
	EXPECT_EQ(t, ops->GetDmaTransferInfo(x.adapter, x.mdl, 1000, 40000,
					     FALSE, &transfer), 0);
	pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(x.va + 1000, 40000);
	EXPECT_EQ(t, transfer.V2.MapRegisterCount, pages);
	EXPECT_EQ(t, transfer.V2.ScatterGatherElementCount, pages);
	EXPECT_EQ(t, transfer.V2.ScatterGatherListSize, 16 + 24 * pages);
	EXPECT_EQ(t, transfer.V2.LogicalPageCount, pages);
	transfer.Version = 3;
	EXPECT_EQ(t, (u32)ops->GetDmaTransferInfo(x.adapter, x.mdl, 0, 1, FALSE,
						  &transfer), NOT_SUPPORTED);
	memset(context, 0xff, sizeof(context));
	EXPECT_EQ(t, ops->InitializeDmaTransferContext(x.adapter, context), 0);
	EXPECT(t, context[ARRAY_SIZE(context) - 1] == U64_MAX);
	EXPECT(t, !ops->CancelAdapterChannel(x.adapter, &edu->dev, context));
	EXPECT_VIOLATIONS(t, 0);
	EXPECT_EQ(t, (u32)ops->GetDmaAdapterInfo(NULL, &info), NOT_SUPPORTED);
	info.Version = 1;
	EXPECT_EQ(t, (u32)ops->GetDmaAdapterInfo(NULL, &info), MISUSE);
	dma_violation(t, 0x19, NULL, NULL);
	EXPECT_EQ(t, (u32)ops->GetDmaAdapterInfo(x.adapter, NULL), MISUSE);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	EXPECT_EQ(t, (u32)ops->GetDmaTransferInfo(x.adapter, x.mdl, 0, 1, FALSE,
						  NULL), MISUSE);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	drop(&x);
}

static void buffer_within(struct rpt *t)
{
	PHYSICAL_ADDRESS low = { .QuadPart = 1 }, high = { .QuadPart = -1 };
	PHYSICAL_ADDRESS logical;
	DMA_ADAPTER *adapter = get_adapter(32, SZ_64K, &(ULONG){ 0 });
	const DMA_OPERATIONS *ops;
	void *buffer;

	if (!EXPECT(t, adapter))
		return;
	ops = adapter->DmaOperations;
	buffer = ops->AllocateCommonBufferEx(adapter, NULL, 5000, &logical,
					     TRUE, MM_ANY_NODE_OK);
	if (EXPECT(t, buffer))
		put_buffer(adapter, 5000, logical, buffer);
	buffer = ops->AllocateCommonBufferWithBounds(adapter, &low, &high, 5000,
						     0, NULL, MM_ANY_NODE_OK,
						     &logical);
	if (EXPECT(t, buffer))
		put_buffer(adapter, 5000, logical, buffer);
	/* The first page is nobody's. */
	high.QuadPart = 4999;
	EXPECT(t, !ops->AllocateCommonBufferEx(adapter, &high, 5000, &logical,
					       TRUE, MM_ANY_NODE_OK));
	low.QuadPart = DMA_BIT_MASK(32);
	EXPECT(t, !ops->AllocateCommonBufferWithBounds(adapter, &low, NULL,
						       5000, 0, NULL,
						       MM_ANY_NODE_OK,
						       &logical));
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	EXPECT_VIOLATIONS(t, 0);
	put_adapter(adapter);
}

static const struct rpt_case cases[] = {
	{ "list_of", list_of, lengths },
	{ "list_of_a_part", list_of_a_part },
	{ "list_of_a_chain", list_of_a_chain },
	{ "list_in_own_memory", in_own_memory },
	{ "list_undone", undone, undoing },
	{ "device_transfers_by_a_list", device_transfers, edu_widths },
	{ "one_register_a_page_of_a_list", one_register_a_page },
	{ "list_put_twice", put_twice },
	{ "list_put_with_other_direction", other_direction },
	{ "adapter_put_with_lists_out", put_with_lists_out },
	{ "list_of_bad_transfer", bad_transfers },
	{ "pages_unlocked_in_a_list", unlocked_in_a_list },
	{ "freed_in_a_list", freed_in_a_list, holdings },
	{ "neighbours_of_a_list", neighbours_of_a_list },
	{ "lookaside_entry_in_a_list", lookaside_entry_in_a_list, entry_sizes },
	{ "list_with_frame_of_no_memory", frame_of_no_memory },
	{ "list_by_offset", list_by_offset },
	{ "adapter_and_transfer_info", infos },
	{ "common_buffer_within_bounds", buffer_within },
	{ "lists_in", lists_in, rpt_contexts },
};

const struct rpt_suite dma_lists_suite = RPT_SUITE("dma_lists", cases);
