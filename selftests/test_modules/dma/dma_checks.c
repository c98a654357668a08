// SPDX-License-Identifier: GPL-2.0
/*
 * What the verifier finds of a driver's DMA with its option "dma" set, which
 * whoever runs these cases has done.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "dma.h"

#define OUTSIDE		0x0f
#define BEFORE		0x04
#define BEHIND		0x05
#define TOO_MANY	0x0c

/* A buffer of an adapter of its own. */
struct buffer {
	DMA_ADAPTER *adapter;
	ULONG length;
	PHYSICAL_ADDRESS logical;
	char *base;
};

static bool get_within(struct rpt *t, struct buffer *b, ULONG width,
		       ULONG length)
{
	b->length = length;
	b->adapter = get_adapter(width, length, &(ULONG){ 0 });
	if (!EXPECT(t, b->adapter))
		return false;
	b->base = get_buffer(b->adapter, length, &b->logical);
	if (EXPECT(t, b->base))
		return true;
	put_adapter(b->adapter);
	return false;
}

static bool get(struct rpt *t, struct buffer *b, ULONG length)
{
	return get_within(t, b, 32, length);
}

static void put(struct buffer *b)
{
	put_buffer(b->adapter, b->length, b->logical, b->base);
	put_adapter(b->adapter);
}

/* The free of the buffer tells of one place, on this side of it. */
static void put_damaged(struct rpt *t, struct buffer *b, u64 side,
			const char *at)
{
	const struct rpt_violation *v;

	put(b);
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, OUTSIDE);
	if (!v)
		return;
	EXPECT_EQ(t, v->p[1], side);
	EXPECT(t, rpt_shows(v->p[2], b->base));
	EXPECT(t, rpt_shows(v->p[3], at));
}

static const struct rpt_arg lengths[] = {
	{ "1", 1 },
	{ "100", 100 },
	{ "4095", 4095 },
	{ "4096", 4096 },
	{ "5000", 5000 },
	{ "64K", SZ_64K },
	{ "1M-8", SZ_1M - 8 },
	{ }
};

/* Padding is neither counted nor in the way, and takes no map register. */
static void as_without(struct rpt *t)
{
	ULONG length = rpt_value(t);
	struct rpt_row before, with;
	struct buffer b;
	char line[80];

	rpt_family(t, "adapters", &before);
	if (!get(t, &b, length))
		return;
	rpt_family(t, "adapters", &with);
	EXPECT_EQ(t, with.bytes, before.bytes + length);
	EXPECT_EQ(t, with.used, before.used + PAGE_ALIGN(length));
	snprintf(line, sizeof(line), "in_use %lu mask 0xffffffff buffers 1 open",
		 PAGE_ALIGN(length) / PAGE_SIZE);
	EXPECT(t, rpt_has_line(t, "adapters", line));
	EXPECT(t, PAGE_ALIGNED(b.base));
	EXPECT(t, PAGE_ALIGNED(b.logical.QuadPart));
	EXPECT_EQ(t, rpt_phys(b.base), b.logical.QuadPart);
	EXPECT(t, !memchr_inv(b.base, 0, length));
	memset(b.base, 0xff, length);
	put(&b);
}

static void written_behind(struct rpt *t)
{
	struct buffer b;

	if (!get(t, &b, rpt_value(t)))
		return;
	b.base[b.length] = 0;
	put_damaged(t, &b, BEHIND, b.base + b.length);
}

static void written_at_the_page_end(struct rpt *t)
{
	/* A whole page has another one behind it. */
	size_t last = PAGE_ALIGN(rpt_value(t) + 1) - 1;
	struct buffer b;

	if (!get(t, &b, rpt_value(t)))
		return;
	b.base[last] = 0;
	put_damaged(t, &b, BEHIND, b.base + last);
}

static const struct rpt_arg distances[] = {
	{ "1", 1 },
	{ "4096", PAGE_SIZE },
	{ }
};

static void written_before(struct rpt *t)
{
	struct buffer b;

	if (!get(t, &b, 5000))
		return;
	*(b.base - rpt_value(t)) = 0;
	put_damaged(t, &b, BEFORE, b.base - rpt_value(t));
}

/* The first byte is told, and the start comes before the end. */
static void written_on_both_sides(struct rpt *t)
{
	struct buffer b;

	if (!get(t, &b, 100))
		return;
	memset(b.base - 8, 0, b.length + 16);
	put_damaged(t, &b, BEFORE, b.base - 8);
	if (!get(t, &b, 100))
		return;
	memset(b.base, 0, b.length + 16);
	put_damaged(t, &b, BEHIND, b.base + b.length);
}

/* As much as the page allocator has in one piece: room for no page more. */
static void without_room(struct rpt *t)
{
	struct buffer b;

	/* Other programs had the machine before. */
	if (!rpt_room()) {
		rpt_skip(t, "no 4 MiB in one piece");
		return;
	}
	if (!get(t, &b, SZ_4M))
		return;
	memset(b.base, 0xff, b.length);
	put(&b);
	if (!get(t, &b, SZ_4M - 100))
		return;
	b.base[b.length] = 0;
	put_damaged(t, &b, BEHIND, b.base + b.length);
}

#define EDU_MEMORY	0x40000
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_START	1
#define EDU_TO_MEMORY	2

static bool device_writes(struct rpt *t, u64 bus, u32 count)
{
	unsigned long end = jiffies + RPT_PATIENCE;
	bool done = false;
	void __iomem *bar;

	if (!EXPECT(t, !pci_enable_device_mem(edu)))
		return false;
	pci_set_master(edu);
	bar = pci_iomap(edu, 0, 0);
	if (EXPECT(t, bar)) {
		writel(EDU_MEMORY, bar + EDU_SOURCE);
		writel(bus, bar + EDU_TARGET);
		writel(count, bar + EDU_COUNT);
		writel(EDU_START | EDU_TO_MEMORY, bar + EDU_COMMAND);
		do {
			msleep(20);
			done = !(readl(bar + EDU_COMMAND) & EDU_START);
		} while (!done && time_before(jiffies, end));
		pci_iounmap(edu, bar);
	}
	pci_clear_master(edu);
	pci_disable_device(edu);
	return EXPECT(t, done);
}

static void written_by_the_device(struct rpt *t)
{
	struct buffer b;

	/* As far as edu reaches. */
	if (!get_within(t, &b, 28, 5000))
		return;
	memset(b.base, 0xff, b.length);
	if (!device_writes(t, b.logical.QuadPart + 4992, 16)) {
		put(&b);
		return;
	}
	EXPECT(t, !memchr_inv(b.base, 0xff, 4992));
	put_damaged(t, &b, BEHIND, b.base + b.length);
}

static void free_here(void *arg)
{
	put(arg);
}

/* Looked at when it is freed, not when its memory goes. */
static void found_in(struct rpt *t)
{
	struct rpt_row before, after;
	unsigned int tries;
	struct buffer b;

	rpt_family(t, "adapters", &before);
	if (!get(t, &b, 5000))
		return;
	b.base[b.length] = 0;
	rpt_in_context(rpt_value(t), free_here, &b);
	EXPECT_VIOLATIONS(t, 2);
	for (tries = 0; tries < RPT_TRIES; tries++) {
		rpt_family(t, "adapters", &after);
		if (after.diff == before.diff)
			return;
		rpt_settle(t);
	}
	rpt_fail(t, "never freed");
}

static void expect_too_many(struct rpt *t, DMA_ADAPTER *adapter, u64 wanted,
			    u64 registers)
{
	const struct rpt_violation *v;

	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, TOO_MANY);
	if (!v)
		return;
	EXPECT_EQ(t, v->p[1], wanted);
	EXPECT_EQ(t, v->p[2], registers);
	EXPECT(t, rpt_shows(v->p[3], adapter));
}

static void registers_in_sum(struct rpt *t)
{
	PHYSICAL_ADDRESS one, two, three;
	ULONG registers;
	/* 4 pages and one more. */
	DMA_ADAPTER *adapter = get_adapter(32, 4 * PAGE_SIZE, &registers);
	void *first, *second, *third;

	if (!EXPECT(t, adapter))
		return;
	first = get_buffer(adapter, 3 * PAGE_SIZE, &one);
	second = get_buffer(adapter, PAGE_SIZE + 1, &two);
	/* All five. */
	EXPECT_VIOLATIONS(t, 0);
	third = get_buffer(adapter, 1, &three);
	expect_too_many(t, adapter, 6, 5);
	/* It is given all the same. */
	if (!EXPECT(t, first && second && third))
		return;
	put_buffer(adapter, 3 * PAGE_SIZE, one, first);
	put_buffer(adapter, 1, three, third);
	/* With two in use there are three. */
	third = get_buffer(adapter, 3 * PAGE_SIZE, &three);
	EXPECT_VIOLATIONS(t, 0);
	if (EXPECT(t, third))
		put_buffer(adapter, 3 * PAGE_SIZE, three, third);
	put_buffer(adapter, PAGE_SIZE + 1, two, second);
	put_adapter(adapter);
}

static void registers_in_one(struct rpt *t)
{
	PHYSICAL_ADDRESS logical;
	ULONG registers;
	DMA_ADAPTER *adapter = get_adapter(32, 4 * PAGE_SIZE, &registers);

	if (!EXPECT(t, adapter))
		return;
	EXPECT(t, !get_buffer(adapter, 5 * PAGE_SIZE + 1, &logical));
	expect_too_many(t, adapter, 6, 5);
	put_adapter(adapter);
}

static const struct rpt_case cases[] = {
	{ "as_without", as_without, lengths },
	{ "written_behind", written_behind, lengths },
	{ "written_at_the_page_end", written_at_the_page_end, lengths },
	{ "written_before", written_before, distances },
	{ "written_on_both_sides", written_on_both_sides },
	{ "without_room", without_room },
	{ "written_by_the_device", written_by_the_device },
	{ "found_in", found_in, rpt_atomic_contexts },
	{ "registers_in_sum", registers_in_sum },
	{ "registers_in_one", registers_in_one },
};

const struct rpt_suite dma_checks_suite = RPT_SUITE("dma_checks", cases);
