// SPDX-License-Identifier: GPL-2.0

//! The backlog of a family: blocks that were freed where their memory cannot be given back. The
//! work item, or a task that may sleep, gives it back later.
//!
//! Tasks that free in atomic context cannot wait. So if a backlog has more than [`LONG_BLOCKS`] or
//! [`LONG_BYTES`], a task that frees or allocates memory of the family and may sleep gives back
//! more than it takes first.

use crate::{
    lib::list::List,
    record::Region,
    sys::{
        self,
        PAGE_SIZE, //
    }, //
};
use kernel::{
    fmt,
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

/// A backlog with more blocks than this is long.
const LONG_BLOCKS: usize = 1024;
/// A backlog with more bytes than this is long.
const LONG_BYTES: usize = 16 << 20;
/// The most pages of a batch, unless it is a single block. Their addresses fill one page.
const BATCH: usize = PAGE_SIZE / size_of::<usize>();

/// How much is in a backlog, and how much was.
pub(crate) struct Usage {
    /// The blocks that were not given back yet, and their bytes. A block that somebody is giving
    /// back counts until that is done: only then can its memory be had.
    pub(crate) blocks: usize,
    pub(crate) bytes: usize,
    /// The blocks that were given back, and in how many batches.
    given: u64,
    batches: u64,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::lib::text::kwrite!(
            f,
            "{} blocks, {} bytes, {} given back in {} batches",
            self.blocks,
            self.bytes,
            self.given,
            self.batches
        )
    }
}

struct Waiting {
    /// The blocks to be given back.
    regions: List<Region>,
    /// The blocks that [`Backlog::give_one`] is giving back.
    in_hand: List<Region>,
    usage: Usage,
}

impl Usage {
    /// Counts blocks that were given back together.
    fn count_batch(&mut self, blocks: usize, bytes: usize) {
        self.blocks = self.blocks.wrapping_sub(blocks);
        self.bytes = self.bytes.wrapping_sub(bytes);
        self.given = self.given.wrapping_add(blocks as u64);
        self.batches = self.batches.wrapping_add(1);
    }
}

/// The backlog of a family.
#[pin_data]
pub(crate) struct Backlog {
    #[pin]
    waiting: SpinLockIrq<Waiting>,
}

/// Attempts an allocation up to twice. The memory that it lacks may be in a backlog, so between the
/// attempts `give` gives that back. If `give` returns `false`, there was nothing in it.
pub(crate) fn retry<T>(attempt: impl Fn() -> Option<T>, give: impl FnOnce() -> bool) -> Option<T> {
    attempt().or_else(|| give().then(&attempt).flatten())
}

/// Blocks that their family gives back together.
pub(crate) struct Batch {
    pub(crate) regions: List<Region>,
    pub(crate) blocks: usize,
    pub(crate) pages: usize,
    bytes: usize,
}

impl Batch {
    /// A batch of a single block.
    pub(crate) fn of(region: KBox<Region>) -> Self {
        let mut batch = Self::new();
        batch.push(region);
        batch
    }

    fn new() -> Self {
        Self {
            regions: List::new(),
            blocks: 0,
            pages: 0,
            bytes: 0,
        }
    }

    fn push(&mut self, region: KBox<Region>) {
        self.blocks += 1;
        self.pages += region.used / PAGE_SIZE;
        self.bytes += region.used;
        self.regions.push(region);
    }

    /// Whether another block may be added.
    fn has_room_for(&self, region: &Region) -> bool {
        self.blocks == 0 || self.pages + region.used / PAGE_SIZE <= BATCH
    }
}

impl Backlog {
    /// An empty backlog.
    pub(crate) fn new() -> impl PinInit<Self> {
        let waiting = Waiting {
            regions: List::new(),
            in_hand: List::new(),
            usage: Usage {
                blocks: 0,
                bytes: 0,
                given: 0,
                batches: 0,
            },
        };
        pin_init!(Self {
            waiting <- new_spinlock_irq!(waiting, "rust_pool::backlog"),
        })
    }

    /// Gives a block back by `give`, or defers it where that cannot be done. Any context but NMI.
    pub(crate) fn free(&self, region: KBox<Region>, give: impl Fn(Batch)) {
        if sys::may_change_pages() {
            self.shorten(region.used, &give);
            give(Batch::of(region));
        } else {
            self.add(region);
        }
    }

    /// Defers a block: its memory is given back soon. Any context but NMI.
    pub(crate) fn add(&self, region: KBox<Region>) {
        self.put(region);
        sys::give_soon();
    }

    /// Defers a block without queueing the work item that gives memory back. Any context but NMI.
    pub(crate) fn put(&self, region: KBox<Region>) {
        let mut waiting = self.waiting.lock();
        waiting.usage.blocks = waiting.usage.blocks.wrapping_add(1);
        waiting.usage.bytes = waiting.usage.bytes.wrapping_add(region.used);
        waiting.regions.push(region);
    }

    /// Attempts by `give` to give back each block that is in the backlog now. Those for which it
    /// returns `false` stay in the backlog; returns whether there are any.
    pub(crate) fn attempt(&self, give: impl Fn(&mut Region) -> bool) -> bool {
        let mut regions = core::mem::replace(&mut self.waiting.lock().regions, List::new());
        let mut any = false;
        while let Some(mut region) = regions.pop() {
            let given = give(&mut region);
            let mut waiting = self.waiting.lock();
            if given {
                waiting.usage.count_batch(1, region.used);
            } else {
                waiting.regions.push(region);
                any = true;
            }
        }
        any
    }

    /// Gives a block back by `give`, if there is one for which `is_it` returns `true`, and returns
    /// its record, which is left, and what `give` returned. Meanwhile [`Self::in_hand`] returns
    /// `true` for it.
    pub(crate) fn give_one<T>(
        &self,
        is_it: impl Fn(&Region) -> bool,
        give: impl FnOnce(&Region) -> T,
    ) -> Option<(KBox<Region>, T)> {
        let region = {
            let mut waiting = self.waiting.lock();
            let mut region = waiting.regions.unlink(is_it)?;
            region.giver = sys::task();
            core::ptr::from_ref(waiting.in_hand.push(region))
        };
        // SAFETY: The list owns the region and does not move it, and only this task takes it out,
        // below. Others share it meanwhile: they may change its link, which is an `UnsafeCell` that
        // `give` cannot reach, and nothing else.
        let given = give(unsafe { &*region });
        let mut waiting = self.waiting.lock();
        let region = waiting
            .in_hand
            .unlink(|other| core::ptr::eq(other, region))?;
        waiting.usage.count_batch(1, region.used);
        Some((region, given))
    }

    /// Whether there is a block that no task is giving back yet.
    pub(crate) fn has_waiting(&self) -> bool {
        self.waiting.lock().regions.iter().next().is_some()
    }

    /// Whether a block at `base` waits to be given back. Any context but NMI.
    pub(crate) fn holds(&self, base: usize) -> bool {
        let waiting = self.waiting.lock();
        let mut blocks = Iterator::chain(waiting.regions.iter(), waiting.in_hand.iter());
        blocks.any(|region| region.base.as_ptr() as usize == base)
    }

    /// Calls `visit` on each block that was not given back yet, with interrupts disabled. Tasks
    /// that give one back by [`Self::give_one`] share it meanwhile.
    pub(crate) fn for_each(&self, visit: impl FnMut(&Region)) {
        let waiting = self.waiting.lock();
        let in_hand = waiting.in_hand.iter();
        Iterator::chain(waiting.regions.iter(), in_hand).for_each(visit);
    }

    /// Whether another task is giving back a block for which `is_it` returns `true`. Blocks that
    /// this task gives back do not count, as it would wait for itself.
    pub(crate) fn in_hand(&self, is_it: impl Fn(&Region) -> bool) -> bool {
        let me = sys::task();
        let waiting = self.waiting.lock();
        let mut in_hand = waiting.in_hand.iter();
        in_hand.any(|region| region.giver != me && is_it(region))
    }

    /// Gives a batch back by `give`, and returns how many blocks and pages it had; `None` if there
    /// was no block left to take.
    fn give_batch(&self, give: impl FnOnce(Batch)) -> Option<(usize, usize)> {
        let mut batch = Batch::new();
        {
            let mut waiting = self.waiting.lock();
            loop {
                let next = waiting.regions.iter().next();
                if !next.is_some_and(|region| batch.has_room_for(region)) {
                    break;
                }
                let Some(region) = waiting.regions.unlink(|_| true) else {
                    break;
                };
                batch.push(region);
            }
        }
        let (blocks, pages, bytes) = (batch.blocks, batch.pages, batch.bytes);
        if blocks == 0 {
            return None;
        }
        give(batch);
        let mut waiting = self.waiting.lock();
        waiting.usage.count_batch(blocks, bytes);
        Some((blocks, pages))
    }

    /// How much is in the backlog, and how much was.
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            ..self.waiting.lock().usage
        }
    }

    /// Whether it is so long that tasks that may sleep should shorten it.
    pub(crate) fn is_long(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.usage.blocks > LONG_BLOCKS || waiting.usage.bytes > LONG_BYTES
    }

    /// If the backlog is long, gives back a part of it by `give`: more than the `bytes` that the
    /// caller allocates or frees, so that the backlog does not grow.
    pub(crate) fn shorten(&self, bytes: usize, give: impl Fn(Batch)) {
        let mut pages = 0usize;
        while self.is_long() && pages <= bytes / PAGE_SIZE {
            let Some((_, given)) = self.give_batch(&give) else {
                break;
            };
            pages = pages.saturating_add(given);
        }
    }

    /// Gives back by `give` what is in the backlog now, but not what is added meanwhile. Returns
    /// `false` if there was nothing to take: what others are giving back does not count.
    pub(crate) fn drain(&self, give: impl Fn(Batch)) -> bool {
        let mut left = self.usage().blocks;
        let mut any = false;
        while left != 0 {
            let Some((blocks, _)) = self.give_batch(&give) else {
                break;
            };
            any = true;
            left = left.saturating_sub(blocks);
        }
        any
    }
}

#[kernel::macros::kunit_tests(rust_pool_backlog)]
mod tests {
    use super::*;
    use crate::record::{
        adapter_id::AdapterId,
        packet::Packet,
        table::Reservation,
        Owner, //
    };
    use core::{
        cell::Cell,
        ptr::NonNull, //
    };

    /// Writes the record of a block. A packet has no memory that would have to be given back.
    fn block(record: Reservation, pages: usize) -> KBox<Region> {
        let owner = Owner::Packet(Packet::new(AdapterId::new(core::ptr::null_mut()), 0));
        let bytes = pages * PAGE_SIZE;
        record.into_region(NonNull::dangling(), bytes, bytes, 0, owner)
    }

    /// A backlog with a block of each number of pages; the last is given back first.
    fn backlog(pages: &[usize]) -> Result<Pin<KBox<Backlog>>> {
        let backlog = KBox::pin_init(Backlog::new(), GFP_KERNEL)?;
        for &pages in pages {
            backlog.put(block(Reservation::new().ok_or(ENOMEM)?, pages));
        }
        Ok(backlog)
    }

    /// Whether so much is in the backlog, and was given back in so many batches.
    fn has(backlog: &Backlog, blocks: usize, pages: usize, given: u64, batches: u64) -> bool {
        let usage = backlog.usage();
        (usage.blocks, usage.bytes) == (blocks, pages * PAGE_SIZE)
            && (usage.given, usage.batches) == (given, batches)
    }

    #[test]
    fn counts_until_it_is_given_back() -> Result {
        let backlog = backlog(&[1, 2, 3])?;
        let whole = Cell::new(true);
        let still = || whole.set(whole.get() && has(&backlog, 3, 6, 0, 0));
        still();
        let given = backlog.give_batch(|batch| {
            still();
            drop(batch);
            still();
        });
        assert!(given == Some((3, 6)));
        assert!(whole.get());
        assert!(has(&backlog, 0, 0, 3, 1));
        assert!(!backlog.drain(drop));
        Ok(())
    }

    #[test]
    fn one_counts_until_it_is_given_back() -> Result {
        let backlog = backlog(&[1, 2])?;
        let one = backlog.give_one(
            |region| region.used == PAGE_SIZE,
            |_| has(&backlog, 2, 3, 0, 0) && backlog.has_waiting(),
        );
        assert!(one.is_some_and(|(region, whole)| whole && region.used == PAGE_SIZE));
        assert!(has(&backlog, 1, 2, 1, 1));
        assert!(backlog.drain(drop));
        assert!(has(&backlog, 0, 0, 2, 2));
        Ok(())
    }

    #[test]
    fn a_batch_has_at_most_a_page_of_addresses() -> Result {
        let backlog = backlog(&[BATCH + 1, BATCH - 1, 1, 1])?;
        let sizes = Cell::new([0; 3]);
        let batches = Cell::new(0);
        backlog.drain(|batch| {
            let mut all = sizes.get();
            if let Some(size) = all.get_mut(batches.replace(batches.get() + 1)) {
                *size = batch.pages;
            }
            sizes.set(all);
        });
        assert!(sizes.get() == [2, BATCH - 1, BATCH + 1]);
        assert!(has(&backlog, 0, 0, 4, 3));
        Ok(())
    }

    #[test]
    fn what_is_added_meanwhile_waits() -> Result {
        let backlog = backlog(&[BATCH, BATCH])?;
        let record = Cell::new(Some(Reservation::new().ok_or(ENOMEM)?));
        assert!(backlog.drain(|_| {
            if let Some(record) = record.take() {
                backlog.put(block(record, BATCH));
            }
        }));
        assert!(has(&backlog, 1, BATCH, 2, 2));
        assert!(backlog.drain(drop));
        Ok(())
    }

    #[test]
    fn refused_blocks_stay() -> Result {
        let backlog = backlog(&[1, 2, 3])?;
        assert!(backlog.attempt(|region| region.used != 2 * PAGE_SIZE));
        assert!(has(&backlog, 1, 2, 2, 2));
        assert!(!backlog.attempt(|_| true));
        assert!(has(&backlog, 0, 0, 3, 3));
        Ok(())
    }

    #[test]
    fn shortened_by_more_than_is_taken() -> Result {
        let long = LONG_BYTES / PAGE_SIZE;
        let backlog = backlog(&[1, BATCH, 2, 2 * BATCH, long])?;
        // A block of the pages that make it long is taken first, and then it is long no more.
        backlog.shorten(PAGE_SIZE, drop);
        assert!(has(&backlog, 4, 3 * BATCH + 3, 1, 1));
        backlog.shorten(PAGE_SIZE, drop);
        assert!(has(&backlog, 4, 3 * BATCH + 3, 1, 1));
        assert!(backlog.drain(drop));
        Ok(())
    }
}
