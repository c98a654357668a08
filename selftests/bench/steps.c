// SPDX-License-Identifier: GPL-2.0
/*
 * What a pair does, instruction by instruction: with the trap flag set, the processor
 * traps before each one.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/kdebug.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>

#include <asm/debugreg.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>

#include "bench_private.h"
#include "steps.h"

#define ROUNDS	9
#define SIDES	2
/* More than any instruction has. */
#define CODE	16

/* One at a time: the harness has a lock. */
static struct rpb_tally rpb_tally;
static struct task_struct *rpb_stepping;

static int rpb_trap(struct notifier_block *nb, unsigned long event, void *data)
{
	struct die_args *args = data;
	struct pt_regs *regs = args->regs;
	unsigned long *dr6 = ERR_PTR(args->err);
	struct rpb_regs at;

	if (event != DIE_DEBUG || READ_ONCE(rpb_stepping) != current)
		return NOTIFY_DONE;
	if (!(*dr6 & DR_STEP) || user_mode(regs))
		return NOTIFY_DONE;
	*dr6 &= ~DR_STEP;
	at = (struct rpb_regs){
		.general = { regs->ax, regs->cx, regs->dx, regs->bx, regs->sp, regs->bp,
			     regs->si, regs->di, regs->r8, regs->r9, regs->r10, regs->r11,
			     regs->r12, regs->r13, regs->r14, regs->r15 },
		.ip = regs->ip,
		.gs = this_cpu_read(this_cpu_off),
	};
	rpb_tally_step(&rpb_tally, (const u8 *)regs->ip, &at);
	return NOTIFY_STOP;
}

static struct notifier_block rpb_traps = {
	.notifier_call = rpb_trap,
	.priority = INT_MAX - 1,
};

/* A pair of which each instruction is added to rpb_tally. */
static noinline int rpb_stepped(const struct rpb_case *c, const struct rpb_side *side)
{
	unsigned long flags;
	int err;

	local_irq_save(flags);
	WRITE_ONCE(rpb_stepping, current);
	asm volatile("pushfq\n\t"
		     "orq %0, (%%rsp)\n\t"
		     "popfq" : : "i" (X86_EFLAGS_TF) : "memory", "cc");
	err = side->round(c->size, 1);
	/* The last trap is behind the instruction that clears the flag. */
	asm volatile("pushfq\n\t"
		     "andq %0, (%%rsp)\n\t"
		     "popfq\n\t"
		     "nop" : : "i" (~X86_EFLAGS_TF) : "memory", "cc");
	WRITE_ONCE(rpb_stepping, NULL);
	local_irq_restore(flags);
	return err;
}

static int rpb_step_round(struct seq_file *m, const struct rpb_case *c,
			  const struct rpb_side *side)
{
	unsigned long stack = (unsigned long)task_stack_page(current);
	char variant[24];
	int err;

	rpb_tally = (struct rpb_tally){
		.stack = stack,
		.stack_end = stack + THREAD_SIZE,
	};
	/* The first warms up, and leaves the stores that the second one may wait for. */
	err = side->round(c->size, c->pairs) ?: rpb_stepped(c, side);
	if (err)
		return err;
	rpb_tally.counts = true;
	err = rpb_stepped(c, side);
	if (err)
		return err;
	if (rpb_tally.unknown) {
		pr_err("rp_bench: %s: not known: %*ph at %pS\n", side->name, CODE,
		       (void *)rpb_tally.unknown, (void *)rpb_tally.unknown);
		return -EILSEQ;
	}
	snprintf(variant, sizeof(variant), "%lu", c->size);
	rpb_sample(m, "locked", variant, side->name, "%u", rpb_tally.locked);
	rpb_sample(m, "written", variant, side->name, "%u", rpb_tally.stored);
	rpb_sample(m, "touched", variant, side->name, "%u", rpb_tally.lines);
	rpb_sample(m, "unforwarded", variant, side->name, "%u", rpb_tally.stalls);
	return 0;
}

int rpb_steps(struct seq_file *m, const struct rpb_case *c)
{
	void *held[ROUNDS][SIDES] = {};
	unsigned int round, i, sides = min(c->count, SIDES);
	int err;

	err = register_die_notifier(&rpb_traps);
	if (err)
		return err;
	for (round = 0; !err && round < ROUNDS; round++) {
		for (i = 0; !err && i < sides; i++) {
			err = rpb_step_round(m, c, &c->sides[i]);
			/* Another block, and with it other lines, for the next one. */
			held[round][i] = c->sides[i].hold(c->size);
		}
	}
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < sides; i++) {
			if (held[round][i])
				c->sides[i].release(c->size, held[round][i]);
		}
	}
	unregister_die_notifier(&rpb_traps);
	return err;
}
EXPORT_SYMBOL_GPL(rpb_steps);
