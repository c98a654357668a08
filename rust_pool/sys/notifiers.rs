// SPDX-License-Identifier: GPL-2.0

//! Notifiers: events for which the kernel calls this module.

use crate::sys::raw;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// An event.
pub(crate) enum Event {
    /// A module is loaded or unloaded: `rust_pool_module_live()` and `rust_pool_module_going()`
    /// are called.
    Modules,
    /// Memory is short, or a CPU goes offline: `rust_pool_drain()` and `rust_pool_drain_of()` are
    /// called.
    Pressure,
    /// The kernel oopses on a page fault: `rust_pool_guard_fault()` is called.
    Faults,
}

/// While it exists, the kernel calls for the event.
pub(crate) struct Notifier(Event);

impl Notifier {
    /// Registers it. Sleeps.
    pub(crate) fn new(event: Event) -> Result<Self> {
        // SAFETY: What is registered is static. Only the module's init calls it, once for each
        // event.
        to_result(unsafe {
            match event {
                Event::Modules => raw::rust_pool_watch_modules(),
                Event::Pressure => raw::rust_pool_watch_pressure(),
                Event::Faults => raw::rust_pool_guard_watch(),
            }
        })?;
        Ok(Self(event))
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        // SAFETY: `new()` registered it, and this runs once.
        unsafe {
            match self.0 {
                Event::Modules => raw::rust_pool_unwatch_modules(),
                Event::Pressure => raw::rust_pool_unwatch_pressure(),
                Event::Faults => raw::rust_pool_guard_unwatch(),
            }
        }
    }
}
