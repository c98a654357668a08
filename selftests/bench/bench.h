/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Harness of rust_pool's benchmark.
 *
 * A measurement is a file /sys/kernel/debug/rust_pool_bench/<module>/<name>.
 * Reading it measures, and gives one sample a line: measure, variant, side and
 * value, separated by tabs. bench.awk makes medians and ratios of them. A read
 * that fails is a measurement that could not be made.
 */
#ifndef RP_BENCH_H
#define RP_BENCH_H

#include <linux/seq_file.h>
#include <linux/types.h>

/* Of a round, where nothing speaks for another number. */
#define RPB_PAIRS	500

struct dentry;

/* One of the allocators that are compared. */
struct rpb_side {
	const char *name;
	/* Makes and frees @pairs blocks. */
	int (*round)(unsigned long size, unsigned int pairs);
	/*
	 * Both or neither: makes a block that is kept until the last round. Else
	 * all rounds get the same block, and its address, which may have a part
	 * in the cost, is chance.
	 */
	void *(*hold)(unsigned long size);
	void (*release)(unsigned long size, void *block);
};

/* Sides compared for one size, their rounds of @pairs interleaved. */
struct rpb_case {
	const char *measure;
	unsigned long size;
	unsigned int pairs;
	const struct rpb_side *sides;
	unsigned int count;
};

struct rpb_file {
	const char *name;
	/* NULL: counts the cases, up to one without a measure. */
	int (*show)(struct seq_file *m);
	const struct rpb_case *cases;
};

struct dentry *rpb_add(const char *module, const struct rpb_file *files,
		       unsigned int count);
void rpb_remove(struct dentry *dir);

__printf(5, 6)
void rpb_sample(struct seq_file *m, const char *measure, const char *variant,
		const char *side, const char *fmt, ...);

/* Instructions per pair, of all sides; 0 or a negative errno. */
int rpb_count(struct seq_file *m, const struct rpb_case *c);

/* What a pair does, of the first two sides, step by step; 0 or a negative errno. */
int rpb_steps(struct seq_file *m, const struct rpb_case *c);

/* -EOPNOTSUPP unless the time-stamp counter counts instructions. */
int rpb_need_icount(void);

/*
 * Pages that the page allocator could give out, those on its per-CPU lists
 * included: what NR_FREE_PAGES would say were these lists drained.
 */
unsigned long rpb_free_pages(void);

#endif /* RP_BENCH_H */
