/* SPDX-License-Identifier: GPL-2.0 */
/* What the verifier's suites share. */
#ifndef RPT_SPECIAL_H
#define RPT_SPECIAL_H

#include "rpt.h"

extern const struct rpt_suite check_suite;
extern const struct rpt_suite kept_suite;
/* With special pool, or with patterns behind blocks. */
extern const struct rpt_suite kept_watched_suite;
/* MDLs, with patterns behind them, or in special pool. */
extern const struct rpt_suite frames_check_suite;
extern const struct rpt_suite frames_special_suite;

#endif /* RPT_SPECIAL_H */
