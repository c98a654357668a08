// SPDX-License-Identifier: GPL-2.0
/* In the style of the virtio drivers: a ring that the device reads, in contiguous memory. */
#include <ntddk.h>
#include "pieces.h"

#define VIRTIO_TAG	'oitV'
#define VRING_DESC_F_NEXT	1
#define VRING_DESC_F_WRITE	2
#define VRING_ALIGN	4096

#pragma pack(push)
#pragma pack(1)
struct vring_desc {
	ULONGLONG addr;
	ULONG len;
	USHORT flags;
	USHORT next;
};

struct vring_avail {
	USHORT flags;
	USHORT idx;
	USHORT ring[ANYSIZE_ARRAY];
};

struct vring_used_elem {
	ULONG id;
	ULONG len;
};
#pragma pack(pop)

typedef struct __declspec(align(16)) _VIRTQUEUE {
	UINT Num;
	volatile struct vring_desc *Desc;
	volatile struct vring_avail *Avail;
	volatile struct vring_used_elem *Used;
	PVOID Base;
	SIZE_T Bytes;
	PHYSICAL_ADDRESS Physical;
	USHORT FreeHead;
	USHORT NumFree;
	volatile ULONG *Notify;
	PVOID Context[ANYSIZE_ARRAY];
} VIRTQUEUE, *PVIRTQUEUE;

C_ASSERT(sizeof(struct vring_desc) == 16);
C_ASSERT(FIELD_OFFSET(struct vring_avail, ring) == 4);

static __inline SIZE_T vring_size(_In_ UINT num)
{
	SIZE_T size = num * sizeof(struct vring_desc) + sizeof(USHORT) * (3 + num);

	size = (size + VRING_ALIGN - 1) & ~((SIZE_T)VRING_ALIGN - 1);
	return size + sizeof(USHORT) * 3 + sizeof(struct vring_used_elem) * num;
}

_Must_inspect_result_
_IRQL_requires_max_(DISPATCH_LEVEL)
NTSTATUS
VirtQueueCreate(_In_range_(1, 1024) UINT Num,
		_In_ volatile ULONG *Notify,
		_Outptr_result_nullonfailure_ PVIRTQUEUE *Queue)
{
	PHYSICAL_ADDRESS HighestAcceptable = { 0 }, Lowest = { 0 }, Boundary = { 0 };
	PVIRTQUEUE vq;
	USHORT i;

	*Queue = NULL;
	vq = (PVIRTQUEUE)ExAllocatePool2(POOL_FLAG_NON_PAGED,
					 FIELD_OFFSET(VIRTQUEUE, Context[Num]), VIRTIO_TAG);
	if (vq == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;

	HighestAcceptable.QuadPart = 0xFFFFFFFFFF;
	vq->Bytes = ROUND_TO_PAGES(vring_size(Num));
	vq->Base = MmAllocateContiguousMemorySpecifyCache(vq->Bytes, Lowest, HighestAcceptable,
							  Boundary, MmCached);
	if (!vq->Base) {
		ExFreePoolWithTag(vq, VIRTIO_TAG);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	RtlZeroMemory(vq->Base, vq->Bytes);
	vq->Physical = MmGetPhysicalAddress(vq->Base);
	vq->Num = Num;
	vq->NumFree = (USHORT)Num;
	vq->Desc = (volatile struct vring_desc *)vq->Base;
	vq->Avail = (volatile struct vring_avail *)((PUCHAR)vq->Base +
						    Num * sizeof(struct vring_desc));
	vq->Notify = Notify;
	for (i = 0; i < Num - 1; i++) {
		vq->Desc[i].flags = VRING_DESC_F_NEXT;
		vq->Desc[i].next = i + 1;
	}
	*Queue = vq;
	return STATUS_SUCCESS;
}

_Success_(return)
BOOLEAN
VirtQueueAdd(_Inout_ PVIRTQUEUE vq, _In_ PMDL Mdl, _In_opt_ PVOID Context)
{
	PPFN_NUMBER Pfn = MmGetMdlPfnArray(Mdl);
	ULONG Pages, Page, Rest = MmGetMdlByteCount(Mdl), Offset = MmGetMdlByteOffset(Mdl);
	USHORT head = vq->FreeHead, i = head;

	Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(Mdl), Rest);
	if (vq->NumFree < Pages)
		return FALSE;
	for (Page = 0; Page < Pages; Page++) {
		ULONG len = min(Rest, (ULONG)PAGE_SIZE - Offset);

		vq->Desc[i].addr = ((ULONGLONG)Pfn[Page] << PAGE_SHIFT) + Offset;
		vq->Desc[i].len = len;
		vq->Desc[i].flags |= VRING_DESC_F_WRITE;
		Rest -= len;
		Offset = 0;
		i = vq->Desc[i].next;
	}
	vq->Context[head] = Context;
	vq->FreeHead = i;
	vq->NumFree -= (USHORT)Pages;
	vq->Avail->ring[vq->Avail->idx % vq->Num] = head;
	KeMemoryBarrier();
	vq->Avail->idx++;
	KeMemoryBarrier();
	WRITE_REGISTER_ULONG((PULONG)vq->Notify, head);
	return TRUE;
}

VOID
VirtQueueDelete(_In_ _Post_invalid_ PVIRTQUEUE vq)
{
	MmFreeContiguousMemorySpecifyCache(vq->Base, vq->Bytes, MmCached);
	ExFreePoolWithTag(vq, VIRTIO_TAG);
}
