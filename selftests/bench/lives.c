// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks that live for a while, as those of drivers do: in rings, and for random
 * times; and the first block of each size. Instructions of one step, counted with
 * interrupts off; what is random is drawn before.
 */
#include <linux/compiler.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include <asm/msr.h>

#include "inline.h"
#include "pool.h"

/* Blocks that live at once, at most. */
#define LIVE	20000
/* Steps of a round, and counted rounds. */
#define STEPS	500
#define ROUNDS	9
/* A ring has at most so many places, a power of two. */
#define PLACES	2048
/* Of a ring, in a round. */
#define TURNS	512

struct rpb_life {
	void *block;
	u32 size;
};

/* A step: whose life ends, and how long the next block is. */
struct rpb_step {
	struct rpb_life *life;
	u32 size;
};

struct rpb_lives {
	struct rpb_life lives[LIVE];
	struct rpb_step steps[STEPS];
	void *ring[PLACES];
};

/* Instructions of all steps; 0 without memory. */
static __always_inline u64 rpb_live(struct rpb_step *steps,
				    void *(*alloc)(unsigned long size),
				    void (*release)(void *block))
{
	unsigned long flags;
	unsigned int i;
	u64 start, cost;

	local_irq_save(flags);
	start = rdtsc();
	for (i = 0; i < STEPS; i++) {
		struct rpb_life *life = steps[i].life;

		release(life->block);
		life->size = steps[i].size;
		life->block = alloc(life->size);
		if (unlikely(!life->block))
			break;
	}
	cost = rdtsc() - start;
	local_irq_restore(flags);
	return i == STEPS ? cost : 0;
}

static noinline u64 rpb_pool_live(struct rpb_step *steps)
{
	return rpb_live(steps, rpb_pool_alloc, rpb_pool_free);
}

static noinline u64 rpb_kmalloc_live(struct rpb_step *steps)
{
	return rpb_live(steps, rpb_kmalloc_alloc, rpb_kmalloc_free);
}

/* @count blocks of random sizes of so many octaves. */
static int rpb_random_lives(struct seq_file *m, struct rpb_lives *all,
			    unsigned int count, unsigned int octaves,
			    unsigned int side)
{
	const struct rpb_allocator *a = &rpb_allocators[side];
	struct rpb_random random = { .state = 0x5eed0f9003U };
	/* So often that each block was replaced twice. */
	unsigned int warm = max(2 * count / STEPS, 4U);
	unsigned int i, made, round;
	char variant[24];
	int err = 0;
	u64 cost;

	snprintf(variant, sizeof(variant), "%u", count);
	for (made = 0; made < count; made++) {
		all->lives[made].size = rpb_random_size(&random, octaves);
		all->lives[made].block = a->alloc(all->lives[made].size, RPB_TAG);
		if (!all->lives[made].block) {
			err = -ENOMEM;
			break;
		}
	}
	for (round = 0; !err && round < warm + ROUNDS; round++) {
		for (i = 0; i < STEPS; i++) {
			all->steps[i].life = &all->lives[rpb_random(&random) % count];
			all->steps[i].size = rpb_random_size(&random, octaves);
		}
		cost = side ? rpb_kmalloc_live(all->steps) :
			      rpb_pool_live(all->steps);
		if (!cost)
			err = -ENOMEM;
		else if (round >= warm)
			rpb_sample(m, octaves == 7 ? "lives-2K" : "lives-16K",
				   variant, a->name, "%llu.%02llu",
				   cost / STEPS, cost * 100 / STEPS % 100);
		cond_resched();
	}
	for (i = 0; i < made; i++)
		if (all->lives[i].block)
			a->free(all->lives[i].block, RPB_TAG);
	memset(all->lives, 0, sizeof(all->lives));
	return err;
}

/* 64 blocks are made, then as many of the oldest are freed. */
static __always_inline u64 rpb_ring(void **ring, unsigned int depth,
				    unsigned int *oldest, unsigned long size,
				    void *(*alloc)(unsigned long size),
				    void (*release)(void *block))
{
	unsigned int turn, i, at = *oldest;
	unsigned long flags;
	u64 start, cost;

	local_irq_save(flags);
	start = rdtsc();
	for (turn = 0; turn < TURNS; turn += 64) {
		for (i = 0; i < 64; i++)
			ring[(at + depth + i) % PLACES] = alloc(size);
		for (i = 0; i < 64; i++)
			release(ring[(at + i) % PLACES]);
		at += 64;
	}
	cost = rdtsc() - start;
	local_irq_restore(flags);
	*oldest = at;
	return cost;
}

static noinline u64 rpb_pool_ring(void **ring, unsigned int depth,
				  unsigned int *oldest, unsigned long size)
{
	return rpb_ring(ring, depth, oldest, size, rpb_pool_alloc,
			rpb_pool_free);
}

static noinline u64 rpb_kmalloc_ring(void **ring, unsigned int depth,
				     unsigned int *oldest, unsigned long size)
{
	return rpb_ring(ring, depth, oldest, size, rpb_kmalloc_alloc,
			rpb_kmalloc_free);
}

static void rpb_one_ring(struct seq_file *m, struct rpb_lives *all,
			 unsigned int depth, unsigned long size,
			 unsigned int side)
{
	const struct rpb_allocator *a = &rpb_allocators[side];
	unsigned int round, i, oldest = 0;
	char measure[24], variant[24];
	u64 cost;

	snprintf(measure, sizeof(measure), "ring-%u", depth);
	snprintf(variant, sizeof(variant), "%lu", size);
	for (i = 0; i < depth; i++)
		all->ring[i] = a->alloc(size, RPB_TAG);
	for (round = 0; round < 2 + ROUNDS; round++) {
		cost = side ?
		       rpb_kmalloc_ring(all->ring, depth, &oldest, size) :
		       rpb_pool_ring(all->ring, depth, &oldest, size);
		if (round >= 2)
			rpb_sample(m, measure, variant, a->name, "%llu.%02llu",
				   cost / TURNS, cost * 100 / TURNS % 100);
		cond_resched();
	}
	for (i = 0; i < depth; i++)
		if (all->ring[(oldest + i) % PLACES])
			a->free(all->ring[(oldest + i) % PLACES], RPB_TAG);
}

/*
 * Lets the kernel's lists of this CPU have pages and small objects, for both
 * sides. Else it depends on what ran before which side fills them.
 */
static void rpb_fill_lists(struct rpb_lives *all)
{
	unsigned int i, size;

	for (i = 0; i < 256; i++)
		all->ring[i] = (void *)__get_free_page(GFP_KERNEL);
	for (i = 0; i < 256; i++)
		free_page((unsigned long)all->ring[i]);
	for (size = 16; size <= 256; size += 16) {
		for (i = 0; i < 64; i++)
			all->ring[i] = kmalloc(size, GFP_KERNEL);
		for (i = 0; i < 64; i++)
			kfree(all->ring[i]);
	}
}

/* One block of each of 60 sizes, up to about 4 KiB, that nobody asked for before. */
static int rpb_first_touch(struct seq_file *m, struct rpb_lives *all,
			   unsigned int side)
{
	const struct rpb_allocator *a = &rpb_allocators[side];
	unsigned int i, made = 0;
	unsigned long flags;
	u64 start, sum = 0;

	rpb_fill_lists(all);
	for (i = 0; i < 60; i++) {
		unsigned long size = 16 + i * 68;

		local_irq_save(flags);
		start = rdtsc();
		all->ring[i] = side ? rpb_kmalloc_alloc(size) :
				      rpb_pool_alloc(size);
		/* The very first has to make the tag's row. */
		if (i)
			sum += rdtsc() - start;
		local_irq_restore(flags);
		made += !!all->ring[i];
	}
	rpb_sample(m, "first", "60", a->name, "%llu", sum / 59);
	for (i = 0; i < 60; i++)
		if (all->ring[i])
			a->free(all->ring[i], RPB_TAG);
	return made == 60 ? 0 : -ENOMEM;
}

static int rpb_all_lives(struct seq_file *m, struct rpb_lives *all)
{
	static const unsigned int counts[] = { 256, 4096, LIVE };
	unsigned int i, side;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		for (side = 0; !err && side < 2; side++)
			err = rpb_random_lives(m, all, counts[i], 7, side);
		for (side = 0; !err && side < 2; side++)
			err = rpb_random_lives(m, all, counts[i], 10, side);
	}
	return err;
}

static int rpb_all_rings(struct seq_file *m, struct rpb_lives *all)
{
	static const unsigned int depths[] = { 64, 256, 1024 };
	static const unsigned long sizes[] = { 64, 256, 1024, 2048 };
	unsigned int i, j, side;

	for (i = 0; i < ARRAY_SIZE(depths); i++)
		for (j = 0; j < ARRAY_SIZE(sizes); j++)
			for (side = 0; side < 2; side++)
				rpb_one_ring(m, all, depths[i], sizes[j], side);
	return 0;
}

static int rpb_all_first(struct seq_file *m, struct rpb_lives *all)
{
	int err = rpb_first_touch(m, all, 0);

	return err ?: rpb_first_touch(m, all, 1);
}

static int rpb_with_lives(struct seq_file *m,
			  int (*measure)(struct seq_file *m,
					 struct rpb_lives *all))
{
	struct rpb_lives *all;
	int err = rpb_need_icount();

	if (err)
		return err;
	all = kvzalloc_obj(*all);
	if (!all)
		return -ENOMEM;
	err = measure(m, all);
	kvfree(all);
	return err;
}

int rpb_show_lives(struct seq_file *m)
{
	return rpb_with_lives(m, rpb_all_lives);
}

int rpb_show_rings(struct seq_file *m)
{
	return rpb_with_lives(m, rpb_all_rings);
}

int rpb_show_first(struct seq_file *m)
{
	return rpb_with_lives(m, rpb_all_first);
}
