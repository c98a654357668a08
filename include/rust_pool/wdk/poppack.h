/* SPDX-License-Identifier: GPL-2.0 */
/* Ends what the last pshpack1.h, pshpack2.h, pshpack4.h or pshpack8.h began. */
#pragma pack(pop)
