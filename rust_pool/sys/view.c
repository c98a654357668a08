// SPDX-License-Identifier: GPL-2.0
/*
 * Views: page frames that are mapped into a process for an MDL.
 *
 * A view is an area of the process's address space, made as by mmap() of a file that nobody can
 * open. The file keeps this module loaded. The area has a reference to each page, so a page that
 * its owner frees meanwhile stays the process's until the area is gone: by the routine that
 * unmaps it, by munmap(), or with the process. It goes as a whole, and stays where it is. A fork
 * does not inherit it.
 *
 * The pages of a common buffer need not have references: the DMA API allocates them as one block.
 * A view of such pages has none, and nobody can get one through it (VM_PFNMAP). Its buffer is kept
 * instead, until rust_pool_view_gone() says that no page of it is mapped any more.
 */

#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "core.h"

struct view {
	/* Whose pages they are. Only compared. */
	unsigned long mdl;
	u64 number;
	const struct mm_struct *mm;
	/* The common buffer that is kept for it; 0 if it has references to its pages. */
	unsigned long buffer;
	/* To be mapped; NULL afterwards. */
	struct page **pages;
	unsigned long count;
	MEMORY_CACHING_TYPE type;
	bool write;
	/* Whether it was mapped. */
	bool opened;
	/* Bit 0: its record was told that it is gone. */
	unsigned long ended;
	/* Its areas in the process: mremap() makes a second one before it fails. */
	atomic_t areas;
};

static void end(struct view *view)
{
	if (!test_and_set_bit(0, &view->ended))
		rust_pool_view_gone(view->mdl, view->number, view->buffer);
}

/*
 * Called for the second area that mremap() makes. The kernel refuses MADV_DOFORK for such an area.
 * If a fork inherits one all the same, that has references of its own, and does not count.
 * (One of VM_PFNMAP is never inherited.)
 */
static void open_area(struct vm_area_struct *vma)
{
	struct view *view = vma->vm_private_data;

	if (vma->vm_mm == view->mm)
		atomic_inc(&view->areas);
}

static void close_area(struct vm_area_struct *vma)
{
	struct view *view = vma->vm_private_data;

	if (vma->vm_mm == view->mm && atomic_dec_and_test(&view->areas))
		end(view);
}

static int refuse_split(struct vm_area_struct *vma, unsigned long at)
{
	return -EINVAL;
}

static int refuse_move(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static const struct vm_operations_struct area_operations = {
	.open = open_area,
	.close = close_area,
	.may_split = refuse_split,
	.mremap = refuse_move,
};

static int map_view(struct file *file, struct vm_area_struct *vma)
{
	struct view *view = file->private_data;
	struct page **pages = xchg(&view->pages, NULL);
	unsigned long left = view->count;
	int err;

	/* Whoever may open the file by /proc/PID/map_files maps nothing of it. */
	if (!pages || vma_pages(vma) != view->count)
		return -EPERM;
	if (view->type == MmNonCached)
		vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	else if (view->type == MmWriteCombined)
		vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
	vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vm_flags_clear(vma, VM_MAYEXEC);
	if (!view->write)
		vm_flags_clear(vma, VM_MAYWRITE);
	if (view->buffer)
		err = remap_pfn_range(vma, vma->vm_start, page_to_pfn(pages[0]),
				      view->count << PAGE_SHIFT, vma->vm_page_prot);
	else
		err = vm_insert_pages(vma, vma->vm_start, pages, &left);
	if (err)
		return err;
	atomic_set(&view->areas, 1);
	view->opened = true;
	vma->vm_private_data = view;
	vma->vm_ops = &area_operations;
	return 0;
}

static int release_view(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations view_operations = {
	.owner = THIS_MODULE,
	.mmap = map_view,
	.release = release_view,
};

/*
 * Whether a process may be given a reference to a page: there is one already, and the page is
 * no slab, with objects of others, no page of a file or of a process, and none of the kernel's
 * own. The frame is memory.
 */
static bool may_be_shown(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_ref_count(folio) && !page_has_type(page) &&
	       !PageReserved(page) && !folio->mapping;
}

/* The index of the first frame that may not be in a view; @count if all may. */
size_t rust_pool_view_refused(const PFN_NUMBER *frames, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!may_be_shown(pfn_to_page(frames[i])))
			break;
	return i;
}

/*
 * Map frames of memory into the current process. For a common buffer, they are those from the
 * first on. Returns where, or 0. On success, or if it fails, rust_pool_view_gone() will be called
 * or was, once. Sleeps.
 */
unsigned long rust_pool_view_map(const PFN_NUMBER *frames, size_t count,
				 const struct rust_pool_view *wanted)
{
	struct page **pages;
	struct view *view;
	unsigned long got;
	struct file *file;
	bool opened;
	size_t i;

	pages = kvmalloc_array(count, sizeof(*pages), RUST_POOL_GFP_KERNEL);
	view = kzalloc_obj(*view, RUST_POOL_GFP_KERNEL);
	if (!current->mm || !pages || !view)
		goto fail;
	for (i = 0; i < count; i++)
		pages[i] = wanted->buffer ? virt_to_page(wanted->first) + i :
					    pfn_to_page(frames[i]);
	view->mdl = wanted->mdl;
	view->number = wanted->number;
	view->buffer = wanted->buffer;
	view->mm = current->mm;
	view->pages = pages;
	view->count = count;
	view->type = wanted->type;
	view->write = wanted->write;
	file = anon_inode_getfile("[rust_pool]", &view_operations, view, O_RDWR);
	if (IS_ERR(file))
		goto fail;
	got = vm_mmap(file, wanted->at, count << PAGE_SHIFT,
		      PROT_READ | (wanted->write ? PROT_WRITE : 0),
		      MAP_SHARED | (wanted->at ? MAP_FIXED_NOREPLACE : 0), 0);
	/* The file has the view from here on. */
	WRITE_ONCE(view->pages, NULL);
	opened = view->opened;
	if (IS_ERR_VALUE(got) && !opened)
		end(view);
	fput(file);
	kvfree(pages);
	return IS_ERR_VALUE(got) ? 0 : got;

fail:
	kfree(view);
	kvfree(pages);
	rust_pool_view_gone(wanted->mdl, wanted->number, wanted->buffer);
	return 0;
}

/*
 * Unmap the view of an MDL that begins in the page of @at in the current process; false if
 * there is none. If another thread unmaps it at the same time, and maps something else there, that
 * may go instead: the process only harms itself. Sleeps.
 */
bool rust_pool_view_unmap(unsigned long at, unsigned long mdl)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	struct file *file = NULL;
	unsigned long start = 0;
	struct view *view;
	size_t bytes = 0;

	if (!mm)
		return false;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, at);
	if (vma && vma->vm_ops == &area_operations) {
		view = vma->vm_private_data;
		start = vma->vm_start;
		bytes = vma->vm_end - start;
		if (view->mdl == mdl && view->mm == mm && at - start < PAGE_SIZE)
			file = get_file(vma->vm_file);
		/* Its pages must not stay: they are kept only as long as this has not ended. */
		if (file && view->buffer)
			zap_special_vma_range(vma, start, bytes);
	}
	mmap_read_unlock(mm);
	if (!file)
		return false;
	/*
	 * A process that is being killed unmaps nothing any more, one may have sealed the area by
	 * mseal(), and the kernel needs a little memory. If this fails, the area goes when the
	 * process ends; its pages are the process's until then, or it is empty.
	 */
	if (vm_munmap(start, bytes))
		end(file->private_data);
	fput(file);
	return true;
}
