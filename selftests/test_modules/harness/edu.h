/* SPDX-License-Identifier: GPL-2.0 */
/* Suites that use QEMU's edu device if it is there, and no driver of it. */
#ifndef RPT_EDU_H
#define RPT_EDU_H

#include <linux/dma-mapping.h>
#include <linux/pci.h>

#include "rpt.h"

static inline int rpt_register_with_edu(const struct rpt_suite *const *suites,
					unsigned int count, void **key,
					struct pci_dev **edu)
{
	int ret;

	*edu = pci_get_device(0x1234, 0x11e8, NULL);
	ret = rpt_register(suites, count, key);
	if (ret)
		pci_dev_put(*edu);
	return ret;
}

static inline void rpt_unregister_with_edu(void *key, struct pci_dev *edu)
{
	rpt_unregister(key);
	if (edu)
		/* As the PCI core had it. */
		dma_set_mask_and_coherent(&edu->dev, DMA_BIT_MASK(32));
	pci_dev_put(edu);
}

#endif /* RPT_EDU_H */
