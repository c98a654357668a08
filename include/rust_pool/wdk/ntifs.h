/* SPDX-License-Identifier: GPL-2.0 */
/* All that is provided here of the WDK's ntifs.h is in wdm.h. */
#ifndef _RUST_POOL_WDK_NTIFS_H
#define _RUST_POOL_WDK_NTIFS_H

#include "wdm.h"

#endif /* _RUST_POOL_WDK_NTIFS_H */
