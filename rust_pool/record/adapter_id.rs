// SPDX-License-Identifier: GPL-2.0

//! How clients refer to an adapter.

use crate::{
    lib::text::Text,
    report::violation::Parameter,
    sys::raw, //
};
use kernel::fmt;

/// An adapter as its user knows it: the address of what C code sees of it.
///
/// It is a number, not a pointer, as it is valid only while it is in the list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AdapterId(usize);

impl AdapterId {
    /// The address that a caller passed.
    pub(crate) fn new(adapter: *mut raw::DMA_ADAPTER) -> Self {
        Self(adapter as usize)
    }

    /// That of an adapter.
    pub(crate) fn of(adapter: &raw::DMA_ADAPTER) -> Self {
        Self(core::ptr::from_ref(adapter) as usize)
    }

    /// The address.
    pub(crate) fn addr(self) -> usize {
        self.0
    }

    /// For C code.
    pub(crate) fn as_raw(self) -> *mut raw::DMA_ADAPTER {
        self.0 as *mut raw::DMA_ADAPTER
    }
}

impl From<AdapterId> for Parameter {
    fn from(id: AdapterId) -> Self {
        Self::Address(id.0)
    }
}

impl fmt::Display for AdapterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Text::<24>::pointer(self.0).fmt(f)
    }
}
