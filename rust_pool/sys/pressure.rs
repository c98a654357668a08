// SPDX-License-Identifier: GPL-2.0

//! Callbacks for giving memory back.

use crate::sys::raw;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// Has `rust_pool_drain()` called when memory is short, and `rust_pool_drain_of()` when a CPU goes,
/// until it is dropped. Sleeps.
pub(crate) struct PressureWatch(());

impl PressureWatch {
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: Called from the module's init, which may sleep; `drop()` undoes it.
        to_result(unsafe { raw::rust_pool_watch_pressure() })?;
        Ok(Self(()))
    }
}

impl Drop for PressureWatch {
    fn drop(&mut self) {
        // SAFETY: `new()` registered it.
        unsafe { raw::rust_pool_unwatch_pressure() }
    }
}
