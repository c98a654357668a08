// SPDX-License-Identifier: GPL-2.0
/*
 * The model test's rounds: who runs where, for how long, and the cases.
 */
#include <linux/cpumask.h>
#include <linux/dma-mapping.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "edu.h"
#include "model.h"

/* Operations of an actor in a round, and in softirq at a stretch. */
#define ROUND	(IS_ENABLED(CONFIG_KASAN) ? 256 : 8192)
#define STRETCH	64

static unsigned int seconds = 25;
module_param(seconds, uint, 0400);
MODULE_PARM_DESC(seconds, "How long the random operations go on");

static unsigned int seed;
module_param(seed, uint, 0400);
MODULE_PARM_DESC(seed, "Of the random numbers; 0: another one each time");

static struct pci_dev *edu;

static void rest(struct actor *a)
{
	if (atomic_dec_and_test(&a->model->running))
		complete(&a->model->rest);
}

static int run_in_task(void *data)
{
	struct actor *a = data;

	for (;;) {
		wait_for_completion(&a->go);
		if (a->model->stop)
			break;
		while (a->left--) {
			actor_step(a);
			cond_resched();
		}
		rest(a);
	}
	rest(a);
	return 0;
}

static void run_in_softirq(struct work_struct *work)
{
	struct actor *a = container_of(work, struct actor, work);
	unsigned int i;

	for (i = 0; i < STRETCH && a->left; i++, a->left--)
		actor_step(a);
	if (a->left)
		queue_work_on(a->cpu, system_bh_wq, work);
	else
		rest(a);
}

/* Who reads meanwhile must not disturb them. */
static void read_file(struct rpt *t, unsigned int number)
{
	static const char * const files[] = {
		"tags", "contiguous", "noncached", "adapters", "violations",
		"mdl_pages", "io_space", "memory",
	};

	rpt_text_free(rpt_text(t, files[number % ARRAY_SIZE(files)]));
}

static void run_here(struct rpt *t, struct actor *a)
{
	while (a->left--) {
		actor_step(a);
		cond_resched();
		if (!(a->left % 2048))
			read_file(t, a->left / 2048);
	}
	rest(a);
}

static void start(struct actor *a)
{
	if (a->softirq)
		queue_work_on(a->cpu, system_bh_wq, &a->work);
	else if (!a->process)
		complete(&a->go);
}

/* All actors do so many operations; returns when they are at rest. */
static void run_round(struct rpt *t, struct model *m, u64 operations)
{
	u64 begin = ktime_get_ns();
	unsigned int i;

	reinit_completion(&m->rest);
	atomic_set(&m->running, m->count);
	for (i = 0; i < m->count; i++) {
		struct actor *a = m->actors[i];

		a->left = operations;
		a->bad_count = 0;
		a->bad_left = min((BAD_ALL - GONE_ALL) / m->count,
				  BAD_MAX - GONE_MAX);
	}
	for (i = 0; i < m->count; i++)
		start(m->actors[i]);
	run_here(t, m->actors[m->count - 1]);
	while (!wait_for_completion_timeout(&m->rest, HZ / 5))
		read_file(t, i++);
	m->ns += ktime_get_ns() - begin;
}

static struct actor *make_actor(struct model *m, unsigned int number, u32 from)
{
	struct actor *a = kvzalloc(sizeof(*a), GFP_KERNEL);
	struct task_struct *task;

	if (!a)
		return NULL;
	a->model = m;
	a->number = number;
	a->process = number == 2 * num_online_cpus();
	a->softirq = number & 1;
	prandom_seed_state(&a->rnd, (u64)from << 16 | number);
	spin_lock_init(&a->lock);
	init_completion(&a->go);
	INIT_WORK(&a->work, run_in_softirq);
	if (a->process)
		return a;
	a->cpu = cpumask_nth(number / 2, cpu_online_mask);
	if (a->softirq)
		return a;
	task = kthread_create(run_in_task, a, "rpt_model/%u", number);
	if (IS_ERR(task)) {
		kvfree(a);
		return NULL;
	}
	kthread_bind(task, a->cpu);
	wake_up_process(task);
	return a;
}

static bool make_model(struct rpt *t, struct model *m, u32 from)
{
	DEVICE_DESCRIPTION d = {
		.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.ScatterGather = TRUE,
		.InterfaceType = PCIBus,
		.DmaAddressWidth = 32,
		.MaximumLength = SZ_64K,
	};
	unsigned int want = 2 * num_online_cpus() + 1;
	ULONG registers;

	init_completion(&m->rest);
	prandom_seed_state(&m->rnd, (u64)from << 16 | 0xffff);
	lists_begin(t, m);
	if (!EXPECT(t, devices_begin(m)))
		return false;
	m->edu = edu;
	if (edu) {
		m->adapter = IoGetDmaAdapter(&edu->dev, &d, &registers);
		EXPECT(t, m->adapter);
	}
	m->actors = kcalloc(want, sizeof(*m->actors), GFP_KERNEL);
	while (m->actors && m->count < want) {
		struct actor *a = make_actor(m, m->count, from);

		if (!a)
			break;
		m->actors[m->count++] = a;
	}
	return EXPECT_EQ(t, m->count, want);
}

static void drop_model(struct rpt *t, struct model *m)
{
	unsigned int i;

	m->stop = true;
	reinit_completion(&m->rest);
	atomic_set(&m->running, 1);
	for (i = 0; i < m->count; i++)
		if (!m->actors[i]->softirq && !m->actors[i]->process) {
			atomic_inc(&m->running);
			complete(&m->actors[i]->go);
		}
	if (!atomic_dec_and_test(&m->running))
		wait_for_completion(&m->rest);
	for (i = 0; i < m->count; i++)
		kvfree(m->actors[i]);
	kfree(m->actors);
	lists_end(t, m);
	devices_end(m);
	if (m->adapter)
		m->adapter->DmaOperations->PutDmaAdapter(m->adapter);
}

static void tell(struct rpt *t, const struct model *m, u32 from, u64 rounds,
		 u64 ns)
{
	u64 operations = 0, handed = 0, unmet = 0, held = 0, passed = 0;
	u64 described = 0, parts = 0, shown = 0, spaces = 0, listed = 0;
	u64 packets = 0, entries = 0, charged = 0;
	unsigned int i, j;

	for (i = 0; i < m->count; i++) {
		operations += m->actors[i]->operations;
		handed += m->actors[i]->handed;
		unmet += m->actors[i]->unmet;
		held += m->actors[i]->held;
		passed += m->actors[i]->passed;
		described += m->actors[i]->described;
		parts += m->actors[i]->parts;
		shown += m->actors[i]->shown;
		spaces += m->actors[i]->spaces;
		listed += m->actors[i]->listed;
		packets += m->actors[i]->packets;
		charged += m->actors[i]->charged;
		for (j = 0; j < LISTS; j++)
			entries += m->actors[i]->lists[j].taken;
	}
	rpt_note(t, "seed %u: %llu operations by %u actors in %llu rounds, %llu ms, %llu ms of it at work",
		 from, operations, m->count, rounds, ns / NSEC_PER_MSEC,
		 m->ns / NSEC_PER_MSEC);
	rpt_note(t, "%llu charged, %llu handed over, %llu not met, %llu violations; of %llu frees of freed blocks %llu were found to be that",
		 charged, handed, unmet, m->violations, m->twice, m->twice_found);
	rpt_note(t, "devices gone: %llu between rounds, %llu within; pages: %llu referred to, %llu mapped",
		 m->turned, passed, held, m->mappings);
	rpt_note(t, "MDLs: %llu, %llu parts; mapped: %llu, %llu in reserved space, %llu in a process; %llu lists, %llu packets; %llu entries",
		 described, parts, shown, spaces, m->viewed, listed, packets,
		 entries);
	/* None of it may be left out without a word; in a short run some may be. */
	if (operations >= 100000) {
		EXPECT(t, held && parts && shown && spaces && m->viewed && charged);
		EXPECT(t, !edu || (listed && packets));
	}
	EXPECT(t, described && entries);
	EXPECT(t, m->turned + passed);
	EXPECT(t, m->mappings);
}

/* Rounds until the time or their number is up, and the digest of it all. */
static u64 run_model(struct rpt *t, u32 from, u64 ns, u64 rounds)
{
	u64 begin = ktime_get_ns(), done = 0, digest = 0;
	struct model *m = kvzalloc(sizeof(*m), GFP_KERNEL);
	unsigned int i;

	if (!EXPECT(t, m))
		return 0;
	if (make_model(t, m, from)) {
		model_baseline(t, m);
		do {
			run_round(t, m, ROUND);
			done++;
			if (!model_compare(t, m))
				break;
			devices_turn(m);
			lists_turn(t, m);
			pages_turn(t, m);
		} while (done < rounds && ktime_get_ns() - begin < ns);
		tell(t, m, from, done, ktime_get_ns() - begin);
		pages_end(t, m);
		for (i = 0; i < m->count; i++) {
			m->actors[i]->bad_count = 0;
			actor_clear(m->actors[i]);
			digest = digest * 31 + m->actors[i]->digest;
		}
		model_compare(t, m);
		/*
		 * It is found as long as the memory was not used again; KASAN
		 * does, for what it has to say of a freed object.
		 */
		if (!IS_ENABLED(CONFIG_KASAN))
			EXPECT(t, m->twice_found * 2 >= m->twice);
		EXPECT(t, m->violations);
	}
	drop_model(t, m);
	kvfree(m);
	return digest;
}

static void random_operations(struct rpt *t)
{
	u32 from = seed ?: get_random_u32() | 1;

	run_model(t, from, seconds * (u64)NSEC_PER_SEC, U64_MAX);
	if (rpt_failed(t))
		rpt_note(t, "to replay: seed=%u seconds=%u", from, seconds);
}

static void replays(struct rpt *t)
{
	u64 one = run_model(t, 1234, U64_MAX, 2);

	EXPECT_EQ(t, run_model(t, 1234, U64_MAX, 2), one);
	EXPECT(t, run_model(t, 1235, U64_MAX, 2) != one);
}

static const struct rpt_case cases[] = {
	{ "a_seed_replays", replays },
	{ "random_operations", random_operations },
};

static const struct rpt_suite model_suite = RPT_SUITE("model", cases);
static const struct rpt_suite *const suites[] = { &model_suite };

static void *key;

static int __init rpt_model_init(void)
{
	return rpt_register_with_edu(suites, ARRAY_SIZE(suites), &key, &edu);
}

static void __exit rpt_model_exit(void)
{
	rpt_unregister_with_edu(key, edu);
}

module_init(rpt_model_init);
module_exit(rpt_model_exit);

MODULE_DESCRIPTION("rust_pool selftests: random operations against a model");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
