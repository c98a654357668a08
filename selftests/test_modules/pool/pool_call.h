/* SPDX-License-Identifier: GPL-2.0 */
/* Calls of tagged pool for rpt_in_context(). */
#ifndef RPT_POOL_CALL_H
#define RPT_POOL_CALL_H

#include <rust_pool/wdm.h>

struct pool_call {
	POOL_TYPE type;
	size_t bytes;
	ULONG tag;
	void *block;
};

static inline void pool_call_allocate(void *arg)
{
	struct pool_call *call = arg;

	call->block = ExAllocatePoolWithTag(call->type, call->bytes, call->tag);
}

static inline void pool_call_free(void *arg)
{
	struct pool_call *call = arg;

	ExFreePoolWithTag(call->block, call->tag);
}

#endif /* RPT_POOL_CALL_H */
