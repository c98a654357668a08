// SPDX-License-Identifier: GPL-2.0

//! Reads memory that may not be mapped: a fault is fixed up by the exception table.
//!
//! The assembly is not instrumented, so KASAN does not report a read of a freed block's header.

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

/// Where the direct map begins, and how far it may extend: to the vmalloc area. Neither changes
/// after boot.
static START: Atomic<usize> = Atomic::new(0);
static LENGTH: Atomic<usize> = Atomic::new(0);

/// Learns where the direct map is.
pub(crate) fn init() {
    // SAFETY: Both are statics of the kernel that it does not write after boot.
    let (start, end) = unsafe { (bindings::page_offset_base, bindings::vmalloc_base) };
    START.store(start, Relaxed);
    LENGTH.store(end.saturating_sub(start).saturating_sub(PAGE_SIZE), Relaxed);
}

/// Reads 16 bytes. If they are not mapped, the first eight read as 0; the others may read as
/// anything.
///
/// # Safety
///
/// `addr` lies in the range of the direct map, or in the array of page structures. A read there has
/// no effect, except a page fault if nothing is mapped.
#[inline(always)]
unsafe fn load(addr: usize) -> (u64, u64) {
    let (first, second): (u64, u64);
    // SAFETY: By the safety requirements the reads have no effect but a fault. For that both have
    // an entry in the exception table, which leaves 0 in `rax` and goes on at `4`.
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

/// Reads 16 bytes at any address. The first word is 0 if nothing is mapped there. `None` if the
/// address is outside of the range of the direct map.
#[inline(always)]
pub(crate) fn peek(addr: usize) -> Option<(u64, u64)> {
    if addr.wrapping_sub(read_once::read(&START)) > read_once::read(&LENGTH) {
        return None;
    }
    // SAFETY: As just checked, the address lies in the range of the direct map.
    Some(unsafe { load(addr) })
}

/// Replaces 8 bytes that were read a moment ago, if they are still `old`.
///
/// # Safety
///
/// [`peek`] or [`PageWords::peek`] read at `addr`. If the bytes are still `old`, the caller may
/// replace them.
#[inline(always)]
pub(crate) unsafe fn replace(addr: usize, old: u64, new: u64) -> bool {
    // SAFETY: By the safety requirements the bytes may be replaced if they are still `old`. If the
    // memory was unmapped meanwhile, the instruction faults and writes nothing. Then the exception
    // table leaves -`EFAULT` in `rax`, and goes on at `differs`.
    unsafe {
        asm!(
            "2: lock cmpxchg [{addr}], {new}",
            "jne {differs}",
            ".pushsection __ex_table, \"a\"",
            ".balign 4",
            ".long 2b - .",
            ".long {differs} - .",
            ".long {fault_in_rax}",
            ".popsection",
            addr = in(reg) addr,
            new = in(reg) new,
            fault_in_rax = const raw::RUST_POOL_FIXUP_ERROR_RAX,
            inout("rax") old => _,
            differs = label { return false },
            options(nostack),
        )
    };
    true
}

/// Whether an address lies between the start of the direct map and the end of memory. There may be
/// holes.
#[inline(always)]
fn in_memory(addr: usize) -> bool {
    // SAFETY: It is a static of the kernel. Hot-plugging memory changes it; the volatile load reads
    // the old value or the new one, and either will do.
    let end = unsafe { (&raw const bindings::high_memory).read_volatile() } as usize;
    addr >= read_once::read(&START) && addr < end
}

/// Two words of a `struct page` that belong to whoever allocated the page.
///
/// # Invariants
///
/// The address is that of the field `__folio_index`, behind which is `private`, in the
/// `struct page` of a page frame of the direct map. That frame need not exist.
#[derive(Clone, Copy)]
pub(crate) struct PageWords(usize);

impl PageWords {
    /// The words of the page around any address; `None` if that is not in the direct map.
    #[inline(always)]
    pub(crate) fn around(addr: usize) -> Option<Self> {
        if !in_memory(addr) {
            return None;
        }
        // SAFETY: It is a static of the kernel that it does not write after boot.
        let pages = unsafe { bindings::vmemmap_base };
        let frame = addr.wrapping_sub(read_once::read(&START)) / PAGE_SIZE;
        let page = pages.wrapping_add(frame.wrapping_mul(size_of::<bindings::page>()));
        // INVARIANT: `frame` is a frame of the direct map; helpers.c asserts the offset.
        Some(Self(page.wrapping_add(raw::RUST_POOL_PAGE_WORDS)))
    }

    /// The words of the page so many pages behind.
    ///
    /// # Safety
    ///
    /// That is in the direct map, too.
    #[inline(always)]
    pub(crate) unsafe fn behind(self, pages: usize) -> Self {
        // INVARIANT: By the safety requirements; the structures of adjacent frames are adjacent.
        Self(
            self.0
                .wrapping_add(pages.wrapping_mul(size_of::<bindings::page>())),
        )
    }

    /// The address of the first word.
    #[inline]
    pub(crate) fn addr(self) -> usize {
        self.0
    }

    /// Reads both words. The first is 0 if there is no such page.
    #[inline(always)]
    pub(crate) fn peek(self) -> (u64, u64) {
        // SAFETY: By the type invariant, it lies in the array of page structures.
        unsafe { load(self.0) }
    }

    /// The words of a page.
    ///
    /// # Safety
    ///
    /// `page` is a page of the direct map.
    pub(crate) unsafe fn of(page: NonNull<bindings::page>) -> Self {
        // INVARIANT: By the safety requirements it is the `struct page` of such a frame.
        Self((page.as_ptr() as usize).wrapping_add(raw::RUST_POOL_PAGE_WORDS))
    }

    /// Whether the page, or the compound page that it is the head of, may be handed out again: its
    /// owner has the only reference, so no process maps it, and its memory has no known error.
    ///
    /// # Safety
    ///
    /// There is such a page, and the caller has a reference to it.
    #[inline(always)]
    pub(crate) unsafe fn is_reusable(self) -> bool {
        let page = self.0.wrapping_sub(raw::RUST_POOL_PAGE_WORDS);
        // SAFETY: By the safety requirements and the type invariant it lies in a `struct page` that
        // exists; helpers.c asserts the offset. Other CPUs may change it, so the load is volatile.
        // A count of 1 does not grow behind our back: whoever adds a reference needs one to begin
        // with, and the only one is the caller's.
        let count = unsafe {
            let count = page.wrapping_add(raw::RUST_POOL_PAGE_COUNT) as *const u32;
            count.read_volatile()
        };
        // SAFETY: By the safety requirements there is such a page.
        count == 1 && !unsafe { self.has_error() }
    }

    /// Whether the kernel knows of an error in the page's memory.
    ///
    /// # Safety
    ///
    /// There is such a page.
    #[inline(always)]
    pub(crate) unsafe fn has_error(self) -> bool {
        // The flag of such pages; not every kernel has it.
        #[cfg(CONFIG_MEMORY_FAILURE)]
        const POISONED: u64 = 1 << bindings::pageflags_PG_hwpoison;
        #[cfg(not(CONFIG_MEMORY_FAILURE))]
        const POISONED: u64 = 0;
        let flags = self.0.wrapping_sub(raw::RUST_POOL_PAGE_WORDS) as *const u64;
        // SAFETY: By the safety requirements and the type invariant it is the first word of a
        // `struct page` that exists. Other CPUs may change it, so the load is volatile.
        let flags = unsafe { flags.read_volatile() };
        flags & POISONED != 0
    }

    /// Writes both words.
    ///
    /// # Safety
    ///
    /// The caller owns the page.
    #[inline]
    pub(crate) unsafe fn write(self, first: u64, second: u64) {
        let at = self.0 as *mut u64;
        // SAFETY: By the type invariant these are the words of a page, which by the safety
        // requirements the caller owns. Other CPUs may read them, so the stores are volatile.
        unsafe {
            at.write_volatile(first);
            at.add(1).write_volatile(second);
        }
    }
}
