// SPDX-License-Identifier: GPL-2.0

//! Files in debugfs, one row at a time.
//!
//! The kernel's Rust debugfs files do not name the module that owns them, so one that is held open
//! over an unload touches freed memory on close. These do: an open file holds the module. They are
//! `seq_operations` iterators, so that a long file is not rendered anew each time a buffer doubles,
//! and have mode 0400 and no ioctl or mmap, so that lockdown leaves them readable. Files to write
//! are of mode 0600, which lockdown closes.

use crate::{
    callers::call_site::LastName,
    lib::text::Line, //
};
use core::{
    marker::PhantomData,
    mem::size_of,
    ptr::{
        null_mut,
        NonNull, //
    }, //
};
use kernel::{
    bindings,
    fmt,
    module::this_module,
    prelude::*,
    seq_file::SeqFile,
    str::CStr,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// A table that a file shows.
pub(crate) trait Table {
    /// Prints the first lines, the version before all.
    fn head(file: &SeqFile);

    /// Renders the row at or behind a position, counted from 0, and returns the position behind it.
    /// `last` remembers what the row before it looked up, for a table with a name in each row.
    fn row(position: u64, line: &mut Line, last: &mut LastName) -> Option<u64>;
}

/// What an open file remembers: the line to show, the position behind it, and within one read the
/// name that was looked up last.
struct Cursor {
    line: Line,
    next: u64,
    last: LastName,
}

/// A table that can be written to.
pub(crate) trait Control: Table {
    /// Applies the text, all of it or nothing. Sleeps.
    fn write(text: &[u8]) -> Result;
}

/// Text that grows.
pub(crate) struct Paper(KVVec<u8>);

impl fmt::Write for Paper {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0
            .extend_from_slice(text.as_bytes(), GFP_KERNEL)
            .map_err(|_| fmt::Error)
    }
}

/// A text for people, rendered when the file is opened.
pub(crate) trait Page {
    /// Writes all of it, the version before all; it fails for want of memory. Sleeps.
    fn write(to: &mut Paper) -> Result;
}

/// What `read()` of a file whose whole text is there comes to.
///
/// # Safety
///
/// All but the text is as the VFS passed it to `read()`.
pub(crate) unsafe fn read_text(
    text: &[u8],
    to: *mut c_char,
    count: usize,
    position: *mut bindings::loff_t,
) -> isize {
    // SAFETY: The text is valid for its length; the rest is so by the safety requirements.
    unsafe {
        bindings::simple_read_from_buffer(
            to.cast(),
            count,
            position,
            text.as_ptr().cast(),
            text.len(),
        )
    }
}

struct PageFile<T: Page>(PhantomData<T>);

impl<T: Page> PageFile<T> {
    /// # Safety
    ///
    /// Called by the VFS only.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        let mut paper = Paper(KVVec::new());
        let paper = T::write(&mut paper).and_then(|()| Ok(KBox::new(paper, GFP_KERNEL)?));
        match paper {
            Ok(paper) => {
                // SAFETY: The VFS passes a valid file, whose private data is ours.
                unsafe { (*file).private_data = KBox::into_raw(paper).cast() };
                0
            }
            // Rendering can fail only because memory is short.
            Err(_) => ENOMEM.to_errno(),
        }
    }

    /// # Safety
    ///
    /// Called by the VFS only.
    unsafe extern "C" fn read(
        file: *mut bindings::file,
        to: *mut c_char,
        count: usize,
        position: *mut bindings::loff_t,
    ) -> isize {
        // SAFETY: `open()` stored the paper, which stays until `release()`.
        let text = unsafe { &(*(*file).private_data.cast::<Paper>()).0 };
        // SAFETY: The VFS passed the rest.
        unsafe { read_text(text, to, count, position) }
    }

    /// # Safety
    ///
    /// Called by the VFS only, when nobody uses the file any more.
    unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: `open()` stored it, and nobody uses it any more.
        drop(unsafe { KBox::from_raw((*file).private_data.cast::<Paper>()) });
        0
    }

    const FILE: bindings::file_operations = bindings::file_operations {
        owner: this_module::<crate::LocalModule>().as_ptr(),
        open: Some(Self::open),
        read: Some(Self::read),
        llseek: Some(bindings::default_llseek),
        release: Some(Self::release),
        ..pin_init::zeroed()
    };
}

struct File<T: Table>(PhantomData<T>);

/// Where `start()` and `next()` say that the head is to be shown.
const HEAD: *mut c_void = core::ptr::without_provenance_mut(1);

impl<T: Table> File<T> {
    const OPERATIONS: bindings::seq_operations = bindings::seq_operations {
        start: Some(Self::start),
        stop: Some(Self::stop),
        next: Some(Self::next),
        show: Some(Self::show),
    };

    /// Renders the row at a position of the table.
    ///
    /// # Safety
    ///
    /// `file` was opened by [`Self::open`] and is not used by anybody else.
    unsafe fn load(file: *mut bindings::seq_file, position: u64) -> *mut c_void {
        // SAFETY: By the safety requirements, the private data is a cursor, zeroed at open, which
        // is a valid value.
        let cursor = unsafe { &mut *(*file).private.cast::<Cursor>() };
        cursor.line.clear();
        match T::row(position, &mut cursor.line, &mut cursor.last) {
            Some(next) => {
                cursor.next = next;
                core::ptr::from_mut(cursor).cast()
            }
            None => null_mut(),
        }
    }

    /// # Safety
    ///
    /// Called by seq_file only, under the file's mutex.
    unsafe extern "C" fn start(
        file: *mut bindings::seq_file,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        // Modules may have come and gone since the last read.
        // SAFETY: The private data is a cursor, as in `load()`.
        unsafe { (*(*file).private.cast::<Cursor>()).last.forget() };
        // SAFETY: seq_file passes valid pointers.
        match unsafe { *position } {
            0 => HEAD,
            // CAST: Positions are not negative.
            // SAFETY: seq_file calls this under the file's mutex.
            at => unsafe { Self::load(file, at as u64 - 1) },
        }
    }

    /// # Safety
    ///
    /// As for [`Self::start`].
    unsafe extern "C" fn next(
        file: *mut bindings::seq_file,
        shown: *mut c_void,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        let at = if shown == HEAD {
            0
        } else {
            // SAFETY: Anything but the head is the file's cursor.
            unsafe { (*shown.cast::<Cursor>()).next }
        };
        // CAST: Positions of tables are small.
        // SAFETY: seq_file passes a valid pointer.
        unsafe { *position = at as bindings::loff_t + 1 };
        // SAFETY: seq_file calls this under the file's mutex.
        unsafe { Self::load(file, at) }
    }

    /// # Safety
    ///
    /// As for [`Self::start`].
    unsafe extern "C" fn stop(_file: *mut bindings::seq_file, _shown: *mut c_void) {}

    /// # Safety
    ///
    /// As for [`Self::start`].
    unsafe extern "C" fn show(file: *mut bindings::seq_file, shown: *mut c_void) -> c_int {
        // SAFETY: seq_file passes a valid pointer that nobody else uses meanwhile.
        let out = unsafe { SeqFile::from_raw(file) };
        if shown == HEAD {
            T::head(out);
            return 0;
        }
        // SAFETY: Anything but the head is the file's cursor.
        let line = unsafe { (*shown.cast::<Cursor>()).line.as_bytes() };
        // SAFETY: The file is valid, and so are the line's bytes for their length. What does not
        // fit has seq_file call this again with a larger buffer.
        unsafe {
            bindings::seq_write(file, line.as_ptr().cast(), line.len());
            bindings::seq_putc(file, b'\n');
        }
        0
    }

    /// # Safety
    ///
    /// Called by the VFS only.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: The VFS passes a valid file; the operations are static.
        let cursor = unsafe {
            bindings::__seq_open_private(
                file,
                &Self::OPERATIONS,
                // CAST: A cursor is small.
                size_of::<Cursor>() as c_int,
            )
        };
        if cursor.is_null() {
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

/// The most that is written at once.
const WRITTEN: usize = 4096;

impl<T: Control> File<T> {
    /// # Safety
    ///
    /// Called by the VFS only.
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
            // CAST: No more than `WRITTEN`.
            Ok(count as isize)
        };
        // CAST: Error numbers are small.
        done().unwrap_or_else(|error: Error| error.to_errno() as isize)
    }

    const CONTROL: bindings::file_operations = bindings::file_operations {
        write: Some(Self::write),
        ..Self::FILE
    };
}

/// The module's directory; files and all, it goes on drop.
pub(crate) struct Directory(NonNull<bindings::dentry>);

// SAFETY: debugfs may be used from any thread.
unsafe impl Send for Directory {}
// SAFETY: As above.
unsafe impl Sync for Directory {}

impl Directory {
    /// Makes a directory. Without debugfs there is none, and no files either: not an error. Sleeps.
    pub(crate) fn new(name: &CStr) -> Self {
        // SAFETY: The name is NUL-terminated. debugfs accepts its own error pointers as parents.
        let dir = unsafe { bindings::debugfs_create_dir(name.as_char_ptr(), null_mut()) };
        // SAFETY: As above.
        unsafe { crate::sys::raw::rust_pool_make_private(dir) };
        Self(NonNull::new(dir).unwrap_or(NonNull::dangling()))
    }

    /// Adds a directory, which goes with this one. Sleeps.
    pub(crate) fn directory(&self, name: &CStr) -> NonNull<bindings::dentry> {
        // SAFETY: The name is NUL-terminated, the parent is debugfs's.
        let dir = unsafe { bindings::debugfs_create_dir(name.as_char_ptr(), self.0.as_ptr()) };
        NonNull::new(dir).unwrap_or(NonNull::dangling())
    }

    /// Adds a file that shows a table. Sleeps.
    pub(crate) fn file<T: Table>(&self, name: &CStr) {
        self.add(name, 0o400, &File::<T>::FILE);
    }

    /// Adds a file that shows a text for people. Sleeps.
    pub(crate) fn page<T: Page>(&self, name: &CStr) {
        self.add(name, 0o400, &PageFile::<T>::FILE);
    }

    /// Adds a file that can be written as well. Sleeps.
    pub(crate) fn control<T: Control>(&self, name: &CStr) {
        self.add(name, 0o600, &File::<T>::CONTROL);
    }

    fn add(&self, name: &CStr, mode: u16, operations: &'static bindings::file_operations) {
        // SAFETY: The name is NUL-terminated, the parent is debugfs's, the operations are static.
        unsafe {
            bindings::debugfs_create_file_full(
                name.as_char_ptr(),
                mode,
                self.0.as_ptr(),
                null_mut(),
                core::ptr::null(),
                operations,
            )
        };
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: The directory is debugfs's, or an error pointer, which this accepts.
        unsafe { bindings::debugfs_remove(self.0.as_ptr()) };
    }
}
