// SPDX-License-Identifier: GPL-2.0

//! The C harness (`bench.h`), for measurements in Rust. All of its unsafe is here.

use core::ptr::null;
use kernel::{
    ffi::{
        c_char,
        c_int,
        c_uint,
        c_ulong,
        c_void, //
    },
    prelude::*, //
};

/// Makes and frees so many blocks; a negative errno if one could not be made.
pub(crate) type Round = unsafe extern "C" fn(size: c_ulong, pairs: c_uint) -> c_int;

/// `struct rpb_side`.
#[repr(C)]
pub(crate) struct Side {
    name: *const c_char,
    round: Round,
    // No path of the Rust API depends on an address.
    hold: *const c_void,
    release: *const c_void,
}

impl Side {
    pub(crate) const fn new(name: &'static CStr, round: Round) -> Self {
        Self {
            name: name.to_bytes_with_nul().as_ptr(),
            round,
            hold: null(),
            release: null(),
        }
    }
}

/// `struct rpb_case`.
#[repr(C)]
pub(crate) struct Case {
    measure: *const c_char,
    size: c_ulong,
    pairs: c_uint,
    sides: *const Side,
    count: c_uint,
}

impl Case {
    /// `RPB_PAIRS`.
    pub(crate) const PAIRS: c_uint = 500;

    /// The one that ends a table.
    pub(crate) const END: Self = Self {
        measure: null(),
        size: 0,
        pairs: 0,
        sides: null(),
        count: 0,
    };

    pub(crate) const fn new(
        measure: &'static CStr,
        size: usize,
        pairs: c_uint,
        sides: &'static [Side],
    ) -> Self {
        Self {
            measure: measure.to_bytes_with_nul().as_ptr(),
            size,
            pairs,
            sides: sides.as_ptr(),
            // CAST: There are not that many sides.
            count: sides.len() as c_uint,
        }
    }
}

/// `struct rpb_file`.
#[repr(C)]
pub(crate) struct File {
    name: *const c_char,
    show: *const c_void,
    cases: *const Case,
}

impl File {
    /// A file that counts these cases, of which the last is [`Case::END`].
    pub(crate) const fn new(name: &'static CStr, cases: &'static [Case]) -> Self {
        Self {
            name: name.to_bytes_with_nul().as_ptr(),
            show: null(),
            cases: cases.as_ptr(),
        }
    }
}

// SAFETY: What the pointers lead to is never written.
unsafe impl Sync for Side {}
// SAFETY: As above.
unsafe impl Sync for Case {}
// SAFETY: As above.
unsafe impl Sync for File {}

extern "C" {
    fn rpb_add(module: *const c_char, files: *const File, count: c_uint) -> *mut c_void;
    fn rpb_remove(dir: *mut c_void);
}

/// The files of a module, until it is dropped.
pub(crate) struct Files(*mut c_void);

// SAFETY: The directory may be removed from any thread.
unsafe impl Send for Files {}
// SAFETY: There is nothing to do with a reference to it.
unsafe impl Sync for Files {}

impl Files {
    pub(crate) fn new(module: &'static CStr, files: &'static [File]) -> Self {
        // CAST: There are not that many files.
        let count = files.len() as c_uint;
        // SAFETY: The strings and tables are static, and the count is the table's.
        Self(unsafe { rpb_add(module.as_char_ptr(), files.as_ptr(), count) })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // SAFETY: The directory came from `rpb_add()`, and is removed once.
        unsafe { rpb_remove(self.0) };
    }
}
