// SPDX-License-Identifier: GPL-2.0

//! Which page frames may be used: ranges of equal length, at equal distances.

use crate::{
    families::contiguous::bounds::PAGE,
    sys, //
};

/// The ranges of a request. None of them is empty.
#[derive(Clone, Copy)]
pub(crate) struct Ranges {
    /// The first and the last frame of the lowest range.
    first: u64,
    last: u64,
    /// Frames from the start of one range to that of the next; 0 if there is one range.
    skip: u64,
}

impl Ranges {
    /// `None` if no frame is in any of them. A page has to be within a range as a whole.
    pub(crate) fn new(lowest: u64, highest: u64, skip: u64) -> Option<Self> {
        let first = lowest.checked_add(PAGE - 1)? / PAGE;
        // If `highest` is the largest number, this leaves out the last frame, which does not exist.
        let end = highest
            .checked_add(1)
            .map_or(u64::MAX / PAGE, |end| end / PAGE);
        let last = end.checked_sub(1)?;
        (first <= last && first < sys::max_pfn()).then_some(Self {
            first,
            last,
            skip: skip / PAGE,
        })
    }

    /// Whether a frame is in one of the ranges.
    pub(crate) fn has(&self, frame: u64) -> bool {
        let Some(above) = frame.checked_sub(self.first) else {
            return false;
        };
        // Of the ranges that begin at or below the frame, the last one reaches highest.
        let start = above
            .checked_div(self.skip)
            .unwrap_or(0)
            .saturating_mul(self.skip);
        frame
            .checked_sub(start)
            .is_some_and(|frame| frame <= self.last)
    }

    /// The range with a number, the lowest is 0, if there are frames as high as that.
    pub(crate) fn nth(&self, number: u64) -> Option<Self> {
        if number != 0 && self.skip == 0 {
            return None;
        }
        let distance = number.checked_mul(self.skip)?;
        let first = self.first.checked_add(distance)?;
        (first < sys::max_pfn()).then_some(Self {
            first,
            last: self.last.saturating_add(distance),
            skip: 0,
        })
    }

    /// The first frame of the lowest range.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The last frame of any range that exists.
    pub(crate) fn last(&self) -> u64 {
        let all = sys::max_pfn().saturating_sub(1);
        if self.skip == 0 {
            self.last.min(all)
        } else {
            all
        }
    }

    /// Whether there is more than one.
    pub(crate) fn are_several(&self) -> bool {
        self.skip != 0
    }
}

#[kernel::macros::kunit_tests(rust_pool_ranges)]
mod tests {
    use super::*;

    #[test]
    fn pages_as_a_whole() {
        for (lowest, highest, first, last) in [
            (0, PAGE - 1, 0, 0),
            (1, 2 * PAGE - 1, 1, 1),
            (0, 3 * PAGE - 2, 0, 1),
            (PAGE, 2 * PAGE, 1, 1),
        ] {
            let it = Ranges::new(lowest, highest, 0);
            assert!(it.is_some_and(|it| it.first() == first && it.last() == last));
        }
        assert!(Ranges::new(0, PAGE - 2, 0).is_none());
        assert!(Ranges::new(0, 0, 0).is_none());
        assert!(Ranges::new(1, PAGE, 0).is_none());
        assert!(Ranges::new(PAGE, PAGE - 1, 0).is_none());
        assert!(Ranges::new(u64::MAX, u64::MAX, 0).is_none());
        assert!(Ranges::new(sys::max_pfn() * PAGE, u64::MAX, 0).is_none());
    }

    #[test]
    fn all_memory() {
        for highest in [u64::MAX, u64::MAX - 1, u64::MAX / 2] {
            let it = Ranges::new(0, highest, 0);
            assert!(it.is_some_and(|it| it.has(0) && it.has(sys::max_pfn() - 1)));
            assert!(it.is_some_and(|it| it.last() == sys::max_pfn() - 1 && !it.are_several()));
        }
    }

    #[test]
    fn one_range() {
        let it = Ranges::new(4 * PAGE, 8 * PAGE - 1, 0);
        assert!(it.is_some_and(|it| (0..16).all(|at| it.has(at) == (4..8).contains(&at))));
        assert!(it.is_some_and(|it| it.nth(0).is_some() && it.nth(1).is_none()));
    }

    #[test]
    fn every_fourth_frame() {
        let it = Ranges::new(PAGE, 2 * PAGE - 1, 4 * PAGE);
        assert!(it.is_some_and(|it| (0..64).all(|at| it.has(at) == (at % 4 == 1))));
        let nth = it.and_then(|it| it.nth(3));
        assert!(nth.is_some_and(|it| it.first() == 13 && it.last() == 13 && !it.are_several()));
    }

    #[test]
    fn ranges_that_overlap() {
        let it = Ranges::new(2 * PAGE, 8 * PAGE - 1, 3 * PAGE);
        assert!(it.is_some_and(|it| (0..64).all(|at| it.has(at) == (at >= 2))));
    }
}
