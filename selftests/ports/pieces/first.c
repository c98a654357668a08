// SPDX-License-Identifier: GPL-2.0
/* In the style of what is built for programs, too: it asks before it includes anything. */
#ifndef _KERNEL_MODE
#error "This file is for the kernel."
#endif

union _SLIST_HEADER;
typedef unsigned short (__fastcall *FIRST_DEPTH)(union _SLIST_HEADER *Head);

static int __cdecl FirstCompare(const void *Left, const void *Right);
typedef void (__fastcall *FIRST_CALLBACK)(void *Context);

__pragma(warning(push))
#include <ntddk.h>
__pragma(warning(pop))
#include "pieces.h"

static int __cdecl
FirstCompare(const void *Left, const void *Right)
{
	ULONG __unaligned *One = (ULONG __unaligned *)Left;

	return *One == *(const UNALIGNED ULONG *)Right;
}

NTSTATUS __stdcall
FirstEntry(_In_ PVOID Context)
{
	FIRST_CALLBACK Callback = NULL;

	__noop("%p", Context);
	if (Callback)
		Callback(Context);
	return FirstCompare(Context, Context) ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

unsigned short __fastcall
FirstDepth(union _SLIST_HEADER *Head)
{
	KeMemoryBarrierWithoutFence();
	_ReadWriteBarrier();
	return COMPUTE_PAGES_SPANNED(Head, sizeof(*Head)) > MAXUINT8 ? MAXUINT16 :
	       ExQueryDepthSList(Head);
}
