// SPDX-License-Identifier: GPL-2.0

//! Padding around common buffers, to find writes beyond their ends by the driver or the device.
//!
//! WDK: "DMA Verification", bug check 0xE6 with parameter 1 = 0x0F.

use crate::{
    report::{
        rule,
        violation::Parameter, //
    },
    sys::PAGE_SIZE,
    verifier::{
        hooks,
        poison, //
    }, //
};
use core::{
    ops::Range,
    ptr::NonNull, //
};
use kernel::{
    fmt,
    prelude::*, //
};

/// The value that Driver Verifier fills it with.
const FILL: u8 = 0x0f;

/// What is around a buffer.
#[derive(Clone, Copy)]
pub(crate) struct Padding {
    /// Bytes in front of it.
    pub(crate) before: usize,
    /// Bytes of the buffer and the padding behind it.
    pub(crate) all: usize,
    /// Whether the padding is compared when the buffer is freed.
    watched: bool,
}

impl Padding {
    /// The paddings to try for a buffer of `bytes` bytes that takes `used`, the best first. The
    /// last is none, so no request fails because of padding.
    pub(crate) fn choices(bytes: usize, used: usize) -> impl Iterator<Item = Self> {
        let watched = hooks::looks_at_dma();
        let behind = if bytes == used { PAGE_SIZE } else { 0 };
        let choices = [(PAGE_SIZE, behind), (0, behind), (0, 0)];
        let first = if watched { 0 } else { choices.len() - 1 };
        choices
            .into_iter()
            .skip(first)
            .filter_map(move |(before, behind)| {
                Some(Self {
                    before,
                    all: used.checked_add(before)?.checked_add(behind)?,
                    watched,
                })
            })
    }

    /// The bytes to watch around a buffer of `bytes` bytes, by their distance from the start of
    /// all.
    fn ranges(self, bytes: usize) -> [Range<usize>; 2] {
        if !self.watched {
            return [0..0, 0..0];
        }
        [0..self.before, self.before + bytes..self.all]
    }

    /// Fills it.
    ///
    /// # Safety
    ///
    /// `start` is where as much memory as [`Self::all`] begins, which nobody else uses.
    pub(crate) unsafe fn fill(self, start: NonNull<u8>, bytes: usize) {
        for range in self.ranges(bytes) {
            // SAFETY: By the safety requirements; the ranges are within.
            unsafe { start.add(range.start).write_bytes(FILL, range.len()) };
        }
    }

    /// Finds the first byte of padding that has changed.
    ///
    /// # Safety
    ///
    /// `start` is where as much memory as [`Self::all`] begins, filled by [`Self::fill`].
    pub(crate) unsafe fn damage(self, start: NonNull<u8>, bytes: usize) -> Option<Damage> {
        let [before, behind] = self.ranges(bytes);
        let changed = |range: Range<usize>| {
            range
                .map(|at| start.as_ptr().wrapping_add(at))
                // SAFETY: By the safety requirements; the ranges are within. The device may still
                // write there.
                .find(|&at| unsafe { at.read_volatile() } != FILL)
        };
        let damage = |side, at: *mut u8| Damage {
            side,
            buffer: start.as_ptr().wrapping_add(self.before) as usize,
            at: at as usize,
        };
        // The last changed byte would be nearest to the buffer, but a write goes upwards.
        changed(before)
            .map(|at| damage(Side::Before, at))
            .or_else(|| changed(behind).map(|at| damage(Side::Behind, at)))
    }
}

#[derive(Clone, Copy)]
enum Side {
    Before,
    Behind,
}

/// Where padding has changed.
pub(crate) struct Damage {
    side: Side,
    buffer: usize,
    at: usize,
}

impl Damage {
    /// Reports it, and whose buffer it was.
    pub(crate) fn report(self, caller: usize, bytes: usize, owner: impl fmt::Display) {
        let rule = match self.side {
            Side::Before => &rule::WRITTEN_BEFORE_BUFFER,
            Side::Behind => &rule::WRITTEN_BEHIND_BUFFER,
        };
        let place = poison::place(self.at, self.buffer, bytes);
        let given = [Parameter::Address(self.buffer), Parameter::Address(self.at)];
        rule.by(caller, given).report_with(|| {
            pr_err!("  {place} bytes, allocated at {owner}\n");
        });
    }
}
