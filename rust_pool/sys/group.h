/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How what was made for a device is undone while the device's IOMMU group is held.
 * device.c has the functions; the head of that file says what the group's mutex is
 * for.
 */
#ifndef _RUST_POOL_GROUP_H
#define _RUST_POOL_GROUP_H

#include <linux/types.h>

struct device;
struct iommu_domain;

/* An undoing for a device, by a function that is called for devices of its group. */
struct rust_pool_undoing {
	struct device *dev;
	/* The device has left its group: any device of the group stands for it. */
	bool left;
	/* Somebody has the group for a while, as in a reset: try again later. */
	bool borrowed;
};

/* Whether an undoing is to be done for this device of the group. */
static inline bool rust_pool_is_for(const struct rust_pool_undoing *u,
				    const struct device *dev)
{
	return dev == u->dev || u->left;
}

int rust_pool_in_group(void *group, void *data,
		       int (*fn)(struct device *dev, void *data));
bool rust_pool_is_borrowed(struct iommu_domain *domain);
bool rust_pool_dma_wait(const void *group, unsigned int *waits);
bool rust_pool_undo_in_group(void *group, struct rust_pool_undoing *u,
			     int (*fn)(struct device *dev, void *data));

#endif /* _RUST_POOL_GROUP_H */
