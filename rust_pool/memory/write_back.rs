// SPDX-License-Identifier: GPL-2.0

//! Changes the attributes of all pages of a batch of blocks with one walk and one TLB flush on all
//! CPUs.

use crate::{
    sys,
    types::cache_type::CacheType, //
};
use core::ptr::NonNull;
use kernel::{
    alloc::flags::{
        GFP_NOWAIT,
        __GFP_NOWARN, //
    },
    bindings,
    prelude::*, //
};

/// A list of pages that belong to its maker.
pub(crate) struct PageList(KVec<NonNull<bindings::page>>);

impl PageList {
    /// Room for as many, if there is memory for the list.
    pub(crate) fn with_room(pages: usize) -> Option<Self> {
        Some(Self(
            KVec::with_capacity(pages, GFP_NOWAIT | __GFP_NOWARN).ok()?,
        ))
    }

    /// Adds a page. Returns whether there was room.
    #[must_use]
    pub(crate) fn push(&mut self, page: NonNull<bindings::page>) -> bool {
        self.0.push_within_capacity(page).is_ok()
    }

    /// Makes all write-back in the direct map, and says whether that was done. Sleeps.
    ///
    /// # Safety
    ///
    /// The pages belong to the caller, and are mapped nowhere but in the direct map.
    pub(crate) unsafe fn write_back(&mut self) -> bool {
        if self.0.is_empty() {
            return true;
        }
        // SAFETY: By the safety requirements the pages have no other mapping, which would keep
        // another cache type.
        unsafe { sys::pages_set(&mut self.0, CacheType::Cached.as_raw()) }.is_ok()
    }
}
