// SPDX-License-Identifier: GPL-2.0

//! Files in debugfs.
//!
//! The kernel's Rust debugfs files do not name the module that owns them. If a process holds one
//! open over the module's unload, the close accesses freed memory. These files name their owner, so
//! an open file keeps the module loaded.
//!
//! Tables are rendered row by row, by `seq_operations`, so a long file is not rendered anew each
//! time its buffer grows. Files have mode 0400 and neither ioctl nor mmap, so lockdown leaves them
//! readable. Those that can be written have mode 0600, and lockdown closes them.

use crate::{
    callers::call_site::LastName,
    lib::text::Line, //
};
use core::{
    marker::PhantomData,
    mem::size_of,
    ptr::null_mut, //
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
    /// Prints the first lines, of which the first has the version.
    fn head(file: &SeqFile);

    /// Renders the row at or behind a position, and returns the position behind it. Positions begin
    /// at 0. In a table with a name in each row, `last` has the name of the row before.
    fn row(position: u64, line: &mut Line, last: &mut LastName) -> Option<u64>;
}

/// The state of an open file: the line to show, the position behind it, and, within one read, the
/// name that was looked up last. All zeroes are valid.
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

/// A text of any length.
pub(crate) struct Paper(KVVec<u8>);

impl AsRef<[u8]> for Paper {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Write for Paper {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0
            .extend_from_slice(text.as_bytes(), GFP_KERNEL)
            .map_err(|_| fmt::Error)
    }
}

/// A text for people to read, which is rendered when the file is opened.
pub(crate) trait Page {
    /// Writes the whole text, whose first line has the version. Fails only without memory. Sleeps.
    fn write(to: &mut Paper) -> Result;
}

/// `read()` of a file whose text is in its private data.
///
/// # Safety
///
/// Only the VFS calls it. The file's private data is a pointer to a `T` that nobody changes during
/// the call.
pub(crate) unsafe extern "C" fn read_text<T: AsRef<[u8]>>(
    file: *mut bindings::file,
    to: *mut c_char,
    count: usize,
    position: *mut bindings::loff_t,
) -> isize {
    // SAFETY: By the safety requirements the private data is a `T` that nobody changes during the
    // call.
    let text = unsafe { &*(*file).private_data.cast::<T>() }.as_ref();
    // SAFETY: The text is valid for its length. The VFS passed the other arguments.
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

/// The operations of a file that shows a [`Page`].
struct PageFile<T: Page>(PhantomData<T>);

impl<T: Page> PageFile<T> {
    /// # Safety
    ///
    /// Only the VFS calls it.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        let mut paper = Paper(KVVec::new());
        let paper = T::write(&mut paper).and_then(|()| Ok(KBox::new(paper, GFP_KERNEL)?));
        match paper {
            Ok(paper) => {
                // SAFETY: The VFS passes a valid file, whose private data we may set.
                unsafe { (*file).private_data = KBox::into_raw(paper).cast() };
                0
            }
            // `write()` fails only without memory.
            Err(_) => ENOMEM.to_errno(),
        }
    }

    /// # Safety
    ///
    /// Only the VFS calls it, when nobody uses the file any more.
    unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: `open()` stored it, from `KBox::into_raw()`, and nobody uses it any more.
        drop(unsafe { KBox::from_raw((*file).private_data.cast::<Paper>()) });
        0
    }

    const FILE: bindings::file_operations = bindings::file_operations {
        owner: this_module::<crate::LocalModule>().as_ptr(),
        open: Some(Self::open),
        // `open()` stores the text, which nobody changes before `release()`.
        read: Some(read_text::<Paper>),
        llseek: Some(bindings::default_llseek),
        release: Some(Self::release),
        ..pin_init::zeroed()
    };
}

/// The operations of a file that shows a [`Table`].
struct File<T: Table>(PhantomData<T>);

/// What `start()` returns if `show()` is to show the head.
const HEAD: *mut c_void = core::ptr::without_provenance_mut(1);

impl<T: Table> File<T> {
    const OPERATIONS: bindings::seq_operations = bindings::seq_operations {
        start: Some(Self::start),
        stop: Some(Self::stop),
        next: Some(Self::next),
        show: Some(Self::show),
    };

    /// The cursor of an open file.
    ///
    /// # Safety
    ///
    /// [`Self::open`] opened `file`. The caller has the file's mutex, and no other reference to the
    /// cursor.
    unsafe fn cursor<'a>(file: *mut bindings::seq_file) -> &'a mut Cursor {
        // SAFETY: `open()` made the private data: a cursor of zeroes, which are valid. It exists as
        // long as the file is open. By the safety requirements nobody else uses it.
        unsafe { &mut *(*file).private.cast::<Cursor>() }
    }

    /// Renders the row at a position of the table into the cursor. Returns null at the end.
    fn load(cursor: &mut Cursor, position: u64) -> *mut c_void {
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
    /// Only seq_file calls it, with a file that [`Self::open`] opened, and with the file's mutex.
    unsafe extern "C" fn start(
        file: *mut bindings::seq_file,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: By the safety requirements; this is the only reference in this function.
        let cursor = unsafe { Self::cursor(file) };
        // Modules may have been loaded and unloaded since the last read.
        cursor.last.forget();
        // SAFETY: seq_file passes a valid pointer.
        match unsafe { *position } {
            0 => HEAD,
            // CAST: Positions are not negative.
            at => Self::load(cursor, at as u64 - 1),
        }
    }

    /// # Safety
    ///
    /// Only seq_file calls it, with a file that [`Self::open`] opened, and with the file's mutex.
    unsafe extern "C" fn next(
        file: *mut bindings::seq_file,
        shown: *mut c_void,
        position: *mut bindings::loff_t,
    ) -> *mut c_void {
        // SAFETY: By the safety requirements; this is the only reference in this function.
        let cursor = unsafe { Self::cursor(file) };
        let at = if shown == HEAD { 0 } else { cursor.next };
        // CAST: Positions of tables are below 2^62.
        // SAFETY: seq_file passes a valid pointer.
        unsafe { *position = at as bindings::loff_t + 1 };
        Self::load(cursor, at)
    }

    /// # Safety
    ///
    /// Only seq_file calls it.
    unsafe extern "C" fn stop(_file: *mut bindings::seq_file, _shown: *mut c_void) {}

    /// # Safety
    ///
    /// Only seq_file calls it, with a file that [`Self::open`] opened, and with the file's mutex.
    unsafe extern "C" fn show(file: *mut bindings::seq_file, shown: *mut c_void) -> c_int {
        if shown == HEAD {
            // SAFETY: seq_file passes a valid file, which nobody else uses during the call.
            T::head(unsafe { SeqFile::from_raw(file) });
            return 0;
        }
        // SAFETY: By the safety requirements; this is the only reference in this function.
        let line = unsafe { Self::cursor(file) }.line.as_bytes();
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
        let cursor = unsafe {
            bindings::__seq_open_private(
                file,
                &Self::OPERATIONS,
                // CAST: A cursor has a few kilobytes.
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

/// The most bytes of one write.
const WRITTEN: usize = 4096;

impl<T: Control> File<T> {
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

    const CONTROL: bindings::file_operations = bindings::file_operations {
        write: Some(Self::write),
        ..Self::FILE
    };
}

/// A directory of debugfs, which is removed on drop, with all that is in it.
///
/// # Invariants
///
/// It is a directory, or an error pointer, which debugfs accepts in place of one: then there are no
/// files, which is not an error.
pub(crate) struct Directory(*mut bindings::dentry);

// SAFETY: Any thread may use and remove a directory of debugfs.
unsafe impl Send for Directory {}
// SAFETY: debugfs has its own locks, so several threads may use a directory at the same time.
unsafe impl Sync for Directory {}

impl Directory {
    /// Makes a directory. Sleeps.
    pub(crate) fn new(name: &CStr) -> Self {
        // SAFETY: The name is NUL-terminated. Without a parent it is made in the root.
        let dir = unsafe { bindings::debugfs_create_dir(name.as_char_ptr(), null_mut()) };
        // SAFETY: debugfs returned it, and the function accepts error pointers.
        unsafe { crate::sys::raw::rust_pool_make_private(dir) };
        // INVARIANT: debugfs returned it.
        Self(dir)
    }

    /// Adds a directory, which is removed with this one. Sleeps.
    pub(crate) fn directory(&self, name: &CStr) -> *mut bindings::dentry {
        // SAFETY: The name is NUL-terminated. By the type invariant the parent is a directory, or
        // an error pointer.
        unsafe { bindings::debugfs_create_dir(name.as_char_ptr(), self.0) }
    }

    /// Adds a file that shows a table. Sleeps.
    pub(crate) fn file<T: Table>(&self, name: &CStr) {
        self.add(name, 0o400, &File::<T>::FILE);
    }

    /// Adds a file that shows a text for people to read. Sleeps.
    pub(crate) fn page<T: Page>(&self, name: &CStr) {
        self.add(name, 0o400, &PageFile::<T>::FILE);
    }

    /// Adds a file that can be written as well. Sleeps.
    pub(crate) fn control<T: Control>(&self, name: &CStr) {
        self.add(name, 0o600, &File::<T>::CONTROL);
    }

    fn add(&self, name: &CStr, mode: u16, operations: &'static bindings::file_operations) {
        // SAFETY: The name is NUL-terminated, and the operations are static. By the type invariant
        // the parent is a directory, or an error pointer.
        unsafe {
            bindings::debugfs_create_file_full(
                name.as_char_ptr(),
                mode,
                self.0,
                null_mut(),
                core::ptr::null(),
                operations,
            )
        };
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is a directory, or an error pointer, which the function
        // accepts.
        unsafe { bindings::debugfs_remove(self.0) };
    }
}
