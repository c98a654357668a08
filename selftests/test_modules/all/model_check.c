// SPDX-License-Identifier: GPL-2.0
/*
 * The model against what rust_pool says, while all actors are at rest:
 * counters, violations, and that no block lies in another.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "model.h"

static const char * const files[FAMILIES] = {
	[FAMILY_CONTIGUOUS] = "contiguous",
	[FAMILY_NONCACHED] = "noncached",
	[FAMILY_BUFFER] = "adapters",
	[FAMILY_MDL_PAGES] = "mdl_pages",
	[FAMILY_IO_SPACE] = "io_space",
};

const char *model_tag(unsigned int tag)
{
	static const char * const names[TAGS] = {
		"Mdl0", "Mdl1", "Mdl2", "Mdl3", "Mdl4", "Mdl5", "Mdl6", "Mdl7",
	};

	return names[tag];
}

struct counts model_counts(const struct rpt_row *row)
{
	return (struct counts){ row->allocs, row->frees, row->bytes, row->used,
				row->failures };
}

static void look(struct rpt *t, struct counts tags[TAGS][2],
		 struct counts families[FAMILIES], struct counts *mdls)
{
	struct rpt_row row;
	unsigned int i, j;

	for (i = 0; i < TAGS; i++)
		for (j = 0; j < 2; j++) {
			rpt_tag(t, model_tag(i), j, &row);
			tags[i][j] = model_counts(&row);
		}
	for (i = 0; i < FAMILIES; i++) {
		rpt_family(t, files[i], &row);
		families[i] = model_counts(&row);
	}
	rpt_tag(t, "Mdl ", false, &row);
	*mdls = model_counts(&row);
}

void model_baseline(struct rpt *t, struct model *m)
{
	look(t, m->before_tags, m->before_families, &m->before_mdls);
}

static void add(struct counts *to, const struct counts *c)
{
	to->allocs += c->allocs;
	to->frees += c->frees;
	to->bytes += c->bytes;
	to->used += c->used;
	to->failures += c->failures;
}

static void same(struct rpt *t, const char *what, const char *pool,
		 const struct counts *is, const struct counts *want)
{
	if (is->allocs != want->allocs || is->frees != want->frees ||
	    is->bytes != want->bytes || is->failures != want->failures)
		rpt_fail(t, "%s %s: allocs %lld frees %lld bytes %lld failures %lld, expected %lld %lld %lld %lld",
			 what, pool, is->allocs, is->frees, is->bytes,
			 is->failures, want->allocs, want->frees, want->bytes,
			 want->failures);
}

static void compare_counters(struct rpt *t, struct model *m)
{
	struct counts tags[TAGS][2], families[FAMILIES], mdls;
	struct counts want_mdls = m->before_mdls;
	unsigned int i, j, k;

	look(t, tags, families, &mdls);
	for (k = 0; k < m->count; k++)
		add(&want_mdls, &m->actors[k]->mdls);
	same(t, "MDLs", "", &mdls, &want_mdls);
	for (i = 0; i < TAGS; i++)
		for (j = 0; j < 2; j++) {
			struct counts want = m->before_tags[i][j];

			for (k = 0; k < m->count; k++)
				add(&want, &m->actors[k]->tags[i][j]);
			same(t, model_tag(i), j ? "Paged" : "Nonp",
			     &tags[i][j], &want);
			/* What is really taken is the allocator's to say. */
			if (tags[i][j].used < tags[i][j].bytes ||
			    (!tags[i][j].bytes && tags[i][j].used))
				rpt_fail(t, "%s: %lld bytes in %lld used",
					 model_tag(i), tags[i][j].bytes,
					 tags[i][j].used);
		}
	for (i = 0; i < FAMILIES; i++) {
		struct counts want = m->before_families[i];

		for (k = 0; k < m->count; k++)
			add(&want, &m->actors[k]->families[i]);
		same(t, files[i], "", &families[i], &want);
		EXPECT_EQ(t, families[i].used, want.used);
	}
}

/* What the adapter that all share has out */

static void compare_adapter(struct rpt *t, struct model *m)
{
	u64 want_registers = 0, want_lists = 0, want_buffers = 0;
	char *text = rpt_text(t, "adapters"), *line = NULL;
	unsigned int k, i, registers, used, lists, buffers;
	char of[48];

	if (!m->adapter)
		goto out;
	for (k = 0; k < m->count; k++)
		for (i = 0; i < SLOTS + INBOX; i++) {
			struct actor *a = m->actors[k];
			const struct block *b = i < SLOTS ? &a->slots[i] :
							    &a->inbox[i - SLOTS];

			if (i < SLOTS ? !a->in_use[i] : i - SLOTS >= a->given)
				continue;
			if (!b->base)
				continue;
			want_registers += mdl_registers(b);
			want_lists += b->mdl.list != NULL;
			if (b->kind == BUFFER && !b->of) {
				want_registers += PAGE_ALIGN(b->bytes) / PAGE_SIZE;
				want_buffers++;
			}
		}
	snprintf(of, sizeof(of), " %s registers ", dev_name(&m->edu->dev));
	if (text)
		line = strstr(text, of);
	if (!EXPECT(t, line && sscanf(line + strlen(of),
			"%u in_use %u mask %*s lists %u buffers %u", &registers,
			&used, &lists, &buffers) == 4))
		goto out;
	EXPECT_EQ(t, used, want_registers);
	EXPECT_EQ(t, lists, want_lists);
	EXPECT_EQ(t, buffers, want_buffers);
out:
	rpt_text_free(text);
}

/* Live blocks */

static int by_base(const void *a, const void *b)
{
	const struct block *one = *(const struct block **)a;
	const struct block *two = *(const struct block **)b;

	return one->base < two->base ? -1 : one->base > two->base;
}

static void compare_places(struct rpt *t, struct model *m)
{
	size_t room = m->count * (SLOTS + INBOX), count = 0, i;
	const struct block **live = kvcalloc(room, sizeof(*live), GFP_KERNEL);
	unsigned int k;

	if (!EXPECT(t, live))
		return;
	for (k = 0; k < m->count; k++) {
		struct actor *a = m->actors[k];

		for (i = 0; i < SLOTS; i++)
			if (a->in_use[i] && a->slots[i].base)
				live[count++] = &a->slots[i];
		for (i = 0; i < a->given; i++)
			live[count++] = &a->inbox[i];
	}
	sort(live, count, sizeof(*live), by_base, NULL);
	for (i = 1; i < count; i++)
		if (live[i - 1]->base + live[i - 1]->bytes > live[i]->base)
			rpt_fail(t, "%zu bytes at %px lie in %zu at %px",
				 live[i]->bytes, live[i]->base,
				 live[i - 1]->bytes, live[i - 1]->base);
	kvfree(live);
}

/* Violations */

struct seen {
	u32 code;
	u64 p[4];
	bool matched;
};

/* Which parameter has the address, by the code. */
static unsigned int address_at(u32 code, u64 p1)
{
	if (code == DRIVER_VERIFIER_DMA_VIOLATION)
		return p1 == 0x0e ? 1 : 2;
	return code == BAD_POOL_CALLER && (p1 == 0x07 || p1 == 0x09) ? 3 : 1;
}

static bool matches(const struct seen *s, const struct expected *e)
{
	unsigned int i;

	if (s->matched || s->code != e->code)
		return false;
	for (i = 0; i < ARRAY_SIZE(e->p1); i++)
		if (s->p[0] == e->p1[i] &&
		    (e->address == NO_ADDRESS ||
		     rpt_shows(s->p[address_at(s->code, s->p[0])], e->address)))
			return true;
	return false;
}

/* The newest @count violations in the file, each of which has to name this module. */
static unsigned int read_violations(struct rpt *t, u64 after, struct seen *seen,
				    unsigned int room)
{
	char *text = rpt_text(t, "violations"), *rest = text, *line;
	unsigned int count = 0;

	while (text && (line = strsep(&rest, "\n"))) {
		struct seen *s = &seen[count];
		char module[MODULE_NAME_LEN];
		u64 number;

		if (count < room &&
		    sscanf(line, "%llu %*s %x %llx %llx %llx %llx %55s", &number,
			   &s->code, &s->p[0], &s->p[1], &s->p[2],
			   &s->p[3], module) == 7 && number > after) {
			if (strcmp(module, KBUILD_MODNAME))
				rpt_fail(t, "by %s: %s", module, line);
			s->matched = false;
			count++;
		}
	}
	rpt_text_free(text);
	return count;
}

/* Matches those of an actor that have one right answer, or the others. */
static void compare_actor(struct rpt *t, struct model *m, struct actor *a,
			  bool open, struct seen *seen, unsigned int count)
{
	unsigned int i, j;

	for (i = 0; i < a->bad_count; i++) {
		const struct expected *e = &a->bad[i];

		if ((e->p1[0] != e->p1[1]) != open)
			continue;
		for (j = 0; j < count && !matches(&seen[j], e); j++)
			;
		if (j == count) {
			rpt_fail(t, "no violation 0x%x: 0x%llx of %px", e->code,
				 e->p1[0], e->address);
			continue;
		}
		seen[j].matched = true;
		if (open) {
			m->twice++;
			m->twice_found += seen[j].p[0] == e->p1[0];
		}
	}
}

static void compare_violations(struct rpt *t, struct model *m)
{
	struct seen *seen = kvcalloc(BAD_ALL, sizeof(*seen), GFP_KERNEL);
	u64 before = rpt_last(t)->seq;
	unsigned int k, count, want = 0;

	if (!EXPECT(t, seen))
		return;
	for (k = 0; k < m->count; k++)
		want += m->actors[k]->bad_count;
	EXPECT_VIOLATIONS(t, want);
	count = read_violations(t, before, seen, BAD_ALL);
	EXPECT_EQ(t, count, want);
	for (k = 0; k < m->count; k++)
		compare_actor(t, m, m->actors[k], false, seen, count);
	for (k = 0; k < m->count; k++)
		compare_actor(t, m, m->actors[k], true, seen, count);
	m->violations += count;
	kvfree(seen);
}

bool model_compare(struct rpt *t, struct model *m)
{
	unsigned int k;

	for (k = 0; k < m->count; k++) {
		struct actor *a = m->actors[k];

		if (a->wrong)
			rpt_fail(t, "actor %u, operation %llu: %s (%u wrong)",
				 k, a->operations, a->what, a->wrong);
	}
	compare_places(t, m);
	compare_counters(t, m);
	lists_compare(t, m);
	compare_adapter(t, m);
	compare_violations(t, m);
	return !rpt_failed(t);
}
