// SPDX-License-Identifier: GPL-2.0
/*
 * The file tags, read through a buffer in the address space of the process that
 * reads: what cat does, without its own instructions.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "pool.h"

#define CHUNK	SZ_4K

int rpb_text_open(struct rpb_text *text)
{
	unsigned long address;

	text->filp = filp_open("/sys/kernel/debug/rust_pool/tags", O_RDONLY, 0);
	if (IS_ERR(text->filp))
		return PTR_ERR(text->filp);
	address = vm_mmap(NULL, 0, CHUNK, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, 0);
	if (IS_ERR_VALUE(address)) {
		filp_close(text->filp, NULL);
		return (int)address;
	}
	text->chunk = (void __user *)address;
	return 0;
}

void rpb_text_close(struct rpb_text *text)
{
	vm_munmap((unsigned long)text->chunk, CHUNK);
	filp_close(text->filp, NULL);
}

int rpb_text_read(struct rpb_text *text,
		  void (*see)(const char *piece, size_t bytes, void *arg),
		  void *arg)
{
	loff_t at = 0;
	ssize_t got;
	char *piece;

	for (;;) {
		/* debugfs has ->read only, which wants user memory. */
		got = text->filp->f_op->read(text->filp, text->chunk, CHUNK,
					     &at);
		if (got <= 0)
			return got;
		if (!see)
			continue;
		piece = memdup_user(text->chunk, got);
		if (IS_ERR(piece))
			return PTR_ERR(piece);
		see(piece, got, arg);
		kfree(piece);
	}
}
