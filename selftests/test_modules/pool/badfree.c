// SPDX-License-Identifier: GPL-2.0
/*
 * Frees of what must not be freed: refused and reported, and the machine
 * goes on, whatever the pointer is.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/fixmap.h>

#include "pool.h"

/* Every way to give pool back. */
static void free_all_ways(struct rpt *t, void *p, u64 code)
{
	const struct rpt_violation *v;

	ExFreePool(p);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, code);
	/* A double free has the address in the last parameter. */
	if (v)
		EXPECT(t, rpt_shows(v->p[code == 0x07 ? 3 : 1], p));
	ExFreePoolWithTag(p, TAG_BADFREE);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, code);
	ExFreePoolWithTag(p, TAG_OTHER);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, code);
}

/* As above, where more than one code is right. */
static void free_refused(struct rpt *t, void *p)
{
	ExFreePool(p);
	EXPECT_VIOLATIONS(t, 1);
	ExFreePoolWithTag(p, TAG_BADFREE);
	EXPECT_VIOLATIONS(t, 1);
}

static const struct rpt_arg user_addresses[] = {
	{ "1", 1 },
	{ "8", 8 },
	{ "15", 15 },
	{ "16", 16 },
	{ "17", 17 },
	{ "4096", 4096 },
	{ "0x400000", 0x400000 },
	{ "0x7fffffffefff", 0x7fffffffefff },
	{ "0x7ffffffffff0", 0x7ffffffffff0 },
	/* Not canonical, and below all of the kernel's as on Windows. */
	{ "2^47", 0x800000000000 },
	{ "2^63-1", 0x7fffffffffffffff },
	{ }
};

static void user_address(struct rpt *t)
{
	free_all_ways(t, (void *)rpt_value(t), 0x40);
}

static const struct rpt_arg other_addresses[] = {
	{ "NULL", 0 },
	{ "noncanonical", 0x8000000000000000 },
	{ "noncanonical_odd", 0x8000000000000fff },
	{ "noncanonical_below_kernel", 0xffff7ffffffff000 },
	{ "first_kernel_address", 0xff00000000000000 },
	{ "four_level_first", 0xffff800000000000 },
	{ "cpu_entry_area", 0xfffffe0000000000 },
	{ "vsyscall", 0xffffffffff600000 },
	{ "kernel_image_hole", 0xffffffff80000000 },
	{ "minus_one", ~0UL },
	{ "minus_16", -16UL },
	{ "minus_4096", -4096UL },
	{ "minus_ENOMEM", -ENOMEM },
	{ }
};

static void other_address(struct rpt *t)
{
	free_all_ways(t, (void *)rpt_value(t), 0x46);
}

/* A page that was a block lately may be taken for that one freed again. */
static void free_or_twice(struct rpt *t, void *p)
{
	const struct rpt_violation *v;

	ExFreePool(p);
	EXPECT_VIOLATIONS(t, 1);
	v = rpt_last(t);
	EXPECT_EQ(t, v->code, BAD_POOL_CALLER);
	EXPECT(t, v->p[0] == 0x46 || v->p[0] == 0x07);
}

static void free_foreign(struct rpt *t, void *p)
{
	if (PAGE_ALIGNED(p))
		free_or_twice(t, p);
	else
		free_all_ways(t, p, 0x46);
}

/* Addresses that only the running kernel knows. */
static void foreign_memory(struct rpt *t)
{
	static u64 data[16];
	u64 stack[16] = {};
	void *slab = kzalloc(256, GFP_KERNEL);
	void *large = kzalloc(SZ_64K, GFP_KERNEL);
	void *page = (void *)get_zeroed_page(GFP_KERNEL);
	char *area = vzalloc(4 * PAGE_SIZE);

	if (EXPECT(t, slab && large && page && area)) {
		free_foreign(t, slab);
		free_foreign(t, current);
		free_foreign(t, slab + 64);
		free_foreign(t, large);
		free_foreign(t, page);
		free_foreign(t, page + 16);
		free_foreign(t, area);
		free_foreign(t, area + 16);
		free_foreign(t, area + PAGE_SIZE);
		/* The guard page, and just behind it. */
		free_foreign(t, area + 4 * PAGE_SIZE);
		free_foreign(t, area + 4 * PAGE_SIZE + 16);
		free_foreign(t, &data[4]);
		free_foreign(t, (void *)data);
		free_foreign(t, (void *)foreign_memory);
		free_foreign(t, (void *)&pool_types);
		free_foreign(t, (void *)_printk);
		free_foreign(t, &stack[8]);
		free_foreign(t, THIS_MODULE);
		free_foreign(t, virt_to_page(page));
	}
	/* Nothing was taken or changed. */
	EXPECT(t, !memchr_inv(slab, 0, 256));
	EXPECT(t, !memchr_inv(large, 0, SZ_64K));
	EXPECT(t, !memchr_inv(area, 0, 4 * PAGE_SIZE));
	vfree(area);
	free_page((unsigned long)page);
	kfree(large);
	kfree(slab);
}

/*
 * Objects of the kernel's where blocks were before. In front of many is the header of a
 * block that was freed: it is in an object that nobody has yet, so that nobody cleared it.
 */
static void foreign_where_blocks_were(struct rpt *t)
{
	enum { BLOCKS = 8192, OBJECTS = 400 };
	void **blocks = kvcalloc(BLOCKS, sizeof(*blocks), GFP_KERNEL);
	void **objects = kvcalloc(OBJECTS, sizeof(*objects), GFP_KERNEL);
	unsigned int i;

	if (EXPECT(t, blocks && objects)) {
		for (i = 0; i < BLOCKS; i++)
			blocks[i] = ExAllocatePoolWithTag(NonPagedPool, 24, TAG_BADFREE);
		for (i = 0; i < BLOCKS; i++)
			ExFreePool(blocks[i]);
		for (i = 0; i < OBJECTS; i++) {
			objects[i] = kmalloc(128, GFP_KERNEL);
			if (!EXPECT(t, objects[i]))
				break;
			ExFreePool(objects[i]);
			if (!EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46))
				break;
		}
		for (i = 0; i < OBJECTS; i++)
			kfree(objects[i]);
	}
	kvfree(objects);
	kvfree(blocks);
}

/* Inside a block there may be headers of blocks that were there before. */
static void inside_where_blocks_were(struct rpt *t)
{
	enum { BLOCKS = 8192, LARGER = 24, BYTES = 992 };
	void **blocks = kvcalloc(BLOCKS, sizeof(*blocks), GFP_KERNEL);
	char *larger[LARGER] = { };
	unsigned int i, inside;

	if (!EXPECT(t, blocks))
		return;
	for (i = 0; i < BLOCKS; i++)
		blocks[i] = ExAllocatePoolWithTag(NonPagedPool, 24, TAG_BADFREE);
	for (i = 0; i < BLOCKS; i++)
		ExFreePool(blocks[i]);
	for (i = 0; i < LARGER; i++) {
		larger[i] = ExAllocatePoolWithTag(NonPagedPool, BYTES, TAG_BADFREE);
		if (!EXPECT(t, larger[i]))
			break;
		for (inside = 16; inside < BYTES; inside += 16) {
			ExFreePool(larger[i] + inside);
			if (!EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x99))
				break;
		}
	}
	for (i = 0; i < LARGER; i++)
		if (larger[i])
			ExFreePool(larger[i]);
	kvfree(blocks);
}

/* The direct map behind the end of memory, and where no memory is. */
static void unmapped_direct_map(struct rpt *t)
{
	unsigned long base = PAGE_OFFSET;
	unsigned long gib;
	unsigned int found = 0;

	for (gib = 1; gib < 1UL << 16; gib *= 2) {
		unsigned long at = base + (gib << 30);

		if (MmGetPhysicalAddress((void *)at).QuadPart)
			continue;
		free_all_ways(t, (void *)at, 0x46);
		free_all_ways(t, (void *)(at + 16), 0x46);
		found++;
	}
	EXPECT(t, found);
}

/*
 * Holes below the end of memory: where a machine has none, a boot with memmap=
 * makes one.
 */
static void hole_in_direct_map(struct rpt *t)
{
	unsigned long end = (unsigned long)high_memory;
	unsigned long at;

	for (at = PAGE_OFFSET; at < end; at += SZ_2M) {
		if (rpt_cache((void *)at) != RPT_UNMAPPED)
			continue;
		free_all_ways(t, (void *)at, 0x46);
		free_all_ways(t, (void *)(at + 16), 0x46);
		free_all_ways(t, (void *)(at + PAGE_SIZE), 0x46);
		return;
	}
	rpt_skip(t, "no hole in the direct map");
}

/* Device memory: looking for a header there may have effects, or fault. */
static void device_memory(struct rpt *t)
{
	/* The local APIC; every x86-64 machine has it there. */
	char __iomem *apic = ioremap(0xfee00000, PAGE_SIZE);

	if (!EXPECT(t, apic))
		return;
	free_all_ways(t, (void __force *)apic, 0x46);
	free_all_ways(t, (void __force *)(apic + 0x20), 0x46);
	iounmap(apic);
	free_all_ways(t, (void __force *)(apic + 0x20), 0x46);
}

static const struct rpt_arg theirs[] = {
	{ "device_memory", 1 },
	{ "vmalloc_memory", 0 },
	{ }
};

static void *map_anothers(bool device, size_t bytes)
{
	return device ? (void __force *)ioremap(0xfee00000, bytes) :
			vmalloc(bytes);
}

static void unmap_anothers(bool device, void *at)
{
	if (device && at)
		iounmap((void __iomem __force *)at);
	else if (!device)
		vfree(at);
}

#define PLACES	16

/* Maps so many pages where the pool had blocks a moment ago; returns at how many. */
static unsigned int map_in_their_place(struct rpt *t, bool device, size_t pages)
{
	enum { BYTES = 100000 };
	void *mapped[PLACES], *blocks[PLACES];
	unsigned int i, k, met = 0;

	for (i = 0; i < PLACES; i++)
		blocks[i] = ExAllocatePoolWithTag(NonPagedPool, BYTES,
						  TAG_BADFREE);
	for (i = 0; i < PLACES; i++)
		if (EXPECT(t, blocks[i]))
			ExFreePoolWithTag(blocks[i], TAG_BADFREE);
	/* Or the addresses would rest for a while. */
	vm_unmap_aliases();
	for (i = 0; i < PLACES; i++) {
		mapped[i] = map_anothers(device, pages * PAGE_SIZE);
		for (k = 0; k < PLACES; k++) {
			if (!mapped[i] || blocks[k] != mapped[i])
				continue;
			free_all_ways(t, blocks[k], 0x46);
			met++;
		}
	}
	for (i = 0; i < PLACES; i++)
		unmap_anothers(device, mapped[i]);
	return met;
}

/* It is none of them. */
static void in_their_place(struct rpt *t)
{
	unsigned int tries, met = 0;

	/* Linux keeps such address space apart by its size, which has a guard page or not. */
	for (tries = 0; !met && tries < RPT_ATTEMPTS; tries++)
		met = map_in_their_place(t, rpt_value(t), 24 + tries % 4);
	rpt_note(t, "%u of %u at the address of a block, at try %u", met,
		 PLACES, tries);
	if (!met)
		rpt_skip(t, "no address came round again");
}

static const struct rpt_arg small_offsets[] = {
	{ "16", 16 },
	{ "32", 32 },
	{ "512", 512 },
	{ "984", 984 },
	{ "1", 1 },
	{ "8", 8 },
	{ "15", 15 },
	{ "last_byte", 999 },
	{ "header", -16UL },
	{ "tag", -12UL },
	{ }
};

static void small_interior(struct rpt *t)
{
	static const POOL_TYPE types[] = { NonPagedPool, PagedPool };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		char *block = ExAllocatePoolWithTag(types[i], 1000,
						    TAG_BADFREE);

		if (!EXPECT(t, block))
			return;
		rpt_fill(block, 1000, 5);
		free_all_ways(t, block + rpt_value(t), 0x99);
		EXPECT(t, rpt_filled(block, 1000, 5));
		/* Still the caller's, and still whole. */
		ExFreePoolWithTag(block, TAG_BADFREE);
	}
}

static const struct rpt_arg waiting_sizes[] = {
	{ "48", 48 },
	{ "112", 112 },
	{ "496", 496 },
	{ "1008", 1008 },
	{ }
};

/*
 * A magazine gets several objects at once. Those that wait in it for their first
 * block neither hide where the next block begins, nor are they damaged blocks.
 */
static void beside_those_that_wait(struct rpt *t)
{
	enum { COUNT = 24 };
	size_t n = rpt_value(t);
	char *blocks[COUNT] = { };
	unsigned int i, looked = 0;

	for (i = 0; i < COUNT; i++) {
		char *block = ExAllocatePoolWithTag(NonPagedPool, n, TAG_BADFREE);
		char *front;

		if (!EXPECT(t, block))
			break;
		blocks[i] = block;
		if (!virt_addr_valid(block)) {
			rpt_skip(t, "special pool has no magazines");
			i++;
			break;
		}
		/* The address of its header is in its object. */
		ExFreePoolWithTag(block - 16, TAG_BADFREE);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x99);
		/*
		 * Where the one in front of it begins, if somebody has that. A
		 * slab cache does not tell which of its objects are free.
		 */
		front = block - 16 - n;
		if (PAGE_ALIGN_DOWN((long)front) != PAGE_ALIGN_DOWN((long)block) ||
		    folio_test_slab(virt_to_folio(block)))
			continue;
		/* Nobody's tag: if it is in use, it stays so. */
		ExFreePoolWithTag(front, TAG_OTHER);
		EXPECT_VIOLATIONS(t, 1);
		EXPECT_EQ(t, rpt_last(t)->code, BAD_POOL_CALLER);
		looked++;
	}
	rpt_note(t, "%u had one in front", looked);
	while (i--)
		ExFreePoolWithTag(blocks[i], TAG_BADFREE);
}

/* A block's data may look like a header: it must not be believed. */
static void forged_header(struct rpt *t)
{
	char *block = ExAllocatePoolWithTag(NonPagedPool, 1000, TAG_BADFREE);
	char *other = ExAllocatePoolWithTag(NonPagedPool, 1000, TAG_BADFREE);

	if (EXPECT(t, block && other)) {
		memset(block, 0, 1000);
		memcpy(block + 64, block - 16, 16);
		free_refused(t, block + 80);
		memcpy(block + 512, other - 16, 16);
		free_refused(t, block + 528);
	}
	ExFreePoolWithTag(other, TAG_BADFREE);
	ExFreePoolWithTag(block, TAG_BADFREE);
}

static void forged_in_foreign(struct rpt *t)
{
	char *block = ExAllocatePoolWithTag(NonPagedPool, 240, TAG_BADFREE);
	char *slab = kzalloc(256, GFP_KERNEL);
	char *page = (char *)get_zeroed_page(GFP_KERNEL);

	if (EXPECT(t, block && slab && page)) {
		memcpy(slab, block - 16, 16);
		free_refused(t, slab + 16);
		memcpy(page, block - 16, 16);
		free_refused(t, page + 16);
	}
	free_page((unsigned long)page);
	kfree(slab);
	ExFreePoolWithTag(block, TAG_BADFREE);
}

/* An overrun of the block before it: say so, and leave it alone. */
static void damaged_header(struct rpt *t)
{
	char *block = ExAllocatePoolWithTag(NonPagedPool, 240, TAG_BADFREE);
	char saved[16];

	if (!EXPECT(t, block))
		return;
	memcpy(saved, block - 16, 16);
	memset(block - 16, 0x41, 16);
	free_refused(t, block);
	memcpy(block - 16, saved, 16);
	ExFreePoolWithTag(block, TAG_BADFREE);
}

static const struct rpt_arg large_sizes[] = {
	{ "4096", 4096 },
	{ "17000", 17000 },
	{ "20480", 20480 },
	{ "20000", 20000 },
	{ "8M", SZ_8M },
	{ }
};

/* Pages that were blocks of their own, and were freed. */
static void free_many_pages(void)
{
	enum { PAGES = 512 };
	void **pages = kvcalloc(PAGES, sizeof(*pages), GFP_KERNEL);
	unsigned int i;

	for (i = 0; pages && i < PAGES; i++)
		pages[i] = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE,
						 TAG_BADFREE);
	for (i = 0; pages && i < PAGES; i++)
		ExFreePoolWithTag(pages[i], TAG_BADFREE);
	kvfree(pages);
}

static void large_interior(struct rpt *t)
{
	static const POOL_TYPE types[] = { NonPagedPool, PagedPool };
	size_t n = rpt_value(t);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		char *block;

		free_many_pages();
		block = ExAllocatePoolWithTag(types[i], n, TAG_BADFREE);
		if (!EXPECT(t, block))
			return;
		memset(block, 0, n);
		free_all_ways(t, block + 16, 0x99);
		free_all_ways(t, block + 1, 0x99);
		free_all_ways(t, block + n - 1, 0x99);
		if (n > PAGE_SIZE) {
			free_all_ways(t, block + PAGE_SIZE, 0x99);
			free_all_ways(t, block + PAGE_SIZE + 16, 0x99);
			free_all_ways(t, block + 3 * PAGE_SIZE, 0x99);
		}
		EXPECT(t, !memchr_inv(block, 0, n));
		ExFreePoolWithTag(block, TAG_BADFREE);
	}
}

static const struct rpt_arg twice_sizes[] = {
	{ "1", 1 },
	{ "100", 100 },
	{ "1000", 1000 },
	{ "4064", 4064 },
	{ "4065", 4065 },
	{ "4096", 4096 },
	{ "5000", 5000 },
	{ "12288", 12288 },
	{ "20000", 20000 },
	{ "64K", SZ_64K },
	{ "64K+1", SZ_64K + 1 },
	{ "8M", SZ_8M },
	{ }
};

/* A checker like slub_debug overwrites what is freed, the header included. */
static bool header_gone(const char *block)
{
	ULONG tag;

	return copy_from_kernel_nofault(&tag, block - 12, sizeof(tag)) ||
	       tag != TAG_BADFREE;
}

static void twice(struct rpt *t)
{
	static const POOL_TYPE types[] = { NonPagedPool, PagedPool };
	size_t n = rpt_value(t);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		char *block = ExAllocatePoolWithTag(types[i], n, TAG_BADFREE);

		if (!EXPECT(t, block))
			return;
		ExFreePoolWithTag(block, TAG_BADFREE);
		if (n <= SMALL_MAX && header_gone(block))
			free_refused(t, block);
		else if (IS_ENABLED(CONFIG_KASAN) && n > SMALL_MAX &&
			 n <= SZ_64K)
			/* Pages go back at once, and a checker may take them. */
			free_or_twice(t, block);
		else
			free_all_ways(t, block, 0x07);
	}
}

/* The memory is somebody else's by then: theirs must survive. */
static void twice_after_reuse(struct rpt *t)
{
	size_t n = rpt_value(t);
	char *block = ExAllocatePoolWithTag(NonPagedPool, n, TAG_BADFREE);
	void *others[32];
	unsigned int i;
	bool reused = false;

	if (!EXPECT(t, block))
		return;
	ExFreePoolWithTag(block, TAG_BADFREE);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = ExAllocatePoolWithTag(NonPagedPool, n, TAG_OTHER);
		if (!EXPECT(t, others[i]))
			continue;
		rpt_fill(others[i], n, i);
		reused |= others[i] == block;
	}
	/* With the tag of the first owner, for that is what one has. */
	ExFreePoolWithTag(block, TAG_BADFREE);
	EXPECT_VIOLATIONS(t, 1);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		if (!others[i])
			continue;
		EXPECT(t, rpt_filled(others[i], n, i));
		ExFreePoolWithTag(others[i], TAG_OTHER);
	}
	rpt_note(t, "%s", reused ? "reused" : "not reused");
}

/* A block that was freed and shrunk to other sizes in between. */
static void twice_many(struct rpt *t)
{
	void *blocks[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		blocks[i] = ExAllocatePoolWithTag(NonPagedPool, 40,
						  TAG_BADFREE);
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		ExFreePoolWithTag(blocks[i], TAG_BADFREE);
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		ExFreePoolWithTag(blocks[i], TAG_BADFREE);
	EXPECT_VIOLATIONS(t, ARRAY_SIZE(blocks));
	/* Had one been taken twice, two of these would be the same. */
	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		blocks[i] = ExAllocatePoolWithTag(NonPagedPool, 40,
						  TAG_BADFREE);
		if (EXPECT(t, blocks[i]))
			rpt_fill(blocks[i], 40, i);
	}
	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		EXPECT(t, rpt_filled(blocks[i], 40, i));
		ExFreePoolWithTag(blocks[i], TAG_BADFREE);
	}
}

static const struct rpt_arg race_sizes[] = {
	{ "100", 100 },
	{ "4064", 4064 },
	{ "4096", 4096 },
	{ "5000", 5000 },
	{ "12288", 12288 },
	{ "20000", 20000 },
	{ }
};

#define RACES	64

struct race {
	void *blocks[RACES];
	atomic_t ready[RACES];
	atomic_t sides;
	struct completion done;
	struct irq_work work;
};

static void free_at_once(void *arg)
{
	struct race *race = arg;
	unsigned int side = atomic_inc_return(&race->sides), i, wait;

	for (i = 0; i < RACES; i++) {
		/* Both are there before either frees, one a little later. */
		atomic_inc(&race->ready[i]);
		while (atomic_read(&race->ready[i]) < 2)
			cpu_relax();
		for (wait = i % 8 * (i % 2 == side % 2); wait; wait--)
			barrier();
		ExFreePoolWithTag(race->blocks[i], TAG_BADFREE);
	}
	complete(&race->done);
}

static void free_in_interrupt(struct irq_work *work)
{
	free_at_once(container_of(work, struct race, work));
}

/* Not in the call's own interrupt, where a realtime kernel could not free. */
static void interrupt(void *arg)
{
	struct race *race = arg;

	irq_work_queue(&race->work);
}

/* On two CPUs at once, one free is right and the other is not. */
static void twice_at_once(struct rpt *t)
{
	enum { ROUNDS = 100 };
	size_t n = rpt_value(t);
	/* Where the CPUs are not there at once, it takes its time. */
	unsigned long end = jiffies + 5 * HZ;
	struct rpt_row before, after;
	struct race *race;
	unsigned int round, i;
	int other;

	if (num_online_cpus() < 2) {
		rpt_skip(t, "needs two CPUs");
		return;
	}
	race = kzalloc_obj(*race);
	if (!EXPECT(t, race))
		return;
	race->work = IRQ_WORK_INIT(free_in_interrupt);
	rpt_tag(t, "TstD", false, &before);
	for (round = 0; round < ROUNDS && !rpt_failed(t); round++) {
		if (round && time_after(jiffies, end))
			break;
		for (i = 0; i < RACES; i++) {
			race->blocks[i] = ExAllocatePoolWithTag(NonPagedPool, n,
								TAG_BADFREE);
			EXPECT(t, race->blocks[i]);
			atomic_set(&race->ready[i], 0);
		}
		init_completion(&race->done);
		/*
		 * The other side waits in an interrupt, so nothing may keep this one from going
		 * on that waits for the other CPU: no task that waits until all CPUs have taken
		 * an interrupt, and no softirq, which may expire the other CPU's timers and try
		 * that again and again while the interrupt is on top of one of them.
		 */
		local_bh_disable();
		other = cpumask_any_but(cpu_online_mask, smp_processor_id());
		smp_call_function_single(other, interrupt, race, false);
		free_at_once(race);
		local_bh_enable();
		wait_for_completion(&race->done);
		wait_for_completion(&race->done);
		irq_work_sync(&race->work);
		EXPECT_VIOLATIONS(t, RACES);
	}
	rpt_tag(t, "TstD", false, &after);
	EXPECT_EQ(t, after.frees - before.frees, round * RACES);
	EXPECT_EQ(t, after.diff, before.diff);
	rpt_note(t, "%u races", round * RACES);
	kfree(race);
}

static void counters_untouched(struct rpt *t)
{
	char *block = ExAllocatePoolWithTag(NonPagedPool, 100, TAG_BADFREE);
	struct rpt_row before, after;

	rpt_tag_totals(t, &before);
	ExFreePool(NULL);
	ExFreePool(block + 16);
	ExFreePool(&before);
	ExFreePoolWithTag(block, TAG_OTHER);
	EXPECT_VIOLATIONS(t, 4);
	rpt_tag_totals(t, &after);
	EXPECT_EQ(t, after.frees, before.frees);
	EXPECT_EQ(t, after.bytes, before.bytes);
	EXPECT_EQ(t, after.used, before.used);
	ExFreePool(block);
}

static void reported_with_caller(struct rpt *t)
{
	const struct rpt_violation *v;
	char caller[32];

	ExFreePool(NULL);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
	if (!v)
		return;
	EXPECT_EQ(t, v->p[1], 0);
	EXPECT_EQ(t, v->p[2], 0);
	EXPECT_EQ(t, v->p[3], 0);
	snprintf(caller, sizeof(caller), "%s+", __func__);
	if (!strstr(v->text, caller) ||
	    !strstr(v->text, "[" KBUILD_MODNAME "]"))
		rpt_fail(t, "the caller is not named: %s", v->text);
}

enum { ANYWHERE, KERNEL_HALF, DIRECT_MAP, NEAR_BLOCKS };

static const struct rpt_arg fuzz_ranges[] = {
	{ "anywhere", ANYWHERE },
	{ "the_kernel's_half", KERNEL_HALF },
	{ "the_direct_map", DIRECT_MAP },
	{ "near_live_blocks", NEAR_BLOCKS },
	{ }
};

static void fuzz(struct rpt *t)
{
	enum { BLOCKS = 16, ROUNDS = RPT_MANY(2000) };
	static const size_t bytes[] = { 24, 500, 4064, 4096, 10000 };
	u64 ram = (u64)totalram_pages() << PAGE_SHIFT;
	struct rnd_state rnd;
	char *blocks[BLOCKS];
	unsigned int i;

	for (i = 0; i < BLOCKS; i++) {
		size_t n = bytes[i % ARRAY_SIZE(bytes)];

		blocks[i] = ExAllocatePoolWithTag(NonPagedPool, n, TAG_BADFREE);
		if (!EXPECT(t, blocks[i]))
			return;
		rpt_fill(blocks[i], n, i);
	}
	prandom_seed_state(&rnd, 42);
	for (i = 0; i < ROUNDS; i++) {
		u64 r = (u64)prandom_u32_state(&rnd) << 32 |
			prandom_u32_state(&rnd);
		char *p = (char *)r;

		switch (rpt_value(t)) {
		case KERNEL_HALF:
			p = (char *)(r | 0xffff800000000000);
			break;
		case DIRECT_MAP:
			p = (char *)(PAGE_OFFSET + r % ram);
			break;
		case NEAR_BLOCKS:
			p = blocks[r % BLOCKS] + (s16)(r >> 32);
			break;
		}
		/* The few that could be right, or others' own memory. */
		if (rpt_value(t) == NEAR_BLOCKS) {
			unsigned int j;

			for (j = 0; j < BLOCKS && p != blocks[j]; j++)
				;
			if (j < BLOCKS)
				p++;
		}
		/* A tag that no block has: nothing can be freed by luck. */
		ExFreePoolWithTag(p, 'zzuF');
	}
	EXPECT_VIOLATIONS(t, ROUNDS);
	for (i = 0; i < BLOCKS; i++) {
		size_t n = bytes[i % ARRAY_SIZE(bytes)];

		EXPECT(t, rpt_filled(blocks[i], n, i));
		ExFreePoolWithTag(blocks[i], TAG_BADFREE);
	}
}

static const struct rpt_case cases[] = {
	{ "user_address", user_address, user_addresses },
	{ "address", other_address, other_addresses },
	{ "foreign_memory", foreign_memory },
	{ "foreign_where_blocks_were", foreign_where_blocks_were },
	{ "inside_where_blocks_were", inside_where_blocks_were },
	{ "unmapped_direct_map", unmapped_direct_map },
	{ "hole_in_direct_map", hole_in_direct_map },
	{ "device_memory", device_memory },
	{ "in_their_place", in_their_place, theirs },
	{ "interior_of_small_at", small_interior, small_offsets },
	{ "interior_of_large", large_interior, large_sizes },
	{ "beside_those_that_wait", beside_those_that_wait, waiting_sizes },
	{ "forged_header", forged_header },
	{ "forged_header_in_foreign_memory", forged_in_foreign },
	{ "damaged_header", damaged_header },
	{ "twice", twice, twice_sizes },
	{ "twice_after_reuse", twice_after_reuse, twice_sizes },
	{ "twice_in_a_row", twice_many },
	{ "twice_at_once", twice_at_once, race_sizes },
	{ "counters_untouched", counters_untouched },
	{ "reported_with_caller", reported_with_caller },
	{ "random_pointers_in", fuzz, fuzz_ranges },
};

const struct rpt_suite badfree_suite = RPT_SUITE("badfree", cases);
