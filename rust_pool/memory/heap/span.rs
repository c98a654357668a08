// SPDX-License-Identifier: GPL-2.0

//! Spans: adjacent pages, the last of which is shared by several blocks.
//!
//! A page-aligned block may be at the front of a span. Small blocks use what it leaves of the last
//! page, as on Windows since Vista. A span of one page has small blocks only.

use crate::{
    header::{
        self,
        recently_freed,
        Found,
        Header,
        PageHeader,
        UNIT, //
    },
    memory::{
        heap::page_bitmap::{
            PageBitmap,
            UNITS, //
        },
        size_class::Class, //
    },
    sys::{
        self,
        Gfp,
        PageWords,
        PAGE_SIZE, //
    }, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::prelude::*;

/// The record of a span.
///
/// # Invariants
///
/// - `base` is the start of `pages` pages of the direct map that belong to the span, each of which
///   has a reference of its own.
/// - `map` tells the units of the last page that are in use, and its second [`PageWords`] points to
///   the record. The first `retired` of them are in no block any more, but are not used again.
/// - `run` is the length of the longest run of free units in `map`; of the first one, for as long
///   as
///   the span waits for a block at its front.
pub(crate) struct Span {
    pub(crate) prev: *mut Span,
    pub(crate) next: *mut Span,
    base: NonNull<u8>,
    map: PageBitmap,
    pages: u8,
    front: bool,
    retired: u16,
    run: u16,
}

/// What is known of a small block without its header.
#[derive(Clone, Copy)]
pub(crate) struct Object {
    /// What it takes, header included, if that is known.
    pub(crate) bytes: Option<usize>,
    /// Whether it surely begins there: it may lie in another that has no header either.
    pub(crate) begins: bool,
    /// The block that ends where it begins: the header of a small one, or where one of pages
    /// begins, which is page-aligned.
    pub(crate) front: Option<usize>,
}

impl Span {
    /// A span of `pages` pages, without a block.
    pub(crate) fn new(pages: usize, gfp: Gfp) -> Option<KBox<Self>> {
        let count = u8::try_from(pages).ok()?;
        let room = sys::room(gfp)?;
        let base = sys::pages_exact(pages * PAGE_SIZE, gfp)?;
        recently_freed::forget(base.as_ptr() as usize);
        // INVARIANT: `base` was allocated just so, and nothing of it is used. The last page learns
        // of the record below.
        let span = KBox::write(
            room,
            Self {
                prev: null_mut(),
                next: null_mut(),
                base,
                map: PageBitmap::new(),
                pages: count,
                front: false,
                retired: 0,
                // CAST: 256.
                run: UNITS as u16,
            },
        );
        if let Some(words) = PageWords::around(span.last()) {
            let record = core::ptr::from_ref(&*span) as u64;
            // SAFETY: The page belongs to the span.
            unsafe { words.write(header::seal(span.last(), record), record) };
        }
        Some(span)
    }

    /// The record of the span whose last page holds `object`.
    ///
    /// # Safety
    ///
    /// `object` lies in the last page of a span.
    pub(crate) unsafe fn around(object: NonNull<u8>) -> Option<NonNull<Self>> {
        let (_, record) = PageWords::around(object.as_ptr() as usize)?.peek();
        // CAST: `usize` is 64 bits wide on the architectures supported.
        NonNull::new(record as usize as *mut Self)
    }

    /// The record of the span whose last page an address lies in, which may be any.
    pub(crate) fn find(addr: usize) -> Option<NonNull<Self>> {
        let (seal, record) = PageWords::around(addr)?.peek();
        let known = record != 0 && seal == header::seal(addr & !(PAGE_SIZE - 1), record);
        // CAST: `usize` is 64 bits wide on the architectures supported.
        NonNull::new(record as usize as *mut Self).filter(|_| known)
    }

    /// A small block without a header that begins at an address of the last page, which is in use
    /// and in none of the blocks that have one. Slow.
    pub(crate) fn object_at(&self, addr: usize) -> Option<Object> {
        let unit = addr % PAGE_SIZE / UNIT;
        if addr % UNIT != 0 || !self.map.has(unit) {
            return None;
        }
        let mut at = self.map.start_of_run(unit);
        let mut front = None;
        if at == 0 && self.front {
            let base = self.base.as_ptr() as usize;
            let Some(Found::Live(header)) = PageHeader::find(base) else {
                return None;
            };
            at = (header.bytes() % PAGE_SIZE).div_ceil(UNIT);
            front = Some(base);
        } else if at == 0 {
            at = usize::from(self.retired);
        }
        // From each block that has a header to the next; over one that has none, unit by unit.
        let mut lost = false;
        while at < unit {
            let place = self.last() + at * UNIT;
            let header = match Header::find(place) {
                Some(Found::Live(header)) => Some(header),
                // In a block there may still be a header of an older one.
                Some(Found::Freed(header)) if !lost => Some(header),
                _ => None,
            };
            lost = header.is_none();
            at += match header {
                Some(header) => {
                    front = Some(place);
                    (Class::of_header(&header).bytes() - header.front()) / UNIT
                }
                None => 1,
            };
        }
        (at == unit).then_some(Object {
            bytes: None,
            front,
            begins: !lost,
        })
    }

    /// The address of its last page.
    pub(crate) fn last(&self) -> usize {
        self.base.as_ptr() as usize + (usize::from(self.pages).wrapping_sub(1)) * PAGE_SIZE
    }

    pub(crate) fn pages(&self) -> usize {
        usize::from(self.pages)
    }

    /// Whether a page-aligned block could be at its front, and is not.
    pub(crate) fn lost_its_front(&self) -> bool {
        self.pages > 1 && !self.front
    }

    /// The length of the run of free units that it is looked for by.
    pub(crate) fn run(&self) -> usize {
        usize::from(self.run)
    }

    /// How many units of the last page are free.
    pub(crate) fn free_units(&self) -> usize {
        self.map.free()
    }

    /// Whether no block is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.map.free().saturating_add(usize::from(self.retired)) == UNITS
    }

    fn update(&mut self) {
        let run = if self.lost_its_front() {
            self.map.leading()
        } else {
            self.map.longest()
        };
        // INVARIANT: As it says.
        // CAST: At most 256.
        self.run = run as u16;
    }

    /// Places a small block of `units` units where it fits best, as high as possible.
    pub(crate) fn place(&mut self, units: usize) -> Option<NonNull<u8>> {
        let run = self.map.best(units)?;
        let start = run.start + run.len - units;
        self.map.take(start, units);
        self.update();
        NonNull::new((self.last() + start * UNIT) as *mut u8)
    }

    /// Removes a small block.
    pub(crate) fn remove(&mut self, object: NonNull<u8>, units: usize) {
        let start = object.as_ptr() as usize % PAGE_SIZE / UNIT;
        self.map.give(start, units);
        self.update();
    }

    /// Places a block at the front.
    pub(crate) fn place_front(&mut self, units: usize) -> NonNull<u8> {
        self.front = true;
        self.map.take(0, units);
        self.update();
        self.base
    }

    /// Removes the block at the front.
    pub(crate) fn remove_front(&mut self, units: usize) {
        self.front = false;
        self.map.give(0, units);
        self.update();
    }

    /// Removes the block at the front, leaves its part of the last page unused, and gives up the
    /// other pages.
    pub(crate) fn retire_front(&mut self, units: usize) -> Option<Pages> {
        self.front = false;
        // CAST: At most 256.
        self.retired = units as u16;
        self.trim_head(1)
    }

    /// Gives up all pages but the last `keep`, if there are more and no block is in them.
    pub(crate) fn trim_head(&mut self, keep: usize) -> Option<Pages> {
        let surplus = self.pages().checked_sub(keep).filter(|&pages| pages > 0)?;
        let base = NonNull::new((self.base.as_ptr() as usize + surplus * PAGE_SIZE) as *mut u8)?;
        if self.front || keep == 0 {
            return None;
        }
        let head = Pages {
            base: self.base,
            pages: surplus,
        };
        // INVARIANT: The last pages are all that is left.
        self.base = base;
        // CAST: Fewer than there were.
        self.pages = keep as u8;
        self.update();
        Some(head)
    }

    /// The pages of a span that is given up.
    pub(crate) fn into_pages(self) -> Pages {
        if let Some(words) = PageWords::around(self.last()) {
            // SAFETY: The page belongs to the span.
            unsafe { words.write(0, 0) };
        }
        Pages {
            base: self.base,
            pages: usize::from(self.pages),
        }
    }
}

/// Pages that are not used any more; freed on drop.
///
/// # Invariants
///
/// They belong to this, as [`Span`] says.
pub(crate) struct Pages {
    base: NonNull<u8>,
    pages: usize,
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: By the type invariant; they are not used any more.
        unsafe {
            PageHeader::erase(self.base);
            sys::free_pages(self.base, self.pages * PAGE_SIZE);
        }
    }
}

#[kernel::macros::kunit_tests(rust_pool_span)]
mod tests {
    use super::*;

    fn span(pages: usize) -> Option<KBox<Span>> {
        Span::new(pages, sys::raw::RUST_POOL_GFP_KERNEL)
    }

    /// Gives the pages of a span back that no block is in.
    fn done(span: KBox<Span>) -> bool {
        let empty = span.is_empty();
        drop(KBox::into_inner(span).into_pages());
        empty
    }

    fn at(block: NonNull<u8>) -> usize {
        block.as_ptr() as usize
    }

    #[test]
    fn small_blocks_lie_behind_the_one_in_front() {
        for pages in [2, 3, 4, 13, 16] {
            let span = span(pages);
            assert!(span.is_some());
            let Some(mut span) = span else { return };
            assert!(span.is_empty() && span.run() == UNITS);
            let last = span.last();
            let front = span.place_front(50);
            assert!(at(front) + (pages - 1) * PAGE_SIZE == last && last % PAGE_SIZE == 0);
            let (one, two) = (span.place(20), span.place(UNITS - 70));
            assert!(one.is_some_and(|it| at(it) == last + (UNITS - 20) * UNIT));
            assert!(two.is_some_and(|it| at(it) == last + 50 * UNIT));
            assert!(span.place(1).is_none() && span.run() == 0);
            span.remove_front(50);
            let (Some(one), Some(two)) = (one, two) else {
                return;
            };
            // SAFETY: It lies in the last page of a span.
            assert!(unsafe { Span::around(two) } == NonNull::new(&raw mut *span));
            span.remove(two, UNITS - 70);
            assert!(span.run() == UNITS - 20 && !span.is_empty());
            span.remove(one, 20);
            assert!(done(span));
        }
    }

    #[test]
    fn waits_for_what_fits_in_front() {
        let span = span(2);
        assert!(span.is_some());
        let Some(mut span) = span else { return };
        span.place_front(50);
        assert!(!span.lost_its_front());
        let (one, two) = (span.place(10), span.place(10));
        let (Some(one), Some(two)) = (one, two) else {
            return;
        };
        span.remove(one, 10);
        span.remove_front(50);
        // The run behind the small block is of no use to it.
        assert!(span.lost_its_front() && span.run() == UNITS - 20);
        span.place_front(UNITS - 20);
        assert!(!span.lost_its_front() && span.run() == 10 && span.free_units() == 10);
        span.remove_front(UNITS - 20);
        span.remove(two, 10);
        assert!(done(span));
    }

    #[test]
    fn gives_up_its_head() {
        for pages in [2, 3, 4, 13] {
            let span = span(pages);
            assert!(span.is_some());
            let Some(mut span) = span else { return };
            let last = span.last();
            span.place_front(50);
            let small = span.place(10);
            assert!(span.trim_head(1).is_none());
            span.remove_front(50);
            assert!(span.trim_head(0).is_none() && span.trim_head(pages).is_none());
            if pages > 3 {
                assert!(span
                    .trim_head(2)
                    .is_some_and(|head| head.pages == pages - 2));
                assert!(span.pages() == 2 && span.last() == last && span.lost_its_front());
            }
            assert!(span.trim_head(1).is_some());
            assert!(span.pages() == 1 && span.last() == last && !span.lost_its_front());
            assert!(span.run() == UNITS - 10);
            let Some(small) = small else { return };
            span.remove(small, 10);
            assert!(done(span));
        }
    }
}
