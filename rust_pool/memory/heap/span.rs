// SPDX-License-Identifier: GPL-2.0

//! Spans: adjacent pages, the last of which is shared by several blocks.
//!
//! A page-aligned block may be at the front of a span. Small blocks use what it leaves of the last
//! page, as on Windows since Vista. A span of one page has small blocks only.

use crate::{
    header::{
        self,
        freeing::Freed,
        recently_freed,
        Form,
        Found,
        Header,
        PageHeader,
        UNIT, //
    },
    memory::{
        batch::{
            Batch,
            Block, //
        },
        heap::page_bitmap::{
            Fit,
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
use core::{
    mem::{
        offset_of,
        ManuallyDrop,
        MaybeUninit, //
    },
    ptr::NonNull, //
};
use kernel::prelude::*;

/// How many spans of one page are made together.
pub(crate) const TOGETHER: usize = 4;

/// The record of a span.
///
/// # Invariants
///
/// - `base` is the start of `pages` pages of the direct map that belong to the span, each of which
///   has a reference of its own.
/// - `map` tells the units of the last page that are in use. The first `retired` of them are in no
///   block any more, but are not used again.
/// - `run` is the length of the longest run of free units in `map`; of the first one, for as long
///   as the span waits for a block at its front.
/// - `free` is how many units are free in `map`.
pub(crate) struct Span {
    pub(crate) prev: Option<NonNull<Span>>,
    pub(crate) next: Option<NonNull<Span>>,
    base: NonNull<u8>,
    map: PageBitmap,
    pages: u8,
    front: bool,
    retired: u16,
    run: u16,
    free: u16,
}

/// What is known of a small block whose header is gone.
#[derive(Clone, Copy)]
pub(crate) struct LostBlock {
    /// How many bytes it takes, header included, if that is known.
    pub(crate) bytes: Option<usize>,
    /// Whether a block certainly begins there. If not, the address may lie inside another block
    /// whose header is gone.
    pub(crate) begins: bool,
    /// What is directly in front of it: the address of a small block's header or of a spare header,
    /// or that of a block of pages, which is page-aligned.
    pub(crate) front: Option<usize>,
}

impl Span {
    /// For the reader of a dump: where a span has its fields.
    pub(crate) const LAYOUT: [usize; 5] = [
        offset_of!(Self, base),
        offset_of!(Self, map),
        offset_of!(Self, pages),
        offset_of!(Self, front),
        offset_of!(Self, retired),
    ];

    /// A span of `pages` pages, without a block.
    pub(crate) fn new(pages: usize, gfp: Gfp) -> Option<KBox<Self>> {
        let room = sys::room(gfp)?;
        Self::of(room, Pages::new(pages, gfp)?)
    }

    /// Spans of one page, without a block, up to [`TOGETHER`]. One call of the kernel's page
    /// allocator costs as much as all else that is done for them.
    pub(crate) fn several(gfp: Gfp) -> Empty {
        let mut spans = Empty::none();
        let mut left = Pages::new(TOGETHER, gfp);
        while let Some(page) = left.as_mut().and_then(Pages::split_first) {
            let span = sys::room(gfp).and_then(|room| Self::of(room, page));
            if let Some(span) = span {
                spans.push(span);
            }
        }
        spans
    }

    /// The span of these pages; `None` if they are too many.
    fn of(room: KBox<MaybeUninit<Self>>, pages: Pages) -> Option<KBox<Self>> {
        let count = u8::try_from(pages.pages).ok()?;
        // No record is lost: pages for a new span had none.
        let base = ManuallyDrop::new(pages).base;
        recently_freed::forget(base.as_ptr() as usize);
        // INVARIANT: The pages are the span's now, and no unit is in use.
        Some(KBox::write(
            room,
            Self {
                prev: None,
                next: None,
                base,
                map: PageBitmap::new(),
                pages: count,
                front: false,
                retired: 0,
                // CAST: 256.
                run: UNITS as u16,
                free: UNITS as u16,
            },
        ))
    }

    /// The record of the span whose last page an address lies in, which may be any. Only a record
    /// that was shown is found, until it is hidden.
    pub(crate) fn find(addr: usize) -> Option<NonNull<Self>> {
        let (seal, record) = PageWords::around(addr)?.peek();
        let known = record != 0 && seal == header::seal(addr & !(PAGE_SIZE - 1), record);
        // CAST: `usize` is 64 bits wide on the architectures supported.
        NonNull::new(record as usize as *mut Self).filter(|_| known)
    }

    /// The small block without a header at an address in the last page, if one may begin there: the
    /// unit is in use, and not in a block that has a header. Slow.
    pub(crate) fn object_at(&self, addr: usize) -> Option<LostBlock> {
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
        // Go from each block with a header to the next, and unit by unit over one without.
        let mut lost = false;
        while at < unit {
            let place = self.last() + at * UNIT;
            let header = match Header::find(place) {
                Some(Found::Live(header)) => Some(*header),
                // Inside a block there may still be a header of an older one.
                _ if lost => None,
                Some(Found::Freed(header)) => Some(header),
                None => Header::find_spare(place),
            };
            lost = header.is_none();
            at += match header {
                Some(header) => {
                    front = Some(place);
                    Class::units_from(&header)
                }
                None => 1,
            };
        }
        (at == unit).then_some(LostBlock {
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

    /// Whether it is a page for small blocks only, all of which may be used.
    pub(crate) fn is_of_one_page(&self) -> bool {
        self.pages == 1 && !self.front && self.retired == 0
    }

    /// Whether a page-aligned block could be at its front, and is not.
    pub(crate) fn lost_its_front(&self) -> bool {
        self.pages > 1 && !self.front
    }

    /// The run under which the bins list it: its length in units.
    pub(crate) fn run(&self) -> usize {
        usize::from(self.run)
    }

    /// How many units of the last page are free.
    pub(crate) fn free_units(&self) -> usize {
        usize::from(self.free)
    }

    /// Whether no block is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.free_units().wrapping_add(usize::from(self.retired)) == UNITS
    }

    /// Marks units as used, which are free.
    fn take(&mut self, start: usize, len: usize) {
        self.map.take(start, len);
        // INVARIANT: So many fewer are free.
        // CAST: At most 256.
        self.free = self.free.wrapping_sub(len as u16);
    }

    /// Marks units as free, which are in use.
    fn give(&mut self, start: usize, len: usize) {
        self.map.give(start, len);
        // INVARIANT: So many more are free.
        // CAST: At most 256.
        self.free = self.free.wrapping_add(len as u16);
    }

    fn update(&mut self) {
        let run = if self.lost_its_front() {
            self.map.leading()
        } else {
            self.map.longest()
        };
        // INVARIANT: `run` was just computed from `map`.
        // CAST: At most 256.
        self.run = run as u16;
    }

    /// Places up to `most` small blocks of `units` units in the run where one fits best, as high as
    /// possible. Returns how many it placed, and the span's new run, which the caller has to set.
    pub(crate) fn place_many(
        &mut self,
        units: usize,
        most: usize,
        batch: &mut Batch,
    ) -> (usize, usize) {
        let Some(Fit { run, others }) = self.map.best(units) else {
            return (0, self.run());
        };
        let count = run.len.checked_div(units).unwrap_or(0).min(most);
        let taken = count.wrapping_mul(units);
        let rest = run.len.wrapping_sub(taken);
        let start = run.start.wrapping_add(rest);
        self.take(start, taken);
        let mut at = self.last().wrapping_add(start.wrapping_mul(UNIT));
        for _ in 0..count {
            if let Some(object) = NonNull::new(at as *mut u8) {
                // SAFETY: These units of the heap were free until now. The callers place objects of
                // the batch's kind.
                batch.push(unsafe { Block::new(batch.kind(), object) });
            }
            at = at.wrapping_add(units.wrapping_mul(UNIT));
        }
        let run = if self.lost_its_front() {
            self.map.leading()
        } else {
            others.max(rest)
        };
        (count, run)
    }

    /// Like [`Self::place_many`], for a span that is in no list. Sets its run.
    pub(crate) fn fill(&mut self, units: usize, most: usize, batch: &mut Batch) {
        let (_, run) = self.place_many(units, most, batch);
        self.set_run(run);
    }

    /// Removes small blocks. Returns the span's new run, which the caller has to set.
    pub(crate) fn remove_many(&mut self, objects: &[usize], units: usize) -> usize {
        let mut run = self.run();
        for object in objects {
            let start = object % PAGE_SIZE / UNIT;
            self.give(start, units);
            run = run.max(if self.lost_its_front() {
                self.map.leading()
            } else {
                self.map.around(start)
            });
        }
        run
    }

    /// Sets its run, while it is in no list.
    pub(crate) fn set_run(&mut self, run: usize) {
        // INVARIANT: `place_many()` or `remove_many()` computed it from `map`.
        // CAST: At most 256.
        self.run = run as u16;
    }

    /// Makes the words in its last page point to the record, so that [`Self::find`] finds it.
    pub(crate) fn show(&self) {
        let record = core::ptr::from_ref(self) as u64;
        self.set_words(header::seal(self.last(), record), record);
    }

    /// Clears these words, so that nobody finds the record any more.
    pub(crate) fn hide(&self) {
        self.set_words(0, 0);
    }

    fn set_words(&self, first: u64, second: u64) {
        if let Some(words) = PageWords::around(self.last()) {
            // SAFETY: By the type invariant the page belongs to the span.
            unsafe { words.write(first, second) };
        }
    }

    /// Places a block at the front, for which the span waits.
    pub(crate) fn place_front(&mut self, units: usize) -> NonNull<u8> {
        let rest = self.run().wrapping_sub(units);
        self.front = true;
        self.take(0, units);
        if self.free_units() <= rest.wrapping_mul(2) {
            // INVARIANT: No other run is longer, as no more units are free elsewhere.
            self.set_run(rest);
        } else {
            self.update();
        }
        self.base
    }

    /// Removes the block at the front.
    pub(crate) fn remove_front(&mut self, units: usize) {
        self.front = false;
        self.give(0, units);
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
            _record: None,
        };
        // INVARIANT: The last `keep` pages stay, and the others go to `head`.
        self.base = base;
        // CAST: Fewer than there were.
        self.pages = keep as u8;
        self.update();
        Some(head)
    }
}

/// Spans without a block that are in no bin. They are freed on drop, which must not happen under a
/// lock.
///
/// # Invariants
///
/// A list of `len` spans from `KBox::leak()`.
pub(crate) struct Empty {
    first: Option<NonNull<Span>>,
    len: usize,
}

// SAFETY: It owns its spans, which may go to any thread.
unsafe impl Send for Empty {}

impl Empty {
    /// No spans.
    pub(crate) const fn none() -> Self {
        // INVARIANT: The list is empty.
        Self {
            first: None,
            len: 0,
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds one.
    pub(crate) fn push(&mut self, mut span: KBox<Span>) {
        span.next = self.first;
        // INVARIANT: The list goes on behind the new span.
        self.first = Some(NonNull::from(KBox::leak(span)));
        self.len = self.len.wrapping_add(1);
    }

    /// Takes out the one that was added last.
    pub(crate) fn pop(&mut self) -> Option<KBox<Span>> {
        let first = self.first?;
        // SAFETY: By the type invariant it comes from `KBox::leak()`, and it leaves the list.
        let span = unsafe { KBox::from_raw(first.as_ptr()) };
        // INVARIANT: The list goes on without it.
        self.first = span.next;
        self.len = self.len.wrapping_sub(1);
        Some(span)
    }

    /// All of them, which leaves none.
    pub(crate) fn take(&mut self) -> Self {
        core::mem::replace(self, Self::none())
    }
}

impl Drop for Empty {
    fn drop(&mut self) {
        while let Some(span) = self.pop() {
            drop(Pages::of_span(span));
        }
    }
}

/// Pages that are not used any more; freed on drop, which must not happen under a lock: a tracer of
/// the kernel's functions that free may allocate from the pool.
///
/// # Invariants
///
/// `base` is the start of `pages` pages of the direct map, each with a reference that belongs to
/// this value.
pub(crate) struct Pages {
    base: NonNull<u8>,
    pages: usize,
    /// The record of the span that had them. It is freed with them.
    _record: Option<KBox<Span>>,
}

impl Pages {
    fn new(pages: usize, gfp: Gfp) -> Option<Self> {
        // INVARIANT: They were just allocated.
        Some(Self {
            base: sys::pages_exact(pages * PAGE_SIZE, gfp)?,
            pages,
            _record: None,
        })
    }

    /// Those of a block that has as many pages as it needs, each with its own reference.
    pub(crate) fn of(block: Freed<PageHeader>) -> Option<Self> {
        let base = NonNull::new(block.addr() as *mut u8)?;
        let pages = block.bytes().div_ceil(PAGE_SIZE);
        // INVARIANT: The header says how they were allocated.
        matches!(block.form(), Form::Exact).then_some(Self {
            base,
            pages,
            _record: None,
        })
    }

    /// Those of a span that is given up. Its record is found no more.
    pub(crate) fn of_span(span: KBox<Span>) -> Self {
        span.hide();
        Self {
            base: span.base,
            pages: span.pages(),
            _record: Some(span),
        }
    }

    /// Takes the first of them out, unless there is none left.
    fn split_first(&mut self) -> Option<Self> {
        let rest = self.pages.checked_sub(1)?;
        let next = NonNull::new((self.base.as_ptr() as usize + PAGE_SIZE) as *mut u8)?;
        let base = core::mem::replace(&mut self.base, next);
        // INVARIANT: The first page goes to the result, and the others stay.
        self.pages = rest;
        Some(Self {
            base,
            pages: 1,
            _record: None,
        })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if self.pages == 0 {
            return;
        }
        // SAFETY: By the type invariant the pages belong to this value; they are not used any more.
        unsafe {
            PageHeader::erase(self.base);
            sys::free_pages(self.base, self.pages * PAGE_SIZE);
        }
    }
}

#[kernel::macros::kunit_tests(rust_pool_span)]
mod tests {
    use super::*;
    use crate::{
        header::Place,
        memory::magazine::kind::MagazineKind,
        types::tag::{
            PoolKind,
            Tag, //
        }, //
    };

    fn span(pages: usize) -> Option<KBox<Span>> {
        Span::new(pages, sys::raw::RUST_POOL_GFP_KERNEL)
    }

    /// A batch of some kind, as the tests place objects of several sizes.
    fn batch() -> Batch {
        Batch::new(MagazineKind::objects(Class::of(2)))
    }

    fn place(span: &mut Span, units: usize) -> Option<NonNull<u8>> {
        let mut batch = batch();
        span.fill(units, 1, &mut batch);
        batch.pop().map(Block::into_raw)
    }

    fn remove(span: &mut Span, object: NonNull<u8>, units: usize) {
        let run = span.remove_many(&[at(object)], units);
        span.set_run(run);
    }

    /// Frees the pages of a span that has no block.
    fn done(span: KBox<Span>) -> bool {
        let empty = span.is_empty();
        drop(Pages::of_span(span));
        empty
    }

    fn at(block: NonNull<u8>) -> usize {
        block.as_ptr() as usize
    }

    /// Where the header of an object is that a test placed, and has not removed.
    fn header_at(object: usize) -> &'static Place {
        // SAFETY: The object is a multiple of units from the start of a page that is allocated.
        unsafe { &*(object as *const Place) }
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
            let (one, two) = (place(&mut span, 20), place(&mut span, UNITS - 70));
            assert!(one.is_some_and(|it| at(it) == last + (UNITS - 20) * UNIT));
            assert!(two.is_some_and(|it| at(it) == last + 50 * UNIT));
            assert!(place(&mut span, 1).is_none() && span.run() == 0);
            span.remove_front(50);
            let (Some(one), Some(two)) = (one, two) else {
                return;
            };
            assert!(Span::find(at(two)).is_none());
            span.show();
            assert!(Span::find(at(two)) == Some(NonNull::from(&*span)));
            span.hide();
            assert!(Span::find(at(two)).is_none());
            remove(&mut span, two, UNITS - 70);
            assert!(span.run() == UNITS - 20 && !span.is_empty());
            remove(&mut span, one, 20);
            assert!(done(span));
        }
    }

    #[test]
    fn several_pages_of_one_allocation() {
        let mut spans = Span::several(sys::raw::RUST_POOL_GFP_KERNEL);
        assert!(spans.len() == TOGETHER);
        let mut last = 0;
        while let Some(mut span) = spans.pop() {
            // The one that was made last comes first.
            assert!(last == 0 || span.last() + PAGE_SIZE == last);
            last = span.last();
            assert!(span.is_of_one_page() && span.is_empty() && span.run() == UNITS);
            let object = place(&mut span, 20);
            let Some(object) = object else { return };
            span.show();
            assert!(Span::find(at(object)) == Some(NonNull::from(&*span)));
            remove(&mut span, object, 20);
            assert!(done(span));
        }
        assert!(spans.len() == 0);
    }

    #[test]
    fn waits_for_what_fits_in_front() {
        let span = span(2);
        assert!(span.is_some());
        let Some(mut span) = span else { return };
        span.place_front(50);
        assert!(!span.lost_its_front());
        let (one, two) = (place(&mut span, 10), place(&mut span, 10));
        let (Some(one), Some(two)) = (one, two) else {
            return;
        };
        remove(&mut span, one, 10);
        span.remove_front(50);
        // The run behind the small block is of no use to it.
        assert!(span.lost_its_front() && span.run() == UNITS - 20);
        span.place_front(UNITS - 20);
        assert!(!span.lost_its_front() && span.run() == 10 && span.free_units() == 10);
        span.remove_front(UNITS - 20);
        remove(&mut span, two, 10);
        assert!(done(span));
    }

    #[test]
    fn the_longest_run_may_be_between_small_blocks() {
        let span = span(2);
        assert!(span.is_some());
        let Some(mut span) = span else { return };
        span.place_front(50);
        let places = [10, 100, 10].map(|units| place(&mut span, units));
        let [Some(one), Some(two), Some(three)] = places else {
            return;
        };
        remove(&mut span, two, 100);
        span.remove_front(50);
        for (units, run) in [(20, UNITS - 140), (UNITS - 220, 100), (UNITS - 130, 100)] {
            assert!(span.run() == UNITS - 120);
            span.place_front(units);
            assert!(span.run() == run && span.free_units() == UNITS - 20 - units);
            span.remove_front(units);
        }
        remove(&mut span, one, 10);
        remove(&mut span, three, 10);
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
            let small = place(&mut span, 10);
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
            remove(&mut span, small, 10);
            assert!(done(span));
        }
    }

    #[test]
    fn goes_from_object_to_object() {
        let gfp = sys::raw::RUST_POOL_GFP_KERNEL | sys::raw::RUST_POOL_GFP_ZERO;
        let span = Span::new(1, gfp);
        assert!(span.is_some());
        let Some(mut span) = span else { return };
        let mut batch = batch();
        span.fill(10, 4, &mut batch);
        let begins = |span: &Span, at| span.object_at(at).map(|object| object.begins);
        let objects = batch.addresses();
        let Some(&[first, second, third, fourth]) = objects.first_chunk() else {
            return;
        };
        // Without headers, all behind the first may be inside of it.
        assert!(begins(&span, first) == Some(true));
        assert!(begins(&span, first + UNIT) == Some(false));
        // The third is the object of a cache-aligned block.
        for (object, units) in [(first, 10), (second, 10), (third, 2), (fourth, 10)] {
            Header::write_spare(header_at(object), units);
        }
        let aligned = third + 2 * UNIT;
        let header = Header::with_room(
            90,
            UNIT,
            header::stamp(PoolKind::NonPaged, Tag::stored(1)),
            7,
        );
        for freed in [false, true] {
            header.behind(2).write(header_at(aligned));
            assert!(match Header::find(aligned) {
                Some(Found::Live(header)) => !freed || header.claim(),
                _ => false,
            });
            for object in [first, second, third, aligned, fourth] {
                assert!(begins(&span, object) == Some(true));
            }
            for inside in [first, second, aligned, fourth] {
                assert!(begins(&span, inside + UNIT).is_none());
            }
        }
        for &object in objects {
            if let Some(object) = NonNull::new(object as *mut u8) {
                remove(&mut span, object, 10);
            }
        }
        assert!(done(span));
    }

    #[test]
    fn many_at_once_as_one_by_one() {
        let (one, many) = (span(1), span(1));
        assert!(one.is_some() && many.is_some());
        let (Some(mut one), Some(mut many)) = (one, many) else {
            return;
        };
        for span in [&mut one, &mut many] {
            // 100 are free at the start, 46 behind, in two runs.
            let (middle, end) = (place(span, 26), place(span, 130));
            let (Some(middle), Some(_)) = (middle, end) else {
                return;
            };
            remove(span, middle, 26);
            assert!(span.run() == 100);
        }
        let mut batch = batch();
        // In the shortest run that is long enough, and no more than asked for.
        many.fill(10, 9, &mut batch);
        assert!(batch.addresses().len() == 2 && many.run() == 100);
        for &object in batch.addresses().iter().rev() {
            let single = place(&mut one, 10);
            assert!(single.is_some_and(|it| at(it) % PAGE_SIZE == object % PAGE_SIZE));
        }
        assert!(one.run() == many.run() && one.free_units() == many.free_units());
        many.fill(10, 9, &mut batch);
        assert!(batch.addresses().len() == 11 && many.run() == 10);
        let run = many.remove_many(batch.addresses(), 10);
        assert!(run == 100 && many.free_units() == 126);
        many.set_run(run);
        many.fill(101, 1, &mut batch);
        assert!(batch.addresses().len() == 11 && many.run() == 100);
        for span in [one, many] {
            assert!(!done(span));
        }
    }
}
