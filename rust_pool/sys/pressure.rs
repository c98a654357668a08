// SPDX-License-Identifier: GPL-2.0

//! When memory is to be given back, and where it is being given back; see `pressure.c`.

use crate::sys::{
    context,
    raw, //
};
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

/// Whether this task gives memory back to the kernel, as a shrinker's callback does, or one that
/// the kernel asks before it kills a process for memory.
pub(crate) fn in_reclaim() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_in_reclaim() }
}

/// Whether the kernel may be waited for to find memory, as far as this task goes.
pub(crate) fn may_wait_for_memory() -> bool {
    // SAFETY: May be called anywhere.
    let last_resort = unsafe { raw::rust_pool_in_last_resort() };
    context::irql().may_sleep() && !last_resort
}
