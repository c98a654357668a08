/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files of rp_bench.ko. */
#ifndef RP_BENCH_PRIVATE_H
#define RP_BENCH_PRIVATE_H

#include "bench.h"

int rpb_show_free_pages(struct seq_file *m);
/* Empty; it cannot be read where instructions are not counted. */
int rpb_show_icount(struct seq_file *m);

#endif /* RP_BENCH_PRIVATE_H */
