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

/// The byte that fills the padding, as in Driver Verifier.
const FILL: u8 = 0x0f;

/// The padding around a buffer.
#[derive(Clone, Copy)]
pub(crate) struct Padding {
    /// Bytes in front of the buffer.
    pub(crate) before: usize,
    /// Bytes of the buffer and all padding.
    pub(crate) all: usize,
    /// Whether the padding is compared when the buffer is freed.
    watched: bool,
}

impl Padding {
    /// The paddings to try for a buffer of `bytes` bytes that takes `used`, the best first. The
    /// last is no padding, so no request fails because of it.
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

    /// The padding around a buffer of `bytes` bytes, as offsets from the start of the padding in
    /// front.
    fn ranges(self, bytes: usize) -> [Range<usize>; 2] {
        if !self.watched {
            return [0..0, 0..0];
        }
        [0..self.before, self.before + bytes..self.all]
    }

    /// Fills the padding.
    ///
    /// # Safety
    ///
    /// At `start` begin [`Self::all`] bytes of memory, which nobody else uses. `bytes` are no more
    /// than the padding was chosen for.
    pub(crate) unsafe fn fill(self, start: NonNull<u8>, bytes: usize) {
        for range in self.ranges(bytes) {
            // SAFETY: The ranges end at `all`, so by the safety requirements they may be written.
            unsafe { start.add(range.start).write_bytes(FILL, range.len()) };
        }
    }

    /// Finds the first byte of padding that has changed.
    ///
    /// # Safety
    ///
    /// At `start` begin [`Self::all`] bytes of memory, which [`Self::fill`] has filled for `bytes`.
    pub(crate) unsafe fn damage(self, start: NonNull<u8>, bytes: usize) -> Option<Damage> {
        let [before, behind] = self.ranges(bytes);
        let changed = |range: Range<usize>| {
            range
                .map(|at| start.as_ptr().wrapping_add(at))
                // SAFETY: The ranges end at `all`, so by the safety requirements they may be read.
                // The device may still write there, so the read is volatile.
                .find(|&at| unsafe { at.read_volatile() } != FILL)
        };
        let damage = |side, at: *mut u8| Damage {
            side,
            buffer: start.as_ptr().wrapping_add(self.before) as usize,
            at: at as usize,
        };
        // In front of the buffer, too, report the lowest byte: it is where the write began.
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
    /// Reports the damage, and who allocated the buffer.
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
