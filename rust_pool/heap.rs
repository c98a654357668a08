// SPDX-License-Identifier: GPL-2.0

//! The heap: spans, and which block goes where.
//!
//! A block of more than a page leaves a part of its last page over. That part takes small blocks,
//! and when the block in front is freed before them, the place is kept for another of its kind, so
//! that blocks which live on hold no more pages than they must. Only when too many such places wait
//! are their pages, but for the last, given back.
//!
//! The heap is used where a kernel checker does not want to see each allocation by itself. One
//! lock guards it, which the fast paths do not take.

use crate::{
    bins::Bins,
    gfp::Request,
    header::UNIT,
    once,
    span::{
        Pages,
        Span, //
    },
    state,
    sys::PAGE_SIZE,
    unit_map::UNITS, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// The rest of a page that is worth sharing, in bytes.
const WORTH: usize = 128;
/// Spans without their block in front that are kept, and one more for so many others.
const WAITING: usize = 16;
const WAITING_SHARE: usize = 22;
/// While fewer than this many wait, one waits even if no block at all is left in it.
const EMPTY: usize = 2;
/// A page is not opened for small blocks while more than this part of the heap is free.
const SLACK_SHARE: usize = 8;

static OPEN: Atomic<u32> = Atomic::new(0);
/// The longest run of free units, so that who cannot be served need not ask.
static LONGEST: Atomic<usize> = Atomic::new(0);

/// The heap.
pub(crate) struct Heap {
    /// Spans with a block in front, and those of one page, by their longest run.
    settled: Bins,
    /// Spans whose block in front is gone, by the run that is there for another.
    waiting: Bins,
    /// Units that are free in all of them.
    free: usize,
}

/// How full the heap is.
pub(crate) struct Usage {
    pub(crate) spans: usize,
    /// Those without a block in front that once had one.
    pub(crate) waiting: usize,
    /// Bytes in all of their last pages.
    pub(crate) free: usize,
}

impl Heap {
    /// An empty heap. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            settled: Bins::new()?,
            waiting: Bins::new()?,
            free: 0,
        })
    }

    fn len(&self) -> usize {
        self.settled.len().wrapping_add(self.waiting.len())
    }

    fn insert(&mut self, span: KBox<Span>) {
        self.free = self.free.wrapping_add(span.free_units());
        if span.lost_its_front() {
            self.waiting.insert(span);
        } else {
            self.settled.insert(span);
        }
        LONGEST.store(self.settled.longest().max(self.waiting.longest()), Relaxed);
    }

    /// # Safety
    ///
    /// The span is in this heap.
    unsafe fn remove(&mut self, span: NonNull<Span>) -> KBox<Span> {
        // SAFETY: By the safety requirements.
        let span = unsafe {
            if span.as_ref().lost_its_front() {
                self.waiting.remove(span)
            } else {
                self.settled.remove(span)
            }
        };
        self.free = self.free.wrapping_sub(span.free_units());
        span
    }

    fn place(&mut self, units: usize) -> Option<NonNull<u8>> {
        let mut span = self
            .settled
            .take(units, |_| true)
            .or_else(|| self.waiting.take(units, |_| true))?;
        self.free = self.free.wrapping_sub(span.free_units());
        let object = span.place(units);
        self.insert(span);
        object
    }

    /// Whether the heap is full enough for one more page.
    fn wants_page(&self) -> bool {
        self.free.saturating_mul(SLACK_SHARE) <= self.len().saturating_mul(UNITS)
    }

    /// The pages of a span that waits, but for the last if small blocks are in that.
    fn trim(&mut self) -> Option<Pages> {
        let mut span = self.waiting.take(0, |_| true)?;
        self.free = self.free.wrapping_sub(span.free_units());
        if span.is_empty() {
            return Some(KBox::into_inner(span).into_pages());
        }
        let pages = span.behead(1);
        self.insert(span);
        pages
    }

    /// Whether more spans wait than are likely to be of use.
    fn has_too_many_waiting(&self) -> bool {
        self.waiting.len() > WAITING + self.len() / WAITING_SHARE
    }
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

/// Whether a block of more than a page leaves so much of its last one over that it is worth sharing.
#[inline(always)]
pub(crate) fn leaves_something(bytes: usize) -> bool {
    let over = bytes.wrapping_neg() % PAGE_SIZE;
    bytes > PAGE_SIZE && over >= WORTH && once::read(&OPEN) != 0
}

/// Pages and units of a block which does.
#[inline]
pub(crate) fn shape(bytes: usize) -> Option<(usize, usize)> {
    leaves_something(bytes).then(|| split(bytes))
}

/// The bytes that these are.
#[inline]
pub(crate) fn used(pages: usize, units: usize) -> usize {
    pages.wrapping_sub(1) * PAGE_SIZE + units * UNIT
}

/// Places a block at the front of a span. Any context but NMI.
pub(crate) fn place_front(pages: usize, units: usize, request: Request) -> Option<NonNull<u8>> {
    let mut heap = state::get().heap.lock();
    let place = heap
        .waiting
        .take(units, |span| span.pages() == pages)
        .or_else(|| heap.waiting.take(units, |span| span.pages() > pages));
    if let Some(mut span) = place {
        heap.free = heap.free.wrapping_sub(span.free_units());
        let surplus = span.behead(pages);
        let block = span.place_front(units);
        heap.insert(span);
        drop(heap);
        drop(surplus);
        return Some(block);
    }
    drop(heap);
    let mut span = request.attempt(|gfp| Span::new(pages, gfp))?;
    let block = span.place_front(units);
    state::get().heap.lock().insert(span);
    Some(block)
}

/// Removes a block from the front of its span. Any context but NMI.
///
/// # Safety
///
/// `block` comes from [`place_front`] with these pages and units and is not used any more.
pub(crate) unsafe fn remove_front(block: NonNull<u8>, pages: usize, units: usize) {
    let last = block.as_ptr() as usize + (pages.wrapping_sub(1)) * PAGE_SIZE;
    let Some(last) = NonNull::new(last as *mut u8) else {
        return;
    };
    // SAFETY: By the safety requirements, it is the last page of a span.
    if let Some(span) = unsafe { Span::around(last) } {
        // SAFETY: The span has a block, so it is in the heap.
        unsafe { change(span, |span| span.remove_front(units)) };
    }
}

/// Changes a span, and frees it if no block is left in it.
///
/// # Safety
///
/// The span is in the heap.
unsafe fn change(span: NonNull<Span>, change: impl FnOnce(&mut Span)) {
    let mut heap = state::get().heap.lock();
    // SAFETY: By the safety requirements.
    let mut span = unsafe { heap.remove(span) };
    change(&mut span);
    let pages = if span.is_empty() && !(span.lost_its_front() && heap.waiting.len() < EMPTY) {
        Some(KBox::into_inner(span).into_pages())
    } else {
        heap.insert(span);
        let trim = heap.has_too_many_waiting();
        trim.then(|| heap.trim()).flatten()
    };
    drop(heap);
    drop(pages);
}

/// Places a small block where there is room. Any context but NMI.
pub(crate) fn place(units: usize) -> Option<NonNull<u8>> {
    if once::read(&LONGEST) < units {
        return None;
    }
    // Who has to wait is better served elsewhere.
    state::get().heap.try_lock()?.place(units)
}

/// Places a small block in a new page, if the heap has not got too much room already or `must` take
/// it. Any context but NMI.
pub(crate) fn place_in_new_page(units: usize, request: Request, must: bool) -> Option<NonNull<u8>> {
    if once::read(&OPEN) == 0 || !(must || state::get().heap.lock().wants_page()) {
        return None;
    }
    let mut span = request.attempt(|gfp| Span::new(1, gfp))?;
    let object = span.place(units);
    state::get().heap.lock().insert(span);
    object
}

/// Removes a small block. Any context but NMI.
///
/// # Safety
///
/// `object` comes from [`place`] or [`place_in_new_page`] with these units and is not used any more.
pub(crate) unsafe fn remove(object: NonNull<u8>, units: usize) {
    // SAFETY: By the safety requirements, it lies in the last page of a span.
    if let Some(span) = unsafe { Span::around(object) } {
        // SAFETY: The span has a block, so it is in the heap.
        unsafe { change(span, |span| span.remove(object, units)) };
    }
}

/// How full the heap is.
pub(crate) fn usage() -> Usage {
    let heap = state::get().heap.lock();
    Usage {
        spans: heap.len(),
        waiting: heap.waiting.len(),
        free: heap.free * UNIT,
    }
}

/// Gives back the pages that wait for a block. Any context but NMI.
pub(crate) fn shrink() {
    loop {
        let mut heap = state::get().heap.lock();
        let pages = heap.trim();
        drop(heap);
        if pages.is_none() {
            break;
        }
    }
}

/// Forgets the spans that are left, for the end of the module; their pages stay.
pub(crate) fn forget() {
    let mut heap = state::get().heap.lock();
    while let Some(span) = heap.settled.take(0, |_| true) {
        drop(span);
    }
    while let Some(span) = heap.waiting.take(0, |_| true) {
        drop(span);
    }
}
