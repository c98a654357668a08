// SPDX-License-Identifier: GPL-2.0

//! The kernel log, the clocks, and the panic.

use crate::sys::raw;
use kernel::{
    bindings,
    prelude::*,
    str::CStr,
    time::Jiffies, //
};

/// Whether the rate limit lets one more message into the log.
pub(crate) fn may_log() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_may_log() }
}

/// Whether the rate limit lets one more message on lost memory into the kernel log.
pub(crate) fn may_log_loss() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_may_log_loss() }
}

/// How many messages the rate limit kept out of the log since the last call.
pub(crate) fn left_out() -> u32 {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_left_out() }
}

/// Nanoseconds by the clock of the kernel log.
pub(crate) fn log_time() -> u64 {
    // SAFETY: May be called anywhere, NMI included.
    unsafe { raw::rust_pool_log_time() }
}

/// Nanoseconds since boot.
pub(crate) fn uptime() -> u64 {
    // SAFETY: May be called anywhere, NMI included.
    unsafe { bindings::ktime_get_mono_fast_ns() }
}

/// Whether files can be made in debugfs. The kernel parameter `debugfs=off` switches it off.
pub(crate) fn has_debugfs() -> bool {
    // SAFETY: Reads a flag that is set at boot.
    unsafe { bindings::debugfs_initialized() }
}

/// The kernel's clock.
pub(crate) fn jiffies() -> Jiffies {
    // SAFETY: It is a static of the kernel. The timer interrupt changes it at any time, so it is
    // read once, by a volatile load of an aligned word.
    unsafe { (&raw const bindings::jiffies).read_volatile() }
}

/// A random number.
pub(crate) fn random() -> u64 {
    // SAFETY: May be called anywhere.
    unsafe { bindings::get_random_u64() }
}

/// Stops the machine.
pub(crate) fn panic(what: &CStr) -> ! {
    // SAFETY: The format takes one string, which is NUL-terminated.
    unsafe { bindings::panic(c"rust_pool: %s".as_char_ptr(), what.as_char_ptr()) }
}

/// How printf shows an address.
pub(crate) enum AddressFormat {
    /// By the name of the function that it is in.
    Symbol,
    /// Hashed, unless booted with `no_hash_pointers`.
    Hashed,
}

/// Formats an address; returns the bytes written.
pub(crate) fn format_address(text: &mut [u8], format: AddressFormat, addr: usize) -> usize {
    let format = match format {
        AddressFormat::Symbol => c"%pS",
        AddressFormat::Hashed => c"0x%p",
    };
    // SAFETY: `text` is valid for writes of its length. Each of these formats takes one pointer,
    // and does not follow it.
    let len = unsafe {
        bindings::scnprintf(
            text.as_mut_ptr(),
            text.len(),
            format.as_char_ptr(),
            addr as *const c_void,
        )
    };
    usize::try_from(len).unwrap_or(0)
}
