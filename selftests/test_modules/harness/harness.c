// SPDX-License-Identifier: GPL-2.0
/*
 * Suites, cases and their files in debugfs.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "rpt.h"
#include "rpt_private.h"

#define LOG_BYTES	8192
/* A case that takes longer says so. */
#define SLOW_MS		2000

struct rpt_file {
	struct rpt_file *next;
	const struct rpt_case *test;
	const struct rpt_arg *arg;
};

/* Cases compare statistics: one at a time. */
static DEFINE_MUTEX(rpt_lock);
static struct dentry *rpt_root;

unsigned long rpt_value(struct rpt *t)
{
	return t->arg ? t->arg->value : 0;
}
EXPORT_SYMBOL_GPL(rpt_value);

const char *rpt_value_name(struct rpt *t)
{
	return t->arg ? t->arg->name : "";
}
EXPORT_SYMBOL_GPL(rpt_value_name);

static void rpt_vlog(struct rpt *t, const char *fmt, va_list args)
{
	t->used += scnprintf(t->log + t->used, LOG_BYTES - t->used, "# ");
	t->used += vscnprintf(t->log + t->used, LOG_BYTES - t->used, fmt, args);
	t->used += scnprintf(t->log + t->used, LOG_BYTES - t->used, "\n");
}

void rpt_fail(struct rpt *t, const char *fmt, ...)
{
	va_list args;

	/* The first reasons tell; a loop must not drown them. */
	if (t->failures++ >= 10)
		return;
	va_start(args, fmt);
	rpt_vlog(t, fmt, args);
	va_end(args);
}
EXPORT_SYMBOL_GPL(rpt_fail);

void rpt_skip(struct rpt *t, const char *fmt, ...)
{
	va_list args;

	t->skipped = true;
	va_start(args, fmt);
	rpt_vlog(t, fmt, args);
	va_end(args);
}
EXPORT_SYMBOL_GPL(rpt_skip);

void rpt_note(struct rpt *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	rpt_vlog(t, fmt, args);
	va_end(args);
}
EXPORT_SYMBOL_GPL(rpt_note);

unsigned int rpt_failed(struct rpt *t)
{
	return t->failures;
}
EXPORT_SYMBOL_GPL(rpt_failed);

bool rpt_expect(struct rpt *t, bool ok, const char *what, const char *file,
		int line)
{
	if (!ok)
		rpt_fail(t, "%s:%d: not so: %s", kbasename(file), line, what);
	return ok;
}
EXPORT_SYMBOL_GPL(rpt_expect);

bool rpt_expect_eq(struct rpt *t, u64 is, u64 want, const char *what,
		   const char *file, int line)
{
	if (is != want)
		rpt_fail(t, "%s:%d: %s is %lld (0x%llx), expected %lld (0x%llx)",
			 kbasename(file), line, what, is, is, want, want);
	return is == want;
}
EXPORT_SYMBOL_GPL(rpt_expect_eq);

static void rpt_run(struct rpt *t, const struct rpt_file *file)
{
	struct rpt_balance before, after;
	unsigned int tries;

	t->arg = file->arg;
	rpt_violations_mark(t);
	rpt_balance(t, &before);
	if (t->failures)
		return;

	file->test->run(t);

	EXPECT_VIOLATIONS(t, 0);
	/* Frees in a wrong context are carried out a little later. */
	for (tries = 0; tries < RPT_TRIES; tries++) {
		rpt_balance(t, &after);
		if (!memcmp(&before, &after, sizeof(before)))
			return;
		rpt_settle(t);
	}
	rpt_balance_compare(t, &before, &after);
}

static int rpt_open(struct inode *inode, struct file *filp)
{
	const struct rpt_file *file = inode->i_private;
	struct rpt *t;
	ktime_t start;
	s64 ms;

	t = kvzalloc(sizeof(*t) + LOG_BYTES + 16, GFP_KERNEL);
	if (!t)
		return -ENOMEM;

	mutex_lock(&rpt_lock);
	start = ktime_get();
	rpt_run(t, file);
	ms = ktime_ms_delta(ktime_get(), start);
	mutex_unlock(&rpt_lock);
	if (ms >= SLOW_MS)
		rpt_note(t, "took %lld.%lld s", ms / 1000, ms % 1000 / 100);

	t->used += sprintf(t->log + t->used, "%s\n", t->failures ? "not ok" :
			   t->skipped ? "skip" : "ok");
	filp->private_data = t;
	return nonseekable_open(inode, filp);
}

static ssize_t rpt_read(struct file *filp, char __user *to, size_t count,
			loff_t *pos)
{
	struct rpt *t = filp->private_data;

	return simple_read_from_buffer(to, count, pos, t->log, t->used);
}

static int rpt_release(struct inode *inode, struct file *filp)
{
	kvfree(filp->private_data);
	return 0;
}

static const struct file_operations rpt_fops = {
	.owner = THIS_MODULE,
	.open = rpt_open,
	.read = rpt_read,
	.release = rpt_release,
};

/* What one module has registered. */
struct rpt_registration {
	struct dentry *dirs[24];
	unsigned int count;
	struct rpt_file *files;
};

static int rpt_add_file(struct rpt_registration *r, struct dentry *dir,
			const struct rpt_case *test, const struct rpt_arg *arg,
			unsigned int number)
{
	struct rpt_file *file = kzalloc_obj(*file);
	char name[96];

	if (!file)
		return -ENOMEM;
	file->test = test;
	file->arg = arg;
	file->next = r->files;
	r->files = file;

	scnprintf(name, sizeof(name), "%03u-%s%s%s", number, test->name,
		  arg ? "_" : "", arg ? arg->name : "");
	debugfs_create_file(name, 0400, dir, file, &rpt_fops);
	return 0;
}

static int rpt_add_suite(struct rpt_registration *r,
			 const struct rpt_suite *suite)
{
	struct dentry *dir = debugfs_create_dir(suite->name, rpt_root);
	unsigned int number = 1;
	unsigned int i;
	int ret;

	if (IS_ERR(dir))
		return PTR_ERR(dir);
	r->dirs[r->count++] = dir;

	for (i = 0; i < suite->count; i++) {
		const struct rpt_case *test = &suite->cases[i];
		const struct rpt_arg *arg = test->args;

		do {
			ret = rpt_add_file(r, dir, test, arg, number++);
			if (ret)
				return ret;
		} while (arg && (++arg)->name);
	}
	return 0;
}

static void rpt_drop(struct rpt_registration *r)
{
	unsigned int i;

	/* Waits for a case that is still running. */
	for (i = 0; i < r->count; i++)
		debugfs_remove(r->dirs[i]);
	while (r->files) {
		struct rpt_file *file = r->files;

		r->files = file->next;
		kfree(file);
	}
	kfree(r);
}

/**
 * rpt_register - offer suites
 * @suites: what to offer
 * @count: how many
 * @key: what rpt_unregister() takes
 *
 * Context: Module init.
 * Return: 0 or a negative errno.
 */
int rpt_register(const struct rpt_suite *const *suites, unsigned int count,
		 void **key)
{
	struct rpt_registration *r;
	unsigned int i;
	int ret = 0;

	r = kzalloc_obj(*r);
	if (!r)
		return -ENOMEM;
	if (WARN_ON(count > ARRAY_SIZE(r->dirs)))
		count = ARRAY_SIZE(r->dirs);

	for (i = 0; i < count && !ret; i++)
		ret = rpt_add_suite(r, suites[i]);
	if (ret)
		rpt_drop(r);
	else
		*key = r;
	return ret;
}
EXPORT_SYMBOL_GPL(rpt_register);

void rpt_unregister(void *key)
{
	rpt_drop(key);
}
EXPORT_SYMBOL_GPL(rpt_unregister);

static int __init rpt_init(void)
{
	rpt_root = debugfs_create_dir("rust_pool_test", NULL);
	/* With debugfs=off there are no suites, but clients that need us load. */
	return debugfs_initialized() ? PTR_ERR_OR_ZERO(rpt_root) : 0;
}

static void __exit rpt_exit(void)
{
	debugfs_remove(rpt_root);
}

module_init(rpt_init);
module_exit(rpt_exit);

MODULE_DESCRIPTION("Harness of the rust_pool selftests");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
