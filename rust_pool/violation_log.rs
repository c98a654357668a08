// SPDX-License-Identifier: GPL-2.0

//! The newest violations, for debugfs.

use crate::{
    site::Site,
    text::{
        kwrite,
        Line, //
    },
    violation::Violation, //
};
use kernel::{
    fmt,
    prelude::*, //
};

/// A violation in the ring.
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) time: u64,
    pub(crate) site: Site,
    pub(crate) violation: Violation,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time / 1_000_000_000;
        let micros = self.time / 1000 % 1_000_000;
        let [first, second, third, fourth] = &self.violation.parameters;
        // CAST: The discriminant is the code.
        let code = self.violation.check as u32;
        kwrite!(
            f,
            "{} {seconds}.{micros:06} {code:#x} {first} {second} {third} {fourth} {} {}",
            self.number,
            self.site,
            self.violation.what
        )
    }
}

/// How many violations are kept.
const KEPT: usize = 256;

/// The newest violations.
pub(crate) struct Log {
    entries: KVVec<Option<Entry>>,
    next: usize,
}

impl Log {
    /// An empty log, with all the room that it will need. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        let mut entries = KVVec::with_capacity(KEPT, GFP_KERNEL)?;
        for _ in 0..KEPT {
            entries.push(None, GFP_KERNEL)?;
        }
        Ok(Self { entries, next: 0 })
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        if let Some(slot) = self.entries.get_mut(self.next % KEPT) {
            *slot = Some(entry);
        }
        self.next = self.next.wrapping_add(1);
    }

    /// Renders the first entry whose number is above `number`, and returns its number.
    pub(crate) fn after(&self, number: u64, line: &mut Line) -> Option<u64> {
        let entry = self
            .entries
            .iter()
            .flatten()
            .filter(|entry| entry.number > number)
            .min_by_key(|entry| entry.number)?;
        kwrite!(line, "{entry}").ok()?;
        Some(entry.number)
    }

    /// Where the code is that broke the rules.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &Site> {
        self.entries.iter().flatten().map(|entry| &entry.site)
    }
}
