/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a Windows driver may use before it includes a header: what Microsoft's compiler knows by
 * itself, and what a driver's project defines. WDK=1 has it included in front of each file, also
 * of Linux's. So it has nothing but macros, of names that Linux does not use.
 *
 * _WIN32 and _MSC_VER are not defined, as code for that compiler follows an #ifdef of them.
 */
#ifndef _RUST_POOL_WDK_FIRST_H
#define _RUST_POOL_WDK_FIRST_H

#define _KERNEL_MODE		1

/* Calling conventions: all routines have that of the kernel. */
#define __cdecl
#define __stdcall
#define __fastcall
#define __vectorcall

#define __unaligned
#define __ptr64
#define __w64
/* Clang may know it by itself. */
#ifndef __pragma
#define __pragma(...)
#endif
#define __noop(...)		((void)0)

#endif /* _RUST_POOL_WDK_FIRST_H */
