// SPDX-License-Identifier: GPL-2.0
/*
 * A client for the verifier to watch: adapters and common buffers.
 */
#include <linux/pci.h>
#include <linux/sizes.h>

#include <rust_pool/wdm.h>
#include "verifier.h"

#define BYTES	7000

static struct pci_dev *edu;
static DMA_ADAPTER *adapter;

static struct {
	char *base;
	/* It may be freed a second time. */
	char *freed;
	PHYSICAL_ADDRESS logical;
} buffers[64];
static unsigned int last;

/* No tail calls here and below, for the frames are looked for. */
noinline void *rptv_allocate_adapter(void)
{
	DEVICE_DESCRIPTION description = {
		.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.DmaAddressWidth = 32,
		.MaximumLength = SZ_1M,
	};
	void *got = NULL;
	ULONG registers;

	if (edu)
		got = IoGetDmaAdapter(&edu->dev, &description, &registers);
	barrier();
	return got;
}

void rptv_put_adapter(void *put)
{
	DMA_ADAPTER *it = put;

	it->DmaOperations->PutDmaAdapter(it);
}

noinline void *rptv_allocate_common(void)
{
	unsigned int i;

	for (i = 0; adapter && i < ARRAY_SIZE(buffers); i++) {
		if (buffers[i].base)
			continue;
		last = i;
		buffers[i].base =
			adapter->DmaOperations->AllocateCommonBuffer(adapter,
					BYTES, &buffers[i].logical, TRUE);
		return buffers[i].base;
	}
	return NULL;
}

noinline void rptv_free_common(void *buffer)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(buffers); i++) {
		if (buffers[i].base != buffer &&
		    (buffers[i].base || buffers[i].freed != buffer))
			continue;
		buffers[i].base = NULL;
		buffers[i].freed = buffer;
		adapter->DmaOperations->FreeCommonBuffer(adapter, BYTES,
					buffers[i].logical, buffer, TRUE);
		barrier();
		return;
	}
}

int rptv_overrun(void)
{
	if (!buffers[last].base)
		return -ENOENT;
	buffers[last].base[BYTES] = 0;
	return 0;
}

void rptv_find_device(void)
{
	edu = pci_get_device(0x1234, 0x11e8, NULL);
	adapter = rptv_allocate_adapter();
}

void rptv_leave_device(void)
{
	if (adapter)
		rptv_put_adapter(adapter);
	pci_dev_put(edu);
}
