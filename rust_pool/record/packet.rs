// SPDX-License-Identifier: GPL-2.0

//! What the record of a packet contains: map registers, and what they map.

use crate::{
    lib::list::{
        Link,
        List, //
    },
    record::adapter_id::AdapterId, //
};
use kernel::prelude::*;

/// Map registers for a transfer that the device makes in pieces. `R` is a region.
pub(crate) struct Packet<R: Link> {
    pub(crate) adapter: AdapterId,
    pub(crate) registers: usize,
    /// How many of them are in use.
    mapped: usize,
    /// The pieces that are mapped. Each has the record of a scatter/gather list, in no table.
    pieces: List<R>,
}

impl<R: Link> Packet<R> {
    /// A packet with this number of map registers, which map nothing yet.
    pub(crate) fn new(adapter: AdapterId, registers: usize) -> Self {
        Self {
            adapter,
            registers,
            mapped: 0,
            pieces: List::new(),
        }
    }

    /// How many registers are in use.
    pub(crate) fn mapped(&self) -> usize {
        self.mapped
    }

    /// How many registers are free.
    pub(crate) fn free(&self) -> usize {
        self.registers.saturating_sub(self.mapped)
    }

    /// Whether there is a piece for which `is_it` returns `true`.
    pub(crate) fn has(&self, is_it: impl FnMut(&R) -> bool) -> bool {
        self.pieces.iter().any(is_it)
    }

    /// Adds a piece that uses this number of registers.
    pub(crate) fn add(&mut self, piece: KBox<R>, registers: usize) {
        self.mapped = self.mapped.saturating_add(registers);
        self.pieces.push(piece);
    }

    /// Removes and returns a piece for which `is_it` returns `true`. `registers` says how many
    /// registers it used.
    pub(crate) fn remove(
        &mut self,
        is_it: impl Fn(&R) -> bool,
        registers: impl FnOnce(&R) -> usize,
    ) -> Option<KBox<R>> {
        let piece = self.pieces.unlink(is_it)?;
        self.mapped = self.mapped.saturating_sub(registers(&piece));
        Some(piece)
    }
}

/// The key of the record of a packet with this map register base. No block has this key.
pub(crate) fn key(base: usize) -> usize {
    base.wrapping_add(4)
}
