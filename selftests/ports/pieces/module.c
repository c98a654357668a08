// SPDX-License-Identifier: GPL-2.0
/* What Linux wants of a module. */
#include <linux/module.h>

MODULE_DESCRIPTION("Pieces of Windows drivers");
MODULE_LICENSE("GPL");
