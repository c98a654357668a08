/* SPDX-License-Identifier: GPL-2.0 */
/* The schedule of a USB host controller. */
#ifndef PORT_USB_H
#define PORT_USB_H

#include <ntddk.h>

typedef struct _SCHEDULE *PSCHEDULE;

_IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_
NTSTATUS UsbCreateSchedule(_Outptr_ PSCHEDULE *Result);

_IRQL_requires_max_(PASSIVE_LEVEL)
VOID UsbDeleteSchedule(_In_ PSCHEDULE Schedule);

/* Endpoints and transfers, round after round; each has to come back. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS UsbExercise(_In_ PSCHEDULE Schedule, _In_ ULONG Rounds);

/* Opens an endpoint that nobody closes. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTSTATUS UsbForgetEndpoint(_In_ PSCHEDULE Schedule);

#endif /* PORT_USB_H */
