// SPDX-License-Identifier: GPL-2.0
/*
 * The model's devices, which come and go with buffers out. Some are an actor's
 * for the length of one operation, while the others are at work. One is
 * everybody's: it goes between two rounds, so that whoever frees a buffer of it
 * knows whether that is reported.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>

#include "model.h"

static void make(struct model_device *d)
{
	static const DEVICE_DESCRIPTION description = {
		.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.InterfaceType = PCIBus,
		.DmaAddressWidth = 32,
		.MaximumLength = SZ_64K,
	};
	DEVICE_DESCRIPTION given = description;
	ULONG registers;

	atomic_set(&d->live, 0);
	d->adapter = NULL;
	d->device = platform_device_register_simple("rpt_model",
						    PLATFORM_DEVID_AUTO, NULL, 0);
	if (IS_ERR(d->device)) {
		d->device = NULL;
		return;
	}
	d->device->dev.coherent_dma_mask = DMA_BIT_MASK(32);
	d->adapter = IoGetDmaAdapter(&d->device->dev, &given, &registers);
	if (!d->adapter) {
		platform_device_unregister(d->device);
		d->device = NULL;
	}
}

static void leave(struct model_device *d)
{
	platform_device_unregister(d->device);
	d->device = NULL;
}

/* Once nothing is left of it. */
static void forget(struct model_device *d)
{
	d->adapter->DmaOperations->PutDmaAdapter(d->adapter);
	d->adapter = NULL;
}

bool device_gone(const struct model_device *d)
{
	return d && d->adapter && !d->device;
}

bool devices_begin(struct model *m)
{
	m->here = &m->devices[0];
	make(m->here);
	return m->here->adapter;
}

void devices_turn(struct model *m)
{
	struct model_device *free = NULL;
	unsigned int i, out = 0;

	for (i = 0; i < DEVICES; i++) {
		struct model_device *d = &m->devices[i];

		if (device_gone(d) && !atomic_read(&d->live))
			forget(d);
		out += atomic_read(&d->live);
		if (!d->adapter)
			free = d;
	}
	if (prandom_u32_state(&m->rnd) & 1 || !free || out > GONE_ALL)
		return;
	make(free);
	/* No memory for another: this one stays. */
	if (!free->adapter)
		return;
	leave(m->here);
	m->turned++;
	m->here = free;
}

void devices_end(struct model *m)
{
	unsigned int i;

	if (m->here && m->here->device)
		leave(m->here);
	for (i = 0; i < DEVICES; i++)
		if (m->devices[i].adapter)
			forget(&m->devices[i]);
}

void device_passes(struct actor *a, const u32 *r)
{
	struct model_device d;
	struct block blocks[2];
	unsigned int i;

	make(&d);
	if (!d.adapter) {
		a->unmet++;
		return;
	}
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		actor_get_buffer(a, &blocks[i], &d, 1 + (r[2] >> 16 * i) % SZ_16K);
	/* One is freed in time, unless both are not. */
	if (r[3] & 1)
		actor_free(a, &blocks[0]);
	leave(&d);
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		actor_free(a, &blocks[i]);
	forget(&d);
	a->passed++;
}
