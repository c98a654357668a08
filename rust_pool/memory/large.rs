// SPDX-License-Identifier: GPL-2.0

//! Memory for blocks without a header of any kind, found again by address and size alone: those of
//! the Rust face above 8 KiB, and those of the C face above 64 KiB, or for which no pages side by
//! side were to be had.
//!
//! Those of the C face are of pages that may be referred to and mapped. For the Rust face, powers of two up to 64 KiB are kmalloc's, whose alignment guarantee gives page alignment; other
//! sizes up to there take whole pages and give the rest of the power of two back. Above that, and
//! where pages are too fragmented, the block is virtually contiguous. Where interrupts or softirqs
//! are kept out there is only the page allocator, up to 4 MiB, since vmalloc's locks are not for such
//! contexts to take.

use crate::{
    lib::export::{
        export_symbol_gpl,
        matches_header, //
    },
    memory::request::{
        self,
        Request, //
    },
    sys::{
        self,
        page_align,
        PAGE_SIZE, //
    }, //
};
use core::ptr::NonNull;
use kernel::prelude::*;

/// Up to here kmalloc is asked, whatever the size.
pub(crate) const KMALLOC_MAX: usize = 2 * PAGE_SIZE;
/// Up to here pages side by side are tried first, even where vmalloc may be used.
pub(crate) const CONTIGUOUS_MAX: usize = 16 * PAGE_SIZE;

/// What a block of `bytes` bytes takes, or `None` if that overflows.
#[inline]
pub(crate) fn used(bytes: usize) -> Option<usize> {
    let pages = page_align(bytes)?;
    // `__vmalloc()` and our counters take signed sizes.
    isize::try_from(pages).ok()?;
    Some(pages)
}

/// Whether a block that takes `used` bytes comes from kmalloc, if it is not from vmalloc.
fn by_kmalloc(used: usize) -> bool {
    used <= KMALLOC_MAX || (used <= CONTIGUOUS_MAX && used.is_power_of_two())
}

/// Allocates a page-aligned block. Any context but NMI.
pub(crate) fn allocate(request: Request) -> Option<NonNull<u8>> {
    let used = used(request.bytes)?;
    let virtually = sys::may_vmalloc();
    if used <= CONTIGUOUS_MAX || !virtually {
        if used > sys::PAGES_MAX {
            return None;
        }
        let block = request.attempt(|gfp| {
            if by_kmalloc(used) {
                sys::kmalloc(used, gfp)
            } else {
                sys::pages_exact(used, gfp)
            }
        });
        if block.is_some() || !virtually || used <= PAGE_SIZE {
            return block;
        }
    }
    if !request::affordable(used) {
        return None;
    }
    request.attempt(|gfp| sys::vmalloc(used, gfp))
}

/// Allocates a page-aligned block of pages that each have a reference of their own, as kmalloc's
/// have not. Any context but NMI.
pub(crate) fn allocate_pages(request: Request) -> Option<NonNull<u8>> {
    let used = used(request.bytes)?;
    if !sys::may_vmalloc() {
        if used > sys::PAGES_MAX {
            return None;
        }
        return request.attempt(|gfp| sys::pages_exact(used, gfp));
    }
    if !request::affordable(used) {
        return None;
    }
    request.attempt(|gfp| sys::vmalloc(used, gfp))
}

/// Frees a block. Any context but NMI.
///
/// # Safety
///
/// `block` comes from [`allocate_pages`] of `bytes` bytes and is not used any more.
pub(crate) unsafe fn free_pages(block: NonNull<u8>, bytes: usize) {
    let Some(used) = used(bytes) else {
        return;
    };
    // SAFETY: By the safety requirements; vmalloc addresses are vmalloc's.
    unsafe {
        if sys::is_vmalloc(block) {
            sys::vfree(block);
        } else {
            sys::free_pages(block, used);
        }
    }
}

/// Frees a block. Any context but NMI.
///
/// # Safety
///
/// `block` comes from [`allocate`] of `bytes` bytes and is not used any more.
pub(crate) unsafe fn free(block: NonNull<u8>, bytes: usize) {
    let Some(used) = used(bytes) else {
        return;
    };
    // SAFETY: By the safety requirements; the same tests as in `allocate()` tell the allocators
    // apart, and vmalloc addresses are vmalloc's.
    unsafe {
        if sys::is_vmalloc(block) {
            sys::vfree(block);
        } else if by_kmalloc(used) {
            sys::kfree(block);
        } else {
            sys::free_pages(block, used);
        }
    }
}

/// Exported: [`allocate`] for the Rust face, whose layouts tell the size.
///
/// # Safety
///
/// None needed; C knows no safe functions.
#[no_mangle]
unsafe extern "C" fn rust_pool_large_allocate(
    bytes: usize,
    zero: bool,
    sleep: bool,
) -> *mut c_void {
    if sys::irql() == 15 {
        return sys::NULL;
    }
    allocate(Request { bytes, zero, sleep }).map_or(sys::NULL, |block| block.as_ptr().cast())
}
matches_header!(rust_pool_large_allocate);
export_symbol_gpl!(rust_pool_large_allocate);

/// Exported: [`free`] for the Rust face.
///
/// # Safety
///
/// `block` comes from [`rust_pool_large_allocate`] of `bytes` bytes and is not used any more.
#[no_mangle]
unsafe extern "C" fn rust_pool_large_free(block: *mut c_void, bytes: usize) {
    if let Some(block) = NonNull::new(block.cast()) {
        // SAFETY: By the safety requirements.
        unsafe { free(block, bytes) };
    }
}
matches_header!(rust_pool_large_free);
export_symbol_gpl!(rust_pool_large_free);
