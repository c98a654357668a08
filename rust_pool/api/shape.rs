// SPDX-License-Identifier: GPL-2.0

//! The size of a block of the Rust API, and how it is allocated.

use crate::{
    memory::large::{
        self,
        KMALLOC_MAX, //
    },
    sys::PAGE_SIZE, //
};
use core::alloc::Layout;

/// The alignment that the WDK promises for blocks below a page.
pub(crate) const MIN_ALIGN: usize = 16;

/// How a block with a layout is allocated.
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

    /// Whether it comes from kmalloc. Larger blocks come from [`large`].
    #[inline]
    pub(crate) fn by_kmalloc(&self) -> bool {
        self.used <= KMALLOC_MAX
    }
}

/// The size of the kmalloc cache that serves `bytes`, a multiple of 16 up to 8 KiB.
///
/// `kmalloc_size_roundup()` returns the same, but is a function call.
#[inline]
const fn kmalloc_bucket(bytes: usize) -> usize {
    match bytes {
        65..=96 => 96,
        129..=192 => 192,
        _ => bytes.next_power_of_two(),
    }
}
