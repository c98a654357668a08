// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that wait for an adapter's channel, which one driver at a time has.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/pci.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "dma.h"

#define INSUFFICIENT	0xc000009a

struct way {
	DMA_ADAPTER *adapter;
	const DMA_OPERATIONS *ops;
	ULONG registers;
	/* So many routines were called. */
	atomic_t called;
};

struct request {
	struct way *w;
	IO_ALLOCATION_ACTION action;
	/* How often its routine was called, as which of all, with what. */
	unsigned int calls, at;
	PVOID base;
	bool dispatch;
	/* What the routine does besides. */
	void (*inside)(struct request *r);
	unsigned int rounds;
	u32 status;
	/* The last argument of Ex. */
	PVOID result;
	u64 transfer[DMA_TRANSFER_CONTEXT_SIZE_V1 / sizeof(u64)];
};

static IO_ALLOCATION_ACTION routine(PDEVICE_OBJECT device, PIRP irp, PVOID base,
				    PVOID context)
{
	struct request *r = context;

	r->base = base;
	r->at = atomic_inc_return(&r->w->called);
	r->dispatch = device == &edu->dev && !irp && softirq_count() && !irqs_disabled();
	WRITE_ONCE(r->calls, r->calls + 1);
	if (r->inside)
		r->inside(r);
	return r->action;
}

/* Called, so that the file names it. */
static noinline u32 ask_by(struct request *r, ULONG registers, ULONG flags)
{
	struct way *w = r->w;

	w->ops->InitializeDmaTransferContext(w->adapter, r->transfer);
	r->result = r;
	r->status = w->ops->AllocateAdapterChannelEx(w->adapter, &edu->dev,
			r->transfer, registers, flags, routine, r, &r->result);
	return r->status;
}

static u32 ask(struct request *r)
{
	return ask_by(r, 1, 0);
}

static u32 ask_plainly(struct request *r)
{
	return r->w->ops->AllocateAdapterChannel(r->w->adapter, &edu->dev, 1,
						 routine, r);
}

static BOOLEAN cancel(struct request *r)
{
	return r->w->ops->CancelAdapterChannel(r->w->adapter, &edu->dev,
					       r->transfer);
}

static void free_channel(struct way *w)
{
	w->ops->FreeAdapterChannel(w->adapter);
}

static void free_registers(struct request *r)
{
	r->w->ops->FreeMapRegisters(r->w->adapter, r->base, 1);
}

static bool idle(struct rpt *t)
{
	return rpt_has_line(t, "adapters", "in_use 0 lists 0 buffers 0 open");
}

static bool make(struct rpt *t, struct way *w)
{
	*w = (struct way){ };
	w->adapter = get_adapter(64, SZ_4K, &w->registers);
	if (!EXPECT(t, w->adapter))
		return false;
	w->ops = w->adapter->DmaOperations;
	return true;
}

/* What @first keeps, and the others wait for. */
static bool make_busy(struct rpt *t, struct way *w, struct request *r,
		      unsigned int count)
{
	unsigned int i;

	if (!make(t, w))
		return false;
	for (i = 0; i < count; i++) {
		r[i] = (struct request){ .w = w, .action = KeepObject };
		EXPECT_EQ(t, ask(&r[i]), 0);
		EXPECT_EQ(t, r[i].calls, !i);
		EXPECT(t, i ? !r[i].result : r[i].result == r[i].base);
	}
	return true;
}

static void drop(struct rpt *t, struct way *w)
{
	EXPECT(t, idle(t));
	EXPECT_VIOLATIONS(t, 0);
	put_adapter(w->adapter);
}

/* What a routine returns, and whether the next is called then. */
static const IO_ALLOCATION_ACTION actions[] = {
	KeepObject, DeallocateObjectKeepRegisters, DeallocateObject, KeepObject,
	DeallocateObject,
};

static void granted_in_order(struct rpt *t)
{
	struct request r[ARRAY_SIZE(actions)];
	struct way w;
	unsigned int i;

	if (!make_busy(t, &w, r, ARRAY_SIZE(r)))
		return;
	for (i = 0; i < ARRAY_SIZE(r); i++)
		r[i].action = actions[i];
	/* Those who wait have no map registers. */
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 1 lists 0 buffers 0 open"));
	free_channel(&w);
	for (i = 0; i < ARRAY_SIZE(r); i++) {
		EXPECT_EQ(t, r[i].calls, i < 4);
		EXPECT_EQ(t, r[i].at, i < 4 ? i + 1 : 0);
		EXPECT(t, i >= 4 || (r[i].base && r[i].dispatch));
		/* It may be on a stack that is no more. */
		EXPECT(t, !i || !r[i].result);
	}
	EXPECT(t, r[1].base != r[2].base && r[1].base != r[3].base);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 2 lists 0 buffers 0 open"));
	free_channel(&w);
	EXPECT_EQ(t, r[4].calls, 1);
	EXPECT_EQ(t, r[4].at, 5);
	free_registers(&r[1]);
	free_channel(&w);
	dma_violation(t, 0x04, NULL, w.adapter);
	drop(t, &w);
}

/* What frees a channel. */
enum freed { BY_CHANNEL, BY_OBJECT, BY_OBJECT_ALONE, BY_REGISTERS, BY_CALLEE };

static const struct rpt_arg frees[] = {
	{ "FreeAdapterChannel", BY_CHANNEL },
	{ "FreeAdapterObject", BY_OBJECT },
	{ "FreeAdapterObject_alone", BY_OBJECT_ALONE },
	{ "FreeMapRegisters", BY_REGISTERS },
	{ "routine_of_another_adapter", BY_CALLEE },
	{ }
};

static struct way *other_way;
static struct request *other;

static void free_other(struct request *r)
{
	free_channel(other_way);
}

static void granted_by(struct rpt *t)
{
	struct request r[2], callee;
	struct way w, own;

	if (!make_busy(t, &w, r, 2))
		return;
	switch (rpt_value(t)) {
	case BY_CHANNEL:
		free_channel(&w);
		break;
	case BY_OBJECT:
		w.ops->FreeAdapterObject(w.adapter, KeepObject);
		EXPECT_EQ(t, r[1].calls, 0);
		w.ops->FreeAdapterObject(w.adapter, DeallocateObject);
		break;
	case BY_OBJECT_ALONE:
		w.ops->FreeAdapterObject(w.adapter, DeallocateObjectKeepRegisters);
		break;
	case BY_REGISTERS:
		free_registers(&r[0]);
		break;
	default:
		if (!make(t, &own))
			return;
		other_way = &w;
		callee = (struct request){
			.w = &own, .action = DeallocateObject, .inside = free_other,
		};
		EXPECT_EQ(t, ask(&callee), 0);
		put_adapter(own.adapter);
	}
	EXPECT_EQ(t, r[1].calls, 1);
	EXPECT(t, r[1].dispatch);
	free_channel(&w);
	if (rpt_value(t) == BY_OBJECT_ALONE)
		free_registers(&r[0]);
	drop(t, &w);
}

static void cancelled(struct rpt *t)
{
	struct request r[4];
	struct way w;

	if (!make_busy(t, &w, r, 4))
		return;
	EXPECT_EQ(t, cancel(&r[2]), TRUE);
	EXPECT_EQ(t, cancel(&r[2]), FALSE);
	/* It has the channel. */
	EXPECT_EQ(t, cancel(&r[0]), FALSE);
	EXPECT_EQ(t, w.ops->CancelAdapterChannel(w.adapter, &edu->dev, NULL), FALSE);
	free_channel(&w);
	free_channel(&w);
	EXPECT_EQ(t, r[1].at, 2);
	EXPECT_EQ(t, r[2].calls, 0);
	EXPECT_EQ(t, r[3].at, 3);
	/* As good as new. */
	EXPECT_EQ(t, ask(&r[2]), 0);
	EXPECT_EQ(t, cancel(&r[2]), TRUE);
	free_channel(&w);
	EXPECT_EQ(t, r[2].calls, 0);
	drop(t, &w);
}

static void cancel_itself(struct request *r)
{
	r->rounds = cancel(r);
}

/* A request whose routine is called does not wait any more. */
static void cancelled_too_late(struct rpt *t)
{
	struct request r[2];
	struct way w;

	if (!make_busy(t, &w, r, 2))
		return;
	r[1].inside = cancel_itself;
	r[1].rounds = 2;
	free_channel(&w);
	EXPECT_EQ(t, r[1].rounds, FALSE);
	free_channel(&w);
	drop(t, &w);
}

/* Does a line of the file show a request of this adapter? */
static bool shown(struct rpt *t, const struct way *w, ULONG registers)
{
	char words[80];

	scnprintf(words, sizeof(words), "request 0x%p %u ask_by [rp_test_dma]",
		  w->adapter, registers);
	return rpt_has_line(t, "adapters", words);
}

static void shown_while_it_waits(struct rpt *t)
{
	struct request r[3];
	struct way w, other_one;

	if (!make_busy(t, &w, r, 1) || !make(t, &other_one))
		return;
	EXPECT(t, !rpt_has_line(t, "adapters", "request 0x"));
	r[1] = r[2] = (struct request){ .w = &w, .action = DeallocateObject };
	EXPECT_EQ(t, ask_by(&r[1], 2, 0), 0);
	EXPECT(t, shown(t, &w, 2));
	EXPECT(t, !shown(t, &w, 1));
	EXPECT(t, !shown(t, &other_one, 2));
	EXPECT_EQ(t, ask_by(&r[2], 1, 0), 0);
	EXPECT(t, shown(t, &w, 2));
	EXPECT(t, shown(t, &w, 1));
	EXPECT_EQ(t, cancel(&r[1]), TRUE);
	EXPECT(t, !shown(t, &w, 2));
	EXPECT(t, shown(t, &w, 1));
	free_channel(&w);
	EXPECT_EQ(t, r[2].calls, 1);
	EXPECT(t, !rpt_has_line(t, "adapters", "request 0x"));
	put_adapter(other_one.adapter);
	drop(t, &w);
}

static void must_not_wait(struct rpt *t)
{
	struct request r[2], now = { .w = NULL };
	struct way w;
	PVOID base = &w;

	if (!make_busy(t, &w, r, 2))
		return;
	now.w = &w;
	EXPECT_EQ(t, ask_by(&now, 1, DMA_SYNCHRONOUS_CALLBACK), INSUFFICIENT);
	EXPECT_EQ(t, now.calls, 0);
	EXPECT(t, !now.result);
	EXPECT_EQ(t, (u32)w.ops->AllocateAdapterChannelEx(w.adapter, &edu->dev, NULL,
			1, DMA_SYNCHRONOUS_CALLBACK, NULL, NULL, &base), INSUFFICIENT);
	EXPECT(t, !base);
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 1 lists 0 buffers 0 open"));
	/* More than there are ever. */
	EXPECT_EQ(t, ask_by(&now, w.registers + 1, 0), INSUFFICIENT);
	free_channel(&w);
	free_channel(&w);
	EXPECT_EQ(t, now.calls, 0);
	/* Nobody has it any more. */
	now.action = DeallocateObject;
	EXPECT_EQ(t, ask_by(&now, 1, DMA_SYNCHRONOUS_CALLBACK), 0);
	EXPECT_EQ(t, now.calls, 1);
	drop(t, &w);
}

/* Windows has room for one request of a device object, or with a transfer context. */
static void asked_twice(struct rpt *t)
{
	struct request r[2], plain[2] = { };
	struct way w;
	unsigned int i;

	if (!make_busy(t, &w, r, 2))
		return;
	for (i = 0; i < 2; i++) {
		plain[i] = (struct request){ .w = &w, .action = DeallocateObject };
		EXPECT_EQ(t, ask_plainly(&plain[i]), 0);
		if (i)
			dma_violation(t, 0x0b, NULL, w.adapter);
	}
	r[1].action = DeallocateObject;
	EXPECT_EQ(t, ask(&r[1]), 0);
	dma_violation(t, 0x0b, NULL, w.adapter);
	/* No context cannot be the same. */
	for (i = 0; i < 2; i++)
		EXPECT_EQ(t, w.ops->AllocateAdapterChannelEx(w.adapter, &edu->dev,
				NULL, 1, 0, routine, &plain[i], NULL), 0);
	EXPECT_VIOLATIONS(t, 0);
	free_channel(&w);
	EXPECT_EQ(t, plain[0].calls, 2);
	EXPECT_EQ(t, plain[1].calls, 2);
	EXPECT_EQ(t, r[1].calls, 2);
	drop(t, &w);
}

static void put_with_requests(struct rpt *t)
{
	const struct rpt_violation *v;
	struct request r[3];
	struct way w;

	if (!make_busy(t, &w, r, 3))
		return;
	put_adapter(w.adapter);
	v = rpt_last(t);
	if (EXPECT_VIOLATIONS(t, 2) && v) {
		EXPECT_EQ(t, v->p[0], 0x08);
		EXPECT_EQ(t, v->p[2], 1);
	}
	EXPECT(t, rpt_has_line(t, "adapters", "in_use 1 lists 0 buffers 0 put"));
	EXPECT_EQ(t, cancel(&r[1]), FALSE);
	dma_violation(t, 0x18, w.adapter, NULL);
	free_channel(&w);
	EXPECT_EQ(t, r[1].calls + r[2].calls, 0);
	EXPECT(t, !rpt_has_line(t, "adapters", " put"));
	EXPECT_VIOLATIONS(t, 0);
}

static void free_and_put(struct request *r)
{
	free_registers(r);
	put_adapter(r->w->adapter);
}

/* Nothing is left of it, but that its routine is called. */
static void put_inside(struct rpt *t)
{
	struct request r;
	struct way w;

	if (!make(t, &w))
		return;
	r = (struct request){
		.w = &w, .action = DeallocateObjectKeepRegisters,
		.inside = free_and_put,
	};
	EXPECT_EQ(t, ask(&r), 0);
	EXPECT(t, !rpt_has_line(t, "adapters", "buffers 0"));
	EXPECT_VIOLATIONS(t, 0);
}

static void ask_again(struct request *r)
{
	if (--r->rounds)
		r->status = ask(r);
}

/* However many follow each other, the stack does not grow. */
static void asks_again_inside(struct rpt *t)
{
	enum { ROUNDS = 3000 };
	struct request r[2];
	struct way w;

	if (!make_busy(t, &w, r, 2))
		return;
	r[1].rounds = RPT_MANY(ROUNDS);
	r[1].inside = ask_again;
	r[1].action = DeallocateObject;
	free_channel(&w);
	EXPECT_EQ(t, r[1].rounds, 0);
	EXPECT_EQ(t, r[1].status, 0);
	EXPECT_EQ(t, r[1].calls, RPT_MANY(ROUNDS));
	drop(t, &w);
}

static void ask_for_other(struct request *r)
{
	r->status = ask(other);
	r->rounds = other->calls;
}

/* As long as a routine is called, others wait, whatever it returns. */
static void waits_for_a_routine(struct rpt *t)
{
	struct request r[2];
	struct way w;

	if (!make(t, &w))
		return;
	r[0] = r[1] = (struct request){ .w = &w, .action = DeallocateObject };
	r[0].inside = ask_for_other;
	other = &r[1];
	EXPECT_EQ(t, ask_plainly(&r[0]), 0);
	EXPECT_EQ(t, r[0].status, 0);
	EXPECT_EQ(t, r[0].rounds, 0);
	EXPECT_EQ(t, r[1].at, 2);
	drop(t, &w);
}

static void free_own_channel(struct request *r)
{
	free_channel(r->w);
	r->rounds = other->calls;
}

static void free_own_registers(struct request *r)
{
	free_registers(r);
	r->rounds = other->calls;
}

static const struct rpt_arg owns[] = {
	{ "channel", true },
	{ "registers", false },
	{ }
};

/* As by the interrupt of a device that is done before the routine returns. */
static void freed_inside(struct rpt *t)
{
	struct request r[3];
	struct way w;

	if (!make_busy(t, &w, r, 3))
		return;
	r[1].inside = rpt_value(t) ? free_own_channel : free_own_registers;
	other = &r[2];
	free_channel(&w);
	/* Nothing was left to be kept, but only when the routine had returned. */
	EXPECT_EQ(t, r[1].rounds, 0);
	EXPECT_EQ(t, r[2].calls, 1);
	free_channel(&w);
	drop(t, &w);
}

static void do_free_channel(void *arg)
{
	free_channel(arg);
}

static void do_cancel(void *arg)
{
	struct request *r = arg;

	r->rounds = cancel(r);
}

/* Above DISPATCH_LEVEL the work item calls the routine. */
static void granted_in(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	bool above = rpt_irql(context) > 2;
	unsigned long end = jiffies + RPT_PATIENCE;
	struct request r[3];
	struct way w;

	if (!make_busy(t, &w, r, 3))
		return;
	rpt_in_context(context, do_cancel, &r[2]);
	EXPECT_EQ(t, r[2].rounds, TRUE);
	if (above)
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x13);
	rpt_in_context(context, do_free_channel, &w);
	if (above)
		EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x13);
	else
		EXPECT_EQ(t, READ_ONCE(r[1].calls), 1);
	while (!rpt_has_line(t, "adapters", "in_use 1 lists 0 buffers 0 open") ||
	       !READ_ONCE(r[1].calls)) {
		if (!EXPECT(t, time_before(jiffies, end)))
			return;
		msleep(20);
	}
	EXPECT(t, r[1].dispatch);
	EXPECT_EQ(t, r[2].calls, 0);
	/* That frees the channel, now or when the routine has returned. */
	free_registers(&r[1]);
	drop(t, &w);
}

struct step {
	struct request *r;
	bool frees;
};

static void do_step(void *arg)
{
	struct step *s = arg;

	if (s->frees)
		free_channel(s->r->w);
	else
		ask(s->r);
}

/* One asks while another frees: it is called, whoever is first. */
static void asked_while_freed(struct rpt *t)
{
	enum { ROUNDS = 300 };
	struct request r[2];
	struct way w;
	struct step steps[2] = { { &r[1] }, { &r[0], true } };
	unsigned int round;

	if (!make_busy(t, &w, r, 1))
		return;
	r[1] = (struct request){ .w = &w, .action = KeepObject };
	for (round = 0; round < ROUNDS && !rpt_failed(t); round++) {
		if (!rpt_at_once(do_step, &steps[round % 2], &steps[!(round % 2)])) {
			rpt_skip(t, "needs two CPUs");
			break;
		}
		EXPECT_EQ(t, r[1].status, 0);
		EXPECT_EQ(t, r[1].calls, round + 1);
		EXPECT(t, rpt_has_line(t, "adapters",
				       "in_use 1 lists 0 buffers 0 open"));
	}
	free_channel(&w);
	drop(t, &w);
}

/* Both keep it, one after the other. */
static void asked_at_once(struct rpt *t)
{
	enum { ROUNDS = 300 };
	struct request r[2];
	struct way w;
	struct step steps[2] = { { &r[0] }, { &r[1] } };
	unsigned int round;

	if (!make(t, &w))
		return;
	r[0] = r[1] = (struct request){ .w = &w, .action = KeepObject };
	for (round = 0; round < ROUNDS && !rpt_failed(t); round++) {
		if (!rpt_at_once(do_step, &steps[0], &steps[1])) {
			rpt_skip(t, "needs two CPUs");
			break;
		}
		EXPECT_EQ(t, r[0].status | r[1].status, 0);
		EXPECT_EQ(t, r[0].calls + r[1].calls, 2 * round + 1);
		free_channel(&w);
		EXPECT_EQ(t, r[0].calls, round + 1);
		EXPECT_EQ(t, r[1].calls, round + 1);
		free_channel(&w);
		EXPECT(t, idle(t));
	}
	drop(t, &w);
}

#ifdef CONFIG_KRETPROBES
/* A request that waits, and has been granted before who asked knows that. */
struct early {
	struct kretprobe probe;
	struct task_struct *asks;
	struct request *r;
	/* It waits for the channel; its routine has been called. */
	bool waits, called;
};

static struct early early;

/* When the request is known to others, who asked pauses until its routine was called. */
static int asked_for(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	u64 end = ktime_get_mono_fast_ns() + RPT_SOON;

	if (current != READ_ONCE(early.asks))
		return 0;
	WRITE_ONCE(early.waits, true);
	while (!READ_ONCE(early.called) && ktime_get_mono_fast_ns() < end)
		cpu_relax();
	return 0;
}

/* What the address of the result is good for now, only the routine knows. */
static void write_result(struct request *r)
{
	r->result = &early;
	WRITE_ONCE(early.called, true);
}

static void do_early_step(void *arg)
{
	struct step *s = arg;
	u64 end = ktime_get_mono_fast_ns() + RPT_SOON;

	if (!s->frees) {
		WRITE_ONCE(early.asks, current);
		ask(s->r);
		WRITE_ONCE(early.asks, NULL);
		return;
	}
	while (!READ_ONCE(early.waits) && ktime_get_mono_fast_ns() < end)
		cpu_relax();
	free_channel(s->r->w);
}

static void granted_before_it_returns(struct rpt *t)
{
	struct request r[2];
	struct step steps[2] = { { &r[1] }, { &r[0], true } };
	struct way w;

	early = (struct early){
		.probe.kp.symbol_name = "rust_pool_channel_get",
		.probe.handler = asked_for,
	};
	if (!make_busy(t, &w, r, 1))
		return;
	r[1] = (struct request){
		.w = &w, .action = KeepObject, .inside = write_result,
	};
	if (EXPECT_EQ(t, register_kretprobe(&early.probe), 0)) {
		if (rpt_at_once(do_early_step, &steps[0], &steps[1])) {
			EXPECT(t, early.waits && early.called);
			EXPECT_EQ(t, r[1].status, 0);
			EXPECT_EQ(t, r[1].calls, 1);
			EXPECT(t, r[1].result == &early);
		} else {
			rpt_skip(t, "needs two CPUs");
		}
		unregister_kretprobe(&early.probe);
	}
	free_channel(&w);
	drop(t, &w);
}
#else
static void granted_before_it_returns(struct rpt *t)
{
	rpt_skip(t, "this kernel has no kretprobes");
}
#endif

static const struct rpt_case cases[] = {
	{ "channel_granted_in_order", granted_in_order },
	{ "channel_granted_by", granted_by, frees },
	{ "channel_request_shown", shown_while_it_waits },
	{ "channel_request_cancelled", cancelled },
	{ "channel_request_cancelled_too_late", cancelled_too_late },
	{ "channel_request_that_must_not_wait", must_not_wait },
	{ "channel_asked_for_twice", asked_twice },
	{ "adapter_put_with_requests", put_with_requests },
	{ "adapter_put_in_the_last_routine", put_inside },
	{ "channel_asked_for_inside", asks_again_inside },
	{ "channel_of_a_routine", waits_for_a_routine },
	{ "freed_inside", freed_inside, owns },
	{ "channel_granted_in", granted_in, rpt_contexts },
	{ "channel_asked_for_while_freed", asked_while_freed },
	{ "channel_asked_for_at_once", asked_at_once },
	{ "channel_granted_before_the_request_returns", granted_before_it_returns },
};

const struct rpt_suite dma_channels_suite = RPT_SUITE("dma_channels", cases);
