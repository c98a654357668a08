// SPDX-License-Identifier: GPL-2.0
/*
 * The module's parameters. They are in C because parameters of the kernel crate do
 * not appear in sysfs. To read "verifier" there gives the options in force, which
 * writes to the file of that name in debugfs may have changed since the load.
 */

#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "core.h"

/*
 * Accept the words for a boolean that the kernel's users write. kstrtobool() takes any text that
 * begins with one of ten letters.
 */
static int switch_set(const char *text, const struct kernel_param *param)
{
	bool *on = param->arg;

	if (!text) {
		*on = true;
		return 0;
	}
	if (((strlen(text) == 1 && strchr("1Yy0Nn", *text)) ||
	     !strcasecmp(text, "on") || !strcasecmp(text, "off")) &&
	    !kstrtobool(text, on))
		return 0;
	pr_err("rust_pool: %s=%s: neither on nor off: give 1, Y, 0 or N\n",
	       param->name, text);
	return -EINVAL;
}

static const struct kernel_param_ops switch_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = switch_set,
	.get = param_get_bool,
};

static bool panic_on_violation;
module_param_cb(panic_on_violation, &switch_ops, &panic_on_violation, 0444);
MODULE_PARM_DESC(panic_on_violation,
		 "Panic at the first violation of the pool's rules (default N)");

static bool magazines;
module_param_cb(magazines, &switch_ops, &magazines, 0444);
MODULE_PARM_DESC(magazines,
		 "Use magazines and heap even where KASAN or slub_debug watches (default N)");

bool rust_pool_panic_on_violation(void)
{
	return panic_on_violation;
}

bool rust_pool_magazines(void)
{
	return magazines;
}

/* The options at load. Later changes are in options.rs. */
static char *verifier;
/* Whether rust_pool_verifier_show() may be called. Under kernel_param_lock(). */
static bool asked;

/* If it is given twice, as in modprobe.d and by hand, both sets of options count. */
static int verifier_set(const char *text, const struct kernel_param *param)
{
	char *both;

	both = kasprintf(GFP_KERNEL, "%s%s%s", verifier ?: "",
			 verifier ? ";" : "", text);
	if (!both)
		return -ENOMEM;
	kfree(verifier);
	verifier = both;
	return 0;
}

static int verifier_get(char *to, const struct kernel_param *param)
{
	size_t len;

	if (!asked)
		return scnprintf(to, PAGE_SIZE, "%s\n", verifier ?: "off");
	len = rust_pool_verifier_show(to);
	to[len++] = '\n';
	return len;
}

static void verifier_free(void *arg)
{
	kfree(verifier);
	verifier = NULL;
}

static const struct kernel_param_ops verifier_ops = {
	.set = verifier_set,
	.get = verifier_get,
	.free = verifier_free,
};

module_param_cb(verifier, &verifier_ops, NULL, 0400);
MODULE_PARM_DESC(verifier,
		 "Options of the verifier, with semicolons between (default off)");

const char *rust_pool_verifier_parameter(void)
{
	return verifier ?: "";
}

/*
 * Set whether rust_pool_verifier_show() may be called. kernel_param_lock() waits for
 * readers, so none is in that function any more after a change to false.
 */
void rust_pool_parameters_live(bool live)
{
	kernel_param_lock(THIS_MODULE);
	asked = live;
	kernel_param_unlock(THIS_MODULE);
}

MODULE_VERSION("1.1");
