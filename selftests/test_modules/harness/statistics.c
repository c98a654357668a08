// SPDX-License-Identifier: GPL-2.0
/*
 * rust_pool's debugfs files, read from a case through a buffer in the address
 * space of the process that runs it: exactly what a tool sees.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "rpt.h"
#include "rpt_private.h"

#define CHUNK	SZ_32K
/* Enough for the lines before the first row. */
#define HEAD	128

void __user *rpt_user_map(size_t bytes)
{
	unsigned long address;

	address = vm_mmap(NULL, 0, PAGE_ALIGN(bytes), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, 0);
	return IS_ERR_VALUE(address) ? NULL : (void __user *)address;
}
EXPORT_SYMBOL_GPL(rpt_user_map);

void rpt_user_unmap(void __user *address, size_t bytes)
{
	vm_munmap((unsigned long)address, PAGE_ALIGN(bytes));
}
EXPORT_SYMBOL_GPL(rpt_user_unmap);

/* To the end of the file, or of the first of the chunks. */
static char *rpt_read(struct file *filp, void __user *chunk, size_t size,
		      bool all, size_t *bytes)
{
	size_t used = 0, room = SZ_64K;
	char *text, *more;
	ssize_t got;

	text = kvmalloc(room, GFP_KERNEL);
	while (text) {
		/* debugfs has ->read only, which wants user memory. */
		got = filp->f_op->read(filp, chunk, size, &filp->f_pos);
		if (got <= 0)
			break;
		if (used + got >= room) {
			more = kvmalloc(room * 2, GFP_KERNEL);
			if (more)
				memcpy(more, text, used);
			kvfree(text);
			text = more;
			room *= 2;
			if (!text)
				break;
		}
		if (copy_from_user(text + used, chunk, got))
			break;
		used += got;
		if (!all)
			break;
	}
	if (text)
		text[used] = '\0';
	*bytes = used;
	return text;
}

static char *rpt_text_at(struct rpt *t, const char *path, size_t size, bool all,
			 size_t *bytes)
{
	struct file *filp;
	void __user *chunk;
	char *text = NULL;

	filp = filp_open(path, O_RDONLY, 0);
	if (IS_ERR(filp)) {
		rpt_fail(t, "%s cannot be opened: %ld", path, PTR_ERR(filp));
		return NULL;
	}
	chunk = rpt_user_map(CHUNK);
	if (chunk) {
		text = rpt_read(filp, chunk, size, all, bytes);
		rpt_user_unmap(chunk, CHUNK);
	}
	filp_close(filp, NULL);
	if (!text)
		rpt_fail(t, "no memory to read %s", path);
	return text;
}

static char *rpt_text_of(struct rpt *t, const char *name, size_t size, bool all,
			 size_t *bytes)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/debug/rust_pool/%s", name);
	return rpt_text_at(t, path, size, all, bytes);
}

u64 rpt_number(struct rpt *t, const char *path)
{
	size_t bytes;
	char *text = rpt_text_at(t, path, HEAD, false, &bytes);
	u64 number = 0;

	if (text && kstrtou64(text, 10, &number))
		rpt_fail(t, "%s has no number", path);
	rpt_text_free(text);
	return number;
}
EXPORT_SYMBOL_GPL(rpt_number);

char *rpt_text_bytes(struct rpt *t, const char *name, size_t *bytes)
{
	return rpt_text_of(t, name, CHUNK, true, bytes);
}
EXPORT_SYMBOL_GPL(rpt_text_bytes);

char *rpt_text(struct rpt *t, const char *name)
{
	size_t bytes;

	return rpt_text_bytes(t, name, &bytes);
}
EXPORT_SYMBOL_GPL(rpt_text);

void rpt_text_free(char *text)
{
	kvfree(text);
}
EXPORT_SYMBOL_GPL(rpt_text_free);

/* Splits off the next line; NULL at the end. */
static char *rpt_line(char **rest)
{
	char *line = strsep(rest, "\n");

	return line && *line ? line : NULL;
}

/* The type and the counters, after the tag; false for any other line. */
static bool rpt_parse_row(const char *line, bool *paged, struct rpt_row *row)
{
	char type[8];

	if (line[0] == '#' && line[1] == ' ')
		return false;
	line += strstarts(line, "(other)") ? 7 : strnlen(line, 4);
	if (sscanf(line, " %7s %lld %lld %lld %lld %lld %lld %lld %lld", type,
		   &row->allocs, &row->frees, &row->diff, &row->bytes,
		   &row->used, &row->per_alloc, &row->peak,
		   &row->failures) != 9)
		return false;
	*paged = !strcmp(type, "Paged");
	row->found = *paged || !strcmp(type, "Nonp");
	return row->found;
}

void rpt_tag(struct rpt *t, const char *shown, bool paged, struct rpt_row *row)
{
	char *text = rpt_text(t, "tags");
	char *rest = text, *line;
	struct rpt_row r;
	bool p;

	memset(row, 0, sizeof(*row));
	while (text && (line = rpt_line(&rest))) {
		if (strncmp(line, shown, 4) || strstarts(line, "(other)"))
			continue;
		if (!rpt_parse_row(line, &p, &r) || p != paged)
			continue;
		if (row->found)
			rpt_fail(t, "two rows for tag %s", shown);
		*row = r;
	}
	rpt_text_free(text);
}
EXPORT_SYMBOL_GPL(rpt_tag);

void rpt_tag_totals(struct rpt *t, struct rpt_row *sum)
{
	char *text = rpt_text(t, "tags");
	char *rest = text, *line;
	struct rpt_row r;
	bool paged;

	memset(sum, 0, sizeof(*sum));
	while (text && (line = rpt_line(&rest))) {
		if (!rpt_parse_row(line, &paged, &r))
			continue;
		sum->found = true;
		sum->allocs += r.allocs;
		sum->frees += r.frees;
		sum->diff += r.diff;
		sum->bytes += r.bytes;
		sum->used += r.used;
		sum->failures += r.failures;
	}
	rpt_text_free(text);
}
EXPORT_SYMBOL_GPL(rpt_tag_totals);

void rpt_family(struct rpt *t, const char *file, struct rpt_row *row)
{
	char *text = rpt_text(t, file);
	char *rest = text, *line;

	memset(row, 0, sizeof(*row));
	while (text && (line = rpt_line(&rest)))
		if (sscanf(line, "# allocs %lld frees %lld diff %lld bytes %lld used %lld failures %lld",
			   &row->allocs, &row->frees, &row->diff, &row->bytes,
			   &row->used, &row->failures) == 6)
			row->found = true;
	if (text && !row->found)
		rpt_fail(t, "%s has no head line", file);
	rpt_text_free(text);
}
EXPORT_SYMBOL_GPL(rpt_family);

/* The row of the smallest kind that a block of so many bytes fits. */
static void kept(struct rpt *t, const char *of, size_t bytes,
		 struct rpt_magazine *magazine)
{
	char *text = rpt_text(t, "memory");
	char *rest = text, *line;
	struct rpt_magazine m;

	memset(magazine, 0, sizeof(*magazine));
	while (text && (line = rpt_line(&rest))) {
		if (sscanf(line, of, &m.size, &m.limit, &m.held, &m.bytes) != 4)
			continue;
		/* The header is in front of a small block. */
		if (m.size < bytes + (bytes <= 4064 ? 16 : 0))
			continue;
		*magazine = m;
		magazine->found = true;
		break;
	}
	rpt_text_free(text);
}

void rpt_magazine(struct rpt *t, size_t bytes, struct rpt_magazine *magazine)
{
	kept(t, bytes <= 4064 ? "objects %llu %llu %llu %llu" :
				"pages %llu %llu %llu %llu", bytes, magazine);
}
EXPORT_SYMBOL_GPL(rpt_magazine);

void rpt_depot(struct rpt *t, size_t bytes, struct rpt_magazine *depot)
{
	kept(t, "depot %llu %llu %llu %llu", bytes, depot);
}
EXPORT_SYMBOL_GPL(rpt_depot);

void rpt_reserved(struct rpt *t, u64 *reserved, u64 *cap)
{
	char *text = rpt_text(t, "memory");
	char *rest = text, *line;
	bool found = false;

	while (text && !found && (line = rpt_line(&rest)))
		found = sscanf(line, "# for bursts: %llu bytes reserved of %llu",
			       reserved, cap) == 2;
	if (!found)
		rpt_fail(t, "no line of what is reserved in memory");
	rpt_text_free(text);
}
EXPORT_SYMBOL_GPL(rpt_reserved);

void rpt_heap(struct rpt *t, struct rpt_heap *heap)
{
	char *text = rpt_text(t, "memory");
	char *rest = text, *line;
	bool found = false;

	memset(heap, 0, sizeof(*heap));
	while (text && !found && (line = rpt_line(&rest)))
		found = sscanf(line, "# heap: %llu spans, %llu of them waiting, %llu bytes free, %llu times",
			       &heap->spans, &heap->waiting, &heap->free,
			       &heap->contentions) == 4;
	if (!found)
		rpt_fail(t, "no line of the heap in memory");
	rpt_text_free(text);
}
EXPORT_SYMBOL_GPL(rpt_heap);

void rpt_backlog(struct rpt *t, const char *family, struct rpt_backlog *backlog)
{
	char *text = rpt_text(t, "memory");
	char *rest = text, *line;
	bool found = false;
	char format[96];

	snprintf(format, sizeof(format),
		 "# deferred %s: %%llu blocks, %%llu bytes, %%llu given back in %%llu batches",
		 family);
	memset(backlog, 0, sizeof(*backlog));
	while (text && !found && (line = rpt_line(&rest)))
		found = sscanf(line, format, &backlog->blocks, &backlog->bytes,
			       &backlog->given, &backlog->batches) == 4;
	if (!found)
		rpt_fail(t, "no line of what is deferred of %s", family);
	rpt_text_free(text);
}
EXPORT_SYMBOL_GPL(rpt_backlog);

bool rpt_has_line(struct rpt *t, const char *file, const char *words)
{
	char *text = rpt_text(t, file);
	char *rest = text, *line;
	bool found = false;

	while (text && !found && (line = rpt_line(&rest))) {
		char wanted[160], *w = wanted, *word;

		strscpy(wanted, words, sizeof(wanted));
		found = true;
		while (found && (word = strsep(&w, " "))) {
			line = strstr(line, word);
			if (line)
				line += strlen(word);
			else
				found = false;
		}
	}
	rpt_text_free(text);
	return found;
}
EXPORT_SYMBOL_GPL(rpt_has_line);

static s64 rpt_count_lines(struct rpt *t, const char *file, const char *prefix)
{
	char *text = rpt_text(t, file);
	char *rest = text, *line;
	s64 count = 0;

	while (text && (line = rpt_line(&rest)))
		count += strstarts(line, prefix);
	rpt_text_free(text);
	return count;
}

/* How many violations there were: to render them all takes long. */
static u64 rpt_reported_count(struct rpt *t)
{
	u64 count = 0;
	size_t bytes;
	char *text = rpt_text_of(t, "violations", HEAD, false, &bytes);
	char *rest = text, *line;

	while (text && (line = rpt_line(&rest)))
		if (sscanf(line, "# reported %llu", &count) == 1)
			break;
	rpt_text_free(text);
	return count;
}

/* The same, and the last of them. */
static u64 rpt_reported(struct rpt *t, struct rpt_violation *last)
{
	char *text = rpt_text(t, "violations");
	char *rest = text, *line;
	u64 count = 0;

	memset(last, 0, sizeof(*last));
	while (text && (line = rpt_line(&rest))) {
		struct rpt_violation v = {};
		int at = 0;

		if (sscanf(line, "# reported %llu", &count) == 1)
			continue;
		if (sscanf(line, "%llu %*s %x %llx %llx %llx %llx %n", &v.seq,
			   &v.code, &v.p[0], &v.p[1], &v.p[2], &v.p[3],
			   &at) != 6)
			continue;
		strscpy(v.text, line + at, sizeof(v.text));
		*last = v;
	}
	rpt_text_free(text);
	return count;
}

void rpt_violations_mark(struct rpt *t)
{
	t->reported = rpt_reported_count(t);
	t->last = (struct rpt_violation){ .seq = t->reported };
}

bool rpt_violations(struct rpt *t, u64 count, const char *file, int line)
{
	u64 before = t->reported;

	if (!count && rpt_reported_count(t) == before)
		return true;
	t->reported = rpt_reported(t, &t->last);
	if (t->reported - before == count)
		return true;
	rpt_fail(t, "%s:%d: %lld violations, expected %lld; last: 0x%x: 0x%llx 0x%llx 0x%llx 0x%llx %s",
		 kbasename(file), line, t->reported - before, count,
		 t->last.code, t->last.p[0], t->last.p[1], t->last.p[2],
		 t->last.p[3], t->last.text);
	return false;
}
EXPORT_SYMBOL_GPL(rpt_violations);

const struct rpt_violation *rpt_violation(struct rpt *t, u32 code, u64 p1,
					  const char *file, int line)
{
	if (!rpt_violations(t, 1, file, line))
		return NULL;
	if (t->last.code == code && t->last.p[0] == p1)
		return &t->last;
	rpt_fail(t, "%s:%d: violation 0x%x: 0x%llx, expected 0x%x: 0x%llx; %s",
		 kbasename(file), line, t->last.code, t->last.p[0], code, p1,
		 t->last.text);
	return NULL;
}
EXPORT_SYMBOL_GPL(rpt_violation);

const struct rpt_violation *rpt_last(struct rpt *t)
{
	return &t->last;
}
EXPORT_SYMBOL_GPL(rpt_last);

bool rpt_shows(u64 parameter, const void *address)
{
	char text[32];
	u64 shown;

	snprintf(text, sizeof(text), "%p", address);
	return parameter == (unsigned long)address ||
	       (!kstrtou64(text, 16, &shown) && parameter == shown);
}
EXPORT_SYMBOL_GPL(rpt_shows);

static void rpt_balance_of(s64 *to, const struct rpt_row *row)
{
	to[0] = row->diff;
	to[1] = row->bytes;
	to[2] = row->used;
}

void rpt_balance(struct rpt *t, struct rpt_balance *b)
{
	struct rpt_row row;

	memset(b, 0, sizeof(*b));
	rpt_tag_totals(t, &row);
	rpt_balance_of(b->tags, &row);
	rpt_family(t, "contiguous", &row);
	rpt_balance_of(b->contiguous, &row);
	rpt_family(t, "noncached", &row);
	rpt_balance_of(b->noncached, &row);
	rpt_family(t, "mdl_pages", &row);
	rpt_balance_of(b->mdl_pages, &row);
	rpt_family(t, "io_space", &row);
	rpt_balance_of(b->io_space, &row);
	rpt_family(t, "adapters", &row);
	rpt_balance_of(b->common, &row);
	b->adapters = rpt_count_lines(t, "adapters", "adapter ");
}

static void rpt_balance_one(struct rpt *t, const char *what, const s64 *before,
			    const s64 *after)
{
	if (memcmp(before, after, 3 * sizeof(*before)))
		rpt_fail(t, "left behind, %s: %lld blocks, %lld bytes, %lld used",
			 what, after[0] - before[0], after[1] - before[1],
			 after[2] - before[2]);
}

void rpt_balance_compare(struct rpt *t, const struct rpt_balance *before,
			 const struct rpt_balance *after)
{
	rpt_balance_one(t, "pool", before->tags, after->tags);
	rpt_balance_one(t, "contiguous", before->contiguous, after->contiguous);
	rpt_balance_one(t, "noncached", before->noncached, after->noncached);
	rpt_balance_one(t, "common buffers", before->common, after->common);
	rpt_balance_one(t, "pages of MDLs", before->mdl_pages, after->mdl_pages);
	rpt_balance_one(t, "registers", before->io_space, after->io_space);
	if (before->adapters != after->adapters)
		rpt_fail(t, "left behind: %lld adapters",
			 after->adapters - before->adapters);
}

void rpt_settle(struct rpt *t)
{
	msleep(20);
}
EXPORT_SYMBOL_GPL(rpt_settle);
