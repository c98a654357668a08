// SPDX-License-Identifier: GPL-2.0

//! Free blocks, and batches of them, which move between a magazine and what is behind it.

use crate::{
    header::Header,
    memory::magazine::kind::{
        MagazineKind,
        CAPACITY, //
    },
    sys, //
};
use core::{
    mem::MaybeUninit,
    ptr::NonNull, //
};

/// A free block.
///
/// # Invariants
///
/// At `at` is a block of this kind, which nobody else uses or refers to: an object that is from the
/// class's slab cache or from the heap, or all pages of an order. It is in no magazine.
#[must_use = "a block that is not given back is lost"]
pub(crate) struct Block {
    at: NonNull<u8>,
    kind: MagazineKind,
}

impl Block {
    /// A block that the caller has.
    ///
    /// # Safety
    ///
    /// It is of this kind, as the type invariant says. The caller does not use it any more.
    #[inline(always)]
    pub(crate) unsafe fn new(kind: MagazineKind, at: NonNull<u8>) -> Self {
        // INVARIANT: By the safety requirements.
        Self { at, kind }
    }

    /// Its kind.
    #[inline(always)]
    pub(crate) fn kind(&self) -> MagazineKind {
        self.kind
    }

    /// Its address.
    #[inline(always)]
    pub(crate) fn addr(&self) -> usize {
        self.at.as_ptr() as usize
    }

    /// Whether it is an object from a slab cache.
    pub(crate) fn is_of_slab(&self) -> bool {
        // SAFETY: By the type invariant it is memory that is allocated, of the direct map.
        unsafe { sys::is_slab(self.at) }
    }

    /// Where it is.
    #[inline(always)]
    pub(crate) fn at(&self) -> NonNull<u8> {
        self.at
    }

    /// Where it is. From now on whoever has that address has the block.
    #[inline(always)]
    pub(crate) fn into_raw(self) -> NonNull<u8> {
        self.at
    }
}

/// Free blocks of one kind, as many as a magazine holds at most.
///
/// # Invariants
///
/// The first `len` of `blocks` are initialised, and `len` is at most [`CAPACITY`]. They are the
/// addresses of as many blocks as [`Block`] says, all of this kind.
#[must_use = "blocks that are not given back are lost"]
pub(crate) struct Batch {
    // Not initialised: to clear it would take as long as all else that is done with a batch.
    blocks: [MaybeUninit<usize>; CAPACITY],
    len: usize,
    kind: MagazineKind,
}

/// Room for blocks.
pub(crate) type Room = [MaybeUninit<usize>];

impl Batch {
    /// No blocks of this kind yet.
    #[inline(always)]
    pub(crate) const fn new(kind: MagazineKind) -> Self {
        // INVARIANT: `len` is 0.
        Self {
            blocks: [const { MaybeUninit::uninit() }; CAPACITY],
            len: 0,
            kind,
        }
    }

    /// A batch of one block.
    pub(crate) fn of(block: Block) -> Self {
        let mut batch = Self::new(block.kind);
        batch.push(block);
        batch
    }

    /// The kind of its blocks.
    #[inline(always)]
    pub(crate) fn kind(&self) -> MagazineKind {
        self.kind
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many more there is room for.
    pub(crate) fn room(&self) -> usize {
        CAPACITY.wrapping_sub(self.len)
    }

    /// The addresses of the blocks.
    pub(crate) fn addresses(&mut self) -> &[usize] {
        self.blocks()
    }

    fn blocks(&mut self) -> &mut [usize] {
        // SAFETY: By the type invariant the first `len` blocks are initialised.
        unsafe { core::slice::from_raw_parts_mut(self.blocks.as_mut_ptr().cast(), self.len) }
    }

    /// Adds a block of the same kind, for which there must be room.
    #[inline]
    pub(crate) fn push(&mut self, block: Block) {
        if block.kind != self.kind {
            return;
        }
        if let Some(place) = self.blocks.get_mut(self.len) {
            place.write(block.addr());
            // INVARIANT: It is initialised now, and was the caller's.
            self.len += 1;
        }
    }

    /// Takes out the last block.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Block> {
        let at = NonNull::new(*self.blocks().last()? as *mut u8)?;
        // INVARIANT: The block is the caller's, and those in front of it stay.
        self.len -= 1;
        Some(Block {
            at,
            kind: self.kind,
        })
    }

    /// Adds up to `count` blocks, whose addresses `get` writes to the room for them from its start.
    ///
    /// # Safety
    ///
    /// `get` returns no more than it wrote, and gives up these blocks, which are of this kind as
    /// [`Block`] says.
    pub(crate) unsafe fn add(&mut self, count: usize, get: impl FnOnce(&mut Room) -> usize) {
        let room = self.blocks.get_mut(self.len..).unwrap_or(&mut []);
        let count = count.min(room.len());
        if let Some(room) = room.get_mut(..count) {
            // INVARIANT: By the safety requirements `get` wrote so many blocks, and they fit.
            self.len += get(room).min(count);
        }
    }

    /// Takes out the first `count` blocks. Whoever knows their addresses has them.
    pub(crate) fn skip(&mut self, count: usize) {
        let count = count.min(self.len);
        self.blocks.copy_within(count..self.len, 0);
        // INVARIANT: The blocks that are left were moved to the front.
        self.len -= count;
    }

    /// Writes spare headers, if they are objects, so that whoever looks for a block among them
    /// knows where each ends.
    pub(crate) fn make_spare(&mut self) {
        let Some(units) = self.kind.units() else {
            return;
        };
        for &mut object in self.blocks() {
            if let Some(object) = NonNull::new(object as *mut u8) {
                // SAFETY: By the type invariant it is an object of so many units. Nobody uses it.
                Header::write_spare(unsafe { object.cast().as_ref() }, units);
            }
        }
    }

    /// Takes out all blocks, and calls `give` with their addresses. Whoever knows these has the
    /// blocks.
    pub(crate) fn take_all<R>(&mut self, give: impl FnOnce(&mut [usize]) -> R) -> R {
        let result = give(self.blocks());
        // INVARIANT: There are no blocks any more.
        self.len = 0;
        result
    }
}

#[kernel::macros::kunit_tests(rust_pool_batch)]
mod tests {
    use super::*;

    fn kind() -> MagazineKind {
        MagazineKind::pages(0)
    }

    /// A batch of the blocks of this kind 1 to `count`, of which there are nothing but addresses.
    fn of_kind(kind: MagazineKind, count: usize) -> Batch {
        let mut batch = Batch::new(kind);
        // SAFETY: All of the room is written to. Nobody uses what is at these addresses.
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

    fn of(count: usize) -> Batch {
        of_kind(kind(), count)
    }

    /// A block of pages.
    fn block(order: u32) -> Option<Block> {
        of_kind(MagazineKind::pages(order), 1).pop()
    }

    #[test]
    fn takes_no_more_than_fit() {
        for count in [0, 1, CAPACITY - 1, CAPACITY, CAPACITY + 1, usize::MAX] {
            let mut batch = of(count);
            let len = count.min(CAPACITY);
            assert!(batch.addresses().len() == len && batch.room() == CAPACITY - len);
            assert!(batch.addresses().iter().copied().eq(1..=len));
        }
        let mut full = of(CAPACITY);
        let block = block(0);
        assert!(block.is_some());
        let Some(block) = block else { return };
        full.push(block);
        assert!(full.addresses().len() == CAPACITY && full.addresses().last() == Some(&CAPACITY));
    }

    #[test]
    fn the_last_comes_first() {
        let mut batch = of(3);
        for block in [3, 2, 1] {
            assert!(batch.pop().is_some_and(|it| it.addr() == block));
        }
        assert!(batch.pop().is_none() && batch.is_empty());
    }

    #[test]
    fn skips_the_first() {
        let mut batch = of(5);
        batch.skip(2);
        assert!(batch.addresses() == [3, 4, 5]);
        batch.skip(0);
        assert!(batch.addresses().len() == 3);
        batch.skip(9);
        assert!(batch.is_empty());
    }

    #[test]
    fn takes_blocks_of_its_kind_only() {
        let mut batch = of(1);
        for (order, len) in [(1, 1), (0, 2)] {
            let block = block(order);
            assert!(block.is_some());
            let Some(block) = block else { return };
            batch.push(block);
            assert!(batch.addresses().len() == len);
        }
    }

    #[test]
    fn gives_all_at_once() {
        let mut batch = of(3);
        assert!(batch.take_all(|blocks| *blocks == [1, 2, 3]) && batch.is_empty());
        assert!(batch.take_all(|blocks| blocks.is_empty()));
    }
}
