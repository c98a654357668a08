// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what must not be seen: kernel addresses, and memory's old contents.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#include "edu.h"
#include "hardening.h"

struct pci_dev *edu;

static const struct rpt_suite *const suites[] = {
	&secrets_suite,
	&zeroed_suite,
	&wiped_suite,
};

static void *key;

DMA_ADAPTER *get_adapter(void)
{
	DEVICE_DESCRIPTION d = {
		.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.InterfaceType = PCIBus,
		.DmaAddressWidth = 32,
		.MaximumLength = SZ_64K,
	};
	ULONG registers;

	return edu ? IoGetDmaAdapter(&edu->dev, &d, &registers) : NULL;
}

static int __init rpt_hardening_init(void)
{
	return rpt_register_with_edu(suites, ARRAY_SIZE(suites), &key, &edu);
}

static void __exit rpt_hardening_exit(void)
{
	rpt_unregister_with_edu(key, edu);
}

module_init(rpt_hardening_init);
module_exit(rpt_hardening_exit);

MODULE_DESCRIPTION("rust_pool selftests: addresses and old contents");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
