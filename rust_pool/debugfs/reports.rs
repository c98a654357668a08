// SPDX-License-Identifier: GPL-2.0

//! Text files of clients in `/sys/kernel/debug/rust_pool/reports/`.
//!
//! If a client made a file by the kernel's Rust debugfs, and a process held that open over the
//! client's unload, the close would access freed memory. These files belong to this module, which
//! stays loaded as long as one is open.

use crate::{
    lib::{
        argument::Passed,
        export::{
            export_symbol_gpl,
            matches_header, //
        }, //
    },
    sys::debugfs::{
        Subdirectory,
        TextFile, //
    }, //
};
use kernel::{
    prelude::*,
    str::CStr,
    sync::SetOnce, //
};

/// Where the reports are.
static DIRECTORY: SetOnce<Subdirectory> = SetOnce::new();

/// Sets the directory for the reports, which the caller has made.
pub(crate) fn set_directory(directory: Subdirectory) {
    DIRECTORY.populate(directory);
}

/// A report.
#[repr(transparent)]
struct Report(TextFile);

// SAFETY: `Report` is a transparent pointer that is not null, so `None` is null.
unsafe impl Passed<*mut c_void> for Option<Report> {}
// SAFETY: `Report` is a transparent pointer, which callers got from `rust_pool_report_new()`.
unsafe impl Passed<*mut c_void> for Report {}

/// Exported: makes a report; null without memory.
///
/// # Safety
///
/// `name` is NUL-terminated, `text` valid for reads of `len` bytes. Sleeps.
#[no_mangle]
unsafe extern "C" fn rust_pool_report_new(
    name: *const c_char,
    text: *const c_char,
    len: usize,
) -> Option<Report> {
    // SAFETY: By the safety requirements. Both are borrowed during this call only.
    let (name, text) = unsafe {
        (
            CStr::from_char_ptr(name),
            core::slice::from_raw_parts(text.cast::<u8>(), len),
        )
    };
    let report = TextFile::new(DIRECTORY.as_ref()?, name, text);
    report.ok().map(Report)
}
matches_header!(rust_pool_report_new(_, _, _));
export_symbol_gpl!(rust_pool_report_new);

/// Exported: removes a report. Sleeps.
///
/// # Safety
///
/// `report` comes from [`rust_pool_report_new`] and is not used any more.
#[no_mangle]
unsafe extern "C" fn rust_pool_report_remove(report: Report) {
    drop(report);
}
matches_header!(rust_pool_report_remove(_));
export_symbol_gpl!(rust_pool_report_remove);
