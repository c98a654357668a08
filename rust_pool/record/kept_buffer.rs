// SPDX-License-Identifier: GPL-2.0

//! Common buffers that are kept, as processes map them.
//!
//! A view cannot keep the pages of a common buffer of several pages. Those of the page allocator
//! have one reference in all. Those of CMA have one each, but CMA gives pages out again that others
//! still refer to. The record of the buffer counts its views instead, and the buffer is not freed
//! before they are gone.

use crate::{
    record::{
        table::REGIONS,
        Owner, //
    },
    sys::{
        self,
        Frame,
        KeptPages,
        PAGE_SIZE, //
    }, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};
use kernel::sync::atomic::Relaxed;

/// A view of a common buffer that is counted, until this is dropped.
///
/// # Invariants
///
/// One of the views that the record of the buffer at `buffer` counts is this one. `count` pages
/// from `first` on, in the direct map, are the buffer's.
pub(crate) struct Kept {
    first: NonNull<u8>,
    count: usize,
    buffer: usize,
}

impl Kept {
    /// Keeps the common buffer of several pages that has all of these frames, if one does: they are
    /// side by side from `first` on, in the direct map, or there is no `first`. Otherwise, if such
    /// a buffer has some of them, returns the index of one. Any context but NMI; slow.
    pub(crate) fn new(first: Option<NonNull<u8>>, frames: &[Frame]) -> Result<Option<Self>, usize> {
        let has_all = |base: usize, bytes: usize| {
            let first = first?;
            let offset = (first.as_ptr() as usize).checked_sub(base)?;
            let end = offset.checked_add(frames.len().checked_mul(PAGE_SIZE)?)?;
            (end <= bytes).then_some(first)
        };
        let found = REGIONS.find_map(|region| {
            let Owner::CommonBuffer { memory, views, .. } = &region.owner else {
                return None;
            };
            // Other memory may be encrypted, or not be given back to the kernel by us. A single
            // page has a reference of its own, which others may share.
            if !memory.origin().is_pages() || region.used <= PAGE_SIZE {
                return None;
            }
            let (base, bytes) = (region.addr(), region.used);
            if let Some(first) = has_all(base, bytes) {
                views.add(1, Relaxed);
                // INVARIANT: It was counted just now, and the pages are between the buffer's ends.
                return Some(Ok(Self {
                    first,
                    count: frames.len(),
                    buffer: base,
                }));
            }
            let is_in = |frame: &Frame| sys::frame_address(frame.get()).wrapping_sub(base) < bytes;
            frames.iter().position(is_in).map(Err)
        });
        found.transpose()
    }

    /// Its pages, for a view: [`let_go`] is to be called when that is gone.
    pub(crate) fn into_pages(self) -> KeptPages {
        let it = ManuallyDrop::new(self);
        // SAFETY: By the type invariant they are the buffer's, whose record counts this view. So
        // the buffer is not freed before `let_go()`, which only `rust_pool_view_gone()` calls from
        // now on.
        unsafe { KeptPages::new(it.first, it.count, it.buffer) }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let_go(self.buffer);
    }
}

/// Called when a view is gone for which the common buffer at this address was kept. Any context but
/// NMI.
pub(crate) fn let_go(buffer: usize) {
    let bucket = REGIONS.bucket(buffer).lock();
    if let Some(Owner::CommonBuffer { views, .. }) = bucket.find(buffer).map(|it| &it.owner) {
        views.add(-1, Relaxed);
    }
}
