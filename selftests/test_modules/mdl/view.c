// SPDX-License-Identifier: GPL-2.0
/*
 * Pages for mdl_view.sh, or a common buffer, mapped into the process that writes to a
 * parameter:
 *
 *   map: maps them. "at" is the address then.
 *   unmap: unmaps them, at "at", in whatever process.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <rust_pool/wdm.h>

#include "common.h"

#define BYTES	(4 * PAGE_SIZE)

static bool buffer;
module_param(buffer, bool, 0400);
MODULE_PARM_DESC(buffer, "Map a common buffer");

static unsigned long at;
static PMDL mdl;
static struct common common;

static int map(const char *value, const struct kernel_param *param)
{
	at = (unsigned long)MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached,
							 NULL, FALSE,
							 NormalPagePriority);
	return at ? 0 : -ENOMEM;
}

static int unmap(const char *value, const struct kernel_param *param)
{
	MmUnmapLockedPages((void *)at, mdl);
	return 0;
}

static const struct kernel_param_ops map_ops = { .set = map };
static const struct kernel_param_ops unmap_ops = { .set = unmap };

module_param_cb(map, &map_ops, NULL, 0200);
module_param_cb(unmap, &unmap_ops, NULL, 0200);
module_param(at, ulong, 0400);

static int __init view_init(void)
{
	PHYSICAL_ADDRESS zero = {}, any = { .QuadPart = -1 };

	if (buffer) {
		if (!common_get(&common, BYTES))
			return -ENOMEM;
		mdl = IoAllocateMdl(common.va, BYTES, FALSE, FALSE, NULL);
		if (mdl) {
			MmBuildMdlForNonPagedPool(mdl);
			return 0;
		}
		common_free(&common);
		common_put(&common);
		return -ENOMEM;
	}
	mdl = MmAllocatePagesForMdl(zero, any, zero, BYTES);
	if (!mdl)
		return -ENOMEM;
	if (MmGetMdlByteCount(mdl) == BYTES)
		return 0;
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
	return -ENOMEM;
}

static void __exit view_exit(void)
{
	if (buffer) {
		IoFreeMdl(mdl);
		common_free(&common);
		common_put(&common);
		return;
	}
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
}

module_init(view_init);
module_exit(view_exit);

MODULE_DESCRIPTION("rust_pool selftests: pages that are mapped into a process");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
