// SPDX-License-Identifier: GPL-2.0

//! Allocates and maps pages, and sets their cache types.

use crate::sys::{
    arch::nofault::PageWords,
    context::{
        irql,
        may_vmalloc, //
    },
    memory::{
        Gfp,
        PAGE_SIZE, //
    },
    raw,
    vmap::Vmap, //
};
use core::ptr::NonNull;
use kernel::{
    alloc::Flags,
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

/// Frees pages of the direct map that each have a reference of their own.
///
/// # Safety
///
/// `base` comes from [`pages_exact`], or is that of [`OwnPages`], for as many pages, and is not
/// used any more.
pub(crate) unsafe fn free_pages(base: NonNull<u8>, bytes: usize) {
    // SAFETY: By the safety requirements the pages are the caller's. The function drops a reference
    // to each page; both of these give each page its own.
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

/// Virtually contiguous memory. Only where [`may_vmalloc`](super::context::may_vmalloc).
pub(crate) fn vmalloc(bytes: usize, gfp: Gfp) -> Option<NonNull<u8>> {
    // SAFETY: Any size is allowed. The callers check `may_vmalloc()` first, and pass flags that
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
/// `block` comes from [`vmalloc`], or from `kvmalloc()`, and is not used any more.
pub(crate) unsafe fn vfree(block: NonNull<u8>) {
    if irql().may_sleep() {
        // SAFETY: By the safety requirements the block is not used any more; this context may
        // sleep, as `kvfree()` requires.
        unsafe { bindings::kvfree(block.as_ptr().cast()) }
    } else {
        // SAFETY: By the safety requirements the block is not used any more; this function may be
        // called in any context but NMI.
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

/// Whether all of `pages` pages may be handed out again: see [`PageWords::is_reusable`]. They may
/// be in vmalloc's area.
///
/// # Safety
///
/// There are so many pages at `base`, and the caller has a reference to each.
pub(crate) unsafe fn are_reusable(base: NonNull<u8>, pages: usize) -> bool {
    if let Some(first) = PageWords::around(base.as_ptr() as usize) {
        // SAFETY: By the safety requirements. What is not in vmalloc's area is adjacent in the
        // direct map.
        return (0..pages).all(|page| unsafe { first.behind(page).is_reusable() });
    }
    (0..pages).all(|page| {
        let addr = base.as_ptr().wrapping_add(page * PAGE_SIZE);
        // SAFETY: By the safety requirements a page is mapped there.
        let page = NonNull::new(unsafe { bindings::vmalloc_to_page(addr.cast()) });
        // SAFETY: By the safety requirements.
        page.is_some_and(|page| unsafe { PageWords::of(page).is_reusable() })
    })
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

/// An empty list with room for so many pages. Any context but NMI, with flags that it supports; to
/// be dropped by [`drop_page_list`] where the context may not sleep.
pub(super) fn page_list(room: usize, flags: Flags) -> Option<KVVec<NonNull<bindings::page>>> {
    if may_vmalloc() {
        return KVVec::with_capacity(room, flags).ok();
    }
    let (base, len, room) = KVec::with_capacity(room, flags).ok()?.into_raw_parts();
    // SAFETY: These are the parts of a list. Its memory is kmalloc's, which is one of the two kinds
    // that a `KVVec` has.
    Some(unsafe { KVVec::from_raw_parts(base, len, room) })
}

/// Drops a list of pages, but not the pages. Any context but NMI: to drop a `KVVec` may sleep.
pub(super) fn drop_page_list(list: KVVec<NonNull<bindings::page>>) {
    let (base, _, room) = list.into_raw_parts();
    if let (Some(base), true) = (NonNull::new(base.cast()), room != 0) {
        // SAFETY: The list had room, so this is its memory, of kmalloc or vmalloc, and nobody has
        // it any more.
        unsafe { vfree(base) };
    }
}

/// Sets the cache type of scattered pages in the direct map. Sleeps.
///
/// # Safety
///
/// The caller owns the pages, and nobody else maps them.
pub(super) unsafe fn pages_set(pages: &mut [NonNull<bindings::page>], cache: i32) -> Result {
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
pub(super) unsafe fn vmap(pages: &mut [NonNull<bindings::page>], cache: i32) -> Option<Vmap> {
    let count = u32::try_from(pages.len()).ok()?;
    // SAFETY: By the safety requirements the caller owns the pages while they are mapped. `NonNull`
    // has the layout of a pointer, and there are `count`.
    let base = unsafe { raw::rust_pool_vmap(pages.as_mut_ptr().cast(), count, cache, true) };
    // SAFETY: It was just mapped.
    unsafe { Vmap::new(base, pages.len()) }
}
