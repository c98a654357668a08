// SPDX-License-Identifier: GPL-2.0

//! In which order objects are handed out that the heap has placed side by side.
//!
//! Where the kernel's slab allocator shuffles the objects of a page (`CONFIG_SLAB_FREELIST_RANDOM`),
//! those that are placed together are shuffled here, so that a client does not know which of its
//! blocks lies behind which.

use crate::{
    memory::batch::Batch,
    sys, //
};
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// What the next number is made from. The first is chosen at load.
static SEED: Atomic<u64> = Atomic::new(0);

/// Chooses the first seed.
pub(crate) fn init() {
    SEED.store(sys::random(), Relaxed);
}

/// A number for the order of objects; no secret is to be made of it. CPUs that ask at the same time
/// may get the same one.
#[inline(always)]
pub(crate) fn next() -> u64 {
    // The seed goes through all numbers. All of its bits have a part in the product's upper ones,
    // which count most.
    let seed = SEED.load(Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
    SEED.store(seed, Relaxed);
    (seed ^ seed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

/// Shuffles objects that were placed together, if the kernel would.
#[inline(always)]
pub(crate) fn randomise(batch: &mut Batch) {
    if cfg!(CONFIG_SLAB_FREELIST_RANDOM) && batch.len() > 1 {
        batch.shuffle(next());
    }
}
