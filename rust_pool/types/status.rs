// SPDX-License-Identifier: GPL-2.0

//! Status codes.

use crate::sys::raw;
use kernel::prelude::*;

/// What a routine returns.
///
/// WDK: `NTSTATUS`, whose values these are.
#[derive(Clone, Copy)]
#[repr(i32)]
pub(crate) enum Status {
    Success = raw::RUST_POOL_SUCCESS,
    AccessViolation = raw::RUST_POOL_ACCESS_VIOLATION,
    InvalidParameter = raw::RUST_POOL_INVALID_PARAMETER,
    NotMapped = raw::RUST_POOL_NOT_MAPPED_VIEW,
    BufferTooSmall = raw::RUST_POOL_BUFFER_TOO_SMALL,
    InvalidProtection = raw::RUST_POOL_INVALID_PAGE_PROTECTION,
    InsufficientResources = raw::RUST_POOL_INSUFFICIENT_RESOURCES,
    NotSupported = raw::RUST_POOL_NOT_SUPPORTED,
    InvalidParameter4 = raw::RUST_POOL_INVALID_PARAMETER_4,
    InvalidParameter5 = raw::RUST_POOL_INVALID_PARAMETER_5,
}

impl Status {
    /// The value that C code gets.
    pub(crate) fn as_raw(self) -> i32 {
        // CAST: The discriminants are those of C.
        self as i32
    }

    /// What a routine returned, as Rust code has it: [`ENOMEM`] if resources are short, [`EFAULT`]
    /// if a page does not allow the access, [`EINVAL`] for all other errors.
    #[inline]
    pub(crate) fn result_of(raw: i32) -> Result {
        match raw {
            raw::RUST_POOL_SUCCESS => Ok(()),
            raw::RUST_POOL_INSUFFICIENT_RESOURCES => Err(ENOMEM),
            raw::RUST_POOL_ACCESS_VIOLATION => Err(EFAULT),
            _ => Err(EINVAL),
        }
    }
}
