/* SPDX-License-Identifier: GPL-2.0 */
/* The streams of an audio device. */
#ifndef PORT_AUDIO_H
#define PORT_AUDIO_H

#include <ntddk.h>

typedef struct _AUDIO_DEVICE *PAUDIO_DEVICE;
typedef struct _AUDIO_STREAM *PAUDIO_STREAM;

/* A period is done; at DISPATCH_LEVEL. */
typedef VOID AUDIO_NOTIFICATION(_In_ PVOID Context, _In_ ULONG Position);
typedef AUDIO_NOTIFICATION *PAUDIO_NOTIFICATION;

_IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_
NTSTATUS
AudioStartDevice(
	_In_ PDEVICE_OBJECT DeviceObject,
	_In_ PHYSICAL_ADDRESS Registers,
	_In_ ULONG RegistersLength,
	_Outptr_ PAUDIO_DEVICE *Result
	);

_IRQL_requires_max_(PASSIVE_LEVEL)
VOID AudioRemoveDevice(_In_ PAUDIO_DEVICE Device);

_IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_
NTSTATUS
AudioOpenStream(
	_In_ PAUDIO_DEVICE Device,
	_In_ BOOLEAN Capture,
	_In_ ULONG PeriodSize,
	_In_ ULONG Periods,
	_Outptr_ PAUDIO_STREAM *Result
	);

_IRQL_requires_max_(PASSIVE_LEVEL)
VOID AudioCloseStream(_In_ PAUDIO_STREAM Stream);

/* The buffer in the calling process, until the stream is closed. */
_IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_
NTSTATUS AudioMapBuffer(_In_ PAUDIO_STREAM Stream, _Outptr_ PVOID *UserAddress);

_IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_
NTSTATUS
AudioRegisterNotification(
	_In_ PAUDIO_STREAM Stream,
	_In_ PAUDIO_NOTIFICATION Notification,
	_In_opt_ PVOID Context
	);

_IRQL_requires_max_(DISPATCH_LEVEL)
VOID AudioRun(_In_ PAUDIO_STREAM Stream);

/* No period is transferred when it returns. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS AudioStop(_In_ PAUDIO_STREAM Stream);

/* The offset in the buffer up to which it is played, or recorded. */
ULONG AudioGetPosition(_In_ PAUDIO_STREAM Stream);

/* Serves the device if it has interrupted. */
_IRQL_requires_(DISPATCH_LEVEL)
VOID AudioDpcForIsr(_In_ PAUDIO_DEVICE Device);

/* Sleeps for a moment, in which the device may interrupt. Not the driver's. */
_IRQL_requires_max_(PASSIVE_LEVEL)
VOID AudioDelay(_In_ PAUDIO_DEVICE Device);

/* Streams are opened, started, stopped and closed, again and again. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS AudioExercise(_In_ PAUDIO_DEVICE Device, _In_ ULONG Rounds);

/* Opens a stream, and closes it all but for its buffer. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS AudioForgetBuffer(_In_ PAUDIO_DEVICE Device);

#endif /* PORT_AUDIO_H */
