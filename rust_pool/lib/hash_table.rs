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

/// How many items of a bucket [`HashTable::next`] finds in one search.
const AT_ONCE: usize = 16;

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

/// Items with the same hash, the newest first.
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

    /// Up to [`AT_ONCE`] items, from a number on, in the order in which they were put in.
    fn next_few(&self, number: u64) -> impl Iterator<Item = &T> {
        let mut few = [const { None }; AT_ONCE];
        let mut count = 0usize;
        let newer = self.items.iter();
        for item in newer.take_while(|item| item.place().number >= number) {
            if let Some(place) = few.get_mut(count % AT_ONCE) {
                *place = Some(item);
            }
            count = count.wrapping_add(1);
        }
        (0..count)
            .rev()
            .map_while(move |at| few.get_mut(at % AT_ONCE)?.take())
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
            // Interrupts are disabled for a few items at a time: there may be many that are not
            // shown.
            let bucket = self.buckets.get(usize::try_from(at).ok()?)?.lock();
            let mut is_end = true;
            for item in bucket.next_few(number) {
                is_end = false;
                number = item.place().number + 1;
                if show(item).is_some() {
                    return Some(at << NUMBER | number);
                }
            }
            if is_end {
                at += 1;
                number = 0;
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

#[kernel::macros::kunit_tests(rust_pool_hash_table)]
mod tests {
    use super::*;
    use kernel::{
        static_lock_class,
        sync::atomic::{
            Atomic,
            Relaxed, //
        }, //
    };

    /// All of them are in one bucket.
    struct Item<'a> {
        place: Place<Self>,
        value: usize,
        /// How often the table has looked at items.
        looks: &'a Atomic<usize>,
    }

    impl Entry for Item<'_> {
        /// So that all values have the same hash.
        const ALIGN: u32 = 60;

        fn key(&self) -> usize {
            self.value
        }

        fn place(&self) -> &Place<Self> {
            self.looks.add(1, Relaxed);
            &self.place
        }

        fn place_mut(&mut self) -> &mut Place<Self> {
            &mut self.place
        }
    }

    type Table<'a> = HashTable<Item<'a>>;

    fn table(values: usize, looks: &Atomic<usize>) -> Result<Pin<KBox<Table<'_>>>> {
        let table = Table::with_class(c"rust_pool::items", static_lock_class!());
        let table = KBox::pin_init(table, GFP_KERNEL)?;
        for value in 0..values {
            let place = Place::none();
            let item = Item {
                place,
                value,
                looks,
            };
            let item = KBox::new(item, GFP_KERNEL)?;
            table.bucket(value).lock().insert(item);
        }
        Ok(table)
    }

    /// Whether the items that `shows` selects come in the order in which they were put in, if the
    /// table is read one item at a time.
    fn reads(table: &Table<'_>, values: usize, shows: impl Fn(usize) -> bool) -> bool {
        let mut position = 0;
        let mut seen = None;
        for value in (0..values).filter(|&value| shows(value)) {
            let next = table.next(position, |item| {
                shows(item.value).then(|| seen = Some(item.value))
            });
            let Some(next) = next.filter(|_| seen == Some(value)) else {
                return false;
            };
            position = next;
        }
        table
            .next(position, |item| shows(item.value).then_some(()))
            .is_none()
    }

    #[test]
    fn oldest_first() -> Result {
        let looks = Atomic::new(0);
        for values in [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE] {
            let table = table(values, &looks)?;
            assert!(reads(&table, values, |_| true));
            assert!(reads(&table, values, |value| value % 7 == 3));
            assert!(reads(&table, values, |_| false));
            let gone = |value| value % 3 == 1;
            for value in (0..values).filter(|&value| gone(value)) {
                assert!(table.bucket(value).lock().remove(value).is_some());
            }
            assert!(reads(&table, values, |value| !gone(value)));
        }
        Ok(())
    }

    #[test]
    fn few_searches_for_items_that_are_not_shown() -> Result {
        const MANY: usize = 512;
        let looks = Atomic::new(0);
        let table = table(MANY, &looks)?;
        looks.store(0, Relaxed);
        assert!(table.next(0, |_| None).is_none());
        // One search for each would be 512 looks for an item and more.
        assert!(looks.load(Relaxed) < MANY * 64);
        Ok(())
    }
}
