// SPDX-License-Identifier: GPL-2.0

//! Owned noncached memory.

use crate::{
    api::{
        exported,
        memory::{
            Memory,
            NotCached,
            Owned,
            Uncached, //
        }, //
    },
    lib::text::kwrite,
    sys::here, //
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    fmt,
    prelude::*, //
};

/// Memory without a cached mapping anywhere, virtually contiguous.
///
/// The WDK's `MmAllocateNonCachedMemory`, and its write-combined sibling.
///
/// To be dropped by a task that may sleep. Elsewhere the drop is reported (0xC2/0x09) and the
/// memory given back a little later; in NMI it leaks.
///
/// # Invariants
///
/// The memory comes from `rust_pool_noncached_allocate` and is freed on drop.
pub struct NonCached<C: NotCached = Uncached> {
    memory: Owned,
    _cache: PhantomData<C>,
}

impl<C: NotCached> NonCached<C> {
    /// Allocates `bytes` bytes, zeroed and page-aligned. They are rounded up to whole pages, all of
    /// which are taken. Sleeps.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if memory is short, or after a violation: no bytes (0xC2/0x00), or atomic context
    /// (0xC2/0x08).
    #[inline(always)]
    pub fn new(bytes: usize) -> Result<Self> {
        let memory = exported::rust_pool_noncached_allocate(bytes, C::COMBINED, here());
        // INVARIANT: The memory was just allocated.
        let this = Self {
            memory: memory.ok_or(ENOMEM)?,
            _cache: PhantomData,
        };
        this.zero();
        Ok(this)
    }
}

impl<C: NotCached> Deref for NonCached<C> {
    type Target = Memory;

    #[inline]
    fn deref(&self) -> &Memory {
        &self.memory
    }
}

impl<C: NotCached> Drop for NonCached<C> {
    #[inline(always)]
    fn drop(&mut self) {
        let bytes = self.len();
        exported::rust_pool_noncached_free(self.memory.take(), bytes, here());
    }
}

impl<C: NotCached> fmt::Debug for NonCached<C> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(f, "NonCached<{}>({:?})", C::NAME, **self)
    }
}
