// SPDX-License-Identifier: GPL-2.0

//! Records which memory scatter/gather lists use; see `listed.c`.

use crate::sys::{
    arch::read_once,
    frames::frame_of,
    memory::{
        physical,
        Gfp,
        PAGE_SIZE, //
    },
    raw,
    watch::WatchedFrees, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// Identifies the MDL that keeps a list's pages locked: a hash of 16 bits, which two MDLs may
/// share.
#[derive(Clone, Copy)]
pub(crate) struct Locker(u16);

impl Locker {
    /// The MDL is not known, or does not matter.
    pub(crate) const ANY: Self = Self(0);

    /// The MDL at an address.
    pub(crate) fn mdl(addr: usize) -> Self {
        // CAST: Lossless on the architectures supported.
        let hash = (addr as u64 / 16).wrapping_mul(0x61c8_8646_80b5_83eb) >> 48;
        // CAST: The shift leaves 16 bits.
        Self((hash as u16).max(1))
    }

    /// The locker of which [`Self::bits`] returned these bits.
    pub(crate) fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Its hash, to store elsewhere; 0 if the MDL is not known.
    pub(crate) fn bits(self) -> u16 {
        self.0
    }
}

/// How many lists are entered.
static LISTS: Atomic<u64> = Atomic::new(0);

/// Whether any list uses memory. Any context.
#[inline(always)]
pub(crate) fn any_listed() -> bool {
    read_once::read(&LISTS) != 0
}

/// The address of a list that uses one of the bytes at a kernel address. Any context but NMI.
pub(crate) fn listed_at(base: usize, bytes: usize) -> Option<usize> {
    let mut found = 0;
    each_part(base, bytes, |start, here| {
        // SAFETY: Any address may be asked for.
        found = unsafe { raw::rust_pool_listed_at(start, here, Locker::ANY.0) };
        found == 0
    });
    (found != 0).then_some(found)
}

/// The address of a list that uses one of the bytes of a page. Any context but NMI.
pub(crate) fn listed_page(page: NonNull<bindings::page>) -> Option<usize> {
    listed_frame(frame_of(page), 0, PAGE_SIZE, Locker::ANY)
}

/// The address of a list that uses some of these bytes of a page frame, which this locker may lock.
/// Any context but NMI.
pub(crate) fn listed_frame(
    frame: raw::PFN_NUMBER,
    offset: usize,
    bytes: usize,
    locker: Locker,
) -> Option<usize> {
    // CAST: Lossless on the architectures supported.
    let start = start_of(frame).wrapping_add(offset as u64);
    // SAFETY: Any address may be asked for.
    let found = unsafe { raw::rust_pool_listed_at(start, bytes, locker.0) };
    (found != 0).then_some(found)
}

/// The physical address of a page frame.
fn start_of(frame: raw::PFN_NUMBER) -> u64 {
    // CAST: Lossless on the architectures supported.
    (frame as u64).wrapping_mul(PAGE_SIZE as u64)
}

/// Splits the bytes at a kernel address at page boundaries, and calls `visit` with the physical
/// address and the length of each part, until `visit` returns `false`. Returns whether it never
/// did. Skips pages that are not mapped.
fn each_part(base: usize, bytes: usize, mut visit: impl FnMut(u64, usize) -> bool) -> bool {
    let mut done = 0usize;
    while done < bytes {
        let at = base.wrapping_add(done);
        let here = (PAGE_SIZE - at % PAGE_SIZE).min(bytes - done);
        if physical(at).is_some_and(|start| !visit(start, here)) {
            return false;
        }
        done += here;
    }
    true
}

/// The memory of a list that is being made.
///
/// # Invariants
///
/// It is a listing of `listed.c` that is not used elsewhere.
pub(crate) struct Unlisted(NonNull<raw::rust_pool_listing>);

impl Unlisted {
    /// An empty listing, with room for parts of `room` pages.
    pub(crate) fn new(room: usize, gfp: Gfp) -> Option<Self> {
        // SAFETY: Any number may be asked for.
        let listing = unsafe { raw::rust_pool_listing_new(room, gfp) };
        // INVARIANT: It is new.
        NonNull::new(listing).map(Self)
    }

    /// Adds adjacent bytes at a physical address; `false` if there is no room.
    fn add(&mut self, start: u64, bytes: usize, locker: Locker) -> bool {
        // SAFETY: By the type invariant it is a listing that nobody else uses.
        unsafe { raw::rust_pool_listing_add(self.0.as_ptr(), start, bytes, locker.0) }
    }

    /// Adds bytes of a page frame, from an offset on; `false` if there is no room.
    pub(crate) fn add_in(
        &mut self,
        frame: raw::PFN_NUMBER,
        offset: usize,
        bytes: usize,
        locker: Locker,
    ) -> bool {
        // CAST: Lossless on the architectures supported.
        let start = start_of(frame).wrapping_add(offset as u64);
        self.add(start, bytes, locker)
    }

    /// Adds bytes at a kernel address; `false` if there is no room.
    pub(crate) fn add_at(&mut self, base: usize, bytes: usize, locker: Locker) -> bool {
        each_part(base, bytes, |start, here| self.add(start, here, locker))
    }

    /// Enters it: from now on, this is the memory of the list at this address. Any context but NMI.
    pub(crate) fn enter(self, list: usize) -> Listing {
        LISTS.add(1, Relaxed);
        let watched = WatchedFrees::new();
        // SAFETY: By the type invariant it is a listing that nobody else uses.
        unsafe { raw::rust_pool_listing_enter(self.0.as_ptr(), list) };
        // INVARIANT: It was just entered, and `LISTS` counts it.
        Listing {
            _memory: self,
            _watched: watched,
        }
    }
}

impl Drop for Unlisted {
    fn drop(&mut self) {
        // SAFETY: It is a listing, entered or not, and is not used any more.
        unsafe { raw::rust_pool_listing_free(self.0.as_ptr()) }
    }
}

/// The memory that a list has until this is dropped. Any context but NMI.
///
/// # Invariants
///
/// It was entered, and `LISTS` counts it.
pub(crate) struct Listing {
    _memory: Unlisted,
    _watched: WatchedFrees,
}

// SAFETY: A listing may be dropped by any thread.
unsafe impl Send for Listing {}
// SAFETY: A shared reference gives access to nothing.
unsafe impl Sync for Listing {}

impl Drop for Listing {
    fn drop(&mut self) {
        LISTS.fetch_sub(1, Relaxed);
    }
}
