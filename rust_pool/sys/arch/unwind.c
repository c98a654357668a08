// SPDX-License-Identifier: GPL-2.0
/*
 * What is known of addresses in code, so that it is not looked up each time: how to
 * unwind a frame that returns there, and which function it lies in. The kernel's
 * unwinder takes some 700 instructions for a frame, and its look-up of a name in a
 * module 10,000.
 *
 * How to unwind a frame depends on its address alone: the kernel's unwinder takes it
 * from a table that the compiler made, which modules cannot read. So a rule is
 * learned from what the unwinder does: it is asked for a frame again, with other
 * frame pointers, and what changes depends on them. Where anything is in doubt, there
 * is no rule, and stacks through that address are unwound by the kernel.
 *
 * All addresses of code are in the 2 GiB at the end of the address space, so their
 * low 32 bits tell them apart.
 */

#include <linux/atomic.h>
#include <linux/bitfield.h>
#include <linux/bug.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/pgtable.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/unwind.h>

#include "../core.h"

/*
 * Whether an address is in the kernel's loop over softirqs. Only the symbol's name
 * tells: on x86 the loop is not in the section that filter_irq_stacks() knows.
 */
bool rust_pool_runs_softirqs(unsigned long addr)
{
	char name[32];

	scnprintf(name, sizeof(name), "%ps", (void *)addr);
	return !strcmp(name, "handle_softirqs");
}

#define SETS_BITS	8
#define SETS		(1 << SETS_BITS)
#define WAYS		4
#define VALUE_BITS	40

/*
 * Bits 0-39 hold what is known. Bits 40-63, with the set's index, identify the
 * address. 0 is an empty word. So one load reads all, and no reader needs a lock.
 */
struct table {
	u64 words[SETS][WAYS];
};

struct known_code {
	struct table rules;
	struct table functions;
};

static struct known_code *known_code;
/*
 * Counts how often all was forgotten. What was looked up before is not kept: the
 * address may be another module's by now. Both are changed under the lock.
 */
static u32 generation;
/* How many more times to learn in the second that began then, in jiffies. */
static atomic_t attempts;
static unsigned long attempts_since;
static DEFINE_RAW_SPINLOCK(known_lock);

/* Learning takes some 50,000 instructions, with preemption disabled. */
#define ATTEMPTS	256

static bool is_code(unsigned long addr)
{
	return addr == (unsigned long)(s32)addr;
}

/* Multiplication by an odd number loses nothing. */
static u32 mix(unsigned long addr)
{
	return (u32)addr * 0x9e3779b1U;
}

/* What is known of an address; 0 if nothing is. Any context. */
static __always_inline u64 look_up(const struct table *table, unsigned long addr)
{
	u32 mixed = mix(addr);
	u64 tag = mixed & (U32_MAX >> SETS_BITS);
	const u64 *set = table->words[mixed >> (32 - SETS_BITS)];
	unsigned int way;

	if (unlikely(!is_code(addr)))
		return 0;
	for (way = 0; way < WAYS; way++) {
		u64 word = READ_ONCE(set[way]);

		if (word >> VALUE_BITS == tag && (u32)word)
			return word & (BIT_ULL(VALUE_BITS) - 1);
	}
	return 0;
}

/* Keep what was found out since @seen, unless all was forgotten meanwhile. */
static void keep(struct table *table, unsigned long addr, u64 value, u32 seen)
{
	u32 mixed = mix(addr);
	u64 tag = mixed & (U32_MAX >> SETS_BITS);
	u64 *set = table->words[mixed >> (32 - SETS_BITS)];
	unsigned int way, free = WAYS;
	unsigned long flags;

	if (!is_code(addr) || in_nmi())
		return;
	raw_spin_lock_irqsave(&known_lock, flags);
	if (seen == generation) {
		for (way = 0; way < WAYS; way++) {
			if (set[way] && set[way] >> VALUE_BITS == tag)
				break;
			if (!set[way])
				free = min(free, way);
		}
		if (way == WAYS)
			way = free < WAYS ? free : (mixed >> 3) % WAYS;
		WRITE_ONCE(set[way], tag << VALUE_BITS | value);
	}
	raw_spin_unlock_irqrestore(&known_lock, flags);
}

/* Make room for what will be known, if there is none. Sleeps. One call at a time. */
int rust_pool_code_open(void)
{
	struct known_code *made;

	if (READ_ONCE(known_code))
		return 0;
	made = kzalloc_obj(*made, GFP_KERNEL | __GFP_NOWARN);
	if (!made)
		return -ENOMEM;
	WRITE_ONCE(attempts_since, jiffies);
	atomic_set(&attempts, ATTEMPTS);
	/* Pairs with the dependent loads of those who find it. */
	smp_store_release(&known_code, made);
	return 0;
}

/* Word by word, for those who read meanwhile. */
static void forget(struct table *table)
{
	unsigned int i;

	for (i = 0; i < SETS * WAYS; i++)
		WRITE_ONCE(table->words[i / WAYS][i % WAYS], 0);
}

/*
 * Forget all: a module is loaded, or its code is about to be freed, that of its init
 * function or all of it. Called before any of it runs, and after all has run. Other code
 * may use the address later, and no notifier reports that. Any context but NMI.
 */
void rust_pool_code_changed(void)
{
	struct known_code *known;
	unsigned long flags;

	raw_spin_lock_irqsave(&known_lock, flags);
	generation++;
	known = READ_ONCE(known_code);
	if (known) {
		forget(&known->rules);
		forget(&known->functions);
	}
	raw_spin_unlock_irqrestore(&known_lock, flags);
	atomic_set(&attempts, ATTEMPTS);
}

/* Give the room back. Sleeps. */
void rust_pool_code_close(void)
{
	struct known_code *known = xchg(&known_code, NULL);

	if (!known)
		return;
	/* Those who use it have disabled preemption. */
	synchronize_rcu();
	kfree(known);
}

/* The bytes of that room. */
size_t rust_pool_code_bytes(void)
{
	return READ_ONCE(known_code) ? sizeof(struct known_code) : 0;
}

/* A function: the low half of where it begins, above a bit that is set, and two more. */
#define FUNCTION_SET	BIT_ULL(0)
#define FUNCTION_BITS	3
#define FUNCTION_START	8

/*
 * What rust_pool_function_keep() was told of the function that an address lies in;
 * false if nothing. Any context.
 */
bool rust_pool_function_known(unsigned long addr,
			      struct rust_pool_function *function)
{
	const struct known_code *known;
	u64 value;

	preempt_disable();
	known = READ_ONCE(known_code);
	value = known ? look_up(&known->functions, addr) : 0;
	preempt_enable();
	function->generation = READ_ONCE(generation);
	function->bits = (value & (BIT_ULL(FUNCTION_BITS) - 1)) >> 1;
	function->start = (unsigned long)(s32)(value >> FUNCTION_START);
	return value;
}

/* Keep what was found out since rust_pool_function_known() filled in @function. */
void rust_pool_function_keep(unsigned long addr,
			     const struct rust_pool_function *function)
{
	struct known_code *known;

	preempt_disable();
	known = READ_ONCE(known_code);
	if (known && is_code(function->start))
		keep(&known->functions, addr,
		     (u64)(u32)function->start << FUNCTION_START |
		     function->bits << 1 | FUNCTION_SET, function->generation);
	preempt_enable();
}

#ifdef CONFIG_UNWINDER_ORC

/*
 * How to get from a frame, whose return address has the rule, to its caller's. The
 * numbers are of words of 8 bytes.
 */
enum kind {
	/* The caller's frame is so many words above this one. */
	BY_STACK = 1,
	/* It is so many words above where the frame pointer points. */
	BY_FRAME_POINTER,
	/* So many words above are the registers of a process that entered the kernel. */
	REGISTERS,
	/* There is no caller. */
	TOP,
	/* The caller was interrupted, so it is none. */
	INTERRUPT,
	/* No rule can be made. */
	UNFIT,
};

#define RULE_KIND	GENMASK_ULL(3, 0)
/* The loop over softirqs: what runs it was interrupted, or is a thread for them. */
#define RULE_SOFTIRQS	BIT_ULL(4)
#define RULE_WORDS	GENMASK_ULL(19, 8)
/* How far below the caller's frame the caller's frame pointer is; it may be kept. */
#define RULE_SAVED	GENMASK_ULL(31, 20)
#define KEPT		0
#define UNKNOWN		0xfff
#define WORDS_MAX	0xffe

static bool read_stack(unsigned long at, unsigned long *word)
{
	__get_kernel_nofault(word, (void *)at, unsigned long, fault);
	return true;
fault:
	return false;
}

/*
 * Whether an address is in code that stays what it is until a module comes or goes: in
 * the kernel, or in a module, but not in a trampoline or in a program of bpf.
 */
static bool is_lasting(unsigned long ip)
{
	char name[KSYM_SYMBOL_LEN];
	const char *module;

	if (ip < MODULES_VADDR)
		return true;
	sprint_symbol(name, ip);
	module = strrchr(name, '[');
	return module && !str_has_prefix(module, "[__builtin__");
}

/* The only place of a word between two addresses; 0 if there is none, or more than one. */
static unsigned long only_place(unsigned long from, unsigned long to,
				unsigned long word)
{
	unsigned long found = 0, at, it;

	for (at = from; at < to; at += sizeof(long)) {
		if (!read_stack(at, &it))
			return 0;
		if (it != word)
			continue;
		if (found)
			return 0;
		found = at;
	}
	return found;
}

/* How many words lie between two addresses; 0 if a rule cannot say. */
static unsigned long words_between(unsigned long low, unsigned long high)
{
	unsigned long bytes = high - low;

	if (high <= low || bytes % sizeof(long) || bytes / sizeof(long) > WORDS_MAX)
		return 0;
	return bytes / sizeof(long);
}

/* Unwind a frame as if its frame pointer were so many words higher. */
static bool unwind_shifted(const struct unwind_state *at, unsigned int words,
			   struct unwind_state *to)
{
	*to = *at;
	to->bp += words * sizeof(long);
	/* So it does not warn of what it finds. */
	to->error = true;
	return unwind_next_frame(to);
}

/*
 * The rule of a frame, from how the unwinder went from @at to @to, to @once with a
 * frame pointer that was a word higher, and to @twice with one two words higher. Once
 * does not tell: a function that aligns its stack keeps the address of its caller's
 * frame below its frame pointer, and the word above may be that address and a word.
 */
static u64 rule_of_call(const struct unwind_state *at,
			const struct unwind_state *to,
			const struct unwind_state *once,
			const struct unwind_state *twice)
{
	unsigned long words, place, second, saved = UNKNOWN;
	enum kind kind;

	if (twice->sp - once->sp != once->sp - to->sp)
		return UNFIT;
	if (once->sp == to->sp) {
		kind = BY_STACK;
		words = words_between(at->sp, to->sp);
	} else if (once->sp - to->sp == sizeof(long)) {
		kind = BY_FRAME_POINTER;
		words = words_between(at->bp, to->sp);
	} else {
		return UNFIT;
	}
	if (!words)
		return UNFIT;
	if (to->bp == at->bp && once->bp == at->bp + sizeof(long)) {
		saved = KEPT;
	} else {
		/* The frame has it, below the return address. */
		place = only_place(at->sp, to->sp - sizeof(long), to->bp);
		if (place && read_stack(place + once->sp - to->sp, &second) &&
		    second == once->bp)
			saved = words_between(place, to->sp) ?: UNKNOWN;
	}
	return kind | FIELD_PREP(RULE_WORDS, words) |
	       FIELD_PREP(RULE_SAVED, saved);
}

/*
 * The rule of the frame of @at, whose caller is @to. @more is whether the unwinder
 * went on there.
 */
static u64 rule_of(const struct unwind_state *at, const struct unwind_state *to,
		   bool more)
{
	unsigned long same[] = { at->ip, at->ip };
	struct unwind_state once, twice;

	if (filter_irq_stacks(same, ARRAY_SIZE(same)) == 1)
		return INTERRUPT;
	if (to->error)
		return UNFIT;
	if (!more)
		return TOP;
	if (!unwind_shifted(at, 1, &once) || !unwind_shifted(at, 2, &twice))
		return UNFIT;
	if (to->regs) {
		unsigned long regs = (unsigned long)to->regs;
		unsigned long words = words_between(at->sp, regs);

		if ((!words && regs != at->sp) || once.regs != to->regs || !user_mode(to->regs))
			return UNFIT;
		return REGISTERS | FIELD_PREP(RULE_WORDS, words);
	}
	if (to->signal || to->stack_info.begin != at->stack_info.begin)
		return UNFIT;
	return rule_of_call(at, to, &once, &twice);
}

/* Whether nothing more can be learned of a frame with this rule. */
static bool is_learned(u64 rule)
{
	return rule && FIELD_GET(RULE_SAVED, rule) != UNKNOWN;
}

/* Learn the rules of the frames on this stack. Any context but NMI. */
static noinline void learn(struct known_code *known)
{
	u32 seen = READ_ONCE(generation);
	struct unwind_state at, to;
	unsigned long raw;
	u64 rule;
	bool more;

	for (unwind_start(&at, current, NULL, NULL); !unwind_done(&at); at = to) {
		if (at.error || at.regs || !unwind_get_return_address(&at))
			break;
		to = at;
		more = unwind_next_frame(&to);
		if (!is_learned(look_up(&known->rules, at.ip))) {
			rule = rule_of(&at, &to, more);
			if (!is_lasting(at.ip))
				rule = UNFIT;
			if (rust_pool_runs_softirqs(at.ip))
				rule |= RULE_SOFTIRQS;
			keep(&known->rules, at.ip, rule, seen);
		}
		/*
		 * A tracer has replaced the return address for now, by that of its
		 * trampoline. From there on only the kernel can unwind.
		 */
		if (more && !to.error && !to.regs &&
		    read_stack(to.sp - sizeof(long), &raw) && raw != to.ip)
			keep(&known->rules, raw, UNFIT, seen);
	}
}

/* Whether to learn now: not so often that it would be felt. Any context. */
static bool may_learn(void)
{
	unsigned long since = READ_ONCE(attempts_since), now = jiffies;

	if (now - since >= HZ && try_cmpxchg(&attempts_since, &since, now))
		atomic_set(&attempts, ATTEMPTS);
	return atomic_dec_if_positive(&attempts) >= 0;
}

/*
 * Where the stack ends that this address lies in. Another stack than the task's is
 * as long, and ends somewhere before the result.
 */
static unsigned long end_of_stack_with(unsigned long sp)
{
	if (object_is_on_stack((void *)sp))
		return (unsigned long)task_stack_page(current) + THREAD_SIZE;
	return sp + THREAD_SIZE;
}

/*
 * Unwind by the rules, from the frame of a function that has a frame pointer, @fp.
 * Returns how many return addresses it filled in, or 0 if a rule is missing; then
 * sets @learn if it can be learned.
 */
static unsigned int walk(const struct table *rules, unsigned long *frames,
			 unsigned int room, unsigned long *fp, bool softirq,
			 bool *learn)
{
	unsigned long sp = (unsigned long)(fp + 2), bp = fp[0], ip = fp[1];
	const unsigned long end = end_of_stack_with(sp);
	bool bp_known = true;
	unsigned int count;

	for (count = 0; count < room;) {
		u64 rule = look_up(rules, ip);
		unsigned long saved = FIELD_GET(RULE_SAVED, rule);
		unsigned long words = FIELD_GET(RULE_WORDS, rule) * sizeof(long);

		*learn = !rule;
		frames[count++] = ip;
		if (softirq && rule & RULE_SOFTIRQS)
			return count;
		switch (FIELD_GET(RULE_KIND, rule)) {
		case BY_STACK:
			sp += words;
			break;
		case BY_FRAME_POINTER:
			*learn = !bp_known;
			if (!bp_known || bp + words <= sp)
				return 0;
			sp = bp + words;
			break;
		case REGISTERS: {
			const struct pt_regs *regs = (void *)(sp + words);

			if ((unsigned long)(regs + 1) > end ||
			    !read_stack((unsigned long)&regs->cs, &words))
				return 0;
			return words & SEGMENT_RPL_MASK ? count : 0;
		}
		case TOP:
		case INTERRUPT:
			return count;
		default:
			return 0;
		}
		if (sp > end || !read_stack(sp - sizeof(long), &ip))
			return 0;
		if (saved == UNKNOWN)
			bp_known = false;
		else if (saved != KEPT &&
			 !read_stack(sp - saved * sizeof(long), &bp))
			return 0;
		else if (saved != KEPT)
			bp_known = true;
	}
	return count;
}

/*
 * Save the return addresses on this stack as rust_pool_save_stack() does, whose
 * frame pointer is @fp, if the rules for that are known; else return 0, and learn
 * them for the next time. @softirq is whether this is a softirq. Any context.
 */
unsigned int rust_pool_walk_stack(unsigned long *frames, unsigned int room,
				  unsigned long *fp, bool softirq)
{
	struct known_code *known;
	unsigned int count = 0;
	bool unknown;

	preempt_disable();
	known = READ_ONCE(known_code);
	if (known && !in_nmi()) {
		count = walk(&known->rules, frames, room, fp, softirq, &unknown);
		if (!count && unknown && may_learn())
			learn(known);
	}
	preempt_enable();
	return count;
}

#else

unsigned int rust_pool_walk_stack(unsigned long *frames, unsigned int room,
				  unsigned long *fp, bool softirq)
{
	return 0;
}

#endif
