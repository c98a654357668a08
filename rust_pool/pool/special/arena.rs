// SPDX-License-Identifier: GPL-2.0

//! The pages of special pool: one for each block, between two unmapped pages.
//!
//! All pages are allocated when the option is written, so a block can be allocated in any context
//! but NMI. The page of a freed block is unmapped ("hidden"), and used again as late as possible.

use crate::{
    callers::{
        call_site::CallSite,
        stack::Stack, //
    },
    stats::tag_stats::TagStats,
    sys::{
        GuardedPages,
        HiddenPage,
        ShownPage,
        PAGE_SIZE, //
    },
    types::tag::{
        PoolKind,
        Tag, //
    }, //
};
use core::mem::{
    offset_of,
    size_of, //
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

/// One page in this many stays hidden, to find accesses to freed blocks.
const KEPT_BACK: usize = 8;

static START: Atomic<usize> = Atomic::new(0);
static BYTES: Atomic<usize> = Atomic::new(0);
/// The address of the slots, for the reader of a dump alone.
static SLOTS: Atomic<usize> = Atomic::new(0);
/// Where it finds these three.
pub(crate) const PLACES: [*const Atomic<usize>; 3] =
    [&raw const START, &raw const BYTES, &raw const SLOTS];

/// Whether an address, which may be any, lies in special pool.
pub(crate) fn covers(addr: usize) -> bool {
    let start = START.load(Acquire);
    let inside = addr.wrapping_sub(start) < BYTES.load(Acquire);
    // If the start is still the same, it and the size are those of one area.
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
    /// A copy, to read without the lock.
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

    /// Whether an address lies in the block.
    pub(crate) fn holds(&self, addr: usize) -> bool {
        (self.addr..self.end()).contains(&addr)
    }
}

/// The state of a place. The reader of a dump knows the numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// It never had a block.
    Unused = 0,
    /// Its block is being allocated, or freed: somebody has it as a [`Place`].
    Busy = 1,
    /// It has a live block.
    Live = 2,
    /// Its block was freed, and its page is hidden.
    Freed = 3,
    /// Its block was freed, and the place is in quarantine.
    Kept = 4,
}

/// What is known of a place.
struct Slot {
    state: State,
    /// Whether it goes into quarantine when its block is freed.
    keep: bool,
    /// The block that it has, or had last.
    block: Option<Block>,
}

// So a block that is there begins where the field does.
const _: () = assert!(size_of::<Option<Block>>() == size_of::<Block>());

/// For the reader of a dump: the bytes of a slot, where it has its state and its block, and where
/// that has its fields. What a slot without a block has there means nothing.
pub(crate) const LAYOUT: [usize; 9] = {
    let block = offset_of!(Slot, block);
    [
        size_of::<Slot>(),
        offset_of!(Slot, state),
        block + offset_of!(Block, addr),
        block + offset_of!(Block, bytes),
        block + offset_of!(Block, tag),
        block + offset_of!(Block, kind),
        block + offset_of!(Block, row),
        block + offset_of!(Block, allocated),
        block + offset_of!(Block, freed),
    ]
};

/// A place in the arena that the caller has for itself, until it publishes a block or puts the
/// place back. Its page is hidden or shown.
pub(crate) struct Place<P> {
    at: usize,
    pub(crate) page: P,
}

impl Place<HiddenPage> {
    /// Maps the page. Any context but NMI.
    pub(crate) fn show(self) -> Place<ShownPage> {
        Place {
            at: self.at,
            page: self.page.show(),
        }
    }
}

impl Place<ShownPage> {
    /// Unmaps the page. Any context but NMI.
    pub(crate) fn hide(self) -> Place<HiddenPage> {
        Place {
            at: self.at,
            page: self.page.hide(),
        }
    }
}

/// What is at an address.
pub(crate) enum Found {
    /// The live block that begins there.
    Live(Block),
    /// The block that began there, and was freed or is being freed.
    Freed(Block),
    /// The live block on whose page the address is. It does not begin there.
    Inside(Block),
    /// No block.
    Nothing,
}

/// The pages of special pool, and their blocks.
///
/// # Invariants
///
/// The page of a live block is shown. Somebody has the page of a busy place as a [`Place`]. All
/// others are hidden.
pub(crate) struct Arena {
    pages: GuardedPages,
    slots: KVVec<Slot>,
    /// A ring of the free places. The one that has been free for the longest time is at `first`.
    free: KVVec<usize>,
    first: usize,
    count_free: usize,
    /// How many of the free places never had a block.
    unused: usize,
    /// How many places are in quarantine.
    kept: usize,
    /// The range of addresses that other CPUs may still have in their TLBs.
    seen: Option<(usize, usize)>,
}

impl Arena {
    /// An arena for `count` blocks at a time. Sleeps.
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

    /// From now on, [`covers`] returns `true` for its addresses.
    pub(crate) fn open(&self) {
        BYTES.store(0, Relaxed);
        SLOTS.store(self.slots.as_ptr() as usize, Relaxed);
        // RELEASE: Pairs with the acquires in `covers()`: a CPU that sees the new start sees that
        // the old size is gone, and one that sees the new size sees the new start.
        START.store(self.pages.start(), Release);
        BYTES.store(self.pages.bytes(), Release);
    }

    /// How many blocks it has room for.
    pub(crate) fn count(&self) -> usize {
        self.slots.len()
    }

    /// How many places have a live block, or are somebody's [`Place`].
    pub(crate) fn live(&self) -> usize {
        self.count() - self.count_free - self.kept
    }

    /// Takes a place: of the free ones whose page nobody else refers to, the one that has been free
    /// for the longest time.
    pub(crate) fn take(&mut self) -> Option<Place<HiddenPage>> {
        for _ in 0..self.count_free {
            let back = (self.count() - self.kept) / KEPT_BACK;
            if self.count_free == 0 || (self.unused == 0 && self.count_free <= back) {
                return None;
            }
            let at = *self.free.get(self.first)?;
            // SAFETY: By the type invariant the page of a free place is hidden. It is used here,
            // and as part of a `Place`. As long as somebody has that, the arena counts as live, and
            // is not dropped.
            let page = unsafe { self.pages.hidden(at) }?;
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
            // INVARIANT: The caller has it as a `Place`.
            slot.state = State::Busy;
            return Some(Place { at, page });
        }
        None
    }

    /// Marks the place of a block for quarantine. It goes there when it is free and its turn to be
    /// taken comes.
    pub(crate) fn keep(&mut self, addr: usize) {
        let Some(at) = self.place(addr) else {
            return;
        };
        // The place may have another block by now.
        let holds = |slot: &&mut Slot| {
            !slot.keep && slot.block.as_ref().is_some_and(|block| block.addr == addr)
        };
        if let Some(slot) = self.slots.get_mut(at).filter(holds) {
            slot.keep = true;
            crate::verifier::quarantine_set::count_one();
        }
    }

    /// Makes the block in a place live. From now on its memory is the client's.
    pub(crate) fn publish(&mut self, place: Place<ShownPage>, block: Block) {
        if let Some(slot) = self.slots.get_mut(place.at) {
            // INVARIANT: The page is shown.
            slot.state = State::Live;
            slot.block = Some(block);
        }
    }

    /// The index of the place on whose page an address is; `None` on the unmapped pages between.
    fn place(&self, addr: usize) -> Option<usize> {
        let page = addr.checked_sub(self.pages.start())? / PAGE_SIZE;
        (page % 2 == 1 && page / 2 < self.count()).then_some(page / 2)
    }

    /// What is at an address. If a live block begins there and `may_go` returns `true`, the caller
    /// gets its place, to free the block, which the client gives up.
    pub(crate) fn claim(
        &mut self,
        addr: usize,
        may_go: impl FnOnce(&Block) -> bool,
    ) -> (Found, Option<Place<ShownPage>>) {
        let Some(at) = self.place(addr) else {
            return (Found::Nothing, None);
        };
        let Some(slot) = self.slots.get_mut(at) else {
            return (Found::Nothing, None);
        };
        let Some(block) = &slot.block else {
            return (Found::Nothing, None);
        };
        let found = block.copy();
        match slot.state {
            State::Live if block.addr == addr => {
                if !may_go(block) {
                    return (Found::Live(found), None);
                }
                // SAFETY: By the type invariant the page of a live block is shown; a client that
                // frees a block gives it up. The page is only used as part of a `Place`: see
                // `take()`.
                let page = unsafe { self.pages.shown(at) };
                // INVARIANT: The caller has it as a `Place`.
                slot.state = State::Busy;
                (Found::Live(found), page.map(|page| Place { at, page }))
            }
            State::Live => (Found::Inside(found), None),
            State::Busy | State::Freed | State::Kept if block.addr == addr => {
                (Found::Freed(found), None)
            }
            _ => (Found::Nothing, None),
        }
    }

    /// Puts a place back, whose block was freed and whose page is hidden.
    pub(crate) fn put(&mut self, place: Place<HiddenPage>, freed: Stack) {
        let Some(slot) = self.slots.get_mut(place.at) else {
            return;
        };
        // INVARIANT: The page is hidden.
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

    /// The range of addresses that other CPUs may still have in their TLBs, for the caller to
    /// flush.
    pub(crate) fn take_seen(&mut self) -> Option<(usize, usize)> {
        self.seen.take()
    }

    /// The block that an access to an unmapped page was probably meant for.
    pub(crate) fn meant(&self, addr: usize) -> Option<Block> {
        let block = |addr: usize| {
            let slot = self.slots.get(self.place(addr)?)?;
            slot.block.as_ref().map(|block| (slot.state, block))
        };
        if self.place(addr).is_some() {
            return block(addr).map(|(_, block)| block.copy());
        }
        // Take the nearer of the blocks on both sides, but prefer a live block to a freed one.
        let order = |state, far| (state != State::Live, far);
        let front = addr.checked_sub(PAGE_SIZE).and_then(block);
        let front = front.map(|(state, it)| (order(state, addr.wrapping_sub(it.end())), it));
        let behind = addr.checked_add(PAGE_SIZE).and_then(block);
        let behind = behind.map(|(state, it)| (order(state, it.addr.wrapping_sub(addr)), it));
        let both = [front, behind];
        let nearest = both.into_iter().flatten().min_by_key(|(order, _)| *order);
        nearest.map(|(_, block)| block.copy())
    }

    /// The call sites of the block in a place; `None` if `at` is too large.
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

    /// From now on, [`covers`] returns `false`.
    pub(crate) fn close(&self) {
        BYTES.store(0, Relaxed);
    }

    /// Drops the arena, but never frees the pages, as its blocks are still used. Sleeps.
    pub(crate) fn leak(self) {
        self.pages.leak();
    }
}
