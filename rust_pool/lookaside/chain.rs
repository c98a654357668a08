// SPDX-License-Identifier: GPL-2.0

//! Entries that a list kept, and does not keep any more.

use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::prelude::*;

/// Entries that were taken out of a store. Whoever has the chain frees them.
///
/// # Invariants
///
/// `first` is null, or an entry of which nobody else knows; its first word is the link to the next.
/// There are no more than `number`.
#[must_use = "entries that are not freed are lost"]
pub(crate) struct Chain {
    pub(super) first: *mut c_void,
    pub(super) number: u16,
}

impl Chain {
    /// No entries.
    pub(crate) const EMPTY: Self = Self {
        first: null_mut(),
        number: 0,
    };

    /// How many entries there are, unless a client has overwritten a link.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

impl Iterator for Chain {
    type Item = *mut c_void;

    fn next(&mut self) -> Option<*mut c_void> {
        let entry = NonNull::new(self.first)?;
        // INVARIANT: The first entry leaves the chain: it is the caller's from now on.
        self.number = self.number.checked_sub(1)?;
        // SAFETY: By the type invariant it is an entry, which has room for a link. It is aligned
        // like pool, or however the client's routine aligns it.
        self.first = unsafe { entry.cast::<*mut c_void>().read_unaligned() };
        Some(entry.as_ptr())
    }
}
