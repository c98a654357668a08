// SPDX-License-Identifier: GPL-2.0

//! The pages of special pool: one for each block, between two unmapped pages.
//!
//! All pages are allocated when the option is written, so that a block can be allocated in any
//! context. The page of a freed block is unmapped ("hidden"), and used again as late as possible.

use crate::{
    callers::{
        call_site::CallSite,
        stack::Stack, //
    },
    stats::tag_stats::TagStats,
    sys::{
        GuardedPage,
        GuardedPages,
        PAGE_SIZE, //
    },
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    }, //
};

/// One page in so many stays hidden, to find accesses to freed blocks.
const KEPT_BACK: usize = 8;

static START: Atomic<usize> = Atomic::new(0);
static BYTES: Atomic<usize> = Atomic::new(0);

/// Whether an address, which may be anything, lies in special pool.
pub(crate) fn covers(addr: usize) -> bool {
    let start = START.load(Acquire);
    let inside = addr.wrapping_sub(start) < BYTES.load(Acquire);
    // Both are of one area if neither was replaced meanwhile.
    inside && START.load(Relaxed) == start
}

/// A block of special pool.
pub(crate) struct Block {
    pub(crate) addr: usize,
    pub(crate) bytes: usize,
    pub(crate) tag: Tag,
    pub(crate) kind: PoolKind,
    pub(crate) row: &'static TagStats,
    pub(crate) allocated: Stack,
    /// Who freed it, if it was freed.
    pub(crate) freed: Option<Stack>,
}

impl Block {
    /// A copy, to look at without a lock.
    pub(crate) fn copy(&self) -> Self {
        Self {
            allocated: self.allocated.copy(),
            freed: self.freed.as_ref().map(Stack::copy),
            ..*self
        }
    }

    fn end(&self) -> usize {
        self.addr.wrapping_add(self.bytes)
    }

    /// Whether an address lies in it.
    pub(crate) fn holds(&self, addr: usize) -> bool {
        (self.addr..self.end()).contains(&addr)
    }
}

/// What became of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It never had a block.
    Unused,
    /// A block is being made, or freed.
    Busy,
    /// It has a live block.
    Live,
    /// Its block was freed, and it is hidden.
    Freed,
    /// Its block was freed, and it is in quarantine.
    Kept,
}

struct Slot {
    state: State,
    /// Whether to put it into quarantine when its block is freed.
    keep: bool,
    block: Option<Block>,
}

/// A place in the arena that is the caller's for now.
pub(crate) struct Place {
    at: usize,
    pub(crate) page: GuardedPage,
}

/// What is at an address.
pub(crate) enum Found {
    /// The block that starts there.
    Live(Block),
    /// A block that started there, or is being freed.
    Freed(Block),
    /// It is on the page of a live block, but not where that starts.
    Inside(Block),
    /// Nothing.
    Nothing,
}

/// Special pool.
pub(crate) struct Arena {
    pages: GuardedPages,
    slots: KVVec<Slot>,
    /// The free places, the one that has been free for the longest time at `first`.
    free: KVVec<usize>,
    first: usize,
    count_free: usize,
    /// How many of them never had a block.
    unused: usize,
    kept: usize,
    /// The range of addresses that other CPUs may still have in their TLBs.
    seen: Option<(usize, usize)>,
}

impl Arena {
    /// Special pool for so many blocks at a time. Sleeps.
    pub(crate) fn new(count: usize) -> Result<Self> {
        let mut slots = KVVec::with_capacity(count, GFP_KERNEL | __GFP_NOWARN)?;
        let mut free = KVVec::with_capacity(count, GFP_KERNEL | __GFP_NOWARN)?;
        for at in 0..count {
            let slot = Slot {
                state: State::Unused,
                keep: false,
                block: None,
            };
            slots.push(slot, GFP_KERNEL)?;
            free.push(at, GFP_KERNEL)?;
        }
        let arena = Self {
            pages: GuardedPages::new(count)?,
            slots,
            free,
            first: 0,
            count_free: count,
            unused: count,
            kept: 0,
            seen: None,
        };
        Ok(arena)
    }

    /// From now on addresses are known to lie in it.
    pub(crate) fn open(&self) {
        BYTES.store(0, Relaxed);
        // RELEASE: A CPU that sees an area's size or start sees what was stored before.
        START.store(self.pages.start(), Release);
        BYTES.store(self.pages.bytes(), Release);
    }

    /// How many blocks it has room for.
    pub(crate) fn count(&self) -> usize {
        self.slots.len()
    }

    /// How many blocks are live, or about to be.
    pub(crate) fn live(&self) -> usize {
        self.count() - self.count_free - self.kept
    }

    /// Takes the place that has been free for the longest time, of those whose page nobody else
    /// refers to.
    pub(crate) fn take(&mut self) -> Option<Place> {
        for _ in 0..self.count_free {
            let back = (self.count() - self.kept) / KEPT_BACK;
            if self.count_free == 0 || (self.unused == 0 && self.count_free <= back) {
                return None;
            }
            let at = *self.free.get(self.first)?;
            let page = self.pages.page(at)?;
            let slot = self.slots.get_mut(at)?;
            self.first = (self.first + 1) % self.free.len();
            if !slot.keep && !page.is_reusable() {
                let end = (self.first + self.count_free - 1) % self.free.len();
                *self.free.get_mut(end)? = at;
                continue;
            }
            self.count_free -= 1;
            if slot.state == State::Unused {
                self.unused -= 1;
            }
            if slot.keep {
                slot.state = State::Kept;
                self.kept += 1;
                continue;
            }
            slot.state = State::Busy;
            return Some(Place { at, page });
        }
        None
    }

    /// Puts the place of a block into quarantine, now or when it is freed.
    pub(crate) fn keep(&mut self, addr: usize) {
        let Some(at) = self.place(addr) else {
            return;
        };
        // It may have another by now.
        let holds = |slot: &&mut Slot| {
            !slot.keep && slot.block.as_ref().is_some_and(|block| block.addr == addr)
        };
        if let Some(slot) = self.slots.get_mut(at).filter(holds) {
            slot.keep = true;
            crate::verifier::quarantine_set::count_one();
        }
    }

    /// Makes the block in a place known.
    pub(crate) fn publish(&mut self, place: &Place, block: Block) {
        if let Some(slot) = self.slots.get_mut(place.at) {
            slot.state = State::Live;
            slot.block = Some(block);
        }
    }

    /// The place whose page an address is in, if it is not in an unmapped page between.
    fn place(&self, addr: usize) -> Option<usize> {
        let page = addr.checked_sub(self.pages.start())? / PAGE_SIZE;
        (page % 2 == 1 && page / 2 < self.count()).then_some(page / 2)
    }

    /// What is at an address; a live block there is the caller's to free if `may_go` says so, and
    /// remains live otherwise.
    pub(crate) fn claim(
        &mut self,
        addr: usize,
        may_go: impl FnOnce(&Block) -> bool,
    ) -> (Found, Option<Place>) {
        let Some(at) = self.place(addr) else {
            return (Found::Nothing, None);
        };
        let Some((slot, page)) = self.slots.get_mut(at).zip(self.pages.page(at)) else {
            return (Found::Nothing, None);
        };
        let Some(block) = &slot.block else {
            return (Found::Nothing, None);
        };
        let found = block.copy();
        match slot.state {
            State::Live if block.addr == addr => {
                let place = may_go(block).then(|| {
                    slot.state = State::Busy;
                    Place { at, page }
                });
                (Found::Live(found), place)
            }
            State::Live => (Found::Inside(found), None),
            State::Busy | State::Freed | State::Kept if block.addr == addr => {
                (Found::Freed(found), None)
            }
            _ => (Found::Nothing, None),
        }
    }

    /// Returns a place whose block was freed and whose page is hidden on this CPU.
    pub(crate) fn put(&mut self, place: &Place, freed: Stack) {
        let Some(slot) = self.slots.get_mut(place.at) else {
            return;
        };
        slot.state = State::Freed;
        if let Some(block) = &mut slot.block {
            block.freed = Some(freed);
        }
        let end = (self.first + self.count_free) % self.free.len();
        if let Some(free) = self.free.get_mut(end) {
            *free = place.at;
            self.count_free += 1;
        }
        let start = place.page.addr();
        let (first, last) = self.seen.unwrap_or((start, start));
        self.seen = Some((first.min(start), last.max(start + PAGE_SIZE)));
    }

    /// The range of hidden pages that other CPUs may still have in their TLBs.
    pub(crate) fn take_seen(&mut self) -> Option<(usize, usize)> {
        self.seen.take()
    }

    /// The block that an access to an unmapped page probably meant.
    pub(crate) fn meant(&self, addr: usize) -> Option<Block> {
        let block = |addr: usize| {
            let slot = self.slots.get(self.place(addr)?)?;
            slot.block.as_ref().map(|block| (slot.state, block))
        };
        if self.place(addr).is_some() {
            return block(addr).map(|(_, block)| block.copy());
        }
        // The nearer of the blocks on both sides, but a live one rather than one that was freed.
        let order = |state, far| (state != State::Live, far);
        let front = addr.checked_sub(PAGE_SIZE).and_then(block);
        let front = front.map(|(state, it)| (order(state, addr.wrapping_sub(it.end())), it));
        let behind = addr.checked_add(PAGE_SIZE).and_then(block);
        let behind = behind.map(|(state, it)| (order(state, it.addr.wrapping_sub(addr)), it));
        let both = [front, behind];
        let nearest = both.into_iter().flatten().min_by_key(|(order, _)| *order);
        nearest.map(|(_, block)| block.copy())
    }

    /// The call sites of the block in a place; `None` if there is no such place.
    pub(crate) fn sites(&self, at: usize) -> Option<impl Iterator<Item = &CallSite>> {
        let block = self.slots.get(at)?.block.as_ref();
        let stacks = block.map(|block| [Some(&block.allocated), block.freed.as_ref()]);
        Some(
            stacks
                .into_iter()
                .flatten()
                .flatten()
                .flat_map(Stack::sites),
        )
    }

    /// From now on no address counts as in it. The caller drops it where that may sleep.
    pub(crate) fn close(&self) {
        BYTES.store(0, Relaxed);
    }

    /// Leaks the pages, as somebody may still use the blocks. Sleeps.
    pub(crate) fn leak(self) {
        self.pages.leak();
    }
}
