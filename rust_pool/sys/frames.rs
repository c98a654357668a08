// SPDX-License-Identifier: GPL-2.0

//! Page frames by their numbers, as an MDL has them.

use super::raw;
use core::ptr::NonNull;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    prelude::*, //
};

/// What several page frames have in common.
pub(crate) struct Frames {
    /// The first that is no memory, or their number.
    pub(crate) odd: usize,
    /// Their MEMORY_CACHING_TYPE, if all have the same; else none that there is.
    pub(crate) cache: i32,
    /// Their address in the direct map, if they lie side by side.
    pub(crate) side_by_side: Option<NonNull<u8>>,
}

/// Examines frames. Any context.
///
/// # Safety
///
/// There are so many, whatever they are.
pub(crate) unsafe fn look_at_frames(frames: *const raw::PFN_NUMBER, count: usize) -> Frames {
    let mut seen = raw::rust_pool_frames {
        odd: 0,
        type_: 0,
        base: core::ptr::null_mut(),
    };
    // SAFETY: By the safety requirements.
    unsafe { raw::rust_pool_frames_look(frames, count, &mut seen) };
    Frames {
        odd: seen.odd,
        cache: seen.type_,
        side_by_side: NonNull::new(seen.base.cast()),
    }
}

/// Maps frames side by side, with the cache type that they have. Sleeps.
///
/// # Safety
///
/// There are so many, all are memory, and that stays allocated as long as it is mapped.
pub(crate) unsafe fn map_frames(
    frames: *const raw::PFN_NUMBER,
    count: usize,
    cache: i32,
    write: bool,
) -> Option<NonNull<u8>> {
    // SAFETY: By the safety requirements.
    let base: *mut c_void = unsafe { raw::rust_pool_frames_map(frames, count, cache, write) };
    NonNull::new(base.cast())
}

/// The address of a frame in the direct map; of what is no memory, any.
///
/// # Safety
///
/// There is a frame.
pub(crate) unsafe fn frame_address(frame: *const raw::PFN_NUMBER) -> usize {
    // SAFETY: By the safety requirements.
    unsafe { raw::rust_pool_frame_address(frame.read()) as usize }
}

type Pages = KVVec<NonNull<bindings::page>>;

/// Pages of a process that are pinned; they are unpinned on drop, which sleeps.
pub(crate) struct Pinned {
    pages: Pages,
    write: bool,
}

/// Why pages could not be pinned.
pub(crate) enum NotPinned {
    /// Not all are there, and may be accessed so.
    Access,
    Memory,
}

impl Pinned {
    /// No pages.
    pub(crate) fn none() -> Self {
        Self {
            pages: Pages::new(),
            write: false,
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Pins as many pages of this process as there is room for, and fills their frames in. Sleeps.
    pub(crate) fn new(
        start: usize,
        write: bool,
        frames: &mut [raw::PFN_NUMBER],
    ) -> Result<Self, NotPinned> {
        let mut pages = Pages::with_capacity(frames.len(), GFP_KERNEL | __GFP_NOWARN)
            .map_err(|_| NotPinned::Memory)?;
        // SAFETY: There is room for so many pages, and for as many frames. `NonNull` has the layout
        // of a pointer.
        let err = unsafe {
            raw::rust_pool_pin(
                start,
                frames.len(),
                write,
                pages.as_mut_ptr().cast(),
                frames.as_mut_ptr(),
            )
        };
        if err != 0 {
            return Err(if err == ENOMEM.to_errno() {
                NotPinned::Memory
            } else {
                NotPinned::Access
            });
        }
        // SAFETY: All were pinned, and written to the list.
        unsafe { pages.inc_len(frames.len()) };
        Ok(Self { pages, write })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if !self.pages.is_empty() {
            // SAFETY: `new()` pinned these pages, and nobody unpins them but this.
            unsafe {
                raw::rust_pool_unpin(self.pages.as_mut_ptr().cast(), self.pages.len(), self.write);
            }
        }
    }
}

/// Fills in the frames of the kernel's pages from `start` on. Says whether all are mapped, and may
/// be accessed so. Any context.
pub(crate) fn kernel_frames(start: usize, write: bool, frames: &mut [raw::PFN_NUMBER]) -> bool {
    // SAFETY: There is room for as many frames; any address may be looked up.
    unsafe { raw::rust_pool_kernel_frames(start, frames.len(), write, frames.as_mut_ptr()) }
}

/// What stands for this process; it is only shown.
pub(crate) fn process() -> *mut c_void {
    // SAFETY: May be called in a task.
    unsafe { raw::rust_pool_process() }
}
