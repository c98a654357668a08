// SPDX-License-Identifier: GPL-2.0

//! Padding around common buffers, to find writes beyond their ends by the driver or the device.
//!
//! WDK: "DMA Verification", bug check 0xE6 with parameter 1 = 0x0F.

use crate::{
    report::{
        rule,
        violation::Parameter, //
    },
    sys::{
        Coherent,
        PAGE_SIZE, //
    },
    verifier::{
        hooks,
        poison, //
    }, //
};
use core::ops::Range;
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

    /// Fills the padding around a buffer of `bytes` bytes, in memory that nobody else uses.
    pub(crate) fn fill<D>(self, memory: &mut Coherent<D>, bytes: usize) {
        for range in self.ranges(bytes) {
            memory.fill(range, FILL);
        }
    }

    /// Finds the first byte of padding that has changed since [`Self::fill`]. The buffer begins at
    /// the address `buffer`.
    pub(crate) fn damage<D>(
        self,
        memory: &mut Coherent<D>,
        buffer: usize,
        bytes: usize,
    ) -> Option<Damage> {
        let [before, behind] = self.ranges(bytes);
        let damage = |side, at| Damage { side, buffer, at };
        // In front of the buffer, too, report the lowest byte: it is where the write began.
        let front = memory.find_other(before, FILL);
        front
            .map(|at| damage(Side::Before, at))
            .or_else(|| Some(damage(Side::Behind, memory.find_other(behind, FILL)?)))
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
