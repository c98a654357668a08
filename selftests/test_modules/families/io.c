// SPDX-License-Identifier: GPL-2.0
/*
 * Registers of QEMU's edu, mapped by their physical address; and memory that is
 * mapped so, or not.
 */
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "edu.h"

/* Its registers: what it is, and one that gives what was written, inverted. */
#define EDU_ID		0
#define EDU_LIVENESS	4
#define EDU_IS		0x010000ed
#define EDU_BYTES	SZ_1M

/* No memory and no device of a machine of type q35 is there. */
#define NOTHING		0x70000000ULL

static struct pci_dev *edu;

static const PHYSICAL_ADDRESS any = { .QuadPart = -1 };

static PHYSICAL_ADDRESS physical(u64 address)
{
	return (PHYSICAL_ADDRESS){ .QuadPart = address };
}

static u64 bar(void)
{
	return pci_resource_start(edu, 0);
}

static bool writable(const void *va)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)va, &level);

	return rpt_cache(va) != RPT_UNMAPPED && pte_val(*pte) & _PAGE_RW;
}

static u32 read_at(const void *base, size_t offset)
{
	return readl((const void __iomem __force *)base + offset);
}

static void write_at(void *base, size_t offset, u32 value)
{
	writel(value, (void __iomem __force *)base + offset);
}

static void registers_work(struct rpt *t)
{
	struct rpt_row before, with, after;
	char line[128];
	void *base;

	rpt_family(t, "io_space", &before);
	base = MmMapIoSpace(physical(bar()), EDU_BYTES, MmNonCached);
	if (!EXPECT(t, base))
		return;
	EXPECT_EQ(t, read_at(base, EDU_ID), EDU_IS);
	write_at(base, EDU_LIVENESS, 0x12345678);
	EXPECT_EQ(t, read_at(base, EDU_LIVENESS), ~0x12345678U);
	EXPECT_EQ(t, rpt_cache(base), RPT_UC);
	EXPECT_EQ(t, rpt_cache(base + EDU_BYTES - 1), RPT_UC);
	EXPECT(t, writable(base));
	EXPECT(t, !rpt_executable(base));
	rpt_family(t, "io_space", &with);
	EXPECT_EQ(t, with.diff, before.diff + 1);
	EXPECT_EQ(t, with.bytes, before.bytes + EDU_BYTES);
	snprintf(line, sizeof(line), "%p 0x%llx 1048576 1048576 uc rw %s [%s]",
		 base, bar(), __func__, KBUILD_MODNAME);
	EXPECT(t, rpt_has_line(t, "io_space", line));
	MmUnmapIoSpace(base, EDU_BYTES);
	rpt_family(t, "io_space", &after);
	EXPECT_EQ(t, after.diff, before.diff);
	EXPECT_EQ(t, rpt_cache(base), RPT_UNMAPPED);
}

/* A register in the middle of a page, a few at its end, a page and a byte. */
static void any_byte(struct rpt *t)
{
	static const struct {
		u32 offset, bytes, pages;
	} parts[] = {
		{ EDU_LIVENESS, 4, 1 },
		{ 4092, 4, 1 },
		{ 4092, 5, 2 },
		{ 4095, 4098, 3 },
		{ 0, 1, 1 },
		{ 8192, 4097, 2 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		u32 offset = parts[i].offset, bytes = parts[i].bytes;
		struct rpt_row before, with;
		char *base;

		rpt_family(t, "io_space", &before);
		base = MmMapIoSpace(physical(bar() + offset), bytes, MmNonCached);
		if (!EXPECT(t, base))
			continue;
		rpt_family(t, "io_space", &with);
		EXPECT_EQ(t, with.bytes, before.bytes + bytes);
		EXPECT_EQ(t, with.used, before.used + parts[i].pages * PAGE_SIZE);
		EXPECT_EQ(t, offset_in_page(base), offset_in_page(offset));
		EXPECT_EQ(t, rpt_phys(base), bar() + offset);
		EXPECT_EQ(t, MmGetPhysicalAddress(base).QuadPart, bar() + offset);
		EXPECT_EQ(t, rpt_phys(base + bytes - 1), bar() + offset + bytes - 1);
		if (offset == EDU_LIVENESS) {
			write_at(base, 0, 7);
			EXPECT_EQ(t, read_at(base, 0), ~7U);
		}
		MmUnmapIoSpace(base, bytes);
	}
}

static const struct rpt_arg protections[] = {
	{ "readonly", RUST_POOL_PAGE_READONLY | RUST_POOL_PAGE_NOCACHE },
	{ "readwrite", RUST_POOL_PAGE_READWRITE | RUST_POOL_PAGE_NOCACHE },
	{ "execute", RUST_POOL_PAGE_EXECUTE | RUST_POOL_PAGE_NOCACHE },
	{ "execute_read", RUST_POOL_PAGE_EXECUTE_READ | RUST_POOL_PAGE_NOCACHE },
	{ "execute_readwrite",
	  RUST_POOL_PAGE_EXECUTE_READWRITE | RUST_POOL_PAGE_NOCACHE },
	{ "writecombine", RUST_POOL_PAGE_READWRITE | RUST_POOL_PAGE_WRITECOMBINE },
	{ "readonly_writecombine",
	  RUST_POOL_PAGE_READONLY | RUST_POOL_PAGE_WRITECOMBINE },
	{ "cached", RUST_POOL_PAGE_READWRITE },
	{ }
};

static void protection_kept(struct rpt *t)
{
	ULONG protect = rpt_value(t);
	bool writes = protect & (RUST_POOL_PAGE_READWRITE |
				 RUST_POOL_PAGE_EXECUTE_READWRITE);
	char *base = MmMapIoSpaceEx(physical(bar()), EDU_BYTES, protect);
	char *at;

	if (!EXPECT(t, base))
		return;
	for (at = base; at < base + EDU_BYTES; at += SZ_64K) {
		EXPECT_EQ(t, writable(at), writes);
		EXPECT(t, !rpt_executable(at));
		if (protect & RUST_POOL_PAGE_NOCACHE)
			EXPECT_EQ(t, rpt_cache(at), RPT_UC);
		else if (protect & RUST_POOL_PAGE_WRITECOMBINE)
			EXPECT_EQ(t, rpt_cache(at), RPT_WC);
	}
	EXPECT_EQ(t, read_at(base, EDU_ID), EDU_IS);
	MmUnmapIoSpace(base, EDU_BYTES);
}

/* The kernel maps as much with large pages. */
static void large_read_only(struct rpt *t)
{
	const size_t bytes = SZ_4M + PAGE_SIZE;
	const ULONG protect = RUST_POOL_PAGE_READONLY | RUST_POOL_PAGE_NOCACHE;
	char *base, *at;

	if (pfn_valid(PHYS_PFN(NOTHING)))
		return rpt_skip(t, "the machine has memory at %llx", NOTHING);
	base = MmMapIoSpaceEx(physical(NOTHING), bytes, protect);
	if (!EXPECT(t, base))
		return;
	for (at = base; at < base + bytes; at += PAGE_SIZE)
		if (writable(at) || rpt_cache(at) != RPT_UC) {
			rpt_fail(t, "writable or cached at %zu", at - base);
			break;
		}
	MmUnmapIoSpace(base, bytes);
}

static const struct rpt_arg bad_protections[] = {
	{ "0", 0 },
	{ "noaccess", RUST_POOL_PAGE_NOACCESS },
	{ "type_alone", RUST_POOL_PAGE_NOCACHE },
	{ "both_types", RUST_POOL_PAGE_READWRITE | RUST_POOL_PAGE_NOCACHE |
			RUST_POOL_PAGE_WRITECOMBINE },
	{ "two", RUST_POOL_PAGE_READONLY | RUST_POOL_PAGE_READWRITE },
	{ "guard", RUST_POOL_PAGE_READWRITE | 0x100 },
	{ }
};

static void protection_refused(struct rpt *t)
{
	const struct rpt_violation *v;

	EXPECT(t, !MmMapIoSpaceEx(physical(bar()), 4096, rpt_value(t)));
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	if (v)
		EXPECT_EQ(t, v->p[3], rpt_value(t));
}

/* No two mappings of a page have different types; two of one type may be. */
static void one_type(struct rpt *t)
{
	void *base, *second;

	base = MmMapIoSpace(physical(bar()), 8192, MmNonCached);
	if (!EXPECT(t, base))
		return;
	EXPECT(t, !MmMapIoSpace(physical(bar() + 4096), 8192, MmWriteCombined));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	EXPECT(t, !MmMapIoSpace(physical(bar() + 8191), 1, MmCached));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	second = MmMapIoSpace(physical(bar() + 4096), 8192, MmNonCached);
	if (EXPECT(t, second)) {
		EXPECT_EQ(t, read_at(base, EDU_ID), EDU_IS);
		MmUnmapIoSpace(second, 8192);
	}
	/* The next page is free. */
	second = MmMapIoSpace(physical(bar() + 8192), 4096, MmWriteCombined);
	if (EXPECT(t, second)) {
		EXPECT_EQ(t, rpt_cache(second), RPT_WC);
		MmUnmapIoSpace(second, 4096);
	}
	MmUnmapIoSpace(base, 8192);
	base = MmMapIoSpace(physical(bar()), 8192, MmWriteCombined);
	if (EXPECT(t, base))
		MmUnmapIoSpace(base, 8192);
}

struct call {
	void *base;
	MEMORY_CACHING_TYPE type;
};

static void call_map(void *arg)
{
	struct call *call = arg;

	call->base = MmMapIoSpace(physical(bar()), 4096, call->type);
}

static void call_unmap(void *arg)
{
	struct call *call = arg;

	MmUnmapIoSpace(call->base, 4096);
}

/* That holds for two who map at the same time, too. */
static void one_type_of_two(struct rpt *t)
{
	enum { ROUNDS = 100 };
	struct call calls[2];
	unsigned int round, i;

	for (round = 0; round < ROUNDS && !rpt_failed(t); round++) {
		calls[0].type = round % 2 ? MmNonCached : MmWriteCombined;
		calls[1].type = round % 2 ? MmWriteCombined : MmNonCached;
		if (!rpt_at_once(call_map, &calls[0], &calls[1]))
			return rpt_skip(t, "needs two CPUs");
		EXPECT_EQ(t, !calls[0].base + !calls[1].base, 1);
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
		for (i = 0; i < ARRAY_SIZE(calls); i++) {
			if (!calls[i].base)
				continue;
			EXPECT_EQ(t, rpt_cache(calls[i].base),
				  calls[i].type == MmNonCached ? RPT_UC : RPT_WC);
			call_unmap(&calls[i]);
		}
	}
}

/* Registers have a new type as soon as they are unmapped, be it that this waits. */
static void another_type_later(struct rpt *t)
{
	struct call call;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		call.type = i % 2 ? MmNonCached : MmWriteCombined;
		call_map(&call);
		if (!call.base) {
			rpt_fail(t, "round %u: not mapped", i);
			return;
		}
		EXPECT_EQ(t, rpt_cache(call.base), i % 2 ? RPT_UC : RPT_WC);
		rpt_in_context(RPT_SPINLOCK, call_unmap, &call);
	}
}

/* A task that undoes a mapping, slowly, and one that maps the same registers. */
struct slow_unmap {
	struct kprobe probe;
	struct task_struct *task;
	struct call old, new;
	bool inside, mapped;
};

#define SLOW_NS	(300 * NSEC_PER_MSEC)

/* The kernel is about to undo the mapping. Time for the other, not for ever. */
static int about_to_unmap(struct kprobe *probe, struct pt_regs *regs)
{
	struct slow_unmap *slow = container_of(probe, struct slow_unmap, probe);
	u64 until = ktime_get_mono_fast_ns() + SLOW_NS;

	if (current != slow->task)
		return 0;
	WRITE_ONCE(slow->inside, true);
	while (!READ_ONCE(slow->mapped) && ktime_get_mono_fast_ns() < until)
		cpu_relax();
	return 0;
}

static void unmap_or_map(void *arg)
{
	struct call *call = arg;
	struct slow_unmap *slow;

	if (call->base) {
		slow = container_of(call, struct slow_unmap, old);
		slow->task = current;
		call_unmap(call);
		WRITE_ONCE(slow->inside, true);
		return;
	}
	slow = container_of(call, struct slow_unmap, new);
	while (!READ_ONCE(slow->inside))
		cpu_relax();
	call_map(call);
	WRITE_ONCE(slow->mapped, true);
}

/* Nor do they keep the old type for who maps them while they are unmapped. */
static void another_type_meanwhile(struct rpt *t)
{
	struct slow_unmap slow = {
		.probe = {
			.symbol_name = "iounmap",
			.pre_handler = about_to_unmap,
		},
		.old.type = MmWriteCombined,
		.new.type = MmNonCached,
	};

	if (!IS_ENABLED(CONFIG_KPROBES))
		return rpt_skip(t, "this kernel has no kprobes");
	if (num_online_cpus() < 2)
		return rpt_skip(t, "needs two CPUs");
	call_map(&slow.old);
	if (!EXPECT(t, slow.old.base))
		return;
	if (EXPECT_EQ(t, register_kprobe(&slow.probe), 0)) {
		if (!EXPECT(t, rpt_at_once(unmap_or_map, &slow.old, &slow.new)))
			call_unmap(&slow.old);
		unregister_kprobe(&slow.probe);
	} else {
		call_unmap(&slow.old);
	}
	if (EXPECT(t, slow.new.base)) {
		EXPECT_EQ(t, rpt_cache(slow.new.base), RPT_UC);
		call_unmap(&slow.new);
	}
}

/* What the kernel's own drivers have mapped write-combined is not uncached then. */
static void anothers_type(struct rpt *t)
{
	struct call call = { .type = MmWriteCombined };
	void __iomem *other;

	/* This waits until what was unmapped in atomic context is gone. */
	call_map(&call);
	if (!EXPECT(t, call.base))
		return;
	call_unmap(&call);
	other = ioremap_wc(bar(), 4096);
	if (!EXPECT(t, other))
		return;
	EXPECT(t, !MmMapIoSpace(physical(bar()), 4096, MmNonCached));
	iounmap(other);
}

static const MEMORY_CACHING_TYPE types[] = {
	MmNonCached, MmCached, MmWriteCombined,
};

/* Pages that others have, be it only in part. */
static void memory_refused(struct rpt *t)
{
	char *page = (char *)__get_free_page(GFP_KERNEL);
	const u64 at[] = {
		rpt_phys(page), rpt_phys(page) + 4095, SZ_1M, rpt_phys(THIS_MODULE),
		rpt_phys(current),
	};
	unsigned int i, type;

	if (!EXPECT(t, page))
		return;
	for (i = 0; i < ARRAY_SIZE(at); i++)
		for (type = 0; type < ARRAY_SIZE(types); type++) {
			const struct rpt_violation *v;

			EXPECT(t, !MmMapIoSpace(physical(at[i]), 2, types[type]));
			v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION,
					     0x16);
			if (v)
				EXPECT_EQ(t, v->p[1], at[i]);
		}
	/* It begins where there is none. */
	EXPECT(t, !MmMapIoSpace(physical(SZ_1M - 8192), SZ_1M, MmNonCached));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	free_page((unsigned long)page);
}

static int find_end(struct resource *memory, void *arg)
{
	u64 end = memory->end + 1, *found = arg;

	if (!PAGE_ALIGNED(end))
		*found = end;
	return !!*found;
}

/* The page that memory ends in belongs to no driver, but what is behind is no memory. */
static void behind_memory(struct rpt *t)
{
	u64 end = 0;
	char *base;

	walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY,
			    0, U64_MAX, &end, find_end);
	if (!end)
		return rpt_skip(t, "all memory ends with a page");
	base = MmMapIoSpace(physical(end), 16, MmNonCached);
	if (EXPECT(t, base)) {
		EXPECT_EQ(t, rpt_phys(base), end);
		MmUnmapIoSpace(base, 16);
	}
	EXPECT(t, !MmMapIoSpace(physical(end - 1), 16, MmNonCached));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
}

static enum rpt_cache cache_of(MEMORY_CACHING_TYPE type)
{
	return type == MmCached ? RPT_WB : type == MmWriteCombined ? RPT_WC :
	       RPT_UC;
}

/* A driver's own contiguous block is mapped once more, with its type only. */
static void own_memory(struct rpt *t)
{
	MEMORY_CACHING_TYPE type = rpt_value(t), other = (type + 1) % 3;
	PHYSICAL_ADDRESS none = physical(0), first;
	char *block, *base;

	block = MmAllocateContiguousMemorySpecifyCache(SZ_64K, none, any, none,
						       type);
	if (!EXPECT(t, block))
		return;
	first = MmGetPhysicalAddress(block);
	EXPECT(t, !MmMapIoSpace(first, SZ_64K, other));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	EXPECT(t, !MmMapIoSpace(first, SZ_64K + 1, type));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	EXPECT(t, !MmMapIoSpace(physical(first.QuadPart - 1), 4096, type));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	first.QuadPart += 4096 + 16;
	base = MmMapIoSpace(first, 8192, type);
	if (EXPECT(t, base)) {
		EXPECT_EQ(t, rpt_cache(base), cache_of(type));
		EXPECT_EQ(t, rpt_phys(base), first.QuadPart);
		rpt_fill(base, 8192, 2);
		EXPECT(t, rpt_filled(block + 4096 + 16, 8192, 2));
		/* It stays, as somebody may write there. */
		MmFreeContiguousMemory(block);
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
		rpt_fill(block, SZ_64K, 4);
		EXPECT(t, rpt_filled(block, SZ_64K, 4));
		MmUnmapIoSpace(base, 8192);
	}
	MmFreeContiguousMemory(block);
}

struct undone {
	void *base;
	enum rpt_cache first, last;
};

static void call_undo(void *arg)
{
	struct undone *call = arg;

	MmUnmapIoSpace(call->base, SZ_64K);
	call->first = rpt_cache(call->base);
	call->last = rpt_cache(call->base + SZ_64K - 1);
}

/* What is unmapped may be freed next, be it that the address space waits. */
static void own_memory_unmapped(struct rpt *t)
{
	PHYSICAL_ADDRESS none = physical(0);
	unsigned int round;

	for (round = 0; round < 20 && !rpt_failed(t); round++) {
		struct undone call;
		void *block;

		block = MmAllocateContiguousMemorySpecifyCache(SZ_64K, none, any,
							       none, rpt_value(t));
		if (!EXPECT(t, block))
			return;
		call.base = MmMapIoSpace(MmGetPhysicalAddress(block), SZ_64K,
					 rpt_value(t));
		if (EXPECT(t, call.base)) {
			EXPECT_EQ(t, rpt_cache(call.base), cache_of(rpt_value(t)));
			rpt_in_context(RPT_SPINLOCK, call_undo, &call);
			EXPECT_EQ(t, call.first, RPT_UNMAPPED);
			EXPECT_EQ(t, call.last, RPT_UNMAPPED);
		}
		MmFreeContiguousMemory(block);
	}
}

static void no_such_address(struct rpt *t)
{
	static const struct {
		u64 at;
		size_t bytes;
	} none[] = {
		{ U64_MAX, 1 },
		{ U64_MAX - 4095, 4096 },
		{ 1ULL << 63, 4096 },
		{ 1ULL << 52, 4096 },
		{ 0xf0000000, SIZE_MAX },
		{ 0xf0000000, SIZE_MAX - 4095 },
		{ 0xf0000000, 1UL << 63 },
		{ 0xf0000000, 1UL << 60 },
	};
	struct rpt_row before, after;
	unsigned int i;

	rpt_family(t, "io_space", &before);
	for (i = 0; i < ARRAY_SIZE(none); i++)
		if (MmMapIoSpace(physical(none[i].at), none[i].bytes, MmNonCached))
			rpt_fail(t, "row %u was mapped", i);
	rpt_family(t, "io_space", &after);
	EXPECT_EQ(t, after.failures, before.failures + ARRAY_SIZE(none));
}

static void badly_unmapped(struct rpt *t)
{
	char *base = MmMapIoSpace(physical(bar() + 16), 8192, MmNonCached);
	char *block = MmAllocateContiguousMemory(8192, any);
	struct rpt_row before, after;
	unsigned int i;

	if (EXPECT(t, base && block)) {
		const struct {
			char *at;
			size_t bytes;
		} bad[] = {
			{ base, 8191 }, { base, 8193 }, { base, 0 },
			{ base, 12288 }, { base, SIZE_MAX },
			{ base + 1, 8192 }, { base - 16, 8192 },
			{ base + 4096, 8192 }, { base - 4096, 8192 },
			{ block, 8192 }, { (char *)&base, 8 }, { NULL, 8192 },
			{ (char *)U64_MAX, 1 }, { (char *)(1UL << 63), 4096 },
			{ (char *)MmMapIoSpace, 4096 },
		};

		rpt_family(t, "io_space", &before);
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			const struct rpt_violation *v;

			MmUnmapIoSpace(bad[i].at, bad[i].bytes);
			v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION,
					     0x16);
			if (v)
				EXPECT(t, rpt_shows(v->p[1], bad[i].at));
		}
		rpt_family(t, "io_space", &after);
		EXPECT_EQ(t, after.frees, before.frees);
		EXPECT_EQ(t, rpt_cache(base), RPT_UC);
		MmUnmapIoSpace(base, 8192);
		MmUnmapIoSpace(base, 8192);
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
		/* Nor is it memory to be freed. */
		base = MmMapIoSpace(physical(bar()), 8192, MmNonCached);
		if (EXPECT(t, base)) {
			MmFreeContiguousMemory(base);
			EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
			ExFreePool(base);
			EXPECT_VIOLATIONS(t, 1);
			ExFreePool(base + 16);
			EXPECT_VIOLATIONS(t, 1);
			MmFreeNonCachedMemory(base, 8192);
			EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION,
					 0x16);
			MmFreeMappingAddress(base, 'oIoI');
			EXPECT_VIOLATIONS(t, 1);
			EXPECT_EQ(t, rpt_cache(base), RPT_UC);
			MmUnmapIoSpace(base, 8192);
		}
	}
	if (block)
		MmFreeContiguousMemory(block);
}

static void badly_mapped(struct rpt *t)
{
	static const MEMORY_CACHING_TYPE reserved[] = {
		MmNotMapped, MmHardwareCoherentCached, MmUSWCCached, 1000,
	};
	unsigned int i;

	EXPECT(t, !MmMapIoSpace(physical(bar()), 0, MmNonCached));
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x00);
	EXPECT(t, !MmMapIoSpaceEx(physical(bar()), 0, RUST_POOL_PAGE_READWRITE));
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x00);
	for (i = 0; i < ARRAY_SIZE(reserved); i++) {
		EXPECT(t, !MmMapIoSpace(physical(bar()), 4096, reserved[i]));
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	}
}

static void mapped_in_context(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	struct call call = { &call, MmNonCached };

	rpt_in_context(context, call_map, &call);
	EXPECT(t, !call.base);
	if (rpt_irql(context) > 2) {
		const struct rpt_violation *v;

		v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
		if (v)
			EXPECT_EQ(t, v->p[1], rpt_irql(context));
	}
}

static void unmapped_in_context(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	struct call call = { .type = MmNonCached };
	unsigned int tries;

	call_map(&call);
	if (!EXPECT(t, call.base))
		return;
	rpt_in_context(context, call_unmap, &call);
	if (rpt_irql(context) > 2)
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x09);
	for (tries = 0; tries < RPT_TRIES; tries++) {
		if (rpt_cache(call.base) == RPT_UNMAPPED)
			break;
		rpt_settle(t);
	}
	EXPECT_EQ(t, rpt_cache(call.base), RPT_UNMAPPED);
}

static void refused_in_nmi(struct rpt *t)
{
	struct call call = { &call, MmNonCached };

	rpt_in_context(RPT_NMI, call_map, &call);
	EXPECT(t, !call.base);
	EXPECT_VIOLATIONS(t, 1);
	call_map(&call);
	if (!EXPECT(t, call.base))
		return;
	rpt_in_context(RPT_NMI, call_unmap, &call);
	EXPECT_VIOLATIONS(t, 1);
	EXPECT_EQ(t, read_at(call.base, EDU_ID), EDU_IS);
	call_unmap(&call);
}

static const struct rpt_arg of_memory[] = {
	{ "uc", MmNonCached },
	{ "wb", MmCached },
	{ "wc", MmWriteCombined },
	{ }
};

static const struct rpt_case cases[] = {
	{ "registers_work", registers_work },
	{ "any_byte", any_byte },
	{ "protection_kept", protection_kept, protections },
	{ "large_read_only", large_read_only },
	{ "protection_refused", protection_refused, bad_protections },
	{ "one_type", one_type },
	{ "one_type_of_two", one_type_of_two },
	{ "another_type_later", another_type_later },
	{ "another_type_meanwhile", another_type_meanwhile },
	{ "anothers_type", anothers_type },
	{ "memory_refused", memory_refused },
	{ "behind_memory", behind_memory },
	{ "own_memory", own_memory, of_memory },
	{ "own_memory_unmapped", own_memory_unmapped, of_memory },
	{ "no_such_address", no_such_address },
	{ "badly_mapped", badly_mapped },
	{ "badly_unmapped", badly_unmapped },
	{ "mapped_in_context", mapped_in_context, rpt_atomic_contexts },
	{ "unmapped_in_context", unmapped_in_context, rpt_contexts },
	{ "refused_in_nmi", refused_in_nmi },
};

static const struct rpt_suite io_suite = RPT_SUITE("io", cases);
static const struct rpt_suite *const suites[] = { &io_suite };
static void *key;

static bool leak;
module_param(leak, bool, 0);
MODULE_PARM_DESC(leak, "Leave registers mapped");

static noinline int leave_mapped(void)
{
	int ret = -ENODEV;

	edu = pci_get_device(0x1234, 0x11e8, NULL);
	if (edu && MmMapIoSpace(physical(bar()), 5000, MmNonCached))
		ret = 0;
	pci_dev_put(edu);
	return ret;
}

static int __init rpt_io_init(void)
{
	int ret;

	if (leak)
		return leave_mapped();
	ret = rpt_register_with_edu(suites, ARRAY_SIZE(suites), &key, &edu);
	if (ret || !edu)
		return ret;
	ret = pci_enable_device_mem(edu);
	if (ret)
		rpt_unregister_with_edu(key, edu);
	return ret;
}

static void __exit rpt_io_exit(void)
{
	if (!key)
		return;
	if (edu)
		pci_disable_device(edu);
	rpt_unregister_with_edu(key, edu);
}

module_init(rpt_io_init);
module_exit(rpt_io_exit);

MODULE_DESCRIPTION("rust_pool selftests: registers that are mapped");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
