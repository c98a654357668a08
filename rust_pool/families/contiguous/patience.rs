// SPDX-License-Identifier: GPL-2.0

//! How long memory is searched for.

use crate::sys;

/// For how long a search goes on at least, in nanoseconds.
const TIME: u64 = 500_000_000;
/// How much a search does at least, however long that takes.
const WORK: u32 = 65_536;
/// How much of that it is to have the kernel empty a place. A look at what is in the way is 1.
const EMPTYING: u32 = 2_048;

/// How long a search goes on. A busy machine gets hardly anything done in half a second, so a
/// search is not over before it has done some work as well: 32 places that it asked the kernel to
/// empty, or 65536 looks at what cannot be moved.
pub(crate) struct Patience {
    end: u64,
    work: u32,
}

impl Patience {
    /// A search that begins now.
    pub(crate) fn new() -> Self {
        Self {
            end: sys::uptime().saturating_add(TIME),
            work: WORK,
        }
    }

    /// The search has found something in the way.
    pub(crate) fn looked(&mut self) {
        self.work = self.work.saturating_sub(1);
    }

    /// The search has asked the kernel to empty a place.
    pub(crate) fn emptied(&mut self) {
        self.work = self.work.saturating_sub(EMPTYING);
    }

    /// Whether the search gives up.
    pub(crate) fn is_over(&self) -> bool {
        self.work == 0 && sys::uptime() > self.end
    }
}

#[kernel::macros::kunit_tests(rust_pool_patience)]
mod tests {
    use super::*;

    #[test]
    fn search_on_a_slow_machine_does_some_work() {
        let mut patience = Patience { end: 0, work: WORK };
        for _ in 1..32 {
            patience.emptied();
            assert!(!patience.is_over());
        }
        patience.emptied();
        assert!(patience.is_over());
    }

    #[test]
    fn looks_are_work_too() {
        let mut patience = Patience { end: 0, work: WORK };
        for _ in 1..WORK {
            patience.looked();
        }
        assert!(!patience.is_over());
        patience.looked();
        assert!(patience.is_over());
        patience.looked();
        assert!(patience.is_over());
    }

    #[test]
    fn search_on_a_fast_machine_goes_on_for_its_time() {
        let mut patience = Patience {
            end: u64::MAX,
            work: 1,
        };
        patience.emptied();
        assert!(!patience.is_over());
    }
}
