// SPDX-License-Identifier: GPL-2.0

//! The module's parameters.

use crate::sys::raw;
use kernel::{
    prelude::*,
    str::CStr, //
};

/// Whether the first violation stops the machine.
pub(crate) fn panic_on_violation() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_panic_on_violation() }
}

/// Whether magazines and heap are used even where checkers watch.
pub(crate) fn magazines() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_magazines() }
}

/// The options of the verifier that the module was loaded with.
pub(crate) fn verifier_parameter() -> &'static [u8] {
    // SAFETY: The parameter is NUL-terminated and stays as it is while the module is there.
    unsafe { CStr::from_char_ptr(raw::rust_pool_verifier_parameter()) }.to_bytes()
}

/// While it exists, `rust_pool_verifier_show()` is called when the options are read.
pub(crate) struct ParametersLive(());

impl ParametersLive {
    /// Has it called from now on. Sleeps.
    pub(crate) fn new() -> Self {
        // SAFETY: The context may sleep, and the core is there.
        unsafe { raw::rust_pool_parameters_live(true) };
        Self(())
    }
}

impl Drop for ParametersLive {
    fn drop(&mut self) {
        // SAFETY: As above. When it returns, nobody is in there any more.
        unsafe { raw::rust_pool_parameters_live(false) };
    }
}
