// SPDX-License-Identifier: GPL-2.0

//! Kernel modules other than our own.

use crate::sys::raw;
use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*,
    str::CStr, //
};

/// The module that made a request: the address of its `struct module`, which is compared, but never
/// dereferenced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client(usize);

impl Client {
    /// No client, or an unknown one.
    pub(crate) const UNKNOWN: Self = Self(0);

    /// The client whose module this is.
    #[inline(always)]
    pub(crate) fn new(module: *mut bindings::module) -> Self {
        Self(module as usize)
    }

    /// The address as a number.
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
    /// Clients are numbered in the order in which they were loaded.
    pub(crate) number: u64,
    pub(crate) client: Client,
    name: [u8; NAME],
}

/// Room for a module's name: no less than `MODULE_NAME_LEN`, as helpers.c asserts.
// CAST: It is 64.
const NAME: usize = raw::RUST_POOL_MODULE_NAME_LEN as usize;

impl ClientInfo {
    /// The first client whose number is above `number`.
    pub(crate) fn after(number: u64) -> Option<Self> {
        let mut info = Self {
            number,
            client: Client::UNKNOWN,
            name: [0; NAME],
        };
        // SAFETY: Both are valid for writes: `name` has room for `MODULE_NAME_LEN` bytes, and the
        // function writes no more.
        let module =
            unsafe { raw::rust_pool_client_after(&mut info.number, info.name.as_mut_ptr()) };
        info.client = Client::new(module);
        (!module.is_null()).then_some(info)
    }

    /// The client with this module; `None` if it is not loaded any more.
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
///
/// # Invariants
///
/// It is valid, and its symbols can be looked up, as long as the value and its copies are used.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Module(NonNull<bindings::module>);

// SAFETY: By the type invariant the module is valid for whoever has the value. It is not changed.
unsafe impl Send for Module {}

impl Module {
    /// The client that it is.
    pub(crate) fn client(self) -> Client {
        Client::new(self.0.as_ptr())
    }

    /// Whether an address lies in this module.
    pub(crate) fn contains(self, addr: usize) -> bool {
        // SAFETY: By the type invariant the module is valid.
        unsafe { raw::rust_pool_within_module(addr, self.0.as_ptr()) }
    }

    /// Whether an address lies in the part that is freed when the module's init has run.
    pub(crate) fn init_contains(self, addr: usize) -> bool {
        // SAFETY: By the type invariant the module is valid.
        unsafe { raw::rust_pool_within_init(addr, self.0.as_ptr()) }
    }

    /// An address that lies in this module as long as it is loaded.
    pub(crate) fn address(self) -> usize {
        // SAFETY: By the type invariant the module is valid.
        unsafe { raw::rust_pool_module_address(self.0.as_ptr()) }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        // SAFETY: By the type invariant the module is valid, and its name lives as long.
        let name = unsafe { CStr::from_char_ptr(raw::rust_pool_module_name(self.0.as_ptr())) };
        name.to_str().unwrap_or("?")
    }
}

/// Whether an address lies in our own code.
pub(crate) fn is_ours(addr: usize) -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_is_ours(addr) }
}

/// A string literal of our own C code.
///
/// # Invariants
///
/// It is NUL-terminated, and exists as long as our own module.
#[repr(transparent)]
pub(crate) struct Literal(NonNull<c_char>);

impl Literal {
    /// Its text.
    pub(crate) fn text(&self) -> &'static str {
        // SAFETY: By the type invariant; the module is loaded as long as its code runs.
        let text: &'static CStr = unsafe { CStr::from_char_ptr(self.0.as_ptr()) };
        text.to_str().unwrap_or("?")
    }
}
