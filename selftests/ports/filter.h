/* SPDX-License-Identifier: GPL-2.0 */
/* The records of a file system's minifilter. */
#ifndef PORT_FILTER_H
#define PORT_FILTER_H

#include <ntifs.h>

NTSTATUS FltRecordsInitialize(VOID);
VOID FltRecordsDelete(VOID);
/* Files are opened, written, renamed and closed. */
NTSTATUS FltRecordsExercise(_In_ ULONG Files);
/* A log entry that nobody takes out. */
NTSTATUS FltRecordsForget(VOID);

#endif /* PORT_FILTER_H */
