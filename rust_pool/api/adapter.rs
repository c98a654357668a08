// SPDX-License-Identifier: GPL-2.0

//! Owned DMA adapters and common buffers.

use crate::{
    api::{
        exported,
        memory::{
            Memory,
            Owned, //
        }, //
    },
    lib::text::kwrite,
    sys::{
        here,
        raw, //
    }, //
};
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    device::{
        Bound,
        Device, //
    },
    fmt,
    prelude::*, //
};

/// A bus-master device's DMA adapter.
///
/// The WDK's `IoGetDmaAdapter`. It belongs to a bound device and, like its buffers, cannot outlive
/// the binding. The adapter itself is put back when it and all of its buffers are dropped, in any
/// order.
///
/// May be dropped in any context but NMI, where it leaks. If the last of them is dropped by a task
/// that may sleep, that waits until buffers that were dropped in atomic context are given back, so
/// DMA still works then. Where it is dropped in atomic context, the adapter and such buffers are
/// given back a little later, whether or not the device is still bound.
///
/// # Invariants
///
/// `raw` is an adapter, to which the value has one reference.
pub struct Adapter<'a> {
    pub(super) raw: NonNull<raw::DMA_ADAPTER>,
    registers: u32,
    _device: PhantomData<&'a Device<Bound>>,
}

// SAFETY: Any thread may use an adapter and put it back.
unsafe impl Send for Adapter<'_> {}
// SAFETY: Several threads may call an adapter's routines at the same time.
unsafe impl Sync for Adapter<'_> {}

impl<'a> Adapter<'a> {
    /// Gets an adapter for transfers of up to `maximum_length` bytes, within the DMA mask that the
    /// driver has set by `kernel::dma::Device::dma_set_mask_and_coherent`. Sleeps.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for a length above `u32::MAX`, [`ENOMEM`] if memory is short, the device has no
    /// DMA mask, or after a violation: atomic context (0xC2/0x08).
    #[inline(always)]
    pub fn new(device: &'a Device<Bound>, maximum_length: usize) -> Result<Self> {
        let mut registers = 0;
        let length = u32::try_from(maximum_length)?;
        let raw = exported::rust_pool_adapter(device, length, &mut registers, here());
        // INVARIANT: A new adapter has one reference, which is ours.
        Ok(Self {
            raw: NonNull::new(raw).ok_or(ENOMEM)?,
            registers,
            _device: PhantomData,
        })
    }

    /// How many pages a common buffer may have.
    #[inline]
    pub fn map_registers(&self) -> u32 {
        self.registers
    }

    /// Allocates a common buffer of `bytes` bytes, zeroed and page-aligned. They are rounded up to
    /// whole pages, each of which takes a map register. Sleeps.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for a length above `u32::MAX`, [`ENOMEM`] if it needs more map registers than
    /// there are, memory is short, or after a violation: no bytes (0xC2/0x00), or atomic context
    /// (0xC2/0x08).
    #[inline(always)]
    pub fn allocate(&self, bytes: usize) -> Result<CommonBuffer<'a>> {
        let length = u32::try_from(bytes)?;
        let mut logical = 0;
        let raw = self.raw.as_ptr();
        let memory = exported::rust_pool_buffer_allocate(raw, length, &mut logical, true, here());
        // INVARIANT: The memory is a common buffer, which was just allocated. It has a reference of
        // its own.
        Ok(CommonBuffer {
            memory: memory.ok_or(ENOMEM)?,
            logical,
            adapter: self.hold(),
        })
    }

    /// One more reference.
    #[inline(always)]
    pub(super) fn hold(&self) -> Self {
        exported::rust_pool_adapter_hold(self.raw.as_ptr());
        // INVARIANT: The reference was just taken.
        Self {
            raw: self.raw,
            registers: self.registers,
            _device: PhantomData,
        }
    }
}

impl fmt::Debug for Adapter<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        kwrite!(
            f,
            "Adapter {{ at: {:p}, registers: {} }}",
            self.raw,
            self.registers
        )
    }
}

impl Drop for Adapter<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // By the type invariant the value has a reference, which ends with it.
        exported::rust_pool_adapter_put(self.raw.as_ptr(), here());
    }
}

/// Memory that the CPU and a device share.
///
/// The WDK's `AllocateCommonBuffer`.
///
/// To be dropped by a task that may sleep. Elsewhere the drop is reported (0xC2/0x09) and the
/// memory given back a little later; in NMI it leaks. See [`Adapter`] for the last of several.
///
/// # Invariants
///
/// The memory is a common buffer of `adapter`, with the bus address `logical`, which was allocated
/// with caching enabled.
pub struct CommonBuffer<'a> {
    memory: Owned,
    logical: u64,
    /// A reference of the buffer's own, which is dropped after the memory is freed.
    adapter: Adapter<'a>,
}

// SAFETY: `Memory` and `Adapter` are `Send`, and `logical` is a number.
unsafe impl Send for CommonBuffer<'_> {}
// SAFETY: `Memory` and `Adapter` are `Sync`, and `logical` is a number.
unsafe impl Sync for CommonBuffer<'_> {}

impl CommonBuffer<'_> {
    /// The address by which the device finds the first byte.
    #[inline]
    pub fn bus_address(&self) -> u64 {
        self.logical
    }
}

impl Deref for CommonBuffer<'_> {
    type Target = Memory;

    #[inline]
    fn deref(&self) -> &Memory {
        &self.memory
    }
}

impl Drop for CommonBuffer<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        let raw = self.adapter.raw.as_ptr();
        // CAST: The length came from a `u32`.
        let length = self.len() as u32;
        let memory = self.memory.take();
        exported::rust_pool_buffer_free(raw, length, self.logical, memory, true, here());
    }
}

impl fmt::Debug for CommonBuffer<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bus = self.bus_address();
        kwrite!(f, "CommonBuffer {{ bus: {bus:#x}, memory: {:?} }}", **self)
    }
}
