// SPDX-License-Identifier: GPL-2.0
/*
 * Pairs a second with 1, 2 and 8 processors at once.
 *
 * Each worker either frees what it allocated, or hands it to the worker of the
 * next processor and frees what the one before handed to it. The two allocators
 * take turns of a few milliseconds: what else the host does then hinders both
 * alike.
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
/* Of one allocator, in a round; and how long each is. */
#define SLICES		8
#define SLICE_US	8000
#define WORKERS		8
/* About what can be handed over in a slice, so that a worker seldom waits. */
#define SLOTS		8192
/* What a worker does between two looks at whether it shall stop. */
#define TURNS		64

/* One writes, another reads; each has a counter of its own. */
struct rpb_ring {
	struct rpb_block {
		void *address;
		unsigned int side;
	} slots[SLOTS];
	unsigned int put ____cacheline_aligned;
	unsigned int got ____cacheline_aligned;
};

struct rpb_worker {
	struct rpb_ring *out, *in;
	struct task_struct *task;
	/* Allocations and frees of each, in its slices. */
	u64 calls[2];
	int err;
} ____cacheline_aligned;

static struct rpb_ring rpb_rings[WORKERS];
static struct rpb_worker rpb_workers[WORKERS];
/* Whose turn it is; NOBODY: what was handed over is freed, and no more made. */
#define NOBODY	2
static unsigned int rpb_side;
static bool rpb_go, rpb_stop;

static const unsigned short rpb_sizes[] = { 16, 24, 32, 48, 64, 96, 128, 192,
	256, 384, 512, 768, 1024, 1536, 2048, 3072 };

static void *rpb_make(struct rpb_worker *worker, unsigned int side,
		      unsigned int turn)
{
	size_t size = rpb_sizes[turn % ARRAY_SIZE(rpb_sizes)];
	void *block = rpb_allocators[side].alloc(size, RPB_TAG);

	if (block)
		worker->calls[side]++;
	else
		worker->err = -ENOMEM;
	return block;
}

/* @now: whose turn it is. */
static void rpb_unmake(struct rpb_worker *worker, unsigned int now,
		       unsigned int side, void *block)
{
	rpb_allocators[side].free(block, RPB_TAG);
	if (side == now)
		worker->calls[side]++;
}

static bool rpb_put(struct rpb_worker *worker, unsigned int side,
		    unsigned int turn)
{
	struct rpb_ring *ring = worker->out;
	unsigned int put = ring->put;
	void *block;

	/* Pairs with the release in rpb_get(): the slot was read. */
	if (put - smp_load_acquire(&ring->got) == SLOTS)
		return false;
	block = rpb_make(worker, side, turn);
	if (!block)
		return false;
	ring->slots[put % SLOTS] = (struct rpb_block) { block, side };
	/* Pairs with the acquire in rpb_get(): the slot is written. */
	smp_store_release(&ring->put, put + 1);
	return true;
}

static bool rpb_get(struct rpb_worker *worker, unsigned int now)
{
	struct rpb_ring *ring = worker->in;
	unsigned int got = ring->got;
	struct rpb_block block;

	/* Pairs with the release in rpb_put(). */
	if (got == smp_load_acquire(&ring->put))
		return false;
	block = ring->slots[got % SLOTS];
	/* Pairs with the acquire in rpb_put(). */
	smp_store_release(&ring->got, got + 1);
	rpb_unmake(worker, now, block.side, block.address);
	return true;
}

static void rpb_own_pairs(struct rpb_worker *worker, unsigned int side)
{
	unsigned int turn;
	void *block;

	for (turn = 0; side != NOBODY && turn < TURNS; turn++) {
		block = rpb_make(worker, side, turn);
		if (!block)
			return;
		rpb_unmake(worker, side, side, block);
	}
}

static void rpb_handed_pairs(struct rpb_worker *worker, unsigned int side)
{
	unsigned int put = 0, got = 0;

	while (side != NOBODY && put < TURNS && rpb_put(worker, side, put))
		put++;
	while (got < TURNS && rpb_get(worker, side))
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
			rpb_handed_pairs(worker, READ_ONCE(rpb_side));
		else
			rpb_own_pairs(worker, READ_ONCE(rpb_side));
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

static int rpb_start_all(unsigned int count, bool handed, unsigned int *started)
{
	int cpu = -1, err = 0;
	unsigned int i;

	rpb_go = false;
	rpb_stop = false;
	for (i = 0; i < count; i++) {
		memset(&rpb_rings[i], 0, sizeof(rpb_rings[i]));
		rpb_workers[i] = (struct rpb_worker) {
			.out = handed ? &rpb_rings[(i + 1) % count] : NULL,
			.in = handed ? &rpb_rings[i] : NULL,
		};
	}
	for (*started = 0; *started < count; ++*started) {
		cpu = cpumask_next(cpu, cpu_online_mask);
		err = rpb_start(&rpb_workers[*started], cpu);
		if (err)
			break;
	}
	return err;
}

/* True as well if a worker gave up, for then its ring is never empty. */
static bool rpb_drained(unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (READ_ONCE(rpb_workers[i].err))
			return true;
	}
	for (i = 0; i < count; i++) {
		if (READ_ONCE(rpb_rings[i].got) != READ_ONCE(rpb_rings[i].put))
			return false;
	}
	return true;
}

/*
 * Gives both their slices, the first of two in turn; how long each had. What one
 * has in the rings then is freed before the other's turn, and not counted.
 */
static void rpb_take_turns(unsigned int count, bool handed, u64 took[2])
{
	unsigned int slice, side;
	ktime_t start;

	for (slice = 0; slice < 2 * SLICES; slice++) {
		side = (slice + slice / 2) % 2;
		start = ktime_get();
		WRITE_ONCE(rpb_side, side);
		WRITE_ONCE(rpb_go, true);
		usleep_range(SLICE_US, SLICE_US + 500);
		WRITE_ONCE(rpb_side, NOBODY);
		took[side] += ktime_us_delta(ktime_get(), start);
		while (handed && !rpb_drained(count))
			usleep_range(100, 200);
	}
}

/* Pairs a second of @count workers, of each of the two. */
static int rpb_run(unsigned int count, bool handed, u64 rates[2])
{
	u64 took[2] = {}, calls[2] = {};
	unsigned int i, started;
	int err, status;

	err = rpb_start_all(count, handed, &started);
	if (!err)
		rpb_take_turns(count, handed, took);
	WRITE_ONCE(rpb_go, true);
	WRITE_ONCE(rpb_stop, true);
	for (i = 0; i < started; i++) {
		status = kthread_stop(rpb_workers[i].task);
		err = err ?: status;
		calls[0] += rpb_workers[i].calls[0];
		calls[1] += rpb_workers[i].calls[1];
	}
	for (i = 0; handed && i < count; i++) {
		while (rpb_get(&rpb_workers[i], NOBODY))
			;
	}
	for (i = 0; !err && i < 2; i++)
		rates[i] = div64_u64(calls[i] / 2 * USEC_PER_SEC, took[i]);
	return err;
}

static int rpb_round(struct seq_file *m, bool handed)
{
	static const unsigned int counts[] = { 1, 2, 8 };
	char variant[16];
	unsigned int n, side;
	u64 rates[2];
	int err;

	for (n = 0; n < ARRAY_SIZE(counts); n++) {
		err = rpb_run(counts[n], handed, rates);
		if (err)
			return err;
		snprintf(variant, sizeof(variant), "%s/%u",
			 handed ? "handed" : "own", counts[n]);
		for (side = 0; side < 2; side++)
			rpb_sample(m, "rate", variant,
				   rpb_allocators[side].name, "%llu",
				   rates[side]);
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
		err = rpb_round(m, false) ?: rpb_round(m, true);
	return err;
}
