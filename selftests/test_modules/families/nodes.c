// SPDX-License-Identifier: GPL-2.0
/*
 * Contiguous memory of a NUMA node, by protection, and with a tag. What needs two
 * nodes is also run where there is one, which has any number then.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/string.h>

#include "pages.h"

#define TAG_NODE	('EDOn')

static const PHYSICAL_ADDRESS none = { .QuadPart = 0 };
static const PHYSICAL_ADDRESS any = { .QuadPart = -1 };

static bool several(void)
{
	return num_node_state(N_MEMORY) > 1;
}

/* Whether all pages of a block are of a node. */
static bool is_on(const char *block, size_t bytes, int node)
{
	size_t at;

	for (at = 0; at < bytes; at += PAGE_SIZE)
		if (page_to_nid(virt_to_page(block + at)) != node)
			return false;
	return true;
}

static void *on_node(size_t bytes, MEMORY_CACHING_TYPE type, ULONG node)
{
	return MmAllocateContiguousMemorySpecifyCacheNode(bytes, none, any, none,
							  type, node);
}

static void *protected_by(ULONG protect, ULONG node)
{
	return MmAllocateContiguousNodeMemory(5000, none, any, none, protect,
					      node);
}

static void node_kept(struct rpt *t)
{
	static const size_t sizes[] = { 4096, 20001, SZ_1M, SZ_4M, SZ_8M };
	MEMORY_CACHING_TYPE type = rpt_value(t);
	unsigned int i;
	int node;

	for_each_node_state(node, N_MEMORY) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			char *block = allocate_somewhere(sizes[i], type, node);

			if (!block) {
				rpt_fail(t, "node %d: no %zu bytes", node, sizes[i]);
				continue;
			}
			if (!is_on(block, sizes[i], node))
				rpt_fail(t, "%zu bytes are not on node %d", sizes[i],
					 node);
			EXPECT_EQ(t, rpt_cache(block), cache_of(type));
			EXPECT(t, rpt_phys(block + sizes[i] - 1) ==
				  rpt_phys(block) + sizes[i] - 1);
			rpt_fill(block, sizes[i], 3);
			EXPECT(t, rpt_filled(block, sizes[i], 3));
			MmFreeContiguousMemorySpecifyCache(block, sizes[i], type);
		}
	}
}

/* If the node has none within the bounds, another node's will not do. */
static void node_is_no_wish(struct rpt *t)
{
	int node, other;

	for_each_node_state(node, N_MEMORY) {
		for_each_node_state(other, N_MEMORY) {
			PHYSICAL_ADDRESS low = { }, high = { };
			struct rpt_row before, after;
			void *block;

			low.QuadPart = PFN_PHYS(node_start_pfn(node));
			high.QuadPart = PFN_PHYS(node_end_pfn(node)) - 1;
			rpt_family(t, "contiguous", &before);
			block = MmAllocateContiguousMemorySpecifyCacheNode(SZ_64K,
					low, high, none, MmCached, other);
			rpt_family(t, "contiguous", &after);
			EXPECT_EQ(t, !!block, node == other);
			EXPECT_EQ(t, after.failures,
				  before.failures + (node != other));
			if (block)
				MmFreeContiguousMemory(block);
		}
	}
}

/* Pages for an MDL, apart and in one piece. */
static void pages_of_a_node(struct rpt *t)
{
	static const ULONG flags[] = { 0, MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS };
	unsigned int i, at;
	int node;

	for_each_node_state(node, N_MEMORY) {
		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			PMDL mdl = MmAllocateNodePagesForMdlEx(none, any, none,
				SZ_64K, MmCached, node,
				flags[i] | MM_ALLOCATE_FROM_LOCAL_NODE_ONLY);

			if (!mdl) {
				rpt_fail(t, "node %d: no pages, flags 0x%x", node,
					 flags[i]);
				continue;
			}
			EXPECT_EQ(t, MmGetMdlByteCount(mdl), SZ_64K);
			for (at = 0; at < SZ_64K / PAGE_SIZE; at++)
				EXPECT_EQ(t, pfn_to_nid(MmGetMdlPfnArray(mdl)[at]),
					  node);
			MmFreePagesFromMdl(mdl);
			ExFreePool(mdl);
		}
	}
}

static void any_node(struct rpt *t)
{
	void *block = on_node(SZ_64K, MmCached, MM_ANY_NODE_OK);

	if (EXPECT(t, block))
		MmFreeContiguousMemory(block);
	block = protected_by(RUST_POOL_PAGE_READWRITE, MM_ANY_NODE_OK | 1);
	if (EXPECT(t, block))
		MmFreeContiguousMemory(block);
}

static void no_such_node(struct rpt *t)
{
	static const ULONG nodes[] = { 63, 64, 1023, 1024, S32_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		void *block = on_node(4096, MmCached, nodes[i]);

		/* A machine with one node does not look at the number. */
		EXPECT_EQ(t, !!block, !several());
		if (block)
			MmFreeContiguousMemory(block);
		block = protected_by(RUST_POOL_PAGE_READWRITE, nodes[i]);
		EXPECT_EQ(t, !!block, !several());
		if (block)
			MmFreeContiguousMemory(block);
	}
}

static const struct rpt_arg protections[] = {
	{ "read_write", RUST_POOL_PAGE_READWRITE },
	{ "execute", RUST_POOL_PAGE_EXECUTE_READWRITE },
	{ "read_write_nocache",
	  RUST_POOL_PAGE_READWRITE | RUST_POOL_PAGE_NOCACHE },
	{ "read_write_combine",
	  RUST_POOL_PAGE_READWRITE | RUST_POOL_PAGE_WRITECOMBINE },
	{ "execute_nocache",
	  RUST_POOL_PAGE_EXECUTE_READWRITE | RUST_POOL_PAGE_NOCACHE },
	{ }
};

static MEMORY_CACHING_TYPE type_of(ULONG protect)
{
	return protect & RUST_POOL_PAGE_NOCACHE ? MmNonCached :
	       protect & RUST_POOL_PAGE_WRITECOMBINE ? MmWriteCombined : MmCached;
}

static void protection_kept(struct rpt *t)
{
	ULONG protect = rpt_value(t);
	char *block = protected_by(protect, 0);

	if (!EXPECT(t, block))
		return;
	EXPECT_EQ(t, rpt_cache(block), cache_of(type_of(protect)));
	EXPECT_EQ(t, rpt_cache(block + 4096), cache_of(type_of(protect)));
	EXPECT(t, !rpt_executable(block));
	rpt_fill(block, 5000, 1);
	EXPECT(t, rpt_filled(block, 5000, 1));
	MmFreeContiguousMemorySpecifyCache(block, 5000, type_of(protect));
}

static const struct rpt_arg bad_protections[] = {
	{ "0", 0 },
	{ "noaccess", RUST_POOL_PAGE_NOACCESS },
	{ "readonly", RUST_POOL_PAGE_READONLY },
	{ "execute_only", RUST_POOL_PAGE_EXECUTE },
	{ "execute_read", RUST_POOL_PAGE_EXECUTE_READ },
	{ "both_types", RUST_POOL_PAGE_READWRITE | RUST_POOL_PAGE_NOCACHE |
			RUST_POOL_PAGE_WRITECOMBINE },
	{ "type_alone", RUST_POOL_PAGE_NOCACHE },
	{ "guard", RUST_POOL_PAGE_READWRITE | 0x100 },
	{ "two", RUST_POOL_PAGE_READWRITE | RUST_POOL_PAGE_EXECUTE_READWRITE },
	{ "all", U32_MAX },
	{ }
};

static NTSTATUS extended(SIZE_T *bytes, ULONG protect, PVOID partition, ULONG tag,
			 ULONG flags, PVOID *base)
{
	return MmAllocateContiguousMemoryEx(bytes, none, any, none,
					    MM_ANY_NODE_OK, protect, partition,
					    tag, flags, base);
}

static void protection_refused(struct rpt *t)
{
	const struct rpt_violation *v;
	SIZE_T bytes = 4096;
	PVOID base = &bytes;

	EXPECT(t, !protected_by(rpt_value(t), 0));
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	if (v)
		EXPECT_EQ(t, v->p[1], rpt_value(t));
	EXPECT_EQ(t, extended(&bytes, rpt_value(t), NULL, TAG_NODE, 0, &base),
		  STATUS_INVALID_PAGE_PROTECTION);
	EXPECT(t, !base);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
}

static void extended_gives(struct rpt *t)
{
	ULONG protect = rpt_value(t);
	struct rpt_row before, with;
	SIZE_T bytes = 5000;
	char line[128];
	PVOID base;

	rpt_family(t, "contiguous", &before);
	EXPECT_EQ(t, extended(&bytes, protect, NULL, TAG_NODE, 0, &base),
		  STATUS_SUCCESS);
	if (!EXPECT(t, base))
		return;
	rpt_family(t, "contiguous", &with);
	/* What is left of the last page is the caller's, too. */
	EXPECT_EQ(t, bytes, 8192);
	EXPECT_EQ(t, with.bytes, before.bytes + 8192);
	EXPECT_EQ(t, rpt_cache(base), cache_of(type_of(protect)));
	rpt_fill(base, bytes, 5);
	EXPECT(t, rpt_filled(base, bytes, 5));
	snprintf(line, sizeof(line), "%p 8192 8192 %s extended [%s] nODE", base,
		 rpt_cache_name(cache_of(type_of(protect))), KBUILD_MODNAME);
	EXPECT(t, rpt_has_line(t, "contiguous", line));
	MmFreeContiguousMemorySpecifyCache(base, 5000, type_of(protect));
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	MmFreeContiguousMemorySpecifyCache(base, bytes, type_of(protect));
}

/* A node is preferred, and another one taken if it has none. */
static void extended_prefers(struct rpt *t)
{
	int node, other;

	for_each_node_state(node, N_MEMORY) {
		for_each_node_state(other, N_MEMORY) {
			PHYSICAL_ADDRESS low = { }, high = any;
			SIZE_T bytes = SZ_64K;
			int expected = other;
			PVOID base;

			if (node != other) {
				low.QuadPart = PFN_PHYS(node_start_pfn(node));
				high.QuadPart = PFN_PHYS(node_end_pfn(node)) - 1;
				expected = node;
			}
			EXPECT_EQ(t, MmAllocateContiguousMemoryEx(&bytes, low, high,
					none, other, RUST_POOL_PAGE_READWRITE, NULL,
					TAG_NODE, 0, &base), STATUS_SUCCESS);
			if (!EXPECT(t, base))
				continue;
			if (!is_on(base, bytes, expected))
				rpt_fail(t, "of %d and %d, not on node %d", node,
					 other, expected);
			MmFreeContiguousMemory(base);
		}
	}
}

/* The page allocator has no 8 MiB: page frames would have to be emptied. */
static void extended_in_haste(struct rpt *t)
{
	const ULONG haste = MM_ALLOCATE_CONTIGUOUS_MEMORY_FAST_ONLY;
	SIZE_T bytes = SZ_8M;
	unsigned int tries;
	PVOID base = NULL;

	EXPECT_EQ(t, extended(&bytes, RUST_POOL_PAGE_READWRITE, NULL, TAG_NODE,
			      haste, &base), STATUS_INSUFFICIENT_RESOURCES);
	EXPECT(t, !base);
	EXPECT_EQ(t, bytes, SZ_8M);
	for (tries = 0; !base && tries < 10; tries++) {
		PHYSICAL_ADDRESS low = { .QuadPart = find_room() };
		PHYSICAL_ADDRESS high = { .QuadPart = low.QuadPart + ROOM_BYTES - 1 };

		MmAllocateContiguousMemoryEx(&bytes, low, high, none,
					     MM_ANY_NODE_OK,
					     RUST_POOL_PAGE_READWRITE, NULL,
					     TAG_NODE, 0, &base);
	}
	if (EXPECT(t, base))
		MmFreeContiguousMemory(base);
	bytes = 20000;
	EXPECT_EQ(t, extended(&bytes, RUST_POOL_PAGE_READWRITE, NULL, TAG_NODE,
			      haste, &base), STATUS_SUCCESS);
	if (EXPECT(t, base))
		MmFreeContiguousMemory(base);
}

static void extended_refused(struct rpt *t)
{
	static const struct {
		ULONG tag, flags;
		bool partition;
	} bad[] = {
		{ 0, 0, false },
		{ ' GIB', 0, false },
		{ '----', 0, false },
		{ TAG_NODE, 2, false },
		{ TAG_NODE, 3, false },
		{ TAG_NODE, 0x80000000, false },
		{ TAG_NODE, 0, true },
	};
	const ULONG protect = RUST_POOL_PAGE_READWRITE;
	SIZE_T bytes = 4096;
	unsigned int i;
	PVOID base;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		base = &bytes;
		EXPECT_EQ(t, extended(&bytes, protect, bad[i].partition ? &base : NULL,
				      bad[i].tag, bad[i].flags, &base),
			  STATUS_INVALID_PARAMETER);
		EXPECT(t, !base);
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	}
	EXPECT_EQ(t, extended(NULL, protect, NULL, TAG_NODE, 0, &base),
		  STATUS_INVALID_PARAMETER);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	EXPECT_EQ(t, extended(&bytes, protect, NULL, TAG_NODE, 0, NULL),
		  STATUS_INVALID_PARAMETER);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION, 0x16);
	bytes = 0;
	EXPECT_EQ(t, extended(&bytes, protect, NULL, TAG_NODE, 0, &base),
		  STATUS_INVALID_PARAMETER);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x00);
	bytes = SIZE_MAX;
	EXPECT_EQ(t, extended(&bytes, protect, NULL, TAG_NODE, 0, &base),
		  STATUS_INSUFFICIENT_RESOURCES);
	EXPECT(t, !base);
	EXPECT_EQ(t, bytes, SIZE_MAX);
}

static const struct rpt_case cases[] = {
	{ "node_kept", node_kept, cache_types },
	{ "node_is_no_wish", node_is_no_wish },
	{ "pages_of_a_node", pages_of_a_node },
	{ "any_node", any_node },
	{ "no_such_node", no_such_node },
	{ "protection_kept", protection_kept, protections },
	{ "protection_refused", protection_refused, bad_protections },
	{ "extended_gives", extended_gives, protections },
	{ "extended_prefers", extended_prefers },
	{ "extended_in_haste", extended_in_haste },
	{ "extended_refused", extended_refused },
};

const struct rpt_suite nodes_suite = RPT_SUITE("nodes", cases);
