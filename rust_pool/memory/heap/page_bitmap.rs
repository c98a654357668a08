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

/// Where a block fits best.
#[derive(Clone, Copy)]
pub(crate) struct Fit {
    pub(crate) run: Run,
    /// The length of the longest of the other runs.
    pub(crate) others: usize,
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
            let behind = end.wrapping_sub(at);
            let from = u64::MAX << bit;
            let word = self.0.get_mut(at / WORD);
            at = at.wrapping_add(WORD.wrapping_sub(bit));
            if let Some(word) = word {
                let mask = if at > end {
                    // CAST: Below 64, as the end is in this word.
                    from & !from.wrapping_shl(behind as u32)
                } else {
                    from
                };
                change(word, mask);
            }
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

    /// The first unit in use at or behind `at`, or [`UNITS`].
    fn next_used(&self, at: usize) -> usize {
        let mut at = at;
        while let Some(word) = self.0.get(at / WORD) {
            let word = *word >> (at % WORD);
            if word != 0 {
                // CAST: At most 63.
                return at.wrapping_add(word.trailing_zeros() as usize);
            }
            at = (at / WORD).wrapping_add(1).wrapping_mul(WORD);
        }
        UNITS
    }

    /// The length of the longest run of free units. Each word is read once.
    pub(crate) fn longest(&self) -> usize {
        let mut longest = 0;
        self.each_run(|run| longest = longest.max(run.len));
        longest
    }

    /// How many units are free before the first that is used.
    pub(crate) fn leading(&self) -> usize {
        self.next_used(0)
    }

    /// The shortest run of at least `len` free units, the last of several, and the length of the
    /// longest of the others. Each word is read once.
    pub(crate) fn best(&self, len: usize) -> Option<Fit> {
        let mut best: Option<Run> = None;
        let mut others = 0;
        self.each_run(|run| {
            let better = run.len >= len && best.is_none_or(|best| run.len <= best.len);
            let other = if better { best.replace(run) } else { Some(run) };
            others = others.max(other.map_or(0, |run| run.len));
        });
        best.map(|run| Fit { run, others })
    }

    /// Calls `visit` on each run of free units, from the first to the last.
    #[inline(always)]
    fn each_run(&self, mut visit: impl FnMut(Run)) {
        // Where the run began that went on at the end of the last word.
        let mut open = None;
        for (index, word) in self.0.iter().enumerate() {
            let base = index.wrapping_mul(WORD);
            let mut free = !*word;
            if let Some(start) = open {
                // CAST: At most 64.
                let more = word.trailing_zeros() as usize;
                if more == WORD {
                    continue;
                }
                open = None;
                free &= u64::MAX << more;
                visit(Run {
                    start,
                    len: base.wrapping_add(more).wrapping_sub(start),
                });
            }
            while free != 0 {
                let lowest = free & free.wrapping_neg();
                // The sum has the bit behind the lowest run, and none below that.
                let behind = free.wrapping_add(lowest);
                // CAST: At most 63.
                let start = base.wrapping_add(free.trailing_zeros() as usize);
                if behind == 0 {
                    open = Some(start);
                    break;
                }
                // CAST: As above.
                let end = base.wrapping_add(behind.trailing_zeros() as usize);
                visit(Run {
                    start,
                    len: end.wrapping_sub(start),
                });
                free &= behind;
            }
        }
        if let Some(start) = open {
            visit(Run {
                start,
                len: UNITS.wrapping_sub(start),
            });
        }
    }

    /// The length of the run of free units around a unit, which is free.
    pub(crate) fn around(&self, at: usize) -> usize {
        let mut start = 0;
        let mut index = at / WORD;
        // Units in use below `at`, word by word.
        let mut below = self
            .0
            .get(index)
            .map_or(0, |word| word & !(u64::MAX << (at % WORD)));
        loop {
            if let Some(bit) = below.checked_ilog2() {
                // CAST: At most 63.
                start = index * WORD + bit as usize + 1;
                break;
            }
            let Some(lower) = index.checked_sub(1) else {
                break;
            };
            index = lower;
            below = self.0.get(index).copied().unwrap_or(0);
        }
        self.next_used(at).wrapping_sub(start)
    }

    /// Whether a unit is in use.
    pub(crate) fn has(&self, at: usize) -> bool {
        at < UNITS && self.next_used(at) == at
    }

    /// Where the run of units in use begins that `at` is in.
    pub(crate) fn start_of_run(&self, at: usize) -> usize {
        (0..at.min(UNITS))
            .rev()
            .find(|&unit| !self.has(unit))
            .map_or(0, |unit| unit + 1)
    }
}

#[kernel::macros::kunit_tests(rust_pool_page_bitmap)]
mod tests {
    use super::*;

    fn with(used: &[(usize, usize)]) -> PageBitmap {
        let mut map = PageBitmap::new();
        for &(start, len) in used {
            map.take(start, len);
        }
        map
    }

    /// How many units are free.
    fn free(map: &PageBitmap) -> usize {
        (0..UNITS).filter(|&unit| !map.has(unit)).count()
    }

    fn has_runs(map: &PageBitmap, runs: &[(usize, usize)]) -> bool {
        let mut left = runs.iter();
        let mut same = true;
        map.each_run(|run| same &= left.next() == Some(&(run.start, run.len)));
        same && left.next().is_none()
    }

    #[test]
    fn free_at_first() {
        let map = PageBitmap::new();
        assert!(free(&map) == UNITS);
        assert!(map.longest() == UNITS && map.leading() == UNITS);
        assert!(has_runs(&map, &[(0, UNITS)]));
    }

    #[test]
    fn across_words() {
        for (start, len) in [(0, 1), (60, 10), (63, 2), (64, 64), (1, 200), (63, 129)] {
            let mut map = with(&[(start, len)]);
            assert!(free(&map) == UNITS - len);
            assert!(map.leading() == start);
            assert!(map.longest() == start.max(UNITS - start - len));
            map.give(start, len);
            assert!(free(&map) == UNITS);
        }
        let mut map = with(&[(60, 10)]);
        assert!(has_runs(&map, &[(0, 60), (70, UNITS - 70)]));
        map.give(62, 4);
        assert!(has_runs(&map, &[(0, 60), (62, 4), (70, UNITS - 70)]));
    }

    #[test]
    fn ends_with_the_page() {
        let map = with(&[(UNITS - 6, 100)]);
        assert!(free(&map) == UNITS - 6);
        assert!(has_runs(&map, &[(0, UNITS - 6)]));
        let map = with(&[(0, UNITS)]);
        assert!(free(&map) == 0 && map.longest() == 0 && map.leading() == 0);
        assert!(has_runs(&map, &[]) && map.best(1).is_none());
        let map = with(&[(0, UNITS - 1)]);
        assert!(has_runs(&map, &[(UNITS - 1, 1)]) && map.best(1).is_some());
    }

    #[test]
    fn best_is_the_shortest_and_last() {
        let map = with(&[(10, 10), (30, 10), (60, UNITS - 60)]);
        for (len, start) in [(1, 20), (10, 20), (11, 40), (20, 40)] {
            assert!(map.best(len).is_some_and(|fit| fit.run.start == start));
        }
        assert!(map.best(21).is_none());
    }

    /// Maps with runs of each length at each place, across words and at both ends.
    fn each_hole(mut visit: impl FnMut(&PageBitmap, usize, usize)) {
        for len in 1..=UNITS {
            for start in 0..=UNITS - len {
                let mut map = with(&[(0, UNITS)]);
                map.give(start, len);
                visit(&map, start, len);
            }
        }
    }

    #[test]
    fn best_finds_each_hole() {
        each_hole(|map, start, len| {
            assert!(map
                .best(len)
                .is_some_and(|fit| (fit.run.start, fit.run.len, fit.others) == (start, len, 0)));
            assert!(map.best(len + 1).is_none());
        });
    }

    #[test]
    fn around_is_all_of_a_hole() {
        each_hole(|map, start, len| {
            for at in [start, start + len / 2, start + len - 1] {
                assert!(map.around(at) == len);
            }
        });
    }

    #[test]
    fn best_knows_the_longest_of_the_others() {
        let map = with(&[(10, 10), (30, 100), (190, 10), (UNITS - 6, 3)]);
        // Free: 10 from 0, 10 from 20, 60 from 130, 50 from 200, 3 from 253.
        for (len, start, others) in [(1, 253, 60), (4, 20, 60), (11, 200, 60), (51, 130, 50)] {
            assert!(map
                .best(len)
                .is_some_and(|fit| fit.run.start == start && fit.others == others));
        }
        assert!(map.best(61).is_none());
        let longest = map.best(1).map(|fit| fit.others.max(fit.run.len));
        assert!(longest == Some(map.longest()));
    }
}
