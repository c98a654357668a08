// SPDX-License-Identifier: GPL-2.0

//! The counters of a family of routines.

use crate::lib::text::kwrite;
use kernel::{
    fmt,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// The counters of a family of routines, since the module was loaded.
pub(crate) struct Family {
    allocs: Atomic<u64>,
    frees: Atomic<u64>,
    bytes: Atomic<i64>,
    used: Atomic<i64>,
    failures: Atomic<u64>,
}

impl Family {
    /// Counters that are zero.
    pub(crate) const fn new() -> Self {
        Self {
            allocs: Atomic::new(0),
            frees: Atomic::new(0),
            bytes: Atomic::new(0),
            used: Atomic::new(0),
            failures: Atomic::new(0),
        }
    }

    /// Counts an allocation.
    pub(crate) fn charge(&self, asked: usize, used: usize) {
        self.allocs.add(1, Relaxed);
        // CAST: No region is larger than `isize::MAX`.
        self.bytes.add(asked as i64, Relaxed);
        self.used.add(used as i64, Relaxed);
    }

    /// Counts the free of a block, for which [`Self::charge`] was called with the same numbers.
    pub(crate) fn discharge(&self, asked: usize, used: usize) {
        self.frees.add(1, Relaxed);
        // CAST: No region is larger than `isize::MAX`.
        self.bytes.add((asked as i64).wrapping_neg(), Relaxed);
        self.used.add((used as i64).wrapping_neg(), Relaxed);
    }

    /// The live blocks, the bytes that clients asked for, and the bytes that they take.
    pub(crate) fn live(&self) -> (u64, i64, i64) {
        let blocks = self
            .allocs
            .load(Relaxed)
            .wrapping_sub(self.frees.load(Relaxed));
        (blocks, self.bytes.load(Relaxed), self.used.load(Relaxed))
    }

    /// Counts a request that could not be met.
    pub(crate) fn fail(&self) {
        self.failures.add(1, Relaxed);
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (allocs, frees) = (self.allocs.load(Relaxed), self.frees.load(Relaxed));
        kwrite!(
            f,
            "allocs {allocs} frees {frees} diff {} bytes {} used {} failures {}",
            allocs.wrapping_sub(frees),
            self.bytes.load(Relaxed),
            self.used.load(Relaxed),
            self.failures.load(Relaxed)
        )
    }
}
