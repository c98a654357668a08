// SPDX-License-Identifier: GPL-2.0
/* What makes the records of filter.c a module of Linux. */
#include <linux/bottom_half.h>
#include <linux/module.h>

#include "filter.h"

static bool leak;
module_param(leak, bool, 0400);
MODULE_PARM_DESC(leak, "Leave a log record behind");

static bool high;
module_param(high, bool, 0400);
MODULE_PARM_DESC(high, "Call paged code at DISPATCH_LEVEL");

static int __init port_filter_init(void)
{
	NTSTATUS status;

	if (high)
		local_bh_disable();
	status = FltRecordsInitialize();
	if (high)
		local_bh_enable();
	if (NT_SUCCESS(status))
		status = FltRecordsExercise(300);
	if (NT_SUCCESS(status) && leak)
		status = FltRecordsForget();
	if (!NT_SUCCESS(status))
		FltRecordsDelete();
	return rust_pool_status_to_errno(status);
}

static void __exit port_filter_exit(void)
{
	FltRecordsDelete();
}

module_init(port_filter_init);
module_exit(port_filter_exit);

MODULE_DESCRIPTION("rust_pool selftests: the records of a minifilter, ported");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
