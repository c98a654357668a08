// SPDX-License-Identifier: GPL-2.0

//! The module's parameters.

use crate::sys::raw;
use kernel::{
    prelude::*,
    str::CStr, //
};

/// The parameter `panic_on_violation`: whether the first violation stops the machine.
pub(crate) fn panic_on_violation() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_panic_on_violation() }
}

/// The parameter `magazines`: whether magazines and heap are used even if KASAN or slub_debug
/// watches.
pub(crate) fn magazines() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_magazines() }
}

/// The parameter `verifier`: the options that the module was loaded with.
pub(crate) fn verifier_parameter() -> &'static [u8] {
    // SAFETY: The parameter is NUL-terminated. The kernel sets it before the module's init, not
    // after, and frees it when the module is unloaded.
    unsafe { CStr::from_char_ptr(raw::rust_pool_verifier_parameter()) }.to_bytes()
}

/// While it exists, `rust_pool_verifier_show()` is called when the options are read.
pub(crate) struct ParametersLive(());

impl ParametersLive {
    /// Allows the call from now on. Sleeps.
    pub(crate) fn new() -> Self {
        // SAFETY: The module's init calls it, which may sleep, when the options can be read.
        unsafe { raw::rust_pool_parameters_live(true) };
        Self(())
    }
}

impl Drop for ParametersLive {
    fn drop(&mut self) {
        // SAFETY: The module's exit drops it, which may sleep. The function waits for readers.
        unsafe { raw::rust_pool_parameters_live(false) };
    }
}
