// SPDX-License-Identifier: GPL-2.0

//! Text files of clients in `/sys/kernel/debug/rust_pool/reports/`.
//!
//! A client's own file of the kernel's Rust debugfs would touch freed memory if it were held open
//! over the client's unload. These files belong to this module, which is there as long as they are.

use crate::{
    debugfs::seq_file::read_text,
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    }, //
};
use core::ptr::{
    null,
    null_mut,
    NonNull, //
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

/// Says where the reports go; their directory is made by the caller.
pub(crate) fn set_directory(directory: NonNull<bindings::dentry>) {
    DIRECTORY.store(directory.as_ptr(), Relaxed);
}

/// A report: the file and its text.
struct Report {
    file: *mut bindings::dentry,
    text: KVVec<u8>,
}

const OPERATIONS: bindings::file_operations = bindings::file_operations {
    owner: this_module::<crate::LocalModule>().as_ptr(),
    open: Some(bindings::simple_open),
    read: Some(read),
    llseek: Some(bindings::default_llseek),
    ..pin_init::zeroed()
};

/// # Safety
///
/// Called by debugfs, which keeps the file from being removed meanwhile.
unsafe extern "C" fn read(
    file: *mut bindings::file,
    to: *mut c_char,
    count: usize,
    position: *mut bindings::loff_t,
) -> isize {
    // SAFETY: `simple_open()` stored the report, which is not freed before its file is removed.
    let text = unsafe { &(*(*file).private_data.cast::<Report>()).text };
    // SAFETY: The VFS passed the rest.
    unsafe { read_text(text, to, count, position) }
}

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
    // SAFETY: By the safety requirements.
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
    // SAFETY: The name is NUL-terminated, the operations are static, the report lives until
    // `rust_pool_report_remove()`. Without a file, which debugfs does not call an error, the report
    // is just not seen.
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
    // SAFETY: By the safety requirements.
    let report = unsafe { KBox::from_raw(report.cast::<Report>()) };
    // SAFETY: The file is debugfs's, or an error pointer, which this accepts. When it returns,
    // nobody reads the text any more.
    unsafe { bindings::debugfs_remove(report.file) };
}
matches_header!(rust_pool_report_remove);
export_symbol_gpl!(rust_pool_report_remove);
