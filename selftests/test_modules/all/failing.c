// SPDX-License-Identifier: GPL-2.0
/*
 * Each routine of the C API, with each of its allocations failed. Whether it is
 * met all the same or refused: nothing is left behind, and each is counted as
 * what it was.
 */
#include <linux/dma-mapping.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "edu.h"
#include "rpt.h"

#define TAG	('FtsT')

static struct pci_dev *edu;

/* The routine that is called, of several that allocate the same. */
enum routine {
	USUAL,
	/* Of pool. */
	PRIORITY,
	POOL2,
	POOL3,
	/* Of contiguous memory. */
	CACHE_NODE,
	NODE_MEMORY,
	/* Of common buffers. */
	BUFFER_EX,
	BUFFER_WITH_BOUNDS,
};

struct request {
	enum routine by;
	size_t bytes;
	POOL_TYPE type;
	POOL_FLAGS flags;
	ULONG tag;
	enum rpt_context context;
	MEMORY_CACHING_TYPE cache;
	u64 lowest, highest, boundary;
	DMA_ADAPTER *adapter;
	/* A device that takes lists. */
	BOOLEAN lists;
	BOOLEAN cached;
	PHYSICAL_ADDRESS logical;
	void *base;
};

/* Sweeps, and compares with what the family has counted. */
static void counted(struct rpt *t, const char *family, struct rpt_sweep *s)
{
	struct rpt_row before, after;

	if (family)
		rpt_family(t, family, &before);
	else
		rpt_tag_totals(t, &before);
	rpt_sweep(t, s);
	rpt_settle(t);
	if (family)
		rpt_family(t, family, &after);
	else
		rpt_tag_totals(t, &after);
	EXPECT_EQ(t, after.allocs - before.allocs, s->met);
	EXPECT_EQ(t, after.frees - before.frees, s->met);
	EXPECT_EQ(t, after.failures - before.failures, s->refused);
}

static void pool_allocate_here(void *arg)
{
	const POOL_EXTENDED_PARAMETER normal = {
		.Type = PoolExtendedParameterPriority, .Priority = NormalPoolPriority,
	};
	struct request *r = arg;

	switch (r->by) {
	case PRIORITY:
		r->base = ExAllocatePoolWithTagPriority(r->type, r->bytes, r->tag,
							NormalPoolPriority);
		break;
	case POOL2:
		r->base = ExAllocatePool2(r->flags, r->bytes, r->tag);
		break;
	case POOL3:
		r->base = ExAllocatePool3(r->flags, r->bytes, r->tag, &normal, 1);
		break;
	default:
		r->base = ExAllocatePoolWithTag(r->type, r->bytes, r->tag);
	}
}

static void pool_free_here(void *arg)
{
	struct request *r = arg;

	ExFreePoolWithTag(r->base, r->tag);
}

static bool pool_allocate(void *arg)
{
	struct request *r = arg;

	rpt_in_context(r->context, pool_allocate_here, r);
	if (r->base)
		rpt_fill(r->base, r->bytes, r->bytes);
	return r->base;
}

static void pool_free(void *arg)
{
	struct request *r = arg;

	rpt_in_context(r->context, pool_free_here, r);
}

static void pool_by(struct rpt *t, struct request r)
{
	struct rpt_sweep s = {
		.call = pool_allocate, .undo = pool_free, .arg = &r,
	};

	r.bytes = rpt_value(t);
	r.tag = TAG;
	counted(t, NULL, &s);
}

static void pool(struct rpt *t, POOL_TYPE type, enum rpt_context context)
{
	pool_by(t, (struct request){ .type = type, .context = context });
}

static void nonpaged(struct rpt *t)
{
	pool(t, NonPagedPoolNx, RPT_TASK);
}

static void nonpaged_preempt_off(struct rpt *t)
{
	pool(t, NonPagedPoolNx, RPT_PREEMPT_OFF);
}

static void nonpaged_irqs_off(struct rpt *t)
{
	pool(t, NonPagedPoolNx, RPT_IRQS_OFF);
}

static void paged(struct rpt *t)
{
	pool(t, PagedPool, RPT_TASK);
}

static void cache_aligned(struct rpt *t)
{
	pool(t, NonPagedPoolNxCacheAligned, RPT_TASK);
}

static void raising(struct rpt *t)
{
	pool(t, PagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE, RPT_TASK);
}

static void priority(struct rpt *t)
{
	pool_by(t, (struct request){ .by = PRIORITY, .type = NonPagedPoolNx });
}

static void pool2(struct rpt *t)
{
	pool_by(t, (struct request){ .by = POOL2, .flags = POOL_FLAG_NON_PAGED });
}

static void pool2_charged(struct rpt *t)
{
	pool_by(t, (struct request){
		.by = POOL2, .flags = POOL_FLAG_PAGED | POOL_FLAG_USE_QUOTA,
	});
}

static void pool3(struct rpt *t)
{
	pool_by(t, (struct request){
		.by = POOL3, .flags = POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED,
	});
}

static bool charged_allocate(void *arg)
{
	struct request *r = arg;

	r->base = ExAllocatePoolWithQuotaTag(r->type, r->bytes, r->tag);
	if (r->base)
		rpt_fill(r->base, r->bytes, r->bytes);
	return r->base;
}

static void charged(struct rpt *t)
{
	struct request r = {
		.bytes = rpt_value(t), .type = PagedPool, .tag = TAG,
	};
	struct rpt_sweep s = {
		.call = charged_allocate, .undo = pool_free, .arg = &r,
	};

	counted(t, NULL, &s);
}

static bool new_tag(void *arg)
{
	struct request *r = arg;

	r->tag += 1 << 24;
	return pool_allocate(arg);
}

static void nonpaged_of_a_new_tag(struct rpt *t)
{
	struct request r = {
		.bytes = rpt_value(t), .type = NonPagedPoolNx, .tag = '0wnF',
	};
	struct rpt_sweep s = {
		.call = new_tag, .undo = pool_free, .arg = &r,
	};

	counted(t, NULL, &s);
}

/* So many that what is kept ready runs out. */
#define MANY	600

struct many {
	void *blocks[MANY];
	unsigned int count;
};

static bool many_allocate(void *arg)
{
	static const size_t bytes[] = {
		24, 200, 520, 1000, 2000, 4064, 4096, 5000, 8192, 20000,
	};
	struct many *m = arg;
	bool all = true;
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		void *block = ExAllocatePoolWithTag(NonPagedPoolNx,
						    bytes[i % ARRAY_SIZE(bytes)],
						    TAG);

		if (block)
			m->blocks[m->count++] = block;
		all &= block != NULL;
	}
	return all;
}

static void many_free(void *arg)
{
	struct many *m = arg;

	while (m->count)
		ExFreePoolWithTag(m->blocks[--m->count], TAG);
}

static bool many_or_none(void *arg)
{
	many_free(arg);
	return many_allocate(arg);
}

static void nonpaged_many_at_once(struct rpt *t)
{
	struct many *m = kvzalloc(sizeof(*m), GFP_KERNEL);
	struct rpt_sweep s = {
		.call = many_or_none, .undo = many_free, .arg = m, .step = 29,
	};
	unsigned int i;

	if (EXPECT(t, m)) {
		/* KASAN holds a 32nd of memory in freed blocks: have it full before. */
		for (i = 0; i < 40; i++)
			many_or_none(m);
		many_free(m);
		rpt_sweep(t, &s);
		many_free(m);
	}
	kvfree(m);
}

struct view {
	PMDL mdl;
	void *at;
};

static bool view_map(void *arg)
{
	struct view *v = arg;

	v->at = MmMapLockedPages(v->mdl, UserMode);
	return v->at;
}

static void view_unmap(void *arg)
{
	struct view *v = arg;

#ifdef CONFIG_FAULT_INJECTION
	/* The kernel needs memory to unmap an area, and never lacks so little. */
	current->make_it_fail = 0;
	current->fail_nth = 0;
#endif
	MmUnmapLockedPages(v->at, v->mdl);
}

static void view(struct rpt *t)
{
	char *block = ExAllocatePoolWithTag(NonPagedPoolNx, SZ_64K, TAG);
	struct view v = {
		.mdl = IoAllocateMdl(block, SZ_64K, FALSE, FALSE, NULL),
	};
	struct rpt_sweep s = { .call = view_map, .undo = view_unmap, .arg = &v };

	if (!EXPECT(t, block && v.mdl))
		return;
	MmBuildMdlForNonPagedPool(v.mdl);
	rpt_sweep(t, &s);
	/* Nothing is left that would keep it. */
	IoFreeMdl(v.mdl);
	ExFreePoolWithTag(block, TAG);
	EXPECT_VIOLATIONS(t, 0);
}

/* Lookaside lists: one is made, and gives an entry. */
struct list {
	enum { NPAGED, PAGED, EX } family;
	union {
		NPAGED_LOOKASIDE_LIST nonpaged;
		PAGED_LOOKASIDE_LIST paged;
		LOOKASIDE_LIST_EX ex;
	};
	size_t bytes;
	void *entry;
};

static void list_end(struct list *l)
{
	switch (l->family) {
	case NPAGED:
		ExDeleteNPagedLookasideList(&l->nonpaged);
		break;
	case PAGED:
		ExDeletePagedLookasideList(&l->paged);
		break;
	case EX:
		ExDeleteLookasideListEx(&l->ex);
		break;
	}
}

static bool list_begin(void *arg)
{
	struct list *l = arg;

	switch (l->family) {
	case NPAGED:
		ExInitializeNPagedLookasideList(&l->nonpaged, NULL, NULL, 0, l->bytes, TAG,
						0);
		l->entry = ExAllocateFromNPagedLookasideList(&l->nonpaged);
		break;
	case PAGED:
		ExInitializePagedLookasideList(&l->paged, NULL, NULL, 0, l->bytes, TAG, 0);
		l->entry = ExAllocateFromPagedLookasideList(&l->paged);
		break;
	case EX:
		if (ExInitializeLookasideListEx(&l->ex, NULL, NULL, NonPagedPoolNx, 0,
						l->bytes, TAG, 0))
			return false;
		l->entry = ExAllocateFromLookasideListEx(&l->ex);
		break;
	}
	if (l->entry)
		return true;
	list_end(l);
	return false;
}

static void list_undo(void *arg)
{
	struct list *l = arg;

	switch (l->family) {
	case NPAGED:
		ExFreeToNPagedLookasideList(&l->nonpaged, l->entry);
		break;
	case PAGED:
		ExFreeToPagedLookasideList(&l->paged, l->entry);
		break;
	case EX:
		ExFreeToLookasideListEx(&l->ex, l->entry);
		break;
	}
	list_end(l);
}

static void lookaside(struct rpt *t)
{
	struct list l = { .bytes = rpt_value(t) };
	struct rpt_sweep s = { .call = list_begin, .undo = list_undo, .arg = &l };
	unsigned int family;

	for (family = NPAGED; family <= EX; family++) {
		l.family = family;
		s.failed = s.ends = s.met = s.refused = 0;
		rpt_sweep(t, &s);
	}
	EXPECT_VIOLATIONS(t, 0);
}

/* An MDL whose pages are locked, and mapped where they do not lie side by side. */
struct locked {
	void *at;
	size_t bytes;
	PMDL mdl;
};

static void locked_undo(void *arg)
{
	struct locked *l = arg;

	MmUnlockPages(l->mdl);
	IoFreeMdl(l->mdl);
}

static bool locked_map(void *arg)
{
	struct locked *l = arg;
	PPFN_NUMBER frames;

	l->mdl = IoAllocateMdl(l->at, l->bytes, FALSE, FALSE, NULL);
	if (!l->mdl)
		return false;
	if (MmProbeAndLockPages(l->mdl, KernelMode, IoWriteAccess)) {
		IoFreeMdl(l->mdl);
		return false;
	}
	frames = MmGetMdlPfnArray(l->mdl);
	swap(frames[0], frames[1]);
	if (MmGetSystemAddressForMdlSafe(l->mdl, NormalPagePriority))
		return true;
	locked_undo(l);
	return false;
}

static void locked(struct rpt *t)
{
	struct locked l = { .bytes = SZ_64K };
	struct rpt_sweep s = { .call = locked_map, .undo = locked_undo, .arg = &l };

	l.at = ExAllocatePoolWithTag(NonPagedPoolNx, l.bytes, TAG);
	if (!EXPECT(t, l.at))
		return;
	rpt_sweep(t, &s);
	/* Nothing is left that would keep it. */
	ExFreePoolWithTag(l.at, TAG);
	EXPECT_VIOLATIONS(t, 0);
}

static void locked_of_a_process(struct rpt *t)
{
	void __user *memory = rpt_user_map(SZ_64K);
	struct locked l = { .at = (__force void *)memory, .bytes = SZ_64K };
	struct rpt_sweep s = { .call = locked_map, .undo = locked_undo, .arg = &l };

	if (!EXPECT(t, memory && !clear_user(memory, SZ_64K)))
		return;
	rpt_sweep(t, &s);
	rpt_user_unmap(memory, SZ_64K);
	EXPECT_VIOLATIONS(t, 0);
}

/* Pages of MDLs */
struct pages {
	size_t bytes;
	MEMORY_CACHING_TYPE cache;
	ULONG flags;
	bool of_node;
	PMDL mdl;
};

static bool pages_allocate(void *arg)
{
	const PHYSICAL_ADDRESS none = { }, highest = { .QuadPart = -1 };
	struct pages *p = arg;

	if (p->of_node)
		p->mdl = MmAllocateNodePagesForMdlEx(none, highest, none, p->bytes, p->cache,
						     0, MM_ALLOCATE_FULLY_REQUIRED);
	else
		p->mdl = MmAllocatePagesForMdlEx(none, highest, none, p->bytes, p->cache,
						 p->flags | MM_ALLOCATE_FULLY_REQUIRED);
	return p->mdl;
}

static void pages_free(void *arg)
{
	struct pages *p = arg;

	MmFreePagesFromMdl(p->mdl);
	ExFreePool(p->mdl);
}

static void pages_by(struct rpt *t, struct pages p)
{
	struct rpt_sweep s = {
		.call = pages_allocate, .undo = pages_free, .arg = &p,
	};

	p.bytes = rpt_value(t);
	rpt_sweep(t, &s);
	EXPECT_VIOLATIONS(t, 0);
}

static void mdl_pages(struct rpt *t)
{
	pages_by(t, (struct pages){ .cache = MmCached });
}

static void mdl_pages_noncached(struct rpt *t)
{
	pages_by(t, (struct pages){ .cache = MmNonCached });
}

static void mdl_pages_of_a_node(struct rpt *t)
{
	pages_by(t, (struct pages){ .cache = MmCached, .of_node = true });
}

static void mdl_pages_in_a_chunk(struct rpt *t)
{
	pages_by(t, (struct pages){
		.cache = MmCached, .flags = MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS,
	});
}

static bool space_reserve(void *arg)
{
	struct request *r = arg;

	r->base = MmAllocateMappingAddress(r->bytes, TAG);
	return r->base;
}

static void space_free(void *arg)
{
	struct request *r = arg;

	MmFreeMappingAddress(r->base, TAG);
}

static void reserved_space(struct rpt *t)
{
	struct request r = { .bytes = rpt_value(t) };
	struct rpt_sweep s = {
		.call = space_reserve, .undo = space_free, .arg = &r,
	};

	rpt_sweep(t, &s);
	EXPECT_VIOLATIONS(t, 0);
}

static bool contiguous_allocate(void *arg)
{
	struct request *r = arg;
	PHYSICAL_ADDRESS lowest = { .QuadPart = r->lowest };
	PHYSICAL_ADDRESS highest = { .QuadPart = r->highest };
	PHYSICAL_ADDRESS boundary = { .QuadPart = r->boundary };

	switch (r->by) {
	case CACHE_NODE:
		r->base = MmAllocateContiguousMemorySpecifyCacheNode(r->bytes, lowest,
				highest, boundary, r->cache, 0);
		break;
	case NODE_MEMORY:
		r->base = MmAllocateContiguousNodeMemory(r->bytes, lowest, highest, boundary,
				RUST_POOL_PAGE_READWRITE, MM_ANY_NODE_OK);
		break;
	default:
		r->base = MmAllocateContiguousMemorySpecifyCache(r->bytes, lowest,
								 highest, boundary,
								 r->cache);
	}
	return r->base;
}

/* Whether the failure that was asked for is still to come. */
static bool no_failure_yet(void)
{
#ifdef CONFIG_FAULT_INJECTION
	return current->fail_nth;
#else
	return false;
#endif
}

/* Looks for room; to look allocates, which is nothing that is to fail. */
static u64 room(void)
{
#ifdef CONFIG_FAULT_INJECTION
	unsigned int marked = current->make_it_fail, nth = current->fail_nth;
	u64 room;

	current->make_it_fail = 0;
	current->fail_nth = 0;
	room = rpt_room();
	current->make_it_fail = marked;
	current->fail_nth = nth;
	return room;
#else
	return rpt_room();
#endif
}

/* What found no room, without a failure, looks for another; the count goes on. */
static bool contiguous_allocate_in_room(void *arg)
{
	unsigned int tries = RPT_ATTEMPTS;
	struct request *r = arg;

	do {
		r->lowest = room();
		r->highest = r->lowest + RPT_ROOM - 1;
		if (r->lowest && contiguous_allocate(r))
			return true;
	} while (no_failure_yet() && --tries);
	return false;
}

static void contiguous_free(void *arg)
{
	struct request *r = arg;

	MmFreeContiguousMemory(r->base);
}

static void contiguous_by(struct rpt *t, bool (*allocate)(void *arg),
			  struct request r)
{
	struct rpt_sweep s = {
		.call = allocate, .undo = contiguous_free, .arg = &r,
	};

	r.bytes = rpt_value(t);
	counted(t, "contiguous", &s);
}

static void contiguous(struct rpt *t)
{
	contiguous_by(t, contiguous_allocate,
		      (struct request){ .highest = -1, .cache = MmCached });
}

static void contiguous_write_combined(struct rpt *t)
{
	contiguous_by(t, contiguous_allocate,
		      (struct request){ .highest = -1,
					.cache = MmWriteCombined });
}

static void contiguous_of_a_node(struct rpt *t)
{
	contiguous_by(t, contiguous_allocate,
		      (struct request){ .by = CACHE_NODE, .highest = -1,
					.cache = MmCached });
}

static void contiguous_node_memory(struct rpt *t)
{
	contiguous_by(t, contiguous_allocate,
		      (struct request){ .by = NODE_MEMORY, .highest = -1 });
}

static void contiguous_bounded(struct rpt *t)
{
	contiguous_by(t, contiguous_allocate_in_room,
		      (struct request){ .boundary = SZ_4M,
					.cache = MmNonCached });
}

/* Its size, which is set, is of no use to the next call. */
static bool contiguous_allocate_extended(void *arg)
{
	const PHYSICAL_ADDRESS none = { }, any = { .QuadPart = -1 };
	struct request *r = arg;
	SIZE_T bytes = r->bytes;
	NTSTATUS status;

	status = MmAllocateContiguousMemoryEx(&bytes, none, any, none, 0,
					      RUST_POOL_PAGE_READWRITE, NULL, TAG, 0,
					      &r->base);
	return status == STATUS_SUCCESS;
}

static void contiguous_extended(struct rpt *t)
{
	struct request r = { .bytes = rpt_value(t) };
	struct rpt_sweep s = {
		.call = contiguous_allocate_extended, .undo = contiguous_free,
		.arg = &r,
	};

	counted(t, "contiguous", &s);
}

static bool io_map(void *arg)
{
	PHYSICAL_ADDRESS lowest = { };
	struct request *r = arg;

	lowest.QuadPart = r->lowest;
	r->base = MmMapIoSpace(lowest, r->bytes, r->cache);
	return r->base;
}

static bool io_map_protected(void *arg)
{
	PHYSICAL_ADDRESS lowest = { };
	struct request *r = arg;

	lowest.QuadPart = r->lowest;
	r->base = MmMapIoSpaceEx(lowest, r->bytes,
				 RUST_POOL_PAGE_READWRITE | RUST_POOL_PAGE_NOCACHE);
	return r->base;
}

static void io_unmap(void *arg)
{
	struct request *r = arg;

	MmUnmapIoSpace(r->base, r->bytes);
}

static void io_space_by(struct rpt *t, bool (*map)(void *arg))
{
	struct request r = { .bytes = 5000, .cache = MmNonCached };
	struct rpt_sweep s = { .call = map, .undo = io_unmap, .arg = &r };

	if (!edu) {
		rpt_skip(t, "no edu device");
		return;
	}
	r.lowest = pci_resource_start(edu, 0) + 16;
	counted(t, "io_space", &s);
}

static void io_space(struct rpt *t)
{
	io_space_by(t, io_map);
}

static void io_space_protected(struct rpt *t)
{
	io_space_by(t, io_map_protected);
}

static void io_space_of_memory(struct rpt *t)
{
	const PHYSICAL_ADDRESS any = { .QuadPart = -1 };
	char *block = MmAllocateContiguousMemory(SZ_16K, any);
	struct request r = { .bytes = 5000, .cache = MmCached };
	struct rpt_sweep s = { .call = io_map, .undo = io_unmap, .arg = &r };

	if (!EXPECT(t, block))
		return;
	r.lowest = MmGetPhysicalAddress(block + 4096).QuadPart;
	counted(t, "io_space", &s);
	MmFreeContiguousMemory(block);
}

static bool memory_ranges_get(void *arg)
{
	struct request *r = arg;

	r->base = MmGetPhysicalMemoryRanges();
	return r->base;
}

static void memory_ranges_free(void *arg)
{
	struct request *r = arg;

	ExFreePool(r->base);
}

static void memory_ranges(struct rpt *t)
{
	struct request r = { };
	struct rpt_sweep s = {
		.call = memory_ranges_get, .undo = memory_ranges_free, .arg = &r,
	};

	counted(t, NULL, &s);
}

static bool noncached_allocate(void *arg)
{
	struct request *r = arg;

	r->base = MmAllocateNonCachedMemory(r->bytes);
	return r->base;
}

static void noncached_free(void *arg)
{
	struct request *r = arg;

	MmFreeNonCachedMemory(r->base, r->bytes);
}

static void noncached(struct rpt *t)
{
	struct request r = { .bytes = rpt_value(t) };
	struct rpt_sweep s = {
		.call = noncached_allocate, .undo = noncached_free, .arg = &r,
	};

	counted(t, "noncached", &s);
}

static bool adapter_get(void *arg)
{
	DEVICE_DESCRIPTION d = {
		.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.InterfaceType = PCIBus,
		.DmaAddressWidth = 32,
		.MaximumLength = SZ_4M,
	};
	struct request *r = arg;
	ULONG registers;

	d.ScatterGather = r->lists;

	r->adapter = IoGetDmaAdapter(&edu->dev, &d, &registers);
	return r->adapter;
}

static void adapter_put(void *arg)
{
	struct request *r = arg;

	r->adapter->DmaOperations->PutDmaAdapter(r->adapter);
}

static void adapter(struct rpt *t)
{
	struct request r = { };
	struct rpt_sweep s = {
		.call = adapter_get, .undo = adapter_put, .arg = &r,
	};

	if (edu)
		rpt_sweep(t, &s);
	else
		rpt_skip(t, "no edu device");
}

static bool buffer_allocate(void *arg)
{
	PHYSICAL_ADDRESS none = { }, highest = { .QuadPart = -1 };
	struct request *r = arg;
	const DMA_OPERATIONS *ops = r->adapter->DmaOperations;

	switch (r->by) {
	case BUFFER_EX:
		r->base = ops->AllocateCommonBufferEx(r->adapter, &highest, r->bytes,
				&r->logical, r->cached, MM_ANY_NODE_OK);
		break;
	case BUFFER_WITH_BOUNDS:
		r->base = ops->AllocateCommonBufferWithBounds(r->adapter, &none, &highest,
				r->bytes, 0, NULL, MM_ANY_NODE_OK, &r->logical);
		break;
	default:
		r->base = ops->AllocateCommonBuffer(r->adapter, r->bytes, &r->logical,
						    r->cached);
	}
	return r->base;
}

static void buffer_free(void *arg)
{
	struct request *r = arg;

	r->adapter->DmaOperations->FreeCommonBuffer(r->adapter, r->bytes,
			r->logical, r->base, r->cached);
}

static void buffer(struct rpt *t, enum routine by, BOOLEAN cached)
{
	struct request r = { .by = by, .bytes = rpt_value(t), .cached = cached };
	struct rpt_sweep s = {
		.call = buffer_allocate, .undo = buffer_free, .arg = &r,
	};

	if (!edu) {
		rpt_skip(t, "no edu device");
		return;
	}
	if (!EXPECT(t, adapter_get(&r)))
		return;
	counted(t, "adapters", &s);
	adapter_put(&r);
}

static void common_buffer(struct rpt *t)
{
	buffer(t, USUAL, TRUE);
}

static void common_buffer_uncached(struct rpt *t)
{
	buffer(t, USUAL, FALSE);
}

static void common_buffer_ex(struct rpt *t)
{
	buffer(t, BUFFER_EX, TRUE);
}

static void common_buffer_with_bounds(struct rpt *t)
{
	buffer(t, BUFFER_WITH_BOUNDS, TRUE);
}

static void view_of_buffer(struct rpt *t)
{
	struct request r = { .bytes = SZ_64K, .cached = TRUE };
	struct view v = { };
	struct rpt_sweep s = { .call = view_map, .undo = view_unmap, .arg = &v };

	if (!edu) {
		rpt_skip(t, "no edu device");
		return;
	}
	if (!EXPECT(t, adapter_get(&r) && buffer_allocate(&r)))
		return;
	v.mdl = IoAllocateMdl(r.base, r.bytes, FALSE, FALSE, NULL);
	if (!EXPECT(t, v.mdl))
		return;
	MmBuildMdlForNonPagedPool(v.mdl);
	rpt_sweep(t, &s);
	/* Nothing is left that would keep either. */
	IoFreeMdl(v.mdl);
	buffer_free(&r);
	adapter_put(&r);
	EXPECT_VIOLATIONS(t, 0);
}

/* Some pages, and the map registers that they are mapped by, a piece at a time. */
struct packet {
	struct request r;
	PMDL mdl;
	PVOID registers;
	/* By MapTransferEx, which writes a list there. */
	bool ex;
	PSCATTER_GATHER_LIST room;
	ULONG size;
};

#define PACKET_PAGES	5

static IO_ALLOCATION_ACTION keep_registers(PDEVICE_OBJECT device, PIRP irp,
					   PVOID base, PVOID context)
{
	((struct packet *)context)->registers = base;
	return DeallocateObjectKeepRegisters;
}

static void packet_free(void *arg)
{
	struct packet *p = arg;
	DMA_ADAPTER *adapter = p->r.adapter;

	adapter->DmaOperations->FlushAdapterBuffers(adapter, p->mdl, p->registers,
						    p->r.base, p->r.bytes, TRUE);
	adapter->DmaOperations->FreeMapRegisters(adapter, p->registers,
						 PACKET_PAGES);
}

static bool packet_map_ex(struct packet *p)
{
	DMA_ADAPTER *adapter = p->r.adapter;
	ULONG here = p->r.bytes;

	if (adapter->DmaOperations->AllocateAdapterChannelEx(adapter, &edu->dev, NULL,
			PACKET_PAGES, 0, keep_registers, p, NULL))
		return false;
	if (!adapter->DmaOperations->MapTransferEx(adapter, p->mdl, p->registers, 0, 0,
			&here, TRUE, p->room, p->size, NULL, NULL))
		return here == p->r.bytes;
	adapter->DmaOperations->FreeMapRegisters(adapter, p->registers, PACKET_PAGES);
	return false;
}

static bool packet_map(void *arg)
{
	struct packet *p = arg;
	DMA_ADAPTER *adapter = p->r.adapter;
	ULONG done = 0, here;

	if (p->ex)
		return packet_map_ex(p);
	if (adapter->DmaOperations->AllocateAdapterChannel(adapter, &edu->dev,
			PACKET_PAGES, keep_registers, p))
		return false;
	while (done < p->r.bytes) {
		here = p->r.bytes - done;
		adapter->DmaOperations->MapTransfer(adapter, p->mdl, p->registers,
						    p->r.base + done, &here, TRUE);
		if (!here)
			break;
		done += here;
	}
	if (done == p->r.bytes)
		return true;
	if (done)
		packet_free(p);
	else
		adapter->DmaOperations->FreeMapRegisters(adapter, p->registers,
							 PACKET_PAGES);
	return false;
}

static void packet_by(struct rpt *t, bool ex)
{
	struct packet p = {
		.r.bytes = PACKET_PAGES * PAGE_SIZE, .r.lists = rpt_value(t), .ex = ex,
	};
	struct rpt_sweep s = {
		.call = packet_map, .undo = packet_free, .arg = &p,
	};

	if (!edu) {
		rpt_skip(t, "no edu device");
		return;
	}
	p.r.base = ExAllocatePoolWithTag(NonPagedPoolNx, p.r.bytes, TAG);
	p.mdl = IoAllocateMdl(p.r.base, p.r.bytes, FALSE, FALSE, NULL);
	if (!EXPECT(t, p.r.base && p.mdl && adapter_get(&p.r)))
		return;
	MmBuildMdlForNonPagedPool(p.mdl);
	EXPECT_EQ(t, p.r.adapter->DmaOperations->CalculateScatterGatherList(p.r.adapter,
			p.mdl, p.r.base, p.r.bytes, &p.size, NULL), 0);
	p.room = ExAllocatePoolWithTag(NonPagedPoolNx, p.size, TAG);
	if (!EXPECT(t, p.room))
		return;
	rpt_sweep(t, &s);
	EXPECT_VIOLATIONS(t, 0);
	adapter_put(&p.r);
	IoFreeMdl(p.mdl);
	ExFreePoolWithTag(p.room, TAG);
	ExFreePoolWithTag(p.r.base, TAG);
}

static void packet(struct rpt *t)
{
	packet_by(t, false);
}

static void packet_ex(struct rpt *t)
{
	packet_by(t, true);
}

/* A request that waits for a channel: once it does, it needs no memory any more. */
struct waiting {
	struct request r;
	u64 transfer[DMA_TRANSFER_CONTEXT_SIZE_V1 / sizeof(u64)];
	unsigned int calls;
};

static IO_ALLOCATION_ACTION keep_channel(PDEVICE_OBJECT device, PIRP irp,
					 PVOID base, PVOID context)
{
	((struct waiting *)context)->calls++;
	return KeepObject;
}

static bool channel_wait(void *arg)
{
	struct waiting *w = arg;
	DMA_ADAPTER *adapter = w->r.adapter;

	return !adapter->DmaOperations->AllocateAdapterChannelEx(adapter, &edu->dev,
			w->transfer, 1, 0, keep_channel, w, NULL);
}

/* By the free of the channel, which the request keeps then. */
static void channel_grant(void *arg)
{
	struct waiting *w = arg;
	DMA_ADAPTER *adapter = w->r.adapter;
	unsigned int calls = w->calls;

	adapter->DmaOperations->FreeAdapterChannel(adapter);
	if (w->calls != calls + 1)
		pr_err("WARNING: a request for a channel was not granted\n");
}

static void waiting_request(struct rpt *t)
{
	struct waiting w = { };
	struct rpt_sweep s = {
		.call = channel_wait, .undo = channel_grant, .arg = &w,
	};

	if (!edu) {
		rpt_skip(t, "no edu device");
		return;
	}
	if (!EXPECT(t, adapter_get(&w.r)) || !EXPECT(t, channel_wait(&w)))
		return;
	rpt_sweep(t, &s);
	EXPECT_EQ(t, w.calls, 1 + s.met);
	w.r.adapter->DmaOperations->FreeAdapterChannel(w.r.adapter);
	EXPECT_VIOLATIONS(t, 0);
	adapter_put(&w.r);
}

/* A scatter/gather list of a block. */
struct listing {
	struct request r;
	PMDL mdl;
	PSCATTER_GATHER_LIST list;
	bool build, ex;
	void *room;
	ULONG size;
};

static void keep_list(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list,
		      PVOID context)
{
	((struct listing *)context)->list = list;
}

static bool listing_get(void *arg)
{
	struct listing *l = arg;
	DMA_ADAPTER *adapter = l->r.adapter;

	l->list = NULL;
	if (l->build && l->ex)
		adapter->DmaOperations->BuildScatterGatherListEx(adapter, &edu->dev, NULL,
				l->mdl, 0, l->r.bytes, 0, keep_list, l, TRUE, l->room, l->size,
				NULL, NULL, NULL);
	else if (l->ex)
		adapter->DmaOperations->GetScatterGatherListEx(adapter, &edu->dev, NULL,
				l->mdl, 0, l->r.bytes, 0, keep_list, l, TRUE, NULL, NULL, NULL);
	else if (l->build)
		adapter->DmaOperations->BuildScatterGatherList(adapter, &edu->dev, l->mdl,
				l->r.base, l->r.bytes, keep_list, l, TRUE, l->room,
				l->size);
	else
		adapter->DmaOperations->GetScatterGatherList(adapter, &edu->dev, l->mdl,
				l->r.base, l->r.bytes, keep_list, l, TRUE);
	return l->list;
}

static void listing_put(void *arg)
{
	struct listing *l = arg;

	l->r.adapter->DmaOperations->PutScatterGatherList(l->r.adapter, l->list, TRUE);
}

static void listed(struct rpt *t, bool build, bool ex)
{
	struct listing l = {
		.r.bytes = 5 * PAGE_SIZE, .r.lists = TRUE, .build = build, .ex = ex,
	};
	struct rpt_sweep s = {
		.call = listing_get, .undo = listing_put, .arg = &l,
	};

	if (!edu) {
		rpt_skip(t, "no edu device");
		return;
	}
	l.r.base = ExAllocatePoolWithTag(NonPagedPoolNx, l.r.bytes, TAG);
	l.mdl = IoAllocateMdl(l.r.base, l.r.bytes, FALSE, FALSE, NULL);
	if (!EXPECT(t, l.r.base && l.mdl && adapter_get(&l.r)))
		return;
	MmBuildMdlForNonPagedPool(l.mdl);
	EXPECT_EQ(t, l.r.adapter->DmaOperations->CalculateScatterGatherList(l.r.adapter,
			l.mdl, l.r.base, l.r.bytes, &l.size, NULL), 0);
	l.room = ExAllocatePoolWithTag(NonPagedPoolNx, l.size, TAG);
	if (!EXPECT(t, l.room))
		return;
	rpt_sweep(t, &s);
	EXPECT_VIOLATIONS(t, 0);
	adapter_put(&l.r);
	IoFreeMdl(l.mdl);
	ExFreePoolWithTag(l.room, TAG);
	ExFreePoolWithTag(l.r.base, TAG);
}

static void list_got(struct rpt *t)
{
	listed(t, false, false);
}

static void list_built(struct rpt *t)
{
	listed(t, true, false);
}

static void list_got_ex(struct rpt *t)
{
	listed(t, false, true);
}

static void list_built_ex(struct rpt *t)
{
	listed(t, true, true);
}

static const struct rpt_arg pool_bytes[] = {
	{ "24", 24 },
	{ "4064", 4064 },
	{ "4096", 4096 },
	{ "5000", 5000 },
	{ "64K", SZ_64K },
	{ "100000", 100000 },
	{ "1M", SZ_1M },
	{ }
};

static const struct rpt_arg some_bytes[] = {
	{ "24", 24 },
	{ "5000", 5000 },
	{ "100000", 100000 },
	{ }
};

static const struct rpt_arg page_bytes[] = {
	{ "1", 1 },
	{ "20000", 20000 },
	{ "4M", SZ_4M },
	{ }
};

static const struct rpt_arg scattered_bytes[] = {
	{ "1", 1 },
	{ "20000", 20000 },
	{ "1M", SZ_1M },
	{ }
};

static const struct rpt_arg devices[] = {
	{ "in_one_piece", FALSE },
	{ "in_pieces", TRUE },
	{ }
};

static const struct rpt_case cases[] = {
	{ "nonpaged", nonpaged, pool_bytes },
	{ "nonpaged_preemption_off", nonpaged_preempt_off, some_bytes },
	{ "nonpaged_interrupts_off", nonpaged_irqs_off, some_bytes },
	{ "nonpaged_of_a_new_tag", nonpaged_of_a_new_tag, some_bytes },
	{ "nonpaged_many_at_once", nonpaged_many_at_once },
	{ "paged", paged, pool_bytes },
	{ "cache_aligned", cache_aligned, pool_bytes },
	{ "raising", raising, some_bytes },
	{ "charged", charged, pool_bytes },
	{ "priority", priority, some_bytes },
	{ "pool2", pool2, some_bytes },
	{ "pool2_charged", pool2_charged, some_bytes },
	{ "pool3", pool3, some_bytes },
	{ "contiguous", contiguous, page_bytes },
	{ "contiguous_write_combined", contiguous_write_combined, page_bytes },
	{ "contiguous_bounded", contiguous_bounded, page_bytes },
	{ "contiguous_extended", contiguous_extended, page_bytes },
	{ "contiguous_of_a_node", contiguous_of_a_node, page_bytes },
	{ "contiguous_node_memory", contiguous_node_memory, page_bytes },
	{ "lookaside", lookaside, some_bytes },
	{ "locked", locked },
	{ "locked_of_a_process", locked_of_a_process },
	{ "mdl_pages", mdl_pages, scattered_bytes },
	{ "mdl_pages_noncached", mdl_pages_noncached, scattered_bytes },
	{ "mdl_pages_in_a_chunk", mdl_pages_in_a_chunk, scattered_bytes },
	{ "mdl_pages_of_a_node", mdl_pages_of_a_node, scattered_bytes },
	{ "reserved_space", reserved_space, scattered_bytes },
	{ "view", view },
	{ "view_of_buffer", view_of_buffer },
	{ "io_space", io_space },
	{ "io_space_protected", io_space_protected },
	{ "io_space_of_memory", io_space_of_memory },
	{ "memory_ranges", memory_ranges },
	{ "noncached", noncached, scattered_bytes },
	{ "adapter", adapter },
	{ "common_buffer", common_buffer, page_bytes },
	{ "common_buffer_uncached", common_buffer_uncached, page_bytes },
	{ "common_buffer_ex", common_buffer_ex, page_bytes },
	{ "common_buffer_with_bounds", common_buffer_with_bounds, page_bytes },
	{ "packet", packet, devices },
	{ "packet_ex", packet_ex, devices },
	{ "request_that_waits", waiting_request },
	{ "list", list_got },
	{ "list_in_own_memory", list_built },
	{ "list_ex", list_got_ex },
	{ "list_in_own_memory_ex", list_built_ex },
};

static const struct rpt_suite failing_suite = RPT_SUITE("failing", cases);
static const struct rpt_suite *const suites[] = { &failing_suite };

static void *key;

static int __init rpt_failing_init(void)
{
	return rpt_register_with_edu(suites, ARRAY_SIZE(suites), &key, &edu);
}

static void __exit rpt_failing_exit(void)
{
	rpt_unregister_with_edu(key, edu);
}

module_init(rpt_failing_init);
module_exit(rpt_failing_exit);

MODULE_DESCRIPTION("rust_pool selftests: every allocation of every routine, failed");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
