// SPDX-License-Identifier: GPL-2.0

//! The kinds of blocks; each kind has its own magazines.

use crate::{
    header::UNIT,
    memory::size_class::{
        Class,
        CLASSES,
        SIZES, //
    },
    sys::PAGE_SIZE, //
};

/// Orders of pages that are kept: 4 to 64 KiB.
pub(crate) const ORDERS: usize = 5;

/// One of these orders. An enum, so that the compiler knows how many there are.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    Zero,
    One,
    Two,
    Three,
    Four,
}

impl Order {
    /// All of them.
    pub(crate) const ALL: [Self; ORDERS] =
        [Self::Zero, Self::One, Self::Two, Self::Three, Self::Four];

    /// Bytes of the pages.
    #[inline(always)]
    pub(crate) fn bytes(self) -> usize {
        PAGE_SIZE << u32::from(self)
    }
}

impl From<Order> for u32 {
    #[inline(always)]
    fn from(order: Order) -> Self {
        // CAST: The discriminants are the orders.
        order as Self
    }
}

/// The most blocks in a magazine, while there are bursts.
pub(crate) const CAPACITY: usize = 28;
/// How many kinds there are.
pub(crate) const KINDS: usize = CLASSES + ORDERS;
/// How many of them the depot keeps: all objects, and single pages.
pub(crate) const IN_DEPOT: usize = CLASSES + 1;

/// Bytes of each block, by the kind's number.
pub(crate) const BYTES: [usize; KINDS] = {
    let mut bytes = [0; KINDS];
    let mut number = 0;
    while number < KINDS {
        bytes[number] = if number < CLASSES {
            SIZES[number] * UNIT
        } else {
            PAGE_SIZE << (number - CLASSES)
        };
        number += 1;
    }
    bytes
};

/// A kind of blocks.
///
/// # Invariants
///
/// The number is below [`KINDS`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct MagazineKind(usize);

/// What is in a magazine of a kind.
pub(crate) enum Content {
    /// Objects of a size class.
    Objects(usize),
    /// Pages of an order.
    Pages(u32),
}

impl MagazineKind {
    /// For objects of a class.
    #[inline(always)]
    pub(crate) fn objects(class: Class) -> Self {
        // INVARIANT: By the invariant of `Class` its number is below `CLASSES`.
        Self(class.number())
    }

    /// For pages of an order; of the highest order that is kept, if this one is not.
    #[inline(always)]
    pub(crate) fn pages(order: u32) -> Self {
        // INVARIANT: It is one of the kinds behind those of the classes.
        // CAST: Lossless on the architectures supported.
        Self(CLASSES + (order as usize).min(ORDERS - 1))
    }

    /// For pages of an order that is certainly kept.
    #[inline(always)]
    pub(crate) fn order(order: Order) -> Self {
        // INVARIANT: As above.
        // CAST: The discriminants are the orders.
        Self(CLASSES + order as usize)
    }

    /// The kind of a number, if there is one.
    #[inline]
    pub(crate) fn from_number(number: usize) -> Option<Self> {
        // INVARIANT: The number was just compared.
        (number < KINDS).then_some(Self(number))
    }

    /// Its number.
    #[inline(always)]
    pub(crate) fn number(self) -> usize {
        self.0
    }

    /// Whether it is for pages.
    #[inline(always)]
    pub(crate) fn is_pages(self) -> bool {
        self.number() >= CLASSES
    }

    /// All kinds.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..KINDS).filter_map(Self::from_number)
    }

    /// What it is for.
    pub(crate) fn content(self) -> Content {
        match self.units() {
            Some(units) => Content::Objects(units),
            // CAST: An order is below `ORDERS`.
            None => Content::Pages(self.number().saturating_sub(CLASSES) as u32),
        }
    }

    /// Units of each object of this kind; `None` if it is for pages.
    #[inline]
    pub(crate) fn units(self) -> Option<usize> {
        SIZES.get(self.number()).copied()
    }

    /// Bytes of each block of this kind.
    pub(crate) fn bytes(self) -> usize {
        BYTES.get(self.number()).map_or(0, |&bytes| bytes)
    }
}

#[kernel::macros::kunit_tests(rust_pool_kind)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert!(MagazineKind::all().count() == KINDS);
        for (number, kind) in MagazineKind::all().enumerate() {
            assert!(kind.number() == number);
            assert!(MagazineKind::from_number(number).is_some());
        }
        assert!(MagazineKind::from_number(KINDS).is_none());
    }

    #[test]
    fn pages_up_to_64_kib() {
        for (order, bytes) in [(0, 4096), (1, 8192), (2, 16384), (3, 32768), (4, 65536)] {
            let kind = MagazineKind::pages(order);
            assert!(kind.bytes() == bytes);
            assert!(matches!(kind.content(), Content::Pages(it) if it == order));
        }
        for order in [5, u32::MAX] {
            assert!(MagazineKind::pages(order).bytes() == 65536);
        }
    }

    #[test]
    fn objects_of_each_class() {
        for (number, &units) in SIZES.iter().enumerate() {
            // CAST: No class is larger than the largest object.
            let kind = MagazineKind::objects(Class::of(units as u8));
            assert!(kind.number() == number && kind.bytes() == units * UNIT);
            assert!(matches!(kind.content(), Content::Objects(it) if it == units));
        }
    }
}
