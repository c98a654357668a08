// SPDX-License-Identifier: GPL-2.0
/*
 * Traces functions as bpf does for fexit programs: ftrace makes their entry call a
 * trampoline. That calls the function, so it is the caller that the function sees,
 * and then returns to the caller proper.
 */
#include <linux/ftrace.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/objtool.h>

#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "callers.h"

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS

static unsigned long at[16];
static unsigned int count;
module_param_array(at, ulong, &count, 0);
MODULE_PARM_DESC(at, "The addresses of the functions");

unsigned long rpt_trampoline_calls;
module_param_named(calls, rpt_trampoline_calls, ulong, 0400);
MODULE_PARM_DESC(calls, "How often they were called");

/*
 * Called where a function begins. On the stack are the rest of the function, and
 * behind it the function's caller. It has no arguments there.
 */
asm(
"	.pushsection .text, \"ax\", @progbits\n"
"	.type rpt_trampoline, @function\n"
"	.globl rpt_trampoline\n"
"rpt_trampoline:\n"
	ASM_ENDBR
"	pushq %rbp\n"
"	movq %rsp, %rbp\n"
	CALL_DEPTH_ACCOUNT
"	lock incq rpt_trampoline_calls(%rip)\n"
"	movq 8(%rbp), %r10\n"
	ANNOTATE_RETPOLINE_SAFE
"	call *%r10\n"
"	popq %rbp\n"
"	addq $8, %rsp\n"
	UNWIND_HINT(UNWIND_HINT_TYPE_FUNC, ORC_REG_SP, 8, 0)
	ASM_RET
"	.size rpt_trampoline, .-rpt_trampoline\n"
"	.popsection\n"
);

static struct ftrace_ops ops;

static int __init trampoline_init(void)
{
	unsigned int i;
	int ret = -EINVAL;

	for (i = 0; i < count; i++) {
		ret = ftrace_set_filter_ip(&ops, at[i], 0, 0);
		if (ret)
			break;
	}
	if (!ret)
		ret = register_ftrace_direct(&ops, (unsigned long)rpt_trampoline);
	if (ret)
		ftrace_free_filter(&ops);
	return ret;
}

static void __exit trampoline_exit(void)
{
	unregister_ftrace_direct(&ops, (unsigned long)rpt_trampoline, true);
}

module_init(trampoline_init);
module_exit(trampoline_exit);

#endif /* CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS */

MODULE_DESCRIPTION("rust_pool selftests: functions called by a trampoline");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
