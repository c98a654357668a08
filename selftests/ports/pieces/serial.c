// SPDX-License-Identifier: GPL-2.0
/* In the style of a serial port's driver: a ring of bytes that grows. */
#include <ntddk.h>
#include "pieces.h"

#define SERIAL_BUFFER_TAG	'fubS'

typedef struct _SERIAL_DEVICE_EXTENSION {
	KSPIN_LOCK ControlLock;
	ULONG BufferSize;
	PUCHAR InterruptReadBuffer;
	PUCHAR CurrentCharSlot;
	PUCHAR FirstReadableChar;
	PUCHAR LastCharSlot;
	ULONG CharsInInterruptBuffer;
	ULONG TotalCharsQueued;
	LONG CountOfTryingToCloseWrites;
	LARGE_INTEGER IntervalTime;
	PUCHAR Controller;
	ULONG SpanOfController;
} SERIAL_DEVICE_EXTENSION, *PSERIAL_DEVICE_EXTENSION;

typedef struct _SERIAL_RESIZE_PARAMS {
	PSERIAL_DEVICE_EXTENSION Extension;
	PUCHAR OldBuffer;
	PUCHAR NewBuffer;
	ULONG NewBufferSize;
	ULONG NumberMoved;
} SERIAL_RESIZE_PARAMS, *PSERIAL_RESIZE_PARAMS;

NTSTATUS
SerialCreateBuffer(
	IN PSERIAL_DEVICE_EXTENSION pDevExt,
	IN PHYSICAL_ADDRESS Registers,
	IN ULONG Span
	)
{
	PAGED_CODE();

	switch (MmQuerySystemSize()) {
	case MmLargeSystem:
		pDevExt->BufferSize = 4096;
		pDevExt->InterruptReadBuffer = ExAllocatePoolWithTag(
			NonPagedPool, pDevExt->BufferSize, SERIAL_BUFFER_TAG);
		if (pDevExt->InterruptReadBuffer)
			break;
		__fallthrough;
	case MmMediumSystem:
		pDevExt->BufferSize = 1024;
		pDevExt->InterruptReadBuffer = ExAllocatePoolWithTag(
			NonPagedPool, pDevExt->BufferSize, SERIAL_BUFFER_TAG);
		if (pDevExt->InterruptReadBuffer)
			break;
		__fallthrough;
	case MmSmallSystem:
		pDevExt->BufferSize = 128;
		pDevExt->InterruptReadBuffer = ExAllocatePoolWithTag(
			NonPagedPool, pDevExt->BufferSize, SERIAL_BUFFER_TAG);
	}

	if (!pDevExt->InterruptReadBuffer) {
		pDevExt->BufferSize = 0;
		return STATUS_INSUFFICIENT_RESOURCES;
	}

	pDevExt->CurrentCharSlot = pDevExt->InterruptReadBuffer;
	pDevExt->FirstReadableChar = pDevExt->InterruptReadBuffer;
	pDevExt->LastCharSlot = pDevExt->InterruptReadBuffer + (pDevExt->BufferSize - 1);
	pDevExt->Controller = MmMapIoSpace(Registers, Span, FALSE);
	pDevExt->SpanOfController = Span;
	if (!pDevExt->Controller)
		return STATUS_NONE_MAPPED;
	WRITE_REGISTER_UCHAR(pDevExt->Controller + 3, 0x83);
	return STATUS_SUCCESS;
}

NTSTATUS
SerialResizeBuffer(
	IN PSERIAL_DEVICE_EXTENSION Extension,
	IN ULONG NewBufferSize
	)
{
	SERIAL_RESIZE_PARAMS Params;
	PUCHAR NewBuffer;
	KIRQL ControlIrql;

	if (NewBufferSize <= Extension->BufferSize)
		return STATUS_SUCCESS;

	NewBuffer = ExAllocatePoolWithQuotaTag(
		(POOL_TYPE)(NonPagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE),
		NewBufferSize, SERIAL_BUFFER_TAG);
	if (!NewBuffer)
		return STATUS_INSUFFICIENT_RESOURCES;

	Params.Extension = Extension;
	Params.OldBuffer = Extension->InterruptReadBuffer;
	Params.NewBuffer = NewBuffer;
	Params.NewBufferSize = NewBufferSize;
	KeAcquireSpinLock(&Extension->ControlLock, &ControlIrql);
	SerialUpdateInterruptBuffer(&Params);
	KeReleaseSpinLock(&Extension->ControlLock, ControlIrql);
	ExFreePool(Params.OldBuffer);
	return STATUS_SUCCESS;
}

BOOLEAN
SerialUpdateInterruptBuffer(
	IN PVOID Context
	)
{
	PSERIAL_RESIZE_PARAMS Params = Context;
	PSERIAL_DEVICE_EXTENSION Extension = Params->Extension;
	ULONG FirstPart = (ULONG)(Extension->LastCharSlot - Extension->FirstReadableChar) + 1;

	FirstPart = min(FirstPart, Extension->CharsInInterruptBuffer);
	RtlMoveMemory(Params->NewBuffer, Extension->FirstReadableChar, FirstPart);
	if (FirstPart < Extension->CharsInInterruptBuffer)
		RtlMoveMemory(Params->NewBuffer + FirstPart, Extension->InterruptReadBuffer,
			      Extension->CharsInInterruptBuffer - FirstPart);
	Params->NumberMoved = Extension->CharsInInterruptBuffer;
	Extension->InterruptReadBuffer = Params->NewBuffer;
	Extension->BufferSize = Params->NewBufferSize;
	Extension->FirstReadableChar = Params->NewBuffer;
	Extension->CurrentCharSlot = Params->NewBuffer + Extension->CharsInInterruptBuffer;
	Extension->LastCharSlot = Params->NewBuffer + (Params->NewBufferSize - 1);
	return FALSE;
}

VOID
SerialCleanup(
	IN PSERIAL_DEVICE_EXTENSION Extension
	)
{
	MmUnmapIoSpace(Extension->Controller, Extension->SpanOfController);
	if (Extension->InterruptReadBuffer != NULL)
		ExFreePool(Extension->InterruptReadBuffer);
	RtlZeroMemory(Extension, sizeof(SERIAL_DEVICE_EXTENSION));
}
