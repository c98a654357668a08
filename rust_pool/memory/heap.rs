// SPDX-License-Identifier: GPL-2.0

//! The heap: spans, and which block goes where.
//!
//! A block of more than a page leaves part of its last page unused. Small blocks are placed there.
//! If the block in front is freed before them, its pages wait for another block that needs at most
//! as many pages, so that small blocks which live on do not waste them. Only if too many spans wait
//! are their pages given back, except for the last.
//!
//! The heap is used unless a kernel checker wants to see every allocation. One lock protects it,
//! which the fast path does not take. A CPU that finds it held records the contention; for 100 ms
//! small blocks then come from slab caches, for which CPUs do not wait for each other. While
//! somebody gives back what was kept, or looks ([`NotForClient`]), nothing is recorded.
//!
//! A page that is wanted for small blocks alone is taken from a few spare spans. They are made
//! together, with pages that the kernel allocates at once, or are left of what was freed.

pub(crate) mod bins;
pub(crate) mod page_bitmap;
pub(crate) mod span;

use crate::{
    header::{
        freeing::Freed,
        Form,
        PageHeader,
        UNIT, //
    },
    lib::at_load::AtLoad,
    memory::{
        batch::Batch,
        heap::{
            bins::{
                Bins,
                InBins, //
            },
            page_bitmap::UNITS,
            span::{
                Empty,
                LostBlock,
                Pages,
                Span, //
            }, //
        },
        request::Request,
        zeroing, //
    },
    sys::{
        self,
        arch::read_once,
        raw::RUST_POOL_GFP_NOWAIT,
        PAGE_SIZE, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    new_spinlock_irq,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        SpinLockIrq,
        SpinLockIrqGuard, //
    },
    time::msecs_to_jiffies, //
};

/// The smallest rest of a page that is shared, in bytes.
const WORTH: usize = 128;
/// Spans may wait as long as they have no more pages than this together.
const FEW_PAGES: usize = 64;
/// How many spans may wait beyond that: this many, and one more for every `WAITING_SHARE` spans of
/// the heap.
const WAITING: usize = 16;
const WAITING_SHARE: usize = 22;
/// An empty span may wait beyond that only while fewer spans than this wait.
const EMPTY: usize = 64;
/// Empty spans wait for no longer than this many calls of [`age`] that see no block placed or
/// removed at the front of a span.
const QUIET: u32 = 2;
/// How many empty spans of one page are kept for small blocks at most.
const SPARE: usize = span::TOGETHER;
/// No new page is used for small blocks while more than this part of the heap is free.
const SLACK_SHARE: usize = 8;

/// How long the heap counts as contended after a CPU had to wait for another.
const CONTENTION_MS: u32 = 100;

static OPEN: Atomic<u32> = Atomic::new(0);
/// When the heap stops counting as contended, in jiffies.
static CONTENDED_UNTIL: Atomic<usize> = Atomic::new(0);
/// How many are at the heap for no client. See [`NotForClient`].
static NOT_FOR_CLIENT: Atomic<u32> = Atomic::new(0);
/// When the last of them left, in jiffies.
static NOT_FOR_CLIENT_ENDED: Atomic<usize> = Atomic::new(0);
/// How often a CPU found the lock held.
static CONTENTIONS: Atomic<u64> = Atomic::new(0);
/// The longest run of free units, so callers can skip the lock when nothing fits.
static LONGEST: Atomic<usize> = Atomic::new(0);

/// The heap.
///
/// # Invariants
///
/// While no method runs, the words of a page point to a record as long as that is in one of the
/// bins: in `waiting` if the span lost its front, or else in `settled`.
pub(crate) struct Heap {
    /// Spans with a block in front, and those of one page, by their longest run.
    settled: Bins,
    /// Spans whose block in front is gone, by the run that another such block could use.
    waiting: Bins,
    /// Units that are free, in all of these spans together.
    free: usize,
    /// Spans of one page that are empty, for the next small blocks that need a page.
    spare: Empty,
    /// How often [`age`] was called since a block was placed or removed at the front of a span.
    quiet: u32,
}

/// How full the heap is.
pub(crate) struct Usage {
    pub(crate) spans: usize,
    /// Those without a block in front that once had one.
    pub(crate) waiting: usize,
    /// Those that are kept although they are empty.
    pub(crate) spare: usize,
    /// Bytes that are free in all of their last pages.
    pub(crate) free: usize,
    /// Bytes in the pages that wait for a block in front.
    pub(crate) idle: usize,
    /// How often a CPU found the lock held.
    pub(crate) contentions: u64,
}

impl Heap {
    /// An empty heap. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            settled: Bins::new()?,
            waiting: Bins::new()?,
            free: 0,
            spare: Empty::none(),
            quiet: 0,
        })
    }

    fn len(&self) -> usize {
        self.settled.len().wrapping_add(self.waiting.len())
    }

    /// Adds a new span.
    fn add(&mut self, span: KBox<Span>) {
        span.show();
        self.insert(span);
    }

    fn insert(&mut self, span: KBox<Span>) {
        self.free = self.free.wrapping_add(span.free_units());
        if span.lost_its_front() {
            self.waiting.insert(span);
        } else {
            self.settled.insert(span);
        }
        self.publish();
    }

    /// Publishes the longest run for callers that do not hold the lock.
    fn publish(&self) {
        let longest = self.settled.longest().max(self.waiting.longest());
        if read_once::read(&LONGEST) != longest {
            LONGEST.store(longest, Relaxed);
        }
    }

    /// The span whose last page an address lies in, which may be any.
    fn around(&mut self, addr: usize) -> Option<InBins<'_>> {
        let span = Span::find(addr)?;
        // SAFETY: Words of a page point to it, so by the type invariant it is in these bins.
        unsafe {
            let bins = if span.as_ref().lost_its_front() {
                &mut self.waiting
            } else {
                &mut self.settled
            };
            Some(bins.get(span))
        }
    }

    /// Takes out the span whose last page an address lies in.
    fn remove(&mut self, addr: usize) -> Option<KBox<Span>> {
        let span = self.around(addr)?.remove();
        self.free = self.free.wrapping_sub(span.free_units());
        Some(span)
    }

    /// Places up to `wanted` small blocks, each where it fits best.
    fn place_many(&mut self, units: usize, wanted: usize, batch: &mut Batch) {
        let mut left = wanted;
        while left > 0 {
            let found = self.settled.find(units);
            let Some(span) = found.or_else(|| self.waiting.find(units)) else {
                break;
            };
            let placed = span.place_many(units, left, batch);
            if placed == 0 {
                break;
            }
            left = left.wrapping_sub(placed);
            self.free = self.free.wrapping_sub(placed.wrapping_mul(units));
        }
        self.publish();
    }

    /// Removes small blocks of one page, of so many units each.
    fn remove_many(&mut self, objects: &[usize], units: usize, empty: &mut Empty) {
        let may_wait = self.may_wait_empty(0);
        let Some(span) = objects.first().and_then(|&first| self.around(first)) else {
            return;
        };
        let gone = span.remove_many(objects, units, may_wait);
        self.free = self.free.wrapping_add(objects.len().wrapping_mul(units));
        if let Some(span) = gone {
            self.free = self.free.wrapping_sub(span.free_units());
            span.hide();
            if span.is_of_one_page() && self.spare.len() < SPARE {
                self.spare.push(span);
            } else {
                empty.push(span);
            }
        }
    }

    /// Removes a block from the front of the span with this last page, and returns pages that are
    /// not needed any more.
    fn remove_front(&mut self, last: usize, units: usize) -> Option<Pages> {
        self.quiet = 0;
        let mut span = self.remove(last)?;
        span.remove_front(units);
        if span.is_empty() && !(span.lost_its_front() && self.may_wait_empty(span.pages())) {
            return Some(Pages::of_span(span));
        }
        self.insert(span);
        if self.has_too_many_waiting() {
            return self.trim();
        }
        None
    }

    /// Removes a block from the front of the span with this last page so that its memory is not
    /// used again, and returns pages that are not needed any more.
    fn retire_front(&mut self, last: usize, units: usize) -> [Option<Pages>; 2] {
        let Some(mut span) = self.remove(last) else {
            return [None, None];
        };
        let head = span.retire_front(units);
        if span.is_empty() {
            return [head, Some(Pages::of_span(span))];
        }
        self.insert(span);
        [head, None]
    }

    /// Whether the heap is full enough for one more page.
    fn wants_page(&self) -> bool {
        self.free.saturating_mul(SLACK_SHARE) <= self.len().saturating_mul(UNITS)
    }

    /// Takes the pages of a span that waits, except for the last if small blocks are in that.
    fn trim(&mut self) -> Option<Pages> {
        let mut span = self.waiting.take(0, |_| true)?;
        self.free = self.free.wrapping_sub(span.free_units());
        if span.is_empty() {
            return Some(Pages::of_span(span));
        }
        let pages = span.trim_head(1);
        self.insert(span);
        pages
    }

    /// How many spans may wait, if they are more than a few.
    fn most_waiting(&self) -> usize {
        WAITING.wrapping_add(self.len() / WAITING_SHARE)
    }

    /// Whether an empty span may wait, which has so many more pages than those that wait now.
    fn may_wait_empty(&self, pages: usize) -> bool {
        self.waiting.len() < self.most_waiting().min(EMPTY)
            || self.waiting.pages().saturating_add(pages) <= FEW_PAGES
    }

    /// Whether more spans wait than are likely to be of use.
    fn has_too_many_waiting(&self) -> bool {
        self.waiting.pages() > FEW_PAGES && self.waiting.len() > self.most_waiting()
    }

    /// Takes the pages of an empty span that waits, if such spans are not used any more.
    fn take_unused(&mut self) -> Option<Pages> {
        if self.quiet < QUIET {
            return None;
        }
        let span = self.waiting.take(UNITS - 1, Span::is_empty)?;
        self.free = self.free.wrapping_sub(span.free_units());
        self.publish();
        Some(Pages::of_span(span))
    }
}

/// The heap of the module.
pub(crate) static HEAP: AtLoad<SpinLockIrq<Heap>> = AtLoad::new(|| {
    let heap = Heap::new()?;
    KBox::pin_init(new_spinlock_irq!(heap, "rust_pool::heap"), GFP_KERNEL)
});

/// Takes the heap's lock.
fn lock() -> SpinLockIrqGuard<'static, Heap> {
    HEAP.try_lock().unwrap_or_else(|| {
        note_contention();
        HEAP.lock()
    })
}

/// While one exists, waiting for the heap's lock is not counted as contention: its owner takes the
/// lock for no client, to give back what was kept or to look, and that says nothing about clients.
pub(crate) struct NotForClient(());

impl NotForClient {
    /// Any context.
    pub(crate) fn new() -> Self {
        NOT_FOR_CLIENT.add(1, Relaxed);
        Self(())
    }
}

impl Drop for NotForClient {
    fn drop(&mut self) {
        NOT_FOR_CLIENT_ENDED.store(sys::jiffies(), Relaxed);
        NOT_FOR_CLIENT.fetch_sub(1, Relaxed);
    }
}

#[cold]
fn note_contention() {
    let now = sys::jiffies();
    // Whoever was aside may have left after this CPU found the lock held.
    let ago = now.wrapping_sub(NOT_FOR_CLIENT_ENDED.load(Relaxed));
    if NOT_FOR_CLIENT.load(Relaxed) != 0 || ago <= 1 {
        return;
    }
    CONTENTIONS.fetch_add(1, Relaxed);
    let until = now.wrapping_add(msecs_to_jiffies(CONTENTION_MS));
    if read_once::read(&CONTENDED_UNTIL) != until {
        CONTENDED_UNTIL.store(until, Relaxed);
    }
}

/// Whether the heap counts as contended. Any context.
pub(crate) fn is_contended() -> bool {
    let left = read_once::read(&CONTENDED_UNTIL).wrapping_sub(sys::jiffies());
    left.wrapping_sub(1) < msecs_to_jiffies(CONTENTION_MS)
}

/// Starts to use the heap.
pub(crate) fn open() {
    OPEN.store(1, Relaxed);
}

/// Pages, and units of the last one, that a block of `bytes` bytes takes at the front of a span.
#[inline]
pub(crate) fn split(bytes: usize) -> (usize, usize) {
    (
        bytes.div_ceil(PAGE_SIZE),
        (bytes % PAGE_SIZE).div_ceil(UNIT),
    )
}

/// Whether a block of more than a page leaves enough of its last page to be worth sharing.
#[inline(always)]
pub(crate) fn leaves_something(bytes: usize) -> bool {
    let over = bytes.wrapping_neg() % PAGE_SIZE;
    bytes > PAGE_SIZE && over >= WORTH && read_once::read(&OPEN) != 0
}

/// The pages and units of such a block, or `None` if it does not.
#[inline]
pub(crate) fn shape(bytes: usize) -> Option<(usize, usize)> {
    leaves_something(bytes).then(|| split(bytes))
}

/// The bytes in so many pages, of which the last has only so many units.
#[inline]
pub(crate) fn used(pages: usize, units: usize) -> usize {
    pages.wrapping_sub(1) * PAGE_SIZE + units * UNIT
}

/// Memory for a block at the front of a span.
///
/// # Invariants
///
/// At `at` are so many pages, and of the last one so many units, that [`place_front`] placed at the
/// front of a span. Whoever had the block does not use it any more.
#[must_use = "a block that is not removed is lost"]
pub(crate) struct Front {
    at: NonNull<u8>,
    pages: usize,
    units: usize,
}

impl Front {
    /// The memory of a block, if its last page is shared.
    pub(crate) fn of(block: Freed<PageHeader>) -> Option<Self> {
        let (pages, units) = split(block.bytes());
        let at = NonNull::new(block.addr() as *mut u8)?;
        // INVARIANT: The header says how it was allocated, and for how many bytes.
        matches!(block.form(), Form::Shared).then_some(Self { at, pages, units })
    }

    /// Where it is. From now on whoever has that address has the block.
    #[inline]
    pub(crate) fn into_raw(self) -> NonNull<u8> {
        self.at
    }

    /// Whether nobody else has a reference to one of its pages.
    fn is_reusable(&self) -> bool {
        // SAFETY: By the type invariant these are pages of the heap, and references to all of them
        // are ours.
        unsafe { sys::are_reusable(self.at, self.pages) }
    }

    /// Clears it.
    fn clear(&mut self) {
        // SAFETY: By the type invariant so many bytes are ours.
        unsafe { self.at.write_bytes(0, used(self.pages, self.units)) };
    }

    /// Removes it from its span. If somebody else has a reference to one of its pages, none of it
    /// is used again: the pages go to the kernel, except for the last, where the block's part stays
    /// unused. Returns whether spans wait now, of which [`age`] may give some back. Any context but
    /// NMI.
    #[inline(never)]
    pub(crate) fn remove(mut self) -> bool {
        let reusable = self.is_reusable();
        if reusable && zeroing::wipes() {
            self.clear();
        }
        let last = self.at.as_ptr() as usize + (self.pages.wrapping_sub(1)) * PAGE_SIZE;
        let mut heap = lock();
        let pages = if reusable {
            [heap.remove_front(last, self.units), None]
        } else {
            heap.retire_front(last, self.units)
        };
        let some_wait = heap.waiting.len() != 0;
        drop(heap);
        drop(pages);
        some_wait
    }
}

/// Places a block of `bytes` bytes at the front of a span. Any context but NMI.
#[inline(never)]
pub(crate) fn place_front(bytes: usize, request: Request) -> Option<Front> {
    let (pages, units) = split(bytes);
    if let Some(front) = place_waiting(pages, units) {
        return Some(front);
    }
    let mut span = request.attempt(|gfp| Span::new(pages, gfp))?;
    let at = span.place_front(units);
    lock().add(span);
    // INVARIANT: It was placed at the front of a span.
    Some(Front { at, pages, units })
}

/// Places a block at the front of a span that waits for one.
#[inline]
fn place_waiting(pages: usize, units: usize) -> Option<Front> {
    let mut heap = lock();
    heap.quiet = 0;
    let mut span = heap.waiting.take_or(
        units,
        |span| span.pages() == pages,
        |span| span.pages() > pages,
    )?;
    heap.free = heap.free.wrapping_sub(span.free_units());
    let surplus = span.trim_head(pages);
    let at = span.place_front(units);
    heap.insert(span);
    drop(heap);
    drop(surplus);
    // INVARIANT: It was placed at the front of a span.
    Some(Front { at, pages, units })
}

/// Places up to `wanted` small blocks where there is room, with the lock taken once. The batch says
/// of which kind they are. Any context but NMI.
pub(crate) fn place(wanted: usize, batch: &mut Batch) {
    let Some(units) = batch.kind().units() else {
        return;
    };
    if read_once::read(&LONGEST) < units {
        return;
    }
    // Do not wait for the lock; use a slab cache.
    let Some(mut heap) = HEAP.try_lock() else {
        note_contention();
        return;
    };
    heap.place_many(units, wanted.min(batch.room()), batch);
}

/// Places up to `wanted` small blocks in a new page, unless enough of the heap is free already;
/// `must` overrides that. Returns whether enough was free. Any context but NMI.
pub(crate) fn place_in_new_page(
    wanted: usize,
    batch: &mut Batch,
    request: Request,
    must: bool,
) -> bool {
    let Some(units) = batch.kind().units().filter(|_| read_once::read(&OPEN) != 0) else {
        return false;
    };
    let most = wanted.min(batch.room());
    let mut heap = lock();
    let enough = !heap.wants_page();
    if enough && !must {
        return enough;
    }
    if let Some(mut span) = heap.spare.pop() {
        span.fill(units, most, batch);
        heap.add(span);
        return enough;
    }
    drop(heap);
    let mut more = Span::several(RUST_POOL_GFP_NOWAIT);
    let span = more.pop();
    let Some(mut span) = span.or_else(|| request.attempt(|gfp| Span::new(1, gfp))) else {
        return enough;
    };
    span.fill(units, most, batch);
    let mut heap = lock();
    heap.add(span);
    while heap.spare.len() < SPARE {
        let Some(span) = more.pop() else {
            break;
        };
        heap.spare.push(span);
    }
    // Those for which there was no room are dropped after the lock.
    drop(heap);
    enough
}

/// Removes the small blocks of a batch, which are all from the heap. Any context but NMI.
pub(crate) fn remove(batch: &mut Batch) {
    let Some(units) = batch.kind().units() else {
        return;
    };
    batch.take_all(|objects| remove_all(objects, units));
}

/// Removes small blocks of so many units each.
fn remove_all(objects: &[usize], units: usize) {
    let mut empty = Empty::none();
    let mut surplus = [None, None];
    let mut heap = lock();
    let of_one_page = objects.chunk_by(|one, other| one / PAGE_SIZE == other / PAGE_SIZE);
    for objects in of_one_page {
        heap.remove_many(objects, units, &mut empty);
    }
    // A batch has so few blocks that at most two spans too many can wait now.
    for pages in &mut surplus {
        if heap.has_too_many_waiting() {
            *pages = heap.trim();
        }
    }
    heap.publish();
    drop(heap);
    // `empty` and `surplus` are dropped after the lock.
}

/// Whether the page at an address, which may be any, is one in which small blocks are placed. Any
/// context.
pub(crate) fn has(addr: usize) -> bool {
    Span::find(addr).is_some()
}

/// The small block of the heap that begins at an address, which may be any. Any context but NMI.
pub(crate) fn object_at(addr: usize) -> Option<LostBlock> {
    let _not_for_client = NotForClient::new();
    HEAP.lock().around(addr)?.object_at(addr)
}

/// How full the heap is.
pub(crate) fn usage() -> Usage {
    let _not_for_client = NotForClient::new();
    let heap = lock();
    Usage {
        spans: heap.len() + heap.spare.len(),
        waiting: heap.waiting.len(),
        spare: heap.spare.len(),
        free: heap.free * UNIT + heap.spare.len() * PAGE_SIZE,
        // The last page of a span is not idle.
        idle: heap.waiting.pages().saturating_sub(heap.waiting.len()) * PAGE_SIZE,
        contentions: CONTENTIONS.load(Relaxed),
    }
}

/// Gives back the pages that wait for a block, and the spare ones. Any context but NMI.
pub(crate) fn shrink() {
    loop {
        let mut heap = lock();
        let pages = heap.trim();
        drop(heap);
        if pages.is_none() {
            break;
        }
    }
    let spare = lock().spare.take();
    // It is dropped after the lock.
    drop(spare);
}

/// Gives back the empty spans that wait, if nobody used any for a while. Returns whether there may
/// be some later. Any context but NMI.
pub(crate) fn age() -> bool {
    let mut heap = lock();
    heap.quiet = heap.quiet.saturating_add(1);
    let more = heap.quiet < QUIET && heap.waiting.len() != 0;
    drop(heap);
    loop {
        let mut heap = lock();
        let pages = heap.take_unused();
        drop(heap);
        if pages.is_none() {
            return more;
        }
    }
}

/// Forgets the spans that are left, when the module is unloaded; their pages stay.
pub(crate) fn forget() {
    let mut heap = lock();
    while let Some(span) = heap.settled.take(0, |_| true) {
        span.hide();
    }
    while let Some(span) = heap.waiting.take(0, |_| true) {
        span.hide();
    }
}

#[kernel::macros::kunit_tests(rust_pool_heap)]
mod tests {
    use super::*;

    /// Adds a span of so many pages with a block at its front. Returns where its last page is.
    fn add(heap: &mut Heap, pages: usize, units: usize) -> Option<usize> {
        let mut span = Span::new(pages, sys::raw::RUST_POOL_GFP_KERNEL)?;
        span.place_front(units);
        let last = span.last();
        heap.add(span);
        Some(last)
    }

    /// Adds so many empty spans of so many pages, as far as they may wait. Returns how many do.
    fn add_empty(heap: &mut Heap, count: usize, pages: usize) -> Option<usize> {
        let mut waiting = 0;
        for _ in 0..count {
            let last = add(heap, pages, 50)?;
            if heap.remove_front(last, 50).is_none() {
                waiting += 1;
            }
        }
        Some(waiting)
    }

    #[test]
    fn empty_spans_wait_up_to_so_many_pages() -> Result {
        let mut heap = Heap::new()?;
        // More than may wait whatever their pages.
        assert!(add_empty(&mut heap, FEW_PAGES / 2 + 10, 2) == Some(FEW_PAGES / 2));
        assert!(heap.waiting.pages() == FEW_PAGES && heap.len() == FEW_PAGES / 2);
        while heap.trim().is_some() {}
        assert!(heap.len() == 0 && heap.free == 0);
        Ok(())
    }

    #[test]
    fn some_empty_spans_wait_whatever_their_pages() -> Result {
        let mut heap = Heap::new()?;
        assert!(add_empty(&mut heap, WAITING + 10, 16) == Some(WAITING));
        assert!(heap.waiting.len() == WAITING && !heap.has_too_many_waiting());
        while heap.trim().is_some() {}
        assert!(heap.len() == 0 && heap.free == 0);
        Ok(())
    }

    #[test]
    fn empty_spans_do_not_wait_for_ever() -> Result {
        let mut heap = Heap::new()?;
        assert!(add_empty(&mut heap, 3, 2) == Some(3));
        let last = add(&mut heap, 2, 50).ok_or(ENOMEM)?;
        // That one stays, whose block is still there.
        for quiet in [0, 1, QUIET - 1] {
            heap.quiet = quiet;
            assert!(heap.take_unused().is_none() && heap.len() == 4);
        }
        heap.quiet = QUIET;
        for left in [3, 2, 1] {
            assert!(heap.take_unused().is_some() && heap.len() == left);
        }
        assert!(heap.take_unused().is_none() && heap.settled.len() == 1);
        heap.remove_front(last, 50);
        assert!(heap.quiet == 0 && heap.take_unused().is_none());
        while heap.trim().is_some() {}
        assert!(heap.len() == 0 && heap.free == 0);
        Ok(())
    }
}
