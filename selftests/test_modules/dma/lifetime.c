// SPDX-License-Identifier: GPL-2.0
/*
 * A client whose device goes while it has common buffers or lists. It does one step when a
 * line is written to its parameter "run"; what happens to the device meanwhile is
 * the shell's.
 *
 *   get DEVICE [KIB]   adapters of three widths for a PCI device, with buffers
 *                      of several sizes, and one more of KIB for each
 *   more               one more buffer: fails where the device is gone
 *   check              the buffers still hold what was written to them
 *   free, free_atomic  all buffers; the latter with preemption disabled
 *   put, put_first     the adapters; the latter before the buffers
 *   unreached DEVICE   buffers that were freed, and pages of lists that were put, are
 *                      not mapped for a device
 *   lists DEVICE       an adapter for a PCI device, with scatter/gather lists, the last
 *                      of which is a packet
 *   bounced DEVICE     as lists, but the kernel has the device use copies, as it
 *                      does for one that it does not trust
 *   unlist, unlist_atomic
 *                      puts all lists, then the adapter; the former with preemption
 *                      disabled in the latter
 *   wait DEVICE, grant an adapter for a PCI device, whose channel is kept and asked for
 *                      again; the latter frees it, and puts the adapter: both fail
 *                      unless the routines are called when they should be
 *   lend DEVICE        an adapter for a PCI device, whose channel is kept, and which
 *                      rp_test_asker may ask for it
 *   give, give_slowly  frees that channel, and so calls the routines of the other; the
 *                      latter pauses where a request has been granted, but not written
 *                      down yet
 *   called N           fails unless so many of its routines were called
 *   take               frees the map registers that such a routine kept, and puts the adapter
 *   borrow DEVICE MS, return
 *                      has the device's IOMMU group as VFIO would: for so many
 *                      milliseconds, or until then
 *   race DEVICE, rest  two threads get, allocate, free and put without end
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/iommu.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <rust_pool/wdm.h>

#include "asker.h"
#include "putter.h"

#define THREADS	2

static const ULONG widths[] = { 28, 32, 64 };
static ULONG sizes[] = { 1, 4096, 5000, SZ_64K, SZ_1M, 0 };

struct buffer {
	PHYSICAL_ADDRESS logical;
	u8 *base;
	ULONG length;
};

struct client {
	PDMA_ADAPTER adapter;
	struct buffer buffers[ARRAY_SIZE(sizes)];
};

static struct client clients[ARRAY_SIZE(widths)];

#define LISTS		3
#define LIST_BYTES	200000

static struct {
	PDMA_ADAPTER adapter;
	PSCATTER_GATHER_LIST list[LISTS - 1];
	/* The packet: its map registers, and where in the block it begins. */
	PVOID registers;
	ULONG begin;
	/* Where the first begins for the device. */
	u64 logical;
	void *block;
	PMDL mdl;
} listed;

static struct task_struct *threads[THREADS];
static struct pci_dev *racing;
/* No adapter is to be got of a device that has left its group for good. */
static PDMA_ADAPTER racing_adapter;

/* So many rounds of the threads, and so many in which there was no device. */
static atomic_t rounds, refused;
module_param_named(rounds, rounds.counter, int, 0444);
module_param_named(refused, refused.counter, int, 0444);

static PDMA_ADAPTER get_adapter(struct device *dev, ULONG width)
{
	DEVICE_DESCRIPTION description = {
		.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.ScatterGather = TRUE,
		.InterfaceType = PCIBus,
		.DmaAddressWidth = width,
		.MaximumLength = SZ_32M,
	};
	ULONG registers;

	return IoGetDmaAdapter(dev, &description, &registers);
}

static bool get_buffer(struct client *c, struct buffer *b, ULONG length, u8 seed)
{
	b->length = length;
	b->base = c->adapter->DmaOperations->AllocateCommonBuffer(c->adapter,
						length, &b->logical, TRUE);
	if (!b->base)
		return false;
	memset(b->base, seed, length);
	return true;
}

static void put_buffer(struct client *c, struct buffer *b)
{
	if (b->base)
		c->adapter->DmaOperations->FreeCommonBuffer(c->adapter, b->length,
						b->logical, b->base, TRUE);
	b->base = NULL;
}

static struct pci_dev *find(const char *name)
{
	struct device *dev = bus_find_device_by_name(&pci_bus_type, NULL, name);

	return dev ? to_pci_dev(dev) : NULL;
}

static int get(const char *name, unsigned int kib)
{
	struct pci_dev *pdev = find(name);
	unsigned int i, k;
	int err = 0;

	if (!pdev)
		return -ENODEV;
	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		struct client *c = &clients[i];

		if (c->adapter)
			return -EBUSY;
		c->adapter = get_adapter(&pdev->dev, widths[i]);
		if (!c->adapter) {
			err = -ENOMEM;
			break;
		}
		sizes[ARRAY_SIZE(sizes) - 1] = kib * SZ_1K;
		for (k = 0; k < ARRAY_SIZE(sizes); k++)
			if (sizes[k] && !get_buffer(c, &c->buffers[k], sizes[k],
						    i * 16 + k + 1))
				err = -ENOMEM;
	}
	/* That the device stays valid is the adapters' to see to. */
	pci_dev_put(pdev);
	return err;
}

static int check(void)
{
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		for (k = 0; k < ARRAY_SIZE(sizes); k++) {
			struct buffer *b = &clients[i].buffers[k];

			if (b->base && memchr_inv(b->base, i * 16 + k + 1, b->length))
				return -EUCLEAN;
		}
	}
	return 0;
}

static void free_all(bool atomic)
{
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(widths); i++) {
		for (k = 0; k < ARRAY_SIZE(sizes); k++) {
			if (atomic)
				preempt_disable();
			put_buffer(&clients[i], &clients[i].buffers[k]);
			if (atomic)
				preempt_enable();
		}
	}
}

static bool put_first;

static void put_adapters(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(widths); i++)
		if (clients[i].adapter)
			clients[i].adapter->DmaOperations->PutDmaAdapter(clients[i].adapter);
}

static void put_all(void)
{
	unsigned int i;

	if (!put_first)
		put_adapters();
	put_first = false;
	for (i = 0; i < ARRAY_SIZE(widths); i++)
		clients[i].adapter = NULL;
}

static int unreached(const char *name)
{
	struct pci_dev *pdev = find(name);
	struct iommu_domain *domain;
	unsigned int i, k;
	int err = 0;
	ULONG at;

	if (!pdev)
		return -ENODEV;
	domain = iommu_get_domain_for_dev(&pdev->dev);
	if (domain && listed.logical &&
	    iommu_iova_to_phys(domain, listed.logical))
		err = -EFAULT;
	for (i = 0; domain && i < ARRAY_SIZE(widths); i++) {
		for (k = 0; k < ARRAY_SIZE(sizes); k++) {
			struct buffer *b = &clients[i].buffers[k];

			for (at = 0; at < b->length; at += PAGE_SIZE)
				if (iommu_iova_to_phys(domain,
						       b->logical.QuadPart + at))
					err = -EFAULT;
		}
	}
	pci_dev_put(pdev);
	return err;
}

static int more(void)
{
	struct buffer b;

	if (!clients[0].adapter)
		return -EINVAL;
	if (!get_buffer(&clients[0], &b, 5000, 0))
		return -ENODEV;
	put_buffer(&clients[0], &b);
	return 0;
}

static void keep_list(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list,
		      PVOID context)
{
	*(PSCATTER_GATHER_LIST *)context = list;
}

static void unlist(bool atomic)
{
	unsigned int i;

	if (listed.registers) {
		if (atomic)
			preempt_disable();
		listed.adapter->DmaOperations->FlushAdapterBuffers(
			listed.adapter, listed.mdl, listed.registers,
			listed.block + listed.begin, PAGE_SIZE, FALSE);
		listed.adapter->DmaOperations->FreeMapRegisters(
			listed.adapter, listed.registers, 1);
		if (atomic)
			preempt_enable();
		listed.registers = NULL;
	}
	for (i = 0; i < ARRAY_SIZE(listed.list); i++) {
		if (!listed.list[i])
			continue;
		if (atomic)
			preempt_disable();
		listed.adapter->DmaOperations->PutScatterGatherList(
			listed.adapter, listed.list[i], i & 1);
		if (atomic)
			preempt_enable();
		listed.list[i] = NULL;
	}
	if (listed.adapter)
		listed.adapter->DmaOperations->PutDmaAdapter(listed.adapter);
	listed.adapter = NULL;
	if (listed.mdl)
		IoFreeMdl(listed.mdl);
	listed.mdl = NULL;
	if (listed.block)
		ExFreePool(listed.block);
	listed.block = NULL;
}

/* Whether the first list leads to a copy of the memory. */
static bool is_copy(struct pci_dev *pdev, void *va)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&pdev->dev);
	phys_addr_t at = domain ? iommu_iova_to_phys(domain, listed.logical) : 0;

	return at && at != MmGetPhysicalAddress(va).QuadPart;
}

static IO_ALLOCATION_ACTION keep_registers(PDEVICE_OBJECT device, PIRP irp,
					   PVOID base, PVOID context)
{
	listed.registers = base;
	return DeallocateObjectKeepRegisters;
}

/* Maps what is left of a page. */
static int packet(struct pci_dev *pdev, ULONG begin)
{
	const DMA_OPERATIONS *ops = listed.adapter->DmaOperations;
	ULONG length = PAGE_SIZE - begin % PAGE_SIZE;

	listed.begin = begin;
	if (ops->AllocateAdapterChannel(listed.adapter, &pdev->dev, 1,
					keep_registers, NULL))
		return -ENOMEM;
	ops->MapTransfer(listed.adapter, listed.mdl, listed.registers,
			 listed.block + begin, &length, FALSE);
	return length ? 0 : -ENOMEM;
}

static struct {
	PDMA_ADAPTER adapter;
	unsigned int calls;
} channel;

static IO_ALLOCATION_ACTION keep_channel(PDEVICE_OBJECT device, PIRP irp,
					 PVOID base, PVOID context)
{
	channel.calls++;
	return KeepObject;
}

static int wait_for_channel(const char *name)
{
	struct pci_dev *pdev = find(name);
	unsigned int i;
	int err = 0;

	if (!pdev)
		return -ENODEV;
	channel.calls = 0;
	channel.adapter = get_adapter(&pdev->dev, 64);
	for (i = 0; channel.adapter && !err && i < 2; i++)
		err = channel.adapter->DmaOperations->AllocateAdapterChannelEx(
			channel.adapter, &pdev->dev, NULL, 1, 0, keep_channel,
			NULL, NULL);
	pci_dev_put(pdev);
	return !err && channel.calls == 1 ? 0 : -ENOMEM;
}

static int grant_channel(void)
{
	const DMA_OPERATIONS *ops = channel.adapter->DmaOperations;

	ops->FreeAdapterChannel(channel.adapter);
	ops->FreeAdapterChannel(channel.adapter);
	ops->PutDmaAdapter(channel.adapter);
	return channel.calls == 2 ? 0 : -EUCLEAN;
}

static struct lent_channel lent;

struct lent_channel *lend_channel(void)
{
	return lent.adapter ? &lent : NULL;
}
EXPORT_SYMBOL_GPL(lend_channel);

static int lend(const char *name)
{
	struct pci_dev *pdev = find(name);
	int err = -ENOMEM;

	if (!pdev)
		return -ENODEV;
	memset(&lent, 0, sizeof(lent));
	lent.device = &pdev->dev;
	lent.adapter = get_adapter(&pdev->dev, 64);
	if (lent.adapter)
		err = lent.adapter->DmaOperations->AllocateAdapterChannel(
			lent.adapter, lent.device, 1, keep_channel, NULL);
	pci_dev_put(pdev);
	return err;
}

static int give(void)
{
	lent.adapter->DmaOperations->FreeAdapterChannel(lent.adapter);
	return 0;
}

/*
 * From when rust_pool looks for a request, the first memory that is freed is the request's.
 * Whoever frees the channel pauses there, until the init code of who asked is gone.
 */
static struct task_struct *pausing;
static bool looked, live;

/* Before rust_pool learns of it. */
static int module_event(struct notifier_block *block, unsigned long event, void *data)
{
	const struct module *module = data;

	if (event == MODULE_STATE_LIVE && !strcmp(module->name, "rp_test_asker"))
		WRITE_ONCE(live, true);
	return NOTIFY_DONE;
}

static int looks(struct kprobe *probe, struct pt_regs *regs)
{
	if (current == pausing)
		looked = true;
	return 0;
}

static int frees(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned int tries;

	if (current != pausing || !looked)
		return 0;
	pausing = NULL;
	WRITE_ONCE(lent.paused, true);
	for (tries = 0; tries < 100 && !READ_ONCE(live); tries++)
		mdelay(100);
	/* rust_pool has looked for call sites by then, unless it has to wait. */
	mdelay(500);
	return 0;
}

static int give_slowly(void)
{
	struct kprobe look = {
		.symbol_name = "rust_pool_channel_next", .pre_handler = looks,
	};
	struct kprobe free = {
		.symbol_name = "krealloc_node_align_noprof", .pre_handler = frees,
	};
	struct notifier_block events = {
		.notifier_call = module_event, .priority = INT_MAX,
	};
	int err;

	looked = false;
	live = false;
	err = register_module_notifier(&events);
	if (err)
		return err;
	err = register_kprobe(&look);
	if (err)
		goto out;
	err = register_kprobe(&free);
	if (!err) {
		pausing = current;
		give();
		pausing = NULL;
		unregister_kprobe(&free);
	}
	unregister_kprobe(&look);
out:
	unregister_module_notifier(&events);
	return err;
}

static int take(void)
{
	const DMA_OPERATIONS *ops = lent.adapter->DmaOperations;

	if (lent.base)
		ops->FreeMapRegisters(lent.adapter, lent.base, 1);
	ops->PutDmaAdapter(lent.adapter);
	lent.adapter = NULL;
	return 0;
}

/* Each of a part of its own, as a device may not be given memory twice. */
static int lists(const char *name, bool bounced)
{
	const ULONG part = LIST_BYTES / LISTS / PAGE_SIZE * PAGE_SIZE;
	/* Only parts of pages are copied. */
	const ULONG skip = bounced ? 100 : 0;
	struct pci_dev *pdev = find(name);
	unsigned int i;
	int err = 0;

	if (!pdev)
		return -ENODEV;
	pdev->untrusted = bounced;
	listed.adapter = get_adapter(&pdev->dev, 64);
	listed.block = ExAllocatePoolWithTag(NonPagedPoolNx, LIST_BYTES, 'tsiL');
	listed.mdl = IoAllocateMdl(listed.block, LIST_BYTES, FALSE, FALSE, NULL);
	if (!listed.adapter || !listed.block || !listed.mdl)
		err = -ENOMEM;
	else
		MmBuildMdlForNonPagedPool(listed.mdl);
	for (i = 0; !err && i < ARRAY_SIZE(listed.list); i++)
		if (listed.adapter->DmaOperations->GetScatterGatherList(
			    listed.adapter, &pdev->dev, listed.mdl,
			    listed.block + i * part + skip, part - skip, keep_list,
			    &listed.list[i], i & 1))
			err = -ENOMEM;
	err = err ?: packet(pdev, i * part + skip);
	pdev->untrusted = false;
	if (!err) {
		listed.logical = listed.list[0]->Elements[0].Address.QuadPart;
		if (bounced && !is_copy(pdev, listed.block + skip))
			err = -ENXIO;
	}
	if (err)
		unlist(false);
	pci_dev_put(pdev);
	return err;
}

/* The first list, which unlist() does not put then. */
struct lent lend_list(void)
{
	struct lent lent = { listed.adapter, listed.list[0] };

	listed.list[0] = NULL;
	return lent;
}
EXPORT_SYMBOL_GPL(lend_list);

static struct iommu_group *borrowed;

static void release(struct work_struct *unused)
{
	iommu_group_release_dma_owner(borrowed);
	iommu_group_put(borrowed);
	borrowed = NULL;
}

static DECLARE_DELAYED_WORK(releasing, release);

static void return_group(void)
{
	if (borrowed)
		mod_delayed_work(system_dfl_wq, &releasing, 0);
	flush_delayed_work(&releasing);
}

static int borrow(const char *name, unsigned int msecs)
{
	struct pci_dev *pdev = find(name);
	int err;

	if (!pdev)
		return -ENODEV;
	return_group();
	borrowed = iommu_group_get(&pdev->dev);
	pci_dev_put(pdev);
	if (!borrowed)
		return -ENODEV;
	err = iommu_group_claim_dma_owner(borrowed, &borrowed);
	if (err) {
		iommu_group_put(borrowed);
		borrowed = NULL;
		return err;
	}
	queue_delayed_work(system_dfl_wq, &releasing, msecs_to_jiffies(msecs));
	return 0;
}

/* Whatever becomes of the device: what is given is given back. */
static int race(void *unused)
{
	while (!kthread_should_stop()) {
		struct client c = { .adapter = get_adapter(&racing->dev, 32) };
		unsigned int i, k;

		atomic_inc(&rounds);
		if (!c.adapter) {
			atomic_inc(&refused);
			usleep_range(1000, 2000);
			continue;
		}
		for (i = 0; i < 8 && !kthread_should_stop(); i++) {
			for (k = 0; k < 4; k++)
				if (!get_buffer(&c, &c.buffers[k], sizes[k], k))
					atomic_inc(&refused);
			for (k = 0; k < 4; k++)
				put_buffer(&c, &c.buffers[k]);
		}
		c.adapter->DmaOperations->PutDmaAdapter(c.adapter);
		usleep_range(100, 200);
	}
	return 0;
}

static void rest(void)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		if (!IS_ERR_OR_NULL(threads[i]))
			kthread_stop(threads[i]);
		threads[i] = NULL;
	}
	if (racing_adapter)
		racing_adapter->DmaOperations->PutDmaAdapter(racing_adapter);
	racing_adapter = NULL;
	pci_dev_put(racing);
	racing = NULL;
}

static int start(const char *name)
{
	unsigned int i;

	racing = find(name);
	if (!racing)
		return -ENODEV;
	racing_adapter = get_adapter(&racing->dev, 32);
	for (i = 0; i < THREADS; i++) {
		threads[i] = kthread_run(race, NULL, "rp_test_lifetime");
		if (IS_ERR(threads[i])) {
			rest();
			return -ENOMEM;
		}
	}
	return 0;
}

static int run_set(const char *line, const struct kernel_param *kp)
{
	char step[16], name[32] = "";
	unsigned int kib = 0;

	if (sscanf(line, "%15s %31s %u", step, name, &kib) < 1)
		return -EINVAL;
	if (!strcmp(step, "get"))
		return get(name, kib);
	if (!strcmp(step, "more"))
		return more();
	if (!strcmp(step, "check"))
		return check();
	if (!strcmp(step, "unreached"))
		return unreached(name);
	if (!strcmp(step, "lists"))
		return lists(name, false);
	if (!strcmp(step, "bounced"))
		return lists(name, true);
	if (!strcmp(step, "wait"))
		return wait_for_channel(name);
	if (!strcmp(step, "grant"))
		return grant_channel();
	if (!strcmp(step, "lend"))
		return lend(name);
	if (!strcmp(step, "give"))
		return give();
	if (!strcmp(step, "give_slowly"))
		return give_slowly();
	if (!strcmp(step, "take"))
		return take();
	if (sscanf(line, "called %u", &kib) == 1)
		return lent.calls == kib ? 0 : -EUCLEAN;
	if (!strcmp(step, "borrow"))
		return borrow(name, kib);
	if (!strcmp(step, "race"))
		return start(name);
	if (!strcmp(step, "free")) {
		free_all(false);
	} else if (!strcmp(step, "free_atomic")) {
		free_all(true);
	} else if (!strcmp(step, "unlist")) {
		unlist(false);
	} else if (!strcmp(step, "unlist_atomic")) {
		unlist(true);
	} else if (!strcmp(step, "put")) {
		put_all();
	} else if (!strcmp(step, "put_first")) {
		put_adapters();
		put_first = true;
	} else if (!strcmp(step, "return")) {
		return_group();
	} else if (!strcmp(step, "rest")) {
		rest();
	} else {
		return -EINVAL;
	}
	return 0;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);

/* Takes the devices that driver_override gives it, and does nothing to them. */
static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	return 0;
}

static void remove(struct pci_dev *pdev)
{
}

static const struct pci_device_id none[] = { { } };

static struct pci_driver driver = {
	.name = "rp_test_lifetime",
	.id_table = none,
	.probe = probe,
	.remove = remove,
};

static int __init lifetime_init(void)
{
	return pci_register_driver(&driver);
}

static void __exit lifetime_exit(void)
{
	rest();
	return_group();
	free_all(false);
	put_all();
	unlist(false);
	pci_unregister_driver(&driver);
}

module_init(lifetime_init);
module_exit(lifetime_exit);

MODULE_DESCRIPTION("Selftest of rust_pool: a client whose device goes");
MODULE_AUTHOR("The rust_pool authors");
MODULE_LICENSE("GPL");
