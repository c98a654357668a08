/* SPDX-License-Identifier: GPL-2.0 */
/* Structures up to the next poppack.h are packed to 1 byte. Each include counts. */
#pragma pack(push, 1)
