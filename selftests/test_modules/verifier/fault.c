// SPDX-License-Identifier: GPL-2.0
/*
 * A client with the mistakes that special pool finds. What is written to its
 * parameter "run" is done by a kernel thread, which is to die of it: "behind",
 * "before", "freed", each a write or, with "read" after it, a read; "freed jump",
 * as if the block had code; or "slack", which only the free can find. "frames" writes a
 * frame behind those of an MDL.
 */
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/string.h>

#include <rust_pool/wdm.h>

#define TAG	((ULONG)'tluF')
#define BYTES	100

/* No tail calls, for the frames are looked for. */
static noinline char *make_record(void)
{
	char *record = ExAllocatePoolWithTag(NonPagedPool, BYTES, TAG);

	barrier();
	return record;
}

static noinline void free_record(char *record)
{
	ExFreePoolWithTag(record, TAG);
	barrier();
}

static noinline void write_record(char *record, int from, int to)
{
	int i;

	for (i = from; i < to; i++)
		WRITE_ONCE(record[i], 'x');
	barrier();
}

static noinline int read_record(char *record, int at)
{
	int byte = READ_ONCE(record[at]);

	barrier();
	return byte;
}

static noinline __nocfi void run_record(char *record)
{
	((void (*)(void))record)();
	barrier();
}

static noinline PMDL make_mdl(void)
{
	PMDL mdl = IoAllocateMdl(NULL, 2 * PAGE_SIZE, FALSE, FALSE, NULL);

	barrier();
	return mdl;
}

static noinline void write_frames(PMDL mdl, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		WRITE_ONCE(MmGetMdlPfnArray(mdl)[i], i);
	barrier();
}

static int mistake_of_frames(void)
{
	PMDL mdl = make_mdl();

	if (!mdl)
		return -ENOMEM;
	write_frames(mdl, 3);
	IoFreeMdl(mdl);
	return 0;
}

static int mistake(void *arg)
{
	const char *what = arg;
	bool reads = strstr(what, "read");
	char *record;

	if (strstarts(what, "frames"))
		return mistake_of_frames();
	record = make_record();
	if (!record)
		return -ENOMEM;
	if (strstarts(what, "behind")) {
		if (reads)
			read_record(record, 112);
		else
			write_record(record, 96, 120);
	} else if (strstarts(what, "before")) {
		if (reads)
			read_record(record, -1);
		else
			write_record(record, -20, 0);
	} else if (strstarts(what, "slack")) {
		write_record(record, 98, 102);
	} else {
		free_record(record);
		if (strstr(what, "jump"))
			run_record(record);
		else if (reads)
			read_record(record, 8);
		else
			write_record(record, 40, 50);
		return 0;
	}
	free_record(record);
	return 0;
}

static int run_set(const char *text, const struct kernel_param *param)
{
	static char what[32];
	struct task_struct *task;

	strscpy(what, text);
	task = kthread_create(mistake, what, "rp_test_fault");
	if (IS_ERR(task))
		return PTR_ERR(task);
	get_task_struct(task);
	wake_up_process(task);
	while (!READ_ONCE(task->exit_state))
		schedule_timeout_uninterruptible(1);
	put_task_struct(task);
	return 0;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);
MODULE_PARM_DESC(run, "The mistake to make");

static int __init rpt_fault_init(void)
{
	return 0;
}

static void __exit rpt_fault_exit(void)
{
}

module_init(rpt_fault_init);
module_exit(rpt_fault_exit);

MODULE_DESCRIPTION("rust_pool selftests: a client that runs into special pool");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
