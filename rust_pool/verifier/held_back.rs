// SPDX-License-Identifier: GPL-2.0

//! The freed blocks that are held back for a while, to find writes after the free.

use crate::{
    callers::{
        call_site::CallSite,
        stack::Stack, //
    },
    header::UNIT,
    lib::at_load::AtLoad,
    memory::object::Claimed,
    types::tag::Tag,
    verifier::quarantine_set, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

/// How many freed blocks are held back.
pub(crate) const HELD: usize = 1024;

/// A freed block that is held back.
pub(crate) struct HeldBlock {
    pub(crate) object: Claimed,
    /// Bytes of the object in front of the header.
    pub(crate) front: usize,
    pub(crate) tag: Tag,
    pub(crate) bytes: usize,
    /// Who allocated it, if it was recorded.
    pub(crate) allocated: Option<Stack>,
    pub(crate) freed: Stack,
    /// Whether it goes into quarantine when it is no longer held back.
    pub(crate) keep: bool,
}

impl HeldBlock {
    /// The address of its header.
    pub(crate) fn at(&self) -> usize {
        self.object.addr() + self.front
    }

    /// The address that the client had.
    pub(crate) fn addr(&self) -> usize {
        self.at() + UNIT
    }
}

/// A ring of the blocks that are held back. When it is full, the oldest is at `next`.
pub(crate) struct Held {
    blocks: KVVec<Option<HeldBlock>>,
    next: usize,
}

impl Held {
    /// A ring without blocks. Sleeps.
    pub(crate) fn new() -> Result<Self> {
        let mut blocks = KVVec::with_capacity(HELD, GFP_KERNEL | __GFP_NOWARN)?;
        for _ in 0..HELD {
            blocks.push(None, GFP_KERNEL)?;
        }
        Ok(Self { blocks, next: 0 })
    }

    /// Puts a block in, and takes the oldest out.
    pub(crate) fn exchange(&mut self, block: HeldBlock) -> Option<HeldBlock> {
        let at = self.next;
        self.next = (at + 1) % HELD;
        match self.blocks.get_mut(at) {
            Some(place) => place.replace(block),
            None => Some(block),
        }
    }

    /// Marks a block for quarantine, if it is in the ring.
    fn quarantine_on_free(&mut self, addr: usize) {
        let mut blocks = self.blocks.iter_mut().flatten();
        if let Some(block) = blocks.find(|block| block.addr() == addr) {
            block.keep = true;
        }
    }

    /// The blocks, for the caller to free.
    pub(crate) fn into_blocks(self) -> impl Iterator<Item = HeldBlock> {
        self.blocks.into_iter().flatten()
    }

    fn count(&self) -> usize {
        self.blocks.iter().flatten().count()
    }
}

/// The blocks that are held back, if the verifier does that.
pub(crate) static HELD_BACK: AtLoad<SpinLockIrq<Option<Held>>> =
    AtLoad::new(|| KBox::pin_init(new_spinlock_irq!(None, "rust_pool::held"), GFP_KERNEL));

/// Marks a freed block for quarantine, if that is the policy and the block is still held back.
pub(crate) fn quarantine_on_free(addr: usize) {
    if !quarantine_set::quarantines() {
        return;
    }
    if let Some(held) = &mut *HELD_BACK.lock() {
        held.quarantine_on_free(addr);
    }
}

/// Who allocated and who freed a block that is held back: copies, to read without the lock.
pub(crate) fn stacks(addr: usize) -> Option<(Option<Stack>, Stack)> {
    let held = HELD_BACK.lock();
    let mut blocks = held.as_ref()?.blocks.iter().flatten();
    let block = blocks.find(|block| block.addr() == addr)?;
    Some((
        block.allocated.as_ref().map(Stack::copy),
        block.freed.copy(),
    ))
}

/// Bytes of the blocks that are held back.
pub(crate) fn bytes() -> usize {
    let held = HELD_BACK.lock();
    let blocks = held.iter().flat_map(|held| held.blocks.iter().flatten());
    blocks.map(|block| block.object.class().bytes()).sum()
}

/// Whether there is room to hold blocks back. Any context but NMI.
pub(crate) fn is_open() -> bool {
    HELD_BACK.lock().is_some()
}

/// How many blocks are held back.
pub(crate) fn count() -> usize {
    HELD_BACK.lock().as_ref().map_or(0, Held::count)
}

/// Calls `visit` on all call sites of the blocks.
pub(crate) fn for_each_site(mut visit: impl FnMut(&CallSite)) {
    // Take the lock for one block at a time, as others wait for it with interrupts disabled.
    let mut visit_at = |at: usize| {
        let held = HELD_BACK.lock();
        let block = held.as_ref()?.blocks.get(at)?.iter();
        let stacks =
            block.flat_map(|block| Iterator::chain(block.allocated.iter(), [&block.freed]));
        stacks.flat_map(Stack::sites).for_each(&mut visit);
        Some(())
    };
    (0..).map_while(&mut visit_at).for_each(drop);
}
