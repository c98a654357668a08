/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What this folder provides to the rest of the module in C, for x86-64. Another
 * architecture implements these functions, and the Rust files of this folder.
 */
#ifndef _RUST_POOL_ARCH_H
#define _RUST_POOL_ARCH_H

#include <linux/types.h>
#include <asm/extable_fixup_types.h>
#include <rust_pool/wdm.h>

struct page;

/*
 * Types of entries in the exception table: a fault at the instruction leaves 0, or
 * -EFAULT, in rax, and execution goes on behind it.
 */
static const u32 RUST_POOL_FIXUP_ZERO_RAX = EX_TYPE_IMM_REG;
static const u32 RUST_POOL_FIXUP_ERROR_RAX = EX_TYPE_EFAULT_REG;

/* pages.c: where pages are mapped, and how they are cached. */
bool rust_pool_lookup(const void *addr, phys_addr_t *phys);
void *rust_pool_vmap(struct page **pages, unsigned int count,
		     MEMORY_CACHING_TYPE type, bool write);
bool rust_pool_io_exists(phys_addr_t start, size_t bytes);
void *rust_pool_device_map(phys_addr_t start, size_t bytes,
			   MEMORY_CACHING_TYPE type, bool write);
void rust_pool_device_unmap(void *base);
s32 rust_pool_type_of(const void *addr);
bool rust_pool_is_writable(const void *addr);
int rust_pool_pages_set(struct page **pages, unsigned int count,
			MEMORY_CACHING_TYPE type);
int rust_pool_direct_set(void *addr, unsigned int count,
			 MEMORY_CACHING_TYPE type);

/* guard_pages.c: areas in which pages are mapped and unmapped. */
void *rust_pool_guard_area(struct page *any, unsigned int count);
void rust_pool_guard_show(void *address, struct page *page);
void rust_pool_guard_hide(void *address);
void rust_pool_guard_flush(void *start, void *end);
struct rust_pool_reserved;
struct rust_pool_reserved *rust_pool_reserve(unsigned int count, void **base);
bool rust_pool_reserved_show(struct rust_pool_reserved *area,
			     const PFN_NUMBER *frames, size_t count,
			     MEMORY_CACHING_TYPE type, bool write);
void rust_pool_reserved_hide(struct rust_pool_reserved *area, size_t count);
void rust_pool_reserved_settle(struct rust_pool_reserved *area);
bool rust_pool_reserved_settles(struct rust_pool_reserved *area);
void rust_pool_unreserve(struct rust_pool_reserved *area);
void rust_pool_hide(void *base, size_t count);
bool rust_pool_protect(void *base, const PFN_NUMBER *frames, size_t count, u32 access,
		       MEMORY_CACHING_TYPE type, bool sleep);
int rust_pool_guard_watch(void);
void rust_pool_guard_unwatch(void);

/* unwind.c: what is known of addresses in code, and the stack. */
struct rust_pool_function {
	/* Where it begins; 0 if nothing is known. */
	unsigned long start;
	/* Two bits that rust_pool_function_keep() was told. */
	u32 bits;
	/* Since when. */
	u32 generation;
};
int rust_pool_code_open(void);
void rust_pool_code_close(void);
void rust_pool_code_changed(void);
size_t rust_pool_code_bytes(void);
bool rust_pool_function_known(unsigned long addr,
			      struct rust_pool_function *function);
void rust_pool_function_keep(unsigned long addr,
			     const struct rust_pool_function *function);
bool rust_pool_runs_softirqs(unsigned long addr);
unsigned int rust_pool_walk_stack(unsigned long *frames, unsigned int room,
				  unsigned long *fp, bool softirq);

#endif /* _RUST_POOL_ARCH_H */
