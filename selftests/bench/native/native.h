/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of the program that native.sh makes. */
#ifndef RP_BENCH_NATIVE_H
#define RP_BENCH_NATIVE_H

#include <linux/compiler_attributes.h>

#include "../steps.h"

/* A branch of a static key, and what the kernel keeps of it. */
struct native_jump {
	int code, target;
	long key;
};

/* An instruction of which the kernel chooses one for its processor. */
struct native_alternative {
	int code, replacement;
	u32 feature;
	u8 bytes, replacement_bytes;
} __packed;

/* layout.ld: where the module's are, and where per-CPU memory is. */
extern char native_percpu[], native_percpu_end[];
extern struct native_jump native_jumps[], native_jumps_end[];
extern struct native_alternative native_alternatives[], native_alternatives_end[];
extern int native_returns[], native_returns_end[];

/* Answers nothing. */
long native_nothing(void);

/* The stubs for what the module calls, and nobody has, call this. */
void native_missing(const char *name);

/* What the stand-in has for functions of core and of the kernel crate. */
void native_from_utf8(u64 result[3], const char *text, size_t length);
int native_to_result(int err);
void native_try_from_fmt(const char *string[3]);

/* The module's. */
int init_module(void);

/* Loads the module, as far as its fast path needs it. Does not return if it cannot. */
void native_load(void);

/* Whether the kernel may have replaced the instruction at @ip by an alternative. */
bool native_has_alternative(u64 ip);

/* The base of the segment of per-CPU memory. */
u64 native_gs(void);

/* The module's, by the names by which clients know them; see wdm.h. */
void *rust_pool_allocate(u32 type, size_t bytes, u32 tag, unsigned long caller,
			 const void *owner);
void rust_pool_free(void *block, u32 tag, unsigned long caller);

#endif /* RP_BENCH_NATIVE_H */
