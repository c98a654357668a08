/* SPDX-License-Identifier: GPL-2.0 */
/* A common buffer, of a device that is there for this buffer alone. */
#ifndef RPT_MDL_COMMON_H
#define RPT_MDL_COMMON_H

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <rust_pool/wdm.h>

struct common {
	struct platform_device *device;
	DMA_ADAPTER *adapter;
	PHYSICAL_ADDRESS logical;
	ULONG bytes;
	char *va;
};

static inline void common_free(struct common *c)
{
	c->adapter->DmaOperations->FreeCommonBuffer(c->adapter, c->bytes, c->logical,
						    c->va, TRUE);
}

static inline void common_put(struct common *c)
{
	if (c->adapter)
		c->adapter->DmaOperations->PutDmaAdapter(c->adapter);
	platform_device_unregister(c->device);
}

/* false if there is no memory for it. */
static inline bool common_get(struct common *c, ULONG bytes)
{
	DEVICE_DESCRIPTION description = {
		.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.InterfaceType = PCIBus,
		.DmaAddressWidth = 32,
		.MaximumLength = SZ_64K,
	};
	ULONG registers;

	*c = (struct common) { .bytes = bytes };
	c->device = platform_device_register_simple("rpt_common", PLATFORM_DEVID_AUTO,
						    NULL, 0);
	if (IS_ERR(c->device))
		return false;
	c->device->dev.coherent_dma_mask = DMA_BIT_MASK(32);
	c->adapter = IoGetDmaAdapter(&c->device->dev, &description, &registers);
	if (c->adapter)
		c->va = c->adapter->DmaOperations->AllocateCommonBuffer(c->adapter, bytes,
									&c->logical, TRUE);
	if (!c->va)
		common_put(c);
	return c->va;
}

#endif /* RPT_MDL_COMMON_H */
