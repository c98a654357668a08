// SPDX-License-Identifier: GPL-2.0

//! A hash table that owns its items and has a lock for each bucket. It can be read piece by piece,
//! in a stable order, while items are added and removed.

use crate::lib::{
    layout,
    list::{
        Link,
        List,
        Next, //
    }, //
};
use core::mem::{
    offset_of,
    size_of, //
};
use kernel::{
    prelude::*,
    str::CStr,
    sync::{
        LockClassKey,
        SpinLockIrq, //
    }, //
};

const BUCKETS: usize = 256;

/// The low bits of a position are the item's number in its bucket, the bits above the bucket's
/// number.
const NUMBER: u32 = 48;

/// What can be in a [`HashTable`].
pub(crate) trait Entry: Sized {
    /// How many low bits of a key the hash leaves out, because they are the same in most keys.
    const ALIGN: u32;
    /// The key by which the item is found.
    fn key(&self) -> usize;
    /// Its place; only the table uses it.
    fn place(&self) -> &Place<Self>;
    /// Its place, to change.
    fn place_mut(&mut self) -> &mut Place<Self>;
}

/// The place of an item in a table: opaque outside of this file.
pub(crate) struct Place<T> {
    next: Next<T>,
    /// How many items were put into its bucket before it.
    number: u64,
}

impl<T> Place<T> {
    /// Where a place has the address of the next item of its bucket.
    pub(crate) const NEXT: usize = offset_of!(Self, next);

    /// The place of an item that is in no table.
    pub(crate) const fn none() -> Self {
        Self {
            next: Next::none(),
            number: 0,
        }
    }
}

impl<T: Entry> Link for T {
    fn link(&mut self) -> &mut Next<Self> {
        &mut self.place_mut().next
    }

    fn next(&self) -> &Next<Self> {
        &self.place().next
    }
}

/// Items with the same hash.
pub(crate) struct Bucket<T: Entry> {
    items: List<T>,
    /// How many items were put in since the table was made.
    made: u64,
}

impl<T: Entry> Bucket<T> {
    /// The item with a key.
    pub(crate) fn find(&self, key: usize) -> Option<&T> {
        self.items.iter().find(|item| item.key() == key)
    }

    /// The item with a key, to change anything but the key.
    pub(crate) fn find_mut(&mut self, key: usize) -> Option<&mut T> {
        self.items.find_mut(|item| item.key() == key)
    }

    /// Puts an item in.
    pub(crate) fn insert(&mut self, mut item: KBox<T>) {
        item.place_mut().number = self.made;
        self.made += 1;
        self.items.push(item);
    }

    /// Takes the item with a key out.
    pub(crate) fn remove(&mut self, key: usize) -> Option<KBox<T>> {
        self.items.unlink(|item| item.key() == key)
    }
}

/// The table.
#[pin_data]
pub(crate) struct HashTable<T: Entry> {
    #[pin]
    buckets: [SpinLockIrq<Bucket<T>>; BUCKETS],
}

impl<T: Entry> HashTable<T> {
    /// For a reader of a dump: how many buckets there are, the bytes from one to the next, and
    /// where the first of them has the address of its first item.
    pub(crate) const LAYOUT: [usize; 3] = [
        BUCKETS,
        size_of::<SpinLockIrq<Bucket<T>>>(),
        offset_of!(Self, buckets)
            + layout::behind_lock::<Bucket<T>>()
            + offset_of!(Bucket<T>, items)
            + List::<T>::FIRST,
    ];

    /// An empty table, with a name and a class of its own for its locks.
    pub(crate) fn with_class(
        name: &'static CStr,
        class: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            buckets <- pin_init::pin_init_array_from_fn(move |_| {
                let bucket = Bucket {
                    items: List::new(),
                    made: 0,
                };
                SpinLockIrq::new(bucket, name, class)
            }),
        })
    }

    /// The bucket for a key.
    pub(crate) fn bucket(&self, key: usize) -> &SpinLockIrq<Bucket<T>> {
        let hash = (key >> T::ALIGN).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
        // PANIC: The index has 8 bits, and the array 256 elements.
        &self.buckets[hash & (BUCKETS - 1)]
    }

    /// Calls `look` on the items until it returns `Some`, and returns that. Slow.
    pub(crate) fn find_map<R>(&self, mut look: impl FnMut(&T) -> Option<R>) -> Option<R> {
        self.buckets
            .iter()
            .find_map(|bucket| bucket.lock().items.iter().find_map(&mut look))
    }

    /// Calls `visit` on every item, with its bucket's lock held and interrupts disabled. Items that
    /// are added or removed meanwhile may or may not be visited.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&T)) {
        for bucket in &self.buckets {
            bucket.lock().items.iter().for_each(&mut visit);
        }
    }

    /// Calls `show` on the items from a position on until it returns `Some`, and returns the
    /// position behind that item. Items that are added or removed between two calls do not change
    /// the positions of others.
    pub(crate) fn next(
        &self,
        position: u64,
        mut show: impl FnMut(&T) -> Option<()>,
    ) -> Option<u64> {
        let mut at = position >> NUMBER;
        let mut number = position & ((1 << NUMBER) - 1);
        loop {
            // Interrupts are disabled for one item at a time: there may be many that are not shown.
            let bucket = self.buckets.get(usize::try_from(at).ok()?)?.lock();
            let rest = bucket.items.iter();
            let rest = rest.filter(|item| item.place().number >= number);
            let Some(item) = rest.min_by_key(|item| item.place().number) else {
                at += 1;
                number = 0;
                continue;
            };
            number = item.place().number + 1;
            if show(item).is_some() {
                return Some(at << NUMBER | number);
            }
        }
    }

    /// Takes any item out of the table, to empty it at unload.
    pub(crate) fn pop(&self) -> Option<KBox<T>> {
        self.buckets
            .iter()
            .find_map(|bucket| bucket.lock().items.pop())
    }
}
