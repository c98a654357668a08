// SPDX-License-Identifier: GPL-2.0
/*
 * The tracepoints, and the static key that sends pool to its slow path while
 * somebody looks at each block: a tracer or the verifier.
 */

#include <linux/export.h>

#define CREATE_TRACE_POINTS
#include "tracepoints.h"

/* Exported, as the Rust API tests it inline. */
struct rust_pool_switch rust_pool_watch_switch = {
	.key = STATIC_KEY_FALSE_INIT,
};
EXPORT_SYMBOL_GPL(rust_pool_watch_switch);

/* The kernel calls these four before the first tracer comes, and after the last has gone. */
int rust_pool_alloc_traced(void)
{
	static_branch_inc(&rust_pool_watch_switch.key);
	return 0;
}

void rust_pool_alloc_untraced(void)
{
	static_branch_dec(&rust_pool_watch_switch.key);
}

int rust_pool_free_traced(void)
{
	static_branch_inc(&rust_pool_watch_switch.key);
	rust_pool_watch_frees(true);
	return 0;
}

void rust_pool_free_untraced(void)
{
	rust_pool_watch_frees(false);
	static_branch_dec(&rust_pool_watch_switch.key);
}

bool rust_pool_traces_allocs(void)
{
	return trace_rust_pool_alloc_enabled();
}

bool rust_pool_traces_frees(void)
{
	return trace_rust_pool_free_enabled();
}

bool rust_pool_traces_violations(void)
{
	return trace_rust_pool_violation_enabled();
}

void rust_pool_trace_alloc(const struct rust_pool_traced *block)
{
	trace_rust_pool_alloc(block);
}

void rust_pool_trace_free(const struct rust_pool_traced *block)
{
	trace_rust_pool_free(block);
}

void rust_pool_trace_violation(const struct rust_pool_traced_violation *violation)
{
	trace_rust_pool_violation(violation);
}
