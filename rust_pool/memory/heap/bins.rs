// SPDX-License-Identifier: GPL-2.0

//! Spans by the length of a run of free units.

use crate::memory::{
    batch::Batch,
    heap::{
        page_bitmap::UNITS,
        span::{
            LostBlock,
            Span, //
        }, //
    }, //
};
use core::ptr::NonNull;
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
/// `heads[list_of(run)]` starts a doubly linked list of spans with that run, each from
/// `KBox::leak()` and in one list once. A bit of `filled` is set where a list is not empty.
pub(crate) struct Bins {
    heads: KVec<Option<NonNull<Span>>>,
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
            heads: KVec::from_elem(None, LISTS, GFP_KERNEL)?,
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

    /// Sets the first span of a list.
    fn set_head(&mut self, list: usize, first: Option<NonNull<Span>>) {
        if let Some(head) = self.heads.get_mut(list) {
            *head = first;
        }
        if let Some(word) = self.filled.get_mut(list / WORD) {
            let bit = 1 << (list % WORD);
            *word = if first.is_some() {
                *word | bit
            } else {
                *word & !bit
            };
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
    pub(crate) fn insert(&mut self, mut span: KBox<Span>) {
        let list = list_of(span.run());
        let Some(&first) = self.heads.get(list) else {
            return;
        };
        self.len = self.len.wrapping_add(1);
        self.pages = self.pages.wrapping_add(span.pages());
        span.prev = None;
        span.next = first;
        let span = NonNull::from(KBox::leak(span));
        if let Some(at) = first {
            // INVARIANT: It is in this list.
            InBins { bins: self, at }.span().prev = Some(span);
        }
        // INVARIANT: The span becomes the head of the list of its run.
        self.set_head(list, Some(span));
    }

    /// The first span with the shortest run of at least `run` units.
    pub(crate) fn find(&mut self, run: usize) -> Option<InBins<'_>> {
        let at = (*self.heads.get(self.filled_from(run)?)?)?;
        // INVARIANT: It is in one of these lists.
        Some(InBins { bins: self, at })
    }

    /// A span that is known to be in these bins.
    ///
    /// # Safety
    ///
    /// It is in these bins.
    pub(crate) unsafe fn get(&mut self, at: NonNull<Span>) -> InBins<'_> {
        // INVARIANT: By the safety requirements.
        InBins { bins: self, at }
    }

    /// Takes out the span with the shortest run of at least `run` units for which `fits` is true,
    /// among the first [`VISITS`].
    pub(crate) fn take(&mut self, run: usize, fits: impl Fn(&Span) -> bool) -> Option<KBox<Span>> {
        self.take_or(run, fits, |_| false)
    }

    /// Like [`Self::take`]; if there is none, the first for which `will_do` is true. It is found on
    /// the way.
    pub(crate) fn take_or(
        &mut self,
        run: usize,
        fits: impl Fn(&Span) -> bool,
        will_do: impl Fn(&Span) -> bool,
    ) -> Option<KBox<Span>> {
        let at = self.search(run, fits, will_do)?;
        // INVARIANT: It is in one of these lists.
        Some(InBins { bins: self, at }.remove())
    }

    /// The span that [`Self::take_or`] takes.
    fn search(
        &mut self,
        run: usize,
        fits: impl Fn(&Span) -> bool,
        will_do: impl Fn(&Span) -> bool,
    ) -> Option<NonNull<Span>> {
        let mut other = None;
        let mut from = run;
        let mut visits = 0..VISITS;
        while let Some(list) = self.filled_from(from) {
            let mut next = *self.heads.get(list)?;
            while let Some(at) = next {
                // INVARIANT: The list consists of spans of these bins.
                let mut found = InBins { bins: self, at };
                let found = found.span();
                if visits.next().is_none() {
                    return other;
                }
                if fits(found) {
                    return Some(at);
                }
                if other.is_none() && will_do(found) {
                    other = Some(at);
                }
                next = found.next;
            }
            from = list + 1;
        }
        other
    }
}

/// A span in bins.
///
/// # Invariants
///
/// At `at` is a span that is in `bins`. While these are borrowed, nobody else accesses it.
pub(crate) struct InBins<'a> {
    bins: &'a mut Bins,
    at: NonNull<Span>,
}

impl<'a> InBins<'a> {
    fn span(&mut self) -> &mut Span {
        // SAFETY: By the type invariant; the result borrows `self`, and with it the bins.
        unsafe { self.at.as_mut() }
    }

    /// Takes the span out.
    pub(crate) fn remove(self) -> KBox<Span> {
        let (span, _) = self.take_out();
        span
    }

    /// Takes the span out, and returns the bins as well.
    fn take_out(mut self) -> (KBox<Span>, &'a mut Bins) {
        let Span { prev, next, .. } = *self.span();
        let list = list_of(self.span().run());
        let Self { bins, at } = self;
        // INVARIANT: The list goes on without the span. Its neighbours are in these bins.
        if let Some(at) = next {
            InBins { bins, at }.span().prev = prev;
        }
        match prev {
            Some(at) => InBins { bins, at }.span().next = next,
            None => bins.set_head(list, next),
        }
        // SAFETY: By the type invariant of bins it comes from `KBox::leak()`. It is in no list now.
        let span = unsafe { KBox::from_raw(at.as_ptr()) };
        bins.len = bins.len.wrapping_sub(1);
        bins.pages = bins.pages.wrapping_sub(span.pages());
        (span, bins)
    }

    /// Moves the span to the list of another run, which is its own from now on.
    fn move_to(mut self, run: usize) {
        if self.span().run() != run {
            let (mut span, bins) = self.take_out();
            span.set_run(run);
            bins.insert(span);
        }
    }

    /// Places up to `most` small blocks, as [`Span::place_many`] does. Returns how many it placed.
    pub(crate) fn place_many(mut self, units: usize, most: usize, batch: &mut Batch) -> usize {
        let (placed, run) = self.span().place_many(units, most, batch);
        self.move_to(run);
        placed
    }

    /// Removes small blocks. Takes the span out if that leaves no block in it, except if `may_wait`
    /// and it waits for another block at its front.
    pub(crate) fn remove_many(
        mut self,
        objects: &[usize],
        units: usize,
        may_wait: bool,
    ) -> Option<KBox<Span>> {
        let span = self.span();
        let run = span.remove_many(objects, units);
        if span.is_empty() && !(span.lost_its_front() && may_wait) {
            let mut span = self.remove();
            span.set_run(run);
            return Some(span);
        }
        self.move_to(run);
        None
    }

    /// What [`Span::object_at`] returns.
    pub(crate) fn object_at(mut self, addr: usize) -> Option<LostBlock> {
        self.span().object_at(addr)
    }
}

#[kernel::macros::kunit_tests(rust_pool_bins)]
mod tests {
    use super::*;
    use crate::{
        memory::{
            heap::span::Pages,
            magazine::kind::MagazineKind,
            size_class::Class, //
        },
        sys, //
    };

    /// A span of one page of which so many units are free.
    fn span(free: usize) -> Option<KBox<Span>> {
        let mut span = Span::new(1, sys::raw::RUST_POOL_GFP_KERNEL)?;
        if free < UNITS {
            let kind = MagazineKind::objects(Class::of(2));
            span.fill(UNITS - free, 1, &mut Batch::new(kind));
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
        drop(Pages::of_span(span));
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
    fn what_will_do_if_nothing_fits() {
        let bins = filled(&[10, 20, 30, 40]);
        assert!(bins.is_some());
        let Some(mut bins) = bins else { return };
        for (fit, run) in [
            (30, Some(30)),
            (30, Some(20)),
            (30, Some(40)),
            (10, Some(10)),
        ] {
            let found = bins.take_or(1, |span| span.run() == fit, |span| span.run() > 10);
            let taken = found.as_ref().map(|span| span.run());
            drop(found.map(Pages::of_span));
            assert!(taken == run);
        }
        assert!(bins.take_or(1, |_| true, |_| true).is_none() && bins.len() == 0);
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
        let at = &raw const *middle;
        bins.insert(middle);
        let Some(first) = span(20) else { return };
        bins.insert(first);
        let taken = take(&mut bins, 20, |span| core::ptr::eq(span, at));
        assert!(taken == Some(20) && bins.len() == 2 && bins.longest() == 20);
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
        assert!(bins.find(31).is_none());
        let found = bins.find(21);
        assert!(found.is_some());
        let Some(found) = found else { return };
        let at = found.at;
        found.move_to(10);
        assert!(bins.len() == 2 && bins.longest() == 20);
        assert!(bins.find(1).is_some_and(|found| found.at == at));
        assert!(take(&mut bins, 0, |_| true) == Some(10));
        assert!(take(&mut bins, 0, |_| true) == Some(20));
    }
}
