// SPDX-License-Identifier: GPL-2.0

//! Properties of addresses, of pages, and of the machine's memory.

use crate::sys::raw;
use core::ptr::null_mut;
use kernel::{
    bindings,
    prelude::*, //
};

/// Bytes in a page.
pub(crate) const PAGE_SIZE: usize = kernel::page::PAGE_SIZE;

/// `bytes` rounded up to whole pages, or `None` if that overflows.
#[inline]
pub(crate) fn page_align(bytes: usize) -> Option<usize> {
    Some(bytes.checked_add(PAGE_SIZE - 1)? & !(PAGE_SIZE - 1))
}

/// A `gfp_t`.
pub(crate) type Gfp = bindings::gfp_t;

/// The physical address behind a kernel virtual address, if it is mapped. If it is unmapped
/// meanwhile, the result may be any address.
pub(crate) fn physical(addr: usize) -> Option<u64> {
    let mut phys = 0;
    // SAFETY: The helper accepts any address, and writes to `phys` only. It walks the page table
    // without a lock; a page of the table that is freed meanwhile stays in the direct map, so the
    // read does not fault.
    unsafe { raw::rust_pool_lookup(addr as *const c_void, &mut phys) }.then_some(phys)
}

/// Whether there is memory at a physical address.
pub(crate) fn is_memory(phys: u64) -> bool {
    // SAFETY: May be called anywhere, with any address.
    unsafe { raw::rust_pool_is_memory(phys) }
}

/// Writes the ranges of memory to `to`, whose elements are all zero. Returns how many ranges there
/// are, maybe more than fit. Task context.
pub(crate) fn memory_ranges(to: &mut [raw::PHYSICAL_MEMORY_RANGE]) -> usize {
    // SAFETY: `to` is valid for reads and writes of its length.
    unsafe { raw::rust_pool_memory_list(to.as_mut_ptr(), to.len()) }
}

/// One past the highest page frame number of memory.
pub(crate) fn max_pfn() -> u64 {
    // SAFETY: May be called anywhere.
    // CAST: `usize` is 64 bits wide on the architectures supported.
    unsafe { raw::rust_pool_max_pfn() as u64 }
}

/// Bytes of memory that could be allocated without swapping.
pub(crate) fn available() -> usize {
    // SAFETY: May be called anywhere.
    let pages = unsafe { bindings::si_mem_available() };
    usize::try_from(pages)
        .unwrap_or(0)
        .saturating_mul(PAGE_SIZE)
}

/// Bytes of memory in the machine.
pub(crate) fn total() -> usize {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_total_pages() }.saturating_mul(PAGE_SIZE)
}

/// Whether the kernel zeroes memory when it is allocated.
pub(crate) fn inits_on_alloc() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_inits_on_alloc() }
}

/// Whether the kernel zeroes memory when it is freed.
pub(crate) fn inits_on_free() -> bool {
    // SAFETY: May be called anywhere.
    unsafe { raw::rust_pool_inits_on_free() }
}

/// A null pointer where C expects one.
pub(crate) const NULL: *mut c_void = null_mut();
