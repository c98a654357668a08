// SPDX-License-Identifier: GPL-2.0
/*
 * Times the fast path of rust_pool.ko, the code that was built for the kernel, in a process,
 * and counts what its instructions do. Prints samples as the files in debugfs do; bench.sh
 * says how to run it.
 *
 * Without arguments it times. With "steps" it prints each instruction of a pair and what it
 * accesses, for the test that compares that with what objdump says.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <cpuid.h>
#include <ucontext.h>
#include <x86intrin.h>

#include "native.h"

#define TAG	0x68636e42
#define CALLER	0x401000ul
/* Pairs of a round, rounds of a block, and blocks at other addresses. */
#define PAIRS	1000
#define ROUNDS	200
#define BLOCKS	9
/* Additions that wait for each other, in a turn of the loop that measures the clock. */
#define CHAIN	64
/* A process's stack is larger, but a pair uses no more. */
#define STACK	65536ul

static const size_t sizes[] = { 16, 64, 1024, 4064 };

static void *allocate(size_t bytes)
{
	void *block = rust_pool_allocate(0, bytes, TAG, CALLER, NULL);

	if (!block) {
		fprintf(stderr, "rust_pool: error: native: no block of %zu bytes\n", bytes);
		exit(1);
	}
	return block;
}

static noinline void pairs(size_t bytes, unsigned int count)
{
	while (count--)
		rust_pool_free(allocate(bytes), TAG, CALLER);
}

static void sample(const char *measure, size_t bytes, double value)
{
	printf("%s\t%zu\tours\t%.2f\n", measure, bytes, value);
}

/*
 * How long an addition takes that waits for the one before, in ticks of the time-stamp
 * counter: a cycle of the processor, whose clock may be another than the counter's.
 */
static double cycle(void)
{
	u64 start = __rdtsc(), sum = 0, i;

	for (i = 0; i < PAIRS / 10; i++)
		asm volatile(".rept %c2\n\tadd %1, %0\n\t.endr"
			     : "+r" (sum) : "r" (start), "i" (CHAIN));
	return (double)(__rdtsc() - start) / (PAIRS / 10 * CHAIN);
}

/*
 * The shortest of many rounds: whatever else the host does makes a round longer, and nothing
 * makes it shorter. Where a block is may cost something too, so each of several is tried.
 */
static void time_pairs(size_t bytes)
{
	double ticks = 1e9, unit = 1e9, now;
	void *held[BLOCKS];
	int block, round;
	u64 start;

	for (block = 0; block < BLOCKS; block++) {
		pairs(bytes, PAIRS);
		for (round = 0; round < ROUNDS; round++) {
			start = __rdtsc();
			pairs(bytes, PAIRS);
			now = (double)(__rdtsc() - start) / PAIRS;
			ticks = now < ticks ? now : ticks;
			now = cycle();
			unit = now < unit ? now : unit;
		}
		held[block] = allocate(bytes);
	}
	while (block--)
		rust_pool_free(held[block], TAG, CALLER);
	sample("cycles", bytes, ticks);
	sample("core-cycles", bytes, ticks / unit);
}

/* What the processor itself counts. */

static int counter(u32 type, u64 config)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = type,
		.config = config,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

/* Prints how often an event happens in a pair; nothing if it cannot be counted here. */
static void count_event(const char *measure, size_t bytes, u32 type, u64 config)
{
	int fd = counter(type, config), round;
	u64 least = UINT64_MAX, before, after;

	if (fd < 0)
		return;
	for (round = 0; round < ROUNDS; round++) {
		if (read(fd, &before, sizeof(before)) != sizeof(before))
			break;
		pairs(bytes, PAIRS);
		if (read(fd, &after, sizeof(after)) != sizeof(after))
			break;
		if (after - before < least)
			least = after - before;
	}
	close(fd);
	/* A counter that did not run says nothing. */
	if (round == ROUNDS && (after || type == PERF_TYPE_RAW))
		sample(measure, bytes, (double)least / PAIRS);
}

static void count_events(size_t bytes)
{
	u32 name[4] = {};

	__cpuid(0, name[3], name[0], name[2], name[1]);
	count_event("counted-cycles", bytes, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
	count_event("counted-instructions", bytes, PERF_TYPE_HARDWARE,
		    PERF_COUNT_HW_INSTRUCTIONS);
	/* Loads that no store could be forwarded to: ld_blocks.store_forward of Intel's. */
	if (!memcmp(name, "GenuineIntel", 12))
		count_event("counted-unforwarded", bytes, PERF_TYPE_RAW, 0x0203);
	/* ls_bad_status2.stli_other of AMD's. */
	if (!memcmp(name, "AuthenticAMD", 12))
		count_event("counted-unforwarded", bytes, PERF_TYPE_RAW, 0x0224);
}

/* What each instruction does. */

static struct rpb_tally tally;
static bool prints;

static void print_step(const struct rpb_regs *regs)
{
	const u8 *code = (const u8 *)regs->ip;
	struct rpb_step step;
	u32 i;

	if (!rpb_decode(code, regs, &step))
		return;
	printf("%#lx\t%s\t", (unsigned long)regs->ip, step.locked ? "locked" : "-");
	for (i = 0; i < step.count; i++)
		printf("%s%s %u of %#lx", step.access[i].kind & RPB_LOAD ? "load" : "",
		       step.access[i].kind & RPB_STORE ? "store" : "", step.access[i].bytes,
		       (unsigned long)step.access[i].addr);
	printf("\n");
}

static void on_trap(int number, siginfo_t *info, void *context)
{
	const greg_t *from = ((ucontext_t *)context)->uc_mcontext.gregs;
	const struct rpb_regs regs = {
		.general = { from[REG_RAX], from[REG_RCX], from[REG_RDX], from[REG_RBX],
			     from[REG_RSP], from[REG_RBP], from[REG_RSI], from[REG_RDI],
			     from[REG_R8], from[REG_R9], from[REG_R10], from[REG_R11],
			     from[REG_R12], from[REG_R13], from[REG_R14], from[REG_R15] },
		.ip = from[REG_RIP],
		.gs = native_gs(),
	};

	if (native_has_alternative(regs.ip))
		tally.unknown = regs.ip;
	rpb_tally_step(&tally, (const u8 *)regs.ip, &regs);
	if (prints && tally.counts)
		print_step(&regs);
}

static noinline void stepped(size_t bytes)
{
	asm volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
	pairs(bytes, 1);
	/* The last trap is behind the instruction that clears the flag. */
	asm volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq\n\tnop" : : : "memory", "cc");
}

static void count_steps(size_t bytes)
{
	static char stack[1 << 16];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = {
		.sa_sigaction = on_trap,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};
	u64 here = (u64)__builtin_frame_address(0);

	sigaltstack(&other, NULL);
	sigaction(SIGTRAP, &action, NULL);
	tally = (struct rpb_tally){ .stack = here - STACK, .stack_end = here + STACK };
	pairs(bytes, PAIRS);
	/* The first leaves the stores that the second may wait for. */
	stepped(bytes);
	tally.counts = true;
	stepped(bytes);
	if (tally.unknown) {
		fprintf(stderr, "rust_pool: error: native: the instruction at %#lx is not known\n",
			(unsigned long)tally.unknown);
		exit(1);
	}
}

int main(int count, char **args)
{
	size_t i;

	native_load();
	prints = count > 1 && !strcmp(args[1], "steps");
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		count_steps(sizes[i]);
		if (prints)
			continue;
		sample("locked", sizes[i], tally.locked);
		sample("written", sizes[i], tally.stored);
		sample("touched", sizes[i], tally.lines);
		sample("unforwarded", sizes[i], tally.stalls);
		time_pairs(sizes[i]);
		count_events(sizes[i]);
	}
	return 0;
}
