// SPDX-License-Identifier: GPL-2.0

//! How memory is asked for: never at the cost of another task's life.
//!
//! `__GFP_RETRY_MAYFAIL` alone does not keep the OOM killer away once memory is really short, so
//! what would eat into the last of it is refused first.

use crate::sys::{
    self,
    raw,
    Gfp, //
};

/// What an allocation may do.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    /// Bytes wanted.
    pub(crate) bytes: usize,
    /// Whether they are to be zeroed.
    pub(crate) zero: bool,
    /// Whether the caller allows sleeping where the context does.
    pub(crate) sleep: bool,
}

impl Request {
    /// The same for memory that is zeroed later, if it is to be.
    #[inline]
    pub(crate) fn plain(self) -> Self {
        Self {
            zero: false,
            ..self
        }
    }

    /// Calls `allocate` with flags that neither sleep nor touch reserves and, only if that fails,
    /// with those that the context allows.
    #[inline]
    pub(crate) fn attempt<T>(self, allocate: impl Fn(Gfp) -> Option<T>) -> Option<T> {
        let zero = if self.zero {
            raw::RUST_POOL_GFP_ZERO
        } else {
            0
        };
        if let Some(done) = allocate(raw::RUST_POOL_GFP_NOWAIT | zero) {
            return Some(done);
        }
        self.strongest().and_then(|gfp| allocate(gfp | zero))
    }

    /// The flags for a second try, if there is to be one.
    #[cold]
    #[inline(never)]
    fn strongest(self) -> Option<Gfp> {
        if !affordable(self.bytes) {
            return None;
        }
        Some(if self.sleep && sys::irql() == 0 {
            raw::RUST_POOL_GFP_KERNEL
        } else {
            raw::RUST_POOL_GFP_ATOMIC
        })
    }
}

/// Whether `bytes` more leave the system a margin to live on: a 32nd of all memory.
pub(crate) fn affordable(bytes: usize) -> bool {
    sys::available()
        .checked_sub(sys::total() / 32)
        .is_some_and(|spare| bytes <= spare)
}
