/* SPDX-License-Identifier: GPL-2.0 */
/* What rp_test_lifetime lends to rp_test_putter. */
#ifndef RPT_PUTTER_H
#define RPT_PUTTER_H

#include <rust_pool/wdm.h>

/* A list from the device, which whoever borrows it puts; or NULL. */
struct lent {
	PDMA_ADAPTER adapter;
	PSCATTER_GATHER_LIST list;
};

struct lent lend_list(void);

#endif /* RPT_PUTTER_H */
