/* SPDX-License-Identifier: GPL-2.0 */
/* A storage miniport. */
#ifndef PORT_STORAGE_H
#define PORT_STORAGE_H

#include <ntddk.h>

typedef struct _STOR_EXTENSION *PSTOR_EXTENSION;

_IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_
NTSTATUS
StorStartDevice(
	_In_ PDEVICE_OBJECT DeviceObject,
	_In_ PHYSICAL_ADDRESS Registers,
	_In_ ULONG RegistersLength,
	_Outptr_ PSTOR_EXTENSION *Result
	);

_IRQL_requires_max_(PASSIVE_LEVEL)
VOID StorRemoveDevice(_In_ PSTOR_EXTENSION Extension);

/* Serves the device if it has interrupted. */
_IRQL_requires_(DISPATCH_LEVEL)
VOID StorDpcForIsr(_In_ PSTOR_EXTENSION Extension);

BOOLEAN StorHasOutstanding(_In_ PSTOR_EXTENSION Extension);

/* Lets the device interrupt until no request is outstanding. Not the driver's. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS StorWaitForRequests(_In_ PSTOR_EXTENSION Extension);

/* Blocks are written and read back, round after round. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS StorExercise(_In_ PSTOR_EXTENSION Extension, _In_ ULONG Rounds);

/* A request is aborted, and its scatter/gather list never put. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS StorForgetList(_In_ PSTOR_EXTENSION Extension);

#endif /* PORT_STORAGE_H */
