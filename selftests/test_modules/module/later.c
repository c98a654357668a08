// SPDX-License-Identifier: GPL-2.0
/*
 * What is done later must hold up nobody: frees and puts from callbacks of all
 * kinds, devices whose release() calls back or takes long, and floods.
 */
#include <linux/completion.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "dma/dma.h"
#include "guest.h"
#include "rpt.h"

/* Nothing here takes so long unless it hangs. */
#define PATIENCE	(60 * HZ)
#define FLOOD		RPT_MANY(3000)

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8

struct pci_dev *edu;

/* A device of ours, and what its release() does. */
struct child {
	struct device dev;
	u64 mask;
	void (*release)(struct child *c);
	void *arg;
	/* Nobody waits for it, so it is freed when it was released. */
	bool forgotten;
	/* Its own, on the heap, and freed with it. */
	struct class class;
	struct completion begun, released;
};

static void child_release(struct device *dev)
{
	struct child *c = container_of(dev, struct child, dev);

	complete(&c->begun);
	if (c->release)
		c->release(c);
	if (c->forgotten)
		kfree(c);
	else
		complete(&c->released);
}

/* What of a device has its release(); a type of that kind is on the heap. */
enum owner { OF_DEVICE, OF_TYPE, OF_CLASS };
static const struct device_type of_type = { .release = child_release };

/* It is the caller's to free, when it was released. */
static struct child *child_at(struct child *c, enum owner owner)
{
	static atomic_t number;

	if (!c)
		return NULL;
	init_completion(&c->begun);
	init_completion(&c->released);
	c->dev.parent = &edu->dev;
	c->class.name = "rpt_later";
	switch (owner) {
	case OF_DEVICE:
		c->dev.release = child_release;
		break;
	case OF_TYPE:
		c->dev.type = kmemdup(&of_type, sizeof(of_type), GFP_KERNEL);
		break;
	case OF_CLASS:
		c->dev.class = &c->class;
		c->class.dev_release = child_release;
		break;
	}
	c->mask = DMA_BIT_MASK(32);
	c->dev.dma_mask = &c->mask;
	c->dev.coherent_dma_mask = c->mask;
	dev_set_name(&c->dev, "rpt_later%d", atomic_inc_return(&number));
	if (device_register(&c->dev)) {
		put_device(&c->dev);
		return NULL;
	}
	return c;
}

static struct child *child_of(enum owner owner)
{
	return child_at(kzalloc(sizeof(struct child), GFP_KERNEL), owner);
}

static struct child *child_new(void)
{
	return child_of(OF_DEVICE);
}

static DMA_ADAPTER *adapter_of(struct device *dev)
{
	DEVICE_DESCRIPTION description = describe(32, SZ_64K);

	return IoGetDmaAdapter(dev, &description, NULL);
}

/* If it did not end its thread needs our code for ever. */
static bool ended(struct rpt *t, struct completion *done, const char *what)
{
	if (wait_for_completion_timeout(done, PATIENCE))
		return true;
	rpt_fail(t, "%s: hangs", what);
	__module_get(THIS_MODULE);
	return false;
}

static void put_it(void *adapter)
{
	put_adapter(adapter);
}

static void release_puts(struct child *c)
{
	put_adapter(c->arg);
}

static void release_locks(struct child *c)
{
	mutex_lock(c->arg);
	mutex_unlock(c->arg);
}

static void release_waits(struct child *c)
{
	wait_for_completion(c->arg);
}

static bool backlog_empty(struct rpt *t)
{
	static const char *const families[] = { "contiguous", "noncached",
						"common buffers" };
	struct rpt_backlog backlog;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		rpt_backlog(t, families[i], &backlog);
		if (backlog.blocks || backlog.bytes)
			return false;
	}
	return true;
}

static bool settled_asking_every(struct rpt *t, unsigned int ms)
{
	unsigned long end = jiffies + PATIENCE;

	while (!backlog_empty(t)) {
		if (rpt_failed(t) || time_after(jiffies, end))
			return EXPECT(t, !"given back");
		if (ms)
			msleep(ms);
		else
			cond_resched();
	}
	return true;
}

static bool settled(struct rpt *t)
{
	return settled_asking_every(t, 20);
}

/* The adapter is put in the context; release() puts another one. */
static void release_puts_after_put_in(struct rpt *t)
{
	struct child *c = child_new();
	DMA_ADAPTER *mine;

	if (!EXPECT(t, c))
		return;
	c->release = release_puts;
	c->arg = adapter_of(&edu->dev);
	mine = adapter_of(&c->dev);
	EXPECT(t, mine && c->arg);
	device_unregister(&c->dev);
	rpt_in_context(rpt_value(t), put_it, mine);
	if (ended(t, &c->released, "release()"))
		kfree(c);
}

/* A block in a list of such. */
struct flood_block {
	struct flood_block *next;
};

struct last_buffer {
	DMA_ADAPTER *adapter;
	PHYSICAL_ADDRESS logical;
	void *buffer;
};

static void free_last(void *arg)
{
	struct last_buffer *last = arg;

	put_buffer(last->adapter, 8192, last->logical, last->buffer);
}

/* The last buffer of an adapter that was put is freed in the context. */
static void release_puts_after_free_in(struct rpt *t)
{
	struct child *c = child_new();
	struct last_buffer last;

	if (!EXPECT(t, c))
		return;
	c->release = release_puts;
	c->arg = adapter_of(&edu->dev);
	last.adapter = adapter_of(&c->dev);
	if (!EXPECT(t, last.adapter && c->arg))
		return;
	last.buffer = get_buffer(last.adapter, 8192, &last.logical);
	EXPECT(t, last.buffer);
	device_unregister(&c->dev);
	put_adapter(last.adapter);
	EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x07);
	rpt_in_context(rpt_value(t), free_last, &last);
	if (ended(t, &c->released, "release()"))
		kfree(c);
	settled(t);
	/* The wrong context, and that the device was removed by then. */
	EXPECT_VIOLATIONS(t, 2);
}

/* release() wants a lock that is held by who puts another adapter. */
static void lock_held_by_who_puts_in(struct rpt *t)
{
	static DEFINE_MUTEX(lock);
	struct child *c = child_new();
	struct rpt_errand errand;
	DMA_ADAPTER *mine;

	if (!EXPECT(t, c))
		return;
	c->release = release_locks;
	c->arg = &lock;
	mine = adapter_of(&c->dev);
	device_unregister(&c->dev);
	mutex_lock(&lock);
	rpt_in_context(rpt_value(t), put_it, mine);
	EXPECT(t, wait_for_completion_timeout(&c->begun, PATIENCE));
	rpt_send(&errand, put_it, adapter_of(&edu->dev));
	ended(t, &errand.done, "put of another adapter");
	mutex_unlock(&lock);
	if (ended(t, &c->released, "release()"))
		kfree(c);
}

/* One of each kind of memory, and an adapter. */
struct all {
	void *pool, *paged, *contiguous, *uncached, *noncached, *common;
	PHYSICAL_ADDRESS logical;
	DMA_ADAPTER *adapter;
};

static bool all_allocate(struct all *all)
{
	PHYSICAL_ADDRESS any = { .QuadPart = -1 }, none = {};

	all->pool = ExAllocatePoolWithTag(NonPagedPoolNx, 100, 'rtaL');
	all->paged = ExAllocatePoolWithTag(PagedPool, 5000, 'rtaL');
	all->contiguous = MmAllocateContiguousMemory(5000, any);
	all->uncached = MmAllocateContiguousMemorySpecifyCache(5000, none, any,
							       none,
							       MmNonCached);
	all->noncached = MmAllocateNonCachedMemory(5000);
	all->adapter = adapter_of(&edu->dev);
	all->common = all->adapter ?
		      get_buffer(all->adapter, 5000, &all->logical) : NULL;
	return all->pool && all->paged && all->contiguous && all->uncached &&
	       all->noncached && all->common;
}

/* What there is; not paged pool, which is no matter of where this may be. */
static void all_free(void *arg)
{
	struct all *all = arg;

	if (all->pool)
		ExFreePoolWithTag(all->pool, 'rtaL');
	if (all->contiguous)
		MmFreeContiguousMemory(all->contiguous);
	if (all->uncached)
		MmFreeContiguousMemory(all->uncached);
	if (all->noncached)
		MmFreeNonCachedMemory(all->noncached, 5000);
	if (all->common)
		put_buffer(all->adapter, 5000, all->logical, all->common);
	if (all->adapter)
		put_adapter(all->adapter);
}

static void all_free_paged(struct all *all)
{
	if (all->paged)
		ExFreePoolWithTag(all->paged, 'rtaL');
}

/* A release() that takes long keeps nobody else from anything. */
static void everything(void *arg)
{
	struct all all;
	bool *fine = arg;

	*fine = all_allocate(&all);
	local_bh_disable();
	all_free(&all);
	local_bh_enable();
	all_free_paged(&all);
	*fine = all_allocate(&all) && *fine;
	all_free(&all);
	all_free_paged(&all);
}

static void slow_release_holds_nobody(struct rpt *t)
{
	DECLARE_COMPLETION_ONSTACK(go_on);
	struct child *c = child_new();
	struct rpt_errand errand;
	DMA_ADAPTER *mine;
	bool fine = false;

	if (!EXPECT(t, c))
		return;
	c->release = release_waits;
	c->arg = &go_on;
	mine = adapter_of(&c->dev);
	device_unregister(&c->dev);
	rpt_in_context(RPT_BH_OFF, put_it, mine);
	EXPECT(t, wait_for_completion_timeout(&c->begun, PATIENCE));
	rpt_send(&errand, everything, &fine);
	if (ended(t, &errand.done, "frees and puts"))
		EXPECT(t, fine);
	EXPECT_VIOLATIONS(t, 2);
	settled(t);
	complete(&go_on);
	if (ended(t, &c->released, "release()"))
		kfree(c);
}

#ifdef CONFIG_ARCH_HAS_DMA_OPS
static struct completion in_free, free_may_end;
/* Whether the last free has ended. */
static bool free_ended;

static void *slow_alloc(struct device *dev, size_t size, dma_addr_t *bus,
			gfp_t gfp, unsigned long attrs)
{
	void *base = (void *)__get_free_pages(gfp, get_order(size));

	*bus = base ? virt_to_phys(base) : 0;
	return base;
}

static void slow_free(struct device *dev, size_t size, void *base,
		      dma_addr_t bus, unsigned long attrs)
{
	complete(&in_free);
	wait_for_completion(&free_may_end);
	free_pages((unsigned long)base, get_order(size));
	WRITE_ONCE(free_ended, true);
}

static int any_mask(struct device *dev, u64 mask)
{
	return 1;
}

static const struct dma_map_ops slow_ops = {
	.alloc = slow_alloc,
	.free = slow_free,
	.dma_supported = any_mask,
};

/* A buffer of a device of ours that the work item is at until it is let go. */
struct stuck {
	struct child *c;
	struct last_buffer last;
};

/* It counts as deferred until then. */
#define STUCK 1

static bool stick(struct rpt *t, struct stuck *stuck)
{
	stuck->c = child_new();
	if (!EXPECT(t, stuck->c))
		return false;
	init_completion(&in_free);
	init_completion(&free_may_end);
	set_dma_ops(&stuck->c->dev, &slow_ops);
	stuck->last.adapter = adapter_of(&stuck->c->dev);
	if (!EXPECT(t, stuck->last.adapter))
		return false;
	stuck->last.buffer = get_buffer(stuck->last.adapter, 8192,
					&stuck->last.logical);
	if (!EXPECT(t, stuck->last.buffer))
		return false;
	rpt_in_context(RPT_BH_OFF, free_last, &stuck->last);
	return EXPECT(t, wait_for_completion_timeout(&in_free, PATIENCE));
}

/* The put of its adapter waits until the buffer is free, and for nothing else. */
static void unstick(struct rpt *t, struct stuck *stuck)
{
	struct rpt_errand own;

	rpt_send(&own, put_it, stuck->last.adapter);
	EXPECT(t, !wait_for_completion_timeout(&own.done, HZ / 2));
	complete_all(&free_may_end);
	ended(t, &own.done, "put with its own buffer in work");
	set_dma_ops(&stuck->c->dev, NULL);
	device_unregister(&stuck->c->dev);
	if (ended(t, &stuck->c->released, "release()"))
		kfree(stuck->c);
	settled(t);
}

/* A put waits for the buffers of its device, and for no others. */
static void put_waits_for_its_own(struct rpt *t)
{
	struct last_buffer fast;
	struct stuck stuck;
	struct rpt_errand other;

	fast.adapter = adapter_of(&edu->dev);
	if (!EXPECT(t, fast.adapter))
		return;
	fast.buffer = get_buffer(fast.adapter, 8192, &fast.logical);
	if (!EXPECT(t, fast.buffer) || !stick(t, &stuck))
		return;
	rpt_in_context(RPT_BH_OFF, free_last, &fast);
	EXPECT_VIOLATIONS(t, 2);

	rpt_send(&other, put_it, fast.adapter);
	if (ended(t, &other.done, "put with another device's buffer in work")) {
		struct rpt_backlog backlog;

		rpt_backlog(t, "common buffers", &backlog);
		EXPECT_EQ(t, backlog.blocks, STUCK);
	}
	unstick(t, &stuck);
}

static void flood_free(void *arg)
{
	struct flood_block **first = arg;

	while (*first) {
		struct flood_block *block = *first;

		*first = block->next;
		MmFreeNonCachedMemory(block, PAGE_SIZE);
	}
}

/* What waits is bounded though the work item does not get to it. */
static void shortened_by_who_may_sleep(struct rpt *t)
{
	struct flood_block *first = NULL, *block;
	const unsigned int count = 1500;
	struct rpt_backlog backlog;
	struct stuck stuck;
	unsigned int i;

	for (i = 0; i < count; i++) {
		block = MmAllocateNonCachedMemory(PAGE_SIZE);
		if (!EXPECT(t, block))
			break;
		block->next = first;
		first = block;
	}
	if (!stick(t, &stuck))
		return;
	EXPECT_VIOLATIONS(t, 1);
	rpt_in_context(RPT_BH_OFF, flood_free, &first);
	EXPECT_VIOLATIONS(t, i);
	rpt_backlog(t, "noncached", &backlog);
	EXPECT_EQ(t, backlog.blocks, i);
	block = MmAllocateNonCachedMemory(PAGE_SIZE);
	EXPECT(t, block);
	rpt_backlog(t, "noncached", &backlog);
	EXPECT(t, backlog.blocks > 0 && backlog.blocks <= 1024);
	/* Who gets none of his own helps as well. */
	EXPECT(t, !MmAllocateNonCachedMemory((SIZE_T)totalram_pages() *
					     PAGE_SIZE));
	rpt_backlog(t, "noncached", &backlog);
	EXPECT_EQ(t, backlog.blocks, 0);
	if (block)
		MmFreeNonCachedMemory(block, PAGE_SIZE);
	unstick(t, &stuck);
}
static bool fail_next;

static void *quick_alloc(struct device *dev, size_t size, dma_addr_t *bus,
			 gfp_t gfp, unsigned long attrs)
{
	if (fail_next) {
		fail_next = false;
		return NULL;
	}
	return slow_alloc(dev, size, bus, gfp, attrs);
}

static void quick_free(struct device *dev, size_t size, void *base,
		       dma_addr_t bus, unsigned long attrs)
{
	free_pages((unsigned long)base, get_order(size));
}

static const struct dma_map_ops quick_ops = {
	.alloc = quick_alloc,
	.free = quick_free,
	.dma_supported = any_mask,
};

struct buffers {
	struct last_buffer *all;
	unsigned int count;
};

static void free_buffers(void *arg)
{
	struct buffers *buffers = arg;

	while (buffers->count)
		free_last(&buffers->all[--buffers->count]);
}

/* The same of common buffers: by who asks for one for the same device. */
static void buffers_shortened(struct rpt *t)
{
	const unsigned int count = 1500;
	struct buffers buffers = {
		.all = kvcalloc(count, sizeof(*buffers.all), GFP_KERNEL),
	};
	struct child *c = child_new();
	struct last_buffer more[2];
	struct rpt_backlog backlog;
	struct stuck stuck;
	unsigned int i;

	if (!EXPECT(t, buffers.all && c))
		return;
	set_dma_ops(&c->dev, &quick_ops);
	more[0].adapter = adapter_of(&c->dev);
	if (!EXPECT(t, more[0].adapter))
		return;
	more[1] = more[0];
	for (i = 0; i < count; i++) {
		struct last_buffer *last = &buffers.all[i];

		last->adapter = more[0].adapter;
		last->buffer = get_buffer(last->adapter, 8192, &last->logical);
		if (!EXPECT(t, last->buffer))
			break;
	}
	if (!stick(t, &stuck))
		return;
	EXPECT_VIOLATIONS(t, 1);
	buffers.count = i;
	rpt_in_context(RPT_BH_OFF, free_buffers, &buffers);
	EXPECT_VIOLATIONS(t, i);
	rpt_backlog(t, "common buffers", &backlog);
	EXPECT_EQ(t, backlog.blocks, i + STUCK);
	more[0].buffer = get_buffer(more[0].adapter, 8192, &more[0].logical);
	EXPECT(t, more[0].buffer);
	rpt_backlog(t, "common buffers", &backlog);
	EXPECT_EQ(t, backlog.blocks, i - 2 + STUCK);
	/* For want of memory all are given back, and it is tried again. */
	fail_next = true;
	more[1].buffer = get_buffer(more[1].adapter, 8192, &more[1].logical);
	EXPECT(t, more[1].buffer);
	rpt_backlog(t, "common buffers", &backlog);
	EXPECT_EQ(t, backlog.blocks, STUCK);
	for (i = 0; i < ARRAY_SIZE(more); i++)
		if (more[i].buffer)
			free_last(&more[i]);
	unstick(t, &stuck);
	put_adapter(more[0].adapter);
	set_dma_ops(&c->dev, NULL);
	device_unregister(&c->dev);
	if (ended(t, &c->released, "release()"))
		kfree(c);
	kvfree(buffers.all);
}
#else
static void put_waits_for_its_own(struct rpt *t)
{
	rpt_skip(t, "devices have no DMA operations of their own here");
}

static void shortened_by_who_may_sleep(struct rpt *t)
{
	rpt_skip(t, "devices have no DMA operations of their own here");
}

static void buffers_shortened(struct rpt *t)
{
	rpt_skip(t, "devices have no DMA operations of their own here");
}
#endif

/* Callbacks of the kernel, each of which frees and puts what there is. */
enum callback {
	FROM_WORK,
	FROM_RECLAIM_WORK,
	FROM_TIMER,
	FROM_RCU,
	FROM_HOTPLUG,
	FROM_RECLAIM,
};

static struct callback_case {
	struct all all;
	struct work_struct work;
	struct timer_list timer;
	struct rcu_head rcu;
	struct completion done;
} called;

static void called_work(struct work_struct *work)
{
	all_free(&called.all);
	complete(&called.done);
}

static void called_timer(struct timer_list *timer)
{
	called_work(NULL);
}

static void called_rcu(struct rcu_head *head)
{
	called_work(NULL);
}

static int called_hotplug(unsigned int cpu)
{
	if (!cpu)
		called_work(NULL);
	return 0;
}

static void from_callback(struct rpt *t)
{
	enum callback callback = rpt_value(t);
	struct workqueue_struct *queue;
	unsigned int flags;
	int state = -1;

	queue = alloc_workqueue("rpt_later", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!EXPECT(t, queue))
		return;
	init_completion(&called.done);
	EXPECT(t, all_allocate(&called.all));
	switch (callback) {
	case FROM_WORK:
	case FROM_RECLAIM_WORK:
		INIT_WORK(&called.work, called_work);
		queue_work(callback == FROM_WORK ? system_percpu_wq : queue,
			   &called.work);
		break;
	case FROM_TIMER:
		timer_setup(&called.timer, called_timer, 0);
		mod_timer(&called.timer, jiffies + 1);
		break;
	case FROM_RCU:
		call_rcu(&called.rcu, called_rcu);
		break;
	case FROM_HOTPLUG:
		state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "rpt:later",
					  called_hotplug, NULL);
		EXPECT(t, state >= 0);
		break;
	case FROM_RECLAIM:
		flags = memalloc_noreclaim_save();
		called_work(NULL);
		memalloc_noreclaim_restore(flags);
		break;
	}
	if (!ended(t, &called.done, "frees and puts in a callback"))
		return;
	if (state >= 0)
		cpuhp_remove_state_nocalls(state);
	/* Noncached memory and a common buffer, where one may not sleep. */
	if (callback == FROM_TIMER || callback == FROM_RCU)
		EXPECT_VIOLATIONS(t, 2);
	destroy_workqueue(queue);
	all_free_paged(&called.all);
	settled(t);
}

static const struct rpt_arg callbacks[] = {
	{ "work", FROM_WORK },
	{ "work_for_reclaim", FROM_RECLAIM_WORK },
	{ "timer", FROM_TIMER },
	{ "RCU_callback", FROM_RCU },
	{ "hotplug_callback", FROM_HOTPLUG },
	{ "reclaim", FROM_RECLAIM },
	{}
};

/* The kernel waits there for work that may want memory: what needs that fails. */
static void nothing_uncached_in_reclaim(struct rpt *t)
{
	unsigned int flags = memalloc_noreclaim_save();
	struct all all;

	all_allocate(&all);
	EXPECT(t, all.pool && all.paged && all.contiguous && all.common);
	EXPECT(t, !all.uncached && !all.noncached);
	all_free(&all);
	all_free_paged(&all);
	memalloc_noreclaim_restore(flags);
	EXPECT(t, all_allocate(&all));
	all_free(&all);
	all_free_paged(&all);
}

static void release_tells_who(struct child *c)
{
	c->arg = current;
}

/* Whoever reclaims may hold what the release() of a device wants. */
static void released_by_others_in_reclaim(struct rpt *t)
{
	struct child *c = child_new();
	DMA_ADAPTER *mine;
	unsigned int flags;

	if (!EXPECT(t, c))
		return;
	c->release = release_tells_who;
	mine = adapter_of(&c->dev);
	device_unregister(&c->dev);
	flags = memalloc_noreclaim_save();
	put_it(mine);
	memalloc_noreclaim_restore(flags);
	if (!ended(t, &c->released, "release()"))
		return;
	EXPECT(t, c->arg && c->arg != current);
	kfree(c);
}

/* Many small blocks that are freed in a burst come back in few batches. */
enum flood { FLOOD_NONCACHED, FLOOD_CONTIGUOUS };

static struct flood_block *flood_get(enum flood kind)
{
	PHYSICAL_ADDRESS any = { .QuadPart = -1 }, none = {};

	if (kind == FLOOD_NONCACHED)
		return MmAllocateNonCachedMemory(PAGE_SIZE);
	return MmAllocateContiguousMemorySpecifyCache(PAGE_SIZE, none, any,
						      none, MmNonCached);
}

static void flood_put(enum flood kind, struct flood_block *block)
{
	if (kind == FLOOD_NONCACHED)
		MmFreeNonCachedMemory(block, PAGE_SIZE);
	else
		MmFreeContiguousMemory(block);
}

static void burst_in_few_batches(struct rpt *t)
{
	enum flood kind = rpt_value(t);
	const char *family = rpt_value_name(t);
	struct rpt_backlog before, after, left;
	struct flood_block *first = NULL, *block;
	unsigned int count = 0, i;
	unsigned long flags, begin;
	u64 *frames;

	frames = kvmalloc_array(FLOOD, sizeof(*frames), GFP_KERNEL);
	if (!EXPECT(t, frames))
		return;
	while (count < FLOOD && (block = flood_get(kind))) {
		block->next = first;
		first = block;
		frames[count++] = rpt_phys(block);
	}
	EXPECT_EQ(t, count, FLOOD);
	rpt_backlog(t, family, &before);
	EXPECT_EQ(t, before.blocks, 0);
	begin = jiffies;
	local_irq_save(flags);
	while (first) {
		block = first;
		first = block->next;
		flood_put(kind, block);
	}
	local_irq_restore(flags);
	rpt_backlog(t, family, &left);
	/* When the file says that none is left, the last one has its type back. */
	settled_asking_every(t, 0);
	rpt_backlog(t, family, &after);
	EXPECT_EQ(t, after.given - before.given, count);
	EXPECT(t, (after.batches - before.batches) * 16 <= count);
	/* Nobody makes them uncached again meanwhile. */
	for (i = 0; i < count; i++)
		if (!EXPECT_EQ(t, rpt_cache(__va(frames[i])), RPT_WB))
			break;
	kvfree(frames);
	rpt_note(t, "%u blocks in %llu batches, %u ms, %llu left at first", count,
		 after.batches - before.batches,
		 jiffies_to_msecs(jiffies - begin), left.blocks);
	/* Noncached memory is reported. */
	EXPECT_VIOLATIONS(t, kind == FLOOD_NONCACHED ? count : 0);
}

static const struct rpt_arg floods[] = {
	{ "noncached", FLOOD_NONCACHED },
	{ "contiguous", FLOOD_CONTIGUOUS },
	{}
};

/* What is freed in atomic context counts as free at once. */
static void counted_at_once(struct rpt *t)
{
	static const char *const files[] = { "contiguous", "noncached",
					     "adapters" };
	struct rpt_row before[3], after;
	struct all all;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		rpt_family(t, files[i], &before[i]);
	EXPECT(t, all_allocate(&all));
	rpt_in_context(RPT_BH_OFF, all_free, &all);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		rpt_family(t, files[i], &after);
		EXPECT_EQ(t, after.diff, before[i].diff);
		EXPECT_EQ(t, after.bytes, before[i].bytes);
	}
	EXPECT_VIOLATIONS(t, 2);
	all_free_paged(&all);
	settled(t);
}

static const struct rpt_case cases[] = {
	{ "release_puts_after_put_in", release_puts_after_put_in,
	  rpt_contexts },
	{ "release_puts_after_free_in", release_puts_after_free_in,
	  rpt_atomic_contexts },
	{ "lock_held_by_who_puts_in", lock_held_by_who_puts_in,
	  rpt_atomic_contexts },
	{ "slow_release_holds_nobody", slow_release_holds_nobody },
	{ "put_waits_for_its_own", put_waits_for_its_own },
	{ "shortened_by_who_may_sleep", shortened_by_who_may_sleep },
	{ "buffers_shortened_by_who_may_sleep", buffers_shortened },
	{ "all_freed_from", from_callback, callbacks },
	{ "nothing_uncached_in_reclaim", nothing_uncached_in_reclaim },
	{ "released_by_others_in_reclaim", released_by_others_in_reclaim },
	{ "counted_at_once", counted_at_once },
	{ "burst_in_few_batches", burst_in_few_batches, floods },
};

static const struct rpt_suite later_suite = RPT_SUITE("later", cases);
static const struct rpt_suite *const suites[] = { &later_suite };
static void *key;

/* For later.sh: a release() and a thread that go on while others come and go. */
static DECLARE_COMPLETION(let_go);
static struct child *slow_child;

static int set_slow(const char *value, const struct kernel_param *kp)
{
	DMA_ADAPTER *mine;

	if (*value == '0') {
		if (!slow_child)
			return 0;
		complete(&let_go);
		wait_for_completion(&slow_child->released);
		kfree(slow_child);
		slow_child = NULL;
		return 0;
	}
	if (slow_child)
		return -EBUSY;
	slow_child = child_new();
	if (!slow_child)
		return -ENOMEM;
	slow_child->release = release_waits;
	slow_child->arg = &let_go;
	mine = adapter_of(&slow_child->dev);
	device_unregister(&slow_child->dev);
	local_bh_disable();
	put_adapter(mine);
	local_bh_enable();
	return wait_for_completion_timeout(&slow_child->begun, PATIENCE) ?
	       0 : -ETIMEDOUT;
}

static const struct kernel_param_ops slow_ops_param = { .set = set_slow };
module_param_cb(slow, &slow_ops_param, NULL, 0200);
MODULE_PARM_DESC(slow, "1: a release() begins that 0 ends");

static struct task_struct *flooders[2];
static atomic64_t rounds;

static int flooding(void *data)
{
	while (!kthread_should_stop()) {
		struct flood_block *first = NULL, *block;
		unsigned int i;

		for (i = 0; i < 64; i++) {
			block = flood_get(i & 1);
			if (!block)
				break;
			block->next = first;
			first = block;
		}
		local_bh_disable();
		for (; first; i--) {
			block = first;
			first = block->next;
			flood_put(!(i & 1), block);
		}
		local_bh_enable();
		atomic64_inc(&rounds);
		cond_resched();
	}
	return 0;
}

static int set_flood(const char *value, const struct kernel_param *kp)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flooders); i++) {
		if (*value == '0' && flooders[i]) {
			kthread_stop(flooders[i]);
			flooders[i] = NULL;
		} else if (*value != '0' && !flooders[i]) {
			flooders[i] = kthread_run(flooding, NULL, "rpt_flood");
			if (IS_ERR(flooders[i]))
				flooders[i] = NULL;
		}
	}
	return 0;
}

static int get_flood(char *to, const struct kernel_param *kp)
{
	return sprintf(to, "%lld\n", atomic64_read(&rounds));
}

static const struct kernel_param_ops flood_ops = { .set = set_flood,
						   .get = get_flood };
module_param_cb(flood, &flood_ops, NULL, 0600);
MODULE_PARM_DESC(flood, "1: threads flood until 0; read: their rounds");

/* A shrinker that does what a client's may: frees, and allocates. */
static struct shrinker *shrinker;
static atomic64_t shrunk;

static unsigned long shrinker_count(struct shrinker *s,
				    struct shrink_control *control)
{
	return 128;
}

static unsigned long shrinker_scan(struct shrinker *s,
				   struct shrink_control *control)
{
	struct all all;

	all_allocate(&all);
	all_free(&all);
	all_free_paged(&all);
	atomic64_inc(&shrunk);
	return 1;
}

static int set_shrinker(const char *value, const struct kernel_param *kp)
{
	if (*value == '0') {
		if (shrinker)
			shrinker_free(shrinker);
		shrinker = NULL;
		return 0;
	}
	if (shrinker)
		return -EBUSY;
	shrinker = shrinker_alloc(0, "rpt_later");
	if (!shrinker)
		return -ENOMEM;
	shrinker->count_objects = shrinker_count;
	shrinker->scan_objects = shrinker_scan;
	shrinker->batch = 64;
	shrinker_register(shrinker);
	return 0;
}

static int get_shrinker(char *to, const struct kernel_param *kp)
{
	return sprintf(to, "%lld\n", atomic64_read(&shrunk));
}

static const struct kernel_param_ops shrinker_ops = { .set = set_shrinker,
						      .get = get_shrinker };
module_param_cb(shrinker, &shrinker_ops, NULL, 0600);
MODULE_PARM_DESC(shrinker, "1: a shrinker frees and allocates until 0; read: how often");

/*
 * One that the kernel asks before it kills a process for memory: what holds in
 * reclaim holds there.
 */
static atomic_t asked, asked_well;
static void *until_asked;

static int memory_event(struct notifier_block *nb, unsigned long event,
			void *freed)
{
	struct all all;

	/* Later, for nobody may wait here: the test looks. */
	MmFreeNonCachedMemory(until_asked, PAGE_SIZE);
	until_asked = NULL;
	all_allocate(&all);
	if (all.pool && all.paged && all.contiguous && all.common &&
	    !all.uncached && !all.noncached)
		atomic_inc(&asked_well);
	all_free(&all);
	all_free_paged(&all);
	atomic_inc(&asked);
	return NOTIFY_DONE;
}

static struct notifier_block memory_watcher = { .notifier_call = memory_event };

static int set_short(const char *value, const struct kernel_param *kp)
{
	if (*value == '0') {
		unregister_oom_notifier(&memory_watcher);
		if (until_asked)
			MmFreeNonCachedMemory(until_asked, PAGE_SIZE);
		until_asked = NULL;
		return 0;
	}
	until_asked = MmAllocateNonCachedMemory(PAGE_SIZE);
	return until_asked ? register_oom_notifier(&memory_watcher) : -ENOMEM;
}

static int get_short(char *to, const struct kernel_param *kp)
{
	return sprintf(to, "%d %d\n", atomic_read(&asked),
		       atomic_read(&asked_well));
}

static const struct kernel_param_ops short_ops = { .set = set_short,
						   .get = get_short };
module_param_cb(short_of_memory, &short_ops, NULL, 0600);
MODULE_PARM_DESC(short_of_memory, "1: an OOM notifier frees and allocates until 0; read: how often, and how often as in reclaim");

/* A guest that goes, with what others are busy then. */
static struct {
	enum guest what;
	struct child *c;
	struct last_buffer last;
	struct rpt_errand busy, timer;
	struct kprobe probe;
	/* Its module goes; rust_pool has not been told yet. */
	bool going;
	bool inside;
	/* Its routine has been called. */
	bool called;
	/* All that needs it has ended when it is gone, as far as rust_pool knows. */
	bool gone, in_time;
} guest;

/* They are busy for so long from when the guest goes, unless it is gone before; it goes soon. */
#define BUSY_MS	1000
#define SOON_MS	10000

static void spin_until(const bool *flag, unsigned int ms)
{
	u64 until = ktime_get_mono_fast_ns() + ms * (u64)NSEC_PER_MSEC;

	while (!READ_ONCE(*flag) && ktime_get_mono_fast_ns() < until)
		cpu_relax();
}

static void spin(void)
{
	WRITE_ONCE(guest.inside, true);
	spin_until(&guest.going, SOON_MS);
	spin_until(&guest.gone, BUSY_MS);
}

/* The work item is about to drop the device. */
static int about_to_drop(struct kprobe *probe, struct pt_regs *regs)
{
	if (current->flags & PF_WQ_WORKER)
		spin();
	return 0;
}

static void sleep_until(const bool *flag, unsigned int ms)
{
	unsigned int slept;

	for (slept = 0; slept < ms && !READ_ONCE(*flag); slept += 20)
		msleep(20);
}

static void be_busy(void)
{
	sleep_until(&guest.going, SOON_MS);
	sleep_until(&guest.gone, BUSY_MS);
}

static void release_slowly(struct child *c)
{
	be_busy();
}

#ifdef CONFIG_ARCH_HAS_DMA_OPS
static void end_free(void)
{
	complete_all(&free_may_end);
}

static bool have_buffers(struct child *c)
{
	init_completion(&in_free);
	init_completion(&free_may_end);
	free_ended = false;
	set_dma_ops(&c->dev, &slow_ops);
	return true;
}

static bool freed(void)
{
	return READ_ONCE(free_ended);
}

static void wait_for_free(void)
{
	wait_for_completion_timeout(&in_free, PATIENCE);
}
#else
static void end_free(void)
{
}

static bool have_buffers(struct child *c)
{
	return false;
}

static bool freed(void)
{
	return false;
}

static void wait_for_free(void)
{
}
#endif

static void end_free_later(void *unused)
{
	be_busy();
	end_free();
}

static IO_ALLOCATION_ACTION keep_channel(PDEVICE_OBJECT device, PIRP irp,
					 PVOID base, PVOID context)
{
	return KeepObject;
}

static u32 ask_for_channel(PDRIVER_CONTROL routine)
{
	DMA_ADAPTER *adapter = guest.last.adapter;

	return adapter->DmaOperations->AllocateAdapterChannelEx(
		adapter, &guest.c->dev, NULL, 1, 0, routine, NULL, NULL);
}

static void free_channel(void *adapter)
{
	((DMA_ADAPTER *)adapter)->DmaOperations->FreeAdapterChannel(adapter);
}

bool guest_waits(PDRIVER_CONTROL routine)
{
	guest.last.adapter = adapter_of(&guest.c->dev);
	return guest.last.adapter && !ask_for_channel(keep_channel) &&
	       !ask_for_channel(routine);
}
EXPORT_SYMBOL_GPL(guest_waits);

void guest_called(void)
{
	spin();
	WRITE_ONCE(guest.called, true);
}
EXPORT_SYMBOL_GPL(guest_called);

struct device *guest_comes(enum guest what, void (*release)(struct device *dev))
{
	struct child *c = guest.c ? NULL : child_new();

	if (!c)
		return NULL;
	guest.what = what;
	guest.inside = guest.called = guest.in_time = false;
	guest.going = guest.gone = false;
	guest.last.buffer = NULL;
	if ((what == GUEST_GIVEN || what == GUEST_USED) && !have_buffers(c))
		goto fail;
	if (what == GUEST_RELEASED)
		c->release = release_slowly;
	if (what == GUEST_USED) {
		c->dev.release = release;
		guest.last.adapter = adapter_of(&c->dev);
		if (guest.last.adapter)
			guest.last.buffer = get_buffer(guest.last.adapter, 8192,
						       &guest.last.logical);
		if (!guest.last.buffer)
			goto fail;
	}
	guest.c = c;
	return &c->dev;
fail:
	/* What is left of it is not worth the trouble. */
	pr_err("rpt_later has no device for a guest\n");
	return NULL;
}
EXPORT_SYMBOL_GPL(guest_comes);

void guest_goes(DMA_ADAPTER *adapter)
{
	unsigned long end = jiffies + PATIENCE;

	switch (guest.what) {
	case GUEST_GIVEN:
		wait_for_free();
		device_unregister(&guest.c->dev);
		guest.probe.symbol_name = "rust_pool_may_call_others";
		guest.probe.pre_handler = about_to_drop;
		if (register_kprobe(&guest.probe))
			pr_err("rpt_later no probe\n");
		end_free();
		while (!READ_ONCE(guest.inside) && time_before(jiffies, end))
			msleep(20);
		break;
	case GUEST_RELEASED:
		device_unregister(&guest.c->dev);
		rpt_send(&guest.busy, put_it, adapter);
		wait_for_completion_timeout(&guest.c->begun, PATIENCE);
		break;
	case GUEST_USED:
		rpt_send(&guest.busy, free_last, &guest.last);
		wait_for_free();
		rpt_send(&guest.timer, end_free_later, NULL);
		break;
	case GUEST_CALLED:
		rpt_send(&guest.busy, free_channel, guest.last.adapter);
		while (!READ_ONCE(guest.inside) && time_before(jiffies, end))
			msleep(20);
		break;
	}
}
EXPORT_SYMBOL_GPL(guest_goes);

static bool is_guest_going(unsigned long event, const struct module *mod)
{
	return event == MODULE_STATE_GOING && !strcmp(mod->name, "rp_test_guest") && guest.c;
}

/* Called before rust_pool's own notifier. */
static int guest_begins(struct notifier_block *nb, unsigned long event, void *data)
{
	if (is_guest_going(event, data))
		WRITE_ONCE(guest.going, true);
	return NOTIFY_DONE;
}

static struct notifier_block guest_herald = {
	.notifier_call = guest_begins,
	.priority = INT_MAX,
};

/* Called after it. */
static int guest_event(struct notifier_block *nb, unsigned long event, void *data)
{
	if (!is_guest_going(event, data))
		return NOTIFY_DONE;
	guest.in_time = guest.what == GUEST_USED ? freed() :
			guest.what == GUEST_CALLED ? READ_ONCE(guest.called) :
			completion_done(&guest.c->released);
	WRITE_ONCE(guest.gone, true);
	return NOTIFY_DONE;
}

static struct notifier_block guest_watcher = {
	.notifier_call = guest_event,
	.priority = INT_MIN,
};

static int forget_guest(const char *value, const struct kernel_param *kp)
{
	struct child *c = guest.c;

	if (!c)
		return 0;
	guest.c = NULL;
	if (guest.what != GUEST_GIVEN)
		wait_for_completion(&guest.busy.done);
	if (guest.what == GUEST_USED) {
		wait_for_completion(&guest.timer.done);
		put_adapter(guest.last.adapter);
		/* It stays: rust_pool keeps its reference for ever. */
		c->dev.release = child_release;
		c->release = NULL;
		device_unregister(&c->dev);
		return 0;
	}
	if (guest.what == GUEST_CALLED) {
		put_adapter(guest.last.adapter);
		device_unregister(&c->dev);
	}
	wait_for_completion(&c->released);
	if (guest.what == GUEST_GIVEN)
		unregister_kprobe(&guest.probe);
	memset(&guest.probe, 0, sizeof(guest.probe));
	kfree(c);
	return 0;
}

static int guest_in_time(char *to, const struct kernel_param *kp)
{
	return sprintf(to, "%d\n", guest.in_time);
}

static const struct kernel_param_ops guest_ops = { .set = forget_guest,
						   .get = guest_in_time };
module_param_cb(guest, &guest_ops, NULL, 0600);
MODULE_PARM_DESC(guest, "Read: whether all that needed rp_test_guest had ended when it went; write: forgets it");

static int guests_possible(char *to, const struct kernel_param *kp)
{
	bool buffers = IS_ENABLED(CONFIG_ARCH_HAS_DMA_OPS);
	bool probes = IS_ENABLED(CONFIG_KPROBES) && num_online_cpus() > 1;

	/* 0 is none. */
	return sprintf(to, "%d %d %d %d\n", buffers && probes ? GUEST_GIVEN : 0,
		       GUEST_RELEASED, buffers ? GUEST_USED : 0,
		       num_online_cpus() > 1 ? GUEST_CALLED : 0);
}

static const struct kernel_param_ops guests_ops = { .get = guests_possible };
module_param_cb(guests, &guests_ops, NULL, 0400);
MODULE_PARM_DESC(guests, "Which guests this kernel can have");

/* A notifier that does so when modules come and go. */
static int module_event(struct notifier_block *nb, unsigned long event,
			void *data)
{
	struct all all;

	all_allocate(&all);
	all_free(&all);
	all_free_paged(&all);
	return NOTIFY_DONE;
}

static struct notifier_block watcher = { .notifier_call = module_event };

/* At exit: how it is known that a device needs our code to be released, or is ours. */
enum { BY_DEVICE = 1, BY_TYPE, BY_CLASS, BY_CALLER, LEAKED_HEAP, LEAKED_STATIC };
static unsigned int leave;
module_param(leave, uint, 0400);
MODULE_PARM_DESC(leave, "At exit put an adapter in atomic context, whose device is released then; known to be ours by 1: the device, 2: its type, 3: its class, 4: who got the adapter; or leak it with a buffer: 5: our release(), 6: our memory as well");

static struct child *last_child;
static struct child static_child;
static DMA_ADAPTER *last_adapter;

static void release_says_so(struct child *c)
{
	/* Whoever does not wait for it takes this code away meanwhile. */
	msleep(100);
	pr_info("rpt_later released\n");
	kfree(c->dev.type);
}

/* In code that is gone when the device is let go. */
static int __init leave_later(void)
{
	static const enum owner owners[] = {
		[BY_TYPE] = OF_TYPE,
		[BY_CLASS] = OF_CLASS,
		[BY_CALLER] = OF_CLASS,
	};
	DEVICE_DESCRIPTION description = describe(32, SZ_64K);
	struct child *c;

	if (leave > LEAKED_STATIC)
		return -EINVAL;
	if (leave >= ARRAY_SIZE(owners))
		c = leave == LEAKED_STATIC ? child_at(&static_child, OF_DEVICE) :
					     child_new();
	else
		c = child_of(owners[leave]);
	if (!c)
		return -ENOMEM;
	c->release = release_says_so;
	c->forgotten = true;
	if (leave == BY_CALLER) {
		c->class.dev_release = NULL;
		last_adapter = IoGetDmaAdapter(&c->dev, &description, NULL);
		c->class.dev_release = child_release;
	} else if (leave >= LEAKED_HEAP) {
		last_adapter = IoGetDmaAdapter(&c->dev, &description, NULL);
	} else {
		last_adapter = rust_pool_adapter_get(&c->dev, &description,
						     NULL, 0);
	}
	last_child = c;
	return last_adapter ? 0 : -ENOMEM;
}

static void leave_now(void)
{
	PHYSICAL_ADDRESS logical;

	if (leave >= LEAKED_HEAP && !get_buffer(last_adapter, 4096, &logical))
		pr_err("rpt_later no buffer\n");
	device_unregister(&last_child->dev);
	if (leave >= LEAKED_HEAP)
		return;
	local_bh_disable();
	put_adapter(last_adapter);
	local_bh_enable();
}

static int __init rpt_later_init(void)
{
	int ret = -ENODEV;

	edu = pci_get_device(EDU_VENDOR, EDU_DEVICE, NULL);
	if (!edu)
		return ret;
	ret = leave ? leave_later() : 0;
	if (!ret)
		ret = rpt_register(suites, ARRAY_SIZE(suites), &key);
	if (!ret)
		ret = register_module_notifier(&watcher);
	if (!ret)
		ret = register_module_notifier(&guest_herald);
	if (!ret)
		ret = register_module_notifier(&guest_watcher);
	if (ret)
		pci_dev_put(edu);
	return ret;
}

static void __exit rpt_later_exit(void)
{
	unregister_module_notifier(&guest_watcher);
	unregister_module_notifier(&guest_herald);
	unregister_module_notifier(&watcher);
	forget_guest("0", NULL);
	rpt_unregister(key);
	set_flood("0", NULL);
	set_shrinker("0", NULL);
	set_short("0", NULL);
	set_slow("0", NULL);
	if (leave)
		leave_now();
	dma_set_mask_and_coherent(&edu->dev, DMA_BIT_MASK(32));
	pci_dev_put(edu);
}

module_init(rpt_later_init);
module_exit(rpt_later_exit);

MODULE_DESCRIPTION("rust_pool selftests: what is done later holds up nobody");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
