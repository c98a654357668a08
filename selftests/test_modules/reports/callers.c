// SPDX-License-Identifier: GPL-2.0
/*
 * A client whose calls are not where a return address says: the last act of a
 * callback of the kernel's, in a softirq, by a function's address. What it
 * allocates it forgets.
 */
#include <linux/interrupt.h>
#include <linux/mempool.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/smp.h>
#include <linux/stacktrace.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>

#include <rust_pool/wdm.h>
#include "callers.h"

#define ELEMENTS 4

static PHYSICAL_ADDRESS any = { .QuadPart = -1 };
static DMA_ADAPTER *adapter;

/* Each of these ends in a jump, so that the kernel's mempool is who called. */
static void *pool_element(gfp_t gfp, void *data)
{
	return ExAllocatePoolWithTag(NonPagedPoolNx, 77, 'llaC');
}

static void *contiguous_element(gfp_t gfp, void *data)
{
	return MmAllocateContiguousMemory(5000, any);
}

static void *noncached_element(gfp_t gfp, void *data)
{
	return MmAllocateNonCachedMemory(6000);
}

static void *buffer_element(gfp_t gfp, void *data)
{
	return adapter->DmaOperations->AllocateCommonBuffer(adapter, 7000, data,
							    TRUE);
}

static void keep_element(void *element, void *data)
{
}

/* The routines themselves, by their addresses. */
static void (*free_pool)(PVOID block) = ExFreePool;

static PVOID (*allocate_pool)(POOL_TYPE type, SIZE_T bytes, ULONG tag) =
	ExAllocatePoolWithTag;

static void free_element(void *element, void *data)
{
	READ_ONCE(free_pool)(element);
}

static int fill(mempool_alloc_t *allocate, void *data)
{
	/* It is forgotten with all that is in it. */
	return mempool_create(ELEMENTS, allocate, keep_element, data) ? 0 : -ENOMEM;
}

static noinline int get_adapter(void)
{
	struct pci_dev *edu = pci_get_device(0x1234, 0x11e8, NULL);
	DEVICE_DESCRIPTION description = {
		.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.DmaAddressWidth = 28,
		.MaximumLength = 64 * 1024,
	};

	if (!edu)
		return -ENODEV;
	adapter = IoGetDmaAdapter(&edu->dev, &description, NULL);
	pci_dev_put(edu);
	return adapter ? 0 : -ENOMEM;
}

static PHYSICAL_ADDRESS logical;

static int go_families(void)
{
	return fill(pool_element, NULL) ?: fill(contiguous_element, NULL) ?:
	       fill(noncached_element, NULL);
}

static int go_buffers(void)
{
	return get_adapter() ?: fill(buffer_element, &logical);
}

/* By the exported names, as code that never saw the header. */
static int go_unseen(void)
{
	return fill(unseen_element, NULL);
}

/* Frees by the address of the routine, twice. */
static int go_twice(void)
{
	mempool_t *pool = mempool_create(1, pool_element, free_element, NULL);
	void *element = pool ? mempool_alloc(pool, GFP_KERNEL) : NULL;

	if (!element)
		return -ENOMEM;
	free_element(element, NULL);
	/* As if by the pool, which has one already. */
	free_element(element, NULL);
	mempool_destroy(pool);
	return 0;
}

/* As go_twice(), but it is the kernel that calls the routine; and one block is left. */
static int go_pointers(void)
{
	void *block = READ_ONCE(allocate_pool)(NonPagedPoolNx, 99, 'rtnP');
	unsigned int i;

	if (!block || !READ_ONCE(allocate_pool)(NonPagedPoolNx, 99, 'rtnP'))
		return -ENOMEM;
	for (i = 0; i < 2; i++) {
		smp_call_function_single(get_cpu(), READ_ONCE(free_pool), block, 1);
		put_cpu();
	}
	return 0;
}

static struct timer_list timer;
static struct tasklet_struct tasklet;
static unsigned int ticks;
static void *last;

static noinline void forget_in_softirq(void)
{
	WRITE_ONCE(last, ExAllocatePoolWithTag(NonPagedPoolNx, 100, 'tfoS'));
}

/* One way leads here, unlike to a timer's function, which another CPU may call. */
static void run(struct tasklet_struct *unused)
{
	forget_in_softirq();
	WRITE_ONCE(ticks, ticks - 1);
	if (READ_ONCE(ticks))
		mod_timer(&timer, jiffies + 1);
}

static void tick(struct timer_list *unused)
{
	tasklet_schedule(&tasklet);
}

/* Is interrupted in many a place. */
static int go_softirq(void)
{
	unsigned long end = jiffies + 60 * HZ;

	WRITE_ONCE(ticks, 60);
	tasklet_setup(&tasklet, run);
	timer_setup(&timer, tick, 0);
	mod_timer(&timer, jiffies + 1);
	while (READ_ONCE(ticks) && time_before(jiffies, end)) {
		char text[64];
		void *area = vmalloc(PAGE_SIZE * 4);

		snprintf(text, sizeof(text), "%pS %lu", tick, jiffies);
		vfree(area);
		cond_resched();
	}
	timer_delete_sync(&timer);
	tasklet_kill(&tasklet);
	return READ_ONCE(ticks) ? -ETIMEDOUT : 0;
}

#define STACKS	24
#define FRAMES	8

static unsigned int stacks;
static void *kept[STACKS];

/* Tells where it was called from, as the kernel sees it, and allocates a block. */
static noinline void keep_stack(void)
{
	unsigned long frames[FRAMES];
	unsigned int count, i;
	char text[800];
	int len = 0;

	kept[stacks] = ExAllocatePoolWithTag(NonPagedPoolNx, stacks + 1, 'kcaS');
	stacks++;
	count = stack_trace_save(frames, FRAMES, 0);
	for (i = 1; i < count; i++)
		len += scnprintf(text + len, sizeof(text) - len, " < %pS",
				 (void *)frames[i]);
	pr_info("rp_test_callers: stack %u%s\n", stacks, text);
}

/* Frames of many lengths, so what one left behind lies in another. */
static noinline void deep_stack(unsigned int depth, unsigned int bytes)
{
	char *room = __builtin_alloca(bytes + 1);

	WRITE_ONCE(room[bytes], depth);
	if (depth)
		deep_stack(depth - 1, bytes * 5 % 97);
	else
		keep_stack();
	WRITE_ONCE(room[0], depth);
}

static noinline void wide_stack(unsigned int bytes)
{
	char *room = __builtin_alloca(bytes + 1);

	WRITE_ONCE(room[bytes], 1);
	deep_stack(bytes % 3, bytes);
	WRITE_ONCE(room[0], 1);
}

static void *stack_element(gfp_t gfp, void *data)
{
	keep_stack();
	/* Without memory the pool is not made. */
	return NULL;
}

static void stack_on_cpu(void *unused)
{
	keep_stack();
}

static void free_kept(void)
{
	unsigned int i;

	for (i = 0; i < STACKS; i++) {
		if (kept[i])
			ExFreePoolWithTag(kept[i], 'kcaS');
		kept[i] = NULL;
	}
}

/* By ways of many lengths, over frames that the compiler finds in more than one way. */
static int go_stacks(void)
{
	free_kept();
	for (stacks = 0; stacks < STACKS;) {
		switch (stacks % 6) {
		case 0:
			keep_stack();
			break;
		case 1:
			fill(stack_element, NULL);
			break;
		case 2:
			smp_call_function_single(get_cpu(), stack_on_cpu, NULL, 1);
			put_cpu();
			break;
		case 3:
			wide_stack(stacks * 7);
			break;
		default:
			deep_stack(stacks % 5, stacks * 13);
		}
	}
	return 0;
}

/* What is aligned here is as far below the caller's frame as that happens to be. */
static noinline void aligned_stack(unsigned int length)
{
	char text[64] __aligned(64);

	/* Arguments on the stack: only then the compiler cannot do without that distance. */
	scnprintf(text, sizeof(text), "%u %u %u %u %u", stacks, length, 3, 4, 5);
	keep_stack();
	OPTIMIZER_HIDE_VAR(length);
	WRITE_ONCE(text[0], length);
}

/*
 * A caller with a frame pointer and so many words, all of which are an address that a
 * call returns to.
 */
#define FROM_WORDS(name, count)						\
static noinline __no_stack_protector void name(void)			\
{									\
	unsigned long words[count];					\
	unsigned int i;							\
									\
	for (i = 0; i < (count); i++)					\
		WRITE_ONCE(words[i], _RET_IP_);				\
	barrier_data(__builtin_frame_address(0));			\
	aligned_stack(1);						\
	barrier();							\
}

FROM_WORDS(from_one, 1)
FROM_WORDS(from_two, 2)
FROM_WORDS(from_three, 3)
FROM_WORDS(from_four, 4)

/* The first time and the next, from frames that begin elsewhere. */
static int go_aligned(void)
{
	static void (*const from[])(void) = { from_one, from_two, from_three, from_four };
	static unsigned int begun;
	char *room = __builtin_alloca(begun++ % 2 ? 48 : 32);

	WRITE_ONCE(room[0], 1);
	free_kept();
	for (stacks = 0; stacks < STACKS;)
		from[stacks % ARRAY_SIZE(from)]();
	WRITE_ONCE(room[0], 2);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} acts[] = {
	{ "families", go_families },
	{ "buffers", go_buffers },
	{ "unseen", go_unseen },
	{ "twice", go_twice },
	{ "pointers", go_pointers },
	{ "softirq", go_softirq },
	{ "stacks", go_stacks },
	{ "aligned", go_aligned },
};

/* Not at load, so that a tracer can be put to the module first. */
static int go_set(const char *value, const struct kernel_param *param)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(acts); i++)
		if (sysfs_streq(value, acts[i].name))
			return acts[i].run();
	return -EINVAL;
}

static const struct kernel_param_ops go_ops = { .set = go_set };
module_param_cb(go, &go_ops, NULL, 0200);
MODULE_PARM_DESC(go, "What to do: families, buffers, unseen, twice, pointers, softirq, stacks or aligned");

static int __init callers_init(void)
{
	return 0;
}

static void __exit callers_exit(void)
{
	free_kept();
}

module_init(callers_init);
module_exit(callers_exit);

MODULE_DESCRIPTION("rust_pool selftests: calls that return elsewhere");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
