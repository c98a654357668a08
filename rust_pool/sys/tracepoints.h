/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracepoints. Their fields and what they print are a format; see
 * Documentation/tracing.rst before a change.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rust_pool

#if !defined(_RUST_POOL_TRACEPOINTS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _RUST_POOL_TRACEPOINTS_H

#include <linux/tracepoint.h>

#include "core.h"

int rust_pool_alloc_traced(void);
void rust_pool_alloc_untraced(void);
int rust_pool_free_traced(void);
void rust_pool_free_untraced(void);

#define rust_pool_show_type(type)					\
	__print_symbolic(type,						\
			 { RUST_POOL_TRACED_NONP, "Nonp" },		\
			 { RUST_POOL_TRACED_PAGED, "Paged" },		\
			 { RUST_POOL_TRACED_CONTIGUOUS, "contiguous" },	\
			 { RUST_POOL_TRACED_NONCACHED, "noncached" },	\
			 { RUST_POOL_TRACED_COMMON, "common" },		\
			 { RUST_POOL_TRACED_MDL_PAGES, "mdl_pages" })

/* While somebody traces these two, pool leaves its fast path. */
TRACE_EVENT_FN(rust_pool_alloc,

	TP_PROTO(const struct rust_pool_traced *block),

	TP_ARGS(block),

	TP_STRUCT__entry(
		__array(char, tag, RUST_POOL_TAG_ROOM)
		__field(u32, type)
		__field(size_t, bytes)
		__field(size_t, used)
		__field(void *, addr)
		__field(void *, caller)
		__field(u64, ns)
	),

	TP_fast_assign(
		memcpy(__entry->tag, block->tag, RUST_POOL_TAG_ROOM);
		__entry->type = block->type;
		__entry->bytes = block->bytes;
		__entry->used = block->used;
		__entry->addr = (void *)block->addr;
		__entry->caller = (void *)block->caller;
		__entry->ns = block->ns;
	),

	TP_printk("tag=%s type=%s bytes=%zu used=%zu addr=%p caller=%pS ns=%llu",
		  __entry->tag, rust_pool_show_type(__entry->type),
		  __entry->bytes, __entry->used, __entry->addr,
		  __entry->caller, __entry->ns),

	rust_pool_alloc_traced, rust_pool_alloc_untraced
);

TRACE_EVENT_FN(rust_pool_free,

	TP_PROTO(const struct rust_pool_traced *block),

	TP_ARGS(block),

	TP_STRUCT__entry(
		__array(char, tag, RUST_POOL_TAG_ROOM)
		__field(u32, type)
		__field(size_t, bytes)
		__field(size_t, used)
		__field(void *, addr)
		__field(void *, caller)
	),

	TP_fast_assign(
		memcpy(__entry->tag, block->tag, RUST_POOL_TAG_ROOM);
		__entry->type = block->type;
		__entry->bytes = block->bytes;
		__entry->used = block->used;
		__entry->addr = (void *)block->addr;
		__entry->caller = (void *)block->caller;
	),

	TP_printk("tag=%s type=%s bytes=%zu used=%zu addr=%p caller=%pS",
		  __entry->tag, rust_pool_show_type(__entry->type),
		  __entry->bytes, __entry->used, __entry->addr,
		  __entry->caller),

	rust_pool_free_traced, rust_pool_free_untraced
);

TRACE_EVENT(rust_pool_violation,

	TP_PROTO(const struct rust_pool_traced_violation *violation),

	TP_ARGS(violation),

	TP_STRUCT__entry(
		__field(u32, code)
		__field(u64, p1)
		__field(u64, p2)
		__field(u64, p3)
		__field(u64, p4)
		__array(char, tag, RUST_POOL_TAG_ROOM)
		__array(char, module, RUST_POOL_MODULE_NAME_LEN)
		__field(void *, addr)
		__field(void *, caller)
	),

	TP_fast_assign(
		__entry->code = violation->code;
		__entry->p1 = violation->parameters[0];
		__entry->p2 = violation->parameters[1];
		__entry->p3 = violation->parameters[2];
		__entry->p4 = violation->parameters[3];
		memcpy(__entry->tag, violation->tag, RUST_POOL_TAG_ROOM);
		memcpy(__entry->module, violation->module,
		       RUST_POOL_MODULE_NAME_LEN);
		__entry->addr = (void *)violation->addr;
		__entry->caller = (void *)violation->caller;
	),

	TP_printk("code=%#x p1=%#llx p2=%#llx p3=%#llx p4=%#llx tag=%s module=%s addr=%p caller=%pS",
		  __entry->code, __entry->p1, __entry->p2, __entry->p3,
		  __entry->p4, __entry->tag, __entry->module, __entry->addr,
		  __entry->caller)
);

#endif /* _RUST_POOL_TRACEPOINTS_H */

/* The path is relative to include/ of this project, to which -I points. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH ../rust_pool/sys
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE tracepoints
#include <trace/define_trace.h>
