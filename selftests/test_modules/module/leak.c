// SPDX-License-Identifier: GPL-2.0
/*
 * A client that leaks what its parameters say, or does one wrong thing, and
 * can tell at its next load whether what it leaked is still as it left it.
 */
#include <linux/bottom_half.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/pci.h>
#include <linux/uaccess.h>

#include <rust_pool/wdm.h>
#include "rpt.h"

static unsigned int small;
module_param(small, uint, 0);
MODULE_PARM_DESC(small, "Blocks of 100 bytes, tag Ring, to leak");

static unsigned int large;
module_param(large, uint, 0);
MODULE_PARM_DESC(large, "Blocks of 10000 bytes of paged pool, tag Big1, to leak");

static unsigned int contiguous;
module_param(contiguous, uint, 0);
MODULE_PARM_DESC(contiguous, "Contiguous blocks of 5000 bytes to leak");

static unsigned int noncached;
module_param(noncached, uint, 0);
MODULE_PARM_DESC(noncached, "Noncached blocks of 6000 bytes to leak");

static unsigned int common;
module_param(common, uint, 0);
MODULE_PARM_DESC(common, "Common buffers of 7000 bytes to leak");

static unsigned int lists;
module_param(lists, uint, 0);
MODULE_PARM_DESC(lists, "Scatter/gather lists of a page to leak");

static unsigned int channel;
module_param(channel, uint, 0);
MODULE_PARM_DESC(channel, "Keep an adapter's channel, and leave so many requests for it");

static unsigned long free_channel;
module_param(free_channel, ulong, 0);
MODULE_PARM_DESC(free_channel, "Address of an adapter: free its channel, and put it back");

static unsigned long look;
module_param(look, ulong, 0);
MODULE_PARM_DESC(look, "Address of a leaked block to compare with the pattern");

static bool used;
module_param(used, bool, 0);
MODULE_PARM_DESC(used, "Use tag Ring before, and leak nothing of that");

static bool crowd;
module_param(crowd, bool, 0);
MODULE_PARM_DESC(crowd, "Leak the small ones among so many that a slab cache serves them");

static unsigned int init;
module_param(init, uint, 0);
MODULE_PARM_DESC(init, "Blocks of 200 bytes, tag Init, to leak from init code");

static unsigned int swarm;
module_param(swarm, uint, 0);
MODULE_PARM_DESC(swarm, "Blocks of 64 bytes, tag Swrm, to leak without a word");

static unsigned int flood;
module_param(flood, uint, 0);
MODULE_PARM_DESC(flood, "Tags, F000 and so on, to leak a block each of, of 16 bytes and more");

static bool bad_free;
module_param(bad_free, bool, 0);
MODULE_PARM_DESC(bad_free, "Free an address that no block has");

static bool folio;
module_param(folio, bool, 0);
MODULE_PARM_DESC(folio, "Unlock a page in atomic context while its folio is locked, and leave that so");

static unsigned long let_go;
module_param(let_go, ulong, 0);
MODULE_PARM_DESC(let_go, "Number of that page's frame: unlock the folio, and unpin the page");

static void leak(const char *what, void *block, size_t bytes)
{
	if (!block) {
		pr_err("%s not allocated\n", what);
		return;
	}
	rpt_fill(block, bytes, 77);
	pr_info("leaking %s at 0x%lx\n", what, (unsigned long)block);
}

/* Inlined, so that the function that leaks the adapter is named in the report. */
static __always_inline DMA_ADAPTER *adapter_of(struct pci_dev *edu,
					       ULONG address_width)
{
	DEVICE_DESCRIPTION description = {
		.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.DmaAddressWidth = address_width,
		.MaximumLength = 64 * 1024,
	};
	ULONG registers;

	return IoGetDmaAdapter(&edu->dev, &description, &registers);
}

static noinline int leak_common(void)
{
	struct pci_dev *edu = pci_get_device(0x1234, 0x11e8, NULL);
	PHYSICAL_ADDRESS logical;
	DMA_ADAPTER *adapter;
	unsigned int i;

	if (!edu)
		return -ENODEV;
	adapter = adapter_of(edu, 28);
	for (i = 0; adapter && i < common; i++)
		leak("common buffer",
		     adapter->DmaOperations->AllocateCommonBuffer(adapter, 7000,
							&logical, TRUE), 7000);
	pci_dev_put(edu);
	return adapter ? 0 : -ENOMEM;
}

static void leave_list(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list,
		       PVOID context)
{
	pr_info("leaking a list at 0x%lx\n", (unsigned long)list);
}

static IO_ALLOCATION_ACTION leave_registers(PDEVICE_OBJECT device, PIRP irp,
					    PVOID base, PVOID context)
{
	*(PVOID *)context = base;
	return DeallocateObjectKeepRegisters;
}

/* A page that nobody uses again, for the device may reach it; and its MDL. */
static noinline PMDL leave_page(PVOID *page)
{
	PMDL mdl;

	*page = (void *)__get_free_page(GFP_KERNEL);
	mdl = IoAllocateMdl(*page, PAGE_SIZE, FALSE, FALSE, NULL);
	if (!*page || !mdl)
		return NULL;
	MmBuildMdlForNonPagedPool(mdl);
	return mdl;
}

/* A list or a packet needs its MDL as long as it is mapped: both are left. */
static noinline int leak_lists(void)
{
	struct pci_dev *edu = pci_get_device(0x1234, 0x11e8, NULL);
	DMA_ADAPTER *adapter;
	ULONG length = PAGE_SIZE;
	int err = -ENOMEM;
	unsigned int i;

	if (!edu)
		return -ENODEV;
	adapter = adapter_of(edu, 64);
	for (i = 0; adapter && i < lists; i++) {
		PVOID page, base;
		PMDL mdl = leave_page(&page);

		if (!mdl)
			break;
		err = adapter->DmaOperations->GetScatterGatherList(
			adapter, &edu->dev, mdl, page, PAGE_SIZE, leave_list,
			NULL, FALSE);
		mdl = leave_page(&page);
		if (err || !mdl)
			break;
		err = adapter->DmaOperations->AllocateAdapterChannel(
			adapter, &edu->dev, 1, leave_registers, &base);
		if (!err)
			adapter->DmaOperations->MapTransfer(adapter, mdl, base,
							    page, &length, FALSE);
	}
	pci_dev_put(edu);
	return err;
}

static IO_ALLOCATION_ACTION leave_channel(PDEVICE_OBJECT device, PIRP irp,
					  PVOID base, PVOID context)
{
	pr_info("routine %lu was called\n", (unsigned long)context);
	return KeepObject;
}

/* The first has the channel, the others wait. */
static noinline int leak_channel(void)
{
	struct pci_dev *edu = pci_get_device(0x1234, 0x11e8, NULL);
	DMA_ADAPTER *adapter;
	unsigned long i;
	int err = -ENOMEM;

	if (!edu)
		return -ENODEV;
	adapter = adapter_of(edu, 64);
	for (i = 0; adapter && i <= channel; i++)
		err = adapter->DmaOperations->AllocateAdapterChannelEx(
			adapter, &edu->dev, NULL, 2, 0, leave_channel, (void *)i,
			NULL);
	pr_info("leaking the channel of 0x%lx\n", (unsigned long)adapter);
	pci_dev_put(edu);
	return err;
}

static int let_channel_go(void)
{
	DMA_ADAPTER *adapter = (DMA_ADAPTER *)free_channel;

	adapter->DmaOperations->FreeAdapterChannel(adapter);
	adapter->DmaOperations->PutDmaAdapter(adapter);
	return 0;
}

/* More than the heap takes in until the size has a slab cache. */
static void *others[20000];

/*
 * Allocates until a slab cache serves the size. No block is freed meanwhile: the next
 * request would get that one again, and would never look for the cache. Gives up some
 * time now and then, to whoever makes the cache.
 */
static void gather(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = ExAllocatePoolWithTag(NonPagedPool, 100, 'dwrC');
		if (!others[i] || folio_test_slab(virt_to_folio(others[i])))
			return;
		if (i % 50 == 49)
			msleep(20);
	}
	pr_err("no slab cache serves\n");
}

static void scatter(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i])
			ExFreePoolWithTag(others[i], 'dwrC');
}

static noinline void leak_swarm(void)
{
	unsigned int i;

	for (i = 0; i < swarm; i++)
		if (!ExAllocatePoolWithTag(NonPagedPool, 64, 'mrwS'))
			pr_err("swarm not allocated\n");
}

static noinline void leak_flood(void)
{
	char shown[8];
	unsigned int i;
	ULONG tag;

	for (i = 0; i < flood; i++) {
		scnprintf(shown, sizeof(shown), "F%03x", i);
		memcpy(&tag, shown, sizeof(tag));
		if (!ExAllocatePoolWithTag(NonPagedPool, 16 + i, tag))
			pr_err("flood not allocated\n");
	}
}

/* It waits to be unpinned as long as the folio is locked: in vain. */
static int leave_folio(void)
{
	static struct {
		MDL mdl;
		PFN_NUMBER frames[1];
	} own;
	void __user *page = rpt_user_map(PAGE_SIZE);

	if (!page || clear_user(page, PAGE_SIZE))
		return -ENOMEM;
	MmInitializeMdl(&own.mdl, (__force void *)page, PAGE_SIZE);
	if (MmProbeAndLockPages(&own.mdl, UserMode, IoWriteAccess))
		return -EFAULT;
	folio_lock(pfn_folio(own.frames[0]));
	folio_clear_dirty(pfn_folio(own.frames[0]));
	local_bh_disable();
	MmUnlockPages(&own.mdl);
	local_bh_enable();
	pr_info("the folio of frame %llu stays locked\n", (u64)own.frames[0]);
	return 0;
}

static int let_folio_go(void)
{
	struct page *page = pfn_to_page(let_go);

	if (!folio_test_locked(page_folio(page)) ||
	    !folio_maybe_dma_pinned(page_folio(page)))
		return -EILSEQ;
	folio_unlock(page_folio(page));
	unpin_user_page(page);
	return 0;
}

/* Not in init code, as most of a driver is not. */
static noinline int leak_all(void)
{
	PHYSICAL_ADDRESS any = { .QuadPart = -1 };
	unsigned int i;

	if (crowd)
		gather();

	if (used)
		ExFreePool(ExAllocatePoolWithTag(NonPagedPool, 100, 'gniR'));
	if (bad_free)
		ExFreePool((void *)0xdead000000000010);
	for (i = 0; i < small; i++)
		leak("small", ExAllocatePoolWithTag(NonPagedPool, 100, 'gniR'),
		     100);
	scatter();
	for (i = 0; i < large; i++)
		leak("large", ExAllocatePoolWithTag(PagedPool, 10000, '1giB'),
		     10000);
	leak_swarm();
	leak_flood();
	for (i = 0; i < contiguous; i++)
		leak("contiguous", MmAllocateContiguousMemory(5000, any), 5000);
	for (i = 0; i < noncached; i++)
		leak("noncached", MmAllocateNonCachedMemory(6000), 6000);
	if (lists)
		return leak_lists();
	if (channel)
		return leak_channel();
	return common ? leak_common() : 0;
}

/* The init function itself goes by either of two names. */
static noinline void __init leak_in_init(void)
{
	unsigned int i;

	for (i = 0; i < init; i++)
		leak("init", ExAllocatePoolWithTag(NonPagedPool, 200, 'tinI'),
		     200);
}

static int __init rpt_leak_init(void)
{
	if (folio)
		return leave_folio();
	if (let_go)
		return let_folio_go();
	if (free_channel)
		return let_channel_go();
	if (look)
		return rpt_filled((void *)look, 100, 77) ? 0 : -EILSEQ;
	leak_in_init();
	return leak_all();
}

static void __exit rpt_leak_exit(void)
{
}

module_init(rpt_leak_init);
module_exit(rpt_leak_exit);

MODULE_DESCRIPTION("rust_pool selftests: a client that leaks");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
