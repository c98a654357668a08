// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of the model's blocks in the hands of others: referred to, as block and
 * network code do, and mapped into the process that runs the case. A block may
 * be freed meanwhile; what the page holds stays as it is until the last
 * reference goes.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "model.h"

static bool has_pages(const struct block *b)
{
	/* Smaller ones share theirs. */
	return b->base && b->bytes >= PAGE_SIZE &&
	       IS_ALIGNED((unsigned long)b->base, PAGE_SIZE) &&
	       (b->kind <= PAGED || b->kind == CONTIGUOUS);
}

/* Takes a reference to a whole page of the block. */
static void take(struct hold *h, const struct block *b, u32 r)
{
	unsigned int index = r % (b->bytes / PAGE_SIZE);
	void *at = b->base + index * PAGE_SIZE;

	h->page = rpt_page_of(at);
	h->word = index * (PAGE_SIZE / sizeof(u64));
	h->seed = b->seed;
	get_page(h->page);
}

static bool unchanged(const struct hold *h, const u64 *words)
{
	size_t i;

	for (i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		if (words[i] != model_pattern(h->seed, h->word + i))
			return false;
	return true;
}

static void let_go(struct actor *a, struct hold *h)
{
	if (!unchanged(h, page_address(h->page)))
		actor_wrong(a, "a page that was referred to changed, at %px",
			    page_address(h->page));
	put_page(h->page);
	h->page = NULL;
}

/* Also lets go of one that was held for long. */
void pages_hold(struct actor *a, const struct block *b, const u32 *r)
{
	struct hold *h = &a->holds[r[2] % HOLDS];

	if (h->page)
		let_go(a, h);
	if (!has_pages(b))
		return;
	take(h, b, r[3]);
	a->held++;
}

void pages_let_go(struct actor *a)
{
	unsigned int i;

	for (i = 0; i < HOLDS; i++)
		if (a->holds[i].page)
			let_go(a, &a->holds[i]);
}

/* Mapped pages */

static int map_pages(struct file *file, struct vm_area_struct *vma)
{
	struct model *m = file->private_data;
	unsigned int i;
	int err;

	for (i = 0; i < m->mapped; i++) {
		err = vm_insert_page(vma, vma->vm_start + i * PAGE_SIZE,
				     m->maps[i].page);
		if (err)
			return err;
	}
	return 0;
}

static const struct file_operations map_operations = { .mmap = map_pages };

static void choose(struct model *m)
{
	unsigned int tries;

	m->mapped = 0;
	for (tries = 0; tries < 4096 && m->mapped < MAPS; tries++) {
		u32 r = prandom_u32_state(&m->rnd);
		struct actor *a = m->actors[r % m->count];
		unsigned int slot = (r >> 8) % SLOTS;

		if (a->in_use[slot] && has_pages(&a->slots[slot]))
			take(&m->maps[m->mapped++], &a->slots[slot], r >> 16);
	}
}

static void map(struct rpt *t, struct model *m)
{
	unsigned long at;
	struct file *file;
	unsigned int i;

	choose(m);
	if (!m->mapped)
		return;
	file = anon_inode_getfile("rust_pool_model", &map_operations, m, O_RDWR);
	if (!IS_ERR(file)) {
		at = vm_mmap(file, 0, m->mapped * PAGE_SIZE, PROT_READ,
			     MAP_SHARED, 0);
		fput(file);
		if (EXPECT(t, !IS_ERR_VALUE(at)))
			m->user = at;
	}
	/* From here on it is the mapping that holds them. */
	for (i = 0; i < m->mapped; i++)
		put_page(m->maps[i].page);
	m->mappings += m->user ? m->mapped : 0;
}

static void unmap(struct rpt *t, struct model *m)
{
	u64 *copy = kmalloc(PAGE_SIZE, GFP_KERNEL);
	unsigned int i;

	for (i = 0; copy && i < m->mapped; i++)
		if (copy_from_user(copy, (void __user *)m->user + i * PAGE_SIZE,
				   PAGE_SIZE) ||
		    !unchanged(&m->maps[i], copy))
			rpt_fail(t, "a page that a process had mapped changed");
	EXPECT(t, copy);
	kfree(copy);
	EXPECT_EQ(t, vm_munmap(m->user, m->mapped * PAGE_SIZE), 0);
	m->user = 0;
}

/* Mapped by an MDL, in UserMode */

static bool viewable(const struct block *b)
{
	return has_pages(b) && (b->kind == NONPAGED || b->kind == CONTIGUOUS);
}

static const struct block *choose_view(struct model *m)
{
	unsigned int tries;

	for (tries = 0; tries < 1024; tries++) {
		u32 r = prandom_u32_state(&m->rnd);
		struct actor *a = m->actors[r % m->count];
		unsigned int slot = (r >> 8) % SLOTS;

		if (a->in_use[slot] && viewable(&a->slots[slot]))
			return &a->slots[slot];
	}
	return NULL;
}

/* All is at rest, so an actor's account will do for the MDL. */
static void view(struct rpt *t, struct model *m)
{
	const struct block *b = choose_view(m);
	unsigned int i, pages;
	PMDL mdl;

	if (!b)
		return;
	pages = min_t(size_t, b->bytes / PAGE_SIZE, VIEWS);
	mdl = IoAllocateMdl(b->base, pages * PAGE_SIZE, FALSE, FALSE, NULL);
	if (!EXPECT(t, mdl))
		return;
	mdl_count(m->actors[0], mdl, 1);
	MmBuildMdlForNonPagedPool(mdl);
	m->view_at = MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE,
						  NormalPagePriority);
	if (!EXPECT(t, m->view_at)) {
		mdl_count(m->actors[0], mdl, -1);
		IoFreeMdl(mdl);
		return;
	}
	m->view = mdl;
	for (i = 0; i < pages; i++)
		m->views[i] = (struct hold){
			.seed = b->seed, .word = i * (PAGE_SIZE / sizeof(u64)),
		};
	m->viewed++;
}

/* The block may be gone; its pages are not. */
static void end_view(struct rpt *t, struct model *m)
{
	unsigned int pages = MmGetMdlByteCount(m->view) / PAGE_SIZE, i;
	u64 *copy = kmalloc(PAGE_SIZE, GFP_KERNEL);

	for (i = 0; copy && i < pages; i++)
		if (copy_from_user(copy, (void __user *)m->view_at + i * PAGE_SIZE,
				   PAGE_SIZE) ||
		    !unchanged(&m->views[i], copy))
			rpt_fail(t, "a page that a process had mapped by an MDL changed");
	EXPECT(t, copy);
	kfree(copy);
	MmUnmapLockedPages(m->view_at, m->view);
	mdl_count(m->actors[0], m->view, -1);
	IoFreeMdl(m->view);
	m->view = NULL;
}

/* Each mapping lasts for as many rounds as chance has it. */
void pages_turn(struct rpt *t, struct model *m)
{
	if (m->view && prandom_u32_state(&m->rnd) & 1)
		end_view(t, m);
	if (!m->view && current->mm)
		view(t, m);
	if (m->user && prandom_u32_state(&m->rnd) & 1)
		unmap(t, m);
	if (!m->user && current->mm)
		map(t, m);
}

void pages_end(struct rpt *t, struct model *m)
{
	if (m->view)
		end_view(t, m);
	if (m->user)
		unmap(t, m);
}
