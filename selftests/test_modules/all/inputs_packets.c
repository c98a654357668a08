// SPDX-License-Identifier: GPL-2.0
/*
 * Bad input to the routines of packets, and to those that build scatter/gather lists in
 * the driver's own memory.
 */
#include <linux/kernel.h>
#include <linux/pci.h>

#include "inputs_dma.h"

#define UP_TO_DISPATCH	(IN_TASK | AT_DISPATCH)
#define BYTES		10000
#define REGISTERS	4
#define MISUSED		0xc000000d
#define NOT_WITHIN	0xc0000023
#define INSUFFICIENT	0xc000009a

/* A block of pool, its MDL, and map registers. */
struct packet {
	struct adapters a;
	DMA_ADAPTER *adapter;
	void *block;
	PMDL mdl;
	PVOID base;
	ULONG registers;
	PDRIVER_CONTROL routine;
	u32 status;
};

static IO_ALLOCATION_ACTION keep_registers(PDEVICE_OBJECT device, PIRP irp, PVOID base,
					   PVOID context)
{
	((struct packet *)context)->base = base;
	return DeallocateObjectKeepRegisters;
}

static void do_get(void *arg)
{
	struct packet *p = arg;

	p->status = p->a.operations->AllocateAdapterChannel(p->adapter, &edu->dev,
							    p->registers, p->routine, p);
}

static void free_registers(struct packet *p)
{
	p->a.operations->FreeMapRegisters(p->a.own, p->base, p->registers);
}

static bool begin(struct rpt *t, struct packet *p)
{
	memset(p, 0, sizeof(*p));
	if (!get_adapters(t, &p->a))
		return false;
	p->adapter = p->a.own;
	p->registers = REGISTERS;
	p->routine = keep_registers;
	p->block = ExAllocatePoolZero(NonPagedPoolNx, BYTES, TAG_INPUT);
	p->mdl = IoAllocateMdl(p->block, BYTES, FALSE, FALSE, NULL);
	if (!EXPECT(t, p->block && p->mdl))
		return false;
	MmBuildMdlForNonPagedPool(p->mdl);
	return true;
}

static void end(struct rpt *t, struct packet *p)
{
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open"));
	IoFreeMdl(p->mdl);
	ExFreePoolWithTag(p->block, TAG_INPUT);
	put_adapters(&p->a, true);
}

struct request {
	struct input in;
	enum which which;
	ULONG registers;
	bool no_routine;
	u32 status;
};

#define REQUEST(_what, _contexts, _code, _p1, _status, ...) { \
	.in = { "AllocateAdapterChannel", _what, _contexts, _code, _p1 }, \
	.registers = REGISTERS, .status = _status, __VA_ARGS__ }
#define NO_ADAPTER(_what, _which, _code, _p1) \
	REQUEST(_what, UP_TO_DISPATCH, _code, _p1, MISUSED, .which = _which)

static const struct request requests[] = {
	REQUEST("right", UP_TO_DISPATCH, 0, 0, 0),
	REQUEST("right", ABOVE_DISPATCH | IN_NMI, 0xe6, 0x13, MISUSED),
	REQUEST("all_registers", UP_TO_DISPATCH, 0, 0, 0, .registers = 5),
	REQUEST("one_more", UP_TO_DISPATCH, 0, 0, INSUFFICIENT, .registers = 6),
	REQUEST("257", UP_TO_DISPATCH, 0, 0, INSUFFICIENT, .registers = 257),
	REQUEST("65537", UP_TO_DISPATCH, 0, 0, INSUFFICIENT, .registers = 65537),
	REQUEST("2^31", IN_TASK, 0, 0, INSUFFICIENT, .registers = 1U << 31),
	REQUEST("2^32-1", UP_TO_DISPATCH, 0, 0, INSUFFICIENT, .registers = U32_MAX),
	REQUEST("no_routine", UP_TO_DISPATCH, 0xc4, 0x16, MISUSED, .no_routine = true),
	NO_ADAPTER("of_put_adapter", PUT, 0xe6, 0x18),
	NO_ADAPTER("of_NULL", NULL_ADAPTER, 0xe6, 0x19),
	NO_ADAPTER("of_user_address", USER_ADDRESS, 0xc4, 0x16),
	NO_ADAPTER("of_not_canonical", NOT_CANONICAL, 0xc4, 0x16),
	NO_ADAPTER("of_unmapped", UNMAPPED, 0xc4, 0x16),
	NO_ADAPTER("of_inside", INSIDE_OWN, 0xc4, 0x16),
	NO_ADAPTER("of_pool_block", POOL_BLOCK, 0xc4, 0x16),
	NO_ADAPTER("of_zeroes", ZEROES, 0xc4, 0x16),
};

static void run_request(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct request *row = data;
	struct packet p;

	if (!begin(t, &p))
		return;
	p.adapter = adapter_of(&p.a, row->which);
	p.registers = row->registers;
	if (row->no_routine)
		p.routine = NULL;
	rpt_in_context(context, do_get, &p);
	if (!input_judge(t, &row->in, context))
		return;
	EXPECT_EQ(t, p.status, row->status);
	EXPECT_EQ(t, !!p.base, !row->status);
	if (p.base)
		free_registers(&p);
	end(t, &p);
}

const struct input_table packet_requests =
	INPUT_TABLE("AllocateAdapterChannel", requests, run_request);

/* Transfers and flushes */

enum flaw {
	RIGHT,
	NO_MDL,
	UNLOCKED,
	SMALL_BLOCK,
	NO_LENGTH,
	NO_BASE,
	WILD_BASE,
	FURTHER_BASE,
	FREED_BASE,
	/* The block is mapped already, from its first byte on. */
	MAPPED,
	OTHER_DIRECTION,
};

struct transfer {
	struct input in;
	enum which which;
	enum flaw flaw;
	s64 offset;
	ULONG length;
	bool done;
};

#define TRANSFER(_what, _contexts, _code, _p1, ...) { \
	.in = { "MapTransfer", _what, _contexts, _code, _p1 }, .length = BYTES, \
	__VA_ARGS__ }
#define NO_REGISTERS(_what, ...) \
	TRANSFER(_what, UP_TO_DISPATCH, 0xc4, 0x16, __VA_ARGS__)

static const struct transfer transfers[] = {
	TRANSFER("right", UP_TO_DISPATCH, 0, 0, .done = true),
	TRANSFER("right", ABOVE_DISPATCH | IN_NMI, 0xe6, 0x13),
	TRANSFER("the_last_byte", UP_TO_DISPATCH, 0, 0, .offset = BYTES - 1, .length = 1,
		 .done = true),
	TRANSFER("no_length", UP_TO_DISPATCH, 0xc4, 0x16, .flaw = NO_LENGTH),
	TRANSFER("0_bytes", UP_TO_DISPATCH, 0xe6, 0x21, .length = 0),
	TRANSFER("behind", UP_TO_DISPATCH, 0xe6, 0x1b, .offset = BYTES, .length = 1),
	TRANSFER("before", UP_TO_DISPATCH, 0xe6, 0x1b, .offset = -1, .length = 1),
	TRANSFER("far_behind", IN_TASK, 0xe6, 0x1b, .offset = S64_MIN),
	TRANSFER("a_byte_more", UP_TO_DISPATCH, 0xe6, 0x24, .length = BYTES + 1),
	TRANSFER("2^32-1_bytes", UP_TO_DISPATCH, 0xe6, 0x24, .length = U32_MAX),
	TRANSFER("mapped_already", UP_TO_DISPATCH, 0xe6, 0x1d, .flaw = MAPPED),
	TRANSFER("no_MDL", UP_TO_DISPATCH, 0xc4, 0x16, .flaw = NO_MDL),
	TRANSFER("unlocked", UP_TO_DISPATCH, 0xe6, 0x0e, .flaw = UNLOCKED),
	TRANSFER("no_room_for_frames", UP_TO_DISPATCH, 0xc4, 0x16, .flaw = SMALL_BLOCK),
	NO_REGISTERS("NULL", .flaw = NO_BASE),
	NO_REGISTERS("wild", .flaw = WILD_BASE),
	NO_REGISTERS("a_byte_further", .flaw = FURTHER_BASE),
	NO_REGISTERS("freed", .flaw = FREED_BASE),
	NO_REGISTERS("other_adapter", .which = OTHER),
	NO_REGISTERS("adapter_put", .which = PUT),
	NO_REGISTERS("adapter_NULL", .which = NULL_ADAPTER),
	NO_REGISTERS("adapter_user_address", .which = USER_ADDRESS),
	NO_REGISTERS("adapter_not_canonical", .which = NOT_CANONICAL),
	NO_REGISTERS("adapter_inside", .which = INSIDE_OWN),
	NO_REGISTERS("adapter_zeroes", .which = ZEROES),
};

#define FLUSH(_what, _contexts, _code, _p1, ...) { \
	.in = { "FlushAdapterBuffers", _what, _contexts, _code, _p1 }, .length = BYTES, \
	.flaw = MAPPED, __VA_ARGS__ }
#define NOT_FLUSHED(_what, ...) \
	FLUSH(_what, UP_TO_DISPATCH, 0xe6, 0x20, __VA_ARGS__)

static const struct transfer flushes[] = {
	FLUSH("right", UP_TO_DISPATCH, 0, 0, .done = true),
	FLUSH("right", ABOVE_DISPATCH, 0xe6, 0x13, .done = true),
	FLUSH("right", IN_NMI, 0xe6, 0x13),
	FLUSH("other_direction", UP_TO_DISPATCH, 0xc4, 0x16, .flaw = OTHER_DIRECTION,
	      .done = true),
	NOT_FLUSHED("not_mapped", .flaw = RIGHT),
	NOT_FLUSHED("behind", .offset = BYTES, .length = 1),
	NOT_FLUSHED("before", .offset = -1, .length = 1),
	NOT_FLUSHED("far_behind", .offset = S64_MIN),
	NOT_FLUSHED("0_bytes", .length = 0),
	NOT_FLUSHED("NULL", .flaw = NO_BASE),
	NOT_FLUSHED("wild", .flaw = WILD_BASE),
	NOT_FLUSHED("a_byte_further", .flaw = FURTHER_BASE),
	NOT_FLUSHED("freed", .flaw = FREED_BASE),
	NOT_FLUSHED("other_adapter", .which = OTHER),
	NOT_FLUSHED("adapter_put", .which = PUT),
	NOT_FLUSHED("adapter_NULL", .which = NULL_ADAPTER),
	NOT_FLUSHED("adapter_user_address", .which = USER_ADDRESS),
	NOT_FLUSHED("adapter_not_canonical", .which = NOT_CANONICAL),
	NOT_FLUSHED("adapter_inside", .which = INSIDE_OWN),
	NOT_FLUSHED("adapter_zeroes", .which = ZEROES),
};

struct call {
	struct packet *p;
	DMA_ADAPTER *adapter;
	PMDL mdl;
	PVOID base;
	void *va;
	ULONG length;
	bool no_length;
	BOOLEAN write;
	u64 logical;
	BOOLEAN flushed;
};

static void do_map(void *arg)
{
	struct call *c = arg;

	c->logical = c->p->a.operations->MapTransfer(c->adapter, c->mdl, c->base, c->va,
			c->no_length ? NULL : &c->length, c->write).QuadPart;
}

static void do_flush(void *arg)
{
	struct call *c = arg;

	c->flushed = c->p->a.operations->FlushAdapterBuffers(c->adapter, c->mdl, c->base,
							     c->va, c->length, c->write);
}

/* All of the block, in as many pieces as it takes. */
static bool map_all(struct rpt *t, const struct call *own)
{
	struct call piece = *own;
	ULONG done = 0;

	for (; done < BYTES; done += piece.length) {
		piece.va = own->va + done;
		piece.length = BYTES - done;
		do_map(&piece);
		if (!EXPECT(t, piece.length))
			return false;
	}
	return true;
}

static void run(struct rpt *t, const struct transfer *row, enum rpt_context context,
		bool flush)
{
	bool freed = row->flaw == FREED_BASE;
	bool mapped = row->flaw == MAPPED || row->flaw == OTHER_DIRECTION;
	struct call c, own = { .write = TRUE };
	struct packet p;

	if (!begin(t, &p))
		return;
	do_get(&p);
	if (!EXPECT(t, p.base))
		return;
	own.p = &p;
	own.adapter = p.a.own;
	own.mdl = p.mdl;
	own.base = p.base;
	own.va = p.block;
	own.length = BYTES;
	if (mapped && !map_all(t, &own))
		return;
	c = own;
	c.adapter = adapter_of(&p.a, row->which);
	c.va = (void *)((unsigned long)c.va + row->offset);
	c.length = row->length;
	switch (row->flaw) {
	case NO_MDL:
		c.mdl = NULL;
		break;
	case UNLOCKED:
		p.mdl->MdlFlags &= ~MDL_SOURCE_IS_NONPAGED_POOL;
		break;
	case SMALL_BLOCK:
		p.mdl->ByteCount = BYTES * 100;
		break;
	case NO_LENGTH:
		c.no_length = true;
		break;
	case NO_BASE:
		c.base = NULL;
		break;
	case WILD_BASE:
		c.base = (PVOID)(1UL << 63);
		break;
	case FURTHER_BASE:
		c.base++;
		break;
	case FREED_BASE:
		free_registers(&p);
		break;
	case OTHER_DIRECTION:
		c.write = FALSE;
		break;
	default:
		break;
	}
	rpt_in_context(context, flush ? do_flush : do_map, &c);
	if (!input_judge(t, &row->in, context))
		return;
	if (flush) {
		EXPECT_EQ(t, c.flushed, row->done);
		mapped &= !row->done;
	} else {
		EXPECT_EQ(t, !!c.logical, row->done);
		if (!row->done && !c.no_length)
			EXPECT_EQ(t, c.length, 0);
		if (row->done) {
			do_flush(&c);
			EXPECT(t, c.flushed);
		}
	}
	/* What is refused leaves the others as they are. */
	if (mapped) {
		do_flush(&own);
		EXPECT(t, own.flushed);
	}
	if (!freed)
		free_registers(&p);
	EXPECT_VIOLATIONS(t, 0);
	end(t, &p);
}

static void run_transfer(struct rpt *t, const void *row, enum rpt_context context)
{
	run(t, row, context, false);
}

static void run_flush(struct rpt *t, const void *row, enum rpt_context context)
{
	run(t, row, context, true);
}

const struct input_table packet_transfers =
	INPUT_TABLE("MapTransfer", transfers, run_transfer);
const struct input_table packet_flushes =
	INPUT_TABLE("FlushAdapterBuffers", flushes, run_flush);

/* Lists in the driver's own memory */

struct build {
	struct input in;
	enum which which;
	bool calculate, no_buffer, no_routine, no_mdl, no_size;
	/* Room for the list; 0 stands for all that it takes. */
	ULONG size;
	u32 status;
};

#define BUILD(_what, _contexts, _code, _p1, _status, ...) { \
	.in = { "BuildScatterGatherList", _what, _contexts, _code, _p1 }, \
	.status = _status, __VA_ARGS__ }
#define CALCULATE(_what, _contexts, _code, _p1, _status, ...) { \
	.in = { "CalculateScatterGatherList", _what, _contexts, _code, _p1 }, \
	.status = _status, .calculate = true, __VA_ARGS__ }
#define BUILD_OF(_what, _which, _code, _p1) \
	BUILD(_what, UP_TO_DISPATCH, _code, _p1, MISUSED, .which = _which)

static const struct build builds[] = {
	BUILD("right", UP_TO_DISPATCH, 0, 0, 0),
	BUILD("right", ABOVE_DISPATCH | IN_NMI, 0xe6, 0x13, MISUSED),
	BUILD("room_for_no_element", UP_TO_DISPATCH, 0, 0, NOT_WITHIN, .size = 39),
	BUILD("a_byte_of_room", UP_TO_DISPATCH, 0, 0, NOT_WITHIN, .size = 1),
	BUILD("no_buffer", UP_TO_DISPATCH, 0, 0, NOT_WITHIN, .no_buffer = true),
	BUILD("no_routine", UP_TO_DISPATCH, 0xc4, 0x16, MISUSED, .no_routine = true),
	BUILD("no_MDL", UP_TO_DISPATCH, 0xc4, 0x16, MISUSED, .no_mdl = true),
	BUILD_OF("of_put_adapter", PUT, 0xe6, 0x18),
	BUILD_OF("of_NULL", NULL_ADAPTER, 0xe6, 0x19),
	BUILD_OF("of_user_address", USER_ADDRESS, 0xc4, 0x16),
	BUILD_OF("of_not_canonical", NOT_CANONICAL, 0xc4, 0x16),
	BUILD_OF("of_inside", INSIDE_OWN, 0xc4, 0x16),
	BUILD_OF("of_zeroes", ZEROES, 0xc4, 0x16),
	CALCULATE("right", ANYWHERE, 0, 0, 0),
	CALCULATE("no_MDL", EACH_IRQL, 0, 0, 0, .no_mdl = true),
	CALCULATE("no_size", EACH_IRQL, 0xc4, 0x16, MISUSED, .no_size = true),
};

struct building {
	const struct build *row;
	struct packet *p;
	DMA_ADAPTER *adapter;
	PMDL mdl;
	void *room;
	ULONG size;
	PSCATTER_GATHER_LIST list;
	u32 status;
};

static void do_build(void *arg)
{
	struct building *b = arg;
	const DMA_OPERATIONS *ops = b->p->a.operations;

	if (b->row->calculate)
		b->status = ops->CalculateScatterGatherList(b->adapter, b->mdl,
				b->p->block, BYTES, b->row->no_size ? NULL : &b->size,
				NULL);
	else
		b->status = ops->BuildScatterGatherList(b->adapter, &edu->dev, b->mdl,
				b->p->block, BYTES,
				b->row->no_routine ? NULL : input_keep_list, &b->list, TRUE,
				b->row->no_buffer ? NULL : b->room, b->size);
}

static void run_build(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct build *row = data;
	struct building b = { row };
	struct packet p;
	ULONG size;

	if (!begin(t, &p))
		return;
	b.p = &p;
	b.adapter = p.a.own;
	b.mdl = p.mdl;
	EXPECT_EQ(t, p.a.operations->CalculateScatterGatherList(p.a.own, p.mdl, p.block,
								BYTES, &size, NULL), 0);
	/* By pages; where these are adjacent, one element will do. */
	b.size = row->size ?: size;
	b.room = ExAllocatePoolZero(NonPagedPoolNx, size, TAG_INPUT);
	if (!EXPECT(t, b.room))
		return;
	b.adapter = adapter_of(&p.a, row->which);
	if (row->no_mdl)
		b.mdl = NULL;
	rpt_in_context(context, do_build, &b);
	if (!input_judge(t, &row->in, context))
		return;
	EXPECT_EQ(t, b.status, row->status);
	EXPECT_EQ(t, !!b.list, !row->calculate && !row->status);
	if (row->calculate && !row->status)
		EXPECT_EQ(t, b.size, size);
	if (b.list) {
		EXPECT(t, (void *)b.list == b.room);
		p.a.operations->PutScatterGatherList(p.a.own, b.list, TRUE);
	} else if (!row->calculate) {
		EXPECT(t, !memchr_inv(b.room, 0, size));
	}
	ExFreePoolWithTag(b.room, TAG_INPUT);
	end(t, &p);
}

const struct input_table list_builds =
	INPUT_TABLE("BuildScatterGatherList", builds, run_build);

/* The same by their later forms, and what only these have */

enum ex_routine { LIST_EX, BUILD_EX, CHANNEL_EX, MAP_EX, FLUSH_EX, BUFFER_EX, BOUNDED_BUFFER,
	ADAPTER_INFO, TRANSFER_INFO, CONTEXT };

struct ex {
	struct input in;
	enum ex_routine routine;
	enum which which;
	u64 offset;
	/* Bytes or, for a channel, registers. */
	ULONG length;
	ULONG flags;
	u64 highest;
	bool nothing;
	u32 status;
};

#define EX(_routine, _what, _contexts, _code, _p1, _status, ...) { \
	.in = { #_routine, _what, _contexts, _code, _p1 }, .routine = _routine, \
	.length = BYTES, .highest = U64_MAX, .status = _status, __VA_ARGS__ }
#define TRANSFER_EX(_what, _contexts, _code, _p1, _status, ...) \
	EX(LIST_EX, _what, _contexts, _code, _p1, _status, __VA_ARGS__)
#define BUFFER(_what, _contexts, _code, _p1, _status, ...) \
	EX(BUFFER_EX, _what, _contexts, _code, _p1, _status, __VA_ARGS__)
#define NOT_OF_VERSION	0xc00000bb

/* For each routine with a transfer. */
static const struct ex ex_transfers[] = {
	TRANSFER_EX("right", UP_TO_DISPATCH, 0, 0, 0, .offset = 0),
	TRANSFER_EX("right", ABOVE_DISPATCH | IN_NMI, 0xe6, 0x13, MISUSED, .offset = 0),
	TRANSFER_EX("the_last_byte", UP_TO_DISPATCH, 0, 0, 0, .offset = BYTES - 1,
		    .length = 1),
	TRANSFER_EX("0_bytes", UP_TO_DISPATCH, 0xe6, 0x21, MISUSED, .length = 0),
	TRANSFER_EX("behind", UP_TO_DISPATCH, 0xe6, 0x1b, NOT_WITHIN, .offset = BYTES,
		    .length = 1),
	TRANSFER_EX("far_behind", UP_TO_DISPATCH, 0xe6, 0x1b, NOT_WITHIN,
		    .offset = 1ULL << 63),
	TRANSFER_EX("at_2^32", UP_TO_DISPATCH, 0xe6, 0x1b, NOT_WITHIN,
		    .offset = 1ULL << 32),
	TRANSFER_EX("last_offset", UP_TO_DISPATCH, 0xe6, 0x1b, NOT_WITHIN,
		    .offset = U64_MAX),
	TRANSFER_EX("a_byte_more", UP_TO_DISPATCH, 0xe6, 0x24, NOT_WITHIN, .offset = 1),
	TRANSFER_EX("2^32-1_bytes", UP_TO_DISPATCH, 0xe6, 0x24, NOT_WITHIN,
		    .length = U32_MAX),
	TRANSFER_EX("for_nobody", UP_TO_DISPATCH, 0xc4, 0x16, MISUSED, .nothing = true),
	TRANSFER_EX("of_inside", UP_TO_DISPATCH, 0xc4, 0x16, MISUSED, .which = INSIDE_OWN),
};

/* For each routine with a buffer. */
static const struct ex ex_buffers[] = {
	BUFFER("right", IN_TASK, 0, 0, 0, .offset = 0),
	BUFFER("right", IN_ATOMIC | IN_NMI, 0xc2, 0x08, 1, .offset = 0),
	BUFFER("0_bytes", IN_TASK, 0xc2, 0x00, 1, .length = 0),
	BUFFER("2^32-1_bytes", IN_TASK, 0, 0, 1, .length = U32_MAX),
	BUFFER("nowhere", IN_TASK, 0, 0, 1, .highest = 0),
	BUFFER("of_NULL", IN_TASK, 0xe6, 0x19, 1, .which = NULL_ADAPTER),
	BUFFER("of_put_adapter", IN_TASK, 0xe6, 0x18, 1, .which = PUT),
	BUFFER("of_inside", IN_TASK, 0xc4, 0x16, 1, .which = INSIDE_OWN),
};

static const struct ex exes[] = {
	EX(LIST_EX, "of_NULL", UP_TO_DISPATCH, 0xe6, 0x19, MISUSED, .which = NULL_ADAPTER),
	EX(BUILD_EX, "of_NULL", UP_TO_DISPATCH, 0xe6, 0x19, MISUSED, .which = NULL_ADAPTER),
	EX(MAP_EX, "of_NULL", UP_TO_DISPATCH, 0xc4, 0x16, MISUSED, .which = NULL_ADAPTER),
	EX(CHANNEL_EX, "right", UP_TO_DISPATCH, 0, 0, 0, .length = REGISTERS),
	EX(CHANNEL_EX, "right", ABOVE_DISPATCH | IN_NMI, 0xe6, 0x13, MISUSED,
	   .length = REGISTERS),
	EX(CHANNEL_EX, "one_more", UP_TO_DISPATCH, 0, 0, INSUFFICIENT, .length = 6),
	EX(CHANNEL_EX, "2^32-1", UP_TO_DISPATCH, 0, 0, INSUFFICIENT, .length = U32_MAX),
	EX(CHANNEL_EX, "for_nobody", UP_TO_DISPATCH, 0xc4, 0x16, MISUSED,
	   .length = REGISTERS, .nothing = true),
	EX(CHANNEL_EX, "of_NULL", UP_TO_DISPATCH, 0xe6, 0x19, MISUSED, .length = REGISTERS,
	   .which = NULL_ADAPTER),
	EX(FLUSH_EX, "right", UP_TO_DISPATCH, 0, 0, 0),
	EX(FLUSH_EX, "right", ABOVE_DISPATCH, 0xe6, 0x13, 0),
	EX(FLUSH_EX, "right", IN_NMI, 0xe6, 0x13, MISUSED),
	EX(FLUSH_EX, "behind", UP_TO_DISPATCH, 0xe6, 0x20, MISUSED, .offset = BYTES),
	EX(FLUSH_EX, "at_2^32", UP_TO_DISPATCH, 0xe6, 0x20, MISUSED, .offset = 1ULL << 32),
	EX(FLUSH_EX, "last_offset", UP_TO_DISPATCH, 0xe6, 0x20, MISUSED, .offset = U64_MAX),
	EX(FLUSH_EX, "0_bytes", UP_TO_DISPATCH, 0xe6, 0x20, MISUSED, .length = 0),
	EX(FLUSH_EX, "of_NULL", UP_TO_DISPATCH, 0xe6, 0x20, MISUSED, .which = NULL_ADAPTER),
	EX(ADAPTER_INFO, "right", ANYWHERE, 0, 0, 0, .flags = 1),
	EX(ADAPTER_INFO, "version_0", EACH_IRQL, 0, 0, NOT_OF_VERSION, .flags = 0),
	EX(ADAPTER_INFO, "version_2^32-1", EACH_IRQL, 0, 0, NOT_OF_VERSION, .flags = U32_MAX),
	EX(ADAPTER_INFO, "NULL", EACH_IRQL, 0xc4, 0x16, MISUSED, .nothing = true),
	EX(ADAPTER_INFO, "of_NULL", EACH_IRQL, 0xe6, 0x19, MISUSED, .flags = 1,
	   .which = NULL_ADAPTER),
	EX(TRANSFER_INFO, "right", ANYWHERE, 0, 0, 0, .flags = 2),
	EX(TRANSFER_INFO, "version_3", EACH_IRQL, 0, 0, NOT_OF_VERSION, .flags = 3),
	EX(TRANSFER_INFO, "NULL", EACH_IRQL, 0xc4, 0x16, MISUSED, .nothing = true),
	EX(CONTEXT, "right", ANYWHERE, 0, 0, 0),
	EX(CONTEXT, "NULL", EACH_IRQL, 0, 0, MISUSED, .nothing = true),
	EX(CONTEXT, "of_NULL", EACH_IRQL, 0xe6, 0x19, MISUSED, .which = NULL_ADAPTER),
	EX(CONTEXT, "of_put_adapter", EACH_IRQL, 0xe6, 0x18, MISUSED, .which = PUT),
};

struct ex_call {
	const struct ex *row;
	enum ex_routine routine;
	struct packet *p;
	DMA_ADAPTER *adapter;
	void *room;
	ULONG size, length;
	PSCATTER_GATHER_LIST list;
	PHYSICAL_ADDRESS logical;
	void *buffer;
	u8 context[DMA_TRANSFER_CONTEXT_SIZE_V1];
	u32 status;
};

static void do_ex(void *arg)
{
	struct ex_call *c = arg;
	const DMA_OPERATIONS *ops = c->p->a.operations;
	PHYSICAL_ADDRESS low = { }, high = { .QuadPart = c->row->highest };
	DMA_ADAPTER_INFO info = { .Version = c->row->flags };
	DMA_TRANSFER_INFO transfer = { .Version = c->row->flags };
	bool nothing = c->row->nothing;

	switch (c->routine) {
	case LIST_EX:
		c->status = ops->GetScatterGatherListEx(c->adapter, &edu->dev, NULL,
				c->p->mdl, c->row->offset, c->row->length, 0,
				nothing ? NULL : input_keep_list, &c->list, TRUE, NULL, NULL,
				NULL);
		break;
	case BUILD_EX:
		c->status = ops->BuildScatterGatherListEx(c->adapter, &edu->dev, NULL,
				c->p->mdl, c->row->offset, c->row->length, 0,
				nothing ? NULL : input_keep_list, &c->list, TRUE, c->room,
				c->size, NULL, NULL, NULL);
		break;
	case CHANNEL_EX:
		c->status = ops->AllocateAdapterChannelEx(c->adapter, &edu->dev, NULL,
				c->row->length, 0, nothing ? NULL : keep_registers, c->p,
				NULL);
		break;
	case MAP_EX:
		c->length = c->row->length;
		c->status = ops->MapTransferEx(c->adapter, c->p->mdl, c->p->base,
				c->row->offset, 0, nothing ? NULL : &c->length, TRUE,
				c->room, c->size, NULL, NULL);
		break;
	case FLUSH_EX:
		c->status = ops->FlushAdapterBuffersEx(c->adapter, c->p->mdl, c->p->base,
				c->row->offset, c->row->length, TRUE);
		break;
	case BUFFER_EX:
		c->buffer = ops->AllocateCommonBufferEx(c->adapter, &high, c->row->length,
				&c->logical, TRUE, MM_ANY_NODE_OK);
		c->status = !c->buffer;
		break;
	case BOUNDED_BUFFER:
		c->buffer = ops->AllocateCommonBufferWithBounds(c->adapter, &low, &high,
				c->row->length, 0, NULL, MM_ANY_NODE_OK, &c->logical);
		c->status = !c->buffer;
		break;
	case ADAPTER_INFO:
		c->status = ops->GetDmaAdapterInfo(c->adapter, nothing ? NULL : &info);
		break;
	case TRANSFER_INFO:
		c->status = ops->GetDmaTransferInfo(c->adapter, c->p->mdl, c->row->offset,
				c->row->length, FALSE, nothing ? NULL : &transfer);
		break;
	case CONTEXT:
		memset(c->context, 0xff, sizeof(c->context));
		c->status = ops->InitializeDmaTransferContext(c->adapter,
				nothing ? NULL : c->context);
		break;
	}
}

static void flush_all(struct rpt *t, struct packet *p)
{
	EXPECT_EQ(t, p->a.operations->FlushAdapterBuffersEx(p->a.own, p->mdl, p->base, 0,
							    BYTES, TRUE), 0);
}

static void run_by(struct rpt *t, const struct ex *row, enum ex_routine routine,
		   enum rpt_context context)
{
	bool maps = routine == MAP_EX, flushes = routine == FLUSH_EX;
	struct ex_call c = { row, routine };
	const DMA_OPERATIONS *ops;
	struct packet p;

	if (!begin(t, &p))
		return;
	ops = p.a.operations;
	c.p = &p;
	EXPECT_EQ(t, ops->CalculateScatterGatherList(p.a.own, p.mdl, p.block, BYTES,
						     &c.size, NULL), 0);
	c.room = ExAllocatePoolZero(NonPagedPoolNx, c.size, TAG_INPUT);
	if (maps || flushes)
		do_get(&p);
	if (!EXPECT(t, c.room) || !EXPECT_EQ(t, !!p.base, maps || flushes))
		return;
	c.length = BYTES;
	if (flushes)
		EXPECT_EQ(t, ops->MapTransferEx(p.a.own, p.mdl, p.base, 0, 0, &c.length,
						TRUE, c.room, c.size, NULL, NULL), 0);
	c.adapter = adapter_of(&p.a, row->which);
	rpt_in_context(context, do_ex, &c);
	if (!input_judge(t, &row->in, context))
		return;
	EXPECT_EQ(t, c.status, row->status);
	if (routine == CONTEXT)
		EXPECT(t, !memchr_inv(c.context, row->status ? 0xff : 0, sizeof(c.context)));
	EXPECT_EQ(t, !!c.list, (routine == LIST_EX || routine == BUILD_EX) &&
			       !row->status);
	if (c.list)
		ops->PutScatterGatherList(p.a.own, c.list, TRUE);
	if (c.buffer)
		ops->FreeCommonBuffer(p.a.own, row->length, c.logical, c.buffer, TRUE);
	if (maps && !c.status)
		EXPECT_EQ(t, ops->FlushAdapterBuffersEx(p.a.own, p.mdl, p.base, row->offset,
							row->length, TRUE), 0);
	/* What is refused leaves it as it is. */
	if (flushes && c.status)
		flush_all(t, &p);
	if (routine == CHANNEL_EX)
		p.registers = row->length;
	if (p.base)
		free_registers(&p);
	EXPECT_VIOLATIONS(t, 0);
	ExFreePoolWithTag(c.room, TAG_INPUT);
	end(t, &p);
}

static void run_ex(struct rpt *t, const void *data, enum rpt_context context)
{
	const struct ex *row = data;

	run_by(t, row, row->routine, context);
}

static void run_list_ex(struct rpt *t, const void *row, enum rpt_context context)
{
	run_by(t, row, LIST_EX, context);
}

static void run_build_ex(struct rpt *t, const void *row, enum rpt_context context)
{
	run_by(t, row, BUILD_EX, context);
}

static void run_map_ex(struct rpt *t, const void *row, enum rpt_context context)
{
	run_by(t, row, MAP_EX, context);
}

static void run_buffer_ex(struct rpt *t, const void *row, enum rpt_context context)
{
	run_by(t, row, BUFFER_EX, context);
}

static void run_bounded_buffer(struct rpt *t, const void *row, enum rpt_context context)
{
	run_by(t, row, BOUNDED_BUFFER, context);
}

const struct input_table later_forms = INPUT_TABLE("Ex", exes, run_ex);
const struct input_table list_requests_ex =
	INPUT_TABLE("GetScatterGatherListEx", ex_transfers, run_list_ex);
const struct input_table list_builds_ex =
	INPUT_TABLE("BuildScatterGatherListEx", ex_transfers, run_build_ex);
const struct input_table packet_transfers_ex =
	INPUT_TABLE("MapTransferEx", ex_transfers, run_map_ex);
const struct input_table buffers_ex =
	INPUT_TABLE("AllocateCommonBufferEx", ex_buffers, run_buffer_ex);
const struct input_table bounded_buffers =
	INPUT_TABLE("AllocateCommonBufferWithBounds", ex_buffers, run_bounded_buffer);
