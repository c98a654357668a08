// SPDX-License-Identifier: GPL-2.0

//! Pages with unmapped pages between them; see `arch/guard_pages.c`.

use crate::sys::{
    arch::nofault::PageWords,
    memory::PAGE_SIZE,
    pages::{
        free_page,
        page, //
    },
    raw,
    vmap::vunmap, //
};
use core::{
    cell::Cell,
    ptr::NonNull,
    slice::SliceIndex, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    prelude::*, //
};

/// An area of vmalloc space in which every second page is never mapped. The others can be hidden
/// (unmapped) and shown.
///
/// # Invariants
///
/// `base` is an area that `rust_pool_guard_area()` made, with room for two pages for each of
/// `pages` and one more. `pages` come from [`page`], and the value owns them.
pub(crate) struct GuardedPages {
    base: NonNull<u8>,
    pages: KVVec<NonNull<bindings::page>>,
}

// SAFETY: The value owns the area and the pages, which any thread may use and free.
unsafe impl Send for GuardedPages {}

impl GuardedPages {
    /// `count` pages, all hidden. Sleeps.
    pub(crate) fn new(count: usize) -> Result<Self> {
        let mut pages = Pages(KVVec::with_capacity(count, GFP_KERNEL | __GFP_NOWARN)?);
        for _ in 0..count {
            let page = page(raw::RUST_POOL_GFP_KERNEL).ok_or(ENOMEM)?;
            // It does not fail, as the capacity is `count`.
            pages.0.push_within_capacity(page).map_err(|_| ENOMEM)?;
        }
        let any = pages.0.first().ok_or(EINVAL)?;
        let in_area = u32::try_from(count)?.checked_mul(2).ok_or(EINVAL)?;
        // SAFETY: The page is valid. The function maps it everywhere to make the page tables, and
        // unmaps it before it returns.
        let base = unsafe { raw::rust_pool_guard_area(any.as_ptr(), in_area + 1) };
        let base = NonNull::new(base.cast()).ok_or(ENOMEM)?;
        let pages = core::mem::replace(&mut pages.0, KVVec::new());
        // INVARIANT: The area has `2 * count + 1` pages, and `page()` returned each of `pages`.
        Ok(Self { base, pages })
    }

    /// How many pages there are.
    pub(crate) fn count(&self) -> usize {
        self.pages.len()
    }

    /// Where the area begins.
    pub(crate) fn start(&self) -> usize {
        self.base.as_ptr() as usize
    }

    /// The bytes in the area.
    pub(crate) fn bytes(&self) -> usize {
        (2 * self.count() + 1) * PAGE_SIZE
    }

    /// The address at which a page is shown.
    pub(crate) fn address(&self, at: usize) -> usize {
        self.start() + (2 * at + 1) * PAGE_SIZE
    }

    /// The page with an index, which is hidden.
    ///
    /// # Safety
    ///
    /// It is hidden, and nobody else has it. The area is not dropped while the result, or what
    /// [`HiddenPage::show`] makes of it, is used.
    pub(crate) unsafe fn hidden(&self, at: usize) -> Option<HiddenPage> {
        let page = *self.pages.get(at)?;
        // INVARIANT: `address()` is where this page belongs. By the safety requirements the area
        // exists as long as the value is used.
        Some(HiddenPage {
            addr: self.address(at),
            page,
        })
    }

    /// The page with an index, which is shown.
    ///
    /// # Safety
    ///
    /// It is shown, and whoever had its memory gives it up. The area is not dropped while the
    /// result, or what [`ShownPage::hide`] makes of it, is used.
    pub(crate) unsafe fn shown(&self, at: usize) -> Option<ShownPage> {
        let page = *self.pages.get(at)?;
        // INVARIANT: As in `hidden()`; by the safety requirements it is mapped.
        Some(ShownPage(HiddenPage {
            addr: self.address(at),
            page,
        }))
    }

    /// Flushes the hidden pages from `first` to `last` from the TLBs of all CPUs. Sleeps.
    pub(crate) fn flush(range: (usize, usize)) {
        let (start, end) = range;
        // SAFETY: To flush a TLB entry does no harm, whatever is mapped there by now.
        unsafe { raw::rust_pool_guard_flush(start as *mut c_void, end as *mut c_void) };
    }

    /// Never frees the pages, nor the area.
    pub(crate) fn leak(self) {
        core::mem::forget(self);
    }
}

impl Drop for GuardedPages {
    fn drop(&mut self) {
        // SAFETY: By the type invariant `vmap()` in `rust_pool_guard_area()` made it. Its owner
        // drops it, so nobody uses it any more.
        unsafe { vunmap(self.base) };
        // The pages are no longer mapped there, so they may be freed.
        drop(Pages(core::mem::replace(&mut self.pages, KVVec::new())));
    }
}

/// Pages from [`page`] that are not mapped; they are freed on drop.
struct Pages(KVVec<NonNull<bindings::page>>);

impl Drop for Pages {
    fn drop(&mut self) {
        for &page in &self.0 {
            // SAFETY: `page()` returned it, and only this list has it.
            unsafe { free_page(page) };
        }
    }
}

/// A page of an area, which is not mapped.
///
/// # Invariants
///
/// `page` belongs at `addr` in an area, which exists as long as the value is used. Nobody else maps
/// it there.
pub(crate) struct HiddenPage {
    addr: usize,
    page: NonNull<bindings::page>,
}

impl HiddenPage {
    /// The address at which it is shown.
    pub(crate) fn addr(&self) -> usize {
        self.addr
    }

    /// Whether nobody else refers to the page.
    pub(crate) fn is_reusable(&self) -> bool {
        // SAFETY: By the type invariant it is a page of an area, which has a reference to it.
        unsafe { PageWords::of(self.page).is_reusable() }
    }

    /// Maps the page. Any context but NMI.
    pub(crate) fn show(self) -> ShownPage {
        // SAFETY: By the type invariant the address lies in an area, and is this page's.
        unsafe { raw::rust_pool_guard_show(self.addr as *mut c_void, self.page.as_ptr()) };
        // INVARIANT: It is mapped now.
        ShownPage(self)
    }
}

/// A page of an area, which is mapped.
///
/// # Invariants
///
/// The page is mapped at its address, and its memory belongs to this value.
pub(crate) struct ShownPage(HiddenPage);

impl ShownPage {
    /// The address at which it is shown.
    pub(crate) fn addr(&self) -> usize {
        self.0.addr()
    }

    /// Whether nobody else refers to the page.
    pub(crate) fn is_reusable(&self) -> bool {
        self.0.is_reusable()
    }

    /// Bytes of the page; none if there are not so many. Clients that use a freed block may change
    /// them.
    pub(crate) fn bytes(
        &self,
        range: impl SliceIndex<[Cell<u8>], Output = [Cell<u8>]>,
    ) -> &[Cell<u8>] {
        // SAFETY: By the type invariant these are the bytes of the page.
        let all = unsafe { core::slice::from_raw_parts(self.addr() as *const Cell<u8>, PAGE_SIZE) };
        all.get(range).unwrap_or_default()
    }

    /// Unmaps the page, and flushes it from the TLB of this CPU. Any context but NMI.
    pub(crate) fn hide(self) -> HiddenPage {
        // SAFETY: By the type invariant the address lies in an area, and nobody else uses the
        // memory there.
        unsafe { raw::rust_pool_guard_hide(self.addr() as *mut c_void) };
        // INVARIANT: It is not mapped any more.
        self.0
    }
}
