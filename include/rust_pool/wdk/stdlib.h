/* SPDX-License-Identifier: GPL-2.0 */
/* What drivers take of Microsoft's stdlib.h: the number of an array's elements, abs(), swaps. */
#ifndef _RUST_POOL_WDK_STDLIB_H
#define _RUST_POOL_WDK_STDLIB_H

#include <linux/kernel.h>

#include "wdm.h"

#define _countof(Array)		RTL_NUMBER_OF(Array)

#endif /* _RUST_POOL_WDK_STDLIB_H */
