// SPDX-License-Identifier: GPL-2.0

//! Mappings of physical addresses: of a device's registers, or of memory that is mapped elsewhere
//! too.

use crate::sys::{
    memory::PAGE_SIZE,
    raw,
    vmap,
    work::{
        self,
        Awaited, //
    }, //
};
use core::ptr::NonNull;
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// How many mappings have no record any more, but have not been undone yet.
static ENDING: Atomic<i64> = Atomic::new(0);

/// Whether the CPU can address all `bytes` from the physical address `start` on.
pub(crate) fn io_exists(start: u64, bytes: usize) -> bool {
    // SAFETY: May be called anywhere; it only compares numbers.
    unsafe { raw::rust_pool_io_exists(start, bytes) }
}

/// Whether any of these physical addresses is memory of the kernel. Task context.
pub(crate) fn io_is_memory(start: u64, bytes: usize) -> bool {
    // SAFETY: The function looks the numbers up in a table of the kernel.
    unsafe { raw::rust_pool_io_is_memory(start, bytes) }
}

/// A mapping, which is undone on drop. That sleeps.
///
/// # Invariants
///
/// `base` comes from `rust_pool_memory_map()` or, if not `memory`, `rust_pool_device_map()`. Of
/// memory, `shown` pages are mapped there.
pub(crate) struct IoMapping {
    base: NonNull<u8>,
    memory: bool,
    shown: usize,
    /// Whether [`ENDING`] counts it.
    ending: Atomic<bool>,
}

// SAFETY: A mapping belongs to no thread.
unsafe impl Send for IoMapping {}

impl IoMapping {
    /// Maps whole pages of a device, with this cache type or a stricter one. Sleeps.
    pub(crate) fn of_device(start: u64, bytes: usize, cache: i32, write: bool) -> Option<Self> {
        // SAFETY: `ioremap()` refuses memory that the kernel uses; this context may sleep.
        let base = unsafe { raw::rust_pool_device_map(start, bytes, cache, write) };
        // INVARIANT: It was just mapped.
        Some(Self {
            base: NonNull::new(base.cast())?,
            memory: false,
            shown: 0,
            ending: Atomic::new(false),
        })
    }

    /// Maps whole pages of memory. Sleeps.
    ///
    /// # Safety
    ///
    /// All of it is memory with this cache type, and stays allocated while it is mapped.
    pub(crate) unsafe fn of_memory(
        start: u64,
        bytes: usize,
        cache: i32,
        write: bool,
    ) -> Option<Self> {
        let first = usize::try_from(start).ok()? / PAGE_SIZE;
        // SAFETY: By the safety requirements all of it is memory with this cache type, which stays
        // allocated; this context may sleep.
        let base = unsafe { raw::rust_pool_memory_map(first, bytes / PAGE_SIZE, cache, write) };
        // INVARIANT: It was just mapped.
        Some(Self {
            base: NonNull::new(base.cast())?,
            memory: true,
            shown: bytes / PAGE_SIZE,
            ending: Atomic::new(false),
        })
    }

    /// Where it begins.
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Notes that its record is about to be removed, so that it will be dropped, now or later. The
    /// caller holds the lock of the record. Any context.
    pub(crate) fn end(&self) {
        if !self.ending.xchg(true, Relaxed) {
            ENDING.add(1, Relaxed);
        }
    }

    /// Whether there are mappings without a record that have not been undone.
    pub(crate) fn any_ending() -> bool {
        ENDING.load(Relaxed) != 0
    }

    /// Waits until no such mapping is left, or until the caller can undo one of those that are
    /// left, as `can_act` says. Others undo the rest. Sleeps.
    pub(crate) fn wait_for_ending(can_act: impl Fn() -> bool) {
        work::wait_until(Awaited::Unmapped, || !Self::any_ending() || can_act());
    }

    /// Unmaps the pages, if they are memory, but leaves the address space to be given back on drop.
    /// Any context but NMI.
    pub(crate) fn hide(&mut self) {
        let shown = core::mem::replace(&mut self.shown, 0);
        if shown != 0 {
            // SAFETY: By the type invariant they are mapped there; the owner does not use them.
            unsafe { vmap::hide(self.base, shown) };
        }
    }

    /// Whether memory is mapped.
    pub(crate) fn is_memory(&self) -> bool {
        self.memory
    }
}

impl Drop for IoMapping {
    fn drop(&mut self) {
        let (base, memory) = (self.base.as_ptr().cast(), self.memory);
        let undo = || {
            // SAFETY: By the type invariant `base` comes from the function that this one undoes.
            // Nobody uses the mapping any more, and this may sleep.
            unsafe {
                if memory {
                    raw::rust_pool_vunmap(base);
                } else {
                    raw::rust_pool_device_unmap(base);
                }
            }
        };
        if !self.ending.load(Relaxed) {
            return undo();
        }
        work::doing(Awaited::Unmapped, undo);
        ENDING.add(-1, Relaxed);
        work::wake();
    }
}
