// SPDX-License-Identifier: GPL-2.0

//! Spans by the length of a run of free units.

use crate::memory::heap::{
    page_bitmap::UNITS,
    span::Span, //
};
use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::prelude::*;

const WORD: usize = u64::BITS as usize;

/// How many spans to try for one that fits. Interrupts are disabled meanwhile.
const VISITS: usize = 512;

/// How many lists there are. The last one is also for whole pages: no block needs that many units.
const LISTS: usize = UNITS;

/// The list for a run.
fn list_of(run: usize) -> usize {
    run.min(LISTS - 1)
}

/// Lists of spans, one for each length of a run.
///
/// # Invariants
///
/// `heads[list_of(run)]` starts a null-terminated, doubly linked list of spans with that run, each
/// from `KBox::into_raw()` and in one list once. A bit of `filled` is set where a list is not empty.
pub(crate) struct Bins {
    heads: KVec<*mut Span>,
    filled: [u64; LISTS / WORD],
    len: usize,
    /// The pages of all spans together.
    pages: usize,
}

// SAFETY: The lists own their spans, which may go to any thread.
unsafe impl Send for Bins {}

impl Bins {
    /// No spans. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        // INVARIANT: All lists are empty.
        Ok(Self {
            heads: KVec::from_elem(null_mut(), LISTS, GFP_KERNEL)?,
            filled: [0; LISTS / WORD],
            len: 0,
            pages: 0,
        })
    }

    /// How many spans there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many pages they have.
    pub(crate) fn pages(&self) -> usize {
        self.pages
    }

    fn mark(&mut self, run: usize, filled: bool) {
        if let Some(word) = self.filled.get_mut(run / WORD) {
            let bit = 1 << (run % WORD);
            *word = if filled { *word | bit } else { *word & !bit };
        }
    }

    /// The shortest run of at least `run` units that a list exists for.
    fn filled_from(&self, run: usize) -> Option<usize> {
        let mut at = run;
        while let Some(word) = self.filled.get(at / WORD) {
            let word = *word >> (at % WORD);
            if word != 0 {
                // CAST: At most 63.
                return Some(at + word.trailing_zeros() as usize);
            }
            at = (at / WORD + 1) * WORD;
        }
        None
    }

    /// The longest run of any span, or that of the last list.
    pub(crate) fn longest(&self) -> usize {
        let top = |(index, word): (usize, &u64)| {
            // CAST: At most 63.
            word.checked_ilog2().map(|bit| index * WORD + bit as usize)
        };
        let mut words = self.filled.iter().enumerate().rev();
        words.find_map(top).unwrap_or(0)
    }

    /// Adds a span.
    pub(crate) fn insert(&mut self, span: KBox<Span>) {
        let run = list_of(span.run());
        let Some(head) = self.heads.get_mut(run) else {
            return;
        };
        let first = *head;
        self.pages = self.pages.wrapping_add(span.pages());
        // INVARIANT: The span becomes the head of the list of its run.
        let span = KBox::into_raw(span);
        *head = span;
        // SAFETY: The span was a box just now; `first` is null or a span of this list.
        unsafe {
            (*span).prev = null_mut();
            (*span).next = first;
            if let Some(first) = first.as_mut() {
                first.prev = span;
            }
        }
        self.len = self.len.wrapping_add(1);
        self.mark(run, true);
    }

    /// Takes a span out.
    ///
    /// # Safety
    ///
    /// It is in these bins.
    pub(crate) unsafe fn remove(&mut self, span: NonNull<Span>) -> KBox<Span> {
        // SAFETY: By the safety requirements and the type invariant, it and its neighbours are
        // spans.
        let (run, prev, next) = unsafe {
            let span = span.as_ref();
            if let Some(prev) = span.prev.as_mut() {
                prev.next = span.next;
            }
            if let Some(next) = span.next.as_mut() {
                next.prev = span.prev;
            }
            (list_of(span.run()), span.prev, span.next)
        };
        // INVARIANT: The list goes on without the span.
        if prev.is_null() {
            if let Some(head) = self.heads.get_mut(run) {
                *head = next;
            }
            if next.is_null() {
                self.mark(run, false);
            }
        }
        self.len = self.len.wrapping_sub(1);
        // SAFETY: By the type invariant it comes from `KBox::into_raw()`, and it is in no list now.
        let span = unsafe { KBox::from_raw(span.as_ptr()) };
        self.pages = self.pages.wrapping_sub(span.pages());
        span
    }

    /// The first span with the shortest run of at least `run` units.
    pub(crate) fn find(&self, run: usize) -> Option<NonNull<Span>> {
        NonNull::new(*self.heads.get(self.filled_from(run)?)?)
    }

    /// Moves a span to the list of another run, which is its own from now on.
    ///
    /// # Safety
    ///
    /// It is in these bins.
    pub(crate) unsafe fn move_to(&mut self, span: NonNull<Span>, run: usize) {
        // SAFETY: By the safety requirements it is in these bins.
        let mut span = unsafe { self.remove(span) };
        span.set_run(run);
        self.insert(span);
    }

    /// Takes out the span with the shortest run of at least `run` units for which `fits` is true,
    /// among the first [`VISITS`].
    pub(crate) fn take(&mut self, run: usize, fits: impl Fn(&Span) -> bool) -> Option<KBox<Span>> {
        let mut at = run;
        let mut visits = 0..VISITS;
        loop {
            at = self.filled_from(at)?;
            let mut next = *self.heads.get(at)?;
            while let Some(span) = NonNull::new(next) {
                // SAFETY: By the type invariant the lists consist of spans.
                let found = unsafe { span.as_ref() };
                visits.next()?;
                if fits(found) {
                    // SAFETY: It is in one of these lists.
                    return Some(unsafe { self.remove(span) });
                }
                next = found.next;
            }
            at += 1;
        }
    }
}

#[kernel::macros::kunit_tests(rust_pool_bins)]
mod tests {
    use super::*;
    use crate::{
        memory::batch::Batch,
        sys, //
    };

    /// A span of one page of which so many units are free.
    fn span(free: usize) -> Option<KBox<Span>> {
        let mut span = Span::new(1, sys::raw::RUST_POOL_GFP_KERNEL)?;
        if free < UNITS {
            span.fill(UNITS - free, 1, &mut Batch::new());
        }
        Some(span)
    }

    fn filled(runs: &[usize]) -> Option<Bins> {
        let mut bins = Bins::new().ok()?;
        for &run in runs {
            bins.insert(span(run)?);
        }
        Some(bins)
    }

    /// Takes out a span, frees its pages, and returns its run.
    fn take(bins: &mut Bins, run: usize, fits: impl Fn(&Span) -> bool) -> Option<usize> {
        let span = bins.take(run, fits)?;
        let run = span.run();
        drop(KBox::into_inner(span).into_pages());
        Some(run)
    }

    #[test]
    fn shortest_that_fits() {
        let bins = filled(&[100, 5, 64, UNITS, 63, 100, 0]);
        assert!(bins.is_some());
        let Some(mut bins) = bins else { return };
        assert!(bins.len() == 7 && bins.longest() == LISTS - 1);
        for (least, run) in [(6, 63), (6, 64), (65, 100), (65, 100), (65, UNITS)] {
            assert!(take(&mut bins, least, |_| true) == Some(run));
        }
        assert!(take(&mut bins, 6, |_| true).is_none());
        assert!(bins.len() == 2 && bins.longest() == 5);
        assert!(take(&mut bins, 0, |_| true) == Some(0));
        assert!(take(&mut bins, 0, |_| true) == Some(5));
        assert!(bins.len() == 0 && bins.longest() == 0);
        assert!(take(&mut bins, 0, |_| true).is_none());
        assert!(take(&mut bins, UNITS + 1, |_| true).is_none());
    }

    #[test]
    fn only_what_is_asked_for() {
        let bins = filled(&[10, 20, 20, 30]);
        assert!(bins.is_some());
        let Some(mut bins) = bins else { return };
        assert!(take(&mut bins, 1, |span| span.run() > 20) == Some(30));
        assert!(take(&mut bins, 1, |span| span.run() > 20).is_none());
        for run in [10, 20, 20] {
            assert!(take(&mut bins, 1, |_| true) == Some(run));
        }
    }

    #[test]
    fn looks_at_no_more_than_so_many() {
        let bins = filled(&[10; VISITS - 1]);
        assert!(bins.is_some());
        let Some(mut bins) = bins else { return };
        for found in [Some(20), None] {
            let Some(span) = span(20) else { return };
            bins.insert(span);
            assert!(take(&mut bins, 1, |span| span.run() > 10) == found);
            let Some(span) = self::span(10) else { return };
            bins.insert(span);
        }
        while take(&mut bins, 0, |_| true).is_some() {}
    }

    #[test]
    fn out_of_the_middle() {
        let (bins, middle) = (filled(&[20]), span(20));
        assert!(bins.is_some() && middle.is_some());
        let (Some(mut bins), Some(middle)) = (bins, middle) else {
            return;
        };
        let at = NonNull::from(&*middle);
        bins.insert(middle);
        let Some(first) = span(20) else { return };
        bins.insert(first);
        // SAFETY: It is in the bins.
        let middle = unsafe { bins.remove(at) };
        drop(KBox::into_inner(middle).into_pages());
        assert!(bins.len() == 2 && bins.longest() == 20);
        for _ in 0..2 {
            assert!(take(&mut bins, 20, |_| true) == Some(20));
        }
        assert!(take(&mut bins, 0, |_| true).is_none());
    }

    #[test]
    fn moved_to_another_run() {
        let bins = filled(&[20, 30]);
        assert!(bins.is_some());
        let Some(mut bins) = bins else { return };
        let found = bins.find(21);
        assert!(bins.find(31).is_none() && found.is_some());
        let Some(found) = found else { return };
        // SAFETY: It is in the bins.
        unsafe { bins.move_to(found, 10) };
        assert!(bins.len() == 2 && bins.longest() == 20 && bins.find(1) == Some(found));
        assert!(take(&mut bins, 0, |_| true) == Some(10));
        assert!(take(&mut bins, 0, |_| true) == Some(20));
    }
}
