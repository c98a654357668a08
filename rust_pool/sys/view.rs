// SPDX-License-Identifier: GPL-2.0

//! Page frames that are mapped into a process.

use super::{
    frames::LockedFrames,
    raw, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};

/// A view that is to be made: see [`LockedFrames::show_process`].
pub(crate) struct View {
    pub(crate) write: bool,
    /// The page where it is to begin; 0 for any.
    pub(crate) at: usize,
    /// The address of the MDL, and the number of its record.
    pub(crate) mdl: usize,
    pub(crate) number: u64,
    /// `None` if the view is to have references to its pages.
    pub(crate) kept: Option<KeptPages>,
}

/// Pages of a common buffer, which need not have references.
///
/// # Invariants
///
/// `count` pages from `first` on, in the direct map, stay allocated until `rust_pool_view_gone()`
/// is called with `buffer`, which is not 0.
pub(crate) struct KeptPages {
    first: NonNull<u8>,
    count: usize,
    buffer: usize,
}

impl KeptPages {
    /// Pages that somebody keeps.
    ///
    /// # Safety
    ///
    /// `count` pages from `first` on, in the direct map, stay allocated until
    /// `rust_pool_view_gone()` is called with `buffer`, which is not 0.
    pub(crate) unsafe fn new(first: NonNull<u8>, count: usize, buffer: usize) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            first,
            count,
            buffer,
        }
    }
}

impl LockedFrames<'_> {
    /// The index of the first frame that may not be mapped into a process: its page has memory of
    /// others in it, or has no reference to be shared. Any context.
    pub(crate) fn refused_to_process(&self) -> Option<usize> {
        let (first, count) = (self.frames.as_ptr().cast(), self.count());
        // SAFETY: By the type invariant all are memory, so each has a `struct page`. The slice has
        // `count` of them.
        let refused = unsafe { raw::rust_pool_view_refused(first, count) };
        (refused < count).then_some(refused)
    }

    /// Maps them, or the pages that are kept, into the current process, and returns where. If it
    /// fails, or else when the mapping is gone, `rust_pool_view_gone()` is called once. Sleeps.
    pub(crate) fn show_process(&self, view: View) -> Option<usize> {
        let (count, first, buffer) = match view.kept {
            Some(kept) => (kept.count, kept.first.as_ptr(), kept.buffer),
            None => (self.count(), null_mut(), 0),
        };
        let wanted = raw::rust_pool_view {
            type_: self.cache,
            write: view.write,
            at: view.at,
            mdl: view.mdl,
            number: view.number,
            buffer,
            first: first.cast(),
        };
        // SAFETY: By the type invariant the frames are memory with this cache type, and are
        // allocated; the mapping takes references to them. The slice has `count` of them. With a
        // buffer it is not read, and by the invariant of `KeptPages` so many pages stay allocated
        // until the mapping is gone. The kernel checks the address, as one that a process
        // gives.
        let at = unsafe { raw::rust_pool_view_map(self.frames.as_ptr().cast(), count, &wanted) };
        (at != 0).then_some(at)
    }
}

/// Unmaps the view of an MDL that begins in the page of an address in the current process; `false`
/// if there is none. Any address. Sleeps.
pub(crate) fn view_unmap(at: usize, mdl: usize) -> bool {
    // SAFETY: Any numbers are allowed: they are compared with those of views.
    unsafe { raw::rust_pool_view_unmap(at, mdl) }
}
