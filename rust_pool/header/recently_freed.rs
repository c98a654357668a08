// SPDX-License-Identifier: GPL-2.0

//! Page-aligned addresses that were freed recently, to tell a second free from the free of an
//! address that never was a block.

use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

const PLACES: usize = 1024;

static RECENT: [Atomic<usize>; PLACES] = [const { Atomic::new(0) }; PLACES];

#[inline]
fn place(addr: usize) -> &'static Atomic<usize> {
    // PANIC: The index has 10 bits, and the array 2^10 elements.
    &RECENT[(addr >> 12).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54 & (PLACES - 1)]
}

/// Remembers an address as freed. Any context.
#[inline]
pub(crate) fn remember(addr: usize) {
    place(addr).store(addr, Relaxed);
}

/// Forgets an address, because a new block begins there. Any context.
#[inline]
pub(crate) fn forget(addr: usize) {
    let place = place(addr);
    if place.load(Relaxed) == addr {
        place.store(0, Relaxed);
    }
}

/// Whether an address was freed recently. Any context.
pub(crate) fn has(addr: usize) -> bool {
    addr != 0 && place(addr).load(Relaxed) == addr
}
