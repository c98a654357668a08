// SPDX-License-Identifier: GPL-2.0

//! Bus-master devices.

use crate::sys::{
    memory::Gfp,
    raw, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    error::to_result,
    prelude::*,
    str::CStr, //
};

/// How many addresses [`DmaDevice::code`] returns.
// CAST: It is 8.
pub(crate) const CODES: usize = raw::RUST_POOL_CODES as usize;

/// A reference to a device for DMA, and to the IOMMU group that it was in at first: a device leaves
/// its group when it is removed. Dropping the last reference calls the code of others; see
/// [`crate::record::held_device`].
pub(crate) struct DmaDevice {
    pub(super) device: NonNull<bindings::device>,
    /// Null without an IOMMU.
    pub(super) group: *mut c_void,
}

/// Coherent memory.
pub(crate) struct Coherent {
    pub(crate) base: NonNull<u8>,
    pub(crate) bus: u64,
    pub(crate) origin: Origin,
}

/// How coherent memory was made.
pub(crate) struct Origin(pub(super) raw::rust_pool_dma_origin);

// SAFETY: The pointers inside are compared, but never dereferenced.
unsafe impl Send for Origin {}
// SAFETY: Nothing changes it; the pointers inside are never dereferenced.
unsafe impl Sync for Origin {}

/// The result of freeing coherent memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The DMA API freed it.
    Freed,
    /// The DMA API could not free it any more, but its pages were freed.
    FreedPages,
    /// It could not be freed.
    Lost,
}

impl Fate {
    pub(super) fn of(fate: raw::rust_pool_dma_fate) -> Self {
        match fate {
            raw::rust_pool_dma_fate_RUST_POOL_DMA_FREED => Self::Freed,
            raw::rust_pool_dma_fate_RUST_POOL_DMA_FREED_PAGES => Self::FreedPages,
            _ => Self::Lost,
        }
    }
}

// SAFETY: References to devices and to groups are counted atomically, and any thread may drop them.
unsafe impl Send for DmaDevice {}
// SAFETY: The kernel's functions that the methods below call may be called by any thread at any
// time. `set_mask()` says what its callers have to keep to.
unsafe impl Sync for DmaDevice {}

impl DmaDevice {
    /// Takes references to the device and its group.
    ///
    /// # Safety
    ///
    /// `dev` is a valid, initialised device, and is not being removed.
    pub(crate) unsafe fn new(dev: NonNull<bindings::device>) -> Self {
        // SAFETY: By the safety requirements, it is a valid device.
        unsafe { bindings::get_device(dev.as_ptr()) };
        Self {
            device: dev,
            // SAFETY: By the safety requirements the device is not being removed, so it stays in
            // its group while the function takes a reference to that.
            group: unsafe { raw::rust_pool_dma_group(dev.as_ptr()) },
        }
    }

    /// Whether it was removed.
    pub(crate) fn is_gone(&self) -> bool {
        // SAFETY: The device is alive.
        unsafe { raw::rust_pool_dma_gone(self.device.as_ptr()) }
    }

    /// Whether the driver that it had when memory was made does not have it any more.
    pub(crate) fn lost_driver_of(&self, origin: &Origin) -> bool {
        // SAFETY: The device is alive.
        let driver = unsafe { raw::rust_pool_dma_driver(self.device.as_ptr()) };
        !origin.0.driver.is_null() && origin.0.driver != driver
    }

    /// Whether an IOMMU translates the addresses of what is mapped for it.
    pub(crate) fn translates(&self) -> bool {
        // SAFETY: The device is alive.
        unsafe { raw::rust_pool_dma_translates(self.device.as_ptr()) }
    }

    /// Whether its memory may be freed here, in a context that sleeps.
    pub(crate) fn may_free(&self) -> bool {
        self.group.is_null() || !crate::sys::pressure::in_reclaim()
    }

    /// Addresses in the modules whose code the device's release needs.
    pub(crate) fn code(&self) -> [usize; CODES] {
        let mut at = [0; CODES];
        // SAFETY: The device is alive, and the function writes `CODES` addresses.
        unsafe { raw::rust_pool_device_code(self.device.as_ptr(), at.as_mut_ptr()) };
        at
    }

    /// Whether both are one device.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.device == other.device
    }

    /// Sets the streaming and the coherent mask. Sleeps. As in Linux, no DMA allocation of this
    /// device should run at the same time: it would go by either mask.
    pub(crate) fn set_mask(&self, mask: u64) -> Result {
        // SAFETY: The device is alive, and stays so for the call.
        to_result(unsafe { bindings::dma_set_mask_and_coherent(self.device.as_ptr(), mask) })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        // SAFETY: The device is alive, and its name with it.
        let name = unsafe { CStr::from_char_ptr(bindings::dev_name(self.device.as_ptr())) };
        name.to_str().unwrap_or("?")
    }

    /// Zeroed coherent memory; none for a device that has left its IOMMU group. Sleeps.
    pub(crate) fn allocate(&self, bytes: usize, gfp: Gfp) -> Option<Coherent> {
        let mut bus = 0;
        // SAFETY: It is a C structure of pointers, integers and a `bool`: zeroes are valid.
        let mut origin = unsafe { core::mem::zeroed() };
        // SAFETY: We have references to the device and its group; `bus` and `origin` are valid for
        // writes.
        let base = unsafe {
            raw::rust_pool_dma_allocate(
                self.device.as_ptr(),
                self.group,
                bytes,
                &mut bus,
                gfp,
                &mut origin,
            )
        };
        Some(Coherent {
            base: NonNull::new(base.cast())?,
            bus,
            origin: Origin(origin),
        })
    }

    /// Frees what [`Self::allocate`] returned, where [`Self::may_free`]. Sleeps.
    ///
    /// # Safety
    ///
    /// The arguments are those of one allocation of this device that is not used any more.
    pub(crate) unsafe fn free(
        &self,
        base: NonNull<u8>,
        bytes: usize,
        bus: u64,
        origin: &Origin,
    ) -> Fate {
        // SAFETY: We have references to the device and its group. By the safety requirements the
        // rest describes one allocation, which is not used any more.
        let fate = unsafe {
            raw::rust_pool_dma_free(
                self.device.as_ptr(),
                self.group,
                base.as_ptr().cast(),
                bytes,
                bus,
                &origin.0,
            )
        };
        Fate::of(fate)
    }
}

impl Drop for DmaDevice {
    fn drop(&mut self) {
        if !self.group.is_null() {
            // SAFETY: `new()` took this reference, and only this drops it.
            unsafe { raw::rust_pool_dma_group_put(self.group) };
        }
        // SAFETY: `new()` took this reference, and only this drops it.
        unsafe { bindings::put_device(self.device.as_ptr()) }
    }
}
