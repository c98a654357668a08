// SPDX-License-Identifier: GPL-2.0

//! Descriptors in a common buffer.

use crate::api::adapter::{
    Adapter,
    CommonBuffer, //
};
use core::{
    marker::PhantomData,
    mem::{
        align_of,
        size_of, //
    }, //
};
use kernel::{
    fmt,
    prelude::*,
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};

/// A ring of descriptors that the CPU and a device share: an array of `T` in a common buffer.
///
/// `T` is a `#[repr(C)]` type with the layout that the device expects. The device finds the first
/// descriptor at [`Self::bus_address`].
///
/// A descriptor that is larger than what the CPU can access at once is read and written in several
/// accesses, in any order. To hand one to the device, write it first; then, behind a barrier, write
/// the field that makes the device its owner:
///
/// ```ignore
/// let slot = ring.slot(head);
/// ring.write(slot, Descriptor { buffer, len, owner: 0 })?;
/// dma_mb(Write);
/// ring.write_field(slot, offset_of!(Descriptor, owner), DEVICE)?;
/// ```
///
/// It is dropped as a [`CommonBuffer`] is.
///
/// # Invariants
///
/// The buffer has room for `len` values of `T`, of which there is at least one.
pub struct DescriptorRing<'a, T> {
    buffer: CommonBuffer<'a>,
    len: usize,
    // The ring owns no `T`: descriptors are copied in and out.
    _descriptors: PhantomData<fn(T) -> T>,
}

impl<'a, T: AsBytes + FromBytes> DescriptorRing<'a, T> {
    /// Allocates a ring of `len` descriptors, all bytes of which are 0, page-aligned. Sleeps;
    /// elsewhere a violation (0xC2/0x08).
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the ring would have no bytes, or too many to count, or if the alignment of `T`
    /// is more than a page. Otherwise as for [`Adapter::allocate`].
    #[inline(always)]
    pub fn new(adapter: &Adapter<'a>, len: usize) -> Result<Self> {
        let bytes = size_of::<T>().checked_mul(len).ok_or(EINVAL)?;
        if bytes == 0 || align_of::<T>() > crate::sys::PAGE_SIZE {
            return Err(EINVAL);
        }
        // INVARIANT: The buffer has `len` times the size of a `T`.
        Ok(Self {
            buffer: adapter.allocate(bytes)?,
            len,
            _descriptors: PhantomData,
        })
    }

    /// How many descriptors there are.
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The index of a descriptor for a running count.
    #[inline]
    pub fn slot(&self, count: usize) -> usize {
        // By the type invariant `len` is not 0.
        count.checked_rem(self.len).unwrap_or(0)
    }

    /// The address by which the device finds the first descriptor.
    #[inline]
    pub fn bus_address(&self) -> u64 {
        self.buffer.bus_address()
    }

    /// The address by which the device finds a descriptor.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if there is no descriptor with this index.
    #[inline]
    pub fn bus_address_of(&self, index: usize) -> Result<u64> {
        let offset = self.offset(index)?;
        // CAST: `usize` is 64 bits wide on the architectures supported.
        Ok(self.bus_address().wrapping_add(offset as u64))
    }

    /// Reads a descriptor, volatile. Any context.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if there is no descriptor with this index.
    #[inline]
    pub fn read(&self, index: usize) -> Result<T> {
        self.buffer.read(self.offset(index)?)
    }

    /// Writes a descriptor, volatile. Any context.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    #[inline]
    pub fn write(&self, index: usize, descriptor: T) -> Result {
        self.buffer.write(self.offset(index)?, descriptor)
    }

    /// Reads the field at an `offset_of!` in a descriptor, volatile: in one access if the CPU can.
    /// Any context.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if there is no descriptor with this index, or if the field does not lie in one or
    /// is not aligned.
    #[inline]
    pub fn read_field<F: FromBytes>(&self, index: usize, field: usize) -> Result<F> {
        self.buffer.read(self.field::<F>(index, field)?)
    }

    /// Writes such a field, volatile. Any context.
    ///
    /// # Errors
    ///
    /// As for [`Self::read_field`].
    #[inline]
    pub fn write_field<F: AsBytes>(&self, index: usize, field: usize, value: F) -> Result {
        self.buffer.write(self.field::<F>(index, field)?, value)
    }

    /// The memory that it is in.
    #[inline]
    pub fn buffer(&self) -> &CommonBuffer<'a> {
        &self.buffer
    }

    #[inline]
    fn offset(&self, index: usize) -> Result<usize> {
        if index >= self.len {
            return Err(EINVAL);
        }
        index.checked_mul(size_of::<T>()).ok_or(EINVAL)
    }

    #[inline]
    fn field<F>(&self, index: usize, field: usize) -> Result<usize> {
        let end = field.checked_add(size_of::<F>()).ok_or(EINVAL)?;
        if end > size_of::<T>() {
            return Err(EINVAL);
        }
        self.offset(index)?.checked_add(field).ok_or(EINVAL)
    }
}

impl<T> fmt::Debug for DescriptorRing<'_, T> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescriptorRing")
            .field("len", &self.len)
            .field("buffer", &self.buffer)
            .finish()
    }
}
