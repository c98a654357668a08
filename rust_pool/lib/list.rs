// SPDX-License-Identifier: GPL-2.0

//! A singly linked list of boxes. The link is a field of the item, so adding an item never fails.

use core::{
    cell::Cell,
    mem::offset_of,
    ptr::NonNull, //
};
use kernel::prelude::*;

/// What can be in a [`List`].
pub(crate) trait Link: Sized {
    /// The field that links the item. While it is in a list, only the list uses this field.
    fn link(&mut self) -> &mut Next<Self>;
    /// The field that [`link`](Self::link) returns, to read.
    fn next(&self) -> &Next<Self>;
}

/// Implements [`Link`] for an item whose link is its field `next`.
macro_rules! linked_by_next {
    ($item:ty) => {
        impl $crate::lib::list::Link for $item {
            fn link(&mut self) -> &mut $crate::lib::list::Next<Self> {
                &mut self.next
            }

            fn next(&self) -> &$crate::lib::list::Next<Self> {
                &self.next
            }
        }
    };
}
pub(crate) use linked_by_next;

/// A link: opaque outside of this file.
///
/// Code may have a reference to an item while the list changes the item's link, so that is in a
/// `Cell`. Only the list accesses what is in there. The reader of a dump takes it for the address
/// of the item, or 0.
#[repr(transparent)]
pub(crate) struct Next<T>(Cell<Option<NonNull<T>>>);

// SAFETY: Only the list that has the item uses it, and that may only be sent to another thread if
// its items may.
unsafe impl<T> Send for Next<T> {}
// SAFETY: The same; and only those who have borrowed the list exclusively change it.
unsafe impl<T> Sync for Next<T> {}

impl<T> Next<T> {
    /// The link of an item that is in no list.
    pub(crate) const fn none() -> Self {
        Self(Cell::new(None))
    }
}

/// A list, which owns its items.
///
/// # Invariants
///
/// `first` and the links of the items form a chain of pointers to leaked boxes, each of which is in
/// it once. No other list has any of them. The chain is changed only by those who have borrowed the
/// list exclusively.
pub(crate) struct List<T: Link> {
    first: Next<T>,
}

// SAFETY: The list owns its items, so it may be sent to another thread if they may.
unsafe impl<T: Link + Send> Send for List<T> {}
// SAFETY: Those who share the list share its items, and do not change it.
unsafe impl<T: Link + Sync> Sync for List<T> {}

impl<T: Link> List<T> {
    /// Where a list has the address of its first item.
    pub(crate) const FIRST: usize = offset_of!(Self, first);

    /// An empty list.
    pub(crate) const fn new() -> Self {
        // INVARIANT: The chain is empty.
        Self {
            first: Next::none(),
        }
    }

    /// Puts an item at the front, and returns it.
    pub(crate) fn push(&mut self, mut item: KBox<T>) -> &T {
        item.link().0.set(self.first.0.get());
        let item = KBox::leak(item);
        // INVARIANT: The chain begins with the new item, behind which it goes on as before.
        self.first.0.set(Some(NonNull::from(&mut *item)));
        item
    }

    /// Puts an item at the end. Takes as long as the list has items.
    pub(crate) fn append(&mut self, mut item: KBox<T>) {
        item.link().0.set(None);
        let last = self.linked().last();
        let end = last.map_or(&self.first, |(_, last)| last.next());
        // INVARIANT: The chain ends with the new item.
        end.0.set(Some(NonNull::from(KBox::leak(item))));
    }

    /// The items, each behind the link that leads to it.
    fn linked(&self) -> impl Iterator<Item = (&Next<T>, &T)> {
        let mut link = &self.first;
        core::iter::from_fn(move || {
            // SAFETY: By the type invariant it is an item, and nobody takes it out while the list
            // is borrowed: as long as this reference, which is shared, as others may have one.
            let item = unsafe { link.0.get()?.as_ref() };
            Some((core::mem::replace(&mut link, item.next()), item))
        })
    }

    /// The items from the front on: the newest first, unless they were put at the end.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.linked().map(|(_, item)| item)
    }

    /// The items from the front on, to change.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let mut at = self.first.0.get();
        core::iter::from_fn(move || {
            // SAFETY: By the type invariant it is an item, and in the chain once. The list is
            // borrowed exclusively as long as these references.
            let item = unsafe { at?.as_mut() };
            at = item.next().0.get();
            Some(item)
        })
    }

    /// The link that leads to the first item for which `is_it` returns `true`.
    fn link_to(&self, is_it: impl Fn(&T) -> bool) -> Option<&Next<T>> {
        let (link, _) = self.linked().find(|(_, item)| is_it(item))?;
        Some(link)
    }

    /// The first item for which `is_it` returns `true`, to change.
    pub(crate) fn find_mut(&mut self, is_it: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.iter_mut().find(|item| is_it(item))
    }

    /// Takes out the first item for which `is_it` returns `true`.
    pub(crate) fn unlink(&mut self, is_it: impl Fn(&T) -> bool) -> Option<KBox<T>> {
        let link = self.link_to(is_it)?;
        let at = link.0.get()?;
        // SAFETY: By the type invariant it was a box, and it is in no chain any more when this
        // returns. Whoever takes an item out does not use references to it any more.
        let item = unsafe { KBox::from_raw(at.as_ptr()) };
        // INVARIANT: The chain goes on behind the item, which is no longer in it.
        link.0.set(item.next().0.get());
        Some(item)
    }

    /// Takes out the item at the front.
    pub(crate) fn pop(&mut self) -> Option<KBox<T>> {
        self.unlink(|_| true)
    }
}

impl<T: Link> Drop for List<T> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

#[kernel::macros::kunit_tests(rust_pool_list)]
mod tests {
    use super::*;
    use kernel::sync::atomic::{
        Atomic,
        Relaxed, //
    };

    struct Item<'a> {
        next: Next<Self>,
        number: u32,
        dropped: &'a Atomic<i64>,
    }

    linked_by_next!(Item<'_>);

    impl Drop for Item<'_> {
        fn drop(&mut self) {
            self.dropped.add(1, Relaxed);
        }
    }

    fn chain<'a>(numbers: &[u32], dropped: &'a Atomic<i64>) -> Result<List<Item<'a>>> {
        let mut chain = List::new();
        for &number in numbers {
            let next = Next::none();
            chain.push(KBox::new(
                Item {
                    next,
                    number,
                    dropped,
                },
                GFP_KERNEL,
            )?);
        }
        Ok(chain)
    }

    fn holds(chain: &List<Item<'_>>, numbers: &[u32]) -> bool {
        chain
            .iter()
            .map(|item| item.number)
            .eq(numbers.iter().copied())
    }

    #[test]
    fn newest_first() -> Result {
        let dropped = Atomic::new(0);
        assert!(holds(&chain(&[], &dropped)?, &[]));
        assert!(holds(&chain(&[1], &dropped)?, &[1]));
        assert!(holds(&chain(&[1, 2, 3], &dropped)?, &[3, 2, 1]));
        Ok(())
    }

    #[test]
    fn put_at_the_end() -> Result {
        let dropped = Atomic::new(0);
        for numbers in [&[][..], &[1], &[1, 2]] {
            let mut chain = chain(numbers, &dropped)?;
            for number in [8, 9] {
                let next = Next::none();
                let dropped = &dropped;
                chain.append(KBox::new(
                    Item {
                        next,
                        number,
                        dropped,
                    },
                    GFP_KERNEL,
                )?);
            }
            let all = Iterator::chain(numbers.iter().rev().copied(), [8, 9]);
            assert!(chain.iter().map(|item| item.number).eq(all));
        }
        Ok(())
    }

    #[test]
    fn taken_from_the_head() -> Result {
        let dropped = Atomic::new(0);
        let mut chain = chain(&[1, 2], &dropped)?;
        assert!(chain.pop().is_some_and(|item| item.number == 2));
        assert!(chain.pop().is_some_and(|item| item.number == 1));
        assert!(chain.pop().is_none());
        assert!(holds(&chain, &[]));
        Ok(())
    }

    #[test]
    fn unlinked_anywhere() -> Result {
        let dropped = Atomic::new(0);
        for (number, rest) in [(3, [2, 1]), (2, [3, 1]), (1, [3, 2])] {
            let mut chain = chain(&[1, 2, 3], &dropped)?;
            let item = chain.unlink(|item| item.number == number);
            assert!(item.is_some_and(|item| item.number == number));
            assert!(holds(&chain, &rest));
            assert!(chain.unlink(|item| item.number == number).is_none());
            assert!(holds(&chain, &rest));
        }
        Ok(())
    }

    #[test]
    fn first_that_fits_is_found_and_changed() -> Result {
        let dropped = Atomic::new(0);
        let mut chain = chain(&[1, 2, 3], &dropped)?;
        assert!(chain.find_mut(|item| item.number > 3).is_none());
        if let Some(item) = chain.find_mut(|item| item.number < 3) {
            item.number = 7;
        }
        assert!(holds(&chain, &[3, 7, 1]));
        Ok(())
    }

    #[test]
    fn each_is_dropped_once() -> Result {
        let dropped = Atomic::new(0);
        let mut chain = chain(&[1, 2, 3, 4], &dropped)?;
        drop(chain.unlink(|item| item.number == 2));
        assert!(dropped.load(Relaxed) == 1);
        drop(chain);
        assert!(dropped.load(Relaxed) == 4);
        Ok(())
    }
}
