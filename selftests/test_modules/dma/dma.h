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

/* Address lines that an adapter may be said to have for edu. */
extern const struct rpt_arg edu_widths[];
/* So many edu has. */
#define EDU_WIDTH	28

/* What the device finds at a bus address. */
u64 behind(u64 logical);

/*
 * The kernel may have devices use copies in memory of its own (swiotlb): of all that is
 * mapped, if it was booted with swiotlb=force, and of what they cannot address, if there is
 * memory above 4 GiB; neither behind an IOMMU that translates. What is to be expected
 * follows from the command line and from where memory is, not from what the routines do.
 */
bool all_bounced(void);
/* Finds that out. */
int bounces_begin(void);
/* Whether that is so of one of these bytes, for a device of so many address lines. */
bool is_bounced(const void *va, size_t bytes, ULONG width);
/* Whether such a device can address all of the kernel's memory for copies. */
bool reaches_bounces(ULONG width);
/* Whether a bus address is in that memory. */
bool is_bounce(u64 bus);
/* How much of it is in use. It may be given back later: waits for it to be so much. */
u64 bounces_used(struct rpt *t);
bool bounces_back_at(struct rpt *t, u64 used);

/*
 * Whether the device finds these bytes, which end in the page that they begin in, at a bus
 * address: themselves, or a copy if there is to be one.
 */
bool leads_to(u64 bus, const void *va, size_t bytes, ULONG width);
/* What a device would find or leave from a bus address on, a page at a time. */
void as_device(u64 bus, char *own, size_t length, bool reads);

/* Has edu copy from or to its own memory, and waits for it. */
bool edu_copies(void __iomem *bar, u64 bus, u32 at, u32 count, bool to_memory);
/*
 * A buffer for transfers by a device of so many address lines, above what these reach if
 * there is such memory, and above what edu does. Freed by MmFreeContiguousMemory().
 */
void *memory_for(ULONG width, SIZE_T bytes);
/*
 * The same as edu_copies(), for such a buffer: where the adapter is said to reach more than
 * edu does, and the bus address may be there, the CPU stands for it.
 */
bool device_copies(void __iomem *bar, const void *va, ULONG width, u64 bus, u32 at,
		   u32 count, bool to_memory);
/* Exactly one violation of DMA, with these parameters unless they are NULL. */
void dma_violation(struct rpt *t, u64 p1, const void *p2, const void *p3);

extern const struct rpt_suite dma_checks_suite;
extern const struct rpt_suite dma_lists_suite;
extern const struct rpt_suite dma_packets_suite;
extern const struct rpt_suite dma_channels_suite;

#endif /* RPT_DMA_H */
