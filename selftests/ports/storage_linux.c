// SPDX-License-Identifier: GPL-2.0
/* What makes the miniport of storage.c a module of Linux. */
#include <linux/module.h>

#include "edu_linux.h"
#include "storage.h"

static bool leak;
module_param(leak, bool, 0400);
MODULE_PARM_DESC(leak, "Leave a scatter/gather list behind");

static struct pci_dev *edu;
static PSTOR_EXTENSION storage;

static bool waits(void *driver)
{
	return StorHasOutstanding(driver);
}

static void dpc(void *driver)
{
	StorDpcForIsr(driver);
}

NTSTATUS StorWaitForRequests(PSTOR_EXTENSION Extension)
{
	return port_edu_wait(waits, dpc, Extension) ? STATUS_SUCCESS :
						      STATUS_IO_TIMEOUT;
}

static int __init port_storage_init(void)
{
	PHYSICAL_ADDRESS registers;
	NTSTATUS status;

	edu = port_edu_get();
	if (!edu)
		return -ENODEV;
	registers.QuadPart = pci_resource_start(edu, 0);
	status = StorStartDevice(&edu->dev, registers, pci_resource_len(edu, 0),
				 &storage);
	if (NT_SUCCESS(status)) {
		status = StorExercise(storage, 3);
		if (NT_SUCCESS(status) && leak)
			status = StorForgetList(storage);
		if (!NT_SUCCESS(status))
			StorRemoveDevice(storage);
	}
	if (!NT_SUCCESS(status)) {
		pr_err("port_storage: status %#x\n", status);
		port_edu_put(edu);
	}
	return rust_pool_status_to_errno(status);
}

static void __exit port_storage_exit(void)
{
	StorRemoveDevice(storage);
	port_edu_put(edu);
}

module_init(port_storage_init);
module_exit(port_storage_exit);

MODULE_DESCRIPTION("rust_pool selftests: a storage miniport, ported");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
