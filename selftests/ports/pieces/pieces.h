/* SPDX-License-Identifier: GPL-2.0 */
/* What each piece has for the rest of its driver. */
#ifndef _PIECES_H
#define _PIECES_H

typedef struct _VCB *PVCB;
typedef struct _FCB *PFCB;
typedef struct _CACHE CACHE, *PCACHE;
typedef struct _VIRTQUEUE *PVIRTQUEUE;
typedef struct _ADAPTER_EXTENSION *PADAPTER_EXTENSION;
typedef struct _SERIAL_DEVICE_EXTENSION *PSERIAL_DEVICE_EXTENSION;
typedef struct _ADDRESS_TABLE *PADDRESS_TABLE;
struct _RING_HEADER;

VOID VolumeInitialize(VOID);
PVCB VolumeCreateVcb(__in ULONG ClusterCount, __in_opt PLARGE_INTEGER Length);
PFCB VolumeCreateFcb(IN PVCB Vcb, IN PUNICODE_STRING LongName OPTIONAL);
VOID VolumeDelete(_Inout_ PVOID Structure);
VOID VolumeUninitialize(VOID);

NTSTATUS SerialCreateBuffer(IN PSERIAL_DEVICE_EXTENSION pDevExt, IN PHYSICAL_ADDRESS Registers,
			    IN ULONG Span);
BOOLEAN SerialUpdateInterruptBuffer(IN PVOID Context);
NTSTATUS SerialResizeBuffer(IN PSERIAL_DEVICE_EXTENSION Extension, IN ULONG NewBufferSize);
VOID SerialCleanup(IN PSERIAL_DEVICE_EXTENSION Extension);

NTSTATUS CacheCreate(IN ULONG Size, OUT PCACHE *Cache);
PVOID CacheGet(IN PCACHE Cache);
VOID CacheDestroy(IN PCACHE Cache);
VOID PagesFree(IN PMDL Mdl OPTIONAL);

NTSTATUS VirtQueueCreate(_In_ UINT Num, _In_ volatile ULONG *Notify, _Out_ PVIRTQUEUE *Queue);
BOOLEAN VirtQueueAdd(_Inout_ PVIRTQUEUE vq, _In_ PMDL Mdl, _In_opt_ PVOID Context);
VOID VirtQueueDelete(_In_ PVIRTQUEUE vq);

NTSTATUS AdapterInitialize(_Out_ PADAPTER_EXTENSION Adapter, _In_ PDEVICE_OBJECT DeviceObject);
NTSTATUS AdapterStart(_Inout_ PADAPTER_EXTENSION Adapter, _In_ PMDL Mdl);
VOID AdapterComplete(_Inout_ PADAPTER_EXTENSION Adapter);
VOID AdapterStop(_Inout_ PADAPTER_EXTENSION Adapter);

PADDRESS_TABLE TablePublish(_In_opt_ PADDRESS_TABLE Table);
BOOLEAN TableReplace(_In_ PADDRESS_TABLE Old, _In_opt_ PADDRESS_TABLE New);
VOID CountersAdd(_In_ ULONG Bytes);
NTSTATUS CountersSize(_In_ SIZE_T Count, _Out_ SIZE_T *Bytes, _Out_ UINT64 *Words);
VOID CountersReset(VOID);
BOOLEAN CountersCheck(_In_ ULONG Bytes);
UINT32 RingProduce(_Inout_ struct _RING_HEADER *Ring, _In_ UINT32 Count);
#ifndef _KERNEL_MODE
#error "not for programs"
#endif
NTSTATUS __stdcall FirstEntry(_In_ PVOID Context);
unsigned short __fastcall FirstDepth(union _SLIST_HEADER *Head);

#endif /* _PIECES_H */
