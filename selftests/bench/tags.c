// SPDX-License-Identifier: GPL-2.0
/*
 * Reading tags with many of them live.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include <asm/msr.h>

#include "pool.h"

#define TAGS	10000
#define BYTES	64
#define READS	3

static void *rpb_blocks[TAGS];

/* Q000, Q001, ... in base 36. */
static u32 rpb_tag(unsigned int n)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return 'Q' | digits[n / 36 / 36 % 36] << 8 | digits[n / 36 % 36] << 16 |
	       digits[n % 36] << 24;
}

int rpb_tags_make(void)
{
	unsigned int n;

	for (n = 0; n < TAGS; n++) {
		/* Rows are made ahead by a work item, 512 at a time. */
		if (n % 200 == 0)
			msleep(20);
		rpb_blocks[n] = ExAllocatePoolWithTag(NonPagedPool, BYTES,
						      rpb_tag(n));
		if (!rpb_blocks[n]) {
			rpb_tags_free();
			return -ENOMEM;
		}
	}
	return 0;
}

void rpb_tags_free(void)
{
	unsigned int n;

	for (n = 0; n < TAGS; n++) {
		if (rpb_blocks[n])
			ExFreePoolWithTag(rpb_blocks[n], rpb_tag(n));
		rpb_blocks[n] = NULL;
	}
}

struct rpb_lines {
	unsigned int tags;
	bool inside;
};

/* Counts the lines that begin with a Q. */
static void rpb_see(const char *piece, size_t bytes, void *arg)
{
	struct rpb_lines *lines = arg;

	for (; bytes; piece++, bytes--) {
		if (!lines->inside && *piece == 'Q')
			lines->tags++;
		lines->inside = *piece != '\n';
	}
}

static int rpb_read(struct seq_file *m, struct rpb_text *text)
{
	struct rpb_lines lines = {};
	unsigned int n;
	u64 start;
	int err;

	err = rpb_text_read(text, rpb_see, &lines);
	if (err)
		return err;
	if (lines.tags < TAGS) {
		pr_err("rp_bench: tags shows %u rows of %u\n", lines.tags, TAGS);
		return -EIO;
	}
	for (n = 0; n < READS; n++) {
		start = rdtsc();
		err = rpb_text_read(text, NULL, NULL);
		if (err)
			return err;
		rpb_sample(m, "tags", "10000", "ours", "%llu", rdtsc() - start);
	}
	return 0;
}

int rpb_show_tags(struct seq_file *m)
{
	struct rpb_text text;
	int err;

	err = rpb_need_icount() ?: rpb_tags_make();
	if (err)
		return err;
	err = rpb_text_open(&text);
	if (!err) {
		err = rpb_read(m, &text);
		rpb_text_close(&text);
	}
	rpb_tags_free();
	return err;
}
