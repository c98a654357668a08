// SPDX-License-Identifier: GPL-2.0
/*
 * Pairs a second with 1, 2 and 8 processors at once.
 *
 * Each worker either frees what it allocated, or hands it to the worker of the
 * next processor and frees what the one before handed to it.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>

#include "pool.h"

#define ROUNDS		15
#define MILLISECONDS	100
#define WORKERS		8
#define SLOTS		8192
/* What a worker does between two looks at whether it shall stop. */
#define TURNS		64

/* One writes, another reads; each has a counter of its own. */
struct rpb_ring {
	void *slots[SLOTS];
	unsigned int put ____cacheline_aligned;
	unsigned int got ____cacheline_aligned;
};

struct rpb_worker {
	const struct rpb_allocator *allocator;
	struct rpb_ring *out, *in;
	struct task_struct *task;
	u64 pairs;
	int err;
} ____cacheline_aligned;

static struct rpb_ring rpb_rings[WORKERS];
static struct rpb_worker rpb_workers[WORKERS];
static bool rpb_go, rpb_stop;

static const unsigned short rpb_sizes[] = { 16, 24, 32, 48, 64, 96, 128, 192,
	256, 384, 512, 768, 1024, 1536, 2048, 3072 };

static void *rpb_make(struct rpb_worker *worker, unsigned int turn)
{
	void *block;

	block = worker->allocator->alloc(rpb_sizes[turn % ARRAY_SIZE(rpb_sizes)],
					 RPB_TAG);
	if (!block)
		worker->err = -ENOMEM;
	return block;
}

static bool rpb_put(struct rpb_worker *worker, unsigned int turn)
{
	struct rpb_ring *ring = worker->out;
	unsigned int put = ring->put;
	void *block;

	/* Pairs with the release in rpb_get(): the slot was read. */
	if (put - smp_load_acquire(&ring->got) == SLOTS)
		return false;
	block = rpb_make(worker, turn);
	if (!block)
		return false;
	ring->slots[put % SLOTS] = block;
	/* Pairs with the acquire in rpb_get(): the slot is written. */
	smp_store_release(&ring->put, put + 1);
	return true;
}

static bool rpb_get(struct rpb_worker *worker)
{
	struct rpb_ring *ring = worker->in;
	unsigned int got = ring->got;
	void *block;

	/* Pairs with the release in rpb_put(). */
	if (got == smp_load_acquire(&ring->put))
		return false;
	block = ring->slots[got % SLOTS];
	/* Pairs with the acquire in rpb_put(). */
	smp_store_release(&ring->got, got + 1);
	worker->allocator->free(block, RPB_TAG);
	worker->pairs++;
	return true;
}

static void rpb_own_pairs(struct rpb_worker *worker)
{
	unsigned int turn;
	void *block;

	for (turn = 0; turn < TURNS; turn++) {
		block = rpb_make(worker, turn);
		if (!block)
			return;
		worker->allocator->free(block, RPB_TAG);
		worker->pairs++;
	}
}

static void rpb_handed_pairs(struct rpb_worker *worker)
{
	unsigned int put = 0, got = 0;

	while (put < TURNS && rpb_put(worker, put))
		put++;
	while (got < TURNS && rpb_get(worker))
		got++;
	if (!put && !got)
		cpu_relax();
}

static int rpb_work(void *arg)
{
	struct rpb_worker *worker = arg;

	while (!READ_ONCE(rpb_go))
		cond_resched();
	while (!READ_ONCE(rpb_stop) && !worker->err) {
		if (worker->out)
			rpb_handed_pairs(worker);
		else
			rpb_own_pairs(worker);
		cond_resched();
	}
	/* It is stopped by the one who started it, and may not go before. */
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return worker->err;
}

static int rpb_start(struct rpb_worker *worker, int cpu)
{
	struct task_struct *task;

	task = kthread_create(rpb_work, worker, "rp_bench/%d", cpu);
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, cpu);
	worker->task = task;
	wake_up_process(task);
	return 0;
}

/* Pairs a second of @count workers, or a negative errno. */
static s64 rpb_run(const struct rpb_allocator *allocator, unsigned int count,
		   bool handed)
{
	unsigned int i;
	int cpu = -1, err = 0, status;
	ktime_t start;
	s64 took = 0;
	u64 pairs = 0;

	rpb_go = false;
	rpb_stop = false;
	for (i = 0; !err && i < count; i++) {
		cpu = cpumask_next(cpu, cpu_online_mask);
		memset(&rpb_rings[i], 0, sizeof(rpb_rings[i]));
		rpb_workers[i] = (struct rpb_worker) {
			.allocator = allocator,
			.out = handed ? &rpb_rings[(i + 1) % count] : NULL,
			.in = handed ? &rpb_rings[i] : NULL,
		};
		err = rpb_start(&rpb_workers[i], cpu);
	}
	if (err)
		count = i - 1;
	start = ktime_get();
	WRITE_ONCE(rpb_go, true);
	if (!err)
		msleep(MILLISECONDS);
	took = ktime_to_us(ktime_sub(ktime_get(), start));
	WRITE_ONCE(rpb_stop, true);
	for (i = 0; i < count; i++) {
		status = kthread_stop(rpb_workers[i].task);
		err = err ?: status;
		pairs += rpb_workers[i].pairs;
	}
	for (i = 0; handed && i < count; i++) {
		while (rpb_get(&rpb_workers[i]))
			;
	}
	return err ?: div64_s64(pairs * USEC_PER_SEC, took);
}

/* All that are compared with each other, as close together in time as can be. */
static int rpb_turn(struct seq_file *m, unsigned int round, bool handed)
{
	static const unsigned int counts[] = { 1, 2, 8 };
	const struct rpb_allocator *allocator;
	char variant[16];
	unsigned int n, side;
	s64 rate;

	for (n = 0; n < ARRAY_SIZE(counts); n++) {
		for (side = 0; side < 2; side++) {
			/* Neither is always the first. */
			allocator = &rpb_allocators[(side + round) % 2];
			rate = rpb_run(allocator, counts[n], handed);
			if (rate < 0)
				return rate;
			snprintf(variant, sizeof(variant), "%s/%u",
				 handed ? "handed" : "own", counts[n]);
			rpb_sample(m, "rate", variant, allocator->name, "%lld",
				   rate);
		}
	}
	return 0;
}

int rpb_show_throughput(struct seq_file *m)
{
	unsigned int round;
	int err = 0;

	if (num_online_cpus() < WORKERS) {
		pr_err("rp_bench: throughput needs %u processors\n", WORKERS);
		return -EOPNOTSUPP;
	}
	for (round = 0; !err && round < ROUNDS; round++)
		err = rpb_turn(m, round, false) ?: rpb_turn(m, round, true);
	return err;
}
