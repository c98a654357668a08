// SPDX-License-Identifier: GPL-2.0
/*
 * What may be done with the mapping of an MDL.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "mdl.h"

#define TAG_SPACE	('SRtT')
#define PAGES		4UL

static PMDL pages(struct rpt *t, unsigned long count)
{
	PHYSICAL_ADDRESS none = { }, highest = { .QuadPart = -1 };
	PMDL mdl = MmAllocatePagesForMdl(none, highest, none, count * PAGE_SIZE);

	EXPECT(t, mdl);
	return mdl;
}

static void drop(PMDL mdl)
{
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
}

static bool writable(const char *va)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)va, &level);

	return rpt_cache(va) != RPT_UNMAPPED && pte_val(*pte) & _PAGE_RW;
}

static void expect_all(struct rpt *t, char *va, bool readable, bool writes)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++) {
		char *at = va + i * PAGE_SIZE;

		EXPECT_EQ(t, rpt_cache(at) != RPT_UNMAPPED, readable);
		EXPECT_EQ(t, writable(at), writes);
		EXPECT(t, !rpt_executable(at));
	}
}

struct call {
	PMDL mdl;
	ULONG protection;
	NTSTATUS status;
};

static void do_protect(void *arg)
{
	struct call *call = arg;

	call->status = MmProtectMdlSystemAddress(call->mdl, call->protection);
}

static const struct {
	ULONG protection;
	bool readable, writes;
} rows[] = {
	{ RUST_POOL_PAGE_READWRITE, true, true },
	{ RUST_POOL_PAGE_READONLY, true, false },
	{ RUST_POOL_PAGE_EXECUTE_READWRITE, true, true },
	{ RUST_POOL_PAGE_NOACCESS, false, false },
	{ RUST_POOL_PAGE_EXECUTE_READ, true, false },
	{ RUST_POOL_PAGE_EXECUTE, true, false },
	{ RUST_POOL_PAGE_READWRITE, true, true },
};

static void each(struct rpt *t, PMDL mdl, char *va, enum rpt_context context)
{
	struct call call = { mdl };
	unsigned int i;
	char last = 0;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		call.protection = rows[i].protection;
		rpt_in_context(context, do_protect, &call);
		if (rpt_irql(context) > 2) {
			EXPECT_EQ(t, call.status, STATUS_INVALID_PARAMETER);
			EXPECT_VIOLATION(t, DRIVER_VERIFIER_DETECTED_VIOLATION,
					 0x76);
			continue;
		}
		EXPECT_EQ(t, call.status, STATUS_SUCCESS);
		expect_all(t, va, rows[i].readable, rows[i].writes);
		if (rows[i].writes) {
			last = 'a' + i;
			memset(va, last, PAGES * PAGE_SIZE);
		} else if (rows[i].readable) {
			EXPECT_EQ(t, va[PAGE_SIZE], last);
		}
	}
}

static void protected(struct rpt *t)
{
	PMDL mdl = pages(t, PAGES);
	char *va, *space;

	if (!mdl)
		return;
	EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl, RUST_POOL_PAGE_READONLY),
		  STATUS_NOT_MAPPED_VIEW);
	va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority |
					       MdlMappingNoWrite);
	if (EXPECT(t, va)) {
		expect_all(t, va, true, false);
		each(t, mdl, va, rpt_value(t));
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl, 0),
			  STATUS_INVALID_PAGE_PROTECTION);
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl, 3),
			  STATUS_INVALID_PAGE_PROTECTION);
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl, 0x80),
			  STATUS_INVALID_PAGE_PROTECTION);
		/* It is undone without access as well. */
		MmProtectMdlSystemAddress(mdl, RUST_POOL_PAGE_NOACCESS);
		MmUnmapLockedPages(va, mdl);
	}
	space = MmAllocateMappingAddress(PAGES * PAGE_SIZE, TAG_SPACE);
	va = MmMapLockedPagesWithReservedMapping(space, TAG_SPACE, mdl,
						 MmCached);
	if (EXPECT(t, va)) {
		each(t, mdl, va, rpt_value(t));
		MmUnmapReservedMapping(va, TAG_SPACE, mdl);
	}
	MmFreeMappingAddress(space, TAG_SPACE);
	drop(mdl);
}

/* An MDL that has another's address has none of its pages there. */
static void of_another(struct rpt *t)
{
	PMDL mdl = pages(t, PAGES), other = pages(t, PAGES);
	char *va = NULL;

	if (mdl && other)
		va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority |
						  MdlMappingNoWrite);
	if (EXPECT(t, va)) {
		other->MappedSystemVa = va;
		other->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
		EXPECT_EQ(t, MmProtectMdlSystemAddress(other, RUST_POOL_PAGE_READWRITE),
			  STATUS_NOT_MAPPED_VIEW);
		expect_all(t, va, true, false);
		other->MdlFlags &= ~MDL_MAPPED_TO_SYSTEM_VA;
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl, RUST_POOL_PAGE_NOACCESS),
			  STATUS_SUCCESS);
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl, RUST_POOL_PAGE_READWRITE),
			  STATUS_SUCCESS);
		expect_all(t, va, true, true);
		MmUnmapLockedPages(va, mdl);
	}
	if (mdl)
		drop(mdl);
	if (other)
		drop(other);
}

/* A page of the direct map is nobody's alone to protect. */
static void direct(struct rpt *t)
{
	PMDL mdl = pages(t, 1);
	char *va;

	if (!mdl)
		return;
	va = MmMapLockedPages(mdl, KernelMode);
	if (EXPECT(t, va)) {
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl,
						       RUST_POOL_PAGE_READWRITE),
			  STATUS_SUCCESS);
		EXPECT_EQ(t, MmProtectMdlSystemAddress(mdl,
						       RUST_POOL_PAGE_READONLY),
			  (NTSTATUS)0xC00000BB);
		EXPECT(t, writable(va));
		MmUnmapLockedPages(va, mdl);
	}
	drop(mdl);
}

#define CHANGER	"rpt_protect/"

/* Somebody who changes a mapping without end, on a processor of its own. */
struct changer {
	struct task_struct *task;
	PMDL mdl;
	char *va;
	unsigned long changes;
	unsigned int failed;
};

static int change(void *arg)
{
	static const ULONG protections[] = {
		RUST_POOL_PAGE_READONLY, RUST_POOL_PAGE_READWRITE
	};
	struct changer *it = arg;
	unsigned int i;

	while (!kthread_should_stop()) {
		preempt_disable();
		for (i = 0; i < ARRAY_SIZE(protections); i++)
			it->failed += MmProtectMdlSystemAddress(it->mdl,
								protections[i]) !=
				      STATUS_SUCCESS;
		/* This processor sees it at once. */
		WRITE_ONCE(*it->va, it->changes);
		preempt_enable();
		WRITE_ONCE(it->changes, it->changes + 1);
		cond_resched();
	}
	return 0;
}

/* Calls that a changer made to another processor before the last call had begun there. */
struct calls {
	struct kprobe probe;
	atomic_t all, early;
};

static int call_made(struct kprobe *probe, struct pt_regs *regs)
{
	struct calls *calls = container_of(probe, struct calls, probe);
	call_single_data_t *call = (void *)regs_get_kernel_argument(regs, 1);
	unsigned long to = (unsigned long)call->func;

	/* Interrupts have the kernel's own calls made. */
	if (strncmp(current->comm, CHANGER, strlen(CHANGER)) ||
	    to < MODULES_VADDR || to >= MODULES_END)
		return 0;
	atomic_inc(&calls->all);
	if (READ_ONCE(call->node.u_flags) & CSD_FLAG_LOCK)
		atomic_inc(&calls->early);
	return 0;
}

static bool start(struct rpt *t, struct changer *it, unsigned int cpu)
{
	it->mdl = pages(t, PAGES);
	it->va = it->mdl ?
		 MmGetSystemAddressForMdlSafe(it->mdl, NormalPagePriority |
						       MdlMappingNoWrite) : NULL;
	if (!EXPECT(t, it->va))
		return false;
	it->task = kthread_run_on_cpu(change, it, cpu, CHANGER "%u");
	return EXPECT(t, !IS_ERR(it->task));
}

/* All processors tell all others to forget, at once. */
static void protected_by_all(struct rpt *t)
{
	struct changer *all = kcalloc(nr_cpu_ids, sizeof(*all), GFP_KERNEL), *it;
	unsigned long latest = jiffies + RPT_PATIENCE;
	struct calls calls = {
		.probe.symbol_name = "smp_call_function_single_async",
		.probe.pre_handler = call_made,
	};
	bool watched = IS_ENABLED(CONFIG_KPROBES);
	unsigned int cpu;

	if (!EXPECT(t, all))
		return;
	if (watched)
		watched = EXPECT_EQ(t, register_kprobe(&calls.probe), 0);
	for_each_online_cpu(cpu)
		if (!start(t, &all[cpu], cpu))
			break;
	msleep(2 * MSEC_PER_SEC);
	for (it = all; it < all + nr_cpu_ids; it++) {
		if (!it->va)
			continue;
		while (!IS_ERR_OR_NULL(it->task) && !READ_ONCE(it->changes) &&
		       EXPECT(t, time_before(jiffies, latest)))
			msleep(20);
		if (!IS_ERR_OR_NULL(it->task))
			kthread_stop(it->task);
		EXPECT_EQ(t, it->failed, 0);
		expect_all(t, it->va, true, true);
		MmUnmapLockedPages(it->va, it->mdl);
	}
	if (watched) {
		unregister_kprobe(&calls.probe);
		EXPECT(t, atomic_read(&calls.all) || num_online_cpus() == 1);
		EXPECT_EQ(t, atomic_read(&calls.early), 0);
	}
	for (it = all; it < all + nr_cpu_ids; it++)
		if (it->mdl)
			drop(it->mdl);
	kfree(all);
}

static const struct rpt_case cases[] = {
	{ "protected", protected, rpt_contexts },
	{ "of_another", of_another },
	{ "direct", direct },
	{ "protected_by_all", protected_by_all },
};

const struct rpt_suite mdl_protect_suite = RPT_SUITE("mdl_protect", cases);
