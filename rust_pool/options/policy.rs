// SPDX-License-Identifier: GPL-2.0

//! Which violations stop the machine.

use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

static PANIC: Atomic<u32> = Atomic::new(0);
/// Where the reader of a dump finds it.
pub(crate) const PANIC_PLACE: *const Atomic<u32> = &raw const PANIC;
static POLICY: Atomic<u32> = Atomic::new(0);

/// Sets whether the parameter `panic_on_violation` was given.
pub(crate) fn set_panic(panic: bool) {
    PANIC.store(panic.into(), Relaxed);
}

/// Whether the parameter `panic_on_violation` was given: any violation stops the machine.
pub(crate) fn panics_by_parameter() -> bool {
    PANIC.load(Relaxed) != 0
}

/// Which violations stop the machine by the verifier's policy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    Never,
    /// By modules that the verifier's options name.
    SomeModules,
    All,
}

/// Sets which violations stop the machine by the verifier's policy.
pub(crate) fn set(stop: Stop) {
    // CAST: The discriminants are 0 to 2.
    POLICY.store(stop as u32, Relaxed);
}

/// Whether a violation stops the machine by the verifier's policy. If that depends on the module
/// that made the violation, `some` is called to find out.
pub(crate) fn stops(some: impl FnOnce() -> bool) -> bool {
    const NEVER: u32 = Stop::Never as u32;
    const ALL: u32 = Stop::All as u32;
    match POLICY.load(Relaxed) {
        NEVER => false,
        ALL => true,
        _ => some(),
    }
}
