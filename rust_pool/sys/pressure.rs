// SPDX-License-Identifier: GPL-2.0

//! Callbacks when memory is short, and whether a task is in reclaim; see `pressure.c`.

use crate::sys::{
    context,
    raw, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

/// While it exists, the kernel calls `rust_pool_drain()` when memory is short, and
/// `rust_pool_drain_of()` when a CPU goes offline.
pub(crate) struct PressureWatch(());

impl PressureWatch {
    /// Starts watching. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: Only the module's init calls it, once, so nothing is registered twice.
        to_result(unsafe { raw::rust_pool_watch_pressure() })?;
        Ok(Self(()))
    }
}

impl Drop for PressureWatch {
    fn drop(&mut self) {
        // SAFETY: `new()` registered the callbacks, and this runs once.
        unsafe { raw::rust_pool_unwatch_pressure() }
    }
}

/// Whether this task is in reclaim, as a shrinker is, or in an OOM notifier.
pub(crate) fn in_reclaim() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_in_reclaim() }
}

/// Whether an allocation of this task may wait for memory: where it may sleep, but not in an OOM
/// notifier. In reclaim the kernel itself does not wait.
pub(crate) fn may_wait_for_memory() -> bool {
    // SAFETY: May be called anywhere.
    let last_resort = unsafe { raw::rust_pool_in_last_resort() };
    context::irql().may_sleep() && !last_resort
}
