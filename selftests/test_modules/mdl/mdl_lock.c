// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of a process and of the kernel, locked: access, frames, contexts, and
 * what is refused.
 */
#include <linux/completion.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "mdl.h"

#define VERIFIER	DRIVER_VERIFIER_DETECTED_VIOLATION
#define BYTES		(3 * PAGE_SIZE)

/* Memory of this process, and an MDL for it from its 100th byte on. */
struct buffer {
	char __user *memory;
	PMDL mdl;
};

/* A buffer that the process has not touched yet. */
static bool user_untouched(struct rpt *t, struct buffer *user)
{
	user->memory = rpt_user_map(BYTES);
	user->mdl = NULL;
	if (user->memory)
		user->mdl = IoAllocateMdl((__force char *)user->memory + 100,
					  BYTES - 100, FALSE, FALSE, NULL);
	return EXPECT(t, user->mdl);
}

static bool user_make(struct rpt *t, struct buffer *user)
{
	return user_untouched(t, user) && EXPECT(t, !clear_user(user->memory, BYTES));
}

static void user_drop(struct buffer *user)
{
	IoFreeMdl(user->mdl);
	rpt_user_unmap(user->memory, BYTES);
}

static const struct rpt_arg operations[] = {
	{ "read", IoReadAccess },
	{ "write", IoWriteAccess },
	{ "modify", IoModifyAccess },
	{ }
};

/* Whether somebody has each of its pages pinned. */
static bool pinned(PMDL mdl)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (!folio_maybe_dma_pinned(pfn_folio(MmGetMdlPfnArray(mdl)[i])))
			return false;
	return true;
}

static void of_a_process(struct rpt *t)
{
	bool write = rpt_value(t) != IoReadAccess;
	struct buffer user;
	char byte = 0;
	char *va;

	if (!user_make(t, &user))
		return;
	EXPECT_EQ(t, MmProbeAndLockPages(user.mdl, UserMode, rpt_value(t)),
		  STATUS_SUCCESS);
	EXPECT_EQ(t, user.mdl->MdlFlags,
		  MDL_PAGES_LOCKED | (write ? MDL_WRITE_OPERATION : 0));
	EXPECT(t, user.mdl->Process);
	EXPECT(t, pinned(user.mdl));
	va = MmGetSystemAddressForMdlSafe(user.mdl, NormalPagePriority |
						    MdlMappingNoExecute);
	if (EXPECT(t, va)) {
		EXPECT_EQ(t, offset_in_page(va), 100);
		put_user('u', user.memory + PAGE_SIZE + 100);
		EXPECT_EQ(t, va[PAGE_SIZE], 'u');
		va[2 * PAGE_SIZE] = 'k';
		EXPECT(t, !get_user(byte, user.memory + 2 * PAGE_SIZE + 100));
		EXPECT_EQ(t, byte, 'k');
	}
	/* It is unmapped by that as well. */
	MmUnlockPages(user.mdl);
	EXPECT_EQ(t, user.mdl->MdlFlags, 0);
	EXPECT(t, !user.mdl->Process && !user.mdl->MappedSystemVa);
	EXPECT(t, !pinned(user.mdl));
	/* Again, and still there when the process has let go of it. */
	EXPECT_EQ(t, MmProbeAndLockPages(user.mdl, KernelMode, rpt_value(t)),
		  STATUS_SUCCESS);
	rpt_user_unmap(user.memory, BYTES);
	va = MmGetSystemAddressForMdlSafe(user.mdl, NormalPagePriority);
	if (EXPECT(t, va))
		EXPECT_EQ(t, va[2 * PAGE_SIZE], 'k');
	MmUnlockPages(user.mdl);
	IoFreeMdl(user.mdl);
}

/*
 * Each page is the process's own, which so far had none: who locks it sees what the
 * process writes later, and what it writes there itself is seen by nobody else.
 */
static void of_untouched(struct rpt *t)
{
	struct buffer user, other;
	PPFN_NUMBER frames;
	char byte = 1;
	char *va;

	if (!user_untouched(t, &user) || !user_untouched(t, &other))
		return;
	EXPECT_EQ(t, MmProbeAndLockPages(user.mdl, UserMode, rpt_value(t)),
		  STATUS_SUCCESS);
	frames = MmGetMdlPfnArray(user.mdl);
	EXPECT(t, frames[0] != frames[1] && frames[1] != frames[2] && frames[2] != frames[0]);
	va = MmGetSystemAddressForMdlSafe(user.mdl, NormalPagePriority |
						    MdlMappingNoExecute);
	if (EXPECT(t, va)) {
		put_user('u', user.memory + PAGE_SIZE + 100);
		EXPECT_EQ(t, va[PAGE_SIZE], 'u');
		/* Not if a defect would spoil the zero page of the machine. */
		if (frames[0] != page_to_pfn(ZERO_PAGE(0)))
			va[0] = 'k';
		EXPECT(t, !get_user(byte, user.memory + 100));
		EXPECT_EQ(t, byte, 'k');
		EXPECT(t, !get_user(byte, other.memory + 100));
		EXPECT_EQ(t, byte, 0);
	}
	MmUnlockPages(user.mdl);
	user_drop(&user);
	user_drop(&other);
}

static void access_checked(struct rpt *t)
{
	unsigned long read_only;
	struct buffer user;
	PMDL mdl;

	if (!user_make(t, &user))
		return;
	read_only = vm_mmap(NULL, 0, BYTES, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS, 0);
	mdl = IoAllocateMdl((void *)read_only, BYTES, FALSE, FALSE, NULL);
	if (!EXPECT(t, mdl && !IS_ERR_VALUE(read_only)))
		return;
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, UserMode, IoReadAccess), 0);
	MmUnlockPages(mdl);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, UserMode, IoWriteAccess),
		  STATUS_ACCESS_VIOLATION);
	EXPECT_EQ(t, mdl->MdlFlags, 0);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess),
		  STATUS_ACCESS_VIOLATION);
	vm_munmap(read_only, BYTES);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, UserMode, IoReadAccess),
		  STATUS_ACCESS_VIOLATION);
	IoFreeMdl(mdl);
	/* The last page is not there: none stays pinned. */
	vm_munmap((unsigned long)user.memory + 2 * PAGE_SIZE, PAGE_SIZE);
	MmGetMdlPfnArray(user.mdl)[0] = 0;
	EXPECT_EQ(t, MmProbeAndLockPages(user.mdl, UserMode, IoReadAccess),
		  STATUS_ACCESS_VIOLATION);
	EXPECT_EQ(t, user.mdl->MdlFlags, 0);
	user_drop(&user);
	/* The kernel's memory is not the process's. */
	mdl = IoAllocateMdl(t, 8, FALSE, FALSE, NULL);
	if (!EXPECT(t, mdl))
		return;
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, UserMode, IoReadAccess),
		  STATUS_ACCESS_VIOLATION);
	MmInitializeMdl(mdl, (void *)0x7ffffffff000, 1);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, UserMode, IoReadAccess),
		  STATUS_ACCESS_VIOLATION);
	MmInitializeMdl(mdl, NULL, 1);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, UserMode, IoReadAccess),
		  STATUS_ACCESS_VIOLATION);
	/* A process may name any address, so this is no violation either. */
	MmInitializeMdl(mdl, (void *)(ULONG_MAX - 3), 8);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, UserMode, IoReadAccess),
		  STATUS_ACCESS_VIOLATION);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoReadAccess),
		  STATUS_ACCESS_VIOLATION);
	IoFreeMdl(mdl);
}

static const struct rpt_arg kinds[] = {
	{ "nonpaged", NonPagedPoolNx },
	{ "paged", PagedPool },
	{ }
};

static void of_the_kernel(struct rpt *t)
{
	static const size_t bytes[] = { 1, 100, 5000, SZ_1M };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		char *block = ExAllocatePoolWithTag(rpt_value(t), bytes[i], TAG_MDL);
		PMDL mdl = IoAllocateMdl(block, bytes[i], FALSE, FALSE, NULL);
		char *va;

		if (!EXPECT(t, block && mdl))
			return;
		EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess),
			  STATUS_SUCCESS);
		EXPECT_EQ(t, mdl->MdlFlags,
			  MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
		EXPECT_EQ(t, MmGetMdlPfnArray(mdl)[0],
			  rpt_phys(block) >> PAGE_SHIFT);
		va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
		if (EXPECT(t, va)) {
			block[bytes[i] - 1] = 7;
			EXPECT_EQ(t, va[bytes[i] - 1], 7);
		}
		MmUnlockPages(mdl);
		EXPECT_EQ(t, mdl->MdlFlags, 0);
		IoFreeMdl(mdl);
		ExFreePoolWithTag(block, TAG_MDL);
	}
}

static void of_constants(struct rpt *t)
{
	static const char text[] = "not to be written";
	PMDL mdl = IoAllocateMdl((char *)text, sizeof(text), FALSE, FALSE, NULL);
	char *pages = vmalloc(PAGE_SIZE);

	if (!EXPECT(t, mdl && pages))
		return;
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess),
		  STATUS_ACCESS_VIOLATION);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoReadAccess),
		  STATUS_SUCCESS);
	MmUnlockPages(mdl);
	/* The page behind vmalloc's is none. */
	MmInitializeMdl(mdl, pages + PAGE_SIZE, 1);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoReadAccess),
		  STATUS_ACCESS_VIOLATION);
	IoFreeMdl(mdl);
	vfree(pages);
}

struct call {
	PMDL mdl;
	NTSTATUS status;
};

static void do_lock(void *arg)
{
	struct call *call = arg;

	call->status = MmProbeAndLockPages(call->mdl, KernelMode, IoWriteAccess);
}

static void do_unlock(void *arg)
{
	struct call *call = arg;

	MmUnlockPages(call->mdl);
}

static void of_the_kernel_in_context(struct rpt *t)
{
	bool above = rpt_irql(rpt_value(t)) > 2;
	char *block = ExAllocatePoolWithTag(NonPagedPoolNx, 5000, TAG_MDL);
	struct call call = { };

	call.mdl = IoAllocateMdl(block, 5000, FALSE, FALSE, NULL);
	if (!EXPECT(t, block && call.mdl))
		return;
	rpt_in_context(rpt_value(t), do_lock, &call);
	if (above) {
		EXPECT_VIOLATION(t, VERIFIER, 0x70);
		EXPECT_EQ(t, call.status, STATUS_INVALID_PARAMETER);
	} else {
		EXPECT_EQ(t, call.status, STATUS_SUCCESS);
		rpt_in_context(rpt_value(t), do_unlock, &call);
	}
	EXPECT_EQ(t, call.mdl->MdlFlags, 0);
	IoFreeMdl(call.mdl);
	ExFreePoolWithTag(block, TAG_MDL);
}

static void of_a_process_in_context(struct rpt *t)
{
	struct call call = { };
	unsigned int tries;
	struct buffer user;

	if (!user_make(t, &user))
		return;
	call.mdl = user.mdl;
	rpt_in_context(rpt_value(t), do_lock, &call);
	EXPECT_VIOLATION(t, VERIFIER, 0x70);
	EXPECT_EQ(t, call.status, STATUS_INVALID_PARAMETER);
	do_lock(&call);
	EXPECT_EQ(t, call.status, STATUS_SUCCESS);
	rpt_in_context(rpt_value(t), do_unlock, &call);
	if (rpt_irql(rpt_value(t)) > 2)
		EXPECT_VIOLATION(t, VERIFIER, 0x78);
	EXPECT_EQ(t, call.mdl->MdlFlags, 0);
	for (tries = 0; tries < RPT_TRIES && pinned(user.mdl); tries++)
		rpt_settle(t);
	EXPECT(t, !pinned(user.mdl));
	user_drop(&user);
}

/* An MDL that is locked needs no pages of a process. Up to DISPATCH_LEVEL that comes first. */
static void locked_in_context(struct rpt *t)
{
	struct call call = { };
	struct buffer user;

	if (!user_make(t, &user))
		return;
	call.mdl = user.mdl;
	do_lock(&call);
	EXPECT_EQ(t, call.status, STATUS_SUCCESS);
	rpt_in_context(rpt_value(t), do_lock, &call);
	EXPECT_VIOLATION(t, VERIFIER, rpt_irql(rpt_value(t)) > 2 ? 0x70 : 0xb0);
	EXPECT_EQ(t, call.status, STATUS_INVALID_PARAMETER);
	MmUnlockPages(user.mdl);
	user_drop(&user);
}

/* Asks for too much: before that fails, it gives back what is deferred. */
static void do_ask(void *arg)
{
	void **block = arg;

	*block = MmAllocateNonCachedMemory((SIZE_T)totalram_pages() * PAGE_SIZE);
}

/* A mapping that is undone later. */
static void do_unmap(void *arg)
{
	PMDL mdl = arg;

	MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
}

static void nothing_waits(struct rpt *t, const char *what)
{
	struct rpt_backlog backlog;
	unsigned int tries;

	for (tries = 0; tries < RPT_TRIES; tries++) {
		rpt_backlog(t, what, &backlog);
		if (!backlog.blocks)
			return;
		rpt_settle(t);
	}
	rpt_fail(t, "%s: %llu wait", what, backlog.blocks);
}

/* While a page cannot be unpinned: nobody waits for that. */
static void expect_nobody_waits(struct rpt *t)
{
	PHYSICAL_ADDRESS none = { }, highest = { .QuadPart = -1 };
	PMDL mdl = MmAllocatePagesForMdl(none, highest, none, 2 * PAGE_SIZE);
	struct rpt_backlog backlog;
	struct rpt_errand errand;
	void *block;

	if (!EXPECT(t, mdl))
		return;
	EXPECT(t, MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority |
						    MdlMappingNoWrite));
	rpt_in_context(RPT_SPINLOCK, do_unmap, mdl);
	nothing_waits(t, "noncached");
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
	if (EXPECT(t, rpt_send(&errand, do_ask, &block))) {
		/* Whatever it waits for, it can have soon. */
		wait_for_completion(&errand.done);
		EXPECT(t, !block);
	}
	rpt_backlog(t, "pinned", &backlog);
	EXPECT_EQ(t, backlog.blocks, 1);
}

/*
 * A page that was written to is marked dirty before it is unpinned, for which its folio
 * is locked. Whoever has that lock may be waiting for us.
 */
static void beside_a_locked_folio(struct rpt *t)
{
	enum rpt_context context = rpt_value(t);
	struct call call = { };
	struct rpt_errand errand;
	struct buffer user;
	struct folio *folio;
	unsigned int tries;
	bool ended = true;

	if (!user_make(t, &user))
		return;
	call.mdl = user.mdl;
	do_lock(&call);
	if (!EXPECT_EQ(t, call.status, STATUS_SUCCESS)) {
		user_drop(&user);
		return;
	}
	folio = pfn_folio(MmGetMdlPfnArray(user.mdl)[1]);
	folio_lock(folio);
	folio_clear_dirty(folio);
	if (context != RPT_TASK) {
		rpt_in_context(context, do_unlock, &call);
	} else if (EXPECT(t, rpt_send(&errand, do_unlock, &call))) {
		ended = wait_for_completion_timeout(&errand.done, RPT_PATIENCE);
		EXPECT(t, ended);
	}
	EXPECT(t, folio_maybe_dma_pinned(folio));
	if (ended)
		expect_nobody_waits(t);
	folio_unlock(folio);
	if (!ended)
		wait_for_completion(&errand.done);
	for (tries = 0; tries < RPT_TRIES && folio_maybe_dma_pinned(folio); tries++)
		rpt_settle(t);
	EXPECT(t, !folio_maybe_dma_pinned(folio));
	EXPECT(t, folio_test_dirty(folio));
	nothing_waits(t, "pinned");
	user_drop(&user);
}

/* An MDL whose pages stay locked when its memory is used for the next one. */
static void begun_anew_while_locked(struct rpt *t)
{
	struct {
		MDL mdl;
		PFN_NUMBER frames[3];
	} own = { };
	const struct rpt_violation *v;
	struct buffer user;
	void *va;

	if (!user_make(t, &user))
		return;
	va = (__force void *)user.memory;
	MmInitializeMdl(&own.mdl, va, BYTES);
	EXPECT_EQ(t, MmProbeAndLockPages(&own.mdl, UserMode, IoReadAccess),
		  STATUS_SUCCESS);
	EXPECT(t, pinned(&own.mdl));
	MmInitializeMdl(&own.mdl, va, BYTES);
	EXPECT_EQ(t, MmProbeAndLockPages(&own.mdl, UserMode, IoReadAccess),
		  STATUS_SUCCESS);
	v = EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	if (v)
		EXPECT_EQ(t, v->p[1], (ulong)&own.mdl);
	MmUnlockPages(&own.mdl);
	EXPECT_VIOLATIONS(t, 0);
	EXPECT(t, !pinned(&own.mdl));
	user_drop(&user);
}

/* Locks pages, and frees the MDL without unlocking them. */
static noinline PMDL lock_and_lose(struct rpt *t, void *va, PFN_NUMBER *frame)
{
	PMDL mdl = IoAllocateMdl(va, PAGE_SIZE, FALSE, FALSE, NULL);

	if (!EXPECT(t, mdl))
		return NULL;
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, UserMode, IoReadAccess),
		  STATUS_SUCCESS);
	*frame = *MmGetMdlPfnArray(mdl);
	ExFreePool(mdl);
	return mdl;
}

/*
 * The same by the pool: the next MDL at the address reports it, as of the one who
 * locked them.
 */
static void freed_by_the_pool(struct rpt *t)
{
	enum { MANY = 64 };
	PMDL mdl, next[MANY] = { };
	const struct rpt_violation *v;
	struct buffer user;
	PFN_NUMBER frame;
	unsigned int i;
	void *va;

	if (IS_ENABLED(CONFIG_KASAN)) {
		rpt_skip(t, "KASAN hands the address out much later");
		return;
	}
	if (!user_make(t, &user))
		return;
	va = (__force void *)user.memory;
	mdl = lock_and_lose(t, va, &frame);
	if (!mdl) {
		user_drop(&user);
		return;
	}
	for (i = 0; i < MANY; i++) {
		next[i] = IoAllocateMdl(va, PAGE_SIZE, FALSE, FALSE, NULL);
		if (next[i] == mdl)
			break;
	}
	EXPECT(t, i < MANY);
	v = EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	if (v)
		EXPECT(t, strstr(v->text, "lock_and_lose"));
	for (i = 0; i < MANY; i++)
		if (next[i])
			IoFreeMdl(next[i]);
	EXPECT(t, !folio_maybe_dma_pinned(page_folio(pfn_to_page(frame))));
	EXPECT_VIOLATIONS(t, 0);
	user_drop(&user);
}

/* The MDL was freed first: what is there now is not touched. */
static void unlocked_when_freed(struct rpt *t)
{
	const struct rpt_violation *v;
	struct buffer user;
	PFN_NUMBER frame;
	u8 *other;
	PMDL mdl;

	if (!user_make(t, &user))
		return;
	mdl = lock_and_lose(t, (__force void *)user.memory, &frame);
	if (!mdl) {
		user_drop(&user);
		return;
	}
	/* Most often it has the same address, but where KASAN keeps that. */
	other = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(MDL) +
				      sizeof(PFN_NUMBER), TAG_MDL);
	if (EXPECT(t, other)) {
		memset(other, 0xff, sizeof(MDL));
		MmUnlockPages(mdl);
		v = EXPECT_VIOLATION(t, VERIFIER, 0xb8);
		if (v)
			EXPECT_EQ(t, v->p[3], 3);
		EXPECT(t, !memchr_inv(other, 0xff, sizeof(MDL)));
		ExFreePool(other);
	}
	EXPECT(t, !folio_maybe_dma_pinned(page_folio(pfn_to_page(frame))));
	user_drop(&user);
}

static void misused(struct rpt *t)
{
	char *block = ExAllocatePoolWithTag(NonPagedPoolNx, 5000, TAG_MDL);
	PMDL mdl = IoAllocateMdl(block, 5000, FALSE, FALSE, NULL);
	PMDL part = IoAllocateMdl(block, 5000, FALSE, FALSE, NULL);
	const struct rpt_violation *v;

	if (!EXPECT(t, block && mdl && part))
		return;
	EXPECT_EQ(t, MmProbeAndLockPages(NULL, KernelMode, IoReadAccess),
		  STATUS_INVALID_PARAMETER);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	MmUnlockPages(NULL);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, 2, IoReadAccess),
		  STATUS_INVALID_PARAMETER);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, 3),
		  STATUS_INVALID_PARAMETER);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	mdl->ByteCount = SZ_1M;
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoReadAccess),
		  STATUS_INVALID_PARAMETER);
	EXPECT_VIOLATION(t, VERIFIER, 0x16);
	mdl->ByteCount = 5000;
	MmUnlockPages(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0x7c);

	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoReadAccess), 0);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoReadAccess),
		  STATUS_INVALID_PARAMETER);
	v = EXPECT_VIOLATION(t, VERIFIER, 0xb0);
	if (v)
		EXPECT_EQ(t, v->p[3], MDL_PAGES_LOCKED);
	IoFreeMdl(mdl);
	v = EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	if (v)
		EXPECT_EQ(t, v->p[3], MDL_PAGES_LOCKED);
	/* Though the driver says that it is not. */
	mdl->MdlFlags = 0;
	IoFreeMdl(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	/* Nor is it told from one that was begun anew. */
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoReadAccess), 0);
	EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	IoBuildPartialMdl(mdl, part, block + 1, 0);
	MmUnlockPages(part);
	EXPECT_VIOLATION(t, VERIFIER, 0xb4);
	EXPECT_EQ(t, MmProbeAndLockPages(part, KernelMode, IoReadAccess),
		  STATUS_INVALID_PARAMETER);
	EXPECT_VIOLATION(t, VERIFIER, 0xb0);
	MmUnlockPages(mdl);
	MmUnlockPages(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0x7c);
	MmBuildMdlForNonPagedPool(mdl);
	MmUnlockPages(mdl);
	EXPECT_VIOLATION(t, VERIFIER, 0x7d);
	EXPECT_EQ(t, MmProbeAndLockPages(mdl, KernelMode, IoReadAccess),
		  STATUS_INVALID_PARAMETER);
	EXPECT_VIOLATION(t, VERIFIER, 0xb0);
	/* Locked by hand: nothing is known of such pages, and nothing done. */
	MmInitializeMdl(mdl, block, 5000);
	mdl->MdlFlags = MDL_PAGES_LOCKED;
	MmUnlockPages(mdl);
	EXPECT_EQ(t, mdl->MdlFlags, 0);
	IoFreeMdl(part);
	IoFreeMdl(mdl);
	ExFreePoolWithTag(block, TAG_MDL);
}

static int lock_in_thread(void *arg)
{
	do_lock(arg);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* A thread of the kernel has no process whose address it could be. */
/* A part takes the place of what its MDL describes, so nobody could unlock that any more. */
static void part_of_itself(struct rpt *t)
{
	struct call call = { };
	const struct rpt_violation *v;
	struct buffer user;
	MDL before;

	if (!user_make(t, &user))
		return;
	call.mdl = user.mdl;
	do_lock(&call);
	EXPECT_EQ(t, call.status, STATUS_SUCCESS);
	before = *user.mdl;
	IoBuildPartialMdl(user.mdl, user.mdl, MmGetMdlVirtualAddress(user.mdl), 1);
	v = EXPECT_VIOLATION(t, VERIFIER, 0xb8);
	if (v) {
		EXPECT_EQ(t, v->p[1], (ulong)user.mdl);
		EXPECT_EQ(t, v->p[3], MDL_PAGES_LOCKED);
	}
	EXPECT(t, !memcmp(&before, user.mdl, sizeof(before)));
	MmUnlockPages(user.mdl);
	EXPECT(t, !pinned(user.mdl));
	user_drop(&user);
}

static void in_no_process(struct rpt *t)
{
	struct call call = { };
	struct task_struct *task;
	struct buffer user;

	if (!user_make(t, &user))
		return;
	call.mdl = user.mdl;
	call.status = 1;
	task = kthread_run(lock_in_thread, &call, "rpt_mdl");
	if (!EXPECT(t, !IS_ERR(task)))
		return;
	while (READ_ONCE(call.status) == 1)
		schedule_timeout_uninterruptible(1);
	kthread_stop(task);
	EXPECT_EQ(t, call.status, STATUS_ACCESS_VIOLATION);
	user_drop(&user);
}

static const struct rpt_arg task_or_spinlock[] = {
	{ "task", RPT_TASK },
	{ "spinlock", RPT_SPINLOCK },
	{ }
};

static const struct rpt_case cases[] = {
	{ "of_a_process", of_a_process, operations },
	{ "of_untouched", of_untouched, operations },
	{ "access_checked", access_checked },
	{ "of_the_kernel", of_the_kernel, kinds },
	{ "of_constants", of_constants },
	{ "of_the_kernel_in_context", of_the_kernel_in_context, rpt_contexts },
	{ "of_a_process_in_context", of_a_process_in_context,
	  rpt_atomic_contexts },
	{ "locked_already_in_context", locked_in_context, rpt_contexts },
	{ "beside_a_locked_folio", beside_a_locked_folio, task_or_spinlock },
	{ "begun_anew_while_locked", begun_anew_while_locked },
	{ "freed_by_the_pool", freed_by_the_pool },
	{ "unlocked_when_freed", unlocked_when_freed },
	{ "misused", misused },
	{ "part_of_itself", part_of_itself },
	{ "in_no_process", in_no_process },
};

const struct rpt_suite mdl_lock_suite = RPT_SUITE("mdl_lock", cases);
