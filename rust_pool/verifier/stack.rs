// SPDX-License-Identifier: GPL-2.0

//! Stacks of callers, the frames of which keep their names when their modules go.

use crate::{
    site::Site,
    sys,
    text::kwrite, //
};
use kernel::fmt;

/// Frames that are kept.
const DEPTH: usize = 8;
/// Frames that are looked at; ours are among them.
const SEEN: usize = 24;

/// The places that called, the nearest first.
pub(crate) struct Stack([Site; DEPTH]);

impl Stack {
    /// The stack from `caller` on. Any context but NMI.
    pub(crate) fn capture(caller: usize) -> Self {
        let mut seen = [0; SEEN];
        let len = sys::save_stack(&mut seen);
        let seen = seen.get(..len).unwrap_or(&[]);
        // Below it are our own; should the caller not be among them, it is all that is known.
        let ours = seen.iter().position(|&frame| frame == caller);
        let callers = ours.map_or(&[][..], |at| seen.get(at + 1..).unwrap_or(&[]));
        let frame = |at: usize| match at {
            0 => caller,
            _ => callers.get(at - 1).copied().unwrap_or(0),
        };
        Self(core::array::from_fn(|at| Site::new(frame(at))))
    }

    /// A copy, to keep.
    pub(crate) fn copy(&self) -> Self {
        Self(self.0.each_ref().map(Site::copy))
    }

    /// The place that called.
    pub(crate) fn caller(&self) -> &Site {
        let [caller, ..] = &self.0;
        caller
    }

    /// All frames.
    pub(crate) fn sites(&self) -> impl Iterator<Item = &Site> {
        self.0.iter()
    }

    /// Whether both are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.sites()
            .zip(other.sites())
            .all(|(one, two)| one.is(two))
    }
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, site) in self.sites().enumerate() {
            if at == 0 {
                kwrite!(f, "{site}")?;
            } else if site.is_known() {
                kwrite!(f, " < {site}")?;
            }
        }
        Ok(())
    }
}
