// SPDX-License-Identifier: GPL-2.0
/* In the style of a file system: structures from pool and lookaside lists, by node type. */
#include <ntifs.h>
#include "pieces.h"

#define TAG_VCB		'vlov'
#define TAG_FCB		'flov'
#define TAG_BITMAP	'blov'
#define TAG_CCB		'clov'

typedef CSHORT NODE_TYPE_CODE, *PNODE_TYPE_CODE;
typedef CSHORT NODE_BYTE_SIZE;

#define NTC_UNDEFINED	((NODE_TYPE_CODE)0x0000)
#define NTC_VCB		((NODE_TYPE_CODE)0x0901)
#define NTC_FCB		((NODE_TYPE_CODE)0x0902)

#define NodeType(Ptr)	(*((PNODE_TYPE_CODE)(Ptr)))

typedef struct _VCB {
	NODE_TYPE_CODE NodeTypeCode;
	NODE_BYTE_SIZE NodeByteSize;
	ULONG VcbState;
	LIST_ENTRY FcbQueue;
	volatile ULONG OpenFileCount;
	KSPIN_LOCK SpinLock;
	PULONG FreeClusterBitmap;
	LARGE_INTEGER Length;
} VCB, *PVCB;

typedef struct _FCB {
	NODE_TYPE_CODE NodeTypeCode;
	NODE_BYTE_SIZE NodeByteSize;
	LIST_ENTRY VcbLinks;
	PVCB Vcb;
	UNICODE_STRING LongName;
	union {
		UNICODE_STRING ShortName;
		ULONGLONG Key;
	};
} FCB, *PFCB;

#define VCB_STATE_FLAG_LOCKED	(0x00000001)
#define VCB_STATE_FLAG_DIRTY	(0x00000002)

static NPAGED_LOOKASIDE_LIST FcbLookasideList;
static PAGED_LOOKASIDE_LIST CcbLookasideList;
static USHORT MaxDepth;

LARGE_INTEGER VolumeLargeZero = { 0, 0 };
LARGE_INTEGER VolumeMaxLarge = { MAXULONG, MAXLONG };

#ifdef ALLOC_PRAGMA
#pragma alloc_text(INIT, VolumeInitialize)
#pragma alloc_text(PAGE, VolumeCreateVcb)
#endif

_IRQL_requires_max_(PASSIVE_LEVEL)
VOID
VolumeInitialize(
	VOID
	)
{
	PAGED_CODE();

	switch (MmQuerySystemSize()) {
	case MmSmallSystem:
		MaxDepth = 4;
		break;
	case MmMediumSystem:
		MaxDepth = 8;
		break;
	case MmLargeSystem:
	default:
		MaxDepth = MmIsThisAnNtAsSystem() ? 64 : 16;
	}

	ExInitializeNPagedLookasideList(&FcbLookasideList, NULL, NULL, POOL_NX_ALLOCATION |
					POOL_RAISE_IF_ALLOCATION_FAILURE, sizeof(FCB), TAG_FCB,
					MaxDepth);
	ExInitializePagedLookasideList(&CcbLookasideList, NULL, NULL,
				       POOL_RAISE_IF_ALLOCATION_FAILURE, 128, TAG_CCB, MaxDepth);
}

_Ret_maybenull_
PVCB
VolumeCreateVcb(
	__in ULONG ClusterCount,
	__in_opt PLARGE_INTEGER Length
	)
{
	PVCB Vcb;
	ULONG BitmapSize = ((ClusterCount + 31) / 32) * sizeof(ULONG);

	PAGED_CODE();

	Vcb = FsRtlAllocatePoolWithTag(NonPagedPoolNx, sizeof(VCB), TAG_VCB);
	if (Vcb == NULL)
		return NULL;
	RtlZeroMemory(Vcb, sizeof(VCB));
	Vcb->NodeTypeCode = NTC_VCB;
	Vcb->NodeByteSize = sizeof(VCB);
	InitializeListHead(&Vcb->FcbQueue);
	KeInitializeSpinLock(&Vcb->SpinLock);
	Vcb->Length = ARGUMENT_PRESENT(Length) ? *Length : VolumeLargeZero;
	Vcb->FreeClusterBitmap = ExAllocatePoolWithQuotaTag(
		PagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE, BitmapSize, TAG_BITMAP);
	if (Vcb->FreeClusterBitmap == NULL) {
		ExFreePoolWithTag(Vcb, TAG_VCB);
		return NULL;
	}
	RtlFillMemory(Vcb->FreeClusterBitmap, BitmapSize, 0xff);
	SetFlag(Vcb->VcbState, VCB_STATE_FLAG_DIRTY);
	return Vcb;
}

PFCB
VolumeCreateFcb(
	IN PVCB Vcb,
	IN PUNICODE_STRING LongName OPTIONAL
	)
{
	PFCB Fcb = ExAllocateFromNPagedLookasideList(&FcbLookasideList);
	KIRQL SavedIrql;

	if (Fcb == NULL)
		return NULL;
	RtlZeroMemory(Fcb, sizeof(FCB));
	Fcb->NodeTypeCode = NTC_FCB;
	Fcb->NodeByteSize = sizeof(FCB);
	Fcb->Vcb = Vcb;
	if (ARGUMENT_PRESENT(LongName) && LongName->Length != 0) {
		Fcb->LongName.MaximumLength = LongName->Length;
		Fcb->LongName.Buffer = FsRtlAllocatePoolWithTag(PagedPool, LongName->Length,
								TAG_FCB);
		if (Fcb->LongName.Buffer == NULL) {
			ExFreeToNPagedLookasideList(&FcbLookasideList, Fcb);
			return NULL;
		}
		RtlCopyUnicodeString(&Fcb->LongName, LongName);
	}
	KeAcquireSpinLock(&Vcb->SpinLock, &SavedIrql);
	InsertTailList(&Vcb->FcbQueue, &Fcb->VcbLinks);
	KeReleaseSpinLock(&Vcb->SpinLock, SavedIrql);
	InterlockedIncrement((LONG *)&Vcb->OpenFileCount);
	return Fcb;
}

VOID
VolumeDelete(
	_Inout_ PVOID Structure
	)
{
	PLIST_ENTRY Links;
	PFCB Fcb;
	PVCB Vcb;

	switch (NodeType(Structure)) {
	case NTC_VCB:
		Vcb = (PVCB)Structure;
		while (!IsListEmpty(&Vcb->FcbQueue)) {
			Links = RemoveHeadList(&Vcb->FcbQueue);
			Fcb = CONTAINING_RECORD(Links, FCB, VcbLinks);
			InitializeListHead(&Fcb->VcbLinks);
			VolumeDelete(Fcb);
		}
		ExFreePool(Vcb->FreeClusterBitmap);
		Vcb->NodeTypeCode = NTC_UNDEFINED;
		ExFreePoolWithTag(Vcb, TAG_VCB);
		break;
	case NTC_FCB:
		Fcb = (PFCB)Structure;
		RemoveEntryList(&Fcb->VcbLinks);
		if (Fcb->LongName.Buffer != NULL)
			ExFreePool(Fcb->LongName.Buffer);
		ExFreeToNPagedLookasideList(&FcbLookasideList, Fcb);
		break;
	default:
		NT_ASSERT(FALSE);
		NOTHING;
	}
}

VOID
VolumeUninitialize(
	VOID
	)
{
	ExDeleteNPagedLookasideList(&FcbLookasideList);
	ExDeletePagedLookasideList(&CcbLookasideList);
}
