/* SPDX-License-Identifier: GPL-2.0 */
/* Requests of processes, with the addresses of their buffers. */
#ifndef PORT_IOCTL_H
#define PORT_IOCTL_H

#include <ntddk.h>

/* Of a process's buffer to the device's memory, and back. */
#define IOCTL_PORT_PUT \
	CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_WRITE_ACCESS)
#define IOCTL_PORT_GET \
	CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_NEITHER, FILE_READ_ACCESS)
/* Inverts each ULONG of a process's buffer where it is. */
#define IOCTL_PORT_INVERT \
	CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_NEITHER, FILE_ANY_ACCESS)
/* Maps the device's memory into the process; Information is where. */
#define IOCTL_PORT_MAP \
	CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_NEITHER, FILE_ANY_ACCESS)
#define IOCTL_PORT_UNMAP \
	CTL_CODE(FILE_DEVICE_UNKNOWN, 0x804, METHOD_NEITHER, FILE_ANY_ACCESS)

#define PORT_MEMORY_BYTES	(16 * PAGE_SIZE)

typedef struct _PORT_REQUEST PORT_REQUEST, *PPORT_REQUEST;

/* Called for a request that was pending, at DISPATCH_LEVEL. */
typedef VOID PORT_COMPLETION(_In_ PPORT_REQUEST Request);
typedef PORT_COMPLETION *PPORT_COMPLETION;

/* What the caller has of a request, as Windows' I/O manager has an IRP. */
struct _PORT_REQUEST {
	ULONG IoControlCode;
	PVOID UserBuffer;
	ULONG Length;
	IO_STATUS_BLOCK IoStatus;
	PPORT_COMPLETION Completion;
	/* The driver's. */
	LIST_ENTRY Link;
	PMDL Mdl;
	PVOID SystemAddress;
};

/* Starts the device, which calls PortDpc() at DISPATCH_LEVEL when it has an interrupt. */
typedef VOID PORT_START(VOID);
typedef PORT_START *PPORT_START;

typedef struct _PORT_DEVICE *PPORT_DEVICE;

_IRQL_requires_max_(PASSIVE_LEVEL)
_Must_inspect_result_
NTSTATUS PortCreate(_In_ PPORT_START Start, _Outptr_ PPORT_DEVICE *Result);

_IRQL_requires_max_(PASSIVE_LEVEL)
VOID PortDelete(_In_ _Post_invalid_ PPORT_DEVICE Device);

/*
 * Called in the process whose buffer it is. STATUS_PENDING if the request will be
 * completed later, else it was, without a call.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS PortDeviceControl(_In_ PPORT_DEVICE Device, _Inout_ PPORT_REQUEST Request);

/*
 * A process closes its handle, maybe because it ends. Then its mapping is gone already:
 * Windows closes handles before memory, Linux behind it.
 */
_IRQL_requires_max_(PASSIVE_LEVEL)
VOID PortCleanup(_In_ PPORT_DEVICE Device, _In_ BOOLEAN MemoryIsGone);

_IRQL_requires_(DISPATCH_LEVEL)
VOID PortDpc(_In_ PPORT_DEVICE Device);

/* Locks a buffer of the process, and fails on a path that forgets this. */
_IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS PortForgetToUnlock(_In_ PVOID UserBuffer, _In_ ULONG Length);

#endif /* PORT_IOCTL_H */
