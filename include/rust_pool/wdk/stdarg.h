/* SPDX-License-Identifier: GPL-2.0 */
/* The C library's stdarg.h. */
#ifndef _RUST_POOL_WDK_STDARG_H
#define _RUST_POOL_WDK_STDARG_H

#include <linux/stdarg.h>

#endif /* _RUST_POOL_WDK_STDARG_H */
