// SPDX-License-Identifier: GPL-2.0

//! Reads memory that may not be mapped: a fault is fixed up by the exception table.
//!
//! Not instrumented, so that the header of a freed block can be read while a checker guards it.

use crate::sys::{
    arch::read_once,
    memory::PAGE_SIZE,
    raw, //
};
use core::{
    arch::asm,
    mem::size_of,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// Where the direct map begins, and how much may follow: up to the area of vmalloc. Neither changes
/// after boot.
static START: Atomic<usize> = Atomic::new(0);
static LENGTH: Atomic<usize> = Atomic::new(0);

/// Learns where the direct map is.
pub(crate) fn init() {
    // SAFETY: Neither is written after boot.
    let (start, end) = unsafe { (bindings::page_offset_base, bindings::vmalloc_base) };
    START.store(start, Relaxed);
    LENGTH.store(end.saturating_sub(start).saturating_sub(PAGE_SIZE), Relaxed);
}

/// Reads 16 bytes. If they are not there, the first eight read as 0, and the others as anything.
///
/// # Safety
///
/// A read of `addr` has no effect except a fault that the exception table fixes up: it is where
/// only the direct map may be, or in the array of page structures.
#[inline(always)]
unsafe fn load(addr: usize) -> (u64, u64) {
    let (first, second): (u64, u64);
    // SAFETY: By the safety requirements.
    unsafe {
        asm!(
            "2: mov rax, [{addr}]",
            "3: mov {second}, [{addr} + 8]",
            "4:",
            ".pushsection __ex_table, \"a\"",
            ".balign 4",
            ".long 2b - .",
            ".long 4b - .",
            ".long {zero_in_rax}",
            ".long 3b - .",
            ".long 4b - .",
            ".long {zero_in_rax}",
            ".popsection",
            addr = in(reg) addr,
            second = out(reg) second,
            zero_in_rax = const raw::RUST_POOL_FIXUP_ZERO_RAX,
            out("rax") first,
            options(nostack, readonly, preserves_flags),
        )
    };
    (first, second)
}

/// Reads 16 bytes at an address that may be anything: 0 first if nothing is there, `None` if it is
/// not where the direct map may be.
#[inline(always)]
pub(crate) fn peek(addr: usize) -> Option<(u64, u64)> {
    if addr.wrapping_sub(read_once::read(&START)) > read_once::read(&LENGTH) {
        return None;
    }
    // SAFETY: Nothing but the direct map is there, which has no side effects.
    Some(unsafe { load(addr) })
}

/// Replaces 8 bytes that were read a moment ago, if they are still `old`.
///
/// # Safety
///
/// `addr` is where [`peek`] or [`PageWords::peek`] read, `old` is no error number, and if it is
/// there, it is the caller's to replace.
#[inline(always)]
pub(crate) unsafe fn replace(addr: usize, old: u64, new: u64) -> bool {
    let mut seen = old;
    // SAFETY: By the safety requirements. Where the memory is gone meanwhile, nothing is written,
    // and `rax` becomes an error number.
    unsafe {
        asm!(
            "2: lock cmpxchg [{addr}], {new}",
            "3:",
            ".pushsection __ex_table, \"a\"",
            ".balign 4",
            ".long 2b - .",
            ".long 3b - .",
            ".long {fault_in_rax}",
            ".popsection",
            addr = in(reg) addr,
            new = in(reg) new,
            fault_in_rax = const raw::RUST_POOL_FIXUP_ERROR_RAX,
            inout("rax") seen,
            options(nostack),
        )
    };
    seen == old
}

/// Whether an address is in the range of the direct map, whether or not it is populated.
#[inline(always)]
fn in_memory(addr: usize) -> bool {
    // SAFETY: It is written when memory is plugged, but any value that it had will do.
    let end = unsafe { (&raw const bindings::high_memory).read_volatile() } as usize;
    addr >= read_once::read(&START) && addr < end
}

/// Two words of a page's `struct page` that belong to whoever allocated the page.
///
/// # Invariants
///
/// The address is that of `__folio_index`, which `private` follows, in the `struct page` of a page
/// frame of the direct map, if that exists.
#[derive(Clone, Copy)]
pub(crate) struct PageWords(usize);

impl PageWords {
    /// Those of the page around an address that may be anything, if that is in the direct map.
    #[inline(always)]
    pub(crate) fn around(addr: usize) -> Option<Self> {
        if !in_memory(addr) {
            return None;
        }
        // SAFETY: It is not written after boot.
        let pages = unsafe { bindings::vmemmap_base };
        let frame = addr.wrapping_sub(read_once::read(&START)) / PAGE_SIZE;
        let page = pages.wrapping_add(frame.wrapping_mul(size_of::<bindings::page>()));
        // INVARIANT: `frame` is a frame of the direct map; the offset is checked in helpers.c.
        Some(Self(page.wrapping_add(raw::RUST_POOL_PAGE_WORDS)))
    }

    /// The address of the first.
    #[inline]
    pub(crate) fn addr(self) -> usize {
        self.0
    }

    /// Reads both: 0 first if there is no such page.
    #[inline(always)]
    pub(crate) fn peek(self) -> (u64, u64) {
        // SAFETY: By the type invariant, it lies in the array of page structures.
        unsafe { load(self.0) }
    }

    /// Those of a page.
    pub(crate) fn of(page: NonNull<bindings::page>) -> Self {
        // INVARIANT: It is a page's; pages of other memory than the direct map's are not handed
        // around here.
        Self((page.as_ptr() as usize).wrapping_add(raw::RUST_POOL_PAGE_WORDS))
    }

    /// Whether the page, or all of a block of pages that it is the first of, may be handed out
    /// again: its owner has the only reference, and so no process maps it, and its memory has no
    /// known error.
    ///
    /// # Safety
    ///
    /// There is such a page, and the caller has a reference to it.
    #[inline(always)]
    pub(crate) unsafe fn is_reusable(self) -> bool {
        // Without it a kernel has no flag for pages that the hardware cannot keep any more.
        #[cfg(CONFIG_MEMORY_FAILURE)]
        const POISONED: u64 = 1 << bindings::pageflags_PG_hwpoison;
        #[cfg(not(CONFIG_MEMORY_FAILURE))]
        const POISONED: u64 = 0;
        let page = self.0.wrapping_sub(raw::RUST_POOL_PAGE_WORDS);
        // SAFETY: By the safety requirements and the type invariant these lie in a `struct page`.
        // Others may change them at the same time; any value that they had will do, as whoever adds
        // a reference needs one to begin with.
        unsafe {
            let count = page.wrapping_add(raw::RUST_POOL_PAGE_COUNT) as *const u32;
            let flags = page as *const u64;
            count.read_volatile() == 1 && flags.read_volatile() & POISONED == 0
        }
    }

    /// Writes both.
    ///
    /// # Safety
    ///
    /// The caller has allocated the page.
    #[inline]
    pub(crate) unsafe fn write(self, first: u64, second: u64) {
        let at = self.0 as *mut u64;
        // SAFETY: By the type invariant and the safety requirements.
        unsafe {
            at.write_volatile(first);
            at.add(1).write_volatile(second);
        }
    }
}
