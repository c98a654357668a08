// SPDX-License-Identifier: GPL-2.0

//! Groups blocks by kind and call site, sorted by bytes: for the file `sites`, and for the report
//! at unload.
//!
//! The records are read with their locks held and interrupts disabled. So nothing is allocated
//! meanwhile, and the place of a record is found by its hash, in a time that does not grow with the
//! number of places.

use crate::{
    callers::stack::Stack,
    types::{
        memory_type::MemoryType,
        tag::Tag, //
    },
    verifier::{
        record::Record,
        tracking, //
    }, //
};
use core::cmp::Reverse;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    prelude::*, //
};

/// For how many places there is room at first, and at most. Powers of two.
const FEW: usize = 512;
const MOST: usize = 32768;

/// A place: blocks, or adapters, of one kind that were allocated with the same stack.
pub(crate) struct Place {
    pub(crate) tag: Option<Tag>,
    pub(crate) memory: MemoryType,
    pub(crate) stack: Stack,
    pub(crate) sum: Sum,
    /// When the oldest and the newest were allocated, in nanoseconds since boot.
    pub(crate) oldest: u64,
    pub(crate) newest: u64,
}

/// A number of blocks, and their bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    pub(crate) blocks: u64,
    pub(crate) bytes: u64,
}

impl Sum {
    /// Adds more.
    pub(crate) fn add(&mut self, more: Self) {
        self.blocks = self.blocks.saturating_add(more.blocks);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }
}

/// A block to add to its place.
pub(crate) struct One<'a> {
    pub(crate) tag: Option<Tag>,
    pub(crate) memory: MemoryType,
    pub(crate) stack: &'a Stack,
    pub(crate) bytes: usize,
    pub(crate) time: u64,
}

impl<'a> From<&'a Record> for One<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            tag: record.tag,
            memory: record.memory,
            stack: &record.stack,
            bytes: record.bytes,
            time: record.time,
        }
    }
}

impl One<'_> {
    fn hash(&self) -> usize {
        let tag = self.tag.map_or(0, Tag::as_raw);
        // CAST: Lossless on the architectures supported. The upper bits are mixed best.
        (self.stack.hash() ^ u64::from(tag)).wrapping_mul(0x9e37_79b9_7f4a_7c15) as usize >> 32
    }

    fn is_at(&self, place: &Place) -> bool {
        self.tag == place.tag && self.memory == place.memory && self.stack.is(&place.stack)
    }
}

/// The places: a hash table with open addressing, whose number of slots is a power of two.
pub(crate) struct Places {
    slots: KVVec<Option<Place>>,
    count: usize,
    /// The blocks for whose places there was no room.
    pub(crate) rest: Sum,
}

impl Places {
    fn new(room: usize) -> Result<Self> {
        let mut slots = KVVec::with_capacity(room, GFP_KERNEL | __GFP_NOWARN)?;
        for _ in 0..room {
            slots.push(None, GFP_KERNEL)?;
        }
        let rest = Sum::default();
        Ok(Self {
            slots,
            count: 0,
            rest,
        })
    }

    /// Adds a block to its place. Any context but NMI.
    pub(crate) fn add(&mut self, one: &One<'_>) {
        let sum = Sum {
            blocks: 1,
            // CAST: Lossless on the architectures supported.
            bytes: one.bytes as u64,
        };
        let mask = self.slots.len().wrapping_sub(1);
        // A quarter of the slots stays free, so that searches are short.
        let full = self.count >= self.slots.len() / 4 * 3;
        let mut at = one.hash() & mask;
        while let Some(slot) = self.slots.get_mut(at) {
            match slot {
                Some(place) if one.is_at(place) => {
                    place.sum.add(sum);
                    place.oldest = place.oldest.min(one.time);
                    place.newest = place.newest.max(one.time);
                    return;
                }
                Some(_) => at = (at + 1) & mask,
                None if full => break,
                None => {
                    self.count += 1;
                    *slot = Some(Place {
                        tag: one.tag,
                        memory: one.memory,
                        stack: one.stack.copy(),
                        sum,
                        oldest: one.time,
                        newest: one.time,
                    });
                    return;
                }
            }
        }
        self.rest.add(sum);
    }

    /// The places of the blocks that `read` adds. If there is too little room, `read` is called
    /// again with more, up to [`MOST`]. Sleeps.
    pub(crate) fn collect(mut read: impl FnMut(&mut Self)) -> Result<Self> {
        let mut room = FEW;
        loop {
            let mut places = Self::new(room)?;
            read(&mut places);
            if places.rest.blocks == 0 || room >= MOST {
                return Ok(places);
            }
            room *= 8;
        }
    }

    /// The places of the recorded blocks for which `which` returns `true`. Sleeps.
    pub(crate) fn tracked(which: impl Fn(&Record) -> bool) -> Result<Self> {
        Self::collect(|places| {
            tracking::for_each(|record| {
                if which(record) {
                    places.add(&record.into());
                }
            });
        })
    }

    /// All places, in any order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Place> {
        self.slots.iter().flatten()
    }

    /// How many places there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The sum of all blocks.
    pub(crate) fn total(&self) -> Sum {
        let mut total = self.rest;
        self.iter().for_each(|it| total.add(it.sum));
        total
    }

    /// Calls `visit` on each place, sorted by bytes, then by blocks, the most first. Sleeps.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Place)) -> Result {
        let mut order = KVVec::with_capacity(self.count, GFP_KERNEL | __GFP_NOWARN)?;
        for (at, slot) in self.slots.iter().enumerate() {
            if let Some(place) = slot {
                let key = Reverse((place.sum.bytes, place.sum.blocks));
                order.push((key, at), GFP_KERNEL)?;
            }
        }
        sort(&mut order);
        let places = order
            .iter()
            .filter_map(|&(_, at)| self.slots.get(at)?.as_ref());
        places.for_each(&mut visit);
        Ok(())
    }
}

/// Heapsort. `sort_unstable()` would do, but contains a function that objtool warns about.
fn sort<T: Ord>(items: &mut [T]) {
    fn sink<T: Ord>(items: &mut [T], mut at: usize) {
        loop {
            let left = 2 * at + 1;
            let larger = if items.get(left) < items.get(left + 1) {
                left + 1
            } else {
                left
            };
            if items.get(at) >= items.get(larger) {
                return;
            }
            items.swap(at, larger);
            at = larger;
        }
    }

    for at in (0..items.len() / 2).rev() {
        sink(items, at);
    }
    for end in (1..items.len()).rev() {
        items.swap(0, end);
        if let Some(heap) = items.get_mut(..end) {
            sink(heap, 0);
        }
    }
}

#[kernel::macros::kunit_tests(rust_pool_places)]
mod tests {
    use super::*;

    fn add(places: &mut Places, tag: u32, bytes: usize, time: u64) {
        let stack = Stack::of_site(&crate::callers::call_site::CallSite::new(0));
        places.add(&One {
            tag: Some(Tag::from_raw(tag)),
            memory: MemoryType::Contiguous,
            stack: &stack,
            bytes,
            time,
        });
    }

    #[test]
    fn sorted() {
        for len in 0..=17 {
            let mut items = [0usize; 17];
            for (at, item) in items.iter_mut().enumerate() {
                *item = at * 7 % 11;
            }
            if let Some(items) = items.get_mut(..len) {
                sort(items);
                assert!(items.is_sorted());
            }
        }
    }

    #[test]
    fn added_up_and_largest_first() -> Result {
        let mut places = Places::new(64)?;
        for (tag, bytes, time) in [(1, 10, 5), (2, 100, 7), (1, 30, 3), (3, 20, 1)] {
            add(&mut places, tag, bytes, time);
        }
        let mut seen = KVec::new();
        places.for_each(|it| {
            let tag = it.tag.map_or(0, Tag::as_raw);
            let _ = seen.push((tag, it.sum.blocks, it.sum.bytes, it.oldest), GFP_KERNEL);
        })?;
        assert!(seen.as_slice() == [(2, 1, 100, 7), (1, 2, 40, 3), (3, 1, 20, 1)]);
        assert!(places.count() == 3 && places.total().bytes == 160);
        Ok(())
    }

    #[test]
    fn what_has_no_room_is_counted() -> Result {
        let mut places = Places::new(8)?;
        for tag in 1..=10 {
            add(&mut places, tag, 10, 0);
        }
        add(&mut places, 1, 10, 0);
        assert!(places.count() == 6);
        assert!(places.rest.blocks == 4 && places.rest.bytes == 40);
        assert!(places.total().blocks == 11);
        Ok(())
    }
}
