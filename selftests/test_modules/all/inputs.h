/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of bad input: a row has a routine's argument, the contexts that it is
 * tried in, and the answer. Each row becomes a case for each of its contexts.
 */
#ifndef RPT_INPUTS_H
#define RPT_INPUTS_H

#include <linux/bits.h>

#include "rpt.h"

#define IN_TASK		BIT(RPT_TASK)
#define AT_DISPATCH	(BIT(RPT_PREEMPT_OFF) | BIT(RPT_BH_OFF) | \
			 BIT(RPT_SPINLOCK) | BIT(RPT_RCU) | BIT(RPT_SOFTIRQ))
#define ABOVE_DISPATCH	(BIT(RPT_IRQS_OFF) | BIT(RPT_SPINLOCK_IRQ) | \
			 BIT(RPT_HARDIRQ))
#define IN_ATOMIC	(AT_DISPATCH | ABOVE_DISPATCH)
#define IN_NMI		BIT(RPT_NMI)
/* One of each IRQL below NMI's. */
#define EACH_IRQL	(IN_TASK | BIT(RPT_SOFTIRQ) | BIT(RPT_HARDIRQ))
/* NMI is apart: most frees are refused there, whatever they are of. */
#define ANYWHERE	(IN_TASK | IN_ATOMIC)

/* What each row begins with. */
struct input {
	const char *routine;
	const char *what;
	unsigned int contexts;
	/* The violation, or 0 for none. */
	u32 code;
	u64 p1;
	/* Another that is right, where the rules leave it open; or 0. */
	u64 or_p1;
};

struct input_table {
	const char *name;
	const void *rows;
	size_t row_bytes;
	unsigned int count;
	void (*run)(struct rpt *t, const void *row, enum rpt_context context);
};

#define INPUT_TABLE(_name, _rows, _run) { \
	.name = _name, .rows = _rows, .row_bytes = sizeof(_rows[0]), \
	.count = ARRAY_SIZE(_rows), .run = _run }

extern const struct input_table pool_allocations;
extern const struct input_table pool_requests;
extern const struct input_table pool_frees;
extern const struct input_table mdl_frees;
extern const struct input_table page_allocations;
extern const struct input_table page_frees;
extern const struct input_table mdl_page_allocations;
extern const struct input_table mdl_page_frees;
extern const struct input_table physical_addresses;
extern const struct input_table adapter_requests;
extern const struct input_table adapter_puts;
extern const struct input_table buffer_allocations;
extern const struct input_table buffer_frees;
extern const struct input_table list_requests;
extern const struct input_table list_puts;
extern const struct input_table register_frees;
extern const struct input_table channel_requests;
extern const struct input_table channel_frees;
extern const struct input_table held_memory_frees;
extern const struct input_table held_page_unlocks;
extern const struct input_table block_queries;
extern const struct input_table virtual_addresses;
extern const struct input_table memory_ranges;
extern const struct input_table mdl_requests;
extern const struct input_table mdl_uses;
extern const struct input_table mdl_parts;
extern const struct input_table list_makings;
extern const struct input_table list_uses;
extern const struct input_table list_gifts;
extern const struct input_table space_requests;
extern const struct input_table space_frees;
extern const struct input_table io_mappings;
extern const struct input_table io_unmappings;
extern const struct input_table packet_requests;
extern const struct input_table packet_transfers;
extern const struct input_table packet_flushes;
extern const struct input_table list_builds;
extern const struct input_table later_forms;
extern const struct input_table list_requests_ex;
extern const struct input_table list_builds_ex;
extern const struct input_table packet_transfers_ex;
extern const struct input_table buffers_ex;
extern const struct input_table bounded_buffers;

/*
 * Requires what the row says of violations. After another answer nobody knows
 * whose the memory is: it is left alone then.
 */
bool input_judge(struct rpt *t, const struct input *in,
		 enum rpt_context context);
/* Whether what was freed so is gone: carried out, be it with a report. */
bool input_frees(const struct input *in, enum rpt_context context);

/* The routine of a request for a list: leaves the list where the context points to. */
void input_keep_list(PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list,
		     PVOID context);

/* Memory that an address may be of. */
enum memory {
	/* None: the offset is the address. */
	ADDRESS,
	NONPAGED,
	PAGED,
	CONTIGUOUS,
	CONTIGUOUS_UC,
	CONTIGUOUS_WC,
	NONCACHED,
	/* Not ours. */
	SLAB,
	PAGES,
	VMALLOC,
	STACK,
	DATA,
	RODATA,
	TEXT,
	KERNEL_TEXT,
	TASK_STRUCT,
	MODULE_STRUCT,
	STRUCT_PAGE,
	PERCPU,
	PERCPU_OFFSET,
	DEVICE,
};

struct subject {
	enum memory memory;
	size_t bytes;
	s64 offset;
	/* Freed once already. */
	bool freed;
};

/* A subject that was made. */
struct thing {
	const struct subject *is;
	char *base;
	u64 stack[16];
};

#define TAG_INPUT	('HtsT')
#define TAG_OTHER	('XtsT')

bool thing_make(struct rpt *t, struct thing *thing, const struct subject *is);
void *thing_address(const struct thing *thing);
/* What @bytes of its memory may be written: blocks, and others' allocations. */
bool thing_is_block(const struct thing *thing);
/* Requires that nobody has changed it, and gives it back unless it is @gone. */
void thing_drop(struct rpt *t, struct thing *thing, bool gone);

MEMORY_CACHING_TYPE memory_cache(enum memory memory);

/* QEMU's edu, or NULL. */
extern struct pci_dev *edu;

#endif /* RPT_INPUTS_H */
