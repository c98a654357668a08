// SPDX-License-Identifier: GPL-2.0

//! Whether the pages of an MDL may be written.

use crate::{
    api::memory::{
        private::Sealed,
        Memory, //
    },
    lib::text::kwrite,
    sys::raw, //
};
use kernel::{
    fmt,
    prelude::*,
    transmute::FromBytes, //
};

/// What may be done with the pages of an MDL: [`ReadOnly`] or [`ReadWrite`].
pub trait Access: Sealed {
    /// How the pages are accessed where they are mapped.
    type Memory: fmt::Debug;

    /// Whether they may be written.
    const WRITABLE: bool;

    /// The `LOCK_OPERATION` of the WDK.
    #[doc(hidden)]
    const OPERATION: u32;

    /// The memory, with the accesses that are allowed.
    #[doc(hidden)]
    fn view(memory: &Memory) -> &Self::Memory;
}

/// The pages may only be read, by the CPU and by a device. The WDK's `IoReadAccess`.
pub struct ReadOnly(());

/// The pages may be read and written. The WDK's `IoModifyAccess`.
pub struct ReadWrite(());

impl Sealed for ReadOnly {}
impl Sealed for ReadWrite {}

impl Access for ReadOnly {
    type Memory = ReadOnlyMemory;

    const WRITABLE: bool = false;
    const OPERATION: u32 = raw::_LOCK_OPERATION_IoReadAccess;

    #[inline(always)]
    fn view(memory: &Memory) -> &ReadOnlyMemory {
        // SAFETY: It is a transparent wrapper.
        unsafe { &*core::ptr::from_ref(memory).cast() }
    }
}

impl Access for ReadWrite {
    type Memory = Memory;

    const WRITABLE: bool = true;
    const OPERATION: u32 = raw::_LOCK_OPERATION_IoModifyAccess;

    #[inline(always)]
    fn view(memory: &Memory) -> &Memory {
        memory
    }
}

/// [`Memory`] that may only be read. Others may change it at any time, as they may change that.
#[repr(transparent)]
pub struct ReadOnlyMemory(Memory);

impl ReadOnlyMemory {
    /// How many bytes there are.
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The virtual address. Nothing may be written there.
    #[inline]
    pub fn as_ptr(&self) -> *const u8 {
        self.0.as_ptr()
    }

    /// Reads a value, volatile. Any context.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if it does not lie in the memory or is not aligned.
    #[inline]
    pub fn read<T: FromBytes>(&self, offset: usize) -> Result<T> {
        self.0.read(offset)
    }

    /// Copies from the memory. Any context.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if there are fewer bytes.
    #[inline]
    pub fn copy_to_slice(&self, offset: usize, to: &mut [u8]) -> Result {
        self.0.copy_to_slice(offset, to)
    }
}

/// Shows the address as `%p` does, and the size.
impl fmt::Debug for ReadOnlyMemory {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, len) = (self.as_ptr(), self.len());
        kwrite!(f, "ReadOnlyMemory {{ at: {at:p}, len: {len} }}")
    }
}
