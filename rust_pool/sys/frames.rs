// SPDX-License-Identifier: GPL-2.0

//! Page frames by their numbers, as an MDL has them.

use super::{
    log::uptime,
    memory::PAGE_SIZE,
    raw,
    vmap::Vmap,
    work::nap, //
};
use core::{
    cell::Cell,
    ptr::NonNull, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    prelude::*, //
};

/// A place for the number of a frame, as an MDL has them. The frames of two MDLs may be the same
/// places.
pub(crate) type Frame = Cell<raw::PFN_NUMBER>;

/// What several page frames have in common.
pub(crate) struct Frames {
    /// The index of the first that is no memory; their number if all are.
    pub(crate) odd: usize,
    /// Their MEMORY_CACHING_TYPE if all have the same, else `MmMaximumCacheType`.
    pub(crate) cache: i32,
    /// Their address in the direct map, if they are adjacent.
    pub(crate) side_by_side: Option<NonNull<u8>>,
}

/// Examines numbers, which need not be frames. Any context.
pub(crate) fn look_at_frames(frames: &[Frame]) -> Frames {
    let mut seen = raw::rust_pool_frames {
        odd: 0,
        type_: 0,
        base: core::ptr::null_mut(),
    };
    // SAFETY: `frames` is valid for reads of its length. The function checks each number before it
    // uses it as a frame.
    unsafe { raw::rust_pool_frames_look(frames.as_ptr().cast(), frames.len(), &mut seen) };
    Frames {
        odd: seen.odd,
        cache: seen.type_,
        side_by_side: NonNull::new(seen.base.cast()),
    }
}

/// Frames that may be mapped.
///
/// # Invariants
///
/// All are memory with this cache type, which stays allocated as long as it is mapped.
pub(crate) struct LockedFrames<'a> {
    pub(super) frames: &'a [Frame],
    pub(super) cache: i32,
}

impl<'a> LockedFrames<'a> {
    /// Frames that somebody has locked.
    ///
    /// # Safety
    ///
    /// All are memory with this cache type, which stays allocated as long as it is mapped.
    pub(crate) unsafe fn new(frames: &'a [Frame], cache: i32) -> Self {
        // INVARIANT: By the safety requirements.
        Self { frames, cache }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.frames.len()
    }

    /// Their places.
    pub(crate) fn cells(&self) -> &'a [Frame] {
        self.frames
    }

    /// Maps them side by side. Sleeps.
    pub(crate) fn map(&self, write: bool) -> Option<Vmap> {
        let (first, count) = (self.frames.as_ptr().cast(), self.count());
        // SAFETY: By the type invariant the frames are memory, which stays allocated. The slice has
        // `count` of them.
        let base = unsafe { raw::rust_pool_frames_map(first, count, self.cache, write) };
        // SAFETY: It was just mapped.
        unsafe { Vmap::new(base, count) }
    }
}

/// The address of a frame in the direct map. If the frame is not memory, nothing is there.
pub(crate) fn frame_address(frame: raw::PFN_NUMBER) -> usize {
    // SAFETY: The function only computes, with any number.
    unsafe { raw::rust_pool_frame_address(frame) as usize }
}

type Pages = KVVec<NonNull<bindings::page>>;

/// Pages of a process that are pinned. Those that are still pinned when it is dropped stay so.
///
/// # Invariants
///
/// `rust_pool_pin()` pinned all of `pages`, and nobody else unpins them.
pub(crate) struct Pinned {
    pages: Pages,
    write: bool,
}

/// Why pages could not be pinned.
pub(crate) enum NotPinned {
    /// One is not mapped, or may not be written to.
    Access,
    Memory,
}

impl Pinned {
    /// No pages.
    pub(crate) fn none() -> Self {
        // INVARIANT: There are none.
        Self {
            pages: Pages::new(),
            write: false,
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Pins pages of this process, one for each element of `frames`, and fills in their frames.
    /// Sleeps.
    pub(crate) fn new(start: usize, write: bool, frames: &[Frame]) -> Result<Self, NotPinned> {
        let mut pages = Pages::with_capacity(frames.len(), GFP_KERNEL | __GFP_NOWARN)
            .map_err(|_| NotPinned::Memory)?;
        // SAFETY: `pages` has capacity for `frames.len()` pages, and `NonNull` has the layout of a
        // pointer. `frames` is valid for writes of its length, as its elements are cells.
        let err = unsafe {
            raw::rust_pool_pin(
                start,
                frames.len(),
                write,
                pages.as_mut_ptr().cast(),
                frames.as_ptr().cast_mut().cast(),
            )
        };
        if err != 0 {
            return Err(if err == ENOMEM.to_errno() {
                NotPinned::Memory
            } else {
                NotPinned::Access
            });
        }
        // SAFETY: On success `rust_pool_pin()` has written all `frames.len()` pages, none null, and
        // the capacity is that much.
        unsafe { pages.inc_len(frames.len()) };
        // INVARIANT: They were pinned just now.
        Ok(Self { pages, write })
    }

    /// Their bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.pages.len().saturating_mul(PAGE_SIZE)
    }

    /// Unpins the pages, but those that were locked to be written, are not dirty and whose folio is
    /// locked. Returns whether all are unpinned now. May sleep, but does not wait for folios.
    pub(crate) fn unpin(&mut self) -> bool {
        let (pages, count) = (self.pages.as_mut_ptr(), self.pages.len());
        // SAFETY: By the type invariant the pages are pinned, and nobody else unpins them.
        // `NonNull` has the layout of a pointer.
        let left = unsafe { raw::rust_pool_unpin(pages.cast(), count, self.write) };
        // INVARIANT: The function moved those that are left to the start.
        self.pages.truncate(left);
        left == 0
    }

    /// Unpins the pages, trying again for so many nanoseconds. Returns whether all are unpinned
    /// now. Sleeps.
    pub(crate) fn unpin_within(&mut self, patience: u64) -> bool {
        let end = uptime().saturating_add(patience);
        while !self.unpin() {
            if uptime() > end {
                return false;
            }
            nap();
        }
        true
    }
}

/// Fills in the frames of kernel pages from `start` on, one for each element of `frames`. Returns
/// `false` if one of the pages is not mapped or, for `write`, not writable. Any context.
pub(crate) fn kernel_frames(start: usize, write: bool, frames: &[Frame]) -> bool {
    let to = frames.as_ptr().cast_mut().cast();
    // SAFETY: `frames` is valid for writes of its length, as its elements are cells; any address
    // may be looked up.
    unsafe { raw::rust_pool_kernel_frames(start, frames.len(), write, to) }
}

/// A pointer that identifies this process, for `MDL.Process`. Nobody dereferences it.
pub(crate) fn process() -> *mut c_void {
    // SAFETY: It reads a field of the current task, which exists in any context.
    unsafe { raw::rust_pool_process() }
}

/// A NUMA node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node(i32);

impl Node {
    /// No node in particular: memory comes from this CPU's first.
    pub(crate) const ANY: Self = Self(-1);

    /// The node with a number, if there is one that has memory.
    pub(crate) fn new(number: u32) -> Option<Self> {
        // SAFETY: May be called anywhere, with any number.
        let exists = unsafe { raw::rust_pool_has_node(number) };
        i32::try_from(number).ok().filter(|_| exists).map(Self)
    }

    /// The node that a driver names, if it has memory. Any node if the driver allows that, or if
    /// only one node has memory.
    pub(crate) fn named(number: u32) -> Option<Self> {
        // SAFETY: May be called anywhere.
        if number & raw::MM_ANY_NODE_OK != 0 || unsafe { raw::rust_pool_nodes() } == 1 {
            return Some(Self::ANY);
        }
        Self::new(number)
    }

    /// Its number; -1 for any.
    pub(crate) fn raw(self) -> i32 {
        self.0
    }

    /// Its first frame, and one past its last. Frames of other nodes may be in between. For any
    /// node: all frames.
    pub(crate) fn span(self) -> (u64, u64) {
        let (mut start, mut end) = (0, 0);
        if self == Self::ANY {
            return (0, u64::MAX);
        }
        // SAFETY: The node exists, and the function writes two numbers.
        unsafe { raw::rust_pool_node_span(self.0, &mut start, &mut end) };
        // CAST: Lossless on the architectures supported.
        (start as u64, end as u64)
    }

    /// The node of this CPU.
    pub(crate) fn here() -> Self {
        // SAFETY: May be called anywhere.
        Self(unsafe { raw::rust_pool_this_node() })
    }

    /// The node of a page; [`Self::ANY`] if there is no such page.
    pub(crate) fn of(page: NonNull<bindings::page>) -> Self {
        // SAFETY: May be called with any address: what is no page is not read.
        Self(unsafe { raw::rust_pool_node_of(page.as_ptr()) })
    }
}

/// The number of a page's frame.
pub(crate) fn frame_of(page: NonNull<bindings::page>) -> raw::PFN_NUMBER {
    // SAFETY: It is a page; nothing but its number is computed.
    unsafe { raw::rust_pool_frame_of(page.as_ptr()) }
}
