// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of blocks in the hands of others: referred to, and mapped by a process.
 * This walks the table of Documentation/pages.rst.
 */
#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "../../lib/free_pages.h"
#include "pool.h"

#define OTHERS	24	/* more than a magazine holds */
#define SMALL	200

enum family { POOL, PAGED, CHARGED, CONTIGUOUS, WRITE_COMBINED, NONCACHED };

#define MEMORY(kind, bytes)	((unsigned long)(kind) << 28 | (bytes))
#define KIND(t)			((enum family)(rpt_value(t) >> 28))
#define BYTES(t)		((size_t)(rpt_value(t) & (BIT(28) - 1)))

static const struct rpt_arg memory[] = {
	{ "pool_4065", MEMORY(POOL, 4065) },
	{ "pool_4K", MEMORY(POOL, SZ_4K) },
	{ "pool_5000", MEMORY(POOL, 5000) },
	{ "pool_8K", MEMORY(POOL, SZ_8K) },
	{ "pool_12K", MEMORY(POOL, 3 * SZ_4K) },
	{ "pool_16K", MEMORY(POOL, SZ_16K) },
	{ "pool_17000", MEMORY(POOL, 17000) },
	{ "pool_20K", MEMORY(POOL, 5 * SZ_4K) },
	{ "pool_32K", MEMORY(POOL, SZ_32K) },
	{ "pool_64K", MEMORY(POOL, SZ_64K) },
	{ "pool_68K", MEMORY(POOL, 17 * SZ_4K) },
	{ "pool_1M", MEMORY(POOL, SZ_1M) },
	{ "paged_8K", MEMORY(PAGED, SZ_8K) },
	{ "paged_1M", MEMORY(PAGED, SZ_1M) },
	{ "charged_4065", MEMORY(CHARGED, 4065) },
	{ "charged_64K", MEMORY(CHARGED, SZ_64K) },
	{ "charged_1M", MEMORY(CHARGED, SZ_1M) },
	{ "contiguous_4K", MEMORY(CONTIGUOUS, SZ_4K) },
	{ "contiguous_64K", MEMORY(CONTIGUOUS, SZ_64K) },
	{ "write_combined_16K", MEMORY(WRITE_COMBINED, SZ_16K) },
	{ "noncached_12K", MEMORY(NONCACHED, 3 * SZ_4K) },
	{ }
};

static char *take(enum family kind, size_t n)
{
	PHYSICAL_ADDRESS zero = {}, any = { .QuadPart = -1 };

	switch (kind) {
	case POOL:
		return ExAllocatePoolWithTag(NonPagedPoolNx, n, TAG_MAPPING);
	case PAGED:
		return ExAllocatePoolWithTag(PagedPool, n, TAG_MAPPING);
	case CHARGED:
		return ExAllocatePoolWithQuotaTag(PagedPool, n, TAG_MAPPING);
	case CONTIGUOUS:
		return MmAllocateContiguousMemory(n, any);
	case WRITE_COMBINED:
		return MmAllocateContiguousMemorySpecifyCache(n, zero, any,
							      zero,
							      MmWriteCombined);
	case NONCACHED:
		return MmAllocateNonCachedMemory(n);
	}
	return NULL;
}

static void give(enum family kind, char *block, size_t n)
{
	switch (kind) {
	case POOL:
	case PAGED:
	case CHARGED:
		ExFreePoolWithTag(block, TAG_MAPPING);
		break;
	case CONTIGUOUS:
	case WRITE_COMBINED:
		MmFreeContiguousMemory(block);
		break;
	case NONCACHED:
		MmFreeNonCachedMemory(block, n);
		break;
	}
}

static pgprot_t protection(enum family kind, pgprot_t prot)
{
	if (kind == WRITE_COMBINED)
		return pgprot_writecombine(prot);
	return kind == NONCACHED ? pgprot_noncached(prot) : prot;
}

static unsigned int count_of(size_t n)
{
	return DIV_ROUND_UP(n, PAGE_SIZE);
}

/* A block, its pages, and those who come after it. */
struct held {
	enum family kind;
	size_t bytes;
	char *block;
	struct page **pages;
	char *others[OTHERS];
	char *small[SMALL];
};

static struct held *hold(struct rpt *t, enum family kind, size_t bytes)
{
	struct held *h = kzalloc_obj(*h);
	unsigned int i;

	if (!EXPECT(t, h))
		return NULL;
	h->kind = kind;
	h->bytes = bytes;
	h->pages = kvcalloc(count_of(bytes), sizeof(*h->pages), GFP_KERNEL);
	h->block = take(kind, bytes);
	if (!EXPECT(t, h->pages && h->block)) {
		if (h->block)
			give(kind, h->block, bytes);
		kvfree(h->pages);
		kfree(h);
		return NULL;
	}
	for (i = 0; i < count_of(bytes); i++)
		h->pages[i] = rpt_page_of(h->block + i * PAGE_SIZE);
	rpt_fill(h->block, bytes, 17);
	return h;
}

/* Blocks of the same kind, and small ones: all is theirs that is free. */
static void others_come(struct held *h)
{
	unsigned int i, count = h->bytes >= SZ_1M ? 4 : OTHERS;

	for (i = 0; i < count; i++) {
		h->others[i] = take(h->kind, h->bytes);
		if (h->others[i])
			memset(h->others[i], 0x77, h->bytes);
	}
	for (i = 0; i < SMALL; i++) {
		h->small[i] = ExAllocatePoolWithTag(NonPagedPoolNx, 480,
						    TAG_OTHER);
		if (h->small[i])
			memset(h->small[i], 0x77, 480);
	}
}

static void others_go(struct rpt *t, struct held *h)
{
	unsigned int i;

	for (i = 0; i < OTHERS; i++) {
		if (!h->others[i])
			continue;
		EXPECT(t, !memchr_inv(h->others[i], 0x77, h->bytes));
		give(h->kind, h->others[i], h->bytes);
		h->others[i] = NULL;
	}
	for (i = 0; i < SMALL; i++) {
		if (!h->small[i])
			continue;
		EXPECT(t, !memchr_inv(h->small[i], 0x77, 480));
		ExFreePoolWithTag(h->small[i], TAG_OTHER);
		h->small[i] = NULL;
	}
}

/* What is the block's of one of its pages. */
static size_t part(const struct held *h, unsigned int page)
{
	return min(h->bytes - page * PAGE_SIZE, PAGE_SIZE);
}

static void let_go(struct held *h)
{
	kvfree(h->pages);
	kfree(h);
}

/* Somebody has a reference to the pages from @first to @last. */
static void held_pages(struct rpt *t, unsigned int first, unsigned int last)
{
	struct held *h = hold(t, KIND(t), BYTES(t));
	char *copy = kvmalloc(BYTES(t), GFP_KERNEL);
	unsigned int i;

	if (!h || !EXPECT(t, copy))
		goto out;
	memcpy(copy, h->block, h->bytes);
	for (i = first; i <= last; i++)
		get_page(h->pages[i]);
	give(h->kind, h->block, h->bytes);
	others_come(h);
	for (i = first; i <= last; i++) {
		if (memcmp(page_address(h->pages[i]), copy + i * PAGE_SIZE,
			   part(h, i)))
			rpt_fail(t, "page %u was handed out again", i);
		/*
		 * The owner's reference is gone, and this the last one. Small
		 * blocks may lie in a last page that it left some of, or wait
		 * there for their first use: they have one as well.
		 */
		if (i && h->bytes - i * PAGE_SIZE < PAGE_SIZE)
			EXPECT(t, page_count(h->pages[i]) <= 2);
		else
			EXPECT_EQ(t, page_count(h->pages[i]),
				  PageCompound(h->pages[i]) ? last + 1 - i : 1);
		put_page(h->pages[i]);
	}
	others_go(t, h);
out:
	kvfree(copy);
	if (h)
		let_go(h);
}

static void held_whole(struct rpt *t)
{
	held_pages(t, 0, count_of(BYTES(t)) - 1);
}

static void held_first(struct rpt *t)
{
	held_pages(t, 0, 0);
}

static void held_last(struct rpt *t)
{
	unsigned int last = count_of(BYTES(t)) - 1;

	held_pages(t, last, last);
}

struct atomic_free {
	struct held *h;
};

static void give_here(void *arg)
{
	struct atomic_free *f = arg;

	give(f->h->kind, f->h->block, f->h->bytes);
}

/* Nor is a page written to whose block is freed where nothing may sleep. */
static void held_at_dispatch(struct rpt *t)
{
	enum rpt_context context;

	for (context = RPT_PREEMPT_OFF; context <= RPT_HARDIRQ; context++) {
		struct held *h = hold(t, KIND(t), BYTES(t));
		struct atomic_free f = { .h = h };
		unsigned int last, wait;

		if (!h)
			return;
		last = count_of(h->bytes) - 1;
		get_page(h->pages[0]);
		get_page(h->pages[last]);
		rpt_in_context(context, give_here, &f);
		/* Until the owner's reference is gone. */
		for (wait = 0; wait < 3000 && page_count(h->pages[0]) >
		     (PageCompound(h->pages[0]) || !last ? 2 : 1); wait++)
			msleep(20);
		EXPECT(t, rpt_filled(page_address(h->pages[0]), part(h, 0), 17));
		put_page(h->pages[last]);
		put_page(h->pages[0]);
		let_go(h);
	}
}

/* As block and network code does: a reference comes and goes while the block lives. */
static void held_meanwhile(struct rpt *t)
{
	struct held *h = hold(t, KIND(t), BYTES(t));
	unsigned int i, k;

	if (!h)
		return;
	for (k = 0; k < 2; k++) {
		for (i = 0; i < count_of(h->bytes); i++) {
			EXPECT(t, page_count(h->pages[i]) > 0);
			get_page(h->pages[i]);
			EXPECT(t, page_count(h->pages[i]) > 1);
		}
		for (i = 0; i < count_of(h->bytes); i++)
			put_page(h->pages[i]);
	}
	others_come(h);
	EXPECT(t, rpt_filled(h->block, h->bytes, 17));
	give(h->kind, h->block, h->bytes);
	others_go(t, h);
	let_go(h);
}

/* A list as for a device: its entries say where the block is, and hold it. */
static void in_a_list(struct rpt *t)
{
	struct held *h = hold(t, KIND(t), BYTES(t));
	struct sg_page_iter at;
	struct sg_table table;
	unsigned int i = 0;

	if (!h)
		return;
	if (EXPECT(t, !sg_alloc_table_from_pages(&table, h->pages,
						 count_of(h->bytes), 0,
						 h->bytes, GFP_KERNEL))) {
		for_each_sgtable_page(&table, &at, 0) {
			struct page *page = sg_page_iter_page(&at);

			EXPECT(t, page == h->pages[i]);
			EXPECT_EQ(t, page_to_phys(page),
				  rpt_phys(h->block + i * PAGE_SIZE));
			i++;
		}
		EXPECT_EQ(t, i, count_of(h->bytes));
		sg_free_table(&table);
	}
	give(h->kind, h->block, h->bytes);
	let_go(h);
}

/* How a process maps the block. */
enum way { BY_PAGE, BY_PAGES, BY_FRAME };

struct mapping {
	struct held *held;
	enum way way;
};

static int map(struct file *file, struct vm_area_struct *vma)
{
	struct mapping *m = file->private_data;
	struct held *h = m->held;
	unsigned long i, count = count_of(h->bytes);
	int err;

	vma->vm_page_prot = protection(h->kind, vma->vm_page_prot);
	if (m->way == BY_PAGES)
		return vm_map_pages(vma, h->pages, count);
	for (i = 0; i < count; i++) {
		unsigned long at = vma->vm_start + i * PAGE_SIZE;

		if (m->way == BY_PAGE)
			err = vm_insert_page(vma, at, h->pages[i]);
		else
			err = remap_pfn_range(vma, at,
					      page_to_pfn(h->pages[i]),
					      PAGE_SIZE, vma->vm_page_prot);
		if (err)
			return err;
	}
	return 0;
}

static const struct file_operations map_operations = {
	.owner = THIS_MODULE,
	.mmap = map,
};

static char __user *map_held(struct rpt *t, struct held *h, enum way way)
{
	struct mapping m = { .held = h, .way = way };
	unsigned long at;
	struct file *file;

	file = anon_inode_getfile("rust_pool_test", &map_operations, &m,
				  O_RDWR);
	if (!EXPECT(t, !IS_ERR(file)))
		return NULL;
	at = vm_mmap(file, 0, count_of(h->bytes) * PAGE_SIZE,
		     PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	fput(file);
	if (IS_ERR_VALUE(at)) {
		rpt_fail(t, "not mapped: %ld", (long)at);
		return NULL;
	}
	return (char __user *)at;
}

/* What the process sees is the block, and what it writes arrives there. */
static void same_memory(struct rpt *t, struct held *h, char __user *user)
{
	char *copy = kvmalloc(h->bytes, GFP_KERNEL);
	unsigned int i;

	if (!EXPECT(t, copy))
		return;
	EXPECT(t, !copy_from_user(copy, user, h->bytes));
	EXPECT(t, rpt_filled(copy, h->bytes, 17));
	for (i = 0; i < count_of(h->bytes); i++)
		EXPECT(t, !put_user('u', user + i * PAGE_SIZE));
	for (i = 0; i < count_of(h->bytes); i++)
		EXPECT_EQ(t, h->block[i * PAGE_SIZE], 'u');
	kvfree(copy);
}

static void mapped(struct rpt *t, enum way way)
{
	struct held *h = hold(t, KIND(t), BYTES(t));
	char __user *user;

	if (!h)
		return;
	user = map_held(t, h, way);
	if (user) {
		same_memory(t, h, user);
		rpt_user_unmap(user, h->bytes);
	}
	give(h->kind, h->block, h->bytes);
	others_come(h);
	others_go(t, h);
	let_go(h);
}

static void mapped_by_page(struct rpt *t)
{
	mapped(t, BY_PAGE);
}

static void mapped_by_pages(struct rpt *t)
{
	mapped(t, BY_PAGES);
}

static void mapped_by_frame(struct rpt *t)
{
	mapped(t, BY_FRAME);
}

/* The block is freed first: the process goes on with what is now its alone. */
static void freed_while_mapped(struct rpt *t)
{
	struct held *h = hold(t, KIND(t), BYTES(t));
	char *copy = kvmalloc(BYTES(t), GFP_KERNEL);
	char __user *user;

	if (!h || !EXPECT(t, copy))
		goto out;
	user = map_held(t, h, BY_PAGE);
	give(h->kind, h->block, h->bytes);
	if (!user)
		goto out;
	others_come(h);
	EXPECT(t, !copy_from_user(copy, user, h->bytes));
	if (!rpt_filled(copy, h->bytes, 17))
		rpt_fail(t, "the process sees what is another's");
	memset(copy, 0x66, h->bytes);
	EXPECT(t, !copy_to_user(user, copy, h->bytes));
	others_go(t, h);
	rpt_user_unmap(user, h->bytes);
out:
	kvfree(copy);
	if (h)
		let_go(h);
}

static const struct rpt_arg some[] = {
	{ "pool_4K", MEMORY(POOL, SZ_4K) },
	{ "pool_5000", MEMORY(POOL, 5000) },
	{ "pool_8K", MEMORY(POOL, SZ_8K) },
	{ "pool_12K", MEMORY(POOL, 3 * SZ_4K) },
	{ "pool_64K", MEMORY(POOL, SZ_64K) },
	{ "pool_1M", MEMORY(POOL, SZ_1M) },
	{ }
};

/* Its address is no block's any more, whoever has the page. */
static void freed_twice(struct rpt *t)
{
	struct held *h = hold(t, KIND(t), BYTES(t));

	if (!h)
		return;
	get_page(h->pages[0]);
	give(h->kind, h->block, h->bytes);
	give(h->kind, h->block, h->bytes);
	EXPECT_VIOLATION(t, BAD_POOL_CALLER, 0x07);
	EXPECT(t, rpt_filled(page_address(h->pages[0]), part(h, 0), 17));
	put_page(h->pages[0]);
	let_go(h);
}

/* The last one to let go gives the page back. */
static void none_lost(struct rpt *t)
{
	unsigned int i, k, rounds = SZ_16M / BYTES(t);
	unsigned long before = rpt_free_pages(), after;
	struct held *h;

	for (i = 0; i < rounds; i++) {
		h = hold(t, KIND(t), BYTES(t));
		if (!h)
			return;
		for (k = 0; k < count_of(h->bytes); k++)
			get_page(h->pages[k]);
		give(h->kind, h->block, h->bytes);
		for (k = 0; k < count_of(h->bytes); k++)
			put_page(h->pages[k]);
		let_go(h);
	}
	after = rpt_free_pages();
	rpt_note(t, "%ld pages fewer", (long)(before - after));
	/* Others use memory as well. */
	EXPECT(t, (long)(before - after) < (long)(SZ_16M >> PAGE_SHIFT) / 4);
}

/* What the kernel would not hand out again: with an error, or of its reserves. */
static void not_handed_out(struct rpt *t, void (*mark)(struct page *),
			   void (*unmark)(struct page *))
{
	struct held *h = hold(t, POOL, PAGE_SIZE);
	unsigned int i;

	if (!h)
		return;
	/* The reference is so that the kernel does not have it either. */
	get_page(h->pages[0]);
	mark(h->pages[0]);
	put_page(h->pages[0]);
	give(h->kind, h->block, h->bytes);
	others_come(h);
	for (i = 0; i < OTHERS; i++)
		EXPECT(t, h->others[i] != h->block);
	unmark(h->pages[0]);
	others_go(t, h);
	let_go(h);
}

static void set_error(struct page *page)
{
	SetPageHWPoison(page);
}

/* The kernel keeps such a page out of its lists when it is freed. */
static void clear_error(struct page *page)
{
	ClearPageHWPoison(page);
	if (!page_count(page)) {
		init_page_count(page);
		__free_page(page);
	}
}

static void memory_error(struct rpt *t)
{
	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE)) {
		rpt_skip(t, "the kernel knows no memory errors");
		return;
	}
	not_handed_out(t, set_error, clear_error);
}

/* The same if the error comes while the memory is kept for the next block. */
static void error_while_kept(struct rpt *t)
{
	struct held *h;
	char *next;
	bool kept;

	if (!IS_ENABLED(CONFIG_MEMORY_FAILURE)) {
		rpt_skip(t, "the kernel knows no memory errors");
		return;
	}
	h = hold(t, KIND(t), BYTES(t));
	if (!h)
		return;
	/* They use up what was kept before. */
	others_come(h);
	/* Nobody else takes what is kept now. */
	preempt_disable();
	give(h->kind, h->block, h->bytes);
	kept = page_count(h->pages[0]) == 1;
	if (kept)
		SetPageHWPoison(h->pages[0]);
	next = take(h->kind, h->bytes);
	/* A page that is left alone is lost. */
	if (kept)
		clear_error(h->pages[0]);
	preempt_enable();
	if (kept)
		EXPECT(t, next != h->block);
	else
		rpt_skip(t, "nothing is kept on this kernel");
	if (EXPECT(t, next))
		give(h->kind, next, h->bytes);
	others_go(t, h);
	let_go(h);
}

/* A page that nobody else has any more is of use again at once. */
static void used_again(struct rpt *t)
{
	struct rpt_magazine magazine;
	struct held *h;
	char *again;

	rpt_magazine(t, BYTES(t), &magazine);
	if (!magazine.limit) {
		rpt_skip(t, "nothing is kept on this kernel");
		return;
	}
	/* What it leaves in a magazine has to be this processor's. */
	migrate_disable();
	h = hold(t, KIND(t), BYTES(t));
	if (!h) {
		migrate_enable();
		return;
	}
	get_page(h->pages[0]);
	put_page(h->pages[0]);
	preempt_disable();
	give(h->kind, h->block, h->bytes);
	again = take(h->kind, h->bytes);
	preempt_enable();
	migrate_enable();
	EXPECT(t, again == h->block);
	if (again)
		give(h->kind, again, h->bytes);
	let_go(h);
}

static const struct rpt_arg kept_sizes[] = {
	{ "4K", MEMORY(POOL, SZ_4K) },
	{ "8K", MEMORY(POOL, SZ_8K) },
	{ "64K", MEMORY(POOL, SZ_64K) },
	{ }
};

static const struct rpt_arg with_errors[] = {
	{ "4K", MEMORY(POOL, SZ_4K) },
	{ "8K", MEMORY(POOL, SZ_8K) },
	{ "64K", MEMORY(POOL, SZ_64K) },
	{ }
};

static const struct rpt_case cases[] = {
	{ "held_whole", held_whole, memory },
	{ "held_first_page", held_first, memory },
	{ "held_last_page", held_last, memory },
	{ "held_at_dispatch", held_at_dispatch, some },
	{ "held_meanwhile", held_meanwhile, memory },
	{ "in_a_list", in_a_list, memory },
	{ "mapped_by_page", mapped_by_page, memory },
	{ "mapped_by_pages", mapped_by_pages, memory },
	{ "mapped_by_frame", mapped_by_frame, memory },
	{ "freed_while_mapped", freed_while_mapped, memory },
	{ "freed_twice", freed_twice, some },
	{ "none_lost", none_lost, some },
	{ "memory_error", memory_error },
	{ "error_while_kept", error_while_kept, with_errors },
	{ "used_again", used_again, kept_sizes },
};

const struct rpt_suite mapping_suite = RPT_SUITE("mapping", cases);
