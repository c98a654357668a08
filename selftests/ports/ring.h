/* SPDX-License-Identifier: GPL-2.0 */
/* A ring of packets between two sides, whose pages are mapped twice. */
#ifndef PORT_RING_H
#define PORT_RING_H

#include <wdm.h>

typedef struct _RING *PRING;

typedef enum _RING_MEMORY {
	RingOfPages,
	RingContiguous,
} RING_MEMORY;

/* Called when the ring is full, or has not been emptied yet. */
typedef VOID RING_WAIT(_In_ PRING Ring);
typedef RING_WAIT *PRING_WAIT;

/* DataPages is a power of two. */
_IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_
NTSTATUS
RingCreate(
	_In_ RING_MEMORY Memory,
	_In_ ULONG DataPages,
	_Outptr_ PRING *Result
	);

_IRQL_requires_max_(PASSIVE_LEVEL)
VOID RingDelete(_In_ _Post_invalid_ PRING Ring);

/*
 * The receiver's interrupt: takes all packets out of the ring. STATUS_DEVICE_BUSY if it
 * has to be tried again.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
NTSTATUS RingReceiveDpc(_In_ PRING Ring);

/* Sends packets of all lengths, and waits until they have arrived as they were. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS
RingExercise(
	_In_ PRING Ring,
	_In_ ULONG Packets,
	_In_ PRING_WAIT Wait
	);

/* Reserves address space for a view that nobody makes. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS RingForgetView(VOID);

#endif /* PORT_RING_H */
