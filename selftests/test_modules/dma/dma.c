// SPDX-License-Identifier: GPL-2.0
/*
 * Adapters and common buffers, with QEMU's edu as the device.
 */
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dma.h"

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8

struct pci_dev *edu;

static const struct rpt_arg lengths[] = {
	{ "1", 1 },
	{ "4096", 4096 },
	{ "4097", 4097 },
	{ "64K", SZ_64K },
	{ "1M+1", SZ_1M + 1 },
	{ "4G-1", 0xffffffff },
	{ }
};

static void map_registers(struct rpt *t)
{
	u64 length = rpt_value(t);
	ULONG registers = 0xdeadbeef;
	DMA_ADAPTER *adapter = get_adapter(32, length, &registers);

	if (!EXPECT(t, adapter))
		return;
	EXPECT_EQ(t, registers, DIV_ROUND_UP(length, PAGE_SIZE) + 1);
	EXPECT_EQ(t, adapter->Version, 1);
	EXPECT(t, adapter->DmaOperations->Size >= sizeof(DMA_OPERATIONS));
	put_adapter(adapter);
}

static void one_per_page(struct rpt *t)
{
	PHYSICAL_ADDRESS logical, other;
	ULONG registers;
	/* 4 pages and one more. */
	DMA_ADAPTER *adapter = get_adapter(32, 4 * PAGE_SIZE, &registers);
	struct rpt_row before, after;
	void *buffer, *small;

	if (!EXPECT(t, adapter))
		return;
	EXPECT_EQ(t, registers, 5);
	rpt_family(t, "adapters", &before);
	EXPECT(t, !get_buffer(adapter, 5 * PAGE_SIZE + 1, &logical));
	EXPECT(t, !get_buffer(adapter, SZ_1M, &logical));
	EXPECT(t, !get_buffer(adapter, 0xffffffff, &logical));
	EXPECT(t, !get_buffer(adapter, 0xfffff001, &logical));
	rpt_family(t, "adapters", &after);
	EXPECT_EQ(t, after.failures, before.failures + 4);
	EXPECT_EQ(t, after.allocs, before.allocs);

	buffer = get_buffer(adapter, 5 * PAGE_SIZE, &logical);
	/* Each takes a register at least, and the sum is shown. */
	small = get_buffer(adapter, 1, &other);
	if (EXPECT(t, buffer && small))
		EXPECT(t, rpt_has_line(t, "adapters",
				       "registers 5 in_use 6 buffers 2 open"));
	if (small)
		put_buffer(adapter, 1, other, small);
	if (buffer)
		put_buffer(adapter, 5 * PAGE_SIZE, logical, buffer);
	EXPECT(t, rpt_has_line(t, "adapters",
			       "registers 5 in_use 0 mask 0xffffffff buffers 0 open"));
	put_adapter(adapter);
}

static const struct rpt_arg buffer_lengths[] = {
	{ "1", 1 },
	{ "100", 100 },
	{ "4096", 4096 },
	{ "5000", 5000 },
	{ "64K", SZ_64K },
	{ "1M", SZ_1M },
	{ }
};

static void buffer_of(struct rpt *t)
{
	ULONG length = rpt_value(t), registers;
	DMA_ADAPTER *adapter = get_adapter(28, length, &registers);
	struct rpt_row before, with;
	PHYSICAL_ADDRESS logical;
	unsigned int round;
	char *buffer;

	if (!EXPECT(t, adapter))
		return;
	/* Dirty the first time round, zero all the same. */
	for (round = 0; round < 3; round++) {
		rpt_family(t, "adapters", &before);
		buffer = get_buffer(adapter, length, &logical);
		if (!EXPECT(t, buffer))
			break;
		rpt_family(t, "adapters", &with);
		EXPECT_EQ(t, with.allocs, before.allocs + 1);
		EXPECT_EQ(t, with.diff, before.diff + 1);
		EXPECT_EQ(t, with.bytes, before.bytes + length);
		EXPECT_EQ(t, with.used, before.used + PAGE_ALIGN(length));
		EXPECT(t, PAGE_ALIGNED(buffer));
		EXPECT(t, PAGE_ALIGNED(logical.QuadPart));
		EXPECT(t, (u64)logical.QuadPart + length - 1 <=
			  DMA_BIT_MASK(28));
		EXPECT(t, !memchr_inv(buffer, 0, length));
		memset(buffer, 0xa5, length);
		put_buffer(adapter, length, logical, buffer);
	}
	put_adapter(adapter);
}

u64 behind(u64 logical)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&edu->dev);

	return domain ? iommu_iova_to_phys(domain, logical) : logical;
}

static void logical_is_where_it_is(struct rpt *t)
{
	DMA_ADAPTER *adapter = get_adapter(32, SZ_64K, &(ULONG){ 0 });
	PHYSICAL_ADDRESS logical;
	char *buffer;
	size_t at;

	if (!EXPECT(t, adapter))
		return;
	buffer = get_buffer(adapter, SZ_64K, &logical);
	for (at = 0; EXPECT(t, buffer) && at < SZ_64K; at += PAGE_SIZE)
		if (!EXPECT_EQ(t, behind(logical.QuadPart + at),
			       rpt_phys(buffer + at)))
			break;
	if (buffer)
		put_buffer(adapter, SZ_64K, logical, buffer);
	put_adapter(adapter);
}

/* Above what the page allocator has: NULL and not a word in the log. */
static void large_buffer(struct rpt *t)
{
	static const ULONG sizes[] = { SZ_8M, SZ_64M, 0xfffff000 };
	DMA_ADAPTER *adapter = get_adapter(32, 0xffffffff, &(ULONG){ 0 });
	unsigned int i;

	if (!EXPECT(t, adapter))
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 start = ktime_get_ns();
		PHYSICAL_ADDRESS logical;
		void *buffer = get_buffer(adapter, sizes[i], &logical);

		EXPECT(t, ktime_get_ns() - start < RPT_SOON);
		/* With CMA or an IOMMU it may come. */
		if (buffer)
			put_buffer(adapter, sizes[i], logical, buffer);
	}
	put_adapter(adapter);
}

const struct rpt_arg edu_widths[] = {
	{ "24", 24 },
	{ "28", 28 },
	{ "32", 32 },
	{ }
};

static void narrowest_mask(struct rpt *t)
{
	static const ULONG widths[][2] = { { 28, 32 }, { 32, 28 } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		DMA_ADAPTER *one, *two;
		PHYSICAL_ADDRESS logical;
		void *buffer;

		one = get_adapter(widths[i][0], 4096, &(ULONG){ 0 });
		EXPECT_EQ(t, edu->dev.coherent_dma_mask,
			  DMA_BIT_MASK(widths[i][0]));
		two = get_adapter(widths[i][1], 4096, &(ULONG){ 0 });
		if (!EXPECT(t, one && two))
			return;
		EXPECT_EQ(t, edu->dev.coherent_dma_mask, DMA_BIT_MASK(28));
		EXPECT_EQ(t, dma_get_mask(&edu->dev), DMA_BIT_MASK(28));
		buffer = get_buffer(two, 4096, &logical);
		if (EXPECT(t, buffer)) {
			EXPECT(t, (u64)logical.QuadPart <= DMA_BIT_MASK(28));
			put_buffer(two, 4096, logical, buffer);
		}
		put_adapter(two);
		put_adapter(one);
	}
}

static void versions(struct rpt *t)
{
	DEVICE_DESCRIPTION d;
	DMA_ADAPTER *adapter;
	ULONG version, registers;

	for (version = 0; version <= 2; version++) {
		d = describe(0, 4096);
		d.Version = version;
		d.Dma32BitAddresses = TRUE;
		/* Not part of these versions: whatever is there is ignored. */
		d.DmaAddressWidth = 1;
		adapter = IoGetDmaAdapter(&edu->dev, &d, &registers);
		if (!EXPECT(t, adapter))
			continue;
		EXPECT_EQ(t, edu->dev.coherent_dma_mask, DMA_BIT_MASK(32));
		put_adapter(adapter);

		d.Dma64BitAddresses = TRUE;
		adapter = IoGetDmaAdapter(&edu->dev, &d, &registers);
		if (!EXPECT(t, adapter))
			continue;
		EXPECT_EQ(t, edu->dev.coherent_dma_mask, DMA_BIT_MASK(64));
		put_adapter(adapter);
	}
	d = describe(28, 4096);
	adapter = IoGetDmaAdapter(&edu->dev, &d, &registers);
	if (EXPECT(t, adapter)) {
		EXPECT_EQ(t, edu->dev.coherent_dma_mask, DMA_BIT_MASK(28));
		put_adapter(adapter);
	}
}

static DMA_ADAPTER *get_of_version(ULONG version)
{
	DEVICE_DESCRIPTION d = describe(32, 4096);

	d.Version = version;
	d.Dma32BitAddresses = TRUE;
	return IoGetDmaAdapter(&edu->dev, &d, &(ULONG){ 0 });
}

static const struct rpt_arg operation_sizes[] = {
	{ "0", offsetof(DMA_OPERATIONS, CalculateScatterGatherList) },
	{ "1", offsetof(DMA_OPERATIONS, CalculateScatterGatherList) },
	{ "2", offsetof(DMA_OPERATIONS, GetDmaAdapterInfo) },
	{ "3", sizeof(DMA_OPERATIONS) },
	{ }
};

/* Whatever the version, a call of any member goes to a function. */
static void operations_of_version(struct rpt *t)
{
	size_t first = offsetof(DMA_OPERATIONS, PutDmaAdapter), at;
	DMA_ADAPTER *adapter = get_of_version(rpt_value_name(t)[0] - '0');

	if (!EXPECT(t, adapter))
		return;
	EXPECT_EQ(t, adapter->DmaOperations->Size, rpt_value(t));
	for (at = first; at < sizeof(DMA_OPERATIONS); at += sizeof(void *))
		if (!EXPECT(t, *(void **)((char *)adapter->DmaOperations + at)))
			break;
	put_adapter(adapter);
}

static void absent(struct rpt *t, DMA_ADAPTER *adapter)
{
	const struct rpt_violation *v;

	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	if (v)
		EXPECT(t, rpt_shows(v->p[1], adapter));
}

static void absent_operations(struct rpt *t)
{
	DMA_ADAPTER *adapter = get_of_version(3);
	const DMA_OPERATIONS *ops;

	if (!EXPECT(t, adapter))
		return;
	ops = adapter->DmaOperations;
	EXPECT_EQ(t, (u32)ops->JoinDmaDomain(adapter, NULL), 0xc00000bb);
	absent(t, adapter);
	EXPECT(t, !ops->GetDmaDomain(adapter));
	absent(t, adapter);
	EXPECT_EQ(t, ops->ReadDmaCounter(adapter), 0);
	absent(t, adapter);
	ops->FreeCommonBufferVector(adapter, NULL);
	absent(t, adapter);
	put_adapter(adapter);
	/* Of a later version. */
	adapter = get_of_version(2);
	if (!EXPECT(t, adapter))
		return;
	ops = adapter->DmaOperations;
	EXPECT_EQ(t, (u32)ops->GetDmaAdapterInfo(adapter, NULL), 0xc00000bb);
	absent(t, adapter);
	put_adapter(adapter);
}

static void no_adapter(struct rpt *t)
{
	DEVICE_DESCRIPTION d = describe(32, 4096);
	ULONG registers = 0;

	d.Version = 4;
	EXPECT(t, !IoGetDmaAdapter(&edu->dev, &d, &registers));
	d.Version = 0xffffffff;
	EXPECT(t, !IoGetDmaAdapter(&edu->dev, &d, &registers));
	d = describe(32, 4096);
	d.Master = FALSE;
	EXPECT(t, !IoGetDmaAdapter(&edu->dev, &d, &registers));
	EXPECT(t, !get_adapter(0, 4096, &registers));
	EXPECT(t, !get_adapter(65, 4096, &registers));
}

static void zero_bytes(struct rpt *t)
{
	DMA_ADAPTER *adapter = get_adapter(32, 4096, &(ULONG){ 0 });
	PHYSICAL_ADDRESS logical;

	if (!EXPECT(t, adapter))
		return;
	EXPECT(t, !get_buffer(adapter, 0, &logical));
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x00);
	put_adapter(adapter);
}

static void refuse(struct rpt *t, u64 code, u64 p1, DMA_ADAPTER *adapter,
		   DMA_ADAPTER *given, ULONG length, u64 logical, void *buffer,
		   BOOLEAN cached)
{
	PHYSICAL_ADDRESS l = { .QuadPart = logical };

	adapter->DmaOperations->FreeCommonBuffer(given, length, l, buffer,
						 cached);
	EXPECT_VIOLATION(t, code, p1);
}

static void free_must_match(struct rpt *t)
{
	DMA_ADAPTER *one = get_adapter(32, SZ_64K, &(ULONG){ 0 });
	DMA_ADAPTER *two = get_adapter(32, SZ_64K, &(ULONG){ 0 });
	struct rpt_row before, after;
	PHYSICAL_ADDRESS logical;
	char *buffer, *page;
	u64 at;

	if (!EXPECT(t, one && two))
		return;
	buffer = get_buffer(one, 5000, &logical);
	page = (char *)get_zeroed_page(GFP_KERNEL);
	if (!EXPECT(t, buffer && page))
		return;
	at = logical.QuadPart;
	rpt_fill(buffer, 5000, 1);
	rpt_family(t, "adapters", &before);

	refuse(t, 0xc4, 0x16, one, one, 4999, at, buffer, TRUE);
	refuse(t, 0xc4, 0x16, one, one, 8192, at, buffer, TRUE);
	refuse(t, 0xc4, 0x16, one, one, 0, at, buffer, TRUE);
	refuse(t, 0xc4, 0x16, one, one, 5000, at + 1, buffer, TRUE);
	refuse(t, 0xc4, 0x16, one, one, 5000, 0, buffer, TRUE);
	refuse(t, 0xc4, 0x16, one, one, 5000, at, buffer, FALSE);
	refuse(t, 0xc4, 0x16, one, two, 5000, at, buffer, TRUE);
	refuse(t, 0xe6, 0x03, one, one, 5000, at, NULL, TRUE);
	refuse(t, 0xe6, 0x03, one, one, 5000, at, buffer + 1, TRUE);
	refuse(t, 0xe6, 0x03, one, one, 904, at, buffer + PAGE_SIZE, TRUE);
	refuse(t, 0xe6, 0x03, one, one, 4096, at, page, TRUE);
	refuse(t, 0xe6, 0x03, one, one, 5000, at, (void *)0x4000, TRUE);
	refuse(t, 0xe6, 0x03, one, one, 5000, at, (void *)(1UL << 63), TRUE);
	refuse(t, 0xe6, 0x03, one, one, 5000, at, (void *)~0UL, TRUE);

	rpt_family(t, "adapters", &after);
	EXPECT_EQ(t, after.frees, before.frees);
	EXPECT(t, rpt_filled(buffer, 5000, 1));
	put_buffer(one, 5000, logical, buffer);
	refuse(t, 0xe6, 0x03, one, one, 5000, at, buffer, TRUE);
	free_page((unsigned long)page);
	put_adapter(two);
	put_adapter(one);
}

static void not_a_buffer(struct rpt *t)
{
	DMA_ADAPTER *adapter = get_adapter(32, SZ_64K, &(ULONG){ 0 });
	PHYSICAL_ADDRESS any = { .QuadPart = -1 };
	void *pool, *large, *contiguous, *noncached;

	if (!EXPECT(t, adapter))
		return;
	pool = ExAllocatePoolWithTag(NonPagedPool, 100, 'ataD');
	large = ExAllocatePoolWithTag(NonPagedPool, 8192, 'ataD');
	contiguous = MmAllocateContiguousMemory(8192, any);
	noncached = MmAllocateNonCachedMemory(8192);
	if (EXPECT(t, pool && large && contiguous && noncached)) {
		refuse(t, 0xe6, 0x03, adapter, adapter, 100, 0, pool, TRUE);
		refuse(t, 0xe6, 0x03, adapter, adapter, 8192, 0, large, TRUE);
		refuse(t, 0xe6, 0x03, adapter, adapter, 8192,
		       MmGetPhysicalAddress(contiguous).QuadPart, contiguous,
		       TRUE);
		refuse(t, 0xe6, 0x03, adapter, adapter, 8192, 0, noncached,
		       TRUE);
	}
	MmFreeNonCachedMemory(noncached, 8192);
	MmFreeContiguousMemory(contiguous);
	ExFreePool(large);
	ExFreePool(pool);
	put_adapter(adapter);
}

static void buffer_elsewhere(struct rpt *t)
{
	DMA_ADAPTER *adapter = get_adapter(32, SZ_64K, &(ULONG){ 0 });
	PHYSICAL_ADDRESS logical;
	void *buffer;

	if (!EXPECT(t, adapter))
		return;
	buffer = get_buffer(adapter, 8192, &logical);
	if (EXPECT(t, buffer)) {
		ExFreePool(buffer);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
		ExFreePoolWithTag(buffer, 'ataD');
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x46);
		MmFreeContiguousMemory(buffer);
		EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x60);
		MmFreeNonCachedMemory(buffer, 8192);
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
		put_buffer(adapter, 8192, logical, buffer);
	}
	put_adapter(adapter);
}

static void put_with_buffers_out(struct rpt *t)
{
	DMA_ADAPTER *adapter = get_adapter(32, SZ_64K, &(ULONG){ 0 });
	PHYSICAL_ADDRESS one, two, none;
	const struct rpt_violation *v;
	char *first, *second;

	if (!EXPECT(t, adapter))
		return;
	first = get_buffer(adapter, 4096, &one);
	second = get_buffer(adapter, 8192, &two);
	if (!EXPECT(t, first && second))
		return;
	put_adapter(adapter);
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x07);
	if (v) {
		EXPECT(t, rpt_shows(v->p[1], adapter));
		EXPECT_EQ(t, v->p[2], 2);
	}
	/* It lives on for its buffers, and for nothing else. */
	EXPECT(t, rpt_has_line(t, "adapters", "buffers 2 put"));
	rpt_fill(first, 4096, 1);
	rpt_fill(second, 8192, 2);
	EXPECT(t, !get_buffer(adapter, 4096, &none));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x18);
	put_adapter(adapter);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x18);
	EXPECT(t, rpt_filled(first, 4096, 1));
	EXPECT(t, rpt_filled(second, 8192, 2));
	put_buffer(adapter, 4096, one, first);
	EXPECT(t, rpt_has_line(t, "adapters", "buffers 1 put"));
	put_buffer(adapter, 8192, two, second);
	EXPECT(t, !rpt_has_line(t, "adapters", " put"));
}

static void put_twice(struct rpt *t)
{
	DMA_ADAPTER *adapter = get_adapter(32, 4096, &(ULONG){ 0 });
	PPUT_DMA_ADAPTER put;
	DMA_ADAPTER foreign = {};

	if (!EXPECT(t, adapter))
		return;
	put = adapter->DmaOperations->PutDmaAdapter;
	put(adapter);
	put(adapter);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x18);
	put(&foreign);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	put(NULL);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x19);
	put((void *)(1UL << 63));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
}

static void use_after_put(struct rpt *t)
{
	DMA_ADAPTER *adapter = get_adapter(32, 4096, &(ULONG){ 0 });
	PALLOCATE_COMMON_BUFFER allocate;
	PHYSICAL_ADDRESS logical;

	if (!EXPECT(t, adapter))
		return;
	allocate = adapter->DmaOperations->AllocateCommonBuffer;
	put_adapter(adapter);
	EXPECT(t, !allocate(adapter, 4096, &logical, TRUE));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x18);
}

struct call {
	DMA_ADAPTER *adapter;
	PHYSICAL_ADDRESS logical;
	void *buffer;
};

static void call_adapter(void *arg)
{
	struct call *call = arg;

	call->adapter = get_adapter(32, 4096, &(ULONG){ 0 });
}

static void call_allocate(void *arg)
{
	struct call *call = arg;

	call->buffer = get_buffer(call->adapter, 4096, &call->logical);
}

static void call_free(void *arg)
{
	struct call *call = arg;

	put_buffer(call->adapter, 4096, call->logical, call->buffer);
}

static void refused_in(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	struct call call = { .adapter = (void *)&call };
	const struct rpt_violation *v;

	rpt_in_context(context, call_adapter, &call);
	EXPECT(t, !call.adapter);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
	if (v)
		EXPECT_EQ(t, v->p[1], rpt_irql(context));

	call_adapter(&call);
	if (!EXPECT(t, call.adapter))
		return;
	call.buffer = &call;
	rpt_in_context(context, call_allocate, &call);
	EXPECT(t, !call.buffer);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x08);
	if (v) {
		EXPECT_EQ(t, v->p[1], rpt_irql(context));
		EXPECT_EQ(t, v->p[3], 4096);
	}
	put_adapter(call.adapter);
}

/* @before: the family without them. */
static bool adapter_with_buffer(struct rpt *t, struct call *call,
				struct rpt_row *before)
{
	rpt_family(t, "adapters", before);
	call_adapter(call);
	if (!EXPECT(t, call->adapter))
		return false;
	call_allocate(call);
	return EXPECT(t, call->buffer);
}

static void call_free_and_put(void *arg)
{
	struct call *call = arg;

	call_free(arg);
	put_adapter(call->adapter);
}

/* Deferred; for the adapter it counts as free, so that may be put at once. */
static void free_reported_and_done_in(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	struct rpt_row before, after;
	const struct rpt_violation *v;
	struct call call = {};
	unsigned int tries;

	if (!adapter_with_buffer(t, &call, &before))
		return;
	rpt_in_context(context, call_free_and_put, &call);
	v = EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x09);
	if (v) {
		EXPECT_EQ(t, v->p[1], rpt_irql(context));
		EXPECT(t, rpt_shows(v->p[3], call.buffer));
	}
	for (tries = 0; tries < RPT_TRIES; tries++) {
		rpt_family(t, "adapters", &after);
		if (after.diff == before.diff)
			break;
		rpt_settle(t);
	}
	EXPECT_EQ(t, after.diff, before.diff);
}

/* A driver that has put its adapter back has nothing more of the device's. */
static void gone_when_adapter_is_put(struct rpt *t)
{
	struct rpt_row before, after;
	struct rpt_backlog left;
	struct call call = {};

	if (!adapter_with_buffer(t, &call, &before))
		return;
	/* At once, before somebody else gets to free it by chance. */
	rpt_in_context(rpt_value(t), call_free, &call);
	put_adapter(call.adapter);
	rpt_backlog(t, "common buffers", &left);
	EXPECT_EQ(t, left.blocks, 0);
	rpt_family(t, "adapters", &after);
	EXPECT_EQ(t, after.diff, before.diff);
	EXPECT_VIOLATIONS(t, 1);
}

static void listed(struct rpt *t)
{
	DMA_ADAPTER *adapter = get_adapter(28, SZ_64K, &(ULONG){ 0 });
	PHYSICAL_ADDRESS logical;
	char line[160];
	void *buffer;

	if (!EXPECT(t, adapter))
		return;
	buffer = get_buffer(adapter, 5000, &logical);
	snprintf(line, sizeof(line),
		 "adapter %p %s registers 17 in_use 2 mask 0xfffffff buffers 1 open",
		 adapter, dev_name(&edu->dev));
	EXPECT(t, rpt_has_line(t, "adapters", line));
	snprintf(line, sizeof(line), "buffer %p %llx 5000 8192 %p %s+ [%s]",
		 buffer, logical.QuadPart, adapter, __func__, KBUILD_MODNAME);
	EXPECT(t, rpt_has_line(t, "adapters", line));
	if (buffer)
		put_buffer(adapter, 5000, logical, buffer);
	put_adapter(adapter);
	EXPECT(t, !rpt_has_line(t, "adapters", "listed+"));
}

/* How the DMA API was called by this case, which probes it. */
struct api_call {
	struct kprobe probe;
	struct task_struct *task;
	unsigned int calls, reclaiming;
};

static int api_called(struct kprobe *probe, struct pt_regs *regs)
{
	struct api_call *call = container_of(probe, struct api_call, probe);

	if (current == call->task) {
		call->calls++;
		/* To ask for memory calls nobody then, and waits for nobody. */
		call->reclaiming += !!(current->flags & PF_MEMALLOC);
	}
	return 0;
}

static const struct rpt_arg api_functions[] = {
	{ "dma_alloc_attrs", 0 },
	{ "dma_free_attrs", 0 },
	{ }
};

/*
 * Within an IOMMU group, whose mutex is held, no memory is waited for: shrinkers
 * and notifiers of others would be called, who may wait for that mutex.
 */
static void no_memory_awaited(struct rpt *t)
{
	struct api_call call = {
		.probe = {
			.symbol_name = rpt_value_name(t),
			.pre_handler = api_called,
		},
		.task = current,
	};
	DMA_ADAPTER *adapter;
	struct iommu_group *group;
	PHYSICAL_ADDRESS logical;
	void *buffer;

	if (!IS_ENABLED(CONFIG_KPROBES)) {
		rpt_skip(t, "this kernel has no kprobes");
		return;
	}
	adapter = get_adapter(32, SZ_64K, NULL);
	group = iommu_group_get(&edu->dev);
	if (!EXPECT(t, adapter) ||
	    !EXPECT_EQ(t, register_kprobe(&call.probe), 0))
		goto out;
	buffer = get_buffer(adapter, SZ_64K, &logical);
	if (EXPECT(t, buffer))
		put_buffer(adapter, SZ_64K, logical, buffer);
	unregister_kprobe(&call.probe);
	EXPECT_EQ(t, call.calls, 1);
	EXPECT_EQ(t, call.reclaiming, group ? 1 : 0);
	/* What this task was is what it is. */
	EXPECT(t, !(current->flags & PF_MEMALLOC));
out:
	iommu_group_put(group);
	if (adapter)
		put_adapter(adapter);
}

static const struct rpt_case cases[] = {
	{ "map_registers_for", map_registers, lengths },
	{ "one_register_a_page", one_per_page },
	{ "common_buffer_of", buffer_of, buffer_lengths },
	{ "logical_address", logical_is_where_it_is },
	{ "too_large_a_buffer", large_buffer },
	{ "narrowest_mask", narrowest_mask },
	{ "description_versions", versions },
	{ "operations_of_version", operations_of_version, operation_sizes },
	{ "absent_operations", absent_operations },
	{ "no_adapter_for_others", no_adapter },
	{ "zero_bytes_refused", zero_bytes },
	{ "free_must_match", free_must_match },
	{ "other_memory_is_no_buffer", not_a_buffer },
	{ "buffer_is_no_other_memory", buffer_elsewhere },
	{ "put_with_buffers_out", put_with_buffers_out },
	{ "put_twice", put_twice },
	{ "use_after_put", use_after_put },
	{ "refused_in", refused_in, rpt_atomic_contexts },
	{ "free_reported_and_done_in", free_reported_and_done_in,
	  rpt_atomic_contexts },
	{ "gone_when_adapter_is_put_after", gone_when_adapter_is_put,
	  rpt_atomic_contexts },
	{ "listed", listed },
	{ "no_memory_awaited_by", no_memory_awaited, api_functions },
};

static const struct rpt_suite dma_suite = RPT_SUITE("dma", cases);
static const struct rpt_suite *const suites[] = {
	&dma_suite,
	&dma_checks_suite,
	&dma_lists_suite,
	&dma_packets_suite,
	&dma_channels_suite,
};

static void *key;

static int __init rpt_dma_init(void)
{
	int ret;

	edu = pci_get_device(EDU_VENDOR, EDU_DEVICE, NULL);
	if (!edu)
		return -ENODEV;
	ret = bounces_begin() ?: rpt_register(suites, ARRAY_SIZE(suites), &key);
	if (ret)
		pci_dev_put(edu);
	return ret;
}

static void __exit rpt_dma_exit(void)
{
	rpt_unregister(key);
	/* As the PCI core had it. */
	dma_set_mask_and_coherent(&edu->dev, DMA_BIT_MASK(32));
	pci_dev_put(edu);
}

module_init(rpt_dma_init);
module_exit(rpt_dma_exit);

MODULE_DESCRIPTION("rust_pool selftests: adapters and common buffers");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
