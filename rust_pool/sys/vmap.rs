// SPDX-License-Identifier: GPL-2.0

//! Mappings of pages side by side, in vmalloc space.

use crate::sys::raw;
use core::ptr::NonNull;
use kernel::prelude::*;

/// Pages that are mapped side by side. If this is dropped, they stay mapped.
///
/// # Invariants
///
/// At `base`, unless it is none, is a mapping that `vmap()` made, and that this value owns; `shown`
/// pages are mapped there.
pub(crate) struct Vmap {
    base: Option<NonNull<u8>>,
    shown: usize,
}

impl Vmap {
    /// No mapping.
    pub(crate) fn none() -> Self {
        // INVARIANT: There is none.
        Self {
            base: None,
            shown: 0,
        }
    }

    /// What a function that calls `vmap()` returned for so many pages.
    ///
    /// # Safety
    ///
    /// It is null, or such a mapping, which nobody else owns.
    pub(super) unsafe fn new(base: *mut c_void, pages: usize) -> Option<Self> {
        // INVARIANT: By the safety requirements.
        NonNull::new(base.cast()).map(|base| Self {
            base: Some(base),
            shown: pages,
        })
    }

    /// Where it begins.
    pub(crate) fn base(&self) -> Option<NonNull<u8>> {
        self.base
    }

    /// Unmaps the pages, but leaves the address space to be given back by [`Self::undo`]. Other
    /// CPUs flush their TLBs a moment later. Any context but NMI.
    pub(crate) fn hide(&mut self) {
        if let Some(base) = self.base {
            let shown = core::mem::replace(&mut self.shown, 0);
            // SAFETY: By the type invariant they are mapped there; the owner does not use them.
            unsafe { hide(base, shown) };
        }
    }

    /// Undoes the mapping, if it is there. Sleeps.
    pub(crate) fn undo(&mut self) {
        if let Some(base) = self.base.take() {
            // SAFETY: By the type invariant; the owner does not use it any more.
            unsafe { vunmap(base) };
        }
    }
}

/// Unmaps pages of a mapping, but leaves its address space for `vunmap()`. Other CPUs are told to
/// flush their TLBs, and do so a moment later. Any context but NMI.
///
/// # Safety
///
/// `vmap()` mapped `pages` pages at `base`. The caller owns that mapping, and nobody uses it any
/// more.
pub(super) unsafe fn hide(base: NonNull<u8>, pages: usize) {
    // SAFETY: By the safety requirements the pages are mapped there, and the mapping is the
    // caller's. `vmap()` makes an entry for each page.
    unsafe { raw::rust_pool_hide(base.as_ptr().cast(), pages) }
}

/// Undoes what `vmap()` made. Sleeps.
///
/// # Safety
///
/// `base` comes from a function of the C half that maps pages by `vmap()`, and is not used any
/// more.
pub(super) unsafe fn vunmap(base: NonNull<u8>) {
    // SAFETY: By the safety requirements.
    unsafe { raw::rust_pool_vunmap(base.as_ptr().cast()) }
}
