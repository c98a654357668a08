// SPDX-License-Identifier: GPL-2.0

//! The verifier's record of a block.

use crate::{
    callers::stack::Stack,
    lib::hash_table::{
        Entry,
        Place, //
    },
    sys,
    types::{
        memory_type::MemoryType,
        tag::Tag, //
    }, //
};
use core::mem::offset_of;

/// The record of a live block.
pub(crate) struct Record {
    place: Place<Record>,
    pub(crate) addr: usize,
    pub(crate) bytes: usize,
    pub(crate) tag: Option<Tag>,
    pub(crate) memory: MemoryType,
    /// When it was allocated, in nanoseconds since boot.
    pub(crate) time: u64,
    pub(crate) stack: Stack,
}

impl Record {
    /// For the reader of a dump: where a record has the address of the next, and its fields.
    pub(crate) const LAYOUT: [usize; 7] = [
        offset_of!(Self, place) + Place::<Self>::NEXT,
        offset_of!(Self, addr),
        offset_of!(Self, bytes),
        offset_of!(Self, tag),
        offset_of!(Self, memory),
        offset_of!(Self, time),
        offset_of!(Self, stack),
    ];
}

impl Record {
    /// The record of a block that was just allocated.
    pub(crate) fn new(
        addr: usize,
        bytes: usize,
        tag: Option<Tag>,
        memory: MemoryType,
        stack: Stack,
    ) -> Self {
        Self {
            place: Place::none(),
            addr,
            bytes,
            tag,
            memory,
            time: sys::uptime(),
            stack,
        }
    }
}

impl Entry for Record {
    /// Small blocks are aligned to 16 bytes, like their headers; others to more.
    const ALIGN: u32 = 4;

    fn key(&self) -> usize {
        self.addr
    }

    fn place(&self) -> &Place<Self> {
        &self.place
    }

    fn place_mut(&mut self) -> &mut Place<Self> {
        &mut self.place
    }
}
