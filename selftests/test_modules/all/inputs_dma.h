/* SPDX-License-Identifier: GPL-2.0 */
/* Adapters of edu, and what is none. */
#ifndef RPT_INPUTS_DMA_H
#define RPT_INPUTS_DMA_H

#include "inputs.h"

/* Adapters to be called with. */
enum which {
	OWN,
	/* Another one of the same device. */
	OTHER,
	PUT,
	/* Not adapters; the address is not even read. */
	NULL_ADAPTER,
	USER_ADDRESS,
	NOT_CANONICAL,
	UNMAPPED,
	INSIDE_OWN,
	POOL_BLOCK,
	ZEROES,
};

struct adapters {
	const DMA_OPERATIONS *operations;
	DMA_ADAPTER *own, *other, *put;
	void *block;
	DMA_ADAPTER zeroes;
};

/* What an adapter of these has map registers for: four pages, and one more register. */
#define ADAPTER_LENGTH	(4 * PAGE_SIZE)

bool get_adapters(struct rpt *t, struct adapters *a);
/* All, or all but the first. */
void put_adapters(struct adapters *a, bool own);
DMA_ADAPTER *adapter_of(struct adapters *a, enum which which);

#endif /* RPT_INPUTS_DMA_H */
