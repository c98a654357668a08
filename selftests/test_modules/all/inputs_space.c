// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input to the routines that map registers, and that reserve address space and map
 * the pages of MDLs there.
 */
#include <linux/kernel.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include "inputs.h"

#define UP_TO_DISPATCH		(IN_TASK | AT_DISPATCH)
#define SYSTEM_PTE_MISUSE	0xda
#define TAG_SPACE		('SRtT')
#define PAGES_IN_SPACE		3

/* Reserved address space */

struct reservation {
	struct input in;
	size_t bytes;
	ULONG tag;
	bool given;
};

#define RESERVE(_what, _contexts, _bytes, _tag, _code, _p1, _given) { \
	.in = { "MmAllocateMappingAddress", _what, _contexts, _code, _p1 }, \
	.bytes = _bytes, .tag = _tag, .given = _given }
#define TOO_MUCH(_what, _bytes) \
	RESERVE(_what, IN_TASK, _bytes, TAG_SPACE, 0, 0, false)

static const struct reservation reservations[] = {
	RESERVE("1_byte", IN_TASK, 1, TAG_SPACE, 0, 0, true),
	RESERVE("1_byte", IN_ATOMIC | IN_NMI, 1, TAG_SPACE, 0xc2, 0x08, false),
	RESERVE("0_bytes", IN_TASK, 0, TAG_SPACE, SYSTEM_PTE_MISUSE, 0x100, false),
	RESERVE("tag_0", IN_TASK, 1, 0, 0xc2, 0x9b, false),
	TOO_MUCH("2^32+1", (1UL << 32) + 1),
	TOO_MUCH("2^48", 1UL << 48),
	TOO_MUCH("2^63", 1UL << 63),
	TOO_MUCH("2^64-4096", -4096UL),
	TOO_MUCH("2^64-1", SIZE_MAX),
};

struct reserving {
	const struct reservation *row;
	void *space;
};

static void do_reserve(void *arg)
{
	struct reserving *r = arg;

	r->space = MmAllocateMappingAddress(r->row->bytes, r->row->tag);
}

static void run_reservation(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct reservation *row = data;
	struct reserving r = { row };

	rpt_in_context(context, do_reserve, &r);
	input_judge(t, &row->in, context);
	if (EXPECT_EQ(t, !!r.space, row->given) && r.space)
		MmFreeMappingAddress(r.space, row->tag);
}

const struct input_table space_requests =
	INPUT_TABLE("MmAllocateMappingAddress", reservations, run_reservation);

enum space_routine { FREE_SPACE, MAP_IN_SPACE, UNMAP_IN_SPACE };

struct space_use {
	struct input in;
	enum space_routine routine;
	/* What the space has when the routine is called. */
	bool mapped, freed;
	/* That far into the space, or instead of it an address. */
	s64 offset;
	bool elsewhere;
	ULONG tag;
	/* Pages of the MDL; 0 stands for no MDL. */
	unsigned int pages;
	/* Not the MDL that is mapped. */
	bool other;
	s32 type;
	bool done;
};

#define SPACE(_routine, _what, _contexts, _code, _p1, ...) { \
	.in = { #_routine, _what, _contexts, _code, _p1 }, .routine = _routine, \
	.tag = TAG_SPACE, .pages = PAGES_IN_SPACE, .type = MmCached, __VA_ARGS__ }

static const struct space_use space_uses[] = {
	SPACE(FREE_SPACE, "right", IN_TASK, 0, 0, .done = true),
	SPACE(FREE_SPACE, "right", IN_ATOMIC, 0xc2, 0x09, .done = true),
	SPACE(FREE_SPACE, "right", IN_NMI, 0xc2, 0x09),
	SPACE(FREE_SPACE, "other_tag", IN_TASK, SYSTEM_PTE_MISUSE, 0x101, .tag = TAG_OTHER),
	SPACE(FREE_SPACE, "tag_0", IN_TASK, SYSTEM_PTE_MISUSE, 0x101, .tag = 0),
	SPACE(FREE_SPACE, "twice", IN_TASK, SYSTEM_PTE_MISUSE, 0x102, .freed = true),
	SPACE(FREE_SPACE, "a_page_further", IN_TASK, SYSTEM_PTE_MISUSE, 0x102,
	      .offset = 4096),
	SPACE(FREE_SPACE, "a_page_before", IN_TASK, SYSTEM_PTE_MISUSE, 0x102,
	      .offset = -4096),
	SPACE(FREE_SPACE, "NULL", IN_TASK, SYSTEM_PTE_MISUSE, 0x102, .elsewhere = true),
	SPACE(FREE_SPACE, "2^63", IN_TASK, SYSTEM_PTE_MISUSE, 0x102, .elsewhere = true,
	      .offset = S64_MIN),
	SPACE(FREE_SPACE, "minus_1", IN_TASK, SYSTEM_PTE_MISUSE, 0x102, .elsewhere = true,
	      .offset = -1),
	SPACE(FREE_SPACE, "mapped", IN_TASK, SYSTEM_PTE_MISUSE, 0x103, .mapped = true),

	SPACE(MAP_IN_SPACE, "right", IN_TASK, 0, 0, .done = true),
	SPACE(MAP_IN_SPACE, "right", ABOVE_DISPATCH | IN_NMI, 0xc4, 0x76),
	SPACE(MAP_IN_SPACE, "other_tag", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x104,
	      .tag = TAG_OTHER),
	SPACE(MAP_IN_SPACE, "a_page_further", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x105,
	      .offset = 4096),
	SPACE(MAP_IN_SPACE, "NULL", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x105,
	      .elsewhere = true),
	SPACE(MAP_IN_SPACE, "2^63", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x105,
	      .elsewhere = true, .offset = S64_MIN),
	SPACE(MAP_IN_SPACE, "freed", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x105,
	      .freed = true),
	SPACE(MAP_IN_SPACE, "mapped", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x107,
	      .mapped = true, .other = true),
	SPACE(MAP_IN_SPACE, "the_same_mapped", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x107,
	      .mapped = true),
	SPACE(MAP_IN_SPACE, "no_MDL", UP_TO_DISPATCH, 0xc4, 0x16, .pages = 0),
	/* More than there is room for is no violation. */
	SPACE(MAP_IN_SPACE, "a_page_more", UP_TO_DISPATCH, 0, 0,
	      .pages = PAGES_IN_SPACE + 1),
	SPACE(MAP_IN_SPACE, "noncached", UP_TO_DISPATCH, 0xc4, 0x16, .type = MmNonCached),
	SPACE(MAP_IN_SPACE, "type_3", UP_TO_DISPATCH, 0xc4, 0x16, .type = 3),
	SPACE(MAP_IN_SPACE, "type_minus_1", IN_TASK, 0xc4, 0x16, .type = -1),

	SPACE(UNMAP_IN_SPACE, "right", UP_TO_DISPATCH, 0, 0, .mapped = true, .done = true),
	SPACE(UNMAP_IN_SPACE, "right", ABOVE_DISPATCH, 0xc4, 0x79, .mapped = true,
	      .done = true),
	SPACE(UNMAP_IN_SPACE, "right", IN_NMI, 0xc4, 0x79, .mapped = true),
	SPACE(UNMAP_IN_SPACE, "other_tag", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x108,
	      .mapped = true, .tag = TAG_OTHER),
	SPACE(UNMAP_IN_SPACE, "a_page_further", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x109,
	      .mapped = true, .offset = 4096),
	SPACE(UNMAP_IN_SPACE, "NULL", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x109,
	      .mapped = true, .elsewhere = true),
	SPACE(UNMAP_IN_SPACE, "no_MDL", UP_TO_DISPATCH, 0xc4, 0x16, .mapped = true,
	      .pages = 0),
	SPACE(UNMAP_IN_SPACE, "not_mapped", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x10b),
	SPACE(UNMAP_IN_SPACE, "of_more", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x10a,
	      .mapped = true, .other = true, .pages = PAGES_IN_SPACE + 1),
	SPACE(UNMAP_IN_SPACE, "of_less", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x10c,
	      .mapped = true, .other = true, .pages = PAGES_IN_SPACE - 1),
	SPACE(UNMAP_IN_SPACE, "of_another", UP_TO_DISPATCH, SYSTEM_PTE_MISUSE, 0x06,
	      .mapped = true, .other = true),
};

struct using_space {
	const struct space_use *row;
	void *space, *at;
	PMDL mdl;
};

static void do_use_space(void *arg)
{
	struct using_space *u = arg;
	const struct space_use *row = u->row;

	switch (row->routine) {
	case FREE_SPACE:
		MmFreeMappingAddress(u->space, row->tag);
		break;
	case MAP_IN_SPACE:
		u->at = MmMapLockedPagesWithReservedMapping(u->space, row->tag, u->mdl,
							    row->type);
		break;
	case UNMAP_IN_SPACE:
		MmUnmapReservedMapping(u->space, row->tag, u->mdl);
		break;
	}
}

static PMDL pages(struct rpt *t, unsigned int count)
{
	const PHYSICAL_ADDRESS none = { }, highest = { .QuadPart = -1 };
	PMDL mdl = MmAllocatePagesForMdlEx(none, highest, none, count * PAGE_SIZE,
					   MmCached, MM_ALLOCATE_FULLY_REQUIRED);

	EXPECT(t, mdl);
	return mdl;
}

static void drop_pages(PMDL mdl)
{
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
}

static void run_space_use(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct space_use *row = data;
	struct using_space u = { .row = row };
	void *space = MmAllocateMappingAddress(PAGES_IN_SPACE * PAGE_SIZE, TAG_SPACE);
	bool mapped = row->mapped, freed = row->freed;
	PMDL inside = pages(t, PAGES_IN_SPACE);
	PMDL other = pages(t, row->pages ?: PAGES_IN_SPACE);

	if (!EXPECT(t, space && inside && other))
		return;
	if (mapped)
		EXPECT(t, MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, inside,
							      MmCached) == space);
	if (freed)
		MmFreeMappingAddress(space, TAG_SPACE);
	u.space = (void *)((row->elsewhere ? 0 : (unsigned long)space) + row->offset);
	u.mdl = !row->pages ? NULL : row->mapped && !row->other ? inside : other;
	rpt_in_context(context, do_use_space, &u);
	if (!input_judge(t, &row->in, context))
		return;
	EXPECT_EQ(t, !!u.at, row->routine == MAP_IN_SPACE && row->done);
	if (row->done && row->routine == FREE_SPACE)
		freed = true;
	if (row->done && row->routine == UNMAP_IN_SPACE)
		mapped = false;
	/* What is refused changes nothing. */
	if (!freed)
		EXPECT_EQ(t, rpt_cache(space) != RPT_UNMAPPED, mapped || u.at);
	if (u.at)
		MmUnmapReservedMapping(u.at, TAG_SPACE, u.mdl);
	if (mapped)
		MmUnmapReservedMapping(space, TAG_SPACE, inside);
	if (!freed)
		MmFreeMappingAddress(space, TAG_SPACE);
	drop_pages(inside);
	drop_pages(other);
}

const struct input_table space_frees =
	INPUT_TABLE("reserved", space_uses, run_space_use);

/* Registers */

enum place { REGISTERS, NOWHERE, BLOCK, FOREIGN };

struct mapping {
	struct input in;
	enum place place;
	/* From where on; for NOWHERE, where. */
	u64 offset;
	size_t bytes;
	s32 type;
	/* Or else a protection. */
	u32 protection;
	bool given;
};

#define MAP_IO(_what, _contexts, _place, _offset, _bytes, _type, _code, _p1, _given) { \
	.in = { "MmMapIoSpace", _what, _contexts, _code, _p1 }, .place = _place, \
	.offset = _offset, .bytes = _bytes, .type = _type, .given = _given }
#define MAP_IO_EX(_what, _contexts, _protection, _code, _p1, _given) { \
	.in = { "MmMapIoSpaceEx", _what, _contexts, _code, _p1 }, .place = REGISTERS, \
	.bytes = 4096, .protection = _protection, .given = _given }
#define NOTHING_THERE(_what, _at, _bytes) \
	MAP_IO(_what, IN_TASK, NOWHERE, _at, _bytes, MmNonCached, 0, 0, false)
#define NOT_TO_BE_MAPPED(_what, _place, _offset, _bytes, _type) \
	MAP_IO(_what, IN_TASK, _place, _offset, _bytes, _type, 0xc4, 0x16, false)

static const struct mapping mappings[] = {
	MAP_IO("right", IN_TASK, REGISTERS, 16, 5000, MmNonCached, 0, 0, true),
	MAP_IO("right", AT_DISPATCH, REGISTERS, 16, 5000, MmNonCached, 0, 0, false),
	MAP_IO("right", ABOVE_DISPATCH | IN_NMI, REGISTERS, 16, 5000, MmNonCached, 0xc2,
	       0x08, false),
	MAP_IO("0_bytes", IN_TASK, REGISTERS, 0, 0, MmNonCached, 0xc2, 0x00, false),
	NOT_TO_BE_MAPPED("type_3", REGISTERS, 0, 4096, 3),
	NOT_TO_BE_MAPPED("type_256", REGISTERS, 0, 4096, 256),
	NOT_TO_BE_MAPPED("type_65536", REGISTERS, 0, 4096, 65536),
	NOT_TO_BE_MAPPED("type_minus_1", REGISTERS, 0, 4096, -1),
	NOT_TO_BE_MAPPED("type_2^31-1", REGISTERS, 0, 4096, S32_MAX),
	NOTHING_THERE("the_last_byte", U64_MAX, 1),
	NOTHING_THERE("the_last_page", U64_MAX - 4095, 4096),
	NOTHING_THERE("behind_the_last_byte", U64_MAX, 2),
	NOTHING_THERE("at_2^63", 1ULL << 63, 4096),
	NOTHING_THERE("at_2^52", 1ULL << 52, 4096),
	NOTHING_THERE("2^64-1_bytes", 0xf0000000, SIZE_MAX),
	NOTHING_THERE("2^64-4096_bytes", 0xf0000000, -4096UL),
	NOTHING_THERE("2^63_bytes", 0xf0000000, 1UL << 63),
	NOTHING_THERE("2^60_bytes", 0xf0000000, 1UL << 60),
	MAP_IO("block", IN_TASK, BLOCK, 16, 5000, MmCached, 0, 0, true),
	NOT_TO_BE_MAPPED("block_noncached", BLOCK, 16, 5000, MmNonCached),
	NOT_TO_BE_MAPPED("a_byte_behind_block", BLOCK, 16, 8192 - 15, MmCached),
	NOT_TO_BE_MAPPED("a_byte_before_block", BLOCK, -1, 2, MmCached),
	NOT_TO_BE_MAPPED("2^36_bytes_from_block", BLOCK, 0, 1UL << 36, MmCached),
	NOT_TO_BE_MAPPED("others_memory", FOREIGN, 0, 1, MmCached),
	MAP_IO_EX("right", IN_TASK, RUST_POOL_PAGE_READWRITE | RUST_POOL_PAGE_NOCACHE, 0, 0,
		  true),
	MAP_IO_EX("right", ABOVE_DISPATCH | IN_NMI,
		  RUST_POOL_PAGE_READWRITE | RUST_POOL_PAGE_NOCACHE, 0xc2, 0x08, false),
	MAP_IO_EX("protection_0", IN_TASK, 0, 0xc4, 0x16, false),
	MAP_IO_EX("protection_6", IN_TASK, 6, 0xc4, 0x16, false),
	MAP_IO_EX("two_cache_types", IN_TASK, RUST_POOL_PAGE_READWRITE |
		  RUST_POOL_PAGE_NOCACHE | RUST_POOL_PAGE_WRITECOMBINE, 0xc4, 0x16, false),
	MAP_IO_EX("protection_65540", IN_TASK, 65536 | RUST_POOL_PAGE_READWRITE, 0xc4, 0x16,
		  false),
	MAP_IO_EX("protection_2^32-1", IN_TASK, U32_MAX, 0xc4, 0x16, false),
};

struct mapping_call {
	const struct mapping *row;
	PHYSICAL_ADDRESS at;
	void *base;
};

static void do_map_io(void *arg)
{
	struct mapping_call *c = arg;

	c->base = c->row->in.routine[strlen("MmMapIoSpace")] ?
		  MmMapIoSpaceEx(c->at, c->row->bytes, c->row->protection) :
		  MmMapIoSpace(c->at, c->row->bytes, c->row->type);
}

static void run_mapping(struct rpt *t, const void *data, enum rpt_context context)
{
	static const struct subject blocks[] = {
		[BLOCK] = { CONTIGUOUS, 8192 }, [FOREIGN] = { PAGES, 8192 },
	};
	const struct mapping *row = data;
	struct mapping_call c = { row };
	struct rpt_row before, after;
	struct thing thing;

	rpt_family(t, "io_space", &before);
	c.at.QuadPart = row->offset;
	if (row->place == REGISTERS) {
		c.at.QuadPart += pci_resource_start(edu, 0);
	} else if (row->place != NOWHERE) {
		if (!thing_make(t, &thing, &blocks[row->place]))
			return;
		c.at.QuadPart += rpt_phys(thing.base);
	}
	rpt_in_context(context, do_map_io, &c);
	if (!input_judge(t, &row->in, context))
		return;
	rpt_family(t, "io_space", &after);
	if (EXPECT_EQ(t, !!c.base, row->given) && c.base) {
		EXPECT_EQ(t, MmGetPhysicalAddress(c.base).QuadPart, c.at.QuadPart);
		MmUnmapIoSpace(c.base, row->bytes);
	} else if (!row->in.code) {
		EXPECT_EQ(t, after.failures, before.failures + 1);
	}
	if (row->place != REGISTERS && row->place != NOWHERE)
		thing_drop(t, &thing, false);
}

const struct input_table io_mappings =
	INPUT_TABLE("MmMapIoSpace", mappings, run_mapping);

struct unmapping {
	struct input in;
	bool twice, elsewhere;
	size_t bytes;
	struct subject subject;
	bool done;
};

#define MAPPED_BYTES	5000

#define UNMAP_IO(_what, _contexts, _code, _p1, ...) { \
	.in = { "MmUnmapIoSpace", _what, _contexts, _code, _p1 }, \
	.bytes = MAPPED_BYTES, __VA_ARGS__ }
#define MISFIT(_what, _contexts, _bytes, _offset) \
	UNMAP_IO(_what, _contexts, 0xc4, 0x16, .bytes = _bytes, \
		 .subject = { .offset = _offset })
#define NOT_MAPPED(_what, ...) \
	UNMAP_IO(_what, UP_TO_DISPATCH, 0xc4, 0x16, .elsewhere = true, \
		 .subject = { __VA_ARGS__ })

static const struct unmapping unmappings[] = {
	UNMAP_IO("right", UP_TO_DISPATCH, 0, 0, .done = true),
	UNMAP_IO("right", ABOVE_DISPATCH, 0xc2, 0x09, .done = true),
	UNMAP_IO("right", IN_NMI, 0xc2, 0x09),
	UNMAP_IO("twice", UP_TO_DISPATCH, 0xc4, 0x16, .twice = true),
	MISFIT("a_byte_less", UP_TO_DISPATCH, MAPPED_BYTES - 1, 0),
	MISFIT("a_byte_more", UP_TO_DISPATCH, MAPPED_BYTES + 1, 0),
	MISFIT("2^32_more", IN_TASK, MAPPED_BYTES + (1UL << 32), 0),
	MISFIT("0_bytes", IN_TASK, 0, 0),
	MISFIT("2^64-1_bytes", IN_TASK, SIZE_MAX, 0),
	MISFIT("a_byte_further", UP_TO_DISPATCH, MAPPED_BYTES, 1),
	MISFIT("a_byte_before", IN_TASK, MAPPED_BYTES, -1),
	MISFIT("a_page_further", IN_TASK, MAPPED_BYTES, 4096),
	MISFIT("a_page_before", IN_TASK, MAPPED_BYTES, -4096),
	NOT_MAPPED("NULL", ADDRESS),
	NOT_MAPPED("4096", ADDRESS, 0, 4096),
	NOT_MAPPED("2^63", ADDRESS, 0, S64_MIN),
	NOT_MAPPED("minus_1", ADDRESS, 0, -1),
	NOT_MAPPED("slab", SLAB, MAPPED_BYTES),
	NOT_MAPPED("vmalloc", VMALLOC, MAPPED_BYTES),
	NOT_MAPPED("stack", STACK),
	NOT_MAPPED("module_text", TEXT),
	NOT_MAPPED("device", DEVICE),
	NOT_MAPPED("pool", NONPAGED, MAPPED_BYTES),
	NOT_MAPPED("contiguous", CONTIGUOUS, MAPPED_BYTES),
	NOT_MAPPED("noncached", NONCACHED, MAPPED_BYTES),
};

struct unmapping_call {
	void *base;
	size_t bytes;
};

static void do_unmap_io(void *arg)
{
	const struct unmapping_call *c = arg;

	MmUnmapIoSpace(c->base, c->bytes);
}

static void run_unmapping(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct unmapping *row = data;
	PHYSICAL_ADDRESS at = { .QuadPart = pci_resource_start(edu, 0) + 16 };
	struct unmapping_call own = { .bytes = MAPPED_BYTES }, c = { .bytes = row->bytes };
	struct thing thing;

	own.base = MmMapIoSpace(at, own.bytes, MmNonCached);
	if (!EXPECT(t, own.base) || !thing_make(t, &thing, &row->subject))
		return;
	c.base = row->elsewhere ? thing_address(&thing) :
				  own.base + row->subject.offset;
	if (row->twice)
		do_unmap_io(&own);
	rpt_in_context(context, do_unmap_io, &c);
	if (!input_judge(t, &row->in, context))
		return;
	if (!row->twice && !row->done) {
		EXPECT_EQ(t, rpt_cache(own.base), RPT_UC);
		do_unmap_io(&own);
	}
	thing_drop(t, &thing, false);
}

const struct input_table io_unmappings =
	INPUT_TABLE("MmUnmapIoSpace", unmappings, run_unmapping);
