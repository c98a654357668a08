/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Harness of rust_pool's in-kernel selftests.
 *
 * A suite is a table of cases. Each case is a file
 * /sys/kernel/debug/rust_pool_test/<suite>/<number>-<case>: opening it runs
 * the case, reading it gives the outcome (`ok`, `not ok`, `skip`) after the
 * reasons as `# ` lines.
 *
 * After each case the harness itself requires that rust_pool reported no
 * violation that the case did not ask for, and that blocks and bytes of all
 * families are back at what they were before it.
 */
#ifndef RPT_H
#define RPT_H

#include <linux/completion.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/types.h>
#include <rust_pool/wdm.h>

struct rpt;

/* One of several values that a case is run for; ends with a NULL name. */
struct rpt_arg {
	const char *name;
	unsigned long value;
};

struct rpt_case {
	const char *name;
	void (*run)(struct rpt *t);
	/* NULL: run once. Otherwise a file for each, its name appended. */
	const struct rpt_arg *args;
};

struct rpt_suite {
	const char *name;
	const struct rpt_case *cases;
	unsigned int count;
};

#define RPT_SUITE(_name, _cases) \
	{ .name = _name, .cases = _cases, .count = ARRAY_SIZE(_cases) }

int rpt_register(const struct rpt_suite *const *suites, unsigned int count,
		 void **key);
void rpt_unregister(void *key);

/* The value that this run of the case is for. */
unsigned long rpt_value(struct rpt *t);
const char *rpt_value_name(struct rpt *t);

__printf(2, 3) void rpt_fail(struct rpt *t, const char *fmt, ...);
__printf(2, 3) void rpt_skip(struct rpt *t, const char *fmt, ...);
__printf(2, 3) void rpt_note(struct rpt *t, const char *fmt, ...);
unsigned int rpt_failed(struct rpt *t);

bool rpt_expect(struct rpt *t, bool ok, const char *what, const char *file,
		int line);
bool rpt_expect_eq(struct rpt *t, u64 is, u64 want, const char *what,
		   const char *file, int line);

/* Both give whether it held, so that a case can stop where it must. */
#define EXPECT(t, cond) \
	rpt_expect(t, cond, #cond, __FILE__, __LINE__)
#define EXPECT_EQ(t, is, want) \
	rpt_expect_eq(t, (u64)(is), (u64)(want), #is, __FILE__, __LINE__)

/* Where checkers make each operation slow, a tenth of them does. */
#define RPT_MANY(n)	(IS_ENABLED(CONFIG_KASAN) ? (n) / 10 : (n))

/* By what the waits below are divided; scripts/mutants.sh sets it. */
#ifndef RPT_HURRY
#define RPT_HURRY	1
#endif

/*
 * Jiffies until what must happen counts as never to. Nothing waits so long but
 * for what hangs: a machine whose host is busy takes its time.
 */
#define RPT_PATIENCE	(60 * HZ / RPT_HURRY)
/*
 * Nanoseconds in which a request that cannot be met is refused at the latest. A
 * search of all memory or an OOM kill, which it is not to come to, takes longer
 * on an emulated machine, or kills.
 */
#define RPT_SOON	(20 * NSEC_PER_SEC)

/* Statistics: rust_pool's debugfs files, read as a tool would. */

struct rpt_row {
	bool found;
	s64 allocs, frees, diff, bytes, used, per_alloc, peak, failures;
};

struct rpt_violation {
	u64 seq;
	u32 code;
	u64 p[4];
	char text[160];
};

/* The whole text of a file, or NULL; for rpt_text_free(). */
char *rpt_text(struct rpt *t, const char *file);
/* With its length, for a file may hold what no text should. */
char *rpt_text_bytes(struct rpt *t, const char *file, size_t *bytes);
void rpt_text_free(char *text);

/* The number that any file of debugfs has. */
u64 rpt_number(struct rpt *t, const char *path);

/* The row of a tag as shown, e.g. "Ring"; all zero if there is none. */
void rpt_tag(struct rpt *t, const char *shown, bool paged, struct rpt_row *row);
/* All rows, `(other)` included, added up. */
void rpt_tag_totals(struct rpt *t, struct rpt_row *row);
/* The head line of contiguous, noncached, mdl_pages, io_space or adapters. */
void rpt_family(struct rpt *t, const char *file, struct rpt_row *row);
/* What the CPUs keep of blocks of so many bytes; a row of `memory`. */
struct rpt_magazine {
	bool found;
	u64 size, limit, held, bytes;
};

void rpt_magazine(struct rpt *t, size_t bytes, struct rpt_magazine *magazine);
/* The same of what the depot keeps between all CPUs. */
void rpt_depot(struct rpt *t, size_t bytes, struct rpt_magazine *depot);
/* What is reserved for bursts, and how much may be. */
void rpt_reserved(struct rpt *t, u64 *reserved, u64 *cap);

/* How full the heap is, by the head of `memory`. */
struct rpt_heap {
	u64 spans, waiting, free, contentions;
};

void rpt_heap(struct rpt *t, struct rpt_heap *heap);

/* What waits to be given back, "contiguous", "noncached", "common buffers". */
struct rpt_backlog {
	u64 blocks, bytes, given, batches;
};

void rpt_backlog(struct rpt *t, const char *family,
		 struct rpt_backlog *backlog);

/* Does a line of the file hold all these words, in this order? */
bool rpt_has_line(struct rpt *t, const char *file, const char *words);

/*
 * Exactly one violation since the last that was asked for: @code, @p1. The
 * report for further looks, or NULL when the expectation failed.
 */
const struct rpt_violation *rpt_violation(struct rpt *t, u32 code, u64 p1,
					  const char *file, int line);
#define EXPECT_VIOLATION(t, code, p1) \
	rpt_violation(t, code, p1, __FILE__, __LINE__)
/* Exactly @count violations since, whatever they are. */
bool rpt_violations(struct rpt *t, u64 count, const char *file, int line);
#define EXPECT_VIOLATIONS(t, count) \
	rpt_violations(t, count, __FILE__, __LINE__)

/* The last of them, for further looks. */
const struct rpt_violation *rpt_last(struct rpt *t);
/* Does a parameter of a report show this address, hashed or not? */
bool rpt_shows(u64 parameter, const void *address);

#define BAD_POOL_CALLER				0xc2
#define DRIVER_VERIFIER_DETECTED_VIOLATION	0xc4
#define DRIVER_VERIFIER_DMA_VIOLATION		0xe6

/*
 * Waits for what was freed in a wrong context to be really free: so often at most, as
 * it is looked at after each. That is a minute, and more where the host is busy.
 */
#define RPT_TRIES	(3000 / RPT_HURRY)
/* How often something is tried that others may prevent, or that needs luck. */
#define RPT_ATTEMPTS	50
void rpt_settle(struct rpt *t);

/* Contexts */

enum rpt_context {
	RPT_TASK,
	RPT_PREEMPT_OFF,
	RPT_BH_OFF,
	RPT_SPINLOCK,
	RPT_RCU,
	RPT_SOFTIRQ,
	RPT_IRQS_OFF,
	RPT_SPINLOCK_IRQ,
	RPT_HARDIRQ,
	RPT_NMI,
};

/* For args: all but task and NMI, and both DISPATCH_LEVEL and above. */
extern const struct rpt_arg rpt_atomic_contexts[];
/* As above, with the task first. */
extern const struct rpt_arg rpt_contexts[];

/* Runs fn in the context, and returns after it. */
void rpt_in_context(enum rpt_context context, void (*fn)(void *arg), void *arg);
/*
 * Calls fn with each of the two at the same time, in task context on two CPUs, and returns
 * after both. False: there are no two CPUs, or no thread, and it was not called.
 */
bool rpt_at_once(void (*fn)(void *arg), void *one, void *other);
/*
 * Has a thread of its own call fn, so that the case goes on if that hangs. "done" is
 * completed when it returns, or at once if there is no thread: then this is false.
 */
struct rpt_errand {
	void (*fn)(void *arg);
	void *arg;
	struct completion done;
};

bool rpt_send(struct rpt_errand *errand, void (*fn)(void *arg), void *arg);
/* The IRQL that a report from there shows. */
unsigned int rpt_irql(enum rpt_context context);

/* Failures to order */

/* A call, and what came of it with each of its allocations failed. */
struct rpt_sweep {
	/* False: it was refused. */
	bool (*call)(void *arg);
	/* Takes back what was not; no allocation succeeds meanwhile. */
	void (*undo)(void *arg);
	void *arg;
	/* Only every so many-th of its allocations; 0: each. */
	unsigned int step;
	/* Calls in which an allocation failed, and in which none was left to. */
	unsigned int failed, ends;
	unsigned int met, refused;
};

/*
 * Calls with the first allocation of the call failed, then with the second and so
 * on until none is left, then the same with all that follow failed as well.
 * Expects that some were, and that some calls were refused for it.
 */
void rpt_sweep(struct rpt *t, struct rpt_sweep *s);

/* Addresses, looked up by other means than those under test. */

/* Physical address behind a direct-map, vmalloc or module address. */
u64 rpt_phys(const void *address);
/*
 * Where this much memory was free just now, aligned to its size; 0 if nowhere. Whoever
 * asks for memory of certain addresses asks for it there: at fixed addresses may be what
 * cannot be moved, such as the kernel itself. Others may be faster, so try again.
 */
#define RPT_ROOM	(PAGE_SIZE << MAX_PAGE_ORDER)
u64 rpt_room(void);

enum rpt_cache { RPT_UNMAPPED, RPT_WB, RPT_WC, RPT_UC };

/* What the page-table entry of a kernel address says. */
enum rpt_cache rpt_cache(const void *address);
bool rpt_executable(const void *address);
const char *rpt_cache_name(enum rpt_cache cache);

/* A page of user space of the reading process, for copies. */
void __user *rpt_user_map(size_t bytes);
void rpt_user_unmap(void __user *address, size_t bytes);

/* A recognisable pattern, different for each seed. */
void rpt_fill(void *block, size_t bytes, u32 seed);
bool rpt_filled(const void *block, size_t bytes, u32 seed);

/* The page at an address of a block of any family. */
static inline struct page *rpt_page_of(const void *at)
{
	return is_vmalloc_addr(at) ? vmalloc_to_page(at) : virt_to_page(at);
}

#endif /* RPT_H */
