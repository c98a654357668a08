// SPDX-License-Identifier: GPL-2.0
/*
 * Areas of vmalloc space in which pages are mapped and unmapped, in any context but
 * NMI: those of special pool, with unmapped pages between them, and those that a
 * driver reserves for the pages of MDLs. A notifier learns when the kernel oopses on
 * an unmapped page.
 */

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kdebug.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>
#include <asm/fred.h>
#include <asm/invpcid.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <asm/trap_pf.h>

#include "../core.h"
#include "protection.h"

/* Write the page-table entry of an address in an area. */
static void set_entry(void *address, pte_t entry)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)address, &level);

	if (!WARN_ON_ONCE(!pte || level != PG_LEVEL_4K))
		set_pte(pte, entry);
}

/* Flush this CPU's TLB, including global entries and those of other processes. */
static void flush_all_here(void)
{
#ifdef CONFIG_PARAVIRT
	__flush_tlb_global();
#else
	unsigned long flags, cr4;

	if (boot_cpu_has(X86_FEATURE_INVPCID)) {
		invpcid_flush_all();
		return;
	}
	/* Changing the bit for global pages, either way, flushes everything. */
	local_irq_save(flags);
	cr4 = native_read_cr4();
	asm volatile("mov %0, %%cr4" : : "r" (cr4 ^ X86_CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r" (cr4) : "memory");
	local_irq_restore(flags);
#endif
}

/*
 * Flush one page from this CPU's TLB. With page-table isolation kernel entries are
 * not global: the TLB may have one for each process, so everything is flushed.
 */
static void flush_here(void *address)
{
	if (boot_cpu_has(X86_FEATURE_PTI)) {
		flush_all_here();
		return;
	}
#ifdef CONFIG_PARAVIRT
	__flush_tlb_one_user((unsigned long)address);
#else
	asm volatile("invlpg (%0)" : : "r" (address) : "memory");
#endif
}

/* For more than this it is cheaper to flush everything. */
#define MANY	(32 * PAGE_SIZE)

struct addresses {
	void *start;
	void *end;
};

static void flush_range(void *arg)
{
	const struct addresses *range = arg;
	void *at;

	if (range->end - range->start > MANY) {
		flush_all_here();
		return;
	}
	for (at = range->start; at < range->end; at += PAGE_SIZE)
		flush_here(at);
}

/* Flush a range of addresses on all CPUs. Sleeps. */
void rust_pool_guard_flush(void *start, void *end)
{
	struct addresses range = { start, end };

	on_each_cpu(flush_range, &range, true);
}

/*
 * Make an area of @count pages, none of them mapped; NULL without memory. vmap() of
 * @any everywhere makes the page tables, and is undone before this returns. Sleeps.
 */
void *rust_pool_guard_area(struct page *any, unsigned int count)
{
	struct page **pages;
	unsigned int i;
	void *base;

	pages = kvmalloc_array(count, sizeof(*pages),
			       GFP_KERNEL | __GFP_NOWARN);
	if (!pages)
		return NULL;
	for (i = 0; i < count; i++)
		pages[i] = any;
	base = vmap(pages, count, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	if (!base)
		return NULL;
	for (i = 0; i < count; i++)
		set_entry(base + i * PAGE_SIZE, __pte(0));
	rust_pool_guard_flush(base, base + count * PAGE_SIZE);
	return base;
}

/* Map a page. TLBs have no entries for unmapped pages, so nothing is flushed. */
void rust_pool_guard_show(void *address, struct page *page)
{
	set_entry(address, mk_pte(page, PAGE_KERNEL));
}

/*
 * Unmap a page. Other CPUs may have it in their TLBs until they flush it, at the latest when
 * rust_pool_guard_flush() makes them.
 */
void rust_pool_guard_hide(void *address)
{
	/* Most likely this CPU used the page last, so flush it here at once. */
	preempt_disable();
	set_entry(address, __pte(0));
	flush_here(address);
	preempt_enable();
}

static void flush_everything(void *unused)
{
	flush_all_here();
}

static void flush_asked(void *unused);

/*
 * A CPU that is to flush its TLB: the call that makes it, and whether somebody asked for that. The
 * first who asks makes the call; nobody else may until it has begun.
 */
static DEFINE_PER_CPU(call_single_data_t, protect_call) =
	CSD_INIT(flush_asked, NULL);
static DEFINE_PER_CPU(atomic_t, protect_asked);

/* Whoever asks from here on asks anew. What others wrote before they asked is flushed. */
static void flush_asked(void *unused)
{
	/* Orders the flush behind it, as it orders what was written before the others' ones. */
	atomic_xchg(this_cpu_ptr(&protect_asked), 0);
	flush_all_here();
}

/* Have another CPU flush its TLB, without waiting for it. Preemption is disabled. */
static void ask_to_flush(unsigned int cpu)
{
	atomic_t *asked = per_cpu_ptr(&protect_asked, cpu);

	/* Somebody else's call has not begun, and will flush this too. */
	if (atomic_xchg(asked, 1))
		return;
	if (smp_call_function_single_async(cpu, per_cpu_ptr(&protect_call, cpu)))
		atomic_set(asked, 0);
}

/*
 * Flush a range of addresses from this CPU's TLB. The other CPUs are told to flush theirs, but this
 * does not wait until they have. Any context but NMI.
 */
static void flush_soon(struct addresses *range)
{
	unsigned int cpu, here = get_cpu();

	flush_range(range);
	for_each_online_cpu(cpu)
		if (cpu != here)
			ask_to_flush(cpu);
	put_cpu();
}

/*
 * Unmap pages in vmalloc space, where each has an entry of its own, and leave the address space for
 * rust_pool_vunmap(). Other CPUs may have them in their TLBs for a moment. Any context but NMI.
 */
void rust_pool_hide(void *base, size_t count)
{
	struct addresses range = { base, base + count * PAGE_SIZE };
	size_t i;

	for (i = 0; i < count; i++)
		set_entry(base + i * PAGE_SIZE, __pte(0));
	flush_soon(&range);
}

/*
 * Change what may be done with pages that are mapped in vmalloc space: 0 nothing, 1 read, 2 read
 * and write. If @sleep is false, the other CPUs are told to flush their TLBs, but this does not
 * wait until they have. Returns false, and changes nothing, if others than @frames are mapped.
 */
bool rust_pool_protect(void *base, const PFN_NUMBER *frames, size_t count, u32 access,
		       MEMORY_CACHING_TYPE type, bool sleep)
{
	struct addresses range = { base, base + count * PAGE_SIZE };
	pgprot_t protection = access ? rust_pool_protection(type, access == 2) :
				       PAGE_NONE;
	unsigned int level;
	size_t i;

	for (i = 0; i < count; i++) {
		pte_t *pte = lookup_address((unsigned long)base + i * PAGE_SIZE, &level);

		if (!pte || pte_pfn(*pte) != frames[i])
			return false;
	}
	for (i = 0; i < count; i++)
		set_entry(base + i * PAGE_SIZE, pfn_pte(frames[i], protection));
	if (sleep)
		on_each_cpu(flush_range, &range, true);
	else
		flush_soon(&range);
	return true;
}

/*
 * An area that a driver reserved. Only one CPU at a time maps or unmaps pages there, and nothing is
 * mapped before all CPUs have flushed what was unmapped. So each CPU's call is done when it is to
 * be made again.
 */
struct rust_pool_reserved {
	void *base;
	unsigned int count;
	/* How many CPUs have yet to flush what was unmapped from their TLBs. */
	atomic_t pending;
	call_single_data_t __percpu *calls;
};

static void forget(void *arg)
{
	struct rust_pool_reserved *area = arg;
	struct addresses range = {
		area->base, area->base + area->count * PAGE_SIZE
	};

	flush_range(&range);
	atomic_dec_return_release(&area->pending);
}

/* Reserve @count pages of address space, in which nothing is mapped. Sleeps. */
struct rust_pool_reserved *rust_pool_reserve(unsigned int count, void **base)
{
	struct rust_pool_reserved *area;
	struct page *any = NULL;
	unsigned int cpu;

	area = kzalloc_obj(*area, RUST_POOL_GFP_KERNEL);
	if (!area)
		return NULL;
	area->count = count;
	area->calls = alloc_percpu_gfp(call_single_data_t, RUST_POOL_GFP_KERNEL);
	if (area->calls)
		any = alloc_page(RUST_POOL_GFP_KERNEL);
	if (any) {
		for_each_possible_cpu(cpu)
			INIT_CSD(per_cpu_ptr(area->calls, cpu), forget, area);
		area->base = rust_pool_guard_area(any, count);
		__free_page(any);
	}
	if (!area->base) {
		free_percpu(area->calls);
		kfree(area);
		return NULL;
	}
	*base = area->base;
	return area;
}

/*
 * Whether all CPUs have flushed what was unmapped from their TLBs. Waits for a tenth of a second at
 * most: a CPU that takes longer has interrupts disabled, or its host does not run it. Any context
 * but NMI.
 */
bool rust_pool_reserved_settles(struct rust_pool_reserved *area)
{
	u64 end = ktime_get_mono_fast_ns() + NSEC_PER_SEC / 10;

	while (atomic_read_acquire(&area->pending)) {
		if (ktime_get_mono_fast_ns() > end)
			return false;
		cpu_relax();
	}
	return true;
}

/* Map frames at the start of the area; false if a CPU may still see what was there. */
bool rust_pool_reserved_show(struct rust_pool_reserved *area,
			     const PFN_NUMBER *frames, size_t count,
			     MEMORY_CACHING_TYPE type, bool write)
{
	pgprot_t protection = rust_pool_protection(type, write);
	size_t i;

	if (atomic_read_acquire(&area->pending))
		return false;
	for (i = 0; i < count; i++)
		set_entry(area->base + i * PAGE_SIZE,
			  pfn_pte(frames[i], protection));
	return true;
}

/*
 * Unmap the first @count pages of the area, which are mapped. This CPU flushes its TLB at once. The
 * others are told to flush theirs, but this does not wait until they have: they may be waiting for
 * a lock that the caller holds.
 */
void rust_pool_reserved_hide(struct rust_pool_reserved *area, size_t count)
{
	struct addresses range = {
		area->base, area->base + count * PAGE_SIZE
	};
	unsigned int cpu, here;
	size_t i;

	for (i = 0; i < count; i++)
		set_entry(area->base + i * PAGE_SIZE, __pte(0));
	here = get_cpu();
	flush_range(&range);
	for_each_online_cpu(cpu) {
		if (cpu == here)
			continue;
		atomic_inc(&area->pending);
		if (smp_call_function_single_async(cpu, per_cpu_ptr(area->calls,
								    cpu)))
			atomic_dec(&area->pending);
	}
	put_cpu();
}

/* Wait until all CPUs have flushed what was unmapped. Sleeps. */
void rust_pool_reserved_settle(struct rust_pool_reserved *area)
{
	while (atomic_read_acquire(&area->pending))
		usleep_range(10, 50);
}

/* Give the area back. Sleeps. */
void rust_pool_unreserve(struct rust_pool_reserved *area)
{
	rust_pool_reserved_settle(area);
	vunmap(area->base);
	free_percpu(area->calls);
	kfree(area);
}

/*
 * The address of the page fault that led to an oops. For an instruction fetch it is
 * the instruction's, as CR2 may have changed since: to print the oops, the kernel
 * reads the code around the instruction, which faults again.
 */
static unsigned long fault_address(const struct die_args *args)
{
	if (args->err & X86_PF_INSTR)
		return args->regs->ip;
	if (cpu_feature_enabled(X86_FEATURE_FRED))
		return fred_event_data(args->regs);
	return native_read_cr2();
}

static int die_event(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct die_args *args = data;

	/* Only an oops on a page that is not mapped. */
	if (event == DIE_OOPS && args->regs && !strcmp(args->str, "Oops") &&
	    !(args->err & X86_PF_PROT))
		rust_pool_guard_fault(fault_address(args),
				      args->err & X86_PF_WRITE,
				      args->regs->ip);
	return NOTIFY_DONE;
}

static struct notifier_block die_watcher = { .notifier_call = die_event };

int rust_pool_guard_watch(void)
{
	return register_die_notifier(&die_watcher);
}

void rust_pool_guard_unwatch(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		while (atomic_read_acquire(per_cpu_ptr(&protect_asked, cpu)))
			usleep_range(10, 50);
	/* All calls have begun. When these are done, so are those. */
	on_each_cpu(flush_everything, NULL, true);
	unregister_die_notifier(&die_watcher);
}
