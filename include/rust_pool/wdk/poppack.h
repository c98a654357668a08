/* SPDX-License-Identifier: GPL-2.0 */
/* Ends what the last pshpack1.h, pshpack2.h, pshpack4.h or pshpack8.h began. */
#ifdef __clang__
/* It warns of a header that packs what follows it. */
#pragma clang diagnostic ignored "-Wpragma-pack"
#endif
#pragma pack(pop)
