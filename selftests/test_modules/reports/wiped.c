// SPDX-License-Identifier: GPL-2.0
/*
 * Stock kernels clear memory when it is allocated (init_on_alloc=1), and some
 * when it is freed (init_on_free=1): so must every block here, however fast it
 * comes round again.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "hardening.h"

/* More than any list of freed blocks is likely to hold. */
#define MANY	300
/* Of large ones, so much at a time. */
#define ENOUGH	SZ_8M

#define DIRT	0xd1d2d3d4d5d6d7d8

enum way { NONPAGED, PAGED, CONTIGUOUS, CONTIGUOUS_UC, CONTIGUOUS_WC,
	NONCACHED, BUFFER };

static const struct rpt_arg ways[] = {
	{ "nonpaged_pool", NONPAGED },
	{ "paged_pool", PAGED },
	{ "contiguous", CONTIGUOUS },
	{ "contiguous_noncached", CONTIGUOUS_UC },
	{ "contiguous_write_combined", CONTIGUOUS_WC },
	{ "noncached", NONCACHED },
	{ "common_buffers", BUFFER },
	{ }
};

struct batch {
	enum way way;
	size_t bytes;
	unsigned int count;
	DMA_ADAPTER *adapter;
	char **blocks;
	PHYSICAL_ADDRESS *logical;
};

static void *get(struct batch *b, unsigned int i)
{
	static const MEMORY_CACHING_TYPE types[] = {
		[CONTIGUOUS] = MmCached,
		[CONTIGUOUS_UC] = MmNonCached,
		[CONTIGUOUS_WC] = MmWriteCombined,
	};
	PHYSICAL_ADDRESS highest = { .QuadPart = -1 }, none = {};

	switch (b->way) {
	case NONPAGED:
		return ExAllocatePoolWithTag(NonPagedPoolNx, b->bytes,
					     TAG_HARD);
	case PAGED:
		return ExAllocatePoolWithTag(PagedPool, b->bytes, TAG_HARD);
	case NONCACHED:
		return MmAllocateNonCachedMemory(b->bytes);
	case BUFFER:
		return b->adapter->DmaOperations->AllocateCommonBuffer(
				b->adapter, b->bytes, &b->logical[i], TRUE);
	default:
		return MmAllocateContiguousMemorySpecifyCache(b->bytes, none,
				highest, none, types[b->way]);
	}
}

static void put(struct batch *b, unsigned int i)
{
	switch (b->way) {
	case NONPAGED:
	case PAGED:
		ExFreePoolWithTag(b->blocks[i], TAG_HARD);
		break;
	case NONCACHED:
		MmFreeNonCachedMemory(b->blocks[i], b->bytes);
		break;
	case BUFFER:
		b->adapter->DmaOperations->FreeCommonBuffer(b->adapter,
				b->bytes, b->logical[i], b->blocks[i], TRUE);
		break;
	default:
		MmFreeContiguousMemory(b->blocks[i]);
		break;
	}
	b->blocks[i] = NULL;
}

static void soil(char *block, size_t bytes)
{
	size_t i;

	for (i = 0; i + 8 <= bytes; i += 8)
		*(u64 *)(block + i) = DIRT;
	memset(block + i, 0xd9, bytes - i);
}

static void get_all(void *arg)
{
	struct batch *b = arg;
	unsigned int i;

	for (i = 0; i < b->count; i++)
		b->blocks[i] = get(b, i);
}

static void put_all(void *arg)
{
	struct batch *b = arg;
	unsigned int i;

	for (i = 0; i < b->count; i++)
		if (b->blocks[i])
			put(b, i);
}

static void expect_zero(struct rpt *t, const struct batch *b)
{
	unsigned int i;

	for (i = 0; i < b->count; i++) {
		const char *dirt;

		if (!b->blocks[i]) {
			rpt_fail(t, "block %u of %zu bytes: NULL", i, b->bytes);
			return;
		}
		dirt = memchr_inv(b->blocks[i], 0, b->bytes);
		if (dirt) {
			rpt_fail(t, "block %u of %zu bytes is not zero at %zu",
				 i, b->bytes, (size_t)(dirt - b->blocks[i]));
			return;
		}
	}
}

static bool make_batch(struct rpt *t, struct batch *b)
{
	*b = (struct batch){ .way = rpt_value(t) };
	if (b->way == BUFFER) {
		b->adapter = get_adapter();
		if (!b->adapter) {
			rpt_skip(t, "no edu device");
			return false;
		}
	}
	b->blocks = kcalloc(MANY, sizeof(*b->blocks), GFP_KERNEL);
	b->logical = kcalloc(MANY, sizeof(*b->logical), GFP_KERNEL);
	return EXPECT(t, b->blocks && b->logical);
}

static void drop_batch(struct batch *b)
{
	kfree(b->logical);
	kfree(b->blocks);
	if (b->adapter)
		b->adapter->DmaOperations->PutDmaAdapter(b->adapter);
}

/* Fewer of what is slow to get. */
static unsigned int count_for(enum way way, size_t bytes)
{
	unsigned int most = way <= PAGED ? MANY : 16;

	return clamp(ENOUGH / bytes, 1, most);
}

/* All sizes below a page, then those around what may be treated otherwise. */
static size_t next_size(const struct batch *b)
{
	static const size_t large[] = {
		4064, 4065, 4095, 4096, 4097, 5120, 8192, 8193, 12288, 16384,
		20000, SZ_32K, 50000, SZ_64K, SZ_64K + 1, SZ_256K, SZ_1M, SZ_2M,
		SZ_8M,
	};
	size_t most = b->way == BUFFER ? SZ_64K :
		      b->way > PAGED ? SZ_1M : SZ_8M;
	unsigned int i;

	if (b->way > PAGED && !b->bytes)
		return 100;
	if (b->way <= PAGED && b->bytes < 4064 - 16)
		return b->bytes < 256 ? b->bytes + 8 : b->bytes + 56;
	for (i = 0; i < ARRAY_SIZE(large); i++)
		if (large[i] > b->bytes)
			return large[i] <= most ? large[i] : 0;
	return 0;
}

static bool next_batch(struct batch *b)
{
	b->bytes = next_size(b);
	if (b->bytes)
		b->count = count_for(b->way, b->bytes);
	return b->bytes;
}

static void soil_all(struct batch *b)
{
	unsigned int i;

	for (i = 0; i < b->count; i++)
		if (b->blocks[i])
			soil(b->blocks[i], b->bytes);
}

static void zero_again(struct rpt *t)
{
	struct batch b;

	if (!want_init_on_alloc(0)) {
		rpt_skip(t, "not booted with init_on_alloc=1");
		return;
	}
	if (!make_batch(t, &b))
		return;
	while (!rpt_failed(t) && next_batch(&b)) {
		get_all(&b);
		soil_all(&b);
		put_all(&b);
		get_all(&b);
		expect_zero(t, &b);
		soil_all(&b);
		put_all(&b);
		/* One by one the same block comes back. */
		b.count = 1;
		get_all(&b);
		soil_all(&b);
		put_all(&b);
		get_all(&b);
		expect_zero(t, &b);
		put_all(&b);
	}
	drop_batch(&b);
}

/* Freed here, allocated there: in every context, and on another CPU. */
static void zero_again_in(struct rpt *t)
{
	static const size_t sizes[] = {
		24, 100, 1000, 4064, 4096, 8192, 20000,
	};
	enum rpt_context context = rpt_value(t);
	struct batch b = { .way = NONPAGED };
	unsigned int i, other;

	if (!want_init_on_alloc(0)) {
		rpt_skip(t, "not booted with init_on_alloc=1");
		return;
	}
	b.blocks = kcalloc(MANY, sizeof(*b.blocks), GFP_KERNEL);
	if (!EXPECT(t, b.blocks))
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		b.bytes = sizes[i];
		b.count = clamp(SZ_1M / b.bytes, 1, 100);
		get_all(&b);
		soil_all(&b);
		rpt_in_context(context, put_all, &b);
		rpt_in_context(context, get_all, &b);
		expect_zero(t, &b);
		soil_all(&b);
		migrate_disable();
		other = cpumask_any_but(cpu_online_mask, smp_processor_id());
		if (other < nr_cpu_ids) {
			smp_call_function_single(other, put_all, &b, true);
			smp_call_function_single(other, get_all, &b, true);
			expect_zero(t, &b);
			soil_all(&b);
		}
		migrate_enable();
		put_all(&b);
		get_all(&b);
		expect_zero(t, &b);
		put_all(&b);
	}
	kfree(b.blocks);
}

/* Freed memory, looked at by the direct map, be it somebody else's by now. */
static unsigned int dirt_left(u64 phys, size_t bytes)
{
	unsigned int left = 0;
	u64 words[32];
	size_t at, i;

	for (at = 0; at < bytes; at += sizeof(words)) {
		size_t n = min(sizeof(words), bytes - at);

		if (copy_from_kernel_nofault(words, __va(phys + at), n))
			continue;
		for (i = 0; i < n / 8; i++)
			left += words[i] == DIRT;
	}
	return left;
}

static void wiped(struct rpt *t)
{
	struct batch b;
	u64 *phys;

	if (!want_init_on_free()) {
		rpt_skip(t, "not booted with init_on_free=1");
		return;
	}
	if (!make_batch(t, &b))
		return;
	phys = kvcalloc(MANY + ENOUGH / PAGE_SIZE, sizeof(*phys), GFP_KERNEL);
	while (EXPECT(t, phys) && !rpt_failed(t) && next_batch(&b)) {
		size_t step = min(b.bytes, PAGE_SIZE), at;
		unsigned int i, count = 0, left = 0;

		get_all(&b);
		soil_all(&b);
		/* Whole pages, and small blocks, which may straddle two. */
		for (i = 0; i < b.count && EXPECT(t, b.blocks[i]); i++)
			for (at = 0; at + step <= b.bytes; at += step)
				phys[count++] = rpt_phys(b.blocks[i] + at);
		EXPECT(t, count && dirt_left(phys[0], step) >= step / 8);
		put_all(&b);
		for (i = 0; i < count; i++)
			left += dirt_left(phys[i], step);
		if (left)
			rpt_fail(t, "%u blocks of %zu bytes: %u words are left",
				 b.count, b.bytes, left);
	}
	kvfree(phys);
	drop_batch(&b);
}

static const struct rpt_case zeroed_cases[] = {
	{ "zero_when_it_comes_again", zero_again, ways },
	{ "zero_when_it_comes_again_in", zero_again_in, rpt_contexts },
};

static const struct rpt_case wiped_cases[] = {
	{ "wiped_when_freed", wiped, ways },
};

const struct rpt_suite zeroed_suite = RPT_SUITE("zeroed", zeroed_cases);
const struct rpt_suite wiped_suite = RPT_SUITE("wiped", wiped_cases);
