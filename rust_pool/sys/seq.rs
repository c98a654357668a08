// SPDX-License-Identifier: GPL-2.0

//! Files that the kernel's seq_file renders line by line, so that a long file is not rendered anew
//! each time its buffer grows.

use crate::sys::debugfs::Operations;
use core::{
    marker::PhantomData,
    mem::size_of,
    ptr::{
        null_mut,
        without_provenance_mut, //
    }, //
};
use kernel::{
    bindings,
    module::this_module,
    prelude::*,
    seq_file::SeqFile,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// What such a file shows: a head, and lines.
pub(crate) trait Lines {
    /// The state of an open file, with the line to show. It begins as zeroes.
    type State: Zeroable;

    /// Prints the head.
    fn head(file: &SeqFile);

    /// Called when a read begins, which may be long after the last one.
    fn resume(state: &mut Self::State);

    /// Renders the line at or behind a position, and returns the position behind it. Positions
    /// begin at 0, and are below 2^62.
    fn render(state: &mut Self::State, position: u64) -> Option<u64>;

    /// The line that was rendered last, without its newline.
    fn line(state: &Self::State) -> &[u8];
}

/// The most bytes of one write.
const WRITTEN: usize = 4096;

/// What can be written to as well.
pub(crate) trait Writable: Lines {
    /// Applies a text. Sleeps.
    fn write(text: &[u8]) -> Result;
}

/// An open file.
#[derive(Zeroable)]
struct Open<S> {
    state: S,
    /// The position behind the line.
    next: u64,
}

/// The operations of a file that shows [`Lines`].
struct File<T: Lines>(PhantomData<T>);

/// What `start()` returns if `show()` is to show the head.
const HEAD: *mut c_void = without_provenance_mut(1);

impl<T: Lines> File<T> {
    const LINES: bindings::seq_operations = bindings::seq_operations {
        start: Some(Self::start),
        stop: Some(Self::stop),
        next: Some(Self::next),
        show: Some(Self::show),
    };

    /// A file that [`Self::open`] opened, as callbacks may use it.
    ///
    /// # Safety
    ///
    /// seq_file has called a callback with `file`. That calls this once, and uses what is returned
    /// during the call only.
    unsafe fn opened<'a>(file: *mut bindings::seq_file) -> (&'a SeqFile, &'a mut Open<T::State>) {
        // SAFETY: seq_file passes a valid file, and has its mutex, so nobody else uses it. `open()`
        // made its private data, of zeroes, which are valid. It exists as long as the file is open.
        unsafe {
            let open = &mut *(*file).private.cast();
            (SeqFile::from_raw(file), open)
        }
    }

    /// Renders the line at or behind a position. Returns null at the end.
    fn render(open: &mut Open<T::State>, position: u64) -> *mut c_void {
        match T::render(&mut open.state, position) {
            Some(next) => {
                open.next = next;
                core::ptr::from_mut(open).cast()
            }
            None => null_mut(),
        }
    }

    /// # Safety
    ///
    /// Only seq_file calls it, with a file that [`Self::open`] opened.
    unsafe extern "C" fn start(
        file: *mut bindings::seq_file,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: By the safety requirements; seq_file passes a valid position, too.
        let ((_, open), position) = unsafe { (Self::opened(file), *position) };
        T::resume(&mut open.state);
        match position {
            0 => HEAD,
            // CAST: Positions are not negative.
            at => Self::render(open, at as u64 - 1),
        }
    }

    /// # Safety
    ///
    /// Only seq_file calls it, with a file that [`Self::open`] opened.
    unsafe extern "C" fn next(
        file: *mut bindings::seq_file,
        shown: *mut c_void,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: By the safety requirements; seq_file passes a valid position, too.
        let ((_, open), position) = unsafe { (Self::opened(file), &mut *position) };
        let at = if shown == HEAD { 0 } else { open.next };
        // CAST: Positions of lines are below 2^62.
        *position = at as bindings::loff_t + 1;
        Self::render(open, at)
    }

    /// # Safety
    ///
    /// Only seq_file calls it.
    unsafe extern "C" fn stop(_file: *mut bindings::seq_file, _shown: *mut c_void) {}

    /// # Safety
    ///
    /// Only seq_file calls it, with a file that [`Self::open`] opened.
    unsafe extern "C" fn show(file: *mut bindings::seq_file, shown: *mut c_void) -> c_int {
        // SAFETY: By the safety requirements.
        let (seq_file, open) = unsafe { Self::opened(file) };
        if shown == HEAD {
            T::head(seq_file);
            return 0;
        }
        let line = T::line(&open.state);
        // SAFETY: The file is valid, and the line's bytes are for their length. If they do not fit,
        // seq_file calls this again with a larger buffer.
        unsafe {
            bindings::seq_write(file, line.as_ptr().cast(), line.len());
            bindings::seq_putc(file, b'\n');
        }
        0
    }

    /// # Safety
    ///
    /// Only the VFS calls it.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: The VFS passes a valid file. The operations are static.
        let open = unsafe {
            bindings::__seq_open_private(
                file,
                &Self::LINES,
                // CAST: It has a few kilobytes.
                size_of::<Open<T::State>>() as c_int,
            )
        };
        if open.is_null() {
            ENOMEM.to_errno()
        } else {
            0
        }
    }

    const FILE: bindings::file_operations = bindings::file_operations {
        owner: this_module::<crate::LocalModule>().as_ptr(),
        open: Some(Self::open),
        read: Some(bindings::seq_read),
        llseek: Some(bindings::seq_lseek),
        release: Some(bindings::seq_release_private),
        ..pin_init::zeroed()
    };
}

impl<T: Writable> File<T> {
    /// # Safety
    ///
    /// Only the VFS calls it.
    unsafe extern "C" fn write(
        _file: *mut bindings::file,
        from: *const c_char,
        count: usize,
        _position: *mut bindings::loff_t,
    ) -> isize {
        let done = || {
            if count > WRITTEN {
                return Err(E2BIG);
            }
            let mut text = KVec::new();
            let from = UserPtr::from_addr(from as usize);
            UserSlice::new(from, count).read_all(&mut text, GFP_KERNEL)?;
            T::write(&text)?;
            // CAST: It is at most `WRITTEN`.
            Ok(count as isize)
        };
        // CAST: Error numbers are small.
        done().unwrap_or_else(|error: Error| error.to_errno() as isize)
    }
}

/// A file that can be read.
pub(crate) struct Shown<T>(PhantomData<T>);

// SAFETY: The functions need nothing but a file that `open()` opened.
unsafe impl<T: Lines> Operations for Shown<T> {
    const FILE: bindings::file_operations = File::<T>::FILE;
}

/// A file that can be read and written.
pub(crate) struct Written<T>(PhantomData<T>);

// SAFETY: As above.
unsafe impl<T: Writable> Operations for Written<T> {
    const FILE: bindings::file_operations = bindings::file_operations {
        write: Some(File::<T>::write),
        ..File::<T>::FILE
    };
}
