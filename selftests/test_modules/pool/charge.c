// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks for pool_quota.sh, allocated and freed by the process that writes to a parameter:
 *
 *   take: "HOW COUNT BYTES" allocates so many blocks, in addition to those there are. HOW is
 *         q with quota, d with quota and with preemption disabled, p without quota. It ends
 *         with the first request that is refused.
 *   give: frees all of them.
 *   refused: whether a request of the last "take" was refused.
 *   others: whether a block without quota could be had then, all the same.
 *
 * What is refused, is so at a limit. The process itself needs memory there to go on, and would
 * be killed. So a megabyte of blocks is freed then.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sizes.h>
#include <rust_pool/wdm.h>

#define TAG	('UtsT')
#define MOST	20000

static void *blocks[MOST];
static unsigned int count;
static bool refused, others;
static DEFINE_MUTEX(lock);

static void *allocate(char how, size_t bytes)
{
	void *block;

	switch (how) {
	case 'q':
		return ExAllocatePoolWithQuotaTag(PagedPool, bytes, TAG);
	case 'd':
		preempt_disable();
		block = ExAllocatePool2(POOL_FLAG_NON_PAGED |
					POOL_FLAG_USE_QUOTA |
					POOL_FLAG_UNINITIALIZED, bytes, TAG);
		preempt_enable();
		return block;
	default:
		return ExAllocatePoolWithTag(PagedPool, bytes, TAG);
	}
}

/* At a limit: is there memory for others? */
static void meet_limit(size_t bytes)
{
	void *other = allocate('p', bytes);
	size_t room;

	refused = true;
	others = other;
	if (other)
		ExFreePoolWithTag(other, TAG);
	for (room = 0; count && room < SZ_1M; room += bytes)
		ExFreePoolWithTag(blocks[--count], TAG);
}

static int take(const char *value, const struct kernel_param *param)
{
	unsigned int number;
	size_t bytes;
	char how;

	if (sscanf(value, "%c %u %zu", &how, &number, &bytes) != 3)
		return -EINVAL;
	mutex_lock(&lock);
	refused = false;
	while (number-- && count < MOST && !refused) {
		blocks[count] = allocate(how, bytes);
		if (blocks[count])
			count++;
		else
			meet_limit(bytes);
	}
	mutex_unlock(&lock);
	return 0;
}

static void give_all(void)
{
	mutex_lock(&lock);
	while (count)
		ExFreePoolWithTag(blocks[--count], TAG);
	mutex_unlock(&lock);
}

static int give(const char *value, const struct kernel_param *param)
{
	give_all();
	return 0;
}

static const struct kernel_param_ops take_ops = { .set = take };
static const struct kernel_param_ops give_ops = { .set = give };

module_param_cb(take, &take_ops, NULL, 0200);
module_param_cb(give, &give_ops, NULL, 0200);
module_param(refused, bool, 0400);
module_param(others, bool, 0400);

static int __init charge_init(void)
{
	return 0;
}

static void __exit charge_exit(void)
{
	give_all();
}

module_init(charge_init);
module_exit(charge_exit);

MODULE_DESCRIPTION("rust_pool selftests: blocks that are charged to a process");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
