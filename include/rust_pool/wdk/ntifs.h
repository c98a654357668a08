/* SPDX-License-Identifier: GPL-2.0 */
/* What is provided here of the WDK's ntifs.h: that of wdm.h, and what file systems allocate by. */
#ifndef _RUST_POOL_WDK_NTIFS_H
#define _RUST_POOL_WDK_NTIFS_H

#include "wdm.h"

/* On Windows they raise where these return NULL, as do all that may raise. */
#define FsRtlAllocatePoolWithTag(PoolType, NumberOfBytes, Tag) \
	ExAllocatePoolWithTag((POOL_TYPE)((PoolType) | \
					  POOL_RAISE_IF_ALLOCATION_FAILURE), \
			      NumberOfBytes, Tag)
#define FsRtlAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, Tag) \
	ExAllocatePoolWithQuotaTag((POOL_TYPE)((PoolType) | \
					       POOL_RAISE_IF_ALLOCATION_FAILURE), \
				   NumberOfBytes, Tag)
#define FsRtlAllocatePool(PoolType, NumberOfBytes) \
	ExAllocatePool((POOL_TYPE)((PoolType) | POOL_RAISE_IF_ALLOCATION_FAILURE), \
		       NumberOfBytes)
#define FsRtlAllocatePoolWithQuota(PoolType, NumberOfBytes) \
	ExAllocatePoolWithQuota((POOL_TYPE)((PoolType) | \
					    POOL_RAISE_IF_ALLOCATION_FAILURE), \
				NumberOfBytes)

#endif /* _RUST_POOL_WDK_NTIFS_H */
