// SPDX-License-Identifier: GPL-2.0
/*
 * What makes the rings of nic.c a module of Linux, and the card, which sends each frame
 * to itself. For some frames QEMU's edu device copies, which takes its time; for the
 * others a processor does, from and to where the device would.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/kthread.h>
#include <linux/module.h>

#include "edu_linux.h"
#include "nic.h"

#define EDU_MEMORY	0x40000
#define EDU_SOURCE	0x80
#define EDU_TARGET	0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_START	1
#define EDU_TO_MEMORY	2

/* Of so many frames, edu copies one. */
#define EDU_FRAME	60

static bool leak;
module_param(leak, bool, 0400);
MODULE_PARM_DESC(leak, "Leave the record of a frame behind");

static struct pci_dev *edu;
static void __iomem *bar;
static PNIC_ADAPTER nic;
static struct task_struct *card;

/* The card's. */
static PNIC_DESCRIPTOR transmit, receive;
static unsigned int sent, received, frames;
static u8 frame[PAGE_SIZE];

static bool edu_copies(u64 bus, u32 at, u32 bytes, bool to_memory)
{
	unsigned long end = jiffies + PORT_EDU_PATIENCE;

	writel(to_memory ? EDU_MEMORY + at : bus, bar + EDU_SOURCE);
	writel(to_memory ? bus : EDU_MEMORY + at, bar + EDU_TARGET);
	writel(bytes, bar + EDU_COUNT);
	writel(EDU_START | (to_memory ? EDU_TO_MEMORY : 0), bar + EDU_COMMAND);
	while (readl(bar + EDU_COMMAND) & EDU_START) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

/* As the device would: a page at a time, wherever it finds it. */
static void cpu_copies(u64 bus, u32 at, u32 bytes, bool to_memory)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&edu->dev);
	u32 here;

	for (; bytes; bus += here, at += here, bytes -= here) {
		void *there = phys_to_virt(domain ? iommu_iova_to_phys(domain, bus) :
						    bus);

		here = min_t(u32, bytes, PAGE_SIZE - offset_in_page(bus));
		if (to_memory)
			memcpy(there, frame + at, here);
		else
			memcpy(frame + at, there, here);
	}
}

static void copy(u64 bus, u32 at, u32 bytes, bool to_memory)
{
	if (frames % EDU_FRAME)
		cpu_copies(bus, at, bytes, to_memory);
	else if (!edu_copies(bus, at, bytes, to_memory))
		pr_err("port_nic: edu hangs\n");
}

static bool owned(NIC_DESCRIPTOR *descriptor)
{
	return smp_load_acquire(&descriptor->Flags) & NIC_DESCRIPTOR_OWN;
}

static void release(NIC_DESCRIPTOR *descriptor, u16 flags)
{
	smp_store_release(&descriptor->Flags, flags);
}

/* One frame, if there is one, and a buffer to receive it. */
static bool card_loops(void)
{
	NIC_DESCRIPTOR *into = &receive[received], *from;
	u32 length = 0;
	bool last;

	if (!owned(into) || !owned(&transmit[sent]))
		return false;
	do {
		from = &transmit[sent];
		last = from->Flags & NIC_DESCRIPTOR_EOP;
		if (WARN_ON_ONCE(!owned(from) ||
				 length + from->Length > sizeof(frame)))
			return false;
		copy(from->Address, length, from->Length, false);
		length += from->Length;
		release(from, 0);
		sent = (sent + 1) % NIC_RING_ENTRIES;
	} while (!last);
	copy(into->Address, 0, length, true);
	into->Length = length;
	release(into, NIC_DESCRIPTOR_EOP);
	received = (received + 1) % NIC_RING_ENTRIES;
	frames++;
	return true;
}

static int card_runs(void *unused)
{
	unsigned int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < 10; i++)
			if (!card_loops())
				break;
		local_bh_disable();
		NicDpcForIsr(nic);
		local_bh_enable();
		usleep_range(500, 1000);
	}
	return 0;
}

NTSTATUS NicWaitUntilIdle(PNIC_ADAPTER Adapter)
{
	unsigned long end = jiffies + PORT_EDU_PATIENCE;

	while (!NicIsIdle(Adapter)) {
		if (time_after(jiffies, end))
			return STATUS_IO_TIMEOUT;
		msleep(20);
	}
	return STATUS_SUCCESS;
}

static NTSTATUS works(void)
{
	NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

	NicGetRings(nic, &transmit, &receive);
	card = kthread_run(card_runs, NULL, "port_nic");
	if (!IS_ERR(card)) {
		status = NicExercise(nic, 500);
		kthread_stop(card);
	}
	if (NT_SUCCESS(status) && leak)
		status = NicForgetRecord(nic);
	return status;
}

static int __init port_nic_init(void)
{
	NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

	edu = port_edu_get();
	if (!edu)
		return -ENODEV;
	bar = pci_iomap(edu, 0, 0);
	if (bar)
		status = NicInitialize(&edu->dev, &nic);
	if (NT_SUCCESS(status)) {
		status = works();
		if (!NT_SUCCESS(status))
			NicHalt(nic);
	}
	if (!NT_SUCCESS(status)) {
		pr_err("port_nic: status %#x after %u frames\n", status, frames);
		if (bar)
			pci_iounmap(edu, bar);
		port_edu_put(edu);
	}
	return rust_pool_status_to_errno(status);
}

static void __exit port_nic_exit(void)
{
	NicHalt(nic);
	pci_iounmap(edu, bar);
	port_edu_put(edu);
}

module_init(port_nic_init);
module_exit(port_nic_exit);

MODULE_DESCRIPTION("rust_pool selftests: the rings of a network card, ported");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
