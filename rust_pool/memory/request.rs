// SPDX-License-Identifier: GPL-2.0

//! How memory is requested, without ever invoking the OOM killer.
//!
//! `__GFP_RETRY_MAYFAIL` alone does not prevent that when memory is really short, so a request that
//! would leave too little is refused first.

use crate::sys::{
    self,
    raw,
    Gfp, //
};

/// What an allocation may do.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    /// Bytes wanted.
    pub(crate) bytes: usize,
    /// Whether they are to be zeroed.
    pub(crate) zero: bool,
    /// Whether the caller allows sleeping where the context does.
    pub(crate) sleep: bool,
}

/// The flags for memory that is zeroed, and for memory that is charged to the current process.
#[inline(always)]
pub(crate) const fn modifiers(zero: bool, charged: bool) -> Gfp {
    let zeroed = if zero { raw::RUST_POOL_GFP_ZERO } else { 0 };
    let account = if charged {
        raw::RUST_POOL_GFP_ACCOUNT
    } else {
        0
    };
    zeroed | account
}

impl Request {
    /// This request without zeroing, for memory that the caller zeroes later if needed.
    #[inline]
    pub(crate) fn plain(self) -> Self {
        Self {
            zero: false,
            ..self
        }
    }

    /// Calls `allocate` with flags that neither sleep nor touch reserves and, only if that fails,
    /// with those that the context allows.
    #[inline]
    pub(crate) fn attempt<T>(self, allocate: impl Fn(Gfp) -> Option<T>) -> Option<T> {
        let zero = modifiers(self.zero, false);
        if let Some(done) = allocate(raw::RUST_POOL_GFP_NOWAIT | zero) {
            return Some(done);
        }
        self.strongest().and_then(|gfp| allocate(gfp | zero))
    }

    /// Like [`Self::attempt`]. If `charged`, the kernel charges the memory to the memory cgroup of
    /// the current process, and returns NULL where that would exceed a limit. It would not with the
    /// flags for atomic contexts, so there is no second try there.
    #[inline]
    pub(crate) fn attempt_charged<T>(
        self,
        charged: bool,
        allocate: impl Fn(Gfp) -> Option<T>,
    ) -> Option<T> {
        if !charged {
            return self.attempt(allocate);
        }
        let account = modifiers(self.zero, true);
        if let Some(done) = allocate(raw::RUST_POOL_GFP_NOWAIT | account) {
            return Some(done);
        }
        let second = self
            .strongest()
            .filter(|&gfp| gfp != raw::RUST_POOL_GFP_ATOMIC);
        second.and_then(|gfp| allocate(gfp | account))
    }

    /// The flags for a second try, if there is to be one.
    #[cold]
    #[inline(never)]
    fn strongest(self) -> Option<Gfp> {
        if !affordable(self.bytes) {
            return None;
        }
        Some(if self.sleep && sys::may_wait_for_memory() {
            raw::RUST_POOL_GFP_KERNEL
        } else {
            raw::RUST_POOL_GFP_ATOMIC
        })
    }
}

/// The part of all memory that is left to the system: a 32nd.
const MARGIN: usize = 32;

/// Whether `bytes` more leave a margin for the system.
pub(crate) fn affordable(bytes: usize) -> bool {
    leaves(bytes, MARGIN)
}

/// The most bytes that are affordable.
pub(crate) fn spare() -> usize {
    sys::available().saturating_sub(sys::total() / MARGIN)
}

/// Whether `bytes` more leave enough for a request of low priority to be granted: an eighth.
pub(crate) fn is_plenty(bytes: usize) -> bool {
    leaves(bytes, 8)
}

/// Whether `bytes` more leave the `part`-th part of all memory.
fn leaves(bytes: usize, part: usize) -> bool {
    sys::available()
        .checked_sub(sys::total() / part)
        .is_some_and(|spare| bytes <= spare)
}

#[kernel::macros::kunit_tests(rust_pool_request)]
mod tests {
    use super::*;
    use core::cell::Cell;

    const ZERO: Gfp = raw::RUST_POOL_GFP_ZERO;

    /// The flags of each try, if all before `good` fail.
    fn tries(request: Request, good: usize) -> ([Gfp; 3], usize) {
        tries_charged(request, false, good)
    }

    fn tries_charged(request: Request, charged: bool, good: usize) -> ([Gfp; 3], usize) {
        let flags = Cell::new([0; 3]);
        let count = Cell::new(0);
        let _ = request.attempt_charged(charged, |gfp| {
            let mut all = flags.get();
            if let Some(slot) = all.get_mut(count.get()) {
                *slot = gfp;
            }
            flags.set(all);
            count.set(count.get() + 1);
            (count.get() > good).then_some(())
        });
        (flags.get(), count.get())
    }

    fn request(zero: bool, sleep: bool) -> Request {
        Request {
            bytes: 4096,
            zero,
            sleep,
        }
    }

    #[test]
    fn cheapest_first_and_last_if_it_succeeds() {
        let (flags, count) = tries(request(false, true), 0);
        assert!(count == 1);
        assert!(flags == [raw::RUST_POOL_GFP_NOWAIT, 0, 0]);
    }

    #[test]
    fn sleeps_for_the_second_try_where_allowed() {
        let (flags, count) = tries(request(false, true), 9);
        assert!(count == 2);
        assert!(flags == [raw::RUST_POOL_GFP_NOWAIT, raw::RUST_POOL_GFP_KERNEL, 0]);
        let (flags, _) = tries(request(false, false), 9);
        assert!(flags == [raw::RUST_POOL_GFP_NOWAIT, raw::RUST_POOL_GFP_ATOMIC, 0]);
    }

    #[test]
    fn zeroed_in_either_try() {
        let (flags, _) = tries(request(true, true), 9);
        let second = raw::RUST_POOL_GFP_KERNEL | ZERO;
        assert!(flags == [raw::RUST_POOL_GFP_NOWAIT | ZERO, second, 0]);
    }

    #[test]
    fn a_charge_is_never_forced() {
        const ACCOUNT: Gfp = raw::RUST_POOL_GFP_ACCOUNT;
        let (flags, count) = tries_charged(request(true, true), true, 9);
        let first = raw::RUST_POOL_GFP_NOWAIT | ACCOUNT | ZERO;
        let second = raw::RUST_POOL_GFP_KERNEL | ACCOUNT | ZERO;
        assert!(count == 2 && flags == [first, second, 0]);
        // Where it may not sleep, the kernel would exceed the limit.
        let (flags, count) = tries_charged(request(false, false), true, 9);
        assert!(count == 1);
        assert!(flags == [raw::RUST_POOL_GFP_NOWAIT | ACCOUNT, 0, 0]);
    }

    #[test]
    fn no_second_try_for_what_is_too_much() {
        for bytes in [usize::MAX, sys::total(), sys::available()] {
            let it = Request {
                bytes,
                zero: false,
                sleep: true,
            };
            assert!(tries(it, 9).1 == 1);
        }
    }

    #[test]
    fn a_margin_is_left() {
        assert!(affordable(0));
        assert!(affordable(4096));
        assert!(!affordable(sys::available()));
        assert!(!affordable(usize::MAX));
    }

    #[test]
    fn a_wider_margin_for_those_who_can_do_without() {
        assert!(is_plenty(0));
        assert!(!is_plenty(sys::available()));
        let between = sys::available().saturating_sub(sys::total() / 16);
        assert!(affordable(between) && !is_plenty(between));
    }
}
