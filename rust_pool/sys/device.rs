// SPDX-License-Identifier: GPL-2.0

//! Devices that master the bus.

use super::Gfp;
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    str::CStr, //
};

/// A device that is kept alive, for DMA.
pub(crate) struct DmaDevice(NonNull<bindings::device>);

// SAFETY: A device may be used and released from any thread.
unsafe impl Send for DmaDevice {}
// SAFETY: What the methods below call is thread-safe.
unsafe impl Sync for DmaDevice {}

impl DmaDevice {
    /// Takes a reference to the device.
    ///
    /// # Safety
    ///
    /// `dev` is a valid, initialised device.
    pub(crate) unsafe fn new(dev: NonNull<bindings::device>) -> Self {
        // SAFETY: By the safety requirements.
        unsafe { bindings::get_device(dev.as_ptr()) };
        Self(dev)
    }

    /// Whether both are one device.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Sets the streaming and the coherent mask. Sleeps.
    pub(crate) fn set_mask(&self, mask: u64) -> Result {
        // SAFETY: The device is alive. The WDK's caller promises as ours does that no other DMA
        // allocation of this device runs at the same time.
        to_result(unsafe { bindings::dma_set_mask_and_coherent(self.0.as_ptr(), mask) })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        // SAFETY: The device is alive, and its name with it.
        let name = unsafe { CStr::from_char_ptr(bindings::dev_name(self.0.as_ptr())) };
        name.to_str().unwrap_or("?")
    }

    /// Zeroed coherent memory and its bus address. Sleeps.
    pub(crate) fn allocate(&self, bytes: usize, gfp: Gfp) -> Option<(NonNull<u8>, u64)> {
        let mut bus = 0;
        // SAFETY: The device is alive and `bus` is valid for a write.
        let base = unsafe { bindings::dma_alloc_attrs(self.0.as_ptr(), bytes, &mut bus, gfp, 0) };
        Some((NonNull::new(base.cast())?, bus))
    }

    /// Frees what [`Self::allocate`] returned. Sleeps.
    ///
    /// # Safety
    ///
    /// The arguments are those of one allocation that is not used any more.
    pub(crate) unsafe fn free(&self, base: NonNull<u8>, bytes: usize, bus: u64) {
        // SAFETY: By the safety requirements.
        unsafe { bindings::dma_free_attrs(self.0.as_ptr(), bytes, base.as_ptr().cast(), bus, 0) }
    }
}

impl Drop for DmaDevice {
    fn drop(&mut self) {
        // SAFETY: The reference was taken by `new()`.
        unsafe { bindings::put_device(self.0.as_ptr()) }
    }
}
