// SPDX-License-Identifier: GPL-2.0
/*
 * The files as a reader without CAP_SYSLOG sees them: no kernel address in
 * them, and nothing of what freed memory held.
 */
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/hex.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "hardening.h"

static const char * const files[] = {
	"tags", "contiguous", "noncached", "adapters", "violations", "memory",
	"verifier", "live", "injected",
};

/* One live block of each kind, and what tells of it. */
struct scene {
	char *small, *page, *large, *paged, *contiguous, *noncached, *buffer;
	PHYSICAL_ADDRESS logical;
	DMA_ADAPTER *adapter;
};

#define SCENE_BYTES	5000
/* The verifier is told to refuse it, and lists that. */
#define TAG_REFUSED	('hsuH')

static bool set_scene(struct rpt *t, struct scene *s)
{
	PHYSICAL_ADDRESS any = { .QuadPart = -1 };

	memset(s, 0, sizeof(*s));
	if (!EXPECT(t, !ExAllocatePoolWithTag(NonPagedPool, 100, TAG_REFUSED)))
		return false;
	s->small = ExAllocatePoolWithTag(NonPagedPool, 100, TAG_HARD);
	s->page = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG_HARD);
	s->large = ExAllocatePoolWithTag(NonPagedPool, SZ_1M, TAG_HARD);
	s->paged = ExAllocatePoolWithTag(PagedPool, 1000, TAG_HARD);
	s->contiguous = MmAllocateContiguousMemory(SCENE_BYTES, any);
	s->noncached = MmAllocateNonCachedMemory(SCENE_BYTES);
	s->adapter = get_adapter();
	if (s->adapter)
		s->buffer = s->adapter->DmaOperations->AllocateCommonBuffer(
				s->adapter, SCENE_BYTES, &s->logical, TRUE);
	return EXPECT(t, s->small && s->page && s->large && s->paged &&
			 s->contiguous && s->noncached &&
			 !s->buffer == !edu);
}

static void end_scene(struct scene *s)
{
	if (s->adapter) {
		s->adapter->DmaOperations->FreeCommonBuffer(s->adapter,
				SCENE_BYTES, s->logical, s->buffer, TRUE);
		s->adapter->DmaOperations->PutDmaAdapter(s->adapter);
	}
	MmFreeNonCachedMemory(s->noncached, SCENE_BYTES);
	MmFreeContiguousMemory(s->contiguous);
	ExFreePool(s->paged);
	ExFreePool(s->large);
	ExFreePool(s->page);
	ExFreePool(s->small);
}

/* Violations of every kind that has an address. */
static void break_rules(struct rpt *t, const struct scene *s)
{
	static u64 data[4];
	DMA_ADAPTER *adapter = s->adapter;
	unsigned int count = 0;

	ExFreePoolWithTag(s->small, 'rehO');
	ExFreePoolWithTag(s->page, 'rehO');
	ExFreePoolWithTag(s->large, 'rehO');
	ExFreePool(s->small + 16);
	ExFreePool(s->page + 16);
	ExFreePool(s->large + PAGE_SIZE);
	ExFreePool(s->contiguous);
	ExFreePool(data);
	ExFreePool((void *)break_rules);
	ExFreePool(current);
	ExFreePool(virt_to_page(s->page));
	ExFreePool((void *)-4096UL);
	ExAllocatePoolWithTag(NonPagedPool, 100, 0);
	ExAllocatePoolWithTag(NonPagedPool, 100, ' GIB');
	ExAllocatePoolWithTag(NonPagedPool, 100, '....');
	MmFreeContiguousMemory(s->small);
	MmFreeContiguousMemorySpecifyCache(s->contiguous, 1, MmCached);
	MmFreeNonCachedMemory(s->noncached, 1);
	MmFreeNonCachedMemory(s->page, PAGE_SIZE);
	count = 19;
	if (adapter) {
		const DMA_OPERATIONS *ops = adapter->DmaOperations;

		ops->AllocateCommonBuffer(adapter, 0, &(PHYSICAL_ADDRESS){},
					  TRUE);
		ops->AllocateCommonBuffer((void *)data, 100,
					  &(PHYSICAL_ADDRESS){}, TRUE);
		ops->FreeCommonBuffer(adapter, 1, s->logical, s->buffer, TRUE);
		ops->FreeCommonBuffer(adapter, 1, s->logical, data, TRUE);
		ops->PutDmaAdapter((void *)data);
		count += 5;
	}
	EXPECT_VIOLATIONS(t, count);
}

static void without_syslog(struct rpt *t, void (*fn)(struct rpt *t))
{
	const struct cred *old;
	struct cred *cred = prepare_creds();

	if (!EXPECT(t, cred))
		return;
	cap_lower(cred->cap_effective, CAP_SYSLOG);
	cap_lower(cred->cap_permitted, CAP_SYSLOG);
	old = override_creds(cred);
	EXPECT(t, !capable(CAP_SYSLOG));
	fn(t);
	put_cred(revert_creds(old));
}

/* Addresses */

/* A number of the upper half is one, whatever was meant by it. */
static void look_for_address(struct rpt *t, const char *file, const char *text)
{
	unsigned int found = 0;
	const char *at = text;

	while (*at) {
		u64 value = 0;
		unsigned int digits = 0;
		const char *start = at;

		for (; isxdigit(*at); at++, digits++)
			value = value << 4 | hex_to_bin(*at);
		/* In decimal it is one of 20 digits. */
		if (digits == 20 && strstarts(start, "18"))
			value = ULONG_MAX;
		else if (digits > 16)
			digits = 0;
		if (digits && value >= 0xff00000000000000)
			rpt_fail(t, "%s: address at: %.60s", file,
				 max(start - 20, text));
		found += digits > 0;
		if (at == start)
			at++;
	}
	EXPECT(t, found);
}

static void look_at_files(struct rpt *t)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		char *text = rpt_text(t, files[i]);

		if (text)
			look_for_address(t, files[i], text);
		rpt_text_free(text);
	}
}

/* A hashed pointer shows nothing of the upper half. */
static bool hashed(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%p", files);
	return strstarts(text, "00000000");
}

static void no_address(struct rpt *t)
{
	struct scene s;

	if (!hashed()) {
		rpt_skip(t, "booted with no_hash_pointers");
		return;
	}
	if (!set_scene(t, &s))
		return;
	break_rules(t, &s);
	without_syslog(t, look_at_files);
	look_at_files(t);
	end_scene(&s);
}

/* Old contents */

#define SECRET	"s3cReT-0f-SomEb0dY"

static void fill_secret(char *block, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		block[i] = SECRET[i % (sizeof(SECRET) - 1)];
}

/* Leaves the secret in whatever memory comes next, from here and elsewhere. */
static void leave_secrets(void)
{
	enum { EACH = 32 };
	void *blocks[2][EACH];
	size_t bytes;
	unsigned int i;

	for (bytes = 8; bytes <= SZ_64K; bytes += bytes / 2 & ~7UL ?: 8) {
		for (i = 0; i < EACH; i++) {
			blocks[0][i] = kmalloc(bytes, GFP_KERNEL);
			blocks[1][i] = ExAllocatePoolWithTag(NonPagedPool,
							     bytes, TAG_HARD);
			if (blocks[0][i])
				fill_secret(blocks[0][i], bytes);
			if (blocks[1][i])
				fill_secret(blocks[1][i], bytes);
		}
		for (i = 0; i < EACH; i++) {
			kfree(blocks[0][i]);
			if (blocks[1][i])
				ExFreePool(blocks[1][i]);
		}
	}
}

static void look_for_secret(struct rpt *t)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		size_t bytes = 0, at;
		char *text;

		leave_secrets();
		text = rpt_text_bytes(t, files[i], &bytes);
		/* Half of it is enough to know it by. */
		for (at = 0; text && at + 8 <= bytes; at++)
			if (!memcmp(text + at, SECRET, 8) ||
			    !memcmp(text + at, &SECRET[9], 8)) {
				rpt_fail(t, "%s: old contents at %zu of %zu",
					 files[i], at, bytes);
				break;
			}
		/* Nor anything else that is no text. */
		if (text && strlen(text) != bytes)
			rpt_fail(t, "%s: a NUL at %zu of %zu", files[i],
				 strlen(text), bytes);
		rpt_text_free(text);
	}
}

static void no_old_contents(struct rpt *t)
{
	struct scene s;
	unsigned int round;

	for (round = 0; round < 3; round++) {
		leave_secrets();
		if (!set_scene(t, &s))
			return;
		break_rules(t, &s);
		look_for_secret(t);
		end_scene(&s);
	}
}

static const struct rpt_case cases[] = {
	{ "no_address_in_files", no_address },
	{ "no_old_contents_in_files", no_old_contents },
};

const struct rpt_suite secrets_suite = RPT_SUITE("secrets", cases);
