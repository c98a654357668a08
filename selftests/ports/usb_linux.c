// SPDX-License-Identifier: GPL-2.0
/* What makes the schedule of usb.c a module of Linux. */
#include <linux/module.h>

#include "usb.h"

static bool leak;
module_param(leak, bool, 0400);
MODULE_PARM_DESC(leak, "Leave an endpoint behind");

static PSCHEDULE usb;

static int __init port_usb_init(void)
{
	NTSTATUS status = UsbCreateSchedule(&usb);

	if (!NT_SUCCESS(status))
		return rust_pool_status_to_errno(status);
	status = UsbExercise(usb, 500);
	if (NT_SUCCESS(status) && leak)
		status = UsbForgetEndpoint(usb);
	if (!NT_SUCCESS(status))
		UsbDeleteSchedule(usb);
	return rust_pool_status_to_errno(status);
}

static void __exit port_usb_exit(void)
{
	UsbDeleteSchedule(usb);
}

module_init(port_usb_init);
module_exit(port_usb_exit);

MODULE_DESCRIPTION("rust_pool selftests: the schedule of a USB host controller, ported");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
