/* SPDX-License-Identifier: GPL-2.0 */
/* What rp_test_later does for rp_test_guest, which goes meanwhile. */
#ifndef RPT_GUEST_H
#define RPT_GUEST_H

#include <linux/device.h>
#include <rust_pool/wdm.h>

/* With what others are busy when the guest goes. */
enum guest {
	/* The work item has given the last buffer back, but not dropped the device. */
	GUEST_GIVEN = 1,
	/* Another task calls the release() of a device whose adapter the guest got. */
	GUEST_RELEASED,
	/* Another task frees a buffer of a device whose release() is the guest's. */
	GUEST_USED,
	/* Another task calls a routine of the guest, which waited for a channel. */
	GUEST_CALLED,
};

/* Makes a device, whose release() is this if the guest is to have it. */
struct device *guest_comes(enum guest what, void (*release)(struct device *dev));
/* For the last: has the guest wait for a channel, with this routine. */
bool guest_waits(PDRIVER_CONTROL routine);
/* The routine's only call. Returns when the guest is gone, or after a while. */
void guest_called(void);
/* The guest's last call, with its adapter and, for the first, its buffer. */
void guest_goes(DMA_ADAPTER *adapter);

#endif /* RPT_GUEST_H */
