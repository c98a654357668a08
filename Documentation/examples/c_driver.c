// SPDX-License-Identifier: GPL-2.0
/* A driver for QEMU's edu device that takes its memory from all four families. */

#include <linux/module.h>
#include <linux/pci.h>
#include <rust_pool/wdm.h>

#define EXTENSION_TAG	('txEE')	/* shown as EExt */
#define CONFIG_TAG	('gfCE')	/* shown as ECfg */
#define TABLE_BYTES	8192
#define MAILBOX_BYTES	64
#define RING_BYTES	10000

struct extension {
	PVOID config;
	PVOID table;
	PVOID mailbox;
	PVOID ring;
	PHYSICAL_ADDRESS ring_bus;
	PDMA_ADAPTER adapter;
};

static void free_all(struct extension *ext)
{
	if (ext->ring)
		ext->adapter->DmaOperations->FreeCommonBuffer(ext->adapter,
							      RING_BYTES,
							      ext->ring_bus,
							      ext->ring, TRUE);
	if (ext->adapter)
		ext->adapter->DmaOperations->PutDmaAdapter(ext->adapter);
	if (ext->mailbox)
		MmFreeNonCachedMemory(ext->mailbox, MAILBOX_BYTES);
	if (ext->table)
		MmFreeContiguousMemory(ext->table);
	if (ext->config)
		ExFreePoolWithTag(ext->config, CONFIG_TAG);
	ExFreePoolWithTag(ext, EXTENSION_TAG);
}

static BOOLEAN allocate_all(struct extension *ext, PDEVICE_OBJECT device)
{
	PHYSICAL_ADDRESS highest = { .QuadPart = 0xffffffff };
	DEVICE_DESCRIPTION description;
	ULONG registers;

	ext->config = ExAllocatePoolWithTag(PagedPool, 500, CONFIG_TAG);
	ext->table = MmAllocateContiguousMemory(TABLE_BYTES, highest);
	ext->mailbox = MmAllocateNonCachedMemory(MAILBOX_BYTES);
	if (!ext->config || !ext->table || !ext->mailbox)
		return FALSE;

	RtlZeroMemory(&description, sizeof(description));
	description.Version = DEVICE_DESCRIPTION_VERSION3;
	description.Master = TRUE;
	description.InterfaceType = PCIBus;
	description.DmaAddressWidth = 28;
	description.MaximumLength = RING_BYTES;
	ext->adapter = IoGetDmaAdapter(device, &description, &registers);
	if (!ext->adapter)
		return FALSE;
	ext->ring = ext->adapter->DmaOperations->AllocateCommonBuffer(ext->adapter,
								      RING_BYTES,
								      &ext->ring_bus,
								      TRUE);
	return ext->ring ? TRUE : FALSE;
}

static int c_driver_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct extension *ext;
	int err;

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	ext = ExAllocatePoolZero(NonPagedPoolNx, sizeof(*ext), EXTENSION_TAG);
	if (!ext)
		return -ENOMEM;
	if (!allocate_all(ext, &pdev->dev)) {
		free_all(ext);
		return rust_pool_status_to_errno(STATUS_INSUFFICIENT_RESOURCES);
	}
	pci_set_drvdata(pdev, ext);
	pci_set_master(pdev);
	return 0;
}

static void c_driver_remove(struct pci_dev *pdev)
{
	pci_clear_master(pdev);
	free_all(pci_get_drvdata(pdev));
}

static const struct pci_device_id c_driver_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, c_driver_ids);

static struct pci_driver c_driver = {
	.name		= "c_driver",
	.id_table	= c_driver_ids,
	.probe		= c_driver_probe,
	.remove		= c_driver_remove,
};
module_pci_driver(c_driver);

MODULE_DESCRIPTION("rust_pool example: a driver in C");
MODULE_LICENSE("GPL");
