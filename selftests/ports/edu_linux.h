/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a driver of QEMU's edu device gets from Linux: the device with its registers,
 * and DPCs, which come while it waits for the device.
 */
#ifndef PORT_EDU_LINUX_H
#define PORT_EDU_LINUX_H

#include <linux/bottom_half.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/pci.h>

/* Only a hang takes so long. A transfer takes a tenth of a second. */
#define PORT_EDU_PATIENCE	(120 * HZ)

/* NULL if there is no such device. */
static inline struct pci_dev *port_edu_get(void)
{
	struct pci_dev *edu = pci_get_device(0x1234, 0x11e8, NULL);

	if (edu && pci_enable_device_mem(edu)) {
		pci_dev_put(edu);
		return NULL;
	}
	if (edu)
		pci_set_master(edu);
	return edu;
}

static inline void port_edu_put(struct pci_dev *edu)
{
	pci_clear_master(edu);
	pci_disable_device(edu);
	/* As the PCI core had it. */
	dma_set_mask_and_coherent(&edu->dev, DMA_BIT_MASK(32));
	pci_dev_put(edu);
}

/* Calls a driver's DPC at DISPATCH_LEVEL, again and again, while the driver waits. */
static inline bool port_edu_wait(bool (*waits)(void *driver),
				 void (*dpc)(void *driver), void *driver)
{
	unsigned long end = jiffies + PORT_EDU_PATIENCE;

	while (waits(driver)) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
		local_bh_disable();
		dpc(driver);
		local_bh_enable();
	}
	return true;
}

#endif /* PORT_EDU_LINUX_H */
