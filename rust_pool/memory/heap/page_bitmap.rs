// SPDX-License-Identifier: GPL-2.0

//! Which units of a page are in use.

use crate::{
    header::UNIT,
    sys::PAGE_SIZE, //
};

/// Units in a page.
pub(crate) const UNITS: usize = PAGE_SIZE / UNIT;
const WORD: usize = u64::BITS as usize;

/// A bit for each unit of a page, set where it is in use.
#[derive(Clone, Copy)]
pub(crate) struct PageBitmap([u64; UNITS / WORD]);

/// Adjacent free units.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) start: usize,
    pub(crate) len: usize,
}

impl PageBitmap {
    /// All free.
    pub(crate) const fn new() -> Self {
        Self([0; UNITS / WORD])
    }

    fn change(&mut self, start: usize, len: usize, change: impl Fn(&mut u64, u64)) {
        let end = start.saturating_add(len).min(UNITS);
        let mut at = start;
        while at < end {
            let bit = at % WORD;
            let count = (WORD - bit).min(end - at);
            let mask = (u64::MAX >> (WORD - count)) << bit;
            if let Some(word) = self.0.get_mut(at / WORD) {
                change(word, mask);
            }
            at += count;
        }
    }

    /// Marks `len` units from `start` on as used.
    pub(crate) fn take(&mut self, start: usize, len: usize) {
        self.change(start, len, |word, mask| *word |= mask);
    }

    /// Marks `len` units from `start` on as free.
    pub(crate) fn give(&mut self, start: usize, len: usize) {
        self.change(start, len, |word, mask| *word &= !mask);
    }

    /// The first unit at or behind `at` whose bit is `set`, or [`UNITS`].
    fn next(&self, at: usize, set: bool) -> usize {
        let mut at = at;
        while let Some(word) = self.0.get(at / WORD) {
            let word = if set { *word } else { !*word } >> (at % WORD);
            if word != 0 {
                // CAST: At most 63.
                return at + word.trailing_zeros() as usize;
            }
            at = (at / WORD + 1) * WORD;
        }
        UNITS
    }

    /// The runs of free units.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        let mut at = 0;
        core::iter::from_fn(move || {
            let start = self.next(at, false);
            if start >= UNITS {
                return None;
            }
            at = self.next(start, true);
            Some(Run {
                start,
                len: at - start,
            })
        })
    }

    /// The length of the longest run of free units.
    pub(crate) fn longest(&self) -> usize {
        self.runs().map(|run| run.len).max().unwrap_or(0)
    }

    /// How many units are free before the first that is used.
    pub(crate) fn leading(&self) -> usize {
        self.next(0, true)
    }

    /// The shortest run of at least `len` free units, the last of several.
    pub(crate) fn best(&self, len: usize) -> Option<Run> {
        self.runs()
            .filter(|run| run.len >= len)
            .min_by_key(|run| (run.len, UNITS - run.start))
    }

    /// Whether a unit is set.
    pub(crate) fn has(&self, at: usize) -> bool {
        at < UNITS && self.next(at, true) == at
    }

    /// Where the run of set units begins that `at` is in.
    pub(crate) fn start_of_run(&self, at: usize) -> usize {
        (0..at.min(UNITS))
            .rev()
            .find(|&unit| !self.has(unit))
            .map_or(0, |unit| unit + 1)
    }

    /// How many units are free.
    pub(crate) fn free(&self) -> usize {
        // CAST: At most 64.
        self.0.iter().map(|word| word.count_zeros() as usize).sum()
    }
}

#[kernel::macros::kunit_tests(rust_pool_unit_map)]
mod tests {
    use super::*;

    fn with(used: &[(usize, usize)]) -> PageBitmap {
        let mut map = PageBitmap::new();
        for &(start, len) in used {
            map.take(start, len);
        }
        map
    }

    fn has_runs(map: &PageBitmap, runs: &[(usize, usize)]) -> bool {
        map.runs()
            .map(|run| (run.start, run.len))
            .eq(runs.iter().copied())
    }

    #[test]
    fn free_at_first() {
        let map = PageBitmap::new();
        assert!(map.free() == UNITS);
        assert!(map.longest() == UNITS && map.leading() == UNITS);
        assert!(has_runs(&map, &[(0, UNITS)]));
    }

    #[test]
    fn across_words() {
        for (start, len) in [(0, 1), (60, 10), (63, 2), (64, 64), (1, 200), (63, 129)] {
            let mut map = with(&[(start, len)]);
            assert!(map.free() == UNITS - len);
            assert!(map.leading() == start);
            assert!(map.longest() == start.max(UNITS - start - len));
            map.give(start, len);
            assert!(map.free() == UNITS);
        }
        let mut map = with(&[(60, 10)]);
        assert!(has_runs(&map, &[(0, 60), (70, UNITS - 70)]));
        map.give(62, 4);
        assert!(has_runs(&map, &[(0, 60), (62, 4), (70, UNITS - 70)]));
    }

    #[test]
    fn ends_with_the_page() {
        let map = with(&[(UNITS - 6, 100)]);
        assert!(map.free() == UNITS - 6);
        assert!(has_runs(&map, &[(0, UNITS - 6)]));
        let map = with(&[(0, UNITS)]);
        assert!(map.free() == 0 && map.longest() == 0 && map.leading() == 0);
        assert!(has_runs(&map, &[]) && map.best(1).is_none());
        let map = with(&[(0, UNITS - 1)]);
        assert!(has_runs(&map, &[(UNITS - 1, 1)]) && map.best(1).is_some());
    }

    #[test]
    fn best_is_the_shortest_and_last() {
        let map = with(&[(10, 10), (30, 10), (60, UNITS - 60)]);
        for (len, start) in [(1, 20), (10, 20), (11, 40), (20, 40)] {
            assert!(map.best(len).is_some_and(|run| run.start == start));
        }
        assert!(map.best(21).is_none());
    }
}
