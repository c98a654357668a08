/* SPDX-License-Identifier: GPL-2.0 */
/* A balloon: pages that are lent to the host. */
#ifndef PORT_BALLOON_H
#define PORT_BALLOON_H

#include <ntddk.h>

/*
 * The host takes pages, or gives them back. It reads their numbers from a table that
 * both know. It has them until it says that it gave them back.
 */
typedef BOOLEAN
BALLOON_HOST(
	_In_ PVOID Context,
	_In_reads_(Count) const ULONG *Pfns,
	_In_ ULONG Count,
	_In_ BOOLEAN Inflate
	);
typedef BALLOON_HOST *PBALLOON_HOST;

typedef struct _BALLOON *PBALLOON;

/* No page above HighestAddress is lent. */
_IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_
NTSTATUS
BalloonCreate(
	_In_ PHYSICAL_ADDRESS HighestAddress,
	_In_ PBALLOON_HOST Host,
	_In_opt_ PVOID HostContext,
	_Outptr_ PBALLOON *Result
	);

_IRQL_requires_max_(PASSIVE_LEVEL)
VOID BalloonDelete(_In_ _Post_invalid_ PBALLOON Balloon);

/* The target goes up and down; the balloon has to follow. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS BalloonExercise(_In_ PBALLOON Balloon, _In_ ULONG Rounds);

/* A target that cannot be met: it takes what there is, until memory is low. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS BalloonExerciseShortage(_In_ PBALLOON Balloon, _In_ ULONG TooMany);

/* Takes three pages, and frees their MDL but not them. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS BalloonForgetPages(_In_ PBALLOON Balloon);

#endif /* PORT_BALLOON_H */
