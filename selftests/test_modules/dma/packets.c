// SPDX-License-Identifier: GPL-2.0
/*
 * Packet DMA: map registers, and what is mapped by them piece by piece.
 */
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/preempt.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "dma.h"

#define TAG_PACKET	('tkcP')
#define INSUFFICIENT	0xc000009a
#define MISUSE		0xc000000d
#define TOO_SMALL	0xc0000023

struct packet {
	DMA_ADAPTER *adapter;
	const DMA_OPERATIONS *ops;
	char *va;
	PMDL mdl;
	ULONG length, registers;
	BOOLEAN write;
	IO_ALLOCATION_ACTION action;
	/* What the routine was called with. */
	PVOID base;
	unsigned int calls;
	bool dispatch;
};

static IO_ALLOCATION_ACTION take_registers(PDEVICE_OBJECT device, PIRP irp,
					   PVOID base, PVOID context)
{
	struct packet *p = context;

	p->base = base;
	p->calls++;
	p->dispatch = device == &edu->dev && !irp && softirq_count();
	return p->action;
}

static u32 get_registers(struct packet *p, ULONG registers)
{
	p->calls = 0;
	return p->ops->AllocateAdapterChannel(p->adapter, &edu->dev, registers,
					      take_registers, p);
}

static void free_registers(struct packet *p)
{
	p->ops->FreeMapRegisters(p->adapter, p->base, p->registers);
}

static u64 map(struct packet *p, size_t from, ULONG *length)
{
	return p->ops->MapTransfer(p->adapter, p->mdl, p->base, p->va + from,
				   length, p->write).QuadPart;
}

static BOOLEAN flush(struct packet *p, size_t from, ULONG length)
{
	return p->ops->FlushAdapterBuffers(p->adapter, p->mdl, p->base,
					   p->va + from, length, p->write);
}

static void drop(struct packet *p)
{
	if (p->mdl)
		IoFreeMdl(p->mdl);
	if (p->va)
		ExFreePoolWithTag(p->va, TAG_PACKET);
	if (p->adapter)
		put_adapter(p->adapter);
}

static bool make(struct rpt *t, struct packet *p, ULONG width, ULONG length)
{
	*p = (struct packet){
		.length = length,
		.write = TRUE,
		.action = DeallocateObjectKeepRegisters,
	};
	p->adapter = get_adapter(width, length, &p->registers);
	p->va = ExAllocatePoolWithTag(NonPagedPoolNx, length, TAG_PACKET);
	p->mdl = IoAllocateMdl(p->va, length, FALSE, FALSE, NULL);
	if (EXPECT(t, p->adapter && p->va && p->mdl)) {
		p->ops = p->adapter->DmaOperations;
		MmBuildMdlForNonPagedPool(p->mdl);
		rpt_fill(p->va, length, 5);
		return true;
	}
	drop(p);
	return false;
}

/* With map registers for all of it. */
static bool make_ready(struct rpt *t, struct packet *p, ULONG width, ULONG length)
{
	if (!make(t, p, width, length))
		return false;
	if (EXPECT_EQ(t, get_registers(p, p->registers), 0) &&
	    EXPECT_EQ(t, p->calls, 1) && EXPECT(t, p->base))
		return true;
	drop(p);
	return false;
}

static bool idle(struct rpt *t)
{
	return rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open");
}

static const struct rpt_arg lengths[] = {
	{ "1", 1 },
	{ "4096", SZ_4K },
	{ "5000", 5000 },
	{ "64K", SZ_64K },
	{ "6M", 6 * SZ_1M },
	{ }
};

static void packet_of(struct rpt *t)
{
	struct packet p;
	char line[64];
	ULONG done, here, at, bytes;
	u64 used = bounces_used(t);
	u64 bus;

	if (!make_ready(t, &p, 64, rpt_value(t)))
		return;
	EXPECT(t, p.dispatch);
	snprintf(line, sizeof(line), "in_use %u lists 0 buffers 0 open",
		 p.registers);
	EXPECT(t, rpt_has_line(t, "adapters", line));
	for (done = 0; done < p.length; done += here) {
		here = p.length - done;
		bus = map(&p, done, &here);
		if (!EXPECT(t, here && here <= p.length - done))
			break;
		for (at = 0; at < here; at += bytes) {
			bytes = min_t(ULONG, here - at, PAGE_SIZE -
				      offset_in_page(p.va + done + at));
			if (!EXPECT(t, leads_to(bus + at, p.va + done + at,
						bytes, 64)))
				break;
		}
		EXPECT(t, leads_to(bus + here - 1, p.va + done + here - 1, 1, 64));
	}
	EXPECT(t, flush(&p, 0, p.length));
	bounces_back_at(t, used);
	free_registers(&p);
	EXPECT(t, idle(t));
	EXPECT(t, rpt_filled(p.va, p.length, 5));
	EXPECT_VIOLATIONS(t, 0);
	drop(&p);
}

/* Edu reaches 28 bits, and the buffer lies above them. */
static void device_transfers(struct rpt *t)
{
	const ULONG width = rpt_value(t);
	ULONG length = SZ_4K, done, here;
	struct packet p;
	void __iomem *bar;
	char *own, *va;
	u64 bus;

	if (!make_ready(t, &p, width, length))
		return;
	own = p.va;
	IoFreeMdl(p.mdl);
	va = memory_for(width, 2 * length);
	p.va = va + 1000;
	p.mdl = IoAllocateMdl(p.va, length, FALSE, FALSE, NULL);
	if (!EXPECT(t, va && p.mdl))
		goto out;
	MmBuildMdlForNonPagedPool(p.mdl);
	if (all_bounced() && !reaches_bounces(width)) {
		here = length;
		EXPECT(t, !map(&p, 0, &here));
		EXPECT_EQ(t, here, 0);
		goto out;
	}
	if (!EXPECT(t, !pci_enable_device_mem(edu)))
		goto out;
	pci_set_master(edu);
	bar = pci_iomap(edu, 0, 0);
	if (!EXPECT(t, bar))
		goto disable;
	rpt_fill(p.va, length, 6);
	for (p.write = TRUE; ; p.write = FALSE) {
		for (done = 0; done < length; done += here) {
			here = length - done;
			bus = map(&p, done, &here);
			if (!EXPECT(t, here))
				break;
			EXPECT(t, bus + here - 1 <= DMA_BIT_MASK(width));
			EXPECT_EQ(t, is_bounce(bus),
				  is_bounced(p.va + done, here, width));
			EXPECT(t, device_copies(bar, p.va, width, bus, done, here,
						!p.write));
		}
		EXPECT(t, flush(&p, 0, length));
		if (!p.write)
			break;
		memset(p.va, 0, length);
	}
	EXPECT(t, rpt_filled(p.va, length, 6));
	pci_iounmap(edu, bar);
disable:
	pci_clear_master(edu);
	pci_disable_device(edu);
out:
	free_registers(&p);
	p.va = own;
	drop(&p);
	if (va)
		MmFreeContiguousMemory(va);
}

/*
 * If all is copied, only what is in one page is sure to be in one piece. What begins within
 * a page and ends in another one never is: a copy begins at the beginning of its place.
 */
static void one_page_at_a_time(struct rpt *t, struct packet *p, char *own)
{
	u64 used = bounces_used(t);
	ULONG here, from;

	here = p->length - 100;
	EXPECT(t, !map(p, 100, &here));
	EXPECT_EQ(t, here, 0);
	here = SZ_4K - 99;
	EXPECT(t, !map(p, 100, &here));
	EXPECT_EQ(t, here, 0);
	bounces_back_at(t, used);
	for (from = 100; from < p->length; from = PAGE_ALIGN(from + 1)) {
		ULONG bytes = min(p->length, PAGE_ALIGN(from + 1)) - from;
		u64 bus;

		here = bytes;
		p->write = TRUE;
		bus = map(p, from, &here);
		if (!EXPECT_EQ(t, here, bytes))
			return;
		EXPECT(t, leads_to(bus, p->va + from, bytes, 32));
		EXPECT(t, flush(p, from, bytes));
		p->write = FALSE;
		bus = map(p, from, &here);
		if (!EXPECT_EQ(t, here, bytes))
			return;
		rpt_fill(own, bytes, 7);
		as_device(bus, own, bytes, false);
		EXPECT(t, flush(p, from, bytes));
		EXPECT(t, rpt_filled(p->va + from, bytes, 7));
	}
	bounces_back_at(t, used);
}

/* A device that takes no list has all of it in one piece. */
static void one_piece(struct rpt *t)
{
	DEVICE_DESCRIPTION description = describe(32, 20000);
	ULONG length = 20000, here;
	ULONG_PTR room[(sizeof(SCATTER_GATHER_LIST) +
			sizeof(SCATTER_GATHER_ELEMENT)) / sizeof(ULONG_PTR)];
	PSCATTER_GATHER_LIST list = (void *)room;
	PFN_NUMBER *frames;
	struct packet p;
	char *own;
	u64 bus;

	if (!make(t, &p, 32, length))
		return;
	put_adapter(p.adapter);
	description.ScatterGather = FALSE;
	p.adapter = IoGetDmaAdapter(&edu->dev, &description, &p.registers);
	own = ExAllocatePoolWithTag(NonPagedPoolNx, length, TAG_PACKET);
	if (!EXPECT(t, p.adapter && own) ||
	    !EXPECT_EQ(t, get_registers(&p, p.registers), 0)) {
		drop(&p);
		return;
	}
	if (all_bounced()) {
		one_page_at_a_time(t, &p, own);
		free_registers(&p);
		goto idle;
	}
	frames = MmGetMdlPfnArray(p.mdl);
	swap(frames[1], frames[3]);
	here = length - 100;
	bus = map(&p, 100, &here);
	if (EXPECT_EQ(t, here, length - 100)) {
		as_device(bus, own, here, true);
		EXPECT(t, !memcmp(own, p.va + 100, SZ_4K - 100));
		EXPECT(t, !memcmp(own + SZ_4K - 100, p.va + 3 * SZ_4K, SZ_4K));
		EXPECT(t, !memcmp(own + 2 * SZ_4K - 100, p.va + 2 * SZ_4K, SZ_4K));
		EXPECT(t, flush(&p, 100, here));
	}
	p.write = FALSE;
	bus = map(&p, 100, &here);
	if (EXPECT_EQ(t, here, length - 100)) {
		rpt_fill(own, here, 7);
		as_device(bus, own, here, false);
		EXPECT(t, flush(&p, 100, here));
		EXPECT(t, !memcmp(own + SZ_4K - 100, p.va + 3 * SZ_4K, SZ_4K));
		EXPECT(t, !memcmp(own + 3 * SZ_4K - 100, p.va + SZ_4K, SZ_4K));
	}
	/* Its lists have one element. */
	p.write = TRUE;
	here = length;
	EXPECT_EQ(t, p.ops->MapTransferEx(p.adapter, p.mdl, p.base, 0, 0, &here,
					  TRUE, list, sizeof(room), NULL, NULL), 0);
	EXPECT_EQ(t, here, length);
	EXPECT_EQ(t, list->NumberOfElements, 1);
	EXPECT_EQ(t, list->Elements[0].Length, length);
	EXPECT(t, flush(&p, 0, length));
	swap(frames[1], frames[3]);
	free_registers(&p);
idle:
	EXPECT(t, idle(t));
	EXPECT_VIOLATIONS(t, 0);
	ExFreePool(own);
	drop(&p);
}

static void counted(struct rpt *t)
{
	const struct rpt_violation *v;
	PHYSICAL_ADDRESS logical;
	struct packet p, q;
	ULONG here, done;
	void *buffer;

	if (!make(t, &p, 32, SZ_64K))
		return;
	put_adapter(p.adapter);
	/* 4 pages and one more. */
	p.adapter = get_adapter(32, 4 * PAGE_SIZE, &p.registers);
	if (!EXPECT(t, p.adapter))
		return;
	EXPECT_EQ(t, get_registers(&p, 6), INSUFFICIENT);
	EXPECT_EQ(t, p.calls, 0);
	EXPECT(t, idle(t));
	q = p;
	p.registers = 5;
	q.registers = 3;
	buffer = get_buffer(p.adapter, 5000, &logical);
	if (EXPECT_EQ(t, get_registers(&p, 5), 0) &&
	    EXPECT_EQ(t, get_registers(&q, 3), 0)) {
		EXPECT(t, rpt_has_line(t, "adapters",
				       "registers 5 in_use 10 lists 0 buffers 1 open"));
		/* Copies need not be adjacent. */
		for (done = 0; done < 3 * PAGE_SIZE; done += here) {
			here = 3 * PAGE_SIZE - done;
			if (!EXPECT(t, map(&q, done, &here)))
				break;
			EXPECT(t, here == 3 * PAGE_SIZE ||
				  is_bounced(p.va, 3 * PAGE_SIZE, 32));
		}
		here = 1;
		EXPECT(t, !map(&q, 8 * PAGE_SIZE, &here));
		EXPECT_EQ(t, here, 0);
		v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x00);
		if (v) {
			EXPECT_EQ(t, v->p[1], 2);
			EXPECT_EQ(t, v->p[2], 1);
			EXPECT_EQ(t, v->p[3], 0);
		}
		/* The other has some. */
		here = 1;
		EXPECT(t, map(&p, 8 * PAGE_SIZE, &here));
		EXPECT(t, flush(&p, 8 * PAGE_SIZE, 1));
		EXPECT(t, flush(&q, 0, 3 * PAGE_SIZE));
		here = 1;
		EXPECT(t, map(&q, 8 * PAGE_SIZE, &here));
		EXPECT(t, flush(&q, 8 * PAGE_SIZE, 1));
		free_registers(&p);
		free_registers(&q);
	}
	if (EXPECT(t, buffer))
		put_buffer(p.adapter, 5000, logical, buffer);
	EXPECT(t, idle(t));
	EXPECT_VIOLATIONS(t, 0);
	drop(&p);
}

static void channel(struct rpt *t)
{
	struct packet p;

	if (!make(t, &p, 32, 5000))
		return;
	p.action = KeepObject;
	EXPECT_EQ(t, get_registers(&p, 2), 0);
	/* The second waits. */
	EXPECT_EQ(t, get_registers(&p, 2), 0);
	EXPECT_EQ(t, p.calls, 0);
	p.ops->FreeAdapterChannel(p.adapter);
	EXPECT_EQ(t, p.calls, 1);
	p.ops->FreeAdapterChannel(p.adapter);
	EXPECT(t, idle(t));
	p.ops->FreeAdapterChannel(p.adapter);
	dma_violation(t, 0x04, NULL, p.adapter);
	/* It goes with its registers. */
	EXPECT_EQ(t, get_registers(&p, 2), 0);
	p.registers = 2;
	free_registers(&p);
	p.ops->FreeAdapterChannel(p.adapter);
	dma_violation(t, 0x04, NULL, p.adapter);
	p.action = DeallocateObject;
	EXPECT_EQ(t, get_registers(&p, 2), 0);
	EXPECT_EQ(t, p.calls, 1);
	EXPECT(t, idle(t));
	p.action = 4;
	EXPECT_EQ(t, get_registers(&p, 2), 0);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	free_registers(&p);
	EXPECT_EQ(t, (u32)p.ops->AllocateAdapterChannel(p.adapter, &edu->dev, 2,
							NULL, &p), MISUSE);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	EXPECT(t, idle(t));
	EXPECT_VIOLATIONS(t, 0);
	drop(&p);
}

struct asking {
	const struct packet *p;
	PVOID base;
	u32 status;
};

static void ask(void *arg)
{
	struct asking *a = arg;
	const struct packet *p = a->p;

	a->base = a;
	a->status = p->ops->AllocateAdapterChannelEx(p->adapter, &edu->dev, NULL,
			1, DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, &a->base);
}

/* One of two who ask at the same time has the channel, and the other nothing. */
static void channel_of_two(struct rpt *t)
{
	enum { ROUNDS = 100 };
	struct asking asking[2];
	struct packet p;
	unsigned int round, second;

	if (!make(t, &p, 32, 5000))
		return;
	asking[0].p = &p;
	asking[1].p = &p;
	for (round = 0; round < ROUNDS && !rpt_failed(t); round++) {
		if (!rpt_at_once(ask, &asking[0], &asking[1])) {
			rpt_skip(t, "needs two CPUs");
			break;
		}
		second = !asking[0].status;
		EXPECT_EQ(t, asking[!second].status, 0);
		EXPECT_EQ(t, asking[second].status, INSUFFICIENT);
		EXPECT(t, asking[!second].base);
		EXPECT(t, !asking[second].base);
		EXPECT(t, rpt_has_line(t, "adapters",
				       "in_use 1 lists 0 buffers 0 open"));
		p.ops->FreeAdapterChannel(p.adapter);
		EXPECT(t, idle(t));
	}
	EXPECT_VIOLATIONS(t, 0);
	drop(&p);
}

/* What a routine does that is called with map registers. */
enum inside { ASKS_AGAIN, TRANSFERS, FREES, PUTS };

static const struct rpt_arg insides[] = {
	{ "asks_for_another_channel", ASKS_AGAIN },
	{ "transfers", TRANSFERS },
	{ "frees_what_it_keeps", FREES },
	{ "puts_the_adapter", PUTS },
	{ }
};

struct inside_call {
	struct packet p, other;
	enum inside does;
	bool done;
};

static IO_ALLOCATION_ACTION inside(PDEVICE_OBJECT device, PIRP irp, PVOID base,
				   PVOID context)
{
	struct inside_call *c = context;
	struct packet *p = &c->p;
	ULONG here = p->length;

	p->base = base;
	switch (c->does) {
	case ASKS_AGAIN:
		c->done = !get_registers(&c->other, 1);
		return KeepObject;
	case TRANSFERS:
		c->done = map(p, 0, &here) && flush(p, 0, here);
		return DeallocateObject;
	case FREES:
		free_registers(p);
		return KeepObject;
	default:
		put_adapter(p->adapter);
		return DeallocateObject;
	}
}

static void routine_calls(struct rpt *t)
{
	struct inside_call c = { .does = rpt_value(t) };
	struct packet *p = &c.p;

	if (!make(t, p, 32, 3000))
		return;
	c.other = *p;
	c.other.action = KeepObject;
	/* The buffer may lie in two pages. */
	p->registers = 2;
	EXPECT_EQ(t, p->ops->AllocateAdapterChannel(p->adapter, &edu->dev, 2,
						    inside, &c), 0);
	switch (c.does) {
	case ASKS_AGAIN:
		/* The other waits until this one is freed. */
		EXPECT(t, c.done);
		EXPECT_EQ(t, c.other.calls, 0);
		p->ops->FreeAdapterChannel(p->adapter);
		EXPECT_EQ(t, c.other.calls, 1);
		p->ops->FreeAdapterChannel(p->adapter);
		break;
	case TRANSFERS:
		EXPECT(t, c.done);
		break;
	case FREES:
		/* Nothing was left to be kept. */
		EXPECT_EQ(t, get_registers(&c.other, 1), 0);
		p->ops->FreeAdapterChannel(p->adapter);
		break;
	default:
		dma_violation(t, 0x09, p->adapter, NULL);
		EXPECT(t, !rpt_has_line(t, "adapters", " put"));
		p->adapter = NULL;
	}
	EXPECT(t, !p->adapter || idle(t));
	EXPECT_VIOLATIONS(t, 0);
	drop(p);
}

static void bad_packets(struct rpt *t)
{
	const struct rpt_violation *v;
	struct packet p, other;
	ULONG here;

	if (!make_ready(t, &p, 32, 20000))
		return;
	if (!make(t, &other, 32, 5000)) {
		drop(&p);
		return;
	}
	EXPECT(t, !map(&p, 0, NULL));
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	if (v)
		EXPECT(t, strstr(v->text, "transfer without a place for its length"));
	here = 0;
	EXPECT(t, !map(&p, 0, &here));
	dma_violation(t, 0x21, p.adapter, p.mdl);
	here = 1;
	EXPECT(t, !map(&p, 20000, &here));
	dma_violation(t, 0x1b, p.va + 20000, p.mdl);
	here = 20001;
	EXPECT(t, !map(&p, 0, &here));
	dma_violation(t, 0x24, NULL, p.mdl);
	EXPECT(t, !flush(&p, 0, 20000));
	dma_violation(t, 0x20, p.base, NULL);
	here = 5000;
	EXPECT(t, map(&p, 0, &here));
	here = 5000;
	EXPECT(t, !map(&p, 4000, &here));
	dma_violation(t, 0x1d, p.mdl, NULL);
	/* Nothing of it begins there. */
	EXPECT(t, !flush(&p, 1, 19999));
	dma_violation(t, 0x20, p.base, NULL);
	ExFreePoolWithTag(p.va, TAG_PACKET);
	dma_violation(t, 0x0e, p.va, p.base);
	p.write = FALSE;
	EXPECT(t, flush(&p, 0, 1));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	here = SZ_4K;
	EXPECT(t, map(&p, 0, &here));
	other.base = p.base;
	other.registers = p.registers;
	free_registers(&other);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	EXPECT(t, !map(&other, 0, &here));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	p.ops->FreeMapRegisters(p.adapter, p.base, p.registers - 1);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	free_registers(&p);
	dma_violation(t, 0x10, NULL, p.base);
	EXPECT_EQ(t, rpt_last(t)->p[1], 1);
	free_registers(&p);
	dma_violation(t, 0x05, NULL, p.base);
	p.base = NULL;
	free_registers(&p);
	dma_violation(t, 0x05, NULL, NULL);
	EXPECT(t, idle(t));
	EXPECT_VIOLATIONS(t, 0);
	drop(&other);
	drop(&p);
}

static void put_with_packets(struct rpt *t)
{
	struct packet p;

	if (!make_ready(t, &p, 32, 5000))
		return;
	put_adapter(p.adapter);
	dma_violation(t, 0x09, p.adapter, NULL);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 3 lists 0 buffers 0 put"));
	EXPECT_EQ(t, get_registers(&p, 1), MISUSE);
	dma_violation(t, 0x18, p.adapter, NULL);
	free_registers(&p);
	EXPECT(t, !rpt_has_line(t, "adapters", " put"));
	p.adapter = NULL;
	drop(&p);
	if (!make(t, &p, 32, 5000))
		return;
	p.action = KeepObject;
	EXPECT_EQ(t, get_registers(&p, 1), 0);
	put_adapter(p.adapter);
	dma_violation(t, 0x08, p.adapter, NULL);
	p.ops->FreeAdapterChannel(p.adapter);
	EXPECT(t, !rpt_has_line(t, "adapters", " put"));
	EXPECT_VIOLATIONS(t, 0);
	p.adapter = NULL;
	drop(&p);
}

struct step {
	struct packet *p;
	ULONG here;
	u64 bus;
	bool done;
};

static void do_get(void *arg)
{
	struct step *s = arg;

	s->done = !get_registers(s->p, s->p->registers);
}

static void do_map(void *arg)
{
	struct step *s = arg;

	s->here = s->p->length;
	s->bus = map(s->p, 0, &s->here);
}

static void do_flush(void *arg)
{
	struct step *s = arg;

	s->done = flush(s->p, 0, s->p->length);
}

static void do_free(void *arg)
{
	free_registers(((struct step *)arg)->p);
}

static void do_free_channel(void *arg)
{
	const struct packet *p = ((struct step *)arg)->p;

	p->ops->FreeAdapterChannel(p->adapter);
}

/* At DISPATCH_LEVEL at most; what gives back is carried out above it. */
static void packets_in(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	bool above = rpt_irql(context) > 2;
	struct packet p;
	struct step s = { &p };

	if (!make(t, &p, 32, SZ_4K))
		return;
	rpt_in_context(context, do_get, &s);
	EXPECT_EQ(t, s.done, !above);
	if (above) {
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x13);
		do_get(&s);
	}
	rpt_in_context(context, do_map, &s);
	EXPECT_EQ(t, !s.bus, above);
	if (above) {
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x13);
		do_map(&s);
	}
	EXPECT(t, s.bus);
	rpt_in_context(context, do_flush, &s);
	EXPECT(t, s.done);
	if (above)
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x13);
	rpt_in_context(context, do_free, &s);
	if (above)
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x13);
	EXPECT(t, idle(t));
	p.action = KeepObject;
	do_get(&s);
	rpt_in_context(context, do_free_channel, &s);
	if (above)
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x13);
	EXPECT(t, idle(t));
	EXPECT_VIOLATIONS(t, 0);
	drop(&p);
}

static void by_ex(struct rpt *t)
{
	ULONG size, registers, here, i, done = 0;
	PSCATTER_GATHER_LIST list;
	struct packet p;

	if (!make(t, &p, 64, 20000))
		return;
	EXPECT_EQ(t, (u32)p.ops->AllocateAdapterChannelEx(p.adapter, &edu->dev,
			NULL, p.registers, 0, NULL, NULL, &p.base), MISUSE);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	EXPECT_EQ(t, p.ops->AllocateAdapterChannelEx(p.adapter, &edu->dev, NULL,
			p.registers, DMA_SYNCHRONOUS_CALLBACK, NULL, NULL,
			&p.base), 0);
	EXPECT_EQ(t, p.ops->CalculateScatterGatherList(p.adapter, p.mdl, p.va,
			p.length, &size, &registers), 0);
	list = ExAllocatePoolWithTag(NonPagedPoolNx, size, TAG_PACKET);
	if (!EXPECT(t, list))
		return;
	here = 15000;
	EXPECT_EQ(t, (u32)p.ops->MapTransferEx(p.adapter, p.mdl, p.base, 5000, 0,
			&here, TRUE, list, 39, NULL, NULL), TOO_SMALL);
	here = 15000;
	EXPECT_EQ(t, p.ops->MapTransferEx(p.adapter, p.mdl, p.base, 5000, 0,
			&here, TRUE, list, size, NULL, NULL), 0);
	EXPECT_EQ(t, here, 15000);
	for (i = 0; i < list->NumberOfElements; i++) {
		here = min_t(ULONG, list->Elements[i].Length, PAGE_SIZE -
			     offset_in_page(p.va + 5000 + done));
		EXPECT(t, leads_to(list->Elements[i].Address.QuadPart,
				   p.va + 5000 + done, here, 64));
		done += list->Elements[i].Length;
	}
	EXPECT_EQ(t, done, 15000);
	EXPECT_EQ(t, p.ops->FlushAdapterBuffersEx(p.adapter, p.mdl, p.base, 5000,
						  15000, TRUE), 0);
	EXPECT_EQ(t, (u32)p.ops->FlushAdapterBuffersEx(p.adapter, p.mdl, p.base,
			5000, 15000, TRUE), MISUSE);
	dma_violation(t, 0x20, p.base, NULL);
	p.ops->FreeAdapterObject(p.adapter, DeallocateObjectKeepRegisters);
	free_registers(&p);
	EXPECT(t, idle(t));
	EXPECT_VIOLATIONS(t, 0);
	ExFreePool(list);
	drop(&p);
}

static const struct rpt_case cases[] = {
	{ "packet_of", packet_of, lengths },
	{ "device_transfers_by_packets", device_transfers, edu_widths },
	{ "packet_for_a_device_without_lists", one_piece },
	{ "packets_have_registers", counted },
	{ "adapter_channel", channel },
	{ "channel_of_two", channel_of_two },
	{ "adapter_channel_routine", routine_calls, insides },
	{ "bad_packets", bad_packets },
	{ "adapter_put_with_packets_out", put_with_packets },
	{ "packets_in", packets_in, rpt_contexts },
	{ "packet_by_ex", by_ex },
};

const struct rpt_suite dma_packets_suite = RPT_SUITE("dma_packets", cases);
