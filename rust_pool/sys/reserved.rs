// SPDX-License-Identifier: GPL-2.0

//! Address space that is reserved for the pages of MDLs; see `arch/guard_pages.c`.

use crate::sys::{
    context::irql,
    frames::{
        Frame,
        LockedFrames, //
    },
    memory::PAGE_SIZE,
    raw, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::sync::atomic::{
    Atomic,
    Full, //
};

/// In place of a number of pages: somebody is mapping or unmapping them.
const BUSY: usize = usize::MAX;

/// An area of address space in which pages can be mapped without memory and without sleeping. It is
/// given back on drop, which sleeps.
///
/// # Invariants
///
/// `area` comes from `rust_pool_reserve()` for `count` pages, begins at `base`, and belongs to this
/// value.
pub(crate) struct Reserved {
    area: NonNull<raw::rust_pool_reserved>,
    base: NonNull<u8>,
    count: usize,
    /// How many pages are mapped in it, from its start on; [`BUSY`] while somebody changes that.
    shown: Atomic<usize>,
}

// SAFETY: The C half keeps no reference to the thread that made the area.
unsafe impl Send for Reserved {}

// SAFETY: Only one thread at a time changes the area: the one that made `shown` busy. Waiting for
// CPUs only reads a counter.
unsafe impl Sync for Reserved {}

impl Reserved {
    /// Reserves room for so many pages. Sleeps.
    pub(crate) fn new(count: usize) -> Option<Self> {
        let mut base = null_mut();
        let pages = u32::try_from(count).ok().filter(|&pages| pages != 0)?;
        // SAFETY: The pointer is valid for a write; this context may sleep.
        let area = unsafe { raw::rust_pool_reserve(pages, &mut base) };
        // INVARIANT: It is new, and nobody else has it.
        Some(Self {
            area: NonNull::new(area)?,
            base: NonNull::new(base.cast())?,
            count,
            shown: Atomic::new(0),
        })
    }

    /// Where it begins.
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// How many pages there is room for.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Its size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.count.saturating_mul(PAGE_SIZE)
    }

    /// Maps frames at its start, with their cache type. Returns `false` if a CPU may still see what
    /// was mapped there before, if there is no room, or if anything is mapped here. Any context but
    /// NMI.
    pub(crate) fn show(&self, frames: &LockedFrames<'_>, write: bool) -> bool {
        let (first, count) = (frames.frames.as_ptr().cast(), frames.count());
        if count > self.count || self.shown.cmpxchg(0, BUSY, Full).is_err() {
            return false;
        }
        let area = self.area.as_ptr();
        // SAFETY: By the type invariant it is an area. It has room for the frames, which are memory
        // that stays allocated, and nothing is mapped there. As it is busy, nobody else changes it.
        let done = unsafe { raw::rust_pool_reserved_show(area, first, count, frames.cache, write) };
        self.shown.xchg(if done { count } else { 0 }, Full);
        done
    }

    /// Unmaps what is mapped here, unless somebody is changing that. Any context but NMI.
    pub(crate) fn hide(&self) {
        let count = self.shown.xchg(BUSY, Full);
        if count == BUSY {
            return;
        }
        // SAFETY: By the type invariant it is an area, and `count` pages are mapped there. As it is
        // busy, nobody else changes it.
        unsafe { raw::rust_pool_reserved_hide(self.area.as_ptr(), count) };
        self.shown.xchg(0, Full);
    }

    /// Whether no CPU can see any more what was unmapped. Waits for a tenth of a second at most.
    /// Any context but NMI.
    pub(crate) fn settles(&self) -> bool {
        // SAFETY: By the type invariant it is an area that is not given back yet.
        unsafe { raw::rust_pool_reserved_settles(self.area.as_ptr()) }
    }

    /// Waits until no CPU can see any more what was unmapped. Sleeps.
    pub(crate) fn settle(&self) {
        // SAFETY: By the type invariant it is an area that is not given back yet.
        unsafe { raw::rust_pool_reserved_settle(self.area.as_ptr()) }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is an area; nobody uses it any more.
        unsafe { raw::rust_pool_unreserve(self.area.as_ptr()) }
    }
}

/// What may be done with pages that are mapped.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Access {
    None = 0,
    Read = 1,
    Write = 2,
}

/// Changes what may be done with mapped pages. Any context but NMI. Where this may not sleep, it
/// does not wait for other CPUs, which may use the old access for a moment. Returns `false` if
/// these are not the frames that are mapped, and changes nothing then.
///
/// # Safety
///
/// As many pages are mapped at `base`, in vmalloc space, and nobody unmaps them meanwhile. The
/// cache type is that of the frames.
pub(crate) unsafe fn protect(
    base: NonNull<u8>,
    frames: &[Frame],
    access: Access,
    cache: i32,
) -> bool {
    let sleep = irql().may_sleep();
    // CAST: The discriminants are what the C half expects.
    // SAFETY: By the safety requirements so many pages are mapped there, and stay so.
    unsafe {
        raw::rust_pool_protect(
            base.as_ptr().cast(),
            frames.as_ptr().cast(),
            frames.len(),
            access as u32,
            cache,
            sleep,
        )
    }
}
