/* SPDX-License-Identifier: GPL-2.0 */
/* The rings of a network card. */
#ifndef PORT_NIC_H
#define PORT_NIC_H

#include <ntddk.h>

#define NIC_RING_ENTRIES	64

#define NIC_DESCRIPTOR_OWN	0x8000	/* the card's */
#define NIC_DESCRIPTOR_EOP	0x0001	/* the last one of a frame */

/* What the card reads, and writes back without NIC_DESCRIPTOR_OWN. */
typedef struct _NIC_DESCRIPTOR {
	ULONGLONG Address;
	USHORT Length;
	USHORT Flags;
	ULONG Reserved;
} NIC_DESCRIPTOR, *PNIC_DESCRIPTOR;

typedef struct _NIC_ADAPTER *PNIC_ADAPTER;

_IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_
NTSTATUS NicInitialize(_In_ PDEVICE_OBJECT DeviceObject, _Outptr_ PNIC_ADAPTER *Result);

_IRQL_requires_max_(PASSIVE_LEVEL)
VOID NicHalt(_In_ PNIC_ADAPTER Adapter);

/* Takes back what the card has sent, and takes what it has received. */
_IRQL_requires_(DISPATCH_LEVEL)
VOID NicDpcForIsr(_In_ PNIC_ADAPTER Adapter);

/* The rings as the card has them, which is told where they are. */
VOID
NicGetRings(
	_In_ PNIC_ADAPTER Adapter,
	_Outptr_ PNIC_DESCRIPTOR *Transmit,
	_Outptr_ PNIC_DESCRIPTOR *Receive
	);

/* Whether all frames that were sent have come back. */
BOOLEAN NicIsIdle(_In_ PNIC_ADAPTER Adapter);

/* Waits until they have. Not the driver's. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS NicWaitUntilIdle(_In_ PNIC_ADAPTER Adapter);

/* Frames are sent, come back in the same order, and are looked at. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS NicExercise(_In_ PNIC_ADAPTER Adapter, _In_ ULONG Frames);

/* A frame that is too long is refused, and its record not freed. */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTSTATUS NicForgetRecord(_In_ PNIC_ADAPTER Adapter);

#endif /* PORT_NIC_H */
