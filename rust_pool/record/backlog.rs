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

/// What is deferred, and what has been given back.
pub(crate) struct Usage {
    pub(crate) blocks: usize,
    pub(crate) bytes: usize,
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
    regions: List<Region>,
    /// Those that somebody is giving back, for families where others have to know.
    in_hand: List<Region>,
    usage: Usage,
}

impl Waiting {
    fn take(&mut self, is_it: impl Fn(&Region) -> bool) -> Option<KBox<Region>> {
        let region = self.regions.unlink(is_it)?;
        self.usage.blocks = self.usage.blocks.wrapping_sub(1);
        self.usage.bytes = self.usage.bytes.wrapping_sub(region.used);
        self.usage.given = self.usage.given.wrapping_add(1);
        Some(region)
    }
}

/// A family's.
#[pin_data]
pub(crate) struct Backlog {
    #[pin]
    waiting: SpinLockIrq<Waiting>,
}

/// Tries twice: what waits may be what is missing, so `give` gives it back in between, and says
/// whether there was anything.
pub(crate) fn retry<T>(attempt: impl Fn() -> Option<T>, give: impl FnOnce() -> bool) -> Option<T> {
    attempt().or_else(|| give().then(&attempt).flatten())
}

/// Blocks to be given back together, by their family.
pub(crate) struct Batch {
    pub(crate) regions: List<Region>,
    pub(crate) blocks: usize,
    pub(crate) pages: usize,
}

impl Batch {
    /// Of a single block.
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
        }
    }

    fn push(&mut self, region: KBox<Region>) {
        self.blocks += 1;
        self.pages += region.used / PAGE_SIZE;
        self.regions.push(region);
    }

    /// Whether another block may be added.
    fn has_room_for(&self, region: &Region) -> bool {
        self.blocks == 0 || self.pages + region.used / PAGE_SIZE <= BATCH
    }
}

impl Backlog {
    /// An empty one.
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

    /// Defers a block: its memory is given back soon. Any context but NMI.
    pub(crate) fn add(&self, region: KBox<Region>) {
        {
            let mut waiting = self.waiting.lock();
            waiting.usage.blocks = waiting.usage.blocks.wrapping_add(1);
            waiting.usage.bytes = waiting.usage.bytes.wrapping_add(region.used);
            waiting.regions.push(region);
        }
        sys::give_soon();
    }

    /// Gives a block back by `give`, if there is such a one, and returns what is left: its record.
    /// Meanwhile [`Self::in_hand`] tells of it.
    pub(crate) fn give_one(
        &self,
        is_it: impl Fn(&Region) -> bool,
        give: impl FnOnce(&Region),
    ) -> Option<KBox<Region>> {
        let region = {
            let mut waiting = self.waiting.lock();
            let mut region = waiting.take(is_it)?;
            waiting.usage.batches = waiting.usage.batches.wrapping_add(1);
            region.giver = sys::task();
            let at: *const Region = &*region;
            waiting.in_hand.push(region);
            at
        };
        // SAFETY: The list keeps it where it is, and only what follows takes it out.
        give(unsafe { &*region });
        let mut waiting = self.waiting.lock();
        waiting.in_hand.unlink(|other| core::ptr::eq(other, region))
    }

    /// Whether another task is giving such a block back. Must not wait for those of this task.
    pub(crate) fn in_hand(&self, is_it: impl Fn(&Region) -> bool) -> bool {
        let me = sys::task();
        let waiting = self.waiting.lock();
        let mut in_hand = waiting.in_hand.iter();
        in_hand.any(|region| region.giver != me && is_it(region))
    }

    /// Takes a batch, if there is anything.
    pub(crate) fn take_batch(&self) -> Option<Batch> {
        let mut batch = Batch::new();
        let mut waiting = self.waiting.lock();
        loop {
            let next = waiting.regions.iter().next();
            if !next.is_some_and(|region| batch.has_room_for(region)) {
                break;
            }
            let Some(region) = waiting.take(|_| true) else {
                break;
            };
            batch.push(region);
        }
        if batch.blocks == 0 {
            return None;
        }
        waiting.usage.batches = waiting.usage.batches.wrapping_add(1);
        Some(batch)
    }

    /// What waits, and what did.
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            ..self.waiting.lock().usage
        }
    }

    /// Whether it is so long that tasks which may sleep help.
    pub(crate) fn is_long(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.usage.blocks > LONG_BLOCKS || waiting.usage.bytes > LONG_BYTES
    }

    /// Gives back a part of it by `give` if it is long: more than the `bytes` that the caller takes
    /// or frees, so that it becomes no longer.
    pub(crate) fn shorten(&self, bytes: usize, give: impl Fn(Batch)) {
        let mut pages = 0usize;
        while self.is_long() && pages <= bytes / PAGE_SIZE {
            let Some(batch) = self.take_batch() else {
                break;
            };
            pages = pages.saturating_add(batch.pages);
            give(batch);
        }
    }

    /// Gives back by `give` what is there now, but not what comes meanwhile, and says whether there
    /// was anything.
    pub(crate) fn drain(&self, give: impl Fn(Batch)) -> bool {
        let mut left = self.usage().blocks;
        let any = left != 0;
        while left != 0 {
            let Some(batch) = self.take_batch() else {
                break;
            };
            left = left.saturating_sub(batch.blocks);
            give(batch);
        }
        any
    }
}
