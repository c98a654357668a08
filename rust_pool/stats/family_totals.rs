// SPDX-License-Identifier: GPL-2.0

//! The counters of a family of routines.

use crate::{
    lib::text::kwrite,
    sys,
    types::memory_type::MemoryType, //
};
use kernel::{
    fmt,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// Blocks that were freed, but whose memory could not be given back, and the bytes that they take.
pub(crate) struct Lost {
    blocks: Atomic<u64>,
    bytes: Atomic<u64>,
}

impl Lost {
    /// No lost blocks.
    pub(crate) const fn new() -> Self {
        Self {
            blocks: Atomic::new(0),
            bytes: Atomic::new(0),
        }
    }

    /// Counts a block.
    pub(crate) fn add(&self, used: usize) {
        self.blocks.add(1, Relaxed);
        // CAST: Lossless on the architectures supported.
        self.bytes.add(used as u64, Relaxed);
    }

    /// How many there are, and their bytes.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (self.blocks.load(Relaxed), self.bytes.load(Relaxed))
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (blocks, bytes) = self.totals();
        kwrite!(f, "lost {blocks} lost_bytes {bytes}")
    }
}

/// The counters of a family of routines, since the module was loaded.
pub(crate) struct Family {
    /// What the verifier and tracers call its memory.
    pub(crate) memory: MemoryType,
    allocs: Atomic<u64>,
    frees: Atomic<u64>,
    bytes: Atomic<i64>,
    used: Atomic<i64>,
    failures: Atomic<u64>,
    /// Blocks whose pages could not be made write-back again.
    lost: Lost,
}

impl Family {
    /// Counters that are zero.
    pub(crate) const fn new(memory: MemoryType) -> Self {
        Self {
            memory,
            allocs: Atomic::new(0),
            frees: Atomic::new(0),
            bytes: Atomic::new(0),
            used: Atomic::new(0),
            failures: Atomic::new(0),
            lost: Lost::new(),
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

    /// Counts and logs that pages cannot be made write-back again, and so are never freed. `what`
    /// says what they were.
    pub(crate) fn lose(&self, what: &str, used: usize) {
        self.lost.add(used);
        if sys::may_log_loss() {
            pr_err!(
                "{used} bytes of {what} are lost: their pages could not be made write-back again\n"
            );
        }
    }

    /// What was lost.
    pub(crate) fn lost(&self) -> &Lost {
        &self.lost
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
