/* SPDX-License-Identifier: GPL-2.0 */
/* What the page-table entries of kernel mappings say. */
#ifndef _RUST_POOL_PROTECTION_H
#define _RUST_POOL_PROTECTION_H

#include <linux/pgtable.h>

#include "../core.h"

static inline pgprot_t rust_pool_protection(MEMORY_CACHING_TYPE type, bool write)
{
	pgprot_t protection = write ? PAGE_KERNEL : PAGE_KERNEL_RO;

	if (type == MmWriteCombined)
		return pgprot_writecombine(protection);
	if (type == MmNonCached)
		return pgprot_noncached(protection);
	return protection;
}

#endif /* _RUST_POOL_PROTECTION_H */
