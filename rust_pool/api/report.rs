// SPDX-License-Identifier: GPL-2.0

//! A text in debugfs.

use crate::{
    lib::argument::{
        calls,
        Given, //
    },
    sys::raw, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    str::CStr, //
};

/// A file `/sys/kernel/debug/rust_pool/reports/<name>`, readable by root, with a fixed text.
///
/// It is there until the value is dropped. A reader that holds it open longer gets an error, never
/// freed memory.
///
/// # Invariants
///
/// `0` comes from `rust_pool_report_new`.
pub struct Report(NonNull<c_void>);

impl Given<*mut c_void> for &mut Report {
    #[inline]
    fn given(self) -> *mut c_void {
        self.0.as_ptr()
    }
}

calls! {
    // SAFETY: By the type invariant `rust_pool_report_new()` returned it. It is not used after the
    // drop that calls this.
    unsafe extern "C" {
        safe fn rust_pool_report_remove(report: &mut Report);
    }
}

// SAFETY: Any thread may remove a report.
unsafe impl Send for Report {}
// SAFETY: There is no method on a shared reference.
unsafe impl Sync for Report {}

impl Report {
    /// Makes the file, in a task that may sleep. `name` is that of a file: not empty, and without a
    /// slash. Without debugfs no file appears, which is not an error.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if memory is short.
    #[inline]
    pub fn new(name: &CStr, text: &[u8]) -> Result<Self> {
        // SAFETY: The name is NUL-terminated and the text valid for its length.
        let report = unsafe {
            raw::rust_pool_report_new(name.as_char_ptr(), text.as_ptr().cast(), text.len())
        };
        // INVARIANT: It was just made.
        NonNull::new(report).map(Self).ok_or(ENOMEM)
    }
}

impl Drop for Report {
    #[inline]
    fn drop(&mut self) {
        rust_pool_report_remove(self);
    }
}
