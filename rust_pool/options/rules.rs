// SPDX-License-Identifier: GPL-2.0

//! Rules that are checked on demand: options that are a single word.

use kernel::fmt;

/// A rule to check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Map registers, and the bytes around common buffers.
    Dma,
    /// Pool in hard interrupts.
    Irql,
}

impl Rule {
    /// The rule that a word names.
    pub(crate) fn named(word: &str) -> Option<Self> {
        match word {
            "dma" => Some(Self::Dma),
            "irql" => Some(Self::Irql),
            _ => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dma => "dma",
            Self::Irql => "irql",
        })
    }
}
