// SPDX-License-Identifier: GPL-2.0

//! Page frames that are mapped into a process.

use super::{
    frames::LockedFrames,
    raw, //
};

/// A view that is to be made: see [`LockedFrames::show_process`].
pub(crate) struct View {
    pub(crate) write: bool,
    /// The page where it is to begin; 0 for any.
    pub(crate) at: usize,
    /// The address of the MDL, and the number of its record.
    pub(crate) mdl: usize,
    pub(crate) number: u64,
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

    /// Maps them into the current process, and returns where. If it fails, or else when the mapping
    /// is gone, `rust_pool_view_gone()` is called once. Sleeps.
    pub(crate) fn show_process(&self, view: &View) -> Option<usize> {
        let (first, count) = (self.frames.as_ptr().cast(), self.count());
        let View {
            write,
            at,
            mdl,
            number,
        } = *view;
        // SAFETY: By the type invariant the frames are memory with this cache type, and are
        // allocated; the mapping takes references to them. The slice has `count` of them. The
        // kernel checks the address, as one that a process gives.
        let at =
            unsafe { raw::rust_pool_view_map(first, count, self.cache, write, at, mdl, number) };
        (at != 0).then_some(at)
    }
}

/// Unmaps the view of an MDL that begins in the page of an address in the current process; `false`
/// if there is none. Any address. Sleeps.
pub(crate) fn view_unmap(at: usize, mdl: usize) -> bool {
    // SAFETY: Any numbers are allowed: they are compared with those of views.
    unsafe { raw::rust_pool_view_unmap(at, mdl) }
}
