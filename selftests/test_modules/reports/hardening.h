/* SPDX-License-Identifier: GPL-2.0 */
/* What the suites of hardening share. */
#ifndef RPT_HARDENING_H
#define RPT_HARDENING_H

#include "rpt.h"

extern const struct rpt_suite secrets_suite;
extern const struct rpt_suite zeroed_suite;
extern const struct rpt_suite wiped_suite;

/* QEMU's edu, or NULL. */
extern struct pci_dev *edu;

/* An adapter for buffers up to 64 KiB, or NULL. */
DMA_ADAPTER *get_adapter(void);

#define TAG_HARD	('draH')

#endif /* RPT_HARDENING_H */
