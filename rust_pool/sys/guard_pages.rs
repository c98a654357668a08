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
/// `base` is an area of `rust_pool_guard_area()`, of two pages for each of `pages` and one more,
/// all of which belong to it.
pub(crate) struct GuardedPages {
    base: NonNull<u8>,
    pages: KVVec<NonNull<bindings::page>>,
}

// SAFETY: The pages belong to the value, wherever that is.
unsafe impl Send for GuardedPages {}

impl GuardedPages {
    /// `count` pages, all hidden. Sleeps.
    pub(crate) fn new(count: usize) -> Result<Self> {
        let mut pages = Pages(KVVec::with_capacity(count, GFP_KERNEL | __GFP_NOWARN)?);
        for _ in 0..count {
            let page = page(raw::RUST_POOL_GFP_KERNEL).ok_or(ENOMEM)?;
            // There is room for it.
            pages.0.push_within_capacity(page).map_err(|_| ENOMEM)?;
        }
        let any = pages.0.first().ok_or(EINVAL)?;
        let in_area = u32::try_from(count)?.checked_mul(2).ok_or(EINVAL)?;
        // SAFETY: The page is valid; it is seen nowhere when this returns.
        let base = unsafe { raw::rust_pool_guard_area(any.as_ptr(), in_area + 1) };
        let base = NonNull::new(base.cast()).ok_or(ENOMEM)?;
        let pages = core::mem::replace(&mut pages.0, KVVec::new());
        // INVARIANT: It is an area for as many.
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

    /// Where a page is when it is seen.
    pub(crate) fn address(&self, at: usize) -> usize {
        self.start() + (2 * at + 1) * PAGE_SIZE
    }

    /// Has a page appear, and returns what can appear and disappear there.
    pub(crate) fn page(&self, at: usize) -> Option<GuardedPage> {
        let page = *self.pages.get(at)?;
        // INVARIANT: It is the page of this place.
        Some(GuardedPage {
            addr: self.address(at),
            page,
        })
    }

    /// Flushes the hidden pages from `first` to `last` from the TLBs of all CPUs. Sleeps.
    pub(crate) fn flush(range: (usize, usize)) {
        let (start, end) = range;
        // SAFETY: To forget a translation does no harm, whatever is there by now.
        unsafe { raw::rust_pool_guard_flush(start as *mut c_void, end as *mut c_void) };
    }

    /// Leaves everything as it is for ever.
    pub(crate) fn leak(self) {
        core::mem::forget(self);
    }
}

impl Drop for GuardedPages {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; nobody uses it any more. Nor do they the pages after that.
        unsafe { vunmap(self.base) };
        drop(Pages(core::mem::replace(&mut self.pages, KVVec::new())));
    }
}

/// Pages that are nowhere seen.
struct Pages(KVVec<NonNull<bindings::page>>);

impl Drop for Pages {
    fn drop(&mut self) {
        for &page in &self.0 {
            // SAFETY: It comes from `page()`, and nobody has it any more.
            unsafe { free_page(page) };
        }
    }
}

/// One of these pages.
///
/// # Invariants
///
/// `page` is the page that belongs at `addr`.
pub(crate) struct GuardedPage {
    addr: usize,
    page: NonNull<bindings::page>,
}

impl GuardedPage {
    /// Where it is.
    pub(crate) fn addr(&self) -> usize {
        self.addr
    }

    /// The same as a pointer.
    pub(crate) fn start(&self) -> NonNull<u8> {
        // SAFETY: An area is not at null.
        unsafe { NonNull::new_unchecked(self.addr as *mut u8) }
    }

    /// Whether nobody else refers to it.
    pub(crate) fn is_reusable(&self) -> bool {
        // SAFETY: By the type invariant it is a page of the area's, which has a reference to it.
        unsafe { PageWords::of(self.page).is_reusable() }
    }

    /// Maps it. Any context but NMI.
    pub(crate) fn show(&self) -> NonNull<u8> {
        // SAFETY: By the type invariant.
        unsafe { raw::rust_pool_guard_show(self.addr as *mut c_void, self.page.as_ptr()) };
        self.start()
    }

    /// Unmaps it on this CPU. Any context but NMI.
    ///
    /// # Safety
    ///
    /// The block in it was given up.
    pub(crate) unsafe fn hide(&self) {
        // SAFETY: By the type invariant and the safety requirements.
        unsafe { raw::rust_pool_guard_hide(self.addr as *mut c_void) };
    }
}

/// While it exists, `rust_pool_guard_fault()` is called when the kernel oopses on a page fault.
pub(crate) struct FaultWatch(());

impl FaultWatch {
    /// Starts watching. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The notifier is static; only one of these exists, as the module has it.
        to_result(unsafe { raw::rust_pool_guard_watch() })?;
        Ok(Self(()))
    }
}

impl Drop for FaultWatch {
    fn drop(&mut self) {
        // SAFETY: It was registered by `new()`.
        unsafe { raw::rust_pool_guard_unwatch() }
    }
}
