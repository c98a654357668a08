// SPDX-License-Identifier: GPL-2.0
/*
 * Functions for what Rust cannot call by a declaration: the kernel's inline
 * functions and macros, the module notifier and the static key. Most only call one
 * of these. The rules here are those that need them: where vmalloc may be used, how
 * slub_debug is detected, and which page frames alloc_contig_range() may be asked for.
 */

#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <linux/jump_label.h>
#include <linux/kallsyms.h>
#include <linux/kasan.h>
#include <linux/kfence.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "core.h"

u32 rust_pool_irql(void)
{
	return rust_pool_current_irql();
}

bool rust_pool_in_hardirq(void)
{
	return in_hardirq();
}

static_assert(RUST_POOL_SYMBOL_LEN >= KSYM_SYMBOL_LEN);
static_assert(RUST_POOL_MODULE_NAME_LEN >= MODULE_NAME_LEN);
/* context.rs has room for as much. */
static_assert(TASK_COMM_LEN == 16);

/* What keeps this context from sleeping, in words; the strongest reason of several. */
const char *rust_pool_context(void)
{
	if (in_nmi())
		return "NMI";
	if (in_hardirq())
		return "hard interrupt";
	if (irqs_disabled())
		return "interrupts disabled";
	if (in_serving_softirq())
		return "softirq";
	if (softirq_count())
		return "softirqs disabled";
	if (preempt_count())
		return "preemption disabled";
	if (rcu_preempt_depth())
		return "RCU read-side section";
	return "task that may sleep";
}

/*
 * Whether this context works for a process. A softirq and a hard interrupt have that which
 * they interrupted, and a thread of the kernel has none.
 */
bool rust_pool_has_process(void)
{
	return in_task() && !(current->flags & PF_KTHREAD);
}

/*
 * Whether vmalloc's spinlocks may be taken. They are taken with interrupts and
 * softirqs enabled, so an interrupt or a softirq that took them could deadlock
 * with the task that it interrupted.
 */
bool rust_pool_may_vmalloc(void)
{
	return !in_interrupt() && !irqs_disabled();
}

bool rust_pool_is_memory(phys_addr_t phys)
{
	return pfn_valid(PHYS_PFN(phys));
}

/*
 * A cache for objects of @size bytes, aligned to 16. Hardened user copies accept
 * their bytes from @useroffset on.
 */
struct kmem_cache *rust_pool_cache_create(const char *name, unsigned int size,
					  unsigned int useroffset)
{
	return kmem_cache_create_usercopy(name, size, 16, 0, useroffset,
					  size - useroffset, NULL);
}

/*
 * The bulk functions of slab may not be called with interrupts disabled. There,
 * these two take and give back the objects one by one.
 */
size_t rust_pool_cache_allocate_many(struct kmem_cache *cache, gfp_t gfp,
				     size_t count, void **objects)
{
	size_t i;

	if (!irqs_disabled())
		return kmem_cache_alloc_bulk(cache, gfp, count, objects) ?
		       count : 0;
	for (i = 0; i < count; i++) {
		objects[i] = kmem_cache_alloc(cache, gfp);
		if (!objects[i])
			break;
	}
	return i;
}

void rust_pool_cache_free_many(struct kmem_cache *cache, size_t count,
			       void **objects)
{
	size_t i;

	if (!irqs_disabled()) {
		kmem_cache_free_bulk(cache, count, objects);
		return;
	}
	for (i = 0; i < count; i++)
		kmem_cache_free(cache, objects[i]);
}

/*
 * Whether KASAN or slub_debug watches the objects of caches with this name, or a
 * negative error without memory to find out. A module cannot ask for slub_debug,
 * but ksize() shows it: without it, an object of 24 bytes that is aligned to 64 may
 * be used to its 64th byte; slub_debug keeps what is behind the 24 for itself.
 */
int rust_pool_caches_are_checked(const char *name)
{
	unsigned int left = RUST_POOL_KFENCE_IN_A_ROW;
	struct kmem_cache *cache;
	int checked = -ENOMEM;
	void *object;

	if (kasan_enabled())
		return 1;
	/* If this cache were merged, its name would stay in sysfs for ever. */
	cache = kmem_cache_create(name, 24, 64, SLAB_NO_MERGE, NULL);
	if (!cache)
		return -ENOMEM;
	/* An object may be from KFENCE, which shows no such room either. */
	do {
		object = kmem_cache_alloc(cache, GFP_KERNEL);
		if (!object)
			break;
		if (!is_kfence_address(object) || !left)
			checked = ksize(object) != 64;
		kmem_cache_free(cache, object);
	} while (checked < 0 && left--);
	kmem_cache_destroy(cache);
	return checked;
}

bool rust_pool_is_slab(const void *addr)
{
	return folio_test_slab(virt_to_folio(addr));
}

/* Whether @addr, which may be any address, lies in memory that KFENCE watches. */
bool rust_pool_is_kfence(const void *addr)
{
	return is_kfence_address(addr);
}

/*
 * The cache whose slab contains @addr, which may be any address, or NULL. Modules
 * have no declaration of struct slab, and the page may cease to be a slab at any
 * time. So the result may be anything: compare it with known caches, and never
 * dereference it.
 */
struct kmem_cache *rust_pool_slab_around(unsigned long addr,
					 unsigned long *start)
{
	struct folio *folio;
	struct page *page;

	if (!virt_addr_valid((void *)addr))
		return NULL;
	page = pfn_to_online_page(PHYS_PFN(__pa(addr)));
	if (!page)
		return NULL;
	folio = page_folio(page);
	if (!folio_test_slab(folio))
		return NULL;
	*start = (unsigned long)folio_address(folio);
	return (struct kmem_cache *)READ_ONCE(folio->page.lru.next);
}

bool rust_pool_inits_on_alloc(void)
{
	return want_init_on_alloc(0);
}

bool rust_pool_inits_on_free(void)
{
	return want_init_on_free();
}

/* arch/nofault.rs relies on these. The first two belong to the page's owner. */
static_assert(offsetof(struct page, __folio_index) == 32);
static_assert(offsetof(struct page, private) == 40);
static_assert(offsetof(struct page, flags) == 0);
static_assert(offsetof(struct page, _refcount) == 52);

struct page *rust_pool_page_of(const void *addr)
{
	return virt_to_page(addr);
}

void *rust_pool_page_address(struct page *page)
{
	return page_address(page);
}

/*
 * A compound page: its pages share one reference count, so whoever takes a
 * reference to one of them keeps them all allocated.
 */
void *rust_pool_page_block(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp | __GFP_COMP, order);

	if (!page)
		return NULL;
	/*
	 * The page may be from the emergency reserves. Clear the mark, as the
	 * network stack drops packets in marked pages, and this page may serve
	 * clients long after the emergency.
	 */
	clear_page_pfmemalloc(page);
	return page_address(page);
}

void *rust_pool_percpu_address(unsigned long cookie, unsigned int cpu)
{
	return per_cpu_ptr((void __percpu *)cookie, cpu);
}

/* Add up @n u64 of the per-CPU memory @counters over all CPUs. */
void rust_pool_counters_sum(unsigned long counters, u64 *sum, unsigned int n)
{
	const u64 __percpu *base = (const u64 __percpu *)counters;
	unsigned int cpu, i;

	for_each_possible_cpu(cpu) {
		const u64 *c = per_cpu_ptr(base, cpu);

		for (i = 0; i < n; i++)
			sum[i] += READ_ONCE(c[i]);
	}
}

unsigned int rust_pool_possible_cpus(void)
{
	return num_possible_cpus();
}

void *rust_pool_vmalloc(size_t size, gfp_t gfp)
{
	return __vmalloc(size, gfp);
}

unsigned long rust_pool_total_pages(void)
{
	return totalram_pages();
}

/* One past the highest page frame of the direct map. */
unsigned long rust_pool_max_pfn(void)
{
	return PHYS_PFN(__pa((unsigned long)high_memory - 1)) + 1;
}

void rust_pool_vunmap(const void *addr)
{
	vunmap(addr);
}

static bool zone_has_pageblock(struct zone *zone, unsigned long pfn)
{
	unsigned long first = pageblock_start_pfn(pfn);
	unsigned long last = pageblock_end_pfn(pfn) - 1;

	return zone_spans_pfn(zone, first) && zone_spans_pfn(zone, last) &&
	       pfn_to_online_page(first) && pfn_to_online_page(last);
}

/*
 * Allocate exactly these page frames, and migrate what is in them. They have to be
 * of the node, if it is not NUMA_NO_NODE. Sleeps.
 *
 * alloc_contig_range() is expensive, so frames that can never be allocated are
 * looked for first: then -ENXIO is returned, with the highest such frame in
 * @obstacle. -EBUSY or -ENOMEM if alloc_contig_range() failed.
 */
int rust_pool_contig_try(unsigned long pfn, unsigned long count, int node,
			 void **base, unsigned long *obstacle)
{
	struct zone *zone = NULL;
	unsigned long i;
	int err;

	for (i = pfn + count; i-- > pfn;) {
		struct page *page = pfn_to_online_page(i);

		*obstacle = i;
		if (!page || PageReserved(page) || PageSlab(page))
			return -ENXIO;
		if (node != NUMA_NO_NODE && page_to_nid(page) != node)
			return -ENXIO;
		if (!zone)
			zone = page_zone(page);
		if (page_zone(page) != zone || zone_idx(zone) == ZONE_MOVABLE)
			return -ENXIO;
	}
	/* The kernel isolates whole pageblocks, which must lie in the zone. */
	*obstacle = pfn;
	if (!zone_has_pageblock(zone, pfn) ||
	    !zone_has_pageblock(zone, pfn + count - 1))
		return -ENXIO;
	err = alloc_contig_range(pfn, pfn + count, ACR_FLAGS_NONE,
				 RUST_POOL_GFP_KERNEL);
	if (!err)
		*base = page_address(pfn_to_page(pfn));
	return err;
}

/* Close a directory of debugfs to all but root, as its files are. */
void rust_pool_make_private(struct dentry *dir)
{
	if (!IS_ERR_OR_NULL(dir))
		d_inode(dir)->i_mode &= ~0077;
}

bool rust_pool_within_module(unsigned long addr, struct module *mod)
{
	return within_module(addr, mod);
}

bool rust_pool_within_init(unsigned long addr, struct module *mod)
{
	return within_module_init(addr, mod);
}

/* An address that lies in the module as long as it is loaded. */
unsigned long rust_pool_module_address(struct module *mod)
{
	return (unsigned long)mod->mem[MOD_TEXT].base;
}

const char *rust_pool_module_name(struct module *mod)
{
	return module_name(mod);
}

static int module_event(struct notifier_block *nb, unsigned long event,
			void *mod)
{
	switch (event) {
	case MODULE_STATE_COMING:
		rust_pool_code_changed();
		/* On -ENOMEM the kernel does not load the module. */
		return notifier_from_errno(rust_pool_client_coming(mod));
	case MODULE_STATE_LIVE:
		rust_pool_module_live(mod);
		/* Its init code is freed next. */
		rust_pool_code_changed();
		break;
	case MODULE_STATE_GOING:
		rust_pool_module_going(mod);
		rust_pool_client_gone(mod);
		rust_pool_code_changed();
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_watcher = { .notifier_call = module_event };

int rust_pool_watch_modules(void)
{
	return register_module_notifier(&module_watcher);
}

void rust_pool_unwatch_modules(void)
{
	unregister_module_notifier(&module_watcher);
}

/* The verifier's static key. */
struct rust_pool_switch rust_pool_verifier_switch = {
	.key = STATIC_KEY_FALSE_INIT,
};

/*
 * Switch the verifier's static key, and with it the one that is on while somebody
 * watches each block. Calls must not overlap.
 */
void rust_pool_verifier_enable(bool on)
{
	if (on == static_key_enabled(&rust_pool_verifier_switch.key))
		return;
	if (on) {
		static_branch_enable(&rust_pool_verifier_switch.key);
		static_branch_inc(&rust_pool_watch_switch.key);
	} else {
		static_branch_dec(&rust_pool_watch_switch.key);
		static_branch_disable(&rust_pool_verifier_switch.key);
	}
}

/* The PID of the current task, and its name; 0 in an interrupt. */
u32 rust_pool_current_task(char *name)
{
	if (!in_task())
		return 0;
	strscpy(name, current->comm, TASK_COMM_LEN);
	return task_pid_nr(current);
}

/*
 * At most ten violations in five seconds go to the log. The flag keeps the kernel
 * from logging how many callbacks of this function it suppressed: report.rs says in
 * words how many violations were left out.
 */
static struct ratelimit_state log_limit =
	RATELIMIT_STATE_INIT_FLAGS(log_limit, 5 * HZ, 10,
				   RATELIMIT_MSG_ON_RELEASE);

bool rust_pool_may_log(void)
{
	return __ratelimit(&log_limit);
}

/*
 * Likewise, messages on memory that is lost. How many were suppressed is not logged, as
 * debugfs has the sums.
 */
bool rust_pool_may_log_loss(void)
{
	static struct ratelimit_state limit =
		RATELIMIT_STATE_INIT_FLAGS(limit, 5 * HZ, 10,
					   RATELIMIT_MSG_ON_RELEASE);

	return __ratelimit(&limit);
}

/* How many violations were left out since the last call. */
u32 rust_pool_left_out(void)
{
	return ratelimit_state_reset_miss(&log_limit);
}

/* The clock of the kernel log, in nanoseconds. */
u64 rust_pool_log_time(void)
{
	return local_clock();
}
