// SPDX-License-Identifier: GPL-2.0

//! Allocates and maps pages, and sets their cache types.

use crate::sys::{
    arch::nofault::PageWords,
    context::{
        irql,
        may_vmalloc, //
    },
    frames::Node,
    memory::{
        Gfp,
        PAGE_SIZE, //
    },
    raw, //
};
use core::{
    mem::ManuallyDrop,
    ptr::{
        null_mut,
        NonNull, //
    }, //
};
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

/// Adjacent pages of the direct map that each have a reference of their own. They are freed on
/// drop, if they are write-back.
///
/// # Invariants
///
/// At `base` are so many bytes of whole pages that the page allocator gave out like this, and that
/// nobody else uses or maps. They are write-back if `plain` says so.
pub(crate) struct OwnPages {
    base: NonNull<u8>,
    bytes: usize,
    plain: bool,
}

impl OwnPages {
    /// Pages as those of [`pages_exact`].
    pub(crate) fn exact(bytes: usize, gfp: Gfp) -> Option<Self> {
        // INVARIANT: They were just allocated.
        Some(Self {
            base: pages_exact(bytes, gfp)?,
            bytes,
            plain: true,
        })
    }

    /// The same of a node alone. At most [`PAGES_MAX`] bytes, of whole pages.
    pub(crate) fn on(bytes: usize, gfp: Gfp, node: Node) -> Option<Self> {
        if bytes > PAGES_MAX {
            return None;
        }
        // SAFETY: Any flags are allowed; the node exists or is none; this is not above the most.
        let base: *mut c_void = unsafe { raw::rust_pool_pages_on(gfp, bytes, node.raw()) };
        // INVARIANT: As above.
        Some(Self {
            base: NonNull::new(base.cast())?,
            bytes,
            plain: true,
        })
    }

    /// Exactly the page frames from `pfn` on, if all are of the node. Sleeps.
    pub(crate) fn at_frame(pfn: u64, pages: usize, node: Node) -> Result<Self, Contig> {
        let base = contig_try(pfn, pages, node)?;
        // INVARIANT: As above; there are fewer pages than an address has values.
        Ok(Self {
            base,
            bytes: pages.wrapping_mul(PAGE_SIZE),
            plain: true,
        })
    }

    /// Pages that their record had.
    ///
    /// # Safety
    ///
    /// `base` comes from [`Self::into_base`] of so many bytes, and is not used any more. If
    /// `plain`, the pages are write-back.
    pub(crate) unsafe fn from_base(base: NonNull<u8>, bytes: usize, plain: bool) -> Self {
        // INVARIANT: By the safety requirements.
        Self { base, bytes, plain }
    }

    /// Their address, for a client. They are not freed.
    pub(crate) fn into_base(self) -> NonNull<u8> {
        ManuallyDrop::new(self).base
    }

    /// Their address.
    pub(crate) fn addr(&self) -> usize {
        self.base.as_ptr() as usize
    }

    /// Their size.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The first.
    pub(crate) fn first(&self) -> Option<NonNull<bindings::page>> {
        page_of(self.base)
    }

    /// Clears them.
    pub(crate) fn clear(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { self.base.write_bytes(0, self.bytes) };
    }

    /// Each page, with its reference: all are to be freed by [`free_page`].
    pub(crate) fn into_pages(self) -> impl Iterator<Item = NonNull<bindings::page>> {
        let this = ManuallyDrop::new(self);
        pages_at(this.base, this.bytes / PAGE_SIZE).flatten()
    }

    /// Sets their cache type. After an error, part of them may have another than before. Sleeps.
    pub(crate) fn set_cache(&mut self, cache: i32) -> Result {
        let pages = u32::try_from(self.bytes / PAGE_SIZE)?;
        // INVARIANT: Until it is known, they are not write-back.
        self.plain = false;
        // SAFETY: By the type invariant they are the caller's, and no mapping of them is left with
        // another cache type.
        to_result(unsafe { raw::rust_pool_direct_set(self.base.as_ptr().cast(), pages, cache) })?;
        self.plain = cache == raw::_MEMORY_CACHING_TYPE_MmCached;
        Ok(())
    }
}

impl Drop for OwnPages {
    fn drop(&mut self) {
        if self.plain {
            // SAFETY: By the type invariant; nobody uses them any more.
            unsafe { free_pages(self.base, self.bytes) };
        }
    }
}

/// So many adjacent pages, from an address of the direct map on, which the caller owns: all are
/// there.
pub(crate) fn pages_at(
    base: NonNull<u8>,
    count: usize,
) -> impl Iterator<Item = Option<NonNull<bindings::page>>> {
    let at = move |page: usize| base.as_ptr().wrapping_add(page.wrapping_mul(PAGE_SIZE));
    (0..count).map(move |page| page_of(NonNull::new(at(page))?))
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

/// Why page frames could not be allocated.
pub(crate) enum Contig {
    /// This frame can never be allocated; the check was cheap.
    Obstacle(u64),
    /// The kernel tried, and failed.
    Busy,
}

/// Allocates exactly the page frames from `pfn` on, if all are of the node. Sleeps.
fn contig_try(pfn: u64, pages: usize, node: Node) -> Result<NonNull<u8>, Contig> {
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
    (0..pages).all(|page| {
        let addr = base.as_ptr().wrapping_add(page * PAGE_SIZE);
        let words = PageWords::around(addr as usize).or_else(|| {
            // SAFETY: By the safety requirements a page is mapped there.
            let page = unsafe { bindings::vmalloc_to_page(addr.cast()) };
            NonNull::new(page).map(PageWords::of)
        });
        // SAFETY: By the safety requirements.
        words.is_some_and(|words| unsafe { words.is_reusable() })
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
pub(crate) fn page_list(room: usize, flags: Flags) -> Option<KVVec<NonNull<bindings::page>>> {
    if may_vmalloc() {
        return KVVec::with_capacity(room, flags).ok();
    }
    let (base, len, room) = KVec::with_capacity(room, flags).ok()?.into_raw_parts();
    // SAFETY: These are the parts of a list. Its memory is kmalloc's, which is one of the two kinds
    // that a `KVVec` has.
    Some(unsafe { KVVec::from_raw_parts(base, len, room) })
}

/// Drops a list of pages, but not the pages. Any context but NMI: to drop a `KVVec` may sleep.
pub(crate) fn drop_page_list(list: KVVec<NonNull<bindings::page>>) {
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
    // SAFETY: By the safety requirements the caller owns the pages while they are mapped. `NonNull`
    // has the layout of a pointer, and there are `count`.
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
