// SPDX-License-Identifier: GPL-2.0

//! Page frames by their numbers, as an MDL has them.

use super::raw;
use core::ptr::NonNull;
use kernel::ffi::c_void;

/// What page frames have in common.
pub(crate) struct Frames {
    /// The first that is no memory, or their number.
    pub(crate) odd: usize,
    /// Their MEMORY_CACHING_TYPE, if all have the same; else none that there is.
    pub(crate) cache: i32,
    /// Their address in the direct map, if they lie side by side.
    pub(crate) side_by_side: Option<NonNull<u8>>,
}

/// Looks at frames. Any context.
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
