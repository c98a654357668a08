// SPDX-License-Identifier: GPL-2.0

//! A batch of free blocks of one kind, to move between a magazine and what is behind it.

use crate::memory::magazine::kind::CAPACITY;
use core::{
    mem::MaybeUninit,
    ptr::NonNull, //
};

/// Free blocks, as many as a magazine holds at most.
///
/// # Invariants
///
/// The first `len` of `blocks` are initialised, and `len` is at most [`CAPACITY`].
pub(crate) struct Batch {
    // Not initialised: to clear it would take as long as all else that is done with a batch.
    blocks: [MaybeUninit<usize>; CAPACITY],
    len: usize,
}

/// Room for blocks.
pub(crate) type Room = [MaybeUninit<usize>];

impl Batch {
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        // INVARIANT: `len` is 0.
        Self {
            blocks: [const { MaybeUninit::uninit() }; CAPACITY],
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many more there is room for.
    pub(crate) fn room(&self) -> usize {
        CAPACITY.wrapping_sub(self.len)
    }

    pub(crate) fn blocks(&self) -> &[usize] {
        // SAFETY: By the type invariant the first `len` blocks are initialised.
        unsafe { core::slice::from_raw_parts(self.blocks.as_ptr().cast(), self.len) }
    }

    pub(crate) fn blocks_mut(&mut self) -> &mut [usize] {
        // SAFETY: By the type invariant the first `len` blocks are initialised.
        unsafe { core::slice::from_raw_parts_mut(self.blocks.as_mut_ptr().cast(), self.len) }
    }

    /// Adds a block, for which there must be room.
    #[inline]
    pub(crate) fn push(&mut self, block: NonNull<u8>) {
        if let Some(place) = self.blocks.get_mut(self.len) {
            place.write(block.as_ptr() as usize);
            // INVARIANT: It is initialised now.
            self.len += 1;
        }
    }

    /// Takes out the last block.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<NonNull<u8>> {
        let last = *self.blocks().last()?;
        // INVARIANT: The blocks in front of it stay initialised.
        self.len -= 1;
        NonNull::new(last as *mut u8)
    }

    /// Adds up to `count` blocks, which `get` writes to the room for them from its start.
    ///
    /// # Safety
    ///
    /// `get` returns no more than it wrote.
    pub(crate) unsafe fn add(&mut self, count: usize, get: impl FnOnce(&mut Room) -> usize) {
        let room = self.blocks.get_mut(self.len..).unwrap_or(&mut []);
        let count = count.min(room.len());
        if let Some(room) = room.get_mut(..count) {
            // INVARIANT: By the safety requirements `get` wrote so many blocks, and they fit.
            self.len += get(room).min(count);
        }
    }

    /// Takes out the first `count` blocks.
    pub(crate) fn skip(&mut self, count: usize) {
        let count = count.min(self.len);
        self.blocks_mut().copy_within(count.., 0);
        // INVARIANT: The blocks that are left were moved to the front.
        self.len -= count;
    }
}

#[kernel::macros::kunit_tests(rust_pool_batch)]
mod tests {
    use super::*;

    /// A batch of the blocks 1 to `count`.
    fn of(count: usize) -> Batch {
        let mut batch = Batch::new();
        // SAFETY: All of the room is written to.
        unsafe {
            batch.add(count, |room| {
                for (place, block) in room.iter_mut().zip(1..) {
                    place.write(block);
                }
                room.len()
            });
        }
        batch
    }

    #[test]
    fn takes_no_more_than_fit() {
        for count in [0, 1, CAPACITY - 1, CAPACITY, CAPACITY + 1, usize::MAX] {
            let batch = of(count);
            let len = count.min(CAPACITY);
            assert!(batch.len() == len && batch.room() == CAPACITY - len);
            assert!(batch.blocks().iter().copied().eq(1..=len));
        }
        let mut full = of(CAPACITY);
        full.push(NonNull::dangling());
        assert!(full.len() == CAPACITY && full.blocks().last() == Some(&CAPACITY));
    }

    #[test]
    fn the_last_comes_first() {
        let mut batch = of(3);
        for block in [3, 2, 1] {
            assert!(batch.pop().is_some_and(|it| it.as_ptr() as usize == block));
        }
        assert!(batch.pop().is_none() && batch.is_empty());
    }

    #[test]
    fn skips_the_first() {
        let mut batch = of(5);
        batch.skip(2);
        assert!(batch.blocks() == [3, 4, 5]);
        batch.skip(0);
        assert!(batch.len() == 3);
        batch.skip(9);
        assert!(batch.is_empty());
    }
}
