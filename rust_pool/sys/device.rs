// SPDX-License-Identifier: GPL-2.0

//! Bus-master devices.

use crate::sys::{
    memory::Gfp,
    module::Client,
    raw,
    work::{
        self,
        Awaited, //
    }, //
};
use core::{
    marker::PhantomData,
    ops::{
        Deref,
        Range, //
    },
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::to_result,
    fmt,
    prelude::*,
    str::CStr,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    }, //
};

/// How many addresses [`DmaDevice::code`] returns.
// CAST: It is 8.
pub(crate) const CODES: usize = raw::RUST_POOL_CODES as usize;

/// A device that a routine was given.
///
/// # Invariants
///
/// For `'call` it is a valid, initialised device, and is not removed.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct GivenDevice<'call>(
    NonNull<bindings::device>,
    PhantomData<&'call bindings::device>,
);

/// A reference to a device for DMA, and to the IOMMU group that it was in at first: a device leaves
/// its group when it is removed. Dropping the last reference calls the code of others; see
/// [`crate::record::held_device`].
///
/// If a module is unloaded that the device's memory or `release()` is in, the device is abandoned:
/// from then on it counts as removed, nothing reads it, and its references are never dropped. The
/// unload waits for those who use it at that time.
pub(crate) struct DmaDevice {
    device: NonNull<bindings::device>,
    /// Null without an IOMMU.
    pub(super) group: *mut c_void,
    /// The client for whose unload it was abandoned; 0 if it was not.
    abandoned: Atomic<usize>,
    /// How many [`Alive`]s there are.
    users: Atomic<i32>,
}

/// The device of a [`DmaDevice`] that was not abandoned when this was made. As long as this exists,
/// the module that has the device's memory and `release()` stays.
///
/// # Invariants
///
/// It is counted among the device's users. After it was counted the device was not abandoned yet.
pub(super) struct Alive<'a>(&'a DmaDevice);

impl Alive<'_> {
    pub(super) fn as_ptr(&self) -> *mut bindings::device {
        self.0.device.as_ptr()
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        // `Full` here and in `abandon()`: either the unload sees that there is no user, or we see
        // that somebody may wait.
        if self.0.users.fetch_add(-1, Full) == 1 && self.0.is_abandoned() {
            work::wake();
        }
    }
}

/// The name of a device, to print.
pub(crate) struct DeviceName<'a>(&'a DmaDevice);

impl fmt::Display for DeviceName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(device) = self.0.alive() else {
            return f.write_str("?");
        };
        // SAFETY: The device is alive until the end of this function, and its name with it.
        let name = unsafe { CStr::from_char_ptr(bindings::dev_name(device.as_ptr())) };
        f.write_str(name.to_str().unwrap_or("?"))
    }
}

/// Coherent memory of a device, to which `D` is a reference. [`Self::free`] frees it; if this is
/// dropped before, it stays allocated for ever.
///
/// # Invariants
///
/// Unless it was freed, `base` and `bus` are the addresses of so many bytes that the device
/// allocated, with this origin.
pub(crate) struct Coherent<D> {
    device: D,
    base: NonNull<u8>,
    bytes: usize,
    bus: u64,
    origin: Origin,
    freed: Atomic<bool>,
}

// SAFETY: Any thread may use the memory and free it.
unsafe impl<D: Send> Send for Coherent<D> {}
// SAFETY: What takes a shared reference reads the fields, or frees the memory if nobody else did.
unsafe impl<D: Sync> Sync for Coherent<D> {}

impl<D> Coherent<D> {
    /// The reference to its device.
    pub(crate) fn device(&self) -> &D {
        &self.device
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How it was made.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The addresses of a byte of it: for the CPU, and for the device.
    pub(crate) fn at(&self, offset: usize) -> Option<(NonNull<u8>, u64)> {
        // CAST: Lossless on the architectures supported.
        let bus = self.bus.checked_add(offset as u64)?;
        let at = NonNull::new(self.base.as_ptr().wrapping_add(offset))?;
        (offset < self.bytes).then_some((at, bus))
    }

    /// Some of its bytes, as far as it has them: from where on, and how many.
    fn part(&mut self, range: Range<usize>) -> (*mut u8, usize) {
        let bytes = if *self.freed.get_mut() { 0 } else { self.bytes };
        let (start, end) = (range.start.min(bytes), range.end.min(bytes));
        (
            self.base.as_ptr().wrapping_add(start),
            end.saturating_sub(start),
        )
    }

    /// Fills some of its bytes, which nobody else uses.
    pub(crate) fn fill(&mut self, range: Range<usize>, value: u8) {
        let (start, count) = self.part(range);
        // SAFETY: By the type invariant so many bytes are there, as it is not freed.
        unsafe { start.write_bytes(value, count) };
    }

    /// The address of the first of some bytes that has another value.
    pub(crate) fn find_other(&mut self, range: Range<usize>, value: u8) -> Option<usize> {
        let (start, count) = self.part(range);
        (0..count)
            .map(|at| start.wrapping_add(at))
            // SAFETY: By the type invariant the bytes are there, as it is not freed. The device may
            // still write there, so the read is volatile.
            .find(|&at| unsafe { at.read_volatile() } != value)
            .map(|at| at as usize)
    }
}

impl<D: Deref<Target: Deref<Target = DmaDevice>>> Coherent<D> {
    /// Allocates zeroed memory; none for a device that has left its IOMMU group. Sleeps.
    pub(crate) fn new(device: D, bytes: usize, gfp: Gfp) -> Option<Self> {
        let it: &DmaDevice = &device;
        let alive = it.alive()?;
        let mut bus = 0;
        // SAFETY: It is a C structure of pointers, integers and a `bool`: zeroes are valid.
        let mut origin = unsafe { core::mem::zeroed() };
        let base = work::doing(Awaited::Used, || {
            let (device, group) = (alive.as_ptr(), it.group);
            // SAFETY: The device is alive, and we have a reference to its group; `bus` and `origin`
            // are valid for writes.
            unsafe { raw::rust_pool_dma_allocate(device, group, bytes, &mut bus, gfp, &mut origin) }
        });
        drop(alive);
        // INVARIANT: It was allocated just now.
        Some(Self {
            base: NonNull::new(base.cast())?,
            bytes,
            bus,
            origin: Origin(origin),
            freed: Atomic::new(false),
            device,
        })
    }

    /// Frees the memory, where [`DmaDevice::may_free`], unless it was freed before. Sleeps.
    pub(crate) fn free(&self) -> Fate {
        let device: &DmaDevice = &self.device;
        let Some(alive) = device.alive() else {
            return Fate::Lost;
        };
        // INVARIANT: From now on nobody relies on the memory.
        if self.freed.xchg(true, Full) {
            return Fate::Freed;
        }
        let fate = work::doing(Awaited::Used, || {
            // SAFETY: The device is alive, and we have a reference to its group. By the type
            // invariant the rest describes one allocation, which nobody has freed or will.
            unsafe {
                raw::rust_pool_dma_free(
                    alive.as_ptr(),
                    device.group,
                    self.base.as_ptr().cast(),
                    self.bytes,
                    self.bus,
                    &self.origin.0,
                )
            }
        });
        Fate::of(fate)
    }
}

/// How coherent memory was made.
pub(crate) struct Origin(pub(super) raw::rust_pool_dma_origin);

impl Origin {
    /// Whether it is memory of the page allocator like any other, and only that.
    pub(crate) fn is_pages(&self) -> bool {
        self.0.memory == raw::rust_pool_dma_memory_RUST_POOL_DMA_PAGES
    }
}

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
    pub(crate) fn new(given: GivenDevice<'_>) -> Self {
        let dev = given.0;
        // SAFETY: By the type invariant it is a valid device.
        unsafe { bindings::get_device(dev.as_ptr()) };
        Self {
            device: dev,
            // SAFETY: By the type invariant the device is not being removed, so it stays in its
            // group while the function takes a reference to that.
            group: unsafe { raw::rust_pool_dma_group(dev.as_ptr()) },
            abandoned: Atomic::new(0),
            users: Atomic::new(0),
        }
    }

    /// Never uses the device again, as `client`, whose code it needs, is being unloaded. Its
    /// references stay taken. Those who use it now still do so until [`Self::is_used_after`]
    /// returns `false`.
    pub(crate) fn abandon(&self, client: Client) {
        // `Full`: see `Alive`.
        self.abandoned.xchg(client.as_usize(), Full);
    }

    /// Whether it was abandoned for this client, and some who began to use it before still do.
    pub(crate) fn is_used_after(&self, client: Client) -> bool {
        self.abandoned.load(Relaxed) == client.as_usize() && self.users.load(Relaxed) != 0
    }

    fn is_abandoned(&self) -> bool {
        self.abandoned.load(Relaxed) != 0
    }

    /// The device, which is alive as long as the result exists; `None` if it was abandoned.
    pub(super) fn alive(&self) -> Option<Alive<'_>> {
        // First look without counting, so that an unload does not wait for calls that begin later.
        if self.is_abandoned() {
            return None;
        }
        // `Full`: either we see that it was abandoned, or the unload sees that it is used.
        self.users.fetch_add(1, Full);
        // INVARIANT: It was counted just now. If the device was abandoned, it is dropped.
        let alive = Alive(self);
        (!self.is_abandoned()).then_some(alive)
    }

    /// Whether it was removed.
    pub(crate) fn is_gone(&self) -> bool {
        // SAFETY: The device is alive.
        let gone = |device: Alive<'_>| unsafe { raw::rust_pool_dma_gone(device.as_ptr()) };
        self.alive().is_none_or(gone)
    }

    /// Whether the driver that it had when memory was made does not have it any more.
    pub(crate) fn lost_driver_of(&self, origin: &Origin) -> bool {
        // SAFETY: The device is alive.
        let driver = |device: Alive<'_>| unsafe { raw::rust_pool_dma_driver(device.as_ptr()) };
        !origin.0.driver.is_null() && self.alive().map(driver) != Some(origin.0.driver)
    }

    /// Whether an IOMMU translates the addresses of what is mapped for it.
    pub(crate) fn translates(&self) -> bool {
        self.alive().is_some_and(|device| {
            // SAFETY: The device is alive.
            unsafe { raw::rust_pool_dma_translates(device.as_ptr()) }
        })
    }

    /// Whether its memory may be freed here, in a context that sleeps.
    pub(crate) fn may_free(&self) -> bool {
        self.group.is_null() || !crate::sys::reclaim::in_reclaim()
    }

    /// Addresses in the modules whose code the device's release needs.
    pub(crate) fn code(&self) -> [usize; CODES] {
        let mut at = [0; CODES];
        if let Some(device) = self.alive() {
            // SAFETY: The device is alive, and the function writes `CODES` addresses.
            unsafe { raw::rust_pool_device_code(device.as_ptr(), at.as_mut_ptr()) };
        }
        at
    }

    /// The address of the device's own `release()`; 0 if it has none.
    pub(crate) fn own_release(&self) -> usize {
        self.alive().map_or(0, |device| {
            // SAFETY: The device is alive.
            unsafe { raw::rust_pool_device_release(device.as_ptr()) }
        })
    }

    /// Whether both are the same device. An abandoned one is not the same as any: another device
    /// may have its address by now.
    pub(crate) fn same(&self, other: &Self) -> bool {
        !self.is_abandoned() && !other.is_abandoned() && self.device == other.device
    }

    /// Sets the streaming and the coherent mask. Sleeps. As in Linux, no DMA allocation of this
    /// device should run at the same time: it might use either mask.
    pub(crate) fn set_mask(&self, mask: u64) -> Result {
        let device = self.alive().ok_or(ENODEV)?;
        to_result(work::doing(Awaited::Used, || {
            // SAFETY: The device is alive, and stays so for the call.
            unsafe { bindings::dma_set_mask_and_coherent(device.as_ptr(), mask) }
        }))
    }

    /// Its name, to print; "?" if it was abandoned.
    pub(crate) fn name(&self) -> DeviceName<'_> {
        DeviceName(self)
    }

    /// Drops the references to the device and its group, unless it was abandoned.
    ///
    /// # Safety
    ///
    /// It is called once, and nothing but [`Self::abandon`] and [`Self::is_used_after`] after it.
    /// The device is not abandoned meanwhile.
    pub(crate) unsafe fn put(&self) {
        if self.is_abandoned() {
            return;
        }
        if !self.group.is_null() {
            // SAFETY: `new()` took this reference, and by the safety requirements only this drops
            // it.
            unsafe { raw::rust_pool_dma_group_put(self.group) };
        }
        // SAFETY: As above.
        unsafe { bindings::put_device(self.device.as_ptr()) }
    }
}

impl Drop for DmaDevice {
    fn drop(&mut self) {
        // SAFETY: It is being dropped, so nobody else has it.
        unsafe { self.put() }
    }
}
