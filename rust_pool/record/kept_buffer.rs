// SPDX-License-Identifier: GPL-2.0

//! Common buffers that are kept, as processes map them.
//!
//! The pages of a common buffer need not have references of their own, so a view of it cannot keep
//! them. The record of the buffer counts its views instead, and the buffer is not freed before they
//! are gone.

use crate::{
    record::{
        table::REGIONS,
        Owner, //
    },
    sys::{
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
    /// Keeps the common buffer that has all of these pages, if one does: `count` pages from
    /// `first` on, in the direct map. Any context but NMI; slow.
    pub(crate) fn new(first: NonNull<u8>, count: usize) -> Option<Self> {
        let at = first.as_ptr() as usize;
        let bytes = count.checked_mul(PAGE_SIZE)?;
        REGIONS.find_map(|region| {
            let Owner::CommonBuffer { memory, views, .. } = &region.owner else {
                return None;
            };
            // Other memory may be encrypted, or not be given back to the kernel by us.
            if !memory.origin().is_pages() {
                return None;
            }
            let offset = at.checked_sub(region.addr())?;
            if offset.checked_add(bytes)? > region.used {
                return None;
            }
            views.add(1, Relaxed);
            // INVARIANT: It was counted just now, and the pages are between the buffer's ends.
            Some(Self {
                first,
                count,
                buffer: region.addr(),
            })
        })
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
