// SPDX-License-Identifier: GPL-2.0
/*
 * Random numbers that are the same in each run.
 */
#include "pool.h"

u32 rpb_random(struct rpb_random *random)
{
	u64 x = random->state;

	/* Marsaglia's xorshift; the upper half, as the lower bits are weaker. */
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	random->state = x;
	return x >> 32;
}

u32 rpb_random_size(struct rpb_random *random, unsigned int octaves)
{
	u32 low = 16 << rpb_random(random) % octaves;
	u32 size;

	/* Log-uniform inside the octave: taken in proportion to 1 / size. */
	do {
		size = low + rpb_random(random) % low;
	} while (rpb_random(random) % size >= low);
	return size;
}
