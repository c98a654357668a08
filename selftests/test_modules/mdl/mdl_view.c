// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of MDLs that are mapped into the process: that it sees them, with which cache type,
 * for how long, and what is refused meanwhile. What a process can do to such a mapping, and
 * what its end does, is for mdl_view.sh.
 */
#include <linux/completion.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "common.h"
#include "mdl.h"

#define VERIFIER	DRIVER_VERIFIER_DETECTED_VIOLATION
#define INVALID_VIEW	0xd7
#define BYTES		(3 * PAGE_SIZE)

enum source { POOL, LARGE, LOCKED, CONTIGUOUS, NONCACHED, COMBINED, COMMON, FOR_MDL, FOR_MDL_WC };

static const struct rpt_arg sources[] = {
	{ "pool", POOL },
	{ "large_pool", LARGE },
	{ "pool_locked", LOCKED },
	{ "contiguous", CONTIGUOUS },
	{ "noncached", NONCACHED },
	{ "write_combined", COMBINED },
	{ "common_buffer", COMMON },
	{ "pages", FOR_MDL },
	{ "pages_write_combined", FOR_MDL_WC },
	{ }
};

/* A buffer, its MDL, and the first of its pages. */
struct buffer {
	enum source source;
	size_t bytes;
	char *va;
	PMDL mdl;
	struct common common;
};

static MEMORY_CACHING_TYPE type_of(const struct buffer *b)
{
	switch (b->source) {
	case NONCACHED:
		return MmNonCached;
	case COMBINED:
	case FOR_MDL_WC:
		return MmWriteCombined;
	default:
		return MmCached;
	}
}

static void drop(struct rpt *t, struct buffer *b)
{
	if (!b->mdl)
		return;
	if (b->source == LOCKED)
		MmUnlockPages(b->mdl);
	if (b->source >= FOR_MDL)
		MmFreePagesFromMdl(b->mdl);
	if (b->source >= FOR_MDL)
		ExFreePool(b->mdl);
	else
		IoFreeMdl(b->mdl);
	switch (b->source) {
	case POOL:
	case LARGE:
	case LOCKED:
		ExFreePoolWithTag(b->va, TAG_MDL);
		break;
	case CONTIGUOUS:
	case COMBINED:
		MmFreeContiguousMemory(b->va);
		break;
	case NONCACHED:
		MmFreeNonCachedMemory(b->va, b->bytes);
		break;
	case COMMON:
		common_free(&b->common);
		common_put(&b->common);
		break;
	default:
		break;
	}
	rpt_settle(t);
}

static bool make(struct rpt *t, struct buffer *b, enum source source)
{
	PHYSICAL_ADDRESS zero = {}, any = { .QuadPart = -1 };

	*b = (struct buffer) {
		.source = source,
		.bytes = source == LARGE ? SZ_1M : BYTES,
	};
	switch (source) {
	case POOL:
	case LARGE:
	case LOCKED:
		b->va = ExAllocatePoolWithTag(NonPagedPoolNx, b->bytes, TAG_MDL);
		break;
	case CONTIGUOUS:
		b->va = MmAllocateContiguousMemory(b->bytes, any);
		break;
	case COMBINED:
		b->va = MmAllocateContiguousMemorySpecifyCache(b->bytes, zero,
							       any, zero,
							       MmWriteCombined);
		break;
	case NONCACHED:
		b->va = MmAllocateNonCachedMemory(b->bytes);
		break;
	case COMMON:
		if (common_get(&b->common, b->bytes))
			b->va = b->common.va;
		break;
	default:
		b->mdl = MmAllocatePagesForMdlEx(zero, any, zero, b->bytes,
						 type_of(b), 0);
		if (!EXPECT(t, b->mdl && b->mdl->ByteCount == b->bytes))
			return false;
		b->va = page_address(pfn_to_page(*MmGetMdlPfnArray(b->mdl)));
		return true;
	}
	if (!EXPECT(t, b->va))
		return false;
	b->mdl = IoAllocateMdl(b->va + 100, b->bytes - 100, FALSE, FALSE, NULL);
	if (!EXPECT(t, b->mdl))
		return false;
	if (source == LOCKED)
		EXPECT_EQ(t, MmProbeAndLockPages(b->mdl, KernelMode,
						 IoModifyAccess), 0);
	else
		MmBuildMdlForNonPagedPool(b->mdl);
	return true;
}

static char __user *map(const struct buffer *b, void *at, ULONG priority)
{
	return (char __user *)MmMapLockedPagesSpecifyCache(b->mdl, UserMode,
							   type_of(b), at,
							   FALSE, priority);
}

static void unmap(const struct buffer *b, char __user *at)
{
	MmUnmapLockedPages((__force void *)at, b->mdl);
}

static int references(const struct buffer *b)
{
	return page_count(pfn_to_page(*MmGetMdlPfnArray(b->mdl)));
}

static bool is_there(char __user *at)
{
	char byte;

	return !get_user(byte, at);
}

/* The bytes of the area around an address. What is behind it may be another one. */
static unsigned long area_of(char __user *at)
{
	struct vm_area_struct *vma;
	unsigned long bytes = 0;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, (unsigned long)at);
	if (vma)
		bytes = vma->vm_end - vma->vm_start;
	mmap_read_unlock(current->mm);
	return bytes;
}

static void same_memory(struct rpt *t)
{
	unsigned int offset = rpt_value(t) >= FOR_MDL ? 0 : 100, had;
	/* The pages of a common buffer cannot have any. */
	unsigned int more = rpt_value(t) != COMMON;
	struct buffer b;
	char __user *user;
	CSHORT flags;
	char byte;

	if (!make(t, &b, rpt_value(t)))
		return;
	flags = b.mdl->MdlFlags;
	had = references(&b);
	memset(b.va, 'k', PAGE_SIZE);
	user = map(&b, NULL, NormalPagePriority);
	if (EXPECT(t, user)) {
		EXPECT(t, (unsigned long)user < TASK_SIZE);
		EXPECT_EQ(t, offset_in_page(user), offset);
		EXPECT(t, !get_user(byte, user) && byte == 'k');
		EXPECT(t, !put_user('u', user + 7));
		EXPECT_EQ(t, b.va[offset + 7], 'u');
		EXPECT(t, is_there(user + b.mdl->ByteCount - 1));
		EXPECT_EQ(t, area_of(user), b.bytes);
		/* That is no business of the MDL's. */
		EXPECT_EQ(t, b.mdl->MdlFlags, flags);
		EXPECT_EQ(t, references(&b), had + more);
		unmap(&b, user);
		EXPECT(t, !is_there(user));
		EXPECT_EQ(t, references(&b), had);
	}
	drop(t, &b);
	EXPECT_VIOLATIONS(t, 0);
}

/* As the page tables of the process have it. */
static pgprot_t protection_at(char __user *at)
{
	struct vm_area_struct *vma;
	pgprot_t found = {};

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, (unsigned long)at);
	if (vma)
		found = vma->vm_page_prot;
	mmap_read_unlock(current->mm);
	return found;
}

static void of_its_type(struct rpt *t)
{
	MEMORY_CACHING_TYPE other;
	struct buffer b;
	char __user *user;
	pgprot_t is, want;

	if (!make(t, &b, rpt_value(t)))
		return;
	user = map(&b, NULL, NormalPagePriority);
	if (EXPECT(t, user)) {
		is = protection_at(user);
		want = is;
		if (type_of(&b) == MmNonCached)
			want = pgprot_noncached(is);
		else if (type_of(&b) == MmWriteCombined)
			want = pgprot_writecombine(is);
		EXPECT_EQ(t, pgprot_val(is), pgprot_val(want));
		if (type_of(&b) == MmCached)
			EXPECT(t, pgprot_val(is) !=
				  pgprot_val(pgprot_noncached(is)));
		unmap(&b, user);
	}
	/* No alias of another type. */
	for (other = MmNonCached; other <= MmWriteCombined; other++) {
		if (other == type_of(&b))
			continue;
		EXPECT(t, !MmMapLockedPagesSpecifyCache(b.mdl, UserMode, other,
							NULL, FALSE, 0));
		EXPECT_VIOLATION(t, VERIFIER, 0x16);
	}
	user = (char __user *)MmMapLockedPages(b.mdl, UserMode);
	if (EXPECT(t, user))
		unmap(&b, user);
	drop(t, &b);
}

static void at_an_address(struct rpt *t)
{
	char __user *room = rpt_user_map(BYTES), *user, *again;
	struct buffer b;

	if (!EXPECT(t, room) || !make(t, &b, POOL))
		return;
	/* It is taken, and stays what it is. */
	put_user('x', room);
	EXPECT(t, !map(&b, (__force void *)room, NormalPagePriority));
	EXPECT(t, is_there(room));
	rpt_user_unmap(room, BYTES);
	user = map(&b, (__force void *)(room + 17), NormalPagePriority);
	EXPECT(t, user == room + 100);
	again = map(&b, NULL, NormalPagePriority);
	EXPECT(t, again && again != user);
	EXPECT(t, !map(&b, (void *)17, NormalPagePriority));
	EXPECT(t, !map(&b, b.va, NormalPagePriority));
	if (user)
		unmap(&b, user);
	if (again) {
		EXPECT(t, is_there(again));
		unmap(&b, again);
	}
	drop(t, &b);
	EXPECT_VIOLATIONS(t, 0);
}

static void not_writable(struct rpt *t)
{
	struct buffer b;
	char __user *user;

	if (!make(t, &b, POOL))
		return;
	memset(b.va, 'k', PAGE_SIZE);
	user = map(&b, NULL, NormalPagePriority | MdlMappingNoWrite);
	if (EXPECT(t, user)) {
		EXPECT(t, is_there(user));
		EXPECT(t, put_user('u', user));
		EXPECT_EQ(t, b.va[100], 'k');
		unmap(&b, user);
	}
	drop(t, &b);
}

/* A part of it, and beside a mapping for the kernel. */
static void in_part(struct rpt *t)
{
	struct buffer b;
	char __user *user;
	char *va;
	PMDL part;

	if (!make(t, &b, LOCKED))
		return;
	va = MmGetSystemAddressForMdlSafe(b.mdl, NormalPagePriority);
	part = IoAllocateMdl(b.va, BYTES, FALSE, FALSE, NULL);
	if (!EXPECT(t, va && part))
		return;
	IoBuildPartialMdl(b.mdl, part, b.va + PAGE_SIZE + 5, 10);
	user = (char __user *)MmMapLockedPages(part, UserMode);
	if (EXPECT(t, user)) {
		EXPECT_EQ(t, offset_in_page(user), 5);
		EXPECT(t, !put_user('u', user));
		EXPECT_EQ(t, va[PAGE_SIZE + 5 - 100], 'u');
		EXPECT_EQ(t, area_of(user), PAGE_SIZE);
		MmUnmapLockedPages((__force void *)user, part);
	}
	IoFreeMdl(part);
	drop(t, &b);
	EXPECT_VIOLATIONS(t, 0);
}

/* What a process would see of others is refused. */
static void with_others(struct rpt *t)
{
	char __user *memory = rpt_user_map(PAGE_SIZE);
	char *small = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG_MDL);
	PMDL mdl = IoAllocateMdl(small, 100, FALSE, FALSE, NULL);
	const struct rpt_violation *v;
	PMDL own;

	if (!EXPECT(t, memory && small && mdl))
		return;
	MmBuildMdlForNonPagedPool(mdl);
	EXPECT(t, !MmMapLockedPages(mdl, UserMode));
	v = EXPECT_VIOLATION(t, VERIFIER, 0x16);
	if (v)
		EXPECT_EQ(t, v->p[3], *MmGetMdlPfnArray(mdl));
	IoFreeMdl(mdl);
	ExFreePoolWithTag(small, TAG_MDL);
	/* A page of a process has an owner. */
	own = IoAllocateMdl((__force void *)memory, PAGE_SIZE, FALSE, FALSE,
			    NULL);
	if (!EXPECT(t, own))
		return;
	EXPECT_EQ(t, MmProbeAndLockPages(own, UserMode, IoWriteAccess), 0);
	EXPECT(t, !MmMapLockedPages(own, UserMode));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	MmUnlockPages(own);
	IoFreeMdl(own);
	rpt_user_unmap(memory, PAGE_SIZE);
}

static void mapped_badly(struct rpt *t)
{
	struct buffer b;

	if (!make(t, &b, POOL))
		return;
	b.mdl->MdlFlags = 0;
	EXPECT(t, !map(&b, NULL, NormalPagePriority));
	EXPECT_VIOLATION(t, VERIFIER, 0xb3);
	b.mdl->MdlFlags = MDL_PAGES_LOCKED;
	*MmGetMdlPfnArray(b.mdl) = 1UL << 40;
	EXPECT(t, !map(&b, NULL, NormalPagePriority));
	EXPECT_VIOLATION(t, VERIFIER, 0x89);
	EXPECT(t, !MmMapLockedPages(NULL, UserMode));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	MmInitializeMdl(b.mdl, b.va, BYTES);
	MmBuildMdlForNonPagedPool(b.mdl);
	drop(t, &b);
}

struct call {
	const struct buffer *b;
	char __user *user;
};

static void do_map(void *arg)
{
	struct call *call = arg;

	call->user = map(call->b, NULL, NormalPagePriority);
}

static void do_unmap(void *arg)
{
	struct call *call = arg;

	unmap(call->b, call->user);
}

static void in_context(struct rpt *t)
{
	const struct rpt_violation *v;
	struct call call;
	struct buffer b;

	if (!make(t, &b, POOL))
		return;
	call = (struct call) { .b = &b };
	rpt_in_context(rpt_value(t), do_map, &call);
	EXPECT(t, !call.user);
	v = EXPECT_VIOLATION(t, VERIFIER, 0x77);
	if (v)
		EXPECT_EQ(t, v->p[1], rpt_irql(rpt_value(t)));
	do_map(&call);
	if (EXPECT(t, call.user)) {
		rpt_in_context(rpt_value(t), do_unmap, &call);
		EXPECT_VIOLATION(t, VERIFIER, 0x7a);
		EXPECT(t, is_there(call.user));
		do_unmap(&call);
		EXPECT(t, !is_there(call.user));
	}
	drop(t, &b);
}

static void in_thread(struct rpt *t, void (*fn)(void *arg), void *arg)
{
	struct rpt_errand errand;

	if (EXPECT(t, rpt_send(&errand, fn, arg)))
		wait_for_completion(&errand.done);
}

static void unmapped_badly(struct rpt *t)
{
	char __user *other = rpt_user_map(PAGE_SIZE);
	struct buffer b, c;
	struct call call;

	if (!EXPECT(t, other) || !make(t, &b, POOL) || !make(t, &c, POOL))
		return;
	call = (struct call) { .b = &b };
	do_map(&call);
	if (!EXPECT(t, call.user))
		return;
	unmap(&b, call.user + PAGE_SIZE);
	EXPECT_VIOLATION(t, INVALID_VIEW, (unsigned long)call.user + PAGE_SIZE);
	unmap(&c, call.user);
	EXPECT_VIOLATION(t, INVALID_VIEW, (unsigned long)call.user);
	unmap(&b, other);
	EXPECT_VIOLATION(t, INVALID_VIEW, (unsigned long)other);
	EXPECT(t, is_there(other));
	/* A thread of the kernel is another process, and has no such mapping. */
	in_thread(t, do_unmap, &call);
	EXPECT_VIOLATION(t, INVALID_VIEW, (unsigned long)call.user);
	EXPECT(t, is_there(call.user));
	do_unmap(&call);
	EXPECT_VIOLATIONS(t, 0);
	do_unmap(&call);
	EXPECT_VIOLATION(t, INVALID_VIEW, (unsigned long)call.user);
	/* Nor can anything be mapped into it. */
	in_thread(t, do_map, &call);
	EXPECT(t, !call.user);
	rpt_user_unmap(other, PAGE_SIZE);
	drop(t, &b);
	drop(t, &c);
	EXPECT_VIOLATIONS(t, 0);
}

static const struct rpt_arg kept[] = {
	{ "pool", POOL },
	{ "pool_locked", LOCKED },
	{ "common_buffer", COMMON },
	{ "pages", FOR_MDL },
	{ }
};

/* Whatever the driver says by then. */
static void kept_while_mapped(struct rpt *t)
{
	const struct rpt_violation *v;
	char __user *one, *two;
	struct buffer b;

	if (!make(t, &b, rpt_value(t)))
		return;
	one = map(&b, NULL, NormalPagePriority);
	two = map(&b, NULL, NormalPagePriority);
	if (!EXPECT(t, one && two))
		return;
	IoFreeMdl(b.mdl);
	v = EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	if (v)
		EXPECT_EQ(t, v->p[3], 2);
	unmap(&b, one);
	if (b.source == LOCKED)
		MmUnlockPages(b.mdl);
	else if (b.source == FOR_MDL)
		MmFreePagesFromMdl(b.mdl);
	else
		IoFreeMdl(b.mdl);
	v = EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	if (v)
		EXPECT_EQ(t, v->p[3], 1);
	EXPECT(t, is_there(two));
	unmap(&b, two);
	drop(t, &b);
	EXPECT_VIOLATIONS(t, 0);
}

static const struct rpt_arg let_go[] = {
	{ "pool", POOL },
	{ "common_buffer", COMMON },
	{ }
};

/* The process may let go of it itself, but not of a part. */
static void unmapped_by_the_process(struct rpt *t)
{
	unsigned long base;
	struct buffer b;
	char __user *user;

	if (!make(t, &b, rpt_value(t)))
		return;
	user = map(&b, NULL, NormalPagePriority);
	if (!EXPECT(t, user))
		return;
	base = (unsigned long)user & PAGE_MASK;
	EXPECT(t, vm_munmap(base, PAGE_SIZE));
	EXPECT(t, vm_munmap(base + PAGE_SIZE, PAGE_SIZE));
	EXPECT(t, is_there(user));
	EXPECT(t, !vm_munmap(base, BYTES));
	unmap(&b, user);
	EXPECT_VIOLATION(t, INVALID_VIEW, (unsigned long)user);
	drop(t, &b);
	EXPECT_VIOLATIONS(t, 0);
}

/* The block is freed first: the process goes on with what is now its alone. */
static void freed_while_mapped(struct rpt *t)
{
	char *others[32], __user *user;
	struct buffer b;
	unsigned int i;
	char byte;
	PMDL mdl;

	if (!make(t, &b, POOL))
		return;
	memset(b.va, 'k', BYTES);
	user = map(&b, NULL, NormalPagePriority);
	if (!EXPECT(t, user))
		return;
	mdl = b.mdl;
	ExFreePoolWithTag(b.va, TAG_MDL);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = ExAllocatePoolWithTag(NonPagedPoolNx, BYTES, TAG_MDL);
		if (others[i])
			memset(others[i], 'o', BYTES);
	}
	EXPECT(t, !get_user(byte, user) && byte == 'k');
	EXPECT(t, !put_user('u', user));
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		if (!others[i])
			continue;
		EXPECT(t, !memchr_inv(others[i], 'o', BYTES));
		ExFreePoolWithTag(others[i], TAG_MDL);
	}
	MmUnmapLockedPages((__force void *)user, mdl);
	IoFreeMdl(mdl);
	EXPECT_VIOLATIONS(t, 0);
}

/* Maps pages, and frees the MDL. */
static noinline char __user *map_and_lose(struct rpt *t, struct buffer *b)
{
	char __user *user;

	if (!make(t, b, POOL))
		return NULL;
	user = (char __user *)MmMapLockedPages(b->mdl, UserMode);
	if (EXPECT(t, user))
		ExFreePool(b->mdl);
	return user;
}

/* The next MDL at the address reports it, as of the one who mapped them. */
static void lost_while_mapped(struct rpt *t)
{
	enum { MANY = 64 };
	PMDL next[MANY] = { };
	const struct rpt_violation *v;
	struct buffer b;
	char __user *user;
	unsigned int i;

	if (IS_ENABLED(CONFIG_KASAN)) {
		rpt_skip(t, "KASAN hands the address out much later");
		return;
	}
	user = map_and_lose(t, &b);
	if (!user)
		return;
	for (i = 0; i < MANY; i++) {
		next[i] = IoAllocateMdl(b.va + 100, BYTES - 100, FALSE, FALSE,
					NULL);
		if (next[i] == b.mdl)
			break;
	}
	EXPECT(t, i < MANY);
	v = EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	if (v)
		EXPECT(t, strstr(v->text, "map_and_lose"));
	/* The mapping is not one of the new MDL's. */
	EXPECT(t, is_there(user));
	for (i = 0; i < MANY; i++)
		if (next[i])
			IoFreeMdl(next[i]);
	EXPECT_VIOLATIONS(t, 0);
	EXPECT(t, !vm_munmap((unsigned long)user & PAGE_MASK, BYTES));
	ExFreePoolWithTag(b.va, TAG_MDL);
}

/* Nothing but its record keeps a common buffer. */
static void buffer_kept(struct rpt *t)
{
	const struct rpt_violation *v;
	char __user *one, *two;
	struct buffer b;
	char byte;

	if (!make(t, &b, COMMON))
		return;
	memset(b.va, 'k', BYTES);
	one = map(&b, NULL, NormalPagePriority);
	two = map(&b, NULL, NormalPagePriority);
	if (!EXPECT(t, one && two))
		return;
	common_free(&b.common);
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x0e);
	if (v) {
		EXPECT_EQ(t, v->p[1], (unsigned long)b.va);
		EXPECT_EQ(t, v->p[2], 2);
		EXPECT_EQ(t, v->p[3], 1);
	}
	unmap(&b, one);
	common_free(&b.common);
	v = EXPECT_VIOLATION(t, DRIVER_VERIFIER_DMA_VIOLATION, 0x0e);
	if (v)
		EXPECT_EQ(t, v->p[2], 1);
	EXPECT(t, !get_user(byte, two + BYTES - 101) && byte == 'k');
	unmap(&b, two);
	/* What could not be made keeps nothing. */
	EXPECT(t, !map(&b, (void *)17, NormalPagePriority));
	EXPECT(t, !map(&b, b.va, NormalPagePriority));
	drop(t, &b);
	EXPECT_VIOLATIONS(t, 0);
}

static void seal(char __user *at, bool sealed)
{
	struct vm_area_struct *vma;

	mmap_write_lock(current->mm);
	vma = vma_lookup(current->mm, (unsigned long)at);
	if (vma && sealed)
		vm_flags_set(vma, VM_SEALED);
	else if (vma)
		vm_flags_clear(vma, VM_SEALED);
	mmap_write_unlock(current->mm);
}

/* The process keeps the area, but sees nothing there any more. */
static void buffer_of_a_sealed_mapping(struct rpt *t)
{
	unsigned long base;
	struct buffer b;
	char __user *user;

	if (!make(t, &b, COMMON))
		return;
	user = map(&b, NULL, NormalPagePriority);
	if (!EXPECT(t, user))
		return;
	base = (unsigned long)user & PAGE_MASK;
	seal(user, true);
	EXPECT(t, vm_munmap(base, BYTES));
	EXPECT(t, is_there(user));
	unmap(&b, user);
	EXPECT_EQ(t, area_of(user), BYTES);
	EXPECT(t, !is_there(user));
	EXPECT(t, !is_there(user + 2 * PAGE_SIZE));
	drop(t, &b);
	EXPECT(t, !is_there(user));
	seal(user, false);
	EXPECT(t, !vm_munmap(base, BYTES));
	EXPECT_VIOLATIONS(t, 0);
}

/* A page that is not the first. */
static void buffer_in_part(struct rpt *t)
{
	struct buffer b;
	char __user *user;
	PMDL part;

	if (!make(t, &b, COMMON))
		return;
	part = IoAllocateMdl(b.va, BYTES, FALSE, FALSE, NULL);
	if (!EXPECT(t, part))
		return;
	IoBuildPartialMdl(b.mdl, part, b.va + PAGE_SIZE + 5, 10);
	user = (char __user *)MmMapLockedPages(part, UserMode);
	if (EXPECT(t, user)) {
		EXPECT(t, !put_user('u', user));
		EXPECT_EQ(t, b.va[PAGE_SIZE + 5], 'u');
		EXPECT_EQ(t, area_of(user), PAGE_SIZE);
		MmUnmapLockedPages((__force void *)user, part);
	}
	IoFreeMdl(part);
	drop(t, &b);
	EXPECT_VIOLATIONS(t, 0);
}

/* What is not in the buffer, or not as it is there. */
static void buffer_with_others(struct rpt *t)
{
	PFN_NUMBER *frames;
	struct buffer b;
	PMDL longer;

	if (!make(t, &b, COMMON))
		return;
	frames = MmGetMdlPfnArray(b.mdl);
	swap(frames[0], frames[1]);
	EXPECT(t, !map(&b, NULL, NormalPagePriority));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	swap(frames[0], frames[1]);
	/* The DMA API takes four pages for three. */
	longer = IoAllocateMdl(b.va, BYTES + PAGE_SIZE, FALSE, FALSE, NULL);
	if (!EXPECT(t, longer))
		return;
	MmBuildMdlForNonPagedPool(longer);
	EXPECT(t, !MmMapLockedPages(longer, UserMode));
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	IoFreeMdl(longer);
	drop(t, &b);
	EXPECT_VIOLATIONS(t, 0);
}

/* Nobody gets references to the pages by way of the process. */
static void buffer_not_locked(struct rpt *t)
{
	struct buffer b;
	char __user *user;
	PMDL own;

	if (!make(t, &b, COMMON))
		return;
	user = map(&b, NULL, NormalPagePriority);
	if (!EXPECT(t, user))
		return;
	own = IoAllocateMdl((__force void *)user, PAGE_SIZE, FALSE, FALSE, NULL);
	if (EXPECT(t, own)) {
		EXPECT_EQ(t, MmProbeAndLockPages(own, UserMode, IoReadAccess),
			  STATUS_ACCESS_VIOLATION);
		IoFreeMdl(own);
	}
	unmap(&b, user);
	drop(t, &b);
	EXPECT_VIOLATIONS(t, 0);
}

static const struct rpt_case cases[] = {
	{ "same_memory", same_memory, sources },
	{ "of_its_type", of_its_type, sources },
	{ "at_an_address", at_an_address },
	{ "not_writable", not_writable },
	{ "in_part", in_part },
	{ "with_others", with_others },
	{ "mapped_badly", mapped_badly },
	{ "in_context", in_context, rpt_atomic_contexts },
	{ "unmapped_badly", unmapped_badly },
	{ "kept_while_mapped", kept_while_mapped, kept },
	{ "unmapped_by_the_process", unmapped_by_the_process, let_go },
	{ "freed_while_mapped", freed_while_mapped },
	{ "lost_while_mapped", lost_while_mapped },
	{ "buffer_kept", buffer_kept },
	{ "buffer_of_a_sealed_mapping", buffer_of_a_sealed_mapping },
	{ "buffer_in_part", buffer_in_part },
	{ "buffer_with_others", buffer_with_others },
	{ "buffer_not_locked", buffer_not_locked },
};

const struct rpt_suite mdl_view_suite = RPT_SUITE("mdl_view", cases);
