// SPDX-License-Identifier: GPL-2.0
/*
 * Code of a client that never saw the header, as an object that was compiled
 * elsewhere: it knows a routine by its exported name.
 */
#include <linux/types.h>

#include "callers.h"

void *ExAllocatePoolWithTag(int type, size_t bytes, u32 tag);

void *unseen_element(gfp_t gfp, void *data)
{
	/* 512 is NonPagedPoolNx, the tag reads "Unsn". */
	return ExAllocatePoolWithTag(512, 88, 0x6e736e55);
}
