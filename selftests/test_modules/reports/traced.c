// SPDX-License-Identifier: GPL-2.0
/*
 * A client for tracers: it allocates and frees one block of each kind, and breaks rules,
 * when it is told to, so that each event is known before.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include <rust_pool/wdm.h>

#define TAG	('carT')
#define LIST	('tsLT')

static PHYSICAL_ADDRESS any = { .QuadPart = -1 }, none;
static void *small, *aligned, *paged, *page, *large, *contiguous, *noncached;
static MDL *mdl;
static DMA_ADAPTER *adapter;
static void *buffer;
static PHYSICAL_ADDRESS logical;

static DMA_ADAPTER *adapter_of_edu(void)
{
	struct pci_dev *edu = pci_get_device(0x1234, 0x11e8, NULL);
	DEVICE_DESCRIPTION description = {
		.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.DmaAddressWidth = 28,
		.MaximumLength = SZ_64K,
	};
	DMA_ADAPTER *found = NULL;

	if (edu)
		found = IoGetDmaAdapter(&edu->dev, &description, NULL);
	pci_dev_put(edu);
	return found;
}

static noinline int get_pool(void)
{
	small = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);
	aligned = ExAllocatePoolWithTag(NonPagedPoolCacheAligned, 300, TAG);
	paged = ExAllocatePoolWithTag(PagedPool, 200, TAG);
	page = ExAllocatePoolWithTag(NonPagedPoolNx, SZ_8K, TAG);
	large = ExAllocatePoolWithTag(NonPagedPoolNx, SZ_8M, TAG);
	return small && aligned && paged && page && large ? 0 : -ENOMEM;
}

static noinline int get_pages(void)
{
	contiguous = MmAllocateContiguousMemory(5000, any);
	noncached = MmAllocateNonCachedMemory(6000);
	mdl = MmAllocatePagesForMdlEx(none, any, none, 3 * PAGE_SIZE, MmCached, 0);
	return contiguous && noncached && mdl ? 0 : -ENOMEM;
}

static noinline int get_buffer(void)
{
	adapter = adapter_of_edu();
	if (!adapter)
		return 0;
	buffer = adapter->DmaOperations->AllocateCommonBuffer(adapter, 7000, &logical,
							      TRUE);
	return buffer ? 0 : -ENOMEM;
}

static int allocate(void)
{
	return get_pool() ?: get_pages() ?: get_buffer();
}

static noinline void put_pool(void)
{
	ExFreePoolWithTag(small, TAG);
	ExFreePool(aligned);
	ExFreePoolWithTag(paged, TAG);
	ExFreePoolWithTag(page, TAG);
	ExFreePool(large);
}

static noinline void put_pages(void)
{
	MmFreeContiguousMemory(contiguous);
	MmFreeNonCachedMemory(noncached, 6000);
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
}

static noinline void put_buffer(void)
{
	if (!adapter)
		return;
	adapter->DmaOperations->FreeCommonBuffer(adapter, 7000, logical, buffer, TRUE);
	adapter->DmaOperations->PutDmaAdapter(adapter);
}

static int release(void)
{
	put_pool();
	put_pages();
	put_buffer();
	return 0;
}

/* A list keeps its entry, so pool is asked once, and gets it back at the end. */
static noinline int use_list(void)
{
	static NPAGED_LOOKASIDE_LIST list;
	unsigned int i;

	ExInitializeNPagedLookasideList(&list, NULL, NULL, 0, 500, LIST, 0);
	for (i = 0; i < 5; i++) {
		void *entry = ExAllocateFromNPagedLookasideList(&list);

		if (!entry)
			return -ENOMEM;
		ExFreeToNPagedLookasideList(&list, entry);
	}
	ExDeleteNPagedLookasideList(&list);
	return 0;
}

/* Frees where memory can only be given back later. */
static noinline int free_early(void)
{
	void *block = MmAllocateNonCachedMemory(SZ_8K);

	if (!block)
		return -ENOMEM;
	local_irq_disable();
	MmFreeNonCachedMemory(block, SZ_8K);
	local_irq_enable();
	return 0;
}

static noinline int break_rules(void)
{
	static char foreign[64];
	void *block = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);

	if (!block)
		return -ENOMEM;
	ExFreePoolWithTag(block, 'gnrW');
	ExFreePoolWithTag(block, TAG);
	ExFreePool(foreign);
	ExFreePool(NULL);
	return 0;
}

/* Frees what is asked for on the fast path, many a time. */
static noinline int many(void)
{
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		void *block = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);

		if (!block)
			return -ENOMEM;
		ExFreePoolWithTag(block, TAG);
	}
	return 0;
}

static void *held[1000];

/* Many blocks at a time. */
static int hold(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(held); i++) {
		if (!held[i])
			held[i] = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);
		if (!held[i])
			return -ENOMEM;
	}
	return 0;
}

static int drop(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(held); i++) {
		if (held[i])
			ExFreePoolWithTag(held[i], TAG);
		held[i] = NULL;
	}
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} acts[] = {
	{ "allocate", allocate },
	{ "free", release },
	{ "list", use_list },
	{ "early", free_early },
	{ "violate", break_rules },
	{ "many", many },
	{ "hold", hold },
	{ "drop", drop },
};

static int go_set(const char *value, const struct kernel_param *param)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(acts); i++)
		if (sysfs_streq(value, acts[i].name))
			return acts[i].run();
	return -EINVAL;
}

static const struct kernel_param_ops go_ops = { .set = go_set };
module_param_cb(go, &go_ops, NULL, 0200);
MODULE_PARM_DESC(go, "What to do: allocate, free, list, early, violate, many, hold or drop");

static int __init traced_init(void)
{
	return 0;
}

static void __exit traced_exit(void)
{
	drop();
}

module_init(traced_init);
module_exit(traced_exit);

MODULE_DESCRIPTION("rust_pool selftests: a client for tracers");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
