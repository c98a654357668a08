// SPDX-License-Identifier: GPL-2.0

//! What the verifier knows of a block.

use crate::{
    callers::stack::Stack,
    lib::hash_table::{
        Entry,
        Place, //
    },
    types::{
        memory_type::MemoryType,
        tag::Tag, //
    }, //
};

/// What is known of a live block.
pub(crate) struct Record {
    pub(super) place: Place<Record>,
    pub(crate) addr: usize,
    pub(crate) bytes: usize,
    pub(crate) tag: Option<Tag>,
    pub(crate) memory: MemoryType,
    /// When it was allocated, in nanoseconds since boot.
    pub(crate) time: u64,
    pub(crate) stack: Stack,
}

// SAFETY: Its place is used by the table alone, and all else is data.
unsafe impl Send for Record {}

impl Entry for Record {
    /// A small block is behind its header of 16 bytes.
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
