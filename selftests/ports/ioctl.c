// SPDX-License-Identifier: GPL-2.0
/*
 * A Windows driver: requests with METHOD_NEITHER, which come with addresses as the
 * process passed them. The pages behind an address are locked while the process is the
 * current one, and the work is done later, at DISPATCH_LEVEL, by the system's address of
 * these pages. The device's memory can be mapped into one process at a time as well.
 *
 * Windows raises an exception for an address that is not the process's. Where the
 * driver has __try and __except there, this one looks at the status.
 */
#include "ioctl.h"

#define PORT_TAG_DEVICE		'veDP'
#define PORT_TAG_MEMORY		'meMP'

typedef struct _PORT_DEVICE {
	PPORT_START Start;
	KSPIN_LOCK Lock;
	LIST_ENTRY Pending;
	/* Whole pages, as processes see them. */
	PUCHAR Memory;
	PMDL MemoryMdl;
	/* Where it is mapped, and in which process. */
	PVOID UserAddress;
	PEPROCESS Process;
} PORT_DEVICE;

_Use_decl_annotations_
VOID PortDelete(PPORT_DEVICE Device)
{
	PAGED_CODE();

	NT_ASSERT(IsListEmpty(&Device->Pending));
	if (Device->MemoryMdl != NULL)
		IoFreeMdl(Device->MemoryMdl);
	if (Device->Memory != NULL)
		ExFreePoolWithTag(Device->Memory, PORT_TAG_MEMORY);
	ExFreePoolWithTag(Device, PORT_TAG_DEVICE);
}

_Use_decl_annotations_
NTSTATUS PortCreate(PPORT_START Start, PPORT_DEVICE *Result)
{
	PPORT_DEVICE Device;

	PAGED_CODE();

	*Result = NULL;
	Device = (PPORT_DEVICE)ExAllocatePool2(POOL_FLAG_NON_PAGED,
					       sizeof(PORT_DEVICE),
					       PORT_TAG_DEVICE);
	if (Device == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Device->Start = Start;
	KeInitializeSpinLock(&Device->Lock);
	InitializeListHead(&Device->Pending);
	Device->Memory = (PUCHAR)ExAllocatePool2(POOL_FLAG_NON_PAGED,
						 PORT_MEMORY_BYTES,
						 PORT_TAG_MEMORY);
	if (Device->Memory != NULL)
		Device->MemoryMdl = IoAllocateMdl(Device->Memory,
						  PORT_MEMORY_BYTES, FALSE,
						  FALSE, NULL);
	if (Device->MemoryMdl == NULL) {
		PortDelete(Device);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	MmBuildMdlForNonPagedPool(Device->MemoryMdl);
	*Result = Device;
	return STATUS_SUCCESS;
}

/* Locks the pages of a process's buffer, and gives them an address for all contexts. */
_IRQL_requires_max_(APC_LEVEL)
static NTSTATUS
PortLockBuffer(
	_Inout_ PPORT_REQUEST Request,
	_In_ LOCK_OPERATION Operation
	)
{
	NTSTATUS Status;
	PMDL Mdl;

	PAGED_CODE();

	if (Request->Length == 0 || Request->Length > PORT_MEMORY_BYTES)
		return STATUS_INVALID_BUFFER_SIZE;
	if (Operation == IoModifyAccess) {
		/* Units of four bytes. On Windows it raises this. */
		Status = ProbeForWrite(Request->UserBuffer, Request->Length,
				       sizeof(ULONG));
		if (!NT_SUCCESS(Status))
			return Status;
	}
	Mdl = IoAllocateMdl(Request->UserBuffer, Request->Length, FALSE, TRUE, NULL);
	if (Mdl == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	/*
	 * __try { MmProbeAndLockPages(Mdl, UserMode, Operation); }
	 * __except (EXCEPTION_EXECUTE_HANDLER) { Status = GetExceptionCode(); }
	 */
	Status = MmProbeAndLockPages(Mdl, UserMode, Operation);
	if (!NT_SUCCESS(Status)) {
		IoFreeMdl(Mdl);
		return Status;
	}
	NT_ASSERT(Mdl->Process == PsGetCurrentProcess());
	NT_ASSERT(BooleanFlagOn(Mdl->MdlFlags, MDL_WRITE_OPERATION) ==
		  (Operation != IoReadAccess));

	/* At DISPATCH_LEVEL it could fail. */
	Request->SystemAddress =
		MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority |
					     MdlMappingNoExecute);
	if (Request->SystemAddress == NULL) {
		MmUnlockPages(Mdl);
		IoFreeMdl(Mdl);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	Request->Mdl = Mdl;
	return STATUS_SUCCESS;
}

static NTSTATUS
PortQueue(
	_In_ PPORT_DEVICE Device,
	_Inout_ PPORT_REQUEST Request,
	_In_ LOCK_OPERATION Operation
	)
{
	NTSTATUS Status = PortLockBuffer(Request, Operation);

	if (!NT_SUCCESS(Status))
		return Status;
	ExInterlockedInsertTailList(&Device->Pending, &Request->Link, &Device->Lock);
	Device->Start();
	return STATUS_PENDING;
}

static VOID PortInvert(_Inout_updates_bytes_(Length) PULONG Units, _In_ ULONG Length)
{
	ULONG Index;

	for (Index = 0; Index < Length / sizeof(ULONG); Index++)
		Units[Index] = ~Units[Index];
}

/* Any process may be the current one now. */
_Use_decl_annotations_
VOID PortDpc(PPORT_DEVICE Device)
{
	PLIST_ENTRY Entry;

	while ((Entry = ExInterlockedRemoveHeadList(&Device->Pending,
						    &Device->Lock)) != NULL) {
		PPORT_REQUEST Request = CONTAINING_RECORD(Entry, PORT_REQUEST, Link);
		ULONG Length = MmGetMdlByteCount(Request->Mdl);

		NT_ASSERT(KeGetCurrentIrql() == DISPATCH_LEVEL);
		NT_ASSERT(BYTE_OFFSET(Request->SystemAddress) ==
			  MmGetMdlByteOffset(Request->Mdl));
		KeAcquireSpinLockAtDpcLevel(&Device->Lock);
		switch (Request->IoControlCode) {
		case IOCTL_PORT_PUT:
			RtlCopyMemory(Device->Memory, Request->SystemAddress, Length);
			break;
		case IOCTL_PORT_GET:
			RtlCopyMemory(Request->SystemAddress, Device->Memory, Length);
			break;
		case IOCTL_PORT_INVERT:
			PortInvert((PULONG)Request->SystemAddress, Length);
			break;
		default:
			NT_ASSERTMSG("a request that is not queued", FALSE);
		}
		KeReleaseSpinLockFromDpcLevel(&Device->Lock);

		/* This unmaps them, too. */
		MmUnlockPages(Request->Mdl);
		IoFreeMdl(Request->Mdl);
		Request->Mdl = NULL;
		Request->IoStatus.Status = STATUS_SUCCESS;
		Request->IoStatus.Information = Length;
		Request->Completion(Request);
	}
}

static NTSTATUS PortMap(_Inout_ PPORT_DEVICE Device, _Inout_ PPORT_REQUEST Request)
{
	PVOID Address;

	PAGED_CODE();

	if (Device->UserAddress != NULL)
		return STATUS_DEVICE_BUSY;
	/* On Windows it raises an exception if there is no room. */
	Address = MmMapLockedPagesSpecifyCache(Device->MemoryMdl, UserMode, MmCached,
					       NULL, FALSE, NormalPagePriority |
					       MdlMappingNoExecute);
	if (Address == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	Device->UserAddress = Address;
	Device->Process = PsGetCurrentProcess();
	Request->IoStatus.Information = (ULONG_PTR)Address;
	return STATUS_SUCCESS;
}

static NTSTATUS PortUnmap(_Inout_ PPORT_DEVICE Device)
{
	PAGED_CODE();

	/* At that address another process has something else. */
	if (Device->UserAddress == NULL || Device->Process != PsGetCurrentProcess())
		return STATUS_INVALID_DEVICE_STATE;
	PortCleanup(Device, FALSE);
	return STATUS_SUCCESS;
}

_Use_decl_annotations_
VOID PortCleanup(PPORT_DEVICE Device, BOOLEAN MemoryIsGone)
{
	PAGED_CODE();

	if (Device->UserAddress == NULL || Device->Process != PsGetCurrentProcess())
		return;
	if (!MemoryIsGone)
		MmUnmapLockedPages(Device->UserAddress, Device->MemoryMdl);
	Device->UserAddress = NULL;
	Device->Process = NULL;
}

_Use_decl_annotations_
NTSTATUS PortDeviceControl(PPORT_DEVICE Device, PPORT_REQUEST Request)
{
	NTSTATUS Status;

	PAGED_CODE();

	Request->IoStatus.Information = 0;
	switch (Request->IoControlCode) {
	case IOCTL_PORT_PUT:
		Status = PortQueue(Device, Request, IoReadAccess);
		break;
	case IOCTL_PORT_GET:
		Status = PortQueue(Device, Request, IoWriteAccess);
		break;
	case IOCTL_PORT_INVERT:
		Status = PortQueue(Device, Request, IoModifyAccess);
		break;
	case IOCTL_PORT_MAP:
		Status = PortMap(Device, Request);
		break;
	case IOCTL_PORT_UNMAP:
		Status = PortUnmap(Device);
		break;
	default:
		Status = STATUS_INVALID_DEVICE_REQUEST;
	}
	/* A request that is pending may be completed by now, and gone. */
	if (Status != STATUS_PENDING)
		Request->IoStatus.Status = Status;
	return Status;
}

_Use_decl_annotations_
NTSTATUS PortForgetToUnlock(PVOID UserBuffer, ULONG Length)
{
	PORT_REQUEST Request = { 0 };

	PAGED_CODE();

	Request.UserBuffer = UserBuffer;
	Request.Length = Length;
	return PortLockBuffer(&Request, IoReadAccess);
}
