/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CALLERS_H
#define CALLERS_H

#include <linux/gfp_types.h>

void *unseen_element(gfp_t gfp, void *data);

/* In assembler: see trampoline.c. */
void rpt_trampoline(void);

#endif
