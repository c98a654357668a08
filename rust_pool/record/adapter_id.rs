// SPDX-License-Identifier: GPL-2.0

//! How clients refer to an adapter.

use crate::{
    lib::text::Text,
    report::violation::Parameter,
    sys::raw, //
};
use kernel::fmt;

/// An adapter as a client names it: by the address of its `DMA_ADAPTER`.
///
/// It is a number to compare, not a pointer to dereference: a client may pass an address at which
/// no adapter is any more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AdapterId(usize);

impl AdapterId {
    /// The address that a caller passed.
    pub(crate) fn new(adapter: *mut raw::DMA_ADAPTER) -> Self {
        Self(adapter as usize)
    }

    /// The id of an adapter.
    pub(crate) fn of(adapter: &raw::DMA_ADAPTER) -> Self {
        Self(core::ptr::from_ref(adapter) as usize)
    }

    /// The address.
    pub(crate) fn addr(self) -> usize {
        self.0
    }

    /// The address as a pointer, for C code.
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
