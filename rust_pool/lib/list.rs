// SPDX-License-Identifier: GPL-2.0

//! A singly linked list of boxes. The link is a field of the item, so adding an item never fails.

use core::ptr::null_mut;
use kernel::prelude::*;

/// What can be in a [`List`].
pub(crate) trait Link: Sized {
    /// The field that links it; the list alone uses it while the item is in there.
    fn link(&mut self) -> &mut Next<Self>;
    /// The link, to read.
    fn next(&self) -> &Next<Self>;
}

/// A link: opaque outside of this file.
pub(crate) struct Next<T>(*mut T);

impl<T> Next<T> {
    /// The link of an item that is in no list.
    pub(crate) const fn none() -> Self {
        Self(null_mut())
    }
}

/// Owns the items in it.
///
/// # Invariants
///
/// `first` starts a null-terminated line of pointers from `KBox::into_raw`, each in it once.
pub(crate) struct List<T: Link> {
    first: Next<T>,
}

// SAFETY: The list owns its items, so it may go where they may.
unsafe impl<T: Link + Send> Send for List<T> {}

impl<T: Link> List<T> {
    /// An empty list.
    pub(crate) const fn new() -> Self {
        // INVARIANT: An empty list ends at once.
        Self {
            first: Next::none(),
        }
    }

    /// Puts an item first.
    pub(crate) fn push(&mut self, mut item: KBox<T>) {
        *item.link() = Next(self.first.0);
        // INVARIANT: The box is followed by the list as it was.
        self.first = Next(KBox::into_raw(item));
    }

    /// The items, the newest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let mut at = self.first.0;
        core::iter::from_fn(move || {
            // SAFETY: By the type invariant; the list is borrowed meanwhile.
            let item = unsafe { at.as_ref() }?;
            at = item.next().0;
            Some(item)
        })
    }

    /// The first item that `is_it`, to change.
    pub(crate) fn find_mut(&mut self, is_it: impl Fn(&T) -> bool) -> Option<&mut T> {
        let mut at = self.first.0;
        loop {
            // SAFETY: By the type invariant; the list is borrowed exclusively meanwhile, and only
            // one reference is handed out.
            let item = unsafe { at.as_mut() }?;
            if is_it(item) {
                return Some(item);
            }
            at = item.next().0;
        }
    }

    /// Takes the first item that `is_it` out.
    pub(crate) fn unlink(&mut self, is_it: impl Fn(&T) -> bool) -> Option<KBox<T>> {
        let mut link: *mut Next<T> = &mut self.first;
        loop {
            // SAFETY: `link` is the list's first link or an item's, and the list is borrowed
            // exclusively.
            let at = unsafe { (*link).0 };
            // SAFETY: By the type invariant.
            let item = unsafe { at.as_mut() }?;
            if is_it(item) {
                // INVARIANT: The list goes on behind the item, which is in it no more.
                // SAFETY: As above.
                unsafe { (*link).0 = item.next().0 };
                // SAFETY: By the type invariant, and nobody else has the pointer now.
                return Some(unsafe { KBox::from_raw(at) });
            }
            link = item.link();
        }
    }

    /// Takes the first item out.
    pub(crate) fn pop(&mut self) -> Option<KBox<T>> {
        self.unlink(|_| true)
    }
}

impl<T: Link> Drop for List<T> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

#[kernel::macros::kunit_tests(rust_pool_chain)]
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

    impl Link for Item<'_> {
        fn link(&mut self) -> &mut Next<Self> {
            &mut self.next
        }

        fn next(&self) -> &Next<Self> {
            &self.next
        }
    }

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
