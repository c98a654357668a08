// SPDX-License-Identifier: GPL-2.0

//! Allocates and maps pages, and sets their cache types.

use crate::sys::{
    context::irql,
    frames::Node,
    memory::Gfp,
    raw, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// The most bytes that the page allocator gives at once.
pub(crate) const PAGES_MAX: usize = 4 << 20;

/// Physically contiguous pages for `bytes` bytes: no more pages than that takes, unlike
/// [`page_block`].
pub(crate) fn pages_exact(bytes: usize, gfp: Gfp) -> Option<NonNull<u8>> {
    // SAFETY: Any size and flags are allowed: the function returns null for a size that is too
    // large, and ignores `__GFP_COMP` with a warning.
    NonNull::new(unsafe { bindings::alloc_pages_exact_noprof(bytes, gfp) }.cast())
}

/// As [`pages_exact`], of a node alone. At most [`PAGES_MAX`] bytes, of whole pages.
pub(crate) fn pages_on(bytes: usize, gfp: Gfp, node: Node) -> Option<NonNull<u8>> {
    // SAFETY: Any flags are allowed; the node exists or is none, and the callers keep to the most.
    NonNull::new(unsafe { raw::rust_pool_pages_on(gfp, bytes, node.raw()) }.cast())
}

/// Frees pages of the direct map that each have a reference of their own.
///
/// # Safety
///
/// `base` comes from [`pages_exact`], [`pages_on`] or [`contig_try`] for as many pages, and is not
/// used any more.
pub(crate) unsafe fn free_pages(base: NonNull<u8>, bytes: usize) {
    // SAFETY: By the safety requirements. The function drops a reference to each page, which is how
    // both of these hand them out.
    unsafe { bindings::free_pages_exact(base.as_ptr().cast(), bytes) }
}

/// A compound page: physically contiguous pages of an order, which share one reference count.
#[inline]
pub(crate) fn page_block(order: u32, gfp: Gfp) -> Option<NonNull<u8>> {
    // SAFETY: Any order and flags are allowed.
    NonNull::new(unsafe { raw::rust_pool_page_block(gfp, order) }.cast())
}

/// Drops the owner's reference to a [`page_block`]. With the last reference the pages are free.
///
/// # Safety
///
/// `base` comes from [`page_block`] of this order, and its owner does not use it any more.
pub(crate) unsafe fn free_page_block(base: NonNull<u8>, order: u32) {
    // SAFETY: By the safety requirements it is the caller's reference. For a compound page
    // `free_pages()` drops only that, and frees nothing that others still refer to.
    unsafe { bindings::free_pages(base.as_ptr() as usize, order) }
}

/// Why page frames could not be allocated.
pub(crate) enum Contig {
    /// This frame can never be allocated; the check was cheap.
    Obstacle(u64),
    /// The kernel tried, and failed.
    Busy,
}

/// Allocates exactly the page frames from `pfn` on, if all are of the node. Sleeps.
pub(crate) fn contig_try(pfn: u64, pages: usize, node: Node) -> Result<NonNull<u8>, Contig> {
    let (mut base, mut obstacle) = (null_mut(), 0);
    let pfn = usize::try_from(pfn).map_err(|_| Contig::Busy)?;
    // SAFETY: The helper checks that every frame exists before it touches it, and writes to `base`
    // and `obstacle` only.
    let err =
        unsafe { raw::rust_pool_contig_try(pfn, pages, node.raw(), &mut base, &mut obstacle) };
    match NonNull::new(base.cast()) {
        Some(base) => Ok(base),
        // CAST: Lossless on the architectures supported.
        None if err == ENXIO.to_errno() => Err(Contig::Obstacle(obstacle as u64)),
        None => Err(Contig::Busy),
    }
}

/// Virtually contiguous memory. Only where [`may_vmalloc`](super::context::may_vmalloc).
pub(crate) fn vmalloc(bytes: usize, gfp: Gfp) -> Option<NonNull<u8>> {
    // SAFETY: Any size is allowed. The callers ask `may_vmalloc()` first, and pass flags that
    // vmalloc supports.
    NonNull::new(unsafe { raw::rust_pool_vmalloc(bytes, gfp) }.cast())
}

/// Whether an address lies in the area that [`vmalloc`] hands out.
pub(crate) fn is_vmalloc(block: NonNull<u8>) -> bool {
    // SAFETY: The function only compares the address.
    unsafe { bindings::is_vmalloc_addr(block.as_ptr().cast()) }
}

/// Frees what [`vmalloc`] returned.
///
/// # Safety
///
/// `block` comes from [`vmalloc`] and is not used any more.
pub(crate) unsafe fn vfree(block: NonNull<u8>) {
    if irql().may_sleep() {
        // SAFETY: By the safety requirements; this context may sleep, as `vfree()` may.
        unsafe { bindings::kvfree(block.as_ptr().cast()) }
    } else {
        // SAFETY: By the safety requirements; this function works in any context but NMI.
        unsafe { bindings::kvfree_atomic(block.as_ptr().cast()) }
    }
}

/// A page that is mapped in the direct map only.
pub(crate) fn page(gfp: Gfp) -> Option<NonNull<bindings::page>> {
    // SAFETY: Order 0 with any flags is allowed.
    NonNull::new(unsafe { bindings::alloc_pages(gfp, 0) })
}

/// The page at an address of the direct map, which the caller owns.
pub(crate) fn page_of(addr: NonNull<u8>) -> Option<NonNull<bindings::page>> {
    // SAFETY: The function computes the address of the `struct page`, and reads nothing there.
    NonNull::new(unsafe { raw::rust_pool_page_of(addr.as_ptr().cast()) })
}

/// The address of a page in the direct map.
pub(crate) fn address_of(page: NonNull<bindings::page>) -> Option<NonNull<u8>> {
    // SAFETY: It is a page; its address is only computed.
    NonNull::new(unsafe { raw::rust_pool_page_address(page.as_ptr()) }.cast())
}

/// Frees what [`page`] returned.
///
/// # Safety
///
/// `page` comes from [`page`] and is not used any more.
pub(crate) unsafe fn free_page(page: NonNull<bindings::page>) {
    // SAFETY: By the safety requirements.
    unsafe { bindings::__free_pages(page.as_ptr(), 0) }
}

/// Sets the cache type of `pages` pages of the direct map from `base` on. Sleeps.
///
/// # Safety
///
/// `base` is an address of the direct map. The caller owns the pages, and nobody else maps them.
pub(crate) unsafe fn direct_set(base: NonNull<u8>, pages: usize, cache: i32) -> Result {
    let pages = u32::try_from(pages)?;
    // SAFETY: By the safety requirements no mapping of the pages is left with another cache type.
    to_result(unsafe { raw::rust_pool_direct_set(base.as_ptr().cast(), pages, cache) })
}

/// Sets the cache type of scattered pages in the direct map. Sleeps.
///
/// # Safety
///
/// The caller owns the pages, and nobody else maps them.
pub(crate) unsafe fn pages_set(pages: &mut [NonNull<bindings::page>], cache: i32) -> Result {
    let count = u32::try_from(pages.len())?;
    // SAFETY: By the safety requirements no mapping of the pages is left with another cache type.
    // `NonNull` has the layout of a pointer, and there are `count`.
    to_result(unsafe { raw::rust_pool_pages_set(pages.as_mut_ptr().cast(), count, cache) })
}

/// Maps scattered pages side by side, with the cache type that they have. Sleeps.
///
/// # Safety
///
/// The caller owns the pages for as long as they are mapped. `cache` is their cache type.
pub(crate) unsafe fn vmap(
    pages: &mut [NonNull<bindings::page>],
    cache: i32,
) -> Option<NonNull<u8>> {
    let count = u32::try_from(pages.len()).ok()?;
    // SAFETY: By the safety requirements. `NonNull` has the layout of a pointer, and there are
    // `count`.
    let base = unsafe { raw::rust_pool_vmap(pages.as_mut_ptr().cast(), count, cache, true) };
    NonNull::new(base.cast())
}

/// Undoes [`vmap`]. Sleeps.
///
/// # Safety
///
/// `base` comes from [`vmap`] or another function of the C half that maps pages by `vmap()`, and is
/// not used any more.
pub(crate) unsafe fn vunmap(base: NonNull<u8>) {
    // SAFETY: By the safety requirements.
    unsafe { raw::rust_pool_vunmap(base.as_ptr().cast()) }
}
