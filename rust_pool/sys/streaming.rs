// SPDX-License-Identifier: GPL-2.0

//! Page frames mapped for a device.

use crate::sys::{
    device::{
        Alive,
        DmaDevice,
        Fate,
        Origin, //
    },
    frames::Frame,
    memory::{
        Gfp,
        PAGE_SIZE, //
    },
    raw,
    work::{
        self,
        Awaited, //
    }, //
};
use core::{
    marker::PhantomData,
    mem::{
        size_of,
        ManuallyDrop, //
    },
    ops::Deref,
    ptr::{
        null_mut,
        NonNull, //
    }, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Full, //
    }, //
};

/// The size in bytes of a list of so many elements.
pub(crate) fn list_bytes(elements: usize) -> Option<usize> {
    elements
        .checked_mul(size_of::<raw::SCATTER_GATHER_ELEMENT>())?
        .checked_add(size_of::<raw::SCATTER_GATHER_LIST>())
}

/// Page frames that are to be mapped.
///
/// # Invariants
///
/// It is a mapping of `streaming.c` that is not mapped.
pub(crate) struct Unmapped(NonNull<raw::rust_pool_mapping>);

impl Unmapped {
    /// An empty mapping, with room for so many frames.
    pub(crate) fn new(pages: usize, gfp: Gfp) -> Option<Self> {
        // SAFETY: Any number may be asked for.
        let mapping = unsafe { raw::rust_pool_mapping_new(pages, gfp) };
        // INVARIANT: It is new.
        NonNull::new(mapping).map(Self)
    }

    /// Adds bytes that begin at `offset` in the first of `frames`. Stops at the first frame that is
    /// not memory, behind the last, or when there is no room, and returns how many were added.
    pub(crate) fn add(&mut self, frames: &[Frame], offset: usize, bytes: usize) -> usize {
        if offset >= PAGE_SIZE {
            return 0;
        }
        let room = frames.len().saturating_mul(PAGE_SIZE);
        let bytes = bytes.min(room.saturating_sub(offset));
        // SAFETY: By the type invariant it is a mapping. The bytes lie in the frames of the slice.
        unsafe {
            raw::rust_pool_mapping_add(self.0.as_ptr(), frames.as_ptr().cast(), offset, bytes)
        }
    }

    /// Replaces pages that the device cannot address by copies that it can, unless the kernel will
    /// do so. Returns `false` if memory is short; then it may be called again, with other flags.
    /// Any context but NMI.
    pub(crate) fn copy(&self, device: &DmaDevice, gfp: Gfp) -> bool {
        // SAFETY: By the type invariant it is a mapping that is not mapped; the device is alive.
        let copy = |device: Alive<'_>| unsafe {
            raw::rust_pool_mapping_copy(self.0.as_ptr(), device.as_ptr(), gfp)
        };
        device.alive().is_some_and(copy)
    }

    /// Replaces all pages by adjacent pages that the device can address. Returns `false` if memory
    /// is short; then it may be called again, with other flags. Any context but NMI.
    pub(crate) fn join(&self, device: &DmaDevice, gfp: Gfp) -> bool {
        // SAFETY: By the type invariant it is a mapping that is not mapped; the device is alive.
        let join = |device: Alive<'_>| unsafe {
            raw::rust_pool_mapping_join(self.0.as_ptr(), device.as_ptr(), gfp)
        };
        device.alive().is_some_and(join)
    }

    /// Maps the frames, if as many were added as there is room for. Any context but NMI.
    ///
    /// # Safety
    ///
    /// The device is not removed meanwhile, and the frames that were added are there until the
    /// result is unmapped: the device accesses them.
    pub(crate) unsafe fn map<D>(self, device: D, to_device: bool) -> Option<Mapped<D>>
    where
        D: Deref<Target: Deref<Target = DmaDevice>>,
    {
        let alive = device.alive()?;
        // SAFETY: By the type invariant it is a mapping; by the safety requirements the frames are
        // there, and the device, which is alive, is not removed meanwhile.
        let mapped =
            unsafe { raw::rust_pool_mapping_map(self.0.as_ptr(), alive.as_ptr(), to_device) };
        drop(alive);
        mapped.then(|| {
            let mapping = ManuallyDrop::new(self).0;
            // SAFETY: The mapping has an origin, of integers and pointers that are only compared.
            let origin = unsafe { raw::rust_pool_mapping_origin(mapping.as_ptr()).read() };
            // SAFETY: It is a mapping. With NULL the function only counts.
            let elements = unsafe { raw::rust_pool_mapping_list(mapping.as_ptr(), null_mut()) };
            // INVARIANT: It was mapped just now.
            Mapped {
                device,
                mapping,
                origin: Origin(origin),
                elements,
                ended: Atomic::new(false),
            }
        })
    }
}

impl Drop for Unmapped {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is a mapping; it is not used any more.
        unsafe { raw::rust_pool_mapping_free(self.0.as_ptr()) }
    }
}

/// Page frames that are mapped for a device, to which `D` is a reference. [`Self::unmap`] unmaps
/// them; if this is dropped before, they stay mapped for ever.
///
/// # Invariants
///
/// It is a mapping of `streaming.c` that was mapped for the device. Only who sets `ended` unmaps
/// it.
pub(crate) struct Mapped<D> {
    device: D,
    mapping: NonNull<raw::rust_pool_mapping>,
    origin: Origin,
    elements: usize,
    ended: Atomic<bool>,
}

// SAFETY: A mapping may be used by any thread.
unsafe impl<D: Send> Send for Mapped<D> {}
// SAFETY: What takes a shared reference only reads, or unmaps if nobody else did.
unsafe impl<D: Sync> Sync for Mapped<D> {}

impl<D> Mapped<D> {
    /// The reference to its device.
    pub(crate) fn device(&self) -> &D {
        &self.device
    }

    /// How it was made.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How many elements its list has.
    pub(crate) fn elements(&self) -> usize {
        self.elements
    }

    /// The bus address of the first of those elements, and its length.
    pub(crate) fn first(&self) -> (u64, u64) {
        let mut address = 0;
        // SAFETY: By the type invariant it is a mapping.
        let bytes = unsafe { raw::rust_pool_mapping_first(self.mapping.as_ptr(), &mut address) };
        (address, bytes)
    }

    /// Writes the list, if there is room for it.
    #[must_use]
    pub(crate) fn write(&self, room: ListRoom<'_>) -> bool {
        let fits = list_bytes(self.elements).is_some_and(|bytes| bytes <= room.bytes);
        if fits {
            // SAFETY: By the type invariant it is a mapping; there is room for its elements.
            unsafe { raw::rust_pool_mapping_list(self.mapping.as_ptr(), room.list.as_ptr()) };
        }
        fits
    }
}

impl<D: Deref<Target: Deref<Target = DmaDevice>>> Mapped<D> {
    /// Unmaps the frames, unless somebody else does or has. Returns `None` if it has to be called
    /// again with `sleep`; that call does not write to the pages any more. Any context but NMI;
    /// with `sleep` it sleeps, and must not be called in reclaim.
    pub(crate) fn unmap(&self, sleep: bool) -> Option<Fate> {
        let device: &DmaDevice = &self.device;
        let Some(alive) = device.alive() else {
            return Some(Fate::Lost);
        };
        if self.ended.xchg(true, Full) {
            return Some(Fate::Freed);
        }
        let mut fate = raw::rust_pool_dma_fate_RUST_POOL_DMA_LOST;
        let mut unmap = || {
            // SAFETY: By the type invariant it is a mapping for this device, and nobody else unmaps
            // it; the device and its group are alive.
            unsafe {
                raw::rust_pool_mapping_unmap(
                    self.mapping.as_ptr(),
                    alive.as_ptr(),
                    device.group,
                    sleep,
                    &mut fate,
                )
            }
        };
        let unmapped = if sleep {
            work::doing(Awaited::Used, unmap)
        } else {
            unmap()
        };
        if !unmapped {
            self.ended.xchg(false, Full);
        }
        unmapped.then(|| Fate::of(fate))
    }
}

impl<D> Drop for Mapped<D> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is a mapping; it is not used any more.
        unsafe { raw::rust_pool_mapping_free(self.mapping.as_ptr()) }
    }
}

/// Where a list may be written.
///
/// # Invariants
///
/// For `'a` so many bytes are there, aligned for a list, of which nobody has a reference.
#[derive(Clone, Copy)]
pub(crate) struct ListRoom<'a> {
    list: NonNull<raw::SCATTER_GATHER_LIST>,
    bytes: usize,
    _memory: PhantomData<&'a ListMemory>,
}

impl ListRoom<'_> {
    /// The memory at an address.
    ///
    /// # Safety
    ///
    /// So many bytes are there, aligned for a list, of which nobody has a reference.
    pub(crate) unsafe fn new(list: NonNull<raw::SCATTER_GATHER_LIST>, bytes: usize) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            list,
            bytes,
            _memory: PhantomData,
        }
    }

    /// Where it is.
    pub(crate) fn list(self) -> NonNull<raw::SCATTER_GATHER_LIST> {
        self.list
    }
}

/// The memory of a list.
///
/// # Invariants
///
/// It was allocated by `rust_pool_list_memory()`, for so many bytes.
pub(crate) struct ListMemory {
    list: NonNull<raw::SCATTER_GATHER_LIST>,
    bytes: usize,
}

// SAFETY: It is only memory.
unsafe impl Send for ListMemory {}
// SAFETY: As above.
unsafe impl Sync for ListMemory {}

impl ListMemory {
    /// Allocates so many bytes.
    pub(crate) fn new(bytes: usize, gfp: Gfp) -> Option<Self> {
        // SAFETY: Any number may be asked for.
        let list: *mut c_void = unsafe { raw::rust_pool_list_memory(bytes, gfp) };
        // INVARIANT: `rust_pool_list_memory()` just allocated it.
        Some(Self {
            list: NonNull::new(list.cast())?,
            bytes,
        })
    }

    /// Where a list may be written.
    pub(crate) fn room(&self) -> ListRoom<'_> {
        // INVARIANT: By the type invariant it is there as long as this is borrowed.
        ListRoom {
            list: self.list,
            bytes: self.bytes,
            _memory: PhantomData,
        }
    }
}

impl Drop for ListMemory {
    fn drop(&mut self) {
        // SAFETY: By the type invariant `rust_pool_list_memory()` allocated it; nobody uses it any
        // more.
        unsafe { raw::rust_pool_list_memory_free(self.list.as_ptr().cast()) }
    }
}
