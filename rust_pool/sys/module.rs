// SPDX-License-Identifier: GPL-2.0

//! Kernel modules other than our own.

use super::raw;
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    module::this_module,
    prelude::*,
    str::CStr, //
};

/// A kernel module, as the module notifier passes it.
#[derive(Clone, Copy)]
pub(crate) struct Module(NonNull<bindings::module>);

impl Module {
    /// Wraps the notifier's pointer.
    ///
    /// # Safety
    ///
    /// `module` is valid as long as the value is used.
    pub(crate) unsafe fn from_raw(module: NonNull<bindings::module>) -> Self {
        Self(module)
    }

    /// Whether an address lies in this module.
    pub(crate) fn contains(self, addr: usize) -> bool {
        // SAFETY: The module is valid by the contract of `from_raw()`.
        unsafe { raw::rust_pool_within_module(addr, self.0.as_ptr()) }
    }

    /// Whether an address lies in what is freed when this module is live.
    pub(crate) fn init_contains(self, addr: usize) -> bool {
        // SAFETY: The module is valid by the contract of `from_raw()`.
        unsafe { raw::rust_pool_within_init(addr, self.0.as_ptr()) }
    }

    /// An address that lies in this module as long as it is there.
    pub(crate) fn address(self) -> usize {
        // SAFETY: The module is valid by the contract of `from_raw()`.
        unsafe { raw::rust_pool_module_address(self.0.as_ptr()) }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        // SAFETY: The module is valid by the contract of `from_raw()`, and its name lives as long.
        let name = unsafe { CStr::from_char_ptr(raw::rust_pool_module_name(self.0.as_ptr())) };
        name.to_str().unwrap_or("?")
    }
}

/// Whether an address lies in our own module.
pub(crate) fn is_ours(addr: usize) -> bool {
    let own = this_module::<crate::LocalModule>().as_ptr();
    // SAFETY: Our own module is there as long as its code runs.
    unsafe { raw::rust_pool_within_module(addr, own) }
}

/// Has `rust_pool_module_live()` and `rust_pool_module_going()` called when a module comes and goes.
pub(crate) struct ModuleWatch(());

impl ModuleWatch {
    /// Starts watching. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The notifier is static; it is registered once, by the module's init.
        to_result(unsafe { raw::rust_pool_watch_modules() })?;
        Ok(Self(()))
    }
}

impl Drop for ModuleWatch {
    fn drop(&mut self) {
        // SAFETY: It was registered by `new()`.
        unsafe { raw::rust_pool_unwatch_modules() }
    }
}
