// SPDX-License-Identifier: GPL-2.0

//! Text files of clients in `/sys/kernel/debug/rust_pool/reports/`.
//!
//! If a client made a file by the kernel's Rust debugfs, and a process held that open over the
//! client's unload, the close would access freed memory. These files belong to this module, which
//! stays loaded as long as one is open.

use crate::{
    debugfs::seq_file::read_text,
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    }, //
};
use core::ptr::{
    null,
    null_mut, //
};
use kernel::{
    bindings,
    module::this_module,
    prelude::*,
    str::CStr,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

static DIRECTORY: Atomic<*mut bindings::dentry> = Atomic::new(null_mut());

/// Sets the directory for the reports, which the caller has made.
pub(crate) fn set_directory(directory: *mut bindings::dentry) {
    DIRECTORY.store(directory, Relaxed);
}

/// A report: the file and its text.
struct Report {
    file: *mut bindings::dentry,
    text: KVVec<u8>,
}

impl AsRef<[u8]> for Report {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

const OPERATIONS: bindings::file_operations = bindings::file_operations {
    owner: this_module::<crate::LocalModule>().as_ptr(),
    open: Some(bindings::simple_open),
    // `simple_open()` stores the report in the file. `rust_pool_report_remove()` frees it after it
    // has removed the file, and nobody changes the text.
    read: Some(read_text::<Report>),
    llseek: Some(bindings::default_llseek),
    ..pin_init::zeroed()
};

/// Exported: makes a report.
///
/// # Safety
///
/// `name` is NUL-terminated, `text` valid for reads of `len` bytes. Sleeps.
#[no_mangle]
unsafe extern "C" fn rust_pool_report_new(
    name: *const c_char,
    text: *const c_char,
    len: usize,
) -> *mut c_void {
    // SAFETY: By the safety requirements. Both are borrowed during this call only.
    let (name, text) = unsafe {
        (
            CStr::from_char_ptr(name),
            core::slice::from_raw_parts(text.cast::<u8>(), len),
        )
    };
    let report = (|| {
        let mut copy = KVVec::with_capacity(len, GFP_KERNEL)?;
        copy.extend_from_slice(text, GFP_KERNEL)?;
        KBox::new(
            Report {
                file: null_mut(),
                text: copy,
            },
            GFP_KERNEL,
        )
    })();
    let Ok(report) = report else {
        return null_mut();
    };
    let report = KBox::into_raw(report);
    // SAFETY: The name is NUL-terminated, and the operations are static. The directory exists as
    // long as this module is loaded, which its client keeps loaded. The report lives until
    // `rust_pool_report_remove()` has removed the file. Readers of the new file do not access
    // `(*report).file`. If debugfs makes no file, it returns an error pointer, and nobody sees the
    // report.
    unsafe {
        (*report).file = bindings::debugfs_create_file_full(
            name.as_char_ptr(),
            0o400,
            DIRECTORY.load(Relaxed),
            report.cast(),
            null(),
            &OPERATIONS,
        );
    }
    report.cast()
}
matches_header!(rust_pool_report_new);
export_symbol_gpl!(rust_pool_report_new);

/// Exported: removes a report. Sleeps.
///
/// # Safety
///
/// `report` comes from [`rust_pool_report_new`] and is not used any more.
#[no_mangle]
unsafe extern "C" fn rust_pool_report_remove(report: *mut c_void) {
    // SAFETY: By the safety requirements `rust_pool_report_new()` returned it, from
    // `KBox::into_raw()`. Readers may still share the text, which is freed below.
    let report = unsafe { KBox::from_raw(report.cast::<Report>()) };
    // SAFETY: debugfs returned the file, or an error pointer, which the function accepts. It waits
    // for readers, so nobody reads the text when the report is dropped.
    unsafe { bindings::debugfs_remove(report.file) };
}
matches_header!(rust_pool_report_remove);
export_symbol_gpl!(rust_pool_report_remove);
