// SPDX-License-Identifier: GPL-2.0

//! A batch of free blocks of one kind, to move between a magazine and what is behind it.

use crate::memory::magazine::CAPACITY;
use core::ptr::NonNull;

/// Free blocks, as many as a magazine holds at most.
pub(crate) struct Batch {
    blocks: [usize; CAPACITY],
    len: usize,
}

impl Batch {
    pub(crate) const fn new() -> Self {
        Self {
            blocks: [0; CAPACITY],
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn blocks(&self) -> &[usize] {
        self.blocks.get(..self.len).unwrap_or(&[])
    }

    pub(crate) fn blocks_mut(&mut self) -> &mut [usize] {
        self.blocks.get_mut(..self.len).unwrap_or(&mut [])
    }

    /// Adds a block, for which there must be room.
    pub(crate) fn push(&mut self, block: NonNull<u8>) {
        if let Some(place) = self.blocks.get_mut(self.len) {
            *place = block.as_ptr() as usize;
            self.len += 1;
        }
    }

    /// Takes out the last block.
    pub(crate) fn pop(&mut self) -> Option<NonNull<u8>> {
        self.len = self.len.checked_sub(1)?;
        NonNull::new(*self.blocks.get(self.len)? as *mut u8)
    }

    /// Adds up to `count` blocks, which `get` puts into the room for them, saying how many.
    pub(crate) fn add(&mut self, count: usize, get: impl FnOnce(&mut [usize]) -> usize) {
        let room = self.blocks.get_mut(self.len..).unwrap_or(&mut []);
        let count = count.min(room.len());
        if let Some(room) = room.get_mut(..count) {
            self.len += get(room).min(count);
        }
    }

    /// Takes out the first `count` blocks.
    pub(crate) fn skip(&mut self, count: usize) {
        let count = count.min(self.len);
        self.blocks.copy_within(count..self.len, 0);
        self.len -= count;
    }
}
