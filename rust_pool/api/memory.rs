// SPDX-License-Identifier: GPL-2.0

//! Access to memory that others may change meanwhile.

use crate::{
    lib::{
        argument::Given,
        text::kwrite, //
    },
    sys::raw, //
};
use core::{
    marker::PhantomData,
    mem::{
        align_of,
        size_of, //
    },
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    fmt,
    prelude::*,
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};

pub(super) mod private {
    pub trait Sealed {}
}

/// A way to cache memory: [`Cached`], [`Uncached`] or [`WriteCombined`].
pub trait CacheType: private::Sealed {
    /// The `MEMORY_CACHING_TYPE` of the WDK.
    const RAW: i32;

    /// The name of the type.
    #[doc(hidden)]
    const NAME: &'static str;
}

/// A way to cache memory other than [`Cached`].
pub trait NotCached: CacheType {
    /// Whether writes are combined.
    const COMBINED: bool;
}

macro_rules! cache_types {
    ($($(#[$doc:meta])* $name:ident = $value:ident,)*) => {$(
        $(#[$doc])*
        pub struct $name(());

        impl private::Sealed for $name {}

        impl CacheType for $name {
            const RAW: i32 = crate::types::cache_type::CacheType::$value as i32;
            const NAME: &'static str = stringify!($name);
        }
    )*};
}

cache_types! {
    /// Write-back, as ordinary memory.
    Cached = Cached,
    /// Every access reaches memory at once and in order.
    Uncached = Uncached,
    /// Reads are uncached; writes may be gathered and reordered until a barrier.
    WriteCombined = WriteCombined,
}

impl NotCached for Uncached {
    const COMBINED: bool = false;
}

impl NotCached for WriteCombined {
    const COMBINED: bool = true;
}

/// Memory of which [`Self::len`] bytes are the owner's. It begins at a page, except for the buffer
/// of an [`Mdl`](crate::Mdl), which may be any.
///
/// A device, or anybody who knows the address, may change it at any time, so there is no `&[u8]` to
/// it: accesses are volatile or copy.
///
/// # Invariants
///
/// `base` is valid for reads and writes of `len` bytes while the value lives.
pub struct Memory {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: Any thread may access the memory.
unsafe impl Send for Memory {}
// SAFETY: All accesses are volatile, or copies that the compiler does not see, as the device may
// change the memory at any time as well. Concurrent writers leave any bytes, and only types that
// accept any bytes can be read.
unsafe impl Sync for Memory {}

/// Some bytes of memory.
///
/// # Invariants
///
/// For `'a` so many bytes from `at` on are valid for reads and writes, and there are no references
/// to them.
struct Place<'a> {
    at: *mut u8,
    bytes: usize,
    _memory: PhantomData<&'a Memory>,
}

impl Place<'_> {
    #[inline]
    fn fill(&self, value: u8) {
        // SAFETY: By the type invariant.
        unsafe { raw::rust_pool_fill(self.at.cast(), value, self.bytes) };
    }
}

/// A copy that is to be made.
///
/// # Invariants
///
/// So many bytes are valid for reads from `from` on, and for writes from `to` on. They do not
/// overlap.
struct Copying {
    to: *mut u8,
    from: *const u8,
    bytes: usize,
}

impl Copying {
    /// Makes the copy. The compiler does not see it, so it can neither repeat nor split a read.
    #[inline]
    fn run(self) {
        // SAFETY: By the type invariant.
        unsafe { raw::rust_pool_copy(self.to.cast(), self.from.cast(), self.bytes) };
    }
}

impl Memory {
    /// Wraps memory.
    ///
    /// # Safety
    ///
    /// `base` is valid for reads and writes of `len` bytes while the value lives, and nobody has a
    /// reference to them.
    #[inline]
    pub(crate) unsafe fn new(base: NonNull<u8>, len: usize) -> Self {
        // INVARIANT: By the safety requirements.
        Self { base, len }
    }

    /// No memory.
    #[inline]
    fn none() -> Self {
        // INVARIANT: There are no bytes at the address.
        Self {
            base: NonNull::dangling(),
            len: 0,
        }
    }

    /// Some of the memory.
    #[inline]
    pub(super) fn part(&self, offset: usize, bytes: usize) -> Result<PartOf<'_>> {
        let place = self.range(offset, bytes)?;
        // INVARIANT: By the invariant of `Place`, which holds as long as this value is borrowed.
        let memory = Self {
            base: NonNull::new(place.at).ok_or(EINVAL)?,
            len: place.bytes,
        };
        Ok(PartOf {
            memory,
            _whole: PhantomData,
        })
    }

    /// Clears the memory. Any context.
    #[inline]
    pub fn zero(&self) {
        // INVARIANT: This is all of the memory, to which nobody has a reference.
        let all = Place {
            at: self.base.as_ptr(),
            bytes: self.len,
            _memory: PhantomData,
        };
        all.fill(0);
    }

    /// Fills `bytes` bytes of the memory with a value. Any context.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if there are fewer bytes.
    #[inline]
    pub fn fill(&self, offset: usize, bytes: usize, value: u8) -> Result {
        self.range(offset, bytes)?.fill(value);
        Ok(())
    }

    /// Bytes asked for.
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes really taken: whole pages, of those that begin at a page.
    #[inline]
    pub fn used(&self) -> usize {
        self.len.next_multiple_of(crate::sys::PAGE_SIZE)
    }

    /// Where it begins.
    #[inline]
    pub(super) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// The virtual address, valid as long as the value. It is aligned to a page, unless this is the
    /// buffer of an MDL.
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    #[inline]
    fn range(&self, offset: usize, bytes: usize) -> Result<Place<'_>> {
        if offset.checked_add(bytes).ok_or(EINVAL)? > self.len {
            return Err(EINVAL);
        }
        // INVARIANT: As just checked, these bytes lie in the memory.
        Ok(Place {
            at: self.base.as_ptr().wrapping_add(offset),
            bytes,
            _memory: PhantomData,
        })
    }

    /// The address of a value, which lies in the memory and is aligned.
    #[inline]
    fn address_of<T>(&self, offset: usize) -> Result<*mut T> {
        let at = self.range(offset, size_of::<T>())?.at;
        if at as usize % align_of::<T>() != 0 {
            return Err(EINVAL);
        }
        Ok(at.cast())
    }

    /// Reads a value, volatile. Any context.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if it does not lie in the memory or is not aligned.
    #[inline]
    pub fn read<T: FromBytes>(&self, offset: usize) -> Result<T> {
        let at = self.address_of::<T>(offset)?;
        // SAFETY: It lies in the memory and is aligned. Any bytes are a valid `T`.
        Ok(unsafe { at.read_volatile() })
    }

    /// Writes a value, volatile. Any context.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    #[inline]
    pub fn write<T: AsBytes>(&self, offset: usize, value: T) -> Result {
        let at = self.address_of::<T>(offset)?;
        // SAFETY: It lies in the memory and is aligned.
        unsafe { at.write_volatile(value) };
        Ok(())
    }

    /// Copies from the memory. Any context.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if there are fewer bytes.
    #[inline]
    pub fn copy_to_slice(&self, offset: usize, to: &mut [u8]) -> Result {
        let from = self.range(offset, to.len())?;
        // INVARIANT: By the invariant of `Place`; the slice has as many bytes. It is exclusive, so
        // they do not overlap.
        let copy = Copying {
            to: to.as_mut_ptr(),
            from: from.at,
            bytes: from.bytes,
        };
        copy.run();
        Ok(())
    }

    /// Copies into the memory. Any context.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if there is room for fewer bytes.
    #[inline]
    pub fn copy_from_slice(&self, offset: usize, from: &[u8]) -> Result {
        let to = self.range(offset, from.len())?;
        // INVARIANT: By the invariant of `Place`; the slice has as many bytes. There are no
        // references to the memory, so they do not overlap.
        let copy = Copying {
            to: to.at,
            from: from.as_ptr(),
            bytes: to.bytes,
        };
        copy.run();
        Ok(())
    }
}

/// Some of other memory, which is borrowed.
pub(super) struct PartOf<'a> {
    memory: Memory,
    _whole: PhantomData<&'a Memory>,
}

impl PartOf<'_> {
    /// No part of any.
    #[inline]
    pub(super) fn none() -> Self {
        Self {
            memory: Memory::none(),
            _whole: PhantomData,
        }
    }
}

impl Deref for PartOf<'_> {
    type Target = Memory;

    #[inline(always)]
    fn deref(&self) -> &Memory {
        &self.memory
    }
}

/// Memory that a routine of rust_pool gave out. The owner of this value gives it back.
///
/// # Invariants
///
/// It is of no bytes, or there is no other such value for it.
pub(crate) struct Owned(Memory);

impl Owned {
    /// Memory that was just given out, or `None` for null.
    ///
    /// # Safety
    ///
    /// `base` is null, or memory of at least `len` bytes that was just given out, and is there
    /// until the result is given back.
    #[inline(always)]
    pub(crate) unsafe fn new(base: *mut c_void, len: usize) -> Option<Self> {
        let base = NonNull::new(base.cast())?;
        // INVARIANT: It was just given out, so there is no reference to it.
        Some(Self(Memory { base, len }))
    }

    /// The memory, to be given back. None of it is left here.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Self {
        // INVARIANT: It is of no bytes.
        Self(core::mem::replace(&mut self.0, Memory::none()))
    }
}

impl Deref for Owned {
    type Target = Memory;

    #[inline(always)]
    fn deref(&self) -> &Memory {
        &self.0
    }
}

/// It is given back.
impl Given<*mut c_void> for Owned {
    #[inline(always)]
    fn given(self) -> *mut c_void {
        self.as_ptr().cast()
    }
}

/// Shows the address as `%p` does, and the size.
impl fmt::Debug for Memory {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(f, "Memory {{ at: {:p}, len: {} }}", self.base, self.len)
    }
}
