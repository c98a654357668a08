// SPDX-License-Identifier: GPL-2.0
/*
 * Measurements as files in debugfs.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sizes.h>

#include "bench_private.h"

/* A full buffer would have the measurement made again, with a larger one. */
#define TEXT_BYTES	SZ_256K

/* One at a time: they disturb each other. */
static DEFINE_MUTEX(rpb_lock);
static struct dentry *rpb_root;

void rpb_sample(struct seq_file *m, const char *measure, const char *variant,
		const char *side, const char *fmt, ...)
{
	va_list args;

	seq_printf(m, "%s\t%s\t%s\t", measure, variant, side);
	va_start(args, fmt);
	seq_vprintf(m, fmt, args);
	va_end(args);
	seq_putc(m, '\n');
}
EXPORT_SYMBOL_GPL(rpb_sample);

static int rpb_show_cases(struct seq_file *m, const struct rpb_file *file)
{
	const struct rpb_case *c;
	int err = rpb_need_icount();

	for (c = file->cases; !err && c->measure; c++)
		err = rpb_count(m, c);
	return err;
}

static int rpb_show(struct seq_file *m, void *unused)
{
	const struct rpb_file *file = m->private;
	int err;

	err = mutex_lock_interruptible(&rpb_lock);
	if (err)
		return err;
	err = file->show ? file->show(m) : rpb_show_cases(m, file);
	mutex_unlock(&rpb_lock);
	return err;
}

static int rpb_open(struct inode *inode, struct file *filp)
{
	return single_open_size(filp, rpb_show, inode->i_private, TEXT_BYTES);
}

static const struct file_operations rpb_fops = {
	.owner = THIS_MODULE,
	.open = rpb_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

struct dentry *rpb_add(const char *module, const struct rpb_file *files,
		       unsigned int count)
{
	struct dentry *dir = debugfs_create_dir(module, rpb_root);
	unsigned int i;

	for (i = 0; i < count; i++)
		debugfs_create_file(files[i].name, 0400, dir, (void *)&files[i],
				    &rpb_fops);
	return dir;
}
EXPORT_SYMBOL_GPL(rpb_add);

void rpb_remove(struct dentry *dir)
{
	debugfs_remove(dir);
}
EXPORT_SYMBOL_GPL(rpb_remove);

static const struct rpb_file rpb_files[] = {
	{ .name = "free_pages", .show = rpb_show_free_pages },
	{ .name = "icount", .show = rpb_show_icount },
};

static int __init rpb_init(void)
{
	rpb_root = debugfs_create_dir("rust_pool_bench", NULL);
	if (IS_ERR(rpb_root))
		return PTR_ERR(rpb_root);
	rpb_add("rp_bench", rpb_files, ARRAY_SIZE(rpb_files));
	return 0;
}
module_init(rpb_init);

static void __exit rpb_exit(void)
{
	debugfs_remove(rpb_root);
}
module_exit(rpb_exit);

MODULE_AUTHOR("The rust_pool authors");
MODULE_DESCRIPTION("rust_pool benchmark: harness");
MODULE_LICENSE("GPL");
