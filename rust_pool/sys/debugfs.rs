// SPDX-License-Identifier: GPL-2.0

//! Directories and files in debugfs.
//!
//! The kernel's Rust debugfs files do not name the module that owns them. If a process holds one
//! open over the module's unload, the close accesses freed memory. These files name their owner, so
//! an open file keeps the module loaded.

use crate::sys::raw;
use core::{
    marker::PhantomData,
    ptr::{
        null,
        null_mut, //
    }, //
};
use kernel::{
    bindings,
    module::this_module,
    prelude::*,
    str::CStr, //
};

/// The operations of a file.
///
/// # Safety
///
/// The VFS may call the functions in `FILE` for a file whose inode has no private data.
pub(crate) unsafe trait Operations {
    /// The operations.
    const FILE: bindings::file_operations;
}

/// A directory or a file, which is removed on drop, with all that is in it.
///
/// # Invariants
///
/// It is a directory or a file, or an error pointer, which debugfs accepts in place of one: then
/// there are no files, which is not an error.
struct Owned(*mut bindings::dentry);

// SAFETY: Any thread may use and remove it.
unsafe impl Send for Owned {}
// SAFETY: debugfs has its own locks, so several threads may use it at the same time.
unsafe impl Sync for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is a directory or a file, or an error pointer, which the
        // function accepts. It waits for those who are reading a file.
        unsafe { bindings::debugfs_remove(self.0) };
    }
}

/// A directory in the root of debugfs. It is removed on drop, with all that is in it, at our
/// unload.
pub(crate) struct Directory(Owned);

/// A directory in a [`Directory`].
///
/// # Invariants
///
/// As for [`Owned`], until the [`Directory`] is dropped. After that nobody uses this.
pub(crate) struct Subdirectory(*mut bindings::dentry);

// SAFETY: As for `Owned`.
unsafe impl Send for Subdirectory {}
// SAFETY: As for `Owned`.
unsafe impl Sync for Subdirectory {}

impl Directory {
    /// Makes a directory. Sleeps.
    pub(crate) fn new(name: &CStr) -> Self {
        let dir = Self::make(name, None);
        // SAFETY: debugfs returned it, and the function accepts error pointers.
        unsafe { raw::rust_pool_make_private(dir) };
        // INVARIANT: debugfs returned it.
        Self(Owned(dir))
    }

    /// Adds a directory, which is removed with this one. Sleeps.
    pub(crate) fn directory(&self, name: &CStr) -> Subdirectory {
        // INVARIANT: debugfs returned it.
        Subdirectory(Self::make(name, Some(&self.0)))
    }

    /// Makes a directory in a directory, or in the root.
    fn make(name: &CStr, parent: Option<&Owned>) -> *mut bindings::dentry {
        let parent = parent.map_or(null_mut(), |parent| parent.0);
        // SAFETY: The name is NUL-terminated. The parent is null, or by the type invariant a
        // directory or an error pointer.
        unsafe { bindings::debugfs_create_dir(name.as_char_ptr(), parent) }
    }

    /// Adds a file. Sleeps.
    pub(crate) fn add<T: Operations + 'static>(&self, name: &CStr, mode: u16) {
        let operations: &'static bindings::file_operations = &T::FILE;
        // SAFETY: The name is NUL-terminated. By the type invariant the parent is a directory, or
        // an error pointer. The operations are static, and by the safety requirements of
        // `Operations` fit a file without private data.
        unsafe {
            bindings::debugfs_create_file_full(
                name.as_char_ptr(),
                mode,
                self.0 .0,
                null_mut(),
                null(),
                operations,
            )
        };
    }
}

/// A text of any length.
type Text = KVVec<u8>;

/// `read()` of a file whose text is in its private data.
///
/// # Safety
///
/// Only the VFS calls it. The file's private data is a pointer to a [`Text`] that nobody changes
/// during the call.
unsafe extern "C" fn read_text(
    file: *mut bindings::file,
    to: *mut c_char,
    count: usize,
    position: *mut bindings::loff_t,
) -> isize {
    // SAFETY: By the safety requirements the private data is a text that nobody changes during the
    // call.
    let text = unsafe { &*(*file).private_data.cast::<Text>() };
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

/// A text that is rendered when a file is opened.
pub(crate) trait Rendered {
    /// The text. Fails only without memory. Sleeps.
    fn render() -> Result<KVVec<u8>>;
}

/// The operations of a file that shows a [`Rendered`] text.
pub(crate) struct Page<T: Rendered>(PhantomData<T>);

impl<T: Rendered> Page<T> {
    /// # Safety
    ///
    /// Only the VFS calls it.
    unsafe extern "C" fn open(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        match T::render().and_then(|text| Ok(KBox::new(text, GFP_KERNEL)?)) {
            Ok(text) => {
                // SAFETY: The VFS passes a valid file, whose private data we may set.
                unsafe { (*file).private_data = KBox::into_raw(text).cast() };
                0
            }
            // `render()` fails only without memory.
            Err(_) => ENOMEM.to_errno(),
        }
    }

    /// # Safety
    ///
    /// Only the VFS calls it, when nobody uses the file any more.
    unsafe extern "C" fn release(_inode: *mut bindings::inode, file: *mut bindings::file) -> c_int {
        // SAFETY: `open()` stored it, from `KBox::into_raw()`, and nobody uses it any more.
        drop(unsafe { KBox::from_raw((*file).private_data.cast::<Text>()) });
        0
    }
}

// SAFETY: `open()` stores the text, which nobody changes before `release()`.
unsafe impl<T: Rendered> Operations for Page<T> {
    const FILE: bindings::file_operations = bindings::file_operations {
        owner: this_module::<crate::LocalModule>().as_ptr(),
        open: Some(Self::open),
        read: Some(read_text),
        llseek: Some(bindings::default_llseek),
        release: Some(Self::release),
        ..pin_init::zeroed()
    };
}

/// A file that shows one text, and is removed on drop.
#[repr(transparent)]
pub(crate) struct TextFile(KBox<File>);

/// Fields are dropped in this order, so nobody reads the text when it goes.
///
/// # Invariants
///
/// The file shows the text, which nobody changes.
struct File {
    _file: Owned,
    _text: KBox<Text>,
}

impl TextFile {
    /// Makes a file with a copy of a text. If debugfs makes none, nobody sees the text, which is
    /// not an error. Sleeps.
    pub(crate) fn new(dir: &Subdirectory, name: &CStr, text: &[u8]) -> Result<Self> {
        const OPERATIONS: bindings::file_operations = bindings::file_operations {
            owner: this_module::<crate::LocalModule>().as_ptr(),
            // It stores the inode's private data in the file.
            open: Some(bindings::simple_open),
            read: Some(read_text),
            llseek: Some(bindings::default_llseek),
            ..pin_init::zeroed()
        };
        let mut copy = Text::with_capacity(text.len(), GFP_KERNEL)?;
        copy.extend_from_slice(text, GFP_KERNEL)?;
        let text = KBox::new(copy, GFP_KERNEL)?;
        let file = KBox::<File>::new_uninit(GFP_KERNEL)?;
        // SAFETY: The name is NUL-terminated, and the operations are static. By the type invariant
        // the parent is a directory, or an error pointer. The private data is a text, which stays
        // in its box, unchanged, until the file was removed.
        let made = unsafe {
            bindings::debugfs_create_file_full(
                name.as_char_ptr(),
                0o400,
                dir.0,
                core::ptr::from_ref::<Text>(&text).cast_mut().cast(),
                null(),
                &OPERATIONS,
            )
        };
        // INVARIANT: debugfs returned the file, which shows the text.
        let file = KBox::write(
            file,
            File {
                _file: Owned(made),
                _text: text,
            },
        );
        Ok(Self(file))
    }
}
