// SPDX-License-Identifier: GPL-2.0

//! Where contiguous memory may lie.

use crate::sys::{
    self,
    page_align,
    PAGE_SIZE, //
};

/// Bytes in a page, as physical addresses count.
pub(crate) const PAGE: u64 = PAGE_SIZE as u64;

/// A request whose bounds make sense.
pub(crate) struct Wanted {
    bytes: u64,
    /// Page frame numbers between which the block may start, both inclusive.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// 0 or a power of two that is not below the size.
    boundary: u64,
}

impl Wanted {
    /// `None` if no address can keep these bounds.
    pub(crate) fn new(bytes: usize, lowest: u64, highest: u64, boundary: u64) -> Option<Self> {
        let bytes = u64::try_from(bytes).ok()?;
        if boundary != 0 && (!boundary.is_power_of_two() || bytes > boundary) {
            return None;
        }
        let pages = u64::try_from(page_align(usize::try_from(bytes).ok()?)?).ok()? / PAGE;
        let first = lowest.checked_add(PAGE - 1)? / PAGE;
        // The last byte asked for may lie at `highest`; whole pages must be there in any case.
        let last = (highest.checked_sub(bytes.checked_sub(1)?)? / PAGE)
            .min(sys::max_pfn().checked_sub(pages)?);
        (first <= last).then_some(Self {
            bytes,
            first,
            last,
            boundary,
        })
    }

    /// Whether a block at this frame crosses no boundary.
    fn whole(&self, pfn: u64) -> bool {
        let start = pfn * PAGE;
        self.boundary == 0 || (start ^ (start + self.bytes - 1)) & !(self.boundary - 1) == 0
    }

    pub(crate) fn fits(&self, pfn: u64) -> bool {
        (self.first..=self.last).contains(&pfn) && self.whole(pfn)
    }

    /// The frame at or below `pfn` at which a block crosses no boundary.
    pub(crate) fn below(&self, pfn: u64) -> u64 {
        if self.whole(pfn) {
            pfn
        } else {
            // The boundary is above a page here, or the block could not cross it.
            let end = (pfn * PAGE + self.bytes) & !(self.boundary - 1);
            end.saturating_sub(self.bytes) / PAGE
        }
    }
}
