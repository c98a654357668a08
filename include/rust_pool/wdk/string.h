/* SPDX-License-Identifier: GPL-2.0 */
/* The C library's string.h: what the kernel has of it. */
#ifndef _RUST_POOL_WDK_STRING_H
#define _RUST_POOL_WDK_STRING_H

#include <linux/string.h>

#endif /* _RUST_POOL_WDK_STRING_H */
