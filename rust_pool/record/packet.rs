// SPDX-License-Identifier: GPL-2.0

//! What the record of a packet has: map registers, and what is mapped by them.

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
    /// What is mapped: as a scatter/gather list each, but in no table.
    pieces: List<R>,
}

impl<R: Link> Packet<R> {
    /// So many map registers, which map nothing.
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

    /// How many are not.
    pub(crate) fn free(&self) -> usize {
        self.registers.saturating_sub(self.mapped)
    }

    /// Whether a piece is one for which `is_it` returns `true`.
    pub(crate) fn has(&self, is_it: impl FnMut(&R) -> bool) -> bool {
        self.pieces.iter().any(is_it)
    }

    /// Adds a piece that takes so many registers.
    pub(crate) fn add(&mut self, piece: KBox<R>, registers: usize) {
        self.mapped = self.mapped.saturating_add(registers);
        self.pieces.push(piece);
    }

    /// Takes a piece out for which `is_it` returns `true`; `registers` says how many it takes.
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

/// The key of the record of a packet with this map register base. No block has it.
pub(crate) fn key(base: usize) -> usize {
    base.wrapping_add(4)
}
