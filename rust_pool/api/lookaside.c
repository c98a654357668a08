// SPDX-License-Identifier: GPL-2.0
/*
 * The C API of lookaside lists as exported functions, as in wdm.c.
 */

/* The header declares the WDK's names, and does not define them. */
#define RUST_POOL_EXPORTS

#include <linux/export.h>
#include <linux/instruction_pointer.h>
#include <rust_pool/wdm.h>

#include "../sys/core.h"

#define CALLER	(rust_pool_caller_of(_RET_IP_).ip)

/* Inlined, so that the return address is that of the exported function. */
static __always_inline void initialise(PGENERAL_LOOKASIDE list,
				       PALLOCATE_FUNCTION allocate,
				       PFREE_FUNCTION free, POOL_TYPE type,
				       SIZE_T size, ULONG tag)
{
	struct rust_pool_caller caller = rust_pool_caller_of(_RET_IP_);
	struct rust_pool_lookaside_spec spec = {
		.allocate = allocate,
		.free = free,
		.size = size,
		.type = type,
		.tag = tag,
	};

	rust_pool_lookaside_make(list, &spec, caller.ip, caller.module);
}

VOID ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside,
				     PALLOCATE_FUNCTION Allocate,
				     PFREE_FUNCTION Free, ULONG Flags,
				     SIZE_T Size, ULONG Tag, USHORT Depth)
{
	initialise((PGENERAL_LOOKASIDE)Lookaside, Allocate, Free,
		   NonPagedPool | Flags, Size, Tag);
}
EXPORT_SYMBOL_GPL(ExInitializeNPagedLookasideList);

PVOID ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
	return rust_pool_lookaside_allocate((PGENERAL_LOOKASIDE)Lookaside,
					    CALLER);
}
EXPORT_SYMBOL_GPL(ExAllocateFromNPagedLookasideList);

VOID ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
	rust_pool_lookaside_free((PGENERAL_LOOKASIDE)Lookaside, Entry, CALLER);
}
EXPORT_SYMBOL_GPL(ExFreeToNPagedLookasideList);

VOID ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
	rust_pool_lookaside_delete((PGENERAL_LOOKASIDE)Lookaside, CALLER);
}
EXPORT_SYMBOL_GPL(ExDeleteNPagedLookasideList);

VOID ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside,
				    PALLOCATE_FUNCTION Allocate,
				    PFREE_FUNCTION Free, ULONG Flags,
				    SIZE_T Size, ULONG Tag, USHORT Depth)
{
	initialise((PGENERAL_LOOKASIDE)Lookaside, Allocate, Free,
		   PagedPool | Flags, Size, Tag);
}
EXPORT_SYMBOL_GPL(ExInitializePagedLookasideList);

PVOID ExAllocateFromPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
	return rust_pool_lookaside_allocate((PGENERAL_LOOKASIDE)Lookaside,
					    CALLER);
}
EXPORT_SYMBOL_GPL(ExAllocateFromPagedLookasideList);

VOID ExFreeToPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
	rust_pool_lookaside_free((PGENERAL_LOOKASIDE)Lookaside, Entry, CALLER);
}
EXPORT_SYMBOL_GPL(ExFreeToPagedLookasideList);

VOID ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
	rust_pool_lookaside_delete((PGENERAL_LOOKASIDE)Lookaside, CALLER);
}
EXPORT_SYMBOL_GPL(ExDeletePagedLookasideList);

NTSTATUS ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside,
				     PALLOCATE_FUNCTION_EX Allocate,
				     PFREE_FUNCTION_EX Free, POOL_TYPE PoolType,
				     ULONG Flags, SIZE_T Size, ULONG Tag,
				     USHORT Depth)
{
	struct rust_pool_caller caller = rust_pool_caller_of(_RET_IP_);
	struct rust_pool_lookaside_spec spec = {
		.allocate = Allocate,
		.free = Free,
		.size = Size,
		.type = PoolType,
		.tag = Tag,
		.extended = true,
	};

	return rust_pool_lookaside_make_extended((PGENERAL_LOOKASIDE)Lookaside,
						 &spec, Flags, caller.ip,
						 caller.module);
}
EXPORT_SYMBOL_GPL(ExInitializeLookasideListEx);

PVOID ExAllocateFromLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
	return rust_pool_lookaside_allocate((PGENERAL_LOOKASIDE)Lookaside,
					    CALLER);
}
EXPORT_SYMBOL_GPL(ExAllocateFromLookasideListEx);

VOID ExFreeToLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PVOID Entry)
{
	rust_pool_lookaside_free((PGENERAL_LOOKASIDE)Lookaside, Entry, CALLER);
}
EXPORT_SYMBOL_GPL(ExFreeToLookasideListEx);

VOID ExFlushLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
	rust_pool_lookaside_flush((PGENERAL_LOOKASIDE)Lookaside, CALLER);
}
EXPORT_SYMBOL_GPL(ExFlushLookasideListEx);

VOID ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
	rust_pool_lookaside_delete((PGENERAL_LOOKASIDE)Lookaside, CALLER);
}
EXPORT_SYMBOL_GPL(ExDeleteLookasideListEx);
