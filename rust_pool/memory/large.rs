// SPDX-License-Identifier: GPL-2.0

//! Memory for blocks without a header, freed by address and size alone: blocks of the Rust API
//! above 8 KiB, and blocks of the C API above 64 KiB or for which there were no adjacent pages.
//!
//! The pages of C blocks may be referenced and mapped. For the Rust API, powers of two up to 64 KiB
//! come from kmalloc, which aligns them to a page; for other sizes up to 64 KiB the pages up to the
//! power of two are given back at once. Larger blocks, and blocks for which memory is too
//! fragmented, are virtually contiguous. With interrupts or softirqs disabled there is only the
//! page allocator, up to 4 MiB, because vmalloc's locks may not be taken there.

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
        SlabObject,
        PAGE_SIZE, //
    }, //
};
use core::ptr::NonNull;
use kernel::prelude::*;

/// Up to this size all blocks come from kmalloc.
pub(crate) const KMALLOC_MAX: usize = 2 * PAGE_SIZE;
/// Up to this size adjacent pages are tried first, even where vmalloc may be used.
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
                sys::kmalloc(used, gfp).map(SlabObject::into_raw)
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

/// Allocates a page-aligned block of pages that each have their own reference, unlike those of
/// kmalloc. If `charged`, they are charged to the current process. Any context but NMI.
pub(crate) fn allocate_pages(request: Request, charged: bool) -> Option<NonNull<u8>> {
    let used = used(request.bytes)?;
    if !sys::may_vmalloc() {
        if used > sys::PAGES_MAX {
            return None;
        }
        return request.attempt_charged(charged, |gfp| sys::pages_exact(used, gfp));
    }
    if !request::affordable(used) {
        return None;
    }
    request.attempt_charged(charged, |gfp| sys::vmalloc(used, gfp))
}

/// Which function allocated a block.
pub(crate) enum Source {
    /// [`allocate`].
    Any,
    /// [`allocate_pages`].
    Pages,
}

/// Frees a block. Any context but NMI.
///
/// # Safety
///
/// `block` comes from this function, of `bytes` bytes, and is not used any more.
pub(crate) unsafe fn free(block: NonNull<u8>, bytes: usize, source: Source) {
    let Some(used) = used(bytes) else {
        return;
    };
    // SAFETY: By the safety requirements the block is not used any more. The same tests as in the
    // function that allocated it tell which allocator it is from; only vmalloc's blocks are in
    // vmalloc's area.
    unsafe {
        if sys::is_vmalloc(block) {
            sys::vfree(block);
        } else if matches!(source, Source::Any) && by_kmalloc(used) {
            SlabObject::from_raw(block).free();
        } else {
            sys::free_pages(block, used);
        }
    }
}

/// Exported: [`allocate`] for the Rust API, whose layouts have the size.
#[no_mangle]
extern "C" fn rust_pool_large_allocate(bytes: usize, zero: bool, sleep: bool) -> *mut c_void {
    if sys::irql().is_nmi() {
        return sys::NULL;
    }
    allocate(Request { bytes, zero, sleep }).map_or(sys::NULL, |block| block.as_ptr().cast())
}
matches_header!(safe rust_pool_large_allocate(_, _, _));
export_symbol_gpl!(rust_pool_large_allocate);

/// Exported: [`free`] for the Rust API.
///
/// # Safety
///
/// `block` comes from [`rust_pool_large_allocate`] of `bytes` bytes and is not used any more.
#[no_mangle]
unsafe extern "C" fn rust_pool_large_free(block: *mut c_void, bytes: usize) {
    if let Some(block) = NonNull::new(block.cast()) {
        // SAFETY: By the safety requirements.
        unsafe { free(block, bytes, Source::Any) };
    }
}
matches_header!(rust_pool_large_free);
export_symbol_gpl!(rust_pool_large_free);
