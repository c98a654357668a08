// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input to adapters, common buffers and scatter/gather lists: each argument
 * wrong in turn.
 */
#include <linux/kernel.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "inputs_dma.h"

#define LENGTH	ADAPTER_LENGTH

static const DEVICE_DESCRIPTION usual = {
	.Version = DEVICE_DESCRIPTION_VERSION3,
	.Master = TRUE,
	.ScatterGather = TRUE,
	.InterfaceType = PCIBus,
	.DmaAddressWidth = 32,
	.MaximumLength = LENGTH,
};

/* Through any adapter's table, for they are to be called with no adapter. */
static const DMA_OPERATIONS *operations(struct rpt *t)
{
	static const DMA_OPERATIONS *known;
	DEVICE_DESCRIPTION d = usual;
	DMA_ADAPTER *adapter;
	ULONG registers;

	if (known)
		return known;
	adapter = IoGetDmaAdapter(&edu->dev, &d, &registers);
	if (!EXPECT(t, adapter))
		return NULL;
	known = adapter->DmaOperations;
	known->PutDmaAdapter(adapter);
	return known;
}

enum request_flaw { NONE, NO_DEVICE, NO_DESCRIPTION };

struct request {
	struct input in;
	enum request_flaw flaw;
	DEVICE_DESCRIPTION description;
	bool given;
};

#define REQUEST(_what, _contexts, _flaw, _code, _p1, _given, ...) { \
	.in = { "IoGetDmaAdapter", _what, _contexts, _code, _p1 }, \
	.flaw = _flaw, .given = _given, \
	.description = { .InterfaceType = PCIBus, .MaximumLength = LENGTH, \
			 __VA_ARGS__ } }

#define GIVEN(_what, ...) \
	REQUEST(_what, IN_TASK, NONE, 0, 0, true, .Master = TRUE, __VA_ARGS__)
#define NOT_GIVEN(_what, ...) \
	REQUEST(_what, IN_TASK, NONE, 0, 0, false, __VA_ARGS__)
#define RIGHT_ONE \
	.Version = 3, .Master = TRUE, .DmaAddressWidth = 32

static const struct request requests[] = {
	REQUEST("right", IN_TASK, NONE, 0, 0, true, RIGHT_ONE),
	REQUEST("right", IN_ATOMIC | IN_NMI, NONE, 0xc2, 0x08, false,
		RIGHT_ONE),
	REQUEST("no_device", IN_TASK, NO_DEVICE, 0xc4, 0x16, false, RIGHT_ONE),
	REQUEST("no_description", IN_TASK, NO_DESCRIPTION, 0xc4, 0x16, false,
		RIGHT_ONE),
	GIVEN("version_0", .Version = 0),
	GIVEN("version_1_of_64_bits", .Version = 1, .Dma64BitAddresses = TRUE),
	GIVEN("version_2_of_32_bits", .Version = 2, .Dma32BitAddresses = TRUE),
	GIVEN("64_bits", .Version = 3, .DmaAddressWidth = 64),
	NOT_GIVEN("all_zero", .InterfaceType = 0, .MaximumLength = 0),
	NOT_GIVEN("no_master", .Version = 3, .DmaAddressWidth = 32),
	NOT_GIVEN("no_master_of_version_0", .Version = 0),
	NOT_GIVEN("version_4", .Version = 4, .Master = TRUE,
		  .DmaAddressWidth = 32),
	NOT_GIVEN("version_256", .Version = 256, .Master = TRUE,
		  .DmaAddressWidth = 32),
	NOT_GIVEN("version_2^32-1", .Version = 0xffffffff, .Master = TRUE,
		  .DmaAddressWidth = 32),
	NOT_GIVEN("width_0", .Version = 3, .Master = TRUE),
	NOT_GIVEN("width_65", .Version = 3, .Master = TRUE,
		  .DmaAddressWidth = 65),
	NOT_GIVEN("width_256", .Version = 3, .Master = TRUE,
		  .DmaAddressWidth = 256),
	NOT_GIVEN("width_2^32-1", .Version = 3, .Master = TRUE,
		  .DmaAddressWidth = 0xffffffff),
};

struct requesting {
	const struct request *row;
	DMA_ADAPTER *adapter;
	ULONG registers;
};

static void do_request(void *arg)
{
	struct requesting *r = arg;
	DEVICE_DESCRIPTION d = r->row->description;

	r->adapter = IoGetDmaAdapter(r->row->flaw == NO_DEVICE ? NULL :
							&edu->dev,
				     r->row->flaw == NO_DESCRIPTION ? NULL : &d,
				     &r->registers);
}

static void run_request(struct rpt *t, const void *data,
			enum rpt_context context)
{
	const struct request *row = data;
	struct requesting r = { row };

	rpt_in_context(context, do_request, &r);
	input_judge(t, &row->in, context);
	EXPECT_EQ(t, !!r.adapter, row->given);
	if (!r.adapter)
		return;
	EXPECT_EQ(t, r.registers, 5);
	EXPECT(t, r.adapter->DmaOperations->GetDmaAlignment(r.adapter) >= 1);
	r.adapter->DmaOperations->PutDmaAdapter(r.adapter);
}

const struct input_table adapter_requests =
	INPUT_TABLE("adapters", requests, run_request);

bool get_adapters(struct rpt *t, struct adapters *a)
{
	DEVICE_DESCRIPTION d = usual;
	ULONG registers;

	memset(a, 0, sizeof(*a));
	a->operations = operations(t);
	if (!a->operations)
		return false;
	a->own = IoGetDmaAdapter(&edu->dev, &d, &registers);
	a->other = IoGetDmaAdapter(&edu->dev, &d, &registers);
	a->put = IoGetDmaAdapter(&edu->dev, &d, &registers);
	a->block = ExAllocatePoolZero(NonPagedPoolNx, 100, TAG_INPUT);
	if (!EXPECT(t, a->own && a->other && a->put && a->block))
		return false;
	a->operations->PutDmaAdapter(a->put);
	return true;
}

void put_adapters(struct adapters *a, bool own)
{
	ExFreePoolWithTag(a->block, TAG_INPUT);
	a->operations->PutDmaAdapter(a->other);
	if (own)
		a->operations->PutDmaAdapter(a->own);
}

DMA_ADAPTER *adapter_of(struct adapters *a, enum which which)
{
	switch (which) {
	case OWN:
		return a->own;
	case OTHER:
		return a->other;
	case PUT:
		return a->put;
	case NULL_ADAPTER:
		return NULL;
	case USER_ADDRESS:
		return (DMA_ADAPTER *)0x4000;
	case NOT_CANONICAL:
		return (DMA_ADAPTER *)(1UL << 63);
	case UNMAPPED:
		return (DMA_ADAPTER *)-4096UL;
	case INSIDE_OWN:
		return (void *)a->own + 8;
	case POOL_BLOCK:
		return a->block;
	case ZEROES:
		return &a->zeroes;
	}
	return NULL;
}

struct put {
	struct input in;
	enum which which;
	/* With a buffer out. */
	bool buffer;
};

#define PUTS(_what, _contexts, _which, _code, _p1, _buffer) { \
	.in = { "PutDmaAdapter", _what, _contexts, _code, _p1 }, \
	.which = _which, .buffer = _buffer }

static const struct put puts[] = {
	PUTS("right", EACH_IRQL, OWN, 0, 0, false),
	PUTS("right", IN_NMI, OWN, 0xc2, 0x09, false),
	PUTS("with_a_buffer_out", EACH_IRQL, OWN, 0xe6, 0x07, true),
	PUTS("with_a_buffer_out", IN_NMI, OWN, 0xc2, 0x09, true),
	PUTS("twice", EACH_IRQL, PUT, 0xe6, 0x18, false),
	PUTS("NULL", EACH_IRQL, NULL_ADAPTER, 0xe6, 0x19, false),
	PUTS("user_address", EACH_IRQL, USER_ADDRESS, 0xc4, 0x16, false),
	PUTS("not_canonical", IN_TASK, NOT_CANONICAL, 0xc4, 0x16, false),
	PUTS("unmapped", IN_TASK, UNMAPPED, 0xc4, 0x16, false),
	PUTS("inside", IN_TASK, INSIDE_OWN, 0xc4, 0x16, false),
	PUTS("pool_block", IN_TASK, POOL_BLOCK, 0xc4, 0x16, false),
	PUTS("zeroes", IN_TASK, ZEROES, 0xc4, 0x16, false),
};

/* One call, whatever of it is needed. */
struct call {
	const DMA_OPERATIONS *operations;
	DMA_ADAPTER *adapter;
	ULONG length;
	PHYSICAL_ADDRESS logical;
	void *buffer;
	BOOLEAN cached;
};

static void do_put(void *arg)
{
	struct call *c = arg;

	c->operations->PutDmaAdapter(c->adapter);
}

static void do_allocate(void *arg)
{
	struct call *c = arg;

	c->buffer = c->operations->AllocateCommonBuffer(c->adapter, c->length,
							&c->logical, c->cached);
}

static void do_free(void *arg)
{
	struct call *c = arg;

	c->operations->FreeCommonBuffer(c->adapter, c->length, c->logical,
					c->buffer, c->cached);
}

static void run_put(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct put *row = data;
	struct adapters a;
	struct call c, own = { .length = 5000, .cached = TRUE };

	if (!get_adapters(t, &a))
		return;
	own.operations = a.operations;
	own.adapter = a.own;
	if (row->buffer)
		do_allocate(&own);
	c = own;
	c.adapter = adapter_of(&a, row->which);
	rpt_in_context(context, do_put, &c);
	if (!input_judge(t, &row->in, context))
		return;
	if (row->buffer && EXPECT(t, own.buffer))
		do_free(&own);
	put_adapters(&a, row->which != OWN || context == RPT_NMI);
}

const struct input_table adapter_puts =
	INPUT_TABLE("put", puts, run_put);

struct allocation {
	struct input in;
	enum which which;
	ULONG length;
	bool given;
};

#define ALLOCATE(_what, _contexts, _which, _length, _code, _p1, _given) { \
	.in = { "AllocateCommonBuffer", _what, _contexts, _code, _p1 }, \
	.which = _which, .length = _length, .given = _given }
#define NO_ADAPTER(_what, _which, _code, _p1) \
	ALLOCATE(_what, IN_TASK, _which, 4096, _code, _p1, false)
#define TOO_LONG(_what, _length) \
	ALLOCATE(_what, IN_TASK, OWN, _length, 0, 0, false)

static const struct allocation allocations[] = {
	ALLOCATE("1_byte", IN_TASK, OWN, 1, 0, 0, true),
	ALLOCATE("5_pages", IN_TASK, OWN, 5 * PAGE_SIZE, 0, 0, true),
	ALLOCATE("4096_bytes", IN_ATOMIC | IN_NMI, OWN, 4096, 0xc2, 0x08,
		 false),
	ALLOCATE("0_bytes", IN_TASK, OWN, 0, 0xc2, 0x00, false),
	TOO_LONG("5_pages_and_a_byte", 5 * PAGE_SIZE + 1),
	TOO_LONG("1M", SZ_1M),
	TOO_LONG("2^31", 1U << 31),
	TOO_LONG("2^32-4096", 0xfffff000),
	TOO_LONG("2^32-4095", 0xfffff001),
	TOO_LONG("2^32-1", 0xffffffff),
	NO_ADAPTER("of_put_adapter", PUT, 0xe6, 0x18),
	NO_ADAPTER("of_NULL", NULL_ADAPTER, 0xe6, 0x19),
	NO_ADAPTER("of_user_address", USER_ADDRESS, 0xc4, 0x16),
	NO_ADAPTER("of_not_canonical", NOT_CANONICAL, 0xc4, 0x16),
	NO_ADAPTER("of_unmapped", UNMAPPED, 0xc4, 0x16),
	NO_ADAPTER("of_inside", INSIDE_OWN, 0xc4, 0x16),
	NO_ADAPTER("of_pool_block", POOL_BLOCK, 0xc4, 0x16),
	NO_ADAPTER("of_zeroes", ZEROES, 0xc4, 0x16),
};

static void run_allocation(struct rpt *t, const void *data,
			   enum rpt_context context)
{
	const struct allocation *row = data;
	struct adapters a;
	struct call c = { .length = row->length, .cached = TRUE };

	if (!get_adapters(t, &a))
		return;
	c.operations = a.operations;
	c.adapter = adapter_of(&a, row->which);
	rpt_in_context(context, do_allocate, &c);
	input_judge(t, &row->in, context);
	if (EXPECT_EQ(t, !!c.buffer, row->given) && c.buffer)
		do_free(&c);
	put_adapters(&a, true);
}

const struct input_table buffer_allocations =
	INPUT_TABLE("common_buffer", allocations, run_allocation);

enum free_routine { FREE_BUFFER, FREE_POOL, FREE_POOL_TAG, FREE_CONTIGUOUS,
	FREE_CONTIGUOUS_ALL, FREE_NONCACHED };

struct release {
	struct input in;
	enum free_routine routine;
	enum which which;
	/* 0: the buffer's own. */
	s64 length_off, logical_off;
	bool uncached;
	/* Address: that far into the buffer, or of a subject. */
	s64 offset;
	bool elsewhere, twice;
	struct subject subject;
};

#define FREE(_what, _contexts, _code, _p1, ...) { \
	.in = { "FreeCommonBuffer", _what, _contexts, _code, _p1 }, \
	__VA_ARGS__ }
#define NOT_ITS_OWN(_what, _contexts, ...) \
	FREE(_what, _contexts, 0xc4, 0x16, __VA_ARGS__)
#define NO_BUFFER(_what, _contexts, ...) \
	FREE(_what, _contexts, 0xe6, 0x03, .elsewhere = true, \
	     .subject = { __VA_ARGS__ })
#define BY(_what, _contexts, _routine, _code, _p1) \
	FREE(_what, _contexts, _code, _p1, .routine = _routine)

#define BUFFER	5000

static const struct release releases[] = {
	FREE("right", IN_TASK, 0, 0),
	FREE("right", IN_ATOMIC | IN_NMI, 0xc2, 0x09),
	FREE("twice", EACH_IRQL, 0xe6, 0x03, .twice = true),

	/* A live buffer with arguments of another */
	NOT_ITS_OWN("a_byte_less", EACH_IRQL, .length_off = -1),
	NOT_ITS_OWN("a_byte_more", IN_TASK, .length_off = 1),
	NOT_ITS_OWN("0_bytes", IN_TASK, .length_off = -BUFFER),
	NOT_ITS_OWN("8192_bytes", IN_TASK, .length_off = 8192 - BUFFER),
	NOT_ITS_OWN("2^32-1_bytes", IN_TASK, .length_off = -BUFFER - 1),
	NOT_ITS_OWN("logical_1_more", EACH_IRQL, .logical_off = 1),
	NOT_ITS_OWN("logical_4096_more", IN_TASK, .logical_off = 4096),
	NOT_ITS_OWN("logical_4096_less", IN_TASK, .logical_off = -4096),
	NOT_ITS_OWN("logical_2^32_more", IN_TASK, .logical_off = 1L << 32),
	NOT_ITS_OWN("logical_2^63_more", IN_TASK, .logical_off = S64_MIN),
	NOT_ITS_OWN("uncached", EACH_IRQL, .uncached = true),
	NOT_ITS_OWN("other_adapter", EACH_IRQL, .which = OTHER),
	NOT_ITS_OWN("put_adapter", IN_TASK, .which = PUT),
	NOT_ITS_OWN("adapter_NULL", EACH_IRQL, .which = NULL_ADAPTER),
	NOT_ITS_OWN("adapter_user_address", IN_TASK, .which = USER_ADDRESS),
	NOT_ITS_OWN("adapter_not_canonical", IN_TASK, .which = NOT_CANONICAL),
	NOT_ITS_OWN("adapter_unmapped", IN_TASK, .which = UNMAPPED),
	NOT_ITS_OWN("adapter_inside", IN_TASK, .which = INSIDE_OWN),
	NOT_ITS_OWN("adapter_zeroes", IN_TASK, .which = ZEROES),

	/* No buffer at this address */
	FREE("at_1", IN_TASK, 0xe6, 0x03, .offset = 1),
	FREE("at_4096", EACH_IRQL, 0xe6, 0x03, .offset = 4096),
	FREE("at_8192", IN_TASK, 0xe6, 0x03, .offset = 8192),
	FREE("at_minus_4096", IN_TASK, 0xe6, 0x03, .offset = -4096),
	NO_BUFFER("NULL", EACH_IRQL, ADDRESS),
	NO_BUFFER("4096", IN_TASK, ADDRESS, 0, 4096),
	NO_BUFFER("2^63", IN_TASK, ADDRESS, 0, S64_MIN),
	NO_BUFFER("minus_1", EACH_IRQL, ADDRESS, 0, -1),
	NO_BUFFER("minus_4096", IN_TASK, ADDRESS, 0, -4096),
	NO_BUFFER("slab", IN_TASK, SLAB, BUFFER),
	NO_BUFFER("pages", IN_TASK, PAGES, 8192),
	NO_BUFFER("vmalloc", IN_TASK, VMALLOC, BUFFER),
	NO_BUFFER("guard_page", IN_TASK, VMALLOC, 8192, 8192),
	NO_BUFFER("stack", IN_TASK, STACK),
	NO_BUFFER("module_text", IN_TASK, TEXT),
	NO_BUFFER("device", IN_TASK, DEVICE),
	NO_BUFFER("pool_100", IN_TASK, NONPAGED, 100),
	NO_BUFFER("pool_5000", EACH_IRQL, NONPAGED, BUFFER),
	NO_BUFFER("pool_paged", IN_TASK, PAGED, BUFFER),
	NO_BUFFER("contiguous", EACH_IRQL, CONTIGUOUS, BUFFER),
	NO_BUFFER("noncached", EACH_IRQL, NONCACHED, BUFFER),

	/* A buffer given to the routines of other families */
	BY("by_ExFreePool", EACH_IRQL, FREE_POOL, 0xc2, 0x46),
	BY("by_ExFreePoolWithTag", IN_TASK, FREE_POOL_TAG, 0xc2, 0x46),
	BY("by_MmFreeContiguousMemory", EACH_IRQL, FREE_CONTIGUOUS, 0xc2, 0x60),
	BY("by_MmFreeContiguousMemorySpecifyCache", IN_TASK,
	   FREE_CONTIGUOUS_ALL, 0xc2, 0x60),
	BY("by_MmFreeNonCachedMemory", EACH_IRQL, FREE_NONCACHED, 0xc4, 0x16),
};

static void do_free_pool(void *arg)
{
	ExFreePool(((struct call *)arg)->buffer);
}

static void do_free_pool_tag(void *arg)
{
	ExFreePoolWithTag(((struct call *)arg)->buffer, TAG_INPUT);
}

static void do_free_contiguous(void *arg)
{
	MmFreeContiguousMemory(((struct call *)arg)->buffer);
}

static void do_free_contiguous_all(void *arg)
{
	MmFreeContiguousMemorySpecifyCache(((struct call *)arg)->buffer,
					   BUFFER, MmCached);
}

static void do_free_noncached(void *arg)
{
	MmFreeNonCachedMemory(((struct call *)arg)->buffer, BUFFER);
}

static void (*const routines[])(void *arg) = {
	[FREE_BUFFER] = do_free,
	[FREE_POOL] = do_free_pool,
	[FREE_POOL_TAG] = do_free_pool_tag,
	[FREE_CONTIGUOUS] = do_free_contiguous,
	[FREE_CONTIGUOUS_ALL] = do_free_contiguous_all,
	[FREE_NONCACHED] = do_free_noncached,
};

static void run_release(struct rpt *t, const void *data,
			enum rpt_context context)
{
	const struct release *row = data;
	struct call c, own = { .length = BUFFER, .cached = TRUE };
	struct rpt_row before, after;
	struct adapters a;
	struct thing thing;
	unsigned int tries;
	bool gone;

	rpt_family(t, "adapters", &before);
	if (!get_adapters(t, &a))
		return;
	own.operations = a.operations;
	own.adapter = a.own;
	do_allocate(&own);
	if (!EXPECT(t, own.buffer) || !thing_make(t, &thing, &row->subject))
		return;
	rpt_fill(own.buffer, BUFFER, 2);
	c = own;
	c.adapter = adapter_of(&a, row->which);
	c.length += row->length_off;
	c.logical.QuadPart += row->logical_off;
	c.cached = !row->uncached;
	c.buffer = row->elsewhere ? thing_address(&thing) :
				    own.buffer + row->offset;
	if (row->twice)
		do_free(&own);

	rpt_in_context(context, routines[row->routine], &c);
	if (!input_judge(t, &row->in, context))
		return;
	gone = row->twice || input_frees(&row->in, context);
	if (!gone) {
		EXPECT(t, rpt_filled(own.buffer, BUFFER, 2));
		do_free(&own);
	}
	thing_drop(t, &thing, false);
	/* Until a deferred free is done the adapter still has its buffer. */
	for (tries = 0; tries < RPT_TRIES; tries++) {
		rpt_family(t, "adapters", &after);
		if (after.diff == before.diff)
			break;
		rpt_settle(t);
	}
	put_adapters(&a, true);
}

const struct input_table buffer_frees =
	INPUT_TABLE("FreeCommonBuffer", releases, run_release);

#define LIST_BYTES	10000
#define UP_TO_DISPATCH	(IN_TASK | AT_DISPATCH)

enum list_flaw { RIGHT, NO_MDL, NO_ROUTINE, UNLOCKED, SMALL_BLOCK };

struct listing {
	struct input in;
	enum which which;
	enum list_flaw flaw;
	/* From where on, and how much. */
	s64 offset;
	ULONG length;
	u32 status;
};

#define LISTING(_what, _contexts, _code, _p1, _status, ...) { \
	.in = { "GetScatterGatherList", _what, _contexts, _code, _p1 }, \
	.status = _status, .length = LIST_BYTES, __VA_ARGS__ }
#define MISUSED		0xc000000d
#define NOT_WITHIN	0xc0000023
#define LIST_NO_ADAPTER(_what, _which, _code, _p1) \
	LISTING(_what, IN_TASK, _code, _p1, MISUSED, .which = _which)

static const struct listing listings[] = {
	LISTING("right", UP_TO_DISPATCH, 0, 0, 0),
	LISTING("right", ABOVE_DISPATCH | IN_NMI, 0xe6, 0x13, MISUSED),
	LISTING("the_last_byte", IN_TASK, 0, 0, 0, .offset = LIST_BYTES - 1,
		.length = 1),
	LISTING("0_bytes", UP_TO_DISPATCH, 0xe6, 0x21, MISUSED, .length = 0),
	LISTING("a_byte_more", UP_TO_DISPATCH, 0xe6, 0x24, NOT_WITHIN,
		.length = LIST_BYTES + 1),
	LISTING("2^32-1_bytes", IN_TASK, 0xe6, 0x24, NOT_WITHIN,
		.length = 0xffffffff),
	LISTING("behind", UP_TO_DISPATCH, 0xe6, 0x1b, NOT_WITHIN,
		.offset = LIST_BYTES, .length = 1),
	LISTING("before", IN_TASK, 0xe6, 0x1b, NOT_WITHIN, .offset = -1),
	LISTING("far_behind", IN_TASK, 0xe6, 0x1b, NOT_WITHIN,
		.offset = S64_MIN),
	LISTING("no_MDL", UP_TO_DISPATCH, 0xc4, 0x16, MISUSED, .flaw = NO_MDL),
	LISTING("no_routine", UP_TO_DISPATCH, 0xc4, 0x16, MISUSED,
		.flaw = NO_ROUTINE),
	LISTING("unlocked", UP_TO_DISPATCH, 0xe6, 0x0e, MISUSED, .flaw = UNLOCKED),
	LISTING("no_room_for_frames", IN_TASK, 0xc4, 0x16, MISUSED,
		.flaw = SMALL_BLOCK),
	LIST_NO_ADAPTER("of_put_adapter", PUT, 0xe6, 0x18),
	LIST_NO_ADAPTER("of_NULL", NULL_ADAPTER, 0xe6, 0x19),
	LIST_NO_ADAPTER("of_user_address", USER_ADDRESS, 0xc4, 0x16),
	LIST_NO_ADAPTER("of_not_canonical", NOT_CANONICAL, 0xc4, 0x16),
	LIST_NO_ADAPTER("of_unmapped", UNMAPPED, 0xc4, 0x16),
	LIST_NO_ADAPTER("of_inside", INSIDE_OWN, 0xc4, 0x16),
	LIST_NO_ADAPTER("of_zeroes", ZEROES, 0xc4, 0x16),
};

struct list_call {
	const DMA_OPERATIONS *operations;
	DMA_ADAPTER *adapter;
	PMDL mdl;
	void *va;
	ULONG length;
	PDRIVER_LIST_CONTROL routine;
	PSCATTER_GATHER_LIST list;
	BOOLEAN write;
	u32 status;
};

static void do_get_list(void *arg)
{
	struct list_call *c = arg;

	c->status = c->operations->GetScatterGatherList(c->adapter, &edu->dev,
							c->mdl, c->va,
							c->length, c->routine,
							&c->list, c->write);
}

static void do_put_list(void *arg)
{
	struct list_call *c = arg;

	c->operations->PutScatterGatherList(c->adapter, c->list, c->write);
}

/* An MDL of a block of pool, which is built. */
static bool get_mdl(struct rpt *t, struct list_call *c, void **block)
{
	*block = ExAllocatePoolZero(NonPagedPoolNx, LIST_BYTES, TAG_INPUT);
	c->mdl = IoAllocateMdl(*block, LIST_BYTES, FALSE, FALSE, NULL);
	if (!EXPECT(t, *block && c->mdl))
		return false;
	MmBuildMdlForNonPagedPool(c->mdl);
	c->va = *block;
	c->routine = input_keep_list;
	return true;
}

static void run_listing(struct rpt *t, const void *data,
			enum rpt_context context)
{
	const struct listing *row = data;
	struct list_call c = { .length = row->length };
	struct adapters a;
	void *block;
	PMDL mdl;

	if (!get_adapters(t, &a) || !get_mdl(t, &c, &block))
		return;
	c.operations = a.operations;
	c.adapter = adapter_of(&a, row->which);
	mdl = c.mdl;
	c.va = (void *)((ULONG_PTR)c.va + row->offset);
	switch (row->flaw) {
	case NO_MDL:
		c.mdl = NULL;
		break;
	case NO_ROUTINE:
		c.routine = NULL;
		break;
	case UNLOCKED:
		mdl->MdlFlags &= ~MDL_SOURCE_IS_NONPAGED_POOL;
		break;
	case SMALL_BLOCK:
		mdl->ByteCount = SZ_1M;
		break;
	default:
		break;
	}
	rpt_in_context(context, do_get_list, &c);
	input_judge(t, &row->in, context);
	EXPECT_EQ(t, c.status, row->status);
	if (EXPECT_EQ(t, !c.list, !!row->status) && c.list)
		do_put_list(&c);
	IoFreeMdl(mdl);
	ExFreePoolWithTag(block, TAG_INPUT);
	put_adapters(&a, true);
}

const struct input_table list_requests =
	INPUT_TABLE("GetScatterGatherList", listings, run_listing);

struct list_put {
	struct input in;
	enum which which;
	bool other_direction, twice;
	/* That far into the list, or instead of it the block, or an address. */
	s64 offset;
	bool block, address;
};

#define LIST_PUT(_what, _contexts, _code, _p1, ...) { \
	.in = { "PutScatterGatherList", _what, _contexts, _code, _p1 }, \
	__VA_ARGS__ }
#define NO_LIST(_what, _contexts, ...) \
	LIST_PUT(_what, _contexts, 0xe6, 0x06, __VA_ARGS__)
#define OTHER_LIST(_what, _contexts, _which) \
	LIST_PUT(_what, _contexts, 0xc4, 0x16, .which = _which)

static const struct list_put list_releases[] = {
	LIST_PUT("right", UP_TO_DISPATCH, 0, 0),
	LIST_PUT("right", ABOVE_DISPATCH | IN_NMI, 0xe6, 0x13),
	LIST_PUT("other_direction", UP_TO_DISPATCH, 0xc4, 0x16,
		 .other_direction = true),
	NO_LIST("twice", UP_TO_DISPATCH, .twice = true),
	NO_LIST("NULL", UP_TO_DISPATCH, .address = true),
	NO_LIST("4096", IN_TASK, .address = true, .offset = 4096),
	NO_LIST("2^63", IN_TASK, .address = true, .offset = S64_MIN),
	NO_LIST("minus_1", IN_TASK, .address = true, .offset = -1),
	NO_LIST("a_byte_further", IN_TASK, .offset = 1),
	NO_LIST("three_bytes_further", IN_TASK, .offset = 3),
	NO_LIST("the_buffer", UP_TO_DISPATCH, .block = true),
	OTHER_LIST("other_adapter", UP_TO_DISPATCH, OTHER),
	OTHER_LIST("put_adapter", IN_TASK, PUT),
	OTHER_LIST("adapter_NULL", IN_TASK, NULL_ADAPTER),
	OTHER_LIST("adapter_user_address", IN_TASK, USER_ADDRESS),
	OTHER_LIST("adapter_not_canonical", IN_TASK, NOT_CANONICAL),
	OTHER_LIST("adapter_inside", IN_TASK, INSIDE_OWN),
};

static void run_list_put(struct rpt *t, const void *data,
			 enum rpt_context context)
{
	const struct list_put *row = data;
	struct list_call c, own = { .length = LIST_BYTES };
	struct adapters a;
	void *block;
	bool gone;

	if (!get_adapters(t, &a) || !get_mdl(t, &own, &block))
		return;
	own.operations = a.operations;
	own.adapter = a.own;
	do_get_list(&own);
	if (!EXPECT(t, own.list))
		return;
	c = own;
	c.adapter = adapter_of(&a, row->which);
	c.write = row->other_direction;
	if (row->address)
		c.list = (void *)row->offset;
	else if (row->block)
		c.list = block;
	else
		c.list = (void *)own.list + row->offset;
	if (row->twice)
		do_put_list(&own);
	rpt_in_context(context, do_put_list, &c);
	if (!input_judge(t, &row->in, context))
		return;
	gone = row->twice || row->other_direction || !row->in.code ||
	       (row->in.p1 == 0x13 && context != RPT_NMI);
	if (!gone)
		do_put_list(&own);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	IoFreeMdl(own.mdl);
	ExFreePoolWithTag(block, TAG_INPUT);
	put_adapters(&a, true);
}

const struct input_table list_puts =
	INPUT_TABLE("PutScatterGatherList", list_releases, run_list_put);

#define REGISTERS	3

struct registers_free {
	struct input in;
	enum which which;
	bool twice;
	/* That far from the map registers, or instead of them an address. */
	s64 offset;
	bool address;
	ULONG more;
};

#define REGISTERS_FREE(_what, _contexts, _code, _p1, ...) { \
	.in = { "FreeMapRegisters", _what, _contexts, _code, _p1 }, \
	__VA_ARGS__ }
#define NO_REGISTERS(_what, _contexts, ...) \
	REGISTERS_FREE(_what, _contexts, 0xe6, 0x05, __VA_ARGS__)
#define OTHER_REGISTERS(_what, _contexts, ...) \
	REGISTERS_FREE(_what, _contexts, 0xc4, 0x16, __VA_ARGS__)

static const struct registers_free registers_releases[] = {
	REGISTERS_FREE("right", UP_TO_DISPATCH, 0, 0),
	REGISTERS_FREE("right", ABOVE_DISPATCH | IN_NMI, 0xe6, 0x13),
	NO_REGISTERS("twice", UP_TO_DISPATCH, .twice = true),
	NO_REGISTERS("NULL", UP_TO_DISPATCH, .address = true),
	NO_REGISTERS("4096", IN_TASK, .address = true, .offset = 4096),
	NO_REGISTERS("2^63", IN_TASK, .address = true, .offset = S64_MIN),
	NO_REGISTERS("minus_1", IN_TASK, .address = true, .offset = -1),
	NO_REGISTERS("minus_4", IN_TASK, .address = true, .offset = -4),
	NO_REGISTERS("a_byte_further", IN_TASK, .offset = 1),
	NO_REGISTERS("four_bytes_further", IN_TASK, .offset = 4),
	OTHER_REGISTERS("one_more", UP_TO_DISPATCH, .more = 1),
	OTHER_REGISTERS("2^32-1_more", IN_TASK, .more = U32_MAX),
	OTHER_REGISTERS("other_adapter", UP_TO_DISPATCH, .which = OTHER),
	OTHER_REGISTERS("put_adapter", IN_TASK, .which = PUT),
	OTHER_REGISTERS("adapter_NULL", IN_TASK, .which = NULL_ADAPTER),
	OTHER_REGISTERS("adapter_user_address", IN_TASK, .which = USER_ADDRESS),
	OTHER_REGISTERS("adapter_not_canonical", IN_TASK, .which = NOT_CANONICAL),
	OTHER_REGISTERS("adapter_inside", IN_TASK, .which = INSIDE_OWN),
};

struct registers_call {
	const DMA_OPERATIONS *operations;
	DMA_ADAPTER *adapter;
	PVOID base;
	ULONG registers;
};

static IO_ALLOCATION_ACTION keep_registers(PDEVICE_OBJECT device, PIRP irp,
					   PVOID base, PVOID context)
{
	((struct registers_call *)context)->base = base;
	return DeallocateObjectKeepRegisters;
}

static void do_free_registers(void *arg)
{
	const struct registers_call *c = arg;

	c->operations->FreeMapRegisters(c->adapter, c->base, c->registers);
}

static void run_registers_free(struct rpt *t, const void *data,
			       enum rpt_context context)
{
	const struct registers_free *row = data;
	struct registers_call c, own = { .registers = REGISTERS };
	struct adapters a;
	bool gone;

	if (!get_adapters(t, &a))
		return;
	own.operations = a.operations;
	own.adapter = a.own;
	if (!EXPECT_EQ(t, own.operations->AllocateAdapterChannel(own.adapter,
				&edu->dev, REGISTERS, keep_registers, &own), 0))
		return;
	c = own;
	c.adapter = adapter_of(&a, row->which);
	c.base = row->address ? (void *)row->offset : own.base + row->offset;
	c.registers += row->more;
	if (row->twice)
		do_free_registers(&own);
	rpt_in_context(context, do_free_registers, &c);
	if (!input_judge(t, &row->in, context))
		return;
	gone = row->twice || !row->in.code ||
	       (row->in.p1 == 0x13 && context != RPT_NMI);
	if (!gone)
		do_free_registers(&own);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	put_adapters(&a, true);
}

const struct input_table register_frees =
	INPUT_TABLE("FreeMapRegisters", registers_releases, run_registers_free);

struct cancel {
	struct input in;
	enum which which;
	/* Not of the request that waits, or none. */
	bool other, none;
	bool cancelled;
};

#define CANCEL(_what, _contexts, _code, _p1, ...) { \
	.in = { "CancelAdapterChannel", _what, _contexts, _code, _p1 }, \
	__VA_ARGS__ }

static const struct cancel channel_cancels[] = {
	CANCEL("right", UP_TO_DISPATCH, 0, 0, .cancelled = true),
	CANCEL("right", ABOVE_DISPATCH, 0xe6, 0x13, .cancelled = true),
	CANCEL("right", IN_NMI, 0xe6, 0x13),
	CANCEL("other_context", UP_TO_DISPATCH, 0, 0, .other = true),
	CANCEL("no_context", UP_TO_DISPATCH, 0, 0, .none = true),
	CANCEL("other_adapter", UP_TO_DISPATCH, 0, 0, .which = OTHER),
	CANCEL("put_adapter", UP_TO_DISPATCH, 0xe6, 0x18, .which = PUT),
	CANCEL("adapter_NULL", IN_TASK, 0xe6, 0x19, .which = NULL_ADAPTER),
	CANCEL("adapter_user_address", IN_TASK, 0xc4, 0x16, .which = USER_ADDRESS),
	CANCEL("adapter_not_canonical", IN_TASK, 0xc4, 0x16, .which = NOT_CANONICAL),
	CANCEL("adapter_inside", IN_TASK, 0xc4, 0x16, .which = INSIDE_OWN),
};

struct cancel_call {
	const DMA_OPERATIONS *operations;
	DMA_ADAPTER *adapter;
	PVOID context;
	BOOLEAN result;
};

static IO_ALLOCATION_ACTION keep_channel(PDEVICE_OBJECT device, PIRP irp,
					 PVOID base, PVOID context)
{
	++*(unsigned int *)context;
	return KeepObject;
}

static void do_cancel(void *arg)
{
	struct cancel_call *c = arg;

	c->result = c->operations->CancelAdapterChannel(c->adapter, &edu->dev,
							c->context);
}

static void run_cancel(struct rpt *t, const void *data, enum rpt_context context)
{
	u64 transfers[2][DMA_TRANSFER_CONTEXT_SIZE_V1 / sizeof(u64)];
	const struct cancel *row = data;
	unsigned int i, calls = 0;
	struct cancel_call c;
	struct adapters a;

	if (!get_adapters(t, &a))
		return;
	c = (struct cancel_call){
		.operations = a.operations,
		.adapter = adapter_of(&a, row->which),
		.context = row->none ? NULL : transfers[!row->other],
	};
	for (i = 0; i < 2; i++)
		EXPECT_EQ(t, c.operations->AllocateAdapterChannelEx(a.own,
				&edu->dev, transfers[i], 1, 0, keep_channel,
				&calls, NULL), 0);
	rpt_in_context(context, do_cancel, &c);
	if (!input_judge(t, &row->in, context))
		return;
	EXPECT_EQ(t, c.result, row->cancelled);
	c.operations->FreeAdapterChannel(a.own);
	EXPECT_EQ(t, calls, row->cancelled ? 1 : 2);
	if (!row->cancelled)
		c.operations->FreeAdapterChannel(a.own);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	put_adapters(&a, true);
}

const struct input_table channel_requests =
	INPUT_TABLE("CancelAdapterChannel", channel_cancels, run_cancel);

/* Frees of a channel that is kept, with its map registers. */
enum left { LEFT_NOTHING, LEFT_REGISTERS, LEFT_CHANNEL };

struct channel_free {
	struct input in;
	bool by_channel;
	IO_ALLOCATION_ACTION action;
	enum which which;
	/* It was freed before. */
	bool twice;
	enum left left;
};

#define CHANNEL_FREE(_what, _contexts, _code, _p1, ...) { \
	.in = { "FreeAdapterChannel", _what, _contexts, _code, _p1 }, \
	.by_channel = true, __VA_ARGS__ }
#define OBJECT_FREE(_what, _contexts, _code, _p1, _action, ...) { \
	.in = { "FreeAdapterObject", _what, _contexts, _code, _p1 }, \
	.action = (IO_ALLOCATION_ACTION)(_action), __VA_ARGS__ }
#define NO_CHANNEL(_what, _which, _code, _p1) \
	CHANNEL_FREE(_what, UP_TO_DISPATCH, _code, _p1, .which = _which, \
		     .left = LEFT_CHANNEL)
#define NO_OBJECT(_what, _which, _code, _p1) \
	OBJECT_FREE(_what, UP_TO_DISPATCH, _code, _p1, DeallocateObject, \
		    .which = _which, .left = LEFT_CHANNEL)
#define UNKNOWN_ACTION(_what, _action) \
	OBJECT_FREE(_what, UP_TO_DISPATCH, 0xc4, 0x16, _action, .left = LEFT_REGISTERS)

static const struct channel_free channel_releases[] = {
	CHANNEL_FREE("right", UP_TO_DISPATCH, 0, 0),
	CHANNEL_FREE("right", ABOVE_DISPATCH, 0xe6, 0x13),
	CHANNEL_FREE("right", IN_NMI, 0xe6, 0x13, .left = LEFT_CHANNEL),
	CHANNEL_FREE("twice", UP_TO_DISPATCH, 0xe6, 0x04, .twice = true),
	OBJECT_FREE("right", UP_TO_DISPATCH, 0, 0, DeallocateObject),
	OBJECT_FREE("right", ABOVE_DISPATCH, 0xe6, 0x13, DeallocateObject),
	OBJECT_FREE("right", IN_NMI, 0xe6, 0x13, DeallocateObject, .left = LEFT_CHANNEL),
	OBJECT_FREE("twice", UP_TO_DISPATCH, 0xe6, 0x04, DeallocateObject, .twice = true),
	OBJECT_FREE("twice_action_0", UP_TO_DISPATCH, 0xe6, 0x04, 0, .twice = true),
	OBJECT_FREE("keep_registers", UP_TO_DISPATCH, 0, 0, DeallocateObjectKeepRegisters,
		    .left = LEFT_REGISTERS),
	OBJECT_FREE("keep", ANYWHERE, 0, 0, KeepObject, .left = LEFT_CHANNEL),
	UNKNOWN_ACTION("action_0", 0),
	UNKNOWN_ACTION("action_4", 4),
	UNKNOWN_ACTION("action_99", 99),
	UNKNOWN_ACTION("action_257", 257),
	UNKNOWN_ACTION("action_258", 258),
	UNKNOWN_ACTION("action_2^31+2", 0x80000002),
	UNKNOWN_ACTION("action_2^32-1", U32_MAX),
	NO_CHANNEL("other_adapter", OTHER, 0xe6, 0x04),
	NO_CHANNEL("put_adapter", PUT, 0xe6, 0x18),
	NO_CHANNEL("adapter_NULL", NULL_ADAPTER, 0xe6, 0x19),
	NO_CHANNEL("adapter_user_address", USER_ADDRESS, 0xc4, 0x16),
	NO_CHANNEL("adapter_not_canonical", NOT_CANONICAL, 0xc4, 0x16),
	NO_CHANNEL("adapter_inside", INSIDE_OWN, 0xc4, 0x16),
	NO_CHANNEL("adapter_zeroes", ZEROES, 0xc4, 0x16),
	NO_OBJECT("other_adapter", OTHER, 0xe6, 0x04),
	NO_OBJECT("put_adapter", PUT, 0xe6, 0x18),
	NO_OBJECT("adapter_NULL", NULL_ADAPTER, 0xe6, 0x19),
	NO_OBJECT("adapter_user_address", USER_ADDRESS, 0xc4, 0x16),
	NO_OBJECT("adapter_not_canonical", NOT_CANONICAL, 0xc4, 0x16),
	NO_OBJECT("adapter_inside", INSIDE_OWN, 0xc4, 0x16),
	NO_OBJECT("adapter_zeroes", ZEROES, 0xc4, 0x16),
};

struct channel_call {
	const DMA_OPERATIONS *operations;
	const struct channel_free *row;
	DMA_ADAPTER *adapter;
	PVOID base;
	IO_ALLOCATION_ACTION action;
};

static IO_ALLOCATION_ACTION act(PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
	struct channel_call *c = context;

	c->base = base;
	return c->action;
}

static void do_free_channel(void *arg)
{
	const struct channel_call *c = arg;

	if (c->row->by_channel)
		c->operations->FreeAdapterChannel(c->adapter);
	else
		c->operations->FreeAdapterObject(c->adapter, c->row->action);
}

static void run_channel_free(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct channel_free *row = data;
	struct channel_call c = { .row = row, .action = KeepObject };
	struct channel_call next = { .action = DeallocateObject };
	struct adapters a;

	if (!get_adapters(t, &a))
		return;
	c.operations = a.operations;
	c.adapter = adapter_of(&a, row->which);
	EXPECT_EQ(t, a.operations->AllocateAdapterChannel(a.own, &edu->dev, REGISTERS, act, &c),
		  0);
	if (!EXPECT(t, c.base))
		return;
	if (row->twice)
		a.operations->FreeAdapterChannel(a.own);
	rpt_in_context(context, do_free_channel, &c);
	/* Whatever it came to: what is freed twice is no more than told. */
	input_judge(t, &row->in, context);
	EXPECT(t, rpt_has_line(t, "adapters", row->left == LEFT_NOTHING ?
			       "in_use 0 lists 0 buffers 0 open" :
			       "in_use 3 lists 0 buffers 0 open"));
	/* Who asks now gets the channel at once, or when it is freed. */
	EXPECT_EQ(t, a.operations->AllocateAdapterChannel(a.own, &edu->dev, 1, act, &next), 0);
	EXPECT_EQ(t, !next.base, row->left == LEFT_CHANNEL);
	if (row->left == LEFT_CHANNEL)
		a.operations->FreeAdapterChannel(a.own);
	if (row->left == LEFT_REGISTERS)
		a.operations->FreeMapRegisters(a.own, c.base, REGISTERS);
	EXPECT(t, next.base);
	EXPECT_VIOLATIONS(t, 0);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	put_adapters(&a, true);
}

const struct input_table channel_frees =
	INPUT_TABLE("FreeAdapterChannel", channel_releases, run_channel_free);

/* Frees of what a list has. */
struct held_free {
	struct input in;
	struct subject subject;
};

#define HELD(_what, _contexts, ...) { \
	.in = { "free_in_list", _what, _contexts, 0xe6, 0x0e }, \
	.subject = { __VA_ARGS__ } }
#define HELD_IN_NMI(_what, ...) { \
	.in = { "free_in_list", _what, IN_NMI, 0xc2, 0x09 }, \
	.subject = { __VA_ARGS__ } }

static const struct held_free held_frees[] = {
	HELD("pool_1", ANYWHERE, NONPAGED, 1),
	HELD("pool_4064", EACH_IRQL, NONPAGED, 4064),
	HELD("pool_8192", ANYWHERE, NONPAGED, 8192),
	HELD("pool_1M", EACH_IRQL, NONPAGED, SZ_1M),
	HELD("contiguous", EACH_IRQL, CONTIGUOUS, 8192),
	HELD("contiguous_UC", EACH_IRQL, CONTIGUOUS_UC, 8192),
	HELD("noncached", EACH_IRQL, NONCACHED, 8192),
	HELD_IN_NMI("pool_1", NONPAGED, 1),
	HELD_IN_NMI("pool_8192", NONPAGED, 8192),
	HELD_IN_NMI("contiguous", CONTIGUOUS, 8192),
	HELD_IN_NMI("noncached", NONCACHED, 8192),
};

struct held_call {
	const struct subject *is;
	void *base;
};

static void do_free_held(void *arg)
{
	const struct held_call *c = arg;

	switch (c->is->memory) {
	case NONPAGED:
		ExFreePoolWithTag(c->base, TAG_INPUT);
		break;
	case NONCACHED:
		MmFreeNonCachedMemory(c->base, c->is->bytes);
		break;
	default:
		MmFreeContiguousMemory(c->base);
		break;
	}
}

static void run_held_free(struct rpt *t, const void *data,
			  enum rpt_context context)
{
	const struct held_free *row = data;
	struct held_call held = { .is = &row->subject };
	struct list_call c = { .length = 1, .routine = input_keep_list, .write = TRUE };
	ULONG bytes = row->subject.bytes;
	struct thing thing;
	struct adapters a;

	if (!get_adapters(t, &a) || !thing_make(t, &thing, &row->subject))
		return;
	held.base = thing_address(&thing);
	c.operations = a.operations;
	c.adapter = a.own;
	c.mdl = IoAllocateMdl(held.base, bytes, FALSE, FALSE, NULL);
	if (!EXPECT(t, c.mdl))
		return;
	MmBuildMdlForNonPagedPool(c.mdl);
	c.va = held.base + bytes - 1;
	do_get_list(&c);
	if (!EXPECT(t, c.list))
		return;
	rpt_in_context(context, do_free_held, &held);
	if (input_judge(t, &row->in, context)) {
		do_put_list(&c);
		IoFreeMdl(c.mdl);
		thing_drop(t, &thing, false);
	}
	put_adapters(&a, true);
}

const struct input_table held_memory_frees =
	INPUT_TABLE("frees_in_list", held_frees, run_held_free);

/* Unlocks of pages that a list has. */
enum list_of { NOTHING, WHOLE, PART, PART_OF_PART };

struct held_unlock {
	struct input in;
	enum list_of list_of;
};

#define UNLOCK(_what, _contexts, _code, _p1, _list_of) { \
	.in = { "unlock_in_list", _what, _contexts, _code, _p1 }, \
	.list_of = _list_of }

static const struct held_unlock held_unlocks[] = {
	UNLOCK("of_nothing", UP_TO_DISPATCH, 0, 0, NOTHING),
	UNLOCK("of_nothing", ABOVE_DISPATCH | IN_NMI, 0xc4, 0x78, NOTHING),
	UNLOCK("of_all", UP_TO_DISPATCH, 0xe6, 0x0e, WHOLE),
	UNLOCK("of_a_part", UP_TO_DISPATCH, 0xe6, 0x0e, PART),
	UNLOCK("of_a_part_of_a_part", IN_TASK, 0xe6, 0x0e, PART_OF_PART),
};

static void do_unlock(void *arg)
{
	MmUnlockPages(arg);
}

/* Two pages of pool are locked, and a list has the second. */
static void run_held_unlock(struct rpt *t, const void *data,
			    enum rpt_context context)
{
	const struct held_unlock *row = data;
	struct list_call c = { .length = 1, .routine = input_keep_list, .write = TRUE };
	PMDL mdls[3] = { };
	struct adapters a;
	unsigned int i;
	void *block;

	if (!get_adapters(t, &a) || !get_mdl(t, &c, &block))
		return;
	IoFreeMdl(c.mdl);
	for (i = 0; i < ARRAY_SIZE(mdls); i++) {
		mdls[i] = IoAllocateMdl(block, 8192, FALSE, FALSE, NULL);
		if (!EXPECT(t, mdls[i]))
			return;
	}
	if (!EXPECT_EQ(t, MmProbeAndLockPages(mdls[0], KernelMode, IoWriteAccess), 0))
		return;
	c.va = block + 8191;
	IoBuildPartialMdl(mdls[0], mdls[1], block + 100, 0);
	IoBuildPartialMdl(mdls[1], mdls[2], c.va, 0);
	c.operations = a.operations;
	c.adapter = a.own;
	if (row->list_of != NOTHING) {
		c.mdl = mdls[row->list_of - WHOLE];
		do_get_list(&c);
		if (!EXPECT(t, c.list))
			return;
	}
	rpt_in_context(context, do_unlock, mdls[0]);
	if (!input_judge(t, &row->in, context))
		return;
	if (c.list)
		do_put_list(&c);
	if (mdls[0]->MdlFlags & MDL_PAGES_LOCKED)
		MmUnlockPages(mdls[0]);
	for (i = 0; i < ARRAY_SIZE(mdls); i++)
		IoFreeMdl(mdls[i]);
	ExFreePoolWithTag(block, TAG_INPUT);
	put_adapters(&a, true);
}

const struct input_table held_page_unlocks =
	INPUT_TABLE("unlocks_in_list", held_unlocks, run_held_unlock);
