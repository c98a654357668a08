// SPDX-License-Identifier: GPL-2.0

//! What is known of addresses in code, so that it is not looked up each time. See `arch/unwind.c`.

use crate::sys::raw;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// Makes room for it, if there is none. Sleeps; calls of this and [`close`] do not overlap.
pub(crate) fn open() -> Result {
    // SAFETY: As above.
    to_result(unsafe { raw::rust_pool_code_open() })
}

/// Gives the room back. Sleeps.
pub(crate) fn close() {
    // SAFETY: May be called where sleeping is allowed. It waits for those who use the room.
    unsafe { raw::rust_pool_code_close() }
}

/// The bytes of the room.
pub(crate) fn bytes() -> usize {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_code_bytes() }
}

/// A function that an address lies in: where it begins, and two bits, which mean something to the
/// code that computes them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Function {
    /// 0 if it has no name, so it is not known where it begins.
    pub(crate) start: usize,
    pub(crate) bits: u32,
}

impl Function {
    /// The function at an address. If it is not known, `find` finds out. Any context.
    pub(crate) fn at(addr: usize, find: impl FnOnce() -> Self) -> Self {
        let mut known = raw::rust_pool_function {
            start: 0,
            bits: 0,
            generation: 0,
        };
        // SAFETY: May be called anywhere; `known` is valid for writes.
        if unsafe { raw::rust_pool_function_known(addr, &mut known) } {
            return Self {
                start: known.start,
                bits: known.bits,
            };
        }
        let found = find();
        known.start = found.start;
        known.bits = found.bits;
        // SAFETY: May be called anywhere; `known` is valid for reads.
        unsafe { raw::rust_pool_function_keep(addr, &known) };
        found
    }
}
