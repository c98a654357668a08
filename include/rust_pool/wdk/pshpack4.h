/* SPDX-License-Identifier: GPL-2.0 */
/* Structures up to the next poppack.h are packed to 4 bytes. Each include counts. */
#ifdef __clang__
/* It warns of a header that packs what follows it. */
#pragma clang diagnostic ignored "-Wpragma-pack"
#endif
#pragma pack(push, 4)
