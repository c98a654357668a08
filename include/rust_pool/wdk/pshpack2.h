/* SPDX-License-Identifier: GPL-2.0 */
/* Structures up to the next poppack.h are packed to 2 bytes. Each include counts. */
#pragma pack(push, 2)
