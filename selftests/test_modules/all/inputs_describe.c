// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input to the routines that build, lock and map MDLs: an MDL in each state that it
 * can be in, given to each routine.
 */
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "inputs.h"

#define UP_TO_DISPATCH		(IN_TASK | AT_DISPATCH)
#define SYSTEM_PTE_MISUSE	0xda
#define TARGET_MDL_TOO_SMALL	0x49
#define BYTES			8192

/* What the MDL is when the routine gets it. */
enum state {
	NO_MDL,
	/* Initialised for a block of nonpaged pool of two pages, or else for another buffer. */
	RAW,
	RAW_PAGED,
	RAW_USER,
	RAW_CONSTANT,
	/* Initialised, and written to since. */
	ODD_START,
	LONG_OFFSET,
	TOO_LONG,
	WRAPPED,
	NO_MEMORY,
	BUILT,
	LOCKED,
	/* Of the pages in another order, so they do not lie side by side. */
	LOCKED_APART,
	LOCKED_NOWHERE,
	/* The pages of a process. */
	LOCKED_USER,
	MAPPED_ONCE,
	MAPPED_APART,
	WITH_PAGES,
	/* The last page of another one, which is locked. */
	PART,
	PART_MAPPED,
};

enum routine { BUILD, LOCK, UNLOCK, MAP, MAP_AS, MAP_FOR_PROCESS, UNMAP, PROTECT, FREE };

struct use {
	struct input in;
	enum routine routine;
	enum state state;
	/* An operation, a cache type, a protection, how far from the mapping. */
	s64 value;
	u32 status;
	/* It is done all the same, so the MDL is another afterwards. */
	bool done;
};

#define USE(_routine, _what, _contexts, _state, _value, _code, _p1, _status, _done) { \
	.in = { #_routine, _what, _contexts, _code, _p1 }, \
	.routine = _routine, .state = _state, .value = _value, .status = _status, \
	.done = _done }
#define WORKS(_routine, _what, _contexts, _state, _value) \
	USE(_routine, _what, _contexts, _state, _value, 0, 0, 0, true)
/* Reported, and done. */
#define TOLD(_routine, _what, _contexts, _state, _value, _code, _p1) \
	USE(_routine, _what, _contexts, _state, _value, _code, _p1, 0, true)
#define REFUSED(_routine, _what, _contexts, _state, _value, _code, _p1) \
	USE(_routine, _what, _contexts, _state, _value, _code, _p1, 0, false)
#define FAILS(_routine, _what, _contexts, _state, _value, _code, _p1, _status) \
	USE(_routine, _what, _contexts, _state, _value, _code, _p1, _status, false)

#define MISUSED		0xc000000d
#define NO_ACCESS	0xc0000005

static const struct use uses[] = {
	WORKS(BUILD, "right", ANYWHERE | IN_NMI, RAW, 0),
	WORKS(BUILD, "built", EACH_IRQL, BUILT, 0),
	REFUSED(BUILD, "NULL", EACH_IRQL | IN_NMI, NO_MDL, 0, 0xc4, 0x16),
	TOLD(BUILD, "paged", EACH_IRQL, RAW_PAGED, 0, 0xc4, 0x7f),
	REFUSED(BUILD, "user_address", EACH_IRQL | IN_NMI, RAW_USER, 0, 0xc4, 0xe0),
	REFUSED(BUILD, "odd_start", EACH_IRQL, ODD_START, 0, 0xc4, 0x16),
	REFUSED(BUILD, "long_offset", EACH_IRQL, LONG_OFFSET, 0, 0xc4, 0x16),
	REFUSED(BUILD, "no_room_for_frames", EACH_IRQL | IN_NMI, TOO_LONG, 0, 0xc4, 0x16),
	REFUSED(BUILD, "wrapped", EACH_IRQL, WRAPPED, 0, 0xc4, 0x16),
	REFUSED(BUILD, "no_memory", EACH_IRQL, NO_MEMORY, 0, 0xc4, 0x16),
	REFUSED(BUILD, "locked", EACH_IRQL | IN_NMI, LOCKED, 0, 0xc4, 0x16),
	REFUSED(BUILD, "mapped", EACH_IRQL, MAPPED_ONCE, 0, 0xc4, 0x16),
	REFUSED(BUILD, "pages", EACH_IRQL, WITH_PAGES, 0, 0xc4, 0x16),
	REFUSED(BUILD, "part_mapped", EACH_IRQL, PART_MAPPED, 0, 0xc4, 0x16),

	WORKS(LOCK, "right", UP_TO_DISPATCH, RAW, IoWriteAccess),
	WORKS(LOCK, "paged", UP_TO_DISPATCH, RAW_PAGED, IoModifyAccess),
	WORKS(LOCK, "constant_to_read", UP_TO_DISPATCH, RAW_CONSTANT, IoReadAccess),
	WORKS(LOCK, "of_a_process", IN_TASK, RAW_USER, IoWriteAccess),
	FAILS(LOCK, "right", ABOVE_DISPATCH | IN_NMI, RAW, IoReadAccess, 0xc4, 0x70,
	      MISUSED),
	FAILS(LOCK, "of_a_process", IN_ATOMIC | IN_NMI, RAW_USER, IoReadAccess, 0xc4,
	      0x70, MISUSED),
	FAILS(LOCK, "NULL", EACH_IRQL | IN_NMI, NO_MDL, 0, 0xc4, 0x16, MISUSED),
	FAILS(LOCK, "constant", UP_TO_DISPATCH, RAW_CONSTANT, IoWriteAccess, 0, 0,
	      NO_ACCESS),
	FAILS(LOCK, "no_memory", UP_TO_DISPATCH, NO_MEMORY, IoReadAccess, 0, 0,
	      NO_ACCESS),
	FAILS(LOCK, "wrapped", UP_TO_DISPATCH, WRAPPED, IoReadAccess, 0, 0, NO_ACCESS),
	FAILS(LOCK, "odd_start", UP_TO_DISPATCH, ODD_START, 0, 0xc4, 0x16, MISUSED),
	FAILS(LOCK, "long_offset", UP_TO_DISPATCH, LONG_OFFSET, 0, 0xc4, 0x16, MISUSED),
	FAILS(LOCK, "no_room_for_frames", UP_TO_DISPATCH, TOO_LONG, 0, 0xc4, 0x16, MISUSED),
	FAILS(LOCK, "operation_3", UP_TO_DISPATCH, RAW, 3, 0xc4, 0x16, MISUSED),
	FAILS(LOCK, "operation_257", UP_TO_DISPATCH, RAW, 257, 0xc4, 0x16, MISUSED),
	FAILS(LOCK, "operation_2^32-1", IN_TASK, RAW, U32_MAX, 0xc4, 0x16, MISUSED),
	FAILS(LOCK, "locked", UP_TO_DISPATCH, LOCKED, 0, 0xc4, 0xb0, MISUSED),
	FAILS(LOCK, "mapped", UP_TO_DISPATCH, MAPPED_ONCE, 0, 0xc4, 0xb0, MISUSED),
	FAILS(LOCK, "built", UP_TO_DISPATCH, BUILT, 0, 0xc4, 0xb0, MISUSED),
	FAILS(LOCK, "part", UP_TO_DISPATCH, PART, 0, 0xc4, 0xb0, MISUSED),
	FAILS(LOCK, "locked_of_a_process", UP_TO_DISPATCH, LOCKED_USER, 0, 0xc4, 0xb0,
	      MISUSED),
	/* Their address is NULL, which is none of a process. */
	FAILS(LOCK, "pages", UP_TO_DISPATCH, WITH_PAGES, 0, 0xc4, 0xb0, MISUSED),
	FAILS(LOCK, "pages", ABOVE_DISPATCH | IN_NMI, WITH_PAGES, 0, 0xc4, 0x70, MISUSED),

	WORKS(UNLOCK, "right", UP_TO_DISPATCH, LOCKED, 0),
	WORKS(UNLOCK, "mapped", UP_TO_DISPATCH, MAPPED_ONCE, 0),
	WORKS(UNLOCK, "mapped_apart", UP_TO_DISPATCH, MAPPED_APART, 0),
	WORKS(UNLOCK, "of_a_process", UP_TO_DISPATCH, LOCKED_USER, 0),
	TOLD(UNLOCK, "right", ABOVE_DISPATCH, LOCKED, 0, 0xc4, 0x78),
	TOLD(UNLOCK, "of_a_process", ABOVE_DISPATCH, LOCKED_USER, 0, 0xc4, 0x78),
	REFUSED(UNLOCK, "right", IN_NMI, LOCKED, 0, 0xc4, 0x78),
	REFUSED(UNLOCK, "of_a_process", IN_NMI, LOCKED_USER, 0, 0xc4, 0x78),
	REFUSED(UNLOCK, "NULL", EACH_IRQL | IN_NMI, NO_MDL, 0, 0xc4, 0x16),
	REFUSED(UNLOCK, "raw", UP_TO_DISPATCH, RAW, 0, 0xc4, 0x7c),
	REFUSED(UNLOCK, "pages", UP_TO_DISPATCH, WITH_PAGES, 0, 0xc4, 0x7c),
	REFUSED(UNLOCK, "built", UP_TO_DISPATCH, BUILT, 0, 0xc4, 0x7d),
	REFUSED(UNLOCK, "part", UP_TO_DISPATCH, PART, 0, 0xc4, 0xb4),

	WORKS(MAP, "right", UP_TO_DISPATCH, LOCKED, 0),
	WORKS(MAP, "part", IN_TASK, PART, 0),
	REFUSED(MAP, "part", AT_DISPATCH, PART, 0, 0, 0),
	WORKS(MAP, "apart", IN_TASK, LOCKED_APART, 0),
	WORKS(MAP, "pages", IN_TASK, WITH_PAGES, 0),
	REFUSED(MAP, "apart", AT_DISPATCH, LOCKED_APART, 0, 0, 0),
	REFUSED(MAP, "right", ABOVE_DISPATCH | IN_NMI, LOCKED, 0, 0xc4, 0x76),
	REFUSED(MAP, "NULL", EACH_IRQL | IN_NMI, NO_MDL, 0, 0xc4, 0x16),
	REFUSED(MAP, "raw", UP_TO_DISPATCH, RAW, 0, 0xc4, 0xb3),
	REFUSED(MAP, "built", UP_TO_DISPATCH, BUILT, 0, 0xc4, 0xb2),
	REFUSED(MAP, "mapped", UP_TO_DISPATCH, MAPPED_ONCE, 0, 0xc4, 0xb2),
	REFUSED(MAP, "part_mapped", UP_TO_DISPATCH, PART_MAPPED, 0, 0xc4, 0xb2),
	REFUSED(MAP, "frame_2^40", UP_TO_DISPATCH, LOCKED_NOWHERE, 0, 0xc4, 0x89),

	WORKS(MAP_AS, "cached", UP_TO_DISPATCH, LOCKED, MmCached),
	REFUSED(MAP_AS, "noncached", UP_TO_DISPATCH, LOCKED, MmNonCached, 0xc4, 0x16),
	REFUSED(MAP_AS, "write_combined", UP_TO_DISPATCH, LOCKED_APART, MmWriteCombined,
		0xc4, 0x16),
	REFUSED(MAP_AS, "type_3", UP_TO_DISPATCH, LOCKED, 3, 0xc4, 0x16),
	REFUSED(MAP_AS, "type_257", UP_TO_DISPATCH, LOCKED, 257, 0xc4, 0x16),
	REFUSED(MAP_AS, "type_65537", IN_TASK, LOCKED, 65537, 0xc4, 0x16),
	REFUSED(MAP_AS, "type_minus_1", IN_TASK, LOCKED, -1, 0xc4, 0x16),
	REFUSED(MAP_AS, "type_2^31-1", IN_TASK, LOCKED, S32_MAX, 0xc4, 0x16),

	WORKS(MAP_FOR_PROCESS, "right", IN_TASK, LOCKED, 0),
	WORKS(MAP_FOR_PROCESS, "built", IN_TASK, BUILT, 0),
	REFUSED(MAP_FOR_PROCESS, "right", IN_ATOMIC | IN_NMI, LOCKED, 0, 0xc4, 0x77),
	REFUSED(MAP_FOR_PROCESS, "NULL", EACH_IRQL | IN_NMI, NO_MDL, 0, 0xc4, 0x16),
	REFUSED(MAP_FOR_PROCESS, "raw", IN_TASK, RAW, 0, 0xc4, 0xb3),
	REFUSED(MAP_FOR_PROCESS, "frame_2^40", IN_TASK, LOCKED_NOWHERE, 0, 0xc4, 0x89),

	WORKS(UNMAP, "right", UP_TO_DISPATCH, MAPPED_ONCE, 0),
	WORKS(UNMAP, "apart", UP_TO_DISPATCH, MAPPED_APART, 0),
	WORKS(UNMAP, "part_mapped", UP_TO_DISPATCH, PART_MAPPED, 0),
	TOLD(UNMAP, "right", ABOVE_DISPATCH, MAPPED_ONCE, 0, 0xc4, 0x79),
	TOLD(UNMAP, "apart", ABOVE_DISPATCH, MAPPED_APART, 0, 0xc4, 0x79),
	REFUSED(UNMAP, "apart", IN_NMI, MAPPED_APART, 0, 0xc4, 0x79),
	REFUSED(UNMAP, "NULL", EACH_IRQL | IN_NMI, NO_MDL, 0, 0xc4, 0x16),
	REFUSED(UNMAP, "a_page_further", UP_TO_DISPATCH, MAPPED_ONCE, 4096, SYSTEM_PTE_MISUSE,
		0x03),
	REFUSED(UNMAP, "apart_a_page_further", UP_TO_DISPATCH, MAPPED_APART, 4096,
		SYSTEM_PTE_MISUSE, 0x03),
	REFUSED(UNMAP, "apart_a_byte_further", UP_TO_DISPATCH, MAPPED_APART, 1,
		SYSTEM_PTE_MISUSE, 0x03),
	REFUSED(UNMAP, "apart_2^40_further", UP_TO_DISPATCH, MAPPED_APART, 1L << 40,
		SYSTEM_PTE_MISUSE, 0x03),
	REFUSED(UNMAP, "raw", UP_TO_DISPATCH, RAW, 0, SYSTEM_PTE_MISUSE, 0x06),
	REFUSED(UNMAP, "built", UP_TO_DISPATCH, BUILT, 0, SYSTEM_PTE_MISUSE, 0x06),
	REFUSED(UNMAP, "locked", UP_TO_DISPATCH, LOCKED, 0, SYSTEM_PTE_MISUSE, 0x06),
	REFUSED(UNMAP, "part", UP_TO_DISPATCH, PART, 0, SYSTEM_PTE_MISUSE, 0x06),

	WORKS(PROTECT, "readonly", UP_TO_DISPATCH, MAPPED_APART, RUST_POOL_PAGE_READONLY),
	WORKS(PROTECT, "no_access", UP_TO_DISPATCH, MAPPED_APART, RUST_POOL_PAGE_NOACCESS),
	WORKS(PROTECT, "direct_readwrite", UP_TO_DISPATCH, MAPPED_ONCE,
	      RUST_POOL_PAGE_READWRITE),
	FAILS(PROTECT, "direct_readonly", UP_TO_DISPATCH, MAPPED_ONCE, RUST_POOL_PAGE_READONLY,
	      0, 0, STATUS_NOT_SUPPORTED),
	FAILS(PROTECT, "readonly", ABOVE_DISPATCH | IN_NMI, MAPPED_APART,
	      RUST_POOL_PAGE_READONLY, 0xc4, 0x76, MISUSED),
	FAILS(PROTECT, "NULL", EACH_IRQL | IN_NMI, NO_MDL, RUST_POOL_PAGE_READONLY, 0xc4,
	      0x16, MISUSED),
	FAILS(PROTECT, "protection_0", UP_TO_DISPATCH, MAPPED_APART, 0, 0, 0,
	      STATUS_INVALID_PAGE_PROTECTION),
	FAILS(PROTECT, "protection_6", UP_TO_DISPATCH, MAPPED_APART, 6, 0, 0,
	      STATUS_INVALID_PAGE_PROTECTION),
	FAILS(PROTECT, "protection_258", UP_TO_DISPATCH, MAPPED_APART, 258, 0, 0,
	      STATUS_INVALID_PAGE_PROTECTION),
	FAILS(PROTECT, "protection_65538", IN_TASK, MAPPED_APART, 65538, 0, 0,
	      STATUS_INVALID_PAGE_PROTECTION),
	FAILS(PROTECT, "protection_2^32-1", IN_TASK, MAPPED_APART, U32_MAX, 0, 0,
	      STATUS_INVALID_PAGE_PROTECTION),
	FAILS(PROTECT, "raw", UP_TO_DISPATCH, RAW, RUST_POOL_PAGE_READONLY, 0, 0,
	      STATUS_NOT_MAPPED_VIEW),
	FAILS(PROTECT, "locked", UP_TO_DISPATCH, LOCKED, RUST_POOL_PAGE_READONLY, 0, 0,
	      STATUS_NOT_MAPPED_VIEW),
	FAILS(PROTECT, "built", UP_TO_DISPATCH, BUILT, RUST_POOL_PAGE_READONLY, 0, 0,
	      STATUS_NOT_MAPPED_VIEW),

	WORKS(FREE, "raw", ANYWHERE, RAW, 0),
	WORKS(FREE, "built", ANYWHERE, BUILT, 0),
	WORKS(FREE, "part", ANYWHERE, PART, 0),
	WORKS(FREE, "part_mapped", UP_TO_DISPATCH, PART_MAPPED, 0),
	TOLD(FREE, "part_mapped", ABOVE_DISPATCH, PART_MAPPED, 0, 0xc4, 0x79),
	REFUSED(FREE, "raw", IN_NMI, RAW, 0, 0xc2, 0x09),
	REFUSED(FREE, "locked", ANYWHERE, LOCKED, 0, 0xc4, 0xb8),
	REFUSED(FREE, "of_a_process", EACH_IRQL, LOCKED_USER, 0, 0xc4, 0xb8),
	REFUSED(FREE, "mapped", EACH_IRQL, MAPPED_ONCE, 0, 0xc4, 0xb8),
	REFUSED(FREE, "mapped_apart", EACH_IRQL, MAPPED_APART, 0, 0xc4, 0xb8),
	REFUSED(FREE, "pages", EACH_IRQL, WITH_PAGES, 0, 0xc4, 0xb8),
};

/* An MDL, and what it is of. */
struct described {
	struct thing thing;
	void __user *user;
	PMDL whole, mdl;
	PFN_NUMBER frame;
};

static const u64 constant[2] = { 1, 2 };

static void *buffer_of(const struct described *d, enum state state)
{
	switch (state) {
	case RAW_USER:
	case LOCKED_USER:
		return (__force void *)d->user;
	case RAW_CONSTANT:
		return (void *)constant;
	case NO_MEMORY:
		/* The page behind vmalloc's is none. */
		return d->thing.base + BYTES;
	default:
		return d->thing.base;
	}
}

static const struct subject *memory_of(enum state state)
{
	static const struct subject nonpaged = { NONPAGED, BYTES };
	static const struct subject paged = { PAGED, BYTES };
	static const struct subject guarded = { VMALLOC, BYTES };

	return state == RAW_PAGED ? &paged : state == NO_MEMORY ? &guarded : &nonpaged;
}

static bool bring(struct rpt *t, struct described *d, enum state state)
{
	PMDL mdl = d->mdl;

	switch (state) {
	case ODD_START:
		mdl->StartVa += 16;
		return true;
	case LONG_OFFSET:
		mdl->ByteOffset = PAGE_SIZE;
		return true;
	case TOO_LONG:
		mdl->ByteCount = BYTES + 1;
		return true;
	case WRAPPED:
		mdl->StartVa = (void *)-4096UL;
		return true;
	case BUILT:
		MmBuildMdlForNonPagedPool(mdl);
		return true;
	case LOCKED:
	case LOCKED_APART:
	case LOCKED_NOWHERE:
	case LOCKED_USER:
	case MAPPED_ONCE:
	case MAPPED_APART:
		if (!EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoReadAccess), 0))
			return false;
		d->frame = MmGetMdlPfnArray(mdl)[0];
		if (state == LOCKED_APART || state == MAPPED_APART)
			swap(MmGetMdlPfnArray(mdl)[0], MmGetMdlPfnArray(mdl)[1]);
		if (state == LOCKED_NOWHERE)
			MmGetMdlPfnArray(mdl)[0] = 1UL << 40;
		return (state != MAPPED_ONCE && state != MAPPED_APART) ||
		       EXPECT(t, MmMapLockedPages(mdl, KernelMode));
	case PART:
	case PART_MAPPED:
		if (!EXPECT_EQ(t, MmProbeAndLockPages(d->whole, KernelMode, IoReadAccess), 0))
			return false;
		swap(MmGetMdlPfnArray(d->whole)[0], MmGetMdlPfnArray(d->whole)[1]);
		IoBuildPartialMdl(d->whole, mdl, d->thing.base + 100, 4096);
		return state == PART ||
		       EXPECT(t, MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority));
	default:
		return true;
	}
}

static bool describe(struct rpt *t, struct described *d, enum state state)
{
	const PHYSICAL_ADDRESS none = { }, highest = { .QuadPart = -1 };
	void *buffer;

	memset(d, 0, sizeof(*d));
	if (!thing_make(t, &d->thing, memory_of(state)))
		return false;
	if (state == NO_MDL)
		return true;
	d->user = rpt_user_map(BYTES);
	if (!EXPECT(t, d->user))
		return false;
	buffer = buffer_of(d, state);
	if (state == WITH_PAGES)
		d->mdl = MmAllocatePagesForMdlEx(none, highest, none, BYTES, MmCached,
						 MM_ALLOCATE_FULLY_REQUIRED);
	else
		d->mdl = IoAllocateMdl(buffer, state == RAW_CONSTANT ? sizeof(constant) :
							   state == NO_MEMORY ? 4096 : BYTES,
				       FALSE, FALSE, NULL);
	d->whole = IoAllocateMdl(buffer, BYTES, FALSE, FALSE, NULL);
	return EXPECT(t, d->mdl && d->whole) && bring(t, d, state);
}

/* Undoes what is still to be undone. */
static void undo(struct described *d, const struct use *row, void *view, bool freed)
{
	PMDL mdl = d->mdl;

	if (view)
		MmUnmapLockedPages(view, mdl);
	if (mdl && !freed) {
		if (row->state == LOCKED_NOWHERE)
			MmGetMdlPfnArray(mdl)[0] = d->frame;
		MmPrepareMdlForReuse(mdl);
		if (row->state == WITH_PAGES) {
			if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
				MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
			MmFreePagesFromMdl(mdl);
		} else if (!(mdl->MdlFlags & (MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL)) &&
			   mdl->MdlFlags & MDL_PAGES_LOCKED) {
			MmUnlockPages(mdl);
		}
		IoFreeMdl(mdl);
	}
	if (d->whole && d->whole->MdlFlags & MDL_PAGES_LOCKED)
		MmUnlockPages(d->whole);
	if (d->whole)
		IoFreeMdl(d->whole);
	if (d->user)
		rpt_user_unmap(d->user, BYTES);
}

struct using {
	const struct use *row;
	PMDL mdl;
	void *at;
	u32 status;
};

static void do_use(void *arg)
{
	struct using *u = arg;
	s64 value = u->row->value;

	switch (u->row->routine) {
	case BUILD:
		MmBuildMdlForNonPagedPool(u->mdl);
		break;
	case LOCK:
		u->status = MmProbeAndLockPages(u->mdl, KernelMode, value);
		break;
	case UNLOCK:
		MmUnlockPages(u->mdl);
		break;
	case MAP:
		u->at = MmMapLockedPages(u->mdl, KernelMode);
		break;
	case MAP_AS:
		u->at = MmMapLockedPagesSpecifyCache(u->mdl, KernelMode, value, NULL,
						     FALSE, NormalPagePriority);
		break;
	case MAP_FOR_PROCESS:
		u->at = MmMapLockedPagesSpecifyCache(u->mdl, UserMode, MmCached, NULL,
						     FALSE, NormalPagePriority);
		break;
	case UNMAP:
		MmUnmapLockedPages(u->mdl ? u->mdl->MappedSystemVa + value : NULL, u->mdl);
		break;
	case PROTECT:
		u->status = MmProtectMdlSystemAddress(u->mdl, value);
		break;
	case FREE:
		IoFreeMdl(u->mdl);
		break;
	}
}

static bool maps(enum routine routine)
{
	return routine == MAP || routine == MAP_AS || routine == MAP_FOR_PROCESS;
}

static void run_use(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct use *row = data;
	bool freed = row->routine == FREE && row->done;
	struct using u = { .row = row };
	struct described d;
	MDL before = { };

	if (!describe(t, &d, row->state))
		return;
	u.mdl = d.mdl;
	if (d.mdl)
		before = *d.mdl;
	rpt_in_context(context, do_use, &u);
	if (!input_judge(t, &row->in, context))
		return;
	EXPECT_EQ(t, u.status, row->status);
	EXPECT_EQ(t, !!u.at, maps(row->routine) && row->done);
	/* What is refused changes nothing. */
	if (d.mdl && !row->done)
		EXPECT(t, !memcmp(d.mdl, &before, sizeof(before)));
	if (d.mdl && row->routine == UNLOCK && row->done)
		EXPECT_EQ(t, d.mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA),
			  0);
	undo(&d, row, row->routine == MAP_FOR_PROCESS ? u.at : NULL, freed);
	thing_drop(t, &d.thing, false);
}

const struct input_table mdl_uses = INPUT_TABLE("MDL", uses, run_use);

/* Parts */

enum source { SOURCE_BUILT, SOURCE_LOCKED, SOURCE_RAW, SOURCE_NULL };
enum target { TARGET_FITS, TARGET_SMALL, TARGET_MAPPED, TARGET_LOCKED, TARGET_NULL };

struct parting {
	struct input in;
	enum source source;
	enum target target;
	s64 offset;
	ULONG length;
};

#define PARTING(_what, _contexts, _source, _target, _offset, _length, _code, _p1) { \
	.in = { "IoBuildPartialMdl", _what, _contexts, _code, _p1 }, \
	.source = _source, .target = _target, .offset = _offset, .length = _length }
#define SPLITS(_what, _offset, _length) \
	PARTING(_what, EACH_IRQL, SOURCE_BUILT, TARGET_FITS, _offset, _length, 0, 0)
#define OUTSIDE(_what, _offset, _length) \
	PARTING(_what, EACH_IRQL, SOURCE_LOCKED, TARGET_FITS, _offset, _length, 0xc4, 0x16)

static const struct parting partings[] = {
	PARTING("right", ANYWHERE | IN_NMI, SOURCE_LOCKED, TARGET_FITS, 1, 0, 0, 0),
	SPLITS("all", 0, 0),
	SPLITS("last_byte", BYTES - 1, 1),
	SPLITS("nothing", BYTES, 0),
	OUTSIDE("before", -1, 1),
	OUTSIDE("far_before", S64_MIN, 1),
	OUTSIDE("behind", BYTES, 1),
	OUTSIDE("far_behind", BYTES + 1, 0),
	OUTSIDE("a_byte_more", 0, BYTES + 1),
	OUTSIDE("2^32-1_bytes", 1, U32_MAX),
	PARTING("of_NULL", EACH_IRQL | IN_NMI, SOURCE_NULL, TARGET_FITS, 0, 1, 0xc4, 0x16),
	PARTING("into_NULL", EACH_IRQL | IN_NMI, SOURCE_LOCKED, TARGET_NULL, 0, 1, 0xc4,
		0x16),
	PARTING("of_raw", EACH_IRQL, SOURCE_RAW, TARGET_FITS, 0, 1, 0xc4, 0x140),
	PARTING("into_mapped", EACH_IRQL, SOURCE_LOCKED, TARGET_MAPPED, 0, 1, 0xc4, 0xb8),
	PARTING("into_locked", EACH_IRQL, SOURCE_BUILT, TARGET_LOCKED, 0, 1, 0xc4, 0xb8),
	PARTING("into_small", EACH_IRQL, SOURCE_LOCKED, TARGET_SMALL, 0, BYTES,
		TARGET_MDL_TOO_SMALL, 0),
};

struct splitting {
	const struct parting *row;
	PMDL source, target;
	char *at;
};

static void do_part(void *arg)
{
	struct splitting *s = arg;

	IoBuildPartialMdl(s->source, s->target, s->at, s->row->length);
}

static void run_parting(struct rpt *t, const void *data, enum rpt_context context)
{
	static const struct subject block = { NONPAGED, BYTES };
	const struct parting *row = data;
	struct splitting s = { .row = row };
	struct input in = row->in;
	struct thing thing;
	MDL before = { };
	PMDL source, target;

	if (!thing_make(t, &thing, &block))
		return;
	source = IoAllocateMdl(thing.base, BYTES, FALSE, FALSE, NULL);
	target = IoAllocateMdl(thing.base, row->target == TARGET_SMALL ? 1 : BYTES, FALSE,
			       FALSE, NULL);
	if (!EXPECT(t, source && target))
		return;
	if (row->source == SOURCE_BUILT)
		MmBuildMdlForNonPagedPool(source);
	else if (row->source == SOURCE_LOCKED)
		EXPECT_EQ(t, MmProbeAndLockPages(source, KernelMode, IoReadAccess), 0);
	if (row->target == TARGET_MAPPED || row->target == TARGET_LOCKED)
		EXPECT_EQ(t, MmProbeAndLockPages(target, KernelMode, IoReadAccess), 0);
	if (row->target == TARGET_MAPPED)
		EXPECT(t, MmMapLockedPages(target, KernelMode));
	s.source = row->source == SOURCE_NULL ? NULL : source;
	s.target = row->target == TARGET_NULL ? NULL : target;
	s.at = (char *)((unsigned long)thing.base + row->offset);
	before = *target;
	/* It is the source that this report begins with. */
	if (in.code == TARGET_MDL_TOO_SMALL)
		in.p1 = (unsigned long)source;
	rpt_in_context(context, do_part, &s);
	if (!input_judge(t, &in, context))
		return;
	if (in.code) {
		EXPECT(t, !memcmp(target, &before, sizeof(before)));
	} else {
		EXPECT_EQ(t, MmGetMdlByteCount(target),
			  row->length ?: BYTES - row->offset);
		EXPECT(t, MmGetMdlVirtualAddress(target) == s.at);
	}
	if (target->MdlFlags & MDL_PAGES_LOCKED)
		MmUnlockPages(target);
	if (source->MdlFlags & MDL_PAGES_LOCKED)
		MmUnlockPages(source);
	IoFreeMdl(target);
	IoFreeMdl(source);
	thing_drop(t, &thing, false);
}

const struct input_table mdl_parts =
	INPUT_TABLE("IoBuildPartialMdl", partings, run_parting);

/* MDLs that are asked for */

struct request {
	struct input in;
	ULONG bytes;
	bool given;
};

#define MDL_FOR(_what, _contexts, _bytes, _code, _p1, _given) { \
	.in = { "IoAllocateMdl", _what, _contexts, _code, _p1 }, \
	.bytes = _bytes, .given = _given }

static const struct request requests[] = {
	MDL_FOR("5000_bytes", ANYWHERE, 5000, 0, 0, true),
	MDL_FOR("0_bytes", EACH_IRQL, 0, 0, 0, true),
	MDL_FOR("2G-4096", IN_TASK, 0x7ffff000, 0, 0, true),
	MDL_FOR("2G-4095", EACH_IRQL, 0x7ffff001, 0, 0, false),
	MDL_FOR("2^32-1", EACH_IRQL, U32_MAX, 0, 0, false),
	MDL_FOR("5000_bytes", IN_NMI, 5000, 0xc2, 0x08, false),
};

struct requesting {
	const struct request *row;
	PMDL mdl;
};

static void do_request(void *arg)
{
	struct requesting *r = arg;

	r->mdl = IoAllocateMdl((void *)0x123, r->row->bytes, FALSE, FALSE, NULL);
}

static void run_request(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct request *row = data;
	struct requesting r = { row };

	rpt_in_context(context, do_request, &r);
	input_judge(t, &row->in, context);
	EXPECT_EQ(t, !!r.mdl, row->given);
	if (!r.mdl)
		return;
	EXPECT_EQ(t, MmGetMdlByteCount(r.mdl), row->bytes);
	EXPECT_EQ(t, MmGetMdlByteOffset(r.mdl), 0x123);
	IoFreeMdl(r.mdl);
}

const struct input_table mdl_requests =
	INPUT_TABLE("IoAllocateMdl", requests, run_request);
