// SPDX-License-Identifier: GPL-2.0

//! The kinds of blocks that the magazines keep, each on a shelf of its own.

use crate::{
    class::{
        Class,
        CLASSES,
        SIZES, //
    },
    header::UNIT,
    sys::PAGE_SIZE, //
};

/// Orders of pages that are kept: 4 to 64 KiB.
pub(crate) const ORDERS: usize = 5;
/// How many shelves there are.
pub(crate) const SHELVES: usize = CLASSES + ORDERS;

/// Where blocks of one kind are kept.
///
/// # Invariants
///
/// The number is below [`SHELVES`].
#[derive(Clone, Copy)]
pub(crate) struct Shelf(usize);

/// What is on a shelf.
pub(crate) enum Content {
    /// Objects of a size class.
    Objects(usize),
    /// Pages of an order.
    Pages(u32),
}

impl Shelf {
    /// For objects of a class.
    #[inline(always)]
    pub(crate) fn objects(class: Class) -> Self {
        // INVARIANT: By that of `Class`.
        Self(class.number())
    }

    /// For pages of an order; of the highest if that is not kept.
    #[inline(always)]
    pub(crate) fn pages(order: u32) -> Self {
        // INVARIANT: It is one of the shelves behind those of the classes.
        // CAST: Lossless on the architectures supported.
        Self(CLASSES + (order as usize).min(ORDERS - 1))
    }

    /// The shelf of a number, if there is one.
    #[inline]
    pub(crate) fn from_number(number: usize) -> Option<Self> {
        // INVARIANT: As checked.
        (number < SHELVES).then_some(Self(number))
    }

    /// Its number.
    #[inline(always)]
    pub(crate) fn number(self) -> usize {
        self.0
    }

    /// All shelves.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..SHELVES).filter_map(Self::from_number)
    }

    /// What it is for.
    pub(crate) fn content(self) -> Content {
        let number = self.number();
        match SIZES.get(number) {
            Some(units) => Content::Objects(*units),
            // CAST: An order is below `ORDERS`.
            None => Content::Pages(number.saturating_sub(CLASSES) as u32),
        }
    }

    /// What each block on it takes, in bytes.
    pub(crate) fn bytes(self) -> usize {
        match self.content() {
            Content::Objects(units) => units * UNIT,
            Content::Pages(order) => PAGE_SIZE << order,
        }
    }
}

#[kernel::macros::kunit_tests(rust_pool_shelf)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert!(Shelf::all().count() == SHELVES);
        for (number, shelf) in Shelf::all().enumerate() {
            assert!(shelf.number() == number);
            assert!(Shelf::from_number(number).is_some());
        }
        assert!(Shelf::from_number(SHELVES).is_none());
    }

    #[test]
    fn pages_up_to_64_kib() {
        for (order, bytes) in [(0, 4096), (1, 8192), (2, 16384), (3, 32768), (4, 65536)] {
            let shelf = Shelf::pages(order);
            assert!(shelf.bytes() == bytes);
            assert!(matches!(shelf.content(), Content::Pages(it) if it == order));
        }
        for order in [5, u32::MAX] {
            assert!(Shelf::pages(order).bytes() == 65536);
        }
    }

    #[test]
    fn objects_of_each_class() {
        for (number, &units) in SIZES.iter().enumerate() {
            // SAFETY: No class is larger than the largest object.
            let shelf = Shelf::objects(unsafe { Class::of(units) });
            assert!(shelf.number() == number && shelf.bytes() == units * UNIT);
            assert!(matches!(shelf.content(), Content::Objects(it) if it == units));
        }
    }
}
