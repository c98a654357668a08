// SPDX-License-Identifier: GPL-2.0

//! The bounds within which contiguous memory must lie.

use crate::sys::{
    self,
    page_align,
    Node,
    PAGE_SIZE, //
};

/// Bytes in a page, as a number to compute physical addresses with.
pub(crate) const PAGE: u64 = PAGE_SIZE as u64;

/// The bounds of a request. They are valid.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    bytes: u64,
    /// The first and the last page frame at which the block may start.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// A multiple of this may not lie inside the block. 0, or a power of two no less than its size.
    boundary: u64,
    /// The node that all of it has to be of.
    pub(crate) node: Node,
}

impl Bounds {
    /// Those of a request; `None` if no address is within these bounds.
    pub(crate) fn new(bytes: usize, lowest: u64, highest: u64, boundary: u64) -> Option<Self> {
        let bytes = u64::try_from(bytes).ok()?;
        if boundary != 0 && (!boundary.is_power_of_two() || bytes > boundary) {
            return None;
        }
        let pages = u64::try_from(page_align(usize::try_from(bytes).ok()?)?).ok()? / PAGE;
        let first = lowest.checked_add(PAGE - 1)? / PAGE;
        // The last byte that is asked for may be at `highest`, but the rest of its page must exist.
        let last = (highest.checked_sub(bytes.checked_sub(1)?)? / PAGE)
            .min(sys::max_pfn().checked_sub(pages)?);
        (first <= last).then_some(Self {
            bytes,
            first,
            last,
            boundary,
            node: Node::ANY,
        })
    }

    /// These, for memory of one node only; `None` if the node has none within the bounds.
    pub(crate) fn on(self, node: Node) -> Option<Self> {
        let (start, end) = node.span();
        let pages = self.bytes.div_ceil(PAGE);
        let first = self.first.max(start);
        let last = self.last.min(end.checked_sub(pages)?);
        (first <= last).then_some(Self {
            first,
            last,
            node,
            ..self
        })
    }

    /// Whether a block at this frame crosses no boundary.
    fn whole(&self, pfn: u64) -> bool {
        let start = pfn * PAGE;
        self.boundary == 0 || (start ^ (start + self.bytes - 1)) & !(self.boundary - 1) == 0
    }

    /// Whether a block at this frame is within all bounds.
    pub(crate) fn fits(&self, pfn: u64) -> bool {
        (self.first..=self.last).contains(&pfn) && self.whole(pfn)
    }

    /// The frame at or below `pfn` at which a block crosses no boundary.
    pub(crate) fn below(&self, pfn: u64) -> u64 {
        if self.whole(pfn) {
            pfn
        } else {
            // The boundary is larger than a page, as the block crosses it although it begins with
            // one.
            let end = (pfn * PAGE + self.bytes) & !(self.boundary - 1);
            end.saturating_sub(self.bytes) / PAGE
        }
    }
}

#[kernel::macros::kunit_tests(rust_pool_bounds)]
mod tests {
    use super::*;

    fn bounds(bytes: usize, lowest: u64, highest: u64, boundary: u64) -> Option<Bounds> {
        Bounds::new(bytes, lowest, highest, boundary)
    }

    #[test]
    fn lowest_is_rounded_up() {
        for (lowest, first) in [(0, 0), (1, 1), (PAGE - 1, 1), (PAGE, 1), (PAGE + 1, 2)] {
            assert!(bounds(1, lowest, u64::MAX, 0).is_some_and(|it| it.first == first));
        }
        assert!(bounds(1, u64::MAX, u64::MAX, 0).is_none());
        assert!(bounds(1, u64::MAX - PAGE + 1, u64::MAX, 0).is_none());
    }

    #[test]
    fn highest_is_inclusive() {
        // The last byte asked for is the one that counts, not the end of its page.
        for (bytes, highest, last) in [
            (1, 0, 0),
            (1, PAGE - 1, 0),
            (1, PAGE, 1),
            (4096, PAGE - 1, 0),
            (4096, 2 * PAGE - 2, 0),
            (4096, 2 * PAGE - 1, 1),
            (4097, PAGE, 0),
            (4097, 2 * PAGE, 1),
            (10000, 9999, 0),
            (10000, 9999 + PAGE, 1),
        ] {
            assert!(bounds(bytes, 0, highest, 0).is_some_and(|it| it.last == last));
        }
        assert!(bounds(4096, 0, PAGE - 2, 0).is_none());
        assert!(bounds(2, 0, 0, 0).is_none());
    }

    #[test]
    fn ends_with_the_memory() {
        let all = sys::max_pfn();
        assert!(bounds(4096, 0, u64::MAX, 0).is_some_and(|it| it.last == all - 1));
        assert!(bounds(4097, 0, u64::MAX, 0).is_some_and(|it| it.last == all - 2));
        let page = usize::try_from(PAGE).unwrap_or(0);
        let frames = usize::try_from(all).unwrap_or(0);
        assert!(bounds(frames * page, 0, u64::MAX, 0).is_some_and(|it| it.last == 0));
        assert!(bounds(frames * page + 1, 0, u64::MAX, 0).is_none());
        assert!(bounds(usize::MAX, 0, u64::MAX, 0).is_none());
        assert!(bounds(0, 0, u64::MAX, 0).is_none());
    }

    #[test]
    fn empty_ranges() {
        assert!(bounds(4096, 3 * PAGE, 4 * PAGE - 1, 0).is_some());
        assert!(bounds(4096, 3 * PAGE, 4 * PAGE - 2, 0).is_none());
        assert!(bounds(4096, 3 * PAGE + 1, 4 * PAGE - 1, 0).is_none());
        assert!(bounds(1, 4 * PAGE, 3 * PAGE, 0).is_none());
    }

    #[test]
    fn boundary_is_a_power_of_two_not_below_the_size() {
        assert!(bounds(4096, 0, u64::MAX, 4096).is_some());
        assert!(bounds(4097, 0, u64::MAX, 4096).is_none());
        assert!(bounds(4096, 0, u64::MAX, 4097).is_none());
        assert!(bounds(1, 0, u64::MAX, 1).is_some());
        assert!(bounds(1, 0, u64::MAX, 3).is_none());
        assert!(bounds(1, 0, u64::MAX, 1 << 63).is_some());
    }

    #[test]
    fn crossing_is_seen_and_avoided() {
        // Three pages, none across 16 KiB: every fourth frame and the next are where it fits.
        let it = bounds(3 * 4096, 0, u64::MAX, 4 * PAGE);
        assert!(it.is_some());
        let Some(it) = it else { return };
        for pfn in 4..64 {
            assert!(it.fits(pfn) == (pfn % 4 < 2));
            let below = it.below(pfn);
            assert!(it.fits(below) && below <= pfn && pfn - below < 4);
        }
    }

    #[test]
    fn the_bytes_cross_not_the_pages() {
        // The third page is only touched: what follows in it may lie across.
        let it = bounds(2 * 4096 + 1, 0, u64::MAX, 4 * PAGE);
        assert!(it.is_some_and(|it| it.fits(4) && it.fits(5) && !it.fits(6)));
        let it = bounds(2 * 4096, 0, u64::MAX, 4 * PAGE);
        assert!(it.is_some_and(|it| it.fits(6) && !it.fits(7) && it.below(7) == 6));
    }

    #[test]
    fn only_between_the_bounds() {
        let it = bounds(4096, 16 * PAGE, 32 * PAGE - 1, 0);
        assert!(it.is_some_and(|it| !it.fits(15) && it.fits(16) && it.fits(31) && !it.fits(32)));
    }
}
