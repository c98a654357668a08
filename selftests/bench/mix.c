// SPDX-License-Identifier: GPL-2.0
/*
 * Memory really taken for each byte asked for.
 *
 * 20,000 live blocks of log-uniform sizes from 16 bytes to 16 KiB; then 200,000
 * times one of them is freed and another made. The fall of free pages since
 * before the first is what they take. On a machine with several processors the
 * work goes from one to the next all the time, so what is kept for each of them
 * is in it.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "pool.h"

#define BLOCKS		20000
#define STEPS		200000
#define OCTAVES		10
#define TAGS		16
#define STEPS_A_CPU	100
#define SEED		0x5eed0f9001U
/* Of each size on each processor, so often; the sizes are of all classes. */
#define BURST		100
#define BURSTS		3
#define APART		16
#define LARGEST		4096

struct rpb_block {
	void *address;
	u32 size;
	u32 tag;
};

struct rpb_mix {
	const struct rpb_allocator *allocator;
	struct rpb_random random;
	struct rpb_block *blocks;
	u64 asked;
};

static int rpb_make(struct rpb_mix *mix, struct rpb_block *block)
{
	block->size = rpb_random_size(&mix->random, OCTAVES);
	block->tag = RPB_TAG + (rpb_random(&mix->random) % TAGS << 24);
	block->address = mix->allocator->alloc(block->size, block->tag);
	if (!block->address)
		return -ENOMEM;
	mix->asked += block->size;
	return 0;
}

static void rpb_free(struct rpb_mix *mix, struct rpb_block *block)
{
	if (!block->address)
		return;
	mix->allocator->free(block->address, block->tag);
	mix->asked -= block->size;
	block->address = NULL;
}

static int rpb_fill(struct rpb_mix *mix)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < BLOCKS; i++)
		err = rpb_make(mix, &mix->blocks[i]);
	return err;
}

static int rpb_churn(struct rpb_mix *mix)
{
	int cpu = cpumask_first(cpu_online_mask), err = 0;
	struct rpb_block *block;
	unsigned int step;

	for (step = 0; !err && step < STEPS; step++) {
		if (step % STEPS_A_CPU == 0) {
			cpu = cpumask_next_wrap(cpu, cpu_online_mask);
			err = set_cpus_allowed_ptr(current, cpumask_of(cpu));
			if (err)
				break;
			cond_resched();
		}
		block = &mix->blocks[rpb_random(&mix->random) % BLOCKS];
		rpb_free(mix, block);
		err = rpb_make(mix, block);
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	return err;
}

static void rpb_took(struct seq_file *m, struct rpb_mix *mix, const char *when,
		     unsigned long before)
{
	const char *side = mix->allocator->name;

	rpb_sample(m, "taken", when, side, "%lu",
		   (before - rpb_free_pages()) * PAGE_SIZE);
	rpb_sample(m, "asked", when, side, "%llu", mix->asked);
}

static int rpb_mix(struct seq_file *m, const struct rpb_allocator *allocator,
		   struct rpb_block *blocks)
{
	struct rpb_mix mix = {
		.allocator = allocator,
		.random.state = SEED,
		.blocks = blocks,
	};
	unsigned long before;
	unsigned int i;
	int err;

	memset(blocks, 0, BLOCKS * sizeof(*blocks));
	before = rpb_free_pages();
	err = rpb_fill(&mix);
	if (!err) {
		rpb_took(m, &mix, "filled", before);
		err = rpb_churn(&mix);
	}
	if (!err)
		rpb_took(m, &mix, "churned", before);
	for (i = 0; i < BLOCKS; i++)
		rpb_free(&mix, &blocks[i]);
	return err;
}

static int rpb_show(struct seq_file *m, const struct rpb_allocator *allocator,
		    int (*measure)(struct seq_file *m, const struct rpb_allocator *allocator,
				   struct rpb_block *blocks))
{
	struct rpb_block *blocks;
	int err;

	blocks = kvmalloc_array(BLOCKS + BURST, sizeof(*blocks), GFP_KERNEL);
	if (!blocks)
		return -ENOMEM;
	err = measure(m, allocator, blocks);
	kvfree(blocks);
	return err;
}

/* Uses the places of @blocks. */
static int rpb_bursts_of(const struct rpb_allocator *a, struct rpb_block *blocks,
			 size_t size)
{
	unsigned int burst, i;
	int err = 0;

	for (burst = 0; !err && burst < BURSTS; burst++) {
		for (i = 0; i < BURST; i++) {
			blocks[i].address = a->alloc(size, RPB_TAG);
			if (!blocks[i].address)
				err = -ENOMEM;
		}
		for (i = 0; i < BURST; i++)
			if (blocks[i].address)
				a->free(blocks[i].address, RPB_TAG);
	}
	cond_resched();
	return err;
}

/*
 * What the blocks take, then bursts of every class on every processor, and what they
 * take a second later.
 */
static int rpb_after(struct seq_file *m, const struct rpb_allocator *allocator,
		     struct rpb_block *blocks)
{
	struct rpb_mix mix = {
		.allocator = allocator,
		.random.state = SEED,
		.blocks = blocks,
	};
	unsigned long before;
	unsigned int i, cpu;
	size_t size;
	int err;

	memset(blocks, 0, (BLOCKS + BURST) * sizeof(*blocks));
	before = rpb_free_pages();
	err = rpb_fill(&mix);
	if (!err)
		rpb_took(m, &mix, "unburst", before);
	for_each_online_cpu(cpu) {
		if (!err)
			err = set_cpus_allowed_ptr(current, cpumask_of(cpu));
		for (size = APART; !err && size <= LARGEST; size += APART)
			err = rpb_bursts_of(allocator, blocks + BLOCKS, size);
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	if (!err) {
		rpb_took(m, &mix, "burst", before);
		msleep(1000);
		rpb_took(m, &mix, "second", before);
	}
	for (i = 0; i < BLOCKS; i++)
		rpb_free(&mix, &blocks[i]);
	return err;
}

int rpb_show_mix(struct seq_file *m)
{
	return rpb_show(m, &rpb_allocators[0], rpb_mix);
}

int rpb_show_mix_kmalloc(struct seq_file *m)
{
	return rpb_show(m, &rpb_allocators[1], rpb_mix);
}

int rpb_show_after(struct seq_file *m)
{
	return rpb_show(m, &rpb_allocators[0], rpb_after);
}

int rpb_show_after_kmalloc(struct seq_file *m)
{
	return rpb_show(m, &rpb_allocators[1], rpb_after);
}
