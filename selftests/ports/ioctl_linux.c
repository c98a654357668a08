// SPDX-License-Identifier: GPL-2.0
/*
 * What makes the requests of ioctl.c a module of Linux, for programs that a shell has:
 *
 *   /dev/rp_port_ioctl: write and read are PUT and GET, with the process's buffer. A
 *	process that maps the memory has it open until it ends.
 *   parameter request: "CODE ADDRESS LENGTH" is a request of the process that writes it,
 *	with any address; "status" and "information" are what came of the last one.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "ioctl.h"

static bool leak;
module_param(leak, bool, 0400);
MODULE_PARM_DESC(leak, "Leave a buffer of a process locked");

static uint status;
module_param(status, uint, 0400);

static ulong information;
module_param(information, ulong, 0400);

static const char * const names[] = { "put", "get", "invert", "map", "unmap", "none" };
static const ULONG codes[] = {
	IOCTL_PORT_PUT, IOCTL_PORT_GET, IOCTL_PORT_INVERT, IOCTL_PORT_MAP,
	IOCTL_PORT_UNMAP, 0,
};

static PPORT_DEVICE device;

struct call {
	PORT_REQUEST request;
	struct completion done;
};

static void interrupt(struct work_struct *work)
{
	PortDpc(device);
}

static DECLARE_WORK(interrupts, interrupt);

static VOID start(VOID)
{
	queue_work(system_bh_wq, &interrupts);
}

static VOID completed(PPORT_REQUEST request)
{
	complete(&container_of(request, struct call, request)->done);
}

static IO_STATUS_BLOCK control(ULONG code, ulong address, ULONG length)
{
	struct call call = {
		.request = {
			.IoControlCode = code,
			.UserBuffer = (PVOID)address,
			.Length = length,
			.Completion = completed,
		},
		.done = COMPLETION_INITIALIZER_ONSTACK(call.done),
	};

	if (PortDeviceControl(device, &call.request) == STATUS_PENDING)
		wait_for_completion(&call.done);
	return call.request.IoStatus;
}

static ssize_t transfer(ULONG code, const char __user *buffer, size_t bytes)
{
	IO_STATUS_BLOCK result;

	if (bytes > PORT_MEMORY_BYTES)
		return -EINVAL;
	result = control(code, (ulong)buffer, bytes);
	if (result.Status == STATUS_ACCESS_VIOLATION)
		return -EFAULT;
	return rust_pool_status_to_errno(result.Status) ?: result.Information;
}

static ssize_t port_read(struct file *file, char __user *to, size_t bytes, loff_t *at)
{
	return transfer(IOCTL_PORT_GET, to, bytes);
}

static ssize_t port_write(struct file *file, const char __user *from, size_t bytes,
			  loff_t *at)
{
	return transfer(IOCTL_PORT_PUT, from, bytes);
}

static int port_release(struct inode *inode, struct file *file)
{
	PortCleanup(device, !current->mm);
	return 0;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.release = port_release,
	.read = port_read,
	.write = port_write,
};

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "rp_port_ioctl",
	.fops = &operations,
	.mode = 0600,
};

static int request(const char *value, const struct kernel_param *param)
{
	IO_STATUS_BLOCK result;
	ulong address;
	uint length;
	char name[8];
	int code;

	if (sscanf(value, "%7s %lx %u", name, &address, &length) != 3)
		return -EINVAL;
	code = match_string(names, ARRAYSIZE(names), name);
	if (code < 0)
		return code;
	result = control(codes[code], address, length);
	status = result.Status;
	information = result.Information;
	return 0;
}

static const struct kernel_param_ops request_ops = { .set = request };

module_param_cb(request, &request_ops, NULL, 0200);

/* This is insmod's process. */
static NTSTATUS forget(void)
{
	ulong address = vm_mmap(NULL, 0, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, 0);

	if (IS_ERR_VALUE(address))
		return STATUS_INSUFFICIENT_RESOURCES;
	return PortForgetToUnlock((PVOID)(address + 100), 5000);
}

static int __init port_ioctl_init(void)
{
	NTSTATUS result = PortCreate(start, &device);
	int err;

	if (NT_SUCCESS(result) && leak) {
		result = forget();
		if (!NT_SUCCESS(result))
			PortDelete(device);
	}
	if (!NT_SUCCESS(result))
		return rust_pool_status_to_errno(result);
	err = misc_register(&misc);
	if (err)
		PortDelete(device);
	return err;
}

static void __exit port_ioctl_exit(void)
{
	misc_deregister(&misc);
	/* The last request is completed, but its work may not have returned. */
	cancel_work_sync(&interrupts);
	PortDelete(device);
}

module_init(port_ioctl_init);
module_exit(port_ioctl_exit);

MODULE_DESCRIPTION("rust_pool selftests: requests with buffers of processes, ported");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
