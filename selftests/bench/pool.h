/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of rp_bench_pool.ko. */
#ifndef RP_BENCH_POOL_H
#define RP_BENCH_POOL_H

#include <linux/gfp.h>
#include <linux/slab.h>
#include <rust_pool/wdm.h>

#include "bench.h"

/* Shown as "Bnch". */
#define RPB_TAG		('hcnB')
/* What the pool itself asks with first. */
static const gfp_t rpb_gfp = GFP_NOWAIT | __GFP_NOWARN;

/* The sizes of small blocks over which the geometric mean is taken. */
#define RPB_SIZES	17

/* A cache for objects of one of these sizes, by its address alone. */
struct kmem_cache *rpb_cache(unsigned long size);
int rpb_caches_init(void);
void rpb_caches_exit(void);

/* An allocator by function pointers, where that does not matter. */
struct rpb_allocator {
	const char *name;
	void *(*alloc)(size_t bytes, u32 tag);
	void (*free)(void *block, u32 tag);
};

/* Ours, then kmalloc. */
extern const struct rpb_allocator rpb_allocators[2];

/* Repeatable random numbers. */
struct rpb_random {
	u64 state;
};

u32 rpb_random(struct rpb_random *random);
/* Log-uniform between 16 and 16 << @octaves; the upper bound is excluded. */
u32 rpb_random_size(struct rpb_random *random, unsigned int octaves);

/* Rounds of a block allocated, and freed at once. */
int rpb_pool_pairs(unsigned long size, unsigned int pairs);
int rpb_kmalloc_pairs(unsigned long size, unsigned int pairs);
void *rpb_pool_hold(unsigned long size);
void rpb_pool_release(unsigned long size, void *block);
void *rpb_kmalloc_hold(unsigned long size);
void rpb_kmalloc_release(unsigned long size, void *block);

extern const struct rpb_case rpb_pairs[RPB_SIZES + 1];
extern const struct rpb_case rpb_verified[];
extern const struct rpb_case rpb_bursts[];
extern const struct rpb_case rpb_large[];
extern const struct rpb_case rpb_lookasides[];

/* The lists that the last are measured with. */
void rpb_lookasides_init(void);
void rpb_lookasides_exit(void);

int rpb_show_steps(struct seq_file *m);
int rpb_show_zeroed(struct seq_file *m);
int rpb_show_rings(struct seq_file *m);
int rpb_show_lives(struct seq_file *m);
int rpb_show_first(struct seq_file *m);
int rpb_show_traces(struct seq_file *m);
int rpb_show_traces_nic(struct seq_file *m);
int rpb_show_traces_nic_kmalloc(struct seq_file *m);
int rpb_show_traces_storage(struct seq_file *m);
int rpb_show_traces_storage_kmalloc(struct seq_file *m);
int rpb_show_mix(struct seq_file *m);
int rpb_show_mix_kmalloc(struct seq_file *m);
int rpb_show_after(struct seq_file *m);
int rpb_show_after_kmalloc(struct seq_file *m);
int rpb_show_softirq(struct seq_file *m);
int rpb_show_remainder(struct seq_file *m);
int rpb_show_remainder_kmalloc(struct seq_file *m);
int rpb_show_throughput(struct seq_file *m);
int rpb_show_tags(struct seq_file *m);
int rpb_show_stall(struct seq_file *m);

/* 10,000 live blocks, each with a tag of its own. */
int rpb_tags_make(void);
void rpb_tags_free(void);

/* The file tags, open, and a buffer in user space to read it into. */
struct rpb_text {
	struct file *filp;
	void __user *chunk;
};

int rpb_text_open(struct rpb_text *text);
void rpb_text_close(struct rpb_text *text);
/* Reads all of it, from the start; calls @see, if given, with each piece. */
int rpb_text_read(struct rpb_text *text,
		  void (*see)(const char *piece, size_t bytes, void *arg),
		  void *arg);

#endif /* RP_BENCH_POOL_H */
