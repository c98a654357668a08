// SPDX-License-Identifier: GPL-2.0
/* What makes the rings of ring.c a module of Linux. */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>

#include "ring.h"

static bool leak;
module_param(leak, bool, 0400);
MODULE_PARM_DESC(leak, "Leave address space behind");

#define PACKETS	2000

static PRING ring;

/* Whoever sends receives as well, when there is no room. */
static VOID receive(PRING of)
{
	RingReceiveDpc(of);
	cond_resched();
}

static VOID wait(PRING of)
{
	usleep_range(50, 500);
}

static int receiver(void *of)
{
	while (!kthread_should_stop()) {
		RingReceiveDpc(of);
		usleep_range(50, 500);
	}
	return 0;
}

/* The receiver is another thread. */
static NTSTATUS by_two(void)
{
	struct task_struct *thread = kthread_run(receiver, ring, "rp_port_ring");
	NTSTATUS status;

	if (IS_ERR(thread))
		return STATUS_INSUFFICIENT_RESOURCES;
	status = RingExercise(ring, PACKETS, wait);
	kthread_stop(thread);
	return status;
}

static NTSTATUS work(RING_MEMORY memory, ULONG pages)
{
	NTSTATUS status = RingCreate(memory, pages, &ring);

	if (!NT_SUCCESS(status))
		return status;
	status = RingExercise(ring, PACKETS, receive);
	if (NT_SUCCESS(status))
		status = by_two();
	RingDelete(ring);
	return status;
}

static int __init port_ring_init(void)
{
	static const ULONG pages[] = { 1, 2, 16 };
	NTSTATUS status = STATUS_SUCCESS;
	unsigned int i;

	for (i = 0; i < ARRAYSIZE(pages); i++) {
		status = work(RingOfPages, pages[i]);
		if (NT_SUCCESS(status))
			status = work(RingContiguous, pages[i]);
		if (!NT_SUCCESS(status))
			return rust_pool_status_to_errno(status);
	}
	if (leak)
		status = RingForgetView();
	return rust_pool_status_to_errno(status);
}

static void __exit port_ring_exit(void)
{
}

module_init(port_ring_init);
module_exit(port_ring_exit);

MODULE_DESCRIPTION("rust_pool selftests: a ring between two sides, ported");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
