// SPDX-License-Identifier: GPL-2.0

//! An entry that a client frees.

use crate::lib::argument::Passed;
use core::ptr::NonNull;
use kernel::prelude::*;

/// What a client frees to a list: any address, or an entry.
///
/// # Invariants
///
/// If it is a block that the client has, the client gives it up.
#[repr(transparent)]
pub(crate) struct Freed(*mut c_void);

// SAFETY: It is a transparent pointer, and whoever frees a block gives it up.
unsafe impl Passed<*mut c_void> for Freed {}

impl Freed {
    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.0
    }

    pub(crate) fn addr(&self) -> usize {
        self.0 as usize
    }
}

/// An entry of a list whose entries are all blocks of pool.
///
/// # Invariants
///
/// It is a live block with the list's tag, size and pool, and its owner gives it up.
pub(crate) struct Entry(pub(super) NonNull<u8>);

impl Entry {
    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.0.as_ptr().cast()
    }

    pub(crate) fn addr(&self) -> usize {
        self.0.as_ptr() as usize
    }
}
