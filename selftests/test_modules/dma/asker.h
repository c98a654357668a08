/* SPDX-License-Identifier: GPL-2.0 */
/* What rp_test_lifetime lends to rp_test_asker, and learns of it. */
#ifndef RPT_ASKER_H
#define RPT_ASKER_H

#include <rust_pool/wdm.h>

struct lent_channel {
	PDMA_ADAPTER adapter;
	struct device *device;
	/* How many routines of the other were called, and the map registers that one kept. */
	unsigned int calls;
	PVOID base;
	/* A routine of the other is being called. */
	bool entered;
	/* The exit function of the other has been called. */
	bool gone;
	/* The request of the other has been granted, but not written down yet. */
	bool paused;
};

/* NULL if there is none. */
struct lent_channel *lend_channel(void);

#endif /* RPT_ASKER_H */
