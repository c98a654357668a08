/* SPDX-License-Identifier: GPL-2.0 */
/* The C library's stddef.h, without wchar_t: WCHAR is the type of L"...". */
#ifndef _RUST_POOL_WDK_STDDEF_H
#define _RUST_POOL_WDK_STDDEF_H

#include <linux/stddef.h>
#include <linux/types.h>

#endif /* _RUST_POOL_WDK_STDDEF_H */
