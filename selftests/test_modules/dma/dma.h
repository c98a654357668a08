/* SPDX-License-Identifier: GPL-2.0 */
/* What the suites of adapters and common buffers share. */
#ifndef RPT_DMA_H
#define RPT_DMA_H

#include <linux/pci.h>

#include "rpt.h"

/* QEMU's edu. */
extern struct pci_dev *edu;

static inline DEVICE_DESCRIPTION describe(ULONG width, ULONG maximum_length)
{
	return (DEVICE_DESCRIPTION){
		.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.ScatterGather = TRUE,
		.InterfaceType = PCIBus,
		.DmaAddressWidth = width,
		.MaximumLength = maximum_length,
	};
}

static inline DMA_ADAPTER *get_adapter(ULONG width, ULONG maximum_length,
				       ULONG *registers)
{
	DEVICE_DESCRIPTION description = describe(width, maximum_length);

	return IoGetDmaAdapter(&edu->dev, &description, registers);
}

static inline void put_adapter(DMA_ADAPTER *adapter)
{
	adapter->DmaOperations->PutDmaAdapter(adapter);
}

static inline void *get_buffer(DMA_ADAPTER *adapter, ULONG length,
			       PHYSICAL_ADDRESS *logical)
{
	return adapter->DmaOperations->AllocateCommonBuffer(adapter, length,
							    logical, TRUE);
}

static inline void put_buffer(DMA_ADAPTER *adapter, ULONG length,
			      PHYSICAL_ADDRESS logical, void *buffer)
{
	adapter->DmaOperations->FreeCommonBuffer(adapter, length, logical,
						 buffer, TRUE);
}

/*
 * Contiguous memory above what this many address lines reach. A busy machine may
 * not find any at the first try.
 */
static inline void *memory_above(ULONG width, SIZE_T bytes)
{
	PHYSICAL_ADDRESS low = { .QuadPart = DMA_BIT_MASK(width) + 1 };
	PHYSICAL_ADDRESS high = { .QuadPart = -1 }, none = { };
	unsigned int tries = RPT_ATTEMPTS;
	void *va;

	do {
		va = MmAllocateContiguousMemorySpecifyCache(bytes, low, high,
							    none, MmCached);
	} while (!va && --tries);
	return va;
}

/* Address lines that an adapter may be said to have for edu, which reaches 28 bits. */
extern const struct rpt_arg edu_widths[];

/* What the device finds at a bus address. */
u64 behind(u64 logical);
/* Has edu copy from or to its own memory, and waits for it. */
bool edu_copies(void __iomem *bar, u64 bus, u32 at, u32 count, bool to_memory);
/* Exactly one violation of DMA, with these parameters unless they are NULL. */
void dma_violation(struct rpt *t, u64 p1, const void *p2, const void *p3);

extern const struct rpt_suite dma_checks_suite;
extern const struct rpt_suite dma_lists_suite;
extern const struct rpt_suite dma_packets_suite;
extern const struct rpt_suite dma_channels_suite;

#endif /* RPT_DMA_H */
