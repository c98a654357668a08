// SPDX-License-Identifier: GPL-2.0

//! Pages with unmapped pages between them; see `arch/guard_pages.c`.

use crate::sys::{
    arch::nofault::PageWords,
    memory::PAGE_SIZE,
    pages::{
        free_page,
        page,
        vunmap, //
    },
    raw, //
};
use core::ptr::NonNull;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    error::to_result,
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

    /// The page with an index, to show and to hide.
    ///
    /// # Safety
    ///
    /// The area is not dropped while the result is used.
    pub(crate) unsafe fn page(&self, at: usize) -> Option<GuardedPage> {
        let page = *self.pages.get(at)?;
        // INVARIANT: `address()` is where this page belongs. By the safety requirements the area
        // exists as long as the value is used.
        Some(GuardedPage {
            addr: self.address(at),
            page,
        })
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

/// A page of an area.
///
/// # Invariants
///
/// `page` belongs at `addr` in an area, which exists as long as the value is used.
pub(crate) struct GuardedPage {
    addr: usize,
    page: NonNull<bindings::page>,
}

impl GuardedPage {
    /// The address at which it is shown.
    pub(crate) fn addr(&self) -> usize {
        self.addr
    }

    /// The address at which it is shown, as a pointer.
    pub(crate) fn start(&self) -> NonNull<u8> {
        // SAFETY: By the type invariant it lies in an area, and these are not at null.
        unsafe { NonNull::new_unchecked(self.addr as *mut u8) }
    }

    /// Whether nobody else refers to the page.
    pub(crate) fn is_reusable(&self) -> bool {
        // SAFETY: By the type invariant it is a page of an area, which has a reference to it.
        unsafe { PageWords::of(self.page).is_reusable() }
    }

    /// Maps the page. Any context but NMI.
    pub(crate) fn show(&self) -> NonNull<u8> {
        // SAFETY: By the type invariant the address lies in an area, and is this page's.
        unsafe { raw::rust_pool_guard_show(self.addr as *mut c_void, self.page.as_ptr()) };
        self.start()
    }

    /// Unmaps the page, and flushes it from the TLB of this CPU. Any context but NMI.
    ///
    /// # Safety
    ///
    /// Nobody uses the memory of the page any more.
    pub(crate) unsafe fn hide(&self) {
        // SAFETY: By the type invariant the address lies in an area; by the safety requirements
        // nobody accesses it.
        unsafe { raw::rust_pool_guard_hide(self.addr as *mut c_void) };
    }
}

/// While it exists, `rust_pool_guard_fault()` is called when the kernel oopses on a page fault.
pub(crate) struct FaultWatch(());

impl FaultWatch {
    /// Starts watching. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The notifier is static. Only the module's init registers it, once.
        to_result(unsafe { raw::rust_pool_guard_watch() })?;
        Ok(Self(()))
    }
}

impl Drop for FaultWatch {
    fn drop(&mut self) {
        // SAFETY: `new()` registered it, and this runs once.
        unsafe { raw::rust_pool_guard_unwatch() }
    }
}
