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
    str::CStr,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// How many addresses [`DmaDevice::code`] returns.
// CAST: It is 8.
pub(crate) const CODES: usize = raw::RUST_POOL_CODES as usize;

/// A reference to a device for DMA, and to the IOMMU group that it was in at first: a device leaves
/// its group when it is removed. Dropping the last reference calls the code of others; see
/// [`crate::record::held_device`].
///
/// If a module is unloaded that the device's memory or `release()` is in, the device is abandoned:
/// from then on it counts as removed, nothing reads it, and its references are never dropped.
pub(crate) struct DmaDevice {
    device: NonNull<bindings::device>,
    /// Null without an IOMMU.
    pub(super) group: *mut c_void,
    abandoned: Atomic<bool>,
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
            abandoned: Atomic::new(false),
        }
    }

    /// Never uses the device again. Its references stay taken.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Relaxed);
    }

    /// The device, which is alive as long as this is; `None` if it was abandoned.
    pub(super) fn alive(&self) -> Option<*mut bindings::device> {
        (!self.abandoned.load(Relaxed)).then_some(self.device.as_ptr())
    }

    /// Whether it was removed.
    pub(crate) fn is_gone(&self) -> bool {
        // SAFETY: The device is alive.
        let gone = |device| unsafe { raw::rust_pool_dma_gone(device) };
        self.alive().is_none_or(gone)
    }

    /// Whether the driver that it had when memory was made does not have it any more.
    pub(crate) fn lost_driver_of(&self, origin: &Origin) -> bool {
        // SAFETY: The device is alive.
        let driver = |device| unsafe { raw::rust_pool_dma_driver(device) };
        !origin.0.driver.is_null() && self.alive().map(driver) != Some(origin.0.driver)
    }

    /// Whether an IOMMU translates the addresses of what is mapped for it.
    pub(crate) fn translates(&self) -> bool {
        // SAFETY: The device is alive.
        let translates = |device| unsafe { raw::rust_pool_dma_translates(device) };
        self.alive().is_some_and(translates)
    }

    /// Whether its memory may be freed here, in a context that sleeps.
    pub(crate) fn may_free(&self) -> bool {
        self.group.is_null() || !crate::sys::pressure::in_reclaim()
    }

    /// Addresses in the modules whose code the device's release needs.
    pub(crate) fn code(&self) -> [usize; CODES] {
        let mut at = [0; CODES];
        if let Some(device) = self.alive() {
            // SAFETY: The device is alive, and the function writes `CODES` addresses.
            unsafe { raw::rust_pool_device_code(device, at.as_mut_ptr()) };
        }
        at
    }

    /// The address of the device's own `release()`; 0 if it has none.
    pub(crate) fn own_release(&self) -> usize {
        self.alive().map_or(0, |device| {
            // SAFETY: The device is alive.
            unsafe { raw::rust_pool_device_release(device) }
        })
    }

    /// Whether both are the same device. An abandoned one is not the same as any: another device
    /// may have its address by now.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.alive().is_some() && self.alive() == other.alive()
    }

    /// Sets the streaming and the coherent mask. Sleeps. As in Linux, no DMA allocation of this
    /// device should run at the same time: it might use either mask.
    pub(crate) fn set_mask(&self, mask: u64) -> Result {
        let device = self.alive().ok_or(ENODEV)?;
        // SAFETY: The device is alive, and stays so for the call.
        to_result(unsafe { bindings::dma_set_mask_and_coherent(device, mask) })
    }

    /// Its name; "?" if it was abandoned.
    pub(crate) fn name(&self) -> &str {
        let Some(device) = self.alive() else {
            return "?";
        };
        // SAFETY: The device is alive, and its name with it.
        let name = unsafe { CStr::from_char_ptr(bindings::dev_name(device)) };
        name.to_str().unwrap_or("?")
    }

    /// Zeroed coherent memory; none for a device that has left its IOMMU group. Sleeps.
    pub(crate) fn allocate(&self, bytes: usize, gfp: Gfp) -> Option<Coherent> {
        let device = self.alive()?;
        let mut bus = 0;
        // SAFETY: It is a C structure of pointers, integers and a `bool`: zeroes are valid.
        let mut origin = unsafe { core::mem::zeroed() };
        // SAFETY: We have references to the device and its group; `bus` and `origin` are valid for
        // writes.
        let base = unsafe {
            raw::rust_pool_dma_allocate(device, self.group, bytes, &mut bus, gfp, &mut origin)
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
        let Some(device) = self.alive() else {
            return Fate::Lost;
        };
        // SAFETY: We have references to the device and its group. By the safety requirements the
        // rest describes one allocation, which is not used any more.
        let fate = unsafe {
            raw::rust_pool_dma_free(
                device,
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
        let Some(device) = self.alive() else {
            return;
        };
        if !self.group.is_null() {
            // SAFETY: `new()` took this reference, and only this drops it.
            unsafe { raw::rust_pool_dma_group_put(self.group) };
        }
        // SAFETY: `new()` took this reference, and only this drops it.
        unsafe { bindings::put_device(device) }
    }
}
