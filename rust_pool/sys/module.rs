// SPDX-License-Identifier: GPL-2.0

//! Kernel modules other than our own.

use crate::sys::raw;
use core::{
    mem::size_of,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::to_result,
    module::this_module,
    prelude::*,
    str::CStr, //
};

/// The module that made a request: its address, which is compared and never followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client(usize);

impl Client {
    /// Not known, or none.
    pub(crate) const UNKNOWN: Self = Self(0);

    /// The client that is this module.
    #[inline(always)]
    pub(crate) fn new(module: *mut bindings::module) -> Self {
        Self(module as usize)
    }

    /// As a number.
    #[inline(always)]
    pub(crate) fn as_usize(self) -> usize {
        self.0
    }

    /// The client that an address lies in. Any context.
    pub(crate) fn at(addr: usize) -> Self {
        // SAFETY: May be called anywhere, with any address.
        Self::new(unsafe { raw::rust_pool_client_at(addr) })
    }
}

/// A client that is loaded.
pub(crate) struct ClientInfo {
    /// Clients have numbers in the order in which they came.
    pub(crate) number: u64,
    pub(crate) client: Client,
    name: [u8; NAME],
}

/// Room for a module's name, as `MODULE_NAME_LEN`.
const NAME: usize = 64 - size_of::<usize>();

impl ClientInfo {
    /// The first client whose number is above this one.
    pub(crate) fn after(number: u64) -> Option<Self> {
        let mut info = Self {
            number,
            client: Client::UNKNOWN,
            name: [0; NAME],
        };
        // SAFETY: Both pointers are valid, the second for a module's name.
        let module =
            unsafe { raw::rust_pool_client_after(&mut info.number, info.name.as_mut_ptr()) };
        info.client = Client::new(module);
        (!module.is_null()).then_some(info)
    }

    /// What is known of a client, while it is loaded.
    pub(crate) fn of(client: Client) -> Option<Self> {
        let mut number = 0;
        while let Some(info) = Self::after(number) {
            if info.client == client {
                return Some(info);
            }
            number = info.number;
        }
        None
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        let name = CStr::from_bytes_until_nul(&self.name).ok();
        name.and_then(|name| name.to_str().ok()).unwrap_or("?")
    }
}

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

    /// The client that it is.
    pub(crate) fn client(self) -> Client {
        Client::new(self.0.as_ptr())
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

/// Has `rust_pool_module_live()` and `rust_pool_module_going()` called when a module comes and
/// goes.
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
