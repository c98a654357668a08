// SPDX-License-Identifier: GPL-2.0

//! Rules that are looked after on demand: options that are a word.

use crate::text::kwrite;
use kernel::fmt;

/// A rule to look after.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Map registers, and the bytes around common buffers.
    Dma,
    /// Pool in hard interrupts.
    Irql,
}

/// Each, by the word for it.
const ALL: [(Rule, &str); Rules::COUNT] = [(Rule::Dma, "dma"), (Rule::Irql, "irql")];

/// Some of the rules.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rules(u32);

impl Rules {
    /// How many there are.
    pub(crate) const COUNT: usize = 2;

    /// None.
    pub(crate) const fn new() -> Self {
        Self(0)
    }

    /// The one that a word is for.
    pub(crate) fn named(word: &str) -> Option<Self> {
        let (rule, _) = ALL.iter().find(|(_, name)| *name == word)?;
        Some(Self(rule.bit()))
    }

    /// Those of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there are any.
    pub(crate) fn any(self) -> bool {
        self.0 != 0
    }

    /// Whether this one is among them.
    pub(crate) fn has(self, rule: Rule) -> bool {
        self.0 & rule.bit() != 0
    }

    /// Renders the one at or behind a place, and returns the place behind it.
    pub(crate) fn show(self, at: usize, to: &mut impl fmt::Write) -> Option<usize> {
        let mut rest = ALL.iter().enumerate().skip(at);
        let (place, (_, name)) = rest.find(|(_, (rule, _))| self.has(*rule))?;
        kwrite!(to, "{name}").ok()?;
        Some(place + 1)
    }
}

impl Rule {
    fn bit(self) -> u32 {
        // CAST: The discriminant is the bit's number.
        1 << self as u32
    }
}
