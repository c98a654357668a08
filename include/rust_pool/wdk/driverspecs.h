/* SPDX-License-Identifier: GPL-2.0 */
/* All that is provided here of the WDK's driverspecs.h is in sal.h. */
#ifndef _RUST_POOL_WDK_DRIVERSPECS_H
#define _RUST_POOL_WDK_DRIVERSPECS_H

#include "sal.h"

#endif /* _RUST_POOL_WDK_DRIVERSPECS_H */
