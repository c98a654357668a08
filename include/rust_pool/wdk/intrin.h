/* SPDX-License-Identifier: GPL-2.0 */
/* All that is provided here of Microsoft's intrin.h is in wdm.h. */
#ifndef _RUST_POOL_WDK_INTRIN_H
#define _RUST_POOL_WDK_INTRIN_H

#include "wdm.h"

#endif /* _RUST_POOL_WDK_INTRIN_H */
