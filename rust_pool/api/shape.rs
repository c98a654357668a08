// SPDX-License-Identifier: GPL-2.0

//! How a block without a header is allocated.

use crate::{
    memory::large::{
        self,
        KMALLOC_MAX, //
    },
    sys::PAGE_SIZE, //
};
use core::alloc::Layout;

/// What the WDK promises for blocks below a page.
pub(crate) const MIN_ALIGN: usize = 16;

/// A block: its size and what it is allocated as.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Bytes as asked for.
    pub(crate) asked: usize,
    /// Bytes taken, all of which are requested from the underlying allocator. So a block can grow
    /// up to this without calling the allocator.
    pub(crate) used: usize,
    pub(crate) align: usize,
}

impl Shape {
    #[inline]
    pub(crate) fn new(layout: Layout) -> Option<Self> {
        let asked = layout.size();
        let align = layout.align().max(if asked < PAGE_SIZE {
            MIN_ALIGN
        } else {
            PAGE_SIZE
        });
        // kmalloc aligns to the largest power of two that divides the size.
        let padded = asked.checked_next_multiple_of(align)?;
        if padded <= KMALLOC_MAX {
            let used = kmalloc_bucket(padded);
            return Some(Self { asked, used, align });
        }
        if align > PAGE_SIZE {
            return None;
        }
        let used = large::used(asked)?;
        Some(Self { asked, used, align })
    }

    /// Whether it comes from kmalloc at once; what is larger comes from [`backing`], which knows by
    /// itself what it takes that from.
    #[inline]
    pub(crate) fn by_kmalloc(&self) -> bool {
        self.used <= KMALLOC_MAX
    }
}

/// The size of the kmalloc cache that serves `bytes`, a multiple of 16 up to 8 KiB.
///
/// `kmalloc_size_roundup()` says the same at the price of a call.
#[inline]
const fn kmalloc_bucket(bytes: usize) -> usize {
    match bytes {
        65..=96 => 96,
        129..=192 => 192,
        _ => bytes.next_power_of_two(),
    }
}
